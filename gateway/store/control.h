/* control.h - safehandctl's commands and the Prometheus text. */
#ifndef SAFEHAND_STORE_CONTROL_H
#define SAFEHAND_STORE_CONTROL_H

#include "store/store.h"

/* An accepted connection, handed over by master. */
void control_take(struct role_env *env, const struct msg_control *msg, int fd);

/* metrics.c: appends the Prometheus text format 0.0.4. */
void metrics_text(struct store *s, struct buf *out);

#endif
