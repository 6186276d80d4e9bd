/* play.c - one real role under test. Runs in: the tests of taken roles. Owns: the process and its
 * folder. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/tap.h"

#include "frame/chan.h"
#include "frame/role.h"
#include "play.h"

#define NOBODY 65534

static const char conf_text[] =
    "[gateway]\nlisten = 127.0.0.1:0\nuser = nobody\njail = %s/root\ndata = %s/data\n"
    "[trust]\nroot = r\nissuing = i\ncrl = c\nroster = s\n"
    "[front]\ncertificate = f\nkey = k\n"
    "[notary]\norigin = localhost/log\nlog-key = l\ntsa-key = t\ntsa-certificate = u\n"
    "[store]\ndisk-reserve = 0\njournal-segment = 4M\nsmall = 64K\nquota = 8M\n"
    "[class \"general\"]\nfrom = csc/*\nto = */*\n";

/* What each role is given, as master's table says (master/load.c). */
static const struct given {
	unsigned roles;
	enum msg_kind kind;
	const char *name, *path;
} files[] = {
#define R(r) (1u << ROLE_##r)
    {R(FRONT) | R(VERIFY), MSG_FILE, "root", "trust/root.pem"},
    {R(FRONT) | R(VERIFY), MSG_FILE, "issuing", "trust/issuing.pem"},
    {R(FRONT) | R(VERIFY) | R(STORE), MSG_FILE, "crl", "trust/crl.pem"},
    {R(STORE), MSG_FILE, "roster", "roster.shr"},
    {R(FRONT), MSG_FILE, "front.certificate", "certs/gateway-tls/localhost.pem"},
    {R(FRONT), MSG_SECRET, "front.key", "certs/gateway-tls/localhost.key"},
    {R(NOTARY), MSG_SECRET, "notary.log-key", "log/localhost_log.key"},
    {R(NOTARY), MSG_SECRET, "notary.tsa-key", "certs/tsa/gw.key"},
    {R(NOTARY), MSG_FILE, "notary.tsa-certificate", "certs/tsa/gw.pem"},
};

static void
give(const struct play *p, enum role_id role, enum msg_kind kind, const void *msg, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct buf bytes = {0};
	struct iovec iov;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	msg_encode(kind, msg, &bytes);
	iov = (struct iovec){bytes.data, bytes.len};
	if (fd >= 0) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof control.space;
		control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
						.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	if (sendmsg(p->master, &m, MSG_NOSIGNAL) < 0)
		fail_msg("%s: gone while it was started", role_name(role));
	if (fd >= 0)
		close(fd);
	buf_free(&bytes);
}

static void
give_bytes(const struct play *p, enum role_id role, enum msg_kind kind, const char *name,
	   const void *bytes, size_t n)
{
	struct msg_named m = {0};

	snprintf(m.name, sizeof m.name, "%s", name);
	give(p, role, kind, &m, role_memfd("given", bytes, n));
}

static void
give_files(const struct play *p, enum role_id role)
{
	char text[2048];
	int n = snprintf(text, sizeof text, conf_text, p->folder, p->folder);

	give_bytes(p, role, MSG_CONF, "", text, (size_t)n);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct buf b;

		if (!(files[i].roles & 1u << role))
			continue;
		b = pki_file(files[i].path);
		give_bytes(p, role, files[i].kind, files[i].name, b.data, b.len);
		buf_free(&b);
	}
}

static void
give_peer(const struct play *p, enum role_id role, enum role_id peer, int *mine)
{
	int fds[2];

	chan_pair(fds);
	give(p, role, MSG_PEER, &(struct msg_peer){peer, 0}, fds[1]);
	*mine = fds[0];
}

static void
give_listener(const struct play *p, enum role_id role)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
	assert_int_equal(listen(fd, 8), 0);
	give(p, role, MSG_LISTEN, &(struct msg_named){{0}, 0}, fd);
}

static void
make_folder(struct play *p)
{
	char path[96];

	strcpy(p->folder, "/tmp/safehand-roles-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	chmod(p->folder, 0755);
	snprintf(path, sizeof path, "%s/root", p->folder);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof path, "%s/data", p->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, NOBODY, NOBODY), 0);
}

static void
run_role(struct play *p, enum role_id role)
{
	char path[512];
	int fds[2], out[2];

	chan_pair(fds);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	snprintf(path, sizeof path, "%s/bin/safehand-%s", getenv("BUILD"), role_name(role));
	if ((p->pid = fork()) == 0) {
		dup2(out[1], 2);
		dup2(fds[1], 3);
		fcntl(3, F_SETFD, 0);
		closefrom(4);
		execl(path, path, NULL);
		_exit(127);
	}
	close(fds[1]);
	close(out[1]);
	p->master = fds[0];
	p->log = fdopen(out[0], "r");
}

