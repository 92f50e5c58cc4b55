/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files of cases in the form of the official suite: a list of groups {description, schema,
 * tests: [{data, valid}]}. Our own ones may add to a group "refused": true for a schema that
 * must not compile, "formats" and "refs".
 */
#include <dirent.h>
#include <stdio.h>

#include "unit.h"

#include "contract/schema.h"
#include "contract/uri.h"
#include "json/read.h"

#include "plan_property.h"

static const struct json_limits any_json = {
	.depth = JSON_DEPTH_MAX,
	.members = UINT32_MAX,
	.values = UINT32_MAX / 4,
	.big_integers = true,
	.any_strings = true,
	.any_keys = true,
	.any_numbers = true,
};

/* What was counted over a file, and what its schemas may refer to. */
struct cases {
	struct schema_options options;
	struct schema_room *room;
	struct arena arena;
	const struct json_node *(*more)(struct cases *cases, struct slice uri);
	const struct json_node *refs; /* of the group */
	char folder[512];             /* of documents that can be referred to */
	unsigned passed, failed;
	const char *file;
};

static inline struct slice cases_read_text(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = arena_alloc(a, 1 << 20);

	if (!f || !text)
		fail_msg("%s cannot be read", path);
	size_t len = fread(text, 1, 1 << 20, f);
	fclose(f);
	return slice_of(text, len);
}

static inline const struct json_node *cases_read(struct arena *a, const char *path)
{
	struct json_doc doc;
	struct slice text = cases_read_text(a, path);

	while (text.len && text.data[text.len - 1] <= ' ')
		text.len--;
	if (json_read(text, &any_json, a, &doc))
		fail_msg("%s: %s at %zu", path, json_fault_word(doc.fault), doc.at);
	return doc.root;
}

static inline const struct json_node *cases_resolve(void *with, struct slice uri)
{
	struct cases *c = with;

	if (c->refs)
		JSON_EACH_MEMBER (key, c->refs)
			if (slice_eq(json_string(key), uri))
				return json_value_of(key);
	return c->more ? c->more(c, uri) : NULL;
}

static inline void cases_complain(struct cases *c, const struct json_node *group,
				  const struct json_node *test, const char *what)
{
	struct slice says = json_string(json_member(group, SLICE("description")));
	struct slice also = json_string(json_member(test, SLICE("description")));

	printf("# %s: %.*s: %.*s: %s\n", c->file, SLICE_ARG(says), SLICE_ARG(also), what);
}

static inline void cases_run_group(struct cases *c, const struct json_node *group)
{
	struct schema_options options = c->options;
	struct schema_error error;
	const struct schema *s;
	bool refused = json_is_true(json_member(group, SLICE("refused")));

	c->refs = json_member(group, SLICE("refs"));
	options.formats |= json_is_true(json_member(group, SLICE("formats")));
	options.resolve = cases_resolve;
	options.with = c;
	int r = schema_compile(json_member(group, SLICE("schema")), SLICE(""), &options, &c->arena,
			       &s, &error);
	if (r || refused) {
		bool right = r == SCHEMA_REFUSED && refused && error.sentence[0];
		c->passed += right;
		c->failed += !right;
		if (!right)
			cases_complain(c, group, NULL, r ? error.sentence : "not refused");
		return;
	}
	JSON_EACH (test, json_member(group, SLICE("tests"))) {
		struct schema_failure failure = {0};
		const struct json_node *data = json_member(test, SLICE("data"));
		bool valid = schema_validate(s, data, c->room, &failure);
		bool wanted = json_is_true(json_member(test, SLICE("valid")));
		/* A refusal says where and what. */
		bool said = valid || (failure.at && failure.keyword);
		c->passed += valid == wanted && said;
		c->failed += valid != wanted || !said;
		if (valid != wanted || !said)
			cases_complain(c, group, test, valid ? "accepted" : failure.keyword);
		const char *broken = plan_property(s, data, c->room);
		if (broken) {
			c->failed++;
			cases_complain(c, group, test, broken);
		}
	}
}

/* Runs a file; adds to passed and failed. */
static inline void cases_run(struct cases *c, const char *path, const char *name)
{
	arena_init(&c->arena, 1 << 20, SIZE_MAX);
	c->room = schema_room_new(NULL);
	c->file = name;
	assert_non_null(c->room);
	const struct json_node *groups = cases_read(&c->arena, path);
	JSON_EACH (group, groups)
		cases_run_group(c, group);
	schema_room_free(c->room);
	arena_deinit(&c->arena);
}
