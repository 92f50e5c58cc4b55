/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/verifier.h"

#include <stdio.h>

#include "policy/identity.h"

#include "unit.h"

#define YES ANSWER_YES
#define NO ANSWER_NO
#define FAILED ANSWER_FAILED

static const struct {
	const char *says;
	int status;
	const char *body;
	enum answer_kind wanted;
	const char *subject, *claims;
} rows[] = {
	{"yes", 200, "{\"sub\": \"alice\"}", YES, "alice", "{}"},
	{"claims keep their order", 200, "{\"b\": 1, \"sub\": \"alice\", \"a\": [1, 2.50, {}]}", YES,
	 "alice", "{\"b\":1,\"a\":[1,2.50,{}]}"},
	{"escapes are read", 200, "{\"\\u0073ub\": \"al\\u0069ce\\n\"}", YES, "alice\n", "{}"},
	{"a sub inside is a claim", 200, "{\"user\": {\"sub\": \"x\"}, \"sub\": \"y\"}", YES, "y",
	 "{\"user\":{\"sub\":\"x\"}}"},
	{"401", 401, "{\"sub\": \"alice\"}", NO, "", ""},
	{"403", 403, "", NO, "", ""},
	{"201", 201, "{\"sub\": \"alice\"}", FAILED, "", ""},
	{"204", 204, "", FAILED, "", ""},
	{"302", 302, "", FAILED, "", ""},
	{"404", 404, "", FAILED, "", ""},
	{"500", 500, "{\"sub\": \"alice\"}", FAILED, "", ""},
	{"no answer", 0, "", FAILED, "", ""},
	{"no body", 200, "", FAILED, "", ""},
	{"no JSON", 200, "alice", FAILED, "", ""},
	{"HTML", 200, "<html>", FAILED, "", ""},
	{"no object", 200, "[\"sub\"]", FAILED, "", ""},
	{"a text", 200, "\"sub\"", FAILED, "", ""},
	{"null", 200, "null", FAILED, "", ""},
	{"no sub", 200, "{\"user\": \"alice\"}", FAILED, "", ""},
	{"sub in another case", 200, "{\"Sub\": \"alice\"}", FAILED, "", ""},
	{"an empty sub", 200, "{\"sub\": \"\"}", FAILED, "", ""},
	{"sub null", 200, "{\"sub\": null}", FAILED, "", ""},
	{"sub a number", 200, "{\"sub\": 1}", FAILED, "", ""},
	{"sub twice", 200, "{\"sub\": \"alice\", \"sub\": \"root\"}", FAILED, "", ""},
	{"sub twice, one escaped", 200, "{\"sub\": \"alice\", \"s\\u0075b\": \"root\"}", FAILED, "", ""},
	{"something behind it", 200, "{\"sub\": \"alice\"} {}", FAILED, "", ""},
	{"a prototype", 200, "{\"sub\": \"alice\", \"__proto__\": {}}", FAILED, "", ""},
	{"a NUL", 200, "{\"sub\": \"al\\u0000ice\"}", FAILED, "", ""},
	{"no UTF-8", 200, "{\"sub\": \"\xff\"}", FAILED, "", ""},
};

static void only_a_clear_yes_is_yes(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		struct arena a;
		const char *detail = "unset";
		arena_init(&a, 64 * 1024, 1024 * 1024);
		struct answer got = verifier_judge(at->status, slice_from_cstr(at->body), &a, &detail);
		ROW_CHECK(at, got.kind == at->wanted);
		ROW_EQ(at, got.subject, slice_from_cstr(at->subject));
		ROW_EQ(at, got.claims, slice_from_cstr(at->claims));
		ROW_CHECK(at, (detail != NULL) == (at->wanted == FAILED));
		arena_deinit(&a);
	}
}

