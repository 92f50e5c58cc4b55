/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds, and the steps of a case; see test_run.h. */
#include "cmd/test_run.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "cmd/test_run_priv.h"

enum {
	ARENA_BLOCK = 1 << 16,
	ARENA_MAX = 1 << 28,
	SESSION_BYTES_MAX = 1 << 28,
	CONNECTIONS = 64,
	TEXT_BYTES_MAX = 1 << 26,
	RELEASED_MAX = 1 << 16, /* messages that stop waiting in one go */
};

/* Any monotonic moment that is not the beginning of time. */
#define BEGIN_US UINT64_C(1000000000000)

/* --- the world */

/* Rules of the copied route enforce, whatever they said. */
static bool enforce_rules(struct conf_route *route, struct arena *a)
{
	const struct conf_messages *m = &route->messages;
	struct conf_rule *rules = arena_calloc(a, m->rule_count + 1, sizeof(*rules));

	if (!rules)
		return false;
	for (size_t i = 0; i < m->rule_count; i++) {
		rules[i] = m->rules[i];
		rules[i].observe = false;
	}
	route->messages.rules = rules;
	route->observe = false;
	return true;
}

/* It takes the test's tickets, and nobody without one only if it takes anyone. */
static bool replace_identify(const struct test_world *w, struct conf_route *route, struct arena *a)
{
	size_t *identify = arena_calloc(a, 2, sizeof(*identify));
	size_t count = 0;

	if (!identify)
		return false;
	identify[count++] = w->played.identity_count - 1;
	for (size_t i = 0; i < route->identify_count; i++)
		if (w->conf->identities[route->identify[i]].kind == CONF_IDENTITY_ANYONE &&
		    count < 2)
			identify[count++] = route->identify[i];
	route->identify = identify;
	route->identify_count = count;
	return true;
}

static bool copy_routes(struct test_world *w)
{
	const struct snapshot *conf = w->conf;
	struct conf_route *routes = arena_calloc(&w->arena, conf->route_count + 1, sizeof(*routes));

	if (!routes)
		return false;
	for (size_t i = 0; i < conf->route_count; i++) {
		routes[i] = conf->routes[i];
		if (!enforce_rules(&routes[i], &w->arena) ||
		    !replace_identify(w, &routes[i], &w->arena))
			return false;
	}
	w->played.routes = routes;
	return true;
}

static bool copy_identities(struct test_world *w)
{
	const struct snapshot *conf = w->conf;
	struct conf_identity *all = arena_calloc(&w->arena, conf->identity_count + 1, sizeof(*all));

	if (!all)
		return false;
	for (size_t i = 0; i < conf->identity_count; i++)
		all[i] = conf->identities[i];
	all[conf->identity_count] = (struct conf_identity){.name = SLICE("sallyport test"),
							   .kind = CONF_IDENTITY_TICKET};
	w->played.identities = all;
	w->played.identity_count = conf->identity_count + 1;
	return true;
}

static bool world_init(struct test_world *w)
{
	/* Opens nothing but this process's own tests. */
	static const char key[] = "sallyport test: a key like any other of 32 bytes";

	w->played = *w->conf;
	if (!copy_identities(w) || !copy_routes(w) ||
	    !test_cover_init(&w->cover, &w->played, &w->arena) ||
	    keyset_add(&w->keys, slice_from_cstr(key)))
		return false;
	w->room = rules_room_new(&w->secret);
	if (w->room)
		rules_room_fit(w->room, &w->played);
	return w->room != NULL;
}

struct test_world *test_world_new(struct snapshot *conf)
{
	struct test_world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->conf = snapshot_ref(conf);
	arena_init(&w->arena, ARENA_BLOCK, ARENA_MAX);
	return world_init(w) ? w : test_world_free(w);
}

struct test_world *test_world_free(struct test_world *w)
{
	if (!w)
		return NULL;
	rules_room_free(w->room);
	keyset_deinit(&w->keys);
	arena_deinit(&w->arena);
	snapshot_unref(w->conf);
	free(w);
	return NULL;
}

const struct test_cover *test_world_cover(const struct test_world *w)
{
	return &w->cover;
}

/* --- a case under way */

struct run {
	struct test_talk talk;
	struct arena *keep; /* of the results */
	/* Messages that have stopped waiting and that no step has asked for yet, as results. */
	struct test_result *released[RELEASED_MAX];
	size_t released_first, released_count;
};

static struct slice kept(struct run *run, struct slice text)
{
	struct slice copy = arena_copy(run->keep, text);

	return copy;
}

