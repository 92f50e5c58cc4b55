/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Certificates with their keys: loaded and checked once, then shared by all workers.
 *
 * A certificate is immutable and reference-counted (atomically); the workers' contexts
 * (tls/ctx.h) are made from it without touching files again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"

/* Hexadecimal SHA-256 with colons, and NUL. */
enum { TLS_FINGERPRINT_BYTES = 32 * 3 };

struct tls_certificate;

/*
 * Reads a PEM chain (the server's certificate first) and its unencrypted PEM key.
 * Refused, with a sentence that names the file and what is wrong: unreadable, no
 * certificate in it, encrypted key, key that does not belong, no name in it
 * (subjectAltName; the common name does not count), RSA below 2048 bits, not yet valid
 * or expired at now_unix_ms. Returns 0 or -errno.
 */
int tls_certificate_load(struct slice chain_path, struct slice key_path, uint64_t now_unix_ms,
			 struct tls_certificate **out);

/* Self-signed, ECDSA P-256, for localhost, 127.0.0.1 and ::1, valid 30 days, only in
 * memory. For development. Returns 0 or -errno. */
int tls_certificate_develop(uint64_t now_unix_ms, struct tls_certificate **out);

struct tls_certificate *tls_certificate_ref(struct tls_certificate *c);

/* Accepts NULL, returns NULL. */
struct tls_certificate *tls_certificate_unref(struct tls_certificate *c);

/* The DNS names in it, lower case, as written ("*.example.com" for wildcards), and its
 * addresses. Slices live as long as the certificate. */
size_t tls_certificate_name_count(const struct tls_certificate *c);
struct slice tls_certificate_name(const struct tls_certificate *c, size_t i);
size_t tls_certificate_address_count(const struct tls_certificate *c);
struct address tls_certificate_address(const struct tls_certificate *c, size_t i);

/* Whether host is one of its names; a wildcard stands for exactly one whole label, the
 * leftmost (RFC 6125 section 6.4.3), and its domain has two labels at least. Case does not
 * matter; a dot at the end does. */
bool tls_certificate_covers(const struct tls_certificate *c, struct slice host);

uint64_t tls_certificate_expires_unix_ms(const struct tls_certificate *c);

/* For people to compare; the slice points into text. */
struct slice tls_certificate_fingerprint(const struct tls_certificate *c,
					 char text[TLS_FINGERPRINT_BYTES]);

/* The certificate itself in PEM, for programs that shall trust a development one.
 * Lives as long as the certificate. */
struct slice tls_certificate_pem(const struct tls_certificate *c);
