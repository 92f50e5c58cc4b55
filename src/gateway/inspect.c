/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract and rules on the messages of a session: between the relay, which has bytes and
 * sockets, and policy/rules.h, which has neither.
 *
 *   relay --message--> rules_judge_* --judgement--> message_settle_* --verdict--> relay_act
 *                            |
 *                       `running`: waits in the session, comes out of inspect_waiting
 *                       counted by all nodes: kept; nothing more is read from the client until
 *                       the control thread's answer comes into inspect_answer
 */
#include "base/clock.h"
#include "base/obj.h"
#include "gateway/conn.h"

bool inspect_open(struct conn *c)
{
	struct session *s = c->session;
	const struct request *q = c->request;
	const struct context_facts facts = {
		.identity = &q->handshake.identity,
		.head = &q->parser.head,
		.target = &q->http.target,
		.match = &q->dispatch.match,
		.path = q->handshake.path,
		.origin = q->handshake.origin,
		.peer = c->peer,
		.tls = c->secure,
		.connection_id = slice_of(c->request_id, REQUEST_ID_CHARS),
	};

	if (!rules_needed(s->run->conf))
		return true;
	s->rules = rules_new(s->run->conf, &facts, c->worker->gateway->quota, &c->worker->memory,
			     reactor_now_us(&c->worker->reactor));
	return s->rules != NULL;
}

/* Slots that other nodes may have now. Nobody waits for the answer. */
static void give_back(struct conn *c)
{
	struct question q;

	while (rules_give_back(c->session->rules, &q)) {
		struct ask *a = ask_new(c, ASK_POLICY, 0);
		if (!a)
			continue; /* in their time they fall back by themselves */
		a->question = q;
		ask_send_off(a);
	}
}

void inspect_forget_answer(struct session *s)
{
	if (s->counting)
		s->counting->conn = NULL;
	s->counting = NULL;
	s->counting_deadline_ms = 0;
}

void inspect_close(struct conn *c)
{
	struct session *s = c->session;

	inspect_forget_answer(s);
	if (!s->rules)
		return;
	rules_end(s->rules, c->worker->rules_room);
	give_back(c);
	s->rules = rules_free(s->rules);
	worker_watch_running(c->worker);
}

/* The end, unless the verdict is PASS. Policy may not look at the old rules any more then. */
static void settle(struct conn *c, struct verdict v)
{
	if (v.kind == VERDICT_PASS)
		return;
	inspect_close(c);
	relay_refuse(c, v.reason, v.detail);
}

void inspect_reload(struct conn *c, const struct conf_route *route)
{
	struct session *s = c->session;
	struct reactor *r = &c->worker->reactor;

	if (s->rules && rules_needed(route)) {
		settle(c, rules_reload(s->rules, route, reactor_now_us(r), reactor_realtime_ms(r)));
		if (s->rules)
			give_back(c);
	} else if (s->rules) {
		bool asked = s->counting;
		inspect_close(c);
		if (asked)
			relay_refuse(c, REASON_DRAINING, "a message was waiting for the store");
	} else if (rules_needed(route)) {
		settle(c, verdict_refuse(REASON_DRAINING, "its messages are judged from now on"));
	}
}

void inspect_identify(struct conn *c, const struct identity *identity)
{
	struct reactor *r = &c->worker->reactor;

	if (c->session->rules)
		settle(c, rules_identify(c->session->rules, identity, reactor_now_us(r),
					 reactor_realtime_ms(r)));
}

/* --- messages */

uint64_t inspect_deadline_ms(const struct conn *c)
{
	const struct rules *rules = c->session->rules;
	uint64_t at =
		rules ? rules_deadline_us(rules, reactor_now_us(&c->worker->reactor)) : UINT64_MAX;

	/* Later rather than too early: an early look would find nothing and look again. */
	return at == UINT64_MAX ? TIMER_NEVER : clock_us_to_ms(at) + 1;
}

static void arm(struct conn *c)
{
	uint64_t at = inspect_deadline_ms(c);

	if (c->state == CONN_OPEN && at != TIMER_NEVER &&
	    (!timer_armed(&c->timer) || at < c->timer.at_ms))
		conn_arm(c, at);
}

static void forward_kept(struct conn *c, struct slice text, bool binary)
{
	const struct ws_event e = {
		.kind = WS_MESSAGE,
		.opcode = binary ? WS_OPCODE_BINARY : WS_OPCODE_TEXT,
		.payload = text,
		.writable = (char *)(uintptr_t)text.data,
	};

	relay_forward(c, CLIENT, &e);
}

/* --- what all nodes count */

