/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader, by scripted feeds. Every row is read as a server and as a client, whole, byte
 * by byte, and cut in two at every place: what comes out must be the same each time.
 */
#include "ws/message.h"

#include <stdio.h>

#include "feed.h"
#include "ws/mask.h"

#include "failmalloc.h"
#include "ws/close.h"

#define A8    "aaaaaaaa"
#define A32   A8 A8 A8 A8
#define A125  A32 A32 A32 A8 A8 A8 "aaaaa"
#define EURO  "\xe2\x82\xac"
#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00" /* "Hello", compressed */

enum {
	TEXT = 0x01,
	BINARY = 0x02,
	CONT = 0x00,
	CLOSE = 0x88,
	PING = 0x89,
	PONG = 0x8a,
	FIN = 0x80,
	RSV1 = 0x40
};

static const struct ws_reader_config usual = {
	.text_ok = true,
	.binary_ok = true,
	.max_fragments = 4,
	.max_message = 300,
	.inflate = {.max_bytes = 1000, .max_ratio = 100},
};

struct row {
	const char *says;
	struct frame frames[9];
	const char *wanted;
	bool deflate;
};

static struct ws_inflater *inflater;

static void lay_out(const struct row *at, enum ws_side side, struct buf *bytes)
{
	buf_init(bytes, 1 << 20);
	for (size_t i = 0; i < COUNT(at->frames) && at->frames[i].data; i++)
		feed_frame(bytes, side, at->frames[i]);
}

/* The same with a pong behind it, so that short frames too have many bytes behind them. */
static struct row with_pong(const struct row *at)
{
	static char wanted[1000];
	struct row longer = *at;
	size_t n = 0;

	if (strstr(at->wanted, "refused") || strstr(at->wanted, "close"))
		snprintf(wanted, sizeof(wanted), "%s", at->wanted);
	else
		snprintf(wanted, sizeof(wanted), "%s; pong 0123456789abcdef", at->wanted);
	while (longer.frames[n].data)
		n++;
	longer.frames[n] = (struct frame)F(PONG, "0123456789abcdef");
	longer.wanted = wanted;
	return longer;
}

static void compare(const struct row *at, const char *how, size_t cut, struct slice got)
{
	if (!slice_eq(got, slice_from_cstr(at->wanted)))
		fail_msg("%s (%s, %zu): got \"%.*s\", wanted \"%s\"", at->says, how, cut,
			 SLICE_ARG(got), at->wanted);
}

static void run_exactly(const struct row *at, const struct ws_reader_config *like)
{
	for (int side = WS_SERVER; side <= WS_CLIENT; side++) {
		struct ws_reader_config config = *like;
		struct ws_inflater *with = at->deflate ? inflater : NULL;
		struct buf bytes;
		config.side = (enum ws_side)side;
		lay_out(at, config.side, &bytes);
		struct slice all = buf_slice(&bytes);
		compare(at, "whole", 0, feed_all(&config, with, all, 0, 0));
		compare(at, "byte by byte", 1, feed_all(&config, with, all, 0, 1));
		compare(at, "in threes", 3, feed_all(&config, with, all, 0, 3));
		for (size_t cut = 1; cut < all.len; cut++)
			compare(at, "cut", cut, feed_all(&config, with, all, cut, 0));
		buf_deinit(&bytes);
	}
}

static void run_row(const struct row *at, const struct ws_reader_config *like)
{
	struct row longer = with_pong(at);

	run_exactly(at, like);
	run_exactly(&longer, like);
}

