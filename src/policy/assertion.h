/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the application can check for itself: a short-lived, signed statement of who connects,
 * sent as `Sallyport-Assertion` (JWT, RFC 7519; ES256, RFC 7518 section 3.4).
 *
 *   {"alg":"ES256","typ":"JWT","kid":...}
 *   {"iss":"sallyport","aud": the upstream's authority,"sub":...,"via":...,"claims":{...},
 *    "route": as configured,"request": the id that the log has too,"iat":...,"exp":...,"jti":...}
 *
 * Keys are PEM files of a P-256 private key. They are added in the byte order of their
 * names: the last one signs, the public halves of all are published (RFC 7517), under the
 * thumbprint of RFC 7638 as key id.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "policy/identity.h"

enum {
	ASSERTION_KEYS_MAX = 16,
	ASSERTION_COORDINATE_CHARS = 43, /* base64url of 32 bytes */
	ASSERTION_JTI_BYTES = 16,
	ASSERTION_SECONDS = 60,
};

struct assertion_key {
	void *key; /* EVP_PKEY */
	char x[ASSERTION_COORDINATE_CHARS], y[ASSERTION_COORDINATE_CHARS];
	char kid[ASSERTION_COORDINATE_CHARS];
};

/* Immutable once filled, then shared by threads. The zero one signs nothing. */
struct assertion_keys {
	struct assertion_key keys[ASSERTION_KEYS_MAX];
	size_t count;
};

enum {
	ASSERTION_NO_KEY = 1, /* no private key in PEM, or one with a passphrase */
	ASSERTION_NOT_P256,
	ASSERTION_TWICE, /* the same key is there already */
	ASSERTION_FULL,  /* ASSERTION_KEYS_MAX files already */
};

/* Adds the key of one file's text; it becomes the one that signs. Returns 0, or one of the
 * above with nothing changed. */
int assertion_keys_add(struct assertion_keys *k, struct slice pem)
	__attribute__((warn_unused_result));

/* One sentence for each outcome of assertion_keys_add, for the message that names the file. */
const char *assertion_keys_complaint(int outcome);

/* Accepts NULL and a second call. */
void assertion_keys_deinit(struct assertion_keys *k);

/* Appends {"keys":[...]}, the newest first. Returns 0, BUF_FULL or -ENOMEM. */
int assertion_jwks(const struct assertion_keys *k, struct buf *to)
	__attribute__((warn_unused_result));

struct assertion_facts {
	struct slice audience; /* the upstream's authority */
	const struct identity *identity;
	struct slice route, request_id;
	uint64_t now_unix_ms;
	uint8_t jti[ASSERTION_JTI_BYTES]; /* fresh random bytes */
};

/* The text in the arena. Returns 0 or -errno (also without any key). */
int assertion_make(const struct assertion_keys *k, const struct assertion_facts *f, struct arena *a,
		   struct slice *out) __attribute__((warn_unused_result));
