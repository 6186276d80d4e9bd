/* front.h - what the files of the front share. Runs in: front. */
#ifndef FRONT_H
#define FRONT_H

#include <sys/queue.h>

#include <event2/bufferevent.h>
#include <event2/buffer.h>
#include <event2/event.h>

#include "frame/role.h"
#include "front/chunk.h"
#include "front/http.h"
#include "front/routes.h"
#include "front/tally.h"
#include "front/tls.h"
#include "safehand/digest.h"

#define INPUT_MAX                                                                                  \
	(64 * 1024)	       /* bytes read ahead of a connection; overrun by at most one record  \
				*/
#define OUTPUT_LOW (64 * 1024) /* an answer from a file is read on below this */
#define BLOCK	   (64 * 1024) /* payload is written in blocks of this */
#define ETAG_FIELD 256	       /* bytes of a Range, If-Range or If-None-Match that are kept */

/* What a connection may be waiting for, each with its limit in time. */
enum deadline {
	DEADLINE_NONE,
	DEADLINE_HANDSHAKE,
	DEADLINE_HEAD, /* armed once for a head: a byte now and then does not prolong it */
	DEADLINE_BODY, /* again after each PROGRESS bytes of a body or of room for an answer */
	DEADLINE_IDLE,
	DEADLINE_LINGER,
	DEADLINES
};

enum phase {
	PHASE_HANDSHAKE,
	PHASE_IDLE,   /* between requests: no byte of the next is there */
	PHASE_HEAD,   /* within a head */
	PHASE_BODY,   /* the request takes its body */
	PHASE_STORE,  /* the store has the word; what the client sends on waits */
	PHASE_ANSWER, /* the answer is on its way */
	PHASE_LINGER, /* the last answer is sent: what comes is dropped until the client has read it
		       */
	PHASE_DEAD    /* to be freed when the loop is back */
};

/* An upload's life: HEAD -> ASKED -> [PREFIX] -> PAYLOAD -> ENDED; or, if all of it is at hand when
 * its head is: HEAD -> WHOLE -> ENDED. */
enum upload_stage {
	UPLOAD_NONE,
	UPLOAD_FIXED,	/* the fixed part of the bundle's head is coming */
	UPLOAD_HEAD,	/* the rest of the head */
	UPLOAD_WHOLE,	/* the payload is gathered behind the head */
	UPLOAD_ASKED,	/* BEGIN or RESUME is at the store */
	UPLOAD_PREFIX,	/* resumed: what is there already is hashed, a slice per turn */
	UPLOAD_PAYLOAD, /* bytes go to the staging fd */
	UPLOAD_ENDED	/* END, or nothing more is owed to the store */
};

struct upload {
	enum upload_stage stage;
	uint64_t offset; /* resumed: of the first byte of the body in the .shb; else 0 */
	uint64_t head_bytes, payload_bytes;
	int staging;	   /* -1 */
	uint64_t base;	   /* of payload byte 0 in staging */
	uint64_t received; /* payload bytes that the store had of an earlier try */
	uint64_t written;  /* payload bytes that this try has put into staging, or found there */
	uint64_t flushed;  /* of these, how many the kernel was told to write back */
	uint64_t hashed;   /* payload bytes in the digest */
	struct digest *digest;
	uint8_t *block; /* what is not yet written: from block_from to block_n */
	size_t block_from, block_n, block_size;
	struct event *again; /* next slice of the prefix */
};

struct conn;

/* One request, from its head to the end of its answer. */
struct request {
	LIST_ENTRY(request) by_job;
	struct conn *conn;
	uint64_t job;
	bool at_store; /* in the table of jobs: the store owes an answer */
	struct call call;
	bool head_only; /* HEAD: the answer has no body */
	bool expects;	/* 100 Continue is owed before the body */
	enum http_body framing;
	uint64_t left;	     /* HTTP_LENGTH: of the body */
	struct chunk chunk;  /* HTTP_CHUNKED */
	struct buf gathered; /* small bodies and the heads of bundles */
	size_t want;	     /* bytes of gathered that are wanted, at most */
	struct upload upload;
	char *range, *if_range, *if_none_match; /* NULL: absent */
	int body_fd; /* the rest of the answer: body_left bytes from body_at; -1 */
	uint64_t body_at, body_left;
};

