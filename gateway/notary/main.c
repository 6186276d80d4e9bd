/* main.c - the notary's process: takes its keys, answers the store. Runs in: notary. Owns: the
 * three keys. Trusts: master; the store only as far as notary.c lets it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frame/role.h"
#include "frame/room.h"
#include "notary/notary.h"
#include "safehand/crypto.h"
#include "safehand/key.h"
#include "safehand/log.h"
#include "safehand/time.h"

#define LOG_KEY	   "notary.log-key" /* names of files, as master sends them */
#define TSA_KEY	   "notary.tsa-key"
#define NOTICE_KEY "notary.notice-key"
#define WORD	   "notary.key-passphrase"

#define KEYS_HEAP                                                                                  \
	65536 /* bytes: three keys, what signing with them takes, random numbers' state            \
	       */

#define WARN_EVERY_MS 60000 /* a doubtful clock is said once a minute */

static struct notary notary;

static void
refuse(struct chan *ch, uint64_t job, const struct err *e)
{
	struct msg_refused msg = {.job = job, .code = e->code};

	log_err(LOG_LEVEL_ERROR, "refused", e);
	memcpy(msg.text, e->text, sizeof msg.text);
	chan_send(ch, MSG_REFUSED, &msg, -1);
}

/* A key that signs no more, as when its token went away: nothing may be acknowledged any more, and
 * a start asks for it anew. */
static void
end_if_unsigned(const struct err *e)
{
	if (e->code == ERR_SIGNATURE || e->code == ERR_SYSTEM)
		log_fatal("sign", e);
}

static void
on_last(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_note *m = msg;
	struct err e;

	if (notary_last(&notary, m->note.p, m->note.n, &e) < 0) {
		refuse(ch, 0, &e);
		return;
	}
	log_info("log", "origin=%s size=%llu", notary.last.origin,
		 (unsigned long long)notary.last.size);
}

static void
tell_doubt(int64_t now_ms, const struct clock_state *clock)
{
	if (now_ms - notary.clock.warned_ms < WARN_EVERY_MS)
		return;
	notary.clock.warned_ms = now_ms;
	log_warn("clock-in-doubt", "synchronised=%s error_ms=%lld",
		 clock->synchronised ? "yes" : "no", (long long)clock->error_ms);
}

static void
on_seal(void *ctx, struct chan *ch, const void *msg, int fd)
{
	int64_t now_ms = time_now_ms();
	struct buf note = {0}, token = {0};
	struct msg_sealed sealed = {.time_ms = now_ms};
	struct clock_state clock;
	bool doubt = false;
	struct err e;

	clock_ask(&clock);
	if (notary_seal(&notary, msg, &clock, now_ms, &note, &token, &doubt, &e) == 0) {
		sealed.size = notary.last.size;
		sealed.note = (struct blob){note.data, note.len};
		sealed.token = (struct blob){token.data, token.len};
		chan_send(ch, MSG_SEALED, &sealed, -1);
	} else {
		end_if_unsigned(&e);
		refuse(ch, 0, &e);
	}
	if (doubt)
		tell_doubt(now_ms, &clock);
	buf_free(&note);
	buf_free(&token);
}

static void
on_notice(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_notice *m = msg;
	struct msg_noticed noticed = {.job = m->job};
	struct buf text = {0}, signature = {0};
	struct err e;

	if (notary_notice(&notary, &m->notice, &text, &signature, &e) == 0) {
		noticed.text = (struct blob){text.data, text.len};
		noticed.signature = (struct blob){signature.data, signature.len};
		chan_send(ch, MSG_NOTICED, &noticed, -1);
	} else {
		end_if_unsigned(&e);
		refuse(ch, m->job, &e);
	}
	buf_free(&text);
	buf_free(&signature);
}

static int
take_settings(const struct conf *c)
{
	notary.clock.require = strcmp(conf_str(c, "notary", NULL, "clock"), "require") == 0;
	notary.clock.error_ms = conf_int(c, "notary", NULL, "clock-error");
	return 0;
}

static bool
is_in_token(const struct buf *key)
{
	return key != NULL && strncmp(buf_str(key), "pkcs11:", 7) == 0;
}

/* The key that master sent under this name, or its URI. Its encryption, if it has some, is taken
 * off into room_secret. */
static int
open_key(struct role_env *env, const char *name, struct buf *room_secret, const struct buf **out,
	 struct err *e)
{
	const struct buf *key = role_file(env, name), *word = role_file(env, WORD);

	if (key == NULL)
		return err_set(e, ERR_CONFIG, "it is empty");
	if (is_in_token(key) && !env->token)
		return err_set(e, ERR_CONFIG, "a token is reached for at a start only: restart");
	*out = key;
	if (word == NULL || is_in_token(key))
		return 0;
	room_new(room_secret, KEY_PEM_MAX);
	*out = room_secret;
	return key_open(key, word, room_secret, e);
}

/* Which of the files it is that is refused. */
static int
name_key(const struct role_env *env, const char *name, struct err *e)
{
	return err_wrap(e, "%s", conf_str(env->conf, "notary", NULL, strchr(name, '.') + 1));
}

/* What is wanted of the one that signs notices. The first signing makes OpenSSL load what it needs.
 */
