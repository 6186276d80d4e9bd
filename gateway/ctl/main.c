/* main.c - safehandctl: asks the running gateway, shows its answer. Runs as: root or a member of
 * the gateway's group. Owns: nothing. Trusts: its command line; of an answer no byte that it shows.
 */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/backup.h"
#include "ctl/request.h"
#include "ctl/show.h"
#include "ctl/wait.h"
#include "ctl/wire.h"
#include "safehand/json.h"
#include "safehand/time.h"

/* Done here, by whoever may read the data folder, not by the gateway. */
static const struct own {
	const char *verb, *arguments, *help;
	int (*make)(const char *socket, char **words, size_t n, struct buf *out, struct err *e);
} own[] = {
    {"backup", "DATA DIR", "copy the data folder of the running gateway to a new folder",
     backup_make},
    {"restore", "DIR DATA [CHECKPOINT...]",
     "make a data folder from a backup; CHECKPOINT: what a client remembers", restore_make},
};
#define OWN (sizeof own / sizeof *own)

struct options {
	const char *socket;
	bool json, yes;
};

static void
usage(FILE *f)
{
	fputs("usage: safehandctl [--json] [--socket PATH] COMMAND [WORD...]\n"
	      "\n"
	      "Asks the running Safehand gateway, or tells it to do something.\n"
	      "\n"
	      "  -s, --socket PATH  control socket (default /run/safehand/control)\n"
	      "  -j, --json         the answer as it came, for scripts\n"
	      "  -y, --yes          do not ask at the terminal whether it is meant\n"
	      "  -V, --version      print the version, exit\n"
	      "  -h, --help         print this, exit\n"
	      "\n"
	      "commands:\n",
	      f);
	for (const struct command *c = commands; c->verb != NULL; c++)
		fprintf(f, "  %s%s%s\n      %s\n", c->verb, *c->arguments ? " " : "", c->arguments,
			c->help);
	for (size_t i = 0; i < OWN; i++)
		fprintf(f, "  %s %s\n      %s\n", own[i].verb, own[i].arguments, own[i].help);
	fputs("\nSee safehandctl(8).\n", f);
}

static int
fail(const struct err *e)
{
	fprintf(stderr, "safehandctl: %s\n", e->text);
	return err_exit(e->code);
}

/* A person at a terminal is asked; a script is taken at its word. */
static bool
is_meant(const struct options *o, const struct command *c)
{
	char line[16];

	if (c->question == NULL || o->yes || !isatty(STDIN_FILENO))
		return true;
	fprintf(stderr, "%s [y/N] ", c->question);
	return fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

/* The board to a person at a terminal: a line an item after the head's, what is overdue in red. */
static void
print(const struct command *c, const struct options *o, const struct json *doc,
      const struct buf *out)
{
	bool coloured = c->show == show_board && !o->json && isatty(STDOUT_FILENO) &&
			getenv("NO_COLOR") == NULL;
	const struct json *items = coloured ? json_member(doc, "items") : NULL;
	const char *line = buf_str(out);

	for (size_t i = 0; items != NULL && *line != '\0'; i++) {
		size_t n = strcspn(line, "\n");
		bool late = i > 0 && i <= json_count(items) &&
			    json_number(json_item(items, i - 1), "overdue_ms") > 0;

		if (late)
			printf("\033[1;31m%.*s\033[0m\n", (int)n, line);
		else
			printf("%.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
	fwrite(line, 1, out->len - (size_t)(line - buf_str(out)), stdout);
}

static int
show_answer(const struct options *o, const struct command *c, const char *word,
	    const struct buf *answer)
{
	struct json *doc = NULL;
	struct buf out = {0};
	enum err_code code = ERR_OK;
	struct err e;

	if (json_parse("answer", answer->data, answer->len, ANSWER_MAX_BYTES, &doc, &e) < 0)
		return fail(&e);
	if (show_refusal(doc, &e) < 0)
		code = e.code;
	if (o->json || show_is_file(doc)) {
		show_raw((const char *)answer->data, answer->len, &out);
		if (code == ERR_OK && c->show == show_fsck && !json_flag(doc, "ok"))
			code = ERR_FAIL;
	} else if (code == ERR_OK) {
		code = c->show(doc, word, time_now_ms(), &out);
	} else {
		fail(&e);
	}
	print(c, o, doc, &out);
	buf_free(&out);
	json_free(doc);
	if (fflush(stdout) != 0) {
		err_sys(&e, "standard output");
		return fail(&e);
	}
	return err_exit(code);
}

static int
run_own(const struct options *o, const struct own *c, char **words, size_t n)
{
	struct buf out = {0};
	struct err e = {0};
	int rc = c->make(o->socket, words, n, &out, &e);

	fwrite(buf_str(&out), 1, out.len, stdout);
	buf_free(&out);
	if (fflush(stdout) != 0 && rc == 0)
		rc = err_sys(&e, "standard output");
	return rc == 0 ? 0 : fail(&e);
}

/* A check takes as long as it takes; everything else has its time. */
static int
ask(const struct options *o, const struct command *c, const struct buf *line, struct buf *answer,
    struct err *e)
{
	struct checking w = {.socket = o->socket, .tells = !o->json && isatty(STDERR_FILENO)};
	int rc;

	if (c->show != show_fsck)
		return wire_ask(o->socket, line, c->wait_seconds, answer, e);
	rc = wire_ask_while(o->socket, line, wait_for_check, &w, answer, e);
	wait_end(&w);
	return rc;
}

static int
run(const struct options *o, char **words, size_t n)
{
	const struct command *c;
	struct buf line = {0}, answer = {0};
	struct err e;
	int rc;

	if (request_command(words[0], &c, &e) == 0 &&
	    request_build(c, (const char *const *)words + 1, n - 1, &line, &e) == 0 &&
	    (is_meant(o, c) || err_set(&e, ERR_USAGE, "nothing was done") == 0) &&
	    ask(o, c, &line, &answer, &e) == 0)
		rc = show_answer(o, c, words[1], &answer);
	else
		rc = fail(&e);
	buf_free(&line);
	buf_free(&answer);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"socket", 1, NULL, 's'},  {"json", 0, NULL, 'j'},
						{"yes", 0, NULL, 'y'},	   {"help", 0, NULL, 'h'},
						{"version", 0, NULL, 'V'}, {NULL, 0, NULL, 0}};
	struct options o = {.socket = "/run/safehand/control"};

	setlocale(LC_CTYPE,
		  "C.UTF-8"); /* what is aligned is UTF-8, whatever the environment says */
	for (int c; (c = getopt_long(argc, argv, "s:jyVh", options, NULL)) != -1;)
		switch (c) {
		case 's': o.socket = optarg; break;
		case 'j': o.json = true; break;
		case 'y': o.yes = true; break;
		case 'V': printf("safehandctl %s\n", SAFEHAND_VERSION); return 0;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return err_exit(ERR_USAGE);
		}
	if (optind == argc) {
		usage(stderr);
		return err_exit(ERR_USAGE);
	}
	for (size_t i = 0; i < OWN; i++)
		if (strcmp(own[i].verb, argv[optind]) == 0)
			return run_own(&o, &own[i], argv + optind + 1, (size_t)(argc - optind - 1));
	return run(&o, argv + optind, (size_t)(argc - optind));
}