/* Messages that may go now. */
static void release(struct run *run)
{
	struct test_talk *t = &run->talk;
	struct slice text;
	bool binary;

	while (t->rules && run->released_count < RELEASED_MAX &&
	       rules_next(t->rules, t->now_us, &text, &binary)) {
		struct test_result *result = arena_calloc(run->keep, 1, sizeof(*result));
		if (!result)
			return;
		result->fate = TEST_FORWARDED;
		result->text = kept(run, text);
		result->binary = binary;
		run->released[run->released_count++] = result;
	}
}

static void set_time(struct test_talk *t, uint64_t now_us)
{
	t->now_unix_ms += now_us / 1000 - t->now_us / 1000;
	t->now_us = now_us;
	rules_room_sweep(t->world->room, now_us);
}

/* Time passes; what has a moment happens at that moment. */
static void pass_time(struct run *run, uint64_t ms)
{
	struct test_talk *t = &run->talk;
	uint64_t end = t->now_us + ms * 1000;

	while (t->rules) {
		uint64_t at = rules_deadline_us(t->rules, t->now_us);
		if (at > end || at <= t->now_us)
			break;
		set_time(t, at);
		release(run);
	}
	set_time(t, end);
	release(run);
}

/* --- what became of it */

static void take_finding(struct run *run, const struct judgement *j, struct test_result *out)
{
	const struct finding *f = &j->finding;

	out->message = f->message.len ? f->message : (j->rule ? j->rule->id : slice_of(NULL, 0));
	out->rule_line = f->line ? f->line : (j->rule ? j->rule->line : 0);
	out->detail = f->detail;
	if (j->rule && f->detail && slice_starts_with(slice_from_cstr(f->detail), SLICE("allow")))
		out->allow_line = j->rule->allow.line;
	out->has_pointer = f->has_pointer;
	if (f->has_pointer)
		out->pointer = kept(run, f->pointer);
}

static void take_reply(struct run *run, struct test_result *out)
{
	struct buf text;

	buf_init(&text, TEXT_BYTES_MAX);
	if (message_reply(&run->talk.policy, out->reason, &text) == 0)
		out->text = kept(run, buf_slice(&text));
	buf_deinit(&text);
}

static void take_verdict(struct run *run, struct verdict v, struct test_result *out)
{
	out->reason = v.reason;
	if (v.detail)
		out->detail = v.detail;
	switch (v.kind) {
	case VERDICT_PASS:
	case VERDICT_REWRITE:
		out->fate = TEST_FORWARDED;
		return;
	case VERDICT_DROP:
		out->fate = TEST_DROPPED;
		return;
	case VERDICT_REPLY:
		out->fate = TEST_REPLIED;
		take_reply(run, out);
		return;
	case VERDICT_REFUSE:
	case VERDICT_ASK:
	default:
		out->fate = TEST_CLOSED;
		test_close(&run->talk);
	}
}

static struct judgement judge(struct run *run, const struct test_step *s)
{
	struct test_talk *t = &run->talk;
	const struct rules_message m = {
		.text = s->message,
		.binary = s->binary,
		.now_us = t->now_us,
		.now_unix_ms = t->now_unix_ms,
	};
	struct judgement j;

	if (s->kind == TEST_CLIENT)
		rules_judge_client(t->rules, t->world->room, &m, &j);
	else
		rules_judge_server(t->rules, t->world->room, &m, &j);
	if (j.rule)
		test_cover_rule(&t->world->cover, t->route,
				(size_t)(j.rule - t->route->messages.rules), j.reason);
	return j;
}

/* Before any rule: size and rates. */
static struct verdict judge_size(struct test_talk *t, const struct test_step *s)
{
	struct verdict v;
	bool goes_on = s->kind == TEST_CLIENT
			       ? message_judge_client(&t->policy, s->message.len, t->now_us, &v)
			       : message_judge_server(&t->policy, s->message.len, &v);

	return goes_on ? verdict_pass() : v;
}

static void send_message(struct run *run, const struct test_step *s, struct test_result *out)
{
	struct test_talk *t = &run->talk;
	struct verdict v = judge_size(t, s);

	out->binary = s->binary;
	out->text = s->message;
	if (v.kind != VERDICT_PASS || !t->rules) {
		take_verdict(run, v, out);
		return;
	}
	struct judgement j = judge(run, s);
	if (j.rewritten)
		out->text = kept(run, j.text);
	take_finding(run, &j, out);
	take_verdict(run,
		     s->kind == TEST_CLIENT ? message_settle_client(&t->policy, &j, t->now_us)
					    : message_settle_server(&t->policy, &j),
		     out);
	if (j.waits && out->fate == TEST_FORWARDED) {
		out->fate = TEST_WAITS;
		t->waiting++;
	}
	release(run);
}

