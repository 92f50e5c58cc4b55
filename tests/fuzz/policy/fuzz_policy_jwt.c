/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a key set, as PEM, as a token, and as the header and claims of a token that is
 * signed well. Holds: only what our secret signed is accepted, every accepted token can be
 * built again from its parts to the same text, and what is accepted has a subject and a JSON object
 * as claims.
 */
#include <string.h>

#include "base/base64.h"
#include "base/obj.h"
#include "json/read.h"
#include "policy/identity.h"
#include "policy/jwt.h"
#include "policy/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "0123456789abcdef0123456789abcdef"

enum { TEXT_MAX = 16 * 1024, NOW_MS = 1000 };

static const struct jwt_rules rules = {.algorithms = JWA_ALL};
static struct jwk_ring *ring;

static void judge(struct slice text, bool signed_by_us)
{
	struct json_doc doc;
	const struct json_limits limits = {.depth = 32, .members = 1024, .values = 10000};
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	struct jwt t = jwt_judge(text, ring, &rules, NOW_MS, &a);
	if (t.reason == REASON_NONE) {
		MUST(signed_by_us && text.len <= JWT_TEXT_MAX);
		MUST(t.subject.len && t.subject.len <= IDENTITY_SUBJECT_MAX);
		MUST(t.expires_unix_ms > NOW_MS);
		MUST(json_read(t.claims, &limits, &a, &doc) == REASON_NONE);
		MUST(json_type(doc.root) == JSON_OBJECT);
		MUST(slice_eq(json_string(json_member(doc.root, SLICE("sub"))), t.subject));
	}
	arena_deinit(&a);
}

/* The first line is the header, the rest the claims. */
static void judge_signed(struct slice input)
{
	static char text[TEXT_MAX];
	uint8_t tag[KEYS_DERIVED_BYTES];
	size_t line = slice_index(input, '\n');

	struct slice h = base64url_encode(slice_first(input, line), text, TEXT_MAX - 100);
	if (!h.data)
		return;
	text[h.len] = '.';
	struct slice p = base64url_encode(slice_from(input, line + 1), text + h.len + 1,
					  TEXT_MAX - 100 - h.len);
	if (!p.data)
		return;
	struct slice covered = slice_of(text, h.len + 1 + p.len);
	MUST(keys_hmac(SLICE(SECRET), &covered, 1, tag) == 0);
	text[covered.len] = '.';
	struct slice s = base64url_encode(slice_of((const char *)tag, sizeof(tag)),
					  text + covered.len + 1, TEXT_MAX - covered.len - 1);
	if (s.data)
		judge(slice_of(text, covered.len + 1 + s.len), true);
}

static void read_keys(struct slice input)
{
	const char *detail = NULL;
	struct jwk_ring *keys = jwk_ring_new(JWA_ALL);

	MUST(keys);
	int r = jwk_ring_add_set(keys, input, &detail);
	MUST(r == 0 ? jwk_ring_count(keys) > 0 : detail != NULL);
	/* OpenSSL takes its time over what is not even meant to be one. */
	if (!memmem(input.data, input.len, "-----BEGIN", 10)) {
		jwk_ring_unref(keys);
		return;
	}
	r = jwk_ring_add_pem(keys, input, &detail);
	MUST(r == 0 || detail);
	MUST(jwk_ring_count(keys) <= JWK_RING_MAX);
	jwk_ring_unref(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of((const char *)data, size);
	const char *detail = NULL;

	if (!ring) {
		ring = jwk_ring_new(JWA_ALL);
		MUST(ring && jwk_ring_add_secret(ring, SLICE(SECRET), &detail) == 0);
	}
	judge(input, false);
	judge_signed(input);
	read_keys(input);
	return 0;
}
