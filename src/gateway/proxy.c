/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages from an application: an ordinary reverse proxy, strict on both sides. Here: the
 * connection to the application, where it comes from, whose turn it is and what becomes of it.
 *
 *   dial --> connected --> (TLS) --+--> request --> answer --+--> idle: for the next page --.
 *    ^          |                  |                         `--> ended                     |
 *    `--failed--' its next address `--------------------------------------------------------'
 *
 * Nothing hop-by-hop and nothing that says who somebody is travels in; an upgrade never
 * does. Both bodies stream: while much waits towards one side nothing is read from the
 * other. The connection to the application is kept for the next page where the answer's
 * end was certain.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"
#include "gateway/proxy_priv.h"
#include "net/sock.h"
#include "tls/stream.h"

enum {
	PROXY_MAGIC = 0x9a0c11,
	PROXY_QUEUE_BYTES = 768 * 1024,
	PROXY_IDLE_MS = 10000,
};

static void on_up(struct stream *stream, unsigned why);

/* --- birth, idleness, end */

static void proxy_end(struct proxy *p)
{
	stream_deinit(&p->up);
	timer_disarm(&p->idle_timer);
	if (!p->conn) {
		list_remove(&p->idle_link);
		p->worker->idle_proxy_count--;
	}
	p->target->active--;
	metric_add(&p->worker->metrics, METRIC_UPSTREAMS, -1);
	generation_unref(p->generation);
	p->magic = 0;
	free(p);
}

void proxy_free(struct conn *c)
{
	if (c->proxy)
		proxy_end(c->proxy);
	c->proxy = NULL;
}

void proxy_forget_idle(struct worker *w)
{
	LIST_EACH (at, &w->idle_proxies)
		proxy_end(LIST_ENTRY(at, struct proxy, idle_link));
}

static void on_idle_timer(struct timer *t)
{
	proxy_end(TIMER_OWNER(t, struct proxy, idle_timer));
}

/* The answer is over and the application keeps its side open: for the next page. */
void proxy_rest(struct conn *c)
{
	struct proxy *p = c->proxy;
	struct worker *w = c->worker;

	c->proxy = NULL;
	p->conn = NULL;
	list_append(&w->idle_proxies, &p->idle_link);
	if (++w->idle_proxy_count > PROXY_IDLE_MAX)
		proxy_end(LIST_ENTRY(w->idle_proxies.next, struct proxy, idle_link));
	else
		timer_arm(&w->reactor.timers, &p->idle_timer, conn_now(c) + PROXY_IDLE_MS);
}

static bool take_idle(struct conn *c, struct target *t)
{
	struct worker *w = c->worker;

	LIST_EACH (at, &w->idle_proxies) {
		struct proxy *p = LIST_ENTRY(at, struct proxy, idle_link);
		if (p->target != t)
			continue;
		list_remove(at);
		w->idle_proxy_count--;
		timer_disarm(&p->idle_timer);
		p->conn = c;
		p->reused = true;
		p->head_sent = p->head_seen = p->done = false;
		c->proxy = p;
		return true;
	}
	return false;
}

/* --- dialling */

static int dial(struct proxy *p)
{
	const struct conf_upstream *conf = p->target->conf;
	struct worker *w = p->worker;
	struct address address;
	int fd;

	if (!target_address(p->target, p->address_attempt, &address))
		return err_raise(ENOENT, "no address of %.*s is known", SLICE_ARG(conf->host));
	address.port = conf->port;
	int r = sock_connect(&address, &fd);
	if (r)
		return r;
	r = stream_init(&p->up, &w->scratch, fd, on_up, PROXY_QUEUE_BYTES, &w->memory);
	if (r) {
		close(fd);
		return r;
	}
	return conf->tls ? tls_stream_start_client(&p->up, w->tls_client, conf->host) : 0;
}

/* From the address at hand on, the first that can be dialled. */
static bool dial_any(struct proxy *p)
{
	for (;; p->address_attempt++) {
		int r = dial(p);
		if (r == 0)
			return true;
		stream_deinit(&p->up);
		if (r == -ENOENT)
			return false;
	}
}

static bool connect_new(struct conn *c, struct target *t)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (!p)
		return false;
	p->magic = PROXY_MAGIC;
	p->worker = c->worker;
	p->conn = c;
	p->generation = generation_ref(c->generation);
	p->target = t;
	list_init(&p->idle_link);
	timer_init(&p->idle_timer, on_idle_timer);
	t->active++;
	metric_add(&c->worker->metrics, METRIC_UPSTREAMS, 1);
	c->proxy = p;
	return dial_any(p);
}

static bool next_address(struct conn *c)
{
	struct proxy *p = c->proxy;
	struct address address;

	if (!target_address(p->target, p->address_attempt + 1, &address))
		return false;
	stream_deinit(&p->up);
	p->address_attempt++;
	return dial_any(p);
}

