/* SPDX-License-Identifier: Apache-2.0 */
/* What all nodes count together: what the store is asked, and what its answer does. */
#include "base/clock.h"
#include "rules_world.h"

static const char counted_rules[] =
	"    limits: {cost: 100/m burst 100}\n"
	"    contract: chat.asyncapi.yaml\n"
	"    rules:\n"
	"      client:\n"
	"        say: {allow: true, rate: 5/m, cost: 10, unique: {by: id, within: 5m}, text: "
	"{text: escape}}\n"
	"        move: {allow: true, rate: {per: address, rate: 3/s burst 7}}\n"
	"        export: {allow: true, running: {at_most: 1, queue: 1, until: report, deadline: "
	"30s}}\n"
	"      server: {'*': {allow: true}}\n";

static const struct slice export = {"{\"type\":\"export\"}", 17},
			  report = {"{\"type\":\"report\"}", 17},
			  move = {"{\"type\":\"move\",\"x\":1}", 21};

static void shared_init(struct world *w, const char *route)
{
	world_init(w, route);
	quota_share(w->quota);
}

static struct slice say(int id)
{
	static char text[80];
	int n = snprintf(text, sizeof(text),
			 "{\"type\":\"say\",\"id\":%d,\"user\":\"u\",\"text\":\"hi\"}", id);
	return slice_of(text, (size_t)n);
}

/* The message is asked about: the question. */
static struct question asked(struct rules *r, struct judgement j)
{
	struct question q;
	assert_int_equal(j.reason, REASON_NONE);
	assert_true(j.asks && !j.waits);
	assert_true(rules_question(r, &q));
	assert_int_equal(q.kind, QUESTION_COUNT);
	return q;
}

static struct judgement answer(struct world *w, struct rules *r, enum answer_kind kind, size_t over)
{
	const struct answer a = {.kind = kind, .over = over};
	return rules_answer(r, &a, w->now_us);
}

static void nobody_is_asked_needlessly(void **state)
{
	static const struct {
		const char *says, *route;
		bool shared;
	} rows[] = {
		{"a store of one's own", counted_rules, false},
		{"a rule that counts per connection",
		 "    contract: chat.asyncapi.yaml\n"
		 "    rules:\n"
		 "      client: {say: {allow: true, rate: {per: connection, rate: 5/m}, unique: "
		 "{per: "
		 "connection, by: id, within: 5m}}}\n"
		 "      server: {'*': {allow: true}}\n",
		 true},
		{"a rule that counts nothing",
		 "    contract: chat.asyncapi.yaml\n"
		 "    rules: {client: {'*': {allow: true}}, server: {'*': {allow: true}}}\n",
		 true},
		{"no limit at all",
		 "    limits: {cost: unlimited}\n"
		 "    contract: chat.asyncapi.yaml\n"
		 "    rules: {client: {'*': {allow: true, cost: 3}}, server: "
		 "{'*': "
		 "{allow: true}}}\n",
		 true},
		{"who only observes",
		 "    mode: observe\n"
		 "    contract: chat.asyncapi.yaml\n"
		 "    rules: {client: {'*': {allow: true, rate: 5/m}}, server: {'*': {allow: "
		 "true}}}\n",
		 true},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct world w;
		struct question q;
		world_init(&w, at->route);
		if (at->shared)
			quota_share(w.quota);
		struct judgement j = judge(&w, w.rules, true, say(1));
		ROW_CHECK(at, j.reason == REASON_NONE && !j.asks && !j.waits);
		ROW_CHECK(at, !rules_question(w.rules, &q));
		ROW_CHECK(at, !rules_give_back(w.rules, &q));
		ROW_CHECK(at, answer(&w, w.rules, ANSWER_YES, 0).reason == REASON_INTERNAL);
		world_deinit(&w);
	}
}

