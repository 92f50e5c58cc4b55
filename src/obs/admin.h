/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The admin listener: health, readiness and metrics, on the control thread.
 *
 *   GET /healthz   200 as long as the process lives
 *   GET /readyz    200, or 503 while it drains or must let nobody in
 *   GET /metrics   Prometheus text; on loopback without the token, elsewhere with it
 *   /v1/...        with the token: handed to the API (ctl/api), which answers when it can
 *
 * One request per connection. Host and Origin are checked, so that a page in the
 * operator's browser cannot read it through a name of its own (DNS rebinding).
 */
#include "base/event.h"
#include "base/metric.h"
#include "conf/snapshot.h"
#include "http/head.h"
#include "net/stream.h"
#include "tls/ctx.h"

struct admin;

enum { ADMIN_BODY_MAX = 64 * 1024 };

/* A request to the API, its token checked. Valid during the call; `client` is what the
 * answer is for, and may be answered later or never. */
struct admin_call {
	struct admin *admin;
	uint64_t client;
	enum http_method method;
	struct slice path, query, body;
};

typedef void (*admin_api_fn)(void *arg, const struct admin_call *call);

struct admin_facts {
	struct stream_scratch *scratch; /* of the thread */
	const struct snapshot *conf;    /* outlives the admin */
	struct tls_server *tls;         /* NULL: clear text */
	struct slice token;             /* empty: none is configured */
	struct metrics *metrics;        /* its own numbers: those of the thread */
	struct metrics *const *sets;    /* outlive the admin */
	size_t set_count;
	const bool *draining;
	bool (*ready)(void *arg); /* NULL: always */
	void *ready_arg;
	struct event_sink *log;
	admin_api_fn api;
	void *api_arg;
	int listen_fd; /* taken over */
};

int admin_new(const struct admin_facts *facts, struct admin **out);

/* Answers a call: JSON, or a refusal. Nothing happens when the client has gone. */
void admin_answer(struct admin *a, uint64_t client, int status, struct slice json);
void admin_refuse(struct admin *a, uint64_t client, enum reason r, const char *allow);

/* A reload: names and addresses are from now on those of conf. */
void admin_set_conf(struct admin *a, const struct snapshot *conf);

/* Accepts NULL. */
void admin_free(struct admin *a);
