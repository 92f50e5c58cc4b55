/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request target against a set of routes. Holds: the decision does not depend on the
 * routes' order; the path written anew is read back as the same pieces; the path to the
 * application has the parameters' values at their places and nothing that was not meant.
 */
#include "base/obj.h"
#include "policy/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LITERAL(t)                                                                                 \
	{                                                                                          \
		.text = { t, sizeof(t) - 1 }                                                       \
	}
#define PARAMETER(t)                                                                               \
	{                                                                                          \
		.text = {t, sizeof(t) - 1}, .parameter = true                                      \
	}
#define PIECES(name) .segments = name, .count = sizeof(name) / sizeof((name)[0])

static const struct conf_segment a[] = {LITERAL("a")}, ab[] = {LITERAL("a"), LITERAL("b")},
				 x[] = {PARAMETER("x")}, xb[] = {PARAMETER("x"), LITERAL("b")},
				 ay[] = {LITERAL("a"), PARAMETER("y")},
				 xy[] = {PARAMETER("x"), PARAMETER("y")};

enum { ROUTES = 11 };

static const struct conf_path paths[ROUTES] = {
	{.prefix = true},
	{.trailing_slash = true},
	{PIECES(a)},
	{PIECES(a), .prefix = true},
	{PIECES(x)},
	{PIECES(x), .trailing_slash = true},
	{PIECES(x), .prefix = true},
	{PIECES(ab)},
	{PIECES(xb)},
	{PIECES(ay)},
	{PIECES(xy), .prefix = true},
};

static const struct conf_segment up[] = {LITERAL("up"), PARAMETER("y"), PARAMETER("x")};
static const struct conf_path upstream = {PIECES(up), .prefix = true};

static void must_be_same_path(const struct http_target *t, struct slice text, struct arena *arena,
			      size_t skip_own, size_t skip_new)
{
	struct http_target again;
	MUST(http_target_parse(text, arena, &again, NULL) == REASON_NONE);
	MUST(again.segment_count - skip_new == t->segment_count - skip_own);
	for (size_t i = skip_own; i < t->segment_count; i++)
		MUST(slice_eq(t->segments[i], again.segments[i - skip_own + skip_new]));
	MUST(again.trailing_slash == t->trailing_slash);
}

static void try_path_out(const struct http_target *t, const struct route_match *m,
			 struct arena *arena)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	MUST(route_own_path(t, &b) == 0);
	must_be_same_path(t, buf_slice(&b), arena, 0, 0);
	buf_clear(&b);
	/* With both parameters matched, "up", y and x stand before the rest: one piece more
	 * than came, and our own parser has a maximum. */
	if (m->param_count == 2 && t->segment_count < HTTP_SEGMENTS_MAX) {
		MUST(route_upstream_path(&upstream, m, t, &b) == 0);
		must_be_same_path(t, buf_slice(&b), arena, m->rest, 3);
		struct http_target out;
		MUST(http_target_parse(buf_slice(&b), arena, &out, NULL) == REASON_NONE);
		MUST(slice_eq(out.segments[1], m->params[1].value));
		MUST(slice_eq(out.segments[2], m->params[0].value));
	}
	buf_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_route forth[ROUTES] = {0}, back[ROUTES] = {0};
	const struct snapshot one = {.routes = forth, .route_count = ROUTES};
	const struct snapshot two = {.routes = back, .route_count = ROUTES};
	struct http_target t;
	struct route_match m = {0}, other = {0};
	struct arena arena;
	for (size_t i = 0; i < ROUTES; i++)
		forth[i].path = back[ROUTES - 1 - i].path = paths[i];
	arena_init(&arena, 65536, 1 << 22);
	if (size < 8192 && http_target_parse(slice_of((const char *)data, size), &arena, &t,
					     NULL) == REASON_NONE) {
		const struct conf_route *found = route_find(&one, &t, &m);
		const struct conf_route *again = route_find(&two, &t, &other);
		MUST((found != NULL) == !t.asterisk && (again != NULL) == (found != NULL));
		if (found) {
			MUST(found->path.segments == again->path.segments &&
			     found->path.prefix == again->path.prefix &&
			     found->path.trailing_slash == again->path.trailing_slash);
			MUST(m.param_count == other.param_count);
			try_path_out(&t, &m, &arena);
		}
	}
	arena_deinit(&arena);
	return 0;
}
