/* test_front_role.c - the whole role over real TLS against a store that is played here: who may
 * enter, what is asked, uploads and their ends, downloads, deadlines, reload, stop. The client is a
 * forked process; the role runs in this one. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tap.h"

#include "frame/room.h"
#include "frame/settings.h"
#include "frame/range.h"
#include "front/front.h"
#include "safehand/bundle.h"
#include "safehand/enc.h"
#include "safehand/log.h"
#include "safehand/time.h"

#define ID	 "019ab0c4-1111-7222-8333-444455556666"
#define ID_SLOW	 "019ab0c4-1111-7222-8333-44445555aaaa" /* the store never grants it */
#define ID_NO	 "019ab0c4-1111-7222-8333-44445555bbbb" /* the store refuses it */
#define ID_QUIT	 "019ab0c4-1111-7222-8333-44445555cccc" /* the store ends it in the middle */
#define MANIFEST 100
#define SIGNED	 50
#define HEAD	 (BUNDLE_FIXED_BYTES + MANIFEST + SIGNED + SLOT_BYTES)
#define ETAG	 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PREFIX	 "the head of the bundle:"
#define BIG	 (5 * 1024 * 1024 + 7)

#define must(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "client: %s:%d: %s\n", __FILE__, __LINE__, #what);         \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* --- the store that is played --- */

static struct {
	struct chan *ch;
	int staging;
	uint64_t received, payload; /* of ID */
	uint64_t cut, cut_job;
	int cuts, cancels, ends, begins, wholes, resumes, slow;
	uint64_t slow_job;
	struct msg_ask asked;
	bool misbehave;
} store = {.staging = -1};

static void
reply(uint64_t job, uint32_t status, enum body_type type, const void *p, size_t n)
{
	struct msg_reply m = {.job = job, .status = status, .type = type, .upload_offset = -1};

	m.body = (struct blob){p, n};
	chan_send(store.ch, MSG_REPLY, &m, -1);
}

static void
problem(uint64_t job, enum err_code code, const char *detail)
{
	struct msg_reply m = {.job = job,
			      .status = (uint32_t)err_http(code),
			      .type = BODY_PROBLEM,
			      .code = code,
			      .upload_offset = -1};

	m.retry_after = code == ERR_STORAGE ? 60 : 0;
	snprintf(m.detail, sizeof m.detail, "%s", detail);
	chan_send(store.ch, MSG_REPLY, &m, -1);
}

static void
grant(uint64_t job, uint64_t received)
{
	struct msg_upload m = {.job = job,
			       .offset = 4096, /* as within a journal segment */
			       .received = received,
			       .head_bytes = HEAD,
			       .payload_bytes = store.payload};

	if (store.staging < 0)
		store.staging = memfd_create("staging", MFD_CLOEXEC);
	chan_send(store.ch, MSG_UPLOAD, &m, fcntl(store.staging, F_DUPFD_CLOEXEC, 0));
}

static void
received(uint64_t job, uint64_t length, const uint8_t *digest)
{
	struct buf b = {0};

	store.ends++;
	buf_addf(&b, "{\"length\":%llu,\"digest\":\"", (unsigned long long)length);
	buf_hex(&b, digest, DIGEST_BYTES);
	buf_adds(&b, "\"}");
	reply(job, 201, BODY_JSON, b.data, b.len);
	buf_free(&b);
}

static void
on_begin(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_begin *m = msg;
	uint8_t digest[DIGEST_BYTES];
	struct buf head = {0};
	struct err e;

	store.begins++;
	assert_string_equal(m->agency, "uhcw");
	assert_ok(role_carried(&m->bytes, fd, CARRY_MAX_BYTES, &head, &e), &e);
	digest_of(head.data + m->head_bytes, head.len - m->head_bytes, digest);
	assert_int_equal(head.len, m->head_bytes + (m->whole ? m->payload_bytes : 0));
	assert_int_equal(m->head_bytes, HEAD);
	assert_memory_equal(head.data, "SHB1", 4);
	buf_free(&head);
	if (fd >= 0)
		close(fd);
	store.payload = m->payload_bytes;
	store.wholes += m->whole;
	if (strcmp(m->id, ID_NO) == 0) {
		problem(m->job, ERR_STORAGE, "over quota");
	} else if (m->whole) {
		received(m->job, m->payload_bytes, digest);
	} else if (strcmp(m->id, ID_SLOW) == 0) {
		store.slow++;
		store.slow_job = m->job;
	} else {
		grant(m->job, 0);
	}
	if (strcmp(m->id, ID_QUIT) == 0)
		problem(m->job, ERR_STORAGE, "disk full");
}

static void
on_resume(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_resume *m = msg;

	store.resumes++;
	if (strcmp(m->id, ID_NO) == 0)
		problem(m->job, ERR_UNKNOWN, "no such upload");
	else
		grant(m->job, store.received);
}

static void
on_end(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_end *m = msg;

	received(m->job, m->length, m->digest);
	close(store.staging);
	store.staging = -1;
	store.received = 0;
}

static void
on_cut(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_cut *m = msg;

	store.cuts++;
	store.cut = store.received = m->received;
	store.cut_job = m->job;
}

static void
answer_fetch(const struct msg_ask *m)
{
	struct msg_body b = {.job = m->job, .offset = 10, .length = BIG};
	struct msg_reply other = {.job = m->job, .upload_offset = -1};
	struct range range = {m->range, m->number, m->number2};
	int fd;

	memcpy(b.etag, ETAG, sizeof b.etag);
	b.prefix = (struct blob){(const uint8_t *)PREFIX, strlen(PREFIX)};
	if (*m->if_range != '\0' && strcmp(m->if_range, ETAG) != 0)
		range.kind = RANGE_ALL;
	b.ranged = range.kind != RANGE_ALL;
	if (strcmp(m->have, ETAG) == 0)
		other.status = 304;
	else if (range_cut(&range, strlen(PREFIX) + BIG, &b.from, &b.count) < 0)
		other = (struct msg_reply){.job = m->job,
					   .status = 416,
					   .type = BODY_PROBLEM,
					   .code = ERR_USAGE,
					   .upload_offset = -1,
					   .total = strlen(PREFIX) + BIG};
	if (other.status != 0 || m->head_only) {
		if (other.status != 0)
			chan_send(store.ch, MSG_REPLY, &other, -1);
		else
			chan_send(store.ch, MSG_BODY, &b, -1);
		return;
	}
	fd = memfd_create("body", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 10 + BIG), 0);
	assert_int_equal(pwrite(fd, "0123456789", 10, 0), 10);
	assert_int_equal(pwrite(fd, "first", 5, 10), 5);
	assert_int_equal(pwrite(fd, "last", 4, 10 + BIG - 4), 4);
	chan_send(store.ch, MSG_BODY, &b, fd);
}

