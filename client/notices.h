/* notices.h - a notice of the gateway's, taken out of a fetched file into a folder. */
#ifndef CLIENT_NOTICES_H
#define CLIENT_NOTICES_H

#include "opening.h"
#include "safehand/notice_file.h"

#define NOTICE_JSON "notice.json" /* its text, as it was signed */
#define NOTICE_TEXT "notice.txt"  /* its sentence, for a person */

/* The whole of a file that begins like a notice (notice_file_is); appended to out. *is false, and
 * nothing appended, if it is a bundle. */
int notices_read(int fd, bool *is, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));
/* Judges the bytes by the roster's root: signed by the gateway, told to the mailbox, of this id.
 * manifest_sha256 takes the text's digest; out takes class, sender, signer, sentence and text. */
int notices_judge(struct client *c, const struct buf *bytes, const char *mailbox, const char *id,
		  uint8_t manifest_sha256[static DIGEST_BYTES], struct opening_result *out,
		  struct err *e) __attribute__((warn_unused_result));
/* Into the new folder name under dir_fd, synced: NOTICE_JSON and NOTICE_TEXT. */
int notices_write(const struct opening_result *r, int dir_fd, const char *name, struct err *e)
    __attribute__((warn_unused_result));

#endif
