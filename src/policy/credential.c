/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the credential that decides.
 */
#include "policy/credential.h"

#include "http/cookie.h"
#include "http/header.h"
#include "http/target.h"
#include "policy/csrf.h"

static const struct slice none = {NULL, 0};

static struct verdict malformed(const char *detail)
{
	return verdict_refuse(REASON_HANDSHAKE_MALFORMED, detail);
}

/* A secret that comes as a subprotocol or in the query, at most once in all. */
static struct verdict carried(const struct credential_facts *f, struct slice in_protocols,
			      struct slice query_name, struct arena *a, struct slice *out)
{
	struct slice in_query = none;
	switch (http_query_find(f->query, query_name, a, &in_query)) {
	case HTTP_FIND_NONE:
		*out = in_protocols;
		return verdict_pass();
	case HTTP_FIND_ONE:
		if (in_protocols.len)
			return malformed("a secret comes by both carriers");
		*out = in_query;
		return verdict_pass();
	case HTTP_FIND_AMBIGUOUS:
		return malformed("a secret comes twice in the query");
	case HTTP_FIND_MALFORMED:
	default:
		return a->overflow ? verdict_refuse(REASON_OVERLOADED, "the arena is full")
				   : malformed("the query cannot be read");
	}
}

/* One cookie, from all Cookie fields together. */
static struct verdict cookie_find(const struct http_head *head, struct slice name,
				  struct slice *value)
{
	struct slice field;
	*value = none;
	if (http_header_count(head, SLICE("cookie")) == 0)
		return verdict_pass();
	if (!http_header_single(head, SLICE("cookie"), &field))
		return malformed("two Cookie fields");
	switch (http_cookie_find(field, name, value)) {
	case HTTP_FIND_NONE:
		*value = none;
		return verdict_pass();
	case HTTP_FIND_ONE:
		return verdict_pass();
	case HTTP_FIND_AMBIGUOUS:
		return malformed("the session cookie comes twice");
	case HTTP_FIND_MALFORMED:
	default:
		return malformed("the Cookie field cannot be read");
	}
}

static struct verdict csrf_find(const struct credential_facts *f, struct arena *a,
				struct slice *token)
{
	struct slice name = SLICE("sallyport-csrf");
	*token = none;
	if (!f->csrf_in_header)
		return carried(f, f->protocols ? f->protocols->csrf : none, SLICE("csrf"), a,
			       token);
	if (http_header_count(f->head, name) > 1)
		return malformed("Sallyport-CSRF comes twice");
	if (!http_header_single(f->head, name, token))
		*token = none;
	return verdict_pass();
}

/* RFC 6750 section 2.1. Another scheme is somebody else's business. */
static struct verdict authorization_find(const struct http_head *head, struct slice *token)
{
	struct slice field, scheme = SLICE("bearer ");
	*token = none;
	if (http_header_count(head, SLICE("authorization")) == 0)
		return verdict_pass();
	if (!http_header_single(head, SLICE("authorization"), &field))
		return malformed("two Authorization fields");
	if (slice_eq_icase(field, SLICE("bearer")))
		return malformed("Bearer without a token");
	if (field.len < scheme.len || !slice_eq_icase(slice_first(field, scheme.len), scheme))
		return verdict_pass();
	*token = slice_trim(slice_from(field, scheme.len));
	return token->len ? verdict_pass() : malformed("Bearer without a token");
}

static struct verdict query_token_find(const struct credential_facts *f, struct slice name,
				       struct arena *a, struct slice *token)
{
	struct verdict v = carried(f, none, name, a, token);
	if (v.kind != VERDICT_PASS)
		*token = none;
	return v;
}

static struct verdict carrier_find(const struct conf_carrier *carrier,
				   const struct credential_facts *f, struct arena *a,
				   struct credential *out)
{
	struct verdict v = verdict_pass();
	switch (carrier->kind) {
	case CONF_CARRIER_AUTHORIZATION:
		return f->only_cookies ? v : authorization_find(f->head, &out->token);
	case CONF_CARRIER_SUBPROTOCOL:
		if (f->protocols)
			out->token = f->protocols->bearer;
		return v;
	case CONF_CARRIER_QUERY:
		return query_token_find(f, carrier->name, a, &out->token);
	case CONF_CARRIER_COOKIE:
		if (f->origin_missing)
			return v;
		v = cookie_find(f->head, carrier->name, &out->cookie);
		out->token = out->cookie;
		if (out->token.len && v.kind == VERDICT_PASS)
			v = csrf_find(f, a, &out->csrf);
		return v;
	case CONF_CARRIER_NONE:
	default:
		return verdict_refuse(REASON_INTERNAL, "a carrier that does not exist");
	}
}

