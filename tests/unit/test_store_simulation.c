/* The proof that no step is missed: a played clock drives the real store through random schedules
 * (calendars, closed days, summer time, leap days, late receipts, absences, restarts, a clock that
 * jumps both ways) against a plain, slow model. No step missed, doubled, early, or out of order.
 *
 * A world is a store with its calendars and classes and some 100 bundles. SCHEDULES says how many
 * bundles in all (make test: 10,000, make soak: 100,000); SEED replays the one world that is told
 * when it fails. */
#include "deadline_model.h"
#include "ladder_rig.h"

#include "safehand/log.h"

#define WORLD	   100 /* schedules of one world */
#define CLASSES	   6
#define STEPS	   5
#define MAILBOXES  3
#define KINDS	   3 /* collect, read, answer */
#define SIM_MINUTE INT64_C(60000)

static const char conf_text[] = RIG_CONF_NOTICES
    "[store]\ndisk-reserve = 0\njournal-segment = 4M\nsmall = 64K\nquota = 1G\n"
    "created-age = 365d\n"
    "[calendar \"c0\"]\nzone = UTC\n[calendar \"c1\"]\nzone = UTC\n[calendar \"c2\"]\nzone = UTC\n"
    "[mailbox \"uhcw/emergency\"]\ncalendar = c0\n"
    "[mailbox \"uhcw/paediatrics\"]\ncalendar = c1\n"
    "[mailbox \"schools/*\"]\ncalendar = c2\n"
    "[class \"c0\"]\nfrom = */*\nto = */*\n[class \"c1\"]\nfrom = */*\nto = */*\n"
    "[class \"c2\"]\nfrom = */*\nto = */*\n[class \"c3\"]\nfrom = */*\nto = */*\n"
    "[class \"c4\"]\nfrom = */*\nto = */*\n[class \"c5\"]\nfrom = */*\nto = */*\n";

static const char *const names[MAILBOXES] = {"uhcw/emergency", "uhcw/paediatrics",
					     "schools/st-j.dsl"};
enum { ED, PAED, SCHOOL };

/* --- the model --- */

struct step_of {
	enum ladder_act act;
	uint32_t percent;
};

struct class_of {
	bool has[KINDS];
	struct deadline_rule rule[KINDS];
	struct step_of step[STEPS + 1]; /* as written; OVERDUE first of all */
	size_t n;
	bool clock_event;
	char text[512];
};

struct debt {
	size_t bundle;
	int kind, mailbox; /* of KINDS, of names */
	const struct class_of *klass;
	int64_t start, due;
	bool cover_now, open;
	unsigned fired;
};

struct sent {
	char id[UUID_TEXT];
	int64_t at;
	bool school, released;
	int said[MAILBOXES]; /* events in order: collected, opened, read, answered */
};

static struct {
	uint64_t seed;
	struct model calendar[MAILBOXES];
	struct class_of klass[CLASSES];
	struct sent sent[WORLD];
	size_t nsent;
	struct debt debt[WORLD * MAILBOXES * KINDS];
	size_t ndebts;
	int64_t away_until, last_seq;
	struct buf want; /* lines "BUNDLE MAILBOX KIND: what", in order for each debt */
	size_t steps, ticks;
} world;

static size_t all_steps, all_restarts;

static void
want(size_t bundle, int mailbox, const char *kind, const char *what)
{
	buf_addf(&world.want, "%zu %s %s: %s\n", bundle, names[mailbox], kind, what);
	world.steps++;
}

static int64_t
when_of(const struct debt *d, const struct step_of *s)
{
	__int128 span = d->due - d->start;

	if (d->cover_now && s->act == LADDER_COVER)
		return d->start;
	return d->start + (int64_t)(span * s->percent / 100);
}

/* Is a before b? Covers at once, then by percentage, OVERDUE before its equals, then as written. */
static bool
before(const struct debt *d, size_t a, size_t b)
{
	const struct step_of *x = &d->klass->step[a], *y = &d->klass->step[b];
	bool x_now = d->cover_now && x->act == LADDER_COVER;
	bool y_now = d->cover_now && y->act == LADDER_COVER;

	if (x_now != y_now)
		return x_now;
	if (x->percent != y->percent)
		return x->percent < y->percent;
	return a < b;
}

static int
next_of(const struct debt *d)
{
	int best = -1;

	for (size_t i = 0; i < d->klass->n; i++)
		if ((d->fired & 1u << i) == 0 && (best < 0 || before(d, i, (size_t)best)))
			best = (int)i;
	return best;
}

