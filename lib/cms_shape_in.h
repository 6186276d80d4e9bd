/* cms_shape_in.h - the outer shape of CMS signatures, strictly DER; not a public header. */
#ifndef LIB_CMS_SHAPE_IN_H
#define LIB_CMS_SHAPE_IN_H

#include <stddef.h>

/* der is one ContentInfo with SignedData (RFC 5652 sections 3, 5.1, 5.3) of the version, in DER,
 * whose every byte outside of content, certificates and signed attributes has just one value: no
 * CRLs, no unsigned attributes, SignerInfos of version 1, algorithms without parameters or with
 * NULL, nothing after any end. What is inside of those is judged by who knows what it means. 0 or
 * -1. Pure. */
int cms_shape_check(const void *der, size_t len, unsigned version);

#endif
