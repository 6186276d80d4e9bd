/* msg.h - the messages between roles: facts in typed structs; bytes travel as one descriptor beside
 * them. Runs in: all roles. The table in msg.c says of each kind who sends it, who takes it and
 * whether a descriptor comes with it. A struct's members are the wire's fields in the order of the
 * table's field list. */
#ifndef FRAME_MSG_H
#define FRAME_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/limits.h"
#include "safehand/name.h"
#include "safehand/notice.h"

#define MSG_MAX_BYTES                                                                              \
	(192 * 1024) /* below net.core.wmem_default (212,992) less the kernel's own                \
		      */

/* Bytes that travel inside a message; more go as a descriptor. A memfd costs ten times what it
 * costs to copy the head of a bundle (some 2 to 10 KiB) through the socket, and two of the largest
 * still fit into a socket's buffer. */
#define CARRY_MAX_BYTES (64 * 1024)

enum role_id {
	ROLE_MASTER,
	ROLE_FRONT,
	ROLE_VERIFY,
	ROLE_STORE,
	ROLE_NOTARY,
	ROLE_COURIER,
	ROLE_IDS
};
const char *role_name(enum role_id id);

enum msg_kind {
	/* master -> role, at start and at reload */
	MSG_CONF = 1, /* [fd] the effective configuration, as safehandd -N prints it */
	MSG_SECRET,   /* [fd] a private key in PEM, its passphrase; only to the role that owns it */
	MSG_FILE,     /* [fd] a public file: root, issuing, crl, roster, certificates */
	MSG_PEER,     /* [fd] a channel to another role (also later: a verify worker replaced) */
	MSG_LISTEN,   /* [fd] a bound and listening socket */
	MSG_DIR,      /* [fd] the data folder */
	MSG_GO,	      /* all sent: enter the jail and work; or GO_TRY */
	MSG_RELOAD,   /* all sent again: take the new ones */
	MSG_STOP,     /* finish what is under way, then exit 0 */
	MSG_READY,    /* role -> master: confined (as the kernel says) and serving, or reloaded */
	MSG_CONTROL,  /* master -> store: [fd] an accepted control or metrics connection */
	/* front <-> store */
	MSG_BEGIN,
	MSG_RESUME,
	MSG_END,
	MSG_CUT,
	MSG_ASK,
	MSG_STATEMENT,
	MSG_ROUTE,
	MSG_CANCEL,
	MSG_UPLOAD, /* store -> front: GO of the design: the payload may come */
	MSG_REPLY,
	MSG_BODY,
	/* store <-> verify */
	MSG_CHECK,
	MSG_FACTS_HEAD,
	MSG_FACTS_STATEMENT,
	MSG_FACTS_ROUTE,
	MSG_ROSTER_ROW,
	MSG_ROSTER_END,
	MSG_REFUSED, /* also notary -> store */
	MSG_RETIRE,  /* verify -> store: give me no more jobs */
	/* store <-> notary */
	MSG_LAST,
	MSG_SEAL,
	MSG_SEALED,
	MSG_NOTICE,
	MSG_NOTICED, /* or REFUSED, with the job */
	/* store <-> courier */
	MSG_STAMP,
	MSG_STAMPED,
	MSG_NOTIFY,
	MSG_NOTIFIED,
	MSG_KINDS
};

/* Bytes inside the message; p points into the receive buffer: valid until the handler returns. */
struct blob {
	const uint8_t *p;
	size_t n;
};

/* Repeated structs; decoded items live until the handler returns. */
struct list {
	const void *items;
	size_t n;
};

#define GO_TRY 1   /* number of a GO: take the files as at a start, answer READY, leave */
struct msg_named { /* CONF (name empty), SECRET, FILE, LISTEN, DIR, GO, RELOAD, STOP (number: grace
		      in ms) */
	char name[NAME_MAILBOX];
	uint64_t number;
};

struct msg_peer {
	uint32_t role, index;
};

struct msg_ready {
	struct blob text; /* one JSON object: the confinement as the kernel reports it */
};

struct msg_control {
	uint32_t kind;	   /* enum control_kind */
	struct blob roles; /* JSON array of the roles, for status */
};
enum control_kind { CONTROL_COMMAND, CONTROL_METRICS };