static void what_is_asked(void **state)
{
	struct world w;
	(void)state;
	shared_init(&w, counted_rules);
	struct question q = asked(w.rules, judge(&w, w.rules, true, say(1)));
	assert_int_equal(q.counted_count, 3);
	assert_int_equal(q.counted[0].kind, COUNTED_RATE);
	assert_int_equal(q.counted[0].cost_us, 12000000);
	assert_int_equal(q.counted[0].most_us, 60000000);
	assert_int_equal(q.counted[1].kind, COUNTED_ONCE);
	assert_int_equal(q.counted[1].ms, 300000);
	assert_int_equal(q.counted[2].kind, COUNTED_RATE);
	assert_int_equal(q.counted[2].cost_us, 6000000);
	assert_int_equal(q.counted[2].most_us, 60000000);
	assert_int_equal(answer(&w, w.rules, ANSWER_YES, 0).reason, REASON_NONE);
	q = asked(w.rules, judge(&w, w.rules, true, move));
	assert_int_equal(q.counted_count, 1);
	assert_int_equal(q.counted[0].cost_us, 333334);
	assert_int_equal(q.counted[0].most_us, 333334 * 7);
	assert_int_equal(answer(&w, w.rules, ANSWER_YES, 0).reason, REASON_NONE);
	q = asked(w.rules, judge(&w, w.rules, true, export));
	assert_int_equal(q.counted_count, 1);
	assert_int_equal(q.counted[0].kind, COUNTED_SLOT);
	assert_int_equal(q.counted[0].ms, 30000);
	assert_int_equal(q.counted[0].at_most, 1);
	world_deinit(&w);
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, COUNTED_KEY_BYTES) == 0;
}

/* The keys of all nodes are the same for the same identity, and for nobody else. */
static void keys_are_of_whom_and_what(void **state)
{
	static const struct siphash_key other_key = {{9}};
	struct world w, node;
	(void)state;
	shared_init(&w, counted_rules);
	shared_init(&node, counted_rules);
	rules_free(node.rules);
	node.rules = NULL;
	quota_free(node.quota);
	node.quota = quota_new(&other_key);
	quota_share(node.quota);
	struct rules *again = join(&node, SLICE("user1"), SLICE("{}"));
	struct rules *other = join(&node, SLICE("user2"), SLICE("{}"));
	struct rules *nobody = join(&node, SLICE(""), SLICE("{}"));
	struct question here = asked(w.rules, judge(&w, w.rules, true, say(1)));
	struct question there = asked(again, judge(&node, again, true, say(1)));
	struct question others = asked(other, judge(&node, other, true, say(1)));
	struct question nobodys = asked(nobody, judge(&node, nobody, true, say(1)));
	for (size_t i = 0; i < 3; i++) {
		assert_true(same(here.counted[i].key, there.counted[i].key));
		assert_false(same(here.counted[i].key, others.counted[i].key));
		assert_false(same(here.counted[i].key, nobodys.counted[i].key));
		for (size_t k = 0; k < i; k++)
			assert_false(same(here.counted[i].key, here.counted[k].key));
	}
	/* Another value is another key, of nothing but that. */
	assert_int_equal(answer(&w, w.rules, ANSWER_YES, 0).reason, REASON_NONE);
	there = asked(w.rules, judge(&w, w.rules, true, say(2)));
	assert_true(same(here.counted[0].key, there.counted[0].key));
	assert_false(same(here.counted[1].key, there.counted[1].key));
	assert_true(same(here.counted[2].key, there.counted[2].key));
	assert_int_equal(answer(&node, other, ANSWER_YES, 0).reason, REASON_NONE);
	assert_int_equal(answer(&node, nobody, ANSWER_YES, 0).reason, REASON_NONE);
	assert_int_equal(answer(&node, again, ANSWER_YES, 0).reason, REASON_NONE);
	/* Who comes from one address shares what is per address. */
	here = asked(again, judge(&node, again, true, move));
	others = asked(other, judge(&node, other, true, move));
	assert_true(same(here.counted[0].key, others.counted[0].key));
	/* Slots are never the same. */
	(void)answer(&node, again, ANSWER_YES, 0).reason;
	(void)answer(&node, other, ANSWER_YES, 0).reason;
	here = asked(again, judge(&node, again, true, export));
	(void)answer(&node, again, ANSWER_NO, 0).reason;
	others = asked(other, judge(&node, other, true, export));
	assert_false(same(here.counted[0].key, others.counted[0].key));
	rules_free(again);
	rules_free(other);
	rules_free(nobody);
	world_deinit(&node);
	world_deinit(&w);
}