static const struct row rows[] = {
	/* clang-format off */
	/* --- section 5.6: data frames */
	{"one text", {F(FIN|TEXT, "hello")}, "text hello", 0},
	{"one binary", {F(FIN|BINARY, "\x01\xff")}, "binary (2 bytes, 082fc907b4e9a889)", 0},
	{"an empty text", {F(FIN|TEXT, "")}, "text", 0},
	{"three in a row", {F(FIN|TEXT, "a"), F(FIN|BINARY, "b"), F(FIN|TEXT, "c")}, "text a; binary b; text c", 0},
	/* --- section 5.4: fragments */
	{"two fragments", {F(TEXT, "hel"), F(FIN|CONT, "lo")}, "text hello", 0},
	{"as many fragments as may be", {F(TEXT, "a"), F(CONT, "b"), F(CONT, "c"), F(FIN|CONT, "d")}, "text abcd", 0},
	{"one too many", {F(TEXT, "a"), F(CONT, "b"), F(CONT, "c"), F(CONT, "d"), F(FIN|CONT, "e")}, "refused too_many_fragments", 0},
	{"one too many, all empty", {F(TEXT, ""), F(CONT, ""), F(CONT, ""), F(CONT, ""), F(FIN|CONT, "")}, "refused too_many_fragments", 0},
	{"fragments are counted anew", {F(TEXT, "a"), F(CONT, "b"), F(FIN|CONT, "c"), F(BINARY, "d"), F(CONT, "e"), F(FIN|CONT, "f")}, "text abc; binary def", 0},
	{"pings are no fragments", {F(TEXT, "a"), F(PING, ""), F(CONT, "b"), F(PING, ""), F(CONT, "c"), F(PING, ""), F(FIN|CONT, "d")}, "ping; ping; ping; text abcd", 0},
	{"empty fragments", {F(TEXT, ""), F(CONT, ""), F(FIN|CONT, "")}, "text", 0},
	{"empty first fragment", {F(TEXT, ""), F(FIN|CONT, "all")}, "text all", 0},
	{"empty last fragment", {F(BINARY, "all"), F(FIN|CONT, "")}, "binary all", 0},
	{"the type is the first frame's", {F(BINARY, "a"), F(FIN|CONT, "\xff")}, "binary a\xff", 0},
	{"a continuation of nothing", {F(FIN|CONT, "x")}, "refused ws_fragment", 0},
	{"a continuation of what is whole", {F(FIN|TEXT, "a"), F(FIN|CONT, "x")}, "text a; refused ws_fragment", 0},
	{"a continuation after fragments", {F(TEXT, "a"), F(FIN|CONT, "b"), F(CONT, "c")}, "text ab; refused ws_fragment", 0},
	{"a text in a text", {F(TEXT, "a"), F(FIN|TEXT, "b")}, "refused ws_fragment", 0},
	{"a binary in an empty text", {F(TEXT, ""), F(FIN|BINARY, "b")}, "refused ws_fragment", 0},
	/* --- section 5.5: control frames */
	{"ping and pong", {F(PING, "abc"), F(PONG, "def"), F(PING, "")}, "ping abc; pong def; ping", 0},
	{"a ping of 125", {F(PING, A125)}, "ping " A125, 0},
	{"between messages", {F(FIN|TEXT, "a"), F(PING, "p"), F(FIN|TEXT, "b")}, "text a; ping p; text b", 0},
	{"between fragments", {F(TEXT, "he"), F(PING, "p"), F(CONT, "ll"), F(PONG, "q"), F(FIN|CONT, "o")}, "ping p; pong q; text hello", 0},
	{"a long ping between fragments", {F(TEXT, A32), F(PING, A125), F(FIN|CONT, "b")}, "ping " A125 "; text " A32 "b", 0},
	{"two pings between fragments", {F(TEXT, "a"), F(PING, "12"), F(PING, "345"), F(FIN|CONT, "b")}, "ping 12; ping 345; text ab", 0},
	{"before the first byte of a message", {F(TEXT, ""), F(PING, "p"), F(FIN|CONT, "a")}, "ping p; text a", 0},
	{"a longer one there leaves no memory behind", {F(TEXT, ""), F(PING, "pq"), F(FIN|CONT, "a")}, "ping pq; text a", 0},
	/* --- section 5.5.1: close */
	{"close without a code", {F(CLOSE, "")}, "close 1005", 0},
	{"close with a code", {F(CLOSE, "\x03\xe8")}, "close 1000", 0},
	{"close with a text", {F(CLOSE, "\x03\xe9" "going")}, "close 1001 going", 0},
	{"half a code", {F(CLOSE, "\x03")}, "refused ws_close_code", 0},
	{"a code that must not travel", {F(CLOSE, "\x03\xed")}, "refused ws_close_code", 0},
	{"a text that is not UTF-8", {F(CLOSE, "\x03\xe8\xc3")}, "refused ws_utf8", 0},
	{"nothing counts after close", {F(CLOSE, "\x03\xe8"), F(FIN|TEXT, "x"), F(0xff, "junk")}, "close 1000", 0},
	{"close inside a message", {F(TEXT, "a"), F(CLOSE, "\x03\xe8"), F(FIN|CONT, "b")}, "close 1000", 0},
	{"close after messages", {F(FIN|TEXT, "a"), F(PING, "p"), F(CLOSE, "")}, "text a; ping p; close 1005", 0},
	{"nothing counts after a refusal", {F(0x83, ""), F(FIN|TEXT, "x"), F(CLOSE, "")}, "refused ws_opcode", 0},
	/* --- section 5.2 */
	{"RSV1", {F(RSV1|FIN|TEXT, "x")}, "refused ws_reserved_bits", 0},
	{"RSV2", {F(0x20|FIN|TEXT, "x")}, "refused ws_reserved_bits", 0},
	{"RSV3", {F(0x10|FIN|TEXT, "x")}, "refused ws_reserved_bits", 0},
	{"a ping in fragments", {F(0x09, "x")}, "refused ws_fragment", 0},
	/* --- section 8.1: UTF-8 */
	{"a euro", {F(FIN|TEXT, EURO)}, "text " EURO, 0},
	{"a euro over two fragments", {F(TEXT, "\xe2"), F(FIN|CONT, "\x82\xac")}, "text " EURO, 0},
	{"a euro over three, with a ping", {F(TEXT, "\xe2"), F(CONT, "\x82"), F(PING, "p"), F(FIN|CONT, "\xac")}, "ping p; text " EURO, 0},
	{"half a euro", {F(FIN|TEXT, "\xe2\x82")}, "refused ws_utf8", 0},
	{"half a euro in fragments", {F(TEXT, "\xe2"), F(FIN|CONT, "\x82")}, "refused ws_utf8", 0},
	{"half a euro, then an empty end", {F(TEXT, "\xe2"), F(FIN|CONT, "")}, "refused ws_utf8", 0},
	{"a surrogate", {F(FIN|TEXT, "\xed\xa0\x80")}, "refused ws_utf8", 0},
	{"overlong", {F(FIN|TEXT, "\xc0\xaf")}, "refused ws_utf8", 0},
	{"at once, not at the end", {F(TEXT, "\xff"), F(PING, "p")}, "refused ws_utf8", 0},
	{"proven by a later fragment", {F(TEXT, "a" EURO "\xe2"), F(CONT, "x")}, "refused ws_utf8", 0},
	{"each text for itself", {F(TEXT, "a"), F(FIN|CONT, "b"), F(TEXT, "\xc3"), F(FIN|CONT, "\xa4")}, "text ab; text \xc3\xa4", 0},
	{"binary is not text", {F(BINARY, "\xff"), F(FIN|CONT, "\xfe")}, "binary \xff\xfe", 0},
	{"pings are not text", {F(TEXT, "\xe2"), F(PING, "p"), F(FIN|CONT, "\x82\xac")}, "ping p; text " EURO, 0},
	/* --- limits */
	{"a message of 300", {F(BINARY, A125 A125), F(FIN|CONT, A32 A8 A8 "aa")}, "binary (300 bytes, ee7717eba7a17e21)", 0},
	{"a message of 301", {F(BINARY, A125 A125), F(FIN|CONT, A32 A8 A8 "aaa")}, "refused message_too_big", 0},
	{"a frame of 301", {F(FIN|BINARY, A125 A125 A32 A8 A8 "aaa")}, "refused message_too_big", 0},
	{"the limit is for each", {F(FIN|BINARY, A125 A125), F(FIN|BINARY, A125 "b")}, "binary (250 bytes, 924785600b73a84f); binary " A125 "b", 0},
	{"a ping does not count", {F(BINARY, A125 A125 A32), F(PING, A125), F(FIN|CONT, "b")}, "ping " A125 "; binary (283 bytes, 51fffd54becc1657)", 0},
	/* --- RFC 7692 */
	{"compressed", {F(RSV1|FIN|TEXT, HELLO)}, "text Hello", 1},
	{"compressed binary", {F(RSV1|FIN|BINARY, HELLO)}, "binary Hello", 1},
	{"compressed, in fragments", {F(RSV1|TEXT, "\xf2\x48\xcd"), F(FIN|CONT, "\xc9\xc9\x07\x00")}, "text Hello", 1},
	{"compressed, with a ping inside", {F(RSV1|TEXT, "\xf2\x48\xcd"), F(PING, "p"), F(FIN|CONT, "\xc9\xc9\x07\x00")}, "ping p; text Hello", 1},
	{"compressed and not, in turns", {F(FIN|TEXT, "a"), F(RSV1|FIN|TEXT, HELLO), F(FIN|TEXT, "b"), F(RSV1|FIN|TEXT, HELLO)}, "text a; text Hello; text b; text Hello", 1},
	{"not compressed, after fragments that were", {F(RSV1|TEXT, "\xf2\x48\xcd"), F(FIN|CONT, "\xc9\xc9\x07\x00"), F(TEXT, "\xf2\x84\x8d"), F(FIN|CONT, "\xb9z")}, "text Hello; text \xf2\x84\x8d\xb9z", 1},
	{"an empty compressed message", {F(RSV1|FIN|TEXT, "\x00")}, "text", 1},
	{"RSV1 on a continuation", {F(RSV1|TEXT, "\xf2\x48\xcd"), F(RSV1|FIN|CONT, "\xc9\xc9\x07\x00")}, "refused ws_reserved_bits", 1},
	{"RSV1 on the continuation only", {F(TEXT, "a"), F(RSV1|FIN|CONT, HELLO)}, "refused ws_reserved_bits", 1},
	{"RSV1 on a ping", {F(RSV1|PING, "x")}, "refused ws_reserved_bits", 1},
	{"RSV2 with deflate", {F(0x60|FIN|TEXT, HELLO)}, "refused ws_reserved_bits", 1},
	{"broken", {F(FIN|TEXT, "a"), F(RSV1|FIN|TEXT, "\x07")}, "text a; refused ws_inflate", 1},
	{"broken in fragments", {F(RSV1|BINARY, "\x00"), F(FIN|CONT, "\x07")}, "refused ws_inflate", 1},
	{"not UTF-8 when inflated", {F(RSV1|FIN|TEXT, "\x00\x01\x00\xfe\xff\xff\x00")}, "refused ws_utf8", 1},
	{"not UTF-8 when inflated, in fragments", {F(RSV1|TEXT, "\x00\x01\x00\xfe"), F(FIN|CONT, "\xff\xff\x00")}, "refused ws_utf8", 1},
	{"not UTF-8 when inflated, ASCII before", {F(RSV1|FIN|TEXT, "\x3a\x01\x00")}, "refused ws_utf8", 1},
	{"the same as binary", {F(RSV1|FIN|BINARY, "\x00\x01\x00\xfe\xff\xff\x00")}, "binary \xff", 1},
	{"a bomb", {F(RSV1|FIN|BINARY, "\xec\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xac\xef\x5f\xc2\x1c\x6e\x40\x01\x00\x00\x00\x00\x00\x00\x00\x00\xc0\xbf\x01")}, "refused message_too_big", 1},
	/* clang-format on */
};

