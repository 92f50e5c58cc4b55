/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts, rules and expressions: what becomes of them, what is refused and where. */
#include "conf/load.h"

#include "unit.h"
#include "world.h"

static const char chat[] =
	"asyncapi: 3.0.0\n"
	"info: {title: Chat, version: '1'}\n"
	"channels:\n"
	"  room:\n"
	"    address: /chat/{any}\n"
	"    messages:\n"
	"      say:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, user, text]\n"
	"          properties:\n"
	"            type: {const: say}\n"
	"            user: {type: string, maxLength: 40}\n"
	"            text: {$ref: 'common/types.yaml#/Text'}\n"
	"            id: {type: integer}\n"
	"            at: {type: string, format: date-time}\n"
	"            tags: {type: array, maxItems: 5, items: {type: string, maxLength: 9}}\n"
	"            size: {type: number}\n"
	"            lines: {type: array, items: {type: object, properties: {n: {type: integer}, "
	"s: {type: string, maxLength: 9}}}}\n"
	"            box: {type: object, properties: {a.b: {type: string, maxLength: 9}}}\n"
	"            free: {type: object}\n"
	"      join:\n"
	"        payload: {type: object, required: [type], properties: {type: {const: join}, user: "
	"{type: string, maxLength: 40}}}\n"
	"      picture: {contentType: image/png}\n"
	"      position:\n"
	"        payload: {type: object, required: [type], properties: {type: {const: position}, "
	"x: {type: number}, who: {type: string}}}\n"
	"      said:\n"
	"        payload: {type: object, required: [type], properties: {type: {const: said}, text: "
	"{type: string}, internal: {type: object, properties: {k: {type: string}}}}}\n"
	"operations:\n"
	"  in: {action: receive, channel: {$ref: '#/channels/room'}, messages: [{$ref: "
	"'#/channels/room/messages/say'}, "
	"{$ref: '#/channels/room/messages/join'}, {$ref: '#/channels/room/messages/picture'}]}\n"
	"  out: {action: send, channel: {$ref: '#/channels/room'}, messages: [{$ref: "
	"'#/channels/room/messages/position'}, "
	"{$ref: '#/channels/room/messages/said'}]}\n";

static const struct world_document documents[] = {
	{"etc/chat.yaml", chat},
	{"etc/common/types.yaml", "Text: {type: string, maxLength: 500}\n"},
	{"etc/bad.yaml", "asyncapi: 3.0.0\nchannels: {a: 1, a: 2}\n"},
	{"etc/away.yaml",
	 "asyncapi: 2.6.0\nchannels:\n  /chat/{room}:\n    publish:\n      message:\n"
	 "        name: m\n        payload:\n          $ref: '../../etc/passwd'\n"},
	{"etc/deep/er/c.yaml", "asyncapi: 2.6.0\nchannels: {'/chat/{room}': {publish: {message: "
			       "{name: m, payload: {$ref: '../../common/types.yaml#/Text'}}}}}\n"},
	{"/srv/c.yaml", "asyncapi: 2.6.0\nchannels: {'/chat/{room}': {publish: {message: {name: m, "
			"payload: {$ref: 'sub%20dir/t.yaml#/T'}}}}}\n"},
	{"/srv/sub dir/t.yaml", "T: {type: string, maxLength: 5}\n"},
	{"/srv/away.yaml", "asyncapi: 2.6.0\nchannels: {'/chat/{room}': {publish: {message: {name: "
			   "m, payload: {$ref: '../etc/common/types.yaml#/Text'}}}}}\n"},
	{"/srv/dots.yaml", "asyncapi: 2.6.0\nchannels: {'/chat/{room}': {publish: {message: {name: "
			   "m, payload: {$ref: '%2e%2e/x.yaml'}}}}}\n"},
	{"etc/web.yaml", "asyncapi: 2.6.0\nchannels: {\"/chat/{room}\": {publish: {message: {name: "
			 "m, payload: {$ref: 'https://x.example/y'}}}}}\n"},
	{"etc/type.yaml",
	 "asyncapi: 2.6.0\nchannels:\n  /chat/{room}:\n    publish:\n      message:\n"
	 "        name: m\n        payload:\n          type: strnig\n"},
	{"etc/two.yaml", "asyncapi: 2.6.0\nchannels:\n  a: {publish: {message: {name: m}}}\n  b: "
			 "{publish: {message: {name: n}}}\n"},
	{"etc/none.yaml", "asyncapi: 3.0.0\nchannels: {room: {address: '/chat/{room}'}}\n"},
	{NULL, NULL},
};

