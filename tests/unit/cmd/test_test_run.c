/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/test_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include "cmd/test_read.h"
#include "conf/load.h"

/* The configuration of tests/golden/test. */
static struct snapshot *conf;
static struct test_world *world;
static struct arena arena;
static struct diag diag;
static const struct test_case *one;
static const struct test_result *results;

static int set_up(void **state)
{
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden/test/sallyport.yaml", getenv("SALLYPORT_SOURCE"));
	arena_init(&arena, 1 << 16, 1 << 28);
	diag_init(&diag);
	assert_int_equal(conf_load(path, &conf, &diag), 0);
	world = test_world_new(conf);
	assert_non_null(world);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world = test_world_free(world);
	conf = snapshot_unref(conf);
	diag_deinit(&diag);
	arena_deinit(&arena);
	return 0;
}

/* Runs the one case; its last step's result. */
static const struct test_result *run(const char *says, const char *text)
{
	size_t count;

	diag_deinit(&diag);
	diag_init(&diag);
	arena_reset(&arena);
	if (test_read(SLICE("a"), slice_from_cstr(text), &arena, &diag, &one, &count) || count != 1)
		fail_msg("%s: %.*s", says, SLICE_ARG(diag.entries[0].text));
	if (test_run(world, one, &arena, &results))
		fail_msg("%s: no memory", says);
	return &results[one->step_count - 1];
}

#define AS "as: {sub: ann, claims: {rooms: [a], roles: []}}"
#define CHAT(rest) "- {case: a, route: /chat/a, " AS ", " rest "}"
#define SAY(user, id) "client: {type: message, user: " user ", text: x, id: " id "}"
#define P "{sub: p, claims: {player: 1}}"
#define GAME(rest) "- {case: a, route: /game, as: " P ", steps: [" rest "]}"
#define AT(x) "server: {type: position, player: 1, newposition_x: " x ", newposition_y: 0}"
#define TO(x) "client: {type: move, player: 1, newposition_x: " x ", newposition_y: 0}"
#define SHAKE(rest, expect) "- {case: a, handshake: {" rest "}, expect: {" expect "}}"
#define GOOD_ORIGIN "origin: 'https://chat.example.com'"

