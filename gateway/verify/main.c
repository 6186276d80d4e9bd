/* main.c - a verify worker: takes bytes from the store, answers with facts or a refusal. Runs in:
 * verify. Owns: the trust anchors. Trusts: the store's clock; no byte that it is given to check. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame/role.h"
#include "safehand/crypto.h"
#include "safehand/bundle.h"
#include "safehand/json.h"
#include "safehand/log.h"
#include "safehand/signature.h"
#include "safehand/time.h"
#include "verify/check.h"

static struct {
	struct trust *trust;
	uint64_t jobs, jobs_max;
	bool retiring; /* the store was told; it closes our channel when it has all answers */
} worker;

static void
refuse(struct chan *ch, uint64_t job, const struct err *e)
{
	struct msg_refused msg = {.job = job, .code = e->code};

	memcpy(msg.text, e->text, sizeof msg.text);
	chan_send(ch, MSG_REFUSED, &msg, -1);
}

static int
answer_head(struct chan *ch, const struct msg_check *m, const struct buf *b, struct err *e)
{
	struct head_facts *f = mem_alloc(sizeof *f);
	int rc = check_head(worker.trust, b->data, b->len, m->now_ms, f, e);

	f->msg.job = m->job;
	if (rc == 0)
		chan_send(ch, MSG_FACTS_HEAD, &f->msg, -1);
	check_head_free(f);
	free(f);
	return rc;
}

static int
answer_statement(struct chan *ch, const struct msg_check *m, const struct buf *b, struct err *e)
{
	struct statement_facts f = {.msg = {.job = m->job}};

	if (check_statement(worker.trust, b->data, b->len, m->now_ms, &f, e) < 0)
		return -1;
	chan_send(ch, MSG_FACTS_STATEMENT, &f.msg, -1);
	return 0;
}

static int
answer_route(struct chan *ch, const struct msg_check *m, const struct buf *b, struct err *e)
{
	struct route_facts f = {.msg = {.job = m->job}};

	if (check_route(b->data, b->len, &f, e) < 0)
		return -1;
	chan_send(ch, MSG_FACTS_ROUTE, &f.msg, -1);
	check_route_free(&f);
	return 0;
}

static int
answer_roster(struct chan *ch, const struct msg_check *m, const struct buf *b, struct err *e)
{
	struct msg_roster_end end = {.job = m->job};
	struct identity signer;
	struct roster *r = NULL;

	if (roster_verify(b->data, b->len, worker.trust, m->now_ms, TRUST_LIVE, &r, &signer,
			  end.content_sha256, e) < 0)
		return -1;
	for (size_t i = 0; i < r->nmailboxes; i++) {
		struct fact_certificate *certificates =
		    mem_alloc(r->mailboxes[i].ncertificates * sizeof *certificates);
		struct msg_roster_row row = {.job = m->job};
		char agency[NAME_AGENCY];

		check_roster_row(worker.trust, &r->mailboxes[i], m->now_ms, certificates, &row);
		name_agency(agency, row.mailbox);
		strcpy(row.area, roster_agency(r, agency)->area);
		chan_send(ch, MSG_ROSTER_ROW, &row, -1);
		free(certificates);
	}
	end.serial = r->serial;
	end.rows = r->nmailboxes;
	end.issued_ms = r->issued_ms;
	end.expires_ms = r->expires_ms;
	memcpy(end.signer, signer.cert, DIGEST_BYTES);
	memcpy(end.log_key, r->log_text, sizeof end.log_key);
	chan_send(ch, MSG_ROSTER_END, &end, -1);
	roster_free(r);
	return 0;
}

static const struct {
	size_t max;
	int (*answer)(struct chan *ch, const struct msg_check *m, const struct buf *b,
		      struct err *e);
} checks[] = {
    [CHECK_HEAD] = {HEAD_MAX_BYTES, answer_head},
    [CHECK_STATEMENT] = {SIGNED_FIXED_BYTES + STATEMENT_MAX_BYTES + SIGNATURE_MAX_BYTES,
			 answer_statement},
    [CHECK_ROUTE] = {HEAD_MAX_BYTES, answer_route},
    [CHECK_ROSTER] = {SIGNED_FIXED_BYTES + ROSTER_MAX_BYTES + SIGNATURE_MAX_BYTES, answer_roster},
};

static void
on_check(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_check *m = msg;
	struct buf bytes = {0};
	struct err e = {0};
	int rc;

	if (m->what >= sizeof checks / sizeof *checks)
		rc = err_set(&e, ERR_INTERNAL, "check %u: there is none", m->what);
	else
		rc = role_carried(&m->bytes, fd, checks[m->what].max, &bytes, &e);
	if (rc == 0)
		rc = checks[m->what].answer(ch, m, &bytes, &e);
	if (rc < 0)
		refuse(ch, m->job, &e);
	buf_free(&bytes);
	if (fd >= 0)
		close(fd);
	if (++worker.jobs < worker.jobs_max || worker.retiring)
		return;
	worker.retiring = true;
	chan_send(ch, MSG_RETIRE, &(struct msg_job){0}, -1);
}

static int
take_files(const struct role_env *env, struct err *e)
{
	static const struct buf none;
	const struct buf *root = role_file(env, "root"), *issuing = role_file(env, "issuing"),
			 *crl = role_file(env, "crl");
	struct trust *t;

	if (root == NULL)
		return err_set(e, ERR_CONFIG, "verify: no root certificate");
	if (trust_new(root, issuing != NULL ? issuing : &none, crl != NULL ? crl : &none, &t, e) <
	    0)
		return err_wrap(e, "trust");
	trust_set_crl_grace(t, conf_int(env->conf, "trust", NULL, "crl-grace"));
	trust_set_skew(t, conf_int(env->conf, "store", NULL, "clock-skew"));
	trust_free(worker.trust);
	worker.trust = t;
	worker.jobs_max = (uint64_t)conf_int(env->conf, "verify", NULL, "jobs");
	return 0;
}

/* Before the jail: OpenSSL fetches what verifying needs; what a signature of nothing says is of no
 * interest. */
static int
prepare(struct role_env *env, struct err *e)
{
	struct identity ids[SIGNERS_MAX];
	struct json *seeded;
	struct err dropped;
	size_t n;

	/* jansson draws the seed of its tables from a file at the first object; without it, from
	 * the clock and the process's number, which can be guessed */
	crypto_tell();
	if (take_files(env, e) < 0 || json_parse("seed", "{}", 2, 2, &seeded, e) < 0)
		return -1;
	json_free(seeded);
	(void)!signature_verify("", 0, "", 0, worker.trust, 0, time_now_ms(), TRUST_LIVE, ids, &n,
				&dropped);
	return 0;
}

static int
reload(struct role_env *env, struct err *e)
{
	return take_files(env, e);
}

/* The store closes the channel of a worker that retires; otherwise it has died. */
static void
gone(struct role_env *env, struct chan *ch)
{
	if (worker.retiring || env->stopping) {
		role_exit(env);
		return;
	}
	log_error("peer-gone", "peer=%s", role_name(chan_peer(ch)));
	exit(1);
}

int
main(int argc, char **argv)
{
	static const struct chan_handler handlers[] = {{MSG_CHECK, on_check}, {0, NULL}};
	static const struct role role = {.id = ROLE_VERIFY,
					 .handlers = handlers,
					 .prepare = prepare,
					 .gone = gone,
					 .reload = reload};

	return role_main(argc, argv, &role);
}