static void
model_open(size_t bundle, int mailbox, const struct class_of *k, int64_t start, int64_t now)
{
	const struct model *m = &world.calendar[mailbox];

	model_use(m);
	for (int kind = 0; kind < KINDS; kind++) {
		struct debt *d = &world.debt[world.ndebts];
		int64_t from = start > now ? start : now;

		if (!k->has[kind])
			continue;
		assert_true(world.ndebts < sizeof world.debt / sizeof *world.debt);
		*d = (struct debt){.bundle = bundle,
				   .kind = kind,
				   .mailbox = mailbox,
				   .klass = k,
				   .start = start,
				   .open = true};
		d->due = model_due(m, &k->rule[kind], start);
		assert_true(d->due > 0);
		d->cover_now =
		    from < d->due && !model_open_between(m, from / 1000, (d->due + 999) / 1000);
		if (mailbox == ED && world.away_until > now && world.away_until > d->due)
			d->cover_now = true;
		world.ndebts++;
	}
}

static void
model_take(struct debt *d, const struct step_of *s, int64_t now)
{
	static const char *const kinds[] = {"collect", "read", "answer"};
	struct sent *b = &world.sent[d->bundle];
	char text[64];

	switch (s->act) {
	case LADDER_OVERDUE: snprintf(text, sizeof text, "Overdue %s", kinds[d->kind]); break;
	case LADDER_REMIND: strcpy(text, "Escalation remind"); break;
	case LADDER_COVER:
		strcpy(text, d->mailbox == ED ? "Escalation cover:uhcw/paediatrics"
					      : "Escalation cover:none");
		break;
	case LADDER_NOTIFY: strcpy(text, "Escalation notify:csc/duty"); break;
	case LADDER_NOTIFY_SENDER: strcpy(text, "Escalation notify:csc/mash"); break;
	case LADDER_REGISTER: strcpy(text, "Escalation register"); break;
	}
	want(d->bundle, d->mailbox, kinds[d->kind], text);
	if (s->act != LADDER_COVER || d->mailbox != ED || b->released)
		return;
	b->released = true;
	want(d->bundle, PAED, "-", "CoverReleased ok");
	model_open(d->bundle, PAED, d->klass, now, now);
}

/* Everything whose time has come. Covers open debts, so until nothing more is due. */
static void
model_tick(int64_t now)
{
	for (size_t i = 0; i < world.ndebts; i++)
		for (int k; world.debt[i].open && (k = next_of(&world.debt[i])) >= 0 &&
			    when_of(&world.debt[i], &world.debt[i].klass->step[k]) <= now;) {
			world.debt[i].fired |= 1u << k;
			model_take(&world.debt[i], &world.debt[i].klass->step[k], now);
		}
}

/* The mailbox and the one it stands for, or that stands for it. Each word says those before it,
 * too.
 */
static void
model_said(size_t bundle, int mailbox, int kind)
{
	for (size_t i = 0; i < world.ndebts; i++) {
		struct debt *d = &world.debt[i];

		if (d->bundle == bundle && (d->mailbox == SCHOOL) == (mailbox == SCHOOL) &&
		    d->kind <= kind)
			d->open = false;
	}
}

static int64_t
model_next_time(void)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < world.ndebts; i++) {
		int k = world.debt[i].open ? next_of(&world.debt[i]) : -1;
		int64_t when =
		    k < 0 ? INT64_MAX : when_of(&world.debt[i], &world.debt[i].klass->step[k]);

		if (when < next)
			next = when;
	}
	return next;
}

/* --- a random world --- */

static struct deadline_rule
make_rule(void)
{
	struct deadline_rule r = {.unit = (enum deadline_unit)model_random(7)};

	if (model_random(3) == 0)
		r.unit = DEADLINE_CLOCK;
	if (r.unit == DEADLINE_CLOCK)
		r.n = (1 + (int64_t)model_random(3 * 1440)) * SIM_MINUTE;
	if (r.unit == DEADLINE_WORKING_DAYS || r.unit == DEADLINE_SCHOOL_DAYS)
		r.n = 1 + (int64_t)model_random(4);
	if (r.unit == DEADLINE_NEXT_WORKING || r.unit == DEADLINE_NEXT_SCHOOL)
		r.minute = 15 * (int)(16 + model_random(70));
	return r;
}

static bool
has_step(const struct class_of *k, const struct step_of *s)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->step[i].act == s->act && k->step[i].percent == s->percent)
			return true;
	return false;
}