static void
on_ask(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_ask *m = msg;
	struct msg_reply r = {
	    .job = m->job, .status = 200, .type = BODY_ROSTER, .upload_offset = -1};
	struct buf b = {0};

	store.asked = *m;
	if (store.misbehave)
		grant(m->job, 0); /* nobody asked for that */
	if (m->what == ASK_FEED && m->number2 > 0)
		return; /* a long poll */
	if (m->what == ASK_FETCH) {
		answer_fetch(m);
	} else if (m->what == ASK_BUNDLE) {
		problem(m->job, ERR_UNKNOWN, strcmp(m->agency, "uhcw") == 0 ? "none" : "not yours");
	} else if (m->what == ASK_CRL) {
		r.type = BODY_PEM; /* by descriptor */
		r.fd_bytes = 300000;
		fd = memfd_create("crl", MFD_CLOEXEC);
		assert_int_equal(ftruncate(fd, 300000), 0);
		chan_send(store.ch, MSG_REPLY, &r, fd);
	} else if (m->what == ASK_ROSTER) {
		memcpy(r.etag, ETAG, sizeof r.etag);
		r.body = (struct blob){(const uint8_t *)"SHS1", 4};
		chan_send(store.ch, MSG_REPLY, &r, -1);
	} else if (m->what == ASK_UPLOAD) {
		r.type = BODY_NONE;
		r.upload_offset = (int64_t)(HEAD + store.received);
		chan_send(store.ch, MSG_REPLY, &r, -1);
	} else {
		buf_addf(&b, "%s %u %s %s %s %s %llu %llu %s %s", m->agency, m->what, m->mailbox,
			 m->id, m->kind, m->value, (unsigned long long)m->number,
			 (unsigned long long)m->number2, m->other, m->about);
		reply(m->job, 200, BODY_TEXT, b.data, b.len);
		buf_free(&b);
	}
}

static void
take_small(uint64_t job, const char *agency, const struct blob *inside, int fd)
{
	struct buf b = {0}, text = {0};
	struct err e;

	assert_ok(role_carried(inside, fd, 1 << 20, &b, &e), &e);
	assert_int_equal(fd >= 0, b.len > CARRY_MAX_BYTES);
	buf_addf(&text, "%zu bytes of %s", b.len, agency);
	reply(job, 200, BODY_TEXT, text.data, text.len);
	buf_free(&b);
	buf_free(&text);
	if (fd >= 0)
		close(fd);
}

static void
on_statement(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_statement *m = msg;

	take_small(m->job, m->agency, &m->bytes, fd);
}

static void
on_route(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_route *m = msg;

	take_small(m->job, m->agency, &m->bytes, fd);
}

static void
on_cancel(void *ctx, struct chan *ch, const void *msg, int fd)
{
	store.cancels++;
}

static const struct chan_handler store_handlers[] = {
    {MSG_BEGIN, on_begin}, {MSG_RESUME, on_resume}, {MSG_END, on_end},
    {MSG_CUT, on_cut},	   {MSG_ASK, on_ask},	    {MSG_STATEMENT, on_statement},
    {MSG_ROUTE, on_route}, {MSG_CANCEL, on_cancel}, {0, NULL}};

static void
on_gone(void *ctx, struct chan *ch)
{
	fail_msg("a channel broke");
}

/* --- the role --- */

static struct role_env env = {.data_fd = -1};
static uint16_t port;
static int log_fd;
static char revoking[64]; /* a copy of the PKI in which "schools" is revoked */

static void
add_file(const char *name, struct buf data, bool secret)
{
	struct role_file *f = &env.files[env.nfiles++];

	snprintf(f->name, sizeof f->name, "%s", name);
	f->is_secret = secret;
	if (!secret) {
		f->data = data;
		return;
	}
	room_new(&f->data, data.len);
	buf_add(&f->data, data.data, data.len);
	buf_free(&data);
}

static void
add_files(void)
{
	for (size_t i = 0; i < env.nfiles; i++)
		role_secret_drop(&env, env.files[i].name);
	env.nfiles = 0;
	add_file("root", pki_file("trust/root.pem"), false);
	add_file("issuing", pki_file("trust/issuing.pem"), false);
	add_file("crl", pki_file("trust/crl.pem"), false);
	add_file("front.certificate", pki_file("certs/gateway-tls/localhost.pem"), false);
	add_file("front.key", pki_file("certs/gateway-tls/localhost.key"), true);
}

static void
report(void *ctx, const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, text);
}

static struct conf *
make_conf(void)
{
	static const char text[] =
	    "[gateway]\nlisten = 127.0.0.1:1\n[trust]\nroot = /x\nissuing = /x\ncrl = /x\n"
	    "roster = /x\n[front]\ncertificate = /x\nkey = /x\nhead-timeout = 400ms\n"
	    "handshake-timeout = 1s\nbody-timeout = 1s\nidle-timeout = 1s\n"
	    "handshakes-per-address = 8\nconnections-per-agency = 6\n[notary]\norigin = o\n"
	    "log-key = /x\ntsa-key = /x\ntsa-certificate = /x\n"
	    "[class \"general\"]\nfrom = */*\nto = */*\nmax-bytes = 1G\n";
	struct conf *c;
	struct err e;

	assert_ok(conf_parse("test", "", text, strlen(text), settings_table, report, NULL, &c, &e),
		  &e);
	return c;
}

static int
listen_any(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	port = ntohs(sa.sin_port);
	return fd;
}

static void
make_revoking(void)
{
	char command[1024];

	snprintf(revoking, sizeof revoking, "/tmp/front-test.%d", (int)getpid());
	snprintf(command, sizeof command,
		 "cp -r '%s' %s && '%s/pki/revoke' --dir %s agency-tls schools >/dev/null",
		 getenv("PKI"), revoking, getenv("TOP"), revoking);
	assert_int_equal(system(command), 0);
}

static int
start_role(void **state)
{
	struct event_config *config = event_config_new();
	struct chan *ch;
	struct err e;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	make_revoking();
	event_config_set_flag(config,
			      EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST | EVENT_BASE_FLAG_NOLOCK);
	env.base = event_base_new_with_config(config);
	event_config_free(config);
	env.conf = make_conf();
	env.role = &front_role;
	env.index = 3;
	add_files();
	env.listen_fd[env.listens++] = listen_any();
	chan_pair(fds);
	store.ch =
	    chan_new(env.base, fds[0], ROLE_STORE, ROLE_FRONT, 3, store_handlers, on_gone, NULL);
	assert_ok(front_role.prepare(&env, &e), &e);
	ch = chan_new(env.base, fds[1], ROLE_FRONT, ROLE_STORE, 0, front_role.handlers, on_gone,
		      &env);
	front_role.peer(&env, ch);
	assert_ok(front_role.start(&env, &e), &e);
	return 0;
}

static int
stop_role(void **state)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", revoking);
	return system(command);
}

static void
turn(int ms)
{
	event_base_loopexit(env.base, &(struct timeval){ms / 1000, ms % 1000 * 1000});
	event_base_dispatch(env.base);
}

