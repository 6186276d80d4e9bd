/* notary.c - signs checkpoints and stamps them, signs notices. Runs in: notary. Owns: the log key,
 * the time stamping key, the key of notices, the last head. Trusts: not the store: each head must
 * prove that it extends the last. It signs nothing that it did not compose. */
#include <string.h>

#include "notary/notary.h"
#include "safehand/digest.h"
#include "safehand/enc.h"

int
notary_last(struct notary *n, const void *note, size_t len, struct err *e)
{
	const struct note_key *key = note_signer_key(n->signer);

	if (n->told)
		return err_set(e, ERR_INTERNAL, "the last checkpoint was told already");
	n->last = (struct checkpoint){0};
	strcpy(n->last.origin, key->name);
	digest_of("", 0, n->last.root);
	if (len > 0 && checkpoint_verify(note, len, key, &n->last, e) < 0)
		return err_wrap(e, "the ledger's last checkpoint is not ours");
	n->told = true;
	return 0;
}

static int
check_head(const struct notary *n, const struct msg_seal *head, struct err *e)
{
	struct merkle_proof proof = {.n = head->proof.n};

	if (!n->told)
		return err_set(e, ERR_INTERNAL, "no head before the last checkpoint is known");
	if (head->size <= n->last.size)
		return err_set(e, ERR_HISTORY,
			       "a head of %llu entries does not extend the one of %llu",
			       (unsigned long long)head->size, (unsigned long long)n->last.size);
	if (proof.n > 0)
		memcpy(proof.hashes, head->proof.items,
		       proof.n * DIGEST_BYTES); /* struct fact_hash is its bytes */
	if (merkle_verify_consistency(n->last.size, head->size, &proof, n->last.root, head->root,
				      e) < 0)
		return err_set(e, ERR_HISTORY,
			       "the head of %llu entries is not an extension of the one of %llu",
			       (unsigned long long)head->size, (unsigned long long)n->last.size);
	return 0;
}

_Static_assert(sizeof(struct fact_hash) == DIGEST_BYTES, "fact_hash");

int
notary_seal(struct notary *n, const struct msg_seal *head, const struct clock_state *clock,
	    int64_t now_ms, struct buf *note, struct buf *token, bool *doubt, struct err *e)
{
	struct checkpoint next = {.size = head->size};
	uint8_t digest[DIGEST_BYTES];
	struct buf text = {0};
	int rc = -1;

	if (check_head(n, head, e) < 0 || clock_check(&n->clock, clock, now_ms, doubt, e) < 0)
		return -1;
	strcpy(next.origin, n->last.origin);
	memcpy(next.root, head->root, sizeof next.root);
	checkpoint_format(&next, &text);
	digest_of(text.data, text.len, digest);
	if (note_sign(n->signer, buf_str(&text), text.len, note, e) == 0 &&
	    tsa_stamp(n->tsa, digest, now_ms, token, e) == 0) {
		n->last = next;
		rc = 0;
	}
	buf_free(&text);
	return rc;
}

int
notary_notice(const struct notary *n, const struct notice *fields, struct buf *text,
	      struct buf *signature, struct err *e)
{
	struct signer *signer = n->notices;

	if (signer == NULL)
		return err_set(e, ERR_CONFIG, "no notice-key: no notice can be signed");
	if (notice_check(fields, e) < 0)
		return -1;
	notice_format(fields, text);
	return signature_sign(text->data, text->len, &signer, 1, signature, e);
}
