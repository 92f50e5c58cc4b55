/* SPDX-License-Identifier: Apache-2.0 */
/* Writing lines of the audit log, and reading them back; see auditlog_line.h. */
#include "obs/auditlog_line.h"

#include <errno.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "base/num.h"
#include "obs/event_json.h"

#define SIGNATURE_BEFORE ",\"sig\":\""

void auditlog_hash(struct slice line, uint8_t out[AUDITLOG_HASH_BYTES])
{
	SHA256((const uint8_t *)line.data, line.len, out);
}

struct slice auditlog_hex(const uint8_t hash[AUDITLOG_HASH_BYTES], char out[AUDITLOG_HASH_CHARS])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < AUDITLOG_HASH_BYTES; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	return slice_of(out, AUDITLOG_HASH_CHARS);
}

/* --- writing */

static int append_start(const struct auditlog_place *at, struct buf *to)
{
	char hex[AUDITLOG_HASH_CHARS];

	if (!at->chained)
		return buf_printf(to, "{\"seq\":%llu,", (unsigned long long)at->seq);
	return buf_printf(to, "{\"seq\":%llu,\"prev\":\"%.*s\",", (unsigned long long)at->seq,
			  SLICE_ARG(auditlog_hex(at->prev, hex)));
}

/* What was appended behind `before` bytes is the line: it counts, or it is taken back. */
static int finish(struct auditlog_place *at, struct buf *to, size_t before, int r)
{
	if (r) {
		buf_truncate(to, before);
		return r;
	}
	struct slice line = slice_from(buf_slice(to), before);
	auditlog_hash(slice_first(line, line.len - 1), at->prev);
	at->seq++;
	return 0;
}

int auditlog_write(struct auditlog_place *at, struct slice body, struct buf *to)
{
	size_t before = buf_waiting(to);
	int r = append_start(at, to);

	if (r == 0)
		r = buf_append(to, body);
	if (r == 0)
		r = buf_append(to, SLICE("}\n"));
	return finish(at, to, before, r);
}

int auditlog_write_begin(struct auditlog_place *at, uint64_t unix_ms,
			 const struct auditlog_begin *b, struct buf *to)
{
	char room[AUDITLOG_LINE_MAX / 2], torn[AUDITLOG_HASH_CHARS];
	struct buf body = {.data = room, .cap = sizeof(room), .max = sizeof(room) - 1};
	struct event e;

	event_init(&e, EVENT_INFO, "begin");
	event_text(&e, "log", b->log);
	event_number(&e, "file", (int64_t)b->file);
	event_text(&e, "kid", b->kid);
	event_text(&e, "x", b->x);
	event_text(&e, "follows", b->follows);
	if (b->torn_bytes) {
		event_number(&e, "torn_bytes", (int64_t)b->torn_bytes);
		event_text(&e, "torn", auditlog_hex(b->torn, torn));
	}
	event_cstr(&e, "version", SALLYPORT_VERSION);
	return event_members(&e, unix_ms, &body) ? auditlog_write(at, buf_slice(&body), to)
						 : -ENOMEM;
}

int auditlog_write_checkpoint(struct auditlog_place *at, uint64_t unix_ms,
			      const struct auditlog_key *key, struct buf *to)
{
	size_t before = buf_waiting(to);
	char signature[AUDITLOG_SIGNATURE_CHARS];
	struct event e;

	event_init(&e, EVENT_INFO, "checkpoint");
	event_text(&e, "kid", auditlog_key_kid(key));
	int r = append_start(at, to);
	if (r == 0)
		r = event_members(&e, unix_ms, to) ? 0 : -ENOMEM;
	if (r == 0 && !auditlog_sign(key, slice_from(buf_slice(to), before), signature))
		r = err_raise(EIO, "the audit log cannot be signed");
	if (r == 0)
		r = buf_printf(to, SIGNATURE_BEFORE "%.*s\"}\n", (int)sizeof(signature), signature);
	return finish(at, to, before, r);
}

/* --- reading */

/* What is left of a line. Every function takes its part off the front, or returns false. */
struct scan {
	struct slice rest;
};

static bool take(struct scan *s, const char *literal)
{
	struct slice wanted = slice_from_cstr(literal);

	if (!slice_starts_with(s->rest, wanted))
		return false;
	s->rest = slice_from(s->rest, wanted.len);
	return true;
}

static bool take_number(struct scan *s, uint64_t *out)
{
	size_t len = 0;

	while (len < s->rest.len && s->rest.data[len] >= '0' && s->rest.data[len] <= '9')
		len++;
	if (!num_parse_u64(slice_first(s->rest, len), INT64_MAX, out))
		return false;
	s->rest = slice_from(s->rest, len);
	return true;
}

