/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side is played by policy/jwt, which shares no code with the signing.
 */
#include "policy/assertion.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/obj.h"
#include "policy/jwt.h"
#include "unit.h"

#define NOW_MS UINT64_C(1700000000000)

static char texts[20][2048];

static struct slice pem_of(EVP_PKEY *key, size_t at, const char *password)
{
	FILE *f = fmemopen(texts[at], sizeof(texts[at]), "w");
	char *secret = password ? strdup(password) : NULL;

	MUST(key && f);
	MUST(PEM_write_PKCS8PrivateKey(f, key, password ? EVP_aes_128_cbc() : NULL, secret,
				       password ? (int)strlen(password) : 0, NULL, NULL));
	fclose(f);
	free(secret);
	EVP_PKEY_free(key);
	return slice_from_cstr(texts[at]);
}

static struct slice fresh(size_t at)
{
	return pem_of(EVP_EC_gen("P-256"), at, NULL);
}

static const struct identity alice = {
	.subject = {"al\"i\nce \xc3\xa9", 10},
	.via = {"token", 5},
	.claims = {"{\"rooms\":[\"lobby\"]}", 19},
};

static struct assertion_facts facts(const char *audience)
{
	return (struct assertion_facts){
		.audience = slice_from_cstr(audience),
		.identity = &alice,
		.route = SLICE("/chat/{room}"),
		.request_id = SLICE("0123456789abcdef"),
		.now_unix_ms = NOW_MS + 999,
		.jti = {1, 2, 3},
	};
}

static struct jwk_ring *published(const struct assertion_keys *k)
{
	const char *detail = NULL;
	struct buf set;
	struct jwk_ring *ring = jwk_ring_new(JWA_ALL);

	buf_init(&set, 65536);
	assert_int_equal(assertion_jwks(k, &set), 0);
	assert_int_equal(jwk_ring_add_set(ring, buf_slice(&set), &detail), 0);
	assert_int_equal(jwk_ring_count(ring), k->count);
	/* The private half of an EC key is its "d". */
	assert_null(memmem(buf_slice(&set).data, buf_slice(&set).len, "\"d\"", 3));
	buf_deinit(&set);
	return ring;
}

static enum reason judge(struct slice token, const struct jwk_ring *ring, const char *audience,
			 uint64_t now_unix_ms, struct arena *a)
{
	const struct slice audiences[] = {slice_from_cstr(audience)};
	const struct jwt_rules rules = {
		.algorithms = JWA_ALL,
		.issuer = SLICE("sallyport"),
		.audience = {audiences, 1},
	};

	return jwt_judge(token, ring, &rules, now_unix_ms, a).reason;
}

static void what_is_signed_is_accepted_and_nothing_else(void **state)
{
	struct assertion_keys keys = {0};
	struct assertion_facts f = facts("127.0.0.1:9001");
	struct slice token;
	struct arena a;

	(void)state;
	arena_init(&a, 65536, 1 << 20);
	assert_int_equal(assertion_keys_add(&keys, fresh(0)), 0);
	assert_int_equal(assertion_make(&keys, &f, &a, &token), 0);
	struct jwk_ring *ring = published(&keys);
	assert_int_equal(judge(token, ring, "127.0.0.1:9001", NOW_MS, &a), REASON_NONE);
	assert_int_equal(judge(token, ring, "127.0.0.1:9001", NOW_MS + 59999, &a), REASON_NONE);
	assert_int_equal(judge(token, ring, "127.0.0.1:9001", NOW_MS + 60000, &a),
			 REASON_CREDENTIAL_EXPIRED);
	assert_int_not_equal(judge(token, ring, "127.0.0.1:9002", NOW_MS, &a), REASON_NONE);
	/* Any character that is changed breaks it. */
	char text[2048];
	for (size_t i = 0; i < token.len; i += 7) {
		memcpy(text, token.data, token.len);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		assert_int_not_equal(
			judge(slice_of(text, token.len), ring, "127.0.0.1:9001", NOW_MS, &a),
			REASON_NONE);
		arena_reset(&a);
		assert_int_equal(assertion_make(&keys, &f, &a, &token), 0);
	}
	jwk_ring_unref(ring);
	assertion_keys_deinit(&keys);
	arena_deinit(&a);
}

