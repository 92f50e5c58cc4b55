/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all nodes count together: one script looks at everything that a message needs and takes
 * all of it or nothing. Redis runs it as one step, by its own clock.
 *
 *   sallyport:count:<key>    RATE   the tat in us since 1970, until it is over
 *                            ONCE   "1", for its time
 *                            SLOT   sorted set: slot in hex -> us at which it falls back
 *
 * A script that Redis does not know by its hash has done nothing and is sent whole.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/obj.h"
#include "store/redis_priv.h"

enum {
	KEY_BYTES = 64,
	PER_ITEM = 4, /* arguments of the script */
	ARGUMENTS = 3 + COUNTED_MAX * (1 + PER_ITEM),
};

/* A rate that is further ahead than it may be is from before a reload, or from before Redis'
 * clock was set: as in policy/tally.c nobody is owed a lock-out. */
static const char script[] =
	"local t = redis.call('TIME') "
	"local now = t[1] * 1000000 + t[2] "
	"local after = {} "
	"for i, key in ipairs(KEYS) do "
	"  local kind, a, b, slot = unpack(ARGV, i * 4 - 3, i * 4) "
	"  a, b = tonumber(a), tonumber(b) "
	"  if kind == 'rate' then "
	"    local tat = tonumber(redis.call('GET', key) or '0') "
	"    if tat < now or tat > now + b then tat = now end "
	"    after[i] = tat + a "
	"    if after[i] > now + b then return i end "
	"  elseif kind == 'once' then "
	"    if redis.call('EXISTS', key) == 1 then return i end "
	"  else "
	"    redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now)) "
	"    if redis.call('ZCARD', key) >= b then return i end "
	"  end "
	"end "
	"for i, key in ipairs(KEYS) do "
	"  local kind, a, b, slot = unpack(ARGV, i * 4 - 3, i * 4) "
	"  if kind == 'rate' then "
	"    local ms = math.ceil((after[i] - now) / 1000) "
	"    if ms > 0 then "
	"      redis.call('SET', key, string.format('%.0f', after[i]), 'PX', "
	"                 string.format('%.0f', ms)) "
	"    end "
	"  elseif kind == 'once' then "
	"    redis.call('SET', key, '1', 'PX', a) "
	"  else "
	"    redis.call('ZADD', key, string.format('%.0f', now + a * 1000), slot) "
	"    if redis.call('PTTL', key) < tonumber(a) then redis.call('PEXPIRE', key, a) end "
	"  end "
	"end "
	"return 0";

/* One message's. */
struct counting {
	struct redis *redis;
	store_counted_fn fn;
	void *arg;
	bool whole; /* the script was sent, not its hash */
	size_t count;
	struct counted items[COUNTED_MAX];
};

/* The texts of one command. */
struct words {
	char keys[COUNTED_MAX][KEY_BYTES];
	char numbers[COUNTED_MAX][2][REDIS_NUMBER_BYTES];
	char slots[COUNTED_MAX][REDIS_HEX_BYTES];
	char count[REDIS_NUMBER_BYTES];
	struct slice arguments[ARGUMENTS];
	size_t used;
};

static void say(struct words *w, struct slice word)
{
	MUST(w->used < ARGUMENTS);
	w->arguments[w->used++] = word;
}

static struct slice key_of(const uint8_t *key, char text[KEY_BYTES])
{
	char hex[REDIS_HEX_BYTES];

	redis_hex(key, hex);
	int len = snprintf(text, KEY_BYTES, "sallyport:count:%s", hex);
	return slice_of(text, (size_t)len);
}

/* As Redis reckons it. Where OpenSSL cannot, the script is sent whole each time. */
void redis_counted_init(struct redis *r)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!EVP_Digest(script, sizeof(script) - 1, hash, &len, EVP_sha1(), NULL))
		len = 0;
	for (unsigned i = 0; i < len; i++)
		snprintf(r->script_hash + (size_t)2 * i, 3, "%02x", hash[i]);
}

static void say_item(struct words *w, size_t i, const struct counted *item)
{
	bool rate = item->kind == COUNTED_RATE, slot = item->kind == COUNTED_SLOT;

	say(w, rate ? SLICE("rate") : slot ? SLICE("slot") : SLICE("once"));
	say(w, redis_number(rate ? item->cost_us : item->ms, w->numbers[i][0]));
	say(w, redis_number(rate ? item->most_us : slot ? item->at_most : 0, w->numbers[i][1]));
	say(w, slot ? redis_hex(item->slot, w->slots[i]) : SLICE(""));
}

static void on_counted(void *arg, const struct redisReply *reply);

static void ask(struct counting *c)
{
	struct words w = {.used = 0};
	struct slice hash = slice_from_cstr(c->redis->script_hash);

	c->whole |= !hash.len;
	say(&w, c->whole ? SLICE("EVAL") : SLICE("EVALSHA"));
	say(&w, c->whole ? slice_of(script, sizeof(script) - 1) : hash);
	say(&w, redis_number(c->count, w.count));
	for (size_t i = 0; i < c->count; i++)
		say(&w, key_of(c->items[i].key, w.keys[i]));
	for (size_t i = 0; i < c->count; i++)
		say_item(&w, i, &c->items[i]);
	redis_link_send(c->redis->link, w.arguments, w.used, on_counted, c);
}

static void on_counted(void *arg, const struct redisReply *reply)
{
	struct counting *c = arg;
	int result = STORE_AWAY;
	size_t over = 0;

	if (reply && reply->type == REDIS_REPLY_ERROR && !c->whole &&
	    slice_starts_with(redis_text(reply), SLICE("NOSCRIPT"))) {
		c->whole = true;
		ask(c);
		return;
	}
	if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0) {
		result = 0;
	} else if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0 &&
		   (uint64_t)reply->integer <= c->count) {
		result = STORE_OVER;
		over = (size_t)reply->integer - 1;
	} else if (reply) {
		redis_complain(c->redis, reply);
	}
	c->fn(c->arg, result, over);
	free(c);
}

void redis_counted_take(struct store *s, const struct counted *items, size_t count,
			store_counted_fn fn, void *arg)
{
	struct counting *c = malloc(sizeof(*c));

	MUST(count > 0 && count <= COUNTED_MAX);
	if (!c) {
		fn(arg, -ENOMEM, 0);
		return;
	}
	*c = (struct counting){.redis = redis_of(s), .fn = fn, .arg = arg, .count = count};
	memcpy(c->items, items, count * sizeof(*items));
	ask(c);
}

static void on_given(void *arg, const struct redisReply *reply)
{
	if (reply && reply->type != REDIS_REPLY_INTEGER)
		redis_complain(arg, reply);
}

void redis_counted_give(struct store *s, const uint8_t *key, const uint8_t *slot)
{
	struct redis *r = redis_of(s);
	char name[KEY_BYTES], hex[REDIS_HEX_BYTES];
	struct slice arguments[] = {SLICE("ZREM"), key_of(key, name), redis_hex(slot, hex)};

	redis_link_send(r->link, arguments, 3, on_given, r);
}
