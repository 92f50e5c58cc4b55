/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What both reader targets share: bytes as a peer would send them, read in several ways.
 *
 *   input = choices (8 bytes) | bytes of the connection
 *
 * Properties:
 *   - cutting the bytes anywhere gives the same events,
 *   - a head that was accepted is written again as it was,
 *   - a message that was accepted survives being written and read again,
 *   - memory never exceeds its limit, and all charges are back at the end, also when the
 *     budget is too small.
 */
#include <stdlib.h>
#include <string.h>

#include "base/obj.h"
#include "ws/message.h"
#include "ws/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHOICES = 8, MEMORY_MAX = 1 << 24 };

struct story {
	uint64_t sum;
	unsigned events;
};

static struct ws_inflater *inflater;

static void tell_bytes(struct story *s, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s->sum = (s->sum ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
}

static void tell(struct story *s, const struct ws_event *e)
{
	uint32_t words[] = {e->kind, e->reason, e->opcode, e->code, (uint32_t)e->payload.len};

	s->events++;
	tell_bytes(s, words, sizeof(words));
	tell_bytes(s, e->payload.data, e->payload.len);
}

static int fixed_key(void *arg, void *into, size_t bytes)
{
	memset(into, *(const uint8_t *)arg, bytes);
	return 0;
}

/* Writes the message as our side would and reads it as the peer would. */
static void check_rewritten(enum ws_side side, const struct ws_event *e)
{
	static uint8_t key = 0xa5;
	struct ws_reader_config config = {
		.side = side == WS_SERVER ? WS_CLIENT : WS_SERVER,
		.text_ok = true,
		.binary_ok = true,
		.max_fragments = 1,
		.max_message = e->payload.len,
	};
	struct ws_masker masker;
	struct ws_writer w = {0};
	struct budget none;
	struct ws_reader again;
	struct ws_event back;
	struct buf out;

	buf_init(&out, e->payload.len + WS_HEADER_MAX);
	budget_init(&none, 0, NULL);
	ws_masker_init(&masker, fixed_key, &key);
	if (side == WS_CLIENT)
		w.masker = &masker;
	MUST(ws_write_message(&w, &out, e->opcode, e->payload) == 0);
	ws_reader_init(&again, &config, &none, NULL);
	struct ws_input in = {out.data, out.data + out.len};
	MUST(ws_reader_next(&again, &in, &back) == WS_MESSAGE);
	MUST(back.opcode == e->opcode && slice_eq(back.payload, e->payload));
	MUST(ws_reader_next(&again, &in, &back) == WS_NEED_MORE);
	ws_reader_deinit(&again);
	budget_deinit(&none);
	buf_deinit(&out);
}

/* Forwards the message's frame as it lies: the same bytes as if it were written anew. */
static void check_goes_on(enum ws_side side, const struct ws_event *e)
{
	static uint8_t key = 0x5a;
	struct ws_masker masker;
	struct ws_writer w = {0};
	struct buf out;

	if (!e->frame.len)
		return;
	buf_init(&out, e->payload.len + WS_HEADER_MAX);
	ws_masker_init(&masker, fixed_key, &key);
	if (side == WS_SERVER)
		w.masker = &masker;
	MUST(ws_write_message(&w, &out, e->opcode, e->payload) == 0);
	MUST(ws_write_again(&w, e->writable, e->payload.len) == 0);
	MUST(slice_eq(e->frame, buf_slice(&out)));
	buf_deinit(&out);
}

/* Reads all of it in pieces whose lengths follow from `cuts`; 0 is one piece. */
static struct story read_in_pieces(const struct ws_reader_config *config, bool deflate,
				   const uint8_t *data, size_t size, uint32_t cuts,
				   uint64_t max_memory)
{
	struct story story = {.sum = 14695981039346656037u};
	enum ws_event_kind kind = WS_NEED_MORE;
	struct budget memory;
	struct ws_reader r;
	struct ws_event event;

	budget_init(&memory, max_memory, NULL);
	ws_reader_init(&r, config, &memory, deflate ? inflater : NULL);
	for (size_t at = 0; at < size && kind != WS_REFUSED;) {
		size_t len = size - at;
		if (cuts) {
			cuts = cuts * 1664525u + 1013904223u;
			size_t wanted = 1 + (cuts >> 24) % (cuts >> 8 & 1 ? 5 : 200);
			len = wanted < len ? wanted : len;
		}
		char *room;
		size_t direct = cuts >> 9 & 1 ? ws_reader_room(&r, len, &room) : 0;
		if (direct > len)
			direct = len;
		if (direct) {
			memcpy(room, data + at, direct);
			ws_reader_filled(&r, room, direct);
			at += direct;
			len = 0;
		}
		char *piece = malloc(len);
		MUST(piece);
		memcpy(piece, data + at, len);
		struct ws_input in = {piece, piece + len};
		while ((kind = ws_reader_next(&r, &in, &event)) != WS_NEED_MORE) {
			tell(&story, &event);
			if (kind == WS_REFUSED)
				break;
			MUST(!event.payload.len || event.writable == event.payload.data);
			if (kind == WS_MESSAGE && !cuts)
				check_rewritten(config->side, &event);
			check_goes_on(config->side, &event);
			if (event.payload.len)
				memset(event.writable, 0xee, event.payload.len);
		}
		MUST(in.at == in.end);
		MUST(ws_reader_pending_bytes(&r) <= config->max_message + WS_CONTROL_MAX);
		MUST(ws_reader_in_message(&r) || memory.used == 0);
		MUST(kind != WS_REFUSED || memory.used == 0);
		free(piece);
		at += len;
	}
	ws_reader_deinit(&r);
	budget_deinit(&memory);
	return story;
}

/* Heads, wherever one could start. */
static void check_heads(const struct ws_reader_config *config, bool deflate, const uint8_t *data,
			size_t size)
{
	struct ws_rules rules = {
		.side = config->side,
		.rsv1_ok = deflate,
		.text_ok = true,
		.binary_ok = true,
		.max_payload = UINT64_MAX,
	};

	for (size_t at = 0; at < size && at < 4096; at++) {
		struct slice bytes = slice_of((const char *)data + at, size - at);
		struct ws_header h;
		enum reason why;
		char again[WS_HEADER_MAX];
		rules.in_message = at & 1;
		if (ws_header_decode(bytes, &rules, &h, &why) != WS_HEADER_DONE)
			continue;
		MUST(ws_header_encode(&h, again) == h.header_bytes);
		MUST(memcmp(again, bytes.data, h.header_bytes) == 0);
	}
}

static int read_as(enum ws_side side, const uint8_t *data, size_t size)
{
	if (size < CHOICES)
		return 0;
	if (!inflater)
		inflater = ws_inflater_new();
	MUST(inflater);
	bool deflate = data[0] & 1;
	struct ws_reader_config config = {
		.side = side,
		.text_ok = !(data[0] & 2),
		.binary_ok = !(data[0] & 4),
		.max_fragments = data[1] & 31u,
		.max_message = (uint64_t)data[2] << (data[3] & 7),
		.inflate = {.max_bytes = (uint64_t)data[4] << 8, .max_ratio = data[5]},
	};
	uint32_t cuts = (uint32_t)data[6] << 8 | data[7] | 1;
	uint64_t little = (uint64_t)data[7] << 4;

	data += CHOICES;
	size -= CHOICES;
	check_heads(&config, deflate, data, size);
	struct story whole = read_in_pieces(&config, deflate, data, size, 0, MEMORY_MAX);
	struct story cut = read_in_pieces(&config, deflate, data, size, cuts, MEMORY_MAX);
	MUST(whole.events == cut.events && whole.sum == cut.sum);
	read_in_pieces(&config, deflate, data, size, cuts, little);
	return 0;
}
