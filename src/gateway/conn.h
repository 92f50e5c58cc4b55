/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A client's connection, from accept to its end; private to gateway/.
 *
 *            +-----------------------------------------------------+
 *            v                                                     | keep-alive
 *   TLS --> HEAD --> BODY --> ASK --> (answer) --> RESPOND --------+
 *            |         \       |  \                   |
 *            |          `------+   CONNECT --> OPEN --+--> CLOSING
 *            v                          \             |      |
 *         LINGER <-------- any refusal --+            v      v
 *            `------------------------------------->  GONE <-+
 *
 * One struct for all of it; what a phase needs beyond that is allocated for the phase:
 * `request` from the first byte of a head until the answer or the 101, `session` from the
 * connection to the application on. Every state that waits on a peer has a deadline: state.tbl.h.
 */
#include "base/address.h"
#include "gateway/ask.h"
#include "gateway/worker.h"
#include "http/upgrade.h"
#include "policy/endpoint.h"
#include "policy/forward.h"
#include "policy/handshake.h"
#include "policy/message.h"
#include "policy/rules.h"

enum conn_state_id {
#define DEADLINE(id, sentence)
#define STATE(id, name, deadline, on_client, on_deadline, waits_for, may_go) CONN_##id,
#include "gateway/state.tbl.h"
#undef DEADLINE
#undef STATE
	CONN_GONE,
	CONN_STATES
};

/* Until when a state may wait. */
enum conn_deadline {
	CONN_UNTIL_NEVER = 0, /* it does not wait: GONE */
#define DEADLINE(id, sentence) CONN_UNTIL_##id,
#define STATE(id, name, deadline, on_client, on_deadline, waits_for, may_go)
#include "gateway/state.tbl.h"
#undef DEADLINE
#undef STATE
};

enum {
	CONN_MAGIC = 0x5a11a0c0,
	REQUEST_ID_CHARS = 16,
	KEEPALIVE_MS = 15000, /* for the next request's first byte */
	ASK_MS = 5000,
	LINGER_MS = 2000,
	LINGER_CROWDED_MS = 250,
	CLOSING_MS = 3000,
	APP_END_MS = 250,      /* of these: for the application to end TCP first */
	RESPOND_MS = 10000,    /* for one piece of a page to be taken */
	PROXY_STEP_MS = 30000, /* for an application's next byte of a page */
	DOOMED_MS = 1000,
	LINGER_BYTES = 1 << 20,
	ANSWER_HEAD_BYTES = 16 * 1024,
	ANSWER_HEADERS = 64,
	CONN_QUEUE_BYTES = 512 * 1024, /* may wait towards the client before a session is open */
	PROXY_IDLE_MAX = 32, /* connections to sites' applications kept for later, per worker */
	SESSION_DEFLATE_FROM = 128, /* bytes: shorter messages are not compressed */
};

/* From the first byte of a head until its answer. Reused: see worker.free_requests. */
struct request {
	struct request *next_free;
	struct charge charge;
	struct buf in;            /* head, what follows */
	struct http_header *room; /* of the parser */
	size_t room_count;
	struct http_parser parser;
	struct arena arena;
	struct http_request http;
	struct dispatch dispatch;
	struct handshake_input handshake_in;
	struct handshake handshake;
	struct endpoint_input endpoint_in;
	struct token_world tokens;
	struct endpoint endpoint;
	uint64_t started_us;
	size_t consumed; /* bytes of `in` that belong to this request */
	char *body;      /* of an own endpoint: content_length bytes in the arena */
	size_t body_len; /* so many of them have come */
	bool keep_open;  /* the client may ask for more after this */
	/* the application's side */
	struct http_upgrade upgrade;
	struct http_parser answer_parser;
	struct http_header *answer_room;
	struct buf answer;
	uint64_t tried; /* bit set of targets */
	unsigned address_attempt;
	bool up_connected, up_secured;
	/* a page */
	int file_fd;
	uint64_t file_offset, file_size; /* the next piece begins and the answer ends here */
	bool head_only;
};

