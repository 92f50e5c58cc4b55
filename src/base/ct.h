/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * For secrets: comparison that takes the same time wherever the difference is, and
 * erasure that the compiler may not leave out.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Time depends on `bytes` only. */
bool ct_eq(const void *a, const void *b, size_t bytes) __attribute__((warn_unused_result));

/* The lengths are no secret: slices of different length differ at once. */
bool ct_slice_eq(struct slice a, struct slice b) __attribute__((warn_unused_result));

/* Zeroes for good. Accepts NULL with 0 bytes. */
void ct_wipe(void *secret, size_t bytes);
