/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log while each allocation fails: it does not start, or what it wrote is a whole chain
 * and what it could not is counted. The alerts have their memory.
 */
#include "failmalloc.h"
#include "obs/alert_table.h"
#include "obs/auditlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "obs/auditlog_unit.h"

static char folder[] = "/tmp/sallyport-torture-XXXXXX";
static char path[64];
static struct auditlog_keys key;

static void ignore(struct event_sink *sink, const struct event *e)
{
	(void)sink, (void)e;
}

static struct event_sink nobody = {.level = EVENT_DEBUG, .take = ignore};

static int set_up(void **state)
{
	(void)state;
	key = unit_key();
	MUST(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	auditlog_keys_deinit(&key);
	unlink(path);
	return rmdir(folder);
}

static void refuse(struct auditlog *a)
{
	struct event e;

	event_init(&e, EVENT_INFO, "refused");
	event_reason(&e, REASON_RULE);
	event_emit(auditlog_sink(a), &e);
}

/* What is in the file is a chain that nobody broke; its lines of refusals. */
static size_t judge(void)
{
	static char text[1 << 20];
	struct auditlog_check c;
	FILE *f = fopen(path, "r");
	size_t refusals = 0;

	if (!f)
		return 0;
	size_t len = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (len == 0)
		return 0; /* opened, and then there was no memory */
	unit_judge(&c, &key, slice_of(text, len));
	if (c.broken)
		fail_msg("line %llu: %s: %.*s", (unsigned long long)c.broken_line, c.why, (int)len,
			 text);
	auditlog_check_deinit(&c);
	for (const char *at = text; (at = memmem(at, (size_t)(text + len - at), "\"refused\"", 9));
	     at++)
		refusals++;
	return refusals;
}

static struct auditlog_facts facts(void)
{
	return (struct auditlog_facts){
		.path = slice_from_cstr(path),
		.chained = true,
		.rules = {.lines = {.unlimited = true}, .size = 1 << 30, .checkpoint_ms = 60000},
		.key = &key.keys[0],
		.log = &nobody,
	};
}

/* Every allocation from the n-th to the m-th fails, until the log has ended. */
static bool run(size_t n, bool all)
{
	const struct auditlog_facts f = facts();
	struct auditlog *a = NULL;
	struct auditlog_counts counts = {0};
	enum { LINES = 40 };

	unlink(path);
	all ? failmalloc_from(n) : failmalloc_at(n);
	bool began = auditlog_new(&f, &a) == 0 && auditlog_start(a) == 0;
	if (began) {
		for (int i = 0; i < LINES; i++)
			refuse(a);
		auditlog_end(a);
		counts = auditlog_count(a);
	}
	auditlog_free(a);
	bool failed = failmalloc_stop();
	if (began) {
		size_t written = judge();
		if (written + counts.dropped + counts.left_out < LINES)
			fail_msg("allocation %zu: %zu written, %llu dropped of %d", n, written,
				 (unsigned long long)counts.dropped, (int)LINES);
		assert_true(failed || written == LINES);
	}
	return failed;
}

static void the_audit_log(void **state)
{
	(void)state;
	FAILMALLOC_EACH (n) {
		if (!run(n, false))
			break;
	}
	for (size_t n = 1; n < 20; n++)
		(void)run(n, true);
}

static void alerts_need_none(void **state)
{
	static struct alert_table t;
	const struct alert_wish wish = {.key = 7, .on = 0x7fffffff, .again_ms = 1000};
	const struct clock_now now = {.us = CLOCK_US_PER_S, .unix_ms = UNIT_MS};
	bool again;

	(void)state;
	failmalloc_from(1);
	alert_set_hooks(&t, &wish, 1);
	assert_true(alert_raise(&t, now, ALERT_STORE, SLICE("redis"), SLICE("away"), 0));
	assert_non_null(alert_next(&t, 0, 1000, &again));
	(void)alert_done(&t, 7, 1000, ALERT_DELIVERED, 0);
	assert_int_equal(failmalloc_count(), 0);
	failmalloc_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_audit_log),
		cmocka_unit_test(alerts_need_none),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
