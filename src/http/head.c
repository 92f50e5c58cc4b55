/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the head of a message; see head.h.
 *
 *   METHOD -> TARGET -> PATH -> QUERY -> VERSION -+-> FIELD -> NAME -> VALUE -> VALUE_LF -+
 *   STATUS_LINE -> STATUS -> PHRASE -> PHRASE_LF -+     ^------------------------------------+
 *                                                 FIELD -> LAST_LF -> done
 *
 * Two passes, both linear. The first is the automaton above: it decides, byte by byte, and
 * remembers only offsets, since the bytes may move between calls. When the head is complete and
 * known to be good, the second cuts it into slices and has nothing left to refuse.
 */
#include "http/head.h"

#include "base/num.h"
#include "base/obj.h"
#include "http/chars.h"
#include "http/header.h"

enum state {
	ST_REFUSED = 0,
	ST_DONE,
	ST_METHOD,
	ST_TARGET,
	ST_ASTERISK,
	ST_PATH,
	ST_QUERY,
	ST_VERSION,
	ST_STATUS_LINE,
	ST_STATUS,
	ST_STATUS_END,
	ST_PHRASE,
	ST_PHRASE_LF,
	ST_FIELD,
	ST_NAME,
	ST_VALUE,
	ST_VALUE_LF,
	ST_LAST_LF,
};

/* The longest registered method has 17 characters. */
enum { METHOD_CHARS_MAX = 24 };

/* Beyond this a length no longer fits an IEEE double, and nobody here takes a body that long. */
static const uint64_t CONTENT_LENGTH_MAX = (UINT64_C(1) << 53) - 1;

static const struct slice version_text = SLICE_INIT("HTTP/1.1\r\n");
static const struct slice status_line_text = SLICE_INIT("HTTP/1.1 ");

