/* SPDX-License-Identifier: Apache-2.0 */
/* Messages against contract and rules, through configurations as people write them. */
#include "base/num.h"
#include "policy/detect.h"
#include "policy/rules.h"
#include "rules_world.h"

/* Rows leave out what they do not look at. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* One line of a conversation: who, what, what becomes of it. */
struct line {
	char side; /* client, server; wait: so many ms go by */
	const char *text;
	enum reason reason;
	const char *forwarded; /* NULL: as it came */
	const char *at;        /* NULL: not looked at */
};

static void talk(const char *route, const struct line *lines, size_t count)
{
	struct world w;

	world_init(&w, route);
	for (size_t i = 0; i < count; i++) {
		const struct line *l = &lines[i];
		if (l->side == 'w') {
			uint64_t ms = 0;
			assert_true(num_parse_u64(slice_from_cstr(l->text), UINT32_MAX, &ms));
			w.now_us += ms * 1000;
			continue;
		}
		struct judgement j = judge(&w, w.rules, l->side == 'c', slice_from_cstr(l->text));
		if (j.reason != l->reason)
			print_message("%s: %s, %s\n", l->text, reason_word(j.reason),
				      j.finding.detail ? j.finding.detail : "");
		assert_int_equal(j.reason, l->reason);
		assert_int_equal(j.rewritten, l->forwarded != NULL);
		if (l->forwarded)
			assert_slice(j.text, l->forwarded);
		if (l->at) {
			assert_true(j.finding.has_pointer);
			assert_slice(j.finding.pointer, l->at);
		}
	}
	world_deinit(&w);
}

#define TALK(route, ...)                                                                           \
	do {                                                                                       \
		static const struct line lines[] = {__VA_ARGS__};                                  \
		talk(route, lines, sizeof(lines) / sizeof(lines[0]));                              \
	} while (0)

/* --- which message, and its schema */

static const char open_rules[] = "    contract: chat.asyncapi.yaml\n"
				 "    rules:\n"
				 "      client: {'*': {allow: true}}\n"
				 "      server: {'*': {allow: true}}\n";

static void messages_are_recognised(void **state)
{
	(void)state;
	TALK(open_rules, {'c', SAY("user1", "hi"), REASON_NONE},
	     {'c', "{\"type\":\"said\",\"text\":\"x\"}", REASON_MESSAGE_UNKNOWN},
	     {'c', "{\"type\":7}", REASON_MESSAGE_UNKNOWN}, {'c', "[]", REASON_MESSAGE_UNKNOWN},
	     {'c', "{\"type\":\"say\",\"id\":1,\"user\":\"u\"}", REASON_SCHEMA},
	     {'c', SAY("far-too-long-a-name-for-a-user", "hi"), REASON_SCHEMA, .at = "/user"},
	     {'c', "{\"type\":\"move\",\"x\":1,\"y\":2}", REASON_SCHEMA, .at = "/y"},
	     {'c', "{\"type\":\"move\",\"x\":1,\"x\":2}", REASON_JSON_DUPLICATE_KEY},
	     {'c', "{\"type\":\"move\",\"x\":1e400}", REASON_JSON_NUMBER},
	     {'c', "{\"type\":\"move\",\"x\":1,\"__proto__\":1}", REASON_JSON_FORBIDDEN_KEY},
	     {'c', "{", REASON_JSON_MALFORMED}, {'c', "", REASON_JSON_MALFORMED},
	     {'s', "{\"type\":\"said\",\"text\":\"x\"}", REASON_NONE},
	     {'s', SAY("user1", "hi"), REASON_SERVER_MESSAGE_UNKNOWN},
	     {'s', "{\"type\":\"said\",\"text\":7}", REASON_SERVER_SCHEMA, .at = "/text"},
	     {'s', "oops", REASON_SERVER_SCHEMA});
}

