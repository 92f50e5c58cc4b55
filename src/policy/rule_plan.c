/* SPDX-License-Identifier: Apache-2.0 */
/* See rule_plan.h. */
#include "policy/rule_plan.h"

#include "policy/place.h"

/* --- making */

static bool plan_allow(struct rule_plan *plan, const struct conf_condition *allow,
		       const struct json_node *message)
{
	plan->allow = NULL;
	if (allow->always)
		return true;
	if (allow->program)
		plan->allow = cel_program_quick(allow->program);
	return plan->allow && cel_quick_find(plan->allow, CONF_VAR_MESSAGE, message, &plan->nodes);
}

struct strings {
	struct rule_plan *plan;
	const struct json_node *message;
	enum markup_mode mode;
};

static bool plan_string(void *with, const struct json_node *v)
{
	struct strings *s = with;
	uint32_t i = s->plan->string_count;

	if (i == RULE_PLAN_STRINGS || v - s->message > UINT8_MAX)
		return false;
	s->plan->strings[i].node = (uint8_t)(v - s->message);
	s->plan->strings[i].mode = (uint8_t)s->mode;
	s->plan->string_count++;
	return true;
}

static bool plan_texts(struct rule_plan *plan, const struct conf_rule *rule,
		       const struct json_node *message)
{
	plan->string_count = 0;
	for (size_t i = 0; i < rule->text_count; i++) {
		struct strings s = {plan, message, rule->texts[i].mode};
		if (!place_each_string(&rule->texts[i].field, message, plan_string, &s))
			return false;
	}
	return true;
}

bool rule_plan_make(struct rule_plan *plan, const struct conf_rule *rule,
		    const struct json_node *message)
{
	const unsigned known = CONF_ASKS_ALLOW | CONF_ASKS_RATE | CONF_ASKS_TEXT;

	plan->made = rule->written && !(conf_rule_asks(rule) & ~known) &&
		     plan_allow(plan, &rule->allow, message) && plan_texts(plan, rule, message);
	return plan->made;
}