static void
make_class(struct class_of *k)
{
	static const char *const acts[] = {[LADDER_REMIND] = "remind",
					   [LADDER_COVER] = "cover",
					   [LADDER_NOTIFY] = "notify csc/duty",
					   [LADDER_NOTIFY_SENDER] = "notify sender",
					   [LADDER_REGISTER] = "register"};
	static const uint32_t percents[] = {0, 25, 33, 50, 75, 99, 100, 100, 101, 150, 200, 777};
	size_t n = model_random(STEPS + 1), at = 0;

	*k = (struct class_of){.clock_event = model_random(3) == 0};
	k->has[0] = model_random(4) != 0;
	k->has[1] = !k->has[0] || model_random(2) == 0;
	k->has[2] = model_random(2) == 0;
	for (int i = 0; i < KINDS; i++)
		k->rule[i] = make_rule();
	k->step[k->n++] = (struct step_of){LADDER_OVERDUE, 100};
	for (size_t i = 0; i < n; i++) {
		struct step_of s = {LADDER_REMIND + (enum ladder_act)model_random(5),
				    percents[model_random(sizeof percents / sizeof *percents)]};

		if (has_step(k, &s))
			continue;
		k->step[k->n++] = s;
		at += (size_t)snprintf(k->text + at, sizeof k->text - at, "%s%s at %u%%",
				       at > 0 ? ", " : "", acts[s.act], s.percent);
	}
}

static void
configure(struct policy *p)
{
	for (int i = 0; i < CLASSES; i++) {
		const struct class_of *m = &world.klass[i];
		char name[4] = {'c', (char)('0' + i), '\0'};
		struct policy_class *k = rig_class(p, name);

		k->has_collect = m->has[0];
		k->has_read = m->has[1];
		k->collect = m->rule[0];
		k->read = m->rule[1];
		k->answers = m->has[2] ? ANSWER_WITHIN : ANSWER_NONE;
		k->answer = m->rule[2];
		k->answer_by[0] = '\0';
		k->clock_event = m->clock_event;
		k->retain_ms = 3650 * DAY;
		rig_ladder(&k->ladder, m->text);
	}
}

static void
make_world(uint64_t seed)
{
	static const char *const zones[] = {"Europe/London", "America/New_York", "UTC",
					    "Australia/Lord_Howe", "Asia/Kathmandu"};
	struct buf calendars = {0};

	for (int i = 0; i < MAILBOXES; i++) {
		buf_free(&world.calendar[i].ics);
		buf_free(&world.calendar[i].terms);
	}
	buf_free(&world.want);
	memset(&world, 0, sizeof world);
	world.seed = seed;
	model_seed = seed * 0x9e3779b97f4a7c15u | 1;
	for (int i = 0; i < 20; i++)
		model_random(2);
	for (int i = 0; i < MAILBOXES; i++) {
		char name[4] = {'c', (char)('0' + i), '\0'};
		struct calendar *c;

		model_make(&world.calendar[i], zones[model_random(5)]);
		c = model_compile_as(&world.calendar[i], name);
		calendar_format(c, &calendars);
		calendar_free(c);
	}
	for (int i = 0; i < CLASSES; i++)
		make_class(&world.klass[i]);
	rig = (struct rig){.roster_serial = 3,
			   .base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL,
			   .conf = conf_text,
			   .configure = configure};
	rig.calendars = calendars;
	/* some day of five years, at a quarter of an hour */
	rig.clock_ms =
	    ((MODEL_FIRST + 30 + (int64_t)model_random(5 * 365)) * 96 + (int64_t)model_random(96)) *
	    15 * SIM_MINUTE;
	rig_setup_here();
}

/* --- the store's side --- */

static void
entry_line(const struct ledger_entry *e, struct buf *out)
{
	int64_t n = e->event == EVENT_OVERDUE ? e->part : e->part / 64;
	struct ledger_deadline d = {0};
	struct ledger_bundle b = {0};
	size_t bundle = 0;

	if (e->event != EVENT_OVERDUE && e->event != EVENT_ESCALATION &&
	    e->event != EVENT_COVER_RELEASED)
		return;
	assert_true(ledger_bundle_at(rig.store->reader, e->bundle, &b));
	while (strcmp(world.sent[bundle].id, b.id) != 0)
		bundle++;
	if (e->event != EVENT_COVER_RELEASED)
		assert_true(ledger_deadline(rig.store->reader, n, &d));
	buf_addf(out, "%zu %s %s: %s %s\n", bundle, e->mailbox,
		 e->event == EVENT_COVER_RELEASED ? "-" : deadline_kind_name(d.kind),
		 event_name(e->event), e->code);
	if (e->event != EVENT_COVER_RELEASED && e->time_ms < d.start_ms)
		fail_msg("entry %lld is before its deadline's start", (long long)e->seq);
}

