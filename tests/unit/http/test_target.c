/* SPDX-License-Identifier: Apache-2.0 */
#include "http/target.h"

#include "unit.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 4096, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

/* Segments joined by '|', and a final '/' if the path has one. */
static struct slice shape(const struct http_target *t)
{
	static char text[1024];
	size_t len = 0;

	for (size_t i = 0; i < t->segment_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", i ? "|" : "",
					SLICE_ARG(t->segments[i]));
	if (t->trailing_slash)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "/");
	return slice_of(text, len);
}

static void paths_with_one_reading(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *target, *shape, *query;
	} rows[] = {
		{"the root", "/", "/", ""},
		{"one segment", "/chat", "chat", ""},
		{"two segments", "/chat/lobby", "chat|lobby", ""},
		{"a final slash", "/chat/", "chat/", ""},
		{"a query", "/chat?x=1&y=/a?b", "chat", "x=1&y=/a?b"},
		{"an empty query", "/chat?", "chat", ""},
		{"a query on the root", "/?x", "/", "x"},
		{"escapes are decoded", "/%63hat/%C3%BC", "chat|\xc3\xbc", ""},
		{"lower-case digits", "/%c3%bc", "\xc3\xbc", ""},
		{"a space", "/a%20b", "a b", ""},
		{"decoded once only", "/%2541", "%41", ""},
		{"an escaped question mark", "/a%3Fb?c", "a?b", "c"},
		{"an escaped percent before 2f", "/a%252fb", "a%2fb", ""},
		{"a plus is a plus in a path", "/a+b", "a+b", ""},
		{"three dots", "/...", "...", ""},
		{"dots inside", "/a..b/.c", "a..b|.c", ""},
		{"a semicolon", "/a;b=c", "a;b=c", ""},
		{"characters that browsers leave", "/a[0]|^", "a[0]|^", ""},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct http_target t;
		size_t where = 0;
		arena_reset(&arena);
		ROW_CHECK(at, http_target_parse(slice_from_cstr(at->target), &arena, &t, &where) ==
				      REASON_NONE);
		ROW_EQ(at, shape(&t), slice_from_cstr(at->shape));
		ROW_EQ(at, t.query, slice_from_cstr(at->query));
		ROW_CHECK(at, t.has_query == (strchr(at->target, '?') != NULL));
		ROW_CHECK(at, t.path.len == strcspn(at->target, "?"));
	}
}

static void the_asterisk_has_no_path(void **state)
{
	struct http_target t;

	(void)state;
	assert_int_equal(http_target_parse(SLICE("*"), &arena, &t, NULL), REASON_NONE);
	assert_true(t.asterisk);
	assert_int_equal(t.segment_count, 0);
}

static void paths_with_two_readings(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *target;
		size_t at;
	} rows[] = {
		{"nothing", "", 0},
		{"no slash", "chat", 0},
		{"an asterisk with more", "*a", 0},
		{"a query alone", "?a", 0},
		{"an escaped NUL", "/a%00", 2},
		{"an escaped slash", "/a%2fb", 2},
		{"an escaped slash in capitals", "/a%2Fb", 2},
		{"an escaped backslash", "/a%5cb", 2},
		{"a backslash", "/a\\b", 2},
		{"an escaped line feed", "/a%0a", 2},
		{"an escaped DEL", "/a%7f", 2},
		{"half an escape", "/a%4", 2},
		{"an escape without digits", "/a%", 2},
		{"an escape that is not hexadecimal", "/a%4g", 2},
		{"an escape as IIS had them", "/a%u0041", 2},
		{"an empty segment", "/a//b", 3},
		{"an empty segment first", "//a", 1},
		{"two final slashes", "/a//", 3},
		{"only slashes", "//", 1},
		{"one dot", "/./a", 1},
		{"one dot at the end", "/a/.", 3},
		{"two dots", "/a/../b", 3},
		{"two dots at the end", "/a/..", 3},
		{"one dot escaped", "/%2e/a", 1},
		{"two dots, one escaped", "/a/.%2E", 3},
		{"two dots escaped", "/a/%2e%2e/b", 3},
		{"two dots before a semicolon", "/a/..;/b", 3},
		{"dots before an escaped semicolon", "/a/..%3bx", 3},
		{"not UTF-8", "/a/%ff", 3},
		{"an overlong slash", "/a/%c0%af", 3},
		{"an overlong dot", "/a/%c0%ae", 3},
		{"a surrogate", "/%ed%a0%80", 1},
		{"a fragment", "/a#b", 2},
		{"a space", "/a b", 2},
		{"a quote in the query", "/a?b\"", 4},
		{"a raw byte above 0x7F", "/\xc3\xbc", 1},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct http_target t;
		size_t where = 999;
		ROW_CHECK(at, http_target_parse(slice_from_cstr(at->target), &arena, &t, &where) ==
				      REASON_HANDSHAKE_MALFORMED);
		ROW_CHECK(at, where == at->at);
	}
}