static void the_newest_signs_and_all_are_published(void **state)
{
	struct assertion_keys keys = {0};
	struct assertion_facts f = facts("app");
	struct slice before, after;
	struct arena a;

	(void)state;
	arena_init(&a, 65536, 1 << 20);
	assert_int_equal(assertion_keys_add(&keys, fresh(0)), 0);
	assert_int_equal(assertion_make(&keys, &f, &a, &before), 0);
	struct jwk_ring *old = published(&keys);
	assert_int_equal(assertion_keys_add(&keys, fresh(1)), 0);
	assert_int_equal(assertion_make(&keys, &f, &a, &after), 0);
	struct jwk_ring *both = published(&keys);
	assert_int_equal(judge(before, both, "app", NOW_MS, &a), REASON_NONE);
	assert_int_equal(judge(after, both, "app", NOW_MS, &a), REASON_NONE);
	assert_int_not_equal(judge(after, old, "app", NOW_MS, &a), REASON_NONE);
	jwk_ring_unref(old);
	jwk_ring_unref(both);
	assertion_keys_deinit(&keys);
	assertion_keys_deinit(&keys);
	arena_deinit(&a);
}

/* ES256's halves have 32 bytes each, also when one of them begins with zeros: one in 128. */
static void signatures_have_one_length(void **state)
{
	struct assertion_keys keys = {0};
	struct assertion_facts f = facts("app");
	struct slice token;
	struct arena a;
	size_t len = 0;

	(void)state;
	arena_init(&a, 65536, 1 << 20);
	assert_int_equal(assertion_keys_add(&keys, fresh(0)), 0);
	struct jwk_ring *ring = published(&keys);
	for (int i = 0; i < 400; i++) {
		arena_reset(&a);
		f.jti[0] = (uint8_t)i;
		assert_int_equal(assertion_make(&keys, &f, &a, &token), 0);
		assert_true(len == 0 || len == token.len);
		assert_int_equal(judge(token, ring, "app", NOW_MS, &a), REASON_NONE);
		len = token.len;
	}
	jwk_ring_unref(ring);
	assertion_keys_deinit(&keys);
	arena_deinit(&a);
}

static void what_is_no_key_is_refused(void **state)
{
	struct assertion_keys keys = {0};
	struct slice good = fresh(0), cut = slice_first(good, good.len / 2);

	(void)state;
	assert_int_equal(assertion_keys_add(&keys, SLICE("")), ASSERTION_NO_KEY);
	assert_int_equal(assertion_keys_add(&keys, SLICE("secret")), ASSERTION_NO_KEY);
	assert_int_equal(assertion_keys_add(&keys, cut), ASSERTION_NO_KEY);
	assert_int_equal(assertion_keys_add(&keys, pem_of(EVP_EC_gen("P-256"), 1, "password")),
			 ASSERTION_NO_KEY);
	assert_int_equal(assertion_keys_add(&keys, pem_of(EVP_EC_gen("P-384"), 1, NULL)),
			 ASSERTION_NOT_P256);
	assert_int_equal(assertion_keys_add(&keys, pem_of(EVP_EC_gen("secp256k1"), 1, NULL)),
			 ASSERTION_NOT_P256);
	assert_int_equal(assertion_keys_add(
				 &keys, pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), 1, NULL)),
			 ASSERTION_NOT_P256);
	assert_int_equal(keys.count, 0);
	assert_int_equal(assertion_keys_add(&keys, good), 0);
	assert_int_equal(assertion_keys_add(&keys, good), ASSERTION_TWICE);
	for (size_t i = 1; i < ASSERTION_KEYS_MAX; i++)
		assert_int_equal(assertion_keys_add(&keys, fresh(1)), 0);
	assert_int_equal(assertion_keys_add(&keys, fresh(1)), ASSERTION_FULL);
	for (int r = ASSERTION_NO_KEY; r <= ASSERTION_FULL; r++)
		assert_true(strlen(assertion_keys_complaint(r)) > 10);
	assertion_keys_deinit(&keys);
	assertion_keys_deinit(NULL);
}

static void without_a_key_nothing_is_signed(void **state)
{
	const struct assertion_keys keys = {0};
	struct assertion_facts f = facts("app");
	struct slice token;
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 65536);
	assert_true(assertion_make(&keys, &f, &a, &token) < 0);
	assert_null(token.data);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_signed_is_accepted_and_nothing_else),
		cmocka_unit_test(the_newest_signs_and_all_are_published),
		cmocka_unit_test(signatures_have_one_length),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(without_a_key_nothing_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
