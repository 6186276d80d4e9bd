/* tap.h - what the unit tests share: cmocka and the test PKI's files. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "safehand/buf.h"
#include "safehand/err.h"

/* The whole file $PKI/name (the PKI that tests/mkpki.sh made). */
static inline struct buf
pki_file(const char *name)
{
	struct buf b = {0};
	char path[512];
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/%s", getenv("PKI"), name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s: no such file", path);
	while ((c = getc(f)) != EOF)
		buf_addc(&b, (char)c);
	fclose(f);
	return b;
}

#define assert_ok(call, e)                                                                         \
	do {                                                                                       \
		(e)->text[0] = '\0';                                                               \
		if ((call) != 0)                                                                   \
			fail_msg("%s: %s: %s", #call, err_name((e)->code), (e)->text);             \
	} while (0)
/* Refused, by just this rule. */
#define assert_refused(call, e, want)                                                              \
	do {                                                                                       \
		if ((call) == 0)                                                                   \
			fail_msg("%s: not refused", #call);                                        \
		if ((e)->code != (want))                                                           \
			fail_msg("%s: refused as %s (%s), want %s", #call, err_name((e)->code),    \
				 (e)->text, err_name(want));                                       \
	} while (0)

#endif
