/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/route.h"

#include "base/err.h"

#include "policy_unit.h"

#define PATH(t, ...) {.text = {t, sizeof(t) - 1}, __VA_ARGS__}

/* In an order that is wrong everywhere: the most specific ones last. */
/* clang-format off */
static const struct conf_route routes[] = {
	{.path = PATH("/*", .prefix = true)},
	{.path = PATH("/a/*", SEGMENTS(LITERAL("a")), .prefix = true)},
	{.path = PATH("/{x}/b/c", SEGMENTS(PARAMETER("x"), LITERAL("b"), LITERAL("c")))},
	{.path = PATH("/a/{y}", SEGMENTS(LITERAL("a"), PARAMETER("y")))},
	{.path = PATH("/{x}/b", SEGMENTS(PARAMETER("x"), LITERAL("b")))},
	{.path = PATH("/{x}/*", SEGMENTS(PARAMETER("x")), .prefix = true)},
	{.path = PATH("/a/b/*", SEGMENTS(LITERAL("a"), LITERAL("b")), .prefix = true)},
	{.path = PATH("/a/b", SEGMENTS(LITERAL("a"), LITERAL("b")))},
	{.path = PATH("/a/b/", SEGMENTS(LITERAL("a"), LITERAL("b")), .trailing_slash = true)},
	{.path = PATH("/", .trailing_slash = true)},
	{.path = PATH("/one", SEGMENTS(LITERAL("one")))},
	{.path = PATH("/caf\xc3\xa9", SEGMENTS(LITERAL("caf\xc3\xa9")))},
};
/* clang-format on */

static struct arena arena;

static void parse(const char *says, const char *text, struct http_target *t)
{
	arena_deinit(&arena);
	arena_init(&arena, 16384, 65536);
	if (http_target_parse(slice_from_cstr(text), &arena, t, NULL) != REASON_NONE)
		fail_msg("%s: %s is no target", says, text);
}

static void the_most_specific_route_has_it(void **state)
{
	static const struct {
		const char *says, *path, *wanted, *params;
	} rows[] = {
		{"the root", "/", "/", ""},
		{"exact before parameter before prefix", "/a/b", "/a/b", ""},
		{"a final slash is another path", "/a/b/", "/a/b/", ""},
		{"the longer prefix", "/a/b/c/d", "/a/b/*", ""},
		{"left to right, the literal first", "/a/b/c", "/a/b/*", ""},
		{"a literal before a parameter, from the left", "/a/c", "/a/{y}", "y=c"},
		{"a parameter where no literal is", "/z/b", "/{x}/b", "x=z"},
		{"whole path before prefix", "/z/b/c", "/{x}/b/c", "x=z"},
		{"a prefix with a parameter", "/z/q", "/{x}/*", "x=z"},
		{"a prefix takes what is behind its slash", "/a/", "/a/*", ""},
		{"but not itself", "/a", "/*", ""},
		{"nothing else", "/two", "/*", ""},
		{"case matters", "/One", "/*", ""},
		{"decoded before it is compared", "/%6fne", "/one", ""},
		{"decoded UTF-8", "/caf%C3%A9", "/caf\xc3\xa9", ""},
		{"decoded once only", "/%256fne", "/*", ""},
		{"a parameter's value is decoded", "/a/x%20y%25", "/a/{y}", "y=x y%"},
		{"a query is no part of it", "/one?/a/b", "/one", ""},
	};
	const struct snapshot s = {.routes = routes, .route_count = COUNT(routes)};
	struct http_target t;
	struct route_match m;
	(void)state;
	EACH_ROW (at, rows) {
		parse(at->says, at->path, &t);
		const struct conf_route *route = route_find(&s, &t, &m);
		ROW_CHECK(at, route != NULL);
		ROW_EQ(at, route->path.text, slice_from_cstr(at->wanted));
		char params[256] = "";
		for (size_t i = 0; i < m.param_count; i++)
			snprintf(params + strlen(params), sizeof(params) - strlen(params),
				 "%.*s=%.*s", SLICE_ARG(m.params[i].name),
				 SLICE_ARG(m.params[i].value));
		ROW_EQ(at, slice_from_cstr(params), slice_from_cstr(at->params));
	}
	arena_deinit(&arena);
}

