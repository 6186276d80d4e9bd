/* test_frame_chan.c - channels between roles: order, descriptors, what bad bytes do to whom, a
 * queue that is not read, a peer that is gone. */
#include <stdbool.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <event2/event.h>

#include "tap.h"

#include "frame/chan.h"
#include "frame/role.h"
#include "safehand/enc.h"
#include "safehand/log.h"

static struct event_base *base;
static struct chan *store, *peer; /* the two ends */
static int raw = -1;		  /* or the other end as a bare socket */
static struct {
	unsigned n, gone;
	uint64_t numbers[2000];
	struct buf bytes; /* of descriptors */
	bool free_in_handler;
} got;
static struct err e;

static void
on_cut(void *ctx, struct chan *ch, const void *msg, int fd)
{
	assert_int_equal(fd, -1);
	assert_ptr_equal(ctx, &got);
	got.numbers[got.n++] = ((const struct msg_cut *)msg)->received;
	if (got.free_in_handler) {
		chan_free(ch);
		store = NULL;
	}
}

static void
on_begin(void *ctx, struct chan *ch, const void *msg, int fd)
{
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(role_read_fd(fd, 1024, &got.bytes, &e), 0);
	got.numbers[got.n++] = ((const struct msg_begin *)msg)->job;
	close(fd);
}

static void
on_seal(void *ctx, struct chan *ch, const void *msg, int fd)
{
	got.n++;
}

static void
on_gone(void *ctx, struct chan *ch)
{
	got.gone++;
}

static const struct chan_handler handlers[] = {{MSG_CUT, on_cut}, {MSG_BEGIN, on_begin}, {0, NULL}};
static const struct chan_handler seal_handlers[] = {{MSG_SEAL, on_seal}, {0, NULL}};

static int
begin(void **state)
{
	base = event_base_new();
	got.n = got.gone = 0;
	got.free_in_handler = false;
	store = peer = NULL;
	raw = -1;
	return 0;
}

static int
end(void **state)
{
	chan_free(store);
	chan_free(peer);
	if (raw >= 0)
		close(raw);
	buf_free(&got.bytes);
	event_base_free(base);
	return 0;
}

/* A front at the store's channel; its own end is a channel too, or a bare socket. */
static void
join(bool bare)
{
	int fds[2];

	chan_pair(fds);
	store = chan_new(base, fds[0], ROLE_STORE, ROLE_FRONT, 3, handlers, on_gone, &got);
	if (bare)
		raw = fds[1];
	else
		peer = chan_new(base, fds[1], ROLE_FRONT, ROLE_STORE, 0, handlers, on_gone, &got);
}

static void
turns(unsigned n)
{
	while (n-- > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
send_cut(uint64_t number)
{
	chan_send(peer, MSG_CUT, &(struct msg_cut){1, number}, -1);
}

static size_t
open_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* More than the socket holds at once: the rest is queued, and nothing overtakes. */
static void
order(void **state)
{
	join(false);
	assert_int_equal(chan_peer(store), ROLE_FRONT);
	assert_int_equal(chan_index(store), 3);
	assert_ptr_equal(chan_ctx(store), &got);
	for (uint64_t i = 0; i < 2000; i++)
		send_cut(i);
	assert_true(chan_queued(peer) > 0);
	for (int i = 0; i < 10000 && got.n < 2000; i++)
		turns(1);
	assert_int_equal(got.n, 2000);
	for (uint64_t i = 0; i < 2000; i++)
		assert_int_equal(got.numbers[i], i);
	assert_int_equal(chan_queued(peer), 0);
}

static void
descriptor(void **state)
{
	struct msg_begin m = {.job = 9};
	size_t before;

	join(false);
	before = open_fds();
	chan_send(peer, MSG_BEGIN, &m, role_memfd("head", "the bytes", 9));
	assert_int_equal(open_fds(), before); /* ours is closed, it is under way */
	turns(2);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.numbers[0], 9);
	assert_string_equal(buf_str(&got.bytes), "the bytes");
	assert_int_equal(open_fds(), before);
}

static void
send_raw(const struct buf *bytes, const int *fds, size_t n)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct iovec iov = {bytes->data, bytes->len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n > 0) {
		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(n * sizeof(int)),
						.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
	}
	assert_int_equal(sendmsg(raw, &m, MSG_NOSIGNAL), bytes->len);
}

