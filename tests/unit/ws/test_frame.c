/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6455 sections 5.1 to 5.5 and RFC 7692 section 6, at every boundary of a frame's head. */
#include "ws/frame.h"

#include "unit.h"

/* For rows, whose initialisers must be constants. */
#define BYTES(literal)                                                                             \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

static const struct ws_rules server = {
	.side = WS_SERVER, .text_ok = true, .binary_ok = true, .max_payload = UINT64_MAX};
static const struct ws_rules client = {
	.side = WS_CLIENT, .text_ok = true, .binary_ok = true, .max_payload = UINT64_MAX};

static struct ws_rules with_rsv1(struct ws_rules r)
{
	r.rsv1_ok = true;
	return r;
}

static struct ws_rules in_message(struct ws_rules r)
{
	r.in_message = true;
	return r;
}

/* Decodes from memory of exactly that size, so that a byte too far is seen. */
static enum ws_decoded decode(struct slice bytes, const struct ws_rules *rules, struct ws_header *h,
			      enum reason *why)
{
	char exact[32];

	assert_true(bytes.len <= sizeof(exact));
	char *at = exact + sizeof(exact) - bytes.len;
	memset(exact, 0xff, sizeof(exact));
	if (bytes.len)
		memcpy(at, bytes.data, bytes.len);
	*why = REASON_NONE;
	return ws_header_decode(slice_of(at, bytes.len), rules, h, why);
}

/* Every first byte there is, against the list of the legal ones. */
static void first_bytes(void **state)
{
	static const uint8_t starts[] = {0x01, 0x02, 0x81, 0x82};
	static const uint8_t compressed[] = {0x41, 0x42, 0xc1, 0xc2};
	static const uint8_t continuations[] = {0x00, 0x80};
	static const uint8_t controls[] = {0x88, 0x89, 0x8a};

	(void)state;
	for (unsigned given = 0; given < 256 * 4; given++) {
		uint8_t b0 = (uint8_t)given;
		bool rsv1 = given & 256, inside = given & 512, legal = false;
		struct ws_rules rules = client;
		struct ws_header h;
		enum reason why;
		rules.rsv1_ok = rsv1;
		rules.in_message = inside;
		legal |= memchr(controls, b0, sizeof(controls)) != NULL;
		legal |= inside && memchr(continuations, b0, sizeof(continuations));
		legal |= !inside && memchr(starts, b0, sizeof(starts));
		legal |= !inside && rsv1 && memchr(compressed, b0, sizeof(compressed));

		char bytes[2] = {(char)b0, 0};
		enum ws_decoded short_d = decode(slice_of(bytes, 1), &rules, &h, &why);
		if (short_d != (legal ? WS_HEADER_MORE : WS_HEADER_REFUSED))
			fail_msg("first byte %02x, rsv1 %d, in message %d", b0, rsv1, inside);
		enum reason at_once = why;
		enum ws_decoded d = decode(slice_of(bytes, 2), &rules, &h, &why);
		assert_int_equal(d, legal ? WS_HEADER_DONE : WS_HEADER_REFUSED);
		assert_int_equal(why, at_once);
		if (legal) {
			assert_int_equal(h.fin, b0 >> 7);
			assert_int_equal(h.rsv1, b0 >> 6 & 1);
			assert_int_equal(h.opcode, b0 & 15);
		}
	}
}

