/* members.h - the roster as the store needs it: mailboxes, their cover, what may be sealed to them.
 */
#ifndef SAFEHAND_STORE_MEMBERS_H
#define SAFEHAND_STORE_MEMBERS_H

#include "frame/msg.h"

struct member {
	char mailbox[NAME_MAILBOX];
	char cover[NAME_MAILBOX];	       /* "": none */
	char area[NAME_CLASS];		       /* its agency's; "": none */
	struct fact_certificate *certificates; /* newest first */
	size_t n;
};

struct members;

struct members *members_new(void);
void members_free(struct members *m); /* NULL is fine */
/* Rows as verify sends them; ERR_FORMAT: a mailbox twice, or too many. */
int members_add(struct members *m, const struct msg_roster_row *row, struct err *e)
    __attribute__((warn_unused_result));
/* After the last row: ERR_FORMAT if rows are missing. */
int members_end(struct members *m, const struct msg_roster_end *end, struct err *e)
    __attribute__((warn_unused_result));

size_t members_count(const struct members *m);
const struct member *members_at(const struct members *m, size_t i);		 /* by name */
const struct member *members_find(const struct members *m, const char *mailbox); /* NULL: none */
bool members_has_area(const struct members *m, const char *area);
bool members_has_agency(const struct members *m, const char *agency);
const struct msg_roster_end *members_about(const struct members *m); /* serial, times, digest */

/* May the mailbox be sealed to with this certificate now? ERR_ROUTE: the roster has another one
 * now, seal again; ERR_EXPIRED: outside its validity; ERR_PROFILE: it is another mailbox's; else
 * what verify found (ERR_REVOKED, …). */
int members_key(const struct members *m, const struct member *member,
		const uint8_t cert[static DIGEST_BYTES], int64_t now_ms, struct err *e)
    __attribute__((warn_unused_result));
/* Is this one of the member's certificates good now? */
bool member_key_holds(const struct fact_certificate *c, int64_t now_ms);

#endif
