/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Authorities of client certificates: read once, then shared by all workers.
 *
 * Immutable and reference-counted (atomically), as tls/certificate.h.
 */
#include "base/slice.h"

struct tls_authorities;

/* Reads a PEM file of certificates. Refused, with a sentence that names the file:
 * unreadable, no certificate in it, one that is no authority. Whether one has expired is
 * asked in each handshake. Returns 0 or -errno. */
int tls_authorities_load(struct slice path, struct tls_authorities **out);

/* Accepts NULL, returns it. */
struct tls_authorities *tls_authorities_ref(struct tls_authorities *a);

/* Accepts NULL, returns NULL. */
struct tls_authorities *tls_authorities_unref(struct tls_authorities *a);
