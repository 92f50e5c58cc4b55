/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `sallyport try PART FILE... | --lines`: the parts of the gateway, one at a time, for
 * people who write policies and for suites that others wrote.
 *
 * cmd_try is declared in cmd/cmd.h. Its exit status: 0 all went well (with --lines: every line
 * was answered), 1 some file was refused or something could not be read, 2 wrong use.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/slice.h"

/* One line, or the bytes of one file, to one line of JSON. Returns as buf_append. */
typedef int (*try_fn)(struct slice input, struct buf *out);

/* Answers every line read from fd, in order, each with one line on `to`. `name` is for
 * complaints. Lines are bounded; one that is too long is answered with an error.
 * Returns 0, or a negative errno. */
int try_each_line(int fd, const char *name, try_fn answer, FILE *to);