/* The first of its shape was let through; the next ones are asked as much. */
static void what_looks_like_a_good_one_is_not_for_that(void **state)
{
	(void)state;
	TALK(open_rules, {'c', SAY("user1", "hi"), REASON_NONE}, {'c', SAY("u", ""), REASON_NONE},
	     {'c', SAY("far-too-long-a-name-for-a-user", "hi"), REASON_SCHEMA, .at = "/user"},
	     {'c', SAY("user1", "\t"), REASON_JSON_MALFORMED},
	     {'c', SAY("user1", "a\\u0000b"), REASON_JSON_MALFORMED},
	     {'c', SAY("user1", "hi") "x", REASON_JSON_MALFORMED},
	     {'c', "{\"type\":\"said\",\"id\":1,\"user\":\"user1\",\"text\":\"hi\"}",
	      REASON_MESSAGE_UNKNOWN},
	     {'c', "{\"type\":\"say\",\"id\":1.5,\"user\":\"user1\",\"text\":\"hi\"}",
	      REASON_SCHEMA, .at = "/id"},
	     {'c', "{\"type\":\"say\",\"id\":1,\"user\":\"user1\",\"user\":\"hi\"}",
	      REASON_JSON_DUPLICATE_KEY},
	     {'s', SAY("user1", "hi"), REASON_SERVER_MESSAGE_UNKNOWN},
	     {'c', SAY("user1", "hi"), REASON_NONE});
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client: {say: {allow: message.user == identity.sub, text: {text: escape}}}\n"
	     "      server: {said: {allow: message.text != 'no', drop: [internal]}}\n",
	     {'c', SAY("user1", "hi"), REASON_NONE}, {'c', SAY("user2", "hi"), REASON_RULE},
	     {'c', SAY("user1", "<b>"), REASON_NONE, SAY("user1", "&lt;b&gt;")},
	     {'c', SAY("user1", "ho"), REASON_NONE},
	     {'s', "{\"type\":\"said\",\"text\":\"yes\"}", REASON_NONE},
	     {'s', "{\"type\":\"said\",\"text\":\"no\"}", REASON_SERVER_RULE},
	     {'s', "{\"type\":\"said\",\"text\":\"yes\",\"internal\":{\"id\":1}}", REASON_NONE,
	      "{\"type\":\"said\",\"text\":\"yes\"}"},
	     {'s', "{\"type\":\"said\",\"text\":\"yea\",\"internal\":{\"id\":2}}", REASON_NONE,
	      "{\"type\":\"said\",\"text\":\"yea\"}"},
	     {'s', "{\"type\":\"said\",\"text\":\"yea\",\"internal\":{\"id\":2.5}}",
	      REASON_SERVER_SCHEMA, .at = "/internal/id"});
}

/* Nothing has to say which one it is, so whatever no schema of JSON accepts is a note. */
static void text_that_could_be_json(void **state)
{
	(void)state;
	TALK("    contract: mixed.asyncapi.yaml\n"
	     "    rules: {client: {'*': {allow: true}}}\n",
	     {'c', "{\"type\":\"say\",\"text\":\"hi\"}", REASON_NONE},
	     {'c', "{\"type\":\"say\",\"text\":\"ho\"}", REASON_NONE},
	     {'c', "{\"type\":\"nay\",\"text\":\"hi\"}", REASON_NONE},
	     {'c', "{\"type\":\"nay\",\"text\":\"ho\"}", REASON_NONE}, {'c', "hello", REASON_NONE},
	     {'c', "{\"type\":\"nay\",\"text\":\"longer than thirty\"}", REASON_SCHEMA, .at = ""},
	     {'c', "{\"type\":\"say\",\"text\":\"longer than thirty\"}", REASON_NONE},
	     {'c', "{\"type\":\"say\",\"text\":7}", REASON_NONE},
	     {'c', "{\"type\":\"nay\",\"text\":7}", REASON_NONE});
}

static void integers_of_64_bits_are_asked_for(void **state)
{
	(void)state;
#define SERIAL(id, serial)                                                                         \
	"{\"type\":\"say\",\"id\":" id ",\"user\":\"u\",\"text\":\"t\",\"serial\":" serial "}"
	TALK(open_rules, {'c', SERIAL("1", "9223372036854775807"), REASON_NONE},
	     {'c', SERIAL("9007199254740993", "1"), REASON_JSON_NUMBER, .at = "/id"},
	     {'c', SERIAL("9007199254740991", "-9007199254740993"), REASON_NONE},
	     {'c', SERIAL("1", "9223372036854775808"), REASON_JSON_NUMBER},
	     {'c', "{\"type\":\"move\",\"x\":9007199254740993}", REASON_JSON_NUMBER, .at = "/x"},
	     {'s', "{\"type\":\"position\",\"x\":9007199254740993}", REASON_SERVER_SCHEMA});
}

