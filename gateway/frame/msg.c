/* msg.c - the table of messages and their wire form. Runs in: all roles. Pure. Trusts: no byte it
 * decodes.
 *
 * Wire: u32 kind, then each field in the table's order, big-endian. Strings and blobs: u32 length
 * and bytes; lists: u32 count and items. Numbers are 8 bytes, so that one rule reads them all. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frame/msg.h"
#include "safehand/enc.h"

enum field_type { F_END, F_U32, F_U64, F_I64, F_STR, F_FIX, F_BLOB, F_LIST };

struct msg_field {
	enum field_type type;
	size_t offset;
	size_t size;		       /* STR, FIX: of the member; LIST: of one item */
	const struct msg_field *items; /* LIST */
	size_t max;		       /* LIST: count; BLOB: bytes */
	const char *name;
};

#define U32(S, m)                                                                                  \
	{                                                                                          \
		F_U32, offsetof(struct S, m), 4, NULL, 0, #m                                       \
	}
#define U64(S, m)                                                                                  \
	{                                                                                          \
		F_U64, offsetof(struct S, m), 8, NULL, 0, #m                                       \
	}
#define I64(S, m)                                                                                  \
	{                                                                                          \
		F_I64, offsetof(struct S, m), 8, NULL, 0, #m                                       \
	}
#define STR(S, m)                                                                                  \
	{                                                                                          \
		F_STR, offsetof(struct S, m), sizeof(((struct S *)0)->m), NULL, 0, #m              \
	}
#define FIX(S, m)                                                                                  \
	{                                                                                          \
		F_FIX, offsetof(struct S, m), sizeof(((struct S *)0)->m), NULL, 0, #m              \
	}
#define BLOB(S, m, max)                                                                            \
	{                                                                                          \
		F_BLOB, offsetof(struct S, m), 0, NULL, max, #m                                    \
	}
#define LIST(S, m, I, max)                                                                         \
	{                                                                                          \
		F_LIST, offsetof(struct S, m), sizeof(struct I), I##_fields, max, #m               \
	}
#define END                                                                                        \
	{                                                                                          \
		F_END, 0, 0, NULL, 0, NULL                                                         \
	}

#define BLOB_MAX	 (MSG_MAX_BYTES - 8 * 1024) /* what is left beside the other fields */
#define CERTIFICATES_MAX 16			    /* overlapping certificates of one mailbox */

static const struct msg_field fact_name_fields[] = {STR(fact_name, name), END};
static const struct msg_field fact_recipient_fields[] = {
    STR(fact_recipient, mailbox), U32(fact_recipient, cover), STR(fact_recipient, covers),
    FIX(fact_recipient, key), END};
static const struct msg_field fact_action_fields[] = {U32(fact_action, n), STR(fact_action, owner),
						      STR(fact_action, due), END};
static const struct msg_field fact_signer_fields[] = {
    STR(fact_signer, by), STR(fact_signer, agency), U32(fact_signer, profile),
    FIX(fact_signer, cert), END};
static const struct msg_field fact_certificate_fields[] = {
    FIX(fact_certificate, cert), I64(fact_certificate, not_before_ms),
    I64(fact_certificate, not_after_ms), U32(fact_certificate, code), END};
static const struct msg_field fact_hash_fields[] = {FIX(fact_hash, hash), END};

static const struct msg_field named_fields[] = {STR(msg_named, name), U64(msg_named, number), END};
static const struct msg_field peer_fields[] = {U32(msg_peer, role), U32(msg_peer, index), END};
static const struct msg_field ready_fields[] = {BLOB(msg_ready, text, BLOB_MAX), END};
static const struct msg_field control_fields[] = {U32(msg_control, kind),
						  BLOB(msg_control, roles, BLOB_MAX), END};
