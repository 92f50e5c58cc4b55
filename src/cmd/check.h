/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sallyport check [-c FILE]
 *
 * Reads the configuration, says in plain words what it allows and lists every control that
 * is off. Exit 0: fine. 1: wrong or unsafe. 2: wrong use of the command.
 */

/* argv[0] is the word `check`. Returns the exit status. */
int cmd_check(int argc, char **argv);
