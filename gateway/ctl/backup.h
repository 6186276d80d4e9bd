/* backup.h - a copy of the data folder of a running gateway, and a data folder from such a copy.
 * Runs in: safehandctl, as root or as the gateway's user. */
#ifndef CTL_BACKUP_H
#define CTL_BACKUP_H

#include <stddef.h>

#include "safehand/buf.h"
#include "safehand/err.h"

/* words: DATA DIR. Asks the gateway to hold still what is copied, then copies the data folder to
 * the new folder DIR, and says in out what is there. ERR_CONFLICT: DIR is there already. */
int backup_make(const char *socket, char **words, size_t n, struct buf *out, struct err *e);

/* words: DIR DATA [CHECKPOINT...]. Checks the copy against its digests while it becomes the new
 * folder DATA, which appears whole or not at all; the gateway proves it at its next start. Each
 * CHECKPOINT is what a client remembers (a file of its state): out says of each whether the copy is
 * older. ERR_CONFLICT: DATA is there already; ERR_DIGEST: the copy is damaged; ERR_HISTORY: it is
 * restored, but a client remembers more. */
int restore_make(const char *socket, char **words, size_t n, struct buf *out, struct err *e);

#endif
