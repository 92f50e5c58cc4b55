/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport try http`; see try_http.h. */
#include "cmd/try_http.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/jsonout.h"
#include "http/request.h"
#include "json/read.h"

/* The defaults of the manual's section on limits. */
enum { REQUEST_HEAD = 16384, REQUEST_HEADERS = 64 };

/* A line may carry more than a listener would read. */
enum { ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 27 };

static void say_accepted(struct jsonout *j, const struct http_head *h)
{
	jsonout_member_bool(j, "ok", true);
	jsonout_member(j, "method", h->method_text);
	jsonout_member(j, "target", h->target);
	jsonout_key(j, "headers");
	jsonout_array_open(j);
	for (size_t i = 0; i < h->header_count; i++) {
		jsonout_array_open(j);
		jsonout_string(j, h->headers[i].name);
		jsonout_string(j, h->headers[i].value);
		jsonout_array_close(j);
	}
	jsonout_array_close(j);
}

static void say_refused(struct jsonout *j, const struct http_judgement *judgement)
{
	bool incomplete = judgement->outcome == HTTP_PARSE_MORE;
	enum reason reason = incomplete ? REASON_HANDSHAKE_MALFORMED : judgement->reason;

	jsonout_member_bool(j, "ok", false);
	jsonout_member_u64(j, "status", (uint64_t)reason_status(reason));
	jsonout_member_u64(j, "at", judgement->at);
	jsonout_member_cstring(j, "reason", reason_word(reason));
	if (incomplete)
		jsonout_member_bool(j, "incomplete", true);
}

static int say(struct slice bytes, struct arena *a, struct buf *out)
{
	struct http_header room[REQUEST_HEADERS];
	struct http_judgement judgement =
		http_request_judge(bytes, room, REQUEST_HEADERS, REQUEST_HEAD, a);
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	if (judgement.outcome == HTTP_PARSE_DONE)
		say_accepted(&j, &judgement.head);
	else
		say_refused(&j, &judgement);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int say_error(struct buf *out, const char *what)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member_cstring(&j, "error", what);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int judge_line(struct slice line, struct arena *a, struct buf *out)
{
	const struct json_limits limits = {
		.depth = 8, .members = 16, .values = 64, .any_strings = true};
	struct json_doc doc;

	if (json_read(line, &limits, a, &doc))
		return say_error(out, "the line is not JSON");
	const struct json_node *text = json_member_typed(doc.root, SLICE("text"), JSON_STRING);
	const struct json_node *coded = json_member_typed(doc.root, SLICE("base64"), JSON_STRING);
	if (!text == !coded)
		return say_error(out, "a line is {\"base64\": \"...\"} or {\"text\": \"...\"}");
	if (text)
		return say(json_string(text), a, out);
	struct slice code = json_string(coded);
	size_t room = BASE64_BYTES(code.len), len;
	char *bytes = arena_alloc(a, room);
	if (!bytes)
		return err_raise(ENOMEM, "the bytes of a request");
	if (!base64_decode(code, bytes, room, &len))
		return say_error(out, "base64 is not valid");
	return say(slice_of(bytes, len), a, out);
}

int try_http_line(struct slice line, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = judge_line(line, &a, out);
	arena_deinit(&a);
	return r;
}

int try_http_bytes(struct slice bytes, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = say(bytes, &a, out);
	arena_deinit(&a);
	return r;
}
