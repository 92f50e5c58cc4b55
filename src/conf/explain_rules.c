/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients of a route may send and receive, in plain words; see explain_rules.h.
 *
 *	    may send
 *	      say          if message.user == identity.sub (line 12)
 *	                   the gateway writes at; text: escape; at most 5/s burst 10 per identity
 *	      leave        never: it has no rule
 */
#include "conf/explain_rules.h"

#include <stdarg.h>

#include "base/num.h"

enum { WORDS_BYTES = 1024, ID_COLUMNS = 12, WIDE = 80 };

struct talk {
	const struct conf_route *route;
	struct buf *out;
	int result;
	bool remarked; /* about this message */
};

static void say(struct talk *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct talk *t, const char *format, ...)
{
	char text[WORDS_BYTES];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (t->result || len < 0)
		return;
	t->result =
		buf_append(t->out, slice_of(text, (size_t)len < sizeof(text) ? (size_t)len
									     : sizeof(text) - 1));
}

static size_t column(const struct talk *t)
{
	struct slice text = buf_slice(t->out);
	size_t at = text.len;

	while (at > 0 && text.data[at - 1] != '\n')
		at--;
	return text.len - at;
}

/* Remarks begin a line of their own and are separated by semicolons. */
static void remark(struct talk *t)
{
	if (t->remarked)
		say(t, "%s", column(t) < WIDE ? "; " : ";");
	if (!t->remarked || column(t) >= WIDE)
		say(t, "\n                   ");
	t->remarked = true;
}

static const char *per_word(enum conf_per per)
{
	switch (per) {
	case CONF_PER_CONNECTION:
		return "connection";
	case CONF_PER_ADDRESS:
		return "address";
	case CONF_PER_IDENTITY:
		break;
	}
	return "identity";
}

/* ---- remarks */

static void say_sets(struct talk *t, const struct conf_rule *rule)
{
	for (size_t i = 0; i < rule->set_count; i++) {
		if (i == 0)
			remark(t);
		say(t, "%s%.*s", i ? ", " : "the gateway writes ",
		    SLICE_ARG(rule->sets[i].field.text));
	}
}

static void say_texts(struct talk *t, const struct conf_rule *rule)
{
	for (size_t i = 0; i < rule->text_count; i++) {
		remark(t);
		say(t, "markup in %.*s: %s", SLICE_ARG(rule->texts[i].field.text),
		    markup_mode_word(rule->texts[i].mode));
	}
}

static void say_kinds(struct talk *t, const struct conf_kinds *all, size_t count, const char *verb,
		      const char *(*word)(unsigned kind), unsigned kinds)
{
	for (size_t i = 0; i < count; i++) {
		const char *before = " ";
		remark(t);
		say(t, "%s", verb);
		for (unsigned kind = 0; kind < kinds; kind++) {
			if (!(all[i].kinds & 1u << kind))
				continue;
			say(t, "%s%s", before, word(1u << kind));
			before = ", ";
		}
		if (all[i].field.count)
			say(t, " in %.*s", SLICE_ARG(all[i].field.text));
	}
}

static void say_drops(struct talk *t, const struct conf_rule *rule)
{
	for (size_t i = 0; i < rule->drops.count; i++) {
		if (i == 0)
			remark(t);
		say(t, "%s%.*s", i ? ", " : "without ", SLICE_ARG(rule->drops.items[i].text));
	}
}

static void say_counts(struct talk *t, const struct conf_rule *rule)
{
	char text[NUM_TEXT_BYTES];

	if (rule->has_rate) {
		remark(t);
		say(t, "at most %.*s per %s", SLICE_ARG(num_format_rate(&rule->rate, text)),
		    per_word(rule->rate_per));
	}
	if (rule->cost) {
		remark(t);
		say(t, "costs %u", rule->cost);
	}
	if (rule->unique.on) {
		remark(t);
		say(t, "the same %.*s not again within %.*s per %s",
		    SLICE_ARG(rule->unique.by.text),
		    SLICE_ARG(num_format_duration_ms(rule->unique.within_ms, text)),
		    per_word(rule->unique.per));
	}
}

static struct slice message_id(const struct talk *t, uint32_t index)
{
	return t->route->messages.contract->messages[index].id;
}

