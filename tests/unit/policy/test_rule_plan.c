/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a message when one of its shape was let through before. */
#include "rules_world.h"

#define SAID(text)     "{\"type\":\"said\",\"text\":\"" text "\"}"
#define CLIENT(second) true, SAY("user1", "hi"), second
#define SERVER(second) false, SAID("hi"), second

/* The second of its shape is known: it passes without being asked by all the gates. */
static const struct row {
	const char *says, *rule;
	bool client;
	const char *first, *second;
	bool known;
	enum reason reason;
} rows[] = {
	{"nothing is asked", "true", CLIENT(SAY("u", "ho")), true, REASON_NONE},
	{"a subject", "message.user == identity.sub", CLIENT(SAY("user1", "ho")), true,
	 REASON_NONE},
	{"another's", "message.user == identity.sub", CLIENT(SAY("user2", "ho")), false,
	 REASON_RULE},
	{"either", "message.user == 'x' || message.id < 2", CLIENT(SAY("y", "ho")), true,
	 REASON_NONE},
	{"a path", "request.path != '/' && message.user != ''", CLIENT(SAY("u", "ho")), true,
	 REASON_NONE},
	{"a call", "message.user.size() < 9", CLIENT(SAY("u", "ho")), false, REASON_NONE},
	{"a time", "message.user != string(now)", CLIENT(SAY("u", "ho")), false, REASON_NONE},
	{"nothing to escape", "true, text: {text: escape}", CLIENT(SAY("u", "ho")), true,
	 REASON_NONE},
	{"something to escape", "true, text: {text: escape}", CLIENT(SAY("u", "<")), false,
	 REASON_NONE},
	{"nothing to strip", "true, text: {text: strip}", CLIENT(SAY("u", "1 < 2")), true,
	 REASON_NONE},
	{"something to strip", "true, text: {text: strip}", CLIENT(SAY("u", "<b>")), false,
	 REASON_NONE},
	{"nothing to refuse", "true, text: {'*': refuse}", CLIENT(SAY("u", "ho")), true,
	 REASON_NONE},
	{"something to refuse", "true, text: {'*': refuse}", CLIENT(SAY("<b>", "ho")), false,
	 REASON_MARKUP},
	{"what may be anything", "true, text: {text: html}", CLIENT(SAY("u", "ho")), false,
	 REASON_NONE},
	{"a rate", "true, rate: 1/m burst 2", CLIENT(SAY("u", "ho")), true, REASON_NONE},
	{"a rate that is used up", "true, rate: 1/m burst 1", CLIENT(SAY("u", "ho")), false,
	 REASON_MESSAGE_RATE},
	{"a schema", "true", CLIENT(SAY("a name of more than twenty", "ho")), false, REASON_SCHEMA},
	{"a set", "true, set: {user: identity.sub}", CLIENT(SAY("u", "ho")), false, REASON_NONE},
	{"an order", "true, after: {position: 10s}", CLIENT(SAY("u", "ho")), false, REASON_NONE},
	{"a value once", "true, unique: {by: text, within: 1m}", CLIENT(SAY("u", "hi")), false,
	 REASON_REPLAY},
	{"a cost", "true, cost: 6", CLIENT(SAY("u", "ho")), false, REASON_COST_EXCEEDED},
	{"an injection", "true, detect: {xss: [text]}", CLIENT(SAY("u", "<script>x</script>")),
	 false, REASON_INJECTION},
	{"an operation", "true, running: {at_most: 1, until: report, deadline: 1m}",
	 CLIENT(SAY("u", "ho")), false, REASON_BUSY},
	{"nothing is asked", "true", SERVER(SAID("ho")), true, REASON_NONE},
	{"another text", "message.text != 'no'", SERVER(SAID("ho")), true, REASON_NONE},
	{"that text", "message.text != 'no'", SERVER(SAID("no")), false, REASON_SERVER_RULE},
	{"a drop", "true, drop: [text]", SERVER(SAID("ho")), false, REASON_NONE},
	{"a redaction", "true, redact: [email]", SERVER(SAID("ho")), false, REASON_NONE},
	{"a memory", "true, remember: true", SERVER(SAID("ho")), false, REASON_NONE},
	{"markup", "true, text: {text: refuse}", SERVER(SAID("<b>")), false, REASON_SERVER_RULE},
};

