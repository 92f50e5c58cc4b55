/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The head of one frame (RFC 6455 section 5.2): bytes to struct and back.
 *
 *      0               1               2               3
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     |F|R|R|R| opcode|M| length 7    | length 16, or 64, if 126, 127 |
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     | masking key, 4 bytes, if M                                    |
 *     +---------------------------------------------------------------+
 *
 * What is legal depends on who speaks, what was negotiated and what came before; the
 * caller says so with struct ws_rules. The earliest byte that proves guilt ends the
 * matter, so a verdict does not depend on how the bytes were cut.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/slice.h"

/* Which end of the connection we are. A server reads masked frames and writes plain ones. */
enum ws_side { WS_SERVER = 0, WS_CLIENT };

enum ws_opcode {
	WS_OPCODE_CONTINUATION = 0x0,
	WS_OPCODE_TEXT = 0x1,
	WS_OPCODE_BINARY = 0x2,
	WS_OPCODE_CLOSE = 0x8,
	WS_OPCODE_PING = 0x9,
	WS_OPCODE_PONG = 0xa,
};

enum {
	WS_HEADER_MAX = 14,   /* 2 + 8 for the length + 4 for the key */
	WS_CONTROL_MAX = 125, /* payload of a control frame, section 5.5 */
	WS_KEY_BYTES = 4,
};

struct ws_header {
	bool fin, rsv1, masked;
	uint8_t opcode;            /* an enum ws_opcode */
	uint8_t header_bytes;      /* how many bytes the head itself has: 2 to 14 */
	uint8_t key[WS_KEY_BYTES]; /* zero if not masked */
	uint64_t payload_bytes;
};

/* What the next frame may be. Zero allows no data frame at all. */
struct ws_rules {
	enum ws_side side;    /* who reads: decides whether the mask must or must not be there */
	bool rsv1_ok;         /* permessage-deflate was negotiated (RFC 7692) */
	bool text_ok;         /* text messages may start */
	bool binary_ok;       /* binary messages may start */
	bool in_message;      /* the last data frame was not the end of its message */
	uint64_t max_payload; /* of a data frame: what is left of the message's limit */
};

enum ws_decoded {
	WS_HEADER_REFUSED = 0, /* *why says what is wrong with it */
	WS_HEADER_MORE,        /* right so far, but more bytes are needed */
	WS_HEADER_DONE,        /* *header is complete; header->header_bytes were used */
};

/* Reads a frame's head from the front of `bytes` (more may follow it). *header is written
 * only when done, *why only when refused. */
enum ws_decoded ws_header_decode(struct slice bytes, const struct ws_rules *rules,
				 struct ws_header *header, enum reason *why);

/* How long the shortest form of that head is. */
static inline size_t ws_header_size(const struct ws_header *header)
{
	size_t size = header->payload_bytes < 126           ? 2
		      : header->payload_bytes <= UINT16_MAX ? 4
							    : 10;

	return header->masked ? size + WS_KEY_BYTES : size;
}

/* Writes the head in its shortest form, with the key if it is masked, and returns its
 * length, ws_header_size; header_bytes is not looked at. Does not judge. */
size_t ws_header_encode(const struct ws_header *header, char *out);

static inline bool ws_opcode_is_control(uint8_t opcode)
{
	return (opcode & 0x8) != 0;
}
