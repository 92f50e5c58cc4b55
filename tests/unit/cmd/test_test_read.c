/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/test_read.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

#include "base/buf.h"

static struct arena arena;
static struct diag diag;
static const struct test_case *cases;
static size_t count;

static int read_text(const char *text)
{
	diag_deinit(&diag);
	diag_init(&diag);
	diag_set_source(&diag, SLICE("cases.yaml"), slice_from_cstr(text));
	arena_reset(&arena);
	return test_read(SLICE("cases.yaml"), slice_from_cstr(text), &arena, &diag, &cases, &count);
}

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 16, 1 << 26);
	diag_init(&diag);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_deinit(&arena);
	diag_deinit(&diag);
	return 0;
}

/* --- what is wrong, and where */

#define CASE "- case: a\n  route: /a\n"

static const struct {
	const char *says, *text;
	uint32_t line, column;
	const char *sentence, *help; /* part of */
} wrong[] = {
	/* clang-format off */
	{"nothing at all", "", 1, 1, "a list of cases", "`- case: ...`"},
	{"an empty list", "[]", 1, 1, "a list of cases", ""},
	{"a map", "case: a\n", 1, 1, "a list of cases, and here is a map", ""},
	{"not YAML", "- case: [\n", 0, 0, "not YAML", ""},
	{"a case that is a text", "- a\n", 1, 3, "a case is a map", ""},
	{"no name", "- route: /a\n  client: {}\n", 1, 3, "the case has no name", "`- case:"},
	{"an empty name", "- case:\n  route: /a\n  client: {}\n", 1, 3, "`case` is a text", ""},
	{"an unknown key", CASE "  client: {}\n  expcet: {refused: rule}\n", 4, 3, "no key `expcet` in a case", "`expect`"},
	{"a key twice", CASE "  client: {}\n  client: {}\n", 4, 3, "`client` is there twice", ""},
	{"no route", "- case: a\n  client: {}\n", 1, 3, "`route` is missing", "/chat/lobby"},
	{"a route with a query", "- case: a\n  route: /a?b=c\n  client: {}\n", 2, 10, "a path without a query", "`query:"},
	{"a route that is no path", "- case: a\n  route: chat\n  client: {}\n", 2, 10, "no path", ""},
	{"a route that climbs", "- case: a\n  route: /a/../b\n  client: {}\n", 2, 10, "no path", ""},
	{"a route with a space", "- case: a\n  route: /a b\n  client: {}\n", 2, 10, "no path", "%C3%A9"},
	{"nothing to do", CASE, 1, 3, "the case does nothing", "`handshake:`"},
	{"only something expected", CASE "  expect: {refused: rule}\n", 1, 3, "the case does nothing", ""},
	{"two messages", CASE "  client: {}\n  server: {}\n", 4, 3, "a second message", "`steps:`"},
	{"two forms of one", CASE "  client_text: a\n  client: {}\n", 4, 3, "a second message", ""},
	{"steps beside a message", CASE "  client: {}\n  steps: [{client: {}}]\n", 3, 3, "`client` cannot stand here", "`steps`"},
	{"steps beside what is expected", CASE "  expect: {refused: rule}\n  steps: [{client: {}}]\n", 3, 3, "`expect` cannot stand here", ""},
	{"steps that are no list", CASE "  steps: {client: {}}\n", 3, 10, "`steps` is a list", ""},
	{"no steps", CASE "  steps: []\n", 3, 10, "`steps` is a list", ""},
	{"a step that is no map", CASE "  steps: [a]\n", 3, 11, "a step is a map", ""},
	{"an empty step", CASE "  steps: [{}]\n", 3, 11, "the step does nothing", ""},
	{"an unknown key of a step", CASE "  steps: [{clinet: {}}]\n", 3, 12, "no key `clinet` in a step", "`client`"},
	{"a case's key in a step", CASE "  steps: [{client: {}, as: {sub: a}}]\n", 3, 24, "no key `as` in a step", ""},
	{"after without a unit", CASE "  steps: [{after: 10}]\n", 3, 19, "`after` is a duration", "500ms"},
	{"after too long", CASE "  steps: [{after: 9999d}]\n", 3, 19, "more than a year", ""},
	{"reconnect: false", CASE "  steps: [{reconnect: false}]\n", 3, 23, "does nothing", "remove"},
	{"reconnect beside a message", CASE "  steps: [{reconnect: true, client: {}}]\n", 3, 12, "beside a message", "of its own"},
	{"something expected of it", CASE "  steps: [{reconnect: true, expect: {forwarded: true}}]\n", 3, 29, "of `reconnect`", ""},

	{"a message without a value", CASE "  client:\n", 3, 3, "`client` has no value", "`null`"},
	{"JSON as a text", CASE "  client: '{\"a\": 1}'\n", 3, 12, "a JSON string", "`client_text`"},
	{"a list as a text", CASE "  server: '[1]'\n", 3, 12, "a JSON string", "`server_text`"},
	{"infinity", CASE "  client: {a: .inf}\n", 3, 11, "no infinities", ""},
	{"a text that is a map", CASE "  client_text: {}\n", 3, 16, "`client_text` is a text", "quotes"},
	{"base64 that is none", CASE "  client_binary: AAA\n", 3, 18, "not base64", "padded"},

	{"nobody", CASE "  as: {}\n  client: {}\n", 3, 7, "`sub` is missing", "has no `as`"},
	{"an empty subject", CASE "  as: {sub: ''}\n  client: {}\n", 3, 14, "`sub` is empty", "has no `as`"},
	{"as a text", CASE "  as: user1\n  client: {}\n", 3, 7, "an identity (`as`) is a map", ""},
	{"an unknown key of an identity", CASE "  as: {sub: a, claim: {}}\n  client: {}\n", 3, 16, "no key `claim`", "`claims`"},
	{"claims that are a list", CASE "  as: {sub: a, claims: []}\n  client: {}\n", 3, 24, "`claims` is a map", ""},
	{"claims that no credential has", CASE "  as: {sub: a, claims: {__proto__: 1}}\n  client: {}\n", 3, 24, "json_forbidden_key", ""},
	{"an origin that is null", CASE "  origin: null\n  client: {}\n", 3, 11, "`origin` is a text", "`missing`"},
	{"an origin with a line break", CASE "  origin: \"a\\nb\"\n  client: {}\n", 3, 12, "cannot stand in a header", ""},
	{"a host that is none", CASE "  host: a/b\n  client: {}\n", 3, 9, "`host` is no Host", ""},
	{"an address that is none", CASE "  ip: 1.2.3\n  client: {}\n", 3, 7, "no address", "2001:db8::1"},
	{"tls: maybe", CASE "  tls: maybe\n  client: {}\n", 3, 8, "yes or no", "`true`"},
	{"tls: \"true\"", CASE "  tls: \"true\"\n  client: {}\n", 3, 9, "yes or no", "`true`"},
	{"headers that are a list", CASE "  headers: [a]\n  client: {}\n", 3, 12, "`headers` is a map", ""},
	{"a header without a name", CASE "  headers: {'a b': c}\n  client: {}\n", 3, 14, "no name of a header field", ""},
	{"a smuggled header", CASE "  headers: {a: \"b\\r\\nHost: c\"}\n  client: {}\n", 3, 17, "cannot stand in a header", ""},
	{"a header of ours", CASE "  headers: {HOST: a}\n  client: {}\n", 3, 13, "written by the test itself", "`host:`"},
	{"framing", CASE "  headers: {Content-Length: 1}\n  client: {}\n", 3, 13, "written by the test itself", ""},
	{"a query that is a text", CASE "  query: a=b\n  client: {}\n", 3, 10, "`query` is a map", ""},
	{"a time without a zone", "- case: a\n  now: 2026-06-01T12:00:00\n  route: /a\n  client: {}\n", 2, 8, "a time in UTC", "2026-06-01"},
	{"a day that is none", "- case: a\n  now: 2026-02-30T12:00:00Z\n  route: /a\n  client: {}\n", 2, 8, "a time in UTC", ""},
	{"a year of two digits", "- case: a\n  now: 26-02-03T12:00:00Z\n  route: /a\n  client: {}\n", 2, 8, "a time in UTC", ""},

	{"what is expected is a text", CASE "  client: {}\n  expect: forwarded\n", 4, 11, "what is expected is a map", ""},
	{"nothing is expected", CASE "  client: {}\n  expect: {}\n", 4, 11, "nothing is expected", "`forwarded: true`"},
	{"only a place is expected", CASE "  client: {}\n  expect: {at: ''}\n", 4, 11, "nothing is expected", ""},
	{"two things are expected", CASE "  client: {}\n  expect: {forwarded: true, refused: rule}\n", 4, 29, "only one thing", ""},
	{"an unknown expectation", CASE "  client: {}\n  expect: {refuse: rule}\n", 4, 12, "no key `refuse`", "`refused`"},
	{"an unknown reason", CASE "  client: {}\n  expect: {refused: shema}\n", 4, 21, "no reason `shema`", "`schema`"},
	{"a reason like no other", CASE "  client: {}\n  expect: {refused: xyzzy}\n", 4, 21, "no reason `xyzzy`", "list reasons"},
	{"no reason", CASE "  client: {}\n  expect: {refused: }\n", 4, 12, "`refused` is a text", ""},
	{"forwarded: false", CASE "  client: {}\n  expect: {forwarded: false}\n", 4, 23, "too little", "`refused: `"},
	{"waits: 1", CASE "  client: {}\n  expect: {waits: 1}\n", 4, 19, "yes or no", ""},
	{"a message that is allowed", CASE "  client: {}\n  expect: {allowed: true}\n", 4, 12, "`allowed` cannot be expected", "`forwarded: `"},
	{"an application that is replied to", CASE "  server: {}\n  expect: {replied: rule}\n", 4, 12, "`replied` cannot be expected", "`closed: `"},
	{"an application that waits", CASE "  server: {}\n  expect: {waits: true}\n", 4, 12, "`waits` cannot be expected", ""},
	{"a pointer that is none", CASE "  client: {}\n  expect: {refused: schema, at: user}\n", 4, 33, "a JSON Pointer", "/user"},
	{"a pointer into what is forwarded", CASE "  client: {}\n  expect: {forwarded: true, at: /user}\n", 4, 29, "`at` says where", ""},
	{"a waiting message that is refused", CASE "  steps: [{expect: {refused: rule}}]\n", 3, 21, "`refused` cannot be expected", "`waits: true`"},

	{"a route beside a handshake", CASE "  handshake: {route: /a}\n", 2, 3, "`route` cannot stand here", "`handshake`"},
	{"a message beside a handshake", "- case: a\n  handshake: {route: /a}\n  client: {}\n", 3, 3, "`client` cannot stand here", ""},
	{"a handshake that is a text", "- case: a\n  handshake: /a\n", 2, 14, "a handshake is a map", ""},
	{"an unknown key of a handshake", "- case: a\n  handshake: {route: /a, cookie: a}\n", 2, 26, "no key `cookie` in a handshake", ""},
	{"a handshake without a route", "- case: a\n  handshake: {origin: same}\n", 2, 14, "`route` is missing", ""},
	{"a handshake that is forwarded", "- case: a\n  handshake: {route: /a}\n  expect: {forwarded: true}\n", 3, 12, "`forwarded` cannot be expected", "`allowed: true`"},
	{"a handshake that is dropped", "- case: a\n  handshake: {route: /a}\n  expect: {dropped: rule}\n", 3, 12, "`dropped` cannot be expected", ""},
	{"allowed: false", "- case: a\n  handshake: {route: /a}\n  expect: {allowed: false}\n", 3, 21, "too little", ""},
	/* clang-format on */
};

