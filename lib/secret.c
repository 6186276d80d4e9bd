/* secret.c - secrets in guarded memory, from files and from the terminal. Runs in: client. A door
 * to libsodium. Owns: the memory. Trusts: files that only their owner may read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <sodium.h>

#include "safehand/enc.h"
#include "safehand/secret.h"

#define MAGIC	     "SHK1"
#define AT_OPS	     4
#define AT_MEM	     12
#define AT_SALT	     20
#define AT_NONCE     (AT_SALT + crypto_pwhash_SALTBYTES)
#define AT_BOX	     (AT_NONCE + crypto_secretbox_NONCEBYTES)
#define OPS_MAX	     16			    /* passes: some seconds at most */
#define MEM_MAX	     (1024 * 1024 * 1024ul) /* bytes: a file cannot ask for all of a machine's */
#define LINE_MAX_LEN 1024		    /* bytes of a passphrase */

static int
start(struct err *e)
{
	return sodium_init() < 0 ? err_set(e, ERR_SYSTEM, "libsodium does not start") : 0;
}

static struct secret *
secret_room(size_t n, struct err *e)
{
	struct secret *s;

	if (start(e) < 0)
		return NULL;
	s = mem_alloc(sizeof *s);
	if ((s->data = sodium_malloc(n + 1)) == NULL) {
		free(s);
		err_set(e, ERR_SYSTEM, "no guarded memory for a secret");
		return NULL;
	}
	s->len = n;
	s->data[n] = '\0';
	return s;
}

int
secret_new(const void *p, size_t n, struct secret **out, struct err *e)
{
	struct secret *s = secret_room(n, e);

	if (s == NULL)
		return -1;
	memcpy(s->data, p, n);
	*out = s;
	return 0;
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	sodium_free(s->data);
	free(s);
}

/* --- files --- */

static int
check_file(int fd, const char *path, struct stat *st, struct err *e)
{
	if (fstat(fd, st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_SECRET, "%s: no regular file", path);
	if (st->st_uid != geteuid())
		return err_set(e, ERR_SECRET,
			       "%s: it belongs to user %u, not to you; say: chown %u %s", path,
			       (unsigned)st->st_uid, (unsigned)geteuid(), path);
	if ((st->st_mode & 077) != 0)
		return err_set(e, ERR_SECRET,
			       "%s: others may read it (mode %04o); say: chmod 600 %s", path,
			       (unsigned)st->st_mode & 07777, path);
	if (st->st_size == 0)
		return err_set(e, ERR_SECRET, "%s: it is empty", path);
	if (st->st_size > SECRET_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "%s: %lld bytes, limit %d", path,
			       (long long)st->st_size, SECRET_MAX_BYTES);
	return 0;
}

static int
read_all(int fd, const char *path, struct secret *s, struct err *e)
{
	for (size_t done = 0; done < s->len;) {
		ssize_t n = read(fd, s->data + done, s->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "%s", path);
		if (n == 0)
			return err_set(e, ERR_SECRET, "%s: it shrinks while it is read", path);
		done += (size_t)n;
	}
	return 0;
}

int
secret_read(const char *path, struct secret **out, struct err *e)
{
	struct secret *s = NULL;
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), rc = -1;

	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_SECRET, "%s: it is a symbolic link; name the file itself",
			       path);
	if (fd < 0)
		return err_sys(e, "%s", path);
	if (check_file(fd, path, &st, e) < 0)
		goto out;
	if ((s = secret_room((size_t)st.st_size, e)) == NULL || read_all(fd, path, s, e) < 0)
		goto out;
	*out = s;
	s = NULL;
	rc = 0;
out:
	secret_free(s);
	close(fd);
	return rc;
}

static void
cut_line(struct secret *s)
{
	while (s->len > 0 && (s->data[s->len - 1] == '\n' || s->data[s->len - 1] == '\r'))
		s->data[--s->len] = '\0';
}

int
secret_read_line(const char *path, struct secret **out, struct err *e)
{
	struct secret *s;

	if (secret_read(path, &s, e) < 0)
		return -1;
	cut_line(s);
	if (s->len == 0 || s->len > LINE_MAX_LEN) {
		secret_free(s);
		return err_set(e, ERR_SECRET, "%s: want one line of 1 to %d bytes", path,
			       LINE_MAX_LEN);
	}
	*out = s;
	return 0;
}

int
secret_read_hex(const char *path, size_t n, struct secret **out, struct err *e)
{
	struct secret *text, *s;
	int rc = -1;

	if (secret_read(path, &text, e) < 0)
		return -1;
	cut_line(text);
	if ((s = secret_room(n, e)) == NULL) {
		secret_free(text);
		return -1;
	}
	if (strlen((char *)text->data) != text->len ||
	    hex_decode(s->data, n, (char *)text->data) < 0) {
		err_set(e, ERR_FORMAT, "%s: want %zu digits of hex", path, 2 * n);
		secret_free(s);
	} else {
		*out = s;
		rc = 0;
	}
	secret_free(text);
	return rc;
}

/* --- the terminal --- */