/* Runs the role until the client has ended, with what it logged in text. */
static void
with_client(void (*client)(void))
{
	int status, saved = dup(2);
	pid_t pid;

	if ((pid = fork()) == 0) {
		alarm(20);
		client();
		_exit(0);
	}
	fflush(stderr);
	dup2(log_fd, 2);
	while (waitpid(pid, &status, WNOHANG) == 0)
		turn(5);
	turn(5);
	dup2(saved, 2);
	close(saved);
	if (status != 0) {
		char text[8192] = "";

		if (pread(log_fd, text, sizeof text - 1, 0) > 0)
			print_message("%s\n", text);
	}
	assert_int_equal(status, 0);
}

static int
logged(const char *what)
{
	static char text[1 << 20];
	ssize_t n = pread(log_fd, text, sizeof text - 1, 0);
	int count = 0;

	text[n > 0 ? n : 0] = '\0';
	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		count++;
	return count;
}

/* --- the client --- */

static bool small_window; /* takes next to nothing ahead of its reading */

static SSL *
try_connect(const char *cert, const char *key, int max_version)
{
	static SSL_CTX *ctx;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char path[512];
	SSL *ssl;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ctx = SSL_CTX_new(TLS_client_method());
	if (max_version)
		SSL_CTX_set_max_proto_version(ctx, max_version);
	snprintf(path, sizeof path, "%s/trust/root.pem", getenv("PKI"));
	must(SSL_CTX_load_verify_locations(ctx, path, NULL) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (cert != NULL) {
		snprintf(path, sizeof path, "%s/%s", getenv("PKI"), cert);
		must(SSL_CTX_use_certificate_chain_file(ctx, path) == 1);
		snprintf(path, sizeof path, "%s/%s", getenv("PKI"), key);
		must(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1);
	}
	must(!small_window ||
	     setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int)) == 0);
	sa.sin_port = htons(port);
	must(connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
	must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){10, 0},
			sizeof(struct timeval)) == 0);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	return SSL_connect(ssl) == 1 ? ssl : NULL;
}

static SSL *
enter_as(const char *agency)
{
	char cert[64], key[64];
	SSL *ssl;

	snprintf(cert, sizeof cert, "certs/agency-tls/%s.pem", agency);
	snprintf(key, sizeof key, "certs/agency-tls/%s.key", agency);
	must((ssl = try_connect(cert, key, 0)) != NULL);
	return ssl;
}

static SSL *
enter(void)
{
	return enter_as("uhcw");
}

static void
put(SSL *ssl, const void *p, size_t n)
{
	must(n == 0 || SSL_write(ssl, p, (int)n) == (int)n);
}

static void
puts_to(SSL *ssl, const char *text)
{
	put(ssl, text, strlen(text));
}

struct got {
	int status;
	char head[4096];
	struct buf body;
};

/* One answer, whole by its length; without a body if bodyless. */
static struct got
get(SSL *ssl, bool bodyless)
{
	struct got g = {0};
	size_t n = 0;
	const char *length;
	long want;

	while (n < 4 || memcmp(g.head + n - 4, "\r\n\r\n", 4) != 0) {
		must(n < sizeof g.head - 1);
		must(SSL_read(ssl, g.head + n, 1) == 1);
		n++;
	}
	must(sscanf(g.head, "HTTP/1.1 %d ", &g.status) == 1);
	if (bodyless || g.status == 304 || g.status == 100)
		return g;
	must((length = strstr(g.head, "\r\nContent-Length: ")) != NULL);
	want = strtol(length + 18, NULL, 10);
	buf_reserve(&g.body, (size_t)want + 1);
	while (g.body.len < (size_t)want) {
		int k = SSL_read(ssl, g.body.data + g.body.len, (int)((size_t)want - g.body.len));

		must(k > 0);
		g.body.len += (size_t)k;
	}
	g.body.data[g.body.len] = '\0';
	return g;
}

/* Leaks: a client lives for one test. */
static const char *
body_of(struct got g)
{
	return buf_str(&g.body);
}

static bool
is_closed(SSL *ssl)
{
	char c;

	return SSL_read(ssl, &c, 1) <= 0;
}

static struct got
exchange(SSL *ssl, const char *request)
{
	puts_to(ssl, request);
	return get(ssl, strncmp(request, "HEAD", 4) == 0);
}

#define HOST " HTTP/1.1\r\nHost: localhost\r\n"

/* --- who may enter --- */