static const struct row {
	const char *says, *text;
	bool passed;
	enum test_fate fate;
	enum reason reason;
	const char *at, *differs; /* NULL: none */
} rows[] = {
	/* clang-format off */
	{"forwarded, as nothing else was said", CHAT(SAY("ann", "1")), true, TEST_FORWARDED, 0, NULL, NULL},
	{"refused, though nothing was said", CHAT(SAY("bob", "1")), false, TEST_DROPPED, REASON_RULE, NULL, NULL},
	{"refused, as said", CHAT(SAY("bob", "1") ", expect: {refused: rule}"), true, TEST_DROPPED, REASON_RULE, NULL, NULL},
	{"refused, for another reason than said", CHAT(SAY("bob", "1") ", expect: {refused: schema}"), false, TEST_DROPPED, REASON_RULE, NULL, NULL},
	{"dropped, as said", CHAT(SAY("bob", "1") ", expect: {dropped: rule}"), true, TEST_DROPPED, REASON_RULE, NULL, NULL},
	{"dropped, not closed", CHAT(SAY("bob", "1") ", expect: {closed: rule}"), false, TEST_DROPPED, REASON_RULE, NULL, NULL},
	{"dropped, not replied to", CHAT(SAY("bob", "1") ", expect: {replied: rule}"), false, TEST_DROPPED, REASON_RULE, NULL, NULL},
	{"forwarded, not refused", CHAT(SAY("ann", "1") ", expect: {refused: rule}"), false, TEST_FORWARDED, 0, NULL, NULL},
	{"forwarded, not waiting", CHAT(SAY("ann", "1") ", expect: {waits: true}"), false, TEST_FORWARDED, 0, NULL, NULL},
	{"replied to", CHAT("client: {type: no}, expect: {replied: message_unknown}"), true, TEST_REPLIED, REASON_MESSAGE_UNKNOWN, NULL, NULL},
	{"closed, by a rule of its own", CHAT("client: {type: kick, user: bob}, expect: {closed: rule}"), true, TEST_CLOSED, REASON_RULE, NULL, NULL},
	{"at that place", CHAT(SAY("[]", "1") ", expect: {refused: schema, at: /user}"), true, TEST_DROPPED, REASON_SCHEMA, "/user", NULL},
	{"at another place", CHAT(SAY("[]", "1") ", expect: {refused: schema, at: ''}"), false, TEST_DROPPED, REASON_SCHEMA, "/user", NULL},
	{"at a place, where there is none", CHAT(SAY("bob", "1") ", expect: {refused: rule, at: ''}"), false, TEST_DROPPED, REASON_RULE, NULL, NULL},

	{"that value", CHAT("server: {type: found}, expect: {forwarded: {type: found}}"), true, TEST_FORWARDED, 0, NULL, NULL},
	{"those bytes", CHAT("server: {type: found}, expect: {forwarded_text: '{\"type\":\"found\"}'}"), true, TEST_FORWARDED, 0, NULL, NULL},
	{"the value in other bytes", CHAT("server_text: ' {\"type\": \"found\"}', expect: {forwarded: {type: found}}"), true, TEST_FORWARDED, 0, NULL, NULL},
	{"other bytes", CHAT("server_text: ' {\"type\": \"found\"}', expect: {forwarded_text: '{\"type\":\"found\"}'}"), false, TEST_FORWARDED, 0, NULL, NULL},
	{"those bytes in another frame", CHAT("server: {type: found}, expect: {forwarded_binary: eyJ0eXBlIjoiZm91bmQifQ==}"), false, TEST_FORWARDED, 0, NULL, NULL},
	{"members in another order", CHAT("server: {type: message, user: a, text: b, id: 1}, expect: {forwarded: {id: 1.0, text: b, user: a, type: message}}"), true, TEST_FORWARDED, 0, NULL, NULL},
	{"a member too few", CHAT("server: {type: found, card: x}, expect: {forwarded: {type: found}}"), false, TEST_FORWARDED, 0, NULL, "/card"},
	{"a member too many", CHAT("server: {type: found}, expect: {forwarded: {type: found, card: x}}"), false, TEST_FORWARDED, 0, NULL, "/card"},
	{"another value", CHAT("server: {type: found, card: x}, expect: {forwarded: {card: X, type: found}}"), false, TEST_FORWARDED, 0, NULL, "/card"},
	{"a value of another kind", CHAT("server: {type: found, card: x}, expect: {forwarded: [x]}"), false, TEST_FORWARDED, 0, NULL, ""},
	{"items too few", "- {case: a, route: /open, client: {a: [1, {b: 2}]}, expect: {forwarded: {a: [1]}}}", false, TEST_FORWARDED, 0, NULL, "/a/1"},
	{"items too many", "- {case: a, route: /open, client: {a: [1]}, expect: {forwarded: {a: [1, 2]}}}", false, TEST_FORWARDED, 0, NULL, "/a/1"},
	{"another item", "- {case: a, route: /open, client: {a: [1, {b/~: [2]}]}, expect: {forwarded: {a: [1, {b/~: [3]}]}}}", false, TEST_FORWARDED, 0, NULL, "/a/1/b~1~0/0"},
	{"what is no JSON", "- {case: a, route: /open, client_text: x, expect: {forwarded: x}}", false, TEST_FORWARDED, 0, NULL, NULL},
	{"large integers are not the same", "- {case: a, route: /open, client: 9007199254740993, expect: {forwarded: 9007199254740992}}", false, TEST_FORWARDED, 0, NULL, ""},
	{"a binary frame as it is", "- {case: a, route: /open, client_binary: AAE=, expect: {forwarded_binary: AAE=}}", true, TEST_FORWARDED, 0, NULL, NULL},
	{"a binary frame as text", "- {case: a, route: /open, client_binary: eA==, expect: {forwarded_text: x}}", false, TEST_FORWARDED, 0, NULL, NULL},

	{"remembered", GAME("{" AT("1") "}, {" TO("2") "}"), true, TEST_FORWARDED, 0, NULL, NULL},
	{"not remembered in another case", GAME("{" TO("2") "}"), false, TEST_CLOSED, REASON_RULE, NULL, NULL},
	{"not remembered on another connection", GAME("{" AT("1") "}, {reconnect: true}, {" TO("2") ", expect: {refused: rule}}"), true, TEST_CLOSED, REASON_RULE, NULL, NULL},
	{"not remembered after a close", GAME("{" AT("1") "}, {" TO("99") ", expect: {closed: rule}}, {" TO("2") ", expect: {refused: rule}}"), true, TEST_CLOSED, REASON_RULE, NULL, NULL},
	{"in time", GAME("{" AT("1") "}, {after: 10s, " TO("2") "}"), true, TEST_FORWARDED, 0, NULL, NULL},
	{"too late", GAME("{" AT("1") "}, {after: 9s}, {after: 1001ms, " TO("2") ", expect: {refused: out_of_turn}}"), true, TEST_CLOSED, REASON_OUT_OF_TURN, NULL, NULL},
	{"the application, too, is judged", GAME("{server: {type: position, player: 2, newposition_x: 1, newposition_y: 1}}"), false, TEST_DROPPED, REASON_SERVER_RULE, NULL, NULL},
	{"counted over connections", CHAT("steps: [{" SAY("ann", "1") "}, {reconnect: true}, {" SAY("ann", "1") ", expect: {refused: replay}}]"), true, TEST_DROPPED, REASON_REPLAY, "/id", NULL},
	{"a message waits", CHAT("steps: [{client: {type: search, q: a}}, {client: {type: search, q: b}, expect: {waits: true}}]"), true, TEST_WAITS, 0, NULL, NULL},
	{"a message does not wait, though it was said", CHAT("steps: [{client: {type: search, q: a}, expect: {waits: true}}]"), false, TEST_FORWARDED, 0, NULL, NULL},
	{"a message has waited", CHAT("steps: [{client: {type: search, q: a}}, {client: {type: search, q: b}, expect: {waits: true}}, {server: {type: found}}, {expect: {forwarded: {type: search, q: b}}}]"), true, TEST_FORWARDED, 0, NULL, NULL},
	{"a message waits still", CHAT("steps: [{client: {type: search, q: a}}, {client: {type: search, q: b}, expect: {waits: true}}, {expect: {forwarded: true}}]"), false, TEST_WAITS, 0, NULL, NULL},
	{"no message waits", CHAT("steps: [{expect: {waits: true}}]"), false, TEST_BROKEN, 0, NULL, NULL},
	{"time passes, and it was a connection's first step", CHAT("steps: [{after: 1h}]"), true, TEST_QUIET, 0, NULL, NULL},

	{"not let in", "- {case: a, route: /chat/b, " AS ", " SAY("ann", "1") "}", false, TEST_FORBIDDEN, REASON_NOT_ALLOWED, NULL, NULL},
	{"not let in, as said", "- {case: a, route: /chat/b, " AS ", " SAY("ann", "1") ", expect: {refused: not_allowed}}", true, TEST_FORBIDDEN, REASON_NOT_ALLOWED, NULL, NULL},
	{"not let in again either", "- {case: a, route: /chat/b, " AS ", steps: [{reconnect: true}]}", false, TEST_FORBIDDEN, REASON_NOT_ALLOWED, NULL, NULL},
	{"nobody", "- {case: a, route: /chat/a, " SAY("ann", "1") "}", false, TEST_FORBIDDEN, REASON_CREDENTIAL_MISSING, NULL, NULL},
	{"a handshake", SHAKE("route: /chat/a, " GOOD_ORIGIN ", " AS, "allowed: true"), true, TEST_ALLOWED, 0, NULL, NULL},
	{"a handshake, not refused", SHAKE("route: /chat/a, " GOOD_ORIGIN ", " AS, "refused: not_allowed"), false, TEST_ALLOWED, 0, NULL, NULL},
	{"a handshake, refused", SHAKE("route: /chat/b, " GOOD_ORIGIN ", " AS, "allowed: true"), false, TEST_FORBIDDEN, REASON_NOT_ALLOWED, NULL, NULL},
	{"the origin before who it is", SHAKE("route: /chat/b, origin: 'https://a.example'", "refused: origin_not_allowed"), true, TEST_FORBIDDEN, REASON_ORIGIN_NOT_ALLOWED, NULL, NULL},
	{"no origin", SHAKE("route: /chat/a, " AS, "refused: origin_missing"), true, TEST_FORBIDDEN, REASON_ORIGIN_MISSING, NULL, NULL},
	{"the origin of our own pages", SHAKE("route: /game, origin: same, as: " P, "allowed: true"), true, TEST_ALLOWED, 0, NULL, NULL},
	{"the same, written out", SHAKE("route: /game, origin: 'https://localhost:8443', as: " P, "allowed: true"), true, TEST_ALLOWED, 0, NULL, NULL},
	{"the same without TLS", SHAKE("route: /game, tls: false, origin: 'https://localhost:8443', as: " P, "allowed: true"), false, TEST_FORBIDDEN, REASON_ORIGIN_NOT_ALLOWED, NULL, NULL},
	{"under another name", SHAKE("route: /game, host: g.example, origin: 'https://g.example', as: " P, "allowed: true"), true, TEST_ALLOWED, 0, NULL, NULL},
	{"our own page is no page of the chat", SHAKE("route: /chat/a, origin: same, " AS, "allowed: true"), false, TEST_FORBIDDEN, REASON_ORIGIN_NOT_ALLOWED, NULL, NULL},
	{"anyone, as nobody", SHAKE("route: /open", "allowed: true"), true, TEST_ALLOWED, 0, NULL, NULL},
	{"anyone, with a name", SHAKE("route: /open, as: {sub: a}", "allowed: true"), false, TEST_BROKEN, 0, NULL, NULL},
	{"an identity that is none", SHAKE("route: /game, origin: same, as: {sub: a, via: b}", "allowed: true"), false, TEST_BROKEN, 0, NULL, NULL},
	{"an identity that the route does not take", SHAKE("route: /chat/a, " GOOD_ORIGIN ", as: {sub: a, via: guest}", "refused: credential_missing"), true, TEST_FORBIDDEN, REASON_CREDENTIAL_MISSING, NULL, NULL},
	{"through a ticket", SHAKE("route: /game, origin: same, as: {sub: a, via: session}", "allowed: true"), true, TEST_ALLOWED, 0, NULL, NULL},
	{"nowhere", SHAKE("route: /a, origin: same, as: {sub: a}", "refused: route_unknown"), true, TEST_FORBIDDEN, REASON_ROUTE_UNKNOWN, NULL, NULL},
	{"a head too large", SHAKE("route: /open, headers: {a: a, b: b, a1: a, b1: b, a2: a, b2: b, a3: a, b3: b, a4: a, b4: b, a5: a, b5: b, a6: a, b6: b, a7: a, b7: b, a8: a, b8: b, a9: a, b9: b, "
		"c: a, d: b, c1: a, d1: b, c2: a, d2: b, c3: a, d3: b, c4: a, d4: b, c5: a, d5: b, c6: a, d6: b, c7: a, d7: b, c8: a, d8: b, c9: a, d9: b, "
		"e: a, f: b, e1: a, f1: b, e2: a, f2: b, e3: a, f3: b, e4: a, f4: b, e5: a, f5: b, e6: a, f6: b, e7: a, f7: b, e8: a, f8: b, e9: a, f9: b}", "refused: head_too_large"), true, TEST_FORBIDDEN, REASON_HEAD_TOO_LARGE, NULL, NULL},
	/* clang-format on */
};

