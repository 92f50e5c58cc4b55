/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The admin listener: health, readiness and metrics, on the control thread.
 *
 *   GET /healthz   200 as long as the process lives
 *   GET /readyz    200, or 503 while it drains
 *   GET /metrics   Prometheus text; on loopback without the token, elsewhere with it
 *
 * One request per connection. Host and Origin are checked, so that a page in the
 * operator's browser cannot read it through a name of its own (DNS rebinding).
 */
#include "base/event.h"
#include "base/metric.h"
#include "conf/snapshot.h"
#include "net/stream.h"
#include "tls/ctx.h"

struct admin;

struct admin_facts {
	struct stream_scratch *scratch;  /* of the thread */
	const struct snapshot *conf;     /* outlives the admin */
	struct tls_server *tls;          /* NULL: clear text */
	struct slice token;              /* empty: none is configured */
	struct metrics *const *sets;     /* outlive the admin */
	size_t set_count;
	const bool *draining;
	struct event_sink *log;
	int listen_fd; /* taken over */
};

int admin_new(const struct admin_facts *facts, struct admin **out);

/* Accepts NULL. */
void admin_free(struct admin *a);