static void
client_strangers(void)
{
	static const char *const bad[][2] = {
	    {NULL, NULL},
	    {"bad/expired-agency-tls.pem", "bad/expired-agency-tls.key"},
	    {"bad/notyet-agency-tls.pem", "bad/notyet-agency-tls.key"},
	    {"bad/revoked-agency-tls.pem", "bad/revoked-agency-tls.key"},
	    {"bad/selfmade-agency-tls.pem", "bad/selfmade-agency-tls.key"},
	    {"foreign/certs/agency-tls/uhcw.pem", "foreign/certs/agency-tls/uhcw.key"},
	    {"certs/agency-sign/uhcw.pem", "certs/agency-sign/uhcw.key"},
	    {"certs/gateway-tls/localhost.pem", "certs/gateway-tls/localhost.key"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		SSL *ssl = try_connect(bad[i][0], bad[i][1], 0);

		/* in TLS 1.3 the client learns of it when it reads */
		if (ssl != NULL) {
			SSL_write(ssl, "GET /v1/roster" HOST "\r\n", 43);
			must(is_closed(ssl));
		}
	}
	must(try_connect("certs/agency-tls/uhcw.pem", "certs/agency-tls/uhcw.key",
			 TLS1_2_VERSION) == NULL);
	must(exchange(enter(), "GET /v1/roster" HOST "\r\n").status == 200);
}

static void
lets_in_only_agencies(void **state)
{
	with_client(client_strangers);
	assert_int_equal(logged("msg=client-refused"), 9);
	assert_int_equal(logged("msg=client-refused code=expired"), 2);
	assert_int_equal(logged("msg=client-refused code=revoked"), 1);
	assert_int_equal(logged("msg=client-refused code=profile"), 2);
	assert_int_equal(logged("msg=client-refused code=certificate"), 3);
	assert_int_equal(logged("the client has no certificate"), 1);
}

/* --- calls --- */

#define CHILD "c:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* clang-format off */
static const struct {
	const char *request;
	int status;
	const char *body, *head; /* contained; NULL: not looked at */
	bool closes;
} calls[] = {
    {"GET /v1/roster" HOST "\r\n", 200, "SHS1", "Content-Type: application/vnd.safehand.roster", false},
    {"GET /v1/roster" HOST "If-None-Match: \"" ETAG "\"\r\n\r\n", 304, NULL, "ETag: \"" ETAG "\"", false},
    {"GET /v1/roster" HOST "If-None-Match: \"00\"\r\n\r\n", 200, "SHS1", NULL, false},
    {"HEAD /v1/roster" HOST "\r\n", 200, NULL, "Content-Length: 4\r\n", false},
    {"GET /v1/crl" HOST "\r\n", 200, NULL, "Content-Length: 300000\r\n", false},
    {"HEAD /v1/crl" HOST "\r\n", 200, NULL, "Content-Length: 300000\r\n", false},
    {"GET /v1/bundles/" ID "/evidence" HOST "\r\n", 200, "uhcw 4  " ID "   0 0", NULL, false},
    {"GET /v1/bundles/" ID "/evidence/1842" HOST "\r\n", 200, "uhcw 5  " ID "   1842 0", NULL, false},
    {"GET /v1/mailboxes/uhcw/emergency?after=7" HOST "\r\n", 200, "uhcw 6 uhcw/emergency    7 0", NULL, false},
    {"GET /v1/mailboxes/uhcw/emergency?wait=0&after=9" HOST "\r\n", 200, "uhcw 6 uhcw/emergency    9 0", NULL, false},
    {"GET /v1/subscriptions?mailbox=uhcw/a.b" HOST "\r\n", 200, "uhcw 8 uhcw/a.b    0 0", NULL, false},
    {"PUT /v1/subscriptions/uhcw/a/class/general" HOST "\r\n", 200, "uhcw 9 uhcw/a  class general 0 0", NULL, false},
    {"PUT /v1/subscriptions/uhcw/a/class/general" HOST "Content-Length: 0\r\n\r\n", 200, "uhcw 9", NULL, false},
    {"DELETE "
     "/v1/subscriptions/uhcw/a/child/c:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" HOST "\r\n",
     200, "uhcw 10 uhcw/a  child c:aaaa", NULL, false},
    {"GET /v1/log/checkpoint" HOST "\r\n", 200, "uhcw 11 ", NULL, false},
    {"GET /v1/log/tile/0/x001/x234/067" HOST "\r\n", 200, "uhcw 12     0 1234067", NULL, false},
    {"GET /v1/log/tile/1/000.p/255" HOST "\r\n", 200, "uhcw 12    255 1 0", NULL, false},
    {"GET /v1/log/consistency?old=5" HOST "\r\n", 200, "uhcw 13     5 0", NULL, false},
    {"PUT /v1/subscriptions/uhcw/a/area/west-midlands" HOST "\r\n", 200, "uhcw 9 uhcw/a  area west-midlands 0 0", NULL, false},
    {"GET /v1/board?mailbox=uhcw/a" HOST "\r\n", 200, "uhcw 14 uhcw/a ", NULL, false},
    {"GET /v1/away?mailbox=uhcw/a" HOST "\r\n", 200, "uhcw 15 uhcw/a ", NULL, false},
    {"PUT /v1/away/uhcw/a?until=1795381445000&cover=uhcw/b" HOST "\r\n", 200, "uhcw 16 uhcw/a    1795381445000 0 uhcw/b ", NULL, false},
    {"DELETE /v1/away/uhcw/a" HOST "\r\n", 200, "uhcw 17 uhcw/a ", NULL, false},
    {"GET /v1/classes" HOST "\r\n", 200, "uhcw 18 ", NULL, false},
    {"GET /v1/consents?mailbox=uhcw/a" HOST "\r\n", 200, "uhcw 19 uhcw/a ", NULL, false},
    {"PUT /v1/consents/uhcw/a/child/" CHILD "/wmp/ppu" HOST "\r\n", 200, "uhcw 20 uhcw/a  child " CHILD " 0 0 wmp/ppu ", NULL, false},
    {"DELETE /v1/consents/uhcw/a/child/" CHILD "/wmp/ppu" HOST "\r\n", 200, "uhcw 21 uhcw/a ", NULL, false},
    {"GET /v1/expectations?mailbox=uhcw/a" HOST "\r\n", 200, "uhcw 22 uhcw/a ", NULL, false},
    {"PUT /v1/expectations/uhcw/a/" ID "?class=general&from=csc/mash&due=1795381445000&about=" CHILD HOST "\r\n", 200,
     "uhcw 23 uhcw/a " ID "  general 1795381445000 0 csc/mash " CHILD, NULL, false},
    {"DELETE /v1/expectations/uhcw/a/" ID HOST "\r\n", 200, "uhcw 24 uhcw/a " ID, NULL, false},
    {"GET /v1/expectations/uhcw/a/" ID "/evidence/7" HOST "\r\n", 200, "uhcw 25 uhcw/a " ID "   7 0", NULL, false},
    {"POST /v1/bundles/" ID "/statements" HOST "Content-Length: 0\r\n\r\n", 200, "0 bytes of uhcw", NULL, false},
    {"POST /v1/route" HOST "Content-Length: 5\r\n\r\nhello", 200, "5 bytes of uhcw", NULL, false},
    {"POST /v1/route" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200, "5 bytes of uhcw", NULL, false},
    {"POST /v1/mailboxes/uhcw/a/bundles/" ID "/statements" HOST "Content-Length: 0\r\n\r\n", 200, "0 bytes of uhcw", NULL, false},
    {"HEAD /v1/bundles/" ID HOST "\r\n", 200, NULL, "Upload-Complete: ?0\r\n", false},
    /* refused */
    {"GET /" HOST "\r\n", 404, "\"code\":\"unknown\"", NULL, false},
    {"GET /v1/Roster" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/roster/" HOST "\r\n", 404, NULL, NULL, false},
    {"GET //v1/roster" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/../v1/roster" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/bundles/019ab0" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/bundles/" ID "/evidence/01" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/mailboxes/uhcw" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/mailboxes/UHCW/a" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/log/tile/0/x000/067" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/log/tile/0/67" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/log/tile/0/000.p/256" HOST "\r\n", 404, NULL, NULL, false},
    {"GET /v1/log/tile/64/000" HOST "\r\n", 404, NULL, NULL, false},
    {"PUT "
     "/v1/subscriptions/uhcw/a/child/h:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" HOST "\r\n",
     404, NULL, NULL, false},
    {"PUT /v1/consents/uhcw/a/child/" CHILD "/wmp" HOST "\r\n", 404, NULL, NULL, false},
    {"PUT /v1/consents/uhcw/a/child/" CHILD "/wmp/ppu/x" HOST "\r\n", 404, NULL, NULL, false},
    {"PUT /v1/away/uhcw/a" HOST "\r\n", 400, "the query", NULL, false},
    {"PUT /v1/away/uhcw/a?until=x" HOST "\r\n", 400, "the query", NULL, false},
    {"PUT /v1/away/uhcw/a?until=1&cover=uhcw" HOST "\r\n", 400, "the query", NULL, false},
    {"PUT /v1/expectations/uhcw/a/" ID "?class=general&from=csc/mash" HOST "\r\n", 400, "the query", NULL, false},
    {"PUT /v1/expectations/uhcw/a/" ID "?class=Gen&from=csc/mash&due=1" HOST "\r\n", 400, "the query", NULL, false},
    {"PUT /v1/expectations/uhcw/a/" ID "?class=general&from=csc/mash&due=1&about=c:a" HOST "\r\n", 400, "the query", NULL, false},
    {"DELETE /v1/roster" HOST "\r\n", 405, "\"code\":\"usage\"", "Allow: GET, HEAD\r\n", false},
    {"PATCH /v1/bundles/" ID HOST "\r\n", 405, NULL, "Allow: GET, HEAD, PUT\r\n", false},
    {"GET /v1/route" HOST "\r\n", 405, NULL, "Allow: POST\r\n", false},
    {"GET /v1/subscriptions/uhcw/a/class/general" HOST "\r\n", 405, NULL, "Allow: PUT, DELETE\r\n", false},
    {"GET /v1/roster?a=b" HOST "\r\n", 400, "the query", NULL, false},
    {"GET /v1/mailboxes/uhcw/a?after=1&after=2" HOST "\r\n", 400, "the query", NULL, false},
    {"GET /v1/mailboxes/uhcw/a?after=-1" HOST "\r\n", 400, "the query", NULL, false},
    {"GET /v1/mailboxes/uhcw/a?wait=301" HOST "\r\n", 400, "the query", NULL, false},
    {"GET /v1/mailboxes/uhcw/a?after=1&" HOST "\r\n", 400, "the query", NULL, false},
    {"GET /v1/mailboxes/uhcw/a?after" HOST "\r\n", 400, "the query", NULL, false},
    {"GET /v1/log/consistency" HOST "\r\n", 400, "the query", NULL, false},
    {"GET /v1/subscriptions" HOST "\r\n", 400, "the query", NULL, false},
    {"POST /v1/route" HOST "\r\n", 411, NULL, NULL, true},
    {"PUT /v1/bundles/" ID HOST "\r\n", 411, NULL, NULL, true},
    {"POST /v1/route" HOST "Content-Length: 200000\r\n\r\n", 413, NULL, NULL, true},
    {"PUT /v1/bundles/" ID HOST "Content-Length: 9663676416\r\n\r\n", 413, NULL, NULL, true},
    {"PUT /v1/subscriptions/uhcw/a/class/general" HOST "Content-Length: 5\r\n\r\nhello", 400, NULL, NULL, true},
    {"PUT /v1/bundles/" ID HOST "Content-Length: 5\r\n\r\nhello", 422, "within the bundle", NULL, false},
    {"PUT /v1/bundles/" ID HOST "Content-Length: 24\r\n\r\nSHB0....................", 422, NULL, NULL, false},
    {"PUT /v1/bundles/" ID HOST "Upload-Offset: x\r\nContent-Length: 0\r\n\r\n", 400, "Upload-Offset", NULL, false},
    {"POST /v1/route" HOST "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", 400, "chunk", NULL, true},
    {"GET /v1/roster HTTP/1.0\r\nHost: localhost\r\n\r\n", 505, NULL, NULL, true},
    {"GET /v1/roster" HOST "A : b\r\n\r\n", 400, NULL, NULL, true},
    {"POST /v1/route" HOST "Expect: nothing\r\nContent-Length: 1\r\n\r\n", 417, NULL, NULL, true},
    {"GET /v1/roster" HOST "Connection: close\r\n\r\n", 200, NULL, "Connection: close\r\n", true},
};
/* clang-format on */

static void
client_calls(void)
{
	SSL *ssl = enter();

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		struct got g = exchange(ssl, calls[i].request);

		if (g.status != calls[i].status ||
		    (calls[i].body && !strstr(buf_str(&g.body), calls[i].body)) ||
		    (calls[i].head && !strstr(g.head, calls[i].head)) ||
		    calls[i].closes != (strstr(g.head, "\r\nConnection: close\r\n") != NULL)) {
			fprintf(stderr, "client: %s\n%s%s\n", calls[i].request, g.head,
				buf_str(&g.body));
			_exit(1);
		}
		must(strstr(g.head, "\r\nSafehand-Job: 3-") && strstr(g.head, "\r\nDate: "));
		if (g.status >= 400)
			must(strstr(g.head, "Content-Type: application/problem+json\r\n") &&
			     strstr(buf_str(&g.body), "{\"type\":\"urn:safehand:error:"));
		if (calls[i].closes) {
			must(is_closed(ssl));
			close(SSL_get_fd(ssl));
			SSL_free(ssl);
			ssl = enter();
		}
		buf_free(&g.body);
	}
}

static void
answers_each_call(void **state)
{
	with_client(client_calls);
}

static void
client_pipelining(void)
{
	SSL *ssl = enter();

	puts_to(ssl, "GET /v1/log/tile/0/001" HOST "\r\nPOST /v1/route" HOST
		     "Content-Length: 3\r\n\r\nabcGET /v1/nothing" HOST
		     "\r\nGET /v1/log/tile/0/002" HOST "\r\n");
	must(strstr(body_of(get(ssl, false)), " 0 1"));
	must(strstr(body_of(get(ssl, false)), "3 bytes"));
	must(get(ssl, false).status == 404);
	must(strstr(body_of(get(ssl, false)), " 0 2"));
	for (const char *p = "GET /v1/log/tile/0/003" HOST "\r\n"; *p != '\0'; p++)
		put(ssl, p, 1);
	must(strstr(body_of(get(ssl, false)), " 0 3"));
}

static void
answers_pipelined_calls_in_order(void **state)
{
	with_client(client_pipelining);
}

static void
client_unknown(void)
{
	struct got a = exchange(enter(), "GET /v1/bundles/" ID HOST "\r\n");
	struct got b = exchange(enter_as("csc"), "GET /v1/bundles/" ID HOST "\r\n");
	struct got *both[] = {&a, &b};

	for (int i = 0; i < 2; i++) { /* the job's number is the only difference */
		char *in_head = strstr(both[i]->head, "Safehand-Job: "), *date;
		char *in_body = strstr((char *)both[i]->body.data, "\"job\":\"");

		must(both[i]->status == 404 && in_head && in_body);
		memset(in_head + 14, '0', strcspn(in_head + 14, "\r"));
		memset(in_body + 7, '0', strcspn(in_body + 7, "\""));
		must((date = strstr(both[i]->head, "Date: ")) != NULL);
		memset(date + 6, '0', 29);
	}
	must(strcmp(a.head, b.head) == 0 && strcmp(buf_str(&a.body), buf_str(&b.body)) == 0);
}

static void
tells_a_stranger_what_it_tells_of_the_unknown(void **state)
{
	with_client(client_unknown);
}

/* --- uploads --- */

static struct buf
bundle(uint64_t payload)
{
	struct bundle_head h = {MANIFEST, SIGNED, SLOT_BYTES, payload};
	struct buf b = {0};

	buf_reserve(&b, HEAD + payload);
	bundle_head_format(&h, b.data);
	for (b.len = BUNDLE_FIXED_BYTES; b.len < HEAD + payload; b.len++)
		b.data[b.len] = (uint8_t)(b.len * 7 + b.len / 251);
	return b;
}

static void
put_head(SSL *ssl, const char *id, const char *more, uint64_t length)
{
	char text[512];

	snprintf(text, sizeof text, "PUT /v1/bundles/%s" HOST "%sContent-Length: %llu\r\n\r\n", id,
		 more, (unsigned long long)length);
	puts_to(ssl, text);
}

/* The store saw just the payload of b. */
static void
must_be_kept(SSL *ssl, const struct buf *b)
{
	struct got g = get(ssl, false);
	uint8_t digest[DIGEST_BYTES];
	char hex[HEX_LEN(DIGEST_BYTES)];

	digest_of(b->data + HEAD, b->len - HEAD, digest);
	hex_encode(hex, digest, sizeof digest);
	must(g.status == 201);
	must(strstr(buf_str(&g.body), hex) != NULL);
	buf_free(&g.body);
}

static void
client_uploads(void)
{
	static const uint64_t sizes[] = {1, 1000, 65535, 65536, 65537, 3 * 1024 * 1024 + 1};
	SSL *ssl = enter();

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct buf b = bundle(sizes[i]);
		char size[32];

		put_head(ssl, ID, "", b.len);
		put(ssl, b.data, b.len);
		must_be_kept(ssl, &b);
		puts_to(ssl, "PUT /v1/bundles/" ID HOST "Transfer-Encoding: chunked\r\n\r\n");
		for (size_t at = 0, n; at < b.len; at += n) {
			n = b.len - at < 50001 ? b.len - at : 50001;
			snprintf(size, sizeof size, "%zx\r\n", n);
			puts_to(ssl, size);
			put(ssl, b.data + at, n);
			puts_to(ssl, "\r\n");
		}
		puts_to(ssl, "0\r\n\r\n");
		must_be_kept(ssl, &b);
		buf_free(&b);
	}
	for (int step = 1; step <= 7; step += 3) { /* in small pieces, whole and in chunks of one */
		struct buf b = bundle(50);

		put_head(ssl, ID, "Expect: 100-continue\r\n", b.len);
		must(get(ssl, true).status == 100);
		for (size_t at = 0; at < b.len; at += (size_t)step)
			put(ssl, b.data + at,
			    b.len - at < (size_t)step ? b.len - at : (size_t)step);
		must_be_kept(ssl, &b);
		puts_to(ssl, "PUT /v1/bundles/" ID HOST "Transfer-Encoding: chunked\r\n\r\n");
		for (size_t at = 0; at < b.len; at++) {
			puts_to(ssl, "1\r\n");
			put(ssl, b.data + at, 1);
			puts_to(ssl, "\r\n");
		}
		puts_to(ssl, "0\r\n\r\n");
		must_be_kept(ssl, &b);
		buf_free(&b);
	}
}