static const struct msg_field begin_fields[] = {U64(msg_begin, job),
						STR(msg_begin, agency),
						FIX(msg_begin, cert),
						STR(msg_begin, id),
						U64(msg_begin, head_bytes),
						U64(msg_begin, payload_bytes),
						U32(msg_begin, whole),
						BLOB(msg_begin, bytes, CARRY_MAX_BYTES),
						END};
static const struct msg_field resume_fields[] = {U64(msg_resume, job),
						 STR(msg_resume, agency),
						 FIX(msg_resume, cert),
						 STR(msg_resume, id),
						 U64(msg_resume, offset),
						 U64(msg_resume, total),
						 END};
static const struct msg_field end_fields[] = {U64(msg_end, job), U64(msg_end, length),
					      FIX(msg_end, digest), END};
static const struct msg_field cut_fields[] = {U64(msg_cut, job), U64(msg_cut, received), END};
static const struct msg_field ask_fields[] = {U64(msg_ask, job),
					      STR(msg_ask, agency),
					      FIX(msg_ask, cert),
					      U32(msg_ask, what),
					      STR(msg_ask, mailbox),
					      STR(msg_ask, id),
					      STR(msg_ask, kind),
					      STR(msg_ask, value),
					      U64(msg_ask, number),
					      U64(msg_ask, number2),
					      STR(msg_ask, other),
					      STR(msg_ask, about),
					      U32(msg_ask, head_only),
					      U32(msg_ask, range),
					      STR(msg_ask, have),
					      STR(msg_ask, if_range),
					      END};
static const struct msg_field statement_fields[] = {U64(msg_statement, job),
						    STR(msg_statement, agency),
						    FIX(msg_statement, cert),
						    STR(msg_statement, mailbox),
						    STR(msg_statement, id),
						    BLOB(msg_statement, bytes, CARRY_MAX_BYTES),
						    END};
static const struct msg_field route_fields[] = {U64(msg_route, job), STR(msg_route, agency),
						FIX(msg_route, cert),
						BLOB(msg_route, bytes, CARRY_MAX_BYTES), END};
static const struct msg_field job_fields[] = {U64(msg_job, job), END};
static const struct msg_field upload_fields[] = {
    U64(msg_upload, job),	 U64(msg_upload, offset),	 U64(msg_upload, received),
    U64(msg_upload, head_bytes), U64(msg_upload, payload_bytes), END};
static const struct msg_field reply_fields[] = {U64(msg_reply, job),
						U32(msg_reply, status),
						U32(msg_reply, type),
						U32(msg_reply, code),
						U32(msg_reply, retry_after),
						I64(msg_reply, upload_offset),
						U32(msg_reply, upload_complete),
						STR(msg_reply, etag),
						STR(msg_reply, detail),
						U64(msg_reply, fd_bytes),
						U64(msg_reply, total),
						BLOB(msg_reply, body, BLOB_MAX),
						END};
static const struct msg_field body_fields[] = {U64(msg_body, job),
					       STR(msg_body, etag),
					       U64(msg_body, offset),
					       U64(msg_body, length),
					       U32(msg_body, ranged),
					       U64(msg_body, from),
					       U64(msg_body, count),
					       BLOB(msg_body, prefix, BLOB_MAX),
					       END};
static const struct msg_field check_fields[] = {U64(msg_check, job), U32(msg_check, what),
						I64(msg_check, now_ms),
						BLOB(msg_check, bytes, CARRY_MAX_BYTES), END};
static const struct msg_field facts_head_fields[] = {
    U64(msg_facts_head, job),
    STR(msg_facts_head, id),
    STR(msg_facts_head, from),
    STR(msg_facts_head, klass),
    U32(msg_facts_head, provisional),
    U32(msg_facts_head, concern),
    I64(msg_facts_head, created_ms),
    I64(msg_facts_head, event_at_ms),
    STR(msg_facts_head, reply_to),
    STR(msg_facts_head, supersedes),
    FIX(msg_facts_head, manifest_sha256),
    FIX(msg_facts_head, payload_sha256),
    U64(msg_facts_head, manifest_bytes),
    U64(msg_facts_head, signature_bytes),
    U64(msg_facts_head, payload_bytes),
    LIST(msg_facts_head, to, fact_recipient, RECIPIENTS_MAX),
    LIST(msg_facts_head, about, fact_name, ABOUT_MAX),
    LIST(msg_facts_head, actions, fact_action, ACTIONS_MAX),
    LIST(msg_facts_head, signers, fact_signer, SIGNERS_MAX),
    END};
