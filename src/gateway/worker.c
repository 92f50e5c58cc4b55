/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's thread: what it owns, how it accepts, how it ends. See worker.h. */
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"
#include "gateway/conn.h"
#include "net/random.h"
#include "net/sock.h"
#include "policy/peer.h"

enum {
	WORKER_MAGIC = 0x3091e001,
	MAILBOX_MAX = 65536,
	ACCEPTS_PER_TURN = 16,
	ACCEPT_PAUSE_MS = 100,
	COMPLAIN_EVERY_MS = 5000,
	DRAIN_SPREAD_PER_CONN_MS = 2, /* sessions close spread over that much ... */
	DRAIN_SPREAD_MIN_MS = 100,    /* ... where it matters, and at most ... */
	DRAIN_SPREAD_MAX_MS = 5000,
	KEEPALIVE_PROBE_S = 60,
	DEFLATE_LEVEL = 1,
	FRAME_SLACK_BYTES = 8192,
};

static int fill_random(void *arg, void *into, size_t bytes)
{
	(void)arg;
	return random_bytes(into, bytes);
}

/* --- accepting */

static void complain_about_accept(struct worker *w, const char *detail)
{
	uint64_t now = reactor_now_ms(&w->reactor);
	struct event e;

	metric_add(&w->metrics, METRIC_ACCEPT_FAILURES, 1);
	if (w->accept_complained_ms && now < w->accept_complained_ms + COMPLAIN_EVERY_MS)
		return;
	w->accept_complained_ms = now;
	event_init(&e, EVENT_ERROR, "accept_failed");
	event_cstr(&e, "detail", detail);
	event_number(&e, "connections", (int64_t)w->conn_count);
	event_emit(w->gateway->log, &e);
}

static void admit(struct worker_listener *l, int fd, const struct address *peer, bool behind)
{
	struct worker *w = l->worker;
	const struct conf_limits *limits = &w->generation->snapshot->limits;
	struct limits_receipt receipt = {0};
	struct pools_receipt place = {0};

	metric_add(&w->metrics, METRIC_ACCEPTED, 1);
	bool proxy = peer_trusted(&w->generation->snapshot->trusted_proxies, peer);
	bool preface = w->generation->snapshot->listeners[l->index].proxy_protocol;
	if (preface && !proxy) {
		preface_refuse(w, peer, REASON_PROXY_UNTRUSTED);
		close(fd);
		return;
	}
	struct verdict v = proxy ? limits_admit_proxy(w->gateway->limits, limits, &receipt)
				 : limits_admit(w->gateway->limits, limits, peer,
						reactor_now_us(&w->reactor), &receipt);
	if (v.kind == VERDICT_PASS && !guard_admit(w, &place)) {
		v = verdict_refuse(REASON_OVERLOADED, "no room for strangers");
		limits_release(&receipt);
	}
	metric_add(&w->metrics, METRIC_ADMITTED, v.kind == VERDICT_PASS);
	if (v.kind != VERDICT_PASS && (preface || w->doomed_count >= WORKER_DOOMED)) {
		/* Too many even to be told so. */
		metric_refused(&w->metrics, v.reason);
		sock_linger_none(fd);
		close(fd);
		return;
	}
	conn_new(l, fd, peer, &receipt, &place, v, behind);
}

static void pause_accepting(struct worker *w, uint64_t pause_ms)
{
	timer_arm(&w->reactor.timers, &w->accept_pause, reactor_now_ms(&w->reactor) + pause_ms);
}

static void accept_some(struct worker_listener *l)
{
	struct worker *w = l->worker;
	struct io *io = &l->io;
	bool more = false;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct address peer;
		int fd;
		bool behind = more;
		uint64_t pause_ms = guard_pause_ms(w);
		if (pause_ms) {
			pause_accepting(w, pause_ms);
			return;
		}
		int r = sock_accept(io->fd, &w->reserve_fd, &fd, &peer);
		if (r == 0) {
			more = sock_has_next(io->fd);
			admit(l, fd, &peer, behind || more);
		}
		if (r == SOCK_AGAIN || (r == 0 && !more)) {
			io_drained(io, IO_READABLE);
			return;
		}
		if (r == 0)
			continue;
		complain_about_accept(w, r == SOCK_NO_FILES ? "out of descriptors or memory"
							    : err_sentence());
		pause_accepting(w, ACCEPT_PAUSE_MS);
		return;
	}
	io_again(io);
}

