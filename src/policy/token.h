/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A presented token (policy/jwt.h) becomes an identity.
 *
 *   refused a moment ago? > keys of now > judged
 *        \                    \             `--> names an unknown key: ASK, once, for newer keys
 *         `--> the same        `--> none: ASK, once; still none: VERIFIER_FAILED
 *
 * No token leaves this place: neither for the application nor for a log.
 */
#include "base/arena.h"
#include "conf/snapshot.h"
#include "policy/identity.h"
#include "policy/jwk_slot.h"
#include "policy/jwt.h"
#include "policy/verdict.h"

/* What tokens are judged with; lives as long as handshakes under way. */
struct token_world {
	struct jwk_slot *const *slots; /* by the identity's index; NULL: it has none */
	struct jwt_refusals *refusals; /* of this thread; may be NULL */
};

struct token_facts {
	const struct token_world *world; /* NULL: nothing is good */
	const struct snapshot *conf;
	const struct conf_identity *identity; /* of conf; CONF_IDENTITY_JWT */
	struct slice text;
	uint64_t now_unix_ms;
	bool asked; /* newer keys were asked for already */
};

/* PASS with *out in the arena and the snapshot; ASK for QUESTION_REFRESH_KEYS and then call
 * again with `asked`; or REFUSE with CREDENTIAL_INVALID, CREDENTIAL_EXPIRED, VERIFIER_FAILED
 * (there are no keys), OVERLOADED or INTERNAL. */
struct verdict token_identify(const struct token_facts *f, struct arena *a, struct identity *out)
	__attribute__((warn_unused_result));
