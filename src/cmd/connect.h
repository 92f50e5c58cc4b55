/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sallyport connect: a WebSocket client for people. Private to its files:
 *
 *   connect.c           the command line
 *   connect_ticket.c    asks for a ticket over HTTP, waiting for the answers
 *   connect_talk.c      the connection: addresses, TLS, handshake, end
 *   connect_messages.c  once it is open: messages both ways, the close
 *   connect_watch.c     what travels, in words, for -v
 *
 * Messages go to standard output and nothing else does; all words about them go to
 * standard error. Cookies, tickets and tokens are withheld from what is printed, because
 * such output ends up in bug reports.
 */
#include <stdbool.h>
#include <stdint.h>

#include "http/head.h"
#include "http/url.h"
#include "ws/frame.h"

enum {
	CONNECT_HEADERS_MAX = 32,
	CONNECT_PROTOCOLS_MAX = 16,
	CONNECT_TICKET_MAX = 4096,
	CONNECT_TEXT_MAX = 256,
};

struct connect_options {
	struct url url;
	struct http_header headers[CONNECT_HEADERS_MAX]; /* Origin and Cookie among them */
	size_t header_count;
	struct slice origin, cookie; /* empty if not given */
	struct slice protocols[CONNECT_PROTOCOLS_MAX];
	size_t protocol_count;
	const char *ticket_from, *ca_file; /* NULL if not given */
	bool insecure, verbose, binary, compress;
	uint64_t wait_ms;    /* of silence after the input's end */
	uint64_t timeout_ms; /* for the handshake; with --count for the messages too */
	uint64_t count;      /* 0: any number of messages */
};

/* --- connect_ticket.c */

/* Gets a ticket for the path of o->url as `sallyport.ticket.<ticket>`. Returns an exit status;
 * what is wrong has been said. */
int connect_ticket(const struct connect_options *o, char protocol[CONNECT_TICKET_MAX]);

/* Says a refused request in words: status, and reason and title if the body is a problem. */
void connect_say_refusal(int status, struct slice body);

/* The member of a JSON object if that is a string, copied with a NUL. */
bool connect_json_string(struct slice text, const char *name, char *out, size_t room);

/* --- connect_talk.c */

/* The whole conversation. Returns an exit status. */
int connect_talk(const struct connect_options *o);

/* --- connect_watch.c */

/* Follows the frames of one direction, however the bytes are cut. */
struct connect_watch {
	enum ws_side reader; /* who reads them: WS_CLIENT for what we receive */
	const char *mark;    /* "<" or ">" */
	bool compressed;     /* permessage-deflate is on */
	bool in_message, lost;
	uint64_t skip; /* payload bytes until the next head */
	char head[WS_HEADER_MAX];
	size_t head_bytes;
};

/* Writes one line per frame to standard error, as soon as its head is there. */
void connect_watch_bytes(struct connect_watch *w, struct slice bytes);

/* "text, final, 5 bytes, masked with 37fa213d" */
struct slice connect_frame_words(const struct ws_header *h, bool compressed,
				 char text[CONNECT_TEXT_MAX]);

/* What a close code means; "" for one that nobody has explained. */
const char *connect_close_words(uint16_t code);

/* The lines of a head, marked; values that are secrets are withheld. */
void connect_watch_head(const char *mark, struct slice head);
