/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both versions of the PROXY header; see proxy.h. Section numbers are those of
 * proxy-protocol.txt.
 */
#include "policy/proxy.h"

#include "base/num.h"

enum {
	V1_LINE_MAX = 107, /* section 2.1, with CR LF */
	V2_FIXED_BYTES = 16,
	V2_TLV_BYTES = 3,
	V2_TCP4_BYTES = 12,
	V2_TCP6_BYTES = 36,
	V2_UNIX_BYTES = 216,
};

static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n";
enum { V2_SIGNATURE_BYTES = sizeof(v2_signature) - 1 };

/* --- version 1: a line of text */

/* Section 2.1: "exactly one space" between the parts; the last one ends with the line. */
struct words {
	struct slice rest;
	bool more;
};

static bool next_word(struct words *words, struct slice *word)
{
	return slice_next(&words->rest, &words->more, ' ', word) && word->len > 0;
}

static bool v1_address(struct slice word, uint8_t family, struct address *out)
{
	/* No brackets and, in TCP6, no plain IPv4: the word for that is TCP4. */
	if (slice_index(word, '[') < word.len)
		return false;
	bool colon = slice_index(word, ':') < word.len;
	if (colon != (family == 6))
		return false;
	return address_parse(word, out);
}

/* Section 2.1: decimal, 0 to 65535, no leading zeroes. */
static bool v1_port(struct slice word, uint16_t *port)
{
	uint64_t value;

	if (!num_parse_u64(word, UINT16_MAX, &value))
		return false;
	*port = (uint16_t)value;
	return true;
}

static bool v1_addresses(struct words *words, uint8_t family, struct proxy_header *out)
{
	struct slice source, destination, source_port, destination_port;
	struct address from, to;

	if (!next_word(words, &source) || !next_word(words, &destination) ||
	    !next_word(words, &source_port) || !next_word(words, &destination_port) || words->more)
		return false;
	if (!v1_address(source, family, &from) || !v1_address(destination, family, &to))
		return false;
	if (!v1_port(source_port, &from.port) || !v1_port(destination_port, &to.port))
		return false;
	out->source = from;
	return true;
}

static bool v1_line(struct slice line, struct proxy_header *out)
{
	struct words words = {line, true};
	struct slice word;

	if (!next_word(&words, &word) || !slice_eq(word, SLICE("PROXY")) ||
	    !next_word(&words, &word))
		return false;
	/* "the receiver must ignore anything presented before the CRLF" */
	if (slice_eq(word, SLICE("UNKNOWN")))
		return true;
	if (slice_eq(word, SLICE("TCP4")))
		return v1_addresses(&words, 4, out);
	return slice_eq(word, SLICE("TCP6")) && v1_addresses(&words, 6, out);
}

static enum proxy_outcome v1_parse(struct slice bytes, struct proxy_header *out)
{
	struct slice start = SLICE("PROXY "), seen = slice_first(bytes, V1_LINE_MAX);
	size_t end = slice_index(seen, '\r');

	if (!slice_starts_with(seen, slice_first(start, seen.len)))
		return PROXY_MALFORMED;
	/* One byte behind CR decides; a line feed alone, or a NUL, never ends a line. */
	for (size_t i = 0; i < end && i < seen.len; i++) {
		if (seen.data[i] < 0x20 || seen.data[i] > 0x7e)
			return PROXY_MALFORMED;
	}
	if (end + 1 >= seen.len)
		return seen.len < V1_LINE_MAX ? PROXY_MORE : PROXY_MALFORMED;
	if (seen.data[end + 1] != '\n')
		return PROXY_MALFORMED;
	out->bytes = end + 2;
	return v1_line(slice_first(seen, end), out) ? PROXY_DONE : PROXY_MALFORMED;
}

/* --- version 2: binary */

static unsigned byte_at(struct slice s, size_t at)
{
	return (unsigned char)s.data[at];
}

static uint16_t u16_at(struct slice s, size_t at)
{
	return (uint16_t)(byte_at(s, at) << 8 | byte_at(s, at + 1));
}

/* Section 2.2.x: type, length in two bytes, value. We need none of them, but what does not
 * add up was not written by who it seems. */
static bool v2_tlvs_ok(struct slice tlvs)
{
	while (tlvs.len) {
		if (tlvs.len < V2_TLV_BYTES)
			return false;
		size_t bytes = V2_TLV_BYTES + (size_t)u16_at(tlvs, 1);
		if (bytes > tlvs.len)
			return false;
		tlvs = slice_from(tlvs, bytes);
	}
	return true;
}

static struct address v2_address(uint8_t family, struct slice addresses)
{
	size_t each = family == 4 ? 4 : 16;

	return address_from_bytes(family, (const uint8_t *)addresses.data,
				  u16_at(addresses, 2 * each));
}

/* Family in the upper half, transport in the lower. A stream reached us, so a balancer that
 * says datagram (2) speaks of something else. */
static bool v2_addresses(unsigned family, struct slice rest, struct proxy_header *out)
{
	size_t bytes = 0;

	switch (family) {
	case 0x00: /* unspecified; "the receiver should ignore address information" */
		return true;
	case 0x11:
		bytes = V2_TCP4_BYTES;
		break;
	case 0x21:
		bytes = V2_TCP6_BYTES;
		break;
	case 0x31:
		bytes = V2_UNIX_BYTES;
		break;
	default:
		return false;
	}
	if (rest.len < bytes || !v2_tlvs_ok(slice_from(rest, bytes)))
		return false;
	if (family == 0x11)
		out->source = v2_address(4, rest);
	if (family == 0x21)
		out->source = v2_address(6, rest);
	return true;
}

static enum proxy_outcome v2_parse(struct slice bytes, struct proxy_header *out)
{
	if (bytes.len < V2_FIXED_BYTES)
		return PROXY_MORE;
	unsigned command = byte_at(bytes, 12), family = byte_at(bytes, 13);
	size_t length = u16_at(bytes, 14);
	if (command != 0x20 && command != 0x21)
		return PROXY_MALFORMED;
	if (length > PROXY_HEADER_MAX - V2_FIXED_BYTES)
		return PROXY_MALFORMED;
	if (bytes.len < V2_FIXED_BYTES + length)
		return PROXY_MORE;
	out->bytes = V2_FIXED_BYTES + length;
	out->local = command == 0x20;
	/* LOCAL: "the receiver must discard the protocol block including the family". */
	if (out->local)
		return PROXY_DONE;
	struct slice rest = slice_first(slice_from(bytes, V2_FIXED_BYTES), length);
	return v2_addresses(family, rest, out) ? PROXY_DONE : PROXY_MALFORMED;
}

enum proxy_outcome proxy_header_parse(struct slice bytes, struct proxy_header *out)
{
	struct slice signature = slice_of(v2_signature, V2_SIGNATURE_BYTES);
	struct proxy_header header = {0};
	enum proxy_outcome outcome;

	if (bytes.len == 0)
		return PROXY_MORE;
	if (bytes.data[0] != signature.data[0])
		outcome = v1_parse(bytes, &header);
	else if (!slice_starts_with(signature, slice_first(bytes, signature.len)))
		outcome = PROXY_MALFORMED;
	else
		outcome = v2_parse(bytes, &header);
	/* A source that no packet can come from: 0.0.0.0, :: */
	if (outcome == PROXY_DONE && header.source.family && address_is_unspecified(&header.source))
		outcome = PROXY_MALFORMED;
	if (outcome == PROXY_DONE)
		*out = header;
	return outcome;
}
