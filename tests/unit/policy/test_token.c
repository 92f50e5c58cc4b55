/* SPDX-License-Identifier: Apache-2.0 */
/* From a token to an identity: when the issuer is asked, and what comes out. */
#include "unit.h"

#include "policy/token.h"
#include "token_unit.h"

#define HEADER "{\"alg\":\"HS256\"}"

struct scene {
	struct conf_identity identity;
	struct snapshot conf;
	struct jwk_slot *slot;
	struct jwt_refusals refusals;
	struct token_world world;
	struct arena arena;
	char text[TOKEN_TEXT_MAX];
};

static int begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->identity = (struct conf_identity){
		.name = SLICE("token"),
		.kind = CONF_IDENTITY_JWT,
		.jwt = {.algorithms = JWA_ALL},
	};
	s->conf.identities = &s->identity;
	s->conf.identity_count = 1;
	s->slot = jwk_slot_new();
	s->world = (struct token_world){.slots = &s->slot, .refusals = &s->refusals};
	arena_init(&s->arena, 4096, 1 << 20);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct scene *s = *state;
	jwk_slot_unref(s->slot);
	arena_deinit(&s->arena);
	free(s);
	return 0;
}

static struct verdict identify(struct scene *s, struct slice text, bool asked, struct identity *out)
{
	const struct token_facts facts = {
		.world = &s->world,
		.conf = &s->conf,
		.identity = &s->identity,
		.text = text,
		.now_unix_ms = TOKEN_NOW_MS,
		.asked = asked,
	};
	return token_identify(&facts, &s->arena, out);
}

static struct jwk_ring *ring_with_id(const char *kid)
{
	char text[200];
	const char *detail;
	struct jwk_ring *ring = jwk_ring_new(JWA_ALL);
	/* the base64url of TOKEN_SECRET */
	int n = snprintf(text, sizeof(text), "{\"kty\":\"oct\",\"kid\":\"%s\",\"k\":\"%s\"}", kid,
			 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY");
	assert_int_equal(jwk_ring_add_set_with_secrets(ring, slice_of(text, (size_t)n), &detail),
			 0);
	return ring;
}

static struct slice token(struct scene *s, const char *header)
{
	return token_signed(SLICE(TOKEN_SECRET), slice_from_cstr(header),
			    SLICE("{\"sub\":\"alice\",\"exp\":1700003600,\"iat\":1699999999}"),
			    s->text);
}

static void good(void **state)
{
	struct scene *s = *state;
	struct identity who;

	jwk_slot_set(s->slot, token_ring(TOKEN_SECRET));
	assert_int_equal(identify(s, token(s, HEADER), false, &who).kind, VERDICT_PASS);
	assert_slice(who.subject, "alice");
	assert_slice(who.via, "token");
	assert_slice(who.key, "token"); /* the key has no name of its own */
	assert_int_equal(who.issued_unix_ms, UINT64_C(1699999999000));
	assert_int_equal(who.expires_unix_ms, UINT64_C(1700003600000));

	jwk_slot_set(s->slot, ring_with_id("k1"));
	assert_int_equal(identify(s, token(s, HEADER), false, &who).kind, VERDICT_PASS);
	jwk_slot_set(s->slot, NULL); /* what came out does not need the ring */
	assert_slice(who.key, "k1");
}

static void no_keys(void **state)
{
	struct scene *s = *state;
	struct identity who;

	assert_int_equal(identify(s, token(s, HEADER), false, &who).kind, VERDICT_ASK);
	struct verdict v = identify(s, token(s, HEADER), true, &who);
	assert_int_equal(v.kind, VERDICT_REFUSE);
	assert_int_equal(v.reason, REASON_VERIFIER_FAILED);
	jwk_slot_set(s->slot, token_ring(TOKEN_SECRET));
	assert_int_equal(identify(s, token(s, HEADER), true, &who).kind, VERDICT_PASS);
}

static void unknown_key(void **state)
{
	struct scene *s = *state;
	struct identity who;
	struct slice text = token(s, "{\"alg\":\"HS256\",\"kid\":\"k2\"}");

	jwk_slot_set(s->slot, ring_with_id("k1"));
	/* nobody may be asked now */
	assert_int_equal(identify(s, text, false, &who).reason, REASON_CREDENTIAL_INVALID);
	jwt_refusals_clear(&s->refusals);
	jwk_slot_allow_asking(s->slot, true);
	assert_int_equal(identify(s, text, false, &who).kind, VERDICT_ASK);
	assert_int_equal(identify(s, text, true, &who).reason, REASON_CREDENTIAL_INVALID);
	/* and not again for the same one */
	assert_int_equal(identify(s, text, false, &who).kind, VERDICT_REFUSE);
	/* newer keys: what was refused by the old ones is judged anew */
	jwk_slot_set(s->slot, ring_with_id("k2"));
	assert_int_equal(identify(s, text, false, &who).kind, VERDICT_PASS);
}

/* A bad signature says nothing of another key, and is remembered. */
static void forged(void **state)
{
	struct scene *s = *state;
	struct identity who;
	struct slice text = token_signed(SLICE("another secret of more than 32 bytes"),
					 SLICE(HEADER), SLICE(TOKEN_CLAIMS), s->text);

	jwk_slot_set(s->slot, token_ring(TOKEN_SECRET));
	jwk_slot_allow_asking(s->slot, true);
	assert_string_equal(identify(s, text, false, &who).detail, "the signature");
	struct verdict v = identify(s, text, false, &who);
	assert_int_equal(v.reason, REASON_CREDENTIAL_INVALID);
	assert_string_equal(v.detail, "refused a moment ago");
}

static void rules_count(void **state)
{
	struct scene *s = *state;
	struct identity who;
	static const struct slice audience[] = {SLICE_INIT("chat")};

	jwk_slot_set(s->slot, token_ring(TOKEN_SECRET));
	s->world.refusals = NULL;
	assert_int_equal(identify(s, token(s, HEADER), false, &who).kind, VERDICT_PASS);
	s->identity.jwt.audience = (struct conf_texts){audience, 1};
	assert_int_equal(identify(s, token(s, HEADER), false, &who).reason,
			 REASON_CREDENTIAL_INVALID);
	s->identity.jwt.audience.count = 0;
	s->identity.jwt.issuer = SLICE("x");
	assert_int_equal(identify(s, token(s, HEADER), false, &who).reason,
			 REASON_CREDENTIAL_INVALID);
	s->identity.jwt.issuer.len = 0;
	s->identity.jwt.type = SLICE("at+jwt");
	assert_int_equal(identify(s, token(s, HEADER), false, &who).reason,
			 REASON_CREDENTIAL_INVALID);
	s->identity.jwt.type.len = 0;
	s->identity.jwt.algorithms = JWA_ALL_PUBLIC;
	assert_int_equal(identify(s, token(s, HEADER), false, &who).reason,
			 REASON_CREDENTIAL_INVALID);
}

static void nowhere(void **state)
{
	struct scene *s = *state;
	struct identity who;

	jwk_slot_unref(s->slot);
	s->slot = NULL;
	assert_int_equal(identify(s, token(s, HEADER), false, &who).reason, REASON_INTERNAL);
	s->world.slots = NULL;
	assert_int_equal(identify(s, token(s, HEADER), false, &who).reason, REASON_INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good),   TEST(no_keys),     TEST(unknown_key),
		TEST(forged), TEST(rules_count), TEST(nowhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
