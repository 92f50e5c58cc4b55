/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parts of a page from an application share. Private to them.
 *
 *   client --head--> built anew --> application        body: as much as was announced
 *   client <-- built anew <--head-- application        body: length, chunks, or to the end
 *
 *   proxy.c          the connection to the application: dialled, taken in turns, kept, given up
 *   proxy_request.c  the way in: the request and its body
 *   proxy_answer.c   the way out: the answer and its body
 */
#include "gateway/conn.h"

enum {
	PROXY_HIGH_WATER = 128 * 1024, /* waits towards one side: nothing is read from the other */
};

enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_TO_END };

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_LF,
	CHUNK_DATA,
	CHUNK_CR,
	CHUNK_END_LF,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_OVER
};

struct proxy {
	uint32_t magic;
	struct stream up;
	struct worker *worker;
	struct conn *conn;             /* NULL: idle */
	struct generation *generation; /* one reference */
	struct target *target;
	struct list idle_link;
	struct timer idle_timer;
	unsigned address_attempt;
	bool reused, connected, secured, head_sent, head_seen, done;
	uint64_t request_left;  /* of the client's body, not read yet ... */
	uint64_t body_until_ms; /* ... which has to be here by then */
	enum body_kind kind;
	uint64_t left; /* LENGTH: of the body; CHUNKED: of the chunk */
	enum chunk_state chunk;
	unsigned line; /* bytes of the chunk's line, or of the trailer's */
};

/* --- proxy.c */

/* Ends the connection to the application. The client is refused, or, in the middle of an answer,
 * ends with it. */
void proxy_fail(struct conn *c, enum reason reason, const char *detail);

/* Something moved: c's deadline is set anew. */
void proxy_arm(struct conn *c);

/* The answer is over and the application keeps its side open: c gives the connection up, and it
 * waits for the next page. */
void proxy_rest(struct conn *c);

/* A kept connection that the application had closed meanwhile: once more, on a new one. False:
 * that is not allowed, or failed. */
bool proxy_retry(struct conn *c);

/* --- proxy_request.c */

/* The head, and what came with it of the body. False: it failed, and c may have ended. */
bool proxy_send_request(struct conn *c);

/* More of the client's body, as far as the application takes it; c may have ended. */
void proxy_read_body(struct conn *c);

/* One line of a head. */
int proxy_append_field(struct buf *out, const char *name, struct slice value);

/* --- proxy_answer.c */

/* What of it is there now goes to the client; c may have ended, or be at its next request. */
void proxy_read_answer(struct conn *c);
