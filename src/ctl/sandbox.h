/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the process may still do once it runs, whoever is in control of it.
 *
 *   sandbox_files   Landlock: files may be read below the given paths; nothing anywhere may
 *                   be written, made, removed or executed, but for one folder, where files
 *                   may be made, written and renamed. Later threads inherit it, the calling
 *                   one's elders do not: call it before the first.
 *   sandbox_calls   seccomp: a list of the system calls that a running gateway makes, some
 *                   only with harmless arguments. All others fail with EPERM; those that
 *                   only an intruder makes (execve, ptrace ...) end the process. Holds for
 *                   all threads at once.
 *
 * Neither can be undone, and both set no_new_privs.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Why this build cannot be confined (a sanitizer needs what is forbidden), or NULL. */
const char *sandbox_unfit(void);

/* Paths that are not there are left out; what a link leads to is readable as well. written is
 * the folder for files that are written; empty: there is none. *level is the version of Landlock
 * in force, 0 where the kernel has none. Returns 0 or -errno. */
int sandbox_files(const struct slice *paths, size_t count, struct slice written, unsigned *level);

/* writes: files may be opened for appending, and made that way, and renamed to names that are
 * not taken; never truncated, overwritten or removed. Where, is Landlock's affair. Returns 0 or
 * -errno. */
int sandbox_calls(bool writes);
