/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all nodes count together: which questions a message is for the store, and what its
 * answer means.
 *
 *   every gate passed --> rules_ask: up to four things to take --> kept in r->asking
 *                                                                     |
 *     forward <-- TAKEN --,                                           v
 *     refuse  <-- over ---+--- rules_answer <-- control thread <-- rules_question
 *     refuse  <-- failed -'
 *
 * This node has counted it before: what is over here is over everywhere, and the store hears
 * only of what may still be allowed. Keys are SHA-256 of who, route and message, cut to
 * sixteen bytes: the same on all nodes, and no names in the store.
 */
#include <openssl/evp.h>
#include <string.h>

#include "base/clock.h"
#include "base/obj.h"
#include "policy/rules_priv.h"

enum { DIGEST_BYTES = 32 };

/* Values are hashed alike on all nodes. No secret: who finds two of his own values with one
 * hash has the second one refused. */
static const struct siphash_key value_key = {
	{'s', 'a', 'l', 'l', 'y', 'p', 'o', 'r', 't', ' ', 'v', 'a', 'l', 'u', 'e', 's'}};

static bool digest(struct slice of, uint8_t to[DIGEST_BYTES])
{
	return EVP_Digest(of.len ? of.data : "", of.len, to, NULL, EVP_sha256(), NULL) == 1;
}

/* Each part by itself first: no two of them can be cut in another place. */
static bool make_key(const struct rules *r, enum quota_kind kind, enum conf_per per,
		     struct slice message, uint64_t value, uint8_t key[COUNTED_KEY_BYTES])
{
	uint8_t parts[3 * DIGEST_BYTES + 2 * sizeof(uint64_t)], whole[DIGEST_BYTES];
	const uint64_t numbers[] = {(uint64_t)kind, value};

	memcpy(parts + 3 * DIGEST_BYTES, numbers, sizeof(numbers));
	if (!digest(rules_who(r, per), parts) ||
	    !digest(r->route->path.text, parts + DIGEST_BYTES) ||
	    !digest(message, parts + 2 * DIGEST_BYTES) ||
	    !digest(slice_of((const char *)parts, sizeof(parts)), whole))
		return false;
	memcpy(key, whole, COUNTED_KEY_BYTES);
	return true;
}

/* A name that no other slot has: the connection's, and a number. */
static bool name_slot(struct rules *r, uint8_t slot[COUNTED_KEY_BYTES])
{
	return make_key(r, QUOTA_RUNNING, CONF_PER_CONNECTION, slice_of(NULL, 0), ++r->slots_named,
			slot);
}

static struct counted *add(struct rules_asked *asked, enum quota_kind kind)
{
	static const enum counted_kind kinds[] = {
		[QUOTA_RATE] = COUNTED_RATE,
		[QUOTA_COST] = COUNTED_RATE,
		[QUOTA_UNIQUE] = COUNTED_ONCE,
		[QUOTA_RUNNING] = COUNTED_SLOT,
	};

	MUST(asked->count < COUNTED_MAX);
	asked->kinds[asked->count] = kind;
	struct counted *item = &asked->items[asked->count++];
	*item = (struct counted){.kind = kinds[kind]};
	return item;
}

/* Rounded up, so that rounding never gives anybody more; as policy/tally.c has it. */
static void add_rate(struct counted *item, const struct rate *rate, uint64_t units)
{
	uint64_t period = (uint64_t)rate->per_ms * CLOCK_US_PER_MS;
	uint64_t each = (period + rate->count - 1) / rate->count;

	if (__builtin_mul_overflow(each, (uint64_t)rate->burst, &item->most_us) ||
	    item->most_us > COUNTED_US_MAX)
		item->most_us = COUNTED_US_MAX;
	if (__builtin_mul_overflow(each, units, &item->cost_us) || item->cost_us > COUNTED_US_MAX)
		item->cost_us = COUNTED_US_MAX;
}

static bool ask_rate(struct rules *r, const struct conf_rule *rule, struct rules_asked *asked)
{
	if (!rule->has_rate || rule->rate.unlimited || rule->rate_per == CONF_PER_CONNECTION)
		return true;
	struct counted *item = add(asked, QUOTA_RATE);
	add_rate(item, &rule->rate, 1);
	return make_key(r, QUOTA_RATE, rule->rate_per, rule->id, 0, item->key);
}

static bool ask_unique(struct rules *r, const struct conf_rule *rule, const struct json_node *value,
		       struct rules_asked *asked)
{
	const struct conf_unique *unique = &rule->unique;

	if (!unique->on || !value)
		return true;
	asked->unique = true;
	asked->unique_key = rules_key(r, QUOTA_UNIQUE, unique->per, rule);
	asked->unique_value = json_hash(value, quota_secret(r->quota));
	asked->within_ms = unique->within_ms;
	if (unique->per == CONF_PER_CONNECTION)
		return true;
	struct counted *item = add(asked, QUOTA_UNIQUE);
	item->ms = unique->within_ms;
	return make_key(r, QUOTA_UNIQUE, unique->per, rule->id, json_hash(value, &value_key),
			item->key);
}

