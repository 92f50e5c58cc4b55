/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any JSON as a schema, any JSON against it: two lines, schema and value.
 *
 * Compiling ends, in bounded memory; a refusal says why. What compiles judges every value the
 * same way each time, and says where and what when it refuses. Where no bound was hit, a schema
 * and its `not` disagree. Of values of the same shape the plan says what the schema says.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/obj.h"
#include "contract/schema.h"
#include "json/read.h"

#include "../../unit/contract/plan_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1 << 14, MEMORY_MAX = 1 << 26 };

static const struct json_limits limits = {.depth = 64,
					  .members = 1000,
					  .values = 10000,
					  .big_integers = true,
					  .any_keys = true,
					  .any_numbers = true,
					  .any_strings = true};

static void judge(const struct schema *s, const struct schema *not_s, const struct json_node *value)
{
	struct schema_room *room = schema_room_new(NULL);
	struct schema_failure failure = {0}, again = {0};

	MUST(room);
	bool ok = schema_validate(s, value, room, &failure);
	MUST(ok == schema_validate(s, value, room, &again));
	const struct json_node *const *keys;
	uint32_t count;
	struct schema_failure also = {0};
	bool declared = schema_validate_undeclared(s, value, room, &also, &keys, &count);
	/* It alone asks whether integers that no double holds may be there. */
	MUST(ok == declared || (ok && also.big));
	MUST(count == 0 || !schema_closed(s));
	for (uint32_t i = 0; i < count; i++)
		MUST(keys[i] > value && (keys[i]->flags & JSON_IS_KEY));
	MUST(ok || (failure.at && failure.keyword && failure.at == again.at));
	if (!ok)
		MUST(failure.at >= value && failure.at < json_next(value));
	MUST(plan_property(s, value, room) == NULL);
	again.bound = false;
	if (!not_s) {
		schema_room_free(room);
		return;
	}
	bool opposite = schema_validate(not_s, value, room, &again);
	if (!failure.bound && !again.bound)
		MUST(ok != opposite);
	else
		MUST(!(ok && opposite));
	schema_room_free(room);
}

static void run(struct slice schema, struct slice value, struct arena *a, bool formats,
		enum schema_draft draft)
{
	const struct schema_options options = {.formats = formats, .draft = draft};
	const struct schema *s, *not_s;
	struct schema_error error;
	struct json_doc doc, value_doc, not_doc;

	if (json_read(schema, &limits, a, &doc) || json_read(value, &limits, a, &value_doc))
		return;
	int r = schema_compile(doc.root, SLICE(""), &options, a, &s, &error);
	MUST(r || s);
	if (r) {
		MUST(r != SCHEMA_REFUSED || error.sentence[0]);
		return;
	}
	MUST(schema_cost(s) <= SCHEMA_COST_MAX);
	struct slice inner = arena_printf(a, "{\"not\":%.*s}", SLICE_ARG(schema));
	if (!inner.data || json_read(inner, &limits, a, &not_doc))
		return;
	/* References from the root mean something else there. */
	bool moved = memchr(schema.data, '$', schema.len) || memchr(schema.data, '\\', schema.len);
	if (schema_compile(not_doc.root, SLICE(""), &options, a, &not_s, &error) == 0)
		judge(s, moved ? NULL : not_s, value_doc.root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);
	struct arena a;

	if (size < 2 || size > TEXT_MAX)
		return 0;
	size_t line = slice_index(slice_from(text, 1), '\n') + 1;
	if (line >= text.len)
		return 0;
	arena_init(&a, 1 << 16, MEMORY_MAX);
	run(slice_of(text.data + 1, line - 1), slice_from(text, line + 1), &a, data[0] & 1,
	    data[0] & 2 ? SCHEMA_DRAFT_07 : SCHEMA_2020_12);
	arena_deinit(&a);
	return 0;
}