static void undeclared_members(void **state)
{
	(void)state;
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      undeclared: strip\n"
	     "      client: {'*': {allow: true}}\n"
	     "      server: {'*': {allow: true}}\n",
	     {'c', "{\"type\":\"move\", \"y\":2, \"x\":1}", REASON_NONE,
	      "{\"type\":\"move\",\"x\":1}"},
	     {'c', "{\"type\":\"move\", \"y\":\"a\", \"x\":3}", REASON_NONE,
	      "{\"type\":\"move\",\"x\":3}"},
	     {'c', "{\"type\":\"move\", \"y\":\"b\", \"x\":4}", REASON_NONE,
	      "{\"type\":\"move\",\"x\":4}"},
	     {'c', "{\"type\":\"move\", \"x\":1}", REASON_NONE},
	     {'s', "{\"type\":\"report\",\"secret\":[1,{\"a\":2}]}", REASON_NONE,
	      "{\"type\":\"report\"}"},
	     {'s', "{\"type\":\"report\",\"secret\":[3,{\"a\":4}]}", REASON_NONE,
	      "{\"type\":\"report\"}"});
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      undeclared: allow\n"
	     "      client: {'*': {allow: true}}\n"
	     "      server: {'*': {allow: true}}\n",
	     {'c', "{\"type\":\"move\", \"y\":2, \"x\":1}", REASON_NONE});
}

static void a_message_without_a_rule_is_refused(void **state)
{
	(void)state;
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client: {say: {allow: true}}\n"
	     "      server: {said: {allow: true}}\n",
	     {'c', SAY("user1", "hi"), REASON_NONE},
	     {'c', "{\"type\":\"move\",\"x\":1}", REASON_RULE},
	     {'s', "{\"type\":\"report\"}", REASON_SERVER_RULE},
	     {'s', "{\"type\":\"said\",\"text\":\"x\"}", REASON_NONE});
}

/* --- allow and set */

static void allow_decides(void **state)
{
	(void)state;
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client:\n"
	     "        say: {allow: message.user == identity.sub && params.room in "
	     "identity.claims.rooms}\n"
	     "        move: {allow: message.x / 0.5 > 1.0}\n"
	     "        export: {allow: identity.claims.admin}\n"
	     "      server: {'*': {allow: connection.messages > 2}}\n",
	     {'c', SAY("user1", "hi"), REASON_NONE}, {'c', SAY("user2", "hi"), REASON_RULE},
	     {'s', "{\"type\":\"report\"}", REASON_SERVER_RULE},
	     {'c', "{\"type\":\"move\",\"x\":1.5}", REASON_NONE},
	     {'s', "{\"type\":\"report\"}", REASON_NONE},
	     /* what fails when it is run refuses */
	     {'c', "{\"type\":\"export\"}", REASON_RULE});
}

static void set_writes_before_the_schema_is_asked(void **state)
{
	(void)state;
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client:\n"
	     "        say: {allow: message.user == identity.sub, set: {at: now, user: "
	     "identity.sub}}\n"
	     "        '*': {allow: true}\n"
	     "      server: {'*': {allow: true}}\n",
	     {'c', SAY("somebody else", "hi"), REASON_NONE,
	      "{\"type\":\"say\",\"id\":1,\"user\":\"user1\",\"text\":\"hi\","
	      "\"at\":\"2023-11-14T22:13:20.123Z\"}"},
	     {'c', "{\"type\":\"say\",\"at\":7,\"id\":1,\"text\":\"hi\"}", REASON_NONE,
	      "{\"type\":\"say\",\"at\":\"2023-11-14T22:13:20.123Z\",\"id\":1,\"text\":\"hi\","
	      "\"user\":\"user1\"}"});
}

/* --- text, detect */

