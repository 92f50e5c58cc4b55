/* SPDX-License-Identifier: Apache-2.0 */
/* References: the examples of RFC 3986 section 5.4, and what schemas make of them. */
#include "unit.h"

#include "contract/uri.h"

static const struct row {
	const char *says, *base, *reference, *wanted;
} rows[] = {
	{"a scheme of its own", "http://a/b/c/d;p?q", "g:h", "g:h"},
	{"a neighbour", "http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
	{"a neighbour by dot", "http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
	{"a folder", "http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
	{"from the root", "http://a/b/c/d;p?q", "/g", "http://a/g"},
	{"another host", "http://a/b/c/d;p?q", "//g", "http://g"},
	{"only a query", "http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
	{"with a query", "http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y"},
	{"a semicolon", "http://a/b/c/d;p?q", ";x", "http://a/b/c/;x"},
	{"nothing", "http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"},
	{"a dot", "http://a/b/c/d;p?q", ".", "http://a/b/c/"},
	{"a dot and a slash", "http://a/b/c/d;p?q", "./", "http://a/b/c/"},
	{"up", "http://a/b/c/d;p?q", "..", "http://a/b/"},
	{"up and down", "http://a/b/c/d;p?q", "../g", "http://a/b/g"},
	{"up twice", "http://a/b/c/d;p?q", "../..", "http://a/"},
	{"up twice and down", "http://a/b/c/d;p?q", "../../g", "http://a/g"},
	{"up too far", "http://a/b/c/d;p?q", "../../../../g", "http://a/g"},
	{"dots behind the root", "http://a/b/c/d;p?q", "/./g", "http://a/g"},
	{"up behind the root", "http://a/b/c/d;p?q", "/../g", "http://a/g"},
	{"a name with a dot", "http://a/b/c/d;p?q", "g.", "http://a/b/c/g."},
	{"a name with two dots", "http://a/b/c/d;p?q", "..g", "http://a/b/c/..g"},
	{"dots in between", "http://a/b/c/d;p?q", "g/./h", "http://a/b/c/g/h"},
	{"down and up", "http://a/b/c/d;p?q", "g/../h", "http://a/b/c/h"},
	{"without a base", "", "item.json", "item.json"},
	{"a base that is a host", "http://a", "g", "http://a/g"},
	{"a name is a base", "urn:example:root", "", "urn:example:root"},
	{"a relative base", "folder/a.json", "b.json", "folder/b.json"},
};

static void references_resolve(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	EACH_ROW (at, rows)
		ROW_EQ(at,
		       uri_resolve(slice_from_cstr(at->base), slice_from_cstr(at->reference), &a),
		       slice_from_cstr(at->wanted));
	arena_deinit(&a);
}

static void fragments_are_split_and_decoded(void **state)
{
	struct slice fragment;
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	assert_slice(uri_split_fragment(SLICE("a#b#c"), &fragment), "a");
	assert_slice(fragment, "b#c");
	assert_slice(uri_split_fragment(SLICE("a"), &fragment), "a");
	assert_null(fragment.data);
	assert_slice(uri_decode(SLICE("/a%2Fb%25"), &a), "/a/b%");
	assert_null(uri_decode(SLICE("%4"), &a).data);
	assert_null(uri_decode(SLICE("%"), &a).data);
	assert_null(uri_decode(SLICE("%zz"), &a).data);
	assert_slice(uri_decode(SLICE("a%41"), &a), "aA");
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_resolve),
		cmocka_unit_test(fragments_are_split_and_decoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
