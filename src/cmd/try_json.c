/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport try json`; see try_json.h. */
#include "cmd/try_json.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/jsonout.h"
#include "json/read.h"
#include "json/write.h"

enum { ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 27 };

static int say_accepted(const struct json_node *value, struct buf *out)
{
	int r = buf_append(out, SLICE("{\"ok\":true,\"value\":"));

	if (r == 0)
		r = json_write(value, NULL, out);
	return r ? r : buf_append(out, SLICE("}"));
}

static int say_refused(enum reason reason, size_t at, struct buf *out)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member_bool(&j, "ok", false);
	jsonout_member_cstring(&j, "reason", reason_word(reason));
	jsonout_member_u64(&j, "at", at);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int say_error(const char *what, struct buf *out)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member_cstring(&j, "error", what);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int say(struct slice text, struct arena *a, struct buf *out)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;
	enum reason reason = json_read(text, &limits, a, &doc);

	return reason ? say_refused(reason, doc.at, out) : say_accepted(doc.root, out);
}

static int judge_line(struct slice line, struct arena *a, struct buf *out)
{
	/* Bad text has to come in somehow: the line's own strings may hold anything. */
	const struct json_limits limits = {
		.depth = 1, .members = 1, .values = 2, .any_strings = true};
	static const char wanted[] = "a line is {\"text\": \"...\"} or {\"base64\": \"...\"}";
	struct json_doc doc;

	if (json_read(line, &limits, a, &doc))
		return say_error(wanted, out);
	const struct json_node *text = json_member_typed(doc.root, SLICE("text"), JSON_STRING);
	const struct json_node *coded = json_member_typed(doc.root, SLICE("base64"), JSON_STRING);
	if (text)
		return say(json_string(text), a, out);
	if (!coded)
		return say_error(wanted, out);
	struct slice code = json_string(coded);
	size_t room = BASE64_BYTES(code.len), len;
	char *bytes = arena_alloc(a, room);
	if (!bytes)
		return err_raise(ENOMEM, "a text of %zu bytes", room);
	if (!base64_decode(code, bytes, room, &len))
		return say_error("base64 is not valid", out);
	return say(slice_of(bytes, len), a, out);
}

int try_json_line(struct slice line, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = judge_line(line, &a, out);
	arena_deinit(&a);
	return r;
}

int try_json_bytes(struct slice bytes, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = say(bytes, &a, out);
	arena_deinit(&a);
	return r;
}
