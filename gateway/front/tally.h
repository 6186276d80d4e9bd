/* tally.h - how many connections each address or agency has. Runs in: front. */
#ifndef FRONT_TALLY_H
#define FRONT_TALLY_H

#include <stddef.h>

#define TALLY_KEY 32 /* bytes of the longest key */

struct tally; /* counts by key; a key whose count is 0 takes no memory */

struct tally *tally_new(void);
void tally_free(struct tally *t);
size_t tally_add(struct tally *t, const void *key, size_t n); /* the count with this one */
void tally_sub(struct tally *t, const void *key, size_t n);   /* one that was added */
size_t tally_get(const struct tally *t, const void *key, size_t n);

#endif
