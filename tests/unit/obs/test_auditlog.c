/* SPDX-License-Identifier: Apache-2.0 */
/* The log as it runs: its file, its thread, what it counts. */
#include "obs/auditlog.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs/auditlog_file.h"
#include "obs/auditlog_unit.h"

static char folder[] = "/tmp/sallyport-auditlog-XXXXXX";
static char path[64];
static struct auditlog_keys key;

/* What the log says about itself: nothing, to nobody. */
static void ignore(struct event_sink *sink, const struct event *e)
{
	(void)sink, (void)e;
}

static struct event_sink nobody = {.level = EVENT_DEBUG, .take = ignore};

static int set_up(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	key = unit_key();
	snprintf(folder, sizeof(folder), "/tmp/sallyport-auditlog-XXXXXX");
	MUST(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	return 0;
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	auditlog_keys_deinit(&key);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static struct auditlog *start(struct auditlog_rules rules)
{
	struct auditlog *a;
	const struct auditlog_facts facts = {
		.path = slice_from_cstr(path),
		.chained = true,
		.rules = rules,
		.key = &key.keys[0],
		.log = &nobody,
	};
	MUST(auditlog_new(&facts, &a) == 0);
	assert_int_equal(auditlog_start(a), 0);
	return a;
}

static struct auditlog_rules usual(void)
{
	return (struct auditlog_rules){
		.lines = {.unlimited = true}, .size = 1 << 30, .checkpoint_ms = 60000};
}

static void refuse(struct auditlog *a, enum reason reason)
{
	struct event e;

	event_init(&e, EVENT_INFO, "refused");
	event_reason(&e, reason);
	event_emit(auditlog_sink(a), &e);
}

static void read_file(const char *name, struct buf *to)
{
	FILE *f = fopen(name, "r");
	char piece[4096];

	buf_init(to, 64 << 20);
	if (!f)
		return;
	for (size_t n; (n = fread(piece, 1, sizeof(piece), f));)
		MUST(buf_append(to, slice_of(piece, n)) == 0);
	fclose(f);
}

/* All files of the log in their order; the caller ends c. */
static void judge(struct auditlog_check *c)
{
	char name[96];
	struct buf text;

	auditlog_check_init(c, &key);
	for (int i = 1; i <= 200; i++) {
		snprintf(name, sizeof(name), i < 200 ? "%s.%06d" : "%s", path, i);
		if (access(name, F_OK))
			continue;
		read_file(name, &text);
		auditlog_check_file(c);
		auditlog_check_feed(c, buf_slice(&text));
		auditlog_check_file_end(c);
		buf_deinit(&text);
	}
	auditlog_check_end(c);
}

static void expect_whole(uint64_t lines)
{
	struct auditlog_check c;

	judge(&c);
	if (c.broken)
		fail_msg("file %zu line %llu: %s", c.broken_file, (unsigned long long)c.broken_line,
			 c.why);
	assert_int_equal(c.first_seq, 0);
	assert_int_equal(c.unsigned_lines, 0);
	assert_int_equal(c.lines - c.checkpoints, lines);
	auditlog_check_deinit(&c);
}

static void what_was_said_is_there_and_signed(void **state)
{
	(void)state;
	struct auditlog *a = start(usual());
	for (int i = 0; i < 3000; i++)
		refuse(a, REASON_ORIGIN_NOT_ALLOWED);
	auditlog_free(a);
	expect_whole(3000 + 1);
}

static void a_restart_goes_on_with_the_chain(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct auditlog *a = start(usual());
		refuse(a, REASON_IDLE);
		auditlog_free(a);
	}
	expect_whole(3 + 3);
}

static void a_full_file_gives_way_to_the_next(void **state)
{
	struct auditlog_rules rules = usual();
	struct auditlog_check c;

	(void)state;
	rules.size = 8192;
	struct auditlog *a = start(rules);
	for (int i = 0; i < 400; i++)
		refuse(a, REASON_IDLE);
	auditlog_free(a);
	judge(&c);
	assert_false(c.broken);
	assert_true(c.files > 5);
	assert_int_equal(c.lines - c.checkpoints, 400 + c.files);
	auditlog_check_deinit(&c);
	/* A gateway that lost its last file goes on behind the highest number. */
	MUST(unlink(path) == 0);
	auditlog_free(start(rules));
	judge(&c);
	assert_false(c.broken);
	auditlog_check_deinit(&c);
}

static void over_the_rate_lines_are_counted(void **state)
{
	struct auditlog_rules rules = usual();
	struct auditlog_check c;

	(void)state;
	rules.lines = (struct rate){.count = 1, .per_ms = 60000, .burst = 10};
	struct auditlog *a = start(rules);
	for (int i = 0; i < 100; i++) {
		refuse(a, REASON_IDLE);
		refuse(a, REASON_MARKUP);
	}
	assert_int_equal(auditlog_count(a).left_out, 180);
	auditlog_free(a);
	judge(&c);
	assert_false(c.broken);
	assert_int_equal(c.left_out, 180);
	auditlog_check_deinit(&c);
}

static void what_is_no_decision_is_not_there(void **state)
{
	struct event e;

	(void)state;
	struct auditlog *a = start(usual());
	event_init(&e, EVENT_INFO, "auditlog_checkpoint");
	event_emit(auditlog_sink(a), &e);
	event_init(&e, EVENT_DEBUG, "refused");
	event_emit(auditlog_sink(a), &e);
	event_init(&e, EVENT_WARN, "something_new");
	event_emit(auditlog_sink(a), &e);
	auditlog_free(a);
	expect_whole(1 + 1);
}

/* Texts as long and as awkward as a peer can make them. */
static void nobody_hides_by_being_verbose(void **state)
{
	char awkward[EVENT_FIELD_BYTES];
	struct auditlog_check c;
	struct event e;

	(void)state;
	memset(awkward, '<', sizeof(awkward));
	struct auditlog *a = start(usual());
	event_init(&e, EVENT_INFO, "refused");
	event_reason(&e, REASON_IDLE);
	for (int i = 1; i < EVENT_FIELDS; i++)
		event_text(&e, "a_key_that_is_long", slice_of(awkward, sizeof(awkward)));
	event_emit(auditlog_sink(a), &e);
	auditlog_free(a);
	judge(&c);
	assert_false(c.broken);
	assert_int_equal(c.dropped, 0);
	assert_int_equal(c.lines - c.checkpoints, 2);
	auditlog_check_deinit(&c);
}

static void cut_file(off_t less)
{
	struct stat st;

	MUST(stat(path, &st) == 0 && truncate(path, st.st_size - less) == 0);
}

static void a_torn_line_is_kept_and_named(void **state)
{
	struct auditlog_check c;

	(void)state;
	struct auditlog *a = start(usual());
	refuse(a, REASON_IDLE);
	auditlog_free(a);
	cut_file(30); /* the checkpoint at its end */
	a = start(usual());
	auditlog_free(a);
	judge(&c);
	if (c.broken)
		fail_msg("line %llu: %s", (unsigned long long)c.broken_line, c.why);
	assert_int_equal(c.torn, 1);
	auditlog_check_deinit(&c);
}

static void a_file_of_zeros_at_its_end_is_gone_on_with(void **state)
{
	char zeros[5000] = {0};
	struct auditlog_check c;

	(void)state;
	auditlog_free(start(usual()));
	int fd = open(path, O_WRONLY | O_APPEND);
	MUST(write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros));
	close(fd);
	auditlog_free(start(usual()));
	judge(&c);
	if (c.broken)
		fail_msg("line %llu: %s", (unsigned long long)c.broken_line, c.why);
	auditlog_check_deinit(&c);
}

