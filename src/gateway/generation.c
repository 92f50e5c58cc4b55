/* SPDX-License-Identifier: Apache-2.0 */
/* From a snapshot to what runs; see generation.h. */
#include "gateway/generation.h"

#include <stdlib.h>

#include "policy/rules.h"

enum {
	QUEUE_SLACK = 8192,         /* behind a full queue: a few control frames and a reply */
	SERVER_FRAGMENTS = 1 << 20, /* an application may stream; its bytes are bounded anyway */
};

static uint64_t largest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool route_run_init(struct route_run *run, const struct conf_route *conf)
{
	const struct conf_route_limits *limits = &conf->limits;

	run->conf = conf;
	run->from_client = (struct ws_reader_config){
		.side = WS_SERVER,
		.text_ok = true,
		.binary_ok = true,
		.max_fragments = limits->fragments,
		.max_message = limits->message_size,
		.inflate = {.max_bytes = limits->inflated, .max_ratio = limits->inflate_ratio},
	};
	run->from_server = (struct ws_reader_config){
		.side = WS_CLIENT,
		.text_ok = true,
		.binary_ok = true,
		.max_fragments = SERVER_FRAGMENTS,
		.max_message = limits->server_message_size,
		.inflate = {.max_bytes = limits->server_message_size,
			    .max_ratio = limits->inflate_ratio},
	};
	/* A message is only forwarded while at most `buffered` waits, so this is never met. */
	run->client_queue_max = limits->buffered + limits->server_message_size +
				limits->server_message_size / 256 + QUEUE_SLACK;
	uint64_t client_message = largest(limits->message_size, limits->inflated);
	/* What rules do to a message may make it longer. */
	if (conf->messages.judged) {
		run->client_queue_max += (RULES_GROWTH - 1) * limits->server_message_size;
		client_message *= RULES_GROWTH;
	}
	run->server_queue_max =
		limits->buffered + client_message + client_message / 256 + QUEUE_SLACK;
	run->targets =
		calloc(conf->upstream_count ? conf->upstream_count : 1, sizeof(*run->targets));
	if (!run->targets)
		return false;
	for (size_t i = 0; i < conf->upstream_count; i++)
		target_init(&run->targets[i], &conf->upstreams[i]);
	return true;
}

static bool collect_names(struct generation *g)
{
	size_t names = 0, addresses = 0;

	for (size_t i = 0; i < g->certificate_count; i++) {
		names += tls_certificate_name_count(g->certificates[i]);
		addresses += tls_certificate_address_count(g->certificates[i]);
	}
	g->names = calloc(names + 1, sizeof(*g->names));
	g->addresses = calloc(addresses + 1, sizeof(*g->addresses));
	if (!g->names || !g->addresses)
		return false;
	for (size_t i = 0; i < g->certificate_count; i++) {
		const struct tls_certificate *c = g->certificates[i];
		for (size_t n = 0; n < tls_certificate_name_count(c); n++)
			g->names[g->name_count++] = tls_certificate_name(c, n);
		for (size_t n = 0; n < tls_certificate_address_count(c); n++)
			g->addresses[g->address_count++] = tls_certificate_address(c, n);
	}
	return true;
}

struct generation *generation_new(struct snapshot *snapshot, const struct keyset *keys,
				  struct tls_certificate **certificates, size_t certificate_count)
{
	struct generation *g = calloc(1, sizeof(*g));
	struct route_run *routes = calloc(snapshot->route_count + 1, sizeof(*routes));

	if (!g || !routes) {
		free(routes);
		free(g);
		for (size_t i = 0; i < certificate_count; i++)
			tls_certificate_unref(certificates[i]);
		free(certificates);
		snapshot_unref(snapshot);
		return NULL;
	}
	g->refs = 1;
	g->snapshot = snapshot;
	g->keys = *keys;
	g->certificates = certificates;
	g->certificate_count = certificate_count;
	g->routes = routes;
	g->slots = calloc(snapshot->identity_count + 1, sizeof(struct jwk_slot *));
	if (!g->slots || !collect_names(g))
		return generation_unref(g);
	for (size_t i = 0; i < snapshot->route_count; i++)
		if (!route_run_init(&routes[i], &snapshot->routes[i]))
			return generation_unref(g);
	g->sites = calloc(snapshot->site_count + 1, sizeof(*g->sites));
	if (!g->sites)
		return generation_unref(g);
	for (size_t i = 0; i < snapshot->site_count; i++) {
		g->sites[i].conf = &snapshot->sites[i];
		target_init(&g->sites[i].target, &snapshot->sites[i].upstream);
	}
	return g;
}

struct generation *generation_ref(struct generation *g)
{
	atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
	return g;
}

static void route_run_deinit(struct route_run *run)
{
	for (size_t i = 0; run->targets && i < run->conf->upstream_count; i++)
		target_deinit(&run->targets[i]);
	free(run->targets);
}

struct generation *generation_unref(struct generation *g)
{
	if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	for (size_t i = 0; i < g->snapshot->route_count; i++)
		route_run_deinit(&g->routes[i]);
	free(g->routes);
	for (size_t i = 0; g->slots && i < g->snapshot->identity_count; i++)
		jwk_slot_unref(g->slots[i]);
	free(g->slots);
	for (size_t i = 0; g->sites && i < g->snapshot->site_count; i++)
		target_deinit(&g->sites[i].target);
	free(g->sites);
	free(g->names);
	free(g->addresses);
	for (size_t i = 0; i < g->certificate_count; i++)
		tls_certificate_unref(g->certificates[i]);
	free(g->certificates);
	tls_authorities_unref(g->client_ca);
	assertion_keys_deinit(&g->assertion_keys);
	auditlog_keys_deinit(&g->auditlog_keys);
	keyset_deinit(&g->keys);
	snapshot_unref(g->snapshot);
	free(g);
	return NULL;
}