static bool holds(struct slice text, const char *part)
{
	size_t len = strlen(part);

	for (size_t at = 0; len && at + len <= text.len; at++)
		if (memcmp(text.data + at, part, len) == 0)
			return true;
	return len == 0;
}

static void what_is_wrong_is_said_where_it_is(void **state)
{
	(void)state;
	EACH_ROW (at, wrong) {
		int r = read_text(at->text);
		ROW_CHECK(at, r == TEST_WRONG);
		ROW_CHECK(at, diag.errors >= 1 && diag.count >= 1);
		diag_sort(&diag);
		const struct diag_entry *e = &diag.entries[0];
		if (!holds(e->text, at->sentence))
			fail_msg("%s: said \"%.*s\"", at->says, SLICE_ARG(e->text));
		if (!holds(e->help, at->help))
			fail_msg("%s: helped with \"%.*s\"", at->says, SLICE_ARG(e->help));
		/* For a quoted text it is where the text itself begins. */
		if (at->line && (e->place.line != at->line || e->place.column != at->column))
			fail_msg("%s: at %u:%u", at->says, e->place.line, e->place.column);
	}
}

static void everything_that_is_wrong_is_said(void **state)
{
	(void)state;
	assert_int_equal(read_text("- case: a\n  route: b\n  ip: c\n  as: {}\n  client: {}\n"
				   "- case: b\n  route: /\n  steps:\n  - client: {}\n    expect: {}\n"
				   "  - after: x\n"),
			 TEST_WRONG);
	assert_int_equal(diag.errors, 5);
}

