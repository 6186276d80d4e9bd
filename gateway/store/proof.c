/* proof.c - the evidence file of an entry. Runs in: store. Owns: nothing. Trusts: the ledger; who
 * gets the file checks all of it again. */
#include "store/proof.h"

#include "safehand/note.h"
#include "store/group.h"
#include "store/tree.h"

/* The parts as they are kept; empty: not of this entry. */
struct parts {
	struct buf line, proof, token, kept, content, signature;
	struct ledger_bundle bundle; /* n 0: of none */
};

static void
parts_free(struct parts *p)
{
	buf_free(&p->line);
	buf_free(&p->proof);
	buf_free(&p->token);
	buf_free(&p->kept);
	buf_free(&p->content);
	buf_free(&p->signature);
}

/* The first checkpoint that covers the entry is its group's. */
static int
prove(const struct store *s, uint64_t seq, struct parts *p, struct err *e)
{
	struct ledger_checkpoint c;
	struct merkle_proof path;
	struct buf note = {0};
	int rc = -1;

	if (!ledger_checkpoint(s->reader, seq + 1, &c, &note, &p->token))
		err_set(e, ERR_UNKNOWN, "entry %llu is not sealed", (unsigned long long)seq);
	else if (merkle_inclusion(seq, c.size, tree_kept_get, s->tree, &path, e) == 0)
		rc = 0;
	if (rc == 0)
		tlog_proof_format(seq, &path, note.data, note.len, &p->proof);
	buf_free(&note);
	return rc;
}

static int
collect(const struct store *s, int64_t seq, struct parts *p, struct err *e)
{
	struct ledger_entry entry;

	if (!ledger_entry(s->reader, seq, &entry))
		return err_set(e, ERR_UNKNOWN, "no entry %lld", (long long)seq);
	if (prove(s, (uint64_t)seq, p, e) < 0)
		return -1;
	ledger_line(s->reader, seq, &p->line);
	ledger_statement(s->reader, seq, &p->content, &p->signature);
	if (entry.bundle == 0 || !ledger_bundle_at(s->reader, entry.bundle, &p->bundle))
		return 0;
	return spool_read(s->spool, p->bundle.id, &p->bundle.place, p->bundle.place.kept, &p->kept,
			  e);
}

static void
format(const struct parts *p, struct buf *json)
{
	const uint8_t *manifest = p->kept.data + BUNDLE_FIXED_BYTES;

	buf_addc(json, '{');
	buf_json_int(json, "safehand_evidence", 1);
	buf_json_b64(json, "entry", p->line.data, p->line.len);
	buf_json_str(json, "proof", buf_str(&p->proof));
	buf_json_b64(json, "timestamp", p->token.data, p->token.len);
	if (p->kept.len > 0) {
		buf_json_b64(json, "manifest", manifest, p->bundle.manifest_bytes);
		buf_json_b64(json, "signature", manifest + p->bundle.manifest_bytes,
			     p->bundle.signature_bytes);
	}
	if (p->content.len > 0) {
		buf_json_b64(json, "statement", p->content.data, p->content.len);
		buf_json_b64(json, "statement_signature", p->signature.data, p->signature.len);
	}
	buf_addc(json, '}');
}

int
proof_evidence(const struct store *s, int64_t seq, struct buf *json, struct err *e)
{
	struct parts p = {0};
	int rc = collect(s, seq, &p, e);

	if (rc == 0)
		format(&p, json);
	parts_free(&p);
	return rc;
}

bool
proof_fresh(const struct store *s, int64_t seq, const struct proof_fresh *f, struct buf *json)
{
	struct group_seal seal = group_seal(s->group);
	struct parts p = {.bundle = {.manifest_bytes = (uint32_t)f->manifest_bytes,
				     .signature_bytes = (uint32_t)f->signature_bytes}};
	struct merkle_proof path;
	struct err ignored;

	if (merkle_inclusion((uint64_t)seq, seal.size, tree_kept_get, s->tree, &path, &ignored) < 0)
		return false;
	buf_add(&p.line, f->line->data, f->line->len);
	buf_add(&p.token, seal.token.p, seal.token.n);
	buf_add(&p.kept, f->kept->data, f->kept->len);
	tlog_proof_format((uint64_t)seq, &path, seal.note.p, seal.note.n, &p.proof);
	format(&p, json);
	parts_free(&p);
	return true;
}