/* job: chosen by the sender of the request, unique on its channel while it lives; answers carry it
 * back. */
struct msg_begin { /* the head: fixed part, manifest, signature, slots; in bytes, or [fd] a memfd */
	uint64_t job;
	char agency[NAME_AGENCY];
	uint8_t cert[DIGEST_BYTES];
	char id[UUID_TEXT];
	uint64_t head_bytes, payload_bytes;
	uint32_t whole; /* 1: the payload follows the head in bytes, and no END will come */
	struct blob bytes;
};

struct msg_resume { /* offset: in the .shb, head included */
	uint64_t job;
	char agency[NAME_AGENCY];
	uint8_t cert[DIGEST_BYTES];
	char id[UUID_TEXT];
	uint64_t offset,
	    total; /* total: bytes of the whole .shb as the client says, 0 if it does not */
};

struct msg_end { /* length: of the payload; digest: SHA-256 of it */
	uint64_t job, length;
	uint8_t digest[DIGEST_BYTES];
};

struct msg_cut { /* received: payload bytes that were written to the staging fd */
	uint64_t job, received;
};

#define ETAG_TEXT (2 * DIGEST_BYTES + 1) /* hex of a digest, without the quotes */

enum ask {
	ASK_ROSTER,
	ASK_CRL,
	ASK_UPLOAD,	   /* id: how far an upload has come (HEAD) */
	ASK_BUNDLE,	   /* id */
	ASK_EVIDENCE,	   /* id */
	ASK_EVIDENCE_FILE, /* id, number: seq */
	ASK_FEED,	   /* mailbox, number: after, number2: wait in seconds */
	ASK_FETCH,	   /* mailbox, id, and the last members */
	ASK_SUBSCRIPTIONS, /* mailbox */
	ASK_SUBSCRIBE,	   /* mailbox, kind, value */
	ASK_UNSUBSCRIBE,
	ASK_CHECKPOINT,
	ASK_TILE, /* number: level, number2: index, value: width in decimal or empty for a full one
		   */
	ASK_CONSISTENCY, /* number: old size */
	ASK_BOARD,	 /* mailbox */
	ASK_AWAY,	 /* mailbox */
	ASK_AWAY_SET, /* mailbox, number: until in ms, other: who covers, empty: as the roster says
		       */
	ASK_AWAY_END, /* mailbox */
	ASK_CLASSES,
	ASK_CONSENTS,	  /* mailbox */
	ASK_CONSENT,	  /* mailbox gives it; kind, value, other: who subscribes */
	ASK_UNCONSENT,	  /* likewise */
	ASK_EXPECTATIONS, /* mailbox */
	ASK_EXPECT,   /* mailbox, id, value: class, other: from whom, number: due in ms, about or ""
		       */
	ASK_UNEXPECT, /* mailbox, id */
	ASK_EXPECTATION_EVIDENCE, /* mailbox, id, number: seq */
	ASKS
};

struct msg_ask {
	uint64_t job;
	char agency[NAME_AGENCY];
	uint8_t cert[DIGEST_BYTES];
	uint32_t what; /* enum ask */
	char mailbox[NAME_MAILBOX];
	char id[UUID_TEXT];
	char kind[16];
	char value[NAME_CLASS];
	uint64_t number, number2;
	char other[NAME_MAILBOX]; /* a second mailbox */
	char about[ABOUT_TEXT];
	/* FETCH: what of it, and when not. What front says here is kept in the log. */
	uint32_t head_only;	  /* HEAD: nothing of it leaves */
	uint32_t range;		  /* enum range_kind; number and number2 are its a and b */
	char have[ETAG_TEXT];	  /* If-None-Match, empty: absent or none of ours */
	char if_range[ETAG_TEXT]; /* If-Range, likewise; then the range counts only of this */
};

struct msg_statement { /* the SHS1 bytes: in bytes, or [fd] a memfd */
	uint64_t job;
	char agency[NAME_AGENCY];
	uint8_t cert[DIGEST_BYTES];
	char mailbox[NAME_MAILBOX];
	char id[UUID_TEXT];
	struct blob bytes;
};

