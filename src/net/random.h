/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Random bytes that nobody can guess, from the kernel, a pool at a time.
 *
 * Every thread has a pool of its own, so that four bytes for a mask cost no system call.
 * A byte is erased from the pool when it is given out, and a forked child starts with an
 * empty pool: no two askers ever get the same bytes.
 */
#include <stddef.h>
#include <stdint.h>

/* Fills out. Returns 0, or -errno with out all zero: whoever wanted a secret must then do
 * without, and refuse. There is no weaker source to fall back on. */
int random_bytes(void *out, size_t bytes) __attribute__((warn_unused_result));
