/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is done to a log is found out, and at its line. */
#include "obs/auditlog_unit.h"

enum { LINES = 12 };

static struct auditlog_keys key, other;
static struct buf whole;

static int set_up(void **state)
{
	(void)state;
	key = unit_key();
	other = unit_key();
	unit_log(&key, &whole);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	auditlog_keys_deinit(&key);
	auditlog_keys_deinit(&other);
	buf_deinit(&whole);
	return 0;
}

static void expect_broken(struct slice text, uint64_t line, const char *why)
{
	struct auditlog_check c;

	unit_judge(&c, &key, text);
	if (!c.broken || c.broken_line != line || !strstr(c.why, why))
		fail_msg("wanted line %llu: ... %s ...; got %s line %llu: %s",
			 (unsigned long long)line, why, c.broken ? "broken" : "whole",
			 (unsigned long long)c.broken_line, c.why);
	auditlog_check_deinit(&c);
}

static void a_log_is_whole_in_pieces_of_any_size(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 700; piece += 13) {
		struct auditlog_check c;
		auditlog_check_init(&c, &key);
		auditlog_check_file(&c);
		for (struct slice rest = buf_slice(&whole); rest.len;
		     rest = slice_from(rest, piece))
			auditlog_check_feed(&c, slice_first(rest, piece));
		auditlog_check_file_end(&c);
		auditlog_check_end(&c);
		assert_false(c.broken);
		assert_int_equal(c.lines, LINES);
		assert_int_equal(c.checkpoints, 3);
		assert_int_equal(c.unsigned_lines, 0);
		auditlog_check_deinit(&c);
	}
}

static void without_a_key_those_that_the_log_names_count(void **state)
{
	struct auditlog_check c;

	(void)state;
	unit_judge(&c, NULL, buf_slice(&whole));
	assert_false(c.broken);
	assert_int_equal(c.named.count, 1);
	auditlog_check_deinit(&c);
}

static void another_key_is_none(void **state)
{
	struct auditlog_check c;

	(void)state;
	unit_judge(&c, &other, buf_slice(&whole));
	assert_true(c.broken);
	assert_int_equal(c.broken_line, 2);
	assert_non_null(strstr(c.why, "was not given"));
	auditlog_check_deinit(&c);
}

static void every_changed_byte_is_found_at_its_line(void **state)
{
	struct slice text = buf_slice(&whole);
	char *copy = malloc(text.len);
	uint64_t line = 1;

	(void)state;
	memcpy(copy, text.data, text.len);
	for (size_t i = 0; i < text.len; i++) {
		struct auditlog_check c;
		copy[i] ^= 1;
		unit_judge(&c, &key, slice_of(copy, text.len));
		copy[i] ^= 1;
		/* Which number the first line should have, only the second one knows. */
		bool first_number = i == SLICE("{\"seq\":").len && c.broken_line == 2;
		/* The last checkpoint as a line that is none: then the end is not signed. */
		bool is_none = line == LINES && !c.broken && c.unsigned_lines == 4;
		if (!is_none && (!c.broken || (c.broken_line != line && !first_number)))
			fail_msg("byte %zu (%.20s) of line %llu: %s line %llu: %s", i,
				 text.data + i, (unsigned long long)line,
				 c.broken ? "broken" : "whole", (unsigned long long)c.broken_line,
				 c.why);
		auditlog_check_deinit(&c);
		line += text.data[i] == '\n';
	}
	free(copy);
}

/* The log without, or with more, or with other lines: numbers of lines, 0 at the end. */
static struct slice arrange(const size_t *numbers, struct buf *to)
{
	buf_init(to, 1 << 20);
	for (; *numbers; numbers++)
		MUST(buf_append(to, unit_line(buf_slice(&whole), *numbers)) == 0);
	return buf_slice(to);
}

