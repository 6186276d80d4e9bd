/* contact.c - addresses and keys of whom the gateway tells outside. Runs in: master, courier. Pure.
 * Trusts: no byte: none of these may begin a second line or a second header. */
#include <stdlib.h>
#include <string.h>

#include "frame/contact.h"
#include "safehand/enc.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"
#define ATEXT	LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~"
#define KEY	"whsec_"
/* RFC 3986 section 3.3, without the fragment's sign and the user's */
#define PATH_CHARS LETTERS DIGITS "-._~!$&'()*+,;=:%/?"

/* Labels of letters, digits and inner hyphens, with dots between; s ends at n. */
static bool
is_domain(const char *s, size_t n)
{
	size_t label = 0;

	if (n == 0 || n > CONTACT_HOST_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool word = s[i] != '\0' && strchr(LETTERS DIGITS, s[i]) != NULL;

		if (s[i] == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if ((!word && s[i] != '-') || (s[i] == '-' && label == 0) || ++label > 63)
			return false;
	}
	return label > 0 && s[n - 1] != '-';
}

int
contact_mail(const char *text, struct err *e)
{
	const char *at = strchr(text, '@');
	size_t local = at != NULL ? (size_t)(at - text) : 0;
	bool good = at != NULL && local > 0 && local <= 64 && strlen(text) <= CONTACT_MAIL_MAX &&
		    strspn(text, ATEXT ".") == local && text[0] != '.' && text[local - 1] != '.' &&
		    is_domain(at + 1, strlen(at + 1));

	for (size_t i = 1; good && i < local; i++)
		good = text[i] != '.' || text[i - 1] != '.';
	return good ? 0
		    : err_set(e, ERR_CONFIG, "%s: want an address such as dsl@st-j.example", text);
}

/* HOST:PORT or [ADDRESS]:PORT at s; *n takes their length. port 0: none is there. */
static int
take_host(const char *s, struct contact_server *out, size_t *n)
{
	size_t host =
	    s[0] == '[' ? strspn(s + 1, DIGITS "abcdefABCDEF:.") + 1 : strcspn(s, ":/?#@");
	size_t digits;

	if (s[0] == '[' ? s[host++] != ']' || host < 4 : !is_domain(s, host))
		return -1;
	if (host > CONTACT_HOST_MAX)
		return -1;
	memcpy(out->host, s, host);
	out->host[host] = '\0';
	out->port = 0;
	*n = host;
	if (s[host] == ':') {
		digits = strspn(s + host + 1, DIGITS);
		if (digits == 0 || digits > 5 || s[host + 1] == '0')
			return -1;
		out->port = (unsigned)strtoul(s + host + 1, NULL, 10);
		*n += 1 + digits;
		if (out->port > 65535)
			return -1;
	}
	out->loopback = strcmp(out->host, "localhost") == 0 || strcmp(out->host, "[::1]") == 0 ||
			(strncmp(out->host, "127.", 4) == 0 &&
			 strspn(out->host, DIGITS ".") == strlen(out->host));
	return 0;
}

int
contact_server(const char *text, struct contact_server *out, struct err *e)
{
	bool tls = strncmp(text, "smtps://", 8) == 0;
	const char *host;
	size_t n;

	*out = (struct contact_server){.tls = tls};
	if (!tls && strncmp(text, "smtp://", 7) != 0)
		return err_set(e, ERR_CONFIG, "%s: want smtp://HOST:PORT or smtps://HOST:PORT",
			       text);
	host = text + (tls ? 8 : 7);
	if (take_host(host, out, &n) < 0 || out->port == 0 || host[n] != '\0')
		return err_set(e, ERR_CONFIG, "%s: want HOST:PORT and nothing more", text);
	return 0;
}

int
contact_webhook(const char *text, struct err *e)
{
	bool plain = strncmp(text, "http://", 7) == 0;
	struct contact_server host;
	const char *s;
	size_t n;

	if (strlen(text) > CONTACT_URL_MAX)
		return err_set(e, ERR_CONFIG, "%.40s…: a URL has at most %d bytes", text,
			       CONTACT_URL_MAX);
	if (!plain && strncmp(text, "https://", 8) != 0)
		return err_set(e, ERR_CONFIG, "%s: want https://HOST/PATH", text);
	s = text + (plain ? 7 : 8);
	if (take_host(s, &host, &n) < 0 || (s[n] != '\0' && s[n] != '/') ||
	    strspn(s + n, PATH_CHARS) != strlen(s + n))
		return err_set(e, ERR_CONFIG, "%s: want https://HOST/PATH without a user", text);
	if (plain && !host.loopback)
		return err_set(e, ERR_CONFIG, "%s: http: only to a loopback address", text);
	return 0;
}

size_t
contact_webhook_server(const char *url)
{
	const char *s = strstr(url, "://");

	return s != NULL ? (size_t)(s + 3 - url) + strcspn(s + 3, "/?#") : strlen(url);
}

int
contact_key(const void *text, size_t len, struct buf *key_secret, struct err *e)
{
	const char *s = text;
	size_t before = key_secret->len;

	if (len > 0 && s[len - 1] == '\n')
		len--;
	if (len < sizeof KEY - 1 || memcmp(s, KEY, sizeof KEY - 1) != 0 ||
	    base64_decode(key_secret, s + sizeof KEY - 1, len - (sizeof KEY - 1), WEBHOOK_KEY_MAX) <
		0)
		return err_set(e, ERR_CONFIG,
			       "want one line " KEY "BASE64, of a secret of %d to %d bytes",
			       WEBHOOK_KEY_MIN, WEBHOOK_KEY_MAX);
	if (key_secret->len - before >= WEBHOOK_KEY_MIN)
		return 0;
	key_secret->len = before;
	return err_set(e, ERR_CONFIG, "a secret of %d bytes at least is wanted: " KEY "BASE64",
		       WEBHOOK_KEY_MIN);
}