static void cases_come_out_as_they_should(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		const struct test_result *r = run(at->says, at->text);
		if (r->fate != at->fate || r->reason != at->reason)
			fail_msg("%s: fate %d, reason %s", at->says, r->fate, reason_word(r->reason));
		ROW_CHECK(at, r->passed == at->passed);
		ROW_CHECK(at, r->has_pointer == (at->at != NULL));
		if (at->at)
			ROW_EQ(at, r->pointer, slice_from_cstr(at->at));
		ROW_CHECK(at, (r->differs.data != NULL) == (at->differs != NULL));
		if (at->differs)
			ROW_EQ(at, r->differs, slice_from_cstr(at->differs));
	}
}

static void a_step_behind_a_close_is_on_a_new_connection(void **state)
{
	(void)state;
	run(__func__, CHAT("steps: [{client: {type: kick, user: a}, expect: {closed: rule}}, "
			   "{after: 1s}, {" SAY("ann", "1") "}, {" SAY("ann", "2") "}]"));
	assert_false(results[0].reconnected || results[1].reconnected || results[3].reconnected);
	assert_true(results[2].reconnected && results[2].passed && results[3].passed);
}

/* --- coverage */

static const struct test_rule *rule_of(const char *id, bool from_client)
{
	const struct test_cover *c = test_world_cover(world);

	for (size_t i = 0; i < c->count; i++) {
		const struct conf_rule *rule = c->rules[i].rule;
		struct slice name = !rule ? SLICE("allow") : rule->wildcard ? SLICE("*") : rule->id;
		if (slice_eq(name, slice_from_cstr(id)) && c->rules[i].from_client == from_client)
			return &c->rules[i];
	}
	fail_msg("no rule %s", id);
	return NULL;
}