/* Sessions go first: while newcomers have had more than their share of our time, or of the room
 * that there is for strangers, they wait in the kernel's queue. */
static void on_listener(struct io *io)
{
	struct worker_listener *l = IO_OWNER(io, struct worker_listener, io);
	uint64_t began_us = guard_clock();

	accept_some(l);
	guard_count(l->worker, began_us);
}

static void on_accept_pause(struct timer *t)
{
	struct worker *w = TIMER_OWNER(t, struct worker, accept_pause);

	if (w->reserve_fd < 0)
		w->reserve_fd = sock_reserve_open();
	for (size_t i = 0; i < WORKER_LISTENERS; i++)
		if (w->listeners[i].io.fd >= 0)
			io_again(&w->listeners[i].io);
}

static void listener_close(struct worker_listener *l)
{
	int fd = l->io.fd;

	if (fd < 0)
		return;
	io_remove(&l->io);
	close(fd);
	l->io.fd = -1;
}

static void stop_listening(struct worker *w)
{
	for (size_t i = 0; i < WORKER_LISTENERS; i++)
		listener_close(&w->listeners[i]);
	timer_disarm(&w->accept_pause);
}

static struct worker_listener *listener_find(struct worker *w, const struct address *a, bool tls)
{
	for (size_t i = 0; i < WORKER_LISTENERS; i++) {
		struct worker_listener *l = &w->listeners[i];
		bool same_port = a->port == 0 || a->port == l->address.port;
		if (l->io.fd >= 0 && l->tls == tls && same_port && address_eq(&l->address, a))
			return l;
	}
	return NULL;
}

static int listener_open(struct worker *w, size_t index, int fd, bool tls)
{
	for (size_t i = 0; i < WORKER_LISTENERS; i++) {
		struct worker_listener *l = &w->listeners[i];
		if (l->io.fd >= 0)
			continue;
		*l = (struct worker_listener){
			.worker = w, .index = index, .tls = tls, .address = sock_local(fd)};
		sock_keepalive(fd, KEEPALIVE_PROBE_S); /* for those that are accepted */
		int r = io_add(&w->reactor, &l->io, fd, on_listener);
		if (r)
			l->io.fd = -1;
		return r;
	}
	return err_raise(E2BIG, "more than %d listeners", (int)WORKER_LISTENERS);
}

/* --- once per round */

static void free_gone(struct worker *w)
{
	LIST_EACH (at, &w->gone) {
		struct conn *c = LIST_ENTRY(at, struct conn, link);
		list_remove(at);
		generation_unref(c->generation);
		c->magic = 0;
		free(c);
	}
}

static void on_round(struct reactor_hook *hook)
{
	struct worker *w = LIST_ENTRY(hook, struct worker, hook);

	if (!list_empty(&w->gone))
		free_gone(w);
	metric_set(&w->metrics, METRIC_CONNECTIONS, (int64_t)w->conn_count);
	metric_set(&w->metrics, METRIC_QUESTIONS, (int64_t)w->ask_count);
	metric_set(&w->metrics, METRIC_BUFFERED, (int64_t)w->memory.used);
	metric_set(&w->metrics, METRIC_UPSTREAMS_IDLE, w->idle_proxy_count);
	metric_set(&w->metrics, METRIC_TIMERS, (int64_t)w->reactor.timers.armed);
	guard_round(w);
	if (w->draining && w->conn_count == 0 && w->ask_count == 0)
		reactor_stop(&w->reactor);
}

/* --- draining */

uint64_t worker_spread(const struct worker *w)
{
	uint64_t spread = w->conn_count * DRAIN_SPREAD_PER_CONN_MS;

	if (spread < DRAIN_SPREAD_MIN_MS)
		return 0;
	return spread < DRAIN_SPREAD_MAX_MS ? spread : DRAIN_SPREAD_MAX_MS;
}

static void drain_conn(struct conn *c, uint64_t spread_ms)
{
	switch ((enum conn_state_id)c->state) {
	case CONN_OPEN:
		relay_end_within(c, REASON_DRAINING, spread_ms);
		break;
	case CONN_PREFACE:
	case CONN_TLS:
		conn_end(c);
		break;
	case CONN_HEAD:
		if (!c->request)
			conn_end(c);
		break;
	case CONN_BODY:
	case CONN_ASK:
	case CONN_CONNECT:
	case CONN_CLOSING:
	case CONN_RESPOND:
	case CONN_PROXY:
	case CONN_LINGER:
	case CONN_GONE:
	case CONN_STATES:
	default:
		break; /* under way: ends by itself, within its deadline */
	}
}

