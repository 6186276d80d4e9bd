/* call_in.h - the inside of a call, for the files that make one of a kind. Runs in: courier. A door
 * to curl, with the files that include it. */
#ifndef COURIER_CALL_IN_H
#define COURIER_CALL_IN_H

#include <curl/curl.h>

#include "courier/call.h"

struct call {
	struct calls *calls;
	CURL *easy;
	struct curl_slist *headers, *recipients;
	char *url;     /* heap; what is told in sentences */
	void *of_kind; /* heap; what the kind must remember */
	struct buf answer;
	size_t answer_max, header_bytes; /* of the answer */
	bool too_long;			 /* head or body of the answer: the call was ended for it */
	bool drop_answer;		 /* nobody reads it */
	char told[CURL_ERROR_SIZE];
	/* fills end->why, ->lasting, ->retry_after_ms */
	void (*judge)(struct call *call, CURLcode result, struct call_end *end);
	call_done *done;
	void *ctx;
};

/* A call with the rules that hold for all: only protocols of the list, no proxy, no redirect, no
 * netrc, certificates judged by roots (PEM; NULL: the system's). Ends the process on failure. */
struct call *call_new(struct calls *calls, const char *protocols, const struct buf *roots,
		      int64_t timeout_ms, call_done *done, void *ctx);
void call_option(int good); /* ends the process if an option was not taken */
/* Begins; on -1 the call is freed. ERR_USAGE: the URL. */
int call_begin(struct call *call, const char *url, struct err *e)
    __attribute__((warn_unused_result));
/* curl's sentence for a result, and whether the same again would end the same. */
void call_failed(struct call *call, CURLcode result, struct call_end *end);
void call_free(struct call *call);

#endif
