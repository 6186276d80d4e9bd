/* main.c - safehand: a table of subcommands. Runs in: client. Owns: nothing. Trusts: its user. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "commands.h"
#include "safehand/crypto.h"

/* clang-format off */
static const struct command *const commands[] = {
	&config_command,
	&enroll_command,
	&roster_command,
	&class_command,
	&cover_command,
	&seal_command,
	&sign_command,
	&countersign_command,
	&submit_command,
	&send_command,
	&inbox_command,
	&open_command,
	&read_command,
	&answer_command,
	&inspect_command,
	&track_command,
	&board_command,
	&away_command,
	&back_command,
	&subscribe_command,
	&unsubscribe_command,
	&subscriptions_command,
	&consent_command,
	&consents_command,
	&expect_command,
	&expectations_command,
	&withdraw_command,
	&watch_command,
	&verify_command,
};
/* clang-format on */

static const struct args_row common[] = {
    {"config", "FILE",
     "configuration; default: $SAFEHAND_CONFIG, ~/.config/safehand, /etc/safehand", false},
    {"json", NULL, "results and errors as JSON on standard output", false},
    {"quiet", NULL, "no notes, no progress", false},
    {"help", NULL, "what the command does, and its options", false},
    {"version", NULL, "print the version", false},
    {NULL, NULL, NULL, false},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void
add_overview(struct buf *out)
{
	buf_adds(
	    out,
	    "usage: safehand [--config FILE] [--json] [--quiet] COMMAND [OPTION…] [ARGUMENT…]\n"
	    "\n"
	    "Sends and receives sealed bundles of documents, by safe hand.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		buf_addf(out, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
	buf_adds(out, "\nWith every command:\n");
	args_help(common, out);
	buf_adds(out,
		 "\nExit status: 0 done; 1 a check failed; 2 wrong usage or configuration; "
		 "3 incomplete; 4 unknown;\n5 not allowed; 6 conflict; 7 try again later; 8 the "
		 "route has changed; 9 the log contradicts itself;\n10 the system failed. See "
		 "safehand(1), and safehand COMMAND --help.\n");
}

static void
add_help(const struct command *cmd, struct buf *out)
{
	buf_addf(out, "usage: safehand %s [OPTION…]%s%s\n\n%s", cmd->name,
		 *cmd->operands ? " " : "", cmd->operands, cmd->about);
	if (cmd->options != NULL) {
		buf_adds(out, "\n");
		args_help(cmd->options, out);
	}
	buf_adds(out, "\nWith every command: --config FILE --json --quiet --help --version\n");
}

static const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* The command's name is the first word that is no option; the common options that stand before it
 * belong to it too. */
static int
command_at(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0)
			i++;
		else if (argv[i][0] != '-')
			return i;
	}
	return 0;
}

static int
print(struct client *c, void (*add)(const struct command *, struct buf *),
      const struct command *cmd, struct err *e)
{
	struct buf text = {0};
	int rc;

	if (add != NULL)
		add(cmd, &text);
	else
		add_overview(&text);
	rc = say(c, &text, e);
	buf_free(&text);
	return rc;
}

static int
run(struct client *c, const struct command *cmd, const struct args *a, struct err *e)
{
	struct buf version = {0};
	int rc;

	c->json = args_has(a, "json");
	c->quiet = args_has(a, "quiet");
	c->config_path = args_value(a, "config");
	if (args_has(a, "help"))
		return print(c, cmd != NULL ? add_help : NULL, cmd, e);
	if (args_has(a, "version")) {
		buf_adds(&version, "safehand " SAFEHAND_VERSION);
		rc = say(c, &version, e);
		buf_free(&version);
		return rc;
	}
	if (cmd == NULL)
		return err_set(e, ERR_USAGE, "which command? safehand --help lists them");
	return cmd->run(c, a, e);
}

/* Takes the command's name out of the arguments. */
static int
dispatch(struct client *c, int argc, char **argv, struct err *e)
{
	int at = command_at(argc, argv), rc;
	const struct command *cmd = NULL;
	struct args *a;

	for (int i = 1; i < argc; i++) /* known before anything can go wrong */
		c->json = c->json || strcmp(argv[i], "--json") == 0;
	if (at > 0 && (cmd = command_find(argv[at])) == NULL)
		return err_set(e, ERR_USAGE,
			       "%s: there is no such command; safehand --help lists "
			       "them",
			       argv[at]);
	if (at > 0)
		memmove(argv + at, argv + at + 1, (size_t)(argc - at) * sizeof *argv);
	if (args_parse(common, cmd != NULL ? cmd->options : NULL, argc - 1 - (at > 0),
		       (const char *const *)argv + 1, &a, e) < 0)
		return -1;
	rc = run(c, cmd, a, e);
	args_free(a);
	return rc;
}

int
main(int argc, char **argv)
{
	struct client c;
	struct err e = {0};
	int rc;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* keys never go into a core file */
	setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive gives NULL for UTF-8 names without it */
	signal(SIGPIPE, SIG_IGN);
	if (crypto_old() != NULL)
		fprintf(stderr, "safehand: OpenSSL here is %s\n", crypto_old());
	client_init(&c);
	rc = dispatch(&c, argc, argv, &e);
	if (rc < 0)
		rc = say_error(&c, &e);
	client_close(&c);
	return rc;
}
