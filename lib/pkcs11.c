/* pkcs11.c - a signing key that stays in its token: smart card, HSM. Runs in: client, notary. A
 * door to OpenSSL. Owns: the engine, once for the process. Trusts: the token's module, which its
 * owner installed.
 *
 * OpenSSL 3.0 has no provider for it in Debian 12; the engine is what there is (package
 * libengine-pkcs11-openssl), and the one deprecated part of OpenSSL that we use. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <string.h>

#include <openssl/engine.h>
#include <openssl/err.h>

#include "openssl_in.h"
#include "safehand/limits.h"

#define URI_MAX 1024 /* bytes: a dozen attributes */
#define SCHEME	"pkcs11:"
#define MODULE	"module-path="

bool
pkcs11_is_uri(const void *text, size_t len)
{
	return len >= strlen(SCHEME) && memcmp(text, SCHEME, strlen(SCHEME)) == 0;
}

/* The line, without its end. */
static int
take_uri(const void *text, size_t len, char uri[static URI_MAX], struct err *e)
{
	while (len > 0 && strchr("\r\n \t", ((const char *)text)[len - 1]) != NULL)
		len--;
	if (len >= URI_MAX || memchr(text, '\n', len) != NULL || memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_SECRET, "pkcs11: want one line of at most %d bytes",
			       URI_MAX - 1);
	memcpy(uri, text, len);
	uri[len] = '\0';
	return 0;
}

/* A query attribute (RFC 7512, section 2.4). The engine reads none of them, and would print the PIN
 * with the URI when a key is not there: they are given to it apart. */
static int
take_attribute(const char *uri, const char *name, char out[static URI_MAX], struct err *e)
{
	const char *at = strchr(uri, '?');
	size_t length = strlen(name), n;

	while (at != NULL && strncmp(at + 1, name, length) != 0)
		at = strchr(at + 1, '&');
	n = at != NULL ? strcspn(at + 1 + length, "&") : 0;
	if (n == 0)
		return err_set(e, ERR_SECRET, "pkcs11: want %s… in the URI, after its ?", name);
	memcpy(out, at + 1 + length, n);
	out[n] = '\0';
	return 0;
}

/* The engine keeps to one module for the life of the process. */
static ENGINE *
engine_for(const char *module, struct err *e)
{
	static ENGINE *engine;
	static char with[URI_MAX];

	if (engine != NULL && strcmp(with, module) == 0)
		return engine;
	if (engine != NULL) {
		err_set(e, ERR_SECRET, "pkcs11: two modules, %s and %s: want one", with, module);
		return NULL;
	}
	OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
	if ((engine = ENGINE_by_id("pkcs11")) == NULL) {
		err_set(e, ERR_SECRET,
			"pkcs11: OpenSSL has no such engine: apt-get install "
			"libengine-pkcs11-openssl");
		return NULL;
	}
	if (ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module, 0) != 1 ||
	    ENGINE_init(engine) != 1) {
		err_set(e, ERR_SECRET, "pkcs11: %s: no module that starts", module);
		ENGINE_free(engine);
		engine = NULL;
		return NULL;
	}
	strcpy(with, module);
	return engine;
}

static EVP_PKEY *
key_of(ENGINE *engine, char *uri, const char *pin_secret, struct err *e)
{
	EVP_PKEY *key = NULL;

	uri[strcspn(uri, "?")] = '\0';
	if (ENGINE_ctrl_cmd_string(engine, "PIN", pin_secret, 0) == 1)
		key = ENGINE_load_private_key(engine, uri, NULL, NULL);
	if (key == NULL)
		err_set(e, ERR_SECRET,
			"pkcs11: the token gives no such key: is it there, and the PIN right?");
	return key;
}

EVP_PKEY *
pkcs11_key(const void *text, size_t len, struct err *e)
{
	char uri[URI_MAX], module[URI_MAX], pin_secret[URI_MAX];
	EVP_PKEY *key = NULL;
	ENGINE *engine;

	if (take_uri(text, len, uri, e) == 0 &&
	    take_attribute(uri, "module-path=", module, e) == 0 &&
	    take_attribute(uri, "pin-value=", pin_secret, e) == 0 &&
	    (engine = engine_for(module, e)) != NULL)
		key = key_of(engine, uri, pin_secret, e);
	OPENSSL_cleanse(uri, sizeof uri);
	OPENSSL_cleanse(pin_secret, sizeof pin_secret);
	ERR_clear_error();
	return key;
}
