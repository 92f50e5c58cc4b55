/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How many, and how often: connections and handshakes per address, network and identity.
 *
 * All workers share one struct limits. Its memory is fixed when it is made, and there is no
 * lock (policy/tally.h). A set full of counts in use refuses; a set full of rates forgets the
 * one that is paid back first.
 *
 * IPv4 addresses count as /32 and /24, IPv6 addresses as /64, /56 and /48: a home has a /64 to
 * a /56, somebody who rents a machine a /64 to a /48. What a /24 and a /48 may have, a /56 may
 * have a quarter of.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/siphash.h"
#include "base/slice.h"
#include "conf/snapshot.h"
#include "policy/verdict.h"

enum { LIMITS_RETRY_S = 5 }; /* Retry-After for want of a place */

struct limits;

/* What one connection counts for. Embedded in the session; zero = nothing. Belongs to the
 * thread of its session. */
struct limits_receipt {
	struct limits *from;
	_Atomic uint64_t *address, *home, *prefix, *identity; /* words it is counted in, or NULL */
};

/* For at most `connections` at once (a later configuration may say less, and more within
 * reason: then more sets may be full). NULL without memory: about 100 bytes a connection,
 * touched only where used. */
struct limits *limits_new(const struct siphash_key *key, uint64_t connections);

/* Every receipt was released before. Accepts NULL, returns NULL. */
struct limits *limits_free(struct limits *l);

/*
 * A connection was accepted: takes one handshake from its address's rate and counts it in
 * connections, connections_per_address and connections_per_prefix. PASS, or REFUSE with
 * nothing counted: HANDSHAKE_RATE, CONNECTION_LIMIT or OVERLOADED, each with a Retry-After.
 * Allocates nothing. now_us is monotonic. r is zero before.
 */
struct verdict limits_admit(struct limits *l, const struct conf_limits *c,
			    const struct address *peer, uint64_t now_us, struct limits_receipt *r)
	__attribute__((warn_unused_result));

/*
 * A trusted proxy's connection was accepted: it counts in connections only, for whose it is
 * will be known with each request. PASS, or REFUSE with OVERLOADED and nothing counted.
 */
struct verdict limits_admit_proxy(struct limits *l, const struct conf_limits *c,
				  struct limits_receipt *r) __attribute__((warn_unused_result));

/*
 * Whose it is, is known now: counts it in connections_per_address and connections_per_prefix
 * of that address, and no longer in those of the address before. NULL: it is nobody's but
 * the proxy's. PASS, or REFUSE with CONNECTION_LIMIT or OVERLOADED, and then it still counts
 * in connections.
 */
struct verdict limits_readmit(struct limits *l, const struct conf_limits *c,
			      const struct address *peer, struct limits_receipt *r)
	__attribute__((warn_unused_result));

/* A further request on the same connection: the rate only. */
struct verdict limits_request(struct limits *l, const struct conf_limits *c,
			      const struct address *peer, uint64_t now_us)
	__attribute__((warn_unused_result));

/* Who is on this connection is known now: counts it in connections_per_identity. Nobody
 * (an empty subject) is not counted. PASS, or REFUSE with CONNECTION_LIMIT or OVERLOADED. */
struct verdict limits_admit_identity(struct limits *l, const struct conf_limits *c,
				     struct slice subject, struct limits_receipt *r)
	__attribute__((warn_unused_result));

/* Gives back everything. Harmless on a zero receipt, and twice. */
void limits_release(struct limits_receipt *r);

/* Memory it has, and ever will have. */
size_t limits_bytes(const struct limits *l);

/* Connections at the moment. */
uint64_t limits_connections(const struct limits *l);

/* Nobody is counted anywhere. For tests and for the end of the process. */
bool limits_whole(const struct limits *l);
