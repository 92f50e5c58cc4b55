/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/report.h"

#include <stdio.h>

#include "base/buf.h"
#include "unit.h"

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *says, *url, *wanted;
} urls[] = {
	/* clang-format off */
	{"a page", "https://shop.example/a/b.html", "https://shop.example/a/b.html"},
	{"a port", "https://shop.example:8443/", "https://shop.example:8443/"},
	{"an origin", "https://cdn.example", "https://cdn.example"},
	{"a query", "https://shop.example/reset?token=canary", "https://shop.example/reset"},
	{"behind the host", "https://shop.example?token=canary", "https://shop.example"},
	{"a fragment", "https://shop.example/cb#access_token=canary", "https://shop.example/cb"},
	{"a fragment, then a query", "https://a.example/#x?y", "https://a.example/"},
	{"a parameter", "https://shop.example/a;jsessionid=canary/b", "https://shop.example/a"},
	{"a user", "https://bob:canary@shop.example/a", "https://shop.example/a"},
	{"two users", "https://bob@canary@shop.example/a", "https://shop.example/a"},
	{"a user with a query in him", "https://bob:can?ary@shop.example/a", "https://bob:can"},
	{"a user with a parameter in him", "https://bob;canary@shop.example/a", "https"},
	{"an at sign in the path", "https://cdn.example/@scope/x.js", "https://cdn.example/@scope/x.js"},
	{"a backslash", "https://a.example\\@b.example/", "https://a.example\\@b.example/"},
	{"data", "data:text/html;base64,Y2FuYXJ5", "data"},
	{"data without parameters", "data:,canary", "data"},
	{"blob", "blob:https://shop.example/0f1e-canary", "blob"},
	{"script", "javascript:alert('canary')", "javascript"},
	{"an extension", "chrome-extension://abc/x.js", "chrome-extension://abc/x.js"},
	{"inline", "inline", "inline"},
	{"wasm-eval", "wasm-eval", "wasm-eval"},
	{"nothing", "", ""},
	{"a sentence", "who are you", "whoareyou"},
	{"a path", "/a/b", ""},
	{"digits first", "1http://a.example/", ""},
	{"capitals", "HTTPS://A.EXAMPLE/", ""},
	{"lines", "https://a.example/x\r\n{\"level\":\"error\"}", "https://a.example/x{\"level\":\"error\"}"},
	{"an escape sequence", "https://a.example/\033[2Jx\177", "https://a.example/[2Jx"},
	{"letters of elsewhere", "https://a.example/\xd0\xb0\xe2\x80\xae/x", "https://a.example//x"},
	{"a long scheme", "abcdefghijklmnopqrstu://a.example/", ""},
	{"a long word", "abcdefghijabcdefghijabcdefghijabcdefghija", ""},
	{"a long path", "https://a.example/" HUNDRED HUNDRED, "https://a.example/" HUNDRED
		TEN TEN TEN TEN TEN TEN TEN TEN "01"},
	{"a long host", "https://" HUNDRED HUNDRED, "https"},
	{"a user that is longer", "https://" HUNDRED HUNDRED "@a.example/", "https"},
	/* clang-format on */
};

static struct arena arena;

static void urls_are_cleaned(void **state)
{
	(void)state;
	EACH_ROW (at, urls) {
		arena_reset(&arena);
		struct slice once = report_clean_url(slice_from_cstr(at->url), &arena);
		ROW_EQ(at, once, slice_from_cstr(at->wanted));
		ROW_EQ(at, report_clean_url(once, &arena), once);
	}
}

#define LEGACY "application/csp-report"
#define MODERN "application/reports+json"
#define OLD(members) "{\"csp-report\":{" members "}}"
#define NEW(members) "{\"type\":\"csp-violation\",\"body\":{" members "}}"