static const struct {
	const char *says, *text, *id;
	bool from_client;
	unsigned allowed, refused;
} covered[] = {
	/* clang-format off */
	{"a message that was allowed", CHAT(SAY("ann", "1")), "message", true, 1, 0},
	{"a message that was refused", CHAT(SAY("bob", "1")), "message", true, 0, 1},
	{"a message that was none", CHAT(SAY("[]", "1")), "message", true, 0, 0},
	{"a replay", CHAT("steps: [{" SAY("ann", "1") "}, {" SAY("ann", "1") "}]"), "message", true, 1, 1},
	{"a message for which there is the rule for all", CHAT("server: {type: found}"), "*", false, 1, 0},
	{"another one", CHAT("server: {type: message, user: a, text: b, id: 1}"), "*", false, 1, 0},
	{"a message that waits", CHAT("steps: [{client: {type: search, q: a}}, {client: {type: search, q: b}}]"), "search", true, 2, 0},
	{"a route that only observes", GAME("{" AT("1") "}, {" TO("99") "}"), "move", true, 0, 1},
	{"who was let in", SHAKE("route: /chat/a, " GOOD_ORIGIN ", " AS, "allowed: true"), "allow", false, 1, 0},
	{"who was not", SHAKE("route: /chat/b, " GOOD_ORIGIN ", " AS, "allowed: true"), "allow", false, 0, 1},
	{"who did not come so far", SHAKE("route: /chat/b, " AS, "allowed: true"), "allow", false, 0, 0},
	/* clang-format on */
};

