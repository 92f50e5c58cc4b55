/* SPDX-License-Identifier: Apache-2.0 */
#include "http/respond.h"

#include <errno.h>

#include "http/header.h"
#include "http/upgrade.h"
#include "http_unit.h"

static struct buf out;

static int setup(void **state)
{
	(void)state;
	buf_init(&out, 4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_deinit(&out);
	return 0;
}

static void the_101_to_the_letter(void **state)
{
	struct http_deflate off = {.on = false};

	(void)state;
	buf_clear(&out);
	assert_int_equal(http_respond_switch(&out, SLICE("dGhlIHNhbXBsZSBub25jZQ=="),
					     SLICE("chat.v1"), &off),
			 0);
	assert_slice(buf_slice(&out), "HTTP/1.1 101 Switching Protocols\r\n"
				      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
				      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
				      "Sec-WebSocket-Protocol: chat.v1\r\n\r\n");
	buf_clear(&out);
	assert_int_equal(
		http_respond_switch(&out, SLICE("dGhlIHNhbXBsZSBub25jZQ=="), SLICE("a\r\nb"), &off),
		-EINVAL);
	assert_int_equal(buf_waiting(&out), 0);
}

/* What we answer as a server satisfies us as a client. */
static void both_sides_agree(void **state)
{
	struct slice protocol = SLICE("chat.v1");
	struct http_upgrade u = {
		.protocols = &protocol, .protocol_count = 1, .offer_deflate = true};
	struct http_deflate d = {.on = true, .server_bits = 10, .client_bits = 15};
	struct http_upgrade_answer answer;
	const char *detail;

	(void)state;
	http_upgrade_key((const uint8_t *)"sixteen bytes...", u.key);
	buf_clear(&out);
	assert_int_equal(http_respond_switch(&out, slice_of(u.key, sizeof(u.key)), protocol, &d),
			 0);
	struct http_parser *p = unit_parse(HTTP_RESPONSE, buf_slice(&out));
	assert_int_equal(http_upgrade_verify(&u, &p->head, &answer, &detail), REASON_NONE);
	assert_slice(answer.protocol, "chat.v1");
	assert_true(answer.deflate.on);
	assert_int_equal(answer.deflate.server_bits, 10);
}

static void a_refusal_to_the_letter(void **state)
{
	struct http_refusal r = {
		.reason = REASON_ORIGIN_NOT_ALLOWED,
		.request = SLICE("r-1"),
		.now_s = 784111777,
	};

	(void)state;
	buf_clear(&out);
	assert_int_equal(http_respond_refusal(&out, &r), 0);
	assert_slice(buf_slice(&out),
		     "HTTP/1.1 403 Forbidden\r\n"
		     "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		     "Content-Type: application/problem+json\r\n"
		     "Cache-Control: no-store\r\n"
		     "X-Content-Type-Options: nosniff\r\n"
		     "Connection: close\r\n"
		     "Content-Length: 143\r\n\r\n"
		     "{\"title\":\"The Origin is not on the route's list, or Fetch metadata "
		     "contradicts it\","
		     "\"status\":403,\"reason\":\"origin_not_allowed\",\"request\":\"r-1\"}\n");
}

/* Every row of the table makes a well-formed response with what its status must carry. */
static void every_reason_can_be_answered(void **state)
{
	(void)state;
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		struct http_refusal r = {.reason = (enum reason)i, .request = SLICE("abc")};
		buf_clear(&out);
		assert_int_equal(http_respond_refusal(&out, &r), 0);
		struct http_parser *p = unit_parse(HTTP_RESPONSE, buf_slice(&out));
		const struct http_head *h = &p->head;
		struct slice body = slice_from(buf_slice(&out), h->bytes);
		assert_int_equal(h->status, reason_status(r.reason));
		assert_true(h->has_content_length);
		assert_int_equal(h->content_length, body.len);
		/* Nothing in the sentence or the word would need an escape. */
		size_t quotes = 0;
		for (size_t c = 0; c < body.len; c++) {
			quotes += body.data[c] == '"';
			assert_true(body.data[c] != '\\');
			assert_true((unsigned char)body.data[c] >= ' ' || c == body.len - 1);
			assert_true((unsigned char)body.data[c] < 0x7f);
		}
		assert_int_equal(quotes, 14);
		assert_false(strcmp(http_status_text(h->status), "Unknown") == 0);
		assert_int_equal(http_header_count(h, SLICE("www-authenticate")), h->status == 401);
		assert_int_equal(http_header_count(h, SLICE("allow")), h->status == 405);
		assert_int_equal(http_header_count(h, SLICE("upgrade")), h->status == 426);
		assert_int_equal(http_header_count(h, SLICE("sec-websocket-version")),
				 h->status == 426);
		assert_int_equal(http_header_count(h, SLICE("retry-after")),
				 h->status == 429 || h->status == 503);
		assert_true(http_header_has_token(h, SLICE("connection"), SLICE("close")));
	}
}

