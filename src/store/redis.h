/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The store that all nodes share: Redis 5 or newer, or Valkey.
 *
 *   sallyport:ticket:<id in hex>   the record; SET ... PX ttl NX, GETDEL (EVAL before 6.2)
 *   sallyport:revocations          a stream: XADD by the node that was told, read by all
 *                                  others every REDIS_PULL_MS, from its beginning by a new one
 *   sallyport:count:<key in hex>   of a rate the moment at which it is paid back, of a value its
 *                                  being there, of slots a sorted set; one script takes them
 *   sallyport:nodes, sallyport:connections:<node>   store/redis_seats.h
 *
 * One connection, pipelined. It is made again, sooner at first, for as long as it takes.
 * One line of log when Redis goes and one when it comes back; the password is in neither.
 */
#include "base/event.h"
#include "net/stream.h"
#include "store/store.h"

enum {
	REDIS_PULL_MS = 250,
	REDIS_REVOCATIONS_MAX = 65536, /* kept in Redis, roughly */
	REDIS_UNDER_WAY_MAX = 4096,    /* questions at once; further ones get STORE_AWAY */
};

struct redis_facts {
	struct stream_scratch *scratch; /* of the thread; outlives the store, as all texts do */
	struct event_sink *log;
	struct slice url; /* for the log: without the password */
	struct slice host;
	uint16_t port;
	bool tls;
	struct slice user, password; /* empty: none */
	unsigned database;
	/* Redis came or went. */
	void (*changed)(void *arg, bool up);
	/* Another node published it. Each is told at least once. */
	void (*revoked)(void *arg, uint8_t kind, struct slice text, uint64_t at_unix_ms);
	void *arg;
};

/* Begins to connect; whether somebody is there turns out later. Returns 0 or -errno. */
int store_new_redis(const struct redis_facts *facts, struct store **out);
