/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `sallyport try PART FILE... | --lines`: the parts of the gateway, one at a time, for
 * people who write policies and for suites that others wrote.
 */

/*
 * argv[0] is "try". Without --lines each FILE ("-" is standard input) is one input, given to
 * the part as bytes; with --lines each line of standard input, or of the FILEs, is one, in the
 * part's own JSON form. Each gives one line of JSON on standard output, in order.
 * Returns the exit status: 0 all went well (with --lines: every line got a verdict), 1 some
 * file was refused or could not be read, 2 wrong use.
 */
int cmd_try(int argc, char **argv);