static void answers(void **state)
{
	static const struct {
		const char *says;
		enum answer_kind kind;
		size_t over;
		enum reason reason;
	} rows[] = {
		{"yes", ANSWER_YES, 0, REASON_NONE},
		{"over the rate", ANSWER_NO, 0, REASON_MESSAGE_RATE},
		{"came before", ANSWER_NO, 1, REASON_REPLAY},
		{"over the budget", ANSWER_NO, 2, REASON_COST_EXCEEDED},
		{"of what was not asked", ANSWER_NO, 3, REASON_STORE_FAILED},
		{"no answer", ANSWER_FAILED, 0, REASON_STORE_FAILED},
		{"nonsense", (enum answer_kind)77, 0, REASON_STORE_FAILED},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct world w;
		struct question q;
		shared_init(&w, counted_rules);
		struct judgement j =
			judge(&w, w.rules, true,
			      SLICE("{\"type\":\"say\",\"id\":1,\"user\":\"u\",\"text\":\"<b>\"}"));
		ROW_CHECK(at, j.rewritten);
		(void)asked(w.rules, j);
		j = answer(&w, w.rules, at->kind, at->over);
		ROW_CHECK(at, j.reason == at->reason && !j.waits && !j.asks);
		ROW_CHECK(at,
			  slice_eq(j.finding.message, SLICE("say")) && j.rule && j.finding.line);
		ROW_CHECK(at, (j.reason == REASON_NONE) == !j.finding.detail);
		if (j.reason == REASON_NONE)
			assert_slice(j.text, "{\"type\":\"say\",\"id\":1,\"user\":\"u\",\"text\":"
					     "\"&lt;b&gt;\"}");
		ROW_CHECK(at, !rules_question(w.rules, &q));
		/* Once. */
		ROW_CHECK(at, answer(&w, w.rules, ANSWER_YES, 0).reason == REASON_INTERNAL);
		world_deinit(&w);
	}
}

/* What this node knows to be over is not asked. */
static void this_node_first(void **state)
{
	struct world w;
	struct question q;
	(void)state;
	shared_init(&w, counted_rules);
	(void)asked(w.rules, judge(&w, w.rules, true, say(1)));
	assert_int_equal(answer(&w, w.rules, ANSWER_YES, 0).reason, REASON_NONE);
	struct judgement j = judge(&w, w.rules, true, say(1));
	assert_int_equal(j.reason, REASON_REPLAY);
	assert_false(rules_question(w.rules, &q));
	for (int i = 2; i < 5; i++) {
		(void)asked(w.rules, judge(&w, w.rules, true, say(i)));
		assert_int_equal(answer(&w, w.rules, ANSWER_YES, 0).reason, REASON_NONE);
	}
	assert_int_equal(judge(&w, w.rules, true, say(5)).reason, REASON_MESSAGE_RATE);
	assert_false(rules_question(w.rules, &q));
	world_deinit(&w);
}

/* A message that could not be counted may come again, when the store is back. */
static void what_failed_was_not_seen(void **state)
{
	struct world w;
	(void)state;
	shared_init(&w, counted_rules);
	(void)asked(w.rules, judge(&w, w.rules, true, say(1)));
	assert_int_equal(answer(&w, w.rules, ANSWER_FAILED, 0).reason, REASON_STORE_FAILED);
	(void)asked(w.rules, judge(&w, w.rules, true, say(1)));
	assert_int_equal(answer(&w, w.rules, ANSWER_YES, 0).reason, REASON_NONE);
	assert_int_equal(judge(&w, w.rules, true, say(1)).reason, REASON_REPLAY);
	world_deinit(&w);
}

/* Of two sessions here that bring one value at once, the second is refused even by a store that
 * has forgotten the first. */