static int
try_notices(struct signer *signer, struct err *e)
{
	struct buf warm = {0};
	int rc;

	if (signer_identity(signer)->profile != PROFILE_GATEWAY_SIGN)
		return err_set(e, ERR_PROFILE,
			       "notary: notice-certificate: want profile gateway-sign");
	rc = signature_sign("", 0, &signer, 1, &warm, e);
	buf_free(&warm);
	return rc;
}

/* Of the key for notices, if there is one: it may be renewed, or come, under way. */
static int
take_notice_key(struct role_env *env, struct err *e)
{
	bool has_key = role_file(env, NOTICE_KEY) != NULL;
	const struct buf *cert = role_file(env, "notary.notice-certificate"), *key;
	struct signer *signer = NULL;
	struct buf room_secret = {0};
	int rc = 0;

	if (has_key != (cert != NULL))
		return err_set(e, ERR_CONFIG,
			       "notary: notice-key and notice-certificate: one is missing");
	if (has_key) {
		rc = open_key(env, NOTICE_KEY, &room_secret, &key, e);
		if (rc == 0)
			rc = signer_new(key->data, key->len, cert->data, cert->len, &signer, e);
		if (rc == 0)
			rc = try_notices(signer, e);
		room_drop(&room_secret);
	}
	if (rc < 0) {
		signer_free(signer);
		return name_key(env, NOTICE_KEY, e);
	}
	signer_free(notary.notices);
	notary.notices = signer;
	return 0;
}

static int
take_log_key(struct role_env *env, struct err *e)
{
	const char *origin = conf_str(env->conf, "notary", NULL, "origin");
	struct buf room_secret = {0};
	const struct buf *key;
	int rc = open_key(env, LOG_KEY, &room_secret, &key, e);

	if (rc == 0)
		rc = note_signer_new(origin, key->data, key->len, &notary.signer, e);
	room_drop(&room_secret);
	return rc < 0 ? name_key(env, LOG_KEY, e) : 0;
}

/* The first stamp makes OpenSSL load what it needs, and is dropped. */
static int
take_tsa_key(struct role_env *env, struct err *e)
{
	const struct buf *cert = role_file(env, "notary.tsa-certificate"), *key;
	struct buf room_secret = {0}, warm = {0};
	uint8_t digest[DIGEST_BYTES] = {0};
	int rc;

	if (cert == NULL)
		return err_set(e, ERR_CONFIG, "notary: tsa-certificate is empty");
	rc = open_key(env, TSA_KEY, &room_secret, &key, e);
	if (rc == 0)
		rc = tsa_new(key->data, key->len, cert->data, cert->len, &notary.tsa, e);
	if (rc == 0)
		rc = tsa_stamp(notary.tsa, digest, time_now_ms(), &warm, e);
	room_drop(&room_secret);
	buf_free(&warm);
	return rc < 0 ? name_key(env, TSA_KEY, e) : 0;
}

/* The way to the token, for p11-kit's client: a role in its jail can open none. */
static int
find_token(struct role_env *env, struct err *e)
{
	const char *path = conf_str(env->conf, "notary", NULL, "token");
	struct buf address = {0};
	struct stat st;

	if (!is_in_token(role_file(env, TSA_KEY)) && !is_in_token(role_file(env, NOTICE_KEY)))
		return 0;
	if (stat(path, &st) < 0)
		return err_sys(e, "token: %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG, "token: %s: no socket", path);
	buf_adds(&address, "unix:path=");
	for (const char *p = path; *p != '\0'; p++)
		buf_addf(&address, isalnum((unsigned char)*p) || *p == '/' ? "%c" : "%%%02X",
			 (unsigned char)*p);
	if (setenv("P11_KIT_SERVER_ADDRESS", buf_str(&address), 1) < 0)
		err_sys(e, "token");
	else
		env->token = true;
	buf_free(&address);
	return env->token ? 0 : -1;
}

static void
drop_secrets(struct role_env *env)
{
	static const char *const names[] = {LOG_KEY, TSA_KEY, NOTICE_KEY, WORD};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		role_secret_drop(env, names[i]);
}

/* Before the jail: OpenSSL loads what it needs, the keys become objects and their text is wiped. */
static int
prepare(struct role_env *env, struct err *e)
{
	int rc = -1;

	crypto_tell();
	take_settings(env->conf);
	if (find_token(env, e) == 0 && take_log_key(env, e) == 0 && take_tsa_key(env, e) == 0)
		rc = take_notice_key(env, e);
	drop_secrets(env);
	return rc;
}

/* Keys stay those of the start, but for the one of notices: a log's key does not change under way.
 */
static int
reload(struct role_env *env, struct err *e)
{
	int rc = take_notice_key(env, e);

	drop_secrets(env);
	return rc < 0 ? -1 : take_settings(env->conf);
}

int
main(int argc, char **argv)
{
	struct err e;

	static const struct chan_handler handlers[] = {
	    {MSG_LAST, on_last}, {MSG_SEAL, on_seal}, {MSG_NOTICE, on_notice}, {0, NULL}};
	static const struct role role = {
	    .id = ROLE_NOTARY, .handlers = handlers, .prepare = prepare, .reload = reload};

	if (crypto_guard(KEYS_HEAP, &e) < 0)
		log_fatal("start", &e);
	return role_main(argc, argv, &role);
}
