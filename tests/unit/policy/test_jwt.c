/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, piece by piece; real signatures and keys are in test_jwk.c. */
#include "unit.h"

#include "policy/identity.h"
#include "token_unit.h"

#define HEADER "{\"alg\":\"HS256\"}"

static struct jwt judge(struct slice text, const struct jwt_rules *rules, struct arena *a)
{
	struct jwk_ring *ring = token_ring(TOKEN_SECRET);
	struct jwt t = jwt_judge(text, ring, rules, TOKEN_NOW_MS, a);
	jwk_ring_unref(ring);
	return t;
}

struct row {
	const char *says, *header, *claims;
	enum reason reason;
};

static void check_row(const struct row *at, const struct jwt_rules *rules)
{
	char text[TOKEN_TEXT_MAX];
	struct arena a;
	arena_init(&a, 4096, 1 << 20);
	struct slice token =
		token_signed(SLICE(TOKEN_SECRET), slice_from_cstr(at->header ? at->header : HEADER),
			     slice_from_cstr(at->claims ? at->claims : TOKEN_CLAIMS), text);
	struct jwt t = judge(token, rules, &a);
	if (t.reason != at->reason)
		fail_msg("%s: got %s (%s), wanted %s", at->says, reason_word(t.reason),
			 t.detail ? t.detail : "", reason_word(at->reason));
	arena_deinit(&a);
}

#define OK      REASON_NONE
#define INVALID REASON_CREDENTIAL_INVALID
#define EXPIRED REASON_CREDENTIAL_EXPIRED

static void headers(void **state)
{
	static const struct jwt_rules rules = {.algorithms = JWA_ALL};
	static const struct row rows[] = {
		/* clang-format off */
		{"the least", HEADER, NULL, OK},
		{"all of the usual", "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k\"}", NULL, OK},
		{"spaces", " { \"alg\" : \"HS256\" } ", NULL, OK},
		{"an escaped name is the same name", "{\"\\u0061lg\":\"HS256\"}", NULL, OK},
		{"what nobody knows", "{\"alg\":\"HS256\",\"x\":{\"y\":[1]}}", NULL, OK},
		{"typ in small letters", "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", NULL, OK},
		{"typ as a media type", "{\"alg\":\"HS256\",\"typ\":\"application/at+JWT\"}", NULL, OK},
		{"typ of something else", "{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", NULL, INVALID},
		{"typ is no text", "{\"alg\":\"HS256\",\"typ\":1}", NULL, INVALID},
		{"typ is null", "{\"alg\":\"HS256\",\"typ\":null}", NULL, INVALID},
		{"none", "{\"alg\":\"none\"}", NULL, INVALID},
		{"None", "{\"alg\":\"None\"}", NULL, INVALID},
		{"alg in small letters", "{\"alg\":\"hs256\"}", NULL, INVALID},
		{"alg with a space", "{\"alg\":\"HS256 \"}", NULL, INVALID},
		{"no alg", "{\"typ\":\"JWT\"}", NULL, INVALID},
		{"alg is a list", "{\"alg\":[\"HS256\"]}", NULL, INVALID},
		{"alg is empty", "{\"alg\":\"\"}", NULL, INVALID},
		{"an alg of another key", "{\"alg\":\"RS256\"}", NULL, INVALID},
		{"an alg that the secret is too short for", "{\"alg\":\"HS512\"}", NULL, INVALID},
		{"alg twice", "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", NULL, INVALID},
		{"alg twice, once escaped", "{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}", NULL, INVALID},
		{"crit", "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", NULL, INVALID},
		{"crit is empty", "{\"alg\":\"HS256\",\"crit\":[]}", NULL, INVALID},
		{"crit is null", "{\"alg\":\"HS256\",\"crit\":null}", NULL, INVALID},
		{"jwk", "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", NULL, INVALID},
		{"jku", "{\"alg\":\"HS256\",\"jku\":\"https://evil.example/\"}", NULL, INVALID},
		{"x5u", "{\"alg\":\"HS256\",\"x5u\":\"https://evil.example/\"}", NULL, INVALID},
		{"x5c", "{\"alg\":\"HS256\",\"x5c\":[\"MII=\"]}", NULL, INVALID},
		{"b64", "{\"alg\":\"HS256\",\"b64\":false}", NULL, INVALID},
		{"zip", "{\"alg\":\"HS256\",\"zip\":\"DEF\"}", NULL, INVALID},
		{"enc", "{\"alg\":\"HS256\",\"enc\":\"A128GCM\"}", NULL, INVALID},
		{"kid is no text", "{\"alg\":\"HS256\",\"kid\":1}", NULL, INVALID},
		{"kid is empty", "{\"alg\":\"HS256\",\"kid\":\"\"}", NULL, INVALID},
		{"kid is a path", "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", NULL, OK},
		{"kid with NUL", "{\"alg\":\"HS256\",\"kid\":\"k\\u0000\"}", NULL, INVALID},
		{"a list", "[\"HS256\"]", NULL, INVALID},
		{"no JSON", "HS256", NULL, INVALID},
		{"something behind", "{\"alg\":\"HS256\"}x", NULL, INVALID},
		{"a byte order mark", "\xef\xbb\xbf{\"alg\":\"HS256\"}", NULL, INVALID},
		{"__proto__", "{\"alg\":\"HS256\",\"__proto__\":{}}", NULL, INVALID},
		{"deep", "{\"alg\":\"HS256\",\"x\":[[[[1]]]]}", NULL, INVALID},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows)
		check_row(at, &rules);
}

