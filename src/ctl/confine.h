/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The gateway process gives up what it does not need, in two steps around its start:
 *
 *   configuration, keys, certificates are read
 *   confine_files   files outside what the configuration names are out of reach
 *   log, control, resolver, listening sockets
 *   confine_calls   only the system calls of a running gateway are left
 *   workers: the first byte of a client is read
 *
 * A reload runs inside: what lies outside the folders that were named at the start needs a
 * roll. `sandbox: off` leaves both steps out. The folder of an audit log is the only place where
 * files can be made and appended to.
 */
#include "conf/snapshot.h"

/* What was done, for the log. */
struct confined {
	const char *off;   /* why nothing was done; NULL: it was */
	unsigned landlock; /* version; 0: the kernel has none */
	bool writes;       /* there is an audit log to append to */
};

/* Before the first thread. Returns 0 or -errno. */
int confine_files(const struct snapshot *s, struct confined *out);

int confine_calls(const struct confined *c);