enum bad {
	BAD_SHORT,     /* less than a kind */
	BAD_KIND,      /* no such message */
	BAD_SENDER,    /* one that a front may not send */
	BAD_CUT_OFF,   /* fields are missing */
	BAD_LONGER,    /* bytes after the last field */
	BAD_UNTAKEN,   /* allowed, and nobody takes it here */
	BAD_FD,	       /* a descriptor that nobody asked for */
	BAD_TOO_MANY,  /* three descriptors */
	BAD_TOO_LARGE, /* beyond the largest message */
	BADS
};

static size_t
bad_message(enum bad what, struct buf *b)
{
	buf_clear(b);
	switch (what) {
	case BAD_SHORT: buf_adds(b, "abc"); break;
	case BAD_KIND:
		buf_be32(b, MSG_KINDS + 7);
		buf_be64(b, 1);
		break;
	case BAD_SENDER: msg_encode(MSG_STOP, &(struct msg_named){.number = 1}, b); break;
	case BAD_CUT_OFF:
		msg_encode(MSG_CUT, &(struct msg_cut){1, 2}, b);
		b->len--;
		break;
	case BAD_LONGER:
		msg_encode(MSG_CUT, &(struct msg_cut){1, 2}, b);
		buf_addc(b, 'x');
		break;
	case BAD_UNTAKEN: msg_encode(MSG_END, &(struct msg_end){.job = 1}, b); break;
	case BAD_FD: msg_encode(MSG_CUT, &(struct msg_cut){1, 2}, b); return 1;
	case BAD_TOO_MANY: msg_encode(MSG_CUT, &(struct msg_cut){1, 2}, b); return 3;
	case BAD_TOO_LARGE:
		msg_encode(MSG_CUT, &(struct msg_cut){1, 2}, b);
		while (b->len < MSG_MAX_BYTES + 1)
			buf_addc(b, 'x');
		break;
	case BADS: break;
	}
	return 0;
}

static int capture_fd = -1, stderr_fd = -1;

static void
capture(void)
{
	fflush(stderr);
	capture_fd = memfd_create("log", MFD_CLOEXEC);
	stderr_fd = fcntl(2, F_DUPFD_CLOEXEC, 10);
	dup2(capture_fd, 2);
}

static void
captured(struct buf *out)
{
	fflush(stderr);
	dup2(stderr_fd, 2);
	close(stderr_fd);
	buf_clear(out);
	assert_int_equal(role_read_fd(capture_fd, 65536, out, &e), 0);
	close(capture_fd);
}

/* From a less trusted peer: dropped and logged, no descriptor leaks, the next good one is taken. */
static void
bad_from_below(void **state)
{
	struct buf b = {0}, text = {0}, good = {0};

	msg_encode(MSG_CUT, &(struct msg_cut){1, 77}, &good);
	for (enum bad what = 0; what < BADS; what++) {
		int fds[3] = {0, 0, 0}; /* standard input, thrice */
		size_t n, before;

		end(NULL);
		begin(NULL);
		join(true);
		n = bad_message(what, &b);
		before = open_fds();
		capture();
		send_raw(&b, fds, n);
		turns(2);
		captured(&text);
		assert_int_equal(got.n, 0);
		if (strstr(buf_str(&text), "msg=bad-message") == NULL ||
		    strstr(buf_str(&text), "front 3: ") == NULL)
			fail_msg("bad message %d was not told: %s", what, buf_str(&text));
		assert_int_equal(open_fds(), before);
		send_raw(&good, NULL, 0);
		turns(2);
		assert_int_equal(got.n, 1);
		assert_int_equal(got.numbers[0], 77);
		assert_int_equal(got.gone, 0);
	}
	buf_free(&b);
	buf_free(&text);
	buf_free(&good);
}