static void markup_arrives_inert(void **state)
{
	(void)state;
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client:\n"
	     "        say: {allow: true, text: {text: escape, meta.tags: strip, user: refuse}}\n"
	     "        '*': {allow: true}\n"
	     "      server: {'*': {allow: true}}\n",
	     {'c', SAY("user1", "<script>alert(1)</script>"), REASON_NONE,
	      SAY("user1", "&lt;script&gt;alert(1)&lt;/script&gt;")},
	     {'c', SAY("user1", "\\u003cb\\u003e"), REASON_NONE, SAY("user1", "&lt;b&gt;")},
	     {'c', SAY("<b>", "x"), REASON_MARKUP, .at = "/user"},
	     {'c',
	      "{\"type\":\"say\",\"id\":1,\"user\":\"u\",\"text\":\"t\","
	      "\"meta\":{\"tags\":[\"a\",\"<i>b</i>\"]}}",
	      REASON_NONE,
	      "{\"type\":\"say\",\"id\":1,\"user\":\"u\",\"text\":\"t\","
	      "\"meta\":{\"tags\":[\"a\",\"b\"]}}"});
}

static void injections_are_detected(void **state)
{
	(void)state;
	if (!detect_available())
		skip();
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client:\n"
	     "        say: {allow: true, detect: {sqli: [text]}}\n"
	     "        '*': {allow: true, detect: [sqli, xss]}\n"
	     "      server: {'*': {allow: true}}\n",
	     {'c', SAY("user1", "' OR 1=1 --"), REASON_INJECTION, .at = "/text"},
	     {'c', SAY("' OR 1=1 --", "hello"), REASON_NONE},
	     {'c', SAY("user1", "see you at 1"), REASON_NONE});
}

/* --- counting */

static void rates_are_of_the_identity(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "    contract: chat.asyncapi.yaml\n"
		       "    limits: {cost: 10/m burst 10}\n"
		       "    rules:\n"
		       "      client:\n"
		       "        say: {allow: true, rate: 1/m burst 2}\n"
		       "        move: {allow: true, rate: {rate: 1/m burst 2, per: connection}}\n"
		       "        export: {allow: true, cost: 4}\n"
		       "      server: {'*': {allow: true}}\n");
	struct slice say = SLICE(SAY("u", "t")), move = SLICE("{\"type\":\"move\",\"x\":1}");
	struct slice export = SLICE("{\"type\":\"export\"}");
	struct rules *other = join(&w, SLICE("user2"), SLICE("{}"));
	for (int i = 0; i < 2; i++)
		assert_int_equal(judge(&w, w.rules, true, say).reason, REASON_NONE);
	assert_int_equal(judge(&w, w.rules, true, say).reason, REASON_MESSAGE_RATE);
	assert_int_equal(judge(&w, other, true, say).reason, REASON_NONE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(judge(&w, w.rules, true, export).reason, REASON_NONE);
	assert_int_equal(judge(&w, w.rules, true, export).reason, REASON_COST_EXCEEDED);
	/* The other identity has a budget of its own; the other connection's id is the same. */
	assert_int_equal(judge(&w, other, true, export).reason, REASON_NONE);
	assert_int_equal(judge(&w, w.rules, true, move).reason, REASON_NONE);
	rules_free(other);
	world_deinit(&w);
}

static void a_value_comes_once(void **state)
{
	(void)state;
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client:\n"
	     "        say: {allow: message.user == identity.sub, unique: {by: id, within: 1s}, "
	     "text: {text: refuse}}\n"
	     "        '*': {allow: true}\n"
	     "      server: {'*': {allow: true}}\n",
	     /* what is refused for something else is not remembered */
	     {'c', SAY("user1", "<b>"), REASON_MARKUP}, {'c', SAY("user1", "a"), REASON_NONE},
	     {'c', SAY("user1", "b"), REASON_REPLAY, .at = "/id"},
	     {'c', SAY("user1", "<b>"), REASON_REPLAY}, {'w', "1001", 0},
	     {'c', SAY("user1", "c"), REASON_NONE});
}

/* --- conversations */

