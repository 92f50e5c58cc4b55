/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of the store in Redis share. For them only. */
#include <hiredis/hiredis.h>

#include "net/timer.h"
#include "store/redis.h"
#include "store/redis_link.h"
#include "store/store_ops.h"

enum {
	REDIS_MAGIC = 0x72656469,
	REDIS_ID_BYTES = 48, /* of a stream's entry: two numbers */
	REDIS_NODE_BYTES = 16,
	REDIS_NUMBER_BYTES = 24,
	REDIS_HEX_BYTES = 33,  /* sixteen bytes, and the NUL */
	REDIS_HASH_BYTES = 41, /* SHA-1 in hexadecimal, and the NUL */
};

struct redis {
	struct store store;
	uint32_t magic;
	struct redis_facts facts;
	struct reactor *reactor;
	struct redis_link *link;
	struct redis_seats *seats;
	struct timer pull;
	char node[REDIS_NODE_BYTES]; /* who published: our own revocations are no news to us */
	char last[REDIS_ID_BYTES];   /* the last entry that was told */
	bool pulling, told_all;
	bool said_away, said_up;
	bool no_getdel; /* before 6.2 */
	uint64_t complained_ms;
	char script_hash[REDIS_HASH_BYTES]; /* of redis_counted.c's; empty: unknown */
};

struct redis *redis_of(struct store *s);
struct slice redis_text(const struct redisReply *reply);

/* One line of log, now and then, about an answer that is none. */
void redis_complain(struct redis *r, const struct redisReply *reply);

/* In decimal. */
struct slice redis_number(uint64_t n, char text[REDIS_NUMBER_BYTES]);

/* Sixteen bytes in hexadecimal. */
struct slice redis_hex(const uint8_t bytes[16], char text[REDIS_HEX_BYTES]);

/* redis_counted.c */
void redis_counted_init(struct redis *r);
void redis_counted_take(struct store *s, const struct counted *items, size_t count,
			store_counted_fn fn, void *arg);
void redis_counted_give(struct store *s, const uint8_t *key, const uint8_t *slot);