struct conn {
	LIST_ENTRY(conn) next; /* of front.live or front.dead */
	struct front *front;
	struct bufferevent *bev;
	struct event *timer;
	enum phase phase;
	bool known;   /* counted under its agency, else under its address */
	bool closing; /* no request after this one */
	bool held;    /* reading is off: the input is full */
	size_t moved; /* bytes since the deadline was armed, or dropped while lingering */
	struct http_reader reader;
	struct request *request;
	uint8_t address[8]; /* IPv4, or the /64 of IPv6: who counts as one */
	size_t address_n;
	char agency[NAME_AGENCY];
	uint8_t cert[DIGEST_BYTES];
	int64_t not_after_ms;
};

#define JOB_BUCKETS 8192
LIST_HEAD(conns, conn);
LIST_HEAD(requests, request);

struct front {
	struct role_env *env;
	struct chan *store;
	struct tls *tls;
	struct evconnlistener *listeners[ROLE_LISTENS_MAX];
	struct event *reaper, *listen_again, *watch, *last_call;
	struct conns live, dead;
	struct tally *agencies, *strangers;
	struct requests jobs[JOB_BUCKETS];
	uint64_t last_job;
	size_t connections;
	const struct timeval *limits[DEADLINES];
	size_t connections_max, per_agency_max, per_address_max;
	uint64_t payload_max; /* largest of any class */
	bool stopping;
	int64_t log_second; /* of the limit on lines that strangers can cause */
	unsigned log_lines;
};

/* front.c */
extern const struct role front_role;
/* May a line that a client can provoke at will be logged now? A number per second. */
bool front_may_log(struct front *f);

/* conn.c: a connection's life. fd is owned from here on. */
struct sockaddr;
void conn_new(struct front *f, int fd, const struct sockaddr *address);
void conn_close(struct conn *c); /* at once; freed later: c stays valid until the loop is back */
void conn_reap(struct front *f); /* frees what was closed */
void conn_deadline(struct conn *c, enum deadline which);
void conn_progress(struct conn *c, size_t n); /* n bytes moved under DEADLINE_BODY */
void conn_feed(struct conn *c);		      /* goes on with what the input holds */
void conn_answered(struct conn *c);	      /* the answer is wholly sent */
void conn_stop(struct conn *c); /* the role stops: close, or make this answer the last */

/* request.c: from bytes to calls. Each takes what the input holds; false: no progress. */
bool request_take_head(struct conn *c);
bool request_take_body(struct conn *c);
void request_continue(struct conn *c); /* the body may come: 100 if it is owed */
bool request_body_is_done(const struct request *r);
void request_free(struct conn *c); /* tells the store if it must know */

/* upload.c: PUT of a bundle. */
void upload_begin(struct conn *c, const struct http_head *head, const char *offset, size_t n);
size_t upload_room(const struct request *r); /* bytes it takes now, 0: must wait */
void upload_take(struct conn *c, const uint8_t *p, size_t n);
void upload_body_done(struct conn *c);
void upload_granted(struct conn *c, const struct msg_upload *m, int fd);
/* The upload ends here: what came is kept for its resumption and the store is told. */
void upload_cut(struct conn *c);

/* job.c: what the store is asked and answers. */
extern const struct chan_handler job_handlers[];
uint64_t job_next(struct front *f);
void job_send(struct request *r, enum msg_kind kind, const void *msg, int fd);
void job_drop(struct request *r); /* no answer is wanted any more */

/* answer.c: what goes out. */
struct answer {
	int status;
	enum body_type type;
	const char *allow;     /* NULL: absent */
	const char *etag;      /* without quotes; "" or NULL: absent */
	uint32_t retry_after;  /* 0: absent */
	int64_t upload_offset; /* -1: absent */
	bool upload_complete;
	bool bundle; /* application/vnd.safehand.bundle, ranges are served */
	bool ranged; /* Content-Range: from, then the body's length, of total */
	uint64_t from, total;
	const void *body; /* n bytes, then fd_n bytes of fd from fd_at */
	size_t n;
	int fd; /* -1; owned by the call */
	uint64_t fd_at, fd_n;
	enum err_code code; /* of a problem, with its sentence: for the log */
	const char *detail;
};
void answer_send(struct conn *c, struct answer *a);
/* A problem (RFC 9457). status 0: that of the code. */
void answer_error(struct conn *c, int status, enum err_code code, const char *detail);
void answer_problem(struct conn *c, struct answer *a, enum err_code code, const char *detail);
void answer_more(struct conn *c); /* the output has room */

#endif