static const struct msg_field facts_statement_fields[] = {
    U64(msg_facts_statement, job),
    U32(msg_facts_statement, kind),
    STR(msg_facts_statement, bundle),
    STR(msg_facts_statement, mailbox),
    FIX(msg_facts_statement, manifest_sha256),
    U32(msg_facts_statement, has_content),
    FIX(msg_facts_statement, content_sha256),
    I64(msg_facts_statement, at_ms),
    STR(msg_facts_statement, code),
    STR(msg_facts_statement, reply),
    FIX(msg_facts_statement, statement_sha256),
    LIST(msg_facts_statement, signers, fact_signer, 1),
    END};
static const struct msg_field facts_route_fields[] = {
    U64(msg_facts_route, job),
    STR(msg_facts_route, klass),
    STR(msg_facts_route, from),
    STR(msg_facts_route, supersedes),
    LIST(msg_facts_route, about, fact_name, ABOUT_MAX),
    LIST(msg_facts_route, to, fact_name, RECIPIENTS_MAX),
    LIST(msg_facts_route, exclude, fact_name, RECIPIENTS_MAX),
    END};
static const struct msg_field roster_row_fields[] = {
    U64(msg_roster_row, job),
    STR(msg_roster_row, mailbox),
    STR(msg_roster_row, cover),
    STR(msg_roster_row, area),
    LIST(msg_roster_row, certificates, fact_certificate, CERTIFICATES_MAX),
    END};
static const struct msg_field roster_end_fields[] = {U64(msg_roster_end, job),
						     U64(msg_roster_end, serial),
						     U64(msg_roster_end, rows),
						     I64(msg_roster_end, issued_ms),
						     I64(msg_roster_end, expires_ms),
						     FIX(msg_roster_end, content_sha256),
						     FIX(msg_roster_end, signer),
						     STR(msg_roster_end, log_key),
						     END};
static const struct msg_field refused_fields[] = {U64(msg_refused, job), U32(msg_refused, code),
						  STR(msg_refused, text), END};
static const struct msg_field note_fields[] = {BLOB(msg_note, note, NOTE_MAX_BYTES), END};
static const struct msg_field seal_fields[] = {U64(msg_seal, size), FIX(msg_seal, root),
					       LIST(msg_seal, proof, fact_hash, PROOF_HASHES_MAX),
					       END};
static const struct msg_field sealed_fields[] = {U64(msg_sealed, size), I64(msg_sealed, time_ms),
						 BLOB(msg_sealed, note, NOTE_MAX_BYTES),
						 BLOB(msg_sealed, token, TOKEN_MAX_BYTES), END};
static const struct msg_field stamp_fields[] = {U64(msg_stamp, size), FIX(msg_stamp, digest), END};
static const struct msg_field stamped_fields[] = {U64(msg_stamped, size), I64(msg_stamped, time_ms),
						  STR(msg_stamped, tsa),
						  BLOB(msg_stamped, token, TOKEN_MAX_BYTES), END};

#define NOTICE_FIELDS(S)                                                                           \
	STR(S, notice.id), I64(S, notice.created_ms), U32(S, notice.kind), STR(S, notice.to),      \
	    STR(S, notice.bundle), STR(S, notice.expectation), STR(S, notice.klass),               \
	    STR(S, notice.from), STR(S, notice.mailbox), U32(S, notice.owed),                      \
	    U32(S, notice.action), I64(S, notice.start_ms), I64(S, notice.due_ms)
