/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a whole head to the phase that answers it. All decisions are policy's.
 *
 *   head --> checked --> whose it is --> dispatched --> counted --> room and time --> its phase
 */
#include "gateway/request_priv.h"
#include "net/sock.h"
#include "policy/peer.h"

/* --- what the request turned out to be */

/* It came by a trusted proxy that has said for whom. */
static bool counts_now(const struct conn *c)
{
	return c->receipt.address && peer_trusted(&conn_conf(c)->trusted_proxies, &c->hop);
}

/* Where the client reached us: asked of the kernel only where the configuration does not say. */
static struct address local_address(const struct conn *c)
{
	const struct address *at = &conn_conf(c)->listeners[c->listener].address;

	return at->family && !address_is_unspecified(at) ? *at : sock_local(c->client.io.fd);
}

static struct verdict judge(struct conn *c)
{
	struct request *q = c->request;
	const struct generation *g = c->generation;
	size_t at;

	enum reason r = http_request_check(&q->parser.head, &q->arena, &q->http, &at);
	if (r != REASON_NONE)
		return verdict_refuse(r, NULL);
	struct verdict v = preface_judge(c);
	if (v.kind != VERDICT_PASS)
		return v;
	struct host_facts facts = {
		.conf = g->snapshot,
		.listener = &g->snapshot->listeners[c->listener],
		.local = local_address(c),
		.certificate_names = {g->names, g->name_count},
		.certificate_addresses = g->addresses,
		.certificate_address_count = g->address_count,
	};
	v = dispatch_request(&facts, &q->parser.head, &q->http, &q->dispatch);
	if (v.kind != VERDICT_PASS)
		return v;
	if (q->dispatch.kind == DISPATCH_SITE) {
		/* A socket outside the routes does not exist, whatever pages there are. */
		if (q->http.wants_upgrade)
			return verdict_refuse(REASON_ROUTE_UNKNOWN,
					      "an upgrade outside the routes");
		return v;
	}
	/* A connection's first request was counted when it was accepted, unless it was not known
	 * yet for whom. */
	if (c->requests > 1 || counts_now(c))
		return limits_request(c->worker->gateway->limits, &g->snapshot->limits, &c->peer,
				      reactor_now_us(&c->worker->reactor));
	return v;
}

/* --- the phase */

/* Whether there is room and time for such a request now. A handshake is judged by what it
 * shows, later. The client library is on the way to a ticket: it comes as long as tickets do. */
static struct verdict judge_siege(struct conn *c)
{
	enum dispatch_kind kind = c->request->dispatch.kind;
	bool asks = kind == DISPATCH_TICKET || kind == DISPATCH_CSRF;
	bool issue = asks || kind == DISPATCH_CLIENT;
	struct siege_gate gate = guard_gate(c);
	struct verdict v = verdict_pass();

	if (kind == DISPATCH_HANDSHAKE || kind == DISPATCH_NOTHING)
		return v;
	metric_add(&c->worker->metrics, METRIC_TICKETS_ASKED, asks);
	if (!issue)
		v = siege_admit(&gate, SIEGE_CLAIMED);
	if (v.kind == VERDICT_PASS && !guard_move(c, issue ? POOL_ISSUE : POOL_GUEST))
		v = verdict_refuse(REASON_OVERLOADED, "no room among his like");
	return v;
}

static void start_phase(struct conn *c)
{
	struct request *q = c->request;

	q->consumed = q->parser.head.bytes;
	struct verdict v = judge_siege(c);
	if (v.kind != VERDICT_PASS) {
		conn_refuse(c, v);
		return;
	}
	switch (q->dispatch.kind) {
	case DISPATCH_HANDSHAKE:
		request_start_handshake(c);
		break;
	case DISPATCH_TICKET:
	case DISPATCH_CSRF:
	case DISPATCH_CLIENT:
	case DISPATCH_REPORT:
		request_start_body(c);
		break;
	case DISPATCH_SITE:
		if (q->dispatch.site->has_upstream)
			proxy_start(c);
		else
			site_start(c);
		break;
	case DISPATCH_NOTHING:
	default:
		conn_refuse(c, verdict_refuse(REASON_ROUTE_UNKNOWN, NULL));
	}
}

void request_head_done(struct conn *c)
{
	metric_add(&c->worker->metrics, METRIC_REQUESTS, 1);
	c->requests++;
	struct verdict v = judge(c);
	if (v.kind == VERDICT_PASS)
		start_phase(c);
	else
		conn_refuse(c, v);
}
