/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What policy says about a connection, a request or a message.
 *
 * A verdict is about the peer and never an error of ours (see base/err.h for those). The
 * value zero refuses, so that a forgotten assignment lets nobody in.
 */
#include <stdint.h>

#include "base/reason.h"

enum verdict_kind {
	/* Handshake: answer with the reason's status. Open connection: close with its code. */
	VERDICT_REFUSE = 0,
	/* This message goes nowhere; the connection stays. */
	VERDICT_DROP,
	/* As DROP, and its sender is told (message_reply). */
	VERDICT_REPLY,
	/* Policy needs the world: see question.h. The session parks until the answer is there. */
	VERDICT_ASK,
	/* Let it pass, but in the form that comes with the verdict. */
	VERDICT_REWRITE,
	/* Let it pass. With a reason other than NONE it would have been refused, but the route
	 * only observes: log and count that. */
	VERDICT_PASS,
};

struct verdict {
	enum verdict_kind kind;
	enum reason reason;     /* NONE when nothing is wrong */
	const char *detail;     /* static text for our log, never for the peer; may be NULL */
	uint32_t retry_after_s; /* for Retry-After; 0 = the answer has none */
};

static inline struct verdict verdict_pass(void)
{
	return (struct verdict){.kind = VERDICT_PASS};
}

static inline struct verdict verdict_ask(void)
{
	return (struct verdict){.kind = VERDICT_ASK};
}

static inline struct verdict verdict_refuse(enum reason reason, const char *detail)
{
	return (struct verdict){.kind = VERDICT_REFUSE, .reason = reason, .detail = detail};
}
