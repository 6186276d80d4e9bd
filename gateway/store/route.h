/* route.h - POST /v1/route: whom to seal for. */
#ifndef SAFEHAND_STORE_ROUTE_H
#define SAFEHAND_STORE_ROUTE_H

#include "frame/chan.h"

/* Front's message, for the role's table; ctx is struct role_env whose state is the store. */
void route_take(void *env, struct chan *ch, const void *msg, int fd);

#endif