static const char *const methods[] = {
	[HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",     [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
	[HTTP_PATCH] = "PATCH", [HTTP_TRACE] = "TRACE",   [HTTP_CONNECT] = "CONNECT",
};

/*
 * Fields that a request may have once. A second one is how two readers come to see two
 * different requests: one takes the first, the other the last, a third joins them.
 */
/* clang-format off */
static const struct slice once[] = {
	SLICE_INIT("content-length"),
	SLICE_INIT("host"),
	SLICE_INIT("origin"),
	SLICE_INIT("authorization"),
	SLICE_INIT("proxy-authorization"),
	SLICE_INIT("cookie"),
	SLICE_INIT("content-type"),
	SLICE_INIT("sec-websocket-key"),
	SLICE_INIT("sec-websocket-version"),
	SLICE_INIT("sec-fetch-site"),
	SLICE_INIT("sec-fetch-mode"),
	SLICE_INIT("sec-fetch-dest"),
	SLICE_INIT("sec-fetch-user"),
	SLICE_INIT("sallyport"),
	SLICE_INIT("sallyport-csrf"),
	SLICE_INIT("access-control-request-method"),
	SLICE_INIT("referer"),
	SLICE_INIT("user-agent"),
	SLICE_INIT("x-api-key"),
};
/* clang-format on */
enum { ONCE_CONTENT_LENGTH = 0, ONCE_COUNT = sizeof(once) / sizeof(once[0]) };
_Static_assert(ONCE_COUNT <= 32, "http_parser.seen has a bit for each");

const char *http_method_text(enum http_method method)
{
	return method > HTTP_METHOD_OTHER && method <= HTTP_CONNECT ? methods[method] : "";
}

static enum http_method method_of(struct slice text)
{
	for (int m = HTTP_GET; m <= HTTP_CONNECT; m++)
		if (slice_eq(text, slice_from_cstr(methods[m])))
			return (enum http_method)m;
	return HTTP_METHOD_OTHER;
}

void http_parser_init(struct http_parser *p, enum http_side side, struct http_header *room,
		      size_t max_headers, size_t max_bytes)
{
	*p = (struct http_parser){
		.side = side,
		.state = side == HTTP_REQUEST ? ST_METHOD : ST_STATUS_LINE,
		.room = room,
		.max_headers = max_headers,
		.max_bytes = max_bytes,
	};
}

static void refuse(struct http_parser *p, enum reason reason, size_t at)
{
	p->state = ST_REFUSED;
	p->reason = reason;
	p->at = at;
}

/* Takes the byte at p->at and goes on in `state`. */
static void take(struct http_parser *p, enum state state)
{
	p->at++;
	p->state = state;
}

/* Takes the byte if it is the one that must come; else it is the guilty one. */
static void expect(struct http_parser *p, struct slice s, char wanted, enum state state)
{
	if (s.data[p->at] != wanted)
		refuse(p, REASON_HANDSHAKE_MALFORMED, p->at);
	else
		take(p, state);
}

static void scan_method(struct http_parser *p, struct slice s)
{
	size_t run = http_char_run(s, p->at, HTTP_CHAR_TOKEN);

	if (p->at + run > METHOD_CHARS_MAX) {
		refuse(p, REASON_HANDSHAKE_MALFORMED, METHOD_CHARS_MAX);
		return;
	}
	p->at += run;
	if (p->at == s.len)
		return;
	if (p->at == 0) {
		refuse(p, REASON_HANDSHAKE_MALFORMED, 0);
		return;
	}
	p->head.method = method_of(slice_first(s, p->at));
	expect(p, s, ' ', ST_TARGET);
}

static void scan_target(struct http_parser *p, struct slice s)
{
	if (s.data[p->at] == '*' && p->head.method == HTTP_OPTIONS)
		take(p, ST_ASTERISK);
	else
		expect(p, s, '/', ST_PATH);
}

static void scan_path(struct http_parser *p, struct slice s)
{
	p->at += http_char_run(s, p->at, p->state == ST_PATH ? HTTP_CHAR_PATH : HTTP_CHAR_QUERY);
	if (p->at == s.len)
		return;
	if (p->state == ST_PATH && s.data[p->at] == '?') {
		take(p, ST_QUERY);
		return;
	}
	expect(p, s, ' ', ST_VERSION);
	p->mark = p->at;
}

/* A fixed text that started at p->mark, then `state`. */
static void scan_literal(struct http_parser *p, struct slice s, struct slice literal,
			 enum state state)
{
	while (p->at < s.len && p->at - p->mark < literal.len) {
		if (s.data[p->at] != literal.data[p->at - p->mark]) {
			refuse(p, REASON_HANDSHAKE_MALFORMED, p->at);
			return;
		}
		p->at++;
	}
	if (p->at - p->mark == literal.len) {
		p->state = state;
		p->mark = p->at;
	}
}

static void scan_status(struct http_parser *p, struct slice s)
{
	size_t digits = p->at - p->mark;
	char c = s.data[p->at];

	if (c < '0' || c > '9' || (digits == 0 && (c < '1' || c > '5'))) {
		refuse(p, REASON_HANDSHAKE_MALFORMED, p->at);
		return;
	}
	p->head.status = p->head.status * 10 + (c - '0');
	take(p, digits == 2 ? ST_STATUS_END : ST_STATUS);
}

/* Some servers leave out the space before an empty phrase. */
static void scan_status_end(struct http_parser *p, struct slice s)
{
	if (s.data[p->at] == '\r')
		take(p, ST_PHRASE_LF);
	else
		expect(p, s, ' ', ST_PHRASE);
}

/*
 * To the end of what a line may hold. An application's answer may have bytes above 0x7F
 * (RFC 9110 obs-text) since nothing of it is passed on.
 */
static void scan_text(struct http_parser *p, struct slice s, enum state next)
{
	for (;;) {
		p->at += http_value_run(s, p->at);
		if (p->at == s.len)
			return;
		if (p->side == HTTP_REQUEST || (unsigned char)s.data[p->at] < 0x80)
			break;
		p->at++;
	}
	expect(p, s, '\r', next);
}

static void scan_field(struct http_parser *p, struct slice s)
{
	char c = s.data[p->at];

	if (c == '\r')
		take(p, ST_LAST_LF);
	else if (!http_char_is(c, HTTP_CHAR_TOKEN))
		refuse(p, REASON_HANDSHAKE_MALFORMED, p->at);
	else if (p->fields == p->max_headers)
		refuse(p, REASON_HEAD_TOO_LARGE, p->at);
	else {
		p->mark = p->at;
		take(p, ST_NAME);
	}
}

/* Transfer_Encoding is Transfer-Encoding to a reader that turns names into variables. */
static bool name_is_loosely(struct slice name, struct slice wanted)
{
	if (name.len != wanted.len)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i] == '_' ? '-' : name.data[i];
		if (!slice_eq_icase(slice_of(&c, 1), slice_of(wanted.data + i, 1)))
			return false;
	}
	return true;
}

/* A name is complete: may a field of that name come here? */
static bool field_may_come(struct http_parser *p, struct slice name)
{
	struct slice transfer = SLICE("transfer-encoding"), length = SLICE("content-length");
	bool request = p->side == HTTP_REQUEST;

	if (request && name_is_loosely(name, transfer))
		return false;
	if (request && slice_eq_icase(name, SLICE("expect")))
		return false;
	if (name_is_loosely(name, length) && !slice_eq_icase(name, length))
		return false;
	if (name_is_loosely(name, transfer))
		p->head.has_transfer_encoding = true;
	/* Of a response only its length is asked here; http/upgrade knows the rest. */
	for (unsigned i = 0; i < (request ? ONCE_COUNT : ONCE_CONTENT_LENGTH + 1); i++) {
		if (!slice_eq_icase(name, once[i]))
			continue;
		if (p->seen & (UINT32_C(1) << i))
			return false;
		p->seen |= UINT32_C(1) << i;
	}
	return true;
}

