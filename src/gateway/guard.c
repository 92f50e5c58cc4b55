/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets room and time, most of all while the gateway is under siege. What is decided is
 * policy's (policy/siege.h, policy/pools.h); here it is done.
 *
 *   accept --> strangers --> issue | known | guests        conn.place: one pool each
 *                  ^                |
 *   no room: a stranger who has had time for his head goes for the next one, who waits in the
 *            kernel's queue until there is such a one;
 *            any stranger without a head, then the guest who has been silent longest, goes
 *            for somebody known. Nobody goes for a guest, and nobody known goes at all.
 *
 * And time: accepting and TLS handshakes may take half of a worker's time; when they have had
 * more, newcomers wait in the kernel's queue and those who are in are served. Of one round of
 * the loop newcomers have a millisecond: a session waits no longer for its turn, however many
 * of them came at once. And when rounds become long all the same, sessions are timed: those
 * whose turns take long, and new ones until they have shown that theirs do not, have a
 * millisecond of a round together, and the others go on as if these were not there.
 */
#include <string.h>

#include "gateway/conn.h"
#include "http/respond.h"
#include "net/clock.h"

enum {
	LOOKED_AT = 16,            /* connections of a list, for one that may go */
	STRANGER_MIN_MS = 100,     /* so long a stranger may take for his head, whoever waits */
	NEWCOMERS_SHARE = 2,       /* one in so many microseconds is theirs */
	NEWCOMERS_AHEAD_MS = 100,  /* of which they may use up so many at once */
	NEWCOMERS_ROUND_US = 1000, /* and so much of one round, and what the last one needs */
	HEAVY_ROUND_US = 1000,     /* the same for sessions that take long: */
	HEAVY_TURN_US = 60,        /* their last turn did, */
	LONG_ROUND_US = 3000,      /* after a round of that length: sessions are timed then, */
	TIMED_ROUNDS = 256,        /* for so many rounds */
	GOOD_FOR_S = 3600,
	NETWORK_BYTES = 1 + 16,
	RETRY_FIRST_S = 2,
};

/* --- birth */

/* The answer to somebody who is turned away lacks nothing but the id of his request. */
static bool prepare_away(struct worker *w)
{
	char id[REQUEST_ID_CHARS];

	memset(id, '0', sizeof(id));
	for (unsigned i = 0; i < WORKER_AWAY_ANSWERS; i++) {
		char *room = w->guard.away[i].text;
		struct buf out = {
			.data = room, .cap = WORKER_AWAY_BYTES, .max = WORKER_AWAY_BYTES - 1};
		const struct http_refusal refusal = {
			.reason = REASON_SIEGE,
			.request = slice_of(id, sizeof(id)),
			.retry_after_s = RETRY_FIRST_S + i,
			.head_only = true,
		};
		struct http_refusal whole = refusal;
		whole.head_only = false;
		if (http_respond_refusal(&out, &refusal))
			return false;
		w->guard.away[i].head = buf_waiting(&out);
		buf_clear(&out);
		if (http_respond_refusal(&out, &whole))
			return false;
		w->guard.away[i].len = buf_waiting(&out);
		const char *at = memmem(room, buf_waiting(&out), id, sizeof(id));
		if (!at)
			return false;
		w->guard.away[i].id = (size_t)(at - room);
	}
	return true;
}

void guard_reload(struct worker *w)
{
	const struct snapshot *s = w->generation->snapshot;

	w->guard.shares = pools_shares(s);
	w->guard.trickle_rate = siege_trickle_rate(&s->siege);
	w->guard.none_better = siege_knows_nobody(s);
}

bool guard_init(struct worker *w)
{
	for (unsigned i = 0; i < POOL_COUNT; i++)
		list_init(&w->guard.places[i]);
	guard_reload(w);
	return prepare_away(w);
}

unsigned guard_level(const struct worker *w)
{
	return atomic_load_explicit(&w->gateway->siege_level, memory_order_relaxed);
}

/* --- room */

static bool has_no_head(const struct conn *c)
{
	return c->state == CONN_PREFACE || c->state == CONN_TLS || c->state == CONN_HEAD ||
	       c->state == CONN_LINGER;
}