/* A kept connection that the application had closed meanwhile: once more, on a new one. */
bool proxy_retry(struct conn *c)
{
	struct proxy *p = c->proxy;
	const struct http_head *head = &c->request->parser.head;
	struct target *t = p->target;

	if (!p->reused || p->head_seen || buf_waiting(&c->request->answer) ||
	    head->content_length || head->method == HTTP_POST || head->method == HTTP_PATCH)
		return false;
	proxy_free(c);
	return connect_new(c, t);
}

/* --- failure, and time */

void proxy_fail(struct conn *c, enum reason reason, const char *detail)
{
	struct proxy *p = c->proxy;
	bool answered = p && p->head_seen;
	struct event e;

	if (p) {
		target_failed(p->target, conn_now(c));
		metric_add(&c->worker->metrics, METRIC_UPSTREAM_FAILURES, 1);
		event_init(&e, EVENT_WARN, "upstream_failed");
		conn_event(c, &e);
		event_text(&e, "upstream", p->target->conf->url);
		event_cstr(&e, "detail", detail);
		event_emit(c->worker->gateway->log, &e);
	}
	proxy_free(c);
	if (answered)
		conn_end(c); /* in the middle of an answer nothing else can be said */
	else
		conn_refuse(c, verdict_refuse(reason, detail));
}

/* While the client owes a part of its body, nothing gives it more time for that. */
void proxy_arm(struct conn *c)
{
	const struct proxy *p = c->proxy;

	conn_arm(c, p->request_left ? p->body_until_ms : conn_now(c) + PROXY_STEP_MS);
}

/* --- both sides */

/* As far as it goes: connected, TLS, request, answer. */
static void step(struct conn *c)
{
	struct proxy *p = c->proxy;

	if (!p->connected) {
		int r = stream_connected(&p->up);
		if (r == STREAM_AGAIN)
			return;
		if (r) {
			if (!next_address(c))
				proxy_fail(c, REASON_UPSTREAM_FAILED, err_sentence());
			return;
		}
		p->connected = true;
	}
	if (!p->secured) {
		int r = stream_handshake(&p->up);
		if (r == STREAM_AGAIN)
			return;
		if (r) {
			proxy_fail(c, REASON_UPSTREAM_FAILED,
				   r == STREAM_UNTRUSTED ? "certificate not trusted"
							 : "TLS failed");
			return;
		}
		p->secured = true;
	}
	if (!p->head_sent && !proxy_send_request(c))
		return;
	proxy_read_answer(c);
}

static void on_up(struct stream *stream, unsigned why)
{
	struct proxy *p = STREAM_OWNER(stream, struct proxy, up);

	OBJ_CHECK(p, PROXY_MAGIC);
	if (!p->conn) {
		/* Idle: it has nothing to say but that it ends. */
		if (why & (STREAM_READ | STREAM_GONE))
			proxy_end(p);
		return;
	}
	struct conn *c = p->conn;
	if (why & STREAM_WRITE && p->head_sent && p->request_left)
		stream_resume(&c->client);
	step(c);
}

void proxy_on_client(struct conn *c, unsigned why)
{
	struct proxy *p = c->proxy;

	if (why & STREAM_WRITE && p->head_sent)
		stream_resume(&p->up);
	if (why & STREAM_GONE && stream_flush(&c->client)) {
		conn_end(c);
		return;
	}
	if (why & (STREAM_READ | STREAM_GONE) && p->head_sent && p->request_left)
		proxy_read_body(c);
}

void proxy_timed_out(struct conn *c)
{
	const struct proxy *p = c->proxy;

	/* The client's own slowness is not the application's failure. */
	if (p->head_sent && p->request_left) {
		bool answered = p->head_seen;
		proxy_free(c);
		if (answered)
			conn_end(c);
		else
			conn_refuse(c, verdict_refuse(REASON_HANDSHAKE_TIMEOUT, "the body"));
		return;
	}
	proxy_fail(c, REASON_UPSTREAM_TIMEOUT, "no answer in time");
}

void proxy_start(struct conn *c)
{
	struct request *q = c->request;
	const struct conf_site *site = q->dispatch.site;
	size_t index = (size_t)(site - conn_conf(c)->sites);
	struct target *t = &c->generation->sites[index].target;

	if (q->parser.head.content_length > site->body_size) {
		conn_refuse(c, verdict_refuse(REASON_BODY_TOO_LARGE, NULL));
		return;
	}
	q->head_only = q->parser.head.method == HTTP_HEAD;
	conn_enter(c, CONN_PROXY, conn_now(c) + PROXY_STEP_MS);
	if (take_idle(c, t)) {
		step(c);
		return;
	}
	if (!connect_new(c, t))
		proxy_fail(c, REASON_UPSTREAM_FAILED, c->proxy ? err_sentence() : "memory");
}