static void an_emptied_store_is_not_believed(void **state)
{
	struct world w;
	(void)state;
	shared_init(&w, counted_rules);
	struct rules *second = join(&w, SLICE("user1"), SLICE("{}"));
	(void)asked(w.rules, judge(&w, w.rules, true, say(1)));
	(void)asked(second, judge(&w, second, true, say(1)));
	assert_int_equal(answer(&w, w.rules, ANSWER_YES, 0).reason, REASON_NONE);
	assert_int_equal(answer(&w, second, ANSWER_YES, 0).reason, REASON_REPLAY);
	rules_free(second);
	world_deinit(&w);
}

/* --- running */

static void slots_go_back(void **state)
{
	struct world w;
	struct question q, back;
	(void)state;
	shared_init(&w, counted_rules);
	q = asked(w.rules, judge(&w, w.rules, true, export));
	/* A report of before is not this one's end: it has not begun. */
	assert_int_equal(judge(&w, w.rules, false, report).reason, REASON_NONE);
	assert_false(rules_give_back(w.rules, &back));
	struct judgement j = answer(&w, w.rules, ANSWER_YES, 0);
	assert_int_equal(j.reason, REASON_NONE);
	assert_slice(j.text, "{\"type\":\"export\"}");
	assert_false(rules_give_back(w.rules, &back));
	assert_int_equal(judge(&w, w.rules, false, report).reason, REASON_NONE);
	assert_true(rules_give_back(w.rules, &back));
	assert_int_equal(back.kind, QUESTION_GIVE_BACK);
	assert_int_equal(back.counted_count, 1);
	assert_int_equal(back.counted[0].kind, COUNTED_SLOT);
	assert_true(same(back.counted[0].key, q.counted[0].key));
	assert_true(same(back.counted[0].slot, q.counted[0].slot));
	assert_false(rules_give_back(w.rules, &back));
	assert_true(quota_whole(w.quota));
	/* The next one has a name of its own; with the session's end it goes on. */
	back = asked(w.rules, judge(&w, w.rules, true, export));
	assert_false(same(back.counted[0].slot, q.counted[0].slot));
	assert_int_equal(answer(&w, w.rules, ANSWER_YES, 0).reason, REASON_NONE);
	rules_end(w.rules, w.room);
	assert_false(rules_give_back(w.rules, &q));
	assert_false(quota_whole(w.quota));
	rules_room_sweep(w.room, UINT64_MAX);
	/* One that the store did not give is not given back. */
	(void)asked(w.rules, judge(&w, w.rules, true, export));
	assert_int_equal(answer(&w, w.rules, ANSWER_FAILED, 0).reason, REASON_STORE_FAILED);
	assert_false(rules_give_back(w.rules, &back));
	assert_true(quota_whole(w.quota));
	world_deinit(&w);
}

static void full_elsewhere_waits_here(void **state)
{
	struct world w;
	struct question q;
	struct slice text;
	bool binary;
	(void)state;
	shared_init(&w, counted_rules);
	(void)asked(w.rules, judge(&w, w.rules, true, export));
	struct judgement j = answer(&w, w.rules, ANSWER_NO, 0);
	assert_int_equal(j.reason, REASON_NONE);
	assert_true(j.waits);
	assert_true(quota_whole(w.quota));
	assert_false(rules_question(w.rules, &q));
	/* The queue is full now. */
	assert_int_equal(judge(&w, w.rules, true, export).reason, REASON_BUSY);
	assert_int_equal(rules_next(w.rules, w.now_us, &text, &binary), RULES_NOBODY);
	assert_true(rules_runs(w.rules));
	assert_true(rules_deadline_us(w.rules, w.now_us) <= w.now_us + 250000);
	w.now_us += 250000;
	assert_int_equal(rules_next(w.rules, w.now_us, &text, &binary), RULES_ASKS);
	assert_true(rules_question(w.rules, &q));
	assert_int_equal(rules_next(w.rules, w.now_us, &text, &binary), RULES_NOBODY);
	j = answer(&w, w.rules, ANSWER_NO, 0);
	assert_true(j.reason == REASON_NONE && j.waits);
	w.now_us += 250000;
	assert_int_equal(rules_next(w.rules, w.now_us, &text, &binary), RULES_ASKS);
	j = answer(&w, w.rules, ANSWER_YES, 0);
	assert_true(j.reason == REASON_NONE && !j.waits);
	assert_slice(j.text, "{\"type\":\"export\"}");
	/* Its time counts from now. */
	assert_int_equal(rules_deadline_us(w.rules, w.now_us), w.now_us + 30000000);
	/* One that waits for a slot of this node is asked about when it has one. */
	assert_true(judge(&w, w.rules, true, export).waits);
	assert_int_equal(judge(&w, w.rules, false, report).reason, REASON_NONE);
	assert_int_equal(rules_next(w.rules, w.now_us, &text, &binary), RULES_ASKS);
	assert_int_equal(answer(&w, w.rules, ANSWER_FAILED, 0).reason, REASON_STORE_FAILED);
	assert_false(rules_runs(w.rules));
	world_deinit(&w);
}

