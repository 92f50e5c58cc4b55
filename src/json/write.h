/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tape -> compact JSON text, with changes laid over it.
 *
 * Members keep their order. Strings are written one way (RFC 8785 section 3.2.2.2): the
 * short escapes where there are some, \u00xx in lower case for other control characters,
 * everything else as UTF-8. Numbers keep the text they came with. The result is never
 * longer than the text that was read, unless changes make it so.
 *
 * Changes do not touch the tape: a list of them is kept beside it, found by node in one
 * step, and honoured while writing:
 *
 *   json_edits_init(&edits, doc.root, doc.nodes, arena);
 *   json_edit_string(&edits, node, escaped);
 *   json_edit_remove(&edits, key);
 *   json_write(doc.root, &edits, out);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "json/value.h"

struct json_edit;

struct json_edits {
	const struct json_node *root;
	uint32_t nodes;
	uint32_t count;    /* 0: nothing changed, the text may be used as it came */
	uint32_t room;     /* of edits[] */
	uint64_t added;    /* nodes that the changes can bring at most */
	bool failed;       /* the arena was used up: nothing may be written */
	uint32_t *of_node; /* per node: its change's index + 1; made with the first change */
	struct json_edit *edits;
	struct arena *arena;
};

/* No changes yet; allocates nothing. The tape has `nodes` nodes from root on. */
void json_edits_init(struct json_edits *e, const struct json_node *root, uint32_t nodes,
		     struct arena *arena);

/*
 * The changes. `v` is a value of that tape (not a key, except where said); a later change of
 * the same value replaces the earlier one. Changes inside of a value that is itself removed
 * or replaced have no effect. The bytes and nodes given must live until the writing is done.
 * Return 0, or -ENOMEM when the arena is used up; json_write then refuses to write.
 */

/* The value becomes this string (valid UTF-8). */
int json_edit_string(struct json_edits *e, const struct json_node *v, struct slice text)
	__attribute__((warn_unused_result));

/* The string as the changes so far leave it: for changes that build on each other. */
struct slice json_edited_string(const struct json_edits *e, const struct json_node *v);

/* The value becomes that one, of whatever tape (without the changes laid over that tape). */
int json_edit_value(struct json_edits *e, const struct json_node *v, const struct json_node *value)
	__attribute__((warn_unused_result));

/* The member (given by its key or its value) or the item disappears. The root cannot. */
int json_edit_remove(struct json_edits *e, const struct json_node *v)
	__attribute__((warn_unused_result));

/* The object gets one more member behind its others. The caller knows that it has none of
 * that name (json_edit_set finds out). */
int json_edit_add(struct json_edits *e, const struct json_node *object, struct slice name,
		  const struct json_node *value) __attribute__((warn_unused_result));

/* The member of that name becomes that value, at its place; behind the others if new. */
int json_edit_set(struct json_edits *e, const struct json_node *object, struct slice name,
		  const struct json_node *value) __attribute__((warn_unused_result));

/* Appends v as compact JSON; edits (of the tape that v is on) may be NULL. Returns as
 * buf_append: with BUF_FULL or -ENOMEM nothing was appended. */
int json_write(const struct json_node *v, const struct json_edits *edits, struct buf *out)
	__attribute__((warn_unused_result));

/* A new tape with the changes made, in the arena given: what json_write writes, read again.
 * Its strings point where they pointed before; json_at has no meaning for it. *nodes receives
 * its length. NULL when an arena is used up. */
const struct json_node *json_edits_apply(const struct json_edits *e, struct arena *arena,
					 uint32_t *nodes) __attribute__((warn_unused_result));

/* Appends the string with its quotes, escaped. Bytes are taken to be UTF-8.
 * Returns as buf_append; with BUF_FULL nothing was appended. */
int json_write_string(struct buf *out, struct slice text) __attribute__((warn_unused_result));
