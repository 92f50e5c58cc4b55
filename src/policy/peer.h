/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who is on the other end, when proxies stand between.
 *
 *   client --> proxy --> proxy we trust --TCP--> us
 *    ^                        |
 *    `-- Forwarded (RFC 7239) or X-Forwarded-For, read from the right and only as far as
 *        each hop is one whose word we take
 *
 * A header is believed only if whoever sent it is in `trusted_proxies`; everybody else's is
 * not looked at, and never travels on. Of a believed one every part has to be well-formed:
 * half an answer to "who is it" is none.
 *
 *   all hops trusted   the leftmost is the client
 *   `unknown`, _name   not more is known than the hop that said so: that one counts
 *   both headers       must agree about the client, and about its protocol
 */
#include <stdbool.h>

#include "base/address.h"
#include "base/reason.h"
#include "conf/snapshot.h"
#include "http/head.h"

/* One of these networks holds it. */
bool peer_trusted(const struct conf_networks *networks, const struct address *a);

struct peer {
	struct address address; /* the client, as far as it is known; port 0 */
	bool tls;               /* it came over TLS: to us, or to the proxy that it reached */
	bool named;             /* a believed header said who it is, or that nobody knows */
};

/*
 * hop is who speaks to us (the TCP peer, or the one of a believed PROXY header), tls whether
 * that is over TLS. Returns NONE with *out, or FORWARDED_MALFORMED: a trusted proxy's header
 * cannot be read, or two of them contradict each other.
 */
enum reason peer_find(const struct conf_networks *trusted, const struct http_head *head,
		      const struct address *hop, bool tls, struct peer *out)
	__attribute__((warn_unused_result));