#define FRONT                                                                                      \
	"listen: http://127.0.0.1:8080\n"                                                          \
	"routes:\n"                                                                                \
	"  - path: /chat/{room}\n"                                                                 \
	"    identify: anyone\n"                                                                   \
	"    upstream: ws://127.0.0.1:9001\n"
#define CONTRACT FRONT "    contract: chat.yaml\n"
#define PASS     "\"*\": {allow: true}"
#define CLIENT   CONTRACT "    rules:\n      server: {" PASS "}\n      client:\n        " PASS "\n"
#define SAY      CLIENT "        say:\n          "
#define SERVER   CONTRACT "    rules:\n      client: {" PASS "}\n      server:\n        " PASS "\n"

static struct diag d;
static struct snapshot *s;

static const struct conf_route *load(const char *text)
{
	world_documents = documents;
	int r = world_load(slice_from_cstr(text), &s, &d);
	if (r)
		world_show(&d);
	assert_int_equal(r, 0);
	return &s->routes[0];
}

static void done(void)
{
	s = snapshot_unref(s);
	diag_deinit(&d);
}

static const struct conf_rule *rule_of(const struct conf_route *route, const char *id)
{
	for (size_t i = 0; i < route->messages.rule_count; i++)
		if (slice_eq(route->messages.rules[i].id, slice_from_cstr(id)))
			return &route->messages.rules[i];
	fail_msg("no rule %s", id);
	return NULL;
}

static void a_whole_rule(void **state)
{
	(void)state;
	const struct conf_route *route = load(
		CONTRACT
		"    allow: params.room != '' && request.tls\n"
		"    limits: {cost: 100/m burst 50}\n"
		"    rules:\n"
		"      undeclared: strip\n"
		"      client:\n"
		"        say:\n"
		"          allow: message.user == identity.sub && message.size - last.position.x "
		"<= 5.0\n"
		"          set: {at: now, /box/a.b: \"'x'\", user: identity.sub}\n"
		"          text: {text: escape, lines.s: strip, /box/a.b: html, free: refuse}\n"
		"          rate: {rate: 5/s burst 10, per: connection}\n"
		"          cost: 10\n"
		"          running: {at_most: 4, queue: 100, until: said, deadline: 1m, per: "
		"address}\n"
		"          unique: {by: id, within: 5m}\n"
		"          after: {position: 10s}\n"
		"          on_refusal: drop\n"
		"          mode: observe\n"
		"        join: {allow: \"true\", after: never, rate: 1/m}\n"
		"      server:\n"
		"        position: {allow: true, remember: true, on_refusal: close}\n"
		"        said: {allow: identity.via == 'x', redact: {card: [text, internal], "
		"secret: text}, "
		"drop: [internal.*], text: {text: escape}}\n");
	const struct conf_messages *m = &route->messages;
	const struct conf_rule *say = rule_of(route, "say"), *join = rule_of(route, "join");
	const struct conf_rule *said = rule_of(route, "said");

	assert_true(m->judged && m->contract && !m->frames_any);
	assert_slice(m->file, "etc/chat.yaml");
	assert_int_equal(m->undeclared, CONF_UNDECLARED_STRIP);
	assert_int_equal(m->rule_count, 5);
	assert_int_equal(m->slots, 1);
	assert_false(route->allow.always);
	assert_non_null(route->allow.program);
	assert_int_equal(route->allow_uses, 1u << CONF_VAR_PARAMS | 1u << CONF_VAR_REQUEST_TLS);
	assert_true(say->written && !say->wildcard && !say->allow.always && say->allow.program);
	assert_slice(say->allow.text,
		     "message.user == identity.sub && message.size - last.position.x <= 5.0");
	assert_int_equal(m->uses, 1u << CONF_VAR_MESSAGE | 1u << CONF_VAR_IDENTITY_SUB |
					  1u << CONF_VAR_LAST | 1u << CONF_VAR_NOW |
					  1u << CONF_VAR_IDENTITY_VIA);
	assert_int_equal(say->set_count, 3);
	assert_int_equal(say->sets[1].field.count, 2);
	assert_slice(say->sets[1].field.steps[1].name.text, "a.b");
	assert_int_equal(say->text_count, 4);
	assert_int_equal(say->texts[0].mode, MARKUP_ESCAPE);
	assert_int_equal(say->texts[2].field.count, 2);
	assert_slice(say->texts[2].field.steps[1].name.text, "a.b");
	assert_true(say->has_rate && say->rate.count == 5 && say->rate.burst == 10);
	assert_int_equal(say->rate_per, CONF_PER_CONNECTION);
	assert_int_equal(say->cost, 10);
	assert_true(route->limits.has_cost && route->limits.cost.burst == 50);
	assert_true(say->running.on && say->running.at_most == 4 && say->running.queue == 100);
	assert_true(say->running.deadline_ms == 60000 && say->running.per == CONF_PER_ADDRESS);
	assert_slice(m->contract->messages[say->running.until].id, "said");
	assert_true(say->unique.on && say->unique.within_ms == 300000);
	assert_int_equal(say->after_count, 1);
	assert_slice(m->contract->messages[say->after[0].message].id, "position");
	assert_true(say->has_on_refusal && say->on_refusal == CONF_ON_REFUSAL_DROP && say->observe);
	assert_true(join->allow.always && join->never && join->has_rate);
	assert_int_equal(join->rate_per, CONF_PER_IDENTITY);
	assert_false(rule_of(route, "picture")->written);
	assert_true(rule_of(route, "position")->remember);
	assert_int_equal(rule_of(route, "position")->on_refusal, CONF_ON_REFUSAL_CLOSE);
	assert_int_equal(said->redact_count, 2);
	assert_int_equal(said->redacts[0].kinds, REDACT_CARD | REDACT_SECRET);
	assert_int_equal(said->drops.count, 1);
	assert_true(said->drops.items[0].steps[1].any);
	done();
}