static void
takes_uploads_of_all_sizes(void **state)
{
	store.begins = store.wholes = store.ends = store.cuts = 0;
	with_client(client_uploads);
	assert_int_equal(store.wholes, 2); /* of 1 and of 1000 bytes, their length announced */
	assert_int_equal(store.begins, 18);
	assert_int_equal(store.ends, 18);
	assert_int_equal(store.cuts, 0);
}

static void
client_wrong_uploads(void)
{
	struct buf b = bundle(100000);
	SSL *ssl = enter();
	struct got g;

	/* the request and the bundle disagree on the length */
	put_head(ssl, ID, "", b.len + 1);
	put(ssl, b.data, b.len);
	must((g = get(ssl, false)).status == 422 && strstr(buf_str(&g.body), "says that it has"));
	must(is_closed(ssl));
	/* chunks that end early, then chunks that do not end */
	ssl = enter();
	puts_to(ssl, "PUT /v1/bundles/" ID HOST "Transfer-Encoding: chunked\r\n\r\n186A0\r\n");
	put(ssl, b.data, 100000);
	puts_to(ssl, "\r\n0\r\n\r\n");
	must((g = get(ssl, false)).status == 422 && strstr(buf_str(&g.body), "shorter"));
	puts_to(ssl, "PUT /v1/bundles/" ID HOST "Transfer-Encoding: chunked\r\n\r\n200000\r\n");
	put(ssl, b.data, b.len);
	put(ssl, b.data, 100);
	must((g = get(ssl, false)).status == 422 && strstr(buf_str(&g.body), "longer"));
	must(is_closed(ssl));
}

