/* config.c - safehand config: checks the configuration and prints the effective one. Runs in:
 * client. */
#include "commands.h"

static int
run(struct client *c, const struct args *a, struct err *e)
{
	const struct conf *conf;
	struct buf text = {0}, json = {0};
	int rc;

	if (args_want(a, 0, 0, "", e) < 0 || client_conf(c, &conf, e) < 0)
		return -1;
	conf_print(conf, !args_has(a, "plain"), &text);
	if (c->json) {
		buf_addc(&json, '{');
		buf_json_str(&json, "configuration", buf_str(&text));
		buf_addc(&json, '}');
	}
	rc = say(c, c->json ? &json : &text, e);
	buf_free(&text);
	buf_free(&json);
	return rc;
}

static const struct args_row options[] = {
    {"plain", NULL, "without what each setting means and where it was set", false},
    {NULL, NULL, NULL, false},
};

const struct command config_command = {
    .name = "config",
    .operands = "",
    .summary = "check the configuration and print the effective one",
    .about = "Every fault is told with file:line. What is printed can be read again as a "
	     "configuration.\n",
    .options = options,
    .run = run,
};
