/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes laid over a tape: what is written with them, the tape made with them, and that text
 * read again must be the same value. The bytes before the first newline choose the changes,
 * three for each; behind it stands the text.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/read.h"
#include "json/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits ordinary = JSON_LIMITS_DEFAULT;

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void change(struct json_edits *e, const uint8_t choice[3])
{
	static const char *const names[] = {"a", "user", "", "\n"};
	const struct json_node *v = e->root + choice[1] % e->nodes;
	const struct json_node *other = e->root + choice[2] % e->nodes;
	struct slice name = slice_from_cstr(names[choice[2] % 4]);
	int r = 0;

	if (v->flags & JSON_IS_KEY)
		v++;
	if (other->flags & JSON_IS_KEY)
		other++;
	if (choice[0] % 4 == 0)
		r = json_edit_string(e, v, name);
	else if (choice[0] % 4 == 1)
		r = json_edit_value(e, v, other);
	else if (choice[0] % 4 == 2 && v != e->root)
		r = json_edit_remove(e, v);
	else if (v->type == JSON_OBJECT)
		r = json_edit_set(e, v, name, other);
	must(r == 0, "a change was not made");
}

static void check(const struct json_edits *e, struct arena *arena)
{
	struct json_limits wide = {.depth = JSON_DEPTH_MAX, .members = 1 << 20, .values = 1 << 20};
	struct buf text, again;
	struct json_doc doc;
	uint32_t nodes = 0;

	buf_init(&text, (size_t)16 << 20);
	buf_init(&again, (size_t)16 << 20);
	must(json_write(e->root, e, &text) == 0, "writing failed");
	const struct json_node *made = json_edits_apply(e, arena, &nodes);
	must(made && json_next(made) == made + nodes, "no tape was made");
	must(json_write(made, NULL, &again) == 0, "writing the new tape failed");
	must(slice_eq(buf_slice(&text), buf_slice(&again)), "the two say different things");
	must(json_read(buf_slice(&text), &wide, arena, &doc) == 0, "the text is refused");
	must(doc.nodes == nodes && json_equal(doc.root, made), "the text is another value");
	buf_deinit(&text);
	buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *text = size ? memchr(data, '\n', size) : NULL;
	struct arena arena;
	struct json_doc doc;
	struct json_edits e;

	if (!text)
		return 0;
	size_t choices = (size_t)(text - data);
	struct slice json = slice_of((const char *)text + 1, size - choices - 1);
	arena_init(&arena, 4096, (size_t)256 << 20);
	if (json_read(json, &ordinary, &arena, &doc) == REASON_NONE) {
		json_edits_init(&e, doc.root, doc.nodes, &arena);
		for (size_t i = 0; i + 3 <= choices && i < 90; i += 3)
			change(&e, data + i);
		check(&e, &arena);
	}
	arena_deinit(&arena);
	return 0;
}
