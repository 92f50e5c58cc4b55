/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/diag.h"

#include "unit.h"

static struct diag d;

static void print_is(const char *wanted)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	assert_int_equal(diag_print(&d, &out), 0);
	unit_row_eq("the print", buf_slice(&out), slice_from_cstr(wanted));
	buf_deinit(&out);
}

static void nearest(void **state)
{
	static const struct slice keys[] = {
		{"listen", 6}, {"limits", 6}, {"log", 3}, {"routes", 6}, {"message_size", 12},
		{"on", 2},
	};
	static const struct {
		const char *says, *word, *wanted;
	} rows[] = {
		{"itself", "listen", "listen"},
		{"one letter missing", "listn", "listen"},
		{"one letter too many", "listeen", "listen"},
		{"one letter wrong", "lisken", "listen"},
		{"two swapped", "listne", "listen"},
		{"another case", "Listen", "listen"},
		{"a third wrong", "mesagesize", "message_size"},
		{"the nearer of two", "limts", "limits"},
		{"too far", "completely", ""},
		{"short: one change", "lag", "log"},
		{"short: two changes", "bag", ""},
		{"nothing", "", ""},
		{"very long",
		 "listenlistenlistenlistenlistenlistenlistenlistenlistenlistenlistenlisten", ""},
	};

	(void)state;
	EACH_ROW (at, rows)
		ROW_EQ(at, diag_nearest(slice_from_cstr(at->word), keys, COUNT(keys)),
		       slice_from_cstr(at->wanted));
}

static void sorted_with_line_and_caret(void **state)
{
	(void)state;
	diag_init(&d);
	diag_set_source(&d, SLICE("f.yaml"), SLICE("a: 1\nbcd: x\r\n\te\xc3\xa9: y\n"));
	diag_add(&d, DIAG_WARNING, (struct diag_place){3, 2, 2}, "third");
	diag_add(&d, DIAG_ERROR, (struct diag_place){2, 6, 99}, "second, %d", 2);
	diag_help(&d, "write %s", "z");
	diag_add(&d, DIAG_UNSAFE, (struct diag_place){2, 1, 3}, "first");
	diag_add(&d, DIAG_ERROR, (struct diag_place){0}, "no place");
	diag_add(&d, DIAG_ERROR, (struct diag_place){2, 6, 0}, "second too, found later");
	diag_add(&d, DIAG_ERROR, (struct diag_place){9, 1, 1}, "behind the end");
	print_is("f.yaml: error: no place\n"
		 "f.yaml:2:1: unsafe: first\n    2 | bcd: x\n      | ^^^\n"
		 "f.yaml:2:6: error: second, 2\n    2 | bcd: x\n      |      ^\n"
		 "      = help: write z\n"
		 "f.yaml:2:6: error: second too, found later\n    2 | bcd: x\n      |      ^\n"
		 "f.yaml:3:2: warning: third\n    3 |  e\xc3\xa9: y\n      |  ^^\n"
		 "f.yaml:9:1: error: behind the end\n    9 | \n      | ^\n");
	assert_int_equal(d.errors, 4);
	assert_int_equal(d.unsafe, 1);
	assert_int_equal(d.warnings, 1);
	diag_deinit(&d);
	diag_deinit(&d);
}

static void nothing_moves_the_cursor(void **state)
{
	(void)state;
	diag_init(&d);
	diag_set_source(&d, SLICE(""), SLICE("a\x1b[31m\xe2\x80\xae\xff z"));
	diag_add(&d, DIAG_ERROR, (struct diag_place){1, 1, 1}, "word %s", "x\x1b\n\x7fy");
	print_is("configuration:1:1: error: word x???y\n    1 | a?[31m?? z\n      | ^\n");
	diag_deinit(&d);
}

static void long_lines_are_cut_around_the_place(void **state)
{
	char line[2001];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[1000] = '!';
	diag_init(&d);
	diag_set_source(&d, SLICE("f"), slice_of(line, 2000));
	diag_add(&d, DIAG_ERROR, (struct diag_place){1, 1001, 1}, "there");
	struct buf out;
	buf_init(&out, 1 << 20);
	assert_int_equal(diag_print(&d, &out), 0);
	assert_true(out.len < 500);
	assert_int_equal(buf_append(&out, slice_of("", 1)), 0);
	const char *shown = strstr(out.data, "| ...x"), *caret = strstr(out.data, "^");
	assert_non_null(shown);
	assert_non_null(caret);
	/* the caret stands below the exclamation mark */
	const char *mark = strchr(shown, '!'), *below = strchr(shown, '\n') + 1;
	assert_int_equal(mark - strstr(out.data, "    1 |"), caret - below);
	buf_deinit(&out);
	diag_deinit(&d);
}

static void too_many_are_counted(void **state)
{
	(void)state;
	diag_init(&d);
	for (int i = 0; i < DIAG_MAX + 7; i++) {
		diag_add(&d, DIAG_ERROR, (struct diag_place){0}, "number %d", i);
		diag_help(&d, "help %d", i);
	}
	assert_int_equal(d.errors, DIAG_MAX + 7);
	assert_int_equal(d.count, DIAG_MAX);
	assert_slice(d.entries[DIAG_MAX - 1].help, "help 99");
	struct buf out;
	buf_init(&out, 1 << 20);
	assert_int_equal(diag_print(&d, &out), 0);
	assert_true(slice_ends_with(buf_slice(&out), SLICE("... and 7 more\n")));
	buf_deinit(&out);
	buf_init(&out, 100);
	assert_int_equal(diag_print(&d, &out), BUF_FULL);
	buf_deinit(&out);
	diag_deinit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest),
		cmocka_unit_test(sorted_with_line_and_caret),
		cmocka_unit_test(nothing_moves_the_cursor),
		cmocka_unit_test(long_lines_are_cut_around_the_place),
		cmocka_unit_test(too_many_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
