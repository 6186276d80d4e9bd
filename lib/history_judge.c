/* history_judge.c - whether one checkpoint of a log goes on from another. Runs in: client. Pure.
 * Trusts: the log's key on who signed, and nothing that it signed. */
#include <string.h>

#include "safehand/history.h"

static int
go_on(const struct checkpoint *old, const struct checkpoint *seen, const struct merkle_proof *proof,
      struct err *e)
{
	unsigned long long was = old->size, is = seen->size;

	if (is < was)
		return err_set(e, ERR_HISTORY, "the log had %llu entries and now shows %llu", was,
			       is);
	if (is == was)
		return memcmp(old->root, seen->root, DIGEST_BYTES) == 0
			   ? 0
			   : err_set(e, ERR_HISTORY, "the log signed two roots of %llu entries",
				     was);
	if (proof == NULL)
		return err_set(e, ERR_INCOMPLETE,
			       "no proof that %llu entries go on from %llu: ask for it", is, was);
	if (merkle_verify_consistency(was, is, proof, old->root, seen->root, e) < 0)
		return err_set(e, ERR_HISTORY,
			       "the log of %llu entries does not go on from the one of %llu", is,
			       was);
	return 0;
}

int
history_judge(const struct note_key *key, const void *old, size_t old_len, const void *note,
	      size_t len, const struct merkle_proof *proof, struct checkpoint *seen, struct err *e)
{
	struct checkpoint was;

	if (checkpoint_verify(note, len, key, seen, e) < 0)
		return -1;
	if (old_len == 0)
		return 0;
	if (checkpoint_verify(old, old_len, key, &was, e) < 0)
		return err_wrap(e, "remembered");
	return go_on(&was, seen, proof, e);
}
