/* case.h - what a bundle does to the case that it is about: flags, what it replaces, who would have
 * heard of it. */
#ifndef SAFEHAND_STORE_CASE_H
#define SAFEHAND_STORE_CASE_H

#include "store/accept.h"

/* Inside the acceptance, after the bundle's own entries. Notes its pseudonyms and whom its sender
 * excluded; raises the flags of
 * its concern, or ends those of its children if its class does; tells the holders of what it
 * replaces; notes the consents that it would have wanted. */
void case_accept(struct store *s, const struct ledger_bundle *b, const struct acceptance *a);

/* "flags":[{"about","concern","bundle","since","bundles","sources":[{"bundle","since"}…]}…] of the
 * pseudonyms, or of those of a bundle: one for each child and concern. bundle and since are of the
 * first that raised it; sources names the oldest SOURCES_MAX, bundles says how many there are. */
void case_flags_json(struct ledger *l, const struct list *about, struct buf *json);
void case_bundle_flags_json(struct ledger *l, int64_t bundle, struct buf *json);

#endif