static void the_server_remembers(void **state)
{
	(void)state;
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client:\n"
	     "        move: {allow: math.abs(message.x - last.position.x) <= 5.0}\n"
	     "        say: {allow: true, after: {position: 10s}}\n"
	     "        export: {allow: true, after: never}\n"
	     "      server:\n"
	     "        position: {allow: true, remember: true}\n"
	     "        '*': {allow: true}\n",
	     {'c', "{\"type\":\"move\",\"x\":1}", REASON_RULE},
	     {'c', SAY("u", "t"), REASON_OUT_OF_TURN},
	     {'c', "{\"type\":\"export\"}", REASON_OUT_OF_TURN},
	     {'s', "{\"type\":\"position\",\"x\":155}", REASON_NONE},
	     {'c', "{\"type\":\"move\",\"x\":158}", REASON_NONE},
	     {'c', "{\"type\":\"move\",\"x\":900}", REASON_RULE}, {'c', SAY("u", "t"), REASON_NONE},
	     {'w', "10001", 0}, {'c', SAY("u", "t"), REASON_OUT_OF_TURN},
	     {'s', "{\"type\":\"position\",\"x\":900}", REASON_NONE},
	     {'c', "{\"type\":\"move\",\"x\":898}", REASON_NONE});
}

static void server_messages_are_cleaned(void **state)
{
	(void)state;
	TALK("    contract: chat.asyncapi.yaml\n"
	     "    rules:\n"
	     "      client: {'*': {allow: true}}\n"
	     "      server:\n"
	     "        said: {allow: true, redact: [card, email], drop: [internal.host], text: "
	     "{text: escape}}\n"
	     "        '*': {allow: true}\n",
	     {'s',
	      "{\"type\":\"said\",\"text\":\"<a@example.com> paid 4111 1111 1111 1111\","
	      "\"internal\":{\"host\":\"db1\",\"id\":1}}",
	      REASON_NONE,
	      "{\"type\":\"said\",\"text\":\"&lt;[redacted:email]&gt; paid [redacted:card]\","
	      "\"internal\":{\"id\":1}}"},
	     {'s', "{\"type\":\"said\", \"text\":\"nothing\"}", REASON_NONE});
}

/* --- running */

static void running_operations_are_few(void **state)
{
	struct world w;
	struct slice text;
	bool binary;

	(void)state;
	world_init(&w, "    contract: chat.asyncapi.yaml\n"
		       "    rules:\n"
		       "      client:\n"
		       "        export: {allow: true, running: {at_most: 1, queue: 1, until: "
		       "report, deadline: 30s}}\n"
		       "        '*': {allow: true}\n"
		       "      server: {'*': {allow: true}}\n");
	struct slice export = SLICE("{\"type\":\"export\"}"),
		     report = SLICE("{\"type\":\"report\"}");
	struct judgement j = judge(&w, w.rules, true, export);
	assert_int_equal(j.reason, REASON_NONE);
	assert_false(j.waits);
	assert_true(rules_runs(w.rules));
	j = judge(&w, w.rules, true, export);
	assert_int_equal(j.reason, REASON_NONE);
	assert_true(j.waits);
	assert_int_equal(judge(&w, w.rules, true, export).reason, REASON_BUSY);
	assert_false(rules_next(w.rules, w.now_us, &text, &binary));
	/* another connection of the same identity has no slot either */
	struct rules *second = join(&w, SLICE("user1"), SLICE("{}"));
	assert_true(judge(&w, second, true, export).waits);
	rules_free(second);
	assert_int_equal(judge(&w, w.rules, false, report).reason, REASON_NONE);
	assert_true(rules_next(w.rules, w.now_us, &text, &binary));
	assert_slice(text, "{\"type\":\"export\"}");
	assert_false(rules_next(w.rules, w.now_us, &text, &binary));
	/* who hangs up gains nothing: what was begun goes on until its time is over */
	rules_end(w.rules, w.room);
	w.rules = rules_free(w.rules);
	assert_int_equal(rules_room_deadline_us(w.room), w.now_us + 30000000);
	w.rules = join(&w, SLICE("user1"), SLICE("{}"));
	assert_true(judge(&w, w.rules, true, export).waits);
	rules_room_sweep(w.room, w.now_us + 29999999);
	assert_int_equal(judge(&w, w.rules, true, export).reason, REASON_BUSY);
	w.now_us += 30000000;
	rules_room_sweep(w.room, w.now_us);
	assert_int_equal(rules_room_deadline_us(w.room), UINT64_MAX);
	assert_int_equal(rules_next(w.rules, w.now_us, &text, &binary), RULES_GOES);
	/* a report that never comes does not block for ever */
	assert_int_equal(rules_deadline_us(w.rules, w.now_us), w.now_us + 30000000);
	w.now_us += 30000000;
	assert_false(rules_next(w.rules, w.now_us, &text, &binary));
	assert_false(rules_runs(w.rules));
	assert_int_equal(judge(&w, w.rules, true, export).reason, REASON_NONE);
	world_deinit(&w);
}