/* What `"*"` is for: all that have no rule of their own, each with its own types. */
static void wildcards(void **state)
{
	(void)state;
	const struct conf_route *route = load(
		CONTRACT
		"    rules:\n      undeclared: allow\n      client:\n        \"*\": {allow: \"true "
		"|| "
		"connection.messages > 1\", text: {user: escape, tags: strip}, detect: [sqli]}\n"
		"        join: {allow: message.anything == 1}\n");
	const struct conf_rule *say = rule_of(route, "say"), *picture = rule_of(route, "picture");

	assert_true(say->wildcard && say->written && say->allow.program && !say->allow.always);
	assert_int_equal(say->text_count, 2);
	assert_int_equal(say->detects[0].kinds, DETECT_SQLI);
	assert_int_equal(say->detects[0].field.count, 0);
	assert_false(rule_of(route, "join")->wildcard);
	assert_true(picture->written && !picture->text_count && !picture->detect_count);
	assert_false(rule_of(route, "said")->written || rule_of(route, "said")->allow.always);
	done();
}

/* A nobody's rule and nobody's contract. */
static void without_a_contract(void **state)
{
	(void)state;
	const struct conf_route *route = load(FRONT "    contract: none\n    rules: {client: "
						    "{\"*\": {allow: message.user == identity.sub, "
						    "text: {a.b: escape}}}}\n");

	assert_true(route->messages.judged && !route->messages.contract);
	assert_int_equal(route->messages.rule_count, 2);
	assert_true(route->messages.rules[0].written && !route->messages.rules[1].written);
	assert_non_null(world_finding(&d, "no rule for what the application sends"));
	done();
	route = load(FRONT "    contract: none\n");
	assert_true(!route->messages.judged && !route->messages.rule_count && route->allow.always);
	done();
}

struct row {
	const char *says, *text, *words;
	uint32_t line, column;
};

