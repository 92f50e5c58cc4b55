/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is this UTF-8 (RFC 3629)? Overlong forms, surrogates and anything above U+10FFFF are not.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Valid and complete. */
bool utf8_valid(struct slice s);

/* Between two pieces of one text: which bytes may come next. Zero = at the start. */
struct utf8_state {
	uint8_t need;      /* continuation bytes still to come */
	uint8_t low, high; /* bounds of the next one */
	bool bad;
};

/* Feeds the next piece. False from the earliest byte that proves the text invalid, and ever
 * after (RFC 6455 section 8.1 wants to fail then, not at the end of the message). */
bool utf8_feed(struct utf8_state *u, struct slice piece) __attribute__((warn_unused_result));

/* All that was fed is valid and ends behind a whole character. */
static inline bool utf8_complete(const struct utf8_state *u)
{
	return !u->bad && u->need == 0;
}

/*
 * The character at the front of s: its code point and its length in bytes. Returns 0 when
 * s is empty or does not start with a valid character.
 */
unsigned utf8_decode(struct slice s, uint32_t *code_point);

/* May be shown on a terminal as it is: no control character, none that is invisible, none that
 * turns the direction of what follows. */
bool utf8_is_plain(uint32_t code_point);

/* Writes the character (at most 4 bytes) and returns its length; 0 for surrogates and
 * above U+10FFFF. */
unsigned utf8_encode(uint32_t code_point, char out[4]);
