/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is on the other end of a connection that proxies stand in.
 *
 *   accept --> PROXY header, once, before TLS --> hop
 *   each request's head, if hop is trusted: Forwarded, X-Forwarded-For --> peer
 *
 * A trusted proxy's connection counts in `connections` only until it is known whose it is;
 * then it counts for that address, as if it had come from there. One connection of a proxy
 * may carry one client's request after another's.
 */
#include <stdlib.h>

#include "base/err.h"
#include "gateway/conn.h"
#include "policy/peer.h"
#include "policy/proxy.h"
#include "tls/stream.h"

/* A header that came in pieces so far. */
struct preface {
	struct buf bytes;
	struct charge charge;
};

void preface_free(struct conn *c)
{
	if (!c->preface)
		return;
	buf_deinit(&c->preface->bytes);
	charge_release(&c->preface->charge);
	free(c->preface);
	c->preface = NULL;
}

static bool keep(struct conn *c, struct slice piece)
{
	if (!c->preface) {
		struct preface *p = calloc(1, sizeof(*p));
		if (!p || charge_take(&p->charge, &c->worker->memory, PROXY_HEADER_MAX)) {
			free(p);
			return false;
		}
		buf_init(&p->bytes, PROXY_HEADER_MAX);
		c->preface = p;
	}
	return buf_append(&c->preface->bytes, piece) == 0;
}

/* --- the PROXY header */

void preface_refuse(struct worker *w, const struct address *peer, enum reason reason)
{
	char text[ADDRESS_TEXT_BYTES];
	struct event e;

	metric_refused(&w->metrics, reason);
	if (!event_wanted(w->gateway->log, EVENT_INFO))
		return;
	event_init(&e, EVENT_INFO, "refused");
	event_text(&e, "peer", address_format(peer, text));
	event_reason(&e, reason);
	event_emit(w->gateway->log, &e);
}

static void doom(struct conn *c, struct verdict v)
{
	c->doomed = true;
	c->doom = v;
	c->worker->doomed_count++;
	c->head_deadline_ms = clock_add(conn_now(c), DOOMED_MS);
}

/* As for whoever connects by himself: before TLS, before anything is allocated for him. A hop
 * that is trusted in its turn will say with each request for whom it speaks. */
static struct verdict admit_hop(struct conn *c)
{
	const struct snapshot *conf = conn_conf(c);
	struct limits *limits = c->worker->gateway->limits;

	if (peer_trusted(&conf->trusted_proxies, &c->hop))
		return verdict_pass();
	struct verdict v =
		limits_request(limits, &conf->limits, &c->hop, reactor_now_us(&c->worker->reactor));
	if (v.kind == VERDICT_PASS)
		v = limits_readmit(limits, &conf->limits, &c->hop, &c->receipt);
	return v;
}

static void preface_done(struct conn *c, const struct proxy_header *header, struct slice rest)
{
	preface_free(c);
	if (rest.len && stream_unread(&c->client, rest)) {
		conn_end(c);
		return;
	}
	if (header->source.family)
		c->hop = c->peer = header->source;
	struct verdict v = admit_hop(c);
	if (v.kind != VERDICT_PASS && c->worker->doomed_count >= WORKER_DOOMED) {
		metric_refused(&c->worker->metrics, v.reason);
		conn_end(c);
		return;
	}
	if (v.kind != VERDICT_PASS)
		doom(c, v);
	conn_enter(c, c->tls ? CONN_TLS : CONN_HEAD, c->head_deadline_ms);
	/* A reload may have taken the certificates away meanwhile. */
	struct tls_server *server = c->worker->tls_server;
	if (c->tls && (!server || tls_stream_start_server(&c->client, server))) {
		conn_end(c);
		return;
	}
	stream_resume(&c->client);
}

static void parse(struct conn *c, struct slice all, struct slice piece)
{
	struct proxy_header header;

	switch (proxy_header_parse(all, &header)) {
	case PROXY_DONE:
		/* It was not done before this piece, so what follows it is in the piece. */
		preface_done(c, &header, slice_from(piece, piece.len - (all.len - header.bytes)));
		return;
	case PROXY_MORE:
		if (!c->preface && !keep(c, piece))
			conn_end(c);
		return;
	case PROXY_MALFORMED:
	default:
		preface_refuse(c->worker, &c->hop, REASON_PROXY_MALFORMED);
		conn_end(c);
	}
}

void preface_on_client(struct conn *c, unsigned why)
{
	struct stream_bytes got;

	(void)why;
	int r = stream_read(&c->client, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r != 0) {
		conn_end(c); /* came and went: a balancer that looks whether the port is open */
		return;
	}
	struct slice piece = slice_of(got.data, got.len);
	if (!c->preface) {
		parse(c, piece, piece);
		return;
	}
	/* While more is wanted there is less than PROXY_HEADER_MAX, so the piece that ends the
	 * header fits at least as far as the header goes. */
	struct buf *bytes = &c->preface->bytes;
	size_t room = bytes->max - buf_waiting(bytes);
	struct slice fits = slice_first(piece, room);
	if (!keep(c, fits)) {
		conn_end(c);
		return;
	}
	struct slice all = buf_slice(bytes);
	struct slice beyond = slice_from(piece, fits.len);
	if (beyond.len == 0) {
		parse(c, all, piece);
		return;
	}
	/* What did not fit is the client's and follows the rest of what did. */
	struct proxy_header header;
	if (proxy_header_parse(all, &header) == PROXY_DONE) {
		size_t used = fits.len - (all.len - header.bytes);
		preface_done(c, &header, slice_from(piece, used));
		return;
	}
	preface_refuse(c->worker, &c->hop, REASON_PROXY_MALFORMED);
	conn_end(c);
}

/* --- the head */

struct verdict preface_judge(struct conn *c)
{
	const struct snapshot *conf = conn_conf(c);
	struct peer peer;

	if (!peer_trusted(&conf->trusted_proxies, &c->hop))
		return verdict_pass();
	enum reason r =
		peer_find(&conf->trusted_proxies, &c->request->parser.head, &c->hop, c->tls, &peer);
	if (r != REASON_NONE)
		return verdict_refuse(r, NULL);
	c->peer = peer.address;
	c->secure = peer.tls;
	return limits_readmit(c->worker->gateway->limits, &conf->limits,
			      peer.named ? &peer.address : NULL, &c->receipt);
}
