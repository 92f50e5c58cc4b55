/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Signed tokens: JWT (RFC 7519) in the compact form of JWS (RFC 7515), by the rules of
 * RFC 8725.
 *
 *   size > three parts > header: JSON, no `crit`, no keys inside > alg on the list >
 *   a key of the ring that fits > signature > payload: JSON > exp nbf iat iss aud sub
 *
 * Nothing of the payload is read before the signature is good. What a token brings to be
 * verified with (jwk, jku, x5u, x5c) is a reason to refuse it.
 */
#include "base/arena.h"
#include "base/reason.h"
#include "base/siphash.h"
#include "conf/snapshot.h"
#include "policy/jwk.h"

enum { JWT_TEXT_MAX = 8192 };

/* What a token must be like beyond genuine. */
struct jwt_rules {
	uint32_t algorithms;        /* sum of JWA_BIT */
	struct slice issuer;        /* `iss` must be that; empty: not asked */
	struct conf_texts audience; /* `aud` must name one of these; none: not asked */
	struct slice type;          /* `typ` must be that; empty: JWT, at+jwt or none */
	uint64_t leeway_ms;         /* how far clocks may differ */
};

struct jwt {
	enum reason reason; /* NONE, CREDENTIAL_INVALID, CREDENTIAL_EXPIRED, OVERLOADED, INTERNAL */
	const char *detail; /* static text for the log, or NULL */
	bool key_unknown;   /* it names a key that the ring does not have: newer keys may help */
	/* With NONE; texts are in the arena, key_id in the ring. */
	struct slice subject;
	struct slice claims;      /* the whole payload as compact JSON */
	struct slice key_id;      /* empty: the key has none */
	uint64_t expires_unix_ms; /* `exp`, later by the leeway where that has passed already */
	uint64_t issued_unix_ms;  /* `iat`; 0 if it has none */
};

/* Judges the token. Everything is in the arena's memory; 512 KiB is enough for any token. */
struct jwt jwt_judge(struct slice text, const struct jwk_ring *ring, const struct jwt_rules *rules,
		     uint64_t now_unix_ms, struct arena *a) __attribute__((warn_unused_result));

/* The signature alone, whatever the payload is: REASON_NONE with *payload decoded. For tools. */
struct jwt jwt_judge_signature(struct slice text, const struct jwk_ring *ring,
			       const struct jwt_rules *rules, struct arena *a,
			       struct slice *payload) __attribute__((warn_unused_result));

/*
 * Tokens that were refused a moment ago, so that showing them again costs a hash and no
 * signature. Of a fixed size; it holds keyed hashes, no token.
 */
enum { JWT_REFUSALS_MAX = 1024, JWT_REFUSED_MS = 5000 };

struct jwt_refusals {
	struct siphash_key secret; /* random */
	struct jwt_refused {
		uint64_t hash, ring; /* ring: its serial; 0 = an empty place */
		uint64_t at_unix_ms;
		enum reason reason;
	} places[JWT_REFUSALS_MAX];
};

/* The reason it was refused for by that ring, or NONE. */
enum reason jwt_refusals_find(const struct jwt_refusals *r, struct slice text,
			      const struct jwk_ring *ring, uint64_t now_unix_ms);
void jwt_refusals_put(struct jwt_refusals *r, struct slice text, const struct jwk_ring *ring,
		      uint64_t now_unix_ms, enum reason reason);

/* Everything may be different now: other rules are in force. */
void jwt_refusals_clear(struct jwt_refusals *r);