static void sizes_are_bounded(void **state)
{
	static char body[VERIFIER_BODY_MAX + 2];
	struct arena a;
	const char *detail;
	(void)state;
	arena_init(&a, 1024 * 1024, 1024 * 1024);
	int len = snprintf(body, sizeof(body), "{\"sub\": \"alice\"}");
	memset(body + len, ' ', sizeof(body) - (size_t)len);
	assert_int_equal(verifier_judge(200, slice_of(body, VERIFIER_BODY_MAX), &a, &detail).kind, YES);
	assert_int_equal(verifier_judge(200, slice_of(body, VERIFIER_BODY_MAX + 1), &a, &detail).kind,
			 FAILED);
	for (int more = 0; more < 2; more++) {
		arena_reset(&a);
		len = snprintf(body, sizeof(body), "{\"sub\": \"%0*d\"}", IDENTITY_SUBJECT_MAX + more, 7);
		assert_int_equal(verifier_judge(200, slice_of(body, (size_t)len), &a, &detail).kind,
				 more ? FAILED : YES);
	}
	/* the largest body of the smallest values */
	arena_reset(&a);
	len = snprintf(body, sizeof(body), "{\"sub\": \"alice\", \"a\": [1");
	for (int i = 0; i < 4000; i++)
		len += snprintf(body + len, sizeof(body) - (size_t)len, ",%d", i);
	len += snprintf(body + len, sizeof(body) - (size_t)len, "]}");
	assert_int_equal(verifier_judge(200, slice_of(body, (size_t)len), &a, &detail).kind, YES);
	arena_deinit(&a);

	/* any lack of memory is a failure, not a shorter answer */
	bool passed = false;
	for (size_t room = 0; room < 4096 && !passed; room += 64) {
		arena_init(&a, room ? room : 1, room);
		struct answer got = verifier_judge(
			200, SLICE("{\"sub\": \"alice\", \"a\": [1, 2]}"), &a, &detail);
		passed = got.kind == YES;
		if (passed)
			assert_slice(got.claims, "{\"a\":[1,2]}");
		else
			assert_int_equal(got.kind, FAILED);
		arena_deinit(&a);
	}
	assert_true(passed);
}

/* --- the cache */

static const uint8_t secret[32] = {5};
static const struct conf_identity session = {
	.name = {"session", 7},
	.cookie = {.name = {"sid", 3}, .verify = {"http://a/", 9}, .cache_ms = 10000}};
static const struct conf_identity other_url = {
	.name = {"other", 5},
	.cookie = {.name = {"sid", 3}, .verify = {"http://b/", 9}, .cache_ms = 10000}};
static const struct conf_identity other_name = {
	.name = {"third", 5},
	.cookie = {.name = {"sie", 3}, .verify = {"http://a/", 9}, .cache_ms = 10000}};
static const struct conf_identity never = {
	.name = {"never", 5},
	.cookie = {.name = {"sid", 3}, .verify = {"http://c/", 9}, .cache_ms = 0}};
/* the URL and the name joined are those of `session` */
static const struct conf_identity shifted = {
	.name = {"shifted", 7},
	.cookie = {.name = {"/sid", 4}, .verify = {"http://a", 8}, .cache_ms = 10000}};

static const struct answer alice = {
	.kind = ANSWER_YES, .subject = {"alice", 5}, .claims = {"{\"a\":1}", 7}};
static const struct answer no = {.kind = ANSWER_NO};
static const struct answer failed = {.kind = ANSWER_FAILED};

enum { SECOND = 1000000 };