static void segments_are_bounded(void **state)
{
	char text[2 * (HTTP_SEGMENTS_MAX + 1)];
	struct http_target t;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? 'a' : '/';
	assert_int_equal(http_target_parse(slice_of(text, sizeof(text) - 2), &arena, &t, NULL),
			 REASON_NONE);
	assert_int_equal(t.segment_count, HTTP_SEGMENTS_MAX);
	assert_int_equal(http_target_parse(slice_of(text, sizeof(text)), &arena, &t, NULL),
			 REASON_HANDSHAKE_MALFORMED);
}

static void a_full_arena_refuses(void **state)
{
	struct arena none;
	struct http_target t;

	(void)state;
	arena_init(&none, 64, 0);
	assert_int_equal(http_target_parse(SLICE("/a%41"), &none, &t, NULL), REASON_OVERLOADED);
	arena_deinit(&none);
}

static void parameters_in_order(void **state)
{
	struct slice query = SLICE("a=1&&b&c=%26+%3d&=x&%64=");
	struct http_parameters q = {.rest = query, .more = true};
	struct http_parameter p;

	(void)state;
	assert_true(http_parameters_next(&q, &arena, &p));
	assert_slice(p.name, "a");
	assert_slice(p.value, "1");
	assert_true(http_parameters_next(&q, &arena, &p));
	assert_slice(p.name, "b");
	assert_slice(p.value, "");
	assert_true(http_parameters_next(&q, &arena, &p));
	assert_slice(p.raw, "c=%26+%3d");
	assert_slice(p.name, "c");
	assert_slice(p.value, "& =");
	assert_true(http_parameters_next(&q, &arena, &p));
	assert_slice(p.name, "");
	assert_slice(p.value, "x");
	assert_true(http_parameters_next(&q, &arena, &p));
	assert_slice(p.name, "d");
	assert_false(http_parameters_next(&q, &arena, &p));
	assert_false(q.failed);
}

static void one_parameter_or_none(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *query;
		enum http_find wanted;
		const char *value;
	} rows[] = {
		{"there", "a=1&ticket=x.y", HTTP_FIND_ONE, "x.y"},
		{"empty", "ticket=", HTTP_FIND_ONE, ""},
		{"without =", "ticket", HTTP_FIND_ONE, ""},
		{"escaped name", "%74icket=x", HTTP_FIND_ONE, "x"},
		{"not there", "a=1", HTTP_FIND_NONE, ""},
		{"no query", "", HTTP_FIND_NONE, ""},
		{"another case is another name", "Ticket=x", HTTP_FIND_NONE, ""},
		{"twice", "ticket=x&ticket=y", HTTP_FIND_AMBIGUOUS, ""},
		{"twice the same", "ticket=x&ticket=x", HTTP_FIND_AMBIGUOUS, ""},
		{"twice, once in disguise", "ticket=x&tick%65t=y", HTTP_FIND_AMBIGUOUS, ""},
		{"a bad escape elsewhere", "ticket=x&a=%zz", HTTP_FIND_MALFORMED, ""},
		{"a NUL", "ticket=x%00", HTTP_FIND_MALFORMED, ""},
		{"not UTF-8", "ticket=%ff", HTTP_FIND_MALFORMED, ""},
		{"half an escape", "ticket=%4", HTTP_FIND_MALFORMED, ""},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct slice value = SLICE("");
		enum http_find got = http_query_find(slice_from_cstr(at->query), SLICE("ticket"),
						     &arena, &value);
		ROW_CHECK(at, got == at->wanted);
		if (got == HTTP_FIND_ONE)
			ROW_EQ(at, value, slice_from_cstr(at->value));
	}
}

static void encoding_is_undone_by_decoding(void **state)
{
	struct http_parameters q = {.more = true};
	struct http_parameter p;
	char all[255];
	struct buf b;

	(void)state;
	for (unsigned i = 0; i < sizeof(all); i++)
		all[i] = (char)(i % 127 + 1);
	buf_init(&b, 10000);
	assert_int_equal(http_percent_encode(&b, SLICE("a-b._~9")), 0);
	assert_slice(buf_slice(&b), "a-b._~9");
	buf_clear(&b);
	assert_int_equal(http_percent_encode(&b, SLICE("/a b?\xc3\xbc%")), 0);
	assert_slice(buf_slice(&b), "%2Fa%20b%3F%C3%BC%25");
	buf_clear(&b);
	assert_int_equal(http_percent_encode(&b, slice_of(all, sizeof(all))), 0);
	q.rest = buf_slice(&b);
	assert_true(http_parameters_next(&q, &arena, &p));
	assert_true(slice_eq(p.name, slice_of(all, sizeof(all))));
	buf_deinit(&b);
	buf_init(&b, 5);
	assert_int_equal(http_percent_encode(&b, SLICE("//")), BUF_FULL);
	assert_int_equal(buf_waiting(&b), 0);
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_with_one_reading),
		cmocka_unit_test(the_asterisk_has_no_path),
		cmocka_unit_test(paths_with_two_readings),
		cmocka_unit_test(segments_are_bounded),
		cmocka_unit_test(a_full_arena_refuses),
		cmocka_unit_test(parameters_in_order),
		cmocka_unit_test(one_parameter_or_none),
		cmocka_unit_test(encoding_is_undone_by_decoding),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
