/* SPDX-License-Identifier: Apache-2.0 */
/* Writing responses; see respond.h. */
#include "http/respond.h"

#include "base/err.h"
#include "base/num.h"
#include "base/obj.h"
#include "http/chars.h"
#include "http/header.h"

enum { PROBLEM_BYTES = 1024, MEMBERS_BYTES_MAX = 256, REQUEST_ID_CHARS_MAX = 64 };

/* A word while all went well; the first failure stays. */
static void append(struct buf *out, int *r, struct slice s)
{
	if (*r == 0)
		*r = buf_append(out, s);
}

static void append_cstr(struct buf *out, int *r, const char *text)
{
	append(out, r, slice_from_cstr(text));
}

static void append_number(struct buf *out, int *r, uint64_t n)
{
	char text[NUM_TEXT_BYTES];

	append(out, r, num_format_u64(n, text));
}

static void append_field(struct buf *out, int *r, const char *name, struct slice value)
{
	if (*r == 0)
		*r = http_header_write(out, slice_from_cstr(name), value);
}

struct status_row {
	int status;
	const char *text;
};

/* clang-format off */
static const struct status_row statuses[] = {
	{101, "Switching Protocols"}, {200, "OK"}, {201, "Created"}, {204, "No Content"},
	{206, "Partial Content"}, {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"},
	{304, "Not Modified"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
	{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
	{405, "Method Not Allowed"}, {406, "Not Acceptable"}, {408, "Request Timeout"},
	{409, "Conflict"}, {411, "Length Required"}, {412, "Precondition Failed"},
	{413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"}, {421, "Misdirected Request"}, {422, "Unprocessable Content"},
	{426, "Upgrade Required"}, {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
	{503, "Service Unavailable"}, {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
};
/* clang-format on */

const char *http_status_text(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	return "Unknown";
}

/*
 * Days since 1970 to a date, by eras of 400 years that start on the first of March, so that
 * the leap day is a year's last (the method of Howard Hinnant's "chrono-compatible low-level
 * date algorithms").
 */
struct date {
	unsigned year, month, day;
};

static struct date date_of(uint64_t days)
{
	uint64_t z = days + 719468;
	uint64_t era = z / 146097, day_of_era = z % 146097;
	uint64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint64_t month = (5 * day_of_year + 2) / 153;
	struct date d = {
		.day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
		.month = (unsigned)(month < 10 ? month + 3 : month - 9),
	};

	d.year = (unsigned)(year_of_era + era * 400 + (d.month <= 2));
	return d;
}

static void two_digits(char *out, unsigned n)
{
	out[0] = (char)('0' + n / 10 % 10);
	out[1] = (char)('0' + n % 10);
}

void http_date_format(uint64_t now_s, char out[HTTP_DATE_CHARS])
{
	static const char weekdays[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const uint64_t last = UINT64_C(253402300799); /* of the year 9999 */
	now_s = now_s < last ? now_s : last;
	uint64_t days = now_s / 86400;
	unsigned second = (unsigned)(now_s % 86400);
	struct date d = date_of(days);
	memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", HTTP_DATE_CHARS);
	memcpy(out, weekdays + 3 * (days % 7), 3);
	two_digits(out + 5, d.day);
	memcpy(out + 8, months + 3 * ((d.month - 1) % 12), 3);
	two_digits(out + 12, d.year / 100);
	two_digits(out + 14, d.year % 100);
	two_digits(out + 17, second / 3600);
	two_digits(out + 20, second / 60 % 60);
	two_digits(out + 23, second % 60);
}

int http_respond_switch(struct buf *out, struct slice key, struct slice protocol,
			const struct http_deflate *deflate)
{
	char accept[HTTP_ACCEPT_CHARS], room[128];
	int r = 0;

	if (protocol.len && !http_token_ok(protocol))
		return err_raise(EINVAL, "a subprotocol that is no token");
	r = http_accept(key, accept);
	append_cstr(out, &r,
		    "HTTP/1.1 101 Switching Protocols\r\n"
		    "Upgrade: websocket\r\nConnection: Upgrade\r\n");
	append_field(out, &r, "Sec-WebSocket-Accept", slice_of(accept, sizeof(accept)));
	if (protocol.len)
		append_field(out, &r, "Sec-WebSocket-Protocol", protocol);
	struct slice answer = http_deflate_answer(deflate, room, sizeof(room));
	if (answer.len)
		append_field(out, &r, "Sec-WebSocket-Extensions", answer);
	append(out, &r, SLICE("\r\n"));
	return r;
}

int http_respond_start(struct buf *out, int status, uint64_t now_s)
{
	char date[HTTP_DATE_CHARS];
	int r = 0;

	append_cstr(out, &r, "HTTP/1.1 ");
	append_number(out, &r, (uint64_t)status);
	append(out, &r, SLICE(" "));
	append_cstr(out, &r, http_status_text(status));
	append(out, &r, SLICE("\r\n"));
	if (now_s) {
		http_date_format(now_s, date);
		append_field(out, &r, "Date", slice_of(date, sizeof(date)));
	}
	return r;
}

int http_respond_field(struct buf *out, const char *name, struct slice value)
{
	int r = 0;

	if (!http_token_ok(slice_from_cstr(name)) || !http_value_ok(value))
		return err_raise(EINVAL, "a header field that would break its line");
	append_field(out, &r, name, value);
	return r;
}

int http_respond_end(struct buf *out, int status, uint64_t body_bytes)
{
	/* RFC 9110 section 8.6: never with 1xx and 204; with 304 it would speak of another body. */
	if (status < 200 || status == 204 || status == 304)
		return buf_append(out, SLICE("\r\n"));
	int r = 0;

	append_cstr(out, &r, "Content-Length: ");
	append_number(out, &r, body_bytes);
	append(out, &r, SLICE("\r\n\r\n"));
	return r;
}

/* An id that can stand in JSON as it is. Ours always can; anything else is left out. */
static bool request_id_ok(struct slice id)
{
	return id.len <= REQUEST_ID_CHARS_MAX && http_chars_all(id, HTTP_CHAR_UNRESERVED);
}

/* The sentences and words of the table need no escaping; a test holds them to that. */
static struct slice problem(const struct http_refusal *f, int status, char room[PROBLEM_BYTES])
{
	struct buf out = {.data = room, .cap = PROBLEM_BYTES, .max = PROBLEM_BYTES};
	int r = 0;

	MUST(f->members.len <= MEMBERS_BYTES_MAX);
	append_cstr(&out, &r, "{\"title\":\"");
	append_cstr(&out, &r, reason_sentence(f->reason));
	append_cstr(&out, &r, "\",\"status\":");
	append_number(&out, &r, (uint64_t)status);
	append_cstr(&out, &r, ",\"reason\":\"");
	append_cstr(&out, &r, reason_word(f->reason));
	append_cstr(&out, &r, "\",\"request\":\"");
	append(&out, &r, request_id_ok(f->request) ? f->request : SLICE(""));
	append_cstr(&out, &r, f->members.len ? "\"," : "\"");
	append(&out, &r, f->members);
	append(&out, &r, SLICE("}\n"));
	MUST(r == 0);
	return buf_slice(&out);
}

/* What a status must carry (RFC 9110 sections 11.6.1, 10.2.1, 15.5.22, 10.2.3). */
static int status_fields(struct buf *out, const struct http_refusal *f, int status)
{
	int r = 0;

	if (status == 401)
		append_field(out, &r, "WWW-Authenticate", SLICE("Bearer"));
	if (status == 405)
		append_field(out, &r, "Allow", slice_from_cstr(f->allow ? f->allow : "GET"));
	if (status == 426) {
		append_field(out, &r, "Upgrade", SLICE("websocket"));
		append_field(out, &r, "Sec-WebSocket-Version", SLICE("13"));
	}
	if (status == 429 || status == 503) {
		append_cstr(out, &r, "Retry-After: ");
		append_number(out, &r, f->retry_after_s ? f->retry_after_s : 1);
		append(out, &r, SLICE("\r\n"));
	}
	return r;
}

/* A sender of Upgrade names it in Connection (RFC 9110 section 7.8). */
static struct slice connection_value(const struct http_refusal *f, int status)
{
	if (status == 426)
		return f->keep_open ? SLICE("Upgrade") : SLICE("Upgrade, close");
	return f->keep_open ? SLICE("keep-alive") : SLICE("close");
}

int http_respond_refusal(struct buf *out, const struct http_refusal *f)
{
	char room[PROBLEM_BYTES];
	int status = reason_status(f->reason);
	struct slice body = problem(f, status, room);
	int r = http_respond_start(out, status, f->now_s);

	append_cstr(out, &r,
		    "Content-Type: application/problem+json\r\n"
		    "Cache-Control: no-store\r\n"
		    "X-Content-Type-Options: nosniff\r\n");
	append_field(out, &r, "Connection", connection_value(f, status));
	if (r == 0)
		r = status_fields(out, f, status);
	for (size_t i = 0; r == 0 && i < f->header_count; i++) {
		struct http_header more = f->headers[i];
		if (!http_token_ok(more.name) || !http_value_ok(more.value))
			return err_raise(EINVAL, "a header field that would break its line");
		if (r == 0)
			r = http_header_write(out, more.name, more.value);
	}
	if (r == 0)
		r = http_respond_end(out, status, body.len);
	if (!f->head_only)
		append(out, &r, body);
	return r;
}