void
play_start(struct play *p, enum role_id role, enum role_id peer)
{
	int silent;

	*p = (struct play){.peer = -1};
	make_folder(p);
	run_role(p, role);
	give_files(p, role);
	if (role == ROLE_STORE && peer != ROLE_NOTARY)
		give_peer(p, role, ROLE_NOTARY, &silent); /* it will not start without */
	give_peer(p, role, peer, &p->peer);
	if (role == ROLE_FRONT)
		give_listener(p, role);
	if (role == ROLE_STORE) {
		char path[96];

		snprintf(path, sizeof path, "%s/data", p->folder);
		give(p, role, MSG_DIR, &(struct msg_named){"data", 0},
		     open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	}
	give(p, role, MSG_GO, &(struct msg_named){{0}, 0}, -1);
	if (!play_until(p, "msg=ready"))
		fail_msg("%s did not start: %s", role_name(role), p->line);
}

/* --- a whole gateway --- */

static void
make_programs(const struct play *p, enum role_id impostor)
{
	char path[128], to[512], self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	assert_true(n > 0);
	self[n] = '\0';
	snprintf(path, sizeof path, "%s/libexec", p->folder);
	assert_int_equal(mkdir(path, 0755), 0);
	for (enum role_id r = ROLE_MASTER + 1; r < ROLE_IDS; r++) {
		snprintf(path, sizeof path, "%s/libexec/safehand-%s", p->folder, role_name(r));
		snprintf(to, sizeof to, "%s/bin/safehand-%s", getenv("BUILD"), role_name(r));
		assert_int_equal(symlink(r == impostor ? self : to, path), 0);
	}
}

static void
make_conf(const struct play *p)
{
	const char *pki = getenv("PKI");
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/safehand.conf", p->folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"[gateway]\nlisten = 127.0.0.1:0\nuser = nobody\njail = %s/root\ndata = %s/data\n",
		p->folder, p->folder);
	fprintf(f, "control = %s/control\nlibexec = %s/libexec\nmetrics = \n", p->folder,
		p->folder);
	fprintf(f, "[trust]\nroot = %s/trust/root.pem\nissuing = %s/trust/issuing.pem\n", pki, pki);
	fprintf(f, "crl = %s/trust/crl.pem\nroster = %s/roster.shr\n", pki, pki);
	fprintf(f, "[front]\ncertificate = %s/certs/gateway-tls/localhost.pem\n", pki);
	fprintf(f, "key = %s/certs/gateway-tls/localhost.key\n", pki);
	fprintf(f, "[notary]\norigin = localhost/log\nlog-key = %s/log/localhost_log.key\n", pki);
	fprintf(f, "tsa-key = %s/certs/tsa/gw.key\ntsa-certificate = %s/certs/tsa/gw.pem\n", pki,
		pki);
	fprintf(f, "[store]\ndisk-reserve = 0\n[class \"general\"]\nfrom = csc/*\nto = */*\n");
	assert_int_equal(fclose(f), 0);
}

void
play_start_master(struct play *p, enum role_id impostor)
{
	char path[512], conf[128];
	int out[2];

	*p = (struct play){.peer = -1, .master = -1};
	make_folder(p);
	make_programs(p, impostor);
	make_conf(p);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	snprintf(path, sizeof path, "%s/bin/safehandd", getenv("BUILD"));
	snprintf(conf, sizeof conf, "%s/safehand.conf", p->folder);
	if ((p->pid = fork()) == 0) {
		dup2(out[1], 2);
		execl(path, path, "-f", conf, NULL);
		_exit(127);
	}
	close(out[1]);
	p->log = fdopen(out[0], "r");
}

bool
play_until(struct play *p, const char *word)
{
	while (fgets(p->line, sizeof p->line, p->log) != NULL)
		if (strstr(p->line, word) != NULL)
			return true;
	return false;
}

int
play_ended(struct play *p)
{
	char command[96];
	int status;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	fclose(p->log);
	if (p->master >= 0)
		close(p->master);
	if (p->peer >= 0)
		close(p->peer);
	snprintf(command, sizeof command, "rm -rf %s", p->folder);
	assert_int_equal(system(command), 0);
	return status;
}

int
play_end(struct play *p)
{
	shutdown(p->master, SHUT_RDWR); /* master is gone: it ends */
	return play_ended(p);
}
