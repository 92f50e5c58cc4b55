/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that carry bytes; see try_input.h. */
#include "cmd/try_input.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/jsonout.h"
#include "json/read.h"

/* A line may carry more than a listener would read. */
enum { ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 27 };

int try_say_error(const char *what, struct buf *out)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member_cstring(&j, "error", what);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int say_decoded(struct slice code, try_say_fn say, struct arena *a, struct buf *out)
{
	size_t room = BASE64_BYTES(code.len), len;
	char *bytes = arena_alloc(a, room);

	if (!bytes)
		return err_raise(ENOMEM, "an input of %zu bytes", room);
	if (!base64_decode(code, bytes, room, &len))
		return try_say_error("base64 is not valid", out);
	return say(slice_of(bytes, len), a, out);
}

static int say_line(struct slice line, try_say_fn say, struct arena *a, struct buf *out)
{
	/* Bad text has to come in somehow: the line's own strings may hold anything. */
	const struct json_limits limits = {
		.depth = 1, .members = 1, .values = 2, .any_strings = true};
	static const char wanted[] = "a line is {\"text\": \"...\"} or {\"base64\": \"...\"}";
	struct json_doc doc;

	if (json_read(line, &limits, a, &doc))
		return try_say_error(wanted, out);
	const struct json_node *text = json_member_typed(doc.root, SLICE("text"), JSON_STRING);
	const struct json_node *coded = json_member_typed(doc.root, SLICE("base64"), JSON_STRING);
	if (text)
		return say(json_string(text), a, out);
	if (coded)
		return say_decoded(json_string(coded), say, a, out);
	return try_say_error(wanted, out);
}

int try_say_bytes(struct slice bytes, try_say_fn say, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = say(bytes, &a, out);
	arena_deinit(&a);
	return r;
}

int try_say_line(struct slice line, try_say_fn say, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = say_line(line, say, &a, out);
	arena_deinit(&a);
	return r;
}