static void
refuses_wrong_lengths(void **state)
{
	store.cuts = 0;
	with_client(client_wrong_uploads);
	assert_int_equal(store.cuts, 2);
	store.received = 0;
}

#define PART (2 * 1024 * 1024 + 12345)

static void
client_cut(void)
{
	struct buf b = bundle(3 * PART);
	SSL *ssl = enter();

	put_head(ssl, ID, "", b.len);
	put(ssl, b.data, HEAD + PART);
	SSL_shutdown(ssl);
}

static void
client_resumes(void)
{
	struct buf b = bundle(3 * PART);
	SSL *ssl = enter();
	char more[64];
	struct got g = exchange(ssl, "HEAD /v1/bundles/" ID HOST "\r\n");
	uint64_t from = HEAD + PART;

	snprintf(more, sizeof more, "Upload-Offset: %llu\r\n", (unsigned long long)from);
	must(strstr(g.head, more));
	/* from beyond what is there; with a wrong total */
	put_head(ssl, ID, "Upload-Offset: 5000000\r\n", b.len - 5000000);
	must(get(ssl, false).status == 409 && is_closed(ssl));
	ssl = enter();
	put_head(ssl, ID, more, b.len - from + 1);
	must(get(ssl, false).status == 422 && is_closed(ssl));
	/* from before the end of what is there, cut once more, then to the end */
	ssl = enter();
	put_head(ssl, ID, "Upload-Offset: 5000\r\n", b.len - 5000);
	put(ssl, b.data + 5000, 100);
	SSL_shutdown(ssl);
	ssl = enter();
	strcat(more, "Expect: 100-continue\r\n");
	put_head(ssl, ID, more, b.len - from);
	must(get(ssl, true).status == 100);
	put(ssl, b.data + from, b.len - from);
	must_be_kept(ssl, &b);
	put_head(ssl, ID_NO, "Upload-Offset: 5000\r\nExpect: 100-continue\r\n", 100);
	must(get(ssl, false).status == 404 && is_closed(ssl));
}

static void
resumes_uploads(void **state)
{
	store.cuts = store.begins = store.resumes = store.ends = 0;
	with_client(client_cut);
	for (int i = 0; i < 200 && store.cuts == 0; i++)
		turn(5);
	assert_int_equal(store.cuts, 1);
	assert_int_equal(store.cut, PART);
	with_client(client_resumes);
	assert_int_equal(store.cut, PART); /* what was there is not forgotten */
	assert_int_equal(store.cuts, 4);
	assert_int_equal(store.resumes, 5);
	assert_int_equal(store.ends, 1);
}

static void
client_refused_early(void)
{
	struct buf b = bundle(2 * 1024 * 1024);
	SSL *ssl = enter();
	struct got g;

	put_head(ssl, ID_NO, "", b.len);
	put(ssl, b.data, b.len); /* it sends all, and still reads the answer */
	g = get(ssl, false);
	must(g.status == 503 && strstr(g.head, "Retry-After: 60\r\n"));
	must(strstr(g.head, "Connection: close\r\n") && is_closed(ssl));
	ssl = enter();
	put_head(ssl, ID_QUIT, "", b.len);
	put(ssl, b.data, b.len);
	g = get(ssl, false);
	must(g.status == 503 && strstr(buf_str(&g.body), "disk full") && is_closed(ssl));
}

