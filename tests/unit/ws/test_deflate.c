/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7692 section 7.2: what may come, what must not, and where the limits are. */
#include "ws/deflate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "unit.h"

#include "base/base64.h"
#include "failmalloc.h"

#define BYTES(literal)                                                                             \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

static const struct ws_inflate_limits wide = {.max_bytes = 1 << 24, .max_ratio = 2000};

static struct budget memory;
static struct ws_inflater *inflater;

static int set_up(void **state)
{
	(void)state;
	budget_init(&memory, UINT64_MAX, NULL);
	inflater = ws_inflater_new();
	return inflater ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	inflater = ws_inflater_free(inflater);
	budget_deinit(&memory);
	return 0;
}

/* From memory of exactly that size. */
static enum reason inflate_exact(struct slice packed, const struct ws_inflate_limits *limits,
				 struct slice *got)
{
	char *copy = malloc(packed.len ? packed.len : 1);

	assert_non_null(copy);
	if (packed.len)
		memcpy(copy, packed.data, packed.len);
	*got = slice_of(NULL, 0);
	enum reason why = ws_inflate(inflater, slice_of(copy, packed.len), limits, &memory, got);
	free(copy);
	if (!why && got->len)
		assert_ptr_equal(got->data, ws_inflater_bytes(inflater));
	return why;
}

#define JSON "{\"type\":\"message\",\"text\":\"hello hello hello\"}"
#define JSON_PACKED                                                                                \
	"\xaa\x56\x2a\xa9\x2c\x48\x55\xb2\x52\xca\x4d\x2d\x2e\x4e\x4c\x4f\x55\xd2\x51\x2a\x49"     \
	"\xad\x28\x01\x0a\x64\xa4\xe6\xe4\xe4\x2b\x20\x91\x4a\xb5\x00\x00"
/* 10,000 times "a", 28 bytes */
#define BOMB                                                                                       \
	"\xec\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xac\xef\x5f\xc2\x1c\x6e\x40\x01\x00\x00\x00\x00"     \
	"\x00\x00\x00\x00\xc0\xbf\x01"

