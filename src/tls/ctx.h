/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What we accept in TLS, as server and as client. One of each per worker.
 *
 * TLS 1.2 and 1.3 only; in 1.2 only ephemeral elliptic curves with AEAD. No compression,
 * no renegotiation, no 0-RTT. Application protocol: http/1.1 or none named; a client that
 * offers only others (h2) is refused by alert.
 *
 * Nothing is resumed: no tickets, no session cache. Connections live long, a ticket costs
 * more in every full handshake than it saves where workers have keys of their own, and
 * there is no ticket key to share, rotate or lose.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "tls/authorities.h"
#include "tls/certificate.h"

struct tls_server;
struct tls_client;

/* certificates[0] answers to everybody whose name (SNI) none of them covers. At least one;
 * references are taken. Returns 0 or -errno. */
int tls_server_new(struct tls_certificate *const *certificates, size_t count, bool minimum_13,
		   struct tls_server **out);

/* Clients may present a certificate that one of these authorities signed for clients; a bad
 * one ends the handshake with an alert, none at all does not. Before the first stream; a
 * reference is taken. Returns 0 or -errno. */
int tls_server_ask_clients(struct tls_server *server, struct tls_authorities *authorities);

/* Streams that still use it keep it alive. Accepts NULL, returns NULL. */
struct tls_server *tls_server_free(struct tls_server *server);

/* For upstreams: trusts the system's authorities and, if ca_file is not empty, those in it
 * as well (PEM). Returns 0 or -errno. */
int tls_client_new(struct slice ca_file, struct tls_client **out);

/* For people who try things out: trusts whoever answers. Never for upstreams. Returns as above. */
int tls_client_new_unverified(struct tls_client **out);

struct tls_client *tls_client_free(struct tls_client *client);
