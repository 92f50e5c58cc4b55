/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract and rules on the messages of a session: between the relay, which has bytes and
 * sockets, and policy/rules.h, which has neither.
 *
 *   relay --message--> rules_judge_* --judgement--> message_settle_* --verdict--> relay_act
 *                            |
 *                       `running`: waits in the session, comes out of inspect_waiting
 */
#include "base/clock.h"
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

/* The end, unless the verdict is PASS. Policy may not look at the old rules any more then. */
static void settle(struct conn *c, struct verdict v)
{
	struct session *s = c->session;

	if (v.kind == VERDICT_PASS)
		return;
	s->rules = rules_free(s->rules);
	relay_refuse(c, v.reason, v.detail);
}

void inspect_reload(struct conn *c, const struct conf_route *route)
{
	struct session *s = c->session;
	struct reactor *r = &c->worker->reactor;

	if (s->rules && rules_needed(route)) {
		settle(c, rules_reload(s->rules, route, reactor_now_us(r), reactor_realtime_ms(r)));
	} else if (s->rules) {
		s->rules = rules_free(s->rules);
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

void inspect_waiting(struct conn *c)
{
	struct session *s = c->session;
	struct slice text;
	bool binary;

	while (c->state == CONN_OPEN && s->rules &&
	       rules_next(s->rules, reactor_now_us(&c->worker->reactor), &text, &binary)) {
		const struct ws_event e = {
			.kind = WS_MESSAGE,
			.opcode = binary ? WS_OPCODE_BINARY : WS_OPCODE_TEXT,
			.payload = text,
			.writable = (char *)(uintptr_t)text.data,
		};
		relay_forward(c, CLIENT, &e);
	}
}

static struct verdict judge(struct conn *c, enum side from, const struct ws_event *e,
			    struct judgement *j)
{
	struct session *s = c->session;
	struct worker *w = c->worker;
	const struct rules_message m = {
		.text = e->payload,
		.binary = e->opcode == WS_OPCODE_BINARY,
		.now_us = reactor_now_us(&w->reactor),
		.now_unix_ms = reactor_realtime_ms(&w->reactor),
	};

	if (from == CLIENT) {
		*j = rules_judge_client(s->rules, w->rules_room, &m);
		return message_settle_client(&s->policy, j, m.now_us);
	}
	*j = rules_judge_server(s->rules, w->rules_room, &m);
	return message_settle_server(&s->policy, j);
}

bool inspect_message(struct conn *c, enum side from, struct ws_event *e)
{
	struct judgement j;
	struct verdict v;

	if (!c->session->run->conf->messages.judged)
		return true;
	v = judge(c, from, e, &j);

	if (!relay_act(c, v, &j.finding))
		return false;
	if (v.kind == VERDICT_REWRITE) {
		e->payload = j.text;
		e->writable = (char *)(uintptr_t)j.text.data;
	}
	/* A slot of `running` was taken, given back, or is waited for. */
	if (rules_runs(c->session->rules))
		arm(c);
	return !j.waits;
}