static int set_up(void **state)
{
	(void)state;
	inflater = ws_inflater_new();
	return inflater ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	inflater = ws_inflater_free(inflater);
	return 0;
}

static void conversations(void **state)
{
	(void)state;
	EACH_ROW (at, rows)
		run_row(at, &usual);
}

static void types_of_data(void **state)
{
	static const struct row binary_refused[] = {
		{"text only: text",
		 {F(FIN | TEXT, "a"), F(TEXT, "b"), F(FIN | CONT, "c")},
		 "text a; text bc",
		 0},
		{"text only: binary", {F(FIN | BINARY, "a")}, "refused ws_data_type", 0},
		{"text only: a first fragment", {F(BINARY, "a")}, "refused ws_data_type", 0},
	};
	static const struct row text_refused[] = {
		{"binary only: binary", {F(BINARY, "a"), F(FIN | CONT, "b")}, "binary ab", 0},
		{"binary only: text", {F(FIN | TEXT, "a")}, "refused ws_data_type", 0},
		{"binary only: ping", {F(PING, "a")}, "ping a", 0},
	};
	struct ws_reader_config config = usual;

	(void)state;
	config.binary_ok = false;
	EACH_ROW (at, binary_refused)
		run_row(at, &config);
	config = usual;
	config.text_ok = false;
	EACH_ROW (at, text_refused)
		run_row(at, &config);
}

