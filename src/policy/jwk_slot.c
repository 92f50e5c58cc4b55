/* SPDX-License-Identifier: Apache-2.0 */
/* A counted pointer under a lock; see jwk_slot.h. */
#include "policy/jwk_slot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct jwk_slot {
	_Atomic uint32_t refs;
	pthread_mutex_t lock;
	struct jwk_ring *ring; /* under the lock, as is may_ask */
	bool may_ask;
};

struct jwk_slot *jwk_slot_new(void)
{
	struct jwk_slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	atomic_init(&slot->refs, 1);
	if (pthread_mutex_init(&slot->lock, NULL)) {
		free(slot);
		return NULL;
	}
	return slot;
}

struct jwk_slot *jwk_slot_ref(struct jwk_slot *slot)
{
	atomic_fetch_add_explicit(&slot->refs, 1, memory_order_relaxed);
	return slot;
}

struct jwk_slot *jwk_slot_unref(struct jwk_slot *slot)
{
	if (!slot || atomic_fetch_sub_explicit(&slot->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	jwk_ring_unref(slot->ring);
	pthread_mutex_destroy(&slot->lock);
	free(slot);
	return NULL;
}

void jwk_slot_set(struct jwk_slot *slot, struct jwk_ring *ring)
{
	pthread_mutex_lock(&slot->lock);
	struct jwk_ring *old = slot->ring;
	slot->ring = ring;
	pthread_mutex_unlock(&slot->lock);
	jwk_ring_unref(old);
}

void jwk_slot_allow_asking(struct jwk_slot *slot, bool may_ask)
{
	pthread_mutex_lock(&slot->lock);
	slot->may_ask = may_ask;
	pthread_mutex_unlock(&slot->lock);
}

struct jwk_ring *jwk_slot_take(struct jwk_slot *slot, bool *may_ask)
{
	pthread_mutex_lock(&slot->lock);
	struct jwk_ring *ring = slot->ring ? jwk_ring_ref(slot->ring) : NULL;
	*may_ask = slot->may_ask;
	pthread_mutex_unlock(&slot->lock);
	return ring;
}
