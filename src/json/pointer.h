/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON Pointer (RFC 6901): the way from the root to a value, as text.
 *
 * Nothing keeps track of the way while a tape is walked: the pointer of a value is found
 * from the tape when a report needs it.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "json/value.h"

/* Well-formed: "" or segments that each begin with a slash, ~ only as ~0 and ~1. */
bool json_pointer_valid(struct slice pointer);

/* The value it points to, or NULL when there is none or the pointer is not well-formed.
 * An array's segment is an index in decimal without leading zeros; "-" points to nothing. */
const struct json_node *json_pointer_get(const struct json_node *root, struct slice pointer);

/*
 * Writes the pointer of v, a value or key below (or equal to) root, into room of `bytes`
 * bytes. A key gives the pointer of its member. Where room is too small the pointer is cut
 * after a whole segment and "/..." follows; if not even that fits it is empty. Returns what
 * was written, valid as long as room; an empty slice also for a node that is not below root.
 */
struct slice json_pointer_to(const struct json_node *root, const struct json_node *v, char *room,
			     size_t bytes);

/* Appends "/" and the segment with ~ and / escaped. Returns as buf_append. */
int json_pointer_append(struct buf *out, struct slice segment) __attribute__((warn_unused_result));
