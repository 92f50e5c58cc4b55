/* SPDX-License-Identifier: Apache-2.0 */
#include "json/write.h"

#include <errno.h>
#include <stdlib.h>

#include "unit.h"

#include "failmalloc.h"
#include "json/read.h"

static struct arena arena;
static const struct json_limits ordinary = JSON_LIMITS_DEFAULT;

static void read_into(struct json_doc *doc, struct slice text)
{
	if (json_read(text, &ordinary, &arena, doc))
		fail_msg("%.*s: %s at %zu", SLICE_ARG(text), json_fault_word(doc->fault), doc->at);
}

static const struct json_node *value(const char *text)
{
	struct json_doc doc;

	read_into(&doc, slice_from_cstr(text));
	return doc.root;
}

static void strings_are_written_one_way(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_int_equal(json_write_string(&out, SLICE("a\"b\\c/d\b\f\n\r\t\x01\x1f\x7f'<>&")), 0);
	assert_slice(buf_slice(&out),
		     "\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\\u0001\\u001f\x7f'<>&\"");
	buf_clear(&out);
	assert_int_equal(json_write_string(&out, SLICE("\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80")), 0);
	assert_slice(buf_slice(&out), "\"\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80\"");
	buf_clear(&out);
	assert_int_equal(json_write_string(&out, SLICE("\0")), 0);
	assert_slice(buf_slice(&out), "\"\\u0000\"");
	assert_int_equal(json_write_string(&out, slice_of(NULL, 0)), 0);
	assert_slice(buf_slice(&out), "\"\\u0000\"\"\"");
	buf_deinit(&out);
}

/* Every maximum: all of it, or nothing, and what was there before stays. */
static void a_full_buffer_takes_nothing(void **state)
{
	static const char text[] = "{\"a\":[1,2.50,true,null],\"b\":\"x\\ny\",\"c\":{}}";
	const struct json_node *v = value(text);
	const size_t length = sizeof(text) - 1;
	struct buf out;

	(void)state;
	for (size_t max = 3; max < 60; max++) {
		buf_init(&out, max);
		assert_int_equal(buf_append(&out, SLICE(">>>")), 0);
		buf_take(&out, max > 20 ? 2 : 0);
		size_t there = buf_waiting(&out);
		int r = json_write(v, NULL, &out);
		assert_int_equal(r, max - there < length ? BUF_FULL : 0);
		assert_int_equal(buf_waiting(&out), there + (r ? 0 : length));
		assert_int_equal(*buf_slice(&out).data, '>');
		if (r == 0)
			assert_slice(slice_from(buf_slice(&out), there), text);
		assert_int_equal(json_write_string(&out, SLICE("0123456789")),
				 max - buf_waiting(&out) < 12 ? BUF_FULL : 0);
		buf_deinit(&out);
	}
}

/* buf_printf leaves one byte more than the maximum behind it, for its NUL. */
static void a_buffer_that_was_printed_to_has_no_more_room(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 10);
	assert_int_equal(buf_printf(&out, "%s", "12345"), 0);
	assert_int_equal(json_write_string(&out, SLICE("abcd")), BUF_FULL);
	assert_int_equal(json_write_string(&out, SLICE("abc")), 0);
	assert_slice(buf_slice(&out), "12345\"abc\"");
	buf_deinit(&out);
}

static void without_memory_nothing_is_written(void **state)
{
	static const char text[] = "{\"a\":\"a text that does not fit twice\"}";
	const struct json_node *v = value(text);
	struct buf out;

	(void)state;
	FAILMALLOC_EACH (n) {
		buf_init(&out, 4096);
		assert_int_equal(buf_append(&out, SLICE("-")), 0);
		failmalloc_at(n);
		int r = 0;
		for (int i = 0; i < 20 && r == 0; i++)
			r = json_write(v, NULL, &out);
		bool failed = failmalloc_stop();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal((buf_waiting(&out) - 1) % (sizeof(text) - 1), 0);
		buf_deinit(&out);
		if (!failed)
			break;
	}
}

/* ---- changes */

static const char before[] = "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1}}";

struct change {
	enum { END, STRING, VALUE, REMOVE, REMOVE_KEY, ADD, SET } kind;
	const char *at;   /* pointer-like path: see find() */
	const char *name; /* ADD, SET */
	const char *what; /* text of the string or JSON */
};

