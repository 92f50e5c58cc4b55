/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log-out reaches open sockets: a session that stands on the application's cookie (by
 * itself or through a ticket) has that cookie asked about again every `recheck`.
 *
 * "Yes" brings the claims of the moment, which rules ask about from then on.
 *
 * "No", or another subject's "yes", closes with `revoked`. An application that cannot be
 * asked is asked RECHECK_TRIES times, then the session closes: what cannot be checked
 * is not let through for ever.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "gateway/conn.h"
#include "http/cookie.h"
#include "http/header.h"

enum { RECHECK_TRIES = 3 };

void recheck_free(struct session *s)
{
	if (s->cookie)
		ct_wipe(s->cookie, s->cookie_len);
	free(s->cookie);
	s->cookie = NULL;
}

static const struct conf_identity *cookie_identity(const struct conn *c, struct slice via)
{
	const struct snapshot *conf = conn_conf(c);

	for (size_t i = 0; i < conf->identity_count; i++)
		if (conf->identities[i].kind == CONF_IDENTITY_COOKIE &&
		    slice_eq(conf->identities[i].name, via))
			return &conf->identities[i];
	return NULL;
}

static void schedule(struct conn *c, const struct conf_identity *identity)
{
	c->session->recheck_at_ms = clock_add(conn_now(c), identity->cookie.recheck_ms);
}

/* A ticket's bearer may have the cookie with it, as a browser on the same site does; without
 * one there is nothing to ask about, and the ticket's own bounds hold. */
bool recheck_prepare(struct conn *c)
{
	struct session *s = c->session;
	const struct http_head *head = &c->request->parser.head;
	const struct conf_identity *identity = cookie_identity(c, s->via);
	struct slice field, value;

	if (!identity || !http_header_single(head, SLICE("Cookie"), &field) ||
	    http_cookie_find(field, identity->cookie.name, &value) != HTTP_FIND_ONE || !value.len)
		return true;
	s->cookie = malloc(value.len);
	if (!s->cookie)
		return false;
	memcpy(s->cookie, value.data, value.len);
	s->cookie_len = value.len;
	schedule(c, identity);
	return true;
}

void recheck_start(struct conn *c)
{
	struct session *s = c->session;
	const struct conf_identity *identity = cookie_identity(c, s->via);

	if (!identity) {
		relay_refuse(c, REASON_REVOKED, "its identity is gone from the configuration");
		return;
	}
	schedule(c, identity);
	if (c->ask)
		return; /* a renewal is under way: next time */
	struct question q = {
		.kind = QUESTION_VERIFY_COOKIE,
		.identity = identity,
		.cookie = slice_of(s->cookie, s->cookie_len),
	};
	struct ask *a = ask_new(c, ASK_POLICY, s->cookie_len);
	if (a && !ask_copy_question(a, &q)) {
		ask_free(a);
		a = NULL;
	}
	if ((!a || !ask_send(a)) && ++s->rechecks_failed >= RECHECK_TRIES)
		relay_refuse(c, REASON_VERIFIER_FAILED, "recheck");
}

void recheck_answer(struct conn *c, struct ask *a)
{
	struct session *s = c->session;
	struct slice subject = session_subject(s);

	if (a->answer.kind == ANSWER_YES && slice_eq(a->answer.subject, subject)) {
		const struct identity identity = {
			.subject = subject, .via = s->via, .claims = a->answer.claims};
		s->rechecks_failed = 0;
		inspect_identify(c, &identity);
	} else if (a->answer.kind == ANSWER_FAILED && ++s->rechecks_failed < RECHECK_TRIES)
		; /* asked again after `recheck` */
	else if (a->answer.kind == ANSWER_FAILED)
		relay_refuse(c, REASON_VERIFIER_FAILED, "recheck");
	else
		relay_refuse(c, REASON_REVOKED, "the application says no");
	ask_free(a);
}