static bool ask_cost(struct rules *r, const struct conf_rule *rule, struct rules_asked *asked)
{
	const struct rate *cost = &r->route->limits.cost;

	if (!rule->cost || cost->unlimited)
		return true;
	struct counted *item = add(asked, QUOTA_COST);
	add_rate(item, cost, rule->cost);
	return make_key(r, QUOTA_COST, CONF_PER_IDENTITY, slice_of(NULL, 0), 0, item->key);
}

static bool ask_running(struct rules *r, const struct conf_rule *rule, struct rules_asked *asked)
{
	const struct conf_running *running = &rule->running;

	if (!running->on || running->per == CONF_PER_CONNECTION)
		return true;
	struct counted *item = add(asked, QUOTA_RUNNING);
	item->ms = running->deadline_ms;
	item->at_most = running->at_most;
	return make_key(r, QUOTA_RUNNING, running->per, rule->id, 0, item->key) &&
	       name_slot(r, item->slot);
}

bool rules_ask(struct rules *r, const struct conf_rule *rule, const struct json_node *value,
	       struct rules_asked *asked)
{
	*asked = (struct rules_asked){.count = 0};
	return ask_rate(r, rule, asked) && ask_unique(r, rule, value, asked) &&
	       ask_cost(r, rule, asked) && ask_running(r, rule, asked);
}

bool rules_question(const struct rules *r, struct question *q)
{
	if (!r->asking)
		return false;
	*q = (struct question){.kind = QUESTION_COUNT, .counted_count = r->asking->asked.count};
	memcpy(q->counted, r->asking->asked.items, sizeof(q->counted));
	return true;
}

/* --- the answer */

struct refusal {
	enum reason reason;
	const char *detail;
};

static struct refusal over(const struct rules_asked *asked, size_t which)
{
	static const struct refusal refusals[] = {
		[QUOTA_RATE] = {REASON_MESSAGE_RATE, "rate, over all nodes"},
		[QUOTA_COST] = {REASON_COST_EXCEEDED, "cost, over all nodes"},
		[QUOTA_UNIQUE] = {REASON_REPLAY, "unique, over all nodes"},
		[QUOTA_RUNNING] = {REASON_BUSY, "running, over all nodes"},
	};

	return which < asked->count ? refusals[asked->kinds[which]]
				    : (struct refusal){REASON_STORE_FAILED, "its answer"};
}

/* The store has it; this node remembers it, too, and still may know better: the store may have
 * been emptied meanwhile. */
static struct refusal remember(struct rules *r, const struct rules_asked *asked, uint64_t now_us)
{
	if (!asked->unique)
		return (struct refusal){REASON_NONE, NULL};
	switch (quota_unique(r->quota, asked->unique_key, asked->unique_value, now_us,
			     asked->within_ms, true)) {
	case QUOTA_SEEN_NEW:
		return (struct refusal){REASON_NONE, NULL};
	case QUOTA_SEEN_AGAIN:
		return (struct refusal){REASON_REPLAY, "unique"};
	case QUOTA_SEEN_FULL:
	default:
		return (struct refusal){REASON_BUSY, "no room to remember what came"};
	}
}

static struct refusal refusal_of(struct rules *r, const struct answer *answer, uint64_t now_us)
{
	const struct rules_waiting *w = r->asking;

	/* A reload has brought other rules meanwhile, and none for this message. */
	if (!w->rule || !w->rule->written)
		return (struct refusal){REASON_MESSAGE_UNKNOWN, "gone with a reload"};
	switch (answer->kind) {
	case ANSWER_YES:
		return remember(r, &w->asked, now_us);
	case ANSWER_NO:
		return over(&w->asked, answer->over);
	case ANSWER_FAILED:
	default:
		return (struct refusal){REASON_STORE_FAILED, "what all nodes count"};
	}
}

struct judgement rules_answer(struct rules *r, const struct answer *answer, uint64_t now_us)
{
	struct judgement j = {.reason = REASON_INTERNAL};
	struct rules_waiting *w = r->asking;

	if (!w)
		return j;
	struct refusal refusal = refusal_of(r, answer, now_us);
	rules_run_answered(r, answer->kind == ANSWER_YES, refusal.reason == REASON_NONE, now_us);
	j.reason = refusal.reason;
	j.rule = w->rule;
	j.binary = w->binary;
	j.finding.detail = refusal.detail;
	if (w->rule) {
		j.finding.message = w->rule->id;
		j.finding.line = w->rule->line;
	}
	if (j.reason == REASON_BUSY && answer->kind == ANSWER_NO && rules_wait_again(r, now_us)) {
		j.reason = REASON_NONE;
		j.waits = true;
		return j;
	}
	free(r->going);
	r->going = w;
	r->asking = NULL;
	j.text = slice_of(w->text, w->bytes);
	/* It only shrinks, which cannot fail. */
	(void)rules_recharge(r);
	return j;
}