static const struct {
	const char *says;
	struct change changes[5];
	const char *wanted;
} edits[] = {
	/* clang-format off */
	{"nothing", {{0}}, before},
	{"a string", {{STRING, "text", 0, "&lt;b&gt;\n"}},
	 "{\"user\":\"u\",\"text\":\"&lt;b&gt;\\n\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1}}"},
	{"a string in the place of an object", {{STRING, "n", 0, ""}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":\"\"}"},
	{"a value", {{VALUE, "user", 0, "{\"sub\":[true,1e0]}"}},
	 "{\"user\":{\"sub\":[true,1e0]},\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1}}"},
	{"the whole", {{VALUE, "", 0, "[]"}}, "[]"},
	{"the whole as a string", {{STRING, "", 0, "x"}}, "\"x\""},
	{"the first member goes", {{REMOVE, "user", 0, 0}},
	 "{\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1}}"},
	{"the last member goes, by its key", {{REMOVE_KEY, "n", 0, 0}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3]}"},
	{"all members go", {{REMOVE, "user", 0, 0}, {REMOVE, "text", 0, 0}, {REMOVE, "list", 0, 0}, {REMOVE, "n", 0, 0}}, "{}"},
	{"an item goes", {{REMOVE, "list/0", 0, 0}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[{\"x\":1},3],\"n\":{\"a\":1}}"},
	{"all items go", {{REMOVE, "list/0", 0, 0}, {REMOVE, "list/2", 0, 0}, {REMOVE, "list/1", 0, 0}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[],\"n\":{\"a\":1}}"},
	{"one more member", {{ADD, "list/1", "y\n", "2"}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1,\"y\\n\":2},3],\"n\":{\"a\":1}}"},
	{"three more, in order", {{ADD, "n", "b", "2"}, {ADD, "n", "c", "[3]"}, {ADD, "n", "d", "4"}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1,\"b\":2,\"c\":[3],\"d\":4}}"},
	{"one more where all others went", {{REMOVE, "n/a", 0, 0}, {ADD, "n", "b", "{}"}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"b\":{}}}"},
	{"a member that is there is set at its place", {{SET, "", "text", "7"}},
	 "{\"user\":\"u\",\"text\":7,\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1}}"},
	{"one that is not there is added", {{SET, "", "at", "7"}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1},\"at\":7}"},
	{"setting it again changes it", {{SET, "", "at", "7"}, {SET, "", "to", "1"}, {SET, "", "at", "[8,9]"}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1},\"at\":[8,9],\"to\":1}"},
	{"the last change counts", {{STRING, "text", 0, "a"}, {REMOVE, "text", 0, 0}, {STRING, "text", 0, "b"}},
	 "{\"user\":\"u\",\"text\":\"b\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1}}"},
	{"a member removed and set again", {{REMOVE, "user", 0, 0}, {SET, "", "user", "1"}},
	 "{\"user\":1,\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"a\":1}}"},
	{"changes inside of what is removed", {{STRING, "n/a", 0, "z"}, {ADD, "n", "b", "1"}, {REMOVE, "n", 0, 0}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3]}"},
	{"changes inside of what is replaced", {{VALUE, "n", 0, "{\"q\":1}"}, {STRING, "n/a", 0, "z"}, {ADD, "n", "b", "1"}},
	 "{\"user\":\"u\",\"text\":\"<b>\",\"list\":[1,{\"x\":1},3],\"n\":{\"q\":1}}"},
	/* clang-format on */
};

/* "list/1" */
static const struct json_node *find(const struct json_node *v, const char *path)
{
	struct slice rest = slice_from_cstr(path), part;
	bool more = rest.len > 0;

	while (slice_next(&rest, &more, '/', &part))
		v = json_type(v) == JSON_ARRAY ? json_item(v, (uint32_t)(part.data[0] - '0'))
					       : json_member(v, part);
	assert_non_null(v);
	return v;
}

static int change(struct json_edits *e, const struct change *c)
{
	const struct json_node *v = find(e->root, c->at);

	switch (c->kind) {
	case STRING:
		return json_edit_string(e, v, slice_from_cstr(c->what));
	case VALUE:
		return json_edit_value(e, v, value(c->what));
	case REMOVE:
		return json_edit_remove(e, v);
	case REMOVE_KEY:
		return json_edit_remove(e, v - 1);
	case ADD:
		return json_edit_add(e, v, slice_from_cstr(c->name), value(c->what));
	case SET:
		return json_edit_set(e, v, slice_from_cstr(c->name), value(c->what));
	case END:
		break;
	}
	return 0;
}

/* As json_write writes it and as a new tape; both must say the same. */
static void check_result(const char *says, const struct json_edits *e, struct slice wanted)
{
	struct buf out, again;
	struct json_doc doc;
	uint32_t nodes;

	buf_init(&out, 65536);
	buf_init(&again, 65536);
	assert_int_equal(json_write(e->root, e, &out), 0);
	unit_row_eq(says, buf_slice(&out), wanted);
	const struct json_node *root = json_edits_apply(e, &arena, &nodes);
	assert_non_null(root);
	assert_ptr_equal(json_next(root), root + nodes);
	assert_int_equal(json_write(root, NULL, &again), 0);
	unit_row_eq(says, buf_slice(&again), wanted);
	/* The new tape is what reading its text gives: look-ups find everything. */
	read_into(&doc, buf_slice(&out));
	assert_int_equal(doc.nodes, nodes);
	assert_true(json_equal(root, doc.root) && json_equal(doc.root, root));
	buf_deinit(&out);
	buf_deinit(&again);
}

static void changes_are_laid_over_the_tape(void **state)
{
	struct json_doc doc;
	struct json_edits e;
	struct buf out;

	(void)state;
	EACH_ROW (at, edits) {
		arena_reset(&arena);
		read_into(&doc, slice_from_cstr(before));
		json_edits_init(&e, doc.root, doc.nodes, &arena);
		for (const struct change *c = at->changes; c < at->changes + 5 && c->kind; c++)
			assert_int_equal(change(&e, c), 0);
		ROW_CHECK(at, (e.count == 0) == (at->changes[0].kind == END));
		check_result(at->says, &e, slice_from_cstr(at->wanted));
		/* The tape itself is as before. */
		buf_init(&out, 4096);
		assert_int_equal(json_write(doc.root, NULL, &out), 0);
		ROW_EQ(at, buf_slice(&out), slice_from_cstr(before));
		buf_deinit(&out);
	}
}

static void a_part_is_written_with_its_changes(void **state)
{
	struct json_doc doc;
	struct json_edits e;
	struct buf out;

	(void)state;
	read_into(&doc, slice_from_cstr(before));
	json_edits_init(&e, doc.root, doc.nodes, &arena);
	assert_int_equal(json_edit_remove(&e, find(doc.root, "list/1/x")), 0);
	assert_int_equal(json_edit_remove(&e, find(doc.root, "user")), 0);
	buf_init(&out, 4096);
	assert_int_equal(json_write(find(doc.root, "list"), &e, &out), 0);
	assert_slice(buf_slice(&out), "[1,{},3]");
	buf_deinit(&out);
}

/* Many changes at random places: the list of them grows and moves. */
static void many_changes(void **state)
{
	static char text[20000];
	struct json_doc doc;
	struct json_edits e;
	struct buf out;
	uint32_t nodes;
	size_t len = 0;
	unsigned seed = 12345;

	(void)state;
	for (int i = 0; i < 200; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%c{\"id\":%d,\"text\":\"item %d\",\"tags\":[%d,%d]}",
					i ? ',' : '[', i, i, i, i + 1);
	text[len++] = ']';
	const struct json_node *other = value("{\"new\":[null]}");
	read_into(&doc, slice_of(text, len));
	json_edits_init(&e, doc.root, doc.nodes, &arena);
	for (int i = 0; i < 500; i++) {
		seed = seed * 1103515245 + 12345;
		const struct json_node *v = doc.root + 1 + (seed >> 8) % (doc.nodes - 1);
		int r;
		if (v->flags & JSON_IS_KEY)
			v++;
		if (i % 4 == 0)
			r = json_edit_remove(&e, v);
		else if (i % 4 == 1)
			r = json_edit_string(&e, v, SLICE("\"changed\""));
		else if (i % 4 == 2 || v->type != JSON_OBJECT)
			r = json_edit_value(&e, v, other);
		else
			r = json_edit_set(&e, v, SLICE("added"), other);
		assert_int_equal(r, 0);
	}
	buf_init(&out, 65536);
	const struct json_node *root = json_edits_apply(&e, &arena, &nodes);
	assert_non_null(root);
	assert_int_equal(json_write(root, NULL, &out), 0);
	check_result("many", &e, buf_slice(&out));
	buf_deinit(&out);
}

/* Each size of the arena: every change is made, or the writer refuses. */
static void changes_without_room_are_not_half_made(void **state)
{
	struct json_doc doc;
	struct json_edits e;
	struct buf out;
	bool complete = false;
	uint32_t nodes;

	(void)state;
	read_into(&doc, slice_from_cstr(before));
	const struct json_node *other = value("[1]");
	for (size_t max = 0; max < 4000 && !complete; max += 16) {
		struct arena small;
		int r = 0;
		arena_init(&small, 64, max);
		buf_init(&out, 4096);
		json_edits_init(&e, doc.root, doc.nodes, &small);
		for (int i = 0; i < 12; i++)
			r |= json_edit_add(&e, doc.root, SLICE("k"), other);
		r |= json_edit_remove(&e, find(doc.root, "user"));
		complete = r == 0;
		assert_int_equal(e.failed, !complete);
		assert_int_equal(json_write(doc.root, &e, &out), complete ? 0 : -ENOMEM);
		if (!complete) {
			assert_int_equal(buf_waiting(&out), 0);
			assert_null(json_edits_apply(&e, &arena, &nodes));
		} else {
			assert_non_null(json_edits_apply(&e, &arena, &nodes));
			struct arena none;
			arena_init(&none, 64, 0);
			assert_null(json_edits_apply(&e, &none, &nodes));
			arena_deinit(&none);
		}
		buf_deinit(&out);
		arena_deinit(&small);
	}
	assert_true(complete);
}

static int make_arena(void **state)
{
	(void)state;
	arena_init(&arena, 65536, 1 << 22);
	return 0;
}

static int free_arena(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_written_one_way),
		cmocka_unit_test(a_full_buffer_takes_nothing),
		cmocka_unit_test(a_buffer_that_was_printed_to_has_no_more_room),
		cmocka_unit_test(without_memory_nothing_is_written),
		cmocka_unit_test(changes_are_laid_over_the_tape),
		cmocka_unit_test(a_part_is_written_with_its_changes),
		cmocka_unit_test(many_changes),
		cmocka_unit_test(changes_without_room_are_not_half_made),
	};
	return cmocka_run_group_tests_name("json/write", tests, make_arena, free_arena);
}