enum side { CLIENT = 0, SERVER = 1 };

/* The reading and writing of one side of an open session. */
struct leg {
	/* What each message looks at stands together, here and in the session: with thousands of
	 * sessions every cache line of it costs. */
	struct ws_writer writer;      /* what we send to this side */
	uint64_t last_ms;             /* a frame came */
	uint64_t message_deadline_ms; /* 0 = none */
	uint32_t message_serial;
	bool pinged, paused, close_sent, close_received, ended;
	struct ws_reader reader;
	uint64_t slow_deadline_ms; /* 0 = none */
};

struct session {
	struct stream up;
	struct route_run *run;
	struct rules *rules; /* NULL: nobody looks into messages */
	/* What all nodes count about a message: it waits for the answer, and nothing more is
	 * read from the client; NULL: nothing. */
	struct ask *counting;
	struct message_policy policy;
	uint64_t messages[2], bytes[2];
	enum reason reason; /* of the end */
	uint16_t close_code;
	bool app_told; /* that TCP ends: it had its time to end it first */
	bool open;     /* a 101 was sent */
	bool control;  /* the client may renew its credential on this socket */
	struct leg legs[2];
	struct conn *conn;
	struct target *target;
	struct generation *home; /* of target; one reference. A reload may change conn.generation */
	uint64_t counting_deadline_ms;
	uint64_t opened_ms, lifetime_ms; /* points in time */
	struct slice via;                /* in the home's snapshot */
	char *cookie; /* of the application's session, asked about again and again; NULL: none */
	size_t cookie_len;
	uint64_t recheck_at_ms;  /* 0: never */
	const char *by;          /* who ended it: client, server, gateway */
	struct renewal *renewal; /* under way */
	enum reason lifetime_reason;
	uint32_t subject_len, key_len; /* of texts */
	unsigned rechecks_failed;
	char texts[]; /* the subject, and behind it the key that proved it */
};

static inline struct slice session_subject(const struct session *s)
{
	return slice_of(s->texts, s->subject_len);
}

/* What proved it, for revocation. */
static inline struct slice session_key(const struct session *s)
{
	return slice_of(s->texts + s->subject_len, s->key_len);
}

struct conn {
	uint32_t magic;
	uint8_t state; /* enum conn_state_id */
	bool tls, doomed;
	bool heavy;          /* its last turn took long */
	uint8_t waits_among; /* enum guard_class: for its turn in the next round */
	bool secure;         /* the client came over TLS: to us, or to a trusted proxy */
	uint16_t listener;
	struct worker *worker;
	struct session *session;
	struct stream client;
	struct generation *generation; /* one reference */
	struct list link;
	struct timer timer;
	struct limits_receipt receipt;
	struct pools_receipt place;
	struct list place_link; /* in the worker's list of that pool */
	uint64_t placed_ms;
	struct verdict doom; /* why, if doomed */
	struct address hop;  /* who speaks to us: the TCP peer, or whom its PROXY header names */
	struct address
		peer; /* the client: hop, or of the request at hand, as trusted proxies say */
	struct preface *preface; /* a PROXY header that is not whole yet */
	uint64_t head_deadline_ms;
	uint64_t discarded;
	uint32_t requests; /* heads seen on this connection */
	char request_id[REQUEST_ID_CHARS];
	struct request *request;
	struct proxy *proxy;
	struct ask *ask;
	struct seat *seat; /* counted at all nodes */
};

/* --- conn.c */

/* Takes over fd and the receipts of what was admitted (a REFUSE verdict dooms the connection).
 * behind: others came meanwhile, so what this one wants is probably here already. */
void conn_new(struct worker_listener *l, int fd, const struct address *peer,
	      struct limits_receipt *receipt, struct pools_receipt *place, struct verdict admitted,
	      bool behind);

/* The only function that changes the state. deadline_ms is a point in time. */
void conn_enter(struct conn *c, enum conn_state_id state, uint64_t deadline_ms);

void conn_arm(struct conn *c, uint64_t deadline_ms);

