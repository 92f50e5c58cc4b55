/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions get to know of a handshake. */
#include "policy/context.h"
#include "unit.h"

static const struct identity nobody = {.claims = SLICE_INIT("{}")};

/* Entries of request.query for that target; -1: it has no value. */
static int query_entries(const char *text)
{
	struct arena a;
	struct http_target target;
	struct context c;

	arena_init(&a, 4096, 1 << 20);
	assert_int_equal(http_target_parse(slice_from_cstr(text), &a, &target, NULL), REASON_NONE);
	const struct context_facts facts = {.identity = &nobody, .target = &target};
	assert_true(context_init(&c, &facts, 1u << CONF_VAR_REQUEST_QUERY, 0));
	struct context_view view = {.shown = 0};
	context_show(&c, 0, 0, &view);
	const struct cel_value *query = &view.slots[CONF_VAR_REQUEST_QUERY];
	int entries = query->kind == CEL_MAP ? (int)query->count : -1;
	context_deinit(&c);
	arena_deinit(&a);
	return entries;
}

static void a_query_of_which_nothing_is_sure_has_no_value(void **state)
{
	char many[512] = "/?";
	(void)state;

	assert_int_equal(query_entries("/"), 0);
	assert_int_equal(query_entries("/?a=1&b=2"), 2);
	assert_int_equal(query_entries("/?a=1&b=2&a=1"), -1);
	assert_int_equal(query_entries("/?a=1&%61=2"), -1);
	assert_int_equal(query_entries("/?a=%zz"), -1);
	assert_int_equal(query_entries("/?a=%00"), -1);
	size_t at = 2;
	for (int i = 0; i < 64; i++)
		at += (size_t)snprintf(many + at, sizeof(many) - at, "n%d&", i);
	assert_int_equal(query_entries(many), 64);
	snprintf(many + at, sizeof(many) - at, "last");
	assert_int_equal(query_entries(many), -1);
}

static void header_fields_of_one_name_are_one_value(void **state)
{
	static const struct http_header fields[] = {
		{SLICE_INIT("X-A"), SLICE_INIT("1")},
		{SLICE_INIT("B"), SLICE_INIT("")},
		{SLICE_INIT("x-a"), SLICE_INIT("2")},
	};
	const struct http_head head = {.headers = fields, .header_count = COUNT(fields)};
	const struct context_facts facts = {.identity = &nobody, .head = &head};
	struct context c;
	(void)state;

	assert_true(context_init(&c, &facts, 1u << CONF_VAR_REQUEST_HEADERS, 0));
	struct context_view view = {.shown = 0};
	context_show(&c, 0, 0, &view);
	const struct cel_value *headers = &view.slots[CONF_VAR_REQUEST_HEADERS];
	assert_int_equal(headers->count, 2);
	assert_slice(headers->as.entries[0].key.as.text, "x-a");
	assert_slice(headers->as.entries[0].value.as.text, "1, 2");
	assert_slice(headers->as.entries[1].value.as.text, "");
	context_deinit(&c);
}

static void what_nobody_asks_for_is_not_kept(void **state)
{
	const struct context_facts facts = {
		.identity = &nobody, .path = SLICE("/chat"), .connection_id = SLICE("1")};
	struct context c;
	(void)state;

	assert_true(context_init(&c, &facts, 1u << CONF_VAR_REQUEST_PATH, 0));
	struct context_view view = {.shown = 0};
	context_show(&c, 0, 0, &view);
	for (int v = 0; v < CONF_VARIABLES; v++)
		assert_int_equal(view.slots[v].kind,
				 v == CONF_VAR_REQUEST_PATH ? CEL_STRING : CEL_ERROR);
	context_deinit(&c);
}