/* One error, there, that says so (in its sentence or its help). */
static void check_row(const struct row *at)
{
	world_documents = documents;
	int r = world_load(slice_from_cstr(at->text), &s, &d);

	if (r != CONF_WRONG || d.errors != 1 || !world_finding(&d, at->words) ||
	    d.entries[0].place.line != at->line || d.entries[0].place.column != at->column)
		world_show(&d);
	ROW_CHECK(at, r == CONF_WRONG && !s);
	ROW_CHECK(at, d.errors == 1);
	ROW_CHECK(at, world_finding(&d, at->words) != NULL);
	if (d.entries[0].place.line != at->line || d.entries[0].place.column != at->column)
		fail_msg("%s: at %u:%u, wanted %u:%u", at->says, d.entries[0].place.line,
			 d.entries[0].place.column, at->line, at->column);
	diag_deinit(&d);
}

static void refused_rules(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{"no rules", CONTRACT, "would be refused", 6, 5},
		{"no allow", SAY "cost: 1\n    limits: {cost: 9/s}\n", "`allow` is missing", 12, 11},
		{"allow without value", SAY "allow:\n", "no value", 12, 11},
		{"allow: a list", SAY "allow: [a]\n", "an expression", 12, 18},
		{"unknown member", SAY "allow: message.usr == identity.sub\n", "mean `user`", 12, 26},
		{"unknown member in a block", SAY "allow: >-\n            true\n            && message.usr == ''\n", "mean `user`", 14, 24},
		{"unknown member in a literal", SAY "allow: |\n            true\n              && message.usr == ''\n", "mean `user`", 14, 26},
		{"unknown member in quotes", SAY "allow: \"'\\\"' == '' || message.usr == ''\"\n", "mean `user`", 12, 41},
		{"unknown member in single quotes", SAY "allow: '''a'' == message.usr'\n", "mean `user`", 12, 36},
		{"unknown member over lines", SAY "allow: true &&\n            message.usr == ''\n", "mean `user`", 13, 21},
		{"unknown member behind letters", SAY "allow: \"message.text == 'caf\xc3\xa9' || message.usr == ''\"\n", "mean `user`", 12, 53},
		{"a nested member", SAY "allow: message.lines[0].m == 1\n", "no member 'm'", 12, 35},
		{"a member of a text", SAY "allow: message.user.x == 1\n", "no members", 12, 31},
		{"types do not fit", SAY "allow: message.user > 1\n", "does not take", 12, 31},
		{"numbers of two kinds", SAY "allow: message.size + 1 > 0.0\n", "one kind", 12, 31},
		{"no bool", SAY "allow: message.user\n", "true or false", 12, 18},
		{"no such variable", SAY "allow: mesage.user == ''\n", "mean `message`", 12, 18},
		{"identity alone", SAY "allow: dyn(identity) == dyn(1)\n", "alone is no value", 12, 22},
		{"no such parameter", SAY "allow: params.any == ''\n", "no member 'any'", 12, 25},
		{"not remembered", SAY "allow: last.position.x > 1.0\n", "remember: true", 12, 23},
		{"a client's is not remembered", SAY "allow: last.join.type == ''\n", "only messages of the application", 12, 23},
		{"too expensive", SAY "allow: message.free.all(a, message.free.all(b, message.free.all(c, a == b)))\n", "steps", 12, 31},
		{"a message that is no JSON", CLIENT "        picture: {allow: message.x == 1}\n", "no JSON", 11, 26},
		{"text of what is no JSON", CLIENT "        picture: {allow: true, text: {a: escape}}\n", "no JSON", 11, 32},
		{"no such message", CLIENT "        jion: {allow: true}\n", "mean `join`", 11, 9},
		{"a message of the other side", CLIENT "        said: {allow: true}\n", "belongs below `server`", 11, 9},
		{"no such key", SAY "allow: true\n          rates: 5/s\n", "mean `rate`", 13, 11},
		{"a key of the other side", SAY "allow: true\n          redact: [card]\n", "belongs into", 13, 11},
		{"set an unknown field", SAY "allow: true\n          set: {usr: identity.sub}\n", "mean `user`", 13, 17},
		{"set what says which it is", SAY "allow: true\n          set: {type: \"'x'\"}\n", "which message it is", 13, 17},
		{"set another type", SAY "allow: true\n          set: {id: identity.sub}\n", "by the schema", 13, 21},
		{"set all", SAY "allow: true\n          set: {.: 1}\n", "whole message", 13, 17},
		{"set each", SAY "allow: true\n          set: {box.*: \"'1'\"}\n", "one field", 13, 17},
		{"set in an array", SAY "allow: true\n          set: {lines.n: 1}\n", "array", 13, 17},
		{"set a bare word", SAY "allow: true\n          set: {user: bob}\n", "quotes of its own", 13, 23},
		{"set to a list", SAY "allow: true\n          set: {user: [a]}\n", "an expression", 13, 23},
		{"set is a map", SAY "allow: true\n          set: now\n", "`set` is a map", 13, 16},
		{"text of a number", SAY "allow: true\n          text: {id: escape}\n", "no text in it", 13, 18},
		{"text of an unknown field", SAY "allow: true\n          text: {txet: escape}\n", "mean `text`", 13, 18},
		{"text of nothing", SAY "allow: true\n          text: {a..b: escape}\n", "no field", 13, 18},
		{"no such way with text", SAY "allow: true\n          text: {text: escpae}\n", "escape | strip", 13, 24},
		{"text is a map", SAY "allow: true\n          text: escape\n", "`text` is a map", 13, 17},
		{"a bad pointer", SAY "allow: true\n          text: {/a~2b: escape}\n", "no field", 13, 18},
		{"no such injection", SAY "allow: true\n          detect: [sql]\n", "sqli, xss", 13, 20},
		{"injections nowhere", SAY "allow: true\n          detect: []\n", "names nothing", 13, 19},
		{"injections in an unknown field", SAY "allow: true\n          detect: {sqli: [q]}\n", "no field `q`", 13, 27},
		{"no rate", SAY "allow: true\n          rate: 5\n", "no rate", 13, 17},
		{"a rate without end", SAY "allow: true\n          rate: unlimited\n", "limits nothing", 13, 17},
		{"a rate per nothing", SAY "allow: true\n          rate: {rate: 5/s, per: user}\n", "identity | connection", 13, 34},
		{"cost without a budget", SAY "allow: true\n          cost: 5\n", "there is none", 13, 11},
		{"cost above the burst", SAY "allow: true\n          cost: 5\n    limits: {cost: 4/m}\n", "never passes", 13, 17},
		{"until what", SAY "allow: true\n          running: {at_most: 1, until: sad}\n", "mean `said`", 13, 40},
		{"until a client's", SAY "allow: true\n          running: {at_most: 1, until: join}\n", "belongs below `client`", 13, 40},
		{"after what", SAY "allow: true\n          after: {sad: 1s}\n", "mean `said`", 13, 19},
		{"after how long", SAY "allow: true\n          after: {said: 1}\n", "duration", 13, 25},
		{"after all", SAY "allow: true\n          after: said\n", "never", 13, 18},
		{"unique by an array", SAY "allow: true\n          unique: {by: tags, within: 1s}\n", "is an array", 13, 24},
		{"unique by several", SAY "allow: true\n          unique: {by: lines.n, within: 1s}\n", "array", 13, 24},
		{"unique for how long", SAY "allow: true\n          unique: {by: id}\n", "`within` is missing", 13, 19},
		{"two replies", SAY "allow: true\n          on_refusal: {reply: 1}\n    on_refusal: {reply: 2}\n", "one reply", 13, 24},
		{"the rule of all is wrong for one", CONTRACT "    rules: {client: {\"*\": {allow: message.text != ''}}}\n", "`join`: message join has no member 'text'", 7, 43},
		{"set for all what one has", CONTRACT "    rules: {client: {\"*\": {allow: true, set: {at: now}}, picture: {allow: true}}}\n", "`join` has no field `at`", 7, 47},
		{"unique for all what one has", CONTRACT "    rules: {client: {\"*\": {allow: true, unique: {by: id, within: 1s}}, picture: {allow: true}}}\n", "`join` has no field `id`", 7, 54},
		{"unique for all, one is no JSON", CONTRACT "    rules: {client: {\"*\": {allow: true, unique: {by: type, within: 1s}}}}\n", "`picture` is no JSON", 7, 41},
		{"a field that none has", CONTRACT "    rules: {client: {\"*\": {allow: true, text: {nix: escape}}}}\n", "none of the messages", 7, 48},
		{"drop an unknown field", SERVER "        said: {allow: true, drop: [secret]}\n", "no field `secret`", 11, 36},
		{"drop all", SERVER "        said: {allow: true, drop: [.]}\n", "allow: false", 11, 36},
		{"redact what", SERVER "        said: {allow: true, redact: [cards]}\n", "stack_trace", 11, 38},
		{"server replies", SERVER "        said: {allow: true, on_refusal: {reply: 1}}\n", "word", 11, 41},
		{"remember without a name", FRONT "    contract: none\n    rules: {server: {\"*\": {allow: true, remember: true}}}\n", "needs a name", 7, 41},
		{"a name without a contract", FRONT "    contract: none\n    rules: {client: {say: {allow: true}}}\n", "\"*\"", 7, 22},
		{"until without a contract", FRONT "    contract: none\n    rules: {client: {\"*\": {allow: true, after: {a: 1s}}}}\n", "without a contract", 7, 49},
		{"undeclared what", CONTRACT "    rules: {undeclared: refused, client: {" PASS "}}\n", "mean `refuse`", 7, 25},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows)
		check_row(at);
}

