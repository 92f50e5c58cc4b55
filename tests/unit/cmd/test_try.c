/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/try.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "cmd/try_json.h"

#define NOT_A_LINE                                                                            \
	"{\"error\":\"a line is {\\\"text\\\": \\\"...\\\"} or {\\\"base64\\\": \\\"...\\\"}\"}"

static const struct {
	const char *says, *line, *answer;
} lines[] = {
	/* clang-format off */
	{"an object", "{\"text\": \"{ \\\"b\\\" : [1.0], \\\"a\\\" : null }\"}", "{\"ok\":true,\"value\":{\"b\":[1.0],\"a\":null}}"},
	{"a number alone", "{\"text\":\"-0\"}", "{\"ok\":true,\"value\":-0}"},
	{"the same in base64", "{\"base64\":\"LTA=\"}", "{\"ok\":true,\"value\":-0}"},
	{"nothing", "{\"text\":\"\"}", "{\"ok\":false,\"reason\":\"json_malformed\",\"at\":0}"},
	{"1e400", "{\"text\":\"{\\\"a\\\": [1, 2], \\\"b\\\":1e400}\"}", "{\"ok\":false,\"reason\":\"json_number\",\"at\":18}"},
	{"the same key twice", "{\"text\":\"{\\\"a\\\":1,\\\"a\\\":2}\"}", "{\"ok\":false,\"reason\":\"json_duplicate_key\",\"at\":7}"},
	{"a forbidden key", "{\"text\":\"{\\\"__proto__\\\":1}\"}", "{\"ok\":false,\"reason\":\"json_forbidden_key\",\"at\":1}"},
	{"too deep", "{\"text\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\"}", "{\"ok\":false,\"reason\":\"json_too_deep\",\"at\":32}"},
	{"bytes that are not UTF-8", "{\"base64\":\"Iv8i\"}", "{\"ok\":false,\"reason\":\"json_malformed\",\"at\":1}"},
	{"a NUL byte", "{\"text\":\"[\\u0000]\"}", "{\"ok\":false,\"reason\":\"json_malformed\",\"at\":1}"},
	{"an escaped NUL", "{\"text\":\"\\\"\\\\u0000\\\"\"}", "{\"ok\":false,\"reason\":\"json_malformed\",\"at\":1}"},
	{"a lone surrogate that came as one", "{\"text\":\"\\\"\\ud800\\\"\"}", "{\"ok\":false,\"reason\":\"json_malformed\",\"at\":1}"},
	{"base64 that is none", "{\"base64\":\"LTA\"}", "{\"error\":\"base64 is not valid\"}"},
	{"no line at all", "", NOT_A_LINE},
	{"not JSON", "text", NOT_A_LINE},
	{"not an object", "[\"text\"]", NOT_A_LINE},
	{"another key", "{\"txet\":\"1\"}", NOT_A_LINE},
	{"both keys", "{\"text\":\"1\",\"base64\":\"MQ==\"}", NOT_A_LINE},
	{"not a string", "{\"text\":1}", NOT_A_LINE},
	/* clang-format on */
};

static void each_line_has_its_answer(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	EACH_ROW (at, lines) {
		buf_clear(&out);
		assert_int_equal(try_json_line(slice_from_cstr(at->line), &out), 0);
		ROW_EQ(at, buf_slice(&out), slice_from_cstr(at->answer));
	}
	buf_deinit(&out);
}

static void an_answer_that_does_not_fit_is_said(void **state)
{
	struct buf out;

	(void)state;
	for (size_t max = 0; max < 32; max++) {
		buf_init(&out, max);
		int r = try_json_bytes(SLICE("[1,2]"), &out);
		assert_int_equal(r, max < strlen("{\"ok\":true,\"value\":[1,2]}") ? BUF_FULL : 0);
		buf_deinit(&out);
	}
}

static int say_length(struct slice line, struct buf *out)
{
	return buf_printf(out, "%zu", line.len);
}

/* What is written into a pipe by a child, in pieces of `piece` bytes, and what comes out. */
static void feed(const char *input, size_t len, size_t piece, const char *wanted)
{
	char *answers = NULL;
	size_t answers_len = 0;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		for (size_t at = 0; at < len; at += piece) {
			size_t n = piece < len - at ? piece : len - at;
			if (write(ends[1], input + at, n) != (ssize_t)n)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	FILE *to = open_memstream(&answers, &answers_len);
	assert_int_equal(try_each_line(ends[0], "pipe", say_length, to), 0);
	fclose(to);
	close(ends[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_string_equal(answers, wanted);
	free(answers);
}

static void lines_are_answered_in_order(void **state)
{
	(void)state;
	feed("a\nbb\n\nccc\n", 10, 10, "1\n2\n0\n3\n");
	feed("a\nbb\n\nccc", 9, 1, "1\n2\n0\n3\n");
	feed("", 0, 1, "");
	feed("\n", 1, 1, "0\n");
}

static void a_line_too_long_is_answered_too(void **state)
{
	const size_t much = ((size_t)16 << 20) + 200000;
	char *input = malloc(much + 8);

	(void)state;
	memset(input, 'x', much + 8);
	memcpy(input, "a\n", 2);
	memcpy(input + much, "\nbb\nccc", 7);
	feed(input, much + 7, 50000,
	     "1\n{\"error\":\"the line is longer than 16 MiB\"}\n2\n3\n");
	/* Without an end it is answered once. */
	feed(input, much, 1 << 20, "1\n{\"error\":\"the line is longer than 16 MiB\"}\n");
	free(input);
}

static void a_part_that_fails_stops_it(void **state)
{
	(void)state;
	assert_int_equal(try_each_line(-1, "nothing", say_length, stdout), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_has_its_answer),
		cmocka_unit_test(an_answer_that_does_not_fit_is_said),
		cmocka_unit_test(lines_are_answered_in_order),
		cmocka_unit_test(a_line_too_long_is_answered_too),
		cmocka_unit_test(a_part_that_fails_stops_it),
	};
	return cmocka_run_group_tests_name("cmd/try", tests, NULL, NULL);
}
