/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation of sallyport connect.
 *
 *   CONNECT --> TLS --> ANSWER --> OPEN --> CLOSING --> over
 *                          |         ^ \
 *                          v         |  '--> lines of the input, messages to the output
 *                       REFUSED      '-- until the input ended and nothing came for --wait
 */
#include "cmd/connect.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "http/upgrade.h"
#include "net/random.h"
#include "net/resolve.h"
#include "net/sock.h"
#include "net/stream.h"
#include "tls/stream.h"
#include "ws/close.h"
#include "ws/message.h"
#include "ws/write.h"

enum {
	ADDRESSES_MAX = 8,
	ANSWER_MAX = 128 * 1024,
	ANSWER_HEADERS = 100,
	ANSWER_HEAD_MAX = 64 * 1024,
	LINE_MAX_BYTES = 16 * 1024 * 1024,
	INPUT_BYTES = 64 * 1024,
	PENDING_HIGH = 1024 * 1024, /* then the input waits */
	CLOSING_MS = 3000,
	DEFLATE_FROM = 64,
};

enum phase { CONNECT = 0, TLS, ANSWER, OPEN, CLOSING, OVER };

struct talk {
	const struct connect_options *o;
	enum phase phase;
	int status; /* exit status */
	struct reactor reactor;
	struct stream_scratch scratch;
	struct stream stream;
	struct budget memory;
	struct tls_client *tls;
	struct timer deadline, quiet, input_turn;
	struct address addresses[ADDRESSES_MAX];
	size_t address_count, address_next;
	/* the handshake */
	struct buf target, answer, out;
	struct http_upgrade upgrade;
	struct http_parser parser;
	struct http_header room[ANSWER_HEADERS];
	char authority[300];
	/* the messages */
	struct ws_reader_config config;
	struct ws_reader reader;
	struct ws_writer writer;
	struct ws_masker masker;
	struct ws_inflater *inflater;
	struct ws_deflater *deflater;
	struct connect_watch came, went;
	uint64_t messages;
	bool terminal; /* standard output is one */
	/* standard input */
	struct io input;
	struct buf line;
	bool input_open, input_is_file, close_sent;
};

/* --- ends */

static void stop(struct talk *t, int status)
{
	t->status = status;
	t->phase = OVER;
	reactor_stop(&t->reactor);
}

static void fail(struct talk *t, const char *what)
{
	fprintf(stderr, "sallyport: %s\n", what);
	stop(t, EXIT_PROBLEM);
}

/* Sends what waits in t->out. False if the connection is over. */
static bool send_out(struct talk *t)
{
	int r = stream_write(&t->stream, buf_slice(&t->out));

	if (r == 0 && t->o->verbose && t->phase >= OPEN)
		connect_watch_bytes(&t->went, buf_slice(&t->out));
	buf_clear(&t->out);
	if (r)
		fail(t, "the connection is gone: what was said did not arrive");
	return r == 0;
}

