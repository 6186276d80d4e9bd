/* classes.h - what each class of documents wants, as the gateway says; kept in the state folder for
 * when it is away. */
#ifndef CLIENT_CLASSES_H
#define CLIENT_CLASSES_H

#include "gate.h"
#include "order.h"
#include "safehand/cover.h"
#include "safehand/json.h"

/* The answer to /v1/classes, checked; the caller's to json_free. kept: nobody is asked; else asked
 * for, and what was kept serves if the gateway is away or has no such thing. ERR_UNKNOWN: none was
 * ever fetched. text (may be NULL) takes it as it came. */
int classes_get(struct client *c, bool kept, struct json **doc, struct buf *text, struct err *e)
    __attribute__((warn_unused_result));
/* The class in it; NULL: there is none such. Its members: see classes.c. */
const struct json *classes_find(const struct json *doc, const char *name);
/* The sheet has every field that the class requires, the order an event's time if its clock starts
 * there, each document a type that the class takes. ERR_INCOMPLETE, ERR_FORMAT naming all that is
 * wrong at once. A class that is not known is the gateway's to judge. */
int classes_check(struct client *c, const struct order *o, const struct cover *cover, bool offline,
		  struct err *e) __attribute__((warn_unused_result));

#endif
