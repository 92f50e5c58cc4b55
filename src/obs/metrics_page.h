/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The metrics of all threads as Prometheus text (exposition format 0.0.4).
 */
#include "base/buf.h"
#include "base/metric.h"

/* Adds up `count` sets and appends the page to out. Returns 0, BUF_FULL or -ENOMEM. */
int metrics_page(struct buf *out, struct metrics *const *sets, size_t count);

/* One value over all sets. */
int64_t metrics_sum(struct metrics *const *sets, size_t count, enum metric which);
