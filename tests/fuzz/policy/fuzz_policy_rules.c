/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations against a contract and all kinds of rules. A line of the input is a message: its
 * first byte says who sends it (c, s; b and d in binary frames), w lets half a second go by.
 *
 * Whatever comes: what is let through is JSON, is a message of the contract (unless a rule changed
 * it afterwards), speaks as nobody else, has no markup where none may be; who remembers what
 * earlier messages looked like says the same as who does not; and in the end nothing is held.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/obj.h"
#include "base/utf8.h"
#include "conf/load.h"
#include "json/read.h"
#include "policy/markup.h"
#include "policy/rules.h"

static const char contract[] =
	"asyncapi: 3.0.0\n"
	"info: {title: fuzz, version: 1.0.0}\n"
	"channels:\n"
	"  all:\n"
	"    address: /all\n"
	"    messages:\n"
	"      say:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, user, text]\n"
	"          properties:\n"
	"            {type: {const: say}, id: {type: integer}, user: {type: string}, text: {type: "
	"string}, at: {type: string},\n"
	"             meta: {type: object, properties: {tags: {type: array, items: {type: "
	"string}}}}}\n"
	"      move: {payload: {type: object, required: [type, x], properties: {type: {const: "
	"move}, x: {type: number}}}}\n"
	"      job: {payload: {type: object, required: [type], properties: {type: {const: job}}}}\n"
	"      tell:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, to, text]\n"
	"          properties: {type: {const: tell}, to: {type: string}, n: {type: integer}, text: "
	"{type: string}, o: {type: object, properties: {a: {type: string}}},\n"
	"                       more: {type: array, items: {type: string}}}\n"
	"      told:\n"
	"        payload: {type: object, required: [type, text, n], properties: {type: {const: "
	"told}, text: {type: string, maxLength: 20}, n: {type: [integer, 'null']}}}\n"
	"      said:\n"
	"        payload: {type: object, required: [type, text], properties: {type: {const: said}, "
	"text: {type: string}, internal: {}}}\n"
	"      position: {payload: {type: object, required: [type, x], properties: {type: {const: "
	"position}, x: {type: number}}}}\n"
	"      done: {payload: {type: object, required: [type], properties: {type: {const: "
	"done}}}}\n"
	"operations:\n"
	"  in:\n"
	"    action: receive\n"
	"    channel: {$ref: '#/channels/all'}\n"
	"    messages: [{$ref: '#/channels/all/messages/say'}, {$ref: "
	"'#/channels/all/messages/move'}, {$ref: '#/channels/all/messages/job'}, {$ref: "
	"'#/channels/all/messages/tell'}]\n"
	"  out:\n"
	"    action: send\n"
	"    channel: {$ref: '#/channels/all'}\n"
	"    messages: [{$ref: '#/channels/all/messages/said'}, {$ref: "
	"'#/channels/all/messages/told'}, {$ref: "
	"'#/channels/all/messages/position'}, {$ref: '#/channels/all/messages/done'}]\n";

static const char policy[] =
	"listen: http://127.0.0.1:8080\n"
	"routes:\n"
	"  - path: /all\n"
	"    identify: anyone\n"
	"    upstream: ws://127.0.0.1:9001\n"
	"    contract: {file: chat.asyncapi.yaml, frames: any}\n"
	"    limits: {message_size: 4KiB, server_message_size: 4KiB, cost: 100/s burst 100}\n"
	"    rules:\n"
	"      undeclared: strip\n"
	"      client:\n"
	"        say:\n"
	"          allow: message.user == identity.sub\n"
	"          set: {at: now, user: identity.sub}\n"
	"          text: {text: escape, meta.tags: html, user: refuse}\n"
	"          unique: {by: id, within: 1s}\n"
	"          rate: 100/s burst 100\n"
	"        move: {allow: math.abs(message.x - last.position.x) <= 5.0, after: {position: "
	"2s}, cost: 3}\n"
	"        job: {allow: true, running: {at_most: 2, queue: 2, until: done, deadline: 1s}}\n"
	"        tell:\n"
	"          allow: message.to == identity.sub && message.o.a != 'no' || message.n < 3\n"
	"          text: {text: escape, more: refuse, to: strip}\n"
	"          rate: 5/s burst 5\n"
	"      server:\n"
	"        told: {allow: message.text != 'no' && message.n >= 0, text: {text: strip}}\n"
	"        said: {allow: true, drop: [internal.*], redact: [card, secret, email], text: "
	"{text: strip}}\n"
	"        position: {allow: true, remember: true}\n"
	"        done: {allow: true}\n";

static int look(void *context, const char *path, struct conf_file_info *info)
{
	(void)context;
	*info = (struct conf_file_info){.readable = true, .mode = 0644};
	return strstr(path, "yaml") ? 0 : -ENOENT;
}

static int read_file(void *context, const char *path, struct buf *into)
{
	(void)context;
	return buf_append(into, slice_from_cstr(strstr(path, "asyncapi") ? contract : policy));
}

static struct snapshot *conf(void)
{
	static struct snapshot *s;
	static struct diag d;
	const struct conf_files files = {.read = read_file,
					 .look = look,
					 .descriptors = 1064,
					 .memory = UINT64_C(4) << 30,
					 .processors = 1};

	if (!s) {
		diag_init(&d);
		MUST(conf_load_with(&files, "etc/sallyport.yaml", &s, &d) == 0);
		diag_deinit(&d);
	}
	return s;
}

