/* err.h - the error object: one code and one sentence. Used by: everything. */
#ifndef SAFEHAND_ERR_H
#define SAFEHAND_ERR_H

#include <stddef.h>

/* Every code is a row of the table in lib/err.c: its public name (sent over the network and
 * shown by --json), its HTTP status (RFC 9110) and the exit status of the client's commands. */
enum err_code {
	ERR_OK,		 /* no error */
	ERR_FAIL,	 /* a check of authenticity failed that no other row names */
	ERR_USAGE,	 /* wrong arguments or a malformed request */
	ERR_CONFIG,	 /* configuration refused; the sentence names file:line */
	ERR_INCOMPLETE,	 /* nothing wrong, something is missing */
	ERR_FORMAT,	 /* bytes that are not of their format; the sentence names the member */
	ERR_LIMIT,	 /* a limit of limits.h or of the policy exceeded */
	ERR_SIGNATURE,	 /* CMS or note signature does not hold */
	ERR_CERTIFICATE, /* no chain to the root, or a certificate malformed */
	ERR_EXPIRED,	 /* certificate outside its validity */
	ERR_REVOKED,	 /* certificate revoked, or no current CRL */
	ERR_PROFILE,  /* a good certificate, but of another profile or name than the act demands */
	ERR_DIGEST,   /* bytes do not have the digest or length that was signed */
	ERR_SECRET,   /* a key, slot or passphrase does not open what it should */
	ERR_ARCHIVE,  /* documents inside the payload refused: hostile name, link, bomb */
	ERR_DENIED,   /* authenticated, but not allowed */
	ERR_UNKNOWN,  /* no such bundle, mailbox, entry; or one that the asker may not know of */
	ERR_CONFLICT, /* same id, other bytes */
	ERR_ORDER,    /* an event that may not follow the present state */
	ERR_REPEATED, /* an event that is recorded already, with other bytes */
	ERR_ROUTE,    /* the route changed since it was asked for: seal again */
	ERR_WITHHELD, /* the cover's slot is not released */
	ERR_CLOCK,    /* clock unsynchronised or gone backwards, or a time too far from it */
	ERR_STORAGE,  /* disk full or watermark, quota */
	ERR_BUSY,     /* temporarily unable; repeat after Retry-After */
	ERR_HISTORY,  /* the log contradicts an earlier checkpoint */
	ERR_NETWORK,  /* peer unreachable, TLS failure, time-out */
	ERR_SYSTEM,   /* a system call failed */
	ERR_INTERNAL, /* a peer role broke the protocol */
	ERR_CODES
};

#define ERR_TEXT_MAX                                                                               \
	480 /* bytes of a sentence, NUL included: fits one log line and one IPC field */

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX];
};

/* Sets code and sentence (printf style; e may be NULL). Bytes of the formatted sentence that are
 * not printable UTF-8 become \xNN. Always returns -1, so that a refusal is one line. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set with ": strerror(errno)" appended; ENOSPC and EDQUOT make it ERR_STORAGE, else
 * ERR_SYSTEM. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the sentence that is there; returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);

/* Public name such as "signature"; never NULL. Static string. */
const char *err_name(enum err_code code);
/* The code of a public name, or ERR_CODES if there is none. */
enum err_code err_by_name(const char *name);
/* A short title for people, such as "The signature does not hold". Static string. */
const char *err_title(enum err_code code);
int err_http(enum err_code code); /* HTTP status 200..599 */
int err_exit(enum err_code code); /* exit status 0..125 */

#endif
