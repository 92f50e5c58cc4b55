/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tape -> text; see write.h. The writer keeps a pointer into the buffer's free room and
 * settles with the buffer only when that is used up. Recursion is bounded by the depth of a
 * tape.
 */
#include "json/write.h"

#include <errno.h>

#include "json/edit.h"
#include "json/scan.h"

struct writer {
	struct buf *out;
	char *at, *end; /* free room of out */
	int r;          /* the first failure; nothing is written after it */
	const struct json_edits *edits;
};

/* Gives back to the buffer what was written and asks for room for `bytes` more. */
static bool more_room(struct writer *w, size_t bytes) __attribute__((noinline));

static bool more_room(struct writer *w, size_t bytes)
{
	struct buf *b = w->out;

	if (w->r)
		return false;
	if (w->at)
		b->len = (size_t)(w->at - b->data);
	w->r = buf_reserve(b, bytes, &w->at);
	if (w->r) {
		w->at = w->end = NULL;
		return false;
	}
	size_t free_bytes = b->cap - b->len;
	size_t allowed = b->max - buf_waiting(b);
	w->end = w->at + (free_bytes < allowed ? free_bytes : allowed);
	return true;
}

static inline bool room(struct writer *w, size_t bytes)
{
	return (size_t)(w->end - w->at) >= bytes || more_room(w, bytes);
}

static inline void put_byte(struct writer *w, char c)
{
	if (room(w, 1))
		*w->at++ = c;
}

/* Fewer than 16 bytes. */
static inline char *copy_few(char *to, const char *from, size_t len)
{
	for (size_t piece = 8; piece; piece /= 2) {
		if (!(len & piece))
			continue;
		memcpy(to, from, piece);
		to += piece;
		from += piece;
	}
	return to;
}

static inline void put_slice(struct writer *w, struct slice s)
{
	if (!s.len || !room(w, s.len))
		return;
	if (s.len < 16) {
		w->at = copy_few(w->at, s.data, s.len);
	} else {
		memcpy(w->at, s.data, s.len);
		w->at += s.len;
	}
}

static void put_escape(struct writer *w, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	static const char short_form[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	char letter = c >= 0x20 ? (char)c : short_form[c];

	if (letter)
		put_slice(w, slice_of((char[]){'\\', letter}, 2));
	else
		put_slice(w, slice_of((char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6));
}

/* Up to the first character that needs an escape, or end; there is room for all of it and 16
 * bytes more. */
static inline const char *put_plain(struct writer *w, const char *p, const char *end)
{
	char *to = w->at;

#ifdef JSON_SCAN_SSE2
	for (; end - p >= 16; p += 16, to += 16) {
		unsigned hits = json_scan_hits(p, true);
		memcpy(to, p, 16);
		if (hits) {
			w->at = to + __builtin_ctz(hits);
			return p + __builtin_ctz(hits);
		}
	}
#endif
	const char *stop = json_scan_by_word(p, end, true);
	if (stop - p < 16) {
		w->at = copy_few(to, p, (size_t)(stop - p));
	} else {
		memcpy(to, p, (size_t)(stop - p));
		w->at = to + (stop - p);
	}
	return stop;
}

static void put_string(struct writer *w, struct slice text)
{
	const char *p = text.data, *end = text.len ? text.data + text.len : text.data;

	put_byte(w, '"');
	while (p != end && !w->r) {
		if ((size_t)(w->end - w->at) >= (size_t)(end - p) + 16) {
			p = put_plain(w, p, end);
		} else { /* near the end of the buffer's room */
			const char *plain = p;
			p = json_scan(text.data, p, end, true);
			put_slice(w, slice_of(plain, (size_t)(p - plain)));
		}
		if (p != end)
			put_escape(w, (uint8_t)*p++);
	}
	put_byte(w, '"');
}

static void put_value(struct writer *w, const struct json_node *v);

/* A value that no change concerns. */
static void put_plain_value(struct writer *w, const struct json_node *v)
{
	const struct json_edits *edits = w->edits;

	w->edits = NULL;
	put_value(w, v);
	w->edits = edits;
}

static void put_key(struct writer *w, struct slice name, bool *comma)
{
	if (*comma)
		put_byte(w, ',');
	*comma = true;
	put_string(w, name);
	put_byte(w, ':');
}

static void put_object(struct writer *w, const struct json_node *v)
{
	const struct json_edit *edit = json_edit_of(w->edits, v);
	const struct json_edit *member = json_edit_added(w->edits, edit ? edit->first : 0);
	bool comma = false;

	put_byte(w, '{');
	JSON_EACH_MEMBER (key, v) {
		if (json_edit_removes(w->edits, json_value_of(key)))
			continue;
		put_key(w, json_string(key), &comma);
		put_value(w, json_value_of(key));
	}
	for (; member; member = json_edit_added(w->edits, member->next)) {
		put_key(w, member->text, &comma);
		put_plain_value(w, member->value);
	}
	put_byte(w, '}');
}

static void put_array(struct writer *w, const struct json_node *v)
{
	bool comma = false;

	put_byte(w, '[');
	JSON_EACH (item, v) {
		if (json_edit_removes(w->edits, item))
			continue;
		if (comma)
			put_byte(w, ',');
		comma = true;
		put_value(w, item);
	}
	put_byte(w, ']');
}

static void put_value(struct writer *w, const struct json_node *v)
{
	const struct json_edit *edit = json_edit_of(w->edits, v);

	if (edit && edit->kind == JSON_EDIT_STRING) {
		put_string(w, edit->text);
		return;
	}
	if (edit && edit->kind == JSON_EDIT_VALUE) {
		put_plain_value(w, edit->value);
		return;
	}
	/* clang-format off */
	switch (json_type(v)) {
	case JSON_NONE: /* a tape has none; null is the least that it can mean */
	case JSON_NULL:   put_slice(w, SLICE("null")); break;
	case JSON_BOOL:   put_slice(w, json_is_true(v) ? SLICE("true") : SLICE("false")); break;
	case JSON_NUMBER: put_slice(w, json_number_text(v)); break;
	case JSON_STRING: put_string(w, json_string(v)); break;
	case JSON_ARRAY:  put_array(w, v); break;
	case JSON_OBJECT: put_object(w, v); break;
	}
	/* clang-format on */
}

/* All or nothing: settles with the buffer, or takes back what was written. */
static int finish(struct writer *w, size_t waiting_before)
{
	struct buf *b = w->out;

	if (w->r)
		b->len = b->off + waiting_before;
	else if (w->at)
		b->len = (size_t)(w->at - b->data);
	return w->r;
}

int json_write(const struct json_node *v, const struct json_edits *edits, struct buf *out)
{
	struct writer w = {.out = out, .edits = edits};
	size_t before = buf_waiting(out);

	if (edits && edits->failed)
		return -ENOMEM;
	put_value(&w, v);
	return finish(&w, before);
}

int json_write_string(struct buf *out, struct slice text)
{
	struct writer w = {.out = out};
	size_t before = buf_waiting(out);

	put_string(&w, text);
	return finish(&w, before);
}
