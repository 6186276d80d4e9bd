/* cms_shape.c - the outer shape of CMS signatures. Runs in: verify, client. Pure. Trusts: no byte.
 * OpenSSL reads BER and does not look at versions, parameters of digests or unsigned parts: bytes
 * that anybody could change. */
#include "cms_shape_in.h"

enum {
	INTEGER = 0x02,
	OCTETS = 0x04,
	NULLTAG = 0x05,
	OID = 0x06,
	SEQUENCE = 0x30,
	SET = 0x31,
	CONTEXT_0 = 0xA0,
};

/* X.690 section 10.1: the shortest definite form. -1: none, or more than there is. */
static int
length(struct der *d, size_t *out)
{
	size_t bytes;

	if (d->n == 0)
		return -1;
	bytes = *d->p < 0x80 ? 0 : *d->p & 0x7Fu;
	*out = bytes == 0 ? *d->p : 0;
	if ((bytes == 0 && *d->p == 0x80) || bytes > 3 || bytes >= d->n)
		return -1;
	d->p++;
	d->n--;
	for (size_t i = 0; i < bytes; i++, d->p++, d->n--)
		*out = *out << 8 | *d->p;
	if (bytes > 0 && (*out < 0x80 || *out >> 8 * (bytes - 1) == 0))
		return -1;
	return *out <= d->n ? 0 : -1;
}

static bool
is_next(const struct der *d, uint8_t tag)
{
	return d->n > 0 && d->p[0] == tag;
}

/* Takes the next element off d. */
static int
take(struct der *d, uint8_t tag, struct der *out)
{
	size_t n;

	if (!is_next(d, tag))
		return -1;
	d->p++;
	d->n--;
	if (length(d, &n) < 0)
		return -1;
	*out = (struct der){d->p, n};
	d->p += n;
	d->n -= n;
	return 0;
}

static int
take_version(struct der *d, unsigned version)
{
	struct der v;

	return take(d, INTEGER, &v) == 0 && v.n == 1 && v.p[0] == version ? 0 : -1;
}

static int
take_algorithm(struct der *d)
{
	struct der a, part;

	if (take(d, SEQUENCE, &a) < 0 || take(&a, OID, &part) < 0)
		return -1;
	if (is_next(&a, NULLTAG) && (take(&a, NULLTAG, &part) < 0 || part.n != 0))
		return -1;
	return a.n == 0 ? 0 : -1;
}

/* Each element of a list is one of a tag; what is in it is not looked at. */
static int
check_list(struct der list, uint8_t tag)
{
	struct der part;

	while (list.n > 0)
		if (take(&list, tag, &part) < 0)
			return -1;
	return 0;
}

static int
take_attribute(struct der *attributes)
{
	struct der a, part;

	return take(attributes, SEQUENCE, &a) == 0 && take(&a, OID, &part) == 0 &&
		       take(&a, SET, &part) == 0 && a.n == 0
		   ? 0
		   : -1;
}

static int
take_signer(struct der *infos)
{
	struct der s, sid, attributes, part;

	if (take(infos, SEQUENCE, &s) < 0 || take_version(&s, 1) < 0 ||
	    take(&s, SEQUENCE, &sid) < 0 || take(&sid, SEQUENCE, &part) < 0 ||
	    take(&sid, INTEGER, &part) < 0 || sid.n != 0)
		return -1;
	if (take_algorithm(&s) < 0 || take(&s, CONTEXT_0, &attributes) < 0)
		return -1;
	while (attributes.n > 0)
		if (take_attribute(&attributes) < 0)
			return -1;
	return take_algorithm(&s) == 0 && take(&s, OCTETS, &part) == 0 && s.n == 0 ? 0 : -1;
}

static int
take_content(struct der *signed_data)
{
	struct der inner, box, part;

	if (take(signed_data, SEQUENCE, &inner) < 0 || take(&inner, OID, &part) < 0)
		return -1;
	if (inner.n > 0 &&
	    (take(&inner, CONTEXT_0, &box) < 0 || take(&box, OCTETS, &part) < 0 || box.n != 0))
		return -1;
	return inner.n == 0 ? 0 : -1;
}

/* From p to where what is left begins. */
static struct der
upto(const uint8_t *p, const struct der *left)
{
	return (struct der){p, (size_t)(left->p - p)};
}

static int
check_signed_data(struct der sd, unsigned version, struct cms_shape *out)
{
	const uint8_t *begin = sd.p;
	struct der list;

	if (take_version(&sd, version) < 0 || take(&sd, SET, &list) < 0)
		return -1;
	while (list.n > 0)
		if (take_algorithm(&list) < 0)
			return -1;
	if (take_content(&sd) < 0)
		return -1;
	out->before = upto(begin, &sd);
	if (take(&sd, CONTEXT_0, &out->certificates) < 0 ||
	    check_list(out->certificates, SEQUENCE) < 0)
		return -1;
	out->after = sd;
	if (take(&sd, SET, &list) < 0)
		return -1;
	while (list.n > 0)
		if (take_signer(&list) < 0)
			return -1;
	return sd.n == 0 ? 0 : -1;
}

int
cms_shape_check(const void *der, size_t len, unsigned version, struct cms_shape *out)
{
	struct der all = {der, len}, outer, box, sd, part;
	const uint8_t *begin;

	if (take(&all, SEQUENCE, &outer) < 0 || all.n != 0)
		return -1;
	begin = outer.p;
	if (take(&outer, OID, &part) < 0)
		return -1;
	out->type = upto(begin, &outer);
	if (take(&outer, CONTEXT_0, &box) < 0 || outer.n != 0 || take(&box, SEQUENCE, &sd) < 0 ||
	    box.n != 0)
		return -1;
	return check_signed_data(sd, version, out);
}

bool
cms_shape_certificate(struct der *rest, struct der *out)
{
	const uint8_t *begin = rest->p;
	struct der content;

	if (take(rest, SEQUENCE, &content) < 0)
		return false;
	*out = upto(begin, rest);
	return true;
}

/* --- written anew --- */

/* Bytes that a length takes. */
static size_t
length_bytes(size_t n)
{
	return n < 0x80 ? 1 : n < 0x100 ? 2 : n < 0x10000 ? 3 : 4;
}

static void
put_header(struct buf *out, uint8_t tag, size_t n)
{
	size_t bytes = length_bytes(n);

	buf_addc(out, (char)tag);
	if (bytes > 1)
		buf_addc(out, (char)(0x80 | (bytes - 1)));
	for (size_t i = bytes > 1 ? bytes - 1 : 1; i-- > 0;)
		buf_addc(out, (char)(n >> 8 * i & 0xFF));
}

void
cms_shape_strip(const struct cms_shape *s, struct buf *out)
{
	size_t data = s->before.n + s->after.n;
	size_t box = 1 + length_bytes(data) + data;

	put_header(out, SEQUENCE, s->type.n + 1 + length_bytes(box) + box);
	buf_add(out, s->type.p, s->type.n);
	put_header(out, CONTEXT_0, box);
	put_header(out, SEQUENCE, data);
	buf_add(out, s->before.p, s->before.n);
	buf_add(out, s->after.p, s->after.n);
}
