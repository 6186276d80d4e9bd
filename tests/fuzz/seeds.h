/* seeds.h - a main for fuzzers of texts, where there is no libFuzzer: mutates the seeds that the
 * fuzzer names. Usage: fuzz_X [ROUNDS [SEED]]. libFuzzer is given them now and then in place of
 * what it has. */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#ifdef FUZZ_MAIN
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Inputs that were taken rather than refused, counted by the fuzzer. */
static unsigned long taken;

static uint64_t
seeds_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

/* Bytes changed, dropped, doubled, and pieces of other seeds put in. */
static void
seeds_mutate(struct buf *b, const char *const *seeds, size_t n, uint64_t *x)
{
	for (uint64_t m = seeds_next(x) % 6; m > 0 && b->len > 1; m--) {
		size_t at = seeds_next(x) % b->len, len = 1 + seeds_next(x) % (b->len - at);
		const char *other = seeds[seeds_next(x) % n];
		struct buf out = {0};

		len = len > 40 ? 1 + len % 40 : len;
		buf_add(&out, b->data, at);
		switch (seeds_next(x) % 4) {
		case 0: buf_addc(&out, (char)seeds_next(x)); break;
		case 1:
			buf_add(&out, b->data + at, len);
			len = 0;
			break;
		case 2: {
			size_t from = seeds_next(x) % strlen(other);

			buf_add(&out, other + from, strnlen(other + from, seeds_next(x) % 40));
			break;
		}
		case 3: break;
		}
		if (at + len < b->len)
			buf_add(&out, b->data + at + len, b->len - at - len);
		buf_free(b);
		*b = out;
	}
}

static int
seeds_main(const char *name, const char *const *seeds, size_t n, int argc, char **argv)
{
	uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
	uint64_t x = argc > 2 ? strtoull(argv[2], NULL, 10) | 1 : 88172645463325252u;

	for (uint64_t i = 0; i < rounds; i++) {
		struct buf b = {0};

		buf_adds(&b, seeds[seeds_next(&x) % n]);
		seeds_mutate(&b, seeds, n, &x);
		LLVMFuzzerTestOneInput(b.data, b.len);
		buf_free(&b);
	}
	printf("%s: %llu inputs, %lu taken, nothing broke\n", name, (unsigned long long)rounds,
	       taken);
	return taken > rounds / 50 ? 0 : 1; /* a run that takes next to nothing shows nothing */
}

#define SEEDS_MAIN(name, seeds)                                                                    \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return seeds_main(name, seeds, sizeof seeds / sizeof *seeds, argc, argv);          \
	}
#define SEEDS_TAKEN() (taken++)
#else
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#define SEEDS_MAIN(name, seeds)                                                                    \
	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned random)    \
	{                                                                                          \
		const char *seed = seeds[random / 16 % (sizeof seeds / sizeof *seeds)];            \
                                                                                                   \
		if (random % 16 == 0 && strlen(seed) <= max) {                                     \
			size = strlen(seed);                                                       \
			memcpy(data, seed, size);                                                  \
		}                                                                                  \
		return LLVMFuzzerMutate(data, size, max);                                          \
	}
#define SEEDS_TAKEN() ((void)0)
#endif

#endif