/* The same decision whatever the order in the file. */
static void order_does_not_matter(void **state)
{
	static const char *const paths[] = {"/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/c",
					    "/z/b", "/z/b/c", "/z/", "/z/q/r", "/one"};
	struct conf_route turned[COUNT(routes)];
	struct snapshot s = {.routes = turned, .route_count = COUNT(routes)};
	struct http_target t;
	struct route_match m;
	(void)state;
	for (size_t p = 0; p < COUNT(paths); p++) {
		struct slice first = {NULL, 0};
		parse(paths[p], paths[p], &t);
		for (size_t by = 0; by < 2 * COUNT(routes); by++) {
			for (size_t i = 0; i < COUNT(routes); i++) {
				size_t from = (i + by) % COUNT(routes);
				turned[i] = routes[by < COUNT(routes) ? from
								      : COUNT(routes) - 1 - from];
			}
			struct slice got = route_find(&s, &t, &m)->path.text;
			if (!by)
				first = got;
			unit_row_eq(paths[p], got, first);
		}
	}
	arena_deinit(&arena);
}

static const struct conf_route some[] = {
	{.path = PATH("/chat/{room}", SEGMENTS(LITERAL("chat"), PARAMETER("room")))},
	{.path = PATH("/api/*", SEGMENTS(LITERAL("api")), .prefix = true)},
};

static void no_route_takes_it(void **state)
{
	static const char *const paths[] = {"/",	 "/chat",	 "/chat/", "/chat/a/",
					    "/chat/a/b", "/CHAT/a",	 "/chats/a", "/api",
					    "/apix/y",	 "/x/chat/lobby"};
	const struct snapshot s = {.routes = some, .route_count = COUNT(some)};
	const struct snapshot none = {0};
	struct http_target t;
	struct route_match m;
	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		parse(paths[i], paths[i], &t);
		if (route_find(&s, &t, &m))
			fail_msg("%s has a route", paths[i]);
		assert_null(route_find(&none, &t, &m));
		assert_null(route_find_site(&s, &t, &m));
	}
	t = (struct http_target){.asterisk = true};
	assert_null(route_find(&(struct snapshot){.routes = routes, .route_count = COUNT(routes)},
			       &t, &m));
	arena_deinit(&arena);
}

/* The parser never makes an empty piece; a parameter would not take one either. */
static void a_parameter_is_never_empty(void **state)
{
	struct http_target t = {.segments = {SLICE("z"), SLICE("b")}, .segment_count = 2};
	struct route_match m;
	(void)state;
	assert_true(route_match_path(&routes[4].path, &t, &m));
	t.segments[0].len = 0;
	assert_false(route_match_path(&routes[4].path, &t, &m));
}

