/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yaml.h"

#include <errno.h>

#include "unit.h"

static struct arena arena;
static struct diag d;

static int read_text(struct slice text, const struct yaml_node **root)
{
	arena_init(&arena, 4096, 64 * 1024 * 1024);
	diag_init(&d);
	return yaml_read(text, &arena, &d, root);
}

static void done(void)
{
	diag_deinit(&d);
	arena_deinit(&arena);
}

/* The tree as one line: {key=value@line:column,[...]} */
static void show(const struct yaml_node *node, struct buf *out)
{
	int r = 0;

	if (node->kind == YAML_SCALAR)
		r = buf_printf(out, "%s%.*s", node->quoted ? "'" : "", SLICE_ARG(node->text));
	else
		r = buf_printf(out, "%s", node->kind == YAML_MAP ? "{" : "[");
	YAML_EACH (item, node) {
		if (item != node->first)
			r |= buf_printf(out, ",");
		if (node->kind == YAML_MAP)
			r |= buf_printf(out, "%.*s@%u:%u=", SLICE_ARG(item->key),
					item->key_at.line, item->key_at.column);
		show(item, out);
		r |= buf_printf(out, "@%u:%u+%u", item->at.line, item->at.column, item->at.width);
	}
	if (node->kind != YAML_SCALAR)
		r |= buf_printf(out, "%s", node->kind == YAML_MAP ? "}" : "]");
	assert_int_equal(r, 0);
}

static void trees(void **state)
{
	static const struct {
		const char *says, *text, *wanted;
	} rows[] = {
		/* clang-format off */
		{"nothing", "", ""},
		{"only a comment", "# x\n", ""},
		{"one scalar", "abc\n", "abc"},
		{"a map", "a: 1\nbc: two words # no\n", "{a@1:1=1@1:4+1,bc@2:1=two words@2:5+9}"},
		{"a list below a key", "a:\n- x\n- y\n", "{a@1:1=[x@2:3+1,y@3:3+1]@2:1+1}"},
		{"an empty value stands where its key does", "ab:\n", "{ab@1:1=@1:1+2}"},
		{"flow", "{a: [1, {b: c}], d: {}}", "{a@1:2=[1@1:6+1,{b@1:10=c@1:13+1}@1:9+1]@1:5+1,d@1:18={}@1:21+1}"},
		{"JSON with tabs", "{\n\t\"a\": [true, null,\n\t\"x\"]}", "{a@2:3=[true@2:8+4,null@2:14+4,'x@3:3+1]@2:7+1}"},
		{"quotes", "a: 'it''s'\nb: \"\\u00e9\\n\"\n", "{a@1:1='it's@1:5+5,b@2:1='\xc3\xa9\n@2:5+8}"},
		{"a block", "a: |\n  x\n  y\n", "{a@1:1='x\ny\n@2:1+1}"},
		{"columns are characters", "\xc3\xa9\xc3\xa9: \xc3\xa9 # x\n", "{\xc3\xa9\xc3\xa9@1:1=\xc3\xa9@1:5+1}"},
		{"a byte order mark", "\xef\xbb\xbf" "a: 1", "{a@1:1=1@1:4+1}"},
		{"an alias is a copy", "a: &x {b: 1}\nc: *x\n", "{a@1:1={b@1:8=1@1:11+1}@1:7+1,c@2:1={b@1:8=1@1:11+1}@2:5+1}"},
		{"an anchor may be given anew", "a: &x 1\nb: *x\nc: &x 2\nd: *x\n", "{a@1:1=1@1:7+1,b@2:1=1@2:5+1,c@3:1=2@3:7+1,d@4:1=2@4:5+1}"},
		{"an explicit document", "---\na: 1\n...\n", "{a@2:1=1@2:4+1}"},
		{"carriage returns", "a: 1\r\nb: 2\r\n", "{a@1:1=1@1:4+1,b@2:1=2@2:4+1}"},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		const struct yaml_node *root = NULL;
		struct buf out;
		buf_init(&out, 1 << 20);
		ROW_CHECK(at, read_text(slice_from_cstr(at->text), &root) == 0);
		ROW_CHECK(at, d.errors == 0);
		show(root, &out);
		ROW_EQ(at, buf_slice(&out), slice_from_cstr(at->wanted));
		buf_deinit(&out);
		done();
	}
}

/* A text with its length, for rows. */
#define TEXT(literal) {literal, sizeof(literal) - 1}

