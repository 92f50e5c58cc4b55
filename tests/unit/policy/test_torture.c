/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of this layer fails once: whoever lacks memory refuses, whole and in order. */
#include "failmalloc.h"

#include "policy/endpoint.h"
#include "policy/forward.h"
#include "policy/limits.h"
#include "policy/quota.h"
#include "policy/verifier.h"

#include "policy_unit.h"

static struct unit_request u;

static struct verdict ask_for_ticket(struct endpoint *e, struct endpoint_input *in)
{
	struct answer yes = {.kind = ANSWER_YES, .subject = SLICE("alice"), .claims = SLICE("{}")};
	struct verdict v = endpoint_begin(e, in);
	while (v.kind == VERDICT_ASK)
		v = endpoint_answer(e, &yes, NOW_MS);
	return v;
}

static void tickets(void **state)
{
	struct endpoint e;
	(void)state;
	unit_request_parse(&u, "ticket",
			   "POST /.sallyport/ticket HTTP/1.1\r\nHost: gate.example.com\r\nSallyport: 1\r\n"
			   "Origin: https://chat.example.com\r\nCookie: sid=good\r\nSallyport-CSRF: %C\r\n"
			   "\r\n",
			   slice_of(NULL, 0));
	assert_int_equal(unit_request_dispatch(&u).kind, VERDICT_PASS);
	FAILMALLOC_EACH (n) {
		struct arena a;
		struct endpoint_input in = {
			.conf = &unit_snapshot,
			.keys = unit_keys(),
			.head = &u.parser.head,
			.request = &u.request,
			.dispatch = &u.dispatch,
			.body = SLICE("{\"route\": \"/chat/lobby\"}"),
			.tls = true,
			.now_unix_ms = NOW_MS,
			.arena = &a,
		};
		arena_init(&a, 1024, 1024 * 1024);
		failmalloc_at(n);
		struct verdict v = ask_for_ticket(&e, &in);
		bool lacking = failmalloc_stop();
		if (!lacking)
			assert_int_equal(v.kind, VERDICT_PASS);
		if (v.kind == VERDICT_PASS)
			assert_true(slice_ends_with(e.body, SLICE("/chat/lobby\"}")));
		else
			assert_true(v.kind == VERDICT_REFUSE && e.body.len == 0);
		arena_deinit(&a);
		if (!lacking)
			break;
	}
	unit_request_deinit(&u);
}

static void requests_to_the_application(void **state)
{
	const struct identity identity = {.subject = SLICE("alice")};
	(void)state;
	unit_request_parse(&u, "forward",
			   "GET /chat/lobby?lang=%61 HTTP/1.1\r\nHost: gate.example.com\r\n"
			   "User-Agent: x\r\n\r\n",
			   slice_of(NULL, 0));
	assert_int_equal(unit_request_dispatch(&u).kind, VERDICT_PASS);
	const struct forward_facts facts = {
		.route = u.dispatch.route,
		.upstream = &unit_upstream,
		.match = &u.dispatch.match,
		.head = &u.parser.head,
		.request = &u.request,
		.identity = &identity,
		.request_id = SLICE("r"),
	};
	FAILMALLOC_EACH (n) {
		struct arena a;
		struct forward out;
		arena_init(&a, 256, 1024 * 1024);
		failmalloc_at(n);
		struct verdict v = forward_build(&facts, &a, &out);
		bool lacking = failmalloc_stop();
		assert_int_equal(v.kind, lacking ? VERDICT_REFUSE : VERDICT_PASS);
		assert_int_equal(v.reason, lacking ? REASON_OVERLOADED : REASON_NONE);
		arena_deinit(&a);
		if (!lacking)
			break;
	}
	unit_request_deinit(&u);
}

static void verified_cookies(void **state)
{
	static const uint8_t secret[32] = {1};
	const struct answer yes = {.kind = ANSWER_YES, .subject = SLICE("alice"), .claims = SLICE("{}")};
	(void)state;
	FAILMALLOC_EACH (n) {
		struct answer got = {0};
		failmalloc_at(n);
		struct verifier_cache *c = verifier_cache_new(secret, 10, 10000);
		if (c)
			verifier_cache_put(c, &unit_identities[0], SLICE("good"), &yes, 1);
		bool known = c && verifier_cache_get(c, &unit_identities[0], SLICE("good"), 2, &got);
		bool lacking = failmalloc_stop();
		/* not remembered is no harm; remembered is remembered right */
		assert_true(known || lacking);
		if (known)
			assert_slice(got.subject, "alice");
		verifier_cache_free(c);
		if (!lacking)
			break;
	}
}

static void tables(void **state)
{
	static const struct siphash_key key;
	(void)state;
	FAILMALLOC_EACH (n) {
		failmalloc_at(n);
		struct limits *l = limits_new(&key, 100);
		bool lacking = failmalloc_stop();
		assert_int_equal(l == NULL, lacking);
		limits_free(l);
		if (!lacking)
			break;
	}
	FAILMALLOC_EACH (n) {
		failmalloc_at(n);
		struct quota *q = quota_new(&key);
		bool lacking = failmalloc_stop();
		assert_int_equal(q == NULL, lacking);
		quota_free(q);
		if (!lacking)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tickets),
		cmocka_unit_test(requests_to_the_application),
		cmocka_unit_test(verified_cookies),
		cmocka_unit_test(tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
