/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Values as text, and characters in texts: what several functions need. For the cel layer only.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "cel/value.h"

enum { CEL_TEXT_BYTES = 64 };

/* As string() has it; of a scalar other than string and bytes, null and types by name. The
 * slice points into text or is static. */
struct slice cel_scalar_text(const struct cel_value *v, char text[CEL_TEXT_BYTES]);

/* The shortest decimal that is read back as the same double; with an exponent below 1e-4 and
 * from 1e21 on. NaN, Infinity, -Infinity. */
struct slice cel_double_text(double d, char text[CEL_TEXT_BYTES]);

/* Characters of a valid UTF-8 text. */
uint64_t cel_characters(struct slice s);

/* The byte where character `index` begins; SIZE_MAX when there are not that many. The end
 * counts as one. */
size_t cel_character_at(struct slice s, uint64_t index);
