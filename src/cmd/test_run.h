/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs test cases through the policy that `serve` uses, without a socket:
 *
 *   case --> bytes of a request --> dispatch_request, handshake_* --> struct rules
 *        --> each message --------> message_judge_*, rules_judge_*, message_settle_*
 *
 * The identity is presented as a ticket of the test's own, so that whatever a route demands
 * besides (Origin, subprotocols, ...) is judged by the gateway's own gates. Time is the case's
 * own, and every case begins with fresh counters. Routes that only observe are run as if they
 * enforced: what is judged is what counts.
 */
#include "base/arena.h"
#include "cmd/test_case.h"
#include "cmd/test_cover.h"
#include "conf/snapshot.h"

struct test_world;

/* Keeps a reference to the snapshot. NULL without memory. */
struct test_world *test_world_new(struct snapshot *conf);
struct test_world *test_world_free(struct test_world *w);

/* What all cases run so far have exercised. */
const struct test_cover *test_world_cover(const struct test_world *w);

/* Runs the case; results, one per step, and what they point to are in the arena. Returns 0 or
 * -ENOMEM. */
int test_run(struct test_world *w, const struct test_case *c, struct arena *a,
	     const struct test_result **results) __attribute__((warn_unused_result));
