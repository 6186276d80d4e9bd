/* cms_shape_in.h - the outer shape of CMS signatures, strictly DER; not a public header. */
#ifndef LIB_CMS_SHAPE_IN_H
#define LIB_CMS_SHAPE_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"

/* Bytes within others. */
struct der {
	const uint8_t *p;
	size_t n;
};

/* The parts of a SignedData, as they lie in its bytes. */
struct cms_shape {
	struct der type;	 /* the ContentInfo's OID, with its header */
	struct der before;	 /* version, digest algorithms, content */
	struct der certificates; /* one after the other, without what is around them */
	struct der after;	 /* SignerInfos */
};

/* der is one ContentInfo with SignedData (RFC 5652 sections 3, 5.1, 5.3) of the version, in DER,
 * whose every byte outside of content, certificates and signed attributes has just one value: no
 * CRLs, no unsigned attributes, SignerInfos of version 1, algorithms without parameters or with
 * NULL, nothing after any end. What is inside of those is judged by who knows what it means. 0 or
 * -1. Pure. */
int cms_shape_check(const void *der, size_t len, unsigned version, struct cms_shape *out);
/* Takes the first certificate off the rest, with its header. false: there is none. */
bool cms_shape_certificate(struct der *rest, struct der *out);
/* The same ContentInfo without its certificates. */
void cms_shape_strip(const struct cms_shape *s, struct buf *out);

#endif
