/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One connection to Redis that comes back. For store/ only.
 *
 *   resting --> looking --> connecting --> (TLS) --> greeting --> up
 *      ^        name's       REDIS_CONNECT_MS        AUTH, SELECT,  |
 *      |        addresses                            PING           |
 *      `------------- any failure, any answer that is late ---------'
 *
 * hiredis writes the commands and reads the replies; the bytes go through a stream like
 * everybody's, so that TLS is the gateway's own.
 */
#include <hiredis/hiredis.h>

#include "net/stream.h"

enum {
	REDIS_CONNECT_MS = 1000,
	REDIS_REST_MS = 100, /* doubled with each failure, up to ... */
	REDIS_REST_MAX_MS = 2000,
	REDIS_ARGUMENTS = 64,
	REDIS_RESERVED = 64,
	REDIS_REPLY_MAX = 4 << 20, /* bytes of an unfinished reply */
};

struct redis_link;

/* reply is valid during the call; NULL: none came (perhaps the command was carried out). */
typedef void (*redis_fn)(void *arg, const struct redisReply *reply);

struct redis_link_facts {
	struct stream_scratch *scratch;
	struct slice host; /* these four outlive the link */
	uint16_t port;
	bool tls;
	struct slice user, password;
	unsigned database;
	size_t under_way_max;
	/* It came up (detail NULL), or it failed: each time. A word or two, never secret. */
	void (*changed)(void *arg, const char *detail);
	void *arg;
};

/* Begins at once. Returns 0 or -errno. */
int redis_link_new(const struct redis_link_facts *facts, struct redis_link **out);

/* Commands under way get NULL first. Accepts NULL. */
void redis_link_free(struct redis_link *l);

bool redis_link_is_up(const struct redis_link *l);

/* fn is called exactly once, at once with NULL where nothing can be sent. */
void redis_link_send(struct redis_link *l, const struct slice *arguments, size_t count, redis_fn fn,
		     void *arg);

/* The same for what must not wait behind clients' questions: it has REDIS_RESERVED places of
 * its own, beyond under_way_max. */
void redis_link_send_first(struct redis_link *l, const struct slice *arguments, size_t count,
			   redis_fn fn, void *arg);
