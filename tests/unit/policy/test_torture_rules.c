/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of sessions with rules fails once: who is let in, what is said, reloads and
 * fresh credentials. Whoever lacks memory refuses; what a rule refuses never passes; nothing leaks.
 */
#include "failmalloc.h"
#include "policy/siege.h"
#include "rules_world.h"

static const char ruled[] =
	"    contract: chat.asyncapi.yaml\n"
	"    allow: params.room in identity.claims.rooms\n"
	"    rules:\n"
	"      client:\n"
	"        say: {allow: \"message.user == identity.sub\", set: {at: now}, text: {text: "
	"escape}, "
	"rate: 100/s, unique: {by: text, within: 1s}}\n"
	"        move: {allow: \"message.x > last.said.text.size()\", "
	"running: {at_most: 1, queue: 4, until: said, deadline: 60s}}\n"
	"        export: {allow: false}\n"
	"      server:\n"
	"        said: {allow: true, drop: [internal], redact: {card: [text]}, remember: true}\n"
	"        '*': {allow: true}\n";

static const struct siphash_key key = {{1, 2, 3}};

static const struct identity somebody = {
	.subject = SLICE_INIT("user1"),
	.via = SLICE_INIT("ticket"),
	.claims = SLICE_INIT("{\"rooms\": [\"lobby\"], \"nested\": {\"a\": [1, 2, 3]}}"),
};

static struct context_facts facts_of(const struct route_match *match)
{
	return (struct context_facts){
		.identity = &somebody,
		.match = match,
		.path = SLICE("/chat/lobby"),
		.origin = SLICE("https://chat.example"),
		.peer = {.family = 4, .bytes = {192, 0, 2, 1}},
		.connection_id = SLICE("c0ffee"),
	};
}

static const struct route_match lobby = {.params = {{SLICE_INIT("room"), SLICE_INIT("lobby")}},
					 .param_count = 1};

/* What was allowed and refused though nothing failed is allowed and refused; with a failure it may
 * be refused, too. */
static void expect(const struct judgement *j, enum reason wanted)
{
	if (wanted != REASON_NONE)
		assert_int_not_equal(j->reason, REASON_NONE);
	if (j->reason == REASON_NONE && j->rewritten)
		assert_null(memmem(j->text.data, j->text.len, "4111", 4));
}

struct outcome {
	unsigned good, bad;
};

static void hear(struct world *w, bool client, struct slice text, enum reason wanted,
		 struct outcome *o)
{
	struct judgement j = judge(w, w->rules, client, text);

	expect(&j, wanted);
	*(j.reason == wanted ? &o->good : &o->bad) += 1;
	w->now_us += 2000000;
}

#define SAID(text) "{\"type\":\"said\",\"text\":\"" text "\",\"internal\":{\"host\":\"h\"}}"

static void converse(struct world *w, struct outcome *o)
{
	struct slice text;
	bool binary;

	hear(w, true, SLICE(SAY("user1", "<b>")), REASON_NONE, o);
	hear(w, true, SLICE(SAY("mallory", "x")), REASON_RULE, o);
	hear(w, true, SLICE("{\"type\":\"export\"}"), REASON_RULE, o);
	hear(w, false, SLICE(SAID("4111 1111 1111 1111")), REASON_NONE, o);
	hear(w, true, SLICE("{\"type\":\"move\",\"x\":1000}"), REASON_NONE, o);
	hear(w, true, SLICE("{\"type\":\"move\",\"x\":1001}"), REASON_NONE, o); /* waits */
	hear(w, true, SLICE("{\"type\":\"move\",\"x\":0}"), REASON_RULE, o);
	hear(w, false, SLICE(SAID("x")), REASON_NONE, o);
	if (rules_next(w->rules, w->now_us, &text, &binary) == RULES_GOES)
		assert_true(slice_starts_with(text, SLICE("{\"type\":\"move\",\"x\":100")));
}

/* The room, the session, a conversation, a fresh credential and a reload. Returns false where
 * something was refused that would not have been. */
static bool live(struct world *w, bool *made)
{
	const struct context_facts facts = facts_of(&lobby);
	struct outcome o = {0};

	w->rules = rules_new(w->route, &facts, w->quota, &w->budget, w->now_us);
	*made = w->rules != NULL;
	if (!*made)
		return false;
	converse(w, &o);
	struct verdict fresh = rules_identify(w->rules, &somebody, w->now_us, 1);
	struct verdict anew = rules_reload(w->rules, w->route, w->now_us, 1);
	return o.bad == 0 && fresh.kind == VERDICT_PASS && anew.kind == VERDICT_PASS;
}