/* What becomes of a child that runs f: its exit status, or -1 for a signal. */
static int
in_child(void (*f)(void), struct buf *said)
{
	int status, fd = memfd_create("log", MFD_CLOEXEC);
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		dup2(fd, 2);
		f();
		_exit(77); /* it lived */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	buf_clear(said);
	assert_int_equal(role_read_fd(fd, 65536, said, &e), 0);
	close(fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A front that is sent bad bytes by its store. */
static void
from_above(const struct buf *b)
{
	struct chan *front;
	int fds[2];

	chan_pair(fds);
	front = chan_new(base, fds[0], ROLE_FRONT, ROLE_STORE, 0, handlers, on_gone, &got);
	raw = fds[1];
	send_raw(b, NULL, 0);
	turns(2);
	chan_free(front);
}

static void
bad_from_above(void)
{
	struct buf b = {0};

	buf_adds(&b, "abc");
	from_above(&b);
}

static void
no_fd_from_above(void)
{
	struct buf b = {0};

	msg_encode(MSG_UPLOAD, &(struct msg_upload){.job = 1}, &b);
	from_above(&b);
}

static void
bad_from_a_more_trusted_one(void **state)
{
	struct buf said = {0};

	assert_int_equal(in_child(bad_from_above, &said), 1);
	assert_non_null(strstr(buf_str(&said), "msg=bad-message"));
	assert_non_null(strstr(buf_str(&said), "store 0: no message: 3 bytes"));
	assert_int_equal(in_child(no_fd_from_above, &said), 1);
	assert_non_null(strstr(buf_str(&said), "store 0: message upload: descriptor missing"));
	buf_free(&said);
}

/* Few bytes travel inside a message, more beside it, and never both ways at once. */
static void
bytes_that_go_along(void **state)
{
	static uint8_t many[CARRY_MAX_BYTES + 1];
	struct blob inside = {0}, none = {0};
	struct buf got_bytes = {0};
	int fd;

	many[CARRY_MAX_BYTES] = 'z';
	assert_int_equal(role_carry("few", many, CARRY_MAX_BYTES, &inside), -1);
	assert_int_equal(inside.n, CARRY_MAX_BYTES);
	assert_int_equal(role_carried(&inside, -1, CARRY_MAX_BYTES, &got_bytes, &e), 0);
	assert_int_equal(got_bytes.len, CARRY_MAX_BYTES);
	assert_int_equal(role_carried(&inside, -1, CARRY_MAX_BYTES - 1, &got_bytes, &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	fd = role_carry("many", many, sizeof many, &none);
	assert_true(fd >= 0 && none.n == 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW),
			 F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	buf_clear(&got_bytes);
	assert_int_equal(role_carried(&none, fd, sizeof many, &got_bytes, &e), 0);
	assert_int_equal(got_bytes.data[CARRY_MAX_BYTES], 'z');
	assert_int_equal(role_carried(&none, fd, sizeof many - 1, &got_bytes, &e), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(role_carried(&inside, fd, sizeof many, &got_bytes, &e), -1);
	assert_int_equal(e.code, ERR_FORMAT);
	close(fd);
	buf_free(&got_bytes);
}

/* A peer that never reads: the queue is bounded, and its end is the end of the process. */
static void
never_read(void)
{
	static uint8_t bytes[128 * 1024];

	join(true);
	for (int i = 0; i < 4000; i++) {
		struct msg_reply reply = {.job = 1, .status = 200, .body = {bytes, sizeof bytes}};

		chan_send(store, MSG_REPLY, &reply, -1);
		if (chan_queued(store) > 300 * MIB)
			_exit(78); /* beyond the bound, and still alive */
	}
}

static void
queue_limit(void **state)
{
	struct buf said = {0};

	assert_int_equal(in_child(never_read, &said), 1);
	assert_non_null(strstr(buf_str(&said), "a peer does not read its channel"));
	buf_free(&said);
}

/* Told once; what is sent afterwards goes nowhere and its descriptor is closed. */
static void
peer_gone(void **state)
{
	struct msg_reply m = {.job = 1, .status = 200};
	size_t before;

	join(true);
	close(raw);
	raw = -1;
	before = open_fds();
	chan_send(store, MSG_REPLY, &m, role_memfd("body", "x", 1));
	assert_int_equal(open_fds(), before);
	turns(5);
	assert_int_equal(got.gone, 1);
}

/* What was sent before the end is taken before the end is told. */
static void
last_words(void **state)
{
	struct buf b = {0};

	join(true);
	msg_encode(MSG_CUT, &(struct msg_cut){1, 5}, &b);
	send_raw(&b, NULL, 0);
	close(raw);
	raw = -1;
	turns(3);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.gone, 1);
	buf_free(&b);
}

static void
freed_in_its_handler(void **state)
{
	join(false);
	got.free_in_handler = true;
	send_cut(1);
	send_cut(2);
	turns(3);
	assert_int_equal(got.n, 1); /* the second is not taken any more */
	assert_null(store);
}

static void
blocking(void **state)
{
	struct buf b = {0}, room = {0};
	uint32_t kind;
	int fds[2], fd;
	void *msg;

	chan_pair(fds);
	raw = fds[1];
	msg_encode(MSG_CUT, &(struct msg_cut){1, 6}, &b);
	send_raw(&b, NULL, 0);
	assert_ok(chan_recv_blocking(fds[0], ROLE_STORE, ROLE_FRONT, &kind, &msg, &room, &fd, &e),
		  &e);
	assert_int_equal(kind, MSG_CUT);
	assert_int_equal(((struct msg_cut *)msg)->received, 6);
	assert_int_equal(fd, -1);
	msg_free(msg_row(kind), msg);
	free(msg);
	bad_message(BAD_FD, &b);
	{
		size_t before = open_fds();

		send_raw(&b, &(int){0}, 1);
		assert_refused(
		    chan_recv_blocking(fds[0], ROLE_STORE, ROLE_FRONT, &kind, &msg, &room, &fd, &e),
		    &e, ERR_INTERNAL);
		assert_int_equal(open_fds(), before);
	}
	close(raw);
	raw = -1;
	assert_refused(
	    chan_recv_blocking(fds[0], ROLE_STORE, ROLE_FRONT, &kind, &msg, &room, &fd, &e), &e,
	    ERR_INTERNAL);
	assert_non_null(strstr(e.text, "front is gone"));
	close(fds[0]);
	buf_free(&b);
	buf_free(&room);
}

/* A channel's taker sees lists as they were sent. */
static void
lists(void **state)
{
	struct fact_hash hashes[2] = {{{1}}, {{2}}};
	struct msg_seal m = {.size = 4, .proof = {hashes, 2}};
	int fds[2];

	chan_pair(fds);
	peer = chan_new(base, fds[0], ROLE_STORE, ROLE_NOTARY, 0, handlers, on_gone, &got);
	store = chan_new(base, fds[1], ROLE_NOTARY, ROLE_STORE, 0, seal_handlers, on_gone, &got);
	chan_send(peer, MSG_SEAL, &m, -1);
	turns(2);
	assert_int_equal(got.n, 1);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {ROW(order),
					   ROW(descriptor),
					   ROW(bad_from_below),
					   ROW(bad_from_a_more_trusted_one),
					   ROW(bytes_that_go_along),
					   ROW(queue_limit),
					   ROW(peer_gone),
					   ROW(last_words),
					   ROW(freed_in_its_handler),
					   ROW(blocking),
					   ROW(lists)};

	log_init("store", LOG_LEVEL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
