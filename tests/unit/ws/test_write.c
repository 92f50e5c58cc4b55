/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that we send: their bytes, their keys, and what happens when there is no room. */
#include "ws/write.h"

#include <errno.h>

#include "feed.h"

#include "failmalloc.h"
#include "ws/close.h"

/* Random bytes that count: 1, 2, 3, ...; `fails` makes the source dry. */
static struct source {
	uint8_t next;
	unsigned fills;
	bool fails;
} source;

static int count_up(void *arg, void *into, size_t bytes)
{
	struct source *s = arg;

	if (s->fails)
		return -EIO;
	s->fills++;
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)into)[i] = ++s->next;
	return 0;
}

static struct ws_masker masker;
static const struct ws_writer as_server = {0};
static const struct ws_writer as_client = {.masker = &masker};
static struct buf out;

static int set_up(void **state)
{
	(void)state;
	source = (struct source){0};
	ws_masker_init(&masker, count_up, &source);
	buf_init(&out, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_deinit(&out);
	return 0;
}

static void assert_out(struct slice wanted)
{
	struct slice got = buf_slice(&out);

	assert_int_equal(got.len, wanted.len);
	assert_memory_equal(got.data, wanted.data, wanted.len);
	buf_clear(&out);
}

static void as_a_server(void **state)
{
	(void)state;
	assert_int_equal(ws_write_message(&as_server, &out, WS_OPCODE_TEXT, SLICE("Hello")), 0);
	assert_int_equal(ws_write_message(&as_server, &out, WS_OPCODE_BINARY, SLICE("")), 0);
	assert_int_equal(ws_write_control(&as_server, &out, WS_OPCODE_PING, SLICE("a")), 0);
	assert_int_equal(ws_write_control(&as_server, &out, WS_OPCODE_PONG, SLICE("")), 0);
	assert_out(SLICE("\x81\x05Hello\x82\x00\x89\x01"
			 "a\x8a\x00"));
}

static void as_a_client(void **state)
{
	(void)state;
	assert_int_equal(ws_write_message(&as_client, &out, WS_OPCODE_TEXT, SLICE("Hello")), 0);
	assert_out(SLICE("\x81\x85\x01\x02\x03\x04\x49\x67\x6f\x68\x6e"));
	/* another frame, another key */
	assert_int_equal(ws_write_message(&as_client, &out, WS_OPCODE_TEXT, SLICE("Hello")), 0);
	assert_out(SLICE("\x81\x85\x05\x06\x07\x08\x4d\x63\x6b\x64\x6a"));
	assert_int_equal(ws_write_control(&as_client, &out, WS_OPCODE_PING, SLICE("")), 0);
	assert_out(SLICE("\x89\x80\x09\x0a\x0b\x0c"));
}

static void keys_never_come_twice(void **state)
{
	uint8_t key[WS_KEY_BYTES];
	uint8_t wanted = 0;
	unsigned keys = 3 * sizeof(masker.pool) / WS_KEY_BYTES;

	(void)state;
	for (unsigned n = 0; n < keys; n++) {
		assert_int_equal(ws_masker_next(&masker, key), 0);
		for (unsigned i = 0; i < WS_KEY_BYTES; i++)
			assert_int_equal(key[i], ++wanted);
	}
	assert_int_equal(source.fills, 3);
	source.fails = true;
	assert_int_equal(ws_masker_next(&masker, key), -EIO);
	assert_int_equal(ws_masker_next(&masker, key), -EIO);
	source.fails = false;
	assert_int_equal(ws_masker_next(&masker, key), 0);
}

static void without_random_bytes_nothing_is_sent(void **state)
{
	struct ws_deflater *d = ws_deflater_new(1);
	struct ws_writer packed = {.masker = &masker, .deflater = d, .window_bits = 15};
	char payload[] = "abc", head[WS_HEADER_MAX];
	size_t head_bytes = 99;

	(void)state;
	assert_non_null(d);
	source.fails = true;
	assert_int_equal(ws_write_message(&as_client, &out, WS_OPCODE_TEXT, SLICE("Hello")), -EIO);
	assert_int_equal(ws_write_message(&packed, &out, WS_OPCODE_TEXT, SLICE("Hello")), -EIO);
	assert_int_equal(ws_write_control(&as_client, &out, WS_OPCODE_PING, SLICE("")), -EIO);
	assert_int_equal(ws_write_close(&as_client, &out, 1000, SLICE("")), -EIO);
	assert_int_equal(ws_write_head(&as_client, WS_OPCODE_TEXT, payload, 3, head, &head_bytes),
			 -EIO);
	assert_string_equal(payload, "abc");
	assert_int_equal(head_bytes, 99);
	assert_int_equal(buf_waiting(&out), 0);
	ws_deflater_free(d);
}

static void close_frames(void **state)
{
	(void)state;
	assert_int_equal(ws_write_close(&as_server, &out, 1000, SLICE("bye")), 0);
	assert_out(SLICE("\x88\x05\x03\xe8"
			 "bye"));
	assert_int_equal(ws_write_close(&as_server, &out, WS_CLOSE_NO_STATUS, SLICE("")), 0);
	assert_out(SLICE("\x88\x00"));
	assert_int_equal(ws_write_close_for(&as_server, &out, REASON_DRAINING), 0);
	assert_out(SLICE("\x88\x0a\x03\xe9"
			 "draining"));
}

/* What another end makes of our frames, at lengths around each form of the length. */
static void lengths_arrive(void **state)
{
	static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 65537};
	static char payload[65537];

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 7);
	for (size_t l = 0; l < COUNT(lengths); l++) {
		for (int client = 0; client < 2; client++) {
			struct ws_reader_config other = {
				.side = client ? WS_SERVER : WS_CLIENT,
				.binary_ok = true,
				.max_fragments = 1,
				.max_message = sizeof(payload),
			};
			static struct buf direct;
			struct ws_event event = {.kind = WS_MESSAGE, .opcode = WS_OPCODE_BINARY};
			event.payload = slice_of(payload, lengths[l]);
			buf_clear(&out);
			assert_int_equal(ws_write_message(client ? &as_client : &as_server, &out,
							  WS_OPCODE_BINARY, event.payload),
					 0);
			buf_init(&direct, 1 << 20);
			feed_note(&direct, &event);
			assert_true(slice_eq(feed_all(&other, NULL, buf_slice(&out), 0, 0),
					     buf_slice(&direct)));
			buf_deinit(&direct);
		}
	}
}