static void send_close(struct talk *t, uint16_t code, struct slice text)
{
	if (t->close_sent)
		return;
	t->close_sent = true;
	if (ws_write_close(&t->writer, &t->out, code, text) == 0)
		send_out(t);
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

static void on_deadline(struct timer *timer)
{
	struct talk *t = TIMER_OWNER(timer, struct talk, deadline);

	if (t->phase == CLOSING)
		stop(t, t->status); /* they do not answer our close; nothing is lost by that */
	else
		fail(t, "no answer in time");
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

	buf_init(&bytes, LINE_MAX_BYTES);
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
		fail(t, "a line is too long");
	else
		send_out(t);
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
static void read_input(struct talk *t)
{
	char *room;

	if (!t->input_open || t->phase != OPEN || stream_pending_bytes(&t->stream) > PENDING_HIGH)
		return;
	if (!input_has_more(t))
		return;
	if (buf_reserve(&t->line, INPUT_BYTES, &room)) {
		fail(t, "a line is too long");
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
	read_input(IO_OWNER(io, struct talk, input));
}

static void on_input_turn(struct timer *timer)
{
	read_input(TIMER_OWNER(timer, struct talk, input_turn));
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
	stop(t, t->status);
}

static void on_broken_frame(struct talk *t, enum reason why)
{
	fprintf(stderr, "sallyport: the server broke the protocol: %s (%s)\n", reason_sentence(why),
		reason_word(why));
	t->status = EXIT_PROBLEM;
	send_close(t, reason_close_code(why), slice_from_cstr(reason_word(why)));
	stream_flush(&t->stream);
	stop(t, EXIT_PROBLEM);
}

static void on_frames(struct talk *t, struct stream_bytes bytes)
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
				send_out(t);
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

/* --- the handshake */

static void opened(struct talk *t, const struct http_upgrade_answer *a, struct stream_bytes rest)
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
		on_frames(t, rest);
}

/* The answer is no 101: its body says why, once all of it is there. */
static void refused(struct talk *t, bool ended)
{
	const struct http_head *h = &t->parser.head;
	struct slice body = slice_from(buf_slice(&t->answer), h->bytes);

	if (!ended && body.len < (h->has_content_length ? h->content_length : ANSWER_MAX))
		return;
	connect_say_refusal(h->status, body);
	stop(t, EXIT_PROBLEM);
}

static void on_answer(struct talk *t, struct stream_bytes bytes)
{
	const struct http_head *h = &t->parser.head;
	struct http_upgrade_answer a;
	const char *detail = "";
	size_t before = buf_waiting(&t->answer);

	if (buf_append(&t->answer, slice_of(bytes.data, bytes.len))) {
		fail(t, "the answer is too long");
		return;
	}
	enum http_parse was = before && t->parser.head.bytes ? HTTP_PARSE_DONE : HTTP_PARSE_MORE;
	switch (http_parser_feed(&t->parser, buf_slice(&t->answer))) {
	case HTTP_PARSE_MORE:
		return;
	case HTTP_PARSE_REFUSED:
		fail(t, "the answer is not HTTP/1.1");
		return;
	case HTTP_PARSE_DONE:
		break;
	}
	if (t->o->verbose && was != HTTP_PARSE_DONE)
		connect_watch_head("<", slice_first(buf_slice(&t->answer), h->bytes));
	if (h->status != 101) {
		refused(t, false);
		return;
	}
	if (http_upgrade_verify(&t->upgrade, h, &a, &detail) != REASON_NONE) {
		fprintf(stderr, "sallyport: the 101 is not an answer to what was asked: %s\n",
			detail);
		stop(t, EXIT_PROBLEM);
		return;
	}
	size_t used = h->bytes - before;
	opened(t, &a, (struct stream_bytes){bytes.data + used, bytes.len - used});
}

static void send_request(struct talk *t)
{
	uint8_t random[16];

	t->phase = ANSWER;
	if (random_bytes(random, sizeof(random))) {
		fail(t, err_sentence());
		return;
	}
	http_upgrade_key(random, t->upgrade.key);
	if (http_upgrade_write(&t->upgrade, &t->out)) {
		fail(t, err_sentence());
		t->status = EXIT_WRONG_USE;
		return;
	}
	if (t->o->verbose)
		connect_watch_head(">", buf_slice(&t->out));
	http_parser_init(&t->parser, HTTP_RESPONSE, t->room, ANSWER_HEADERS, ANSWER_HEAD_MAX);
	send_out(t);
}

/* --- the connection */

static void on_stream(struct stream *s, unsigned why);

static int try_address(struct talk *t, int fd)
{
	int r = stream_init(&t->stream, &t->scratch, fd, on_stream, 4 * (size_t)LINE_MAX_BYTES,
			    &t->memory);

	if (r) {
		close(fd);
		return r;
	}
	t->phase = CONNECT;
	if (t->tls)
		r = tls_stream_start_client(&t->stream, t->tls, t->o->url.host);
	return r;
}

static bool next_address(struct talk *t)
{
	int fd;

	stream_deinit(&t->stream);
	while (t->address_next < t->address_count) {
		const struct address *a = &t->addresses[t->address_next++];
		if (sock_connect(a, &fd) == 0)
			return try_address(t, fd) == 0;
	}
	return false;
}

static void on_connected(struct talk *t)
{
	char text[ADDRESS_TEXT_BYTES];
	int r = stream_connected(&t->stream);

	if (r == STREAM_AGAIN)
		return;
	if (r) {
		if (!next_address(t))
			fail(t, err_sentence());
		return;
	}
	if (t->o->verbose && t->address_next)
		fprintf(stderr, "* connected to %s\n",
			address_format_with_port(&t->addresses[t->address_next - 1], text).data);
	t->phase = TLS;
}

static void on_tls(struct talk *t)
{
	int r = stream_handshake(&t->stream);

	if (r == STREAM_AGAIN)
		return;
	if (r == STREAM_UNTRUSTED) {
		fprintf(stderr, "sallyport: %s (-k goes on all the same)\n", err_sentence());
		stop(t, EXIT_PROBLEM);
	} else if (r) {
		fail(t, r == STREAM_TLS_FAILED || r < 0
				? err_sentence()
				: "the connection ended in the TLS handshake");
	} else {
		if (t->tls && t->o->verbose)
			fprintf(stderr, "* %s, %s\n", tls_stream_version(&t->stream),
				tls_stream_cipher(&t->stream));
		send_request(t);
	}
}

static void on_end(struct talk *t)
{
	if (t->phase == ANSWER && t->parser.head.bytes)
		refused(t, true);
	else if (t->phase == ANSWER)
		fail(t, "the server ended the connection without an answer");
	else if (t->phase == CLOSING)
		stop(t, t->status);
	else
		fail(t, "the connection ended without a close frame (1006)");
}

static void on_bytes(struct talk *t)
{
	struct stream_bytes got;
	int r = stream_read(&t->stream, &got);

	if (r == STREAM_AGAIN)
		return;
	if (r)
		on_end(t);
	else if (t->phase == ANSWER)
		on_answer(t, got);
	else
		on_frames(t, got);
}

static void on_stream(struct stream *s, unsigned why)
{
	struct talk *t = STREAM_OWNER(s, struct talk, stream);

	if (t->phase == CONNECT)
		on_connected(t);
	if (t->phase == TLS)
		on_tls(t);
	else if (t->phase >= ANSWER && t->phase < OVER && (why & (STREAM_READ | STREAM_GONE)))
		on_bytes(t);
	if (t->phase == OPEN && t->input_open && (why & STREAM_WRITE))
		read_input(t);
}

/* --- beginning and end */

static int fill_random(void *arg, void *into, size_t bytes)
{
	(void)arg;
	return random_bytes(into, bytes);
}

static int prepare_request(struct talk *t)
{
	const struct connect_options *o = t->o;
	const struct url *u = &o->url;

	if (buf_append(&t->target, u->path.len ? u->path : SLICE("/")) ||
	    (u->has_query &&
	     (buf_append(&t->target, SLICE("?")) || buf_append(&t->target, u->query))) ||
	    !url_authority(u, t->authority, sizeof(t->authority)).data)
		return err_raise(EINVAL, "the URL is too long");
	t->upgrade = (struct http_upgrade){.target = buf_slice(&t->target),
					   .authority = slice_from_cstr(t->authority),
					   .protocols = o->protocols,
					   .protocol_count = o->protocol_count,
					   .offer_deflate = o->compress,
					   .headers = o->headers,
					   .header_count = o->header_count};
	t->authority[url_authority(u, t->authority, sizeof(t->authority)).len] = 0;
	t->upgrade.authority = slice_from_cstr(t->authority);
	return 0;
}

static int prepare_tls(struct talk *t)
{
	const struct connect_options *o = t->o;

	if (!http_scheme_is_tls(o->url.scheme))
		return 0;
	if (!o->insecure)
		return tls_client_new(slice_from_cstr(o->ca_file), &t->tls);
	fputs("sallyport: -k: the certificate is not verified; anybody could be answering\n",
	      stderr);
	return tls_client_new_unverified(&t->tls);
}

static int prepare(struct talk *t)
{
	int r = reactor_init(&t->reactor);

	if (r)
		return r;
	r = stream_scratch_init(&t->scratch, &t->reactor, STREAM_READ_BYTES);
	if (r)
		return r;
	timer_init(&t->deadline, on_deadline);
	timer_init(&t->quiet, on_quiet);
	timer_init(&t->input_turn, on_input_turn);
	ws_masker_init(&t->masker, fill_random, NULL);
	if (t->o->compress) {
		t->inflater = ws_inflater_new();
		t->deflater = ws_deflater_new(6);
		if (!t->inflater || !t->deflater)
			return err_raise(ENOMEM, "no memory for compression");
	}
	r = prepare_request(t);
	return r ? r : prepare_tls(t);
}

static int dial(struct talk *t)
{
	const struct url *u = &t->o->url;
	int fd;

	if (u->unix_path.len) {
		int r = sock_connect_unix(u->unix_path, &fd);
		return r ? r : try_address(t, fd);
	}
	int r = resolve_now(u->host, u->port, t->addresses, ADDRESSES_MAX, &t->address_count);
	if (r)
		return r;
	return next_address(t) ? 0 : err_raise(ECONNREFUSED, "cannot connect");
}

static void clean_up(struct talk *t)
{
	io_remove(&t->input);
	timer_disarm(&t->deadline);
	timer_disarm(&t->quiet);
	timer_disarm(&t->input_turn);
	stream_deinit(&t->stream);
	ws_reader_deinit(&t->reader);
	ws_inflater_free(t->inflater);
	ws_deflater_free(t->deflater);
	tls_client_free(t->tls);
	if (t->scratch.reactor)
		stream_scratch_deinit(&t->scratch);
	reactor_deinit(&t->reactor);
	buf_deinit(&t->target);
	buf_deinit(&t->answer);
	buf_deinit(&t->out);
	buf_deinit(&t->line);
	budget_deinit(&t->memory);
}

int connect_talk(const struct connect_options *o)
{
	struct talk *t = calloc(1, sizeof(*t));

	if (!t)
		return EXIT_PROBLEM;
	t->o = o;
	t->terminal = isatty(STDOUT_FILENO);
	budget_init(&t->memory, UINT64_C(1) << 30, NULL);
	buf_init(&t->target, ANSWER_MAX);
	buf_init(&t->answer, ANSWER_MAX);
	buf_init(&t->out, 2 * (size_t)LINE_MAX_BYTES);
	buf_init(&t->line, LINE_MAX_BYTES);
	int r = prepare(t);
	if (r == 0)
		r = dial(t);
	if (r == 0) {
		timer_arm(&t->reactor.timers, &t->deadline,
			  reactor_now_ms(&t->reactor) + o->timeout_ms);
		r = t->phase == OVER ? 0 : reactor_run(&t->reactor);
	}
	if (r) {
		fprintf(stderr, "sallyport: %s\n", err_sentence());
		t->status = EXIT_PROBLEM;
	}
	int status = t->status;
	clean_up(t);
	free(t);
	return status;
}