static void refused_contracts(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{"no file", FRONT "    contract: nix.yaml\n", "cannot be read", 6, 15},
		{"no file in a map", FRONT "    contract: {describes: client}\n", "`file` is missing", 6, 15},
		{"the wrong channel", FRONT "    contract: chat.yaml#/channels/rom\n", "`room`", 3, 1},
		{"a channel by name only", FRONT "    contract: two.yaml\n", "`a`, `b`", 2, 1},
		{"no messages", FRONT "    contract: none.yaml\n", "operations", 6, 15},
		{"YAML that is wrong", FRONT "    contract: bad.yaml\n", "there twice", 2, 18},
		{"out of the folder", FRONT "    contract: away.yaml\n", "configuration's folder", 8, 18},
		{"out of its own folder", FRONT "    contract: /srv/away.yaml\n", "nothing is ever fetched", 2, 75},
		{"out of it in disguise", FRONT "    contract: /srv/dots.yaml\n", "nothing is ever fetched", 2, 75},
		{"over the network", FRONT "    contract: web.yaml\n", "nothing is ever fetched", 2, 75},
		{"a type that is none", FRONT "    contract: type.yaml\n", "no such type", 8, 17},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows)
		check_row(at);
}

static void warnings(void **state)
{
	static const struct {
		const char *says, *text, *words;
	} rows[] = {
		/* clang-format off */
		{"no rule for one", CONTRACT "    rules: {client: {say: {allow: true}}, server: {" PASS "}}\n", "`join`, `picture`"},
		{"no rule for all", CONTRACT "    rules: {client: {" PASS "}}\n", "the application sends as `position`, `said`"},
		{"a rule for none", CONTRACT "    rules: {client: {" PASS "}, server: {" PASS ", said: {allow: true}, position: {allow: true}}}\n", "never asked"},
		{"waits for ever", CONTRACT "    rules: {client: {say: {allow: true, after: {said: 1s}}}, server: {position: {allow: true}}}\n", "never passes"},
		{"runs on", CONTRACT "    rules: {client: {say: {allow: true, running: {at_most: 1, until: said}}}}\n", "until its deadline"},
		{"escaped twice", CONTRACT "    rules: {client: {say: {allow: true, text: {text: escape}}}, server: {said: {allow: true, text: {text: escape}}}}\n", "&amp;lt;"},
		{"any text", FRONT "    contract: {file: chat.yaml, describes: client}\n    rules: {client: {" PASS "}, server: {" PASS "}}\n", "any text, however long, in `who`"},
		{"told apart by nothing", FRONT "    contract: apart.yaml\n    rules: {client: {" PASS "}}\n", "tells apart"},
		{"anything", FRONT "    contract: apart.yaml\n    rules: {client: {" PASS "}}\n", "anything at all"},
		/* clang-format on */
	};
	static const struct world_document more[] = {
		{"etc/chat.yaml", chat},
		{"etc/common/types.yaml", "Text: {type: string, maxLength: 500}\n"},
		{"etc/apart.yaml", "asyncapi: 2.6.0\nchannels: {\"/chat/{room}\": {publish: "
				   "{message: {oneOf: [{name: a, "
				   "payload: {type: object}}, {name: b}]}}}}\n"},
		{NULL, NULL},
	};

	(void)state;
	world_documents = more;
	EACH_ROW (at, rows) {
		int r = world_load(slice_from_cstr(at->text), &s, &d);
		if (r || !world_finding(&d, at->words))
			world_show(&d);
		ROW_CHECK(at, r == 0);
		ROW_CHECK(at, world_finding(&d, at->words) != NULL);
		ROW_CHECK(at, world_finding(&d, at->words)->kind == DIAG_WARNING);
		done();
	}
}