void worker_watch_running(struct worker *w)
{
	uint64_t at = rules_room_deadline_us(w->rules_room);

	if (at == UINT64_MAX)
		timer_disarm(&w->running_end);
	else
		timer_arm(&w->reactor.timers, &w->running_end, clock_us_to_ms(at) + 1);
}

static void on_running_end(struct timer *t)
{
	struct worker *w = TIMER_OWNER(t, struct worker, running_end);

	rules_room_sweep(w->rules_room, reactor_now_us(&w->reactor));
	worker_watch_running(w);
}

static void on_drain_end(struct timer *t)
{
	struct worker *w = TIMER_OWNER(t, struct worker, drain_end);

	LIST_EACH (at, &w->conns)
		conn_end(LIST_ENTRY(at, struct conn, link));
}

struct drain_mail {
	struct mail mail;
	uint64_t deadline_ms;
};

static void on_drain(struct mail *mail, void *receiver)
{
	struct drain_mail *m = MAIL_OWNER(mail, struct drain_mail, mail);
	struct worker *w = receiver;

	if (w && !w->draining) {
		w->draining = true;
		stop_listening(w);
		timer_arm(&w->reactor.timers, &w->drain_end,
			  reactor_now_ms(&w->reactor) + m->deadline_ms);
		uint64_t spread_ms = worker_spread(w);
		LIST_EACH (at, &w->conns)
			drain_conn(LIST_ENTRY(at, struct conn, link), spread_ms);
	}
	free(m);
}

void worker_drain(struct worker *w, uint64_t deadline_ms)
{
	struct drain_mail *m = malloc(sizeof(*m));

	if (!m)
		return; /* the second signal ends the process */
	*m = (struct drain_mail){.mail = {.fn = on_drain}, .deadline_ms = deadline_ms};
	if (mailbox_post(&w->box, &m->mail))
		free(m);
}

/* --- does it live? */

static void on_ping(struct mail *mail, void *receiver)
{
	struct worker *w = MAIL_OWNER(mail, struct worker, ping);

	(void)receiver;
	atomic_store(&w->turned, true);
}

bool worker_turned(struct worker *w)
{
	if (atomic_load(&w->over))
		return true;
	if (!atomic_exchange(&w->turned, false))
		return false;
	if (mailbox_post(&w->box, &w->ping) == 0)
		return true;
	/* Full: the next time it is tried again, and until then nobody knows. */
	atomic_store(&w->turned, true);
	return false;
}

pid_t worker_tid(const struct worker *w)
{
	return atomic_load(&w->tid);
}

/* --- birth and end */

static bool needs_tls_client(const struct snapshot *s)
{
	for (size_t r = 0; r < s->route_count; r++)
		for (size_t u = 0; u < s->routes[r].upstream_count; u++)
			if (s->routes[r].upstreams[u].tls)
				return true;
	for (size_t i = 0; i < s->site_count; i++)
		if (s->sites[i].upstream.tls)
			return true;
	return false;
}

static uint64_t largest_frame(const struct generation *g)
{
	uint64_t largest = WORKER_RESPONSE_BYTES;

	for (size_t i = 0; i < g->snapshot->route_count; i++) {
		if (g->routes[i].client_queue_max > largest)
			largest = g->routes[i].client_queue_max;
		if (g->routes[i].server_queue_max > largest)
			largest = g->routes[i].server_queue_max;
	}
	return largest + FRAME_SLACK_BYTES;
}

int worker_tls_init(struct worker_tls *tls, const struct generation *g)
{
	int r = 0;

	*tls = (struct worker_tls){0};
	if (g->certificate_count)
		r = tls_server_new(g->certificates, g->certificate_count,
				   g->snapshot->tls.minimum_13, &tls->server);
	if (r == 0 && tls->server && g->client_ca)
		r = tls_server_ask_clients(tls->server, g->client_ca);
	if (r == 0 && needs_tls_client(g->snapshot))
		r = tls_client_new(slice_of(NULL, 0), &tls->client);
	if (r)
		worker_tls_deinit(tls);
	return r;
}

