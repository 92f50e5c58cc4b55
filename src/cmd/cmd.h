/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The subcommands. One file each; src/main.c has the table.
 *
 * Each takes its own arguments (argv[0] is the subcommand) and returns the exit status:
 * 0 fine, 1 found a problem, 2 wrong use.
 */
enum { EXIT_FINE = 0, EXIT_PROBLEM = 1, EXIT_WRONG_USE = 2 };

int cmd_serve(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_connect(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_try(int argc, char **argv);
int cmd_ctl(int argc, char **argv);
int cmd_ticket(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_verify_log(int argc, char **argv);
