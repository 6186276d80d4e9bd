/* deadlines.c - what a million open deadlines cost, and whether 10,000 that come due at once hold
 * up what is accepted meanwhile. The store of tests/unit/store_rig.h on a real disk; its verify and
 * notary cost nothing. JSON lines. usage: deadlines FOLDER */
#include <sys/stat.h>

#include "../unit/ladder_rig.h"

#include "safehand/log.h"

#define MANY	1000000
#define ATONCE	10000
#define ACCEPTS 300

static const char conf_text[] = RIG_CONF_NOTICES "[store]\ndisk-reserve = 0\n"
						 "[class \"general\"]\nfrom = */*\nto = */*\n";

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long
status_kib(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long kib = 0;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtol(line + strlen(name) + 1, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kib;
}

static double
ledger_mib(void)
{
	struct stat st = {0};

	fstatat(rig.data_fd, "ledger.db", &st, 0);
	return (double)st.st_size / (1 << 20);
}

static int64_t
add_bundle(size_t n)
{
	struct ledger_bundle b = {.from = "csc/mash", .klass = "general", .purge_ms = INT64_MAX};

	snprintf(b.id, sizeof b.id, "019ab000-0000-7000-9000-%012zx", n);
	ledger_add_bundle(rig.store->writer, &b);
	return b.n;
}

static void
add_deadlines(size_t first, size_t n, int64_t due_ms, const char *ladder)
{
	int64_t bundle = 0, number;

	ledger_begin(rig.store->writer);
	number = ledger_ladder_number(rig.store->writer, ladder);
	for (size_t i = 0; i < n; i++) {
		struct ledger_deadline d = {.kind = i % 2 == 0 ? DEADLINE_COLLECT : DEADLINE_READ,
					    .mailbox = "uhcw/emergency",
					    .owed_to = "csc/mash",
					    .start_ms = T0,
					    .due_ms = due_ms + (int64_t)i,
					    .next_ms = due_ms + (int64_t)i,
					    .ladder = number};

		if (i % 2 == 0)
			bundle = add_bundle(first + i);
		d.bundle = bundle;
		ledger_add_deadline(rig.store->writer, &d);
	}
	ledger_release(rig.store->reader); /* as a group's commit does: else it sees none of them */
	ledger_commit(rig.store->writer);
	ledger_hold(rig.store->reader);
}

/* From the last byte to the answer; the ladders go on meanwhile. */
static double
accept_one(size_t n)
{
	char id[UUID_TEXT];
	struct buf head = {0};
	struct msg_end end = {.length = strlen(payload)};
	double began;

	snprintf(id, sizeof id, "019ab000-0000-7000-8000-%012zx", n);
	rig_bundle(&head, id, payload, 1);
	{
		struct msg_begin m = {.job = ++rig.job,
				      .agency = "csc",
				      .head_bytes = head.len,
				      .payload_bytes = strlen(payload)};

		strcpy(m.id, id);
		rig_reply_clear();
		chan_send(rig.front, MSG_BEGIN, &m, role_memfd("head", head.data, head.len));
	}
	while (rig.reply.kind != MSG_UPLOAD)
		event_base_loop(rig.env.base, EVLOOP_ONCE);
	rig_write(payload, 0, strlen(payload));
	digest_of(payload, strlen(payload), end.digest);
	end.job = rig.job;
	rig_reply_clear();
	began = seconds();
	chan_send(rig.front, MSG_END, &end, -1);
	while (rig.reply.kind != MSG_REPLY)
		event_base_loop(rig.env.base, EVLOOP_ONCE);
	rig_expect(201, ERR_OK);
	buf_free(&head);
	return seconds() - began;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
p99_ms(size_t first)
{
	static double took[ACCEPTS];

	for (size_t i = 0; i < ACCEPTS; i++)
		took[i] = accept_one(first + i);
	qsort(took, ACCEPTS, sizeof *took, by_size);
	return took[ACCEPTS * 99 / 100] * 1000;
}

static void
a_million(void)
{
	double before = ledger_mib(), began, tick = 0;
	long rss = status_kib("VmRSS:");

	add_deadlines(1, MANY, T0 + 1000 * DAY, "remind at 50%, cover at 100%");
	for (int i = 0; i < 100; i++) {
		began = seconds();
		deadline_tick(rig.store);
		tick = seconds() - began > tick ? seconds() - began : tick;
	}
	printf("{\"bench\":\"deadlines open\",\"deadlines\":%d,\"disk_mib\":%.0f,"
	       "\"memory_mib\":%.1f,\"tick_ms_worst\":%.3f}\n",
	       MANY, ledger_mib() - before, (double)(status_kib("VmRSS:") - rss) / 1024,
	       tick * 1000);
}

static void
at_once(void)
{
	double idle = p99_ms(1), under, began;
	int64_t open, overdue = 0;

	add_deadlines(MANY + 1, ATONCE, T0 + HOUR, "notify sender at 100%");
	rig.clock_ms = T0 + 2 * HOUR;
	began = seconds();
	deadline_tick(rig.store);
	under = p99_ms(ACCEPTS + 1);
	deadline_counts(rig.store, &open, &overdue);
	printf("{\"bench\":\"deadlines at once\",\"due\":%d,\"accept_p99_ms_idle\":%.1f,"
	       "\"accept_p99_ms_firing\":%.1f,\"ratio\":%.2f,\"fired_meanwhile\":%lld",
	       ATONCE, idle, under, under / idle, (long long)overdue);
	while (ledger_next_deadline(rig.store->reader) <= rig.clock_ms)
		event_base_loop(rig.env.base, EVLOOP_ONCE);
	printf(",\"all_fired_s\":%.1f}\n", seconds() - began);
}

int
main(int argc, char **argv)
{
	log_level_set(LOG_LEVEL_ERROR);
	rig = (struct rig){.roster_serial = 3, .conf = conf_text, .clock_ms = T0};
	rig.base = argc > 1 ? argv[1] : NULL;
	rig_setup_here();
	a_million();
	at_once();
	return rig_teardown(NULL);
}