static void reasons_of_first_bytes(void **state)
{
	static const struct {
		const char *says;
		uint8_t b0;
		bool rsv1_ok, inside, text_refused, binary_refused;
		enum reason wanted;
	} rows[] = {
		/* clang-format off */
		{"RSV1 that nobody negotiated",        0xc1, 0, 0, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV2",                               0xa1, 0, 0, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV3",                               0x91, 0, 0, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV2 with deflate",                  0xa1, 1, 0, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV3 with deflate",                  0x91, 1, 0, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV1 on a continuation",             0xc0, 1, 1, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV1 on a middle fragment",          0x40, 1, 1, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV1 on a ping",                     0xc9, 1, 0, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV1 on a pong",                     0xca, 1, 0, 0, 0, REASON_WS_RESERVED_BITS},
		{"RSV1 on a close",                    0xc8, 1, 0, 0, 0, REASON_WS_RESERVED_BITS},
		{"opcode 3",                           0x83, 0, 0, 0, 0, REASON_WS_OPCODE},
		{"opcode 7",                           0x87, 0, 0, 0, 0, REASON_WS_OPCODE},
		{"opcode 7 as a first fragment",       0x07, 0, 0, 0, 0, REASON_WS_OPCODE},
		{"opcode 11",                          0x8b, 0, 0, 0, 0, REASON_WS_OPCODE},
		{"opcode 15",                          0x8f, 1, 1, 0, 0, REASON_WS_OPCODE},
		{"a ping in fragments",                0x09, 0, 0, 0, 0, REASON_WS_FRAGMENT},
		{"a pong in fragments",                0x0a, 0, 0, 0, 0, REASON_WS_FRAGMENT},
		{"a close in fragments",               0x08, 0, 0, 0, 0, REASON_WS_FRAGMENT},
		{"a continuation of nothing",          0x80, 0, 0, 0, 0, REASON_WS_FRAGMENT},
		{"a middle fragment of nothing",       0x00, 0, 0, 0, 0, REASON_WS_FRAGMENT},
		{"a text inside a message",            0x81, 0, 1, 0, 0, REASON_WS_FRAGMENT},
		{"a text's start inside a message",    0x01, 0, 1, 0, 0, REASON_WS_FRAGMENT},
		{"a binary inside a message",          0x82, 0, 1, 0, 0, REASON_WS_FRAGMENT},
		{"a compressed text inside a message", 0xc1, 1, 1, 0, 0, REASON_WS_FRAGMENT},
		{"text where only binary is taken",    0x81, 0, 0, 1, 0, REASON_WS_DATA_TYPE},
		{"binary where only text is taken",    0x82, 0, 0, 0, 1, REASON_WS_DATA_TYPE},
		{"text where both are taken",          0x81, 0, 0, 0, 0, REASON_NONE},
		{"text where only text is taken",      0x81, 0, 0, 0, 1, REASON_NONE},
		{"binary where only binary is taken",  0x82, 0, 0, 1, 0, REASON_NONE},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct ws_rules rules = client;
		struct ws_header h;
		enum reason why;
		rules.rsv1_ok = at->rsv1_ok;
		rules.in_message = at->inside;
		rules.text_ok = !at->text_refused;
		rules.binary_ok = !at->binary_refused;
		decode(slice_of((const char *)&at->b0, 1), &rules, &h, &why);
		ROW_CHECK(at, why == at->wanted);
	}
}

#define KEY "\x11\x22\x33\x44"