static void scan_name(struct http_parser *p, struct slice s)
{
	p->at += http_char_run(s, p->at, HTTP_CHAR_TOKEN);
	if (p->at == s.len)
		return;
	p->name_len = p->at - p->mark;
	if (s.data[p->at] != ':' || !field_may_come(p, slice_of(s.data + p->mark, p->name_len)))
		refuse(p, REASON_HANDSHAKE_MALFORMED, p->at);
	else
		take(p, ST_VALUE);
}

/* The line is complete: does the value say how long the body is? */
static void end_field(struct http_parser *p, struct slice s)
{
	size_t start = p->mark + p->name_len + 1;
	struct slice name = slice_of(s.data + p->mark, p->name_len);
	struct slice value = slice_trim(slice_of(s.data + start, p->at - 1 - start));

	if (slice_eq_icase(name, once[ONCE_CONTENT_LENGTH])) {
		if (!num_parse_u64(value, CONTENT_LENGTH_MAX, &p->head.content_length)) {
			refuse(p, REASON_HANDSHAKE_MALFORMED, start);
			return;
		}
		p->head.has_content_length = true;
	}
	p->fields++;
	take(p, ST_FIELD);
}

static void scan_value_lf(struct http_parser *p, struct slice s)
{
	if (s.data[p->at] != '\n')
		refuse(p, REASON_HANDSHAKE_MALFORMED, p->at);
	else
		end_field(p, s);
}

static void step(struct http_parser *p, struct slice s)
{
	/* clang-format off */
	switch ((enum state)p->state) {
	case ST_METHOD:      scan_method(p, s); break;
	case ST_TARGET:      scan_target(p, s); break;
	case ST_ASTERISK:    expect(p, s, ' ', ST_VERSION); p->mark = p->at; break;
	case ST_PATH:
	case ST_QUERY:       scan_path(p, s); break;
	case ST_VERSION:     scan_literal(p, s, version_text, ST_FIELD); break;
	case ST_STATUS_LINE: scan_literal(p, s, status_line_text, ST_STATUS); break;
	case ST_STATUS:      scan_status(p, s); break;
	case ST_STATUS_END:  scan_status_end(p, s); break;
	case ST_PHRASE:      scan_text(p, s, ST_PHRASE_LF); break;
	case ST_PHRASE_LF:   expect(p, s, '\n', ST_FIELD); break;
	case ST_FIELD:       scan_field(p, s); break;
	case ST_NAME:        scan_name(p, s); break;
	case ST_VALUE:       scan_text(p, s, ST_VALUE_LF); break;
	case ST_VALUE_LF:    scan_value_lf(p, s); break;
	case ST_LAST_LF:     expect(p, s, '\n', ST_DONE); break;
	case ST_REFUSED:
	case ST_DONE:        break;
	}
	/* clang-format on */
}

/* Takes the part before `end` off the front of *rest, and `end` itself. */
static struct slice cut(struct slice *rest, char end)
{
	size_t at = slice_index(*rest, end);
	struct slice part = slice_first(*rest, at);

	MUST(at < rest->len);
	*rest = slice_from(*rest, at + 1);
	return part;
}

/* The second pass: over a head that the first found good. */
static void split(struct http_parser *p, struct slice head)
{
	struct slice rest = head;

	if (p->side == HTTP_REQUEST) {
		p->head.method_text = cut(&rest, ' ');
		p->head.target = cut(&rest, ' ');
		cut(&rest, '\n');
	} else {
		rest = slice_from(rest, status_line_text.len + 3);
		p->head.phrase = slice_trim(cut(&rest, '\r'));
		rest = slice_from(rest, 1);
	}
	for (size_t i = 0; i < p->fields; i++) {
		p->room[i].name = cut(&rest, ':');
		p->room[i].value = slice_trim(cut(&rest, '\r'));
		rest = slice_from(rest, 1);
	}
	MUST(slice_eq(rest, SLICE("\r\n")));
	p->head.headers = p->room;
	p->head.header_count = p->fields;
	p->head.bytes = head.len;
}

enum http_parse http_parser_feed(struct http_parser *p, struct slice bytes)
{
	struct slice s = slice_first(bytes, p->max_bytes);
	bool live = p->state != ST_DONE && p->state != ST_REFUSED;

	while (p->state != ST_DONE && p->state != ST_REFUSED && p->at < s.len)
		step(p, s);
	if (p->state == ST_DONE) {
		if (live)
			split(p, slice_first(s, p->at));
		return HTTP_PARSE_DONE;
	}
	if (p->state != ST_REFUSED && p->at >= p->max_bytes)
		refuse(p, REASON_HEAD_TOO_LARGE, p->at);
	return p->state == ST_REFUSED ? HTTP_PARSE_REFUSED : HTTP_PARSE_MORE;
}