/* the two enums travel as numbers */
_Static_assert(sizeof(enum notice_kind) == 4 && sizeof(enum deadline_kind) == 4,
	       "enums of 4 bytes");

static const struct msg_field notice_fields[] = {U64(msg_notice, job), NOTICE_FIELDS(msg_notice),
						 END};
static const struct msg_field noticed_fields[] = {
    U64(msg_noticed, job), BLOB(msg_noticed, text, NOTICE_MAX_BYTES),
    BLOB(msg_noticed, signature, SIGNATURE_MAX_BYTES), END};
static const struct msg_field notify_fields[] = {
    U64(msg_notify, job),     U32(msg_notify, kind),	 STR(msg_notify, address),
    STR(msg_notify, pattern), NOTICE_FIELDS(msg_notify), END};
static const struct msg_field notified_fields[] = {U64(msg_notified, job), U32(msg_notified, ok),
						   STR(msg_notified, text), END};

#define R(r)	(1u << ROLE_##r)
#define ALL	(R(FRONT) | R(VERIFY) | R(STORE) | R(NOTARY) | R(COURIER))
#define S(name) sizeof(struct msg_##name), name##_fields

static const struct msg_row rows[MSG_KINDS] = {
    /* kind = name, from, to, descriptor, struct and fields */
    [MSG_CONF] = {"conf", R(MASTER), ALL, FD_WITH, S(named)},
    [MSG_SECRET] = {"secret", R(MASTER), R(FRONT) | R(NOTARY) | R(COURIER), FD_WITH, S(named)},
    [MSG_FILE] = {"file", R(MASTER), ALL, FD_WITH, S(named)},
    [MSG_PEER] = {"peer", R(MASTER), ALL, FD_WITH, S(peer)},
    [MSG_LISTEN] = {"listen", R(MASTER), R(FRONT), FD_WITH, S(named)},
    [MSG_DIR] = {"dir", R(MASTER), R(STORE), FD_WITH, S(named)},
    [MSG_GO] = {"go", R(MASTER), ALL, FD_NONE, S(named)},
    [MSG_RELOAD] = {"reload", R(MASTER), ALL, FD_NONE, S(named)},
    [MSG_STOP] = {"stop", R(MASTER), ALL, FD_NONE, S(named)},
    [MSG_READY] = {"ready", ALL, R(MASTER), FD_NONE, S(ready)},
    [MSG_CONTROL] = {"control", R(MASTER), R(STORE), FD_WITH, S(control)},
    [MSG_BEGIN] = {"begin", R(FRONT), R(STORE), FD_MAY, S(begin)},
    [MSG_RESUME] = {"resume", R(FRONT), R(STORE), FD_NONE, S(resume)},
    [MSG_END] = {"end", R(FRONT), R(STORE), FD_NONE, S(end)},
    [MSG_CUT] = {"cut", R(FRONT), R(STORE), FD_NONE, S(cut)},
    [MSG_ASK] = {"ask", R(FRONT), R(STORE), FD_NONE, S(ask)},
    [MSG_STATEMENT] = {"statement", R(FRONT), R(STORE), FD_MAY, S(statement)},
    [MSG_ROUTE] = {"route", R(FRONT), R(STORE), FD_MAY, S(route)},
    [MSG_CANCEL] = {"cancel", R(FRONT), R(STORE), FD_NONE, S(job)},
    [MSG_UPLOAD] = {"upload", R(STORE), R(FRONT), FD_WITH, S(upload)},
    [MSG_REPLY] = {"reply", R(STORE), R(FRONT), FD_MAY, S(reply)},
    [MSG_BODY] = {"body", R(STORE), R(FRONT), FD_MAY, S(body)},
    [MSG_CHECK] = {"check", R(STORE), R(VERIFY), FD_MAY, S(check)},
    [MSG_FACTS_HEAD] = {"facts-head", R(VERIFY), R(STORE), FD_NONE, S(facts_head)},
    [MSG_FACTS_STATEMENT] = {"facts-statement", R(VERIFY), R(STORE), FD_NONE, S(facts_statement)},
    [MSG_FACTS_ROUTE] = {"facts-route", R(VERIFY), R(STORE), FD_NONE, S(facts_route)},
    [MSG_ROSTER_ROW] = {"roster-row", R(VERIFY), R(STORE), FD_NONE, S(roster_row)},
    [MSG_ROSTER_END] = {"roster-end", R(VERIFY), R(STORE), FD_NONE, S(roster_end)},
    [MSG_REFUSED] = {"refused", R(VERIFY) | R(NOTARY) | R(COURIER), R(STORE), FD_NONE, S(refused)},
    [MSG_RETIRE] = {"retire", R(VERIFY), R(STORE), FD_NONE, S(job)},
    [MSG_LAST] = {"last", R(STORE), R(NOTARY), FD_NONE, S(note)},
    [MSG_SEAL] = {"seal", R(STORE), R(NOTARY), FD_NONE, S(seal)},
    [MSG_SEALED] = {"sealed", R(NOTARY), R(STORE), FD_NONE, S(sealed)},
    [MSG_NOTICE] = {"notice", R(STORE), R(NOTARY), FD_NONE, S(notice)},
    [MSG_NOTICED] = {"noticed", R(NOTARY), R(STORE), FD_NONE, S(noticed)},
    [MSG_STAMP] = {"stamp", R(STORE), R(COURIER), FD_NONE, S(stamp)},
    [MSG_STAMPED] = {"stamped", R(COURIER), R(STORE), FD_NONE, S(stamped)},
    [MSG_NOTIFY] = {"notify", R(STORE), R(COURIER), FD_NONE, S(notify)},
    [MSG_NOTIFIED] = {"notified", R(COURIER), R(STORE), FD_NONE, S(notified)},
};