/* --- what is read */

static const struct test_case *read_one(const char *text)
{
	int r = read_text(text);

	if (r) {
		struct buf out;
		buf_init(&out, 1 << 16);
		assert_int_equal(diag_print(&diag, &out), 0);
		fail_msg("%.*s", SLICE_ARG(buf_slice(&out)));
	}
	assert_int_equal(count, 1);
	return &cases[0];
}

static void a_case_says_who_and_where(void **state)
{
	(void)state;
	const struct test_case *c = read_one("# first\n- case: somebody\n"
					     "  now: 2030-02-03T04:05:06Z\n"
					     "  route: /chat/%C3%A9\n"
					     "  as: {sub: 17, claims: {rooms: [a, b], n: 1.50}, via: token}\n"
					     "  origin: https://a.example\n  host: a.example:8443\n"
					     "  ip: '2001:db8::1'\n  tls: true\n"
					     "  headers: {User-Agent: x, X-Empty: ''}\n"
					     "  query: {a: '1 2'}\n"
					     "  client: {b: 1, a: [null, yes, ~, 'yes']}\n");
	const struct test_client *who = &c->client;

	assert_slice(c->name, "somebody");
	assert_slice(c->file, "cases.yaml");
	assert_int_equal(c->line, 2);
	assert_int_equal(c->now_unix_ms, UINT64_C(1896321906000));
	assert_slice(who->path, "/chat/%C3%A9");
	assert_true(who->known);
	assert_slice(who->subject, "17");
	assert_slice(who->claims, "{\"rooms\":[\"a\",\"b\"],\"n\":1.50}");
	assert_slice(who->via, "token");
	assert_int_equal(who->origin_kind, TEST_ORIGIN_GIVEN);
	assert_slice(who->origin, "https://a.example");
	assert_slice(who->host, "a.example:8443");
	assert_int_equal(who->address.family, 6);
	assert_true(who->has_tls && who->tls);
	assert_int_equal(who->header_count, 2);
	assert_slice(who->headers[0].name, "User-Agent");
	assert_slice(who->headers[1].value, "");
	assert_int_equal(who->query_count, 1);
	assert_slice(who->query[0].value, "1 2");
	assert_int_equal(c->step_count, 1);
	assert_int_equal(c->steps[0].kind, TEST_CLIENT);
	assert_slice(c->steps[0].message, "{\"b\":1,\"a\":[null,\"yes\",null,\"yes\"]}");
	assert_int_equal(c->steps[0].expect.fate, TEST_FORWARDED);
	assert_int_equal(c->steps[0].expect.compare, TEST_ANYTHING);
}