static void refused(void **state)
{
	static const struct {
		const char *says;
		struct slice text;
		const char *words;
		uint32_t line, column;
	} rows[] = {
		/* clang-format off */
		{"the same key twice", TEXT("a: 1\nb: 2\na: 3"), "the key `a` is there twice", 3, 1},
		{"the same key in another spelling", TEXT("{\"a\": 1, a: 2}"), "twice", 1, 10},
		{"an open bracket", TEXT("a: [1\n"), "not YAML", 2, 1},
		{"tab as indentation", TEXT("a:\n\t- b"), "tab", 2, 1},
		{"a tag", TEXT("a: !!str 1"), "tags", 1, 4},
		{"a tag on a map", TEXT("a: !m {b: 1}"), "tags", 1, 4},
		{"a tag on a list", TEXT("a: ! [b]"), "tags", 1, 4},
		{"two documents", TEXT("a: 1\n---\nb: 2"), "second document", 2, 1},
		{"a merge key", TEXT("a: {<<: x}"), "merge", 1, 5},
		{"a list as key", TEXT("? [a]\n: b"), "plain text", 1, 3},
		{"a map as key", TEXT("? {a: b}\n: b"), "plain text", 1, 3},
		{"an alias as key", TEXT("a: &x b\n*x : c"), "plain text", 2, 2},
		{"an empty key", TEXT("'': b"), "key is empty", 1, 2},
		{"an anchor on a key", TEXT("&x a: b"), "key cannot have an anchor", 1, 4},
		{"an unknown alias", TEXT("a: *x"), "no anchor", 1, 5},
		{"an alias of what it is in", TEXT("a: &x [1, *x]"), "inside itself", 1, 12},
		{"not UTF-8", TEXT("a: b\nc: \xff"), "not UTF-8", 2, 4},
		{"a NUL", TEXT("a: \0"), "control character", 1, 4},
		{"an escape character", TEXT("a: \x1b"), "control character", 1, 4},
		{"UTF-16", TEXT("\xff\xfe" "a\0"), "not UTF-8", 1, 1},
		{"a value on the level of its key's list", TEXT("a:\n  b: 1\n c: 2"), "not YAML", 3, 2},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		const struct yaml_node *root = NULL;
		ROW_CHECK(at, read_text(at->text, &root) == YAML_WRONG);
		ROW_CHECK(at, d.errors == 1 && d.count == 1);
		ROW_CHECK(at, strstr(d.entries[0].text.data, at->words) != NULL);
		ROW_CHECK(at, d.entries[0].place.line == at->line);
		ROW_CHECK(at, d.entries[0].place.column == at->column);
		done();
	}
}

/* Repeats a piece, with something in front and behind. */
static struct slice repeat(char *room, size_t bytes, const char *front, const char *piece,
			   size_t times, const char *behind)
{
	size_t at = (size_t)snprintf(room, bytes, "%s", front), len = strlen(piece);

	for (size_t i = 0; i < times; i++, at += len)
		memcpy(room + at, piece, len);
	at += (size_t)snprintf(room + at, bytes - at, "%s", behind);
	return slice_of(room, at);
}

static void bounds(void **state)
{
	enum { ROOM = 2 * 1024 * 1024 };
	char *room = malloc(ROOM);
	const struct yaml_node *root;

	(void)state;
	assert_non_null(room);
	assert_int_equal(read_text(repeat(room, ROOM, "", "[", YAML_DEPTH_MAX, "1"), &root),
			 YAML_WRONG); /* not closed */
	done();
	struct slice deep = repeat(room, ROOM, "", "[", YAML_DEPTH_MAX, "1");
	memset(room + deep.len, ']', YAML_DEPTH_MAX);
	assert_int_equal(read_text(slice_of(room, deep.len + YAML_DEPTH_MAX), &root), 0);
	done();
	deep = repeat(room, ROOM, "", "[", YAML_DEPTH_MAX + 1, "1");
	memset(room + deep.len, ']', YAML_DEPTH_MAX + 1);
	assert_int_equal(read_text(slice_of(room, deep.len + YAML_DEPTH_MAX + 1), &root),
			 YAML_WRONG);
	assert_non_null(strstr(d.entries[0].text.data, "32 deep"));
	done();
	assert_int_equal(read_text(repeat(room, ROOM, "", "- a\n", YAML_NODES_MAX - 1, ""), &root),
			 0);
	assert_int_equal(root->count, YAML_NODES_MAX - 1);
	done();
	assert_int_equal(read_text(repeat(room, ROOM, "", "- a\n", YAML_NODES_MAX, ""), &root),
			 YAML_WRONG);
	assert_non_null(strstr(d.entries[0].text.data, "too large"));
	done();
	assert_int_equal(read_text(repeat(room, ROOM, "#", " ", YAML_BYTES_MAX, ""), &root),
			 YAML_WRONG);
	assert_non_null(strstr(d.entries[0].text.data, "1 MiB"));
	done();
	assert_int_equal(read_text(repeat(room, ROOM, "", "k", 257, ": 1"), &root), YAML_WRONG);
	done();
	free(room);
}