static void make(struct world *w)
{
	*w = (struct world){.now_us = UINT64_C(1000000000)};
	w->conf = load(ruled);
	w->route = &w->conf->routes[0];
	budget_init(&w->budget, 1 << 20, NULL);
	w->quota = quota_new(&key);
	assert_non_null(w->quota);
}

static void sessions(void **state)
{
	struct world w;
	unsigned refused = 0;

	(void)state;
	make(&w);
	FAILMALLOC_EACH (n) {
		bool made = false;
		failmalloc_at(n);
		w.room = rules_room_new(&key);
		bool whole = w.room && live(&w, &made);
		bool failed = failmalloc_stop();
		refused += !whole;
		w.rules = rules_free(w.rules);
		w.room = rules_room_free(w.room);
		assert_int_equal(w.budget.used, 0);
		assert_true(quota_whole(w.quota));
		w.now_us += 10000000;
		if (!failed) {
			assert_true(whole);
			break;
		}
	}
	assert_true(refused >= 8);
	for (size_t n = 1; n < 40; n++) {
		bool made = false;
		failmalloc_from(n);
		w.room = rules_room_new(&key);
		if (w.room)
			(void)live(&w, &made);
		failmalloc_stop();
		w.rules = rules_free(w.rules);
		w.room = rules_room_free(w.room);
		assert_int_equal(w.budget.used, 0);
		assert_true(quota_whole(w.quota));
		w.now_us += 10000000;
	}
	world_deinit(&w);
}

static void admission(void **state)
{
	const struct context_facts facts = facts_of(&lobby);
	static const struct route_match vault = {
		.params = {{SLICE_INIT("room"), SLICE_INIT("vault")}}, .param_count = 1};
	const struct context_facts elsewhere = facts_of(&vault);
	struct world w;

	(void)state;
	make(&w);
	FAILMALLOC_EACH (n) {
		struct arena a;
		arena_init(&a, 64, 1 << 20);
		failmalloc_at(n);
		struct verdict v = rules_admit(w.route, &facts, 1, 1, &a);
		bool failed = failmalloc_stop();
		assert_int_equal(v.kind, failed ? VERDICT_REFUSE : VERDICT_PASS);
		arena_deinit(&a);
		arena_init(&a, 64, 1 << 20);
		failmalloc_at(n);
		v = rules_admit(w.route, &elsewhere, 1, 1, &a);
		failmalloc_stop();
		assert_int_equal(v.kind, VERDICT_REFUSE);
		arena_deinit(&a);
		if (!failed)
			break;
	}
	world_deinit(&w);
}

static void contexts(void **state)
{
	const struct context_facts facts = facts_of(&lobby);

	(void)state;
	FAILMALLOC_EACH (n) {
		struct context c = {0};
		failmalloc_at(n);
		bool kept =
			context_init(&c, &facts, UINT32_MAX, 1) && context_identify(&c, &somebody);
		bool failed = failmalloc_stop();
		assert_int_equal(kept, !failed);
		context_deinit(&c);
		if (!failed)
			break;
	}
}

/* The ladder, the gate and the counts have their memory, whatever is left of it. */
static void counting_needs_none(void **state)
{
	struct world w;
	struct siege ladder = {0};
	const struct siege_load load = {.window_ms = 1000, .workers = 1, .handshakes = 1 << 20};
	const struct rate rate = {.count = 1, .per_ms = 1000, .burst = 1};
	struct bucket bucket = {0};

	(void)state;
	world_init(&w, ruled);
	failmalloc_from(1);
	for (uint64_t s = 1; s < 10; s++)
		(void)siege_step(&ladder, &w.conf->siege, &load, s * 1000);
	const struct siege_gate gate = {
		.level = SIEGE_FORTRESS, .trickle_rate = &rate, .trickle = &bucket, .now_us = 1};
	assert_int_equal(siege_admit(&gate, SIEGE_NOBODY).kind, VERDICT_REFUSE);
	uint64_t who = quota_key(w.quota, QUOTA_RATE, SLICE("a"), SLICE("/r"), SLICE("m"));
	assert_true(quota_take(w.quota, who, &rate, w.now_us, 1));
	assert_false(quota_take(w.quota, who, &rate, w.now_us, 1));
	assert_int_equal(quota_unique(w.quota, who, 7, w.now_us, 1000, true), QUOTA_SEEN_NEW);
	assert_int_equal(quota_unique(w.quota, who, 7, w.now_us, 1000, true), QUOTA_SEEN_AGAIN);
	size_t asked = failmalloc_count();
	failmalloc_stop();
	assert_int_equal(asked, 0);
	assert_true(ladder.level > SIEGE_CALM);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions),
		cmocka_unit_test(admission),
		cmocka_unit_test(contexts),
		cmocka_unit_test(counting_needs_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
