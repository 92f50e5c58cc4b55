/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport try schema`; see try_schema.h. */
#include "cmd/try_schema.h"

#include "base/err.h"
#include "base/jsonout.h"
#include "contract/schema.h"
#include "contract/uri.h"
#include "json/pointer.h"
#include "json/read.h"

enum { ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 27, POINTER_MAX = 4096 };

static int say_error(const char *where, const char *what, struct buf *out)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member_cstring(&j, "error", what);
	if (where)
		jsonout_member_cstring(&j, "at", where);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int say_verdict(bool ok, const struct schema_failure *failure,
		       const struct json_node *instance, struct buf *out)
{
	char pointer[POINTER_MAX];
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member_bool(&j, "ok", ok);
	if (!ok) {
		jsonout_member(&j, "at",
			       json_pointer_to(instance, failure->at, pointer, sizeof(pointer)));
		jsonout_member_cstring(&j, "keyword", failure->keyword);
		if (failure->bound)
			jsonout_member_bool(&j, "bound", true);
	}
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static bool read_draft(const struct json_node *v, enum schema_draft *draft)
{
	static const struct {
		struct slice name;
		enum schema_draft draft;
	} names[] = {
		{SLICE_INIT("2020-12"), SCHEMA_2020_12},
		{SLICE_INIT("draft2020-12"), SCHEMA_2020_12},
		{SLICE_INIT("https://json-schema.org/draft/2020-12/schema"), SCHEMA_2020_12},
		{SLICE_INIT("7"), SCHEMA_DRAFT_07},
		{SLICE_INIT("07"), SCHEMA_DRAFT_07},
		{SLICE_INIT("draft7"), SCHEMA_DRAFT_07},
		{SLICE_INIT("draft07"), SCHEMA_DRAFT_07},
		{SLICE_INIT("draft-07"), SCHEMA_DRAFT_07},
		{SLICE_INIT("draft-7"), SCHEMA_DRAFT_07},
		{SLICE_INIT("http://json-schema.org/draft-07/schema#"), SCHEMA_DRAFT_07},
		{SLICE_INIT("http://json-schema.org/draft-07/schema"), SCHEMA_DRAFT_07},
		{SLICE_INIT("2019-09"), SCHEMA_2019_09},
		{SLICE_INIT("draft2019-09"), SCHEMA_2019_09},
	};
	struct slice name = json_type(v) == JSON_NUMBER ? json_number_text(v) : json_string(v);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, names[i].name)) {
			*draft = names[i].draft;
			return true;
		}
	}
	return v == NULL;
}

/* With or without the empty fragment, as the line's writer had it. */
static const struct json_node *find_ref(void *with, struct slice uri)
{
	const struct json_node *refs = with;
	struct slice fragment;

	if (json_type(refs) != JSON_OBJECT)
		return NULL;
	JSON_EACH_MEMBER (key, refs) {
		struct slice name = uri_split_fragment(json_string(key), &fragment);
		if (fragment.len == 0 && slice_eq(name, uri))
			return json_value_of(key);
	}
	return NULL;
}

static int judge(const struct schema *s, const struct json_node *instance, struct buf *out)
{
	struct schema_room *room = schema_room_new(NULL);
	struct schema_failure failure = {0};

	if (!room)
		return err_raise(ENOMEM, "a room");
	bool ok = schema_validate(s, instance, room, &failure);
	schema_room_free(room);
	return say_verdict(ok, &failure, instance, out);
}

static int judge_line(struct slice line, struct arena *a, struct buf *out)
{
	const struct json_limits limits = {.depth = JSON_DEPTH_MAX,
					   .members = UINT32_MAX,
					   .values = UINT32_MAX / 4,
					   .big_integers = true,
					   .any_strings = true,
					   .any_keys = true,
					   .any_numbers = true};
	struct schema_options options = {.resolve = find_ref};
	struct schema_error error;
	const struct schema *s;
	struct json_doc doc;

	if (json_read(line, &limits, a, &doc))
		return say_error(NULL, "the line is not JSON", out);
	const struct json_node *schema = json_member(doc.root, SLICE("schema"));
	const struct json_node *instance = json_member(doc.root, SLICE("instance"));
	union {
		const struct json_node *in;
		void *out;
	} refs = {.in = json_member(doc.root, SLICE("refs"))};
	if (!schema || !instance)
		return say_error(NULL, "a line is {\"schema\": ..., \"instance\": ...}", out);
	if (!read_draft(json_member(doc.root, SLICE("draft")), &options.draft))
		return say_error(NULL, "\"draft\" is \"2020-12\" or \"draft-07\"", out);
	options.formats = json_is_true(json_member(doc.root, SLICE("formats")));
	options.with = refs.out;
	int r = schema_compile(schema, SLICE(""), &options, a, &s, &error);
	if (r == SCHEMA_REFUSED)
		return say_error(error.pointer, error.sentence, out);
	return r ? err_raise(ENOMEM, "a schema") : judge(s, instance, out);
}

int try_schema_line(struct slice line, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = judge_line(line, &a, out);
	arena_deinit(&a);
	return r;
}
