/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is left to ask of a message when another of the same shape was let through by the same rule:
 * what `allow` compares, and the strings that `text` is about. The places of both are known.
 *
 *   rule, message --rule_plan_make--> struct rule_plan
 *   another of the same shape --rule_plan_holds--'--> yes: the rule lets it through as it came
 *
 * Rates are not part of it: they are counted, whatever the message is. Shapes are json/shape.h's.
 */
#include "cel/quick.h"
#include "conf/snapshot.h"
#include "policy/context.h"
#include "policy/markup.h"

enum { RULE_PLAN_STRINGS = 8 };

struct rule_plan {
	bool made;                     /* else it never holds */
	const struct cel_quick *allow; /* NULL: always */
	struct cel_quick_nodes nodes;  /* of the message, that it asks for */
	uint32_t string_count;
	struct {
		uint8_t node, mode; /* enum markup_mode */
	} strings[RULE_PLAN_STRINGS];
};

/* False, and a plan that never holds: the rule asks for more than can be seen at a look. */
bool rule_plan_make(struct rule_plan *plan, const struct conf_rule *rule,
		    const struct json_node *message);

/* What an expression compares, seen at a quick look, in a message (NULL: nobody looks inside).
 * nodes: as of cel_quick_holds. True: it allows it. */
static inline bool rule_surely_allows(const struct cel_quick *q, const struct context *c,
				      const struct json_node *message,
				      const struct cel_quick_nodes *nodes)
{
	const struct cel_value *values[CEL_QUICK_VARIABLES];
	struct cel_value shown;

	for (uint8_t i = 0; i < q->variable_count; i++) {
		values[i] = NULL;
		if (q->variables[i] != CONF_VAR_MESSAGE) {
			values[i] = context_value(c, (enum conf_variable)q->variables[i]);
		} else if (message && !nodes) {
			shown = cel_from_json(message);
			values[i] = &shown;
		}
	}
	return cel_quick_holds(q, values, message, nodes);
}

/* message has that shape. True: of all that the rule asks but `rate` nothing refuses or changes it,
 * and nothing of it is kept. */
static inline bool rule_plan_holds(const struct rule_plan *plan, const struct context *c,
				   const struct json_node *message)
{
	if (!plan->made ||
	    (plan->allow && !rule_surely_allows(plan->allow, c, message, &plan->nodes)))
		return false;
	for (uint32_t i = 0; i < plan->string_count; i++) {
		const struct json_node *v = message + plan->strings[i].node;
		if (!markup_leaves(plan->strings[i].mode, slice_of(v->data, v->len)))
			return false;
	}
	return true;
}