/* The oldest stranger that is at least so old and may go. */
static struct conn *find_stranger(struct worker *w, uint64_t age_ms, const struct conn *except)
{
	uint64_t now = reactor_now_ms(&w->reactor);
	unsigned looked = 0;

	LIST_EACH (at, &w->guard.places[POOL_STRANGER]) {
		struct conn *c = LIST_ENTRY(at, struct conn, place_link);
		if (looked++ == LOOKED_AT || clock_since(c->placed_ms, now) < age_ms)
			break;
		if (has_no_head(c) && c != except)
			return c;
	}
	return NULL;
}

static uint64_t last_word_ms(const struct conn *c)
{
	return c->state == CONN_OPEN ? c->session->legs[CLIENT].last_ms : c->placed_ms;
}

/* Of the oldest guests the one who has been silent longest; whose handshake is under way is left
 * alone. */
static struct conn *find_guest(struct worker *w)
{
	struct conn *found = NULL;
	unsigned looked = 0;

	LIST_EACH (at, &w->guard.places[POOL_GUEST]) {
		struct conn *c = LIST_ENTRY(at, struct conn, place_link);
		if (looked++ == LOOKED_AT)
			break;
		if (c->state == CONN_ASK || c->state == CONN_CONNECT)
			continue;
		if (!found || last_word_ms(c) < last_word_ms(found))
			found = c;
	}
	return found;
}

static void displace(struct conn *c)
{
	struct worker *w = c->worker;
	struct event e;

	metric_add(&w->metrics, METRIC_DISPLACED, 1);
	if (c->state == CONN_OPEN) {
		relay_refuse(c, REASON_SIEGE, "room for somebody known");
		/* Its room is needed now: what the kernel takes of the goodbye, it gets. */
		if (c->state != CONN_GONE)
			(void)stream_flush(&c->client);
	} else {
		metric_refused(&w->metrics, REASON_SIEGE);
		event_init(&e, EVENT_DEBUG, "displaced");
		conn_event(c, &e);
		event_emit(w->gateway->log, &e);
	}
	conn_end(c);
}

/* That pool has more than its reserve, without the one who wants to leave it: somebody's going
 * makes room for others. */
static bool is_over(const struct worker *w, enum pool pool, const struct conn *leaving)
{
	int64_t used = atomic_load(&w->gateway->pools.used[pool]);

	used -= leaving && leaving->place.from && leaving->place.pool == pool;
	return used > 0 && (uint64_t)used > w->guard.shares.reserved[pool];
}

static bool make_room(struct worker *w, enum pool pool, const struct conn *asking)
{
	struct conn *c = NULL;

	switch (pool) {
	case POOL_STRANGER:
		c = find_stranger(w, STRANGER_MIN_MS, asking);
		break;
	case POOL_ISSUE:
	case POOL_KNOWN:
		if (is_over(w, POOL_STRANGER, asking))
			c = find_stranger(w, 0, asking);
		if (!c && is_over(w, POOL_GUEST, asking))
			c = find_guest(w);
		break;
	case POOL_GUEST:
	case POOL_COUNT:
	default:
		break;
	}
	if (!c)
		return false;
	displace(c);
	return true;
}

static bool enter(struct worker *w, enum pool pool, struct pools_receipt *place,
		  const struct conn *asking)
{
	struct pools *pools = &w->gateway->pools;

	return pools_enter(pools, &w->guard.shares, pool, place) ||
	       (make_room(w, pool, asking) && pools_enter(pools, &w->guard.shares, pool, place));
}

bool guard_admit(struct worker *w, struct pools_receipt *place)
{
	return enter(w, POOL_STRANGER, place, NULL);
}

/* Who was not let in at all stands nowhere. */
void guard_place(struct conn *c)
{
	list_init(&c->place_link);
	c->placed_ms = conn_now(c);
	if (c->place.from)
		list_append(&c->worker->guard.places[c->place.pool], &c->place_link);
}

