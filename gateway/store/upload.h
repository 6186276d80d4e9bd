/* upload.h - the way of a bundle into the store: begun or resumed, checked, judged, received,
 * committed. */
#ifndef SAFEHAND_STORE_UPLOAD_H
#define SAFEHAND_STORE_UPLOAD_H

#include "store/group.h"
#include "store/reply.h"

struct uploads;

struct uploads *uploads_new(void);
void uploads_free(struct store *s); /* those under way stay in staging */
/* Front's messages, for the role's table; ctx is struct role_env whose state is the store. */
void upload_take_begin(void *env, struct chan *ch, const void *msg, int fd);
void upload_take_resume(void *env, struct chan *ch, const void *msg, int fd);
void upload_take_end(void *env, struct chan *ch, const void *msg, int fd);
void upload_take_cut(void *env, struct chan *ch, const void *msg, int fd);
/* The client of a job left before its payload came; true if the job was an upload. */
bool upload_cancel(struct store *s, const struct asker *a);

/* How far the agency's upload of the bundle has come (HEAD). */
void upload_tell(struct store *s, const struct asker *a, const char *agency, const char *id);

size_t uploads_count(const struct uploads *u);

/* Its bytes may be in their place, and its row is not committed yet. */
bool upload_is_committing(struct store *s, const char *id);

#endif
