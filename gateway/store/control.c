/* control.c - safehandctl's commands: a line comes in, JSON goes out, then the end. Runs in: store.
 * Owns: its connections. Trusts: who may open the socket, not what they write into it. */
#include "store/control_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "safehand/log.h"
#include "store/backup.h"

#define WORDS_MAX     8
#define STALL_SECONDS 30 /* a reader that takes nothing for so long is dropped */

static void on_ready(evutil_socket_t fd, short what, void *arg);

/* --- the connection --- */

static void
control_free(struct control *c)
{
	if (c->holds)
		backup_end(c->store);
	event_free(c->event);
	close(c->fd);
	buf_free(&c->roles);
	buf_free(&c->out);
	free(c);
}

static void
wait_for(struct control *c, short what)
{
	struct timeval limit = {STALL_SECONDS, 0};

	event_assign(c->event, c->store->env->base, c->fd, what, on_ready, c);
	if (event_add(c->event, &limit) < 0)
		log_fatal("control", &(struct err){ERR_SYSTEM, "no event"});
}

void
control_refuse(struct control *c, const struct err *e)
{
	buf_clear(&c->out);
	buf_addc(&c->out, '{');
	buf_json_str(&c->out, "error", e->text);
	buf_json_str(&c->out, "code", err_name(e->code));
	buf_addc(&c->out, '}');
}

void
control_answer(struct control *c)
{
	buf_addc(&c->out, '\n');
	wait_for(c, EV_WRITE | EV_PERSIST);
}

static bool
run_line(struct control *c, char *line)
{
	char *words[WORDS_MAX], *save = NULL, *word;
	struct err e = {0};
	size_t n = 0;

	for (word = strtok_r(line, " ", &save); word != NULL && n < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	for (const struct command *k = control_commands; n > 0 && k->verb != NULL; k++) {

		if (strcmp(words[0], k->verb) == 0 && n - 1 >= k->words_min &&
		    n - 1 <= k->words_max)
			return k->run(c, words + 1, n - 1);
	}
	err_set(&e, ERR_USAGE, "no such command: see safehandctl(8)");
	control_refuse(c, &e);
	return false;
}

/* --- bytes in, bytes out --- */

static void
metrics_answer(struct control *c)
{
	struct buf text = {0};

	metrics_text(c->store, &text);
	buf_addf(&c->out,
		 "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
		 "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		 text.len, buf_str(&text));
	buf_free(&text);
	wait_for(c, EV_WRITE | EV_PERSIST);
}

/* true: there is more to wait for. */
static bool
on_readable(struct control *c)
{
	ssize_t r = read(c->fd, c->line + c->got, sizeof c->line - 1 - c->got);
	char *end;

	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (r <= 0)
		return false;
	c->got += (size_t)r;
	c->line[c->got] = '\0';
	end = strstr(c->line, c->kind == CONTROL_METRICS ? "\r\n\r\n" : "\n");
	if (end == NULL)
		return c->got < sizeof c->line - 1;
	*end = '\0';
	event_del(c->event);
	if (c->kind == CONTROL_METRICS)
		metrics_answer(c);
	else if (!run_line(c, c->line))
		control_answer(c);
	return true;
}

static bool
on_writable(struct control *c)
{
	ssize_t w = write(c->fd, c->out.data + c->sent, c->out.len - c->sent);

	if (w < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (w < 0)
		return false;
	c->sent += (size_t)w;
	if (c->sent < c->out.len || !c->holds)
		return c->sent < c->out.len;
	event_del(c->event);
	event_assign(c->event, c->store->env->base, c->fd, EV_READ | EV_PERSIST, on_ready, c);
	if (event_add(c->event, NULL) < 0) /* for as long as the copy takes */
		log_fatal("control", &(struct err){ERR_SYSTEM, "no event"});
	return true;
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;
	bool more = false;

	if (c->holds && c->sent == c->out.len)
		more = false; /* it hung up, or has nothing to say */
	else if ((what & EV_READ) != 0)
		more = on_readable(c);
	else if ((what & EV_WRITE) != 0)
		more = on_writable(c);
	if (!more)
		control_free(c);
}

void
control_take(struct role_env *env, const struct msg_control *msg, int fd)
{
	struct control *c = mem_alloc(sizeof *c);

	c->store = env->state;
	c->fd = fd;
	c->kind = msg->kind == CONTROL_METRICS ? CONTROL_METRICS : CONTROL_COMMAND;
	buf_add(&c->roles, msg->roles.p, msg->roles.n);
	evutil_make_socket_nonblocking(fd);
	c->event = event_new(env->base, fd, EV_READ | EV_PERSIST, on_ready, c);
	if (c->event == NULL)
		log_fatal("control", &(struct err){ERR_SYSTEM, "no event"});
	wait_for(c, EV_READ | EV_PERSIST);
}