const char *
role_name(enum role_id id)
{
	static const char *const names[ROLE_IDS] = {"master", "front",	"verify",
						    "store",  "notary", "courier"};

	assert((unsigned)id < ROLE_IDS);
	return names[id];
}

const struct msg_row *
msg_row(uint32_t kind)
{
	return kind < MSG_KINDS && rows[kind].name != NULL ? &rows[kind] : NULL;
}

static void encode_fields(const struct msg_field *f, const uint8_t *msg, struct buf *out);

static void
encode_bytes(struct buf *out, const void *p, size_t n)
{
	buf_be32(out, (uint32_t)n);
	buf_add(out, p, n);
}

static void
encode_list(const struct msg_field *f, const struct list *l, struct buf *out)
{
	assert(l->n <= f->max);
	buf_be32(out, (uint32_t)l->n);
	for (size_t i = 0; i < l->n; i++)
		encode_fields(f->items, (const uint8_t *)l->items + i * f->size, out);
}

static void
encode_blob(const struct msg_field *f, const struct blob *b, struct buf *out)
{
	assert(b->n <= f->max);
	encode_bytes(out, b->p, b->n);
}

static void
encode_fields(const struct msg_field *f, const uint8_t *msg, struct buf *out)
{
	for (; f->type != F_END; f++) {
		const void *p = msg + f->offset;

		switch (f->type) {
		case F_U32: buf_be32(out, *(const uint32_t *)p); break;
		case F_U64:
		case F_I64: buf_be64(out, *(const uint64_t *)p); break;
		case F_STR:
			assert(strnlen(p, f->size) < f->size);
			encode_bytes(out, p, strlen(p));
			break;
		case F_FIX: buf_add(out, p, f->size); break;
		case F_BLOB: encode_blob(f, p, out); break;
		case F_LIST: encode_list(f, p, out); break;
		case F_END: break;
		}
	}
}

void
msg_encode(enum msg_kind kind, const void *msg, struct buf *out)
{
	const struct msg_row *row = msg_row(kind);

	assert(row != NULL);
	buf_be32(out, kind);
	encode_fields(row->fields, msg, out);
	assert(out->len <= MSG_MAX_BYTES);
}

