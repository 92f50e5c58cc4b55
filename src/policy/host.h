/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is this Host one of ours? Against DNS rebinding, and for whatever is computed from Host.
 *
 * Ours are, without regard to case and to the port:
 *   - `hosts:` of the configuration
 *   - the names and addresses in the certificates; "*.example.com" is exactly one label more
 *   - what a listener's URL says: its literal address or name
 *   - on a listener for all addresses (0.0.0.0, ::) the address that the client connected to
 *   - `localhost`, where a listener or the connection is on loopback, or with the
 *     development certificate
 * A name that ends in a dot is nobody's.
 */
#include <stdbool.h>

#include "base/address.h"
#include "base/arena.h"
#include "conf/snapshot.h"
#include "http/origin.h"

struct host_facts {
	const struct snapshot *conf;
	const struct conf_listener *listener; /* that accepted the connection */
	struct address local;                 /* the connection's own end */
	struct conf_texts certificate_names;  /* of all certificates, wildcards as written */
	const struct address *certificate_addresses;
	size_t certificate_address_count;
};

bool host_is_ours(const struct host_facts *f, const struct http_authority *host);

/* Host as it is written: `name`, `1.2.3.4`, `[::1]`, with `:port` if one was given. In the
 * arena; data is NULL when that is full. */
struct slice host_text(const struct http_authority *host, struct arena *a);