struct msg_route { /* the JSON request: in bytes, or [fd] a memfd */
	uint64_t job;
	char agency[NAME_AGENCY];
	uint8_t cert[DIGEST_BYTES];
	struct blob bytes;
};

struct msg_job { /* CANCEL: long poll left */
	uint64_t job;
};

struct msg_upload { /* [fd] staging: write payload byte k at offset + k; received: of those already
		       there */
	uint64_t job, offset, received, head_bytes, payload_bytes;
};

enum body_type {
	BODY_NONE,
	BODY_JSON,
	BODY_PROBLEM,
	BODY_TEXT,
	BODY_PEM,
	BODY_ROSTER,
	BODY_OCTETS
};

struct msg_reply { /* [fd, optional] the body, fd_bytes long from offset 0; else body inline */
	uint64_t job;
	uint32_t status; /* HTTP */
	uint32_t type;	 /* enum body_type */
	uint32_t code;	 /* enum err_code; with BODY_PROBLEM front writes the problem+json from code
			    and detail */
	uint32_t retry_after;  /* seconds, 0 for no header */
	int64_t upload_offset; /* -1 for no header */
	uint32_t upload_complete;
	char etag[ETAG_TEXT];
	char detail[ERR_TEXT_MAX];
	uint64_t fd_bytes;
	uint64_t total; /* with status 416: bytes of the whole */
	struct blob body;
};

/* [fd, but for HEAD] whole = prefix, then length bytes of fd from offset; of that the answer is
 * count bytes from byte from, and 206 if ranged. */
struct msg_body {
	uint64_t job;
	char etag[ETAG_TEXT];
	uint64_t offset, length;
	uint32_t ranged;
	uint64_t from, count;
	struct blob prefix;
};

enum check { CHECK_HEAD, CHECK_STATEMENT, CHECK_ROUTE, CHECK_ROSTER };

struct msg_check { /* what to check: in bytes, or [fd] a memfd */
	uint64_t job;
	uint32_t what; /* enum check */
	int64_t now_ms;
	struct blob bytes;
};

struct fact_name {
	char name[NAME_MAILBOX];
};

struct fact_recipient {
	char mailbox[NAME_MAILBOX];
	uint32_t cover;		   /* 0: as "to", 1: as "cover" */
	char covers[NAME_MAILBOX]; /* with cover: for whom */
	uint8_t key[DIGEST_BYTES]; /* of the certificate sealed for */
};

struct fact_action {
	uint32_t n;
	char owner[NAME_MAILBOX];
	char due[11]; /* YYYY-MM-DD */
};

struct fact_signer {
	char by[NAME_BY];
	char agency[NAME_AGENCY];
	uint32_t profile; /* enum profile */
	uint8_t cert[DIGEST_BYTES];
};

#define TIME_NONE INT64_MIN /* an instant that is null */

struct msg_facts_head {
	uint64_t job;
	char id[UUID_TEXT];
	char from[NAME_MAILBOX];
	char klass[NAME_CLASS];
	uint32_t provisional;				 /* status: 0 final, 1 provisional */
	uint32_t concern;				 /* 0 null, 1 inconclusive, 2 active */
	int64_t created_ms, event_at_ms;		 /* event_at TIME_NONE: null */
	char reply_to[UUID_TEXT], supersedes[UUID_TEXT]; /* empty: null */
	uint8_t manifest_sha256[DIGEST_BYTES], payload_sha256[DIGEST_BYTES];
	uint64_t manifest_bytes, signature_bytes, payload_bytes;
	struct list to;	     /* struct fact_recipient, in order of the slots */
	struct list about;   /* struct fact_name */
	struct list actions; /* struct fact_action */
	struct list signers; /* struct fact_signer */
};

struct msg_facts_statement {
	uint64_t job;
	uint32_t kind; /* enum statement_kind of statement.h */
	char bundle[UUID_TEXT];
	char mailbox[NAME_MAILBOX];
	uint8_t manifest_sha256[DIGEST_BYTES];
	uint32_t has_content;
	uint8_t content_sha256[DIGEST_BYTES];
	int64_t at_ms;
	char code[64];
	char reply[UUID_TEXT]; /* empty: null */
	uint8_t statement_sha256[DIGEST_BYTES];
	struct list signers; /* struct fact_signer, exactly one */
};