/* As: "directive blocked document source line:column enforced; ... +left_out" */
static const struct {
	const char *says, *type, *body;
	enum reason reason;
	const char *wanted;
} rows[] = {
	/* clang-format off */
	{"Chromium's", LEGACY, OLD("\"document-uri\":\"https://a.example/p?x=1\",\"referrer\":\"\",\"violated-directive\":\"script-src-elem\",\"effective-directive\":\"script-src-elem\",\"original-policy\":\"default-src 'self'\",\"disposition\":\"enforce\",\"blocked-uri\":\"inline\",\"line-number\":1,\"column-number\":9,\"source-file\":\"https://a.example/p?x=1\",\"status-code\":200,\"script-sample\":\"canary\""), REASON_NONE,
		"script-src-elem inline https://a.example/p https://a.example/p 1:9 enforce; +0"},
	{"Chromium's, the other one", MODERN, "[{\"age\":10,\"body\":{\"blockedURL\":\"https://evil.example/a.png?token=canary\",\"disposition\":\"report\",\"documentURL\":\"https://a.example/\",\"effectiveDirective\":\"img-src\",\"originalPolicy\":\"x\",\"referrer\":\"\",\"sample\":\"canary\",\"statusCode\":200},\"type\":\"csp-violation\",\"url\":\"https://a.example/\",\"user_agent\":\"x\"}]", REASON_NONE,
		"img-src https://evil.example/a.png https://a.example/  0:0 report; +0"},
	{"an older browser's", LEGACY, OLD("\"violated-directive\":\"img-src 'self' data:\",\"blocked-uri\":\"data\""), REASON_NONE, "img-src data   0:0 enforce; +0"},
	{"the effective one counts", LEGACY, OLD("\"violated-directive\":\"default-src 'self'\",\"effective-directive\":\"img-src\""), REASON_NONE, "img-src    0:0 enforce; +0"},
	{"a type with its charset", "Application/CSP-Report ; charset=utf-8", OLD("\"effective-directive\":\"img-src\""), REASON_NONE, "img-src    0:0 enforce; +0"},
	{"two and something else", MODERN, "[" NEW("\"effectiveDirective\":\"img-src\"") ",{\"type\":\"deprecation\",\"body\":{\"effectiveDirective\":\"x\"}}," NEW("\"effectiveDirective\":\"font-src\"") ",7]", REASON_NONE, "img-src    0:0 enforce; font-src    0:0 enforce; +2"},
	{"none", MODERN, "[]", REASON_NONE, "+0"},
	{"no directive", LEGACY, OLD("\"blocked-uri\":\"inline\""), REASON_NONE, "+1"},
	{"a directive with lines", LEGACY, OLD("\"effective-directive\":\"img\\nsrc\""), REASON_NONE, "+1"},
	{"a directive in capitals", LEGACY, OLD("\"effective-directive\":\"IMG-SRC\""), REASON_NONE, "+1"},
	{"a directive that is no text", LEGACY, OLD("\"effective-directive\":{\"a\":1}"), REASON_NONE, "+1"},
	{"a body that is none", MODERN, "[{\"type\":\"csp-violation\",\"body\":\"x\"},{\"type\":\"csp-violation\"}]", REASON_NONE, "+2"},
	{"the other form's names", MODERN, "[" NEW("\"effective-directive\":\"img-src\"") "]", REASON_NONE, "+1"},
	{"places that are none", LEGACY, OLD("\"effective-directive\":\"img-src\",\"line-number\":-4,\"column-number\":99999999999"), REASON_NONE, "img-src    0:0 enforce; +0"},
	{"places that are no numbers", LEGACY, OLD("\"effective-directive\":\"img-src\",\"line-number\":\"4\",\"column-number\":1.5"), REASON_NONE, "img-src    0:0 enforce; +0"},
	{"texts that are none", LEGACY, OLD("\"effective-directive\":\"img-src\",\"blocked-uri\":4,\"document-uri\":[],\"source-file\":null"), REASON_NONE, "img-src    0:0 enforce; +0"},
	{"an array of the old form", LEGACY, "[" OLD("\"effective-directive\":\"img-src\"") "]", REASON_BODY_MALFORMED, "+0"},
	{"no array of the new form", MODERN, NEW("\"effectiveDirective\":\"img-src\""), REASON_BODY_MALFORMED, "+0"},
	{"the old form as the new one", MODERN, OLD("\"effective-directive\":\"img-src\""), REASON_BODY_MALFORMED, "+0"},
	{"no object inside", LEGACY, "{\"csp-report\":[]}", REASON_BODY_MALFORMED, "+0"},
	{"nothing", LEGACY, "", REASON_BODY_MALFORMED, "+0"},
	{"half a report", LEGACY, "{\"csp-report\":{", REASON_BODY_MALFORMED, "+0"},
	{"the same member twice", LEGACY, OLD("\"effective-directive\":\"img-src\",\"effective-directive\":\"x\""), REASON_BODY_MALFORMED, "+0"},
	{"nested too deep", MODERN, "[[[[[[[[[1]]]]]]]]]", REASON_BODY_MALFORMED, "+0"},
	{"JSON of another type", "application/json", OLD("\"effective-directive\":\"img-src\""), REASON_BODY_MALFORMED, "+0"},
	{"no type", "", OLD("\"effective-directive\":\"img-src\""), REASON_BODY_MALFORMED, "+0"},
	{"a type that begins like one", "application/csp-reports", OLD("\"effective-directive\":\"img-src\""), REASON_BODY_MALFORMED, "+0"},
	/* clang-format on */
};

