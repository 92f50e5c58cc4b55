/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of sallyport connect, while the connection is open.
 *
 *   standard input  --a line------> ws_writer --masked--> the server
 *   standard output <--a message--- ws_reader <----------'
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "cmd/connect_talk_priv.h"
#include "net/random.h"
#include "ws/close.h"

enum {
	INPUT_BYTES = 64 * 1024,
	PENDING_HIGH = 1024 * 1024, /* then the input waits */
	CLOSING_MS = 3000,
	DEFLATE_FROM = 64,
};

/* --- the end */

static void send_close(struct talk *t, uint16_t code, struct slice text)
{
	if (t->close_sent)
		return;
	t->close_sent = true;
	if (ws_write_close(&t->writer, &t->out, code, text) == 0)
		connect_send_out(t);
}

/* We have what we wanted: a normal close, and the other side's answer to it. */
static void finish(struct talk *t)
{
	if (t->phase != OPEN)
		return;
	t->phase = CLOSING;
	timer_disarm(&t->quiet);
	timer_arm(&t->reactor.timers, &t->deadline, reactor_now_ms(&t->reactor) + CLOSING_MS);
	send_close(t, WS_CLOSE_NORMAL, SLICE(""));
}

static void on_quiet(struct timer *timer)
{
	struct talk *t = TIMER_OWNER(timer, struct talk, quiet);

	if (t->o->count) {
		fprintf(stderr, "sallyport: %" PRIu64 " of %" PRIu64 " messages came\n",
			t->messages, t->o->count);
		t->status = EXIT_PROBLEM;
	}
	finish(t);
}

static void arm_quiet(struct talk *t)
{
	uint64_t wait = t->o->count ? t->o->timeout_ms : t->o->wait_ms;

	if (!t->input_open && t->phase == OPEN)
		timer_arm(&t->reactor.timers, &t->quiet,
			  clock_add(reactor_now_ms(&t->reactor), wait));
}

/* --- standard input */

static bool decode_hex(struct slice line, struct buf *out)
{
	int high = -1;

	for (size_t i = 0; i < line.len; i++) {
		int d = num_hex_digit(line.data[i]);
		if (line.data[i] == ' ' && high < 0)
			continue;
		if (d < 0)
			return false;
		if (high < 0) {
			high = d;
			continue;
		}
		char byte = (char)(high << 4 | d);
		if (buf_append(out, slice_of(&byte, 1)))
			return false;
		high = -1;
	}
	return high < 0;
}

static void send_line(struct talk *t, struct slice line)
{
	struct buf bytes;
	int r;

	buf_init(&bytes, CONNECT_LINE_MAX);
	if (t->o->binary && !decode_hex(line, &bytes)) {
		fputs("sallyport: with --binary each line is hexadecimal; this one was left out\n",
		      stderr);
		buf_deinit(&bytes);
		return;
	}
	if (t->o->binary)
		r = ws_write_message(&t->writer, &t->out, WS_OPCODE_BINARY, buf_slice(&bytes));
	else
		r = ws_write_message(&t->writer, &t->out, WS_OPCODE_TEXT, line);
	buf_deinit(&bytes);
	if (r)
		connect_fail(t, "a line is too long");
	else
		connect_send_out(t);
}

/* Sends each complete line; at the end of the input the rest too. */
static void send_lines(struct talk *t, bool ended)
{
	while (t->phase == OPEN && buf_waiting(&t->line)) {
		struct slice all = buf_slice(&t->line);
		size_t end = slice_index(all, '\n');
		if (end == all.len && !ended)
			return;
		send_line(t, slice_first(all, end));
		buf_take(&t->line, end == all.len ? end : end + 1);
	}
}

static void input_ended(struct talk *t)
{
	io_remove(&t->input);
	timer_disarm(&t->input_turn);
	send_lines(t, true);
	t->input_open = false;
	arm_quiet(t);
}

static bool input_has_more(const struct talk *t)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

	return t->input_is_file || poll(&p, 1, 0) > 0;
}

/* Descriptor 0 may be shared with a shell, so it is not made non-blocking: poll before each read.
 */
void connect_read_input(struct talk *t)
{
	char *room;

	if (!t->input_open || t->phase != OPEN || stream_pending_bytes(&t->stream) > PENDING_HIGH)
		return;
	if (!input_has_more(t))
		return;
	if (buf_reserve(&t->line, INPUT_BYTES, &room)) {
		connect_fail(t, "a line is too long");
		return;
	}
	ssize_t n = read(STDIN_FILENO, room, INPUT_BYTES);
	if (n <= 0) {
		input_ended(t);
		return;
	}
	buf_commit(&t->line, (size_t)n);
	send_lines(t, false);
	if (t->input_is_file)
		timer_arm(&t->reactor.timers, &t->input_turn, reactor_now_ms(&t->reactor));
	else
		io_again(&t->input);
}

static void on_input(struct io *io)
{
	connect_read_input(IO_OWNER(io, struct talk, input));
}

static void on_input_turn(struct timer *timer)
{
	connect_read_input(TIMER_OWNER(timer, struct talk, input_turn));
}

static void start_input(struct talk *t)
{
	t->input_open = true;
	int r = io_add(&t->reactor, &t->input, STDIN_FILENO, on_input);
	t->input_is_file = r == -EPERM; /* epoll takes no ordinary files; they never wait */
	if (t->input_is_file)
		timer_arm(&t->reactor.timers, &t->input_turn, reactor_now_ms(&t->reactor));
	else if (r)
		input_ended(t);
}

/* --- what they say */