static void zero_refuses(void **state)
{
	static const struct row row = {"zeroed", {F(FIN | TEXT, "")}, "refused ws_data_type", 0};
	static const struct row none = {
		"no frames", {F(FIN | TEXT, "")}, "refused too_many_fragments", 0};
	static const struct row empty = {"empty only",
					 {F(FIN | TEXT, ""), F(FIN | TEXT, "a")},
					 "text; refused message_too_big",
					 0};
	struct ws_reader_config config = {0};

	(void)state;
	run_row(&row, &config);
	config.text_ok = true;
	run_row(&none, &config);
	config.max_fragments = 1;
	run_row(&empty, &config);
}

/* Frames that the layout above cannot make. */
static void raw_bytes(void **state)
{
	static const struct {
		const char *says;
		enum ws_side side;
		struct slice bytes;
		const char *wanted;
	} raw[] = {
#define BYTES(literal) {(literal), sizeof(literal) - 1}
		/* clang-format off */
		{"not masked", WS_SERVER, BYTES("\x81\x05hello"), "refused ws_unmasked"},
		{"the second not masked", WS_SERVER, BYTES("\x81\x80\x01\x02\x03\x04\x81\x00"), "text; refused ws_unmasked"},
		{"masked", WS_CLIENT, BYTES("\x81\x81\x01\x02\x03\x04x"), "refused ws_masked"},
		{"5 in 16 bits", WS_CLIENT, BYTES("\x81\x7e\x00\x05hello"), "refused ws_length"},
		{"125 in 16 bits, all of it", WS_CLIENT, BYTES("\x81\x7e\x00\x7d" A125), "refused ws_length"},
		{"126 in 16 bits, all of it", WS_CLIENT, BYTES("\x81\x7e\x00\x7e" A125 "a"), "text " A125 "a"},
		{"65535 in 64 bits", WS_CLIENT, BYTES("\x81\x7f\0\0\0\0\0\0\xff\xff"), "refused ws_length"},
		{"the highest bit", WS_CLIENT, BYTES("\x81\x7f\x80\0\0\0\0\0\0\0"), "refused ws_length"},
		{"2^63 - 1 bytes", WS_CLIENT, BYTES("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), "refused message_too_big"},
		{"2^63 - 1 bytes in a message", WS_CLIENT, BYTES("\x01\x01" "a\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), "refused message_too_big"},
		{"a ping of 126", WS_CLIENT, BYTES("\x89\x7e\x00\x7e"), "refused ws_control_too_long"},
		{"the RFC's masked text", WS_SERVER, BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "text Hello"},
		{"a head that never ends", WS_SERVER, BYTES("\x81\xfe\x00"), ""},
		{"a payload that never ends", WS_SERVER, BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51"), ""},
	/* clang-format on */
#undef BYTES
	};

	(void)state;
	EACH_ROW (at, raw) {
		struct ws_reader_config config = usual;
		config.side = at->side;
		for (size_t cut = 0; cut < at->bytes.len; cut++)
			ROW_EQ(at, feed_all(&config, NULL, at->bytes, cut, 0),
			       slice_from_cstr(at->wanted));
		ROW_EQ(at, feed_all(&config, NULL, at->bytes, 0, 1), slice_from_cstr(at->wanted));
	}
}

/* One reader in the hand, to look at it between the pieces. */
static struct budget memory;
static struct ws_reader reader;
static struct ws_event event;

static void hold_reader(const struct ws_reader_config *config, uint64_t max_memory)
{
	budget_init(&memory, max_memory, NULL);
	ws_reader_init(&reader, config, &memory, NULL);
}

static enum ws_event_kind give(char *bytes, size_t len)
{
	struct ws_input in = {bytes, bytes + len};

	enum ws_event_kind kind = ws_reader_next(&reader, &in, &event);
	if (kind == WS_NEED_MORE || kind == WS_REFUSED)
		assert_ptr_equal(in.at, in.end);
	return kind;
}

#define GIVE(literal)                                                                              \
	__extension__({                                                                            \
		static char given[] = literal;                                                     \
		memcpy(given, literal, sizeof(given));                                             \
		give(given, sizeof(given) - 1);                                                    \
	})

static void drop_reader(void)
{
	ws_reader_deinit(&reader);
	ws_reader_deinit(&reader);
	budget_deinit(&memory);
}

static const struct ws_reader_config plain = {.side = WS_CLIENT,
					      .text_ok = true,
					      .binary_ok = true,
					      .max_fragments = 4,
					      .max_message = 300};

static void an_idle_reader_owns_nothing(void **state)
{
	(void)state;
	assert_true(sizeof(struct ws_reader) < 200);
	hold_reader(&plain, 1 << 20);
	assert_null(reader.assembly.data);
	failmalloc_from(1);
	assert_int_equal(GIVE("\x81\x05hello"), WS_MESSAGE);
	assert_int_equal(GIVE(""), WS_NEED_MORE);
	assert_int_equal(GIVE("\x89\x00"), WS_PING);
	assert_int_equal(failmalloc_count(), 0);
	assert_false(failmalloc_stop());

	assert_int_equal(GIVE("\x81\x05hel"), WS_NEED_MORE);
	assert_true(ws_reader_pending_bytes(&reader) >= 3);
	assert_true(ws_reader_pending_bytes(&reader) <= 300 + WS_CONTROL_MAX);
	assert_int_equal(memory.used, ws_reader_pending_bytes(&reader));
	assert_int_equal(GIVE("lo"), WS_MESSAGE);
	assert_slice(event.payload, "hello");
	assert_int_equal(GIVE(""), WS_NEED_MORE);
	assert_null(reader.assembly.data);
	assert_int_equal(ws_reader_pending_bytes(&reader), 0);
	assert_int_equal(memory.used, 0);

	/* An unfinished head lies in the reader itself. */
	assert_int_equal(GIVE("\x81\x7e\x01"), WS_NEED_MORE);
	assert_int_equal(memory.used, 0);
	drop_reader();
}

static void a_message_is_handed_out_where_it_lies(void **state)
{
	char bytes[] = "\x81\x05hello\x01\x00\x80\x05world\x82\x03xyz";
	struct ws_input in = {bytes, bytes + sizeof(bytes) - 1};

	(void)state;
	hold_reader(&plain, 0);
	assert_int_equal(ws_reader_next(&reader, &in, &event), WS_MESSAGE);
	assert_ptr_equal(event.payload.data, bytes + 2);
	assert_ptr_equal(event.writable, bytes + 2);
	assert_int_equal(ws_reader_next(&reader, &in, &event), WS_MESSAGE);
	assert_ptr_equal(event.payload.data, bytes + 11);
	assert_slice(event.payload, "world");
	assert_int_equal(ws_reader_next(&reader, &in, &event), WS_MESSAGE);
	assert_int_equal(event.opcode, WS_OPCODE_BINARY);
	assert_int_equal(ws_reader_next(&reader, &in, &event), WS_NEED_MORE);
	drop_reader();
}

static void memory_grows_with_what_came(void **state)
{
	static char piece[4000];
	struct ws_reader_config big = plain;

	(void)state;
	big.max_message = 1 << 30;
	hold_reader(&big, UINT64_MAX);
	assert_int_equal(GIVE("\x82\x7f\0\0\0\0\x3f\xff\xff\xff"), WS_NEED_MORE);
	assert_int_equal(memory.used, 0);
	for (size_t came = sizeof(piece); came < 200000; came += sizeof(piece)) {
		assert_int_equal(give(piece, sizeof(piece)), WS_NEED_MORE);
		unsigned times = came < 32768 ? 2 : 5; /* a long one gets ahead of itself */
		assert_true(memory.used >= came && memory.used <= times * came + 256);
		assert_int_equal(reader.assembly.cap, memory.used);
	}
	drop_reader();
}

/* Where memory has to grow it grows early: at most a quarter of a long message is moved. */
static void long_messages_are_hardly_moved(void **state)
{
	enum { READ_BYTES = 262144 };
	static const struct {
		const char *says;
		size_t bytes;
	} sizes[] = {
		{"little more than a read", 300000},
		{"1 MiB", 1048576},
		{"a little less than five reads", 5 * READ_BYTES - 50},
		{"a little more", 5 * READ_BYTES},
		{"in three steps", 26 * READ_BYTES},
		{"in four", 60000000},
	};
	static char input[READ_BYTES];
	struct ws_reader_config config = plain;

	(void)state;
	config.max_message = 1 << 30;
	EACH_ROW (at, sizes) {
		const struct ws_header header = {
			.fin = true, .opcode = WS_OPCODE_BINARY, .payload_bytes = at->bytes};
		hold_reader(&config, UINT64_MAX);
		size_t came = READ_BYTES - ws_header_encode(&header, input), moved = 0;
		enum ws_event_kind kind = give(input, READ_BYTES);
		while (kind == WS_NEED_MORE) {
			size_t had = came, cap = reader.assembly.cap, left = at->bytes - came;
			char *room;
			ROW_CHECK(at, cap <= 5 * came);
			size_t bytes = ws_reader_room(&reader, READ_BYTES, &room);
			if (bytes) {
				memset(room, 0, bytes);
				ws_reader_filled(&reader, room, bytes);
				came += bytes;
				kind = give(input, 0);
			} else {
				bytes = left < READ_BYTES ? left : READ_BYTES;
				came += bytes;
				kind = give(input, bytes);
			}
			if (reader.assembly.cap != cap)
				moved += had;
		}
		ROW_CHECK(at, kind == WS_MESSAGE && came == at->bytes);
		ROW_CHECK(at, moved <= at->bytes / 4);
		drop_reader();
	}
}

/* The middle of a long frame may be read to where it belongs: nothing else comes of it. */
static void long_frames_are_read_in_place(void **state)
{
	enum { BYTES = 200000, BAD_AT = 150001 };
	static char sent[BYTES + WS_HEADER_MAX], text[BYTES];
	struct ws_reader_config config = plain;
	uint32_t dice = 1;

	(void)state;
	config.side = WS_SERVER;
	config.max_message = BYTES;
	for (int bad = 0; bad < 2; bad++) {
		for (size_t i = 0; i + 3 <= BYTES; i += 3) /* "\xe2\x82\xac", and so on */
			memcpy(text + i, i % 2 ? "\xe2\x82\xac" : "abc", 3);
		text[BYTES - 2] = text[BYTES - 1] = 'z';
		if (bad)
			text[BAD_AT] = (char)0xff;
		const struct ws_header header = {.fin = true,
						 .opcode = WS_OPCODE_TEXT,
						 .masked = true,
						 .key = {0x11, 0x22, 0x33, 0x44},
						 .payload_bytes = BYTES};
		size_t head = ws_header_encode(&header, sent);
		memcpy(sent + head, text, BYTES);
		ws_mask(sent + head, BYTES, header.key, 0);
		hold_reader(&config, UINT64_MAX);
		enum ws_event_kind kind = WS_NEED_MORE;
		size_t at = 0, direct = 0;
		while (at < head + BYTES && kind == WS_NEED_MORE) {
			dice = dice * 1664525u + 1013904223u;
			size_t len = 1 + (dice >> 16) % 30000;
			char *room;
			if (len > head + BYTES - at)
				len = head + BYTES - at;
			size_t may = ws_reader_room(&reader, 20000, &room);
			if (len > may && may)
				len = may;
			struct ws_input in = {sent + at, sent + at + len};
			if (may) {
				memcpy(room, sent + at, len);
				ws_reader_filled(&reader, room, len);
				direct += len;
				in.at = in.end;
			}
			kind = ws_reader_next(&reader, &in, &event);
			at += len;
		}
		assert_true(direct > BYTES / 2);
		assert_int_equal(kind, bad ? WS_REFUSED : WS_MESSAGE);
		assert_true(bad ? event.reason == REASON_WS_UTF8 && at <= BAD_AT + head + 30000
				: slice_eq(event.payload, slice_of(text, BYTES)));
		char *room;
		assert_int_equal(ws_reader_room(&reader, 20000, &room), 0);
		drop_reader();
	}
}

static void no_more_memory_than_the_limit(void **state)
{
	static char piece[300];

	(void)state;
	hold_reader(&plain, UINT64_MAX);
	assert_int_equal(GIVE("\x02\x7e\x01\x2b"), WS_NEED_MORE); /* 299 */
	assert_int_equal(give(piece, 299), WS_NEED_MORE);
	assert_true(memory.used <= 300 + WS_CONTROL_MAX);
	assert_int_equal(GIVE("\x89\x7d"), WS_NEED_MORE);
	assert_int_equal(give(piece, 124), WS_NEED_MORE);
	assert_int_equal(memory.used, 300 + WS_CONTROL_MAX);
	assert_int_equal(give(piece, 1), WS_PING);
	assert_int_equal(event.payload.len, 125);
	assert_int_equal(GIVE("\x80\x01"), WS_NEED_MORE);
	assert_int_equal(give(piece, 1), WS_MESSAGE);
	assert_int_equal(event.payload.len, 300);
	drop_reader();
}

static void a_budget_that_is_used_up(void **state)
{
	(void)state;
	hold_reader(&plain, 255);
	assert_int_equal(GIVE("\x81\x05hello"), WS_MESSAGE);
	assert_int_equal(GIVE("\x81\x05hel"), WS_REFUSED);
	assert_int_equal(event.reason, REASON_OVERLOADED);
	assert_int_equal(GIVE("\x81\x05hello"), WS_REFUSED);
	assert_int_equal(event.reason, REASON_OVERLOADED);
	assert_false(ws_reader_in_message(&reader));
	drop_reader();

	static char piece[300];
	hold_reader(&plain, 256);
	assert_int_equal(GIVE("\x02\x7e\x01\x2c"), WS_NEED_MORE);
	assert_int_equal(give(piece, 256), WS_NEED_MORE);
	assert_int_equal(memory.used, 256);
	assert_int_equal(give(piece, 1), WS_REFUSED);
	assert_int_equal(event.reason, REASON_OVERLOADED);
	assert_int_equal(memory.used, 0);
	drop_reader();
}

static void refusals_and_closes_free_at_once(void **state)
{
	(void)state;
	hold_reader(&plain, 1 << 20);
	assert_int_equal(GIVE("\x01\x02"
			      "ab"),
			 WS_NEED_MORE);
	assert_true(memory.used > 0);
	assert_int_equal(GIVE("\x81\x00"), WS_REFUSED);
	assert_int_equal(memory.used, 0);
	assert_null(reader.assembly.data);
	drop_reader();

	hold_reader(&plain, 1 << 20);
	assert_int_equal(GIVE("\x01\x02"
			      "ab"),
			 WS_NEED_MORE);
	assert_int_equal(GIVE("\x88\x00"), WS_CLOSE);
	assert_int_equal(memory.used, 0);
	assert_int_equal(GIVE("\x80\x01z"), WS_NEED_MORE);
	assert_false(ws_reader_in_message(&reader));
	drop_reader();

	hold_reader(&plain, 1 << 20);
	assert_int_equal(GIVE("\x01\x02"
			      "ab\x88\x05\x03\xe8"),
			 WS_NEED_MORE);
	assert_int_equal(GIVE("bye"), WS_CLOSE);
	assert_slice(event.payload, "bye");
	assert_int_equal(GIVE(""), WS_NEED_MORE);
	assert_int_equal(memory.used, 0);
	drop_reader();

	/* Gone in the middle of everything. */
	hold_reader(&plain, 1 << 20);
	assert_int_equal(GIVE("\x01\x02"
			      "ab\x89\x05xx"),
			 WS_NEED_MORE);
	drop_reader();
	hold_reader(&plain, 1 << 20);
	assert_int_equal(GIVE("\x01\x02"
			      "ab\x80\x01"),
			 WS_NEED_MORE);
	assert_int_equal(GIVE("c"), WS_MESSAGE);
	drop_reader();
	struct ws_reader zeroed = {0};
	ws_reader_deinit(&zeroed);
}

static void what_is_inflated_is_charged_and_given_back(void **state)
{
	struct ws_deflater *d = ws_deflater_new(1);
	static char text[200000], out[260000];
	struct ws_reader_config config = usual;
	struct ws_inflater *shared = ws_inflater_new();
	struct buf packed;

	(void)state;
	assert_non_null(d);
	assert_non_null(shared);
	uint32_t seed = 1;
	for (size_t i = 0; i < sizeof(text); i++) {
		seed = seed * 1664525u + 1013904223u;
		text[i] = (char)(seed >> 28 ? 'a' : 'a' + (seed >> 20 & 15));
	}
	buf_init(&packed, sizeof(out));
	assert_int_equal(ws_deflate(d, slice_of(text, sizeof(text)), 15, &packed), 0);
	config.side = WS_CLIENT;
	config.max_message = config.inflate.max_bytes = sizeof(text);

	struct buf bytes;
	buf_init(&bytes, sizeof(out));
	feed_frame(&bytes, WS_CLIENT,
		   (struct frame){0xc1, buf_slice(&packed).data, buf_waiting(&packed)});
	for (int bad = 0; bad < 2; bad++) {
		budget_init(&memory, UINT64_MAX, NULL);
		ws_reader_init(&reader, &config, &memory, shared);
		memcpy(out, buf_slice(&bytes).data, buf_waiting(&bytes));
		assert_int_equal(give(out, buf_waiting(&bytes)), WS_MESSAGE);
		assert_true(slice_eq(event.payload, slice_of(text, sizeof(text))));
		assert_true(memory.used >= sizeof(text) - 65536);
		if (!bad) {
			assert_int_equal(GIVE(""), WS_NEED_MORE);
			assert_int_equal(memory.used, 0);
		}
		drop_reader();
	}
	ws_inflater_free(shared);
	ws_deflater_free(d);
	buf_deinit(&bytes);
	buf_deinit(&packed);
}

static void a_deadline_can_be_told(void **state)
{
	(void)state;
	hold_reader(&plain, 1 << 20);
	assert_false(ws_reader_in_message(&reader));
	uint32_t first = ws_reader_serial(&reader);

	assert_int_equal(GIVE("\x01"), WS_NEED_MORE); /* half a head */
	assert_true(ws_reader_in_message(&reader));
	assert_int_equal(ws_reader_serial(&reader), first);
	assert_int_equal(GIVE("\x02"), WS_NEED_MORE); /* a head without payload */
	assert_true(ws_reader_in_message(&reader));
	assert_int_equal(GIVE("ab"), WS_NEED_MORE); /* a fragment */
	assert_true(ws_reader_in_message(&reader));
	assert_int_equal(GIVE("\x89\x00"), WS_PING); /* a ping in between is no end */
	assert_true(ws_reader_in_message(&reader));
	assert_int_equal(ws_reader_serial(&reader), first);
	assert_int_equal(GIVE("\x80\x00"), WS_MESSAGE);
	assert_false(ws_reader_in_message(&reader));
	assert_int_not_equal(ws_reader_serial(&reader), first);

	/* A message all at once counts as well. */
	first = ws_reader_serial(&reader);
	assert_int_equal(GIVE("\x81\x10"
			      "0123456789abcdef"),
			 WS_MESSAGE);
	assert_int_not_equal(ws_reader_serial(&reader), first);

	/* Half a ping, finished together with half of the next. */
	assert_int_equal(GIVE("\x89\x02x"), WS_NEED_MORE);
	assert_true(ws_reader_in_message(&reader));
	first = ws_reader_serial(&reader);
	char rest[] = "y\x89\x02x";
	struct ws_input in = {rest, rest + 4};
	assert_int_equal(ws_reader_next(&reader, &in, &event), WS_PING);
	assert_slice(event.payload, "xy");
	assert_int_equal(ws_reader_next(&reader, &in, &event), WS_NEED_MORE);
	assert_true(ws_reader_in_message(&reader));
	assert_int_not_equal(ws_reader_serial(&reader), first);
	drop_reader();
}

static void limits_may_shrink_on_the_way(void **state)
{
	struct ws_reader_config smaller = plain;

	(void)state;
	smaller.max_message = 3;
	hold_reader(&plain, 1 << 20);
	assert_int_equal(GIVE("\x01\x05"
			      "hello"),
			 WS_NEED_MORE);
	reader.config = &smaller;
	assert_int_equal(GIVE("\x80\x01"
			      "x"),
			 WS_REFUSED);
	assert_int_equal(event.reason, REASON_MESSAGE_TOO_BIG);
	drop_reader();

	hold_reader(&plain, 1 << 20);
	assert_int_equal(GIVE("\x02\x7e\x01\x2c"
			      "a"),
			 WS_NEED_MORE);
	reader.config = &smaller;
	static char rest[299];
	assert_int_equal(give(rest, sizeof(rest)), WS_REFUSED);
	assert_int_equal(event.reason, REASON_MESSAGE_TOO_BIG);
	assert_int_equal(memory.used, 0);
	drop_reader();

	/* What was announced is then more than there may ever be. */
	static char piece[30000];
	struct ws_reader_config bigger = plain;
	bigger.max_message = 400000;
	hold_reader(&bigger, 1 << 20);
	assert_int_equal(GIVE("\x82\x7f\0\0\0\0\0\x06\x1a\x80"), WS_NEED_MORE);
	assert_int_equal(give(piece, sizeof(piece)), WS_NEED_MORE);
	smaller.max_message = 100000;
	reader.config = &smaller;
	assert_int_equal(give(piece, sizeof(piece)), WS_NEED_MORE);
	assert_int_equal(give(piece, sizeof(piece)), WS_NEED_MORE);
	assert_true(memory.used <= smaller.max_message + WS_CONTROL_MAX);
	assert_int_equal(give(piece, sizeof(piece)), WS_REFUSED);
	assert_int_equal(event.reason, REASON_MESSAGE_TOO_BIG);
	drop_reader();
}

static void torture(void **state)
{
	static const struct row row = {
		"torture",
		{F(TEXT, A125), F(PING, A32), F(CONT, A125), F(FIN | CONT, "b"),
		 F(RSV1 | TEXT, "\xf2\x48\xcd"), F(FIN | CONT, "\xc9\xc9\x07\x00")},
		"ping " A32 "; text (251 bytes, 032fcf337586c477); text Hello",
		true};
	struct ws_reader_config config = usual;
	struct buf bytes;
	unsigned rounds = 0;

	(void)state;
	lay_out(&row, WS_SERVER, &bytes);
	FAILMALLOC_EACH (n) {
		char *input = malloc(buf_waiting(&bytes));
		struct ws_inflater *fresh = ws_inflater_new();
		unsigned events = 0;
		assert_non_null(input);
		assert_non_null(fresh);
		memcpy(input, buf_slice(&bytes).data, buf_waiting(&bytes));
		budget_init(&memory, UINT64_MAX, NULL);
		ws_reader_init(&reader, &config, &memory, fresh);
		failmalloc_at(n);
		enum ws_event_kind kind = WS_NEED_MORE;
		for (size_t i = 0; i < buf_waiting(&bytes) && kind != WS_REFUSED; i++)
			for (struct ws_input in = {input + i, input + i + 1};
			     (kind = ws_reader_next(&reader, &in, &event)) > WS_NEED_MORE;)
				events++;
		bool failed = failmalloc_stop();
		rounds++;
		if (failed) {
			assert_int_equal(kind, WS_REFUSED);
			assert_int_equal(event.reason, REASON_OVERLOADED);
		} else {
			assert_int_equal(events, 3);
		}
		drop_reader();
		ws_inflater_free(fresh);
		free(input);
		if (!failed)
			break;
	}
	assert_true(rounds > 4);
	buf_deinit(&bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(conversations),
		CASE(types_of_data),
		CASE(zero_refuses),
		CASE(raw_bytes),
		CASE(an_idle_reader_owns_nothing),
		CASE(a_message_is_handed_out_where_it_lies),
		CASE(memory_grows_with_what_came),
		CASE(long_messages_are_hardly_moved),
		CASE(long_frames_are_read_in_place),
		CASE(no_more_memory_than_the_limit),
		CASE(a_budget_that_is_used_up),
		CASE(refusals_and_closes_free_at_once),
		CASE(what_is_inflated_is_charged_and_given_back),
		CASE(a_deadline_can_be_told),
		CASE(limits_may_shrink_on_the_way),
		CASE(torture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