static void what_is_not_said_has_a_meaning(void **state)
{
	(void)state;
	const struct test_case *c = read_one("- {case: a, route: /, server: x}\n");

	assert_int_equal(c->now_unix_ms, TEST_BEGIN_UNIX_MS);
	assert_false(c->client.known || c->client.has_tls || c->client.host.len);
	assert_int_equal(c->client.origin_kind, TEST_ORIGIN_ALLOWED);
	assert_int_equal(c->steps[0].kind, TEST_SERVER);
	assert_slice(c->steps[0].message, "\"x\"");

	c = read_one("- {case: a, handshake: {route: /, as: {sub: a}}}\n");
	assert_int_equal(c->client.origin_kind, TEST_ORIGIN_MISSING);
	assert_slice(c->client.claims, "{}");
	assert_int_equal(c->steps[0].kind, TEST_HANDSHAKE);
	assert_int_equal(c->steps[0].expect.fate, TEST_ALLOWED);

	c = read_one("- {case: a, handshake: {route: /, origin: same}, expect: {refused: csrf_missing}}\n");
	assert_int_equal(c->client.origin_kind, TEST_ORIGIN_SAME);
	assert_int_equal(c->steps[0].expect.reason, REASON_CSRF_MISSING);
	assert_true(c->steps[0].expect.any_refusal);
}