static void say_state(struct talk *t, const struct conf_rule *rule)
{
	char text[NUM_TEXT_BYTES];

	for (size_t i = 0; i < rule->after_count; i++) {
		remark(t);
		say(t, "only within %.*s after the application sent %.*s",
		    SLICE_ARG(num_format_duration_ms(rule->after[i].within_ms, text)),
		    SLICE_ARG(message_id(t, rule->after[i].message)));
	}
	if (!rule->running.on)
		return;
	remark(t);
	say(t, "at most %u under way per %s, until %.*s or for %.*s", rule->running.at_most,
	    per_word(rule->running.per), SLICE_ARG(message_id(t, rule->running.until)),
	    SLICE_ARG(num_format_duration_ms(rule->running.deadline_ms, text)));
	if (rule->running.queue)
		say(t, ", %u more wait", rule->running.queue);
}

static void say_refusal(struct talk *t, const struct conf_rule *rule)
{
	static const char *const words[] = {[CONF_ON_REFUSAL_CLOSE] = "close the connection",
					    [CONF_ON_REFUSAL_DROP] = "are dropped",
					    [CONF_ON_REFUSAL_REPLY] = "are answered"};

	if (rule->has_on_refusal) {
		remark(t);
		say(t, "refused ones %s", words[rule->on_refusal]);
	}
	if (rule->observe) {
		remark(t);
		say(t, "only logged (mode observe)");
	}
}

/* ---- one message */

/* An expression over several lines becomes one. */
static void say_expression(struct talk *t, struct slice text)
{
	bool blank = true;

	for (size_t i = 0; i < text.len; i++) {
		bool space = text.data[i] == ' ' || text.data[i] == '\n' || text.data[i] == '\t';
		if (!space || !blank)
			say(t, "%c", space ? ' ' : text.data[i]);
		blank = space;
	}
}

static void say_condition(struct talk *t, const struct conf_condition *allow)
{
	if (allow->always) {
		say(t, "always");
	} else {
		say(t, "if ");
		say_expression(t, slice_trim(allow->text));
	}
}

static void say_rule(struct talk *t, const struct conf_rule *rule)
{
	say(t, "      %-*.*s ", ID_COLUMNS, SLICE_ARG(rule->id));
	if (!rule->written || rule->never) {
		say(t, "never%s\n", rule->written ? " (after: never)" : ": it has no rule");
		return;
	}
	say_condition(t, &rule->allow);
	say(t, " (%sline %u)",
	    rule->wildcard && t->route->messages.contract ? "the rule \"*\", " : "", rule->line);
	t->remarked = false;
	say_sets(t, rule);
	say_texts(t, rule);
	say_kinds(t, rule->detects, rule->detect_count, "refused with", detect_kind_word,
		  DETECT_KINDS);
	say_drops(t, rule);
	say_kinds(t, rule->redacts, rule->redact_count, "blacked out:", redact_kind_word,
		  REDACT_KINDS);
	say_counts(t, rule);
	say_state(t, rule);
	if (rule->remember) {
		remark(t);
		say(t, "remembered as last.%.*s", SLICE_ARG(rule->id));
	}
	say_refusal(t, rule);
	say(t, "\n");
}

static bool is_from_client(const struct conf_messages *m, size_t index)
{
	return m->contract ? m->contract->messages[index].from_client : index == 0;
}

static void say_direction(struct talk *t, bool from_client)
{
	const struct conf_messages *m = &t->route->messages;
	bool some = false;

	say(t, "    may %s\n", from_client ? "send" : "receive");
	for (size_t i = 0; i < m->rule_count; i++) {
		if (is_from_client(m, i) != from_client)
			continue;
		some = true;
		say_rule(t, &m->rules[i]);
	}
	if (!some)
		say(t, "      nothing: the contract has no such message\n");
}

/* ---- the route */

static void say_contract(struct talk *t)
{
	static const char *const undeclared[] = {
		[CONF_UNDECLARED_REFUSE] = "refused",
		[CONF_UNDECLARED_STRIP] = "taken out",
		[CONF_UNDECLARED_ALLOW] = "let through",
	};
	const struct conf_messages *m = &t->route->messages;

	if (!m->contract)
		return;
	say(t, "    contract     %.*s, channel %.*s; undeclared members are %s%s\n",
	    SLICE_ARG(m->file), SLICE_ARG(m->contract->channel), undeclared[m->undeclared],
	    m->frames_any ? "; JSON in binary frames too" : "");
	say(t, "    costs        at most %llu steps for one message's schema and expression\n",
	    (unsigned long long)m->cost_each);
}

int explain_rules(const struct conf_route *route, struct buf *out)
{
	struct talk t = {.route = route, .out = out};

	if (!route->allow.always) {
		say(&t, "    lets in      ");
		say_condition(&t, &route->allow);
		say(&t, "\n");
	}
	say_contract(&t);
	if (route->messages.rule_count) {
		say_direction(&t, true);
		say_direction(&t, false);
	}
	return t.result;
}