static void lengths_and_masks(void **state)
{
	static const struct {
		const char *says;
		const struct ws_rules *rules;
		struct slice bytes;
		uint64_t max_payload; /* 0: no limit */
		enum ws_decoded wanted;
		enum reason reason;
		uint64_t length;
		size_t used;
	} rows[] = {
		/* clang-format off */
		{"nothing",                      &server, BYTES(""), 0, WS_HEADER_MORE, 0, 0, 0},
		{"empty, plain",                 &client, BYTES("\x81\x00"), 0, WS_HEADER_DONE, 0, 0, 2},
		{"empty, masked",                &server, BYTES("\x81\x80" KEY), 0, WS_HEADER_DONE, 0, 0, 6},
		{"first byte only",              &server, BYTES("\x81"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"no key yet",                   &server, BYTES("\x81\x85"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"the key's last byte missing",  &server, BYTES("\x81\x85\x11\x22\x33"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"a whole key",                  &server, BYTES("\x81\x85" KEY), 0, WS_HEADER_DONE, 0, 5, 6},
		{"more behind it",               &server, BYTES("\x81\x85" KEY "hello"), 0, WS_HEADER_DONE, 0, 5, 6},
		{"125",                          &client, BYTES("\x82\x7d"), 0, WS_HEADER_DONE, 0, 125, 2},
		{"126 needs two bytes",          &client, BYTES("\x82\x7e"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"126 with one of them",         &client, BYTES("\x82\x7e\x00"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"126",                          &client, BYTES("\x82\x7e\x00\x7e"), 0, WS_HEADER_DONE, 0, 126, 4},
		{"125 in 16 bits",               &client, BYTES("\x82\x7e\x00\x7d"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"0 in 16 bits",                 &client, BYTES("\x82\x7e\x00\x00"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"5 in 16 bits, no key yet",     &server, BYTES("\x81\xfe\x00\x05"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"256",                          &client, BYTES("\x82\x7e\x01\x00"), 0, WS_HEADER_DONE, 0, 256, 4},
		{"65535",                        &client, BYTES("\x82\x7e\xff\xff"), 0, WS_HEADER_DONE, 0, 65535, 4},
		{"65535, masked",                &server, BYTES("\x82\xfe\xff\xff" KEY), 0, WS_HEADER_DONE, 0, 65535, 8},
		{"65535, key unfinished",        &server, BYTES("\x82\xfe\xff\xff\x11\x22\x33"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"65535 in 64 bits",             &client, BYTES("\x82\x7f\0\0\0\0\0\0\xff\xff"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"125 in 64 bits",               &client, BYTES("\x82\x7f\0\0\0\0\0\0\0\x7d"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"0 in 64 bits",                 &client, BYTES("\x82\x7f\0\0\0\0\0\0\0\0"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"65536",                        &client, BYTES("\x82\x7f\0\0\0\0\0\1\0\0"), 0, WS_HEADER_DONE, 0, 65536, 10},
		{"65536, masked",                &server, BYTES("\x82\xff\0\0\0\0\0\1\0\0" KEY), 0, WS_HEADER_DONE, 0, 65536, 14},
		{"65536, key unfinished",        &server, BYTES("\x82\xff\0\0\0\0\0\1\0\0\x11\x22\x33"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"65536, length unfinished",     &client, BYTES("\x82\x7f\0\0\0\0\0\1\0"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"2^63 - 1",                     &client, BYTES("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), 0, WS_HEADER_DONE, 0, INT64_MAX, 10},
		{"2^63",                         &client, BYTES("\x82\x7f\x80\0\0\0\0\0\0\0"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"2^64 - 1",                     &client, BYTES("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"the highest bit, at once",     &client, BYTES("\x82\x7f\x80"), 0, WS_HEADER_REFUSED, REASON_WS_LENGTH, 0, 0},
		{"the highest bit, later",       &client, BYTES("\x82\x7f\x00\x80"), 0, WS_HEADER_MORE, 0, 0, 0},
		{"a client's frame, plain",      &server, BYTES("\x81\x00"), 0, WS_HEADER_REFUSED, REASON_WS_UNMASKED, 0, 0},
		{"a client's ping, plain",       &server, BYTES("\x89\x00"), 0, WS_HEADER_REFUSED, REASON_WS_UNMASKED, 0, 0},
		{"a server's frame, masked",     &client, BYTES("\x81\x80"), 0, WS_HEADER_REFUSED, REASON_WS_MASKED, 0, 0},
		{"ping of 125",                  &client, BYTES("\x89\x7d"), 0, WS_HEADER_DONE, 0, 125, 2},
		{"ping of 126",                  &client, BYTES("\x89\x7e"), 0, WS_HEADER_REFUSED, REASON_WS_CONTROL_TOO_LONG, 0, 0},
		{"ping of 2^16",                 &client, BYTES("\x89\x7f"), 0, WS_HEADER_REFUSED, REASON_WS_CONTROL_TOO_LONG, 0, 0},
		{"masked ping of 126",           &server, BYTES("\x89\xfe"), 0, WS_HEADER_REFUSED, REASON_WS_CONTROL_TOO_LONG, 0, 0},
		{"close of 126",                 &client, BYTES("\x88\x7e\x00\x7e"), 0, WS_HEADER_REFUSED, REASON_WS_CONTROL_TOO_LONG, 0, 0},
		{"pong of 126",                  &client, BYTES("\x8a\x7e\x00\x7e"), 0, WS_HEADER_REFUSED, REASON_WS_CONTROL_TOO_LONG, 0, 0},
		{"exactly the limit",            &client, BYTES("\x82\x05"), 5, WS_HEADER_DONE, 0, 5, 2},
		{"one over the limit",           &client, BYTES("\x82\x06"), 5, WS_HEADER_REFUSED, REASON_MESSAGE_TOO_BIG, 0, 0},
		{"over the limit, no key yet",   &server, BYTES("\x82\x86"), 5, WS_HEADER_REFUSED, REASON_MESSAGE_TOO_BIG, 0, 0},
		{"far over the limit",           &client, BYTES("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), 65536, WS_HEADER_REFUSED, REASON_MESSAGE_TOO_BIG, 0, 0},
		{"a ping is no data",            &client, BYTES("\x89\x06"), 5, WS_HEADER_DONE, 0, 6, 2},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct ws_rules rules = *at->rules;
		struct ws_header h = {.payload_bytes = 77};
		enum reason why;
		if (at->max_payload)
			rules.max_payload = at->max_payload;
		ROW_CHECK(at, decode(at->bytes, &rules, &h, &why) == at->wanted);
		ROW_CHECK(at, why == at->reason);
		if (at->wanted != WS_HEADER_DONE)
			continue;
		ROW_CHECK(at, h.payload_bytes == at->length);
		ROW_CHECK(at, h.header_bytes == at->used);
		ROW_CHECK(at, h.masked == (at->rules == &server));
		ROW_CHECK(at, memcmp(h.key, h.masked ? KEY : "\0\0\0\0", 4) == 0);
	}
}

/* What decode makes of the head, and of every beginning of it. */
static void check_round_trip(const struct ws_header *h, const struct ws_rules *rules)
{
	char bytes[WS_HEADER_MAX];
	struct ws_header back;
	enum reason why;
	size_t used = ws_header_encode(h, bytes);

	assert_int_equal(used, h->header_bytes);
	for (size_t n = 0; n < used; n++)
		assert_int_equal(decode(slice_of(bytes, n), rules, &back, &why), WS_HEADER_MORE);
	assert_int_equal(decode(slice_of(bytes, used), rules, &back, &why), WS_HEADER_DONE);
	assert_int_equal(back.fin, h->fin);
	assert_int_equal(back.rsv1, h->rsv1);
	assert_int_equal(back.masked, h->masked);
	assert_int_equal(back.opcode, h->opcode);
	assert_int_equal(back.header_bytes, used);
	assert_true(back.payload_bytes == h->payload_bytes);
	assert_memory_equal(back.key, h->key, 4);
}

static void what_is_written_can_be_read(void **state)
{
	static const struct {
		uint64_t length;
		uint8_t used;
	} lengths[] = {
		{0, 2},
		{1, 2},
		{125, 2},
		{126, 4},
		{127, 4},
		{255, 4},
		{256, 4},
		{65535, 4},
		{65536, 10},
		{0x1ffff, 10},
		{1u << 31, 10},
		{1ull << 32, 10},
		{0x0102030405060708, 10},
		{INT64_MAX, 10},
	};
	static const uint8_t opcodes[] = {0, 1, 2};

	(void)state;
	EACH_ROW (l, lengths) {
		for (unsigned bits = 0; bits < 8 * COUNT(opcodes); bits++) {
			uint8_t opcode = opcodes[bits / 8];
			bool masked = bits & 4;
			struct ws_header h = {
				.fin = bits & 1,
				.rsv1 = (bits & 2) && opcode,
				.masked = masked,
				.opcode = opcode,
				.header_bytes = (uint8_t)(l->used + (masked ? 4 : 0)),
				.payload_bytes = l->length,
			};
			if (masked)
				memcpy(h.key, "\x01\x80\xff\x00", 4);
			struct ws_rules rules = with_rsv1(masked ? server : client);
			if (opcode == 0)
				rules = in_message(rules);
			check_round_trip(&h, &rules);
		}
	}
}

static void bytes_as_in_the_rfc(void **state)
{
	static const struct {
		const char *says;
		struct ws_header h;
		struct slice wanted;
	} rows[] = {
		/* clang-format off */
		{"5.7: a single-frame unmasked text", {.fin = true, .opcode = 1, .payload_bytes = 5}, BYTES("\x81\x05")},
		{"5.7: a masked text", {.fin = true, .opcode = 1, .masked = true, .key = {0x37, 0xfa, 0x21, 0x3d}, .payload_bytes = 5}, BYTES("\x81\x85\x37\xfa\x21\x3d")},
		{"5.7: a first fragment", {.opcode = 1, .payload_bytes = 3}, BYTES("\x01\x03")},
		{"5.7: a last fragment", {.fin = true, .payload_bytes = 2}, BYTES("\x80\x02")},
		{"5.7: a ping", {.fin = true, .opcode = 9, .payload_bytes = 5}, BYTES("\x89\x05")},
		{"5.7: 256 bytes binary", {.fin = true, .opcode = 2, .payload_bytes = 256}, BYTES("\x82\x7e\x01\x00")},
		{"5.7: 64 KiB binary", {.fin = true, .opcode = 2, .payload_bytes = 65536}, BYTES("\x82\x7f\0\0\0\0\0\1\0\0")},
		{"compressed", {.fin = true, .rsv1 = true, .opcode = 1, .payload_bytes = 7}, BYTES("\xc1\x07")},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char out[WS_HEADER_MAX];
		ROW_EQ(at, slice_of(out, ws_header_encode(&at->h, out)), at->wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes),
		cmocka_unit_test(reasons_of_first_bytes),
		cmocka_unit_test(lengths_and_masks),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(bytes_as_in_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
