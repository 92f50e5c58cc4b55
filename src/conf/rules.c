/* SPDX-License-Identifier: Apache-2.0 */
/* What a session has to keep; see rules.h. */
#include "conf/rules.h"

unsigned conf_rule_asks(const struct conf_rule *rule)
{
	const struct {
		bool is;
		unsigned what;
	} all[] = {
		{!rule->allow.always, CONF_ASKS_ALLOW},
		{rule->has_rate, CONF_ASKS_RATE},
		{rule->set_count, CONF_ASKS_SET},
		{rule->text_count, CONF_ASKS_TEXT},
		{rule->detect_count, CONF_ASKS_DETECT},
		{rule->never || rule->after_count, CONF_ASKS_AFTER},
		{rule->unique.on, CONF_ASKS_UNIQUE},
		{rule->cost, CONF_ASKS_COST},
		{rule->running.on, CONF_ASKS_RUNNING},
		{rule->drops.count, CONF_ASKS_DROP},
		{rule->redact_count, CONF_ASKS_REDACT},
		{rule->remember || rule->slot, CONF_ASKS_KEPT},
	};
	unsigned asks = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		asks |= all[i].is ? all[i].what : 0;
	return asks;
}

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
