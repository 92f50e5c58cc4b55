/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport try json`; see try_json.h. */
#include "cmd/try_json.h"

#include "base/jsonout.h"
#include "cmd/try_input.h"
#include "json/read.h"
#include "json/write.h"

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

static int say(struct slice text, struct arena *a, struct buf *out)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;
	enum reason reason = json_read(text, &limits, a, &doc);

	return reason ? say_refused(reason, doc.at, out) : say_accepted(doc.root, out);
}

int try_json_line(struct slice line, struct buf *out)
{
	return try_say_line(line, say, out);
}

int try_json_bytes(struct slice bytes, struct buf *out)
{
	return try_say_bytes(bytes, say, out);
}
