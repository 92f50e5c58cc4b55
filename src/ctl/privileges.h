/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Becoming another user, for good. Sockets, keys and certificates are open or read by then.
 */
#include <stdbool.h>

#include "base/slice.h"

/* All threads of the process become the user of that name, with its groups. Started as anyone
 * but root, the process must be that user already. Returns 0 or -errno; after -errno nothing
 * is certain and the process must end. */
int privileges_drop(struct slice user);

/* Whether the process may do anything on this machine. */
bool privileges_are_all(void);
