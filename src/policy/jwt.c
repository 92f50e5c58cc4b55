/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, from the text to the claims; see jwt.h. */
#include "policy/jwt.h"

#include <math.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "json/read.h"
#include "json/write.h"
#include "policy/identity.h"

static const struct json_limits header_limits = {.depth = 4, .members = 32, .values = 64};
static const struct json_limits payload_limits = {.depth = 16, .members = 256, .values = 2000};

/* A time beyond that is as good as never: the year 9999. */
static const double seconds_max = 253402300799.0;

struct parts {
	struct slice header, payload, signature; /* as sent */
	struct slice covered;                    /* header.payload */
};

static struct jwt refuse(enum reason reason, const char *detail)
{
	return (struct jwt){.reason = reason, .detail = detail};
}

static struct jwt invalid(const char *detail)
{
	return refuse(REASON_CREDENTIAL_INVALID, detail);
}

static struct jwt arena_full(void)
{
	return refuse(REASON_OVERLOADED, "the arena is full");
}

static bool split(struct slice text, struct parts *p)
{
	struct slice rest = text, more_parts;
	bool more = true;

	if (!slice_next(&rest, &more, '.', &p->header) ||
	    !slice_next(&rest, &more, '.', &p->payload) ||
	    !slice_next(&rest, &more, '.', &p->signature) ||
	    slice_next(&rest, &more, '.', &more_parts))
		return false;
	p->covered = slice_first(text, p->header.len + 1 + p->payload.len);
	return p->header.len && p->signature.len;
}

/* data is NULL: not canonical base64url, or (a->overflow) no room. */
static struct slice decode(struct slice text, struct arena *a)
{
	size_t room = BASE64_BYTES(text.len), len = 0;
	char *bytes = arena_alloc(a, room);

	if (!bytes || !base64url_decode(text, bytes, room, &len))
		return slice_of(NULL, 0);
	return slice_of(bytes, len);
}

/* --- the header (RFC 7515 section 4.1) */

/* Absent, or a string. */
static bool is_text(const struct json_node *v)
{
	return !v || json_type(v) == JSON_STRING;
}

/*
 * Keys, and places to get keys, that a token brings itself; parameters that change what is
 * signed or how; extensions that must be understood (RFC 7515 section 4.1.11) and none of
 * which is.
 */