static void parameters_have_a_maximum(void **state)
{
	struct conf_segment segments[ROUTE_PARAMS_MAX + 1];
	struct http_target t;
	struct route_match m;
	(void)state;
	for (size_t i = 0; i < COUNT(segments); i++)
		segments[i] = (struct conf_segment)PARAMETER("x");
	const struct conf_path most = {.segments = segments, .count = ROUTE_PARAMS_MAX};
	const struct conf_path more = {.segments = segments, .count = ROUTE_PARAMS_MAX + 1};
	parse("16", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", &t);
	assert_true(route_match_path(&most, &t, &m));
	assert_int_equal(m.param_count, ROUTE_PARAMS_MAX);
	assert_slice(m.params[15].value, "16");
	parse("17", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", &t);
	assert_false(route_match_path(&more, &t, &m));
	arena_deinit(&arena);
}

/* clang-format off */
static const struct conf_path exact = PATH("/chat/{room}/{day}", SEGMENTS(LITERAL("chat"),
				      PARAMETER("room"), PARAMETER("day")));
static const struct conf_path prefix =
	PATH("/app/{room}/*", SEGMENTS(LITERAL("app"), PARAMETER("room")), .prefix = true);
static const struct conf_path both = PATH("/{day}/x y/{room}/", SEGMENTS(PARAMETER("day"),
				     LITERAL("x y"), PARAMETER("room")),
				     .trailing_slash = true);
static const struct conf_path root = PATH("/", .trailing_slash = true);
static const struct conf_path all = PATH("/*", .prefix = true);
static const struct conf_path wrong = PATH("/{rom}", SEGMENTS(PARAMETER("rom")));
/* clang-format on */

static void the_path_to_the_application(void **state)
{
	static const struct {
		const char *says;
		const struct conf_path *route;
		const char *path;
		const struct conf_path *upstream;
		const char *wanted; /* NULL: -EINVAL */
	} rows[] = {
		{"parameters by name", &exact, "/chat/a/b", &both, "/b/x%20y/a/"},
		{"encoded anew", &exact, "/chat/%c3%a9%2e/a%3fb%23c%25%7E", &both,
		 "/a%3Fb%23c%25~/x%20y/%C3%A9./"},
		{"line ends cannot leave", &exact, "/chat/a:b@c;d/e", &both,
		 "/e/x%20y/a%3Ab%40c%3Bd/"},
		{"a fixed path", &exact, "/chat/a/b", &root, "/"},
		{"the rest of a prefix", &prefix, "/app/r/x/y%20z", &all, "/x/y%20z"},
		{"its slash", &prefix, "/app/r/x/", &all, "/x/"},
		{"nothing but the slash", &prefix, "/app/r/", &all, "/"},
		{"prefix to prefix", &prefix, "/app/r/x", &prefix, "/app/r/x"},
		{"prefix to prefix, nothing", &prefix, "/app/r/", &prefix, "/app/r/"},
		{"a prefix to a whole path", &prefix, "/app/r/x", &root, "/"},
		{"a parameter that is not there", &exact, "/chat/a/b", &wrong, NULL},
	};
	struct http_target t;
	struct route_match m;
	struct buf b;
	(void)state;
	buf_init(&b, 1024);
	EACH_ROW (at, rows) {
		parse(at->says, at->path, &t);
		ROW_CHECK(at, route_match_path(at->route, &t, &m));
		buf_clear(&b);
		int r = route_upstream_path(at->upstream, &m, &t, &b);
		ROW_CHECK(at, r == (at->wanted ? 0 : -EINVAL));
		if (at->wanted)
			ROW_EQ(at, buf_slice(&b), slice_from_cstr(at->wanted));
	}
	buf_deinit(&b);
	arena_deinit(&arena);
}

static void a_path_as_one_text(void **state)
{
	static const struct {
		const char *says, *path, *text, *own;
	} rows[] = {
		{"the root", "/", "/", "/"},
		{"one piece", "/a", "/a", "/a"},
		{"a final slash", "/a/", "/a/", "/a/"},
		{"decoded", "/%61/b%20c", "/a/b c", "/a/b%20c"},
	};
	struct http_target t;
	struct buf b;
	(void)state;
	buf_init(&b, 64);
	EACH_ROW (at, rows) {
		parse(at->says, at->path, &t);
		ROW_EQ(at, route_path_text(&t, &arena), slice_from_cstr(at->text));
		buf_clear(&b);
		ROW_CHECK(at, route_own_path(&t, &b) == 0);
		ROW_EQ(at, buf_slice(&b), slice_from_cstr(at->own));
	}
	b.max = 3;
	buf_clear(&b);
	assert_int_equal(route_own_path(&t, &b), BUF_FULL);
	struct arena full;
	arena_init(&full, 64, 0);
	assert_null(route_path_text(&t, &full).data);
	arena_deinit(&full);
	buf_deinit(&b);
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_route_has_it),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(no_route_takes_it),
		cmocka_unit_test(a_parameter_is_never_empty),
		cmocka_unit_test(parameters_have_a_maximum),
		cmocka_unit_test(the_path_to_the_application),
		cmocka_unit_test(a_path_as_one_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