static void take_answer(struct conn *c, const struct answer *answer)
{
	struct session *s = c->session;
	uint64_t now_us = reactor_now_us(&c->worker->reactor);
	struct judgement j = rules_answer(s->rules, answer, now_us);

	if (relay_act(c, message_settle_client(&s->policy, &j, now_us), &j.finding) && !j.waits)
		forward_kept(c, j.text, j.binary);
}

/* Nothing more is read from the client until the answer, or not even that could be asked. */
static void ask_nodes(struct conn *c)
{
	static const struct answer failed = {.kind = ANSWER_FAILED};
	struct session *s = c->session;
	struct ask *a = ask_new(c, ASK_POLICY, 0);

	if (a && !rules_question(s->rules, &a->question)) {
		ask_free(a);
		a = NULL;
	}
	if (!a || !ask_send_as(a, &s->counting)) {
		take_answer(c, &failed);
		return;
	}
	s->counting_deadline_ms = clock_add(conn_now(c), ASK_MS);
	if (!timer_armed(&c->timer) || s->counting_deadline_ms < c->timer.at_ms)
		conn_arm(c, s->counting_deadline_ms);
}

static void go_on(struct conn *c)
{
	struct session *s = c->session;

	if (c->state == CONN_OPEN)
		inspect_waiting(c);
	if (c->state == CONN_OPEN && !s->counting) {
		s->legs[CLIENT].last_ms = conn_now(c);
		stream_resume(&c->client);
	}
}

void inspect_answer(struct conn *c, struct ask *a)
{
	struct session *s = c->session;

	MUST(s->counting == a);
	inspect_forget_answer(s);
	take_answer(c, &a->answer);
	ask_free(a);
	go_on(c);
}

void inspect_timed_out(struct conn *c)
{
	static const struct answer failed = {.kind = ANSWER_FAILED};

	inspect_forget_answer(c->session);
	take_answer(c, &failed);
	go_on(c);
}

/* --- */

/* After whatever may have taken, ended or waited for an operation. */
static void look_after(struct conn *c)
{
	const struct session *s = c->session;

	if (c->state != CONN_OPEN || !s->rules || rules_idle(s->rules))
		return;
	give_back(c);
	if (rules_runs(s->rules))
		arm(c);
}

void inspect_waiting(struct conn *c)
{
	struct session *s = c->session;
	enum rules_turn turn = RULES_GOES;
	struct slice text;
	bool binary;

	while (c->state == CONN_OPEN && s->rules && turn != RULES_NOBODY) {
		turn = rules_next(s->rules, reactor_now_us(&c->worker->reactor), &text, &binary);
		if (turn == RULES_GOES)
			forward_kept(c, text, binary);
		if (turn == RULES_ASKS)
			ask_nodes(c);
	}
	look_after(c);
}

static struct verdict settle_message(struct conn *c, enum side from, const struct judgement *j,
				     uint64_t now_us)
{
	struct message_policy *policy = &c->session->policy;

	return from == CLIENT ? message_settle_client(policy, j, now_us)
			      : message_settle_server(policy, j);
}

/* The verdict of what is not refused and goes as it came would be PASS. */
static bool is_plain(const struct judgement *j)
{
	return j->reason == REASON_NONE && !j->rewritten && !j->waits && !j->asks;
}

/* Anything but a plain yes. */
static bool act(struct conn *c, enum side from, struct ws_event *e, const struct judgement *j,
		uint64_t now_us)
{
	struct verdict v = settle_message(c, from, j, now_us);

	if (!relay_act(c, v, &j->finding))
		return false;
	if (v.kind == VERDICT_REWRITE) {
		e->frame = slice_of(NULL, 0);
		e->payload = j->text;
		e->writable = (char *)(uintptr_t)j->text.data;
	}
	if (j->asks)
		ask_nodes(c);
	return !j->waits && !j->asks;
}

/* Not inlined: it is not the usual case. */
__attribute__((noinline)) static bool act_and_look_after(struct conn *c, enum side from,
							 struct ws_event *e,
							 const struct judgement *j, uint64_t now_us)
{
	bool goes = is_plain(j) || act(c, from, e, j, now_us);

	look_after(c);
	return goes;
}

bool inspect_message(struct conn *c, enum side from, struct ws_event *e)
{
	struct session *s = c->session;
	struct worker *w = c->worker;

	if (!s->run->conf->messages.judged)
		return true;
	const struct rules_message m = {
		.text = e->payload,
		.binary = e->opcode == WS_OPCODE_BINARY,
		.now_us = reactor_now_us(&w->reactor),
		.now_unix_ms = reactor_realtime_ms(&w->reactor),
	};
	struct judgement j;
	bool known = from == CLIENT ? rules_judge_client(s->rules, w->rules_room, &m, &j)
				    : rules_judge_server(s->rules, w->rules_room, &m, &j);
	return known || act_and_look_after(c, from, e, &j, m.now_us);
}
