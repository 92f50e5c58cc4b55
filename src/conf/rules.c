/* SPDX-License-Identifier: Apache-2.0 */
/* What a session has to keep; see rules.h. */
#include "conf/rules.h"

static void number(struct conf_messages *m, struct conf_rule *rule)
{
	if (!rule->slot)
		rule->slot = ++m->slots;
}

void conf_rules_number(struct conf_messages *m, struct conf_rule *rules)
{
	m->slots = 0;
	for (size_t i = 0; i < m->rule_count; i++) {
		if (rules[i].remember)
			number(m, &rules[i]);
		for (size_t k = 0; k < rules[i].after_count; k++)
			number(m, &rules[rules[i].after[k].message]);
	}
}