static void heads_for_writev(void **state)
{
	char payload[] = "Hello", head[WS_HEADER_MAX];
	size_t n;

	(void)state;
	assert_int_equal(ws_write_head(&as_server, WS_OPCODE_TEXT, payload, 5, head, &n), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(head, "\x81\x05", 2);
	assert_string_equal(payload, "Hello");
	assert_int_equal(ws_write_head(&as_client, WS_OPCODE_TEXT, payload, 5, head, &n), 0);
	assert_int_equal(n, 6);
	assert_memory_equal(head, "\x81\x85\x01\x02\x03\x04", 6);
	assert_memory_equal(payload, "\x49\x67\x6f\x68\x6e", 5);
}

/* What was read as one frame is written as one without moving. */
static void frames_go_on_where_they_lie(void **state)
{
	static const size_t lengths[] = {0, 1, 5, 125, 126, 300, 65535};
	static char payload[65535];
	struct budget none;

	(void)state;
	budget_init(&none, 0, NULL);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 7);
	for (size_t l = 0; l < COUNT(lengths); l++) {
		for (int server = 0; server < 2; server++) {
			struct ws_reader_config config = {
				.side = server ? WS_SERVER : WS_CLIENT,
				.binary_ok = true,
				.max_fragments = 1,
				.max_message = sizeof(payload),
			};
			const struct ws_writer *w = server ? &as_client : &as_server;
			struct slice message = slice_of(payload, lengths[l]);
			struct ws_reader reader;
			struct ws_event e;
			struct buf came, wanted;
			buf_init(&came, sizeof(payload) + WS_HEADER_MAX);
			buf_init(&wanted, sizeof(payload) + WS_HEADER_MAX);
			assert_int_equal(ws_write_message(w, &came, WS_OPCODE_BINARY, message), 0);
			assert_int_equal(ws_write_message(w, &wanted, WS_OPCODE_BINARY, message),
					 0);
			if (server)
				assert_memory_not_equal(came.data, wanted.data, came.len);
			ws_reader_init(&reader, &config, &none, NULL);
			struct ws_input in = {came.data, came.data + came.len};
			assert_int_equal(ws_reader_next(&reader, &in, &e), WS_MESSAGE);
			assert_true(slice_eq(e.payload, message));
			assert_true(e.frame.data == came.data && e.frame.len == came.len);
			/* the key that `wanted` got */
			masker.left += server ? WS_KEY_BYTES : 0;
			assert_int_equal(ws_write_again(w, e.writable, e.payload.len), 0);
			assert_true(slice_eq(e.frame, buf_slice(&wanted)));
			ws_reader_deinit(&reader);
			buf_deinit(&came);
			buf_deinit(&wanted);
		}
	}
	budget_deinit(&none);
}