static void what_was_exercised_is_counted(void **state)
{
	(void)state;
	EACH_ROW (at, covered) {
		world = test_world_free(world);
		world = test_world_new(conf);
		run(at->says, at->text);
		const struct test_rule *rule = rule_of(at->id, at->from_client);
		ROW_CHECK(at, rule->allowed == at->allowed && rule->refused == at->refused);
	}
	assert_int_equal(test_world_cover(world)->count, 7);
}

static void what_a_rule_can_do_is_asked_of_it(void **state)
{
	(void)state;
	assert_true(rule_of("message", true)->can_refuse && rule_of("message", true)->can_allow);
	assert_true(rule_of("allow", false)->can_refuse);
	assert_false(rule_of("search", true)->can_refuse || rule_of("*", false)->can_refuse);
	world = test_world_free(world);
	world = test_world_new(conf);
	assert_true(test_rule_unallowed(rule_of("*", false)) && !test_rule_unrefused(rule_of("*", false)));
	assert_true(test_rule_unallowed(rule_of("kick", true)) && test_rule_unrefused(rule_of("kick", true)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_come_out_as_they_should),
		cmocka_unit_test(a_step_behind_a_close_is_on_a_new_connection),
		cmocka_unit_test(what_was_exercised_is_counted),
		cmocka_unit_test(what_a_rule_can_do_is_asked_of_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
