/* replay.c - a fuzzer's corpus without libFuzzer: every file of the folders given, once. Runs in:
 * tests. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
size_t LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max);

/* For the fuzzers' own mutators, which nobody calls here. */
size_t
LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max)
{
	return n;
}

/* In memory of just its size, so that a byte too far is seen. */
static void
replay(const char *path)
{
	uint8_t *p, *exact;
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL || (p = malloc(1 << 24)) == NULL) {
		perror(path);
		exit(2);
	}
	n = fread(p, 1, 1 << 24, f);
	fclose(f);
	if ((exact = malloc(n + (n == 0))) == NULL)
		exit(2);
	memcpy(exact, p, n);
	free(p);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

int
main(int argc, char **argv)
{
	unsigned files = 0;
	char path[4096];

	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		const struct dirent *f;

		while (d != NULL && (f = readdir(d)) != NULL) {
			if (f->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", argv[i], f->d_name);
			replay(path);
			files++;
		}
		if (d != NULL)
			closedir(d);
	}
	printf("%u inputs\n", files);
	return files > 0 ? 0 : 1; /* a corpus that is not there tests nothing */
}
