/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A contract, a configuration with rules for it as people write them, and a session on it. */
#include <errno.h>

#include "conf/load.h"
#include "policy/rules.h"
#include "unit.h"

#define ROOM(title)                                                                                \
	"asyncapi: 3.0.0\n"                                                                        \
	"info: {title: " title ", version: 1.0.0}\n"                                               \
	"channels:\n"                                                                              \
	"  room:\n"                                                                                \
	"    address: /chat/{room}\n"                                                              \
	"    parameters: {room: {}}\n"                                                             \
	"    messages:\n"

static const char contract[] =
	ROOM("chat")
	"      say:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, id, user, text]\n"
	"          properties:\n"
	"            type: {const: say}\n"
	"            id: {type: integer}\n"
	"            user: {type: string, maxLength: 20}\n"
	"            text: {type: string, maxLength: 2000}\n"
	"            at: {type: string}\n"
	"            serial: {type: integer, format: int64}\n"
	"            meta: {type: object, properties: {tags: {type: array, items: {type: "
	"string}}}}\n"
	"      move:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, x]\n"
	"          properties: {type: {const: move}, x: {type: number}}\n"
	"      export:\n"
	"        payload: {type: object, required: [type], properties: {type: {const: export}}}\n"
	"      said:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, text]\n"
	"          properties:\n"
	"            type: {const: said}\n"
	"            text: {type: string}\n"
	"            internal: {type: object, properties: {host: {type: string}, id: {type: "
	"integer}}}\n"
	"      position:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, x]\n"
	"          properties: {type: {const: position}, x: {type: number}}\n"
	"      report:\n"
	"        payload: {type: object, required: [type], properties: {type: {const: report}}}\n"
	"operations:\n"
	"  in:\n"
	"    action: receive\n"
	"    channel: {$ref: '#/channels/room'}\n"
	"    messages: [{$ref: '#/channels/room/messages/say'}, {$ref: "
	"'#/channels/room/messages/move'}, {$ref: '#/channels/room/messages/export'}]\n"
	"  out:\n"
	"    action: send\n"
	"    channel: {$ref: '#/channels/room'}\n"
	"    messages: [{$ref: '#/channels/room/messages/said'}, {$ref: "
	"'#/channels/room/messages/position'}, {$ref: '#/channels/room/messages/report'}]\n";

/* The first message of this one is the second of the other. */
static const char other_contract[] =
	ROOM("other")
	"      move:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, x]\n"
	"          properties: {type: {const: move}, x: {type: number}}\n"
	"operations:\n"
	"  in: {action: receive, channel: {$ref: '#/channels/room'}}\n";

/* What is neither message in JSON is one in plain text. */
static const char mixed_contract[] =
	ROOM("mixed")
	"      say:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, text]\n"
	"          properties: {type: {const: say}, text: {type: string}}\n"
	"      move:\n"
	"        payload:\n"
	"          type: object\n"
	"          required: [type, x]\n"
	"          properties: {type: {const: move}, x: {type: number}}\n"
	"      note:\n"
	"        contentType: text/plain\n"
	"        payload: {type: string, maxLength: 30}\n"
	"operations:\n"
	"  in: {action: receive, channel: {$ref: '#/channels/room'}}\n";

/* --- a route and one session on it */

struct world {
	struct snapshot *conf;
	const struct conf_route *route;
	struct quota *quota;
	struct budget budget;
	struct rules_room *room;
	struct rules *rules;
	uint64_t now_us;
};

static int no_look(void *context, const char *path, struct conf_file_info *info)
{
	(void)context;
	if (!strstr(path, "yaml"))
		return -ENOENT;
	*info = (struct conf_file_info){.readable = true, .mode = 0644};
	return 0;
}

