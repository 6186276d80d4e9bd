/* settings.h - what the client can be told in its configuration file. */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include "safehand/conf.h"

extern const struct conf_row settings_table[];

/* $SAFEHAND_CONFIG, else ~/.config/safehand/safehand.conf if it is there, else the machine's. */
void settings_default_path(struct buf *out);
/* What no row can see by itself: names of sections, certificates that go with keys. ERR_CONFIG with
 * file:line. Pure. */
int settings_check(const struct conf *c, struct err *e) __attribute__((warn_unused_result));

#endif