static void ask_waiting(struct run *run, struct test_result *out)
{
	if (run->released_first < run->released_count) {
		*out = *run->released[run->released_first++];
		if (run->talk.waiting)
			run->talk.waiting--;
		return;
	}
	out->fate = run->talk.waiting ? TEST_WAITS : TEST_BROKEN;
	out->detail = run->talk.waiting ? NULL : "no message waits";
}

/* Opens the connection if there is none. False: it is refused, or makes no sense. */
static bool connect(struct run *run, struct test_result *out)
{
	const char *broken;

	if (run->talk.open)
		return true;
	struct verdict v = test_open(&run->talk, &broken);
	out->fate = TEST_ALLOWED;
	if (v.kind == VERDICT_PASS)
		return true;
	out->fate = broken ? TEST_BROKEN : TEST_FORBIDDEN;
	out->reason = broken ? REASON_NONE : v.reason;
	out->detail = broken ? broken : v.detail;
	if (v.reason == REASON_NOT_ALLOWED && run->talk.route)
		out->allow_line = run->talk.route->allow.line;
	return false;
}

static void take_step(struct run *run, const struct test_step *s, struct test_result *out)
{
	pass_time(run, s->after_ms);
	if (s->kind == TEST_RECONNECT)
		test_close(&run->talk);
	if (s->kind == TEST_PAUSE) {
		out->fate = TEST_QUIET;
		return;
	}
	if (!connect(run, out))
		return;
	switch (s->kind) {
	case TEST_CLIENT:
	case TEST_SERVER:
		send_message(run, s, out);
		break;
	case TEST_WAITING:
		ask_waiting(run, out);
		break;
	case TEST_RECONNECT:
		out->fate = TEST_QUIET;
		break;
	case TEST_HANDSHAKE:
	case TEST_PAUSE:
		break;
	}
}

/* --- was it expected? */

static bool is_refusal(enum test_fate fate)
{
	return fate == TEST_FORBIDDEN || fate == TEST_DROPPED || fate == TEST_REPLIED ||
	       fate == TEST_CLOSED;
}

static bool as_expected(const struct test_expect *e, struct test_result *r, struct arena *a)
{
	if (e->any_refusal ? !is_refusal(r->fate) : r->fate != e->fate)
		return false;
	if (is_refusal(r->fate))
		return r->reason == e->reason &&
		       (!e->has_at || (r->has_pointer && slice_eq(e->at, r->pointer)));
	return r->fate != TEST_FORWARDED || test_compare(e, r, a, &r->differs);
}

static void run_steps(struct run *run, const struct test_case *c, struct test_result *results)
{
	bool closed = false;

	for (size_t i = 0; i < c->step_count; i++) {
		const struct test_step *s = &c->steps[i];
		struct test_result *r = &results[i];
		r->reconnected = closed && s->kind != TEST_PAUSE;
		take_step(run, s, r);
		closed = r->fate == TEST_CLOSED || (closed && s->kind == TEST_PAUSE);
		r->judged = s->kind != TEST_PAUSE && s->kind != TEST_RECONNECT;
		r->passed =
			r->judged ? as_expected(&s->expect, r, run->keep) : r->fate == TEST_QUIET;
	}
}

int test_run(struct test_world *w, const struct test_case *c, struct arena *a,
	     const struct test_result **results)
{
	struct test_result *out = arena_calloc(a, c->step_count, sizeof(*out));
	struct run *run = calloc(1, sizeof(*run));
	struct test_talk *t = run ? &run->talk : NULL;

	if (!out || !run) {
		free(run);
		return err_raise(ENOMEM, "a test case");
	}
	run->keep = a;
	*t = (struct test_talk){.world = w,
				.client = &c->client,
				.now_us = BEGIN_US,
				.now_unix_ms = c->now_unix_ms,
				.quota = quota_new(&w->secret),
				.limits = limits_new(&w->secret, CONNECTIONS)};
	budget_init(&t->budget, SESSION_BYTES_MAX, NULL);
	arena_init(&t->arena, ARENA_BLOCK, ARENA_MAX);
	bool ready = t->quota && t->limits;
	if (ready)
		run_steps(run, c, out);
	test_close(t);
	arena_deinit(&t->arena);
	budget_deinit(&t->budget);
	limits_free(t->limits);
	rules_room_sweep(t->world->room, UINT64_MAX);
	quota_free(t->quota);
	free(run);
	*results = out;
	return ready && !a->overflow ? 0 : err_raise(ENOMEM, "a test case");
}