static void no_room_leaves_the_buffer_as_it_was(void **state)
{
	(void)state;
	struct ws_deflater *d = ws_deflater_new(1);
	struct ws_writer packed = {.deflater = d, .window_bits = 15};
	struct buf small;

	assert_non_null(d);
	for (size_t max = 3; max <= 40; max++) {
		buf_init(&small, max);
		assert_int_equal(buf_append(&small, SLICE("abc")), 0);
		int plain = ws_write_message(&as_server, &small, WS_OPCODE_TEXT, SLICE("Hello"));
		assert_int_equal(plain, max < 3 + 7 ? BUF_FULL : 0);
		assert_int_equal(buf_waiting(&small), plain ? 3 : 10);
		buf_truncate(&small, 3);
		int deflated = ws_write_message(&packed, &small, WS_OPCODE_TEXT, SLICE("Hello"));
		assert_true(deflated == 0 || deflated == BUF_FULL);
		assert_int_equal(buf_waiting(&small), deflated ? 3 : 3 + 2 + 7);
		assert_true(slice_starts_with(buf_slice(&small), SLICE("abc")));
		buf_deinit(&small);
	}
	ws_deflater_free(d);
}

static void compressed_frames(void **state)
{
	static char plain[200000];
	static const size_t lengths[] = {0, 5, 100, 1000, 66000, 200000};
	struct ws_deflater *d = ws_deflater_new(6);
	struct ws_inflater *i = ws_inflater_new();

	(void)state;
	assert_non_null(d);
	assert_non_null(i);
	for (size_t n = 0; n < sizeof(plain); n++)
		plain[n] = (char)('a' + n * n % 7 + n / 5000 % 15);
	for (size_t l = 0; l < COUNT(lengths); l++) {
		for (int client = 0; client < 2; client++) {
			struct ws_writer w = {.deflater = d, .window_bits = 15};
			struct ws_reader_config other = {
				.side = client ? WS_SERVER : WS_CLIENT,
				.text_ok = true,
				.max_fragments = 1,
				.max_message = 1 << 20,
				.inflate = {1 << 20, 2000},
			};
			struct ws_event event = {.kind = WS_MESSAGE, .opcode = WS_OPCODE_TEXT};
			struct buf wanted;
			w.masker = client ? &masker : NULL;
			event.payload = slice_of(plain, lengths[l]);
			buf_init(&wanted, 1 << 20);
			feed_note(&wanted, &event);
			/* Behind bytes that were taken, so that the buffer moves on the way. */
			buf_deinit(&out);
			assert_int_equal(buf_append(&out, SLICE("gone")), 0);
			buf_take(&out, 4);
			assert_int_equal(ws_write_message(&w, &out, WS_OPCODE_TEXT, event.payload),
					 0);
			assert_int_equal((uint8_t)buf_slice(&out).data[0], 0xc1);
			assert_true(slice_eq(feed_all(&other, i, buf_slice(&out), 0, 0),
					     buf_slice(&wanted)));
			buf_deinit(&wanted);
		}
	}
	/* Short ones travel as they are. */
	struct ws_writer w = {.deflater = d, .window_bits = 15, .deflate_from = 6};
	buf_clear(&out);
	assert_int_equal(ws_write_message(&w, &out, WS_OPCODE_TEXT, SLICE("Hello")), 0);
	assert_out(SLICE("\x81\x05Hello"));
	assert_int_equal(ws_write_message(&w, &out, WS_OPCODE_TEXT, SLICE("Hello!")), 0);
	assert_int_equal((uint8_t)buf_slice(&out).data[0], 0xc1);
	ws_inflater_free(i);
	ws_deflater_free(d);
}

static void torture(void **state)
{
	(void)state;
	FAILMALLOC_EACH (n) {
		struct buf fresh;
		buf_init(&fresh, 1 << 20);
		failmalloc_at(n);
		struct ws_deflater *d = ws_deflater_new(1);
		struct ws_writer w = {.deflater = d, .window_bits = 15, .deflate_from = 6};
		int r = -ENOMEM;
		size_t before = 0;
		if (d)
			r = ws_write_message(&w, &fresh, WS_OPCODE_TEXT, SLICE("Hello"));
		if (r == 0) {
			before = buf_waiting(&fresh);
			r = ws_write_message(&w, &fresh, WS_OPCODE_TEXT,
					     SLICE("Hello, hello, hello"));
		}
		bool failed = failmalloc_stop();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		if (failed)
			assert_int_equal(buf_waiting(&fresh), before);
		ws_deflater_free(d);
		buf_deinit(&fresh);
		if (!failed)
			break;
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(as_a_server),
		CASE(as_a_client),
		CASE(keys_never_come_twice),
		CASE(without_random_bytes_nothing_is_sent),
		CASE(close_frames),
		CASE(lengths_arrive),
		CASE(heads_for_writev),
		CASE(frames_go_on_where_they_lie),
		CASE(no_room_leaves_the_buffer_as_it_was),
		CASE(compressed_frames),
		CASE(torture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
