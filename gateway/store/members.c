/* members.c - the roster as the store needs it. Runs in: store. Owns: its rows. Trusts: verify,
 * that signature, serial and certificates are what it says; times are judged here, at each use. */
#include "store/members.h"

#include <stdlib.h>
#include <string.h>

struct members {
	struct member *list; /* by name after members_end */
	size_t n;
	struct msg_roster_end about;
};

struct members *
members_new(void)
{
	return mem_alloc(sizeof(struct members));
}

void
members_free(struct members *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].certificates);
	free(m->list);
	free(m);
}

int
members_add(struct members *m, const struct msg_roster_row *row, struct err *e)
{
	struct member *new;

	if (m->n == ROSTER_MAILBOXES_MAX)
		return err_set(e, ERR_LIMIT, "roster: more than %d mailboxes",
			       ROSTER_MAILBOXES_MAX);
	if (!name_is_mailbox(row->mailbox) ||
	    (row->cover[0] != '\0' && !name_is_mailbox(row->cover)) ||
	    (row->area[0] != '\0' && !name_is_class(row->area)))
		return err_set(e, ERR_FORMAT, "roster: %s: not a mailbox name", row->mailbox);
	m->list = mem_realloc(m->list, m->n + 1, sizeof *m->list);
	new = &m->list[m->n++];
	*new = (struct member){.n = row->certificates.n};
	strcpy(new->mailbox, row->mailbox);
	strcpy(new->cover, row->cover);
	strcpy(new->area, row->area);
	if (new->n > 0)
		new->certificates =
		    mem_dup(row->certificates.items, new->n * sizeof *new->certificates);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->mailbox, ((const struct member *)b)->mailbox);
}

int
members_end(struct members *m, const struct msg_roster_end *end, struct err *e)
{
	if (m->n != end->rows)
		return err_set(e, ERR_FORMAT, "roster: %zu mailboxes of %llu came", m->n,
			       (unsigned long long)end->rows);
	if (m->n > 0)
		qsort(m->list, m->n, sizeof *m->list, by_name);
	for (size_t i = 1; i < m->n; i++)
		if (by_name(&m->list[i - 1], &m->list[i]) == 0)
			return err_set(e, ERR_FORMAT, "roster: %s: there twice",
				       m->list[i].mailbox);
	m->about = *end;
	return 0;
}

size_t
members_count(const struct members *m)
{
	return m->n;
}

const struct member *
members_at(const struct members *m, size_t i)
{
	return &m->list[i];
}

static int
name_order(const void *name, const void *member)
{
	return strcmp(name, ((const struct member *)member)->mailbox);
}

const struct member *
members_find(const struct members *m, const char *mailbox)
{
	return m->n == 0 ? NULL : bsearch(mailbox, m->list, m->n, sizeof *m->list, name_order);
}

bool
members_has_area(const struct members *m, const char *area)
{
	bool has = false;

	for (size_t i = 0; i < m->n && !has; i++)
		has = area[0] != '\0' && strcmp(m->list[i].area, area) == 0;
	return has;
}

bool
members_has_agency(const struct members *m, const char *agency)
{
	for (size_t i = 0; i < m->n; i++) {
		char of[NAME_AGENCY];

		name_agency(of, m->list[i].mailbox);
		if (strcmp(of, agency) == 0)
			return true;
	}
	return false;
}

const struct msg_roster_end *
members_about(const struct members *m)
{
	return &m->about;
}

bool
member_key_holds(const struct fact_certificate *c, int64_t now_ms)
{
	return c->code == ERR_OK && c->not_before_ms <= now_ms && now_ms <= c->not_after_ms;
}

static const struct fact_certificate *
certificate_of(const struct member *member, const uint8_t *cert)
{
	for (size_t i = 0; i < member->n; i++)
		if (memcmp(member->certificates[i].cert, cert, DIGEST_BYTES) == 0)
			return &member->certificates[i];
	return NULL;
}

int
members_key(const struct members *m, const struct member *member,
	    const uint8_t cert[static DIGEST_BYTES], int64_t now_ms, struct err *e)
{
	const struct fact_certificate *c = certificate_of(member, cert);

	if (c != NULL && member_key_holds(c, now_ms))
		return 0;
	if (c != NULL && c->code > ERR_OK && c->code < ERR_CODES)
		return err_set(e, c->code, "to %s: the certificate sealed for is refused: %s",
			       member->mailbox, err_title(c->code));
	if (c != NULL)
		return err_set(e, ERR_EXPIRED, "to %s: the certificate sealed for is not valid now",
			       member->mailbox);
	for (size_t i = 0; i < m->n; i++)
		if (certificate_of(&m->list[i], cert) != NULL)
			return err_set(e, ERR_PROFILE, "to %s: sealed for a certificate of %s",
				       member->mailbox, m->list[i].mailbox);
	return err_set(e, ERR_ROUTE,
		       "to %s: sealed for a certificate that the roster does not have",
		       member->mailbox);
}
