/* settings.c - the gateway's settings, one row each. Runs in: master (checks, prints), all roles
 * (read). */
#include <string.h>

#include "frame/contact.h"
#include "frame/settings.h"
#include "safehand/cover_need.h"
#include "safehand/limits.h"
#include "safehand/name.h"
#include "safehand/policy.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24LL * HOUR)

static int
is_pattern(const char *v, struct err *e)
{
	return name_is_pattern(v) ? 0
				  : err_set(e, ERR_CONFIG, "%s: want agency/role, * for any", v);
}

/* A user or password in it would stand in logs and in what -N prints. */
static int
is_http_url(const char *v, struct err *e)
{
	size_t scheme = strncmp(v, "http://", 7) == 0 ? 7 : strncmp(v, "https://", 8) == 0 ? 8 : 0;
	size_t host = scheme > 0 ? strcspn(v + scheme, "/?#") : 0;

	if (host == 0 || memchr(v + scheme, '@', host) != NULL || strpbrk(v, " \"\\") != NULL)
		return err_set(e, ERR_CONFIG,
			       "%s: want http://HOST/PATH or https://HOST/PATH without a user", v);
	return 0;
}

/* "" in what -N prints: not set. */
static int
is_mail_or_none(const char *v, struct err *e)
{
	return *v == '\0' ? 0 : contact_mail(v, e);
}

static int
is_webhook_or_none(const char *v, struct err *e)
{
	return *v == '\0' ? 0 : contact_webhook(v, e);
}

static int
is_server_or_none(const char *v, struct err *e)
{
	struct contact_server s;

	return *v == '\0' ? 0 : contact_server(v, &s, e);
}

static int
is_rule(const char *v, struct err *e)
{
	struct deadline_rule r;

	return *v == '\0' ? 0 : deadline_rule_parse(v, &r, e);
}

static int
is_answer(const char *v, struct err *e)
{
	struct policy_class c = {0};

	return *v == '\0' ? 0 : policy_answer_parse(v, &c, e);
}

static int
is_expects(const char *v, struct err *e)
{
	struct policy_class c = {0};

	return *v == '\0' ? 0 : policy_expects_parse(v, &c, e);
}

static int
is_retain(const char *v, struct err *e)
{
	struct policy_class c = {0};

	return policy_retain_parse(v, &c, e);
}

static int
is_step(const char *v, struct err *e)
{
	struct ladder l;

	ladder_clear(&l);
	return ladder_add(&l, v, e);
}

static int
is_mailbox(const char *v, struct err *e)
{
	return name_is_mailbox(v) ? 0 : err_set(e, ERR_CONFIG, "%s: want agency/role", v);
}

static int
is_need(const char *v, struct err *e)
{
	return cover_need_is(v) ? 0 : err_set(e, ERR_CONFIG, "%s: no field of the cover sheet", v);
}

static int
is_media(const char *v, struct err *e)
{
	return policy_is_media(v) ? 0 : err_set(e, ERR_CONFIG, "%s: want type/subtype", v);
}

#define G "gateway"
#define F "front"
#define T "store"
#define V "verify"
#define N "notary"
#define C "class"
#define A "tsa"
#define M "mail"
#define O "courier"
#define B "mailbox"
#define K "calendar"

