/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a message that is refused, and how a session ends.
 *
 *   refused, by us ----.
 *   close frame --------+--> CLOSING: both sides hear a close frame, nothing is judged any more,
 *   gone, by itself ---'       |      what still comes is thrown away
 *                              |-- the client closed, or was refused: we end TCP towards it
 *                              |-- APP_END_MS: towards the application, too
 *                              `-- both have ended, or CLOSING_MS: GONE
 */
#include "gateway/relay_priv.h"
#include "net/random.h"
#include "ws/close.h"

static const char *const side_names[] = {"client", "server"};

/* --- the log */

void relay_event(const struct conn *c, struct event *e)
{
	const struct session *s = c->session;

	conn_event(c, e);
	event_text(e, "route", s->run->conf->path.text);
	event_text(e, "subject", session_subject(s));
	event_text(e, "via", s->via);
}

void relay_log_closed(const struct conn *c)
{
	const struct session *s = c->session;
	struct event e;

	if (!event_wanted(c->worker->gateway->log, EVENT_INFO))
		return;
	event_init(&e, EVENT_INFO, "closed");
	relay_event(c, &e);
	if (s->reason != REASON_NONE)
		event_reason(&e, s->reason);
	event_cstr(&e, "by", s->by ? s->by : "gateway");
	event_number(&e, "code", s->close_code);
	event_number(&e, "ms", (int64_t)clock_since(s->opened_ms, conn_now(c)));
	event_number(&e, "client_messages", (int64_t)s->messages[CLIENT]);
	event_number(&e, "client_bytes", (int64_t)s->bytes[CLIENT]);
	event_number(&e, "server_messages", (int64_t)s->messages[SERVER]);
	event_number(&e, "server_bytes", (int64_t)s->bytes[SERVER]);
	event_emit(c->worker->gateway->log, &e);
}

/* --- steps to the end */

static void send_close(struct conn *c, enum side to, uint16_t code, struct slice text)
{
	struct session *s = c->session;
	struct leg *leg = &s->legs[to];
	struct buf *frame = &c->worker->frame;

	if (leg->close_sent || leg->ended)
		return;
	leg->close_sent = true;
	buf_clear(frame);
	if (ws_write_close(&leg->writer, frame, code, text) ||
	    stream_write(relay_stream(c, to), buf_slice(frame)))
		leg->ended = true; /* cannot even be told: its deadline or the other side ends it */
}

static void end_if_over(struct conn *c)
{
	const struct session *s = c->session;

	if (s->legs[CLIENT].ended && s->legs[SERVER].ended)
		conn_end(c);
}

void relay_finish(struct conn *c, enum side side)
{
	struct leg *leg = &c->session->legs[side];

	if (leg->ended)
		return;
	int r = stream_shutdown(relay_stream(c, side));
	if (r != 0 && r != STREAM_AGAIN)
		leg->ended = true;
	else
		stream_resume(relay_stream(c, side));
}

static void end_leg(struct conn *c, enum side side)
{
	struct session *s = c->session;

	s->legs[side].ended = true;
	ws_reader_deinit(&s->legs[side].reader);
	if (side == SERVER)
		stream_deinit(&s->up);
}

static void start_closing(struct conn *c, const char *by, enum reason reason, uint16_t code)
{
	struct session *s = c->session;

	s->by = by;
	s->reason = reason;
	s->close_code = code;
	conn_enter(c, CONN_CLOSING, conn_now(c) + APP_END_MS);
	for (int side = CLIENT; side <= SERVER; side++)
		s->legs[side].paused = false;
	stream_resume(&c->client);
	if (!s->legs[SERVER].ended)
		stream_resume(&s->up);
}

/* --- refusals */

/* What was done about a message that should not be. */
enum action { ACTION_CLOSE, ACTION_DROP, ACTION_REPLY, ACTION_OBSERVE };

/* Where in the message, never what was in it. */
static void event_finding(struct event *e, const struct finding *f)
{
	if (f->message.len)
		event_text(e, "message", f->message);
	if (f->line)
		event_number(e, "rule", f->line);
	if (f->has_pointer)
		event_text(e, "at", f->pointer);
}

static void log_refused(struct conn *c, enum reason reason, const char *detail, enum action action,
			const struct finding *finding)
{
	static const char *const words[] = {"close", "drop", "reply", "observe"};
	bool observed = action == ACTION_OBSERVE;
	struct event e;

	if (observed)
		metric_add(&c->worker->metrics, METRIC_OBSERVED, 1);
	else
		metric_refused(&c->worker->metrics, reason);
	if (!event_wanted(c->worker->gateway->log, EVENT_INFO))
		return;
	event_init(&e, EVENT_INFO, observed ? "observed" : "refused");
	relay_event(c, &e);
	event_reason(&e, reason);
	event_cstr(&e, "detail", detail);
	if (finding)
		event_finding(&e, finding);
	event_cstr(&e, "action", words[action]);
	if (action == ACTION_CLOSE)
		event_number(&e, "code", reason_close_code(reason));
	event_emit(c->worker->gateway->log, &e);
}

/* Fails the connection: both sides are told, nothing more is read as messages. */
static void refuse(struct conn *c, enum reason reason, const char *detail,
		   const struct finding *finding)
{
	struct slice word = slice_from_cstr(reason_word(reason));
	uint16_t code = reason_close_code(reason);

	if (c->state != CONN_OPEN)
		return;
	if (c->ask)
		c->ask->conn = NULL;
	c->ask = NULL;
	inspect_forget_answer(c->session);
	log_refused(c, reason, detail, ACTION_CLOSE, finding);
	start_closing(c, "gateway", reason, code);
	send_close(c, CLIENT, code, word);
	send_close(c, SERVER, WS_CLOSE_GOING_AWAY, word);
	relay_finish(c, CLIENT);
	end_if_over(c);
}

void relay_refuse(struct conn *c, enum reason reason, const char *detail)
{
	refuse(c, reason, detail, NULL);
}

static void reply(struct conn *c, enum reason reason)
{
	struct buf *text = &c->worker->response;

	buf_clear(text);
	if (message_reply(&c->session->policy, reason, text))
		relay_refuse(c, REASON_OVERLOADED, "reply");
	else
		relay_send_text(c, buf_slice(text));
}

bool relay_act(struct conn *c, struct verdict v, const struct finding *finding)
{
	switch (v.kind) {
	case VERDICT_REWRITE:
		metric_add(&c->worker->metrics, METRIC_REWRITTEN, 1);
		return true;
	case VERDICT_PASS:
		if (v.reason != REASON_NONE)
			log_refused(c, v.reason, v.detail, ACTION_OBSERVE, finding);
		return true;
	case VERDICT_DROP:
		log_refused(c, v.reason, v.detail, ACTION_DROP, finding);
		return false;
	case VERDICT_REPLY:
		log_refused(c, v.reason, v.detail, ACTION_REPLY, finding);
		reply(c, v.reason);
		return false;
	case VERDICT_REFUSE:
		refuse(c, v.reason, v.detail, finding);
		return false;
	case VERDICT_ASK:
	default:
		relay_refuse(c, REASON_INTERNAL, "an unknown verdict");
		return false;
	}
}

void relay_on_refused(struct conn *c, enum side from, enum reason reason)
{
	if (from == CLIENT) {
		relay_refuse(c, reason, NULL);
		return;
	}
	/* The application broke the protocol: it hears why, the client only that it failed. */
	send_close(c, SERVER, reason_close_code(reason), slice_from_cstr(reason_word(reason)));
	relay_refuse(c, REASON_UPSTREAM_FAILED, reason_word(reason));
}

/* --- the end */

void relay_end_within(struct conn *c, enum reason reason, uint64_t spread_ms)
{
	struct session *s = c->session;
	uint32_t dice = 0;

	if (!spread_ms || random_bytes(&dice, sizeof(dice))) {
		relay_refuse(c, reason, NULL);
		return;
	}
	uint64_t at = clock_add(conn_now(c), dice % spread_ms);
	/* Whoever is over before that is not given more time. */
	if (at < s->lifetime_ms) {
		s->lifetime_ms = at;
		s->lifetime_reason = reason;
	}
	conn_arm(c, relay_next_deadline(s));
}

/* First the application's time to end TCP is up: it hears that we do. Then everybody's. */
void relay_closing_deadline(struct conn *c)
{
	struct session *s = c->session;

	if (s->app_told) {
		conn_end(c);
		return;
	}
	s->app_told = true;
	conn_arm(c, conn_now(c) + CLOSING_MS - APP_END_MS);
	relay_finish(c, SERVER);
	end_if_over(c);
}

void relay_on_close(struct conn *c, enum side from, const struct ws_event *e)
{
	struct session *s = c->session;
	enum side to = relay_other(from);

	s->legs[from].close_received = true;
	if (c->state == CONN_OPEN) {
		start_closing(c, side_names[from], REASON_NONE, e->code);
		send_close(c, to, e->code, e->payload);
		send_close(c, from, e->code, e->payload);
	}
	/* A server ends TCP first (RFC 6455 section 7.1.1). Towards the application we are the
	 * client: with it the ports of what has ended would stay taken for a minute, of which there
	 * are less than thirty thousand. It has APP_END_MS. */
	if (s->legs[CLIENT].close_received)
		relay_finish(c, CLIENT);
	end_if_over(c);
}

void relay_on_gone(struct conn *c, enum side side)
{
	struct session *s = c->session;

	end_leg(c, side);
	if (c->state == CONN_OPEN && side == CLIENT) {
		start_closing(c, side_names[side], REASON_NONE, WS_CLOSE_ABNORMAL);
		send_close(c, SERVER, WS_CLOSE_GOING_AWAY, SLICE(""));
	} else if (c->state == CONN_OPEN) {
		relay_refuse(c, REASON_UPSTREAM_FAILED, "went away");
		return;
	} else if (side == SERVER && !s->legs[CLIENT].close_sent) {
		send_close(c, CLIENT, WS_CLOSE_GOING_AWAY, SLICE(""));
		relay_finish(c, CLIENT);
	}
	end_if_over(c);
}