static void an_end_that_cannot_be_read_is_moved_aside(void **state)
{
	static char zeros[200000];
	char name[96];

	(void)state;
	auditlog_free(start(usual()));
	int fd = open(path, O_WRONLY | O_APPEND);
	MUST(write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros));
	close(fd);
	auditlog_free(start(usual()));
	snprintf(name, sizeof(name), "%s.000001", path);
	assert_int_equal(access(name, F_OK), 0);
	MUST(unlink(name) == 0);
	expect_whole(1);
}

static void what_is_no_audit_log_stays_as_it_is(void **state)
{
	const struct auditlog_facts facts = {.path = slice_from_cstr(path),
					     .chained = true,
					     .rules = usual(),
					     .key = &key.keys[0],
					     .log = &nobody};
	struct auditlog *a;
	struct buf text;

	(void)state;
	FILE *f = fopen(path, "w");
	fputs("listen: https://0.0.0.0:443\n", f);
	fclose(f);
	MUST(auditlog_new(&facts, &a) == 0);
	assert_int_not_equal(auditlog_start(a), 0);
	auditlog_free(a);
	read_file(path, &text);
	assert_slice(buf_slice(&text), "listen: https://0.0.0.0:443\n");
	buf_deinit(&text);
}

/* While one process writes, another begins a log of its own beside it, and says whose it follows.
 */
