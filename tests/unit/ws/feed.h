/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Scripted feeds for the reader's tests.
 *
 * A conversation is an array of frames; they are laid out as bytes by code of their own
 * (not by what is being tested), fed to a reader in pieces, and what comes out is written
 * down as text: "text hello; ping ab; close 1000 bye; refused ws_utf8". Each piece lies in
 * memory of its own that is overwritten and freed before the next is fed, so that a reader
 * which keeps a pointer is found out.
 */
#include <stdlib.h>

#include "unit.h"

#include "base/buf.h"
#include "base/obj.h"
#include "ws/message.h"

struct frame {
	uint8_t b0;
	const char *data;
	size_t len;
};

#define F(b0, literal)                                                                             \
	{                                                                                          \
		(b0), (literal), sizeof(literal) - 1                                               \
	}

static inline void feed_must(int r)
{
	if (r)
		obj_die("test buffer", __FILE__, __LINE__);
}

/* Appends a frame as that side's peer would send it. */
static inline void feed_frame(struct buf *bytes, enum ws_side reader, struct frame f)
{
	static const uint8_t keys[][4] = {
		{0x37, 0xfa, 0x21, 0x3d}, {0, 0, 0, 0}, {0x85, 0x00, 0x80, 0x7f}};
	static unsigned turn;
	const uint8_t *key = keys[turn++ % COUNT(keys)];
	unsigned char head[14] = {f.b0};
	size_t used = 2;

	if (f.len <= 125) {
		head[1] = (unsigned char)f.len;
	} else if (f.len <= 0xffff) {
		head[1] = 126;
		head[2] = (unsigned char)(f.len >> 8);
		head[3] = (unsigned char)(f.len & 0xff);
		used = 4;
	} else {
		head[1] = 127;
		for (unsigned i = 0; i < 8; i++)
			head[2 + i] = (unsigned char)((uint64_t)f.len >> (56 - 8 * i) & 0xff);
		used = 10;
	}
	if (reader == WS_SERVER) {
		head[1] |= 0x80;
		memcpy(head + used, key, 4);
		used += 4;
	}
	feed_must(buf_append(bytes, slice_of((char *)head, used)));
	for (size_t i = 0; i < f.len; i++) {
		unsigned char c = (unsigned char)f.data[i];
		if (reader == WS_SERVER)
			c ^= key[i % 4];
		feed_must(buf_append(bytes, slice_of((char *)&c, 1)));
	}
}

/* The payload if it is short and printable, else its length and a sum over its bytes. */
static inline void feed_note_payload(struct buf *log, struct slice s)
{
	bool plain = s.len <= 140;
	uint64_t sum = 14695981039346656037u;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		plain = plain && c >= 0x20 && c != 0x7f;
		sum = (sum ^ c) * 1099511628211u;
	}
	if (plain)
		feed_must(buf_printf(log, " %.*s", SLICE_ARG(s)));
	else
		feed_must(buf_printf(log, " (%zu bytes, %016llx)", s.len, (unsigned long long)sum));
}

static inline void feed_note(struct buf *log, const struct ws_event *e)
{
	static const char *const kinds[] = {"refused", "more", "message", "ping", "pong", "close"};

	if (buf_waiting(log))
		feed_must(buf_append(log, SLICE("; ")));
	if (e->kind == WS_REFUSED) {
		feed_must(buf_printf(log, "refused %s", reason_word(e->reason)));
		return;
	}
	if (e->kind == WS_MESSAGE)
		feed_must(buf_printf(log, "%s", e->opcode == WS_OPCODE_TEXT ? "text" : "binary"));
	else
		feed_must(buf_printf(log, "%s", kinds[e->kind]));
	if (e->kind == WS_CLOSE)
		feed_must(buf_printf(log, " %u", e->code));
	if (e->payload.len)
		feed_note_payload(log, e->payload);
}

/* Feeds one piece and writes down what happens. */
static inline void feed_piece(struct ws_reader *r, struct slice piece, struct buf *log)
{
	char *copy = malloc(piece.len ? piece.len : 1);
	struct ws_event event;

	if (!copy)
		abort();
	if (piece.len)
		memcpy(copy, piece.data, piece.len);
	struct ws_input in = {copy, copy + piece.len};
	bool was_refused = r->refused != REASON_NONE;
	while (ws_reader_next(r, &in, &event) != WS_NEED_MORE) {
		/* Whatever is handed out may be written to. */
		MUST(event.payload.len == 0 || event.writable == event.payload.data);
		if (!was_refused)
			feed_note(log, &event);
		if (event.payload.len)
			memset(event.writable, 0xee, event.payload.len);
		if (event.kind == WS_REFUSED)
			break;
	}
	MUST(in.at == in.end);
	memset(copy, 0xdd, piece.len);
	free(copy);
}

/* Feeds all bytes in pieces of `step` bytes (0: all at once), the first of `first` bytes
 * (0: no special one), and gives the log, which lasts until the next call. */
static inline struct slice feed_all(const struct ws_reader_config *config,
				    struct ws_inflater *inflater, struct slice bytes, size_t first,
				    size_t step)
{
	static struct buf log;
	struct budget memory;
	struct ws_reader r;

	buf_deinit(&log);
	buf_init(&log, 1 << 24);
	budget_init(&memory, UINT64_MAX, NULL);
	ws_reader_init(&r, config, &memory, inflater);
	if (first)
		feed_piece(&r, slice_first(bytes, first), &log);
	for (size_t at = first; at < bytes.len;) {
		size_t len = step && step < bytes.len - at ? step : bytes.len - at;
		feed_piece(&r, slice_of(bytes.data + at, len), &log);
		at += len;
	}
	MUST(memory.used == ws_reader_pending_bytes(&r) || inflater);
	MUST(r.in_message || r.control_bytes || memory.used == 0 || r.lent);
	ws_reader_deinit(&r);
	budget_deinit(&memory);
	return buf_slice(&log);
}