/* --- reload and a fresh credential */

/* What a session knows its rules by is not what another contract's are known by. */
static void reload_counts_other_messages_apart(void **state)
{
	static const char move[] = "{\"type\":\"move\",\"x\":1}";
	struct world w;

	(void)state;
	world_init(&w, "    contract: chat.asyncapi.yaml\n"
		       "    rules:\n"
		       "      client: {say: {allow: true, rate: 1/m}}\n"
		       "      server: {'*': {allow: true}}\n");
	assert_int_equal(judge(&w, w.rules, true, SLICE(SAY("u", "hi"))).reason, REASON_NONE);
	assert_int_equal(judge(&w, w.rules, true, SLICE(SAY("u", "hi"))).reason,
			 REASON_MESSAGE_RATE);
	struct snapshot *next = load("    contract: other.asyncapi.yaml\n"
				     "    rules:\n"
				     "      client: {move: {allow: true, rate: 1/m}}\n");
	assert_int_equal(rules_reload(w.rules, &next->routes[0], w.now_us, 0).kind, VERDICT_PASS);
	snapshot_unref(w.conf);
	w.conf = next;
	assert_int_equal(judge(&w, w.rules, true, SLICE(move)).reason, REASON_NONE);
	assert_int_equal(judge(&w, w.rules, true, SLICE(move)).reason, REASON_MESSAGE_RATE);
	world_deinit(&w);
}

static void reload_keeps_what_it_can(void **state)
{
	struct world w;

	(void)state;
	world_init(
		&w,
		"    contract: chat.asyncapi.yaml\n"
		"    rules:\n"
		"      client: {move: {allow: last.position.x == message.x}, '*': {allow: true}}\n"
		"      server: {position: {allow: true, remember: true}, '*': {allow: true}}\n");
	assert_int_equal(judge(&w, w.rules, false, SLICE("{\"type\":\"position\",\"x\":3}")).reason,
			 REASON_NONE);
	struct snapshot *next =
		load("    contract: chat.asyncapi.yaml\n"
		     "    rules:\n"
		     "      client: {move: {allow: last.position.x == message.x + 1.0}}\n"
		     "      server: {position: {allow: true, remember: true}}\n");
	assert_int_equal(rules_reload(w.rules, &next->routes[0], w.now_us, 0).kind, VERDICT_PASS);
	snapshot_unref(w.conf);
	w.conf = next;
	assert_int_equal(judge(&w, w.rules, true, SLICE("{\"type\":\"move\",\"x\":2}")).reason,
			 REASON_NONE);
	assert_int_equal(judge(&w, w.rules, true, SLICE("{\"type\":\"move\",\"x\":3}")).reason,
			 REASON_RULE);
	next = load("    contract: chat.asyncapi.yaml\n"
		    "    rules:\n"
		    "      client: {move: {allow: request.path == '/'}}\n"
		    "      server: {position: {allow: true}}\n");
	struct verdict v = rules_reload(w.rules, &next->routes[0], w.now_us, 0);
	assert_int_equal(v.kind, VERDICT_REFUSE);
	assert_int_equal(v.reason, REASON_DRAINING);
	snapshot_unref(next);
	world_deinit(&w);
}

static void a_fresh_credential_brings_its_claims(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "    allow: params.room in identity.claims.rooms\n"
		       "    contract: chat.asyncapi.yaml\n"
		       "    rules:\n"
		       "      client: {move: {allow: identity.claims.player == 7}}\n"
		       "      server: {'*': {allow: true}}\n");
	struct slice move = SLICE("{\"type\":\"move\",\"x\":2}");
	assert_int_equal(judge(&w, w.rules, true, move).reason, REASON_NONE);
	struct identity fresh = {.subject = SLICE("user1"),
				 .claims = SLICE("{\"player\":8,\"rooms\":[\"lobby\"]}")};
	assert_int_equal(rules_identify(w.rules, &fresh, w.now_us, 0).kind, VERDICT_PASS);
	assert_int_equal(judge(&w, w.rules, true, move).reason, REASON_RULE);
	fresh.claims = SLICE("{\"player\":7,\"rooms\":[]}");
	assert_int_equal(rules_identify(w.rules, &fresh, w.now_us, 0).reason, REASON_NOT_ALLOWED);
	world_deinit(&w);
}

