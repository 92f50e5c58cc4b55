/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message gate; the drawing is in message.h.
 */
#include "policy/message.h"

void message_policy_init(struct message_policy *m, const struct conf_route *route)
{
	*m = (struct message_policy){.route = route};
}

/* Reasons about one message: the next one may be good, so the route decides. All others are
 * about the connection: the framing is broken, or to let it pass would mean to hold it
 * first. A reason that nobody thought of here closes. */
static const bool about_one_message[REASON_COUNT] = {
	[REASON_MESSAGE_RATE] = true,
	[REASON_BYTE_RATE] = true,
	[REASON_COST_EXCEEDED] = true,
	[REASON_CONTROL_RATE] = true,
	[REASON_JSON_MALFORMED] = true,
	[REASON_JSON_DUPLICATE_KEY] = true,
	[REASON_JSON_FORBIDDEN_KEY] = true,
	[REASON_JSON_NUMBER] = true,
	[REASON_JSON_TOO_DEEP] = true,
	[REASON_JSON_TOO_LARGE] = true,
	[REASON_MESSAGE_UNKNOWN] = true,
	[REASON_SCHEMA] = true,
	[REASON_RULE] = true,
	[REASON_MARKUP] = true,
	[REASON_INJECTION] = true,
	[REASON_REPLAY] = true,
	[REASON_OUT_OF_TURN] = true,
	[REASON_BUSY] = true,
	[REASON_STORE_FAILED] = true,
};

bool message_always_closes(enum reason reason)
{
	return (unsigned)reason >= REASON_COUNT || !about_one_message[reason];
}

static struct verdict observed(enum reason reason)
{
	return (struct verdict){.kind = VERDICT_PASS, .reason = reason};
}

static struct verdict refuse(struct message_policy *m, enum reason reason,
			     enum conf_on_refusal on_refusal, uint64_t now_us)
{
	/* Counted also where each one closes: it costs nothing and keeps this one path. */
	if (!rate_take(&m->route->limits.refusals, &m->refusals, now_us, 1))
		return verdict_refuse(REASON_REFUSALS, reason_word(reason));
	switch (on_refusal) {
	case CONF_ON_REFUSAL_DROP:
		return (struct verdict){.kind = VERDICT_DROP, .reason = reason};
	case CONF_ON_REFUSAL_REPLY:
		return (struct verdict){.kind = VERDICT_REPLY, .reason = reason};
	case CONF_ON_REFUSAL_CLOSE:
	default:
		return verdict_refuse(reason, NULL);
	}
}

struct verdict message_refuse(struct message_policy *m, enum reason reason, uint64_t now_us)
{
	if (message_always_closes(reason))
		return verdict_refuse(reason, NULL);
	if (m->route->observe)
		return observed(reason);
	return refuse(m, reason, m->route->on_refusal, now_us);
}

static bool observes(const struct message_policy *m, const struct judgement *j)
{
	return m->route->observe || (j->rule && j->rule->observe);
}

static struct verdict let_through(const struct message_policy *m, const struct judgement *j)
{
	if (j->rewritten && !observes(m, j))
		return (struct verdict){.kind = VERDICT_REWRITE};
	return verdict_pass();
}

struct verdict message_settle_client(struct message_policy *m, const struct judgement *j,
				     uint64_t now_us)
{
	const struct conf_rule *rule = j->rule;
	struct verdict v;

	if (j->reason == REASON_NONE)
		return let_through(m, j);
	if (message_always_closes(j->reason))
		v = verdict_refuse(j->reason, NULL);
	else if (observes(m, j))
		v = observed(j->reason);
	else
		v = refuse(m, j->reason,
			   rule && rule->has_on_refusal ? (enum conf_on_refusal)rule->on_refusal
							: m->route->on_refusal,
			   now_us);
	if (!v.detail)
		v.detail = j->finding.detail;
	return v;
}

struct verdict message_settle_server(const struct message_policy *m, const struct judgement *j)
{
	const struct conf_rule *rule = j->rule;

	if (j->reason == REASON_NONE)
		return let_through(m, j);
	if (observes(m, j))
		return observed(j->reason);
	if (rule && rule->has_on_refusal && rule->on_refusal == CONF_ON_REFUSAL_CLOSE)
		return verdict_refuse(j->reason, j->finding.detail);
	return (struct verdict){
		.kind = VERDICT_DROP, .reason = j->reason, .detail = j->finding.detail};
}

struct verdict message_judge_control(struct message_policy *m, uint64_t now_us)
{
	if (!rate_take(&m->route->limits.control_frames, &m->control_frames, now_us, 1))
		return message_refuse(m, REASON_CONTROL_RATE, now_us);
	return verdict_pass();
}

int message_reply(const struct message_policy *m, enum reason reason, struct buf *to)
{
	const struct conf_texts *parts = &m->route->reply_parts;
	struct slice word = slice_from_cstr(reason_word(reason));
	size_t bytes = 0;
	for (size_t i = 0; i < parts->count; i++)
		bytes += parts->items[i].len + (i ? word.len : 0);

	char *at;
	int full = buf_reserve(to, bytes, &at);
	if (full)
		return full;
	for (size_t i = 0; i < parts->count; i++) {
		if (i) {
			memcpy(at, word.data, word.len);
			at += word.len;
		}
		if (parts->items[i].len)
			memcpy(at, parts->items[i].data, parts->items[i].len);
		at += parts->items[i].len;
	}
	buf_commit(to, bytes);
	return 0;
}
