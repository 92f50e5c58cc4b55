/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which credential is presented, and what can be said about it without asking anybody.
 *
 * The list's first identity that is presented decides; when it is bad the request is refused,
 * whatever else was sent. Presented is
 *   ticket   a `sallyport.ticket.<ticket>` subprotocol or `?ticket=`
 *   cookie   a cookie of that name, unless Origin is missing (then it is no credential)
 *   jwt      a token in the first place of its `from` that has one; a cookie as above
 *   mtls     a client certificate that TLS has verified
 *   anyone   always
 * The same carrier twice, or both carriers of one thing, is HANDSHAKE_MALFORMED.
 */
#include "base/arena.h"
#include "base/certificate.h"
#include "conf/snapshot.h"
#include "http/handshake.h"
#include "http/head.h"
#include "policy/keys.h"
#include "policy/ticket.h"
#include "policy/verdict.h"

/* Where credentials may be. */
struct credential_facts {
	const struct http_head *head;
	struct slice query;                     /* as sent; empty where it carries nothing */
	const struct http_protocols *protocols; /* NULL: not a handshake */
	bool csrf_in_header;                    /* Sallyport-CSRF instead of those two */
	bool origin_missing;
	bool only_cookies; /* nothing but cookies is looked at */
	const struct certificate *certificate; /* verified; NULL: none was presented */
};

struct credential {
	const struct conf_identity *identity; /* NULL = none */
	struct slice ticket;                  /* text, secret */
	struct slice cookie;                  /* value, secret; also of a token in a cookie */
	struct slice token;                   /* secret; judged by policy/token.h */
	struct slice csrf;                    /* text, secret; empty if not presented */
	uint8_t ticket_id[TICKET_ID_BYTES];   /* after credential_check */
};

/* It comes, or may come, in a cookie, which browsers send by themselves. */
bool credential_is_cookie(const struct conf_identity *identity);

/* identify: `count` indexes into s->identities. PASS with *out, or REFUSE with
 * CREDENTIAL_MISSING, HANDSHAKE_MALFORMED or OVERLOADED (the arena is full). */
struct verdict credential_find(const struct snapshot *s, const size_t *identify, size_t count,
			       const struct credential_facts *f, struct arena *a,
			       struct credential *out) __attribute__((warn_unused_result));

/* The part that needs nobody: a ticket's tag and expiry, a cookie's CSRF token. PASS (for
 * `anyone` at once), or REFUSE with CREDENTIAL_INVALID, CREDENTIAL_EXPIRED, CSRF_MISSING,
 * CSRF_INVALID or INTERNAL. */
struct verdict credential_check(const struct keyset *keys, uint64_t now_unix_ms,
				struct credential *c) __attribute__((warn_unused_result));
