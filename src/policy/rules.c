/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooms and sessions: what is there before a message comes, who may connect, and what a reload
 * or a fresh credential changes. The gates are in rules_recognise.c and rules_judge.c, what
 * outlives a message in rules_keep.c, what other nodes count in rules_shared.c.
 */
#include "policy/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/obj.h"
#include "policy/rules_priv.h"

/* --- rooms */

enum {
	ROOM_BLOCK = 64 * 1024,
	ROOM_ARENA_MAX = 1 << 30,
	ROOM_SLACK = 64 * 1024,
};

struct rules_room *rules_room_new(const struct siphash_key *secret)
{
	struct rules_room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	room->secret = *secret;
	room->schema = schema_room_new(secret);
	arena_init(&room->arena, ROOM_BLOCK, ROOM_ARENA_MAX);
	buf_init(&room->text, ROOM_SLACK);
	return room->schema ? room : rules_room_free(room);
}

static void forget_routes(struct rules_room *room)
{
	for (size_t i = 0; i < room->route_count; i++) {
		shapes_deinit(&room->memories[i].client, &room->shapes_budget);
		shapes_deinit(&room->memories[i].server, &room->shapes_budget);
	}
	free(room->memories);
	room->memories = NULL;
	room->route_count = 0;
}

struct rules_room *rules_room_free(struct rules_room *room)
{
	if (room) {
		rules_room_sweep(room, UINT64_MAX);
		free(room->orphans);
		forget_routes(room);
		free(room->shapes_budget.spare);
		schema_room_free(room->schema);
		arena_deinit(&room->arena);
		buf_deinit(&room->text);
		free(room);
	}
	return NULL;
}

static uint64_t longest_message(const struct conf_route_limits *l)
{
	uint64_t client = l->inflated > l->message_size ? l->inflated : l->message_size;

	return l->server_message_size > client ? l->server_message_size : client;
}

struct json_limits rules_json_limits(const struct conf_route *route, const struct rules_room *room)
{
	const struct conf_route_limits *l = &route->limits;

	return (struct json_limits){
		.depth = l->json_depth,
		.members = l->json_members,
		.values = l->json_values,
		.big_integers = route->messages.big_integers,
		.secret = room->secret,
	};
}

/* Without memory each message is read and checked in full, as if it were the first. */
static void remember_routes(struct rules_room *room, const struct snapshot *conf)
{
	forget_routes(room);
	room->memories = calloc(conf->route_count + 1, sizeof(*room->memories));
	room->routes = conf->routes;
	room->route_count = room->memories ? conf->route_count : 0;
	for (size_t i = 0; i < room->route_count; i++) {
		room->memories[i].limits = rules_json_limits(&conf->routes[i], room);
		room->memories[i].limits.utf8_checked = true;
	}
}

void rules_room_fit(struct rules_room *room, const struct snapshot *conf)
{
	size_t block = ROOM_BLOCK;
	uint64_t longest = 0;

	for (size_t i = 0; i < conf->route_count; i++) {
		const struct conf_route *route = &conf->routes[i];
		if (!route->messages.judged)
			continue;
		uint64_t bytes = longest_message(&route->limits);
		struct json_limits limits = rules_json_limits(route, room);
		size_t tape = json_arena_bytes((size_t)bytes, &limits);
		/* The changed tape, strings and views lie beside the first one. */
		size_t wanted = 2 * tape + ROOM_BLOCK;
		block = wanted > block ? wanted : block;
		longest = bytes > longest ? bytes : longest;
	}
	arena_deinit(&room->arena);
	arena_init(&room->arena, block, block > ROOM_ARENA_MAX ? block : ROOM_ARENA_MAX);
	buf_deinit(&room->text);
	buf_init(&room->text, (size_t)longest * RULES_GROWTH);
	remember_routes(room, conf);
}

/* --- sessions */

/* The rule looks into messages: without a contract they have to be JSON then. */
static bool looks_inside(const struct conf_rule *rule, const struct conf_messages *messages)
{
	const unsigned inside = CONF_ASKS_SET | CONF_ASKS_TEXT | CONF_ASKS_DETECT |
				CONF_ASKS_REDACT | CONF_ASKS_DROP | CONF_ASKS_UNIQUE;

	return conf_rule_asks(rule) & inside ||
	       (rule->allow.program && (messages->uses & (1u << CONF_VAR_MESSAGE)) &&
		cel_program_uses(rule->allow.program, CONF_VAR_MESSAGE));
}

/* The rule lets any message through as it is and keeps nothing about it: of all that a rule can say
 * it says nothing but `allow: true`. Only without a contract: with one a message may be no message
 * of it. */
static void note_open(struct rules *r)
{
	const struct conf_messages *m = &r->route->messages;

	for (size_t i = 0; i < 2; i++)
		r->open[i] = m->judged && !m->contract && m->rule_count == 2 &&
			     m->rules[i].written && !conf_rule_asks(&m->rules[i]);
}

static void note_contents(struct rules *r)
{
	static const uint8_t kinds[] = {[CONTRACT_JSON] = RULES_JSON,
					[CONTRACT_TEXT] = RULES_TEXT,
					[CONTRACT_BINARY] = RULES_BINARY};
	const struct conf_messages *m = &r->route->messages;

	r->contents[0] = r->contents[1] = 0;
	if (!m->contract) {
		for (size_t i = 0; i < m->rule_count && i < 2; i++)
			r->contents[i] = looks_inside(&m->rules[i], m) ? RULES_JSON : RULES_ANY;
		return;
	}
	for (size_t i = 0; i < m->contract->count; i++)
		r->contents[m->contract->messages[i].from_client ? 0 : 1] |=
			kinds[m->contract->messages[i].content];
}