static void claims(void **state)
{
	static const struct jwt_rules rules = {.algorithms = JWA_ALL, .leeway_ms = 30000};
	static const struct row rows[] = {
		/* clang-format off */
		{"the least", NULL, TOKEN_CLAIMS, OK},
		{"exp with a fraction", NULL, "{\"sub\":\"a\",\"exp\":1700000000.5}", OK},
		{"exp as 1.7e9", NULL, "{\"sub\":\"a\",\"exp\":1.8e9}", OK},
		{"exp in the year 300000", NULL, "{\"sub\":\"a\",\"exp\":9007199254740991}", OK},
		{"exp within the leeway", NULL, "{\"sub\":\"a\",\"exp\":1699999971}", OK},
		{"exp at the leeway's end", NULL, "{\"sub\":\"a\",\"exp\":1699999970}", EXPIRED},
		{"exp long ago", NULL, "{\"sub\":\"a\",\"exp\":0}", EXPIRED},
		{"exp is negative", NULL, "{\"sub\":\"a\",\"exp\":-1}", INVALID},
		{"exp is a text", NULL, "{\"sub\":\"a\",\"exp\":\"1700003600\"}", INVALID},
		{"exp is null", NULL, "{\"sub\":\"a\",\"exp\":null}", INVALID},
		{"exp is endless", NULL, "{\"sub\":\"a\",\"exp\":1e400}", INVALID},
		{"no exp", NULL, "{\"sub\":\"a\"}", INVALID},
		{"nbf within the leeway", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"nbf\":1700000030}", OK},
		{"nbf beyond it", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"nbf\":1700000031}", INVALID},
		{"nbf is a text", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"nbf\":\"0\"}", INVALID},
		{"iat within the leeway", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"iat\":1700000030}", OK},
		{"iat beyond it", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"iat\":1700000031}", INVALID},
		{"iat is a text", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"iat\":\"0\"}", INVALID},
		{"no sub", NULL, "{\"exp\":1700003600}", INVALID},
		{"sub is empty", NULL, "{\"sub\":\"\",\"exp\":1700003600}", INVALID},
		{"sub is a number", NULL, "{\"sub\":1,\"exp\":1700003600}", INVALID},
		{"sub is a list", NULL, "{\"sub\":[\"a\"],\"exp\":1700003600}", INVALID},
		{"sub is null", NULL, "{\"sub\":null,\"exp\":1700003600}", INVALID},
		{"sub twice", NULL, "{\"sub\":\"a\",\"sub\":\"root\",\"exp\":1700003600}", INVALID},
		{"sub twice, once escaped", NULL, "{\"sub\":\"a\",\"s\\u0075b\":\"root\",\"exp\":1700003600}", INVALID},
		{"constructor", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"constructor\":1}", INVALID},
		{"aud that nobody asked for", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"aud\":\"x\"}", OK},
		{"aud is a number", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"aud\":1}", INVALID},
		{"aud is a list with a number", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"aud\":[1]}", INVALID},
		{"iss is a number", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"iss\":1}", INVALID},
		{"a list", NULL, "[1]", INVALID},
		{"a text", NULL, "\"alice\"", INVALID},
		{"nothing", NULL, "", INVALID},
		{"no JSON", NULL, "sub=alice", INVALID},
		{"two objects", NULL, TOKEN_CLAIMS TOKEN_CLAIMS, INVALID},
		{"no UTF-8", NULL, "{\"sub\":\"\xff\",\"exp\":1700003600}", INVALID},
		{"deep", NULL, "{\"sub\":\"a\",\"exp\":1700003600,\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", INVALID},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows)
		check_row(at, &rules);
}

