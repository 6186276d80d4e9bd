/* listen.c - the sockets that the gateway listens on. Runs in: master. Owns: nothing. Trusts: the
 * configuration. */
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "master/master.h"

#define BACKLOG 1024 /* connections that wait for accept */

/* "host:port" or "[v6]:port", numeric only: a gateway that waits for a name server at start would
 * be fragile. */
static int
resolve(const char *address, struct addrinfo **out, struct err *e)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				 .ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(address, ':');
	char host[128];
	size_t n;
	int rc;

	if (colon == NULL || colon == address || colon[1] == '\0')
		return err_set(e, ERR_CONFIG,
			       "%s: want address:port, such as 127.0.0.1:8443 or [::1]:8443",
			       address);
	n = (size_t)(colon - address);
	if (address[0] == '[' && colon[-1] == ']') {
		address++;
		n -= 2;
	}
	snprintf(host, sizeof host, "%.*s", (int)n, address);
	if ((rc = getaddrinfo(host, colon + 1, &hints, out)) != 0)
		return err_set(e, ERR_CONFIG, "%s:%s: %s (a numeric address is wanted)", host,
			       colon + 1, gai_strerror(rc));
	return 0;
}

static bool
is_loopback(const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return sa->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

int
listen_check(const char *address, bool loopback_only, struct err *e)
{
	struct addrinfo *ai;
	bool bad;

	if (resolve(address, &ai, e) < 0)
		return -1;
	bad = loopback_only && !is_loopback(ai->ai_addr);
	freeaddrinfo(ai);
	return bad ? err_set(e, ERR_CONFIG, "%s: only a loopback address may serve this", address)
		   : 0;
}

int
listen_tcp(const char *address, struct err *e)
{
	struct addrinfo *ai;
	int fd, on = 1, v6 = 0;

	if (resolve(address, &ai, e) < 0)
		return -1;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	v6 = ai->ai_family == AF_INET6;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		err_sys(e, "listen on %s", address);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

int
listen_unix(const char *path, const char *user, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const struct passwd *pw = geteuid() == 0 ? getpwnam(user) : NULL;
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof sa.sun_path)
		return err_set(e, ERR_CONFIG, "%s: a socket's path has at most %zu bytes", path,
			       sizeof sa.sun_path - 1);
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* a living daemon answers: then we must not take its place */
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0) {
		close(fd);
		return err_set(e, ERR_CONFIG, "%s: another safehandd is running", path);
	}
	unlink(path);
	mask = umask(0117); /* owner and group only */
	rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&sa, sizeof sa);
	umask(mask);
	if (rc < 0 || listen(fd, BACKLOG) < 0 || (pw != NULL && chown(path, 0, pw->pw_gid) < 0)) {
		err_sys(e, "%s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}