void worker_tls_deinit(struct worker_tls *tls)
{
	tls->server = tls_server_free(tls->server);
	tls->client = tls_client_free(tls->client);
}

/* What was there before goes. */
static void take_tls(struct worker *w, struct worker_tls *tls)
{
	tls_server_free(w->tls_server);
	tls_client_free(w->tls_client);
	w->tls_server = tls->server;
	w->tls_client = tls->client;
	*tls = (struct worker_tls){0};
}

static int make_parts(struct worker *w)
{
	struct siphash_key key;
	struct worker_tls tls;
	int r = random_bytes(&key, sizeof(key));

	if (r)
		return r;
	w->inflater = ws_inflater_new();
	w->deflater = ws_deflater_new(DEFLATE_LEVEL);
	w->revocations = revocations_new(&key);
	w->refusals = calloc(1, sizeof(*w->refusals));
	if (w->refusals)
		w->refusals->secret = key;
	w->rules_room = rules_room_new(&key);
	if (!w->inflater || !w->deflater || !w->revocations || !w->refusals || !w->rules_room)
		return err_raise(ENOMEM, "a worker");
	rules_room_fit(w->rules_room, w->generation->snapshot);
	r = worker_tls_init(&tls, w->generation);
	take_tls(w, &tls);
	return r;
}

int worker_init(struct worker *w, unsigned number, struct gateway *gateway,
		struct generation *generation, const int *listen_fds, uint64_t memory)
{
	const struct snapshot *s = generation->snapshot;

	memset(w, 0, sizeof(*w));
	w->magic = WORKER_MAGIC;
	w->number = number;
	w->ping.fn = on_ping;
	atomic_init(&w->turned, true);
	atomic_init(&w->over, false);
	atomic_init(&w->tid, 0);
	w->gateway = gateway;
	w->generation = generation_ref(generation);
	list_init(&w->conns);
	list_init(&w->gone);
	list_init(&w->idle_proxies);
	for (size_t i = 0; i < WORKER_LISTENERS; i++)
		w->listeners[i].io.fd = -1;
	budget_init(&w->memory, memory, NULL);
	ws_masker_init(&w->masker, fill_random, NULL);
	timer_init(&w->accept_pause, on_accept_pause);
	timer_init(&w->drain_end, on_drain_end);
	timer_init(&w->running_end, on_running_end);
	buf_init(&w->response, WORKER_RESPONSE_BYTES);
	buf_init(&w->frame, largest_frame(generation));
	w->reserve_fd = sock_reserve_open();
	int r = guard_init(w) ? 0 : err_raise(ENOMEM, "a worker");
	if (r == 0)
		r = reactor_init(&w->reactor);
	if (r == 0)
		r = stream_scratch_init(&w->scratch, &w->reactor, STREAM_READ_BYTES);
	if (r == 0)
		r = mailbox_open(&w->box, &w->reactor, MAILBOX_MAX, w);
	if (r == 0)
		r = make_parts(w);
	if (r)
		return r;
	reactor_hook_add(&w->reactor, &w->hook, on_round);
	for (size_t i = 0; r == 0 && i < s->listener_count; i++)
		r = listener_open(w, i, listen_fds[i], s->listeners[i].tls);
	return r;
}

/* --- reload */

static bool via_is_accepted(const struct snapshot *s, const struct conf_route *route,
			    struct slice via)
{
	for (size_t i = 0; i < route->identify_count; i++) {
		const struct conf_identity *identity = &s->identities[route->identify[i]];
		if (slice_eq(identity->name, via))
			return true;
		if (identity->kind != CONF_IDENTITY_TICKET)
			continue;
		for (size_t f = 0; f < identity->ticket.from_count; f++)
			if (slice_eq(s->identities[identity->ticket.from[f]].name, via))
				return true;
	}
	return false;
}

static struct route_run *same_route(struct generation *g, struct slice path)
{
	for (size_t i = 0; i < g->snapshot->route_count; i++)
		if (slice_eq(g->routes[i].conf->path.text, path))
			return &g->routes[i];
	return NULL;
}

