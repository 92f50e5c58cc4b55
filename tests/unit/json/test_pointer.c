/* SPDX-License-Identifier: Apache-2.0 */
#include "json/pointer.h"

#include <stdlib.h>

#include "unit.h"

#include "json/read.h"

static struct arena arena;
static struct json_doc doc;

static const struct json_node *value(const char *text)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;

	if (json_read(slice_from_cstr(text), &limits, &arena, &doc))
		fail_msg("%s: %s at %zu", text, json_fault_word(doc.fault), doc.at);
	return doc.root;
}

/* The document of RFC 6901 section 5, but for the keys " " and k"l, and some of our own. */
static const char document[] =
	"{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
	"\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9,\"deep\":[[{\"x\":[10,11,12,13,14,15,16,17,18,19,"
	"{\"y\":\"here\"}]}]],\"01\":{\"-\":{\"0\":20}}}";

static const struct {
	const char *pointer, *wanted; /* NULL: points to nothing */
} pointers[] = {
	/* clang-format off */
	{"", "object"}, {"/foo", "array"}, {"/foo/0", "bar"}, {"/foo/1", "baz"}, {"/", "0"},
	{"/a~1b", "1"}, {"/c%d", "2"}, {"/e^f", "3"}, {"/g|h", "4"}, {"/i\\j", "5"},
	{"/k\"l", "6"}, {"/ ", "7"}, {"/m~0n", "8"}, {"/~01", "9"},
	{"/deep/0/0/x/10/y", "here"}, {"/01/-/0", "20"},
	{"/foo/2", NULL}, {"/foo/-", NULL}, {"/foo/00", NULL}, {"/foo/01", NULL}, {"/foo/+1", NULL},
	{"/foo/-1", NULL}, {"/foo/1e0", NULL}, {"/foo/", NULL}, {"/foo/4294967296", NULL},
	{"/foo/18446744073709551616", NULL}, {"/foo/0/0", NULL}, {"/bar", NULL}, {"//", NULL},
	{"/fo", NULL}, {"/fooo", NULL}, {"/foo/0 ", NULL}, {"/deep/0/0/x/10/y/", NULL},
	/* not well-formed */
	{"foo", NULL}, {"#/foo", NULL}, {"/~", NULL}, {"/~2", NULL}, {"/m~n", NULL}, {"/foo~", NULL},
	/* clang-format on */
};

static void pointers_lead_to_values(void **state)
{
	const struct json_node *root = value(document);
	char room[128];

	(void)state;
	EACH_ROW (at, pointers) {
		struct slice pointer = slice_from_cstr(at->pointer);
		const struct json_node *v = json_pointer_get(root, pointer);
		if (!v != !at->wanted)
			fail_msg("%s", at->pointer);
		if (!v)
			continue;
		struct slice got = json_string(v);
		if (json_type(v) == JSON_NUMBER)
			got = json_number_text(v);
		else if (json_type(v) != JSON_STRING)
			got = slice_from_cstr(json_type_name(json_type(v)));
		unit_row_eq(at->pointer, got, slice_from_cstr(at->wanted));
		/* And back. */
		unit_row_eq(at->pointer, json_pointer_to(root, v, room, sizeof(room)), pointer);
	}
	assert_null(json_pointer_get(NULL, SLICE("")));
	assert_null(json_pointer_get(NULL, SLICE("/a")));
	assert_ptr_equal(json_pointer_get(root, slice_of(NULL, 0)), root);
}

static void well_formed_pointers(void **state)
{
	(void)state;
	assert_true(json_pointer_valid(SLICE("")));
	assert_true(json_pointer_valid(SLICE("/a~0b~1")));
	assert_false(json_pointer_valid(SLICE("a")));
	assert_false(json_pointer_valid(SLICE("/~")));
	assert_false(json_pointer_valid(SLICE("/~2")));
}

static void a_key_has_the_pointer_of_its_member(void **state)
{
	const struct json_node *root = value("{\"a\":{\"b\":[1]},\"c\":2}");
	char room[64];

	(void)state;
	assert_slice(json_pointer_to(root, root + 1, room, sizeof(room)), "/a");
	assert_slice(json_pointer_to(root, root + 3, room, sizeof(room)), "/a/b");
	assert_slice(json_pointer_to(root, root + 6, room, sizeof(room)), "/c");
	/* Below another root than the tape's. */
	assert_slice(json_pointer_to(root + 2, root + 5, room, sizeof(room)), "/b/0");
	assert_slice(json_pointer_to(root + 2, root + 7, room, sizeof(room)), "");
	assert_slice(json_pointer_to(root + 2, root + 1, room, sizeof(room)), "");
	assert_slice(json_pointer_to(NULL, root, room, sizeof(room)), "");
}

/* Whatever room there is: whole, or cut behind a whole segment, or nothing. */
static void room_is_never_exceeded(void **state)
{
	const struct json_node *root = value("{\"one\":[{\"t~o\":{\"three\":4}}]}");
	const struct json_node *v = json_pointer_get(root, SLICE("/one/0/t~0o/three"));
	char *room;

	(void)state;
	for (size_t bytes = 0; bytes < 24; bytes++) {
		room = malloc(bytes + !bytes);
		struct slice got = json_pointer_to(root, v, room, bytes);
		assert_true(got.len <= bytes);
		assert_slice(got, bytes >= 17   ? "/one/0/t~0o/three"
				  : bytes >= 15 ? "/one/0/t~0o/..."
				  : bytes >= 10 ? "/one/0/..."
				  : bytes >= 8  ? "/one/..."
				  : bytes >= 4  ? "/..."
						: "");
		free(room);
	}
}

static void segments_are_escaped(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 12);
	assert_int_equal(json_pointer_append(&out, SLICE("a/b~c")), 0);
	assert_int_equal(json_pointer_append(&out, SLICE("")), 0);
	assert_slice(buf_slice(&out), "/a~1b~0c/");
	assert_int_equal(json_pointer_append(&out, SLICE("~~")), BUF_FULL);
	assert_int_equal(json_pointer_append(&out, SLICE("de")), 0);
	assert_slice(buf_slice(&out), "/a~1b~0c//de");
	buf_deinit(&out);
}

static int make_arena(void **state)
{
	(void)state;
	arena_init(&arena, 65536, 1 << 20);
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
		cmocka_unit_test(pointers_lead_to_values),
		cmocka_unit_test(well_formed_pointers),
		cmocka_unit_test(a_key_has_the_pointer_of_its_member),
		cmocka_unit_test(room_is_never_exceeded),
		cmocka_unit_test(segments_are_escaped),
	};
	return cmocka_run_group_tests_name("json/pointer", tests, make_arena, free_arena);
}