/* Findings in a contract are shown with its own lines. */
static void lines_of_the_contract(void **state)
{
	struct buf text;

	(void)state;
	world_documents = documents;
	assert_int_equal(world_load(SLICE(FRONT "    contract: type.yaml\n"), &s, &d), CONF_WRONG);
	buf_init(&text, 1 << 16);
	assert_int_equal(diag_print(&d, &text), 0);
	assert_slice(buf_slice(&text), "etc/type.yaml:8:17: error: no such type\n"
				       "    8 |           type: strnig\n"
				       "      |                 ^^^^^^\n");
	buf_deinit(&text);
	diag_deinit(&d);
}

static void references(void **state)
{
	static const char *const contracts[] = {"deep/er/c.yaml", "/srv/c.yaml",
						"../srv/../srv/up.yaml"};
	static const struct world_document up[] = {
		{"etc/../srv/../srv/up.yaml",
		 "asyncapi: 2.6.0\nchannels: {'/chat/{room}': {publish: {message: {name: m, "
		 "payload: {$ref: 'x.yaml'}}}}}\n"},
		{"etc/../srv/../srv/x.yaml", "{type: string, maxLength: 5}\n"},
		{NULL, NULL},
	};
	char text[500];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
			 "%s    contract: %s\n    rules: {client: {m: {allow: message.size() < "
			 "5}}}\n",
			 FRONT, contracts[i]);
		world_documents = i == 2 ? up : documents;
		int r = world_load(slice_from_cstr(text), &s, &d);
		if (r || d.warnings)
			world_show(&d);
		assert_int_equal(r, 0);
		assert_int_equal(d.warnings, 0);
		done();
	}
}