static void issuer_and_audience(void **state)
{
	static const struct slice audiences[] = {SLICE_INIT("chat"), SLICE_INIT("news")};
	static const struct jwt_rules rules = {
		.algorithms = JWA_ALL,
		.issuer = SLICE_INIT("https://id.example/"),
		.audience = {audiences, 2},
		.type = SLICE_INIT("at+jwt"),
	};
#define AT             "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"
#define WITH(iss, aud) "{\"sub\":\"a\",\"exp\":1700003600,\"iss\":" iss ",\"aud\":" aud "}"
#define ISS            "\"https://id.example/\""
	static const struct row rows[] = {
		/* clang-format off */
		{"both", AT, WITH(ISS, "\"chat\""), OK},
		{"the other audience", AT, WITH(ISS, "\"news\""), OK},
		{"one of several", AT, WITH(ISS, "[\"x\",\"news\"]"), OK},
		{"none of several", AT, WITH(ISS, "[\"x\",\"y\"]"), INVALID},
		{"no audience at all", AT, WITH(ISS, "[]"), INVALID},
		{"aud is null", AT, WITH(ISS, "null"), INVALID},
		{"an audience and a number", AT, WITH(ISS, "[\"chat\",1]"), INVALID},
		{"an audience inside of a list", AT, WITH(ISS, "[[\"chat\"]]"), INVALID},
		{"the beginning of one", AT, WITH(ISS, "\"cha\""), INVALID},
		{"more than one", AT, WITH(ISS, "\"chatter\""), INVALID},
		{"no aud", AT, "{\"sub\":\"a\",\"exp\":1700003600,\"iss\":" ISS "}", INVALID},
		{"another issuer", AT, WITH("\"https://id.example\"", "\"chat\""), INVALID},
		{"issuers", AT, WITH("[" ISS "]", "\"chat\""), INVALID},
		{"no iss", AT, "{\"sub\":\"a\",\"exp\":1700003600,\"aud\":\"chat\"}", INVALID},
		{"another typ", "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", WITH(ISS, "\"chat\""), INVALID},
		{"no typ", HEADER, WITH(ISS, "\"chat\""), INVALID},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows)
		check_row(at, &rules);
}

/* What the text itself may look like. */
static void shapes(void **state)
{
	static const struct jwt_rules rules = {.algorithms = JWA_ALL};
	static const struct {
		const char *says, *prefix, *suffix;
		size_t cut; /* from the end */
		enum reason reason;
	} rows[] = {
		/* clang-format off */
		{"as it is", "", "", 0, OK},
		{"a space before", " ", "", 0, INVALID},
		{"a space behind", "", " ", 0, INVALID},
		{"a newline behind", "", "\n", 0, INVALID},
		{"padding", "", "=", 0, INVALID},
		{"a dot behind", "", ".", 0, INVALID},
		{"a fourth part", "", ".AAAA", 0, INVALID},
		{"a dot before", ".", "", 0, INVALID},
		{"a byte more", "", "A", 0, INVALID},
		{"four bytes more", "", "AAAA", 0, INVALID},
		{"a byte less", "", "", 1, INVALID},
		{"no signature", "", "", 43, INVALID},
		{"no signature and no dot", "", "", 44, INVALID},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[TOKEN_TEXT_MAX], all[TOKEN_TEXT_MAX];
		struct arena a;
		arena_init(&a, 4096, 1 << 20);
		struct slice token =
			token_signed(SLICE(TOKEN_SECRET), SLICE(HEADER), SLICE(TOKEN_CLAIMS), text);
		int len = snprintf(all, sizeof(all), "%s%.*s%s", at->prefix,
				   (int)(token.len - at->cut), token.data, at->suffix);
		struct jwt t = judge(slice_of(all, (size_t)len), &rules, &a);
		ROW_CHECK(at, t.reason == at->reason);
		arena_deinit(&a);
	}
}

/* Every character of a token matters: no other one in its place is accepted. */
static void every_character(void **state)
{
	static const struct jwt_rules rules = {.algorithms = JWA_ALL};
	static const char others[] = "A_-9=.+/ \n\xff";
	char text[TOKEN_TEXT_MAX];
	struct slice token =
		token_signed(SLICE(TOKEN_SECRET), SLICE(HEADER), SLICE(TOKEN_CLAIMS), text);

	(void)state;
	for (size_t i = 0; i < token.len; i++) {
		char was = text[i];
		for (size_t k = 0; k < sizeof(others); k++) {
			struct arena a;
			if (others[k] == was)
				continue;
			arena_init(&a, 4096, 1 << 20);
			text[i] = others[k];
			assert_int_not_equal(judge(token, &rules, &a).reason, OK);
			arena_deinit(&a);
		}
		text[i] = was;
	}
}