/* --- without a contract */

static void rules_without_a_contract(void **state)
{
	(void)state;
	TALK("    contract: none\n"
	     "    rules:\n"
	     "      client: {'*': {allow: message.user == identity.sub, text: {text: escape}}}\n"
	     "      server: {'*': {allow: true}}\n",
	     {'c', "{\"user\":\"user1\",\"text\":\"<b>\"}", REASON_NONE,
	      "{\"user\":\"user1\",\"text\":\"&lt;b&gt;\"}"},
	     {'c', "{\"user\":\"user2\"}", REASON_RULE}, {'c', "hello", REASON_JSON_MALFORMED},
	     {'s', "hello", REASON_NONE});
}

/* --- rules that ask nothing */

/* Whose messages pass without being judged, under rules without a contract. */
struct open_row {
	const char *client, *server; /* what is said for "*"; NULL: nothing */
	bool client_open, server_open;
};

static void open_route(const struct open_row *row, char *text, size_t room)
{
	int n = snprintf(text, room,
			 "    contract: none\n    limits: {cost: 100/m burst 100}\n    rules:\n");

	if (row->client)
		n += snprintf(text + n, room - (size_t)n, "      client: {'*': {%s}}\n",
			      row->client);
	if (row->server)
		snprintf(text + n, room - (size_t)n, "      server: {'*': {%s}}\n", row->server);
}

/* What passes unjudged is what would have passed. */
static void judging_says_the_same(struct world *w, bool client)
{
	static const char *const texts[] = {
		"", "{}", "hello", "{\"a\":1,\"a\":2}", "[[[[1e999", "<script>", "' OR 1=1 --"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct judgement j = judge(w, w->rules, client, slice_from_cstr(texts[i]));
		assert_int_equal(j.reason, REASON_NONE);
		assert_false(j.rewritten || j.waits || j.asks);
	}
}

static void what_asks_nothing_is_not_judged(void **state)
{
	static const struct open_row rows[] = {
		{"allow: true", "allow: true", true, true},
		{"allow: true, on_refusal: drop", "allow: true, on_refusal: close", true, true},
		{"allow: true, mode: observe", "allow: true", true, true},
		{"allow: true", NULL, true, false},
		{NULL, "allow: true", false, true},
		{"allow: 'true'", "allow: true", true, true},
		{"allow: false", "allow: 1 < 2", false, false},
		{"allow: identity.sub != ''", "allow: connection.messages >= 0", false, false},
		{"allow: message.x == 1", "allow: message.x == 1", false, false},
		{"allow: true, rate: 5/s", "allow: true", false, true},
		{"allow: true, cost: 3", "allow: true", false, true},
		{"allow: true, unique: {by: id, within: 1m}", "allow: true", false, true},
		{"allow: true, set: {a: '1'}", "allow: true", false, true},
		{"allow: true, text: {a: escape}", "allow: true, text: {a: escape}", false, false},
		{"allow: true, detect: sqli", "allow: true, redact: [secret]", false, false},
		{"allow: true", "allow: true, drop: [a]", true, false},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		open_route(&rows[i], text, sizeof(text));
		world_init(&w, text);
		if (rules_let_pass(w.rules, true) != rows[i].client_open ||
		    rules_let_pass(w.rules, false) != rows[i].server_open)
			print_message("%s", text);
		assert_int_equal(rules_let_pass(w.rules, true), rows[i].client_open);
		assert_int_equal(rules_let_pass(w.rules, false), rows[i].server_open);
		if (rows[i].client_open)
			judging_says_the_same(&w, true);
		if (rows[i].server_open)
			judging_says_the_same(&w, false);
		world_deinit(&w);
	}
}

