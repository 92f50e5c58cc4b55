/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Counters and gauges. Each thread writes its own struct; the admin listener reads all
 * of them, relaxed, and adds them up. The rows are in metric.tbl.h.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/reason.h"

enum metric {
#define METRIC(id, name, kind, sentence) METRIC_##id,
#include "base/metric.tbl.h"
#undef METRIC
	METRIC_COUNT
};

struct metrics {
	_Atomic int64_t values[METRIC_COUNT];
	_Atomic int64_t refused[REASON_COUNT];
};

/* Only the thread that owns m writes it, so no read-modify-write is needed. */
static inline void metric_add(struct metrics *m, enum metric which, int64_t n)
{
	int64_t now = atomic_load_explicit(&m->values[which], memory_order_relaxed);
	atomic_store_explicit(&m->values[which], now + n, memory_order_relaxed);
}

static inline void metric_set(struct metrics *m, enum metric which, int64_t n)
{
	atomic_store_explicit(&m->values[which], n, memory_order_relaxed);
}

static inline void metric_refused(struct metrics *m, enum reason r)
{
	int64_t now = atomic_load_explicit(&m->refused[r], memory_order_relaxed);
	atomic_store_explicit(&m->refused[r], now + 1, memory_order_relaxed);
}