static void
refuses_early_and_is_heard(void **state)
{
	store.cuts = 0;
	with_client(client_refused_early);
	assert_int_equal(store.cuts, 0); /* the store knows: it was the store */
}

static void
client_leaves_before_grant(void)
{
	struct buf b = bundle(1000);
	SSL *ssl = enter();

	put_head(ssl, ID_SLOW, "", b.len);
	put(ssl, b.data, HEAD); /* with all of it at hand there would be no grant */
	usleep(50000);
	SSL_shutdown(ssl);
}

static void
gives_back_a_grant_that_came_too_late(void **state)
{
	store.cuts = store.cancels = store.slow = 0;
	with_client(client_leaves_before_grant);
	turn(50);
	assert_int_equal(store.slow, 1);
	assert_int_equal(store.cuts, 0);
	grant(store.slow_job, 0);
	turn(50);
	assert_int_equal(store.cuts, 1);
	assert_int_equal(store.cut_job, store.slow_job);
	assert_int_equal(store.cut, 0);
	assert_int_equal(store.cancels, 0);
}

/* --- downloads --- */

#define FETCH "GET /v1/mailboxes/uhcw/a/bundles/" ID HOST
#define TOTAL (strlen(PREFIX) + BIG)

static void
client_downloads(void)
{
	static const struct {
		const char *more;
		int status;
		const char *text, *head;
		size_t n;
	} rows[] = {
	    {"", 200, PREFIX "first", "Accept-Ranges: bytes\r\n", 0},
	    {"Range: bytes=0-3\r\n", 206, "the ", "Content-Range: bytes 0-3/5242910\r\n", 4},
	    {"Range: bytes=19-27\r\n", 206, "dle:first", "Content-Range: bytes 19-27/5242910\r\n",
	     9},
	    {"Range: bytes=23-27\r\n", 206, "first", NULL, 5},
	    {"Range: bytes=-4\r\n", 206, "last", NULL, 4},
	    {"Range: bytes=5242909-\r\n", 206, "t", NULL, 1},
	    {"Range: bytes=5242910-\r\n", 416, NULL, "Content-Range: bytes */5242910\r\n", 0},
	    {"Range: bytes=0-1,4-5\r\n", 200, PREFIX "first", NULL, 0},
	    {"Range: bytes=0-3\r\nIf-Range: \"" ETAG "\"\r\n", 206, "the ", NULL, 4},
	    {"Range: bytes=0-3\r\nIf-Range: \"00\"\r\n", 200, PREFIX "first", NULL, 0},
	    {"If-None-Match: \"" ETAG "\"\r\n", 304, NULL, NULL, 0},
	};
	SSL *ssl = enter();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512];
		struct got g;

		snprintf(text, sizeof text, FETCH "%s\r\n", rows[i].more);
		g = exchange(ssl, text);
		must(g.status == rows[i].status);
		must(!rows[i].head || strstr(g.head, rows[i].head));
		must(!rows[i].text ||
		     strncmp(buf_str(&g.body), rows[i].text, strlen(rows[i].text)) == 0);
		must(g.status != 206 || g.body.len == rows[i].n);
		must(g.status != 200 ||
		     (g.body.len == TOTAL && memcmp(g.body.data + TOTAL - 4, "last", 4) == 0));
		buf_free(&g.body);
	}
}

static void
sends_bundles_whole_and_in_ranges(void **state)
{
	with_client(client_downloads);
}

static void
client_does_not_read(void)
{
	static uint8_t data[65536];
	size_t total = 0;
	SSL *ssl;
	int n;

	small_window = true;
	ssl = enter();
	puts_to(ssl, FETCH "\r\n");
	must(SSL_read(ssl, data, 1) == 1);
	usleep(1300000);
	while ((n = SSL_read(ssl, data, sizeof data)) > 0)
		total += (size_t)n;
	must(total < TOTAL);
}

static void
gives_up_a_client_that_does_not_read(void **state)
{
	with_client(client_does_not_read);
}

/* --- long polls --- */

static void
client_polls(void)
{
	SSL *ssl = enter();

	puts_to(ssl, "GET /v1/mailboxes/uhcw/a?after=3&wait=300" HOST "\r\n");
	usleep(1500000); /* longer than any deadline but the poll's own */
	close(SSL_get_fd(ssl));
}

static void
notices_that_a_waiting_client_left(void **state)
{
	store.cancels = 0;
	with_client(client_polls);
	for (int i = 0; i < 100 && store.cancels == 0; i++)
		turn(5);
	assert_int_equal(store.asked.what, ASK_FEED);
	assert_int_equal(store.asked.number2, 300);
	assert_int_equal(store.cancels, 1);
}

/* --- deadlines and caps --- */

static int64_t
time_to_end(SSL *ssl)
{
	int64_t began = time_mono_ms();

	must(is_closed(ssl));
	return time_mono_ms() - began;
}

static void
client_slow(void)
{
	SSL *ssl = enter();
	int64_t began = time_mono_ms();
	struct got g;
	int fd;
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char c;

	/* a byte of the head every 50 ms does not prolong it */
	for (const char *p = "GET /v1/roster" HOST; *p != '\0' && time_mono_ms() - began < 500;
	     p++) {
		SSL_write(ssl, p, 1);
		usleep(50000);
	}
	must((g = get(ssl, false)).status == 408 && is_closed(ssl));
	/* nor does a byte of the body now and then */
	ssl = enter();
	put_head(ssl, ID, "", 100000);
	began = time_mono_ms();
	while (time_mono_ms() - began < 1200) {
		SSL_write(ssl, "x", 1);
		usleep(100000);
		if (time_mono_ms() - began > 300 && time_mono_ms() - began < 450)
			SSL_write(ssl, "SHB1", 4);
	}
	g = get(ssl, false);
	must((g.status == 408 || g.status == 422) && is_closed(ssl));
	ssl = enter();
	must(time_to_end(ssl) > 700);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	sa.sin_port = htons(port);
	must(connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
	began = time_mono_ms();
	must(read(fd, &c, 1) <= 0 && time_mono_ms() - began < 3000); /* no handshake at all */
}

static void
ends_what_is_too_slow(void **state)
{
	with_client(client_slow);
}

static void
client_slow_payload(void)
{
	struct buf b = bundle(100000);
	SSL *ssl = enter();

	put_head(ssl, ID, "", b.len);
	put(ssl, b.data, HEAD + 5000);
	must(get(ssl, false).status == 408 && is_closed(ssl));
}

static void
keeps_what_came_before_the_deadline(void **state)
{
	store.cuts = 0;
	store.cut = 0;
	with_client(client_slow_payload);
	assert_int_equal(store.cuts, 1);
	assert_int_equal(store.cut, 5000);
	store.received = 0;
}

static void
client_many(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	SSL *ssl[6];
	int fd[8], extra;
	char c;

	sa.sin_port = htons(port);
	for (int i = 0; i < 6; i++) {
		ssl[i] = enter();
		must(exchange(ssl[i], "GET /v1/roster" HOST "\r\n").status == 200);
	}
	must(is_closed(enter())); /* the agency's seventh */
	must(exchange(enter_as("csc"), "GET /v1/roster" HOST "\r\n").status ==
	     200); /* not another's */
	for (int i = 0; i < 8; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		must(connect(fd[i], (struct sockaddr *)&sa, sizeof sa) == 0);
	}
	extra = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(extra, (struct sockaddr *)&sa, sizeof sa) == 0);
	must(read(extra, &c, 1) <= 0); /* the address's ninth that says nothing */
	must(exchange(ssl[0], "GET /v1/roster" HOST "\r\n").status == 200);
}

