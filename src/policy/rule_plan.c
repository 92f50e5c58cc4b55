/* SPDX-License-Identifier: Apache-2.0 */
/* See rule_plan.h. */
#include "policy/rule_plan.h"

#include "policy/place.h"

/* --- making */

/* Besides `rate`, `allow` and `text`. */
static bool asks_more(const struct conf_rule *rule, bool client)
{
	if (client)
		return rule->set_count || rule->never || rule->after_count || rule->unique.on ||
		       rule->cost || rule->running.on || rule->detect_count;
	return rule->drops.count || rule->redact_count || rule->slot;
}

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

bool rule_plan_make(struct rule_plan *plan, const struct conf_rule *rule, bool client,
		    const struct json_node *message)
{
	bool made = rule->written && !asks_more(rule, client) &&
		    plan_allow(plan, &rule->allow, message) && plan_texts(plan, rule, message);

	plan->rule = made ? rule : NULL;
	return made;
}