bool rules_let_pass(struct rules *r, bool client)
{
	bool open = r->open[client ? 0 : 1];

	r->context.messages += open && client;
	return open;
}

/* Whose messages are counted together; who has no name is known by the address. `at` is behind the
 * texts that are there. */
static void name_who(struct rules *r, enum conf_per per, char kind, struct slice text, uint32_t *at)
{
	r->who[per].at = *at;
	r->who[per].bytes = (uint32_t)text.len + 1;
	r->who_texts[*at] = kind;
	if (text.len)
		memcpy(r->who_texts + *at + 1, text.data, text.len);
	*at += r->who[per].bytes;
}

/* With room for the texts of name_who. */
static struct rules *make(const struct context_facts *facts)
{
	struct address network = address_network(&facts->peer, facts->peer.family == 6 ? 64 : 32);
	struct slice subject = facts->identity->subject, id = facts->connection_id;
	char address[1 + sizeof(network.bytes)];
	uint32_t at = 0;

	MUST(subject.len < UINT32_MAX / 4 && id.len < UINT32_MAX / 4);
	struct rules *r = calloc(1, sizeof(*r) + 3 + sizeof(address) + subject.len + id.len);
	if (!r)
		return NULL;
	address[0] = (char)network.family;
	memcpy(address + 1, network.bytes, sizeof(network.bytes));
	name_who(r, CONF_PER_ADDRESS, 'a', slice_of(address, sizeof(address)), &at);
	r->who[CONF_PER_IDENTITY] = r->who[CONF_PER_ADDRESS];
	if (subject.len)
		name_who(r, CONF_PER_IDENTITY, 's', subject, &at);
	name_who(r, CONF_PER_CONNECTION, 'c', id, &at);
	return r;
}

bool rules_needed(const struct conf_route *route)
{
	return route->messages.judged || route->allow.program;
}

struct rules *rules_new(const struct conf_route *route, const struct context_facts *facts,
			struct quota *quota, struct budget *budget, uint64_t now_us)
{
	struct rules *r = make(facts);

	if (!r)
		return NULL;
	r->route = route;
	r->quota = quota;
	r->budget = budget;
	note_contents(r);
	note_open(r);
	if (!context_init(&r->context, facts, route->messages.uses | route->allow_uses, now_us) ||
	    !rules_keep_init(r) || !rules_recharge(r))
		return rules_free(r);
	return r;
}

struct rules *rules_free(struct rules *r)
{
	if (r) {
		rules_keep_deinit(r);
		charge_release(&r->charge);
		context_deinit(&r->context);
		free(r);
	}
	return NULL;
}

/* --- who may connect */

static struct verdict admit(const struct conf_route *route, const struct context *c,
			    uint64_t now_us, uint64_t now_unix_ms, struct arena *arena)
{
	struct context_view view = {.shown = 0};
	struct cel_error error;

	if (route->allow.always)
		return verdict_pass();
	if (!route->allow.program)
		return verdict_refuse(REASON_NOT_ALLOWED, "no `allow`");
	context_show(c, now_us, now_unix_ms, &view);
	return cel_allows(route->allow.program, view.slots, CONF_VARIABLES, arena, &error)
		       ? verdict_pass()
		       : verdict_refuse(REASON_NOT_ALLOWED, "allow");
}

struct verdict rules_admit(const struct conf_route *route, const struct context_facts *facts,
			   uint64_t now_us, uint64_t now_unix_ms, struct arena *arena)
{
	struct context c;

	if (route->allow.always)
		return verdict_pass();
	struct verdict v = context_init(&c, facts, route->allow_uses, now_us)
				   ? admit(route, &c, now_us, now_unix_ms, arena)
				   : verdict_refuse(REASON_OVERLOADED, "memory for `allow`");
	context_deinit(&c);
	return v;
}

static struct verdict admit_again(struct rules *r, uint64_t now_us, uint64_t now_unix_ms)
{
	struct arena arena;

	arena_init(&arena, ROOM_BLOCK, ROOM_ARENA_MAX);
	struct verdict v = admit(r->route, &r->context, now_us, now_unix_ms, &arena);
	arena_deinit(&arena);
	return v;
}

struct verdict rules_reload(struct rules *r, const struct conf_route *route, uint64_t now_us,
			    uint64_t now_unix_ms)
{
	uint32_t wanted = route->messages.uses | route->allow_uses;

	if (wanted & ~r->context.kept)
		return verdict_refuse(REASON_DRAINING, "the new rules ask for what was not kept");
	if (!rules_keep_reload(r, route))
		return verdict_refuse(REASON_OVERLOADED, "memory for the new rules");
	note_contents(r);
	note_open(r);
	return admit_again(r, now_us, now_unix_ms);
}

struct verdict rules_identify(struct rules *r, const struct identity *identity, uint64_t now_us,
			      uint64_t now_unix_ms)
{
	if (!context_identify(&r->context, identity) || !rules_recharge(r))
		return verdict_refuse(REASON_OVERLOADED, "memory for the new claims");
	return admit_again(r, now_us, now_unix_ms);
}