static void world_with(struct world *w, const struct row *r)
{
	char route[1024];

	snprintf(route, sizeof(route),
		 "    contract: chat.asyncapi.yaml\n"
		 "    limits: {cost: 10/m burst 10}\n"
		 "    rules:\n"
		 "      client: {say: {allow: %s}, '*': {allow: true}}\n"
		 "      server: {said: {allow: %s}, '*': {allow: true}}\n",
		 r->client ? r->rule : "true", r->client ? "true" : r->rule);
	world_init(w, route);
}

static bool is_known(struct world *w, bool client, const char *text, struct judgement *j)
{
	return judge_known(w, w->rules, client, slice_from_cstr(text), j);
}

static void the_second_of_its_shape(void **state)
{
	(void)state;
	EACH_ROW (r, rows) {
		struct judgement j;
		struct world w;

		world_with(&w, r);
		ROW_CHECK(r, !is_known(&w, false, "{\"type\":\"position\",\"x\":1}", &j));
		ROW_CHECK(r, !is_known(&w, r->client, r->first, &j));
		ROW_CHECK(r, j.reason == REASON_NONE);
		ROW_CHECK(r, is_known(&w, r->client, r->second, &j) == r->known);
		ROW_CHECK(r, j.reason == r->reason);
		ROW_CHECK(r, j.rule && j.finding.line);
		if (r->known)
			ROW_CHECK(r, !j.rewritten && !j.waits && !j.asks && !j.text.len);
		world_deinit(&w);
	}
}

/* What waits for a message of the application's is told of it, known or not. */
static void what_ends_an_operation_is_seen(void **state)
{
	static const char report[] = "{\"type\":\"report\"}", job[] = "{\"type\":\"export\"}";
	struct judgement j;
	struct world w;

	(void)state;
	world_init(&w, "    contract: chat.asyncapi.yaml\n"
		       "    rules:\n"
		       "      client: {export: {allow: true, running: {at_most: 1, until: report, "
		       "deadline: 1m}}}\n"
		       "      server: {'*': {allow: true}}\n");
	assert_false(is_known(&w, false, report, &j));
	for (int i = 0; i < 3; i++) {
		assert_true(is_known(&w, false, report, &j));
		assert_false(is_known(&w, true, job, &j));
		assert_int_equal(j.reason, REASON_NONE);
		assert_false(is_known(&w, true, job, &j));
		assert_int_equal(j.reason, REASON_BUSY);
		assert_false(is_known(&w, false, report, &j));
	}
	world_deinit(&w);
}

/* Without a contract all messages of a side have one rule. */
static void without_a_contract(void **state)
{
	struct judgement j;
	struct world w;

	(void)state;
	world_init(&w, "    contract: none\n"
		       "    rules:\n"
		       "      client: {'*': {allow: message.user == identity.sub}}\n"
		       "      server: {'*': {allow: true}}\n");
	assert_false(is_known(&w, true, SAY("user1", "hi"), &j));
	assert_true(is_known(&w, true, SAY("user1", "ho"), &j));
	assert_false(is_known(&w, true, SAY("user2", "ho"), &j));
	assert_int_equal(j.reason, REASON_RULE);
	assert_false(is_known(&w, true, "{\"user\":\"user1\"}", &j));
	assert_int_equal(j.reason, REASON_NONE);
	assert_false(is_known(&w, true, "{\"user\":1,\"x\":2}", &j));
	assert_int_equal(j.reason, REASON_RULE);
	world_deinit(&w);
}

/* The subject is asked each time: another session learned the shape. */
static void what_one_session_learned_another_is_asked(void **state)
{
	struct judgement j;
	struct world w;

	(void)state;
	world_init(&w, "    contract: chat.asyncapi.yaml\n"
		       "    rules: {client: {say: {allow: message.user == identity.sub}}}\n");
	assert_false(is_known(&w, true, SAY("user1", "hi"), &j));
	struct rules *mine = w.rules;
	w.rules = join(&w, SLICE("user2"), SLICE("{}"));
	assert_false(is_known(&w, true, SAY("user1", "ho"), &j));
	assert_int_equal(j.reason, REASON_RULE);
	assert_true(is_known(&w, true, SAY("user2", "ho"), &j));
	rules_free(w.rules);
	w.rules = mine;
	assert_true(is_known(&w, true, SAY("user1", "ho"), &j));
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_of_its_shape),
		cmocka_unit_test(what_ends_an_operation_is_seen),
		cmocka_unit_test(without_a_contract),
		cmocka_unit_test(what_one_session_learned_another_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
