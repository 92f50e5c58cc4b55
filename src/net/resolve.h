/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Names to addresses, by the system's resolver. It waits: only at start and on the
 * control thread, never on a worker.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"

/* At most max addresses of name (a literal address is one too), each with port, in the
 * resolver's order, without repetitions. Returns 0 with *count >= 1, or -errno (ENOENT:
 * no such name, EAGAIN: try later, ENAMETOOLONG) with its sentence. */
int resolve_now(struct slice name, uint16_t port, struct address *addresses, size_t max,
		size_t *count);
