/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The conversation of sallyport connect: what connect_talk.c (the connection and its handshake) and
 * connect_messages.c (what is said once it is open) share. Private to them.
 *
 *   CONNECT --> TLS --> ANSWER --> OPEN --> CLOSING --> over
 *                          |         ^ \
 *                          v         |  '--> lines of the input, messages to the output
 *                       REFUSED      '-- until the input ended and nothing came for --wait
 */
#include "base/buf.h"
#include "cmd/connect.h"
#include "http/upgrade.h"
#include "net/resolve.h"
#include "net/stream.h"
#include "ws/message.h"
#include "ws/write.h"

enum {
	CONNECT_ADDRESSES_MAX = 8,
	CONNECT_ANSWER_HEADERS = 100,
	CONNECT_LINE_MAX = 16 * 1024 * 1024,
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
	struct address addresses[CONNECT_ADDRESSES_MAX];
	size_t address_count, address_next;
	/* the handshake */
	struct buf target, answer, out;
	struct http_upgrade upgrade;
	struct http_parser parser;
	struct http_header room[CONNECT_ANSWER_HEADERS];
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

/* --- connect_talk.c */

/* It is over, with that exit status. */
void connect_stop(struct talk *t, int status);

/* It is over, and this is why. */
void connect_fail(struct talk *t, const char *what);

/* Sends what waits in t->out. False if the connection is over. */
bool connect_send_out(struct talk *t);

/* --- connect_messages.c */

/* Before anything else: timers, masks, compression. Returns 0 or -errno. */
int connect_messages_init(struct talk *t);

/* The server said yes, and what came behind that. Begins to read the input. */
void connect_opened(struct talk *t, const struct http_upgrade_answer *a, struct stream_bytes rest);

/* Bytes from the server, OPEN or CLOSING. */
void connect_on_frames(struct talk *t, struct stream_bytes bytes);

/* Reads on, if the input has something and not too much waits for the server. */
void connect_read_input(struct talk *t);