/* Routes with one document share what was read. */
static void shared(void **state)
{
	(void)state;
	(void)load("listen: http://127.0.0.1:8080\n"
		   "routes:\n"
		   "  - {path: \"/chat/{a}\", identify: anyone, upstream: \"ws://127.0.0.1:1\", "
		   "contract: chat.yaml,"
		   " rules: {client: {" PASS "}, server: {" PASS "}}}\n"
		   "  - {path: /b, identify: anyone, upstream: \"ws://127.0.0.1:1\", contract: "
		   "\"chat.yaml#room\","
		   " rules: {client: {" PASS "}, server: {" PASS "}}}\n"
		   "  - {path: /c, identify: anyone, upstream: \"ws://127.0.0.1:1\", contract: "
		   "\"chat.yaml#room\","
		   " rules: {client: {" PASS "}, server: {" PASS "}}}\n"
		   "  - {path: /d, identify: anyone, upstream: \"ws://127.0.0.1:1\", contract: "
		   "{file: \"chat.yaml#room\", describes: client,"
		   " frames: any}, rules: {client: {" PASS "}, server: {" PASS "}}}\n");
	assert_ptr_equal(s->routes[0].messages.contract, s->routes[1].messages.contract);
	assert_ptr_not_equal(s->routes[0].messages.contract, s->routes[2].messages.contract);
	assert_true(s->routes[2].messages.frames_any);
	assert_false(s->routes[2].messages.contract->messages[0].from_client);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_rule),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(without_a_contract),
		cmocka_unit_test(refused_rules),
		cmocka_unit_test(refused_contracts),
		cmocka_unit_test(warnings),
		cmocka_unit_test(lines_of_the_contract),
		cmocka_unit_test(references),
		cmocka_unit_test(shared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