/* Each variable by itself is the same as among all others. */
static void each_variable_finds_its_place(void **state)
{
	static const struct identity alice = {.subject = SLICE_INIT("alice"),
					      .via = SLICE_INIT("token"),
					      .claims = SLICE_INIT("{\"a\":1}")};
	struct http_target target = {.query = SLICE("q=1")};
	const struct context_facts facts = {.identity = &alice,
					    .target = &target,
					    .path = SLICE("/chat"),
					    .origin = SLICE("https://a.example"),
					    .tls = true,
					    .connection_id = SLICE("1")};
	struct context_view all = {.shown = 0}, one = {.shown = 0};
	struct context whole, c;
	uint64_t steps = 1000;
	(void)state;

	assert_true(context_init(&whole, &facts, UINT32_MAX, 0));
	context_show(&whole, 5000000, 7000, &all);
	for (int v = CONF_VAR_IDENTITY_SUB; v < CONF_VARIABLES; v++) {
		assert_true(context_init(&c, &facts, UINT32_C(1) << v, 0));
		context_show(&c, 5000000, 7000, &one);
		assert_int_not_equal(all.slots[v].kind, CEL_ERROR);
		assert_true(cel_equal(&all.slots[v], &one.slots[v], &steps));
		for (int other = 0; other < CONF_VARIABLES; other++) {
			bool moves = v >= CONF_VAR_CONNECTION_AGE;
			bool may_be = other == v || (moves && (other == CONF_VAR_NOW ||
							       other >= CONF_VAR_CONNECTION_AGE));
			assert_true(may_be || one.slots[other].kind == CEL_ERROR);
		}
		context_deinit(&c);
	}
	assert_int_equal(all.slots[CONF_VAR_MESSAGE].kind, CEL_ERROR);
	context_deinit(&whole);
}

static void other_claims_take_the_place_of_the_old(void **state)
{
	static const struct identity before = {.subject = SLICE_INIT("alice"),
					       .claims = SLICE_INIT("{\"a\":1}")};
	static const struct identity after = {.subject = SLICE_INIT("alice"),
					      .claims = SLICE_INIT("{\"b\":1,\"c\":2}")};
	static const struct identity broken = {.subject = SLICE_INIT("alice"),
					       .claims = SLICE_INIT("[]")};
	const struct context_facts facts = {.identity = &before, .path = SLICE("/chat")};
	struct context_view view = {.shown = 0};
	struct context c;
	(void)state;

	assert_true(context_init(&c, &facts,
				 1u << CONF_VAR_IDENTITY_CLAIMS | 1u << CONF_VAR_REQUEST_PATH, 0));
	assert_true(context_identify(&c, &after));
	context_show(&c, 0, 0, &view);
	assert_int_equal(view.slots[CONF_VAR_IDENTITY_CLAIMS].count, 2);
	assert_slice(view.slots[CONF_VAR_REQUEST_PATH].as.text, "/chat");
	assert_false(context_identify(&c, &broken));
	context_show(&c, 0, 0, &view);
	assert_int_equal(view.slots[CONF_VAR_IDENTITY_CLAIMS].kind, CEL_ERROR);
	assert_slice(view.slots[CONF_VAR_REQUEST_PATH].as.text, "/chat");
	context_deinit(&c);
}

/* One variable by itself is what it would be among all of them. */
static void a_value_is_as_it_is_shown(void **state)
{
	const struct identity ann = {
		.subject = SLICE("ann"), .via = SLICE("ticket"), .claims = SLICE("{}")};
	const struct context_facts facts = {
		.identity = &ann, .path = SLICE("/chat"), .connection_id = SLICE("1")};
	const uint32_t keep = 1u << CONF_VAR_IDENTITY_VIA | 1u << CONF_VAR_REQUEST_PATH |
			      1u << CONF_VAR_CONNECTION_ID | 1u << CONF_VAR_NOW;
	struct context c;
	(void)state;

	assert_true(context_init(&c, &facts, keep, 0));
	struct context_view view = {.shown = 0};
	context_show(&c, 0, 0, &view);
	for (int v = 0; v < CONF_VARIABLES; v++) {
		const struct cel_value *value = context_value(&c, (enum conf_variable)v);
		bool kept = keep >> v & 1 && v != CONF_VAR_NOW;
		assert_int_equal(value != NULL, kept);
		if (value)
			assert_true(slice_eq(value->as.text, view.slots[v].as.text));
	}
	assert_slice(context_value(&c, CONF_VAR_IDENTITY_VIA)->as.text, "ticket");
	context_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_as_it_is_shown),
		cmocka_unit_test(a_query_of_which_nothing_is_sure_has_no_value),
		cmocka_unit_test(header_fields_of_one_name_are_one_value),
		cmocka_unit_test(what_nobody_asks_for_is_not_kept),
		cmocka_unit_test(each_variable_finds_its_place),
		cmocka_unit_test(other_claims_take_the_place_of_the_old),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
