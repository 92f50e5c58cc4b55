/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps targets' addresses fresh; see resolver.h. */
#include "ctl/resolver.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "net/resolve.h"

struct resolver {
	struct generation *generation;
	struct event_sink *log;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool stopping;
};

static bool is_name(const struct conf_upstream *u)
{
	struct address a;
	return u->unix_path.len == 0 && !address_parse(u->host, &a);
}

/* What resolved once stays in use when the resolver is away. */
static void resolve(struct target *t, struct event_sink *log)
{
	const struct conf_upstream *u = t->conf;
	struct address addresses[TARGET_ADDRESSES];
	struct event e;
	size_t count;

	if (u->unix_path.len)
		return;
	if (resolve_now(u->host, u->port, addresses, TARGET_ADDRESSES, &count) == 0) {
		target_set_addresses(t, addresses, count);
		return;
	}
	event_init(&e, EVENT_WARN, "resolve_failed");
	event_text(&e, "upstream", u->url);
	event_cstr(&e, "detail", err_sentence());
	event_emit(log, &e);
}

static bool resolve_all(struct generation *g, struct event_sink *log, bool only_names)
{
	bool names = false;

	for (size_t r = 0; r < g->snapshot->route_count; r++) {
		struct route_run *run = &g->routes[r];
		for (size_t u = 0; u < run->conf->upstream_count; u++) {
			bool name = is_name(run->targets[u].conf);
			names |= name;
			if (name || !only_names)
				resolve(&run->targets[u], log);
		}
	}
	for (size_t i = 0; i < g->snapshot->site_count; i++) {
		struct target *t = &g->sites[i].target;
		if (!g->sites[i].conf->has_upstream)
			continue;
		bool name = is_name(t->conf);
		names |= name;
		if (name || !only_names)
			resolve(t, log);
	}
	return names;
}

static void *run(void *arg)
{
	struct resolver *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->stopping) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += RESOLVER_MS / 1000;
		if (pthread_cond_timedwait(&r->stop, &r->lock, &until) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&r->lock);
		resolve_all(r->generation, r->log, true);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

int resolver_start(struct generation *g, struct event_sink *log, struct resolver **out)
{
	*out = NULL;
	if (!resolve_all(g, log, false))
		return 0;
	struct resolver *r = calloc(1, sizeof(*r));
	if (!r)
		return err_raise(ENOMEM, "the resolver");
	r->generation = generation_ref(g);
	r->log = log;
	pthread_condattr_t monotonic; /* the other clock may be set back, and the wait be long */
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int failed = pthread_create(&r->thread, NULL, run, r);
	if (failed) {
		generation_unref(g);
		free(r);
		return err_raise(failed, "the resolver's thread");
	}
	*out = r;
	return 0;
}

void resolver_stop(struct resolver *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_signal(&r->stop);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->stop);
	generation_unref(r->generation);
	free(r);
}
