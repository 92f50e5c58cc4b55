/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection of sallyport connect, from the first address to the exit status.
 *
 *   addresses --> CONNECT --> TLS --> ANSWER --> OPEN, CLOSING (connect_messages.c) --> over
 *       ^            |          |       '--> not a 101: why, in words ------------------^
 *       '--the next--'          '--> not to be trusted ---------------------------------'
 */
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/connect_talk_priv.h"
#include "net/random.h"
#include "net/sock.h"
#include "tls/stream.h"

enum {
	ANSWER_MAX = 128 * 1024,
	ANSWER_HEAD_MAX = 64 * 1024,
};

/* --- ends */

void connect_stop(struct talk *t, int status)
{
	t->status = status;
	t->phase = OVER;
	reactor_stop(&t->reactor);
}

void connect_fail(struct talk *t, const char *what)
{
	fprintf(stderr, "sallyport: %s\n", what);
	connect_stop(t, EXIT_PROBLEM);
}

bool connect_send_out(struct talk *t)
{
	int r = stream_write(&t->stream, buf_slice(&t->out));

	if (r == 0 && t->o->verbose && t->phase >= OPEN)
		connect_watch_bytes(&t->went, buf_slice(&t->out));
	buf_clear(&t->out);
	if (r)
		connect_fail(t, "the connection is gone: what was said did not arrive");
	return r == 0;
}

static void on_deadline(struct timer *timer)
{
	struct talk *t = TIMER_OWNER(timer, struct talk, deadline);

	if (t->phase == CLOSING) /* they do not answer our close; nothing is lost by that */
		connect_stop(t, t->status);
	else
		connect_fail(t, "no answer in time");
}

/* --- the handshake */

/* The answer is no 101: its body says why, once all of it is there. */
static void refused(struct talk *t, bool ended)
{
	const struct http_head *h = &t->parser.head;
	struct slice body = slice_from(buf_slice(&t->answer), h->bytes);

	if (!ended && body.len < (h->has_content_length ? h->content_length : ANSWER_MAX))
		return;
	connect_say_refusal(h->status, body);
	connect_stop(t, EXIT_PROBLEM);
}

static void on_answer(struct talk *t, struct stream_bytes bytes)
{
	const struct http_head *h = &t->parser.head;
	struct http_upgrade_answer a;
	const char *detail = "";
	size_t before = buf_waiting(&t->answer);

	if (buf_append(&t->answer, slice_of(bytes.data, bytes.len))) {
		connect_fail(t, "the answer is too long");
		return;
	}
	enum http_parse was = before && t->parser.head.bytes ? HTTP_PARSE_DONE : HTTP_PARSE_MORE;
	switch (http_parser_feed(&t->parser, buf_slice(&t->answer))) {
	case HTTP_PARSE_MORE:
		return;
	case HTTP_PARSE_REFUSED:
		connect_fail(t, "the answer is not HTTP/1.1");
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
		connect_stop(t, EXIT_PROBLEM);
		return;
	}
	size_t used = h->bytes - before;
	connect_opened(t, &a, (struct stream_bytes){bytes.data + used, bytes.len - used});
}

static void send_request(struct talk *t)
{
	uint8_t random[16];

	t->phase = ANSWER;
	if (random_bytes(random, sizeof(random))) {
		connect_fail(t, err_sentence());
		return;
	}
	http_upgrade_key(random, t->upgrade.key);
	if (http_upgrade_write(&t->upgrade, &t->out)) {
		connect_fail(t, err_sentence());
		t->status = EXIT_WRONG_USE;
		return;
	}
	if (t->o->verbose)
		connect_watch_head(">", buf_slice(&t->out));
	http_parser_init(&t->parser, HTTP_RESPONSE, t->room, CONNECT_ANSWER_HEADERS,
			 ANSWER_HEAD_MAX);
	connect_send_out(t);
}

/* --- the connection */

static void on_stream(struct stream *s, unsigned why);

static int try_address(struct talk *t, int fd)
{
	int r = stream_init(&t->stream, &t->scratch, fd, on_stream, 4 * (size_t)CONNECT_LINE_MAX,
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
			connect_fail(t, err_sentence());
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
		connect_stop(t, EXIT_PROBLEM);
	} else if (r) {
		connect_fail(t, r == STREAM_TLS_FAILED || r < 0
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
		connect_fail(t, "the server ended the connection without an answer");
	else if (t->phase == CLOSING)
		connect_stop(t, t->status);
	else
		connect_fail(t, "the connection ended without a close frame (1006)");
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
		connect_on_frames(t, got);
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
		connect_read_input(t);
}

/* --- beginning and end */

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
	r = connect_messages_init(t);
	if (r)
		return r;
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
	int r = resolve_now(u->host, u->port, t->addresses, CONNECT_ADDRESSES_MAX,
			    &t->address_count);
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
	buf_init(&t->out, 2 * (size_t)CONNECT_LINE_MAX);
	buf_init(&t->line, CONNECT_LINE_MAX);
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