static int read_file(void *context, const char *path, struct buf *into)
{
	const struct slice *text = context;

	if (strstr(path, "chat.asyncapi.yaml"))
		return buf_append(into, slice_from_cstr(contract));
	if (strstr(path, "other.asyncapi.yaml"))
		return buf_append(into, slice_from_cstr(other_contract));
	if (strstr(path, "mixed.asyncapi.yaml"))
		return buf_append(into, slice_from_cstr(mixed_contract));
	return strstr(path, "sallyport.yaml") ? buf_append(into, *text) : -ENOENT;
}

static struct snapshot *load(const char *route)
{
	char text[8192];
	struct diag d;
	struct buf out;
	struct snapshot *s = NULL;

	int n = snprintf(text, sizeof(text),
			 "listen: http://127.0.0.1:8080\n"
			 "routes:\n"
			 "  - path: /chat/{room}\n"
			 "    identify: anyone\n"
			 "    upstream: ws://127.0.0.1:9001\n"
			 "%s",
			 route);
	struct slice whole = slice_of(text, (size_t)n);
	struct conf_files files = {
		.context = &whole,
		.read = read_file,
		.look = no_look,
		.descriptors = 1064,
		.memory = (uint64_t)4 << 30,
		.processors = 2,
	};
	diag_init(&d);
	if (conf_load_with(&files, "etc/sallyport.yaml", &s, &d)) {
		buf_init(&out, 65536);
		assert_int_equal(diag_print(&d, &out), 0);
		print_message("%.*s", SLICE_ARG(buf_slice(&out)));
		buf_deinit(&out);
	}
	diag_deinit(&d);
	assert_non_null(s);
	return s;
}

static struct rules *join(struct world *w, struct slice subject, struct slice claims)
{
	const struct identity identity = {
		.subject = subject, .via = SLICE("ticket"), .claims = claims};
	struct route_match match = {.param_count = 1};
	match.params[0] = (struct route_param){SLICE("room"), SLICE("lobby")};
	const struct context_facts facts = {
		.identity = &identity,
		.match = &match,
		.path = SLICE("/chat/lobby"),
		.origin = SLICE("https://chat.example"),
		.peer = {.family = 4, .bytes = {192, 0, 2, 1}},
		.tls = true,
		.connection_id = SLICE("c0ffee"),
	};
	struct rules *r = rules_new(w->route, &facts, w->quota, &w->budget, w->now_us);

	assert_non_null(r);
	return r;
}

static void world_init(struct world *w, const char *route)
{
	static const struct siphash_key key = {{1, 2, 3}};

	*w = (struct world){.now_us = UINT64_C(1000000000)};
	w->conf = load(route);
	w->route = &w->conf->routes[0];
	w->quota = quota_new(&key);
	w->room = rules_room_new(&key);
	assert_non_null(w->quota);
	assert_non_null(w->room);
	rules_room_fit(w->room, w->conf);
	budget_init(&w->budget, 1 << 20, NULL);
	w->rules = join(w, SLICE("user1"), SLICE("{\"player\": 7, \"rooms\": [\"lobby\"]}"));
}

static void world_deinit(struct world *w)
{
	rules_free(w->rules);
	assert_int_equal(w->budget.used, 0);
	assert_true(quota_whole(w->quota));
	quota_free(w->quota);
	rules_room_free(w->room);
	snapshot_unref(w->conf);
}

/* True: it was known, and passed at a glance. */
static bool judge_known(struct world *w, struct rules *r, bool client, struct slice text,
			struct judgement *j)
{
	const struct rules_message m = {
		.text = text, .now_us = w->now_us, .now_unix_ms = UINT64_C(1700000000123)};

	return client ? rules_judge_client(r, w->room, &m, j)
		      : rules_judge_server(r, w->room, &m, j);
}

static inline struct judgement judge(struct world *w, struct rules *r, bool client,
				     struct slice text)
{
	struct judgement j;

	(void)judge_known(w, r, client, text, &j);
	return j;
}

#define SAY(user, text) "{\"type\":\"say\",\"id\":1,\"user\":\"" user "\",\"text\":\"" text "\"}"