static void a_contract_is_always_asked(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, open_rules);
	assert_false(rules_let_pass(w.rules, true));
	assert_false(rules_let_pass(w.rules, false));
	world_deinit(&w);
}

/* What passed unjudged was counted; new rules hold from the next message on. */
static void a_reload_ends_it_and_begins_it(void **state)
{
	static const struct open_row open = {"allow: true", "allow: connection.messages == 3"},
				     strict = {"allow: connection.messages == 3", "allow: true"};
	struct world w;
	char text[1024];

	(void)state;
	open_route(&open, text, sizeof(text));
	world_init(&w, text);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(judge(&w, w.rules, false, SLICE("x")).reason, REASON_SERVER_RULE);
		assert_true(rules_let_pass(w.rules, true));
	}
	assert_int_equal(judge(&w, w.rules, false, SLICE("x")).reason, REASON_NONE);
	open_route(&strict, text, sizeof(text));
	struct snapshot *next = load(text);
	assert_int_equal(rules_reload(w.rules, &next->routes[0], w.now_us, 0).kind, VERDICT_PASS);
	assert_false(rules_let_pass(w.rules, true));
	assert_true(rules_let_pass(w.rules, false));
	assert_int_equal(judge(&w, w.rules, true, SLICE("x")).reason, REASON_NONE);
	assert_int_equal(judge(&w, w.rules, true, SLICE("x")).reason, REASON_RULE);
	assert_int_equal(rules_reload(w.rules, w.route, w.now_us, 0).kind, VERDICT_PASS);
	assert_true(rules_let_pass(w.rules, true));
	assert_false(rules_let_pass(w.rules, false));
	snapshot_unref(next);
	world_deinit(&w);
}

/* Without a contract nothing says when an operation is over: those from before end with the reload,
 * so that nobody has to look for their end in what passes. */
static void what_runs_ends_with_the_contract(void **state)
{
	static const struct open_row open = {"allow: true", "allow: true"};
	struct world w;
	char text[1024];

	(void)state;
	world_init(&w, "    contract: chat.asyncapi.yaml\n"
		       "    rules:\n"
		       "      client: {export: {allow: true, running: {at_most: 1, until: report, "
		       "deadline: 10s}}}\n"
		       "      server: {'*': {allow: true}}\n");
	assert_int_equal(judge(&w, w.rules, true, SLICE("{\"type\":\"export\"}")).reason,
			 REASON_NONE);
	assert_true(rules_runs(w.rules));
	open_route(&open, text, sizeof(text));
	struct snapshot *next = load(text);
	assert_int_equal(rules_reload(w.rules, &next->routes[0], w.now_us, 0).kind, VERDICT_PASS);
	assert_false(rules_runs(w.rules));
	assert_true(rules_let_pass(w.rules, true));
	assert_true(rules_let_pass(w.rules, false));
	snapshot_unref(w.conf);
	w.conf = next;
	world_deinit(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_recognised),
		cmocka_unit_test(what_looks_like_a_good_one_is_not_for_that),
		cmocka_unit_test(text_that_could_be_json),
		cmocka_unit_test(integers_of_64_bits_are_asked_for),
		cmocka_unit_test(undeclared_members),
		cmocka_unit_test(a_message_without_a_rule_is_refused),
		cmocka_unit_test(allow_decides),
		cmocka_unit_test(set_writes_before_the_schema_is_asked),
		cmocka_unit_test(markup_arrives_inert),
		cmocka_unit_test(injections_are_detected),
		cmocka_unit_test(rates_are_of_the_identity),
		cmocka_unit_test(a_value_comes_once),
		cmocka_unit_test(the_server_remembers),
		cmocka_unit_test(server_messages_are_cleaned),
		cmocka_unit_test(running_operations_are_few),
		cmocka_unit_test(reload_counts_other_messages_apart),
		cmocka_unit_test(reload_keeps_what_it_can),
		cmocka_unit_test(a_fresh_credential_brings_its_claims),
		cmocka_unit_test(rules_without_a_contract),
		cmocka_unit_test(what_asks_nothing_is_not_judged),
		cmocka_unit_test(a_contract_is_always_asked),
		cmocka_unit_test(a_reload_ends_it_and_begins_it),
		cmocka_unit_test(what_runs_ends_with_the_contract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