static void stop_waiting(struct conn *c)
{
	c->worker->guard.shares_of_round[c->waits_among].waiting -= c->waits_among != GUARD_NOBODY;
	c->waits_among = GUARD_NOBODY;
}

void guard_leave(struct conn *c)
{
	stop_waiting(c);
	list_remove(&c->place_link);
	pools_leave(&c->place);
}

static void settle(struct conn *c)
{
	list_remove(&c->place_link);
	guard_place(c);
}

bool guard_move(struct conn *c, enum pool pool)
{
	if (!c->place.from || c->place.pool == pool)
		return c->place.from != NULL;
	if (!enter(c->worker, pool, &c->place, c))
		return false;
	settle(c);
	return true;
}

void guard_return(struct conn *c)
{
	if (!c->place.from || c->place.pool == POOL_STRANGER)
		return;
	pools_return(&c->place, POOL_STRANGER);
	settle(c);
}

/* --- the gate */

struct siege_gate guard_gate(struct conn *c)
{
	struct worker *w = c->worker;

	return (struct siege_gate){
		.level = guard_level(w),
		.proof_bits = atomic_load_explicit(&w->gateway->proof_bits, memory_order_relaxed),
		.none_better = w->guard.none_better,
		.allowed = siege_is_allowed(&conn_conf(c)->siege, &c->peer),
		.trickle_rate = &w->guard.trickle_rate,
		.trickle = &w->guard.trickle,
		.now_us = reactor_now_us(&w->reactor),
	};
}

static void log_turned_away(const struct conn *c)
{
	struct event e;

	event_init(&e, EVENT_DEBUG, "refused");
	conn_event(c, &e);
	event_reason(&e, REASON_SIEGE);
	event_number(&e, "status", reason_status(REASON_SIEGE));
	event_emit(c->worker->gateway->log, &e);
}

/* They are many: one line each would be a flood of its own. The control thread says how many. */
void guard_turn_away(struct conn *c)
{
	struct worker *w = c->worker;
	const struct request *q = c->request;
	unsigned i = w->guard.away_next++ % WORKER_AWAY_ANSWERS;
	bool head = q && q->parser.head.bytes && q->parser.head.method == HTTP_HEAD;
	struct slice answer = slice_of(w->guard.away[i].text,
				       head ? w->guard.away[i].head : w->guard.away[i].len);

	metric_refused(&w->metrics, REASON_SIEGE);
	if (event_wanted(w->gateway->log, EVENT_DEBUG))
		log_turned_away(c);
	session_free(c);
	buf_clear(&w->response);
	memcpy(w->guard.away[i].text + w->guard.away[i].id, c->request_id, REQUEST_ID_CHARS);
	if (buf_append(&w->response, answer))
		conn_end(c);
	else
		conn_respond(c, false);
}

/* --- networks of those we know */

static struct slice network_of(const struct conn *c, char room[NETWORK_BYTES])
{
	struct address network = address_network(&c->peer, c->peer.family == 4 ? 32 : 64);

	room[0] = (char)network.family;
	memcpy(room + 1, network.bytes, sizeof(network.bytes));
	return slice_of(room, NETWORK_BYTES);
}

static uint32_t now_s(const struct conn *c)
{
	return (uint32_t)(conn_now(c) / CLOCK_MS_PER_S) + 1;
}

void guard_opened(struct conn *c)
{
	char room[NETWORK_BYTES];

	c->heavy = c->worker->guard.timed_rounds > 0;
	if (c->session->subject_len)
		seen_renew(c->worker->gateway->good, network_of(c, room), now_s(c) + GOOD_FOR_S,
			   now_s(c));
}

bool guard_remembers(const struct conn *c)
{
	char room[NETWORK_BYTES];

	return seen_lately(c->worker->gateway->good, network_of(c, room), now_s(c));
}

/* --- time */

uint64_t guard_clock(void)
{
	return clock_read_us();
}

void guard_count(struct worker *w, uint64_t began_us)
{
	uint64_t now = guard_clock();
	uint64_t from = w->guard.tired_us > began_us ? w->guard.tired_us : began_us;

	w->guard.tired_us = clock_add(from, clock_since(began_us, now) * NEWCOMERS_SHARE);
}

