/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6455 section 5.3, against the sentence of the RFC written as a loop over bytes. */
#include "ws/mask.h"

#include "unit.h"

enum { ROOM = 1400, GUARD = 40 };

static const uint8_t keys[][4] = {{0x37, 0xfa, 0x21, 0x3d}, {0x01, 0x02, 0x04, 0x80}, {0, 0, 0, 0}};

static void fill(char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 37 + i / 251);
}

static void by_the_book(char *bytes, size_t len, const uint8_t key[4], uint64_t offset)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)((uint8_t)bytes[i] ^ key[(offset + i) % 4]);
}

/* Both functions, at one length, alignment and offset, with untouched bytes around. */
static void check(size_t len, size_t shift, const uint8_t key[4], uint64_t offset)
{
	char wanted[ROOM], got[ROOM], copy[ROOM];

	fill(wanted, ROOM);
	fill(got, ROOM);
	fill(copy, ROOM);
	size_t at = GUARD + shift;
	by_the_book(wanted + at, len, key, offset);
	ws_mask_copy(copy + at, got + at, len, key, offset);
	assert_memory_equal(copy, wanted, ROOM);
	ws_mask(got + at, len, key, offset);
	assert_memory_equal(got, wanted, ROOM);
}

static void every_length_and_offset(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(keys); k++)
		for (size_t len = 0; len <= 300; len++)
			for (uint64_t offset = 0; offset < 4; offset++)
				check(len, len % 9, keys[k], offset);
}

static void around_the_wide_path(void **state)
{
	static const size_t lengths[] = {511,  512,  513,  639,  640, 641,
					 1023, 1024, 1025, 1157, 1290};

	(void)state;
	for (size_t l = 0; l < COUNT(lengths); l++)
		for (size_t shift = 0; shift < 33; shift++)
			check(lengths[l], shift, keys[0], shift);
}

/* One byte that is not ASCII, at each place: whoever unmasks must be told. */
static void what_is_not_ascii_is_seen(void **state)
{
	static const size_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 20, 255, 256, 257, 389};
	char masked[400], bytes[400];

	(void)state;
	for (size_t l = 0; l < COUNT(lengths); l++) {
		size_t len = lengths[l];
		memset(bytes, 0x7f, sizeof(bytes));
		bytes[len] = '\x80'; /* behind the end */
		assert_true(ws_mask_copy(masked, bytes, 0, keys[1], 0));
		ws_mask(bytes, len, keys[1], 0);
		memcpy(masked, bytes, len);
		assert_true(ws_mask(bytes, len, keys[1], 0));
		for (size_t at = 0; at < len; at++) {
			masked[at] ^= '\x80';
			assert_false(ws_mask_copy(bytes, masked, len, keys[1], 0));
			memcpy(bytes, masked, len);
			assert_false(ws_mask(bytes, len, keys[1], 0));
			masked[at] ^= '\x80';
		}
	}
}

static void offsets_far_out(void **state)
{
	(void)state;
	check(100, 0, keys[0], UINT64_MAX);
	check(100, 0, keys[0], UINT32_MAX);
	check(3, 1, keys[0], (uint64_t)1 << 63 | 3);
}

static void in_pieces_as_in_one(void **state)
{
	char whole[700], pieces[700];

	(void)state;
	for (size_t cut = 0; cut <= sizeof(whole); cut++) {
		fill(whole, sizeof(whole));
		fill(pieces, sizeof(pieces));
		ws_mask(whole, sizeof(whole), keys[0], 0);
		ws_mask(pieces, cut, keys[0], 0);
		ws_mask(pieces + cut, sizeof(pieces) - cut, keys[0], cut);
		assert_memory_equal(whole, pieces, sizeof(whole));
	}
}

static void the_rfcs_own_example(void **state)
{
	char hello[] = {0x7f, '\x9f', 0x4d, 0x51, 0x58};

	(void)state;
	ws_mask(hello, sizeof(hello), keys[0], 0);
	assert_memory_equal(hello, "Hello", 5);
	ws_mask(NULL, 0, keys[0], 0);
	ws_mask_copy(hello, NULL, 0, keys[0], 0);
	assert_memory_equal(hello, "Hello", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_and_offset),
		cmocka_unit_test(around_the_wide_path),
		cmocka_unit_test(offsets_far_out),
		cmocka_unit_test(in_pieces_as_in_one),
		cmocka_unit_test(the_rfcs_own_example),
		cmocka_unit_test(what_is_not_ascii_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
