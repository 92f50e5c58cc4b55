/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `detect:` of a rule: does this string look like an attack?
 *
 * A second line, never the first: a string that is escaped where it is shown and bound where
 * it is queried cannot attack, and one that a detector knows can be written in a way that it
 * does not know. docs/detect.md says how often that is.
 *
 * libinjection judges several views of the string (as it is, percent-decoded, references
 * decoded, wide letters made narrow, ...), then a few checks of our own what it overlooks.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "conf/treatment.h"

/*
 * Which of the `wanted` kinds the text looks like. Needs a few times the text's length of
 * the arena, for the views; when there is no room for them, everything wanted is found.
 */
unsigned detect_find(unsigned wanted, struct slice text, struct arena *arena)
	__attribute__((warn_unused_result));
