/* usual.h - how many bundles each mailbox fetches an hour, and whether that is like it. Runs in:
 * store. Pure: the clock is an argument. What is usual is learnt again after each start. */
#ifndef STORE_USUAL_H
#define STORE_USUAL_H

#include <stdbool.h>
#include <stdint.h>

struct usual;

struct usual *usual_new(void);
void usual_free(struct usual *r);
/* One more fetch of the mailbox. true, once in an hour: more than floor, and more than RATE_FACTOR
 * times its usual hour. *count and *usual are this hour's fetches and those of a usual one. */
#define RATE_FACTOR 5
bool usual_add(struct usual *r, const char *mailbox, int64_t now_ms, uint32_t floor,
	       uint32_t *count, uint32_t *usual);

#endif
