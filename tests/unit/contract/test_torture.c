/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation fails once: compiling says so, validating refuses; nothing leaks and nothing
 * is let through. And where nothing fails, validating allocates nothing once its room is warm.
 */
#include <errno.h>

#include "unit.h"

#include "contract/schema.h"
#include "failmalloc.h"
#include "json/read.h"

static const char schema_text[] =
	"{\"$id\":\"http://a/b\",\"$ref\":\"https://json-schema.org/draft/2020-12/schema\","
	"\"properties\":{\"a\":{\"pattern\":\"^[a-z]+$\"},\"b\":{\"enum\":[\"a\",\"b\",\"c\",\"d\"]"
	"}},"
	"\"required\":[\"a\"],\"dependentRequired\":{\"a\":[\"b\"]},\"patternProperties\":{\"x\":"
	"true},"
	"\"$defs\":{\"c\":{\"$dynamicAnchor\":\"c\",\"$id\":\"c\"}},"
	"\"unevaluatedProperties\":{\"$dynamicRef\":\"c#c\"}}";

static const struct json_node *parse(const char *text, struct arena *a)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;

	if (json_read(slice_from_cstr(text), &limits, a, &doc))
		fail_msg("not JSON: %s", text);
	return doc.root;
}

static void compiling_says_so(void **state)
{
	const struct schema_options options = {.formats = true};
	const struct schema *s;
	struct schema_error error;
	struct arena text, program;
	unsigned refused = 0;

	(void)state;
	arena_init(&text, 1 << 16, 1 << 20);
	const struct json_node *root = parse(schema_text, &text);
	FAILMALLOC_EACH (n) {
		arena_init(&program, 1024, SIZE_MAX);
		failmalloc_at(n);
		int r = schema_compile(root, SLICE(""), &options, &program, &s, &error);
		bool failed = failmalloc_stop();
		assert_true(r == 0 ? s != NULL : s == NULL);
		/* A regular expression cannot tell us from PCRE2's own reasons. */
		assert_true(r == 0 || r == -ENOMEM || (failed && r == SCHEMA_REFUSED));
		refused += r != 0;
		arena_deinit(&program);
		if (!failed) {
			assert_int_equal(r, 0);
			break;
		}
	}
	assert_true(refused > 10);
	arena_deinit(&text);
}

/* 100 members, so that what was evaluated needs memory; and many items that must differ. */
static const char *make_value(void)
{
	static char value[8192];
	size_t len = (size_t)snprintf(value, sizeof(value), "{\"list\":[");

	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(value + len, sizeof(value) - len, "%s%d", i ? "," : "", i);
	len += (size_t)snprintf(value + len, sizeof(value) - len, "]");
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(value + len, sizeof(value) - len, ",\"m%d\":\"a\"", i);
	snprintf(value + len, sizeof(value) - len, "}");
	return value;
}

static const char unevaluated_text[] =
	"{\"properties\":{\"list\":{\"uniqueItems\":true}},\"anyOf\":[{\"patternProperties\":"
	"{\"^m\":{\"pattern\":\"^a\"}}},true],\"unevaluatedProperties\":false}";

static void validating_refuses(void **state)
{
	const struct schema_options options = {0};
	const struct schema *s;
	struct schema_error error;
	struct arena a;
	unsigned bounds = 0;

	(void)state;
	arena_init(&a, 1 << 20, 1 << 24);
	const struct json_node *value = parse(make_value(), &a);
	assert_int_equal(
		schema_compile(parse(unevaluated_text, &a), SLICE(""), &options, &a, &s, &error),
		0);
	FAILMALLOC_EACH (n) {
		struct schema_failure failure = {0};
		failmalloc_at(n);
		struct schema_room *room = schema_room_new(NULL);
		bool ok = room && schema_validate(s, value, room, &failure);
		bool failed = failmalloc_stop();
		assert_true(ok != failed);
		assert_true(ok || !room || failure.bound);
		bounds += room && !ok;
		schema_room_free(room);
		if (!failed)
			break;
	}
	assert_true(bounds > 0);
	arena_deinit(&a);
}

static void a_warm_room_allocates_nothing(void **state)
{
	const struct schema_options options = {0};
	struct schema_room *room = schema_room_new(NULL);
	const struct schema *s;
	struct schema_error error;
	struct arena a;

	(void)state;
	assert_non_null(room);
	arena_init(&a, 1 << 20, 1 << 24);
	const struct json_node *value = parse(make_value(), &a);
	assert_int_equal(
		schema_compile(parse(unevaluated_text, &a), SLICE(""), &options, &a, &s, &error),
		0);
	assert_true(schema_validate(s, value, room, NULL));
	failmalloc_from(1);
	for (int i = 0; i < 100; i++)
		assert_true(schema_validate(s, value, room, NULL));
	assert_false(failmalloc_stop());
	schema_room_free(room);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiling_says_so),
		cmocka_unit_test(validating_refuses),
		cmocka_unit_test(a_warm_room_allocates_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
