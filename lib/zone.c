/* zone.c - time zones: TZif files (RFC 8536) as a list of changes. Runs in: master (parses), store
 * (computes). Pure. Trusts: no byte of the file. */
#include "safehand/zone.h"

#include <string.h>

#include "safehand/enc.h"
#include "zone_in.h"

#define HEAD_BYTES 44

/* The parts of one data block. */
struct block {
	const uint8_t *times, *indices, *types;
	uint32_t ntimes, ntypes;
	size_t bytes; /* of the block without its head */
};

bool
zone_is_name(const char *name)
{
	size_t n = strlen(name);
	bool start = true;

	if (n == 0 || n >= ZONE_NAME)
		return false;
	for (const char *c = name; *c; c++) {
		bool is_letter = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z');

		if (start && !is_letter)
			return false;
		if (!is_letter && !(*c >= '0' && *c <= '9') && strchr("+-_/", *c) == NULL)
			return false;
		start = *c == '/';
	}
	return !start;
}

/* A block's head and where its parts lie; bytes of one time: 4 in version 1, 8 after. */
static int
take_block(const uint8_t *p, size_t len, size_t time_bytes, struct block *b, struct err *e)
{
	uint32_t isut, isstd, leap, chars;

	if (len < HEAD_BYTES || memcmp(p, "TZif", 4) != 0)
		return err_set(e, ERR_FORMAT, "no TZif head");
	if (p[4] < '2')
		return err_set(e, ERR_FORMAT, "TZif of version 1: want 2 or later");
	isut = be32_get(p + 20), isstd = be32_get(p + 24), leap = be32_get(p + 28);
	b->ntimes = be32_get(p + 32), b->ntypes = be32_get(p + 36), chars = be32_get(p + 40);
	if (leap != 0)
		return err_set(e, ERR_FORMAT, "with leap seconds: want a zone of POSIX time");
	if (b->ntimes > len || b->ntypes > 256 || chars > len || isut > len || isstd > len ||
	    b->ntypes == 0)
		return err_set(e, ERR_FORMAT, "counts in its head that cannot be");
	b->times = p + HEAD_BYTES;
	b->indices = b->times + b->ntimes * time_bytes;
	b->types = b->indices + b->ntimes;
	b->bytes = b->ntimes * (time_bytes + 1) + b->ntypes * 6 + chars + isut + isstd;
	if (b->bytes > len - HEAD_BYTES)
		return err_set(e, ERR_FORMAT, "ends before its parts do");
	return 0;
}

static int
take_type(const struct block *b, uint32_t type, int32_t *offset, struct err *e)
{
	if (type >= b->ntypes)
		return err_set(e, ERR_FORMAT, "type %u of %u", type, b->ntypes);
	*offset = (int32_t)be32_get(b->types + (size_t)type * 6);
	if (*offset < -ZONE_OFFSET_MAX || *offset > ZONE_OFFSET_MAX)
		return err_set(e, ERR_FORMAT, "an offset of %d seconds", *offset);
	return 0;
}

int
zone_add(struct zone *z, int64_t at, int32_t offset, int64_t from, struct err *e)
{
	int32_t last = z->n > 0 ? z->change[z->n - 1].offset : z->first;

	if (at <= from) {
		z->first = offset;
		return 0;
	}
	if (z->n > 0 && z->change[z->n - 1].at == at) { /* the later word holds */
		z->n--;
		return zone_add(z, at, offset, from, e);
	}
	if (z->n > 0 && z->change[z->n - 1].at > at)
		return err_set(e, ERR_FORMAT, "a rule whose years overlap");
	if (offset == last)
		return 0;
	if (z->n == ZONE_CHANGES_MAX)
		return err_set(e, ERR_FORMAT, "more than %d changes", ZONE_CHANGES_MAX);
	z->change[z->n++] = (struct zone_change){at, offset};
	return 0;
}

static int
take_changes(const struct block *b, int64_t from, int64_t to, struct zone *z, int64_t *last,
	     struct err *e)
{
	int32_t offset = 0;

	*last = INT64_MIN;
	if (take_type(b, 0, &z->first, e) < 0) /* before the first change: RFC 8536 section 3.2 */
		return -1;
	for (uint32_t i = 0; i < b->ntimes; i++) {
		int64_t at = (int64_t)be64_get(b->times + (size_t)i * 8);

		if (i > 0 && at <= *last)
			return err_set(e, ERR_FORMAT, "change %u is not after the one before", i);
		*last = at;
		if (take_type(b, b->indices[i], &offset, e) < 0 ||
		    (at <= to && zone_add(z, at, offset, from, e) < 0))
			return -1;
	}
	return 0;
}

int
zone_parse(const void *bytes, size_t len, int64_t from, int64_t to, struct zone *out, struct err *e)
{
	const uint8_t *p = bytes, *end = p + len;
	struct zone z = {0};
	struct block b;
	int64_t last;

	if (len > ZONE_FILE_MAX)
		return err_set(e, ERR_FORMAT, "%zu bytes, limit %d", len, ZONE_FILE_MAX);
	if (take_block(p, len, 4, &b, e) < 0)
		return -1;
	p += HEAD_BYTES + b.bytes;
	if (take_block(p, (size_t)(end - p), 8, &b, e) < 0 ||
	    take_changes(&b, from, to, &z, &last, e) < 0)
		return -1;
	p += HEAD_BYTES + b.bytes;
	if (end - p < 2 || *p != '\n' || end[-1] != '\n' ||
	    memchr(p + 1, '\n', (size_t)(end - p) - 2) != NULL)
		return err_set(e, ERR_FORMAT, "no rule in its last line");
	if (zone_rule_apply((const char *)p + 1, (size_t)(end - p) - 2, last, from, to, &z, e) < 0)
		return -1;
	*out = z;
	return 0;
}

/* The last change at or before an instant, as its index + 1; 0: before all of them. */
static size_t
period_of(const struct zone *z, int64_t at)
{
	size_t low = 0, high = z->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (z->change[mid].at <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int32_t
zone_offset(const struct zone *z, int64_t at)
{
	size_t i = period_of(z, at);

	return i > 0 ? z->change[i - 1].offset : z->first;
}

int64_t
zone_instant(const struct zone *z, int64_t local)
{
	for (size_t i = period_of(z, local - ZONE_OFFSET_MAX);; i++) {
		int64_t begin = i > 0 ? z->change[i - 1].at : INT64_MIN;
		int64_t at = local - (i > 0 ? z->change[i - 1].offset : z->first);

		if (at < begin) /* skipped when this period began */
			return begin;
		if (i == z->n || at < z->change[i].at)
			return at;
	}
}
