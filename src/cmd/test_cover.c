/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases have exercised; see test_cover.h. */
#include "cmd/test_cover.h"

/* Reasons by which a rule itself refuses; the others stand before it. */
static bool is_of_rule(enum reason reason)
{
	static const bool of_rule[REASON_COUNT] = {
		[REASON_RULE] = true,         [REASON_MARKUP] = true,
		[REASON_INJECTION] = true,    [REASON_REPLAY] = true,
		[REASON_OUT_OF_TURN] = true,  [REASON_BUSY] = true,
		[REASON_MESSAGE_RATE] = true, [REASON_COST_EXCEEDED] = true,
		[REASON_SERVER_RULE] = true,
	};

	return of_rule[reason];
}

static bool refuses_markup(const struct conf_rule *rule)
{
	for (size_t i = 0; i < rule->text_count; i++)
		if (rule->texts[i].mode == MARKUP_REFUSE)
			return true;
	return false;
}

/* Has it a condition that one message can fail? Rates and budgets it may have are not one:
 * nobody has to write down twenty messages. */
static bool can_refuse(const struct conf_rule *rule)
{
	return !rule->allow.always || rule->never || rule->after_count || rule->detect_count ||
	       rule->unique.on || refuses_markup(rule);
}

static bool is_from_client(const struct conf_messages *m, size_t i)
{
	return m->contract ? m->contract->messages[i].from_client : i == 0;
}

/* The row of the same rule "*" in an earlier message, or 0. */
static size_t find_shared(const struct test_cover *c, const struct conf_route *route,
			  const struct conf_rule *rule, bool from_client)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct test_rule *row = &c->rules[i];
		if (row->route == route && row->rule && row->rule->wildcard && rule->wildcard &&
		    row->from_client == from_client)
			return i + 1;
	}
	return 0;
}

static size_t add(struct test_cover *c, struct test_rule row)
{
	c->rules[c->count++] = row;
	return c->count;
}

static bool add_route(struct test_cover *c, const struct conf_route *route, struct arena *a)
{
	const struct conf_messages *m = &route->messages;
	size_t *of = arena_calloc(a, m->rule_count + 1, sizeof(*of));

	if (!of)
		return false;
	c->of[route->index] = of;
	if (route->allow.program)
		c->route_allow[route->index] = add(c, (struct test_rule){.route = route,
									 .line = route->allow.line,
									 .can_allow = true,
									 .can_refuse = true});
	for (size_t i = 0; i < m->rule_count; i++) {
		const struct conf_rule *rule = &m->rules[i];
		bool from_client = is_from_client(m, i);
		if (!rule->written)
			continue;
		of[i] = find_shared(c, route, rule, from_client);
		if (of[i])
			continue;
		of[i] = add(c, (struct test_rule){
				       .route = route,
				       .rule = rule,
				       .from_client = from_client,
				       .line = rule->line,
				       .can_allow = !rule->never &&
						    (rule->allow.always || rule->allow.program),
				       .can_refuse = can_refuse(rule),
			       });
	}
	return true;
}

bool test_cover_init(struct test_cover *c, const struct snapshot *conf, struct arena *a)
{
	size_t most = 1;

	*c = (struct test_cover){.conf = conf};
	for (size_t i = 0; i < conf->route_count; i++)
		most += 1 + conf->routes[i].messages.rule_count;
	c->rules = arena_calloc(a, most, sizeof(*c->rules));
	c->of = arena_calloc(a, conf->route_count + 1, sizeof(*c->of));
	c->route_allow = arena_calloc(a, conf->route_count + 1, sizeof(*c->route_allow));
	if (!c->rules || !c->of || !c->route_allow)
		return false;
	for (size_t i = 0; i < conf->route_count; i++)
		if (!add_route(c, &conf->routes[i], a))
			return false;
	return true;
}

static void note(struct test_cover *c, size_t row, bool allowed)
{
	if (!row)
		return;
	if (allowed)
		c->rules[row - 1].allowed++;
	else
		c->rules[row - 1].refused++;
}

void test_cover_rule(struct test_cover *c, const struct conf_route *route, size_t rule,
		     enum reason reason)
{
	if (reason == REASON_NONE || is_of_rule(reason))
		note(c, c->of[route->index][rule], reason == REASON_NONE);
}

void test_cover_route(struct test_cover *c, const struct conf_route *route, bool allowed)
{
	note(c, c->route_allow[route->index], allowed);
}