struct reader {
	const uint8_t *p;
	size_t n;
};

static const uint8_t *
take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (n > r->n)
		return NULL;
	r->p += n;
	r->n -= n;
	return p;
}

static const uint8_t *
take_sized(struct reader *r, size_t max, size_t *n)
{
	const uint8_t *p = take(r, 4);

	if (p == NULL || (*n = be32_get(p)) > max)
		return NULL;
	return take(r, *n);
}

static int decode_fields(const struct msg_field *f, struct reader *r, uint8_t *msg,
			 const char **bad);

static int
decode_list(const struct msg_field *f, struct reader *r, struct list *l, const char **bad)
{
	const uint8_t *p = take(r, 4);
	size_t n = p ? be32_get(p) : 0;
	uint8_t *items;

	/* each item is at least four bytes on the wire: bounds the allocation by what really came
	 */
	if (p == NULL || n > f->max || n > r->n / 4)
		return -1;
	items = mem_alloc(n * f->size);
	*l = (struct list){items, n};
	for (size_t i = 0; i < n; i++)
		if (decode_fields(f->items, r, items + i * f->size, bad) < 0)
			return -1;
	return 0;
}

static int
decode_string(const struct msg_field *f, struct reader *r, char *out)
{
	size_t n;
	const uint8_t *p = take_sized(r, f->size - 1, &n);

	if (p == NULL || memchr(p, 0, n) != NULL)
		return -1;
	memcpy(out, p, n);
	out[n] = '\0';
	return 0;
}

static int
decode_blob(const struct msg_field *f, struct reader *r, struct blob *out)
{
	out->p = take_sized(r, f->max, &out->n);
	return out->p != NULL ? 0 : -1;
}

static int
decode_number(const struct msg_field *f, struct reader *r, void *out)
{
	const uint8_t *p = take(r, f->size);

	if (p == NULL)
		return -1;
	if (f->type == F_U32)
		*(uint32_t *)out = be32_get(p);
	else
		*(uint64_t *)out = be64_get(p);
	return 0;
}

static int
decode_fixed(const struct msg_field *f, struct reader *r, void *out)
{
	const uint8_t *p = take(r, f->size);

	if (p == NULL)
		return -1;
	memcpy(out, p, f->size);
	return 0;
}

static int
decode_field(const struct msg_field *f, struct reader *r, void *out, const char **bad)
{
	switch (f->type) {
	case F_U32:
	case F_U64:
	case F_I64: return decode_number(f, r, out);
	case F_STR: return decode_string(f, r, out);
	case F_FIX: return decode_fixed(f, r, out);
	case F_BLOB: return decode_blob(f, r, out);
	case F_LIST: return decode_list(f, r, out, bad);
	case F_END: break;
	}
	return -1;
}

static int
decode_fields(const struct msg_field *f, struct reader *r, uint8_t *msg, const char **bad)
{
	for (; f->type != F_END; f++)
		if (decode_field(f, r, msg + f->offset, bad) < 0) {
			*bad = *bad ? *bad : f->name;
			return -1;
		}
	return 0;
}

int
msg_decode(const struct msg_row *row, const uint8_t *bytes, size_t n, void *msg, struct err *e)
{
	struct reader r = {bytes, n};
	const char *bad = NULL;

	memset(msg, 0, row->size);
	if (decode_fields(row->fields, &r, msg, &bad) < 0 || r.n > 0) {
		msg_free(row, msg);
		return err_set(e, ERR_INTERNAL, "message %s: %s", row->name,
			       bad ? bad : "bytes after its end");
	}
	return 0;
}

void
msg_free(const struct msg_row *row, void *msg)
{
	for (const struct msg_field *f = row->fields; f->type != F_END; f++) {
		struct list *l = (struct list *)((uint8_t *)msg + f->offset);

		if (f->type == F_LIST) {
			free((void *)(uintptr_t)l->items);
			*l = (struct list){0};
		}
	}
}