static bool is_newcomer(const struct conn *c)
{
	return c->state == CONN_PREFACE || c->state == CONN_TLS || c->state == CONN_HEAD ||
	       c->state == CONN_BODY;
}

static enum guard_class class_of(const struct conn *c)
{
	if (is_newcomer(c))
		return GUARD_NEWCOMERS;
	bool heavy = c->heavy && c->state == CONN_OPEN && c->worker->guard.timed_rounds;
	return heavy ? GUARD_HEAVY : GUARD_NOBODY;
}

bool guard_turn_shared(struct conn *c)
{
	static const uint64_t most_us[GUARD_CLASSES] = {
		[GUARD_NEWCOMERS] = NEWCOMERS_ROUND_US,
		[GUARD_HEAVY] = HEAVY_ROUND_US,
	};
	static const enum metric put_off[GUARD_CLASSES] = {
		[GUARD_NEWCOMERS] = METRIC_NEWCOMERS_PUT_OFF,
		[GUARD_HEAVY] = METRIC_SESSIONS_PUT_OFF,
	};
	struct guard *g = &c->worker->guard;
	enum guard_class class = class_of(c);
	bool waited = c->waits_among != GUARD_NOBODY && c->waits_among == class;

	g->turn_class = class;
	g->turn_began_us = 0;
	if (!waited)
		stop_waiting(c);
	if (class != GUARD_NOBODY && (g->shares_of_round[class].used_us >= most_us[class] ||
				      (!waited && g->shares_of_round[class].waiting))) {
		metric_add(&c->worker->metrics, put_off[class], 1);
		g->shares_of_round[class].waiting += !waited;
		c->waits_among = (uint8_t)class;
		return false;
	}
	stop_waiting(c);
	if (class != GUARD_NOBODY || g->timed_rounds)
		g->turn_began_us = guard_clock();
	return true;
}

void guard_turn_timed(struct conn *c)
{
	struct guard *g = &c->worker->guard;
	uint64_t took_us = clock_since(g->turn_began_us, guard_clock());
	g->shares_of_round[g->turn_class].used_us += took_us;
	g->turn_began_us = 0;
	c->heavy = c->state == CONN_OPEN && took_us >= HEAVY_TURN_US;
}

/* Until the oldest stranger has had his time and may go for the next one. */
static uint64_t room_pause_ms(struct worker *w)
{
	if (pools_has_room(&w->gateway->pools, &w->guard.shares, POOL_STRANGER))
		return 0;
	const struct conn *oldest = find_stranger(w, 0, NULL);
	uint64_t age_ms = oldest ? clock_since(oldest->placed_ms, reactor_now_ms(&w->reactor))
				 : STRANGER_MIN_MS;
	return age_ms < STRANGER_MIN_MS ? STRANGER_MIN_MS - age_ms : 0;
}

uint64_t guard_pause_ms(struct worker *w)
{
	uint64_t ahead_ms =
		clock_us_to_ms(clock_since(reactor_now_us(&w->reactor), w->guard.tired_us));

	return ahead_ms > NEWCOMERS_AHEAD_MS ? ahead_ms - NEWCOMERS_AHEAD_MS : room_pause_ms(w);
}

void guard_round(struct worker *w)
{
	uint64_t busy_us = clock_since(reactor_now_us(&w->reactor), guard_clock());

	/* Before the first round nobody waited. */
	if (w->guard.turned_once &&
	    busy_us > atomic_load_explicit(&w->guard.lag_us, memory_order_relaxed))
		atomic_store_explicit(&w->guard.lag_us, busy_us, memory_order_relaxed);
	if (w->guard.turned_once && busy_us >= LONG_ROUND_US)
		w->guard.timed_rounds = TIMED_ROUNDS;
	else
		w->guard.timed_rounds -= w->guard.timed_rounds > 0;
	w->guard.turned_once = true;
	for (unsigned i = 0; i < GUARD_CLASSES; i++)
		w->guard.shares_of_round[i].used_us = 0;
}
