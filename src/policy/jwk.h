/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The keys that tokens are verified with (RFC 7517, RFC 8037; PEM as in RFC 7468).
 *
 *   text --read once--> struct jwk_ring --ref--> any number of verifications, on any thread
 *
 * What a key may verify is settled when it is read: its type, its curve and its `alg`, where
 * it has one, against the list that the configuration accepts. A token chooses nothing. A
 * key that is not fit for any of that is left out: one for encryption, a private key, RSA below
 * 2048 bits or with a modulus of the ROCA kind, a point that is not on its curve.
 *
 * A ring is immutable once it is shared; it is counted.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "conf/jwa.h"

enum {
	JWK_TEXT_MAX = 256 * 1024, /* bytes of a set or a file */
	JWK_RING_MAX = 64,         /* keys; a set with more is refused */
	JWK_ID_MAX = 256,          /* bytes of a kid */
	JWK_TRIES_MAX = 8,         /* keys tried for a token that does not say which */
	JWK_RSA_BITS_MIN = 2048,
	JWK_RSA_BITS_MAX = 8192,
	JWK_SECRET_MIN = 32,
	JWK_SIGNATURE_MAX = JWK_RSA_BITS_MAX / 8,
};

struct jwk_ring;

/* Outcome: what was read cannot be used, and *detail says why as static text. */
enum { JWK_UNUSABLE = 1 };

/* An empty ring for keys that verify some of those algorithms (a sum of JWA_BIT). NULL
 * without memory. */
struct jwk_ring *jwk_ring_new(uint32_t algorithms);

struct jwk_ring *jwk_ring_ref(struct jwk_ring *ring);

/* Wipes and frees with the last reference. Accepts NULL, returns NULL. */
struct jwk_ring *jwk_ring_unref(struct jwk_ring *ring);

/*
 * Before the ring is shared. Return 0, JWK_UNUSABLE or -errno; the ring may then hold a part.
 *
 * jwk_ring_add_set    a JWK set, or one JWK. Keys that do not fit are passed over; when none
 *                     does it is unusable. `oct` keys are passed over too.
 * jwk_ring_add_set_with_secrets   the same, but `oct` keys count, as long as the whole set is of
 *                     them; for tools, never for a set that came over the network.
 * jwk_ring_add_pem    public keys (BEGIN PUBLIC KEY), one or more; each must fit.
 * jwk_ring_add_secret raw bytes, for HS*; a copy is kept.
 */
int jwk_ring_add_set(struct jwk_ring *ring, struct slice text, const char **detail)
	__attribute__((warn_unused_result));
int jwk_ring_add_set_with_secrets(struct jwk_ring *ring, struct slice text, const char **detail)
	__attribute__((warn_unused_result));
int jwk_ring_add_pem(struct jwk_ring *ring, struct slice text, const char **detail)
	__attribute__((warn_unused_result));
int jwk_ring_add_secret(struct jwk_ring *ring, struct slice secret, const char **detail)
	__attribute__((warn_unused_result));

size_t jwk_ring_count(const struct jwk_ring *ring);

/* A number that no other ring of this process has. */
uint64_t jwk_ring_serial(const struct jwk_ring *ring);

enum jwk_result {
	JWK_FORGED = 0, /* no key made this signature */
	JWK_GENUINE,    /* *kid is that of the key that did, in the ring; empty if it has none */
	JWK_UNKNOWN,    /* no key of the ring has that kid and verifies that algorithm */
	JWK_AMBIGUOUS,  /* two keys have that kid */
	JWK_BROKEN,     /* we could not compute */
};

/* Is `signature` one over the two pieces together (signed_ is "header.payload")? kid is empty where
 * the token has none: then at most JWK_TRIES_MAX keys are tried. */
enum jwk_result jwk_ring_verify(const struct jwk_ring *ring, enum jwa alg, struct slice kid,
				struct slice covered, struct slice signature, struct slice *key_id)
	__attribute__((warn_unused_result));