const struct conf_row settings_table[] = {
    /* section, key, type, named, default, min, max, choices, help, check */
    {G, "listen", CONF_LIST, false, NULL, 0, 0, NULL,
     "addresses that serve clients: 0.0.0.0:8443, [::]:8443", NULL},
    {G, "user", CONF_STR, false, "_safehand", 0, 0, NULL,
     "whom the roles become when started as root", NULL},
    {G, "jail", CONF_PATH, false, "/var/empty", 0, 0, NULL, "empty folder that is the roles' root",
     NULL},
    {G, "data", CONF_PATH, false, "/var/lib/safehand", 0, 0, NULL,
     "data folder: journal, bundles, ledger", NULL},
    {G, "control", CONF_PATH, false, "/run/safehand/control", 0, 0, NULL, "socket of safehandctl",
     NULL},
    {G, "metrics", CONF_STR, false, "", 0, 0, NULL,
     "address for Prometheus, loopback only: 127.0.0.1:9464", NULL},
    {G, "log", CONF_WORD, false, "info", 0, 0, "warn|info|debug",
     "least urgent level that is logged", NULL},
    {G, "grace", CONF_DURATION, false, "30s", 0, HOUR, NULL,
     "how long a stop waits for transfers under way", NULL},
    {G, "libexec", CONF_PATH, false, "", 0, 0, NULL,
     "folder of the roles' binaries; default: where safehandd is", NULL},
    {"trust", "root", CONF_PATH, false, NULL, 0, 0, NULL, "root certificate, PEM", NULL},
    {"trust", "issuing", CONF_PATH, false, NULL, 0, 0, NULL, "issuing CA certificates, PEM", NULL},
    {"trust", "crl", CONF_PATH, false, NULL, 0, 0, NULL,
     "current CRLs of root and issuing CAs, PEM", NULL},
    {"trust", "crl-grace", CONF_DURATION, false, "0s", 0, 30 * DAY, NULL,
     "how long a CRL whose successor is due still serves; then nobody is let in", NULL},
    {"trust", "roster", CONF_PATH, false, NULL, 0, 0, NULL, "signed roster, .shr", NULL},
    {F, "processes", CONF_INT, false, "1", 1, 32, NULL, "front processes that share the port",
     NULL},
    {F, "certificate", CONF_PATH, false, NULL, 0, 0, NULL,
     "gateway-tls certificate with its chain, PEM", NULL},
    {F, "key", CONF_PATH, false, NULL, 0, 0, NULL, "its private key, PEM", NULL},
    {F, "key-passphrase", CONF_PATH, false, "", 0, 0, NULL,
     "file with the key's passphrase, one line; default: the key is not encrypted", NULL},
    {F, "tls-min", CONF_WORD, false, "1.3", 0, 0, "1.2|1.3", "oldest TLS that is spoken", NULL},
    {F, "connections", CONF_INT, false, "20000", 16, 60000, NULL,
     "connections of one front process", NULL},
    {F, "connections-per-agency", CONF_INT, false, "12000", 1, 60000, NULL,
     "authenticated connections of one agency", NULL},
    {F, "handshakes-per-address", CONF_INT, false, "256", 1, 60000, NULL,
     "unauthenticated connections of one address", NULL},
    {F, "handshake-timeout", CONF_DURATION, false, "10s", SECOND, 5 * MINUTE, NULL,
     "for the TLS handshake", NULL},
    {F, "head-timeout", CONF_DURATION, false, "10s", 100, 5 * MINUTE, NULL,
     "for a request's head, from its first byte", NULL},
    {F, "body-timeout", CONF_DURATION, false, "60s", SECOND, HOUR, NULL,
     "without a byte of a body or of room for an answer", NULL},
    {F, "idle-timeout", CONF_DURATION, false, "5m", SECOND, DAY, NULL, "between requests", NULL},
    {V, "processes", CONF_INT, false, "2", 1, 32, NULL, "verify workers", NULL},
    {V, "jobs", CONF_INT, false, "100000", 100, 1000000000, NULL,
     "jobs after which a worker is replaced", NULL},
    {T, "fetches-alarm", CONF_INT, false, "100", 1, 1000000, NULL,
     "fetches of a mailbox in an hour that are no alarm, whatever is usual", NULL},
    {T, "journal-segment", CONF_SIZE, false, "64M", (int64_t)(4 * MIB), (int64_t)(4 * GIB), NULL,
     "preallocated size of a journal segment", NULL},
    {T, "small", CONF_SIZE, false, "1M", 4096, (int64_t)(16 * MIB), NULL,
     "bundles up to this size go to the journal, larger ones are files", NULL},
    {T, "staging-age", CONF_DURATION, false, "2d", MINUTE, 60 * DAY, NULL,
     "an unfinished upload is kept so long for its rest", NULL},
    {T, "uploads-per-agency", CONF_INT, false, "256", 1, 100000, NULL,
     "unfinished uploads of one agency", NULL},
    {T, "quota", CONF_SIZE, false, "1T", (int64_t)MIB, (int64_t)(1024 * 1024 * GIB), NULL,
     "bytes that one agency may have stored", NULL},
    {T, "quota-bundles", CONF_INT, false, "10000000", 1, 1000000000, NULL,
     "bundles that one agency may have stored", NULL},
    {T, "rate", CONF_INT, false, "0", 0, 10000000, NULL,
     "bundles a minute that one agency may hand in, a sixth of them at once; 0: any number", NULL},
    {T, "disk-reserve", CONF_SIZE, false, "1G", 0, (int64_t)(1024 * 1024 * GIB), NULL,
     "nothing is accepted when less is free", NULL},
    {T, "clock-skew", CONF_DURATION, false, "10m", SECOND, DAY, NULL,
     "how far a manifest's or statement's time may lie ahead of ours", NULL},
    {T, "created-age", CONF_DURATION, false, "7d", MINUTE, 365 * DAY, NULL,
     "how old a manifest may be at acceptance", NULL},
    {N, "origin", CONF_STR, false, NULL, 0, 0, NULL, "name of the log, as in log.vkey", NULL},
    {N, "log-key", CONF_PATH, false, NULL, 0, 0, NULL, "Ed25519 key of the log, PEM", NULL},
    {N, "tsa-key", CONF_PATH, false, NULL, 0, 0, NULL, "key of the time stamping authority, PEM",
     NULL},
    {N, "tsa-certificate", CONF_PATH, false, NULL, 0, 0, NULL,
     "its certificate with the chain, PEM", NULL},
    {N, "clock", CONF_WORD, false, "warn", 0, 0, "require|warn",
     "what an unsynchronised clock does", NULL},
    {N, "clock-error", CONF_DURATION, false, "5s", 1, HOUR, NULL,
     "the kernel's estimate of error that still counts as synchronised", NULL},
    {N, "notice-key", CONF_PATH, false, "", 0, 0, NULL,
     "key of the gateway's own notices, PEM; default: a ladder may not notify", NULL},
    {N, "notice-certificate", CONF_PATH, false, "", 0, 0, NULL,
     "its gateway-sign certificate with the chain, PEM", NULL},
    {N, "token", CONF_PATH, false, "", 0, 0, NULL,
     "socket of p11-kit server: tsa-key and notice-key may be in its PKCS#11 token", NULL},
    {N, "key-passphrase", CONF_PATH, false, "", 0, 0, NULL,
     "file with the passphrase of these keys, one line; default: they are not encrypted", NULL},
    {A, "url", CONF_STR, true, NULL, 0, 0, NULL,
     "an external RFC 3161 authority, asked in order of appearance", is_http_url},
    {A, "root", CONF_PATH, true, NULL, 0, 0, NULL, "its root certificate, PEM", NULL},
    {A, "timeout", CONF_DURATION, true, "10s", 100, 5 * MINUTE, NULL, "for one answer", NULL},
    {M, "server", CONF_STR, false, "", 0, 0, NULL,
     "smtp://HOST:PORT (STARTTLS) or smtps://HOST:PORT; default: no mail is sent",
     is_server_or_none},
    {M, "from", CONF_STR, false, "", 0, 0, NULL, "sender's address of the gateway's mail",
     is_mail_or_none},
    {M, "user", CONF_STR, false, "", 0, 0, NULL, "who logs in at the server", NULL},
    {M, "password", CONF_PATH, false, "", 0, 0, NULL, "file with the user's password, one line",
     NULL},
    {M, "root", CONF_PATH, false, "", 0, 0, NULL,
     "the server's root certificate, PEM; default: the system's", NULL},
    {M, "tls", CONF_WORD, false, "require", 0, 0, "require|if-offered",
     "if-offered: also without, to a server on a loopback address only", NULL},
    {O, "timeout", CONF_DURATION, false, "30s", 100, 5 * MINUTE, NULL,
     "for one mail or webhook, from the first packet to the last", NULL},
    {O, "give-up", CONF_DURATION, false, "1h", SECOND, 7 * DAY, NULL,
     "a mail or webhook that could not be delivered for so long has failed", NULL},
    {O, "webhook-root", CONF_PATH, false, "", 0, 0, NULL,
     "root certificate of the webhooks' servers, PEM; default: the system's", NULL},
    {B, "calendar", CONF_STR, true, "", 0, 0, NULL,
     "section [calendar] that says when it is open; default: always", NULL},
    {B, "mail", CONF_STR, true, "", 0, 0, NULL, "address that is told, beside the mailbox",
     is_mail_or_none},
    {B, "webhook", CONF_STR, true, "", 0, 0, NULL, "URL that is told, beside the mailbox",
     is_webhook_or_none},
    {B, "webhook-key", CONF_PATH, true, "", 0, 0, NULL,
     "file with the webhook's secret: one line whsec_BASE64", NULL},
    {C, "from", CONF_LIST, true, NULL, 0, 0, NULL, "who may send it", is_pattern},
    {C, "to", CONF_LIST, true, NULL, 0, 0, NULL, "to whom it may go", is_pattern},
    {C, "signatures", CONF_INT, true, "1", 1, SIGNERS_MAX, NULL,
     "2 and more: so many different persons of the sender's agency", NULL},
    {C, "max-bytes", CONF_SIZE, true, "2G", 1, (int64_t)PAYLOAD_MAX_BYTES, NULL, "largest payload",
     NULL},
    {C, "retain", CONF_STR, true, "90d", 0, 0, NULL,
     "kept so long after its acceptance, or (90d after the last answer) so long after that",
     is_retain},
    {C, "subscribe", CONF_WORD, true, "yes", 0, 0, "yes|no|by-consent",
     "may mailboxes subscribe to it", NULL},
    {C, "clock", CONF_WORD, true, "sending", 0, 0, "event|sending",
     "what its deadlines count from: event wants --event-at", NULL},
    {C, "require", CONF_LIST, true, "", 0, 0, NULL, "fields that its cover sheet must have",
     is_need},
    {C, "media", CONF_LIST, true, "", 0, 0, NULL, "media types of its documents; default: any",
     is_media},
    {C, "demand", CONF_LIST, true, "", 0, 0, NULL, "mailboxes that are always among its recipients",
     is_mailbox},
    {C, "provisional", CONF_STR, true, "", 0, 0, NULL,
     "a provisional one owes its final: within 3 working-days", is_rule},
    {C, "collect", CONF_STR, true, "", 0, 0, NULL, "by when it is collected: within 4 hours",
     is_rule},
    {C, "read", CONF_STR, true, "", 0, 0, NULL, "by when a person has read it: same school-day",
     is_rule},
    {C, "answer", CONF_STR, true, "", 0, 0, NULL,
     "by when it is answered: RULE, RULE by CLASS, each action by its due date", is_answer},
    {C, "ladder", CONF_LIST, true, "", 0, 0, NULL,
     "what happens when it is not: remind at 50%, cover at 100%, notify MAILBOX at 100%", is_step},
    {C, "expects", CONF_STR, true, "", 0, 0, NULL,
     "what must come after it: CLASS within 1 working-day of the meeting", is_expects},
    {C, "expect-ladder", CONF_LIST, true, "", 0, 0, NULL,
     "what happens when that does not: notify sender at 100%, register at 150%", is_step},
    {C, "discounts", CONF_WORD, true, "no", 0, 0, "yes|no",
     "does it end the concern that marks its children", NULL},
    {K, "zone", CONF_STR, true, NULL, 0, 0, NULL, "its time zone: Europe/London", NULL},
    {K, "week", CONF_WORD, true, "mon-fri", 0, 0, "mon-fri|mon-sat|mon-sun", "its open days", NULL},
    {K, "hours", CONF_STR, true, "00:00-24:00", 0, 0, NULL, "its office hours: 08:30-16:30", NULL},
    {K, "closed", CONF_PATHS, true, "", 0, 0, NULL,
     "iCalendar files whose events are closed days or hours", NULL},
    {K, "terms", CONF_PATHS, true, "", 0, 0, NULL,
     "iCalendar files whose events are the days in term; default: all days are", NULL},
    {NULL, NULL, CONF_STR, false, NULL, 0, 0, NULL, NULL, NULL},
};