/* Every level uses the one below ten times: ten levels would be ten thousand million. */
static void aliases_do_not_multiply(void **state)
{
	struct buf text;
	const struct yaml_node *root;

	(void)state;
	buf_init(&text, 1 << 16);
	assert_int_equal(buf_printf(&text, "l0: &l0 x\n"), 0);
	for (int i = 1; i <= 10; i++) {
		assert_int_equal(buf_printf(&text, "l%d: &l%d [", i, i), 0);
		for (int k = 0; k < 10; k++)
			assert_int_equal(buf_printf(&text, "%s*l%d", k ? ", " : "", i - 1), 0);
		assert_int_equal(buf_printf(&text, "]\n"), 0);
	}
	assert_int_equal(read_text(buf_slice(&text), &root), YAML_WRONG);
	assert_non_null(strstr(d.entries[0].text.data, "100,000"));
	assert_int_equal(d.entries[0].place.line, 6); /* l5, of 111,111 */
	buf_deinit(&text);
	done();
}

static void scalar_types(void **state)
{
	static const struct {
		const char *says;
		enum yaml_type wanted;
	} rows[] = {
		{"''", YAML_TYPE_TEXT},        {"~", YAML_TYPE_NULL},
		{"null", YAML_TYPE_NULL},      {"Null", YAML_TYPE_NULL},
		{"nil", YAML_TYPE_TEXT},       {"true", YAML_TYPE_TRUE},
		{"True", YAML_TYPE_TRUE},      {"TRUE", YAML_TYPE_TRUE},
		{"false", YAML_TYPE_FALSE},    {"\"true\"", YAML_TYPE_TEXT},
		{"yes", YAML_TYPE_TEXT},       {"no", YAML_TYPE_TEXT},
		{"on", YAML_TYPE_TEXT},        {"off", YAML_TYPE_TEXT},
		{"0", YAML_TYPE_NUMBER},       {"-0", YAML_TYPE_NUMBER},
		{"12", YAML_TYPE_NUMBER},      {"1.50", YAML_TYPE_NUMBER},
		{"-1.5e+3", YAML_TYPE_NUMBER}, {"1E5", YAML_TYPE_NUMBER},
		{"012", YAML_TYPE_ODD_NUMBER}, {"+1", YAML_TYPE_ODD_NUMBER},
		{".5", YAML_TYPE_ODD_NUMBER},  {"1.", YAML_TYPE_ODD_NUMBER},
		{"0x1F", YAML_TYPE_ODD_NUMBER}, {"0o17", YAML_TYPE_ODD_NUMBER},
		{".inf", YAML_TYPE_ODD_NUMBER}, {"-.Inf", YAML_TYPE_ODD_NUMBER},
		{".NaN", YAML_TYPE_ODD_NUMBER}, {"0x", YAML_TYPE_TEXT},
		{"1_000", YAML_TYPE_TEXT},     {"1e", YAML_TYPE_TEXT},
		{".", YAML_TYPE_TEXT},         {"1.5.2", YAML_TYPE_TEXT},
		{"12:30", YAML_TYPE_TEXT},     {"'12'", YAML_TYPE_TEXT},
	};

	(void)state;
	EACH_ROW (at, rows) {
		const struct yaml_node *root;
		ROW_CHECK(at, read_text(slice_from_cstr(at->says), &root) == 0);
		ROW_CHECK(at, yaml_scalar_type(root) == at->wanted);
		done();
	}
}

static void lookups(void **state)
{
	const struct yaml_node *root;

	(void)state;
	assert_int_equal(read_text(SLICE("a: 1\nb: [x]\n"), &root), 0);
	assert_slice(yaml_get(root, SLICE("a"))->text, "1");
	assert_null(yaml_get(root, SLICE("c")));
	assert_null(yaml_get(yaml_get(root, SLICE("a")), SLICE("a")));
	assert_null(yaml_get(NULL, SLICE("a")));
	assert_string_equal(yaml_describe(root), "a map");
	assert_string_equal(yaml_describe(yaml_get(root, SLICE("b"))), "a list");
	assert_string_equal(yaml_describe(yaml_get(root, SLICE("a"))), "a number");
	done();
}

static void twice_still_gives_the_tree(void **state)
{
	const struct yaml_node *root;

	(void)state;
	assert_int_equal(read_text(SLICE("a: 1\na: 2\nb: 3\nb: 4\n"), &root), YAML_WRONG);
	assert_int_equal(d.errors, 2);
	assert_non_null(root);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees),
		cmocka_unit_test(refused),
		cmocka_unit_test(bounds),
		cmocka_unit_test(aliases_do_not_multiply),
		cmocka_unit_test(scalar_types),
		cmocka_unit_test(lookups),
		cmocka_unit_test(twice_still_gives_the_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