static void two_processes_do_not_write_one_chain(void **state)
{
	struct auditlog_check c;
	struct buf text;
	char name[96];

	(void)state;
	struct auditlog *old = start(usual());
	struct stat st = {0};
	while (stat(path, &st) || st.st_size == 0)
		usleep(1000);
	struct auditlog *new = start(usual());
	refuse(old, REASON_IDLE);
	refuse(new, REASON_IDLE);
	auditlog_reopen(old); /* the name is another's now: it keeps its file */
	refuse(old, REASON_IDLE);
	auditlog_free(old);
	auditlog_free(new);
	snprintf(name, sizeof(name), "%s.000001", path);
	char first_log[AUDITLOG_ID_CHARS];
	for (int i = 0; i < 2; i++) {
		read_file(i ? path : name, &text);
		unit_judge(&c, &key, buf_slice(&text));
		if (c.broken)
			fail_msg("line %llu: %s", (unsigned long long)c.broken_line, c.why);
		assert_int_equal(c.lines - c.checkpoints, i ? 2 : 3);
		assert_int_equal(c.follows_one, i);
		if (i)
			assert_memory_equal(c.follows, first_log, sizeof(first_log));
		memcpy(first_log, c.log, sizeof(first_log));
		auditlog_check_deinit(&c);
		buf_deinit(&text);
	}
}

static void a_file_that_somebody_moved_is_begun_anew(void **state)
{
	char name[96];

	(void)state;
	struct auditlog *a = start(usual());
	refuse(a, REASON_IDLE);
	snprintf(name, sizeof(name), "%s.000001", path);
	MUST(rename(path, name) == 0);
	auditlog_reopen(a);
	while (access(path, F_OK))
		usleep(1000);
	refuse(a, REASON_IDLE);
	auditlog_free(a);
	expect_whole(2 + 2);
}

static void another_key_begins_in_the_middle(void **state)
{
	struct auditlog_keys both = {0};
	struct auditlog_rules rules = usual();
	struct auditlog_check c;
	struct buf text;

	(void)state;
	struct auditlog_keys second = unit_key();
	struct auditlog *a = start(rules);
	refuse(a, REASON_IDLE);
	auditlog_reload(a, &rules, &second.keys[0]);
	refuse(a, REASON_IDLE);
	auditlog_free(a);
	read_file(path, &text);
	unit_judge(&c, NULL, buf_slice(&text));
	assert_false(c.broken);
	assert_int_equal(c.named.count, 2);
	auditlog_check_deinit(&c);
	unit_judge(&c, &key, buf_slice(&text));
	assert_true(c.broken);
	auditlog_check_deinit(&c);
	assert_int_equal(auditlog_keys_add_x(&both, auditlog_key_x(&key.keys[0])), 0);
	assert_int_equal(auditlog_keys_add_x(&both, auditlog_key_x(&second.keys[0])), 0);
	unit_judge(&c, &both, buf_slice(&text));
	assert_false(c.broken);
	auditlog_check_deinit(&c);
	buf_deinit(&text);
	auditlog_keys_deinit(&both);
	auditlog_keys_deinit(&second);
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = bytes;
	MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* A file that may not grow is like a disk that is full. */
static void a_full_disk_is_survived_and_counted(void **state)
{
	enum { SAID = 30000 };
	struct auditlog_check c;

	(void)state;
	limit_files(50000);
	struct auditlog *a = start(usual());
	for (int i = 0; i < SAID; i++)
		refuse(a, REASON_IDLE);
	while (!auditlog_count(a).failing || !auditlog_count(a).dropped)
		usleep(1000);
	uint64_t dropped = auditlog_count(a).dropped;
	limit_files(RLIM_INFINITY);
	while (auditlog_count(a).failing)
		usleep(1000);
	refuse(a, REASON_MARKUP);
	auditlog_free(a);
	judge(&c);
	if (c.broken)
		fail_msg("line %llu: %s", (unsigned long long)c.broken_line, c.why);
	assert_true(dropped > 0);
	/* begin, and the line that says how many */
	assert_int_equal(c.lines - c.checkpoints - 1 - 1 + c.dropped, SAID + 1);
	assert_int_equal(c.dropped >= dropped, 1);
	auditlog_check_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
		T(what_was_said_is_there_and_signed),
		T(a_restart_goes_on_with_the_chain),
		T(a_full_file_gives_way_to_the_next),
		T(over_the_rate_lines_are_counted),
		T(what_is_no_decision_is_not_there),
		T(nobody_hides_by_being_verbose),
		T(a_torn_line_is_kept_and_named),
		T(a_file_of_zeros_at_its_end_is_gone_on_with),
		T(an_end_that_cannot_be_read_is_moved_aside),
		T(what_is_no_audit_log_stays_as_it_is),
		T(two_processes_do_not_write_one_chain),
		T(a_file_that_somebody_moved_is_begun_anew),
		T(another_key_begins_in_the_middle),
		T(a_full_disk_is_survived_and_counted),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
