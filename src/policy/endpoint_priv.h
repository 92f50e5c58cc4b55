/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What endpoint.c (who may ask, and all own endpoints but one) and endpoint_ticket.c (the ticket)
 * share. Private to them.
 */
#include "policy/endpoint.h"
#include "policy/origin.h"

/* struct endpoint.state: which answer is waited for */
enum endpoint_state {
	ENDPOINT_NEW = 0,
	ENDPOINT_VERIFYING,
	ENDPOINT_REFRESHING,
	ENDPOINT_PUTTING,
	ENDPOINT_OVER
};

static inline struct verdict endpoint_arena_full(void)
{
	return verdict_refuse(REASON_OVERLOADED, "the arena is full");
}

static inline struct origin_facts endpoint_origin_facts(const struct endpoint *e)
{
	return (struct origin_facts){
		.head = e->in->head,
		.host = &e->in->request->host,
		.tls = e->in->tls,
	};
}

/* --- endpoint.c */

/* The ticket identity of the route; NULL: it takes no tickets. */
const struct conf_identity *endpoint_ticket_identity(const struct snapshot *s,
						     const struct conf_route *route);

/* Can a ticket come from this cookie; NULL: from whatever browsers send by themselves, certificates
 * too? */
bool endpoint_ticket_from_cookie(const struct snapshot *s, const struct conf_identity *ticket,
				 const struct conf_identity *cookie);

/* The answer may be read by the page that asked. Never `*`; the origin was compared. */
void endpoint_allow_origin(struct endpoint *e, bool with_cookies);

/* The response is JSON, and it is over. */
void endpoint_finish(struct endpoint *e, int status, struct slice body);

/* Asks whose e->credential.cookie is. */
struct verdict endpoint_ask_verify(struct endpoint *e);

/* Whose e->credential.token is, and then what he came for. `asked`: the keys were fetched for it
 * just now. */
struct verdict endpoint_identify_token(struct endpoint *e, uint64_t now_unix_ms, bool asked);

/* --- endpoint_ticket.c */

/* All gates, up to the first question. */
struct verdict endpoint_post_ticket(struct endpoint *e);

/* e->identity is known: asks for its ticket to be kept, if the route lets it in. */
struct verdict endpoint_ask_put(struct endpoint *e, uint64_t now_unix_ms);

/* The ticket is kept: the response. */
struct verdict endpoint_answer_ticket(struct endpoint *e);
