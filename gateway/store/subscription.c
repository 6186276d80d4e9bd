/* subscription.c - which mailboxes are to hear of what. Runs in: store. Owns: nothing. Trusts:
 * ask.c on the right to the mailbox. */
#include "store/subscription.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/time.h"
#include "store/group.h"
#include "store/members.h"

struct subscription {
	struct change change;
	struct asker asker;
	char mailbox[NAME_MAILBOX];
	char kind[16];
	char value[NAME_CLASS];
	bool subscribe;
};

static void
list_row(void *ctx, const char *kind, const char *value, int64_t since_ms)
{
	struct buf *b = ctx;
	char time[TIME_TEXT];

	buf_json_item(b);
	time_format(time, since_ms);
	buf_addc(b, '{');
	buf_json_str(b, "kind", kind);
	buf_json_str(b, "value", value);
	buf_json_str(b, "since", time);
	buf_addc(b, '}');
}

void
subscription_list(struct store *s, const struct asker *a, const char *mailbox)
{
	struct buf json = {0};

	buf_addc(&json, '{');
	buf_json_str(&json, "mailbox", mailbox);
	buf_json_key(&json, "subscriptions");
	buf_addc(&json, '[');
	ledger_each_subscription(s->reader, mailbox, list_row, &json);
	buf_adds(&json, "]}");
	reply_json(a, 200, &json);
	buf_free(&json);
}

static int
check(const struct store *s, const struct subscription *u, struct err *e)
{
	bool child = strcmp(u->kind, "child") == 0, household = strcmp(u->kind, "household") == 0;
	const struct policy_class *klass;

	if (strcmp(u->kind, "class") == 0) {
		if (!name_is_class(u->value))
			return err_set(e, ERR_USAGE, "%s: not a class", u->value);
		if ((klass = policy_find(s->policy, u->value)) == NULL)
			return err_set(e, ERR_UNKNOWN, "class %s: there is none here", u->value);
		if (klass->subscribe == SUBSCRIBE_NO)
			return err_set(e, ERR_DENIED, "class %s: nobody can subscribe to it",
				       u->value);
		return 0;
	}
	if (strcmp(u->kind, "area") == 0)
		return members_has_area(s->members, u->value)
			   ? 0
			   : err_set(e, ERR_UNKNOWN, "area %s: no agency is of it", u->value);
	if (!child && !household)
		return err_set(e, ERR_USAGE, "%s: want class, child, household or area", u->kind);
	if (!name_is_about(u->value) || u->value[0] != (child ? 'c' : 'h'))
		return err_set(e, ERR_USAGE, "%s: not the pseudonym of a %s", u->value, u->kind);
	return 0;
}

static int
apply(struct store *s, struct change *c, struct err *e)
{
	const struct subscription *u = (const struct subscription *)c;

	s->routes_changed++;
	if (u->subscribe)
		ledger_subscribe(s->writer, u->kind, u->value, u->mailbox, s->now());
	else if (!ledger_unsubscribe(s->writer, u->kind, u->value, u->mailbox))
		return err_set(e, ERR_UNKNOWN, "%s does not subscribe to %s %s", u->mailbox,
			       u->kind, u->value);
	return 0;
}

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct subscription *u = (struct subscription *)c;

	if (refusal != NULL)
		reply_refuse(&u->asker, refusal);
	else
		reply_empty(&u->asker, 204);
	free(u);
}

void
subscription_change(struct store *s, const struct asker *a, const char *mailbox, const char *kind,
		    const char *value, bool subscribe)
{
	struct subscription *u = mem_alloc(sizeof *u);
	struct err e = {0};

	*u = (struct subscription){
	    .change = {.apply = apply, .done = done}, .asker = *a, .subscribe = subscribe};
	strcpy(u->mailbox, mailbox);
	strcpy(u->kind, kind);
	strcpy(u->value, value);
	if (subscribe && check(s, u, &e) < 0) {
		reply_refuse(a, &e);
		free(u);
		return;
	}
	group_add(s, &u->change);
}
