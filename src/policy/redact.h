/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `redact:` of a rule: what must not leave is covered before the string is sent on.
 *
 *   card         13 to 19 digits, together or in groups of a card's shape, that satisfy Luhn and
 *                begin as cards do
 *   email        an address
 *   secret       keys and tokens: JWT, PEM private keys, AWS, GitHub, GitLab, Slack, Google,
 *                Stripe, npm, ... shapes, `Bearer ...`, passwords inside of URLs, and the value
 *                behind names such as api_key= when it looks random
 *   private_ip   IP addresses of RFC 1918, link-local ones, unique local ones of IPv6
 *   stack_trace  Java, Python, Node, Go, .NET, PHP, Ruby, Rust: each run of lines that say where
 *
 * Each find is replaced by [redacted:<kind>], for example [redacted:card]: whoever reads it
 * sees what was there, and not even how long it was. What is redacted is not found again.
 * Time is linear in the text; matches are bounded in length.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "conf/treatment.h"

/*
 * Covers what is of the `wanted` kinds. *out is the text itself when nothing was found, else
 * lies in the arena; *found is the set of kinds that were. Returns false, with *out empty,
 * when the arena has no room: the text must not be sent then.
 */
bool redact_apply(unsigned wanted, struct slice text, struct arena *arena, struct slice *out,
		  unsigned *found) __attribute__((warn_unused_result));
