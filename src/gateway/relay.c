/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open session: whole messages from one side, judged, framed onto the other's queue.
 *
 *   client --read--> ws_reader --message--> policy --PASS--> head + payload --> upstream's cork
 *      ^                                      |
 *      |                              REFUSE: close frame, both sides
 *      |                              DROP, REPLY: the message goes nowhere
 *      `---------------- client's cork <-- head + payload <-- policy <-- ws_reader <-- upstream
 *
 * Back-pressure: while more than `buffered` waits towards one side nothing is read from
 * the other; what was read already goes back into its stream. Messages of one read leave
 * with one send: a whole frame that nobody changed is not copied but made ours and lent where
 * it was read, and frames that lie behind each other are one piece to the kernel.
 */
#include <stdlib.h>
#include <string.h>

#include "base/obj.h"
#include "gateway/relay_priv.h"

enum {
	TURN_US = 1000,
	TURN_LOOKS = 64,        /* at the clock, then it is over in any case */
	TURN_CLOCK_EVERY = 32,  /* messages between two looks at the clock, ... */
	TURN_CLOCK_BYTES = 256, /* ... and one more for each so many bytes of a message */
};

/* --- birth and end */

struct session *session_new(struct conn *c)
{
	const struct identity *who = &c->request->handshake.identity;
	size_t texts = who->subject.len + who->key.len;

	MUST(texts <= UINT32_MAX);
	struct session *s = calloc(1, sizeof(*s) + texts);
	if (!s)
		return NULL;
	s->subject_len = (uint32_t)who->subject.len;
	s->key_len = (uint32_t)who->key.len;
	if (s->subject_len)
		memcpy(s->texts, who->subject.data, s->subject_len);
	if (s->key_len)
		memcpy(s->texts + s->subject_len, who->key.data, s->key_len);
	s->conn = c;
	s->home = generation_ref(c->generation);
	s->run = &c->generation->routes[c->request->dispatch.route->index];
	return s;
}

void session_free(struct conn *c)
{
	struct session *s = c->session;
	struct worker *w = c->worker;

	if (!s)
		return;
	if (s->open) {
		relay_log_closed(c);
		metric_add(&w->metrics, METRIC_SESSIONS, -1);
		ws_reader_deinit(&s->legs[CLIENT].reader);
		ws_reader_deinit(&s->legs[SERVER].reader);
	}
	renew_free(s);
	recheck_free(s);
	inspect_close(c);
	stream_deinit(&s->up);
	if (s->target) {
		s->target->active--;
		metric_add(&w->metrics, METRIC_UPSTREAMS, -1);
	}
	c->session = NULL;
	generation_unref(s->home);
	free(s);
}

/* What comes next is judged by g; what is under way stays as it is. */
void relay_reload(struct conn *c, struct generation *g, struct route_run *run)
{
	struct session *s = c->session;

	s->run = run;
	s->policy.route = run->conf;
	s->legs[CLIENT].reader.config = &run->from_client;
	s->legs[SERVER].reader.config = &run->from_server;
	c->client.max_pending = run->client_queue_max;
	s->up.max_pending = run->server_queue_max;
	inspect_reload(c, run->conf);
	generation_ref(g);
	generation_unref(c->generation);
	c->generation = g;
	if (c->state == CONN_OPEN)
		conn_arm(c, relay_next_deadline(s));
}

/* --- deadlines: one timer for the earliest of them */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

/* Its bytes stay where they are: the other side is slow, or a message waits for the store. */
static bool is_held(const struct session *s, const struct leg *leg)
{
	return leg->paused || (s->counting && leg == &s->legs[CLIENT]);
}

/* Nobody is idle while we do not listen to them. */
static uint64_t leg_idle_at(const struct session *s, const struct leg *leg)
{
	if (is_held(s, leg))
		return TIMER_NEVER;
	const struct conf_route_limits *limits = &s->run->conf->limits;
	uint64_t idle = clock_add(leg->last_ms, limits->idle_ms);

	return leg->pinged ? clock_add(idle, limits->pong_ms) : idle;
}

uint64_t relay_next_deadline(const struct session *s)
{
	uint64_t at = earlier(s->lifetime_ms, s->recheck_at_ms);
	at = earlier(at, inspect_deadline_ms(s->conn));
	at = earlier(at, s->counting_deadline_ms);

	for (int side = CLIENT; side <= SERVER; side++) {
		const struct leg *leg = &s->legs[side];
		at = earlier(at, leg_idle_at(s, leg));
		at = earlier(at, is_held(s, leg) ? 0 : leg->message_deadline_ms);
		at = earlier(at, leg->slow_deadline_ms);
	}
	return at;
}

static void send_control(struct conn *c, enum side to, enum ws_opcode opcode, struct slice payload)
{
	struct session *s = c->session;
	struct buf *frame = &c->worker->frame;

	buf_clear(frame);
	if (s->legs[to].close_sent || s->legs[to].ended)
		return;
	if (ws_write_control(&s->legs[to].writer, frame, opcode, payload) ||
	    stream_write(relay_stream(c, to), buf_slice(frame)))
		relay_refuse(c, REASON_OVERLOADED, "control frame");
}

void relay_on_deadline(struct conn *c)
{
	struct session *s = c->session;
	uint64_t now = conn_now(c);

	if (s->lifetime_ms <= now) {
		relay_refuse(c, s->lifetime_reason, NULL);
		return;
	}
	if (s->recheck_at_ms && s->recheck_at_ms <= now) {
		recheck_start(c);
		if (c->state != CONN_OPEN)
			return;
	}
	if (s->counting && s->counting_deadline_ms <= now)
		inspect_timed_out(c);
	else
		inspect_waiting(c);
	if (c->state != CONN_OPEN)
		return;
	for (int i = CLIENT; i <= SERVER; i++) {
		enum side side = (enum side)i;
		struct leg *leg = &s->legs[side];
		bool client = side == CLIENT;
		if (!is_held(s, leg) && leg->message_deadline_ms &&
		    leg->message_deadline_ms <= now) {
			relay_refuse(c, client ? REASON_MESSAGE_TOO_SLOW : REASON_UPSTREAM_FAILED,
				     "message unfinished");
			return;
		}
		if (leg->slow_deadline_ms && leg->slow_deadline_ms <= now) {
			relay_refuse(c, client ? REASON_SLOW_READER : REASON_UPSTREAM_FAILED,
				     "does not read");
			return;
		}
		if (leg_idle_at(s, leg) > now)
			continue;
		if (leg->pinged) {
			relay_refuse(c, client ? REASON_IDLE : REASON_UPSTREAM_FAILED, "no pong");
			return;
		}
		leg->pinged = true;
		send_control(c, side, WS_OPCODE_PING, SLICE(""));
		if (c->state != CONN_OPEN)
			return;
	}
	conn_arm(c, relay_next_deadline(s));
}

/* A new deadline counts only if it is earlier than the one armed; later ones are found
 * when that one fires. */
static void arm_no_later(struct conn *c, uint64_t at)
{
	if (!timer_armed(&c->timer) || at < c->timer.at_ms)
		conn_arm(c, at);
}

static inline void watch_message(struct conn *c, enum side side)
{
	struct session *s = c->session;
	struct leg *leg = &s->legs[side];

	if (!ws_reader_in_message(&leg->reader)) {
		leg->message_deadline_ms = 0;
		return;
	}
	uint32_t serial = ws_reader_serial(&leg->reader);
	if (leg->message_deadline_ms && serial == leg->message_serial)
		return;
	leg->message_serial = serial;
	leg->message_deadline_ms = clock_add(conn_now(c), s->run->conf->limits.message_time_ms);
	arm_no_later(c, leg->message_deadline_ms);
}

/* More waits towards `to` than may: stop reading from the other side, and give it time. */
static bool stays_slow(struct conn *c, enum side to)
{
	struct session *s = c->session;
	struct leg *leg = &s->legs[to];

	/* What was only gathered for the end of the round does not count yet: nobody would
	 * tell us when it has gone. Whoever reads finds out if sending failed. */
	(void)stream_flush(relay_stream(c, to));
	if (stream_pending_bytes(relay_stream(c, to)) <= s->run->conf->limits.buffered)
		return false;
	s->legs[relay_other(to)].paused = true;
	if (!leg->slow_deadline_ms) {
		leg->slow_deadline_ms = clock_add(conn_now(c), s->run->conf->limits.slow_reader_ms);
		arm_no_later(c, leg->slow_deadline_ms);
	}
	return true;
}

static inline bool is_slow(struct conn *c, enum side to)
{
	return stream_pending_bytes(relay_stream(c, to)) > c->session->run->conf->limits.buffered &&
	       stays_slow(c, to);
}

static void unpause(struct conn *c, enum side to)
{
	struct session *s = c->session;
	struct leg *from = &s->legs[relay_other(to)];

	if (!from->paused ||
	    stream_pending_bytes(relay_stream(c, to)) > s->run->conf->limits.buffered)
		return;
	s->legs[to].slow_deadline_ms = 0;
	from->paused = false;
	/* It could not be heard while it was not listened to. */
	from->last_ms = conn_now(c);
	if (from->message_deadline_ms) {
		from->message_deadline_ms =
			clock_add(conn_now(c), s->run->conf->limits.message_time_ms);
		arm_no_later(c, from->message_deadline_ms);
	}
	stream_resume(relay_stream(c, relay_other(to)));
}

/* --- messages */

/* What each read or message goes through is there once for each side, so that none asks again and
 * again which one it is. */
#define PER_SIDE __attribute__((always_inline)) static inline

static bool is_compressed(const struct ws_writer *writer, const struct ws_event *e)
{
	return writer->deflater && e->payload.len >= writer->deflate_from;
}

/* Came as one frame, and nobody has put another text in its place. */
static bool is_untouched(const struct ws_event *e)
{
	return e->frame.len && e->frame.data + e->frame.len == e->payload.data + e->payload.len;
}

/* Not inlined: its arrays are not the common case's business. */
__attribute__((noinline)) static int write_message(struct conn *c, enum side to,
						   const struct ws_event *e)
{
	const struct ws_writer *writer = &c->session->legs[to].writer;
	struct stream *stream = relay_stream(c, to);
	char head[WS_HEADER_MAX];
	size_t head_bytes;

	if (is_compressed(writer, e)) {
		struct buf *frame = &c->worker->frame;
		buf_clear(frame);
		int r = ws_write_message(writer, frame, e->opcode, e->payload);
		return r ? r : stream_write(stream, buf_slice(frame));
	}
	int r = ws_write_head(writer, e->opcode, e->writable, e->payload.len, head, &head_bytes);
	if (r)
		return r;
	struct slice parts[] = {slice_of(head, head_bytes), e->payload};
	return stream_writev(stream, parts, 2);
}

static void cannot_forward(struct conn *c, enum side to, int why)
{
	if (why == STREAM_RESET || why == STREAM_TLS_FAILED)
		relay_on_gone(c, to);
	else
		relay_refuse(c, REASON_OVERLOADED, "no room to forward");
}

/* True: it is on its way. */
PER_SIDE bool forward(struct conn *c, enum side from, const struct ws_event *e)
{
	struct session *s = c->session;
	enum side to = relay_other(from);
	const struct ws_writer *writer = &s->legs[to].writer;
	int r;

	if (is_untouched(e) && !is_compressed(writer, e)) {
		r = ws_write_again(writer, e->writable, e->payload.len);
		if (r == 0)
			r = stream_lend(relay_stream(c, to), e->frame);
	} else {
		r = write_message(c, to, e);
	}
	if (r) {
		cannot_forward(c, to, r);
		return false;
	}
	s->messages[from]++;
	s->bytes[from] += e->payload.len;
	return true;
}

static void count(struct conn *c, enum side from, uint64_t messages, uint64_t bytes)
{
	struct metrics *m = &c->worker->metrics;
	bool client = from == CLIENT;

	metric_add(m, client ? METRIC_CLIENT_MESSAGES : METRIC_SERVER_MESSAGES, (int64_t)messages);
	metric_add(m, client ? METRIC_CLIENT_BYTES : METRIC_SERVER_BYTES, (int64_t)bytes);
}

void relay_forward(struct conn *c, enum side from, const struct ws_event *e)
{
	if (forward(c, from, e))
		count(c, from, 1, e->payload.len);
}

/* A message of our own to the client. */
void relay_send_text(struct conn *c, struct slice text)
{
	struct buf *frame = &c->worker->frame;

	buf_clear(frame);
	if (ws_write_message(&c->session->legs[CLIENT].writer, frame, WS_OPCODE_TEXT, text) ||
	    stream_write(&c->client, buf_slice(frame)))
		relay_refuse(c, REASON_OVERLOADED, "reply");
}

/* True: it is on its way to the other side, in *e as it went. So for all events. */
PER_SIDE bool on_message(struct conn *c, enum side from, struct ws_event *e)
{
	struct session *s = c->session;
	struct verdict v;

	bool goes_on = from == CLIENT
			       ? message_judge_client(&s->policy, e->payload.len,
						      reactor_now_us(&c->worker->reactor), &v)
			       : message_judge_server(&s->policy, e->payload.len, &v);
	if (!goes_on && !relay_act(c, v, NULL))
		return false;
	if (from == CLIENT && s->control && renew_take(c, e))
		return false;
	if (!s->rules || rules_let_pass(s->rules, from == CLIENT))
		return forward(c, from, e);
	bool passed = inspect_message(c, from, e) && forward(c, from, e);
	if (from == SERVER && c->state == CONN_OPEN && s->rules && rules_runs(s->rules))
		inspect_waiting(c);
	return passed;
}

static void on_control(struct conn *c, enum side from, const struct ws_event *e)
{
	uint64_t now_us = reactor_now_us(&c->worker->reactor);

	if (from == CLIENT &&
	    !relay_act(c, message_judge_control(&c->session->policy, now_us), NULL))
		return;
	if (e->kind == WS_PING)
		send_control(c, from, WS_OPCODE_PONG, e->payload);
}

PER_SIDE bool on_event(struct conn *c, enum side from, struct ws_event *e)
{
	bool open = c->state == CONN_OPEN;

	switch (e->kind) {
	case WS_MESSAGE:
		return open && on_message(c, from, e);
	case WS_PING:
	case WS_PONG:
		if (open)
			on_control(c, from, e);
		break;
	case WS_CLOSE:
		relay_on_close(c, from, e);
		break;
	case WS_REFUSED:
		if (open)
			relay_on_refused(c, from, e->reason);
		else
			relay_finish(c, from);
		break;
	case WS_NEED_MORE:
	default:
		break;
	}
	return false;
}

/* What one session may do before the others have had their turn: so many messages, or so much
 * time, whichever is first. One message more is at most one message's work. */
struct turn {
	size_t unclocked;         /* messages and bytes since the clock was looked at */
	unsigned looks;           /* at the clock */
	uint64_t began_us;        /* at the first of them */
	uint64_t messages, bytes; /* that were passed on: for the metrics */
};

static bool is_time_over(struct turn *t)
{
	uint64_t now_us = guard_clock();

	t->unclocked = 0;
	if (t->looks++ == 0)
		t->began_us = now_us;
	return t->looks >= TURN_LOOKS || clock_since(t->began_us, now_us) >= TURN_US;
}

static inline bool is_turn_over(struct turn *t, size_t bytes)
{
	t->unclocked += 1 + bytes / TURN_CLOCK_BYTES;
	return t->unclocked >= TURN_CLOCK_EVERY && is_time_over(t);
}

/* What is left goes back into the stream, and comes again in the next round, or when somebody
 * says so. */
static void give_back(struct conn *c, enum side from, struct ws_input in, bool next_round)
{
	struct slice rest = slice_of(in.at, (size_t)(in.end - in.at));

	if (stream_unread(relay_stream(c, from), rest))
		relay_refuse(c, REASON_OVERLOADED, "no room to wait");
	else if (next_round)
		stream_resume(relay_stream(c, from));
}

/* False: there is nobody left whose messages could wait. */
PER_SIDE bool take_turn(struct conn *c, enum side from, struct ws_input *in, struct turn *turn)
{
	struct leg *leg = &c->session->legs[from];
	struct ws_event e;

	while (ws_reader_next(&leg->reader, in, &e) != WS_NEED_MORE) {
		if (on_event(c, from, &e)) {
			turn->messages++;
			turn->bytes += e.payload.len;
		}
		if (c->state == CONN_GONE || leg->ended || e.kind == WS_REFUSED)
			return false;
		bool stop = c->state == CONN_OPEN &&
			    (is_slow(c, relay_other(from)) || is_held(c->session, leg));
		bool over = is_turn_over(turn, e.payload.len);
		if ((stop || over) && in->at < in->end) {
			give_back(c, from, *in, !stop);
			break;
		}
	}
	return c->state == CONN_OPEN;
}

/* Everything that one read brought, or as much of it as is this session's turn. */
PER_SIDE void read_events(struct conn *c, enum side from, struct stream_bytes got)
{
	struct leg *leg = &c->session->legs[from];
	struct ws_input in = {got.data, got.data + got.len};
	struct turn turn = {0};

	leg->last_ms = conn_now(c);
	leg->pinged = false;
	if (take_turn(c, from, &in, &turn))
		watch_message(c, from);
	count(c, from, turn.messages, turn.bytes);
}

/* Reads to where the bytes belong: the rest of a long frame behind what came of it, everything else
 * into the worker's buffer, where *got is what is to be looked at then. Returns as stream_read,
 * in *bytes how many came. */
PER_SIDE int read_some(struct conn *c, enum side from, struct stream_bytes *got, size_t *bytes)
{
	struct ws_reader *reader = &c->session->legs[from].reader;
	char *room;
	size_t most = ws_reader_room(reader, STREAM_READ_BYTES, &room);
	int r;

	if (most == 0) {
		r = stream_read(relay_stream(c, from), got);
		*bytes = got->len;
		return r;
	}
	*got = (struct stream_bytes){.data = room};
	r = stream_read_into(relay_stream(c, from), room, most, bytes);
	if (r == 0)
		ws_reader_filled(reader, room, *bytes);
	return r;
}

PER_SIDE void on_readable(struct conn *c, enum side from)
{
	struct leg *leg = &c->session->legs[from];
	struct stream_bytes got;
	size_t bytes;

	if (leg->ended ||
	    (c->state == CONN_OPEN && (is_held(c->session, leg) || is_slow(c, relay_other(from)))))
		return;
	int r = read_some(c, from, &got, &bytes);
	if (r == STREAM_AGAIN)
		return;
	if (r != 0) {
		relay_on_gone(c, from);
		return;
	}
	if (c->state == CONN_CLOSING) {
		c->discarded += bytes;
		if (c->discarded > LINGER_BYTES) {
			conn_end(c);
			return;
		}
	}
	read_events(c, from, got);
}

PER_SIDE void on_stream(struct conn *c, enum side side, unsigned why)
{
	if (why & STREAM_WRITE && c->state == CONN_OPEN)
		unpause(c, side);
	if (why & (STREAM_READ | STREAM_GONE))
		on_readable(c, side);
}

void relay_on_client(struct conn *c, unsigned why)
{
	on_stream(c, CLIENT, why);
}

void relay_on_server(struct conn *c, unsigned why)
{
	on_stream(c, SERVER, why);
}

/* --- opening */

static void leg_init(struct conn *c, enum side side, const struct ws_reader_config *config,
		     const struct http_deflate *deflate, uint8_t our_window_bits)
{
	struct worker *w = c->worker;
	struct leg *leg = &c->session->legs[side];

	ws_reader_init(&leg->reader, config, &w->memory, deflate->on ? w->inflater : NULL);
	leg->writer = (struct ws_writer){
		.masker = side == SERVER ? &w->masker : NULL,
		.deflater = deflate->on ? w->deflater : NULL,
		.window_bits = our_window_bits,
		.deflate_from = SESSION_DEFLATE_FROM,
	};
	leg->last_ms = conn_now(c);
}

/* The session ends at its longest lifetime, or with its credential if that is sooner. */
void relay_set_lifetime(struct conn *c, uint64_t expires_unix_ms)
{
	struct session *s = c->session;
	uint64_t now = conn_now(c);

	s->lifetime_ms = clock_add(s->opened_ms, s->run->conf->limits.lifetime_ms);
	s->lifetime_reason = REASON_LIFETIME;
	if (!expires_unix_ms)
		return;
	uint64_t left = clock_since(reactor_realtime_ms(&c->worker->reactor), expires_unix_ms);
	if (clock_add(now, left) < s->lifetime_ms) {
		s->lifetime_ms = clock_add(now, left);
		s->lifetime_reason = REASON_CREDENTIAL_EXPIRED;
	}
}

static void log_opened(const struct conn *c)
{
	const struct request *q = c->request;
	struct event e;

	if (!event_wanted(c->worker->gateway->log, EVENT_INFO))
		return;
	event_init(&e, EVENT_INFO, "handshake");
	relay_event(c, &e);
	event_text(&e, "path", q->handshake.path);
	event_text(&e, "origin", q->handshake.origin);
	event_text(&e, "upstream", c->session->target->conf->url);
	event_number(&e, "us",
		     (int64_t)clock_since(q->started_us, reactor_now_us(&c->worker->reactor)));
	event_emit(c->worker->gateway->log, &e);
}

void relay_open(struct conn *c, const struct http_deflate *server_deflate)
{
	struct session *s = c->session;
	struct request *q = c->request;
	const struct http_deflate *client_deflate = &q->handshake.deflate;

	leg_init(c, CLIENT, &s->run->from_client, client_deflate, client_deflate->server_bits);
	leg_init(c, SERVER, &s->run->from_server, server_deflate, server_deflate->client_bits);
	message_policy_init(&s->policy, s->run->conf);
	c->client.max_pending = s->run->client_queue_max;
	s->opened_ms = conn_now(c);
	for (size_t i = 0; i < conn_conf(c)->identity_count; i++)
		if (slice_eq(conn_conf(c)->identities[i].name, q->handshake.identity.via))
			s->via = conn_conf(c)->identities[i].name;
	relay_set_lifetime(c, q->handshake.identity.expires_unix_ms);
	bool prepared = recheck_prepare(c);
	s->control = q->handshake.ws.protocols.control && renew_prepare(c);
	prepared = inspect_open(c) && prepared;
	s->open = true;
	metric_add(&c->worker->metrics, METRIC_SESSIONS, 1);
	metric_add(&c->worker->metrics, METRIC_HANDSHAKES, 1);
	log_opened(c);
	guard_opened(c);
	request_release(c);
	conn_enter(c, CONN_OPEN, relay_next_deadline(s));
	/* Frames may have come right behind the application's 101. */
	stream_resume(&s->up);
	if (!prepared)
		relay_refuse(c, REASON_OVERLOADED, "memory");
	/* A handshake that was under way is finished, so that the client hears what everybody
	 * hears now, 1001, and comes back at once. */
	if (c->worker->draining)
		relay_refuse(c, REASON_DRAINING, NULL);
}
