/* settings.h - the gateway's settings: one typed table for safehandd -n, -N, the roles and the
 * manual page. */
#ifndef FRAME_SETTINGS_H
#define FRAME_SETTINGS_H

#include "safehand/conf.h"

extern const struct conf_row settings_table[]; /* ends with a row whose section is NULL */

#endif
