/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport: finds the subcommand and hands over. One row per command. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"serve", cmd_serve, "run the gateway"},
	{"check", cmd_check, "read a configuration, say what it allows and what is off"},
	{"connect", cmd_connect, "a WebSocket client for people"},
	{"test", cmd_test, "run test cases against the policy of a configuration"},
	{"try", cmd_try, "run one part on its own: json, http"},
	{"ctl", cmd_ctl, "talk to a running gateway: sessions, revoke, reload, drain"},
	{"ticket", cmd_ticket, "mint a ticket at a running gateway"},
	{"keys", cmd_keys, "the folder of secret keys: make, list, rotate"},
	{"verify-log", cmd_verify_log, "is an audit log whole?"},
	{"list", cmd_list, "print the tables: reasons, metrics, settings"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *to)
{
	fputs("usage: sallyport COMMAND [OPTIONS]\n\n", to);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\nsallyport COMMAND --help says more. sallyport --version\n", to);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_WRONG_USE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
		return EXIT_FINE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("sallyport " SALLYPORT_VERSION);
		return EXIT_FINE;
	}
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "sallyport: no command is called '%s'\n", argv[1]);
	print_usage(stderr);
	return EXIT_WRONG_USE;
}
