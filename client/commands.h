/* commands.h - what a subcommand is; each stands in the file of its name and has a row in main.c.
 */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include "args.h"
#include "client.h"

struct command {
	const char *name;
	const char *operands;		/* "FILE…", as shown after the options; "" for none */
	const char *summary;		/* one line of the list of commands */
	const char *about;		/* what --help says beside the options; ends in a newline */
	const struct args_row *options; /* NULL: only the common ones */
	/* 0; -1 with err; or a positive exit status when everything is said already. */
	int (*run)(struct client *c, const struct args *a, struct err *e);
};

extern const struct command config_command;
extern const struct command enroll_command;
extern const struct command roster_command;
extern const struct command track_command;
extern const struct command subscribe_command;
extern const struct command unsubscribe_command;
extern const struct command subscriptions_command;
extern const struct command consent_command;
extern const struct command consents_command;
extern const struct command expect_command;
extern const struct command expectations_command;
extern const struct command withdraw_command;
extern const struct command watch_command;
extern const struct command verify_command;
extern const struct command answer_command;
extern const struct command read_command;
extern const struct command open_command;
extern const struct command inbox_command;
extern const struct command inspect_command;
extern const struct command sign_command;
extern const struct command submit_command;
extern const struct command send_command;
extern const struct command seal_command;
extern const struct command class_command;
extern const struct command cover_command;
extern const struct command countersign_command;
extern const struct command away_command;
extern const struct command back_command;
extern const struct command board_command;

#endif
