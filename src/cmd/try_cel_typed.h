/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Values of expressions as JSON that names their kind; see try_cel.h for the form.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "cel/value.h"

/* An error where v is not of that form. Points into v and the arena. */
struct cel_value try_cel_read_typed(const struct json_node *v, struct arena *a);

/* Returns as buf_append; -EINVAL for an error value. */
int try_cel_write_typed(const struct cel_value *v, struct buf *out);
