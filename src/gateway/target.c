/* SPDX-License-Identifier: Apache-2.0 */
/* Least connections and passive health; see target.h. */
#include "gateway/target.h"

#include <string.h>

#include "base/clock.h"

void target_init(struct target *t, const struct conf_upstream *conf)
{
	memset(t, 0, sizeof(*t));
	t->conf = conf;
	pthread_mutex_init(&t->lock, NULL);
}

void target_deinit(struct target *t)
{
	pthread_mutex_destroy(&t->lock);
}

void target_set_addresses(struct target *t, const struct address *addresses, size_t count)
{
	if (count > TARGET_ADDRESSES)
		count = TARGET_ADDRESSES;
	pthread_mutex_lock(&t->lock);
	memcpy(t->addresses, addresses, count * sizeof(addresses[0]));
	t->count = count;
	pthread_mutex_unlock(&t->lock);
}

bool target_address(struct target *t, unsigned attempt, struct address *out)
{
	pthread_mutex_lock(&t->lock);
	bool known = attempt < t->count;
	if (known)
		*out = t->addresses[attempt];
	pthread_mutex_unlock(&t->lock);
	return known;
}

struct target *target_pick(struct target *targets, size_t count, uint64_t tried, uint64_t now_ms)
{
	struct target *best = NULL, *soonest = NULL;

	for (size_t i = 0; i < count && i < 64; i++) {
		struct target *t = &targets[i];
		if (tried >> i & 1)
			continue;
		if (!soonest || t->resting_until_ms < soonest->resting_until_ms)
			soonest = t;
		if (t->resting_until_ms <= now_ms && (!best || t->active < best->active))
			best = t;
	}
	return best ? best : soonest;
}

void target_succeeded(struct target *t)
{
	t->failures = 0;
	t->resting_until_ms = 0;
}

bool target_failed(struct target *t, uint64_t now_ms)
{
	uint32_t failures = ++t->failures;

	if (failures < TARGET_FAILURES)
		return false;
	uint32_t doublings = failures - TARGET_FAILURES;
	uint64_t rest = doublings < 3 ? (uint64_t)TARGET_REST_MS << doublings : TARGET_REST_MAX_MS;
	if (rest > TARGET_REST_MAX_MS)
		rest = TARGET_REST_MAX_MS;
	bool starts = t->resting_until_ms <= now_ms;
	t->resting_until_ms = clock_add(now_ms, rest);
	return starts;
}
