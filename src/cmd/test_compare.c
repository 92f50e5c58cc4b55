/* SPDX-License-Identifier: Apache-2.0 */
/* Is what was forwarded what was expected? See test_run_priv.h. */
#include "cmd/test_run_priv.h"
#include "json/pointer.h"
#include "json/read.h"

enum { POINTER_BYTES_MAX = 1 << 16, ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 28 };

/* The first place where they differ is behind `at` then. Depth is bounded by the reader's. */
static bool same(const struct json_node *wanted, const struct json_node *got, struct buf *at);

/* Without room for the pointer it stays that of the container: still true. */
static bool same_below(const struct json_node *wanted, const struct json_node *got,
		       struct slice segment, struct buf *at)
{
	size_t before = buf_waiting(at);
	bool appended = json_pointer_append(at, segment) == 0;

	if (wanted && got && same(wanted, got, at)) {
		buf_truncate(at, before);
		return true;
	}
	if (!appended)
		buf_truncate(at, before);
	return false;
}

static bool same_members(const struct json_node *wanted, const struct json_node *got,
			 struct buf *at)
{
	JSON_EACH_MEMBER (key, wanted) {
		struct slice name = json_string(key);
		if (!same_below(json_value_of(key), json_member(got, name), name, at))
			return false;
	}
	JSON_EACH_MEMBER (key, got) {
		struct slice name = json_string(key);
		if (!json_member(wanted, name))
			return same_below(NULL, json_value_of(key), name, at);
	}
	return true;
}

static bool same_items(const struct json_node *wanted, const struct json_node *got, struct buf *at)
{
	uint32_t most = json_count(wanted) > json_count(got) ? json_count(wanted) : json_count(got);
	const struct json_node *w = wanted + 1, *g = got + 1;

	for (uint32_t i = 0; i < most; i++) {
		const struct json_node *w_here = w != json_end(wanted) ? w : NULL;
		const struct json_node *g_here = g != json_end(got) ? g : NULL;
		char index[16];
		int len = snprintf(index, sizeof(index), "%u", i);
		if (!same_below(w_here, g_here, slice_of(index, (size_t)len), at))
			return false;
		w = json_next(w);
		g = json_next(g);
	}
	return true;
}

static bool same(const struct json_node *wanted, const struct json_node *got, struct buf *at)
{
	if (json_type(wanted) == JSON_OBJECT && json_type(got) == JSON_OBJECT)
		return same_members(wanted, got, at);
	if (json_type(wanted) == JSON_ARRAY && json_type(got) == JSON_ARRAY)
		return same_items(wanted, got, at);
	return json_equal(wanted, got);
}

static bool same_json(struct slice wanted, struct slice got, struct arena *keep,
		      struct slice *differs)
{
	static const struct json_limits limits = {.depth = JSON_DEPTH_MAX,
						  .members = UINT32_MAX,
						  .values = UINT32_MAX,
						  .big_integers = true,
						  .any_keys = true};
	struct json_doc wanted_doc, got_doc;
	struct arena a;
	struct buf at;
	bool equal = false;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	buf_init(&at, POINTER_BYTES_MAX);
	if (json_read(wanted, &limits, &a, &wanted_doc) == REASON_NONE &&
	    json_read(got, &limits, &a, &got_doc) == REASON_NONE) {
		equal = same(wanted_doc.root, got_doc.root, &at);
		if (!equal)
			*differs = arena_copy(keep, buf_slice(&at));
	}
	buf_deinit(&at);
	arena_deinit(&a);
	return equal;
}

bool test_compare(const struct test_expect *e, const struct test_result *r, struct arena *a,
		  struct slice *differs)
{
	*differs = slice_of(NULL, 0);
	switch (e->compare) {
	case TEST_ANYTHING:
		return true;
	case TEST_AS_JSON:
		return same_json(e->value, r->text, a, differs);
	case TEST_AS_TEXT:
		return !r->binary && slice_eq(e->value, r->text);
	case TEST_AS_BINARY:
		return r->binary && slice_eq(e->value, r->text);
	}
	return false;
}
