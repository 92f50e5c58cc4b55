/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One loaded configuration with everything that was made from it at run time.
 *
 *   snapshot (what is written)  +  keys, certificates, targets, reader settings (what runs)
 *
 * Immutable but for the targets' own counters; reference-counted, so that a connection
 * keeps the generation it came in under.
 */
#include <stdatomic.h>

#include "conf/snapshot.h"
#include "gateway/target.h"
#include "obs/auditlog_key.h"
#include "policy/assertion.h"
#include "policy/host.h"
#include "policy/jwk_slot.h"
#include "policy/keys.h"
#include "tls/authorities.h"
#include "tls/certificate.h"
#include "ws/message.h"

struct route_run {
	const struct conf_route *conf;
	struct target *targets; /* conf->upstream_count */
	struct ws_reader_config from_client, from_server;
	uint64_t client_queue_max, server_queue_max; /* bytes that may wait towards each side */
};

struct site_run {
	const struct conf_site *conf;
	struct target target; /* with conf->has_upstream */
};

struct generation {
	_Atomic uint32_t refs;
	struct snapshot *snapshot; /* one reference */
	struct keyset keys;
	struct assertion_keys assertion_keys;
	struct auditlog_keys auditlog_keys;
	/* By identity, snapshot->identity_count: where the keys of a token are; else NULL. One
	 * reference each. */
	struct jwk_slot **slots;
	struct tls_certificate **certificates; /* one reference each; the first is the default */
	size_t certificate_count;
	struct tls_authorities *client_ca; /* one reference; NULL: no client certificates */
	/* What the certificates say, for host_is_ours; slices lie in the certificates. */
	struct slice *names;
	size_t name_count;
	struct address *addresses;
	size_t address_count;
	struct route_run *routes; /* snapshot->route_count */
	struct site_run *sites;   /* snapshot->site_count */
};

/* Takes over the references to snapshot and certificates (also the array), and copies
 * keys, in any case. NULL without memory. */
struct generation *generation_new(struct snapshot *snapshot, const struct keyset *keys,
				  struct tls_certificate **certificates, size_t certificate_count);

struct generation *generation_ref(struct generation *g);

/* Accepts NULL, returns NULL. */
struct generation *generation_unref(struct generation *g);
