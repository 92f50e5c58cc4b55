/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A configuration said back in plain words: who may connect where, with what, and what of
 * the protection is off or weaker than it could be.
 */
#include "base/buf.h"
#include "conf/snapshot.h"

/* Appends the whole text. Returns 0, BUF_FULL or -ENOMEM. */
int explain_snapshot(const struct snapshot *s, struct buf *out) __attribute__((warn_unused_result));

/* Called once per weakened control: where (`route /chat`) and what, one sentence. */
typedef void (*explain_weak_fn)(void *context, struct slice where, struct slice what);

/* Every control that is off or weakened because the configuration says so in words. For
 * `check` and for the log at start. */
void explain_weak(const struct snapshot *s, explain_weak_fn say, void *context);
