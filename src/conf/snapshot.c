/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a snapshot; conf/load.c makes them. */
#include "conf/snapshot.h"

#include "base/obj.h"

struct snapshot *snapshot_ref(struct snapshot *s)
{
	uint32_t before = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	MUST(before > 0 && before < UINT32_MAX);
	return s;
}

struct snapshot *snapshot_unref(struct snapshot *s)
{
	if (!s)
		return NULL;
	uint32_t before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
	MUST(before > 0);
	if (before == 1) {
		arena_deinit(&s->arena);
		free(s);
	}
	return NULL;
}
