/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The reading side of one leg: bytes in, whole messages and control frames out.
 *
 *   input   |head|payload......|head|pay      a whole message is handed out where it lies;
 *            \____ message ___/ \___ copied   only an unfinished one is copied
 *
 *   assembly buffer   |unfinished message......|unfinished control frame|
 *
 * Everything that was given is consumed: the caller may use its read buffer for the next
 * connection at once. The assembly buffer exists only while a message is unfinished, grows
 * with the bytes that really came (towards a declared length, but never past five times
 * what is there), is bounded by the message limit and charged to the budget given at the
 * start. Limits are checked from a frame's head before any of its bytes is stored.
 *
 * The events do not depend on how the bytes were cut. After WS_REFUSED nothing is read any
 * more, and after WS_CLOSE whatever comes is thrown away unread (RFC 6455 sections 7.1.7
 * and 5.5.1).
 *
 * No time in here: the caller arms its deadline with ws_reader_in_message.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/charge.h"
#include "base/reason.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "ws/deflate.h"
#include "ws/frame.h"

/*
 * Shared by all connections of a route's leg; outlives their readers. Zero refuses. A
 * reader's `config` may be exchanged between two calls, the side staying the same; what is
 * then under way is held to the new limits.
 */
struct ws_reader_config {
	enum ws_side side;                /* who we are on this leg */
	bool text_ok, binary_ok;          /* others are refused with REASON_WS_DATA_TYPE */
	uint32_t max_fragments;           /* frames per message */
	uint64_t max_message;             /* bytes of one message as it travels */
	struct ws_inflate_limits inflate; /* if permessage-deflate was negotiated */
};

enum { WS_READER_AT_HEAD = 0 };

struct ws_reader {
	/* what each message looks at */
	const struct ws_reader_config *config;
	struct ws_inflater *inflater; /* NULL: permessage-deflate was not negotiated */
	uint32_t serial;
	uint8_t state;      /* WS_READER_AT_HEAD, or what message.c says */
	uint8_t head_bytes; /* of an unfinished head */
	bool in_message;
	bool lent; /* the last event points into memory of ours */
	/* what only unfinished ones have */
	bool frame_fin, compressed;
	uint8_t message_opcode, frame_opcode;
	uint8_t control_bytes; /* of an unfinished control frame */
	struct utf8_state utf8;
	uint8_t key[WS_KEY_BYTES]; /* turned so that the next byte goes with key[0] */
	char head[WS_HEADER_MAX];
	uint32_t fragments; /* frames of the message at hand */
	enum reason refused;
	uint64_t frame_left; /* payload bytes of the frame at hand that have not come yet */
	uint64_t message_bytes;
	struct buf assembly;  /* message_bytes of the message, then control_bytes */
	struct charge charge; /* for assembly's memory */
	struct budget *memory;
};

/* Bytes from the peer. Unmasked in place; `at` moves on as they are used up. */
struct ws_input {
	char *at, *end;
};

enum ws_event_kind {
	WS_REFUSED = 0, /* `reason`; the connection must be failed */
	WS_NEED_MORE,   /* the input is used up */
	WS_MESSAGE, /* `opcode` (text or binary) and `payload`: whole, inflated, UTF-8 if text */
	WS_PING,    /* `payload`: to be sent back in a pong */
	WS_PONG,    /* `payload` */
	WS_CLOSE,   /* `code` (WS_CLOSE_NO_STATUS if there was none) and `payload`: the text */
};

struct ws_event {
	enum ws_event_kind kind;
	enum reason reason;
	enum ws_opcode opcode;
	uint16_t code;
	struct slice payload; /* in the input, the assembly buffer or the inflater */
	char *writable;       /* the same bytes: the caller may change them in place */
	/* A message that came as one frame and lies in the input, unmasked: all of that frame, its
	 * head as it was and the payload at its end. Else empty. For ws_write_again. */
	struct slice frame;
};

/* Allocates nothing. `memory` and `inflater` (NULL: no permessage-deflate on this
 * connection; else shared by the worker) outlive the reader. */
void ws_reader_init(struct ws_reader *r, const struct ws_reader_config *config,
		    struct budget *memory, struct ws_inflater *inflater);

/* Frees what is unfinished and gives its charge back. Harmless on a zeroed struct and twice. */
void ws_reader_deinit(struct ws_reader *r);

/*
 * Reads on until something happened, and returns out->kind. Call again until WS_NEED_MORE;
 * then everything was used up and the last event's memory is released.
 *
 * The payload is valid until the next call with this reader, with any reader that shares
 * the inflater, or until the input's memory is used for something else. WS_REFUSED and the
 * silence after WS_CLOSE use up the input and stay.
 */
static inline enum ws_event_kind ws_reader_next(struct ws_reader *r, struct ws_input *in,
						struct ws_event *out);

/*
 * In the middle of a long frame: its next bytes may be read to where they belong instead of being
 * copied there. Gives how many at most, about `most`, and *room for them; 0 where that is not so
 * or there is no room: then read elsewhere and call ws_reader_next. As soon as they are there say
 * ws_reader_filled, then ws_reader_next, with no input.
 */
static inline size_t ws_reader_room(struct ws_reader *r, size_t most, char **room);
void ws_reader_filled(struct ws_reader *r, char *room, size_t bytes);

/* Has a message, a frame or a head begun that is not complete yet? */
static inline bool ws_reader_in_message(const struct ws_reader *r);

/* Another number for each message or lone frame: a deadline armed when ws_reader_in_message
 * became true holds as long as this stays the same. */
static inline uint32_t ws_reader_serial(const struct ws_reader *r)
{
	return r->serial;
}

/* Bytes of memory held for what is unfinished; what the budget is charged. */
static inline uint64_t ws_reader_pending_bytes(const struct ws_reader *r)
{
	return r->charge.units;
}

/* --- private: nearly always a read ends with a message */

bool ws_reader_has_begun(const struct ws_reader *r);
size_t ws_reader_frame_room(struct ws_reader *r, size_t most, char **room);
bool ws_reader_take_common(struct ws_reader *r, struct ws_input *in, struct ws_event *out);
enum ws_event_kind ws_reader_take(struct ws_reader *r, struct ws_input *in, struct ws_event *out);

static inline bool ws_reader_is_between(const struct ws_reader *r)
{
	return r->state == WS_READER_AT_HEAD && !r->in_message && !r->head_bytes;
}

static inline bool ws_reader_in_message(const struct ws_reader *r)
{
	return !ws_reader_is_between(r) && ws_reader_has_begun(r);
}

static inline size_t ws_reader_room(struct ws_reader *r, size_t most, char **room)
{
	return r->state == WS_READER_AT_HEAD ? 0 : ws_reader_frame_room(r, most, room);
}

static inline enum ws_event_kind ws_reader_next(struct ws_reader *r, struct ws_input *in,
						struct ws_event *out)
{
	if (!r->lent && ws_reader_is_between(r)) {
		if (in->at == in->end) {
			*out = (struct ws_event){.kind = WS_NEED_MORE};
			return WS_NEED_MORE;
		}
		if (ws_reader_take_common(r, in, out))
			return WS_MESSAGE;
	}
	return ws_reader_take(r, in, out);
}