/* Ends it at once: everything is given back; the memory itself at the end of the round. */
void conn_end(struct conn *c);

/* Answers the request under way with the reason's status and lingers. */
void conn_refuse(struct conn *c, struct verdict v);

/* Sends what is in worker.response and then takes the next request, or lingers. */
void conn_respond(struct conn *c, bool keep_open);

/* In RESPOND: something written waits for the client to take it, or the connection ended;
 * called again when that changes. */
bool conn_still_sending(struct conn *c);

/* Adds `Connection: close` if this answer is the connection's last, for the client to know. */
int conn_close_field(const struct conn *c, struct buf *out);

/* Common fields of a line about this connection. */
void conn_event(const struct conn *c, struct event *e);

/* An answered ask came home. */
void conn_answer(struct conn *c, struct ask *a);

/* Was the identity, or what proved it, revoked? */
bool conn_is_revoked(const struct conn *c, const struct identity *identity);

static inline uint64_t conn_now(const struct conn *c)
{
	return reactor_now_ms(&c->worker->reactor);
}

const struct snapshot *conn_conf(const struct conn *c);

/* --- guard.c: who gets room and time while the gateway is under siege */

/* False without memory. */
bool guard_init(struct worker *w);

/* The shares and rates of w's generation. */
void guard_reload(struct worker *w);

unsigned guard_level(const struct worker *w);

/* Room for one who was just accepted; others may have to go for it. */
bool guard_admit(struct worker *w, struct pools_receipt *place);

/* c stands in a list from its birth on, and in none after its end. */
void guard_place(struct conn *c);
void guard_leave(struct conn *c);

/* It is known better now: to that pool, others may have to go for it. False: refused. */
bool guard_move(struct conn *c, enum pool pool);

/* Nothing is known any more: a next request, or none. */
void guard_return(struct conn *c);

/* What decides about the request at hand. */
struct siege_gate guard_gate(struct conn *c);

/* The answer to a refusal with SIEGE, from memory. */
void guard_turn_away(struct conn *c);

/* c's session was opened: its network is that of a known client, if it has a subject, and how long
 * its turns take is to be seen. Did a known client come from c's network lately? */
void guard_opened(struct conn *c);
bool guard_remembers(const struct conn *c);

/* Work for newcomers has its share of a worker's time: what was done since began_us counts, and
 * when it is used up nobody is accepted for a while. */
uint64_t guard_clock(void);
void guard_count(struct worker *w, uint64_t began_us);

/* Newcomers, and sessions that take long while the rounds are long, have so much of a round, and
 * the next of them waits for the next round: all others have theirs in between. In the order in
 * which they came. False: not yet; call again next round. Anybody else always has a turn. */
static inline bool guard_turn(struct conn *c);
static inline void guard_turn_end(struct conn *c);

/* Milliseconds until somebody may be accepted again; 0: now. */
uint64_t guard_pause_ms(struct worker *w);

/* Once per round. */
void guard_round(struct worker *w);

/* Private: while no round is long nobody waits for a session, and none is timed. */
bool guard_turn_shared(struct conn *c);
void guard_turn_timed(struct conn *c);

static inline bool guard_turn(struct conn *c)
{
	bool free = c->state == CONN_OPEN && c->waits_among == GUARD_NOBODY &&
		    !c->worker->guard.timed_rounds;

	return free || guard_turn_shared(c);
}

static inline void guard_turn_end(struct conn *c)
{
	if (c->worker->guard.turn_began_us)
		guard_turn_timed(c);
}

/* --- preface.c: who is on the other end */

/* Counts and logs a connection that ends before it could say anything. */
void preface_refuse(struct worker *w, const struct address *peer, enum reason reason);
void preface_on_client(struct conn *c, unsigned why);
void preface_free(struct conn *c);

/* With a request's head: sets peer and secure, and counts the connection for that peer. */
struct verdict preface_judge(struct conn *c);

