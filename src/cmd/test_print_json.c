/* SPDX-License-Identifier: Apache-2.0 */
/* What came out, for programs: one object per line; see test_print.h. */
#include "base/jsonout.h"
#include "cmd/test_print_priv.h"

static int end_line(const struct jsonout *j)
{
	return j->ok ? buf_append(j->to, SLICE("\n")) : BUF_FULL;
}

static void write_expected(struct jsonout *j, const struct test_expect *e)
{
	jsonout_key(j, "expected");
	jsonout_object_open(j);
	jsonout_member_cstring(j, "fate", e->any_refusal ? "refused" : test_fate_word(e->fate));
	if (e->reason != REASON_NONE)
		jsonout_member_cstring(j, "reason", reason_word(e->reason));
	if (e->compare == TEST_AS_JSON || e->compare == TEST_AS_TEXT)
		jsonout_member(j, "text", e->value);
	if (e->has_at)
		jsonout_member(j, "at", e->at);
	jsonout_object_close(j);
}

static void write_happened(struct jsonout *j, const struct test_result *r)
{
	jsonout_key(j, "happened");
	jsonout_object_open(j);
	jsonout_member_cstring(j, "fate", test_fate_word(r->fate));
	if (r->reason != REASON_NONE)
		jsonout_member_cstring(j, "reason", reason_word(r->reason));
	if (r->detail)
		jsonout_member_cstring(j, "detail", r->detail);
	if (r->message.len)
		jsonout_member(j, "message", r->message);
	if (r->has_pointer)
		jsonout_member(j, "at", r->pointer);
	if (r->rule_line)
		jsonout_member_u64(j, "rule_line", r->rule_line);
	if (r->allow_line)
		jsonout_member_u64(j, "allow_line", r->allow_line);
	if ((r->fate == TEST_FORWARDED || r->fate == TEST_REPLIED) && !r->binary)
		jsonout_member(j, "text", r->text);
	if (r->differs.data)
		jsonout_member(j, "differs", r->differs);
	if (r->reconnected)
		jsonout_member_bool(j, "reconnected", true);
	jsonout_object_close(j);
}

int test_json_case(const struct test_printer *p, const struct test_case *c,
		   const struct test_result *results)
{
	struct jsonout j;

	jsonout_init(&j, p->to);
	jsonout_object_open(&j);
	jsonout_member(&j, "case", c->name);
	jsonout_member(&j, "file", c->file);
	jsonout_member_u64(&j, "line", c->line);
	jsonout_member_bool(&j, "ok", test_case_passed(c, results));
	jsonout_key(&j, "steps");
	jsonout_array_open(&j);
	for (size_t i = 0; i < c->step_count; i++) {
		jsonout_object_open(&j);
		jsonout_member_u64(&j, "line", c->steps[i].line);
		jsonout_member_bool(&j, "ok", results[i].passed);
		if (results[i].judged)
			write_expected(&j, &c->steps[i].expect);
		write_happened(&j, &results[i]);
		jsonout_object_close(&j);
	}
	jsonout_array_close(&j);
	jsonout_object_close(&j);
	return end_line(&j);
}

static int write_rule(const struct test_printer *p, const struct test_rule *rule)
{
	struct jsonout j;

	jsonout_init(&j, p->to);
	jsonout_object_open(&j);
	if (rule->rule)
		jsonout_member(&j, "rule", rule->rule->wildcard ? SLICE("*") : rule->rule->id);
	else
		jsonout_member(&j, "rule", SLICE("allow"));
	jsonout_member(&j, "route", rule->route->path.text);
	jsonout_member_cstring(&j, "from",
			       !rule->rule         ? "handshake"
			       : rule->from_client ? "client"
						   : "server");
	jsonout_member(&j, "file", p->conf);
	jsonout_member_u64(&j, "line", rule->line);
	jsonout_member_u64(&j, "allowed", rule->allowed);
	jsonout_member_u64(&j, "refused", rule->refused);
	jsonout_member_bool(&j, "exercised",
			    !test_rule_unallowed(rule) && !test_rule_unrefused(rule));
	jsonout_object_close(&j);
	return end_line(&j);
}

int test_json_cover(const struct test_printer *p, const struct test_cover *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->count; i++)
		r = write_rule(p, &c->rules[i]);
	return r;
}

int test_json_sum(const struct test_printer *p, size_t passed, size_t failed)
{
	struct jsonout j;

	jsonout_init(&j, p->to);
	jsonout_object_open(&j);
	jsonout_member_u64(&j, "passed", passed);
	jsonout_member_u64(&j, "failed", failed);
	jsonout_object_close(&j);
	return end_line(&j);
}
