/* SPDX-License-Identifier: Apache-2.0 */
/* From a token to an identity; see token.h. */
#include "policy/token.h"

static struct jwt_rules rules_of(const struct conf_identity *identity)
{
	return (struct jwt_rules){
		.algorithms = identity->jwt.algorithms,
		.issuer = identity->jwt.issuer,
		.audience = identity->jwt.audience,
		.type = identity->jwt.type,
		.leeway_ms = identity->jwt.leeway_ms,
	};
}

static struct verdict become(const struct token_facts *f, const struct jwt *t, struct arena *a,
			     struct identity *out)
{
	*out = (struct identity){
		.subject = arena_copy(a, t->subject),
		.via = f->identity->name,
		.claims = t->claims,
		.expires_unix_ms = t->expires_unix_ms,
		.issued_unix_ms = t->issued_unix_ms,
		/* The ring may be gone before the handshake is over. */
		.key = arena_copy(a, t->key_id.len ? t->key_id : f->identity->name),
	};
	if (!out->subject.data || !out->key.data)
		return verdict_refuse(REASON_OVERLOADED, "the arena is full");
	return verdict_pass();
}

static bool is_about_the_token(enum reason reason)
{
	return reason == REASON_CREDENTIAL_INVALID || reason == REASON_CREDENTIAL_EXPIRED;
}

static struct verdict judge(const struct token_facts *f, const struct jwk_ring *ring, bool may_ask,
			    struct arena *a, struct identity *out)
{
	struct jwt_refusals *refusals = f->world->refusals;
	const struct jwt_rules rules = rules_of(f->identity);
	enum reason known =
		refusals ? jwt_refusals_find(refusals, f->text, ring, f->now_unix_ms) : REASON_NONE;

	if (known != REASON_NONE)
		return verdict_refuse(known, "refused a moment ago");
	struct jwt t = jwt_judge(f->text, ring, &rules, f->now_unix_ms, a);
	if (t.reason == REASON_NONE)
		return become(f, &t, a, out);
	if (t.key_unknown && may_ask)
		return verdict_ask();
	if (refusals && is_about_the_token(t.reason))
		jwt_refusals_put(refusals, f->text, ring, f->now_unix_ms, t.reason);
	return verdict_refuse(t.reason, t.detail);
}

struct verdict token_identify(const struct token_facts *f, struct arena *a, struct identity *out)
{
	size_t index = (size_t)(f->identity - f->conf->identities);
	bool may_ask = false;

	if (!f->world || !f->world->slots || !f->world->slots[index])
		return verdict_refuse(REASON_INTERNAL, "no place for keys");
	struct jwk_ring *ring = jwk_slot_take(f->world->slots[index], &may_ask);
	if (!ring)
		return f->asked ? verdict_refuse(REASON_VERIFIER_FAILED, "there are no keys")
				: verdict_ask();
	struct verdict v = judge(f, ring, may_ask && !f->asked, a, out);
	jwk_ring_unref(ring);
	return v;
}
