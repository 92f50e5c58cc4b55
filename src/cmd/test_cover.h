/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which rules were exercised: per rule as it is written (a rule "*" is one, however many messages
 * it stands for), and per `allow` of a route, how often it let through and how often it refused.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/reason.h"
#include "conf/snapshot.h"

struct test_rule {
	const struct conf_route *route;
	const struct conf_rule
		*rule; /* the first of those that share it; NULL: the route's `allow` */
	bool from_client;
	uint32_t line; /* in the configuration */
	bool can_allow, can_refuse;
	uint64_t allowed, refused;
};

struct test_cover {
	struct test_rule *rules;
	size_t count;
	const size_t **of;   /* per route, per rule of it: index into rules + 1; 0: not written */
	size_t *route_allow; /* per route: index into rules + 1; 0: it has none */
	const struct snapshot *conf;
};

/* In the arena. False without memory. */
bool test_cover_init(struct test_cover *c, const struct snapshot *conf, struct arena *a);

/* The rule (by its index in the route's messages) was asked and came to that. Refusals that are
 * not the rule's own, such as `schema`, count nothing. */
void test_cover_rule(struct test_cover *c, const struct conf_route *route, size_t rule,
		     enum reason reason);

/* The route's `allow` was asked. */
void test_cover_route(struct test_cover *c, const struct conf_route *route, bool allowed);

/* No case saw it let through, or refuse, what it could. */
static inline bool test_rule_unallowed(const struct test_rule *r)
{
	return r->can_allow && !r->allowed;
}

static inline bool test_rule_unrefused(const struct test_rule *r)
{
	return r->can_refuse && !r->refused;
}