/* --- request.c */
void request_start(struct conn *c);
void request_on_client(struct conn *c, unsigned why);
void request_body_on_client(struct conn *c, unsigned why);
void request_waiting_on_client(struct conn *c, unsigned why);
struct request *request_take(struct conn *c);
void request_release(struct conn *c);
void request_free(struct request *q);

/* --- request_act.c */
void request_answer(struct conn *c, struct ask *a);

/* --- report.c: what browsers report */
void report_log(struct conn *c);

/* --- upstream.c */
void upstream_start(struct conn *c);
void upstream_timed_out(struct conn *c);

/* --- relay.c */
struct session *session_new(struct conn *c);
void session_free(struct conn *c);
void relay_open(struct conn *c, const struct http_deflate *server_deflate);
void relay_on_client(struct conn *c, unsigned why);
void relay_on_deadline(struct conn *c);
void relay_closing_deadline(struct conn *c);
void relay_on_server(struct conn *c, unsigned why);
void relay_send_text(struct conn *c, struct slice text);
void relay_set_lifetime(struct conn *c, uint64_t credential_expires_unix_ms);
void relay_reload(struct conn *c, struct generation *g, struct route_run *run);
void relay_refuse(struct conn *c, enum reason reason, const char *detail);

/* The same at a random moment within spread_ms, or at its lifetime's end if that is sooner. */
void relay_end_within(struct conn *c, enum reason reason, uint64_t spread_ms);

/* Does what the verdict says, with a line in the log; finding may be NULL. True: the message
 * goes on. */
bool relay_act(struct conn *c, struct verdict v, const struct finding *finding);

/* Frames the message onto the other side's queue. */
void relay_forward(struct conn *c, enum side from, const struct ws_event *e);

/* --- inspect.c: contract and rules on the messages of a session */

/* Before the request is forgotten. False without memory. */
bool inspect_open(struct conn *c);

/* The message that a side sent, in *e the one to forward instead. False: it goes nowhere. */
bool inspect_message(struct conn *c, enum side from, struct ws_event *e);

/* Messages that waited for a slot and may go now; arms the timer for the rest. */
void inspect_waiting(struct conn *c);
uint64_t inspect_deadline_ms(const struct conn *c);

/* What all nodes count: the answer; none came in time; nobody wants it any more. */
void inspect_answer(struct conn *c, struct ask *a);
void inspect_timed_out(struct conn *c);
void inspect_forget_answer(struct session *s);

/* The end of the session: slots go back. */
void inspect_close(struct conn *c);

/* The session's route has other rules now, its identity other claims; c may have ended. */
void inspect_reload(struct conn *c, const struct conf_route *route);
void inspect_identify(struct conn *c, const struct identity *identity);

/* --- renew.c: a live session with a fresh ticket */

/* Before the request is forgotten. False without memory. */
bool renew_prepare(struct conn *c);

/* Is the client's message one for the gateway? Then it was taken, and c may have ended. */
bool renew_take(struct conn *c, const struct ws_event *e);
void renew_answer(struct conn *c, struct ask *a);
void renew_free(struct session *s);

/* --- recheck.c: is the application's session still alive? */

/* Before the request is forgotten. False without memory. */
bool recheck_prepare(struct conn *c);
void recheck_start(struct conn *c);
void recheck_answer(struct conn *c, struct ask *a);
void recheck_free(struct session *s);

/* --- proxy.c: pages from an application */
void proxy_start(struct conn *c);
void proxy_on_client(struct conn *c, unsigned why);
void proxy_timed_out(struct conn *c);
void proxy_free(struct conn *c);

/* On the worker: ends the connections that wait for a next request. */
void proxy_forget_idle(struct worker *w);

/* --- proxy_request.c */

/* How long the client may take for the body of its request. */
uint64_t proxy_body_ms(const struct conn *c);

/* --- site.c */
int site_security_fields(const struct conn *c, struct buf *out, const struct conf_site *site,
			 const struct http_head *already);
void site_start(struct conn *c);
void site_answer(struct conn *c, struct ask *a);
void site_on_client(struct conn *c, unsigned why);