/* One line into s; what does not fit is read and makes it too long. */
static int
type_line(int tty, struct secret *s, struct err *e)
{
	size_t n = 0;
	ssize_t got;
	char c = 0;

	while ((got = read(tty, &c, 1)) == 1 && c != '\n')
		if (n++ < LINE_MAX_LEN)
			s->data[n - 1] = (uint8_t)c;
	c = 0;
	if (got < 0)
		return err_sys(e, "terminal");
	if (n == 0 || n > LINE_MAX_LEN)
		return err_set(e, ERR_SECRET, "a passphrase of 1 to %d bytes is wanted",
			       LINE_MAX_LEN);
	s->len = n;
	s->data[n] = '\0';
	return 0;
}

int
secret_ask(const char *prompt, struct secret **out, struct err *e)
{
	struct termios was, quiet;
	struct secret *s;
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), rc;

	if (tty < 0)
		return err_set(e, ERR_SECRET,
			       "%s: there is no terminal to ask at; name a passphrase file in the "
			       "configuration",
			       prompt);
	if ((s = secret_room(LINE_MAX_LEN, e)) == NULL) {
		close(tty);
		return -1;
	}
	if (tcgetattr(tty, &was) == 0) {
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
		tcsetattr(tty, TCSAFLUSH, &quiet);
		dprintf(tty, "%s: ", prompt);
		rc = type_line(tty, s, e);
		tcsetattr(tty, TCSAFLUSH, &was);
		dprintf(tty, "\n");
	} else {
		rc = err_sys(e, "terminal");
	}
	close(tty);
	if (rc < 0)
		secret_free(s);
	else
		*out = s;
	return rc;
}

/* --- at rest --- */

bool
secret_is_sealed(const struct secret *s)
{
	return s->len > strlen(MAGIC) && memcmp(s->data, MAGIC, strlen(MAGIC)) == 0;
}

static int
derive(const struct secret *passphrase, const uint8_t *salt, uint64_t ops, uint64_t mem,
       struct secret **out, struct err *e)
{
	struct secret *key_secret = secret_room(crypto_secretbox_KEYBYTES, e);

	if (key_secret == NULL)
		return -1;
	if (crypto_pwhash(key_secret->data, key_secret->len, (const char *)passphrase->data,
			  passphrase->len, salt, ops, (size_t)mem,
			  crypto_pwhash_ALG_ARGON2ID13) != 0) {
		secret_free(key_secret);
		return err_set(e, ERR_SYSTEM, "a passphrase wants %llu bytes of memory: not there",
			       (unsigned long long)mem);
	}
	*out = key_secret;
	return 0;
}

int
secret_seal(const struct secret *key, const struct secret *passphrase, enum secret_cost cost,
	    struct buf *out, struct err *e)
{
	uint64_t ops = cost == SECRET_MODERATE ? crypto_pwhash_OPSLIMIT_MODERATE
					       : crypto_pwhash_OPSLIMIT_INTERACTIVE;
	uint64_t mem = cost == SECRET_MODERATE ? crypto_pwhash_MEMLIMIT_MODERATE
					       : crypto_pwhash_MEMLIMIT_INTERACTIVE;
	struct secret *box_secret;
	uint8_t head[AT_BOX], *box;

	if (start(e) < 0)
		return -1;
	memcpy(head, MAGIC, strlen(MAGIC));
	be64_put(head + AT_OPS, ops);
	be64_put(head + AT_MEM, mem);
	randombytes_buf(head + AT_SALT, AT_BOX - AT_SALT);
	if (derive(passphrase, head + AT_SALT, ops, mem, &box_secret, e) < 0)
		return -1;
	box = mem_alloc(key->len + crypto_secretbox_MACBYTES);
	crypto_secretbox_easy(box, key->data, key->len, head + AT_NONCE, box_secret->data);
	buf_add(out, head, sizeof head);
	buf_add(out, box, key->len + crypto_secretbox_MACBYTES);
	free(box);
	secret_free(box_secret);
	return 0;
}

int
secret_unseal(const struct secret *sealed, const struct secret *passphrase, struct secret **out,
	      struct err *e)
{
	struct secret *box_secret, *key_secret;
	uint64_t ops, mem;
	int rc;

	if (!secret_is_sealed(sealed) || sealed->len <= AT_BOX + crypto_secretbox_MACBYTES)
		return err_set(e, ERR_FORMAT, "encrypted key: cut, or none");
	ops = be64_get(sealed->data + AT_OPS);
	mem = be64_get(sealed->data + AT_MEM);
	if (ops < crypto_pwhash_OPSLIMIT_MIN || ops > OPS_MAX || mem < crypto_pwhash_MEMLIMIT_MIN ||
	    mem > MEM_MAX)
		return err_set(e, ERR_FORMAT,
			       "encrypted key: %llu passes over %llu bytes are out of "
			       "bounds",
			       (unsigned long long)ops, (unsigned long long)mem);
	if (derive(passphrase, sealed->data + AT_SALT, ops, mem, &box_secret, e) < 0)
		return -1;
	key_secret = secret_room(sealed->len - AT_BOX - crypto_secretbox_MACBYTES, e);
	rc = key_secret == NULL ? -1 : 0;
	if (rc == 0 && crypto_secretbox_open_easy(key_secret->data, sealed->data + AT_BOX,
						  sealed->len - AT_BOX, sealed->data + AT_NONCE,
						  box_secret->data) != 0)
		rc = err_set(e, ERR_SECRET, "the passphrase does not open the key");
	secret_free(box_secret);
	if (rc < 0)
		secret_free(key_secret);
	else
		*out = key_secret;
	return rc;
}
