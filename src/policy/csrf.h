/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The CSRF token that a cookie credential needs beside it.
 *
 *   base64url( random 16 | HMAC-SHA-256( length of cookie | cookie | random ), 32 )
 *
 * Signed and bound to the session cookie's value, so that no copy is kept anywhere and a
 * token of another session is worth nothing.
 */
#include <stdint.h>

#include "base/reason.h"
#include "base/slice.h"
#include "policy/keys.h"

enum { CSRF_RANDOM_BYTES = 16, CSRF_CHARS = 64 };

/* Returns 0 or -errno (also without any key). No NUL is written. */
int csrf_make(const struct keyset *k, struct slice cookie, const uint8_t random[CSRF_RANDOM_BYTES],
	      char out[CSRF_CHARS]) __attribute__((warn_unused_result));

/* NONE, CSRF_INVALID, or INTERNAL when we cannot compute. An empty text is CSRF_INVALID:
 * whether one came at all is the caller's question. */
enum reason csrf_check(const struct keyset *k, struct slice cookie, struct slice token)
	__attribute__((warn_unused_result));
