/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSRF tokens, made and checked without state.
 */
#include "policy/csrf.h"

#include <endian.h>
#include <stdbool.h>

#include "base/base64.h"
#include "base/ct.h"
#include "base/err.h"

enum { CSRF_BYTES = CSRF_RANDOM_BYTES + KEYS_DERIVED_BYTES };

_Static_assert(BASE64URL_CHARS(CSRF_BYTES) == CSRF_CHARS, "a token fills its characters");

/* The cookie's length stands in front, so that no cookie and random part can be cut
 * differently into another pair with the same tag. */
static int csrf_tag(const struct key *key, struct slice cookie, const char *random,
		    uint8_t tag[KEYS_DERIVED_BYTES])
{
	uint64_t len = htobe64(cookie.len);
	const struct slice parts[] = {
		slice_of((const char *)&len, sizeof(len)),
		cookie,
		slice_of(random, CSRF_RANDOM_BYTES),
	};
	struct slice secret = slice_of((const char *)key->derived[KEY_CSRF], KEYS_DERIVED_BYTES);
	return keys_hmac(secret, parts, 3, tag);
}

int csrf_make(const struct keyset *k, struct slice cookie, const uint8_t random[CSRF_RANDOM_BYTES],
	      char out[CSRF_CHARS])
{
	if (!k || !k->count)
		return err_raise(ENOENT, "there is no key to make CSRF tokens with");
	char bytes[CSRF_BYTES];
	uint8_t tag[KEYS_DERIVED_BYTES];
	memcpy(bytes, random, CSRF_RANDOM_BYTES);
	int r = csrf_tag(&k->keys[k->count - 1], cookie, bytes, tag);
	if (r)
		return r;
	memcpy(bytes + CSRF_RANDOM_BYTES, tag, sizeof(tag));
	base64url_encode(slice_of(bytes, sizeof(bytes)), out, CSRF_CHARS);
	return 0;
}

enum reason csrf_check(const struct keyset *k, struct slice cookie, struct slice token)
{
	char bytes[CSRF_BYTES];
	size_t len = 0;
	bool good = false;
	if (!k || token.len != CSRF_CHARS)
		return REASON_CSRF_INVALID;
	if (!base64url_decode(token, bytes, sizeof(bytes), &len) || len != sizeof(bytes))
		return REASON_CSRF_INVALID;
	for (size_t i = 0; i < k->count; i++) {
		uint8_t tag[KEYS_DERIVED_BYTES];
		if (csrf_tag(&k->keys[i], cookie, bytes, tag))
			return REASON_INTERNAL;
		good |= ct_eq(tag, bytes + CSRF_RANDOM_BYTES, sizeof(tag));
	}
	return good ? REASON_NONE : REASON_CSRF_INVALID;
}
