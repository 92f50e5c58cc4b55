/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport try http`; see try_http.h. */
#include "cmd/try_http.h"

#include "base/jsonout.h"
#include "cmd/try_input.h"
#include "http/request.h"

/* The defaults of the manual's section on limits. */
enum { REQUEST_HEAD = 16384, REQUEST_HEADERS = 64 };

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

int try_http_line(struct slice line, struct buf *out)
{
	return try_say_line(line, say, out);
}

int try_http_bytes(struct slice bytes, struct buf *out)
{
	return try_say_bytes(bytes, say, out);
}
