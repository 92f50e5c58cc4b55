/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The gate for messages: rates, and what a refusal does to the connection.
 *
 *   client frame --> ws/ (frame rules, size, fragments, UTF-8) --> message_judge_client --> PASS
 *                         |                                             |
 *                         '------- reason ------> message_refuse <------'
 *                                                      |
 *                       close (REFUSE) | DROP | REPLY | PASS with a reason (mode: observe)
 *
 * One struct per session, embedded, 40 bytes; no allocation, no system call.
 *
 * Some reasons always close, whatever the route's on_refusal and mode say: broken frames,
 * and whatever would have to be held to be judged later (sizes, fragments, time). Rates and
 * everything about content obey on_refusal, and too many refusals close (REFUSALS).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rate.h"
#include "base/slice.h"
#include "conf/snapshot.h"
#include "policy/rules.h"
#include "policy/verdict.h"

struct message_policy {
	const struct conf_route *route; /* valid while the session holds its snapshot */
	struct bucket messages, bytes, control_frames, refusals;
};

void message_policy_init(struct message_policy *m, const struct conf_route *route);

/* A client's whole message of so many bytes (after inflation): message_size or `inflated`,
 * whichever is more, then `messages`, `bytes`. now_us is monotonic, in all of these. True: it goes
 * on. Else *v says what is to be done about it; only then it is written. */
static inline bool message_judge_client(struct message_policy *m, size_t bytes, uint64_t now_us,
					struct verdict *v) __attribute__((warn_unused_result));

/* A client's ping or pong (a close frame is never too much). */
struct verdict message_judge_control(struct message_policy *m, uint64_t now_us)
	__attribute__((warn_unused_result));

/* The same for a message from the application: server_message_size. Never counts against the
 * client. */
static inline bool message_judge_server(const struct message_policy *m, size_t bytes,
					struct verdict *v) __attribute__((warn_unused_result));

/* Somebody else found a reason to refuse a client's message: what is to be done? */
struct verdict message_refuse(struct message_policy *m, enum reason reason, uint64_t now_us)
	__attribute__((warn_unused_result));

/*
 * What is to be done about a message that rules.h has judged: PASS, REWRITE (forward
 * judgement.text), or as the rule, else the route, says about refusals. A refused message of the
 * application is dropped unless its rule says `close`, and counts against nobody.
 */
struct verdict message_settle_client(struct message_policy *m, const struct judgement *j,
				     uint64_t now_us) __attribute__((warn_unused_result));
struct verdict message_settle_server(const struct message_policy *m, const struct judgement *j)
	__attribute__((warn_unused_result));

/* True for reasons that close whatever the route says. */
bool message_always_closes(enum reason reason);

/* Appends the text to send for VERDICT_REPLY. Returns as buf_append. */
int message_reply(const struct message_policy *m, enum reason reason, struct buf *to)
	__attribute__((warn_unused_result));

/* --- private: what is called for each message */

static inline bool message_judge_client(struct message_policy *m, size_t bytes, uint64_t now_us,
					struct verdict *v)
{
	const struct conf_route_limits *limits = &m->route->limits;
	/* What ws/ lets through already; here once more, for whoever hands in messages else. */
	if (bytes > limits->message_size && bytes > limits->inflated)
		*v = verdict_refuse(REASON_MESSAGE_TOO_BIG, "message_size");
	else if (!rate_take(&limits->messages, &m->messages, now_us, 1))
		*v = message_refuse(m, REASON_MESSAGE_RATE, now_us);
	else if (!rate_take(&limits->bytes, &m->bytes, now_us, bytes))
		*v = message_refuse(m, REASON_BYTE_RATE, now_us);
	else
		return true;
	return false;
}

static inline bool message_judge_server(const struct message_policy *m, size_t bytes,
					struct verdict *v)
{
	if (bytes <= m->route->limits.server_message_size)
		return true;
	*v = verdict_refuse(REASON_UPSTREAM_FAILED, reason_word(REASON_MESSAGE_TOO_BIG));
	return false;
}