static size_t
split(struct buf *text, char **lines, size_t max)
{
	size_t n = 0;
	char *save = NULL;

	if (text->len == 0)
		return 0;
	buf_str(text);
	for (char *l = strtok_r((char *)text->data, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save)) {
		assert_true(n < max);
		lines[n++] = l;
	}
	return n;
}

/* By debt, keeping the order within it: an insertion sort is stable. */
static void
by_debt(char **lines, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0; k--) {
			size_t a = strcspn(lines[k - 1], ":"), b = strcspn(lines[k], ":");
			int order = strncmp(lines[k - 1], lines[k], a < b ? a : b);
			char *swap = lines[k];

			if (order < 0 || (order == 0 && a <= b))
				break;
			lines[k] = lines[k - 1];
			lines[k - 1] = swap;
		}
}

#define LINES_MAX 4096

/* What the log has got since the last look is what the model wants, each debt's in its order. */
static void
compare(const char *after)
{
	static char *have_lines[LINES_MAX], *want_lines[LINES_MAX];
	struct ledger_totals t;
	struct ledger_entry e;
	struct buf have = {0};
	size_t h, w;

	ledger_totals(rig.store->reader, &t);
	for (; world.last_seq < t.entries; world.last_seq++)
		if (ledger_entry(rig.store->reader, world.last_seq, &e))
			entry_line(&e, &have);
	h = split(&have, have_lines, LINES_MAX);
	w = split(&world.want, want_lines, LINES_MAX);
	by_debt(have_lines, h);
	by_debt(want_lines, w);
	for (size_t i = 0; i < h || i < w; i++)
		if (i >= h || i >= w || strcmp(have_lines[i], want_lines[i]) != 0)
			fail_msg(
			    "SEED=%llu: after %s, %zu sent: the store has '%s', the model '%s'",
			    (unsigned long long)world.seed, after, world.nsent,
			    i < h ? have_lines[i] : "nothing more",
			    i < w ? want_lines[i] : "nothing more");
	buf_free(&have);
	buf_clear(&world.want);
}

static void
tick(const char *after)
{
	model_tick(rig.clock_ms);
	deadline_tick(rig.store);
	rig_settle();
	compare(after);
	world.ticks++;
}

/* --- what happens --- */

static void
send_one(void)
{
	size_t n = world.nsent, k = model_random(CLASSES);
	struct sent *b = &world.sent[n];
	int64_t start = rig.clock_ms;
	struct buf head = {0};

	snprintf(b->id, sizeof b->id, "019ab000-0000-7000-8000-%012zx", n + 1);
	b->at = rig.clock_ms;
	b->school = model_random(2) == 0;
	rig_bundle(&head, b->id, payload, b->school ? 3 : 2);
	rig.head.created_ms = rig.clock_ms;
	rig.to[1].cover = 1;
	strcpy(rig.to[1].covers, names[ED]);
	if (b->school) {
		strcpy(rig.to[2].mailbox, names[SCHOOL]);
		rig_key(rig.to[2].key, 5);
	}
	rig.head.klass[0] = 'c';
	rig.head.klass[1] = (char)('0' + k);
	rig.head.klass[2] = '\0';
	if (world.klass[k].clock_event) {
		start -= (int64_t)model_random(2000) * 15 * SIM_MINUTE / 10;
		start = start / 1000 * 1000;
		rig.head.event_at_ms = start;
	}
	rig_begin(&head, b->id, strlen(payload));
	if (rig.reply.kind != MSG_UPLOAD)
		fail_msg("%s: %s", err_name(rig.reply.code), rig.reply.detail);
	rig_write(payload, 0, strlen(payload));
	world.nsent++;
	model_open(n, ED, &world.klass[k], start, rig.clock_ms);
	if (b->school)
		model_open(n, SCHOOL, &world.klass[k], start, rig.clock_ms);
	rig_send_end(payload);
	rig_expect(201, ERR_OK);
	buf_free(&head);
	tick("a bundle");
}

