/* SPDX-License-Identifier: Apache-2.0 */
/* One condition per line, in the order of the bytes, to be held against the RFC; see frame.h. */
#include "ws/frame.h"

#include <endian.h>
#include <string.h>

enum {
	/* first byte */
	BIT_FIN = 0x80,
	BIT_RSV1 = 0x40,
	BITS_RSV23 = 0x30,
	BITS_OPCODE = 0x0f,
	/* second byte */
	BIT_MASK = 0x80,
	BITS_LENGTH = 0x7f,
	LENGTH_IN_16 = 126,
	LENGTH_IN_64 = 127,
};

static enum reason judge_data_start(bool allowed, const struct ws_rules *rules)
{
	//= rfc6455#5.4 "fragments of one message MUST NOT be interleaved between the fragments of
	// another message"
	if (rules->in_message)
		return REASON_WS_FRAGMENT;
	if (!allowed)
		return REASON_WS_DATA_TYPE;
	return REASON_NONE;
}

static enum reason judge_first_byte(uint8_t b0, const struct ws_rules *rules)
{
	bool fin = b0 & BIT_FIN;
	bool rsv1 = b0 & BIT_RSV1;

	//= rfc6455#5.2 "MUST be 0 unless an extension is negotiated that defines meanings"
	if (b0 & BITS_RSV23)
		return REASON_WS_RESERVED_BITS;
	if (rsv1 && !rules->rsv1_ok)
		return REASON_WS_RESERVED_BITS;

	switch (b0 & BITS_OPCODE) {
	case WS_OPCODE_TEXT:
		return judge_data_start(rules->text_ok, rules);
	case WS_OPCODE_BINARY:
		return judge_data_start(rules->binary_ok, rules);
	case WS_OPCODE_CONTINUATION:
		//= rfc7692#6.1 "RSV1 [...] on the first frame of the message"
		if (rsv1)
			return REASON_WS_RESERVED_BITS;
		if (!rules->in_message)
			return REASON_WS_FRAGMENT;
		return REASON_NONE;
	case WS_OPCODE_CLOSE:
	case WS_OPCODE_PING:
	case WS_OPCODE_PONG:
		//= rfc7692#6.1 "MUST NOT set the [...] bit of control frames"
		if (rsv1)
			return REASON_WS_RESERVED_BITS;
		//= rfc6455#5.5 "MUST NOT be fragmented"
		if (!fin)
			return REASON_WS_FRAGMENT;
		return REASON_NONE;
	default:
		//= rfc6455#5.2 "If an unknown opcode is received, the receiving endpoint MUST
		//_Fail"
		return REASON_WS_OPCODE;
	}
}

static enum reason judge_second_byte(uint8_t b0, uint8_t b1, const struct ws_rules *rules)
{
	bool masked = b1 & BIT_MASK;

	//= rfc6455#5.1 "MUST close the connection upon receiving a frame that is not masked"
	if (rules->side == WS_SERVER && !masked)
		return REASON_WS_UNMASKED;
	//= rfc6455#5.1 "A client MUST close a connection if it detects a masked frame"
	if (rules->side != WS_SERVER && masked)
		return REASON_WS_MASKED;
	//= rfc6455#5.5 "MUST have a payload length of 125 bytes or less"
	if (ws_opcode_is_control(b0 & BITS_OPCODE) && (b1 & BITS_LENGTH) > WS_CONTROL_MAX)
		return REASON_WS_CONTROL_TOO_LONG;
	return REASON_NONE;
}

/* Reads the length that starts in the second byte. *used is how many bytes of the head it
 * ends at. WS_HEADER_MORE leaves *length alone. */
static enum ws_decoded decode_length(struct slice bytes, uint64_t *length, size_t *used,
				     enum reason *why)
{
	uint8_t length7 = (uint8_t)bytes.data[1] & BITS_LENGTH;
	uint16_t in16;
	uint64_t in64;