/* The first place that has one decides. */
static struct verdict token_find(const struct conf_identity *identity,
				 const struct credential_facts *f, struct arena *a,
				 struct credential *out)
{
	struct verdict v = verdict_pass();
	for (size_t i = 0; i < identity->jwt.from_count; i++) {
		v = carrier_find(&identity->jwt.from[i], f, a, out);
		if (v.kind != VERDICT_PASS || out->token.len)
			break;
	}
	return v;
}

/* Is this identity's credential there? out->identity says so. */
static struct verdict presented(const struct conf_identity *identity,
				const struct credential_facts *f, struct arena *a,
				struct credential *out)
{
	struct verdict v = verdict_pass();
	bool there = false;
	switch (identity->kind) {
	case CONF_IDENTITY_TICKET:
		if (!f->protocols)
			break;
		v = carried(f, f->protocols->ticket, SLICE("ticket"), a, &out->ticket);
		there = out->ticket.len > 0;
		break;
	case CONF_IDENTITY_COOKIE:
		if (f->origin_missing)
			break;
		v = cookie_find(f->head, identity->cookie.name, &out->cookie);
		there = out->cookie.len > 0;
		if (there && v.kind == VERDICT_PASS)
			v = csrf_find(f, a, &out->csrf);
		break;
	case CONF_IDENTITY_ANYONE:
		there = true;
		break;
	case CONF_IDENTITY_JWT:
		v = token_find(identity, f, a, out);
		there = out->token.len > 0;
		break;
	case CONF_IDENTITY_MTLS:
		there = f->certificate != NULL;
		break;
	case CONF_IDENTITY_NONE:
	default:
		break;
	}
	if (there && v.kind == VERDICT_PASS)
		out->identity = identity;
	return v;
}

bool credential_is_cookie(const struct conf_identity *identity)
{
	bool cookie = identity->kind == CONF_IDENTITY_COOKIE;
	for (size_t i = 0; identity->kind == CONF_IDENTITY_JWT && i < identity->jwt.from_count; i++)
		cookie |= identity->jwt.from[i].kind == CONF_CARRIER_COOKIE;
	return cookie;
}

struct verdict credential_find(const struct snapshot *s, const size_t *identify, size_t count,
			       const struct credential_facts *f, struct arena *a,
			       struct credential *out)
{
	*out = (struct credential){0};
	for (size_t i = 0; i < count; i++) {
		if (identify[i] >= s->identity_count)
			return verdict_refuse(REASON_INTERNAL, "an identity that does not exist");
		struct verdict v = presented(&s->identities[identify[i]], f, a, out);
		if (v.kind != VERDICT_PASS || out->identity)
			return v;
	}
	return verdict_refuse(REASON_CREDENTIAL_MISSING, NULL);
}

static enum reason check_csrf(const struct keyset *keys, const struct credential *c)
{
	if (!c->csrf.len)
		return REASON_CSRF_MISSING;
	return csrf_check(keys, c->cookie, c->csrf);
}

static enum reason check_cookie(const struct keyset *keys, const struct credential *c)
{
	return c->identity->cookie.csrf_off ? REASON_NONE : check_csrf(keys, c);
}

struct verdict credential_check(const struct keyset *keys, uint64_t now_unix_ms,
				struct credential *c)
{
	enum reason r = REASON_CREDENTIAL_MISSING;
	switch (c->identity ? c->identity->kind : CONF_IDENTITY_NONE) {
	case CONF_IDENTITY_TICKET:
		r = ticket_check(keys, c->ticket, now_unix_ms, c->ticket_id);
		break;
	case CONF_IDENTITY_COOKIE:
		r = check_cookie(keys, c);
		break;
	case CONF_IDENTITY_JWT: /* likewise: policy/token.h */
		r = c->cookie.len ? check_csrf(keys, c) : REASON_NONE;
		break;
	case CONF_IDENTITY_ANYONE:
	case CONF_IDENTITY_MTLS: /* judged where it becomes an identity: policy/mtls.h */
		r = REASON_NONE;
		break;
	case CONF_IDENTITY_NONE:
	default:
		break;
	}
	return r == REASON_NONE ? verdict_pass() : verdict_refuse(r, NULL);
}