static void messages_have_several_forms(void **state)
{
	(void)state;
	const struct test_case *c = read_one("- case: a\n  route: /\n  steps:\n"
					     "  - client_text: '{\"a\":1,\"a\":2}'\n"
					     "    expect: {closed: json_duplicate_key}\n"
					     "  - client_text: ''\n"
					     "    expect: {forwarded_text: ' x'}\n"
					     "  - client_binary: AAEC/w==\n"
					     "    expect: {forwarded_binary: '/w=='}\n"
					     "  - server_binary: ''\n"
					     "    expect: {dropped: server_schema, at: ''}\n"
					     "  - server: 12345678901234567890\n"
					     "    expect: {forwarded: null}\n"
					     "  - after: 1500ms\n"
					     "    client: {}\n"
					     "    expect: {waits: true}\n"
					     "  - expect: {forwarded: {a: 1}}\n"
					     "  - after: 1m\n"
					     "  - reconnect: true\n");
	const struct test_step *s = c->steps;

	assert_int_equal(c->step_count, 9);
	assert_slice(s[0].message, "{\"a\":1,\"a\":2}");
	assert_int_equal(s[0].line, 4);
	assert_int_equal(s[0].expect.fate, TEST_CLOSED);
	assert_false(s[0].expect.any_refusal || s[0].binary);
	assert_slice(s[1].message, "");
	assert_int_equal(s[1].expect.compare, TEST_AS_TEXT);
	assert_slice(s[1].expect.value, " x");
	assert_true(s[2].binary);
	assert_int_equal(s[2].message.len, 4);
	assert_memory_equal(s[2].message.data, "\0\1\2\xff", 4);
	assert_int_equal(s[2].expect.compare, TEST_AS_BINARY);
	assert_memory_equal(s[2].expect.value.data, "\xff", 1);
	assert_int_equal(s[3].kind, TEST_SERVER);
	assert_int_equal(s[3].message.len, 0);
	assert_true(s[3].expect.has_at);
	assert_slice(s[4].message, "12345678901234567890");
	assert_int_equal(s[4].expect.compare, TEST_AS_JSON);
	assert_slice(s[4].expect.value, "null");
	assert_int_equal(s[5].after_ms, 1500);
	assert_int_equal(s[5].expect.fate, TEST_WAITS);
	assert_int_equal(s[6].kind, TEST_WAITING);
	assert_int_equal(s[7].kind, TEST_PAUSE);
	assert_int_equal(s[7].after_ms, 60000);
	assert_int_equal(s[8].kind, TEST_RECONNECT);
}

static void every_reason_can_be_expected(void **state)
{
	char text[200];

	(void)state;
	for (int i = 1; i < REASON_COUNT; i++) {
		snprintf(text, sizeof(text), "- {case: a, route: /, client: 1, expect: {refused: %s}}",
			 reason_word((enum reason)i));
		assert_int_equal(read_one(text)->steps[0].expect.reason, i);
	}
}

static void without_memory_nothing_is_read(void **state)
{
	const char *text = "- {case: a, route: /, as: {sub: b}, headers: {c: d}, client: [1, 2]}";

	(void)state;
	for (size_t max = 0;; max += 64) {
		struct arena small;
		arena_init(&small, 64, max);
		diag_deinit(&diag);
		diag_init(&diag);
		int r = test_read(SLICE("a"), slice_from_cstr(text), &small, &diag, &cases, &count);
		arena_deinit(&small);
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_true(max < 1 << 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_said_where_it_is),
		cmocka_unit_test(everything_that_is_wrong_is_said),
		cmocka_unit_test(a_case_says_who_and_where),
		cmocka_unit_test(what_is_not_said_has_a_meaning),
		cmocka_unit_test(messages_have_several_forms),
		cmocka_unit_test(every_reason_can_be_expected),
		cmocka_unit_test(without_memory_nothing_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
