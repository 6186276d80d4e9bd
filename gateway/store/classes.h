/* classes.h - GET /v1/classes: what each class wants, as clients check it before they seal. */
#ifndef SAFEHAND_STORE_CLASSES_H
#define SAFEHAND_STORE_CLASSES_H

#include "store/reply.h"
#include "store/store.h"

/* Appends {"classes":[…]}, by name. */
void classes_json(const struct policy *p, struct buf *json);
void classes_answer(const struct store *s, const struct asker *a);

#endif