static void check_markup(const struct json_node *root, struct arena *a)
{
	static const struct {
		struct slice type, field;
		enum markup_mode mode;
	} fields[] = {
		{SLICE_INIT("say"), SLICE_INIT("text"), MARKUP_REFUSE},
		{SLICE_INIT("say"), SLICE_INIT("user"), MARKUP_REFUSE},
		{SLICE_INIT("said"), SLICE_INIT("text"), MARKUP_REFUSE},
		{SLICE_INIT("tell"), SLICE_INIT("text"), MARKUP_REFUSE},
		{SLICE_INIT("tell"), SLICE_INIT("to"), MARKUP_REFUSE},
		{SLICE_INIT("told"), SLICE_INIT("text"), MARKUP_REFUSE},
	};
	struct slice type = json_string(json_member(root, SLICE("type"))), out;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!slice_eq(type, fields[i].type))
			continue;
		struct slice text = json_string(json_member(root, fields[i].field));
		MUST(markup_apply(fields[i].mode, text, a, &out) == REASON_NONE);
	}
}

static void check(const struct judgement *j, struct slice text)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;
	struct arena a;

	MUST((unsigned)j->reason < REASON_COUNT && j->reason != REASON_INTERNAL);
	if (j->reason != REASON_NONE) {
		MUST(!j->rewritten && !j->waits);
		return;
	}
	MUST(j->rule && j->rule->written);
	arena_init(&a, 1 << 16, 1 << 26);
	MUST(json_read(j->rewritten ? j->text : text, &limits, &a, &doc) == REASON_NONE);
	MUST(json_type(doc.root) == JSON_OBJECT);
	check_markup(doc.root, &a);
	if (slice_eq(json_string(json_member(doc.root, SLICE("type"))), SLICE("say")))
		MUST(slice_eq(json_string(json_member(doc.root, SLICE("user"))), SLICE("alice")));
	arena_deinit(&a);
}

/* Whoever remembers shapes says what somebody says who sees each message for the first time. */
static void compare(const struct judgement *j, const struct judgement *cold)
{
	MUST(j->reason == cold->reason && j->rule == cold->rule);
	MUST(j->rewritten == cold->rewritten && j->waits == cold->waits);
	MUST(!j->rewritten || slice_eq(j->text, cold->text));
	MUST(j->finding.line == cold->finding.line);
	MUST(slice_eq(j->finding.message, cold->finding.message));
	MUST(j->finding.has_pointer == cold->finding.has_pointer);
	MUST(slice_eq(j->finding.pointer, cold->finding.pointer));
	MUST(!j->finding.detail == !cold->finding.detail);
	MUST(!j->finding.detail || strcmp(j->finding.detail, cold->finding.detail) == 0);
}

/* A thread, and a session on it. */
struct player {
	struct rules_room *room;
	struct quota *quota;
	struct budget budget;
	struct rules *rules;
};

static void player_init(struct player *p, bool fitted)
{
	static const struct siphash_key key = {{7}};

	p->room = rules_room_new(&key);
	p->quota = quota_new(&key);
	MUST(p->room && p->quota);
	if (fitted)
		rules_room_fit(p->room, conf());
}

static void player_join(struct player *p, uint64_t now_us)
{
	const struct identity identity = {.subject = SLICE("alice"), .claims = SLICE("{}")};
	const struct context_facts facts = {.identity = &identity,
					    .path = SLICE("/all"),
					    .peer = {.family = 4, .bytes = {192, 0, 2, 7}},
					    .connection_id = SLICE("1")};

	budget_init(&p->budget, 1 << 20, NULL);
	p->rules = rules_new(&conf()->routes[0], &facts, p->quota, &p->budget, now_us);
	MUST(p->rules);
}

static struct judgement player_judges(struct player *p, bool server, const struct rules_message *m)
{
	struct judgement j;

	if (server)
		rules_judge_server(p->rules, p->room, m, &j);
	else
		rules_judge_client(p->rules, p->room, m, &j);
	return j;
}

static void player_goes_on(struct player *p, uint64_t now_us)
{
	struct slice text;
	bool binary;

	while (rules_next(p->rules, now_us, &text, &binary))
		;
}

static void player_leaves(struct player *p)
{
	rules_free(p->rules);
	MUST(p->budget.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct player warm, cold;
	static uint64_t now_us = 1000000;
	struct slice rest = slice_of((const char *)data, size);

	if (!warm.room) {
		player_init(&warm, true);
		player_init(&cold, false);
	}
	/* So much later that nothing counts any more: the tables are dear to make anew. */
	now_us += UINT64_C(3600000000);
	player_join(&warm, now_us);
	player_join(&cold, now_us);
	while (rest.len) {
		size_t end = slice_index(rest, '\n');
		struct slice line = slice_first(rest, end);
		rest = end < rest.len ? slice_from(rest, end + 1) : slice_of(NULL, 0);
		if (!line.len || line.len > 4096)
			continue;
		char who = line.data[0];
		const struct rules_message m = {.text = slice_from(line, 1),
						.binary = who == 'b' || who == 'd' ||
							  !utf8_valid(line),
						.now_us = now_us,
						.now_unix_ms = UINT64_C(1700000000000)};
		if (who == 'w') {
			now_us += 500000;
		} else {
			bool server = who == 's' || who == 'd';
			struct judgement j = player_judges(&warm, server, &m);
			struct judgement k = player_judges(&cold, server, &m);
			check(&j, m.text);
			compare(&j, &k);
		}
		player_goes_on(&warm, now_us);
		player_goes_on(&cold, now_us);
	}
	player_leaves(&warm);
	player_leaves(&cold);
	/* Looking through the tables is dear as well. */
	static unsigned runs;
	MUST(++runs % 1024 || (quota_whole(warm.quota) && quota_whole(cold.quota)));
	return 0;
}