static void reload_conn(struct conn *c, struct generation *g)
{
	if (c->state != CONN_OPEN)
		return; /* a handshake under way ends under the rules it began with */
	struct route_run *run = same_route(g, c->session->run->conf->path.text);
	if (!run)
		relay_refuse(c, REASON_ROUTE_UNKNOWN, "reload");
	else if (!via_is_accepted(g->snapshot, run->conf, c->session->via))
		relay_refuse(c, REASON_NOT_ALLOWED, "reload");
	else
		relay_reload(c, g, run);
}

static void reload_listeners(struct worker *w, struct generation *g, const int *listen_fds)
{
	const struct snapshot *s = g->snapshot;
	bool kept[WORKER_LISTENERS] = {false};

	for (size_t i = 0; i < s->listener_count; i++) {
		struct worker_listener *l =
			listen_fds[i] < 0
				? listener_find(w, &s->listeners[i].address, s->listeners[i].tls)
				: NULL;
		if (!l)
			continue;
		l->index = i;
		kept[l - w->listeners] = true;
	}
	for (size_t i = 0; i < WORKER_LISTENERS; i++)
		if (!kept[i])
			listener_close(&w->listeners[i]);
	for (size_t i = 0; i < s->listener_count; i++) {
		if (listen_fds[i] < 0)
			continue;
		if (listener_open(w, i, listen_fds[i], s->listeners[i].tls)) {
			complain_about_accept(w, err_sentence());
			close(listen_fds[i]);
		}
	}
}

int worker_reload(struct worker *w, struct generation *g, const int *listen_fds,
		  struct worker_tls *tls)
{
	if (w->draining) {
		for (size_t i = 0; i < g->snapshot->listener_count; i++)
			if (listen_fds[i] >= 0)
				close(listen_fds[i]);
		return -ESHUTDOWN;
	}
	take_tls(w, tls);
	w->frame.max = largest_frame(g);
	rules_room_fit(w->rules_room, g->snapshot);
	proxy_forget_idle(w);
	jwt_refusals_clear(w->refusals);
	struct generation *old = w->generation;
	w->generation = generation_ref(g);
	guard_reload(w);
	reload_listeners(w, g, listen_fds);
	LIST_EACH (at, &w->conns)
		reload_conn(LIST_ENTRY(at, struct conn, link), g);
	generation_unref(old);
	return 0;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct event e;

	OBJ_CHECK(w, WORKER_MAGIC);
	atomic_store(&w->tid, gettid());
	if (reactor_run(&w->reactor)) {
		event_init(&e, EVENT_ERROR, "worker_failed");
		event_cstr(&e, "detail", err_text());
		event_emit(w->gateway->log, &e);
	}
	atomic_store(&w->over, true);
	w->ended.fn = w->gateway->ended_fn;
	MUST(mailbox_post_answer(w->gateway->control, &w->ended) == 0);
	return NULL;
}

int worker_start(struct worker *w)
{
	int r = pthread_create(&w->thread, NULL, run, w);
	return r ? err_raise(r, "a worker's thread") : 0;
}

void worker_join(struct worker *w)
{
	OBJ_CHECK(w, WORKER_MAGIC);
	if (w->thread)
		pthread_join(w->thread, NULL);
	stop_listening(w);
	LIST_EACH (at, &w->conns)
		conn_end(LIST_ENTRY(at, struct conn, link));
	free_gone(w);
	proxy_forget_idle(w);
	while (w->free_requests) {
		struct request *q = w->free_requests;
		w->free_requests = q->next_free;
		request_free(q);
	}
	mailbox_close(&w->box);
	mailbox_deinit(&w->box);
	reactor_hook_remove(&w->hook);
	stream_scratch_deinit(&w->scratch);
	timer_disarm(&w->drain_end);
	timer_disarm(&w->running_end);
	reactor_deinit(&w->reactor);
	budget_deinit(&w->memory);
	w->tls_server = tls_server_free(w->tls_server);
	w->tls_client = tls_client_free(w->tls_client);
	w->inflater = ws_inflater_free(w->inflater);
	w->deflater = ws_deflater_free(w->deflater);
	w->revocations = revocations_free(w->revocations);
	w->rules_room = rules_room_free(w->rules_room);
	free(w->refusals);
	w->refusals = NULL;
	buf_deinit(&w->response);
	buf_deinit(&w->frame);
	if (w->reserve_fd >= 0)
		close(w->reserve_fd);
	w->generation = generation_unref(w->generation);
	w->magic = 0;
}