/* Letters, digits, `-`, `_`, `.`, `:` up to a quote, which is taken too. */
static bool take_word(struct scan *s, struct slice *out)
{
	size_t len = 0;

	while (len < s->rest.len && s->rest.data[len] != '"') {
		char c = s->rest.data[len];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':';
		if (!good)
			return false;
		len++;
	}
	if (len == 0 || len == s->rest.len)
		return false;
	*out = slice_first(s->rest, len);
	s->rest = slice_from(s->rest, len + 1);
	return true;
}

static bool take_chars(struct scan *s, size_t wanted, struct slice *out)
{
	return take_word(s, out) && out->len == wanted;
}

static bool take_hash(struct scan *s, uint8_t out[AUDITLOG_HASH_BYTES])
{
	struct slice text;

	if (!take_chars(s, AUDITLOG_HASH_CHARS, &text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
						   : -1;
		if (digit < 0)
			return false;
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | digit : digit << 4);
	}
	return true;
}

static bool read_begin(struct scan *s, bool chained, struct auditlog_begin *b)
{
	struct slice version;

	if (!take(s, ",\"log\":\"") || !take_chars(s, AUDITLOG_ID_CHARS, &b->log) ||
	    !take(s, ",\"file\":") || !take_number(s, &b->file))
		return false;
	if (chained && (!take(s, ",\"kid\":\"") || !take_chars(s, AUDITLOG_KEY_CHARS, &b->kid) ||
			!take(s, ",\"x\":\"") || !take_chars(s, AUDITLOG_KEY_CHARS, &b->x)))
		return false;
	if (take(s, ",\"follows\":\"") && !take_chars(s, AUDITLOG_ID_CHARS, &b->follows))
		return false;
	if (take(s, ",\"torn_bytes\":") && (!take_number(s, &b->torn_bytes) || b->torn_bytes == 0 ||
					    !take(s, ",\"torn\":\"") || !take_hash(s, b->torn)))
		return false;
	return take(s, ",\"version\":\"") && take_word(s, &version) && take(s, "}") &&
	       s->rest.len == 0;
}

static bool read_checkpoint(struct scan *s, struct slice line, struct auditlog_line *out)
{
	if (!out->chained || !take(s, ",\"kid\":\"") ||
	    !take_chars(s, AUDITLOG_KEY_CHARS, &out->kid))
		return false;
	out->signed_part = slice_first(line, line.len - s->rest.len);
	return take(s, SIGNATURE_BEFORE) &&
	       take_chars(s, AUDITLOG_SIGNATURE_CHARS, &out->signature) && take(s, "}") &&
	       s->rest.len == 0;
}

static bool read_rest(struct scan *s, struct slice line, struct auditlog_line *out)
{
	static const struct {
		const char *event;
		enum auditlog_kind kind;
	} kinds[] = {{"begin", AUDITLOG_BEGIN},
		     {"checkpoint", AUDITLOG_CHECKPOINT},
		     {"left_out", AUDITLOG_LEFT_OUT},
		     {"dropped", AUDITLOG_DROPPED}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (slice_eq(out->event, slice_from_cstr(kinds[i].event)))
			out->kind = kinds[i].kind;
	switch (out->kind) {
	case AUDITLOG_BEGIN:
		return read_begin(s, out->chained, &out->begin);
	case AUDITLOG_CHECKPOINT:
		return read_checkpoint(s, line, out);
	case AUDITLOG_LEFT_OUT:
	case AUDITLOG_DROPPED:
		return take(s, ",\"lines\":") && take_number(s, &out->lines) &&
		       slice_ends_with(s->rest, SLICE("}"));
	case AUDITLOG_EVENT:
		break;
	}
	return slice_ends_with(s->rest, SLICE("}"));
}

static bool has_control(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.data[i] < 0x20 || line.data[i] == 0x7f)
			return true;
	return false;
}

bool auditlog_line_read(struct slice line, struct auditlog_line *out)
{
	struct scan s = {line};
	struct slice level;

	*out = (struct auditlog_line){0};
	if (line.len > AUDITLOG_LINE_MAX || has_control(line) || !take(&s, "{\"seq\":") ||
	    !take_number(&s, &out->seq))
		return false;
	out->chained = take(&s, ",\"prev\":\"");
	if (out->chained && !take_hash(&s, out->prev))
		return false;
	return take(&s, ",\"time\":\"") && take_chars(&s, EVENT_TIME_CHARS, &out->time) &&
	       take(&s, ",\"level\":\"") && take_word(&s, &level) && take(&s, ",\"event\":\"") &&
	       take_word(&s, &out->event) && read_rest(&s, line, out);
}
