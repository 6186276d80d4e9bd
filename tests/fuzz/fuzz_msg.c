/* fuzz_msg.c - messages between roles, as a compromised one could send them: refused naming the
 * field, or encoded again as they were. Input: u32 kind, then the fields. Runs in: tests. */
#include "frame/msg.h"
#include "fuzz.h"
#include "safehand/enc.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct msg_row *row;
	struct buf again = {0};
	struct err e = {0};
	void *msg;

	if (n < 4 || n > MSG_MAX_BYTES || (row = msg_row(be32_get(p))) == NULL)
		return 0;
	msg = mem_alloc(row->size);
	if (msg_decode(row, p + 4, n - 4, msg, &e) == 0) {
		msg_encode((enum msg_kind)be32_get(p), msg, &again);
		assert(again.len == n && memcmp(again.data, p, n) == 0);
		msg_free(row, msg);
	} else {
		fuzz_refused(&e);
		assert(e.code == ERR_INTERNAL);
	}
	free(msg);
	buf_free(&again);
	return 0;
}