static void
caps_connections(void **state)
{
	with_client(client_many);
	assert_int_equal(logged("connections of one agency"), 1);
	assert_int_equal(logged("handshakes of one address"), 1);
}

/* --- reload, stop --- */

static int go_pipe[2], done_pipe[2];

static void
client_revoked(void)
{
	SSL *revoked = enter_as("schools"), *good = enter(), *uploading = enter(), *late;
	struct buf b = bundle(200000);
	char c;

	must(exchange(revoked, "GET /v1/roster" HOST "\r\n").status == 200);
	must(exchange(good, "GET /v1/roster" HOST "\r\n").status == 200);
	put_head(uploading, ID, "", b.len);
	put(uploading, b.data, 100000);
	must(write(go_pipe[1], "g", 1) == 1 && read(done_pipe[0], &c, 1) == 1);
	must(is_closed(revoked));
	must(exchange(good, "GET /v1/roster" HOST "\r\n").status == 200);
	put(uploading, b.data + 100000, b.len - 100000); /* a transfer goes on over a reload */
	must_be_kept(uploading, &b);
	late = try_connect("certs/agency-tls/schools.pem", "certs/agency-tls/schools.key", 0);
	must(late == NULL || is_closed(late));
	must(exchange(enter(), "GET /v1/roster" HOST "\r\n").status == 200);
}

static void
on_go(evutil_socket_t fd, short what, void *arg)
{
	struct err e = {0};
	char path[128], c;
	struct role_file *crl;
	FILE *f;

	assert_int_equal(read(fd, &c, 1), 1);
	add_files();
	crl = &env.files[2];
	buf_clear(&crl->data);
	/* a reload that cannot be: all stays as it was */
	assert_int_equal(front_role.reload(&env, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	snprintf(path, sizeof path, "%s/trust/crl.pem", revoking);
	assert_non_null(f = fopen(path, "r"));
	for (int b; (b = getc(f)) != EOF;)
		buf_addc(&crl->data, (char)b);
	fclose(f);
	assert_ok(front_role.reload(&env, &e), &e);
	assert_int_equal(write(done_pipe[1], "d", 1), 1);
}

static void
reload_closes_the_revoked_only(void **state)
{
	struct event *go;

	assert_int_equal(pipe(go_pipe) | pipe(done_pipe), 0);
	go = event_new(env.base, go_pipe[0], EV_READ, on_go, NULL);
	event_add(go, NULL);
	with_client(client_revoked);
	event_free(go);
	assert_int_equal(logged("msg=client-revoked agency=schools"), 1);
}

static void
client_of_a_fool(void)
{
	SSL *ssl = enter();

	puts_to(ssl, "GET /v1/roster" HOST "\r\n");
	is_closed(ssl);
}

/* The store is more trusted than we are: if it talks nonsense, go on is what we must not. */
static void
ends_when_the_store_talks_nonsense(void **state)
{
	int status;
	pid_t role;

	if ((role = fork()) == 0) {
		pid_t client = fork();

		if (client == 0) {
			client_of_a_fool();
			_exit(0);
		}
		event_reinit(env.base);
		dup2(log_fd, 2);
		store.misbehave = true;
		turn(5000);
		_exit(0);
	}
	assert_int_equal(waitpid(role, &status, 0), role);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void
client_of_a_stop(void)
{
	SSL *poll = enter(), *idle = enter(), *uploading = enter();
	struct buf b = bundle(200000);
	struct got g;
	char c;

	puts_to(poll, "GET /v1/mailboxes/uhcw/a?wait=300" HOST "\r\n");
	must(exchange(idle, "GET /v1/roster" HOST "\r\n").status == 200);
	put_head(uploading, ID, "", b.len);
	put(uploading, b.data, 100000);
	must(write(go_pipe[1], "g", 1) == 1 && read(done_pipe[0], &c, 1) == 1);
	must(is_closed(idle));
	g = get(poll, false);
	must(g.status == 503 && strstr(g.head, "Retry-After: 1\r\n") && is_closed(poll));
	put(uploading, b.data + 100000, b.len - 100000); /* what is under way is finished */
	g = get(uploading, false);
	must(g.status == 201 && strstr(g.head, "Connection: close\r\n") && is_closed(uploading));
}

static void
on_stop_now(evutil_socket_t fd, short what, void *arg)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 1);
	env.stopping = true;
	front_role.stop(&env, 10000);
	assert_int_equal(write(done_pipe[1], "d", 1), 1);
}

static void
stop_finishes_what_is_under_way(void **state)
{
	struct event *go;
	int64_t began = time_mono_ms();

	assert_int_equal(pipe(go_pipe) | pipe(done_pipe), 0);
	go = event_new(env.base, go_pipe[0], EV_READ, on_stop_now, NULL);
	event_add(go, NULL);
	with_client(client_of_a_stop);
	event_free(go);
	assert_true(time_mono_ms() - began < 5000);
	assert_true(event_base_got_break(env.base) ||
		    LIST_EMPTY(&((struct front *)env.state)->live));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lets_in_only_agencies),
	    cmocka_unit_test(answers_each_call),
	    cmocka_unit_test(answers_pipelined_calls_in_order),
	    cmocka_unit_test(tells_a_stranger_what_it_tells_of_the_unknown),
	    cmocka_unit_test(takes_uploads_of_all_sizes),
	    cmocka_unit_test(refuses_wrong_lengths),
	    cmocka_unit_test(resumes_uploads),
	    cmocka_unit_test(refuses_early_and_is_heard),
	    cmocka_unit_test(gives_back_a_grant_that_came_too_late),
	    cmocka_unit_test(sends_bundles_whole_and_in_ranges),
	    cmocka_unit_test(gives_up_a_client_that_does_not_read),
	    cmocka_unit_test(notices_that_a_waiting_client_left),
	    cmocka_unit_test(ends_what_is_too_slow),
	    cmocka_unit_test(keeps_what_came_before_the_deadline),
	    cmocka_unit_test(caps_connections),
	    cmocka_unit_test(reload_closes_the_revoked_only),
	    cmocka_unit_test(ends_when_the_store_talks_nonsense),
	    cmocka_unit_test(stop_finishes_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, start_role, stop_role);
}
