/* wire.c - one question to the gateway's control socket. Runs in: safehandctl. Owns: the
 * connection. Trusts: whoever listens at the path, as far as the length of the answer. */
#include "ctl/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 65536 /* asked for at once */

static int
refuse_connect(const char *path, struct err *e)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		return err_set(e, ERR_NETWORK,
			       "%s: no gateway listens there. Is safehandd running (systemctl "
			       "status safehandd)? Its socket is the setting [gateway] control; "
			       "name another with --socket",
			       path);
	case EACCES:
	case EPERM:
		return err_set(e, ERR_DENIED,
			       "%s: permission denied. The socket is for root and for the group "
			       "of the gateway's user: use sudo, or have yourself added to it",
			       path);
	case ENOTSOCK:
	case ENOTDIR:
	case EPROTOTYPE:
		return err_set(e, ERR_USAGE, "%s: not a control socket: %s", path, strerror(errno));
	default: return err_sys(e, "%s", path);
	}
}

static int
open_socket(const char *path, int wait_seconds, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval wait = {wait_seconds, 0};
	int fd;

	if (strlen(path) >= sizeof sa.sun_path)
		return err_set(e, ERR_USAGE, "%s: a socket's path has at most %zu bytes", path,
			       sizeof sa.sun_path - 1);
	strcpy(sa.sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return err_sys(e, "socket");
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0)
		return fd;
	refuse_connect(path, e);
	close(fd);
	return -1;
}

static bool
has_line(const struct buf *answer, size_t start)
{
	return answer->len > start &&
	       memchr(answer->data + start, '\n', answer->len - start) != NULL;
}

/* How an answer is waited for. */
struct waiting {
	int seconds;		    /* for each part of it */
	bool one_line;		    /* its end is that of the first line */
	bool (*goes_on)(void *ctx); /* asked when so many seconds have passed; NULL: they do not */
	void *ctx;
};

static int
refuse_silence(int seconds, struct err *e)
{
	return err_set(e, ERR_NETWORK, "no answer for %d seconds: the gateway is busy, or hangs",
		       seconds);
}

/* To the end, or to the end of the first line. */
static int
read_answer(int fd, const struct waiting *w, struct buf *answer, struct err *e)
{
	size_t start = answer->len;
	bool silent;
	ssize_t n;

	do {
		buf_reserve(answer, READ_BYTES);
		n = read(fd, answer->data + answer->len, READ_BYTES);
		silent = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
		if (n < 0 && !silent && errno != EINTR)
			return err_sys(e, "control socket");
		if (silent && (w->goes_on == NULL || !w->goes_on(w->ctx)))
			return refuse_silence(w->seconds, e);
		answer->len += n > 0 ? (size_t)n : 0;
		if (answer->len - start > ANSWER_MAX_BYTES)
			return err_set(e, ERR_LIMIT,
				       "the answer has more than %d MiB: ask for less (limit=N)",
				       ANSWER_MAX_BYTES / (1024 * 1024));
	} while (n != 0 && !(w->one_line && has_line(answer, start)));
	answer->data[answer->len] = '\0';
	return answer->len > start
		   ? 0
		   : err_set(e, ERR_NETWORK, "the gateway hung up without an answer: see its log");
}

static int
ask(const char *path, const struct buf *line, const struct waiting *w, int *fd, struct buf *answer,
    struct err *e)
{
	*fd = open_socket(path, w->seconds, e);
	if (*fd < 0)
		return -1;
	if (send(*fd, line->data, line->len, MSG_NOSIGNAL) != (ssize_t)line->len)
		return err_sys(e, "%s", path);
	return read_answer(*fd, w, answer, e);
}

static int
ask_once(const char *path, const struct buf *line, const struct waiting *w, struct buf *answer,
	 struct err *e)
{
	int fd, rc = ask(path, line, w, &fd, answer, e);

	if (fd >= 0)
		close(fd);
	return rc;
}

int
wire_ask(const char *path, const struct buf *line, int wait_seconds, struct buf *answer,
	 struct err *e)
{
	return ask_once(path, line, &(struct waiting){.seconds = wait_seconds}, answer, e);
}

int
wire_ask_while(const char *path, const struct buf *line, bool (*goes_on)(void *ctx), void *ctx,
	       struct buf *answer, struct err *e)
{
	struct waiting w = {.seconds = 1, .goes_on = goes_on, .ctx = ctx};

	return ask_once(path, line, &w, answer, e);
}

int
wire_hold(const char *path, const struct buf *line, int wait_seconds, int *held, struct buf *answer,
	  struct err *e)
{
	struct waiting w = {.seconds = wait_seconds, .one_line = true};

	return ask(path, line, &w, held, answer, e);
}