static void moved_lines_are_found(void **state)
{
	static const struct {
		const char *says;
		size_t numbers[20];
		uint64_t line;
		const char *why;
	} rows[] = {
		{"one is removed",
		 {1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12},
		 4,
		 "numbered 3 has its place"},
		{"three are removed",
		 {1, 2, 3, 7, 8, 9, 10, 11, 12},
		 4,
		 "numbered 3 to 5 have their"},
		{"the first is removed",
		 {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		 1,
		 "starts with a line `begin`"},
		{"one is there twice",
		 {1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		 5,
		 "numbered 3, and 4 is due"},
		{"two are swapped",
		 {1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11, 12},
		 4,
		 "numbered 3 has its place"},
		{"one stands much later",
		 {1, 2, 4, 5, 6, 7, 8, 9, 3, 10, 11, 12},
		 3,
		 "numbered 2 has its place"},
		{"one stands much earlier",
		 {1, 2, 9, 3, 4, 5, 6, 7, 8, 10, 11, 12},
		 3,
		 "numbered 2 to 7"},
		{"the begin comes again",
		 {1, 2, 3, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		 4,
		 "numbered 0, and 3 is due"},
		{"the checkpoint behind begin is removed",
		 {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		 2,
		 "numbered 1 has its place"},
		{"only the begin is left", {1}, 1, "nothing is signed"},
	};
	struct buf text;

	(void)state;
	EACH_ROW (at, rows) {
		expect_broken(arrange(at->numbers, &text), at->line, at->why);
		buf_deinit(&text);
	}
}

static void an_end_that_is_cut_off_shows_in_the_middle_of_a_line(void **state)
{
	struct slice text = buf_slice(&whole);

	(void)state;
	for (size_t len = 0; len < text.len; len++) {
		struct auditlog_check c;
		unit_judge(&c, &key, slice_first(text, len));
		bool at_an_end = len && text.data[len - 1] == '\n';
		bool has_checkpoint = len > (size_t)(unit_line(text, 3).data - text.data) - 1;
		if (c.broken == (at_an_end && has_checkpoint))
			fail_msg("%zu bytes: %s line %llu: %s", len, c.broken ? "broken" : "whole",
				 (unsigned long long)c.broken_line, c.why);
		auditlog_check_deinit(&c);
	}
}

static void an_end_that_is_cut_off_shows_against_a_known_checkpoint(void **state)
{
	struct slice text = buf_slice(&whole), last = unit_line(text, LINES);
	uint8_t hash[AUDITLOG_HASH_BYTES];

	(void)state;
	auditlog_hash(slice_first(last, last.len - 1), hash);
	for (int cut = 0; cut < 2; cut++) {
		struct auditlog_check c;
		auditlog_check_init(&c, &key);
		auditlog_check_expect(&c, LINES - 1, hash);
		auditlog_check_file(&c);
		auditlog_check_feed(&c, slice_first(text, text.len - (cut ? last.len : 0)));
		auditlog_check_file_end(&c);
		auditlog_check_end(&c);
		assert_int_equal(c.broken, cut);
		auditlog_check_deinit(&c);
	}
	hash[0] ^= 1;
	struct auditlog_check c;
	auditlog_check_init(&c, &key);
	auditlog_check_expect(&c, LINES - 1, hash);
	auditlog_check_file(&c);
	auditlog_check_feed(&c, text);
	assert_true(c.broken);
	assert_non_null(strstr(c.why, "demanded"));
	auditlog_check_deinit(&c);
}

/* Somebody without the key changes a line and makes all hashes behind it right. */
static void a_chain_that_was_forged_whole_fails_at_the_next_checkpoint(void **state)
{
	struct auditlog_place at = {.chained = true};
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	for (size_t n = 1; n <= LINES; n++) {
		struct slice line = unit_line(buf_slice(&whole), n);
		/* What stands behind "prev":"...", */
		struct slice body = slice_from(line, slice_index(line, 't') - 1);
		body = slice_first(body, body.len - 2);
		if (n == 5)
			unit_refusal(&at, "/nothing-to-see", &text);
		else
			MUST(auditlog_write(&at, body, &text) == 0);
	}
	expect_broken(buf_slice(&text), 8, "its signature is wrong");
	buf_deinit(&text);
}

static void a_forger_cannot_leave_the_checkpoints_out(void **state)
{
	struct auditlog_place at = {.chained = true};
	struct buf text;

	(void)state;
	buf_init(&text, 4 << 20);
	unit_begin(&at, &key, &text);
	unit_checkpoint(&at, &key, &text);
	for (int i = 0; i < AUDITLOG_UNSIGNED_MAX + 2; i++)
		unit_refusal(&at, "/x", &text);
	expect_broken(buf_slice(&text), AUDITLOG_UNSIGNED_MAX + 4, "without a checkpoint");
	buf_deinit(&text);

	at = (struct auditlog_place){.chained = true};
	buf_init(&text, 4 << 20);
	unit_begin(&at, &key, &text);
	unit_refusal(&at, "/x", &text);
	expect_broken(buf_slice(&text), 2, "behind `begin` stands a checkpoint");
	buf_deinit(&text);
}

static void what_a_crash_left_is_what_the_begin_behind_says(void **state)
{
	static const char torn[] = "{\"seq\":2,\"prev\":\"00\0\0\0\nhalf a line\n";
	struct auditlog_begin b = {.log = SLICE(UNIT_LOG), .file = 1};
	struct auditlog_place at = {.chained = true};
	struct auditlog_check c;
	struct buf text;

	(void)state;
	b.kid = auditlog_key_kid(&key.keys[0]);
	b.x = auditlog_key_x(&key.keys[0]);
	buf_init(&text, 1 << 20);
	unit_begin(&at, &key, &text);
	unit_checkpoint(&at, &key, &text);
	size_t from = buf_waiting(&text);
	MUST(buf_append(&text, SLICE(torn)) == 0);
	b.torn_bytes = sizeof(torn) - 1;
	auditlog_hash(SLICE(torn), b.torn);
	MUST(auditlog_write_begin(&at, UNIT_MS, &b, &text) == 0);
	unit_checkpoint(&at, &key, &text);
	unit_judge(&c, &key, buf_slice(&text));
	assert_false(c.broken);
	assert_int_equal(c.torn, 1);
	assert_int_equal(c.restarts, 1);
	auditlog_check_deinit(&c);

	text.data[from + 30] ^= 1;
	expect_broken(buf_slice(&text), 3, "what a crash left behind was changed");
	buf_deinit(&text);
}

static void what_is_no_line_is_found(void **state)
{
	struct slice text = buf_slice(&whole);
	static const struct {
		const char *says;
		const char *text;
	} rows[] = {
		{"an empty line", "\n"},
		{"another program's line", "{\"level\":\"info\"}\n"},
		{"a line with a tail",
		 "{\"seq\":3,\"prev\":"
		 "\"0000000000000000000000000000000000000000000000000000000000000000\",\"time\":"
		 "\"2026-11-22T02:32:33.369Z\",\"level\":\"info\",\"event\":\"x\"}x\n"},
	};
	struct buf changed;

	(void)state;
	EACH_ROW (at, rows) {
		size_t before = (size_t)(unit_line(text, 4).data - text.data);
		buf_init(&changed, 1 << 20);
		MUST(buf_append(&changed, slice_first(text, before)) == 0);
		MUST(buf_append(&changed, slice_from_cstr(at->text)) == 0);
		MUST(buf_append(&changed, slice_from(text, before)) == 0);
		expect_broken(buf_slice(&changed), 4, "it is no line of an audit log");
		buf_deinit(&changed);
	}
	expect_broken(SLICE(""), 0, "the file is empty");
	expect_broken(SLICE("{}\n"), 1, "it is no line of an audit log");
}

static void a_log_without_a_chain_is_not_whole(void **state)
{
	const struct auditlog_begin b = {.log = SLICE(UNIT_LOG), .file = 1};
	struct auditlog_place at = {.chained = false};
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	MUST(auditlog_write_begin(&at, UNIT_MS, &b, &text) == 0);
	expect_broken(buf_slice(&text), 1, "not chained");
	buf_deinit(&text);
}

static void files_go_on_where_the_one_before_ended(void **state)
{
	struct auditlog_place at = {.chained = true};
	struct buf text[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		buf_init(&text[i], 1 << 20);
		unit_begin(&at, &key, &text[i]);
		unit_checkpoint(&at, &key, &text[i]);
		unit_refusal(&at, "/x", &text[i]);
		unit_checkpoint(&at, &key, &text[i]);
	}
	for (int missing = -1; missing < 3; missing++) {
		struct auditlog_check c;
		auditlog_check_init(&c, &key);
		for (int i = 0; i < 3; i++) {
			if (i == missing)
				continue;
			auditlog_check_file(&c);
			auditlog_check_feed(&c, buf_slice(&text[i]));
			auditlog_check_file_end(&c);
		}
		auditlog_check_end(&c);
		/* What is missing at an end cannot be known from what is there. */
		assert_int_equal(c.broken, missing == 1);
		if (c.broken) {
			assert_int_equal(c.broken_file, 1);
			assert_int_equal(c.broken_line, 1);
		}
		assert_int_equal(c.first_seq, missing == 0 ? 4 : 0);
		auditlog_check_deinit(&c);
	}
	for (int i = 0; i < 3; i++)
		buf_deinit(&text[i]);
}

static void keys_that_cannot_be_used_are_refused(void **state)
{
	static const char p256[] =
		"-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgJ5uYqzh4rxGKc/ViLVSixVwzVw2\n"
		"nN0OYJ9WlqqFVYvA3Dsgt7BZ2Z9OAYGUjoHlmHmZEz+6dI7eJ6K1g7jl8Q==\n"
		"-----END PUBLIC KEY-----\n";
	struct auditlog_keys k = {0};
	struct buf pem;

	(void)state;
	assert_int_equal(auditlog_keys_add(&k, SLICE("nothing")), AUDITLOG_NO_KEY);
	assert_int_equal(auditlog_keys_add_public(&k, SLICE("")), AUDITLOG_NO_KEY);
	assert_int_not_equal(auditlog_keys_add_public(&k, slice_from_cstr(p256)), 0);
	assert_int_equal(auditlog_keys_add_x(&k, SLICE("AAAA")), AUDITLOG_NOT_ED25519);
	assert_int_equal(k.count, 0);
	buf_init(&pem, 4096);
	MUST(auditlog_key_pem(&key.keys[0], &pem) == 0);
	MUST(auditlog_key_pem(&other.keys[0], &pem) == 0);
	MUST(auditlog_key_pem(&key.keys[0], &pem) == 0);
	assert_int_equal(auditlog_keys_add_public(&k, buf_slice(&pem)), 0);
	assert_int_equal(k.count, 2);
	assert_non_null(auditlog_keys_find(&k, auditlog_key_kid(&other.keys[0])));
	buf_deinit(&pem);
	auditlog_keys_deinit(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_is_whole_in_pieces_of_any_size),
		cmocka_unit_test(without_a_key_those_that_the_log_names_count),
		cmocka_unit_test(another_key_is_none),
		cmocka_unit_test(every_changed_byte_is_found_at_its_line),
		cmocka_unit_test(moved_lines_are_found),
		cmocka_unit_test(an_end_that_is_cut_off_shows_in_the_middle_of_a_line),
		cmocka_unit_test(an_end_that_is_cut_off_shows_against_a_known_checkpoint),
		cmocka_unit_test(a_chain_that_was_forged_whole_fails_at_the_next_checkpoint),
		cmocka_unit_test(a_forger_cannot_leave_the_checkpoints_out),
		cmocka_unit_test(what_a_crash_left_is_what_the_begin_behind_says),
		cmocka_unit_test(what_is_no_line_is_found),
		cmocka_unit_test(a_log_without_a_chain_is_not_whole),
		cmocka_unit_test(files_go_on_where_the_one_before_ended),
		cmocka_unit_test(keys_that_cannot_be_used_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