static const char *forbidden_member(const struct json_node *header)
{
	/* clang-format off */
	static const struct {
		struct slice name;
		const char *detail;
	} rows[] = {
		{SLICE_INIT("crit"), "crit"},
		{SLICE_INIT("jwk"),  "a key in the token"},
		{SLICE_INIT("jku"),  "a place of keys in the token"},
		{SLICE_INIT("x5u"),  "a place of certificates in the token"},
		{SLICE_INIT("x5c"),  "a certificate in the token"},
		{SLICE_INIT("b64"),  "b64"},
		{SLICE_INIT("zip"),  "zip"},
		{SLICE_INIT("enc"),  "an encrypted token"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (json_member(header, rows[i].name))
			return rows[i].detail;
	return NULL;
}

/* RFC 7515 section 4.1.9: a media type without "application/", in any case. */
static struct slice short_type(struct slice type)
{
	struct slice prefix = SLICE("application/");

	return type.len > prefix.len && slice_eq_icase(slice_first(type, prefix.len), prefix)
		       ? slice_from(type, prefix.len)
		       : type;
}

/* RFC 8725 section 3.11: other kinds of tokens (a logout's, a proof of possession) are signed
 * with the same keys. */
static bool type_ok(const struct json_node *typ, struct slice wanted)
{
	struct slice type = short_type(json_string(typ));

	if (wanted.len)
		return typ && slice_eq_icase(type, short_type(wanted));
	return !typ || slice_eq_icase(type, SLICE("JWT")) ||
	       slice_eq_icase(type, SLICE("at+jwt")) || slice_eq_icase(type, SLICE("JOSE"));
}

static struct jwt read_header(struct slice text, const struct jwt_rules *rules, struct arena *a,
			      enum jwa *alg, struct slice *kid)
{
	struct json_doc doc;
	struct slice bytes = decode(text, a);

	if (!bytes.data)
		return a->overflow ? arena_full() : invalid("the header is not base64url");
	if (json_read(bytes, &header_limits, a, &doc) != REASON_NONE)
		return a->overflow ? arena_full() : invalid("the header cannot be read");
	if (json_type(doc.root) != JSON_OBJECT)
		return invalid("the header is no object");
	const char *forbidden = forbidden_member(doc.root);
	if (forbidden)
		return invalid(forbidden);
	const struct json_node *id = json_member(doc.root, SLICE("kid"));
	const struct json_node *typ = json_member(doc.root, SLICE("typ"));
	if (!is_text(id) || !is_text(typ) || (id && (id->len == 0 || id->len > JWK_ID_MAX)))
		return invalid("kid or typ");
	if (!type_ok(typ, rules->type))
		return invalid("typ is another");
	*kid = json_string(id);
	*alg = jwa_find(json_string(json_member(doc.root, SLICE("alg"))));
	if (!*alg || !(rules->algorithms & JWA_BIT(*alg)))
		return invalid("alg is not on the list");
	return (struct jwt){.reason = REASON_NONE};
}

/* --- the signature */

static struct jwt judge_result(enum jwk_result result)
{
	struct jwt unknown = invalid("no key of that kid");

	switch (result) {
	case JWK_GENUINE:
		return (struct jwt){.reason = REASON_NONE};
	case JWK_UNKNOWN:
		unknown.key_unknown = true;
		return unknown;
	case JWK_AMBIGUOUS:
		return invalid("two keys of that kid");
	case JWK_BROKEN:
		return refuse(REASON_INTERNAL, "the signature could not be computed");
	case JWK_FORGED:
	default:
		return invalid("the signature");
	}
}

struct jwt jwt_judge_signature(struct slice text, const struct jwk_ring *ring,
			       const struct jwt_rules *rules, struct arena *a,
			       struct slice *payload)
{
	struct parts p;
	struct slice kid, key_id;
	enum jwa alg;

	if (text.len > JWT_TEXT_MAX)
		return invalid("longer than 8 KiB");
	if (!split(text, &p))
		return invalid("not three parts");
	struct jwt t = read_header(p.header, rules, a, &alg, &kid);
	if (t.reason != REASON_NONE)
		return t;
	struct slice signature = decode(p.signature, a);
	if (!signature.data)
		return a->overflow ? arena_full() : invalid("the signature is not base64url");
	if (signature.len > JWK_SIGNATURE_MAX)
		return invalid("the signature is too long");
	t = judge_result(jwk_ring_verify(ring, alg, kid, p.covered, signature, &key_id));
	if (t.reason != REASON_NONE)
		return t;
	t.key_id = key_id;
	*payload = decode(p.payload, a);
	if (!payload->data)
		return a->overflow ? arena_full() : invalid("the payload is not base64url");
	return t;
}

/* --- the claims (RFC 7519 section 4.1) */

enum time_found { TIME_ABSENT, TIME_READ, TIME_BAD };

/* A NumericDate; fractions of a millisecond are cut off. */
static enum time_found read_time(const struct json_node *claims, struct slice name,
				 uint64_t *unix_ms)
{
	const struct json_node *v = json_member(claims, name);

	*unix_ms = 0;
	if (!v)
		return TIME_ABSENT;
	double seconds = json_double(v);
	if (json_type(v) != JSON_NUMBER || !isfinite(seconds) || seconds < 0)
		return TIME_BAD;
	if (seconds > seconds_max)
		seconds = seconds_max;
	*unix_ms = (uint64_t)(seconds * (double)CLOCK_MS_PER_S);
	return TIME_READ;
}

static struct jwt judge_times(const struct json_node *claims, const struct jwt_rules *rules,
			      uint64_t now_unix_ms, struct jwt t)
{
	uint64_t exp, nbf, iat, latest = clock_add(now_unix_ms, rules->leeway_ms);

	if (read_time(claims, SLICE("exp"), &exp) != TIME_READ)
		return invalid("exp");
	if (read_time(claims, SLICE("nbf"), &nbf) == TIME_BAD || nbf > latest)
		return invalid("nbf");
	if (read_time(claims, SLICE("iat"), &iat) == TIME_BAD || iat > latest)
		return invalid("iat");
	if (now_unix_ms >= clock_add(exp, rules->leeway_ms))
		return refuse(REASON_CREDENTIAL_EXPIRED, NULL);
	/* What is still good by the leeway alone ends with it; else the session would end as
	 * it begins. */
	t.expires_unix_ms = exp > now_unix_ms ? exp : clock_add(exp, rules->leeway_ms);
	t.issued_unix_ms = iat;
	return t;
}

static bool issuer_ok(const struct json_node *iss, struct slice wanted)
{
	if (!wanted.len)
		return is_text(iss);
	return json_type(iss) == JSON_STRING && slice_eq(json_string(iss), wanted);
}

static bool is_wanted(const struct json_node *aud, const struct conf_texts *wanted)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (json_type(aud) == JSON_STRING && slice_eq(json_string(aud), wanted->items[i]))
			return true;
	return false;
}

/* A string, or an array of nothing but strings. */
static bool audience_ok(const struct json_node *aud, const struct conf_texts *wanted)
{
	bool named = false;

	if (!aud || json_type(aud) == JSON_STRING)
		return wanted->count == 0 || is_wanted(aud, wanted);
	if (json_type(aud) != JSON_ARRAY)
		return false;
	JSON_EACH (one, aud) {
		if (json_type(one) != JSON_STRING)
			return false;
		named |= is_wanted(one, wanted);
	}
	return wanted->count == 0 || named;
}

static struct slice compact(const struct json_node *claims, struct arena *a)
{
	struct slice text = {NULL, 0};
	struct buf b;

	buf_init(&b, IDENTITY_CLAIMS_MAX);
	if (!json_write(claims, NULL, &b))
		text = arena_copy(a, buf_slice(&b));
	buf_deinit(&b);
	return text;
}

static struct jwt judge_claims(struct slice payload, const struct jwt_rules *rules,
			       uint64_t now_unix_ms, struct arena *a, struct jwt t)
{
	struct json_doc doc;

	if (json_read(payload, &payload_limits, a, &doc) != REASON_NONE)
		return a->overflow ? arena_full() : invalid("the payload cannot be read");
	if (json_type(doc.root) != JSON_OBJECT)
		return invalid("the payload is no object");
	if (!issuer_ok(json_member(doc.root, SLICE("iss")), rules->issuer))
		return invalid("iss");
	if (!audience_ok(json_member(doc.root, SLICE("aud")), &rules->audience))
		return invalid("aud");
	t.subject = json_string(json_member(doc.root, SLICE("sub")));
	if (!t.subject.len || t.subject.len > IDENTITY_SUBJECT_MAX)
		return invalid("sub");
	t = judge_times(doc.root, rules, now_unix_ms, t);
	if (t.reason != REASON_NONE)
		return t;
	t.claims = compact(doc.root, a);
	return t.claims.data ? t : arena_full();
}

struct jwt jwt_judge(struct slice text, const struct jwk_ring *ring, const struct jwt_rules *rules,
		     uint64_t now_unix_ms, struct arena *a)
{
	struct slice payload;
	struct jwt t = jwt_judge_signature(text, ring, rules, a, &payload);

	return t.reason == REASON_NONE ? judge_claims(payload, rules, now_unix_ms, a, t) : t;
}

/* --- what was refused a moment ago */

enum reason jwt_refusals_find(const struct jwt_refusals *r, struct slice text,
			      const struct jwk_ring *ring, uint64_t now_unix_ms)
{
	uint64_t hash = siphash(&r->secret, text);
	const struct jwt_refused *place = &r->places[hash % JWT_REFUSALS_MAX];

	if (place->ring != jwk_ring_serial(ring) || place->hash != hash)
		return REASON_NONE;
	/* Also when the clock was set back: then it is forgotten. */
	if (now_unix_ms < place->at_unix_ms || now_unix_ms - place->at_unix_ms >= JWT_REFUSED_MS)
		return REASON_NONE;
	return place->reason;
}

void jwt_refusals_put(struct jwt_refusals *r, struct slice text, const struct jwk_ring *ring,
		      uint64_t now_unix_ms, enum reason reason)
{
	uint64_t hash = siphash(&r->secret, text);

	r->places[hash % JWT_REFUSALS_MAX] = (struct jwt_refused){
		.hash = hash,
		.ring = jwk_ring_serial(ring),
		.at_unix_ms = now_unix_ms,
		.reason = reason,
	};
}

void jwt_refusals_clear(struct jwt_refusals *r)
{
	memset(r->places, 0, sizeof(r->places));
}