/* A mailbox that has the bundle takes its next step with it. */
static void
say_one(void)
{
	static const struct {
		enum statement_kind kind;
		const char *code;
		int done; /* -1: nothing that is owed */
	} next[] = {{STATEMENT_COLLECTED, "ok", 0},
		    {STATEMENT_OPENED, "ok", -1},
		    {STATEMENT_READ, "ok", 1},
		    {STATEMENT_ANSWERED, "accepted", 2}};
	size_t n = world.nsent > 20 && model_random(3) > 0 ? world.nsent - 1 - model_random(20)
							   : model_random(world.nsent);
	struct sent *b = &world.sent[n];
	int mailbox = (int)model_random(MAILBOXES), *said = &b->said[mailbox];

	/* nobody says anything of what, by its clock, was not sent yet */
	if (rig.clock_ms < b->at || *said == 4 || (mailbox == PAED && !b->released) ||
	    (mailbox == SCHOOL && !b->school))
		return;
	rig_says(b->id, names[mailbox], next[*said].kind, next[*said].code);
	model_said(n, mailbox, next[*said].done);
	(*said)++;
	tick("a statement");
}

static void
go_away(void)
{
	struct msg_ask m = rig_question(ASK_AWAY_SET, "uhcw");

	world.away_until = rig.clock_ms + (1 + (int64_t)model_random(2000)) * 3 * SIM_MINUTE;
	strcpy(m.mailbox, names[ED]);
	m.number = (uint64_t)world.away_until;
	for (size_t i = 0; i < world.ndebts; i++)
		if (world.debt[i].open && world.debt[i].mailbox == ED &&
		    world.debt[i].due < world.away_until)
			world.debt[i].cover_now = true;
	rig_ask(&m);
	rig_expect(204, ERR_OK);
	tick("an absence");
}

/* To just before the next step, to it, past some, far past many, or back. */
static void
move_clock(void)
{
	int64_t next = model_next_time(), now = rig.clock_ms;

	switch (model_random(8)) {
	case 0:
	case 1: rig.clock_ms = next == INT64_MAX || next <= now ? now + HOUR : next - 1; break;
	case 2:
	case 3: rig.clock_ms = next == INT64_MAX || next <= now ? now + HOUR : next; break;
	case 4:
	case 5: rig.clock_ms = now + (int64_t)model_random(600) * SIM_MINUTE; break;
	case 6: rig.clock_ms = now + (int64_t)model_random(5000) * SIM_MINUTE; break;
	default: rig.clock_ms = now - (int64_t)model_random(1500) * SIM_MINUTE; break;
	}
	tick("the clock");
}

static void
restart(void)
{
	rig_restart();
	all_restarts++;
	tick("a restart");
}

/* Killed while steps are on their way to the seal: they have not happened. */
static void
killed(void)
{
	rig.hold = true;
	deadline_tick(rig.store);
	rig_turns(1 + (unsigned)model_random(12));
	rig_kill();
	rig.hold = false;
	rig_start(rig.conf);
	all_restarts++;
	tick("a kill");
}

/* Set back while steps are under way: they were not early, they are not taken. */
static void
taken_back(void)
{
	int64_t next = model_next_time();

	if (next == INT64_MAX || next <= rig.clock_ms)
		return;
	rig.clock_ms = next;
	deadline_tick(rig.store);
	rig.clock_ms = next - 1 - (int64_t)model_random(600) * SIM_MINUTE;
	tick("a clock that was taken back");
}

static void
play_world(uint64_t seed, size_t schedules)
{
	make_world(seed);
	while (world.nsent < schedules) {
		uint64_t dice = model_random(100);

		if (dice < 25 || world.nsent == 0)
			send_one();
		else if (dice < 55)
			say_one();
		else if (dice < 57)
			go_away();
		else if (dice < 60)
			restart();
		else if (dice < 63)
			killed();
		else if (dice < 66)
			taken_back();
		else
			move_clock();
	}
	rig.clock_ms += 90 * DAY; /* what is left comes to its end */
	tick("the end");
	rig.clock_ms += 90 * DAY;
	tick("the covers' end");
	assert_int_equal(model_next_time() == INT64_MAX,
			 ledger_next_deadline(rig.store->reader) == DEADLINE_NEVER);
	is_sound();
	all_steps += world.steps;
	rig_teardown(NULL);
}

static void
no_step_is_missed(void **state)
{
	const char *seed = getenv("SEED"), *n = getenv("SCHEDULES");
	size_t schedules = n != NULL ? strtoull(n, NULL, 10) : 500;
	uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL) * 1000;

	setenv("TZ", "UTC", 1);
	fprintf(stdout, "first SEED=%llu\n", (unsigned long long)first);
	if (seed != NULL) {
		play_world(first, WORLD);
		return;
	}
	for (size_t i = 0; i * WORLD < schedules; i++)
		play_world(first + i, WORLD);
	fprintf(stdout, "%zu schedules, %zu steps, %zu restarts: none missed, doubled or early\n",
		schedules, all_steps, all_restarts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_step_is_missed)};

	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
