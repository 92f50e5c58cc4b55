/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What must hold for every text, good or bad, under the limits given. Returns NULL, or a
 * sentence about what does not. Used by unit tests and by fuzzing.
 */
#include <stdio.h>

#include "json/pointer.h"
#include "json/read.h"
#include "json/write.h"

#include "naive.h"

/* The tape's own rules: spans, counts, types; numbers as strtod has them. */
static inline const char *property_of_node(const struct json_node *v, const struct json_doc *doc)
{
	uint32_t count = 0;

	if (json_at(doc, v) >= doc->text.len)
		return "a value stands outside of the text";
	if (v->type == JSON_NUMBER) {
		char *copy = strndup(v->data, v->len);
		double wanted = strtod(copy, NULL), got = json_double(v);
		free(copy);
		if (got != wanted)
			return "a number is not the nearest double";
		if (json_is_integer(v) && !(v->flags & JSON_IS_BIG) &&
		    (double)v->as.integer != wanted)
			return "an integer is not exact";
	}
	if (v->type == JSON_ARRAY) {
		JSON_EACH (item, v) {
			if (json_item(v, count) != item)
				return "json_item does not find an item";
			count++;
		}
	} else if (v->type == JSON_OBJECT) {
		JSON_EACH_MEMBER (key, v) {
			if (json_member(v, json_string(key)) != json_value_of(key))
				return "json_member does not find a member";
			count++;
		}
	} else if (v->type < JSON_NULL || v->type > JSON_OBJECT) {
		return "a value has no type";
	}
	return count == json_count(v) ? NULL : "a count is wrong";
}

static inline const char *property_of_tape(const struct json_doc *doc)
{
	char room[512];

	if (json_next(doc->root) != doc->root + doc->nodes)
		return "the root does not span the tape";
	for (uint32_t i = 0; i < doc->nodes; i++) {
		const struct json_node *v = doc->root + i;
		const char *broken = property_of_node(v, doc);
		if (broken)
			return broken;
		if (v->flags & JSON_IS_KEY || i > 50)
			continue;
		struct slice pointer = json_pointer_to(doc->root, v, room, sizeof(room));
		if (!slice_ends_with(pointer, SLICE("/...")) &&
		    json_pointer_get(doc->root, pointer) != v)
			return "a pointer leads elsewhere";
	}
	return NULL;
}

/* Written, read again, written again: the same text and an equal value. */
static inline const char *property_of_writing(const struct json_doc *doc,
					      const struct json_limits *limits, struct slice wanted)
{
	static const struct siphash_key key = {{1, 2, 3}};
	const char *broken = NULL;
	struct arena arena;
	struct buf first, second;
	struct json_doc again;

	/* To the byte: what the naive reader wrote is exactly as long as there is room. */
	buf_init(&first, wanted.len);
	buf_init(&second, wanted.len);
	arena_init(&arena, 4096, (size_t)64 << 20);
	if (json_write(doc->root, NULL, &first))
		broken = "writing failed";
	else if (!slice_eq(buf_slice(&first), wanted))
		broken = "written otherwise than by the naive reader";
	else if (first.len > doc->text.len)
		broken = "the text became longer";
	else if (!limits->any_strings) {
		if (json_read(buf_slice(&first), limits, &arena, &again))
			broken = "what was written is refused";
		else if (!json_equal(doc->root, again.root))
			broken = "what was written is not equal";
		else if (json_hash(doc->root, &key) != json_hash(again.root, &key))
			broken = "equal values have different hashes";
		else if (json_write(again.root, NULL, &second) ||
			 !slice_eq(buf_slice(&first), buf_slice(&second)))
			broken = "written twice, not the same";
	}
	buf_deinit(&first);
	buf_deinit(&second);
	arena_deinit(&arena);
	return broken;
}

static inline const char *property_of_text(struct slice text, const struct json_limits *limits)
{
	static char sentence[256];
	const char *broken = NULL;
	struct arena arena;
	struct json_doc doc;
	struct naive naive;

	/* A small first block, so that tapes have to move. */
	arena_init(&arena, 512, (size_t)64 << 20);
	bool good = json_read(text, limits, &arena, &doc) == REASON_NONE;
	bool naive_good = naive_read(&naive, text, limits);
	if (good != naive_good || doc.fault != naive.fault || doc.at != naive.fault_at) {
		snprintf(sentence, sizeof(sentence), "says %s at %zu, the naive reader %s at %zu",
			 json_fault_word(doc.fault), doc.at, json_fault_word(naive.fault),
			 naive.fault_at);
		broken = sentence;
	} else if (good) {
		broken = property_of_tape(&doc);
		if (!broken)
			broken = property_of_writing(&doc, limits,
						     slice_of(naive.out.data, naive.out.len));
	}
	free(naive.out.data);
	arena_deinit(&arena);
	return broken;
}