	if (length7 < LENGTH_IN_16) {
		*used = 2;
		*length = length7;
		return WS_HEADER_DONE;
	}
	*why = REASON_WS_LENGTH;
	if (length7 == LENGTH_IN_16) {
		if (bytes.len < 4)
			return WS_HEADER_MORE;
		memcpy(&in16, bytes.data + 2, sizeof(in16));
		*used = 4;
		*length = be16toh(in16);
		//= rfc6455#5.2 "the minimal number of bytes MUST be used to encode the length"
		return *length < LENGTH_IN_16 ? WS_HEADER_REFUSED : WS_HEADER_DONE;
	}
	//= rfc6455#5.2 "the most significant bit MUST be 0"
	if (bytes.len > 2 && ((uint8_t)bytes.data[2] & 0x80))
		return WS_HEADER_REFUSED;
	if (bytes.len < 10)
		return WS_HEADER_MORE;
	memcpy(&in64, bytes.data + 2, sizeof(in64));
	*used = 10;
	*length = be64toh(in64);
	return *length <= UINT16_MAX ? WS_HEADER_REFUSED : WS_HEADER_DONE;
}

enum ws_decoded ws_header_decode(struct slice bytes, const struct ws_rules *rules,
				 struct ws_header *header, enum reason *why)
{
	uint64_t length;
	size_t used;

	if (bytes.len == 0)
		return WS_HEADER_MORE;
	uint8_t b0 = (uint8_t)bytes.data[0];
	enum reason guilt = judge_first_byte(b0, rules);
	if (guilt)
		goto refuse;
	if (bytes.len == 1)
		return WS_HEADER_MORE;
	uint8_t b1 = (uint8_t)bytes.data[1];
	guilt = judge_second_byte(b0, b1, rules);
	if (guilt)
		goto refuse;
	enum ws_decoded decoded = decode_length(bytes, &length, &used, &guilt);
	if (decoded == WS_HEADER_REFUSED)
		goto refuse;
	if (decoded == WS_HEADER_MORE)
		return WS_HEADER_MORE;
	guilt = REASON_MESSAGE_TOO_BIG;
	if (!ws_opcode_is_control(b0 & BITS_OPCODE) && length > rules->max_payload)
		goto refuse;

	*header = (struct ws_header){
		.fin = b0 & BIT_FIN,
		.rsv1 = b0 & BIT_RSV1,
		.masked = b1 & BIT_MASK,
		.opcode = b0 & BITS_OPCODE,
		.header_bytes = (uint8_t)used,
		.payload_bytes = length,
	};
	if (header->masked) {
		if (bytes.len - used < WS_KEY_BYTES)
			return WS_HEADER_MORE;
		memcpy(header->key, bytes.data + used, WS_KEY_BYTES);
		header->header_bytes = (uint8_t)(used + WS_KEY_BYTES);
	}
	return WS_HEADER_DONE;
refuse:
	*why = guilt;
	return WS_HEADER_REFUSED;
}

size_t ws_header_encode(const struct ws_header *header, char *out)
{
	unsigned b0 =
		(header->fin ? BIT_FIN : 0u) | (header->rsv1 ? BIT_RSV1 : 0u) | header->opcode;
	unsigned b1 = header->masked ? BIT_MASK : 0u;
	size_t used = 2;

	if (header->payload_bytes < LENGTH_IN_16) {
		b1 |= (unsigned)header->payload_bytes;
	} else if (header->payload_bytes <= UINT16_MAX) {
		uint16_t in16 = htobe16((uint16_t)header->payload_bytes);
		b1 |= LENGTH_IN_16;
		memcpy(out + used, &in16, sizeof(in16));
		used += sizeof(in16);
	} else {
		uint64_t in64 = htobe64(header->payload_bytes);
		b1 |= LENGTH_IN_64;
		memcpy(out + used, &in64, sizeof(in64));
		used += sizeof(in64);
	}
	out[0] = (char)b0;
	out[1] = (char)b1;
	if (header->masked) {
		memcpy(out + used, header->key, WS_KEY_BYTES);
		used += WS_KEY_BYTES;
	}
	return used;
}
