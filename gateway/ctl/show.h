/* show.h - the gateway's answers as people read them. Runs in: safehandctl. Pure, but for locale
 * and time zone. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

struct json;

/* Each appends the answer as text and returns ERR_OK, or the code that the exit status is made of.
 * word: the command's argument, NULL if it has none. What is absent shows as a dash. */
enum err_code show_status(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_bundles(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_mailboxes(const struct json *a, const char *word, int64_t now_ms,
			     struct buf *out);
enum err_code show_evidence(const struct json *a, const char *word, int64_t now_ms,
			    struct buf *out);
enum err_code show_canaries(const struct json *a, const char *word, int64_t now_ms,
			    struct buf *out);
enum err_code show_quarantine(const struct json *a, const char *word, int64_t now_ms,
			      struct buf *out);
enum err_code show_done(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_revoked(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_audit(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_report(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_board(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_fsck(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_reload(const struct json *a, const char *word, int64_t now_ms, struct buf *out);
enum err_code show_stop(const struct json *a, const char *word, int64_t now_ms, struct buf *out);

/* How far a check under way is, from an answer to status that tells of it: one line, without its
 * end. */
void show_checking(const struct json *status, struct buf *out);

/* The gateway's refusal, if the answer is one: -1 with its code and sentence. */
int show_refusal(const struct json *a, struct err *e);
/* Whether the answer is a file of its own (the evidence of one entry), to be shown as it came. */
bool show_is_file(const struct json *a);
/* Appends JSON text (valid, parsed before) so that no terminal is steered by it and its meaning is
 * the same: characters that are not clean become \uXXXX. */
void show_raw(const char *json, size_t n, struct buf *out);

#endif