static struct slice header_of(const struct http_refusal *r, const char *name)
{
	struct slice value = SLICE("(none)");

	buf_clear(&out);
	assert_int_equal(http_respond_refusal(&out, r), 0);
	(void)!http_header_single(&unit_parse(HTTP_RESPONSE, buf_slice(&out))->head,
				  slice_from_cstr(name), &value);
	return value;
}

static void details_of_refusals(void **state)
{
	static const struct http_header cors[] = {
		{SLICE_INIT("Access-Control-Allow-Origin"), SLICE_INIT("https://a")}};
	static const struct http_header bad[] = {{SLICE_INIT("X"), SLICE_INIT("a\nb")}};
	struct http_refusal r = {.reason = REASON_OVERLOADED};

	(void)state;
	assert_slice(header_of(&r, "Retry-After"), "1");
	assert_slice(header_of(&r, "Date"), "(none)");
	r.retry_after_s = 30;
	assert_slice(header_of(&r, "Retry-After"), "30");
	r = (struct http_refusal){.reason = REASON_METHOD_NOT_ALLOWED};
	assert_slice(header_of(&r, "Allow"), "GET");
	r.allow = "GET, HEAD";
	assert_slice(header_of(&r, "Allow"), "GET, HEAD");
	r = (struct http_refusal){.reason = REASON_UPGRADE_REQUIRED};
	assert_slice(header_of(&r, "Sec-WebSocket-Version"), "13");
	assert_slice(header_of(&r, "Upgrade"), "websocket");
	assert_slice(header_of(&r, "Connection"), "Upgrade, close");
	r.keep_open = true;
	assert_slice(header_of(&r, "Connection"), "Upgrade");
	r = (struct http_refusal){.reason = REASON_ROUTE_UNKNOWN, .keep_open = true};
	assert_slice(header_of(&r, "Connection"), "keep-alive");
	r.headers = cors;
	r.header_count = 1;
	assert_slice(header_of(&r, "Access-Control-Allow-Origin"), "https://a");
	r.headers = bad;
	assert_int_equal(http_respond_refusal(&out, &r), -EINVAL);
}

static void no_body_for_head(void **state)
{
	struct http_refusal r = {.reason = REASON_ROUTE_UNKNOWN, .head_only = true};

	(void)state;
	buf_clear(&out);
	assert_int_equal(http_respond_refusal(&out, &r), 0);
	struct http_parser *p = unit_parse(HTTP_RESPONSE, buf_slice(&out));
	assert_int_equal(p->head.bytes, buf_waiting(&out));
	assert_true(p->head.content_length > 0);
}

/* An id that is not one of ours is left out rather than escaped. */
static void nothing_is_reflected(void **state)
{
	struct http_refusal r = {.reason = REASON_ROUTE_UNKNOWN, .request = SLICE("a\"b")};

	(void)state;
	buf_clear(&out);
	assert_int_equal(http_respond_refusal(&out, &r), 0);
	assert_true(slice_ends_with(buf_slice(&out), SLICE(",\"request\":\"\"}\n")));
	/* Nor one that is longer than ours could be. */
	char id[65];
	memset(id, 'i', sizeof(id));
	r.request = slice_of(id, 64);
	buf_clear(&out);
	assert_int_equal(http_respond_refusal(&out, &r), 0);
	assert_true(slice_ends_with(buf_slice(&out), SLICE("iiii\"}\n")));
	r.request = slice_of(id, 65);
	buf_clear(&out);
	assert_int_equal(http_respond_refusal(&out, &r), 0);
	assert_true(slice_ends_with(buf_slice(&out), SLICE(",\"request\":\"\"}\n")));
}