static struct slice told(const struct reports *r)
{
	static char text[4096];
	size_t len = 0;

	for (unsigned i = 0; i < r->count; i++) {
		const struct report *one = &r->items[i];
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%.*s %.*s %.*s %.*s %d:%d %s; ", SLICE_ARG(one->directive),
					SLICE_ARG(one->blocked), SLICE_ARG(one->document),
					SLICE_ARG(one->source), (int)one->line, (int)one->column,
					one->enforced ? "enforce" : "report");
	}
	len += (size_t)snprintf(text + len, sizeof(text) - len, "+%u", r->left_out);
	return slice_of(text, len);
}

static void both_forms_are_read(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		struct reports r;
		const char *detail;
		arena_reset(&arena);
		enum reason reason = report_read(slice_from_cstr(at->type),
						 slice_from_cstr(at->body), &arena, &r, &detail);
		ROW_EQ(at, slice_from_cstr(reason_word(reason)),
		       slice_from_cstr(reason_word(at->reason)));
		ROW_CHECK(at, (detail != NULL) == (reason == REASON_BODY_MALFORMED));
		ROW_EQ(at, told(&r), slice_from_cstr(at->wanted));
	}
}

static void there_is_an_end_to_everything(void **state)
{
	static char body[REPORT_BODY_MAX + 1];
	struct reports r;
	const char *detail;
	struct buf b;

	(void)state;
	arena_reset(&arena);
	memset(body, ' ', sizeof(body));
	assert_int_equal(report_read(SLICE(MODERN), slice_of(body, sizeof(body)), &arena, &r, &detail),
			 REASON_BODY_TOO_LARGE);
	body[0] = '[', body[1] = ']';
	assert_int_equal(report_read(SLICE(MODERN), slice_of(body, REPORT_BODY_MAX), &arena, &r, &detail),
			 REASON_NONE);
	buf_init(&b, REPORT_BODY_MAX);
	for (unsigned i = 0; i < REPORTS_MAX + 3; i++)
		assert_int_equal(buf_printf(&b, "%s" NEW("\"effectiveDirective\":\"img-src\""),
					    i ? "," : "["), 0);
	assert_int_equal(buf_append(&b, SLICE("]")), 0);
	assert_int_equal(report_read(SLICE(MODERN), buf_slice(&b), &arena, &r, &detail), REASON_NONE);
	assert_int_equal(r.count, REPORTS_MAX);
	assert_int_equal(r.left_out, 3);
	buf_deinit(&b);
}

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 4096, 512 * 1024);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_cleaned),
		cmocka_unit_test(both_forms_are_read),
		cmocka_unit_test(there_is_an_end_to_everything),
	};
	return cmocka_run_group_tests_name("policy/report", tests, setup, teardown);
}