/* On a terminal, control characters would move its cursor or worse; elsewhere bytes are bytes. */
static void print_text(const struct talk *t, struct slice s)
{
	for (size_t i = 0; t->terminal && i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		bool c1 = c == 0xc2 && i + 1 < s.len && (unsigned char)s.data[i + 1] < 0xa0;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			printf("\\x%02x", c);
		else if (c1)
			printf("\\u00%02x", (unsigned char)s.data[++i]);
		else
			putchar(c);
	}
	if (!t->terminal)
		fwrite(s.data, 1, s.len, stdout);
}

static void print_message(struct talk *t, const struct ws_event *e)
{
	if (t->o->count && t->messages >= t->o->count)
		return; /* we have said goodbye already */
	if (e->opcode == WS_OPCODE_TEXT)
		print_text(t, e->payload);
	else
		for (size_t i = 0; i < e->payload.len; i++)
			printf("%02x", (unsigned char)e->payload.data[i]);
	putchar('\n');
	fflush(stdout);
	t->messages++;
	arm_quiet(t);
	if (t->o->count && t->messages >= t->o->count)
		finish(t);
}

static void say_close(struct talk *t, const struct ws_event *e, bool ours)
{
	enum reason why = reason_from_word(e->payload);

	if (ours && !t->o->verbose)
		return;
	fprintf(stderr, "sallyport: closed with %u (%s)", e->code, connect_close_words(e->code));
	if (e->payload.len) {
		fputs(", \"", stderr);
		for (size_t i = 0; i < e->payload.len; i++)
			fputc((unsigned char)e->payload.data[i] >= 0x20 ? e->payload.data[i] : ' ',
			      stderr);
		fputc('"', stderr);
	}
	if (why != REASON_NONE)
		fprintf(stderr, ": %s", reason_sentence(why));
	fputc('\n', stderr);
}

static void on_close(struct talk *t, const struct ws_event *e)
{
	bool ours = t->phase == CLOSING;
	bool normal = e->code == WS_CLOSE_NORMAL || e->code == WS_CLOSE_NO_STATUS;

	if (!ours && !normal)
		t->status = EXIT_PROBLEM;
	say_close(t, e, ours || normal);
	send_close(t, e->code, SLICE(""));
	if (t->phase == OVER)
		return;
	stream_flush(&t->stream);
	stream_shutdown(&t->stream);
	connect_stop(t, t->status);
}

static void on_broken_frame(struct talk *t, enum reason why)
{
	fprintf(stderr, "sallyport: the server broke the protocol: %s (%s)\n", reason_sentence(why),
		reason_word(why));
	t->status = EXIT_PROBLEM;
	send_close(t, reason_close_code(why), slice_from_cstr(reason_word(why)));
	stream_flush(&t->stream);
	connect_stop(t, EXIT_PROBLEM);
}

void connect_on_frames(struct talk *t, struct stream_bytes bytes)
{
	struct ws_input in = {bytes.data, bytes.data + bytes.len};
	struct ws_event e;

	if (t->o->verbose)
		connect_watch_bytes(&t->came, slice_of(bytes.data, bytes.len));
	while (t->phase == OPEN || t->phase == CLOSING) {
		switch (ws_reader_next(&t->reader, &in, &e)) {
		case WS_NEED_MORE:
			return;
		case WS_MESSAGE:
			print_message(t, &e);
			break;
		case WS_PING:
			if (ws_write_control(&t->writer, &t->out, WS_OPCODE_PONG, e.payload) == 0)
				connect_send_out(t);
			break;
		case WS_PONG:
			break;
		case WS_CLOSE:
			on_close(t, &e);
			return;
		case WS_REFUSED:
			on_broken_frame(t, e.reason);
			return;
		}
	}
}

/* --- the beginning */

static int fill_random(void *arg, void *into, size_t bytes)
{
	(void)arg;
	return random_bytes(into, bytes);
}

int connect_messages_init(struct talk *t)
{
	timer_init(&t->quiet, on_quiet);
	timer_init(&t->input_turn, on_input_turn);
	ws_masker_init(&t->masker, fill_random, NULL);
	if (t->o->compress) {
		t->inflater = ws_inflater_new();
		t->deflater = ws_deflater_new(6);
		if (!t->inflater || !t->deflater)
			return err_raise(ENOMEM, "no memory for compression");
	}
	return 0;
}

void connect_opened(struct talk *t, const struct http_upgrade_answer *a, struct stream_bytes rest)
{
	const struct connect_options *o = t->o;

	if (o->verbose)
		fprintf(stderr, "* open%s%.*s%s\n", a->protocol.len ? ", speaking " : "",
			SLICE_ARG(a->protocol), a->deflate.on ? ", with permessage-deflate" : "");
	t->phase = OPEN;
	timer_disarm(&t->deadline);
	t->config = (struct ws_reader_config){
		.side = WS_CLIENT,
		.text_ok = true,
		.binary_ok = true,
		.max_fragments = 1000000,
		.max_message = UINT64_C(1) << 28,
		.inflate = {.max_bytes = UINT64_C(1) << 28, .max_ratio = 2000}};
	ws_reader_init(&t->reader, &t->config, &t->memory, a->deflate.on ? t->inflater : NULL);
	t->writer = (struct ws_writer){.masker = &t->masker,
				       .deflater = a->deflate.on ? t->deflater : NULL,
				       .window_bits = a->deflate.client_bits,
				       .deflate_from = DEFLATE_FROM};
	t->came = (struct connect_watch){
		.reader = WS_CLIENT, .mark = "<", .compressed = a->deflate.on};
	t->went = (struct connect_watch){
		.reader = WS_SERVER, .mark = ">", .compressed = a->deflate.on};
	start_input(t);
	if (rest.len && t->phase != OVER)
		connect_on_frames(t, rest);
}