static void no_room_is_said(void **state)
{
	struct http_refusal r = {.reason = REASON_ROUTE_UNKNOWN};
	struct http_deflate d = {.on = true, .server_bits = 15};
	struct buf b;

	(void)state;
	for (size_t max = 0; max < 100; max += 9) {
		buf_init(&b, max);
		assert_int_equal(http_respond_refusal(&b, &r), BUF_FULL);
		buf_clear(&b);
		assert_int_equal(http_respond_switch(&b, SLICE("x"), SLICE("p"), &d), BUF_FULL);
		buf_deinit(&b);
	}
}

static void other_responses(void **state)
{
	(void)state;
	buf_clear(&out);
	assert_int_equal(http_respond_start(&out, 201, 0), 0);
	assert_int_equal(http_respond_field(&out, "X-Y", SLICE("z")), 0);
	assert_int_equal(http_respond_field(&out, "X:", SLICE("z")), -EINVAL);
	assert_int_equal(http_respond_field(&out, "X", SLICE("a\r\nb")), -EINVAL);
	assert_int_equal(http_respond_end(&out, 201, 7), 0);
	assert_slice(buf_slice(&out),
		     "HTTP/1.1 201 Created\r\nX-Y: z\r\nContent-Length: 7\r\n\r\n");
	buf_clear(&out);
	assert_int_equal(http_respond_start(&out, 204, 0), 0);
	assert_int_equal(http_respond_end(&out, 204, 0), 0);
	assert_slice(buf_slice(&out), "HTTP/1.1 204 No Content\r\n\r\n");
	buf_clear(&out);
	assert_int_equal(http_respond_end(&out, 200, 0), 0);
	assert_slice(buf_slice(&out), "Content-Length: 0\r\n\r\n");
	buf_clear(&out);
	assert_int_equal(http_respond_end(&out, 304, 5), 0);
	assert_slice(buf_slice(&out), "\r\n");
}

static void dates(void **state)
{
	static const struct {
		const char *says;
		uint64_t now_s;
	} rows[] = {
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
		{"Wed, 01 Mar 2000 00:00:00 GMT", 951868800},
		{"Sat, 28 Feb 2026 12:00:00 GMT", 1772280000},
		{"Sun, 01 Mar 2026 00:00:00 GMT", 1772323200},
		{"Tue, 31 Dec 2030 23:59:59 GMT", 1924991999},
		{"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
		{"Fri, 31 Dec 9999 23:59:59 GMT", UINT64_MAX},
	};
	(void)state;
	EACH_ROW (at, rows) {
		char text[HTTP_DATE_CHARS];
		http_date_format(at->now_s, text);
		ROW_EQ(at, slice_of(text, sizeof(text)), slice_from_cstr(at->says));
	}
	/* The C library agrees, day by day, for two leap cycles of centuries. */
	for (int64_t day = 0; day < 800 * 366; day += 13) {
		char ours[HTTP_DATE_CHARS], theirs[64];
		time_t t = (time_t)(day * 86400 + day % 86400);
		struct tm tm;
		gmtime_r(&t, &tm);
		http_date_format((uint64_t)t, ours);
		size_t len = strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		assert_true(slice_eq(slice_of(ours, sizeof(ours)), slice_of(theirs, len)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_101_to_the_letter),
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(a_refusal_to_the_letter),
		cmocka_unit_test(every_reason_can_be_answered),
		cmocka_unit_test(details_of_refusals),
		cmocka_unit_test(no_body_for_head),
		cmocka_unit_test(nothing_is_reflected),
		cmocka_unit_test(no_room_is_said),
		cmocka_unit_test(other_responses),
		cmocka_unit_test(dates),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