struct msg_facts_route {
	uint64_t job;
	char klass[NAME_CLASS];
	char from[NAME_MAILBOX];
	char supersedes[UUID_TEXT];	/* empty: null */
	struct list about, to, exclude; /* struct fact_name */
};

struct fact_certificate {
	uint8_t cert[DIGEST_BYTES];
	int64_t not_before_ms, not_after_ms;
	uint32_t code; /* ERR_OK, or why this certificate is refused (revoked, profile, …) */
};

struct msg_roster_row { /* one mailbox */
	uint64_t job;
	char mailbox[NAME_MAILBOX];
	char cover[NAME_MAILBOX]; /* empty: none */
	char area[NAME_CLASS];	  /* its agency's; empty: none */
	struct list certificates; /* struct fact_certificate, newest first */
};

struct msg_roster_end {
	uint64_t job;
	uint64_t serial, rows;
	int64_t issued_ms, expires_ms;
	uint8_t content_sha256[DIGEST_BYTES];
	uint8_t signer[DIGEST_BYTES];
	char log_key[256]; /* C2SP verifier key */
};

struct msg_refused {
	uint64_t job;
	uint32_t code; /* enum err_code */
	char text[ERR_TEXT_MAX];
};

struct fact_hash {
	uint8_t hash[DIGEST_BYTES];
};

struct msg_note { /* LAST: the last checkpoint in the ledger, empty for a new log */
	struct blob note;
};

struct msg_seal {
	uint64_t size; /* leaves of the tree after the group */
	uint8_t root[DIGEST_BYTES];
	struct list proof; /* struct fact_hash: consistency from the last sealed size */
};

struct msg_sealed {
	uint64_t size;
	int64_t time_ms; /* of the token */
	struct blob note, token;
};

struct msg_stamp {
	uint64_t size;
	uint8_t digest[DIGEST_BYTES]; /* SHA-256 of the checkpoint's note text */
};

struct msg_stamped {
	uint64_t size;
	int64_t time_ms;
	char tsa[NAME_MAILBOX]; /* which of the configured ones */
	struct blob token;
};

struct msg_notice { /* job: chosen by the store; the notary composes the text from the fields */
	uint64_t job;
	struct notice notice;
};

struct msg_noticed {
	uint64_t job;
	struct blob text, signature; /* as notice_format makes it; CMS by the gateway-sign key */
};

enum notify_kind { NOTIFY_MAIL, NOTIFY_WEBHOOK, NOTIFY_KINDS };
#define NOTIFY_ADDRESS 512 /* bytes of a mail address or URL, NUL included */

struct msg_notify { /* job: the row in the store's outbox, so the same after a restart */
	uint64_t job;
	uint32_t kind; /* enum notify_kind */
	char address[NOTIFY_ADDRESS];
	char pattern[NAME_MAILBOX]; /* of the section [mailbox "…"] whose webhook-key signs */
	struct notice notice;	    /* what to tell; to: the mailbox whose contact it is */
};

struct msg_notified { /* ok 0: given up, after all tries; text says why */
	uint64_t job;
	uint32_t ok;
	char text[ERR_TEXT_MAX];
};

/* --- what chan.c needs of the table --- */

enum msg_fd { FD_NONE, FD_WITH, FD_MAY };

struct msg_field;
struct msg_row {
	const char *name;
	unsigned from, to; /* masks of 1 << role_id */
	enum msg_fd fd;
	size_t size; /* of the struct */
	const struct msg_field *fields;
};

const struct msg_row *msg_row(uint32_t kind); /* NULL if there is none */
/* Appends the wire form: u32 kind, then the fields. Asserts that strings and lists are within their
 * bounds. */
void msg_encode(enum msg_kind kind, const void *msg, struct buf *out);
/* The whole of bytes into msg (row->size bytes, caller's); lists are allocated: msg_free them.
 * -1 with ERR_INTERNAL naming the message and field; msg needs no msg_free then. Pure. */
int msg_decode(const struct msg_row *row, const uint8_t *bytes, size_t n, void *msg, struct err *e);
void msg_free(const struct msg_row *row, void *msg);

#endif
