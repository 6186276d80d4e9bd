/* enroll_conf.c - the starting configuration of an enrolment. Runs in: client. Pure. */
#include <string.h>

#include "enroll.h"
#include "safehand/buf.h"

void
enroll_stem(enum profile p, const char *name, struct buf *out)
{
	const char *slash = strchr(name, '/');

	buf_adds(out, profile_name(p));
	if (slash != NULL)
		buf_addf(out, "_%s", slash + 1);
}

static void
add_pair(const char *stem, struct buf *out)
{
	buf_addf(out, "certificate = %s.pem\nkey = %s.key\n", stem, stem);
}

void
enroll_conf_begin(const struct enroll_conf *c, struct buf *out)
{
	buf_addf(out,
		 "# safehand.conf - made by safehand enroll. What each setting means: safehand "
		 "config\n\n[gateway]\nurl = %s\nroot = root.pem\n\n[agency]\nname = %s\nstate = "
		 "state\ntls-certificate = agency-tls.pem\ntls-key = agency-tls.key\n"
		 "# linking-key = linking.key\n",
		 c->url, c->agency);
	if (c->passphrase != NULL)
		buf_addf(out, "passphrase = %s\n", c->passphrase);
	buf_addf(out, "\n[identity \"%s\"]\nkind = system\n", c->agency);
	add_pair(profile_name(PROFILE_AGENCY_SIGN), out);
}

void
enroll_conf_mailbox(const char *mailbox, struct buf *out)
{
	struct buf stem = {0};

	enroll_stem(PROFILE_AGENCY_SEAL, mailbox, &stem);
	buf_addf(out, "\n[mailbox \"%s\"]\n", mailbox);
	add_pair(buf_str(&stem), out);
	buf_free(&stem);
}

void
enroll_conf_person(const char *person, const char *passphrase, struct buf *out)
{
	struct buf stem = {0};

	enroll_stem(PROFILE_PERSON_SIGN, person, &stem);
	buf_addf(out, "\n[identity \"%s\"]\nkind = person\n", strchr(person, '/') + 1);
	add_pair(buf_str(&stem), out);
	if (passphrase != NULL)
		buf_addf(out, "passphrase = %s\n", passphrase);
	buf_free(&stem);
}