static void what_may_come_and_what_not(void **state)
{
	static const struct {
		const char *says;
		struct slice packed;
		enum reason wanted;
		struct slice plain;
	} rows[] = {
		/* clang-format off */
		{"7.2.3.1: one block",            BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), REASON_NONE, BYTES("Hello")},
		{"7.2.3.3: without compression",  BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), REASON_NONE, BYTES("Hello")},
		{"7.2.3.4: BFINAL",               BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), REASON_NONE, BYTES("Hello")},
		{"7.2.3.5: two blocks",           BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), REASON_NONE, BYTES("Hello")},
		{"7.2.3.6: an empty message",     BYTES("\x00"), REASON_NONE, BYTES("")},
		{"a final empty block",           BYTES("\x01"), REASON_NONE, BYTES("")},
		{"no payload is no block",        BYTES(""), REASON_WS_INFLATE, {0}},
		{"BFINAL without the empty block", BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"), REASON_NONE, BYTES("Hello")},
		{"BFINAL, then a wrong byte",     BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x01"), REASON_WS_INFLATE, {0}},
		{"BFINAL, then two bytes",        BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00"), REASON_WS_INFLATE, {0}},
		{"BFINAL, then junk",             BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00junk"), REASON_WS_INFLATE, {0}},
		{"BFINAL, then another message",  BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00"), REASON_WS_INFLATE, {0}},
		{"BFINAL twice",                  BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), REASON_WS_INFLATE, {0}},
		{"the tail not taken off",        BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff"), REASON_WS_INFLATE, {0}},
		{"cut off by one byte",           BYTES("\xf2\x48\xcd\xc9\xc9\x07"), REASON_WS_INFLATE, {0}},
		{"cut off inside the block",      BYTES("\xf2\x48\xcd"), REASON_WS_INFLATE, {0}},
		{"the tail would complete a stored block", BYTES("\x00\x09\x00\xf6\xff\x48\x65\x6c\x6c\x6f"), REASON_WS_INFLATE, {0}},
		{"the tail inside a stored block", BYTES("\x00\x09\x00\xf6\xff\x48\x65\x6c\x6c\x6f\x00"), REASON_WS_INFLATE, {0}},
		{"block type 3",                  BYTES("\x07"), REASON_WS_INFLATE, {0}},
		{"stored length contradicts itself", BYTES("\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00"), REASON_WS_INFLATE, {0}},
		{"a distance before the start",   BYTES("\x4b\x04\x62\x00"), REASON_WS_INFLATE, {0}},
		{"with zlib's own head",          BYTES("\x78\x9c\xf2\x48\xcd\xc9\xc9\x07\x00"), REASON_WS_INFLATE, {0}},
		{"zlib 9",                        BYTES(JSON_PACKED), REASON_NONE, BYTES(JSON)},
		{"zlib 9, UTF-8",                 BYTES("\x7a\xd4\xb4\xe6\x51\xd3\x1a\x85\x0f\xf3\x67\x34\x28\x1c\x5e\x02\x00"), REASON_NONE, BYTES("\xe2\x82\xac\xe2\x82\xac \xf0\x9f\x98\x80 \xc3\xa4")},
		{"zlib, fixed codes",             BYTES("\x4a\x4c\x84\x81\x24\x38\x00\x00"), REASON_NONE, BYTES("aaaaaaaaaabbbbbbbbbb")},
		{"zlib, run lengths",             BYTES("\x4a\x84\x83\x24\x38\x00\x00"), REASON_NONE, BYTES("aaaaaaaaaabbbbbbbbbb")},
		{"zlib, Huffman only",            BYTES("\x04\xc1\x01\x01\x00\x00\x00\x80\x90\xad\xf9\x3f\x22\xaa\xaa\x0a\x80\x01"), REASON_NONE, BYTES("aaaaaaaaaabbbbbbbbbb")},
		{"zlib 0",                        BYTES("\x00\x06\x00\xf9\xff\x73\x74\x6f\x72\x65\x64\x00"), REASON_NONE, BYTES("stored")},
		{"zlib, finished",                BYTES("\x2b\xc9\x48\x55\x48\xcd\x4b\x01\x00"), REASON_NONE, BYTES("the end")},
		{"zlib, partly flushed",          BYTES("\x2a\x48\x2c\x2a\xc9\x4c\xcc\x01\x08\x00"), REASON_NONE, BYTES("partial")},
		{"zlib, flushed in between",      BYTES("\xca\xcf\x4b\x55\x00\x00\x00\x00\xff\xff\x2a\x29\xcf\x57\x00\x00\x00\x00\xff\xff\xca\xcf\x4b\x55\x28\x29\xcf\x07\x00"), REASON_NONE, BYTES("one two one two")},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct slice got;
		ROW_CHECK(at, inflate_exact(at->packed, &wide, &got) == at->wanted);
		ROW_EQ(at, got, at->plain);
	}
}

static void limits_to_the_byte(void **state)
{
	static const struct {
		const char *says;
		uint64_t max_bytes;
		uint32_t max_ratio;
		enum reason wanted;
	} rows[] = {
		/* clang-format off */
		{"as many bytes as there are",      10000, 1000, REASON_NONE},
		{"one byte less",                    9999, 1000, REASON_MESSAGE_TOO_BIG},
		{"nothing",                             0, 1000, REASON_MESSAGE_TOO_BIG},
		{"one byte",                            1, 1000, REASON_MESSAGE_TOO_BIG},
		{"a whole number of memory blocks",  8192, 1000, REASON_MESSAGE_TOO_BIG},
		{"ratio 358 is 10,024",             20000,  358, REASON_NONE},
		{"ratio 357 is 9,996",              20000,  357, REASON_WS_INFLATE},
		{"the smaller limit says why: size", 9000,  357, REASON_MESSAGE_TOO_BIG},
		{"the smaller limit says why: ratio", 9999, 357, REASON_WS_INFLATE},
		{"both the same is the size",        9996,  357, REASON_MESSAGE_TOO_BIG},
		{"no ratio is not no limit",        20000,    0, REASON_WS_INFLATE},
		{"ratios do not overflow",          20000, UINT32_MAX, REASON_NONE},
		{"ratios do not overflow 32 bits",  20000, 1u << 31, REASON_NONE},
		{"sizes do not overflow",      UINT64_MAX, 1000, REASON_NONE},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct ws_inflate_limits limits = {at->max_bytes, at->max_ratio};
		struct slice got;
		ROW_CHECK(at, inflate_exact(SLICE(BOMB), &limits, &got) == at->wanted);
		ROW_CHECK(at, got.len == (at->wanted ? 0 : 10000));
	}
}

static struct slice repeated(char *into, char c, size_t len)
{
	memset(into, c, len);
	return slice_of(into, len);
}

static void small_messages_may_have_any_ratio(void **state)
{
	static char plain[WS_INFLATE_RATIO_FLOOR + 1];
	struct ws_deflater *d = ws_deflater_new(9);
	struct ws_inflate_limits limits = {1 << 20, 1};
	struct buf packed;
	struct slice got;

	(void)state;
	assert_non_null(d);
	buf_init(&packed, 1 << 20);
	assert_int_equal(ws_deflate(d, repeated(plain, 'x', sizeof(plain) - 1), 15, &packed), 0);
	assert_int_equal(inflate_exact(buf_slice(&packed), &limits, &got), REASON_NONE);
	buf_clear(&packed);
	assert_int_equal(ws_deflate(d, repeated(plain, 'x', sizeof(plain)), 15, &packed), 0);
	assert_int_equal(inflate_exact(buf_slice(&packed), &limits, &got), REASON_WS_INFLATE);
	buf_deinit(&packed);
	ws_deflater_free(d);
}

/* A reader with exactly that window, which is given 50 bytes of room at a time, so that
 * whatever lies further back must come from its window. */
static void check_with_window(struct slice packed, unsigned window_bits, struct slice wanted)
{
	static const char tail[] = {0, 0, '\xff', '\xff'};
	struct slice parts[] = {packed, slice_of(tail, 4)};
	char room[50];
	size_t done = 0;
	z_stream z = {0};

	assert_int_equal(inflateInit2(&z, -(int)window_bits), Z_OK);
	for (size_t p = 0; p < COUNT(parts); p++) {
		z.next_in = (const Bytef *)parts[p].data;
		z.avail_in = (uInt)parts[p].len;
		do {
			z.next_out = (Bytef *)room;
			z.avail_out = sizeof(room);
			int r = inflate(&z, Z_SYNC_FLUSH);
			assert_true(r == Z_OK || r == Z_BUF_ERROR);
			size_t came = sizeof(room) - z.avail_out;
			assert_true(came <= wanted.len - done);
			assert_memory_equal(room, wanted.data + done, came);
			done += came;
		} while (z.avail_out == 0);
	}
	assert_int_equal(done, wanted.len);
	inflateEnd(&z);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Text with repetitions near and far, as only a real window can hold them. */
static void fill(char *bytes, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len;) {
		size_t back = 1 + next_random(&seed) % 40000;
		if (back > i || next_random(&seed) % 4 == 0) {
			bytes[i++] = (char)('a' + next_random(&seed) % 26);
			continue;
		}
		for (size_t n = next_random(&seed) % 60; n && i < len; n--, i++)
			bytes[i] = bytes[i - back];
	}
}

static void what_is_packed_can_be_unpacked(void **state)
{
	static const size_t lengths[] = {0,   1,   2,    10,   100,  249,  250,   251,   511,
					 512, 700, 3833, 3834, 3835, 9000, 32767, 40000, 70000};
	static char plain[70000];
	struct ws_deflater *d = ws_deflater_new(6);
	struct buf packed;

	(void)state;
	assert_non_null(d);
	buf_init(&packed, 1 << 20);
	for (unsigned bits = 8; bits <= 15; bits++) {
		for (size_t l = 0; l < COUNT(lengths); l++) {
			struct slice got, wanted = slice_of(plain, lengths[l]);
			fill(plain, lengths[l], bits * 100 + (uint32_t)l);
			buf_clear(&packed);
			assert_int_equal(buf_append(&packed, SLICE("before")), 0);
			assert_int_equal(ws_deflate(d, wanted, bits, &packed), 0);
			struct slice out = buf_slice(&packed);
			assert_true(slice_starts_with(out, SLICE("before")));
			out = slice_from(out, 6);
			assert_int_equal(inflate_exact(out, &wide, &got), REASON_NONE);
			assert_true(slice_eq(got, wanted));
			check_with_window(out, bits, wanted);
		}
	}
	buf_deinit(&packed);
	ws_deflater_free(d);
}

static void a_wider_window_packs_better(void **state)
{
	static char plain[70000];
	struct ws_deflater *d = ws_deflater_new(6);
	size_t last = SIZE_MAX;
	struct buf packed;

	(void)state;
	assert_non_null(d);
	fill(plain, sizeof(plain), 7);
	buf_init(&packed, 1 << 20);
	for (unsigned bits = 8; bits <= 15; bits++) {
		buf_clear(&packed);
		assert_int_equal(ws_deflate(d, slice_of(plain, sizeof(plain)), bits, &packed), 0);
		assert_true(buf_waiting(&packed) < last);
		last = buf_waiting(&packed);
	}
	buf_clear(&packed);
	assert_int_equal(ws_deflate(d, SLICE(""), 15, &packed), 0);
	assert_true(slice_eq(buf_slice(&packed), SLICE("\0")));
	buf_deinit(&packed);
	ws_deflater_free(d);
}

static void no_room_leaves_the_buffer_as_it_was(void **state)
{
	static char plain[20000];
	struct ws_deflater *d = ws_deflater_new(1);
	struct buf packed;
	size_t full = 0;

	(void)state;
	assert_non_null(d);
	fill(plain, sizeof(plain), 1);
	for (size_t max = 6; !full; max += 61) {
		buf_init(&packed, max);
		assert_int_equal(buf_append(&packed, SLICE("before")), 0);
		int r = ws_deflate(d, slice_of(plain, sizeof(plain)), 15, &packed);
		assert_true(r == 0 || r == BUF_FULL);
		if (r == 0)
			full = buf_waiting(&packed);
		else
			assert_true(slice_eq(buf_slice(&packed), SLICE("before")));
		assert_true(max < 40000);
		buf_deinit(&packed);
	}
	assert_true(full > 1000);
	ws_deflater_free(d);
}

static void memory_is_charged_and_given_back(void **state)
{
	static char plain[300000];
	struct ws_deflater *d = ws_deflater_new(1);
	struct budget small;
	struct buf packed;
	struct slice got;

	(void)state;
	assert_non_null(d);
	fill(plain, sizeof(plain), 3);
	buf_init(&packed, 1 << 20);
	assert_int_equal(ws_deflate(d, slice_of(plain, 60000), 15, &packed), 0);
	assert_int_equal(inflate_exact(buf_slice(&packed), &wide, &got), REASON_NONE);
	assert_int_equal(memory.used, 0); /* the worker's own 64 KiB */

	buf_clear(&packed);
	assert_int_equal(ws_deflate(d, slice_of(plain, sizeof(plain)), 15, &packed), 0);
	assert_int_equal(inflate_exact(buf_slice(&packed), &wide, &got), REASON_NONE);
	assert_true(memory.used >= sizeof(plain) - 65536 && memory.used <= 2 * sizeof(plain));
	ws_inflater_release(inflater);
	ws_inflater_release(inflater);
	assert_int_equal(memory.used, 0);

	/* One message's charge is given back by the next. */
	assert_int_equal(inflate_exact(buf_slice(&packed), &wide, &got), REASON_NONE);
	assert_int_equal(inflate_exact(SLICE("\x00"), &wide, &got), REASON_NONE);
	assert_int_equal(memory.used, 0);

	budget_init(&small, 100000, NULL);
	assert_int_equal(ws_inflate(inflater, buf_slice(&packed), &wide, &small, &got),
			 REASON_OVERLOADED);
	assert_int_equal(small.used, 0);
	budget_deinit(&small);
	buf_deinit(&packed);
	ws_deflater_free(d);
}

static void a_bomb_costs_no_more_than_its_limit(void **state)
{
	static char plain[1 << 22];
	struct ws_deflater *d = ws_deflater_new(9);
	struct ws_inflate_limits limits = {.max_bytes = 65536, .max_ratio = 2000};
	struct budget peak;
	struct buf packed;
	struct slice got;

	(void)state;
	assert_non_null(d);
	buf_init(&packed, 1 << 20);
	assert_int_equal(ws_deflate(d, repeated(plain, 0, sizeof(plain)), 15, &packed), 0);
	assert_true(buf_waiting(&packed) < 5000);
	/* 64 KiB are free, the one byte that proves the bomb costs one. */
	budget_init(&peak, 1, NULL);
	assert_int_equal(ws_inflate(inflater, buf_slice(&packed), &limits, &peak, &got),
			 REASON_MESSAGE_TOO_BIG);
	assert_int_equal(peak.used, 0);
	budget_deinit(&peak);
	buf_deinit(&packed);
	ws_deflater_free(d);
}

/* Any prefix and any single changed byte: refused, or what zlib itself makes of it. */
static struct slice by_zlib(struct slice packed, char *room, size_t room_bytes)
{
	char *input = malloc(packed.len + 4);
	z_stream z = {0};

	assert_non_null(input);
	if (packed.len)
		memcpy(input, packed.data, packed.len);
	memcpy(input + packed.len, "\0\0\xff\xff", 4);
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = (const Bytef *)input;
	z.avail_in = (uInt)packed.len + 4;
	z.next_out = (Bytef *)room;
	z.avail_out = (uInt)room_bytes;
	int r = inflate(&z, Z_SYNC_FLUSH);
	size_t len = room_bytes - z.avail_out;
	inflateEnd(&z);
	free(input);
	return r == Z_OK || r == Z_STREAM_END ? slice_of(room, len) : slice_of(NULL, 0);
}

static unsigned accepted;

static void compare_with_zlib(struct slice packed)
{
	static char room[1 << 20];
	struct slice got, wanted;

	if (inflate_exact(packed, &wide, &got))
		return;
	accepted++;
	wanted = by_zlib(packed, room, sizeof(room));
	assert_true(slice_eq(got, wanted));
}

static void broken_data(void **state)
{
	char bytes[sizeof(JSON_PACKED) - 1];

	(void)state;
	accepted = 0;
	for (size_t cut = 0; cut < sizeof(bytes); cut++)
		compare_with_zlib(slice_of(JSON_PACKED, cut));
	assert_int_equal(accepted, 0);
	for (size_t at = 0; at < sizeof(bytes); at++) {
		for (unsigned c = 0; c < 256; c++) {
			memcpy(bytes, JSON_PACKED, sizeof(bytes));
			bytes[at] = (char)c;
			compare_with_zlib(slice_of(bytes, sizeof(bytes)));
		}
	}
	assert_true(accepted >= sizeof(bytes));
}

static void seeds_of_others(void **state)
{
	const char *folder = getenv("SALLYPORT_TESTDATA");
	static char line[16384], packed[16384];
	char path[4096];
	unsigned lines = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/fuzz-seeds/deflate-raw.jsonl", folder ? folder : "");
	FILE *f = fopen(path, "r");
	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		size_t len, end = strcspn(line, "\n");
		if (end < 2)
			continue;
		assert_true(
			base64_decode(slice_of(line + 1, end - 2), packed, sizeof(packed), &len));
		/* The seed, and each of its beginnings: some end where a block does. */
		for (size_t cut = 0; cut <= len; cut++)
			compare_with_zlib(slice_of(packed, cut));
		lines++;
	}
	fclose(f);
	assert_true(lines > 50);
}

static void torture(void **state)
{
	static char plain[200000];
	struct ws_deflater *sound = ws_deflater_new(1);
	struct buf packed;
	unsigned rounds = 0;

	(void)state;
	assert_non_null(sound);
	fill(plain, sizeof(plain), 5);
	struct slice wanted = slice_of(plain, sizeof(plain));
	buf_init(&packed, 1 << 20);
	assert_int_equal(ws_deflate(sound, wanted, 15, &packed), 0);
	ws_deflater_free(sound);

	FAILMALLOC_EACH (n) {
		struct slice got;
		struct buf again;
		buf_init(&again, 1 << 20);
		failmalloc_at(n);
		struct ws_inflater *i = ws_inflater_new();
		struct ws_deflater *d = ws_deflater_new(1);
		enum reason why = REASON_OVERLOADED;
		int r = -ENOMEM;
		if (i && d) {
			why = ws_inflate(i, buf_slice(&packed), &wide, &memory, &got);
			assert_true(!why || memory.used == 0);
			if (!why)
				r = ws_deflate(d, got, 15, &again);
		}
		bool failed = failmalloc_stop();
		rounds++;
		if (!failed) {
			assert_int_equal(why, REASON_NONE);
			assert_int_equal(r, 0);
			assert_true(slice_eq(got, wanted));
			assert_true(slice_eq(buf_slice(&again), buf_slice(&packed)));
		} else {
			assert_true(why == REASON_OVERLOADED ||
				    (why == REASON_NONE && r == -ENOMEM));
			assert_int_equal(buf_waiting(&again), 0);
		}
		buf_deinit(&again);
		ws_inflater_free(i);
		ws_deflater_free(d);
		assert_int_equal(memory.used, 0);
		if (!failed)
			break;
	}
	assert_true(rounds > 8);
	buf_deinit(&packed);
	assert_null(ws_inflater_free(NULL));
	assert_null(ws_deflater_free(NULL));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_may_come_and_what_not),
		CASE(limits_to_the_byte),
		CASE(small_messages_may_have_any_ratio),
		CASE(what_is_packed_can_be_unpacked),
		CASE(a_wider_window_packs_better),
		CASE(no_room_leaves_the_buffer_as_it_was),
		CASE(memory_is_charged_and_given_back),
		CASE(a_bomb_costs_no_more_than_its_limit),
		CASE(broken_data),
		CASE(seeds_of_others),
		CASE(torture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
