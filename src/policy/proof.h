/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Proofs of work: what a ticket costs while the gateway is under siege (policy/siege.h).
 *
 *   gateway: 429 {"proof": {"challenge": C, "bits": B, ...}}
 *   client:  the first N of 0, 1, 2, ... where SHA-256(C "." N) begins with B zero bits
 *   client:  the same request again, with `Sallyport-Proof: C.N`
 *
 *   C = base64url( 1 | B | expiry 8 | random 8 | first half of HMAC-SHA-256, 16 )
 *
 * The HMAC is over the bytes before it, the client's network (/32 or /64), the route's path and
 * the Origin: a challenge is good for one client, one route, one page, until its expiry, and
 * nothing is kept for it. That a solution is good once is what struct seen is for: the solutions
 * that were used, until they expire. Checking costs one hash and one HMAC, cheap first.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/reason.h"
#include "base/slice.h"
#include "policy/keys.h"
#include "policy/seen.h"

enum {
	PROOF_RANDOM_BYTES = 8,
	PROOF_CHALLENGE_CHARS = 46,
	PROOF_TEXT_MAX = PROOF_CHALLENGE_CHARS + 1 + 20, /* with its dot and number */
	PROOF_BITS_LEAST = 1,
	PROOF_BITS_MOST = 28,
};

/* What a challenge is bound to. */
struct proof_facts {
	struct address peer;
	struct slice path, origin; /* of the route, decoded; empty: none */
	uint64_t now_unix_ms;
};

/* A challenge of so many bits, until that time, with the newest key; random is fresh. Returns 0
 * or -errno (also without any key). No NUL is written. */
int proof_make(const struct keyset *k, const struct proof_facts *f, unsigned bits,
	       uint64_t expires_unix_ms, const uint8_t random[PROOF_RANDOM_BYTES],
	       char out[PROOF_CHALLENGE_CHARS]) __attribute__((warn_unused_result));

/* NONE, with the solution used up in `used`; PROOF_INVALID for one that is none, not for these
 * facts, too old, not `bits` worth or used before; OVERLOADED when it could not be remembered;
 * INTERNAL when we cannot compute. */
enum reason proof_check(const struct keyset *k, const struct proof_facts *f, struct slice text,
			struct seen *used) __attribute__((warn_unused_result));

/* The client's side: writes `C.N` with its NUL. Tries numbers below `most`; false when none of
 * them is a solution or the challenge is no such text. About 2^bits hashes. */
bool proof_solve(struct slice challenge, unsigned bits, uint64_t most, char out[PROOF_TEXT_MAX + 1])
	__attribute__((warn_unused_result));