static void busy_everywhere_without_a_queue(void **state)
{
	struct world w;
	(void)state;
	shared_init(&w,
		    "    contract: chat.asyncapi.yaml\n"
		    "    rules:\n"
		    "      client: {export: {allow: true, running: {at_most: 1, queue: 0, until: "
		    "report, deadline: 30s}}}\n"
		    "      server: {'*': {allow: true}}\n");
	(void)asked(w.rules, judge(&w, w.rules, true, export));
	assert_int_equal(answer(&w, w.rules, ANSWER_NO, 0).reason, REASON_BUSY);
	assert_false(rules_runs(w.rules));
	world_deinit(&w);
}

static void a_session_that_ends_while_it_asks(void **state)
{
	struct world w;
	struct question q;
	(void)state;
	shared_init(&w, counted_rules);
	(void)asked(w.rules, judge(&w, w.rules, true, export));
	assert_true(w.budget.used > 0);
	rules_end(w.rules, w.room);
	assert_false(rules_give_back(w.rules, &q));
	assert_true(quota_whole(w.quota));
	world_deinit(&w);
}

/* --- reload */

static void other_rules_while_it_asks(void **state)
{
	static const struct {
		const char *says, *route;
		enum reason reason;
		bool given_back;
	} rows[] = {
		{"the same", counted_rules, REASON_NONE, false},
		{"no rule for it any more",
		 "    contract: chat.asyncapi.yaml\n"
		 "    rules: {client: {move: {allow: true}}, server: {'*': {allow: true}}}\n",
		 REASON_MESSAGE_UNKNOWN, true},
		{"no contract any more", "    contract: none\n", REASON_MESSAGE_UNKNOWN, true},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct world w;
		struct question q, back;
		shared_init(&w, counted_rules);
		struct snapshot *conf = load(at->route);
		q = asked(w.rules, judge(&w, w.rules, true, export));
		ROW_CHECK(at, rules_reload(w.rules, &conf->routes[0], w.now_us, 0).kind ==
				      VERDICT_PASS);
		struct judgement j = answer(&w, w.rules, ANSWER_YES, 0);
		ROW_CHECK(at, j.reason == at->reason);
		ROW_CHECK(at, rules_give_back(w.rules, &back) == at->given_back);
		if (at->given_back)
			ROW_CHECK(at, same(back.counted[0].slot, q.counted[0].slot));
		rules_free(w.rules);
		w.rules = NULL;
		snapshot_unref(conf);
		world_deinit(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_asked_needlessly),
		cmocka_unit_test(what_is_asked),
		cmocka_unit_test(keys_are_of_whom_and_what),
		cmocka_unit_test(answers),
		cmocka_unit_test(this_node_first),
		cmocka_unit_test(what_failed_was_not_seen),
		cmocka_unit_test(an_emptied_store_is_not_believed),
		cmocka_unit_test(slots_go_back),
		cmocka_unit_test(full_elsewhere_waits_here),
		cmocka_unit_test(busy_everywhere_without_a_queue),
		cmocka_unit_test(a_session_that_ends_while_it_asks),
		cmocka_unit_test(other_rules_while_it_asks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
