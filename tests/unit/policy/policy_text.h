/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Strings from the test data, one JSON object a line, for the tests of the text rules.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include "json/read.h"
#include "text_property.h"

typedef void (*string_fn)(struct slice text, struct arena *a);

static inline void check_markup(struct slice text, struct arena *a)
{
	const char *broken = property_markup(text, a);

	if (broken)
		fail_msg("%s: %.*s", broken, SLICE_ARG(slice_first(text, 300)));
}

static inline size_t each_line(FILE *f, string_fn judge)
{
	const struct json_limits limits = {.depth = 8, .members = 64, .values = 1000, .any_strings = true};
	struct arena doc_arena, a;
	struct json_doc doc;
	char *line = NULL;
	size_t room = 0, seen = 0;

	arena_init(&doc_arena, 1 << 16, 1 << 24);
	arena_init(&a, 1 << 18, 1 << 24);
	for (ssize_t n; (n = getline(&line, &room, f)) > 0; seen++) {
		assert_int_equal(json_read(slice_of(line, (size_t)n), &limits, &doc_arena, &doc), REASON_NONE);
		const struct json_node *s = json_member(doc.root, SLICE("s"));
		judge(json_string(s ? s : json_member(doc.root, SLICE("payload"))), &a);
		arena_reset(&a);
		arena_reset(&doc_arena);
	}
	arena_deinit(&doc_arena);
	arena_deinit(&a);
	free(line);
	return seen;
}

/* Judges every string of payloads/<folder>/; how many there were, 0 without test data. */
static inline size_t each_string(const char *folder, string_fn judge)
{
	const char *data = getenv("SALLYPORT_TESTDATA");
	char path[2048], file[4096];
	size_t seen = 0;

	snprintf(path, sizeof(path), "%s/payloads/%s", data ? data : "", folder);
	DIR *d = data ? opendir(path) : NULL;
	if (!d)
		return 0;
	for (struct dirent *entry; (entry = readdir(d));) {
		if (!slice_ends_with(slice_from_cstr(entry->d_name), SLICE(".jsonl")))
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		FILE *f = fopen(file, "r");
		assert_non_null(f);
		seen += each_line(f, judge);
		fclose(f);
	}
	closedir(d);
	return seen;
}