static void answers_are_remembered_for_a_while(void **state)
{
	struct verifier_cache *c = verifier_cache_new(secret, 10, 10000);
	struct answer got;
	(void)state;
	assert_false(verifier_cache_get(c, &session, SLICE("good"), 0, &got));
	verifier_cache_put(c, &session, SLICE("good"), &alice, 0);
	assert_true(verifier_cache_get(c, &session, SLICE("good"), 10 * SECOND - 1, &got));
	assert_int_equal(got.kind, ANSWER_YES);
	assert_slice(got.subject, "alice");
	assert_slice(got.claims, "{\"a\":1}");
	/* only for this cookie of this identity */
	assert_false(verifier_cache_get(c, &session, SLICE("goo"), 1, &got));
	assert_false(verifier_cache_get(c, &session, SLICE("good "), 1, &got));
	assert_false(verifier_cache_get(c, &session, SLICE(""), 1, &got));
	assert_false(verifier_cache_get(c, &other_url, SLICE("good"), 1, &got));
	assert_false(verifier_cache_get(c, &other_name, SLICE("good"), 1, &got));
	assert_false(verifier_cache_get(c, &shifted, SLICE("good"), 1, &got));
	assert_false(verifier_cache_get(c, &session, SLICE("good"), 10 * SECOND, &got));
	assert_int_equal(verifier_cache_count(c), 0);

	/* a no: two seconds, and it replaces a yes */
	verifier_cache_put(c, &session, SLICE("good"), &alice, 0);
	verifier_cache_put(c, &session, SLICE("good"), &no, 0);
	assert_true(verifier_cache_get(c, &session, SLICE("good"), 2 * SECOND - 1, &got));
	assert_int_equal(got.kind, ANSWER_NO);
	assert_int_equal(got.subject.len, 0);
	assert_false(verifier_cache_get(c, &session, SLICE("good"), 2 * SECOND, &got));

	/* a failure is never remembered, and ends what was */
	verifier_cache_put(c, &session, SLICE("good"), &alice, 0);
	verifier_cache_put(c, &session, SLICE("good"), &failed, 0);
	assert_false(verifier_cache_get(c, &session, SLICE("good"), 1, &got));
	verifier_cache_put(c, &never, SLICE("good"), &alice, 0);
	assert_false(verifier_cache_get(c, &never, SLICE("good"), 0, &got));
	assert_int_equal(verifier_cache_count(c), 0);
	verifier_cache_free(c);
}

static void the_cache_has_an_end(void **state)
{
	struct verifier_cache *c = verifier_cache_new(secret, 8, 100000);
	struct answer got;
	char cookie[16];
	(void)state;
	for (int i = 0; i < 1000; i++) {
		int len = snprintf(cookie, sizeof(cookie), "c%d", i);
		verifier_cache_put(c, &session, slice_of(cookie, (size_t)len), &alice, 1);
		assert_true(verifier_cache_count(c) <= 8);
	}
	assert_true(verifier_cache_get(c, &session, SLICE("c999"), 2, &got));
	assert_true(verifier_cache_get(c, &session, SLICE("c992"), 2, &got));
	assert_false(verifier_cache_get(c, &session, SLICE("c991"), 2, &got));
	verifier_cache_free(c);

	/* bytes are bounded too; an answer that never fits is not remembered */
	static const char claims[3000];
	struct answer big = {.kind = ANSWER_YES, .subject = SLICE("a"), .claims = {claims, 3000}};
	c = verifier_cache_new(secret, 1000, 10000);
	for (int i = 0; i < 100; i++) {
		int len = snprintf(cookie, sizeof(cookie), "c%d", i);
		verifier_cache_put(c, &session, slice_of(cookie, (size_t)len), &big, 1);
	}
	assert_int_equal(verifier_cache_count(c), 3);
	verifier_cache_free(c);
	c = verifier_cache_new(secret, 1000, 3000);
	verifier_cache_put(c, &session, SLICE("x"), &big, 1);
	assert_int_equal(verifier_cache_count(c), 0);
	verifier_cache_put(c, &session, SLICE("x"), &alice, 1);
	assert_int_equal(verifier_cache_count(c), 1);
	verifier_cache_free(c);
	c = verifier_cache_new(secret, 0, 3000);
	verifier_cache_put(c, &session, SLICE("x"), &alice, 1);
	assert_int_equal(verifier_cache_count(c), 0);
	verifier_cache_free(c);
	verifier_cache_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_clear_yes_is_yes),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(answers_are_remembered_for_a_while),
		cmocka_unit_test(the_cache_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