static void too_long(void **state)
{
	static const struct jwt_rules rules = {.algorithms = JWA_ALL};
	static char claims_text[TOKEN_TEXT_MAX], text[TOKEN_TEXT_MAX];
	struct arena a;

	(void)state;
	for (size_t filler = 5500; filler < 6500; filler++) {
		int len = snprintf(claims_text, sizeof(claims_text),
				   "{\"sub\":\"a\",\"exp\":1700003600,\"x\":\"%0*d\"}", (int)filler,
				   0);
		struct slice token = token_signed(SLICE(TOKEN_SECRET), SLICE(HEADER),
						  slice_of(claims_text, (size_t)len), text);
		arena_init(&a, 4096, 1 << 20);
		assert_int_equal(judge(token, &rules, &a).reason,
				 token.len <= JWT_TEXT_MAX ? OK : INVALID);
		arena_deinit(&a);
	}
}

static void what_comes_out(void **state)
{
	static const struct jwt_rules rules = {.algorithms = JWA_ALL, .leeway_ms = 30000};
	char text[TOKEN_TEXT_MAX];
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	struct slice token = token_signed(SLICE(TOKEN_SECRET), SLICE(HEADER),
					  SLICE("{ \"sub\" : \"al\\u0069ce\", \"exp\": 1700000060, "
						"\"iat\": 1699999000, \"r\": [1] }"),
					  text);
	struct jwt t = judge(token, &rules, &a);
	assert_int_equal(t.reason, OK);
	assert_slice(t.subject, "alice");
	assert_slice(t.claims,
		     "{\"sub\":\"alice\",\"exp\":1700000060,\"iat\":1699999000,\"r\":[1]}");
	assert_int_equal(t.expires_unix_ms, UINT64_C(1700000060000));
	assert_int_equal(t.issued_unix_ms, UINT64_C(1699999000000));
	assert_int_equal(t.key_id.len, 0);

	/* good by the leeway alone: until its end */
	token = token_signed(SLICE(TOKEN_SECRET), SLICE(HEADER),
			     SLICE("{\"sub\":\"a\",\"exp\":1699999990}"), text);
	t = judge(token, &rules, &a);
	assert_int_equal(t.reason, OK);
	assert_int_equal(t.expires_unix_ms, UINT64_C(1700000020000));
	assert_int_equal(t.issued_unix_ms, 0);
	arena_deinit(&a);
}

static void without_room(void **state)
{
	static const struct jwt_rules rules = {.algorithms = JWA_ALL};
	char text[TOKEN_TEXT_MAX];
	struct slice token =
		token_signed(SLICE(TOKEN_SECRET), SLICE(HEADER), SLICE(TOKEN_CLAIMS), text);
	bool good = false;

	(void)state;
	for (size_t room = 64; !good && room < 65536; room += 64) {
		struct arena a;
		arena_init(&a, 64, room);
		struct jwt t = judge(token, &rules, &a);
		good = t.reason == OK;
		assert_true(good || t.reason == REASON_OVERLOADED);
		arena_deinit(&a);
	}
	assert_true(good);
}

static void refusals(void **state)
{
	struct jwt_refusals *r = calloc(1, sizeof(*r));
	struct jwk_ring *ring = token_ring(TOKEN_SECRET), *other = token_ring(TOKEN_SECRET);
	struct slice text = SLICE("a.b.c");

	(void)state;
	assert_non_null(r);
	assert_int_equal(jwt_refusals_find(r, text, ring, 1000), OK);
	jwt_refusals_put(r, text, ring, 1000, EXPIRED);
	assert_int_equal(jwt_refusals_find(r, text, ring, 1000), EXPIRED);
	assert_int_equal(jwt_refusals_find(r, text, ring, 1000 + JWT_REFUSED_MS - 1), EXPIRED);
	assert_int_equal(jwt_refusals_find(r, text, ring, 1000 + JWT_REFUSED_MS), OK);
	assert_int_equal(jwt_refusals_find(r, text, ring, 999), OK);
	assert_int_equal(jwt_refusals_find(r, SLICE("a.b.d"), ring, 1000), OK);
	assert_int_equal(jwt_refusals_find(r, text, other, 1000), OK);
	jwt_refusals_clear(r);
	assert_int_equal(jwt_refusals_find(r, text, ring, 1000), OK);
	jwk_ring_unref(ring);
	jwk_ring_unref(other);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(claims),
		cmocka_unit_test(issuer_and_audience),
		cmocka_unit_test(shapes),
		cmocka_unit_test(every_character),
		cmocka_unit_test(too_long),
		cmocka_unit_test(what_comes_out),
		cmocka_unit_test(without_room),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
