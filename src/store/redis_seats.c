/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections per subject as numbers in Redis; see redis_seats.h for the keys.
 *
 *   told   --came up, or too few there-->   untold   --a page at a time-->   told
 *
 * Commands are carried out in the order in which they are sent, so the last number that was
 * sent is the one that stays. An entry lives as long as its count is not zero; what is
 * pending is part of the count, for the next one to find its place taken.
 */
#include "store/redis_seats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/obj.h"
#include "net/random.h"

enum {
	SEATS_MAGIC = 0x53656174,
	KEY_BYTES = 64,
	NUMBER_BYTES = 24,
	PAIRS = 24,    /* of subject and number in one command */
	PAGE = 8,      /* commands at once */
	PAGE_MS = 5,   /* until the next page */
	PAGE_HEAD = 5, /* arguments in front of the pairs */
};

#define NODES_KEY "sallyport:nodes"
#define HASH_KEY  "sallyport:connections:"

/* Each begins with what time it is by Redis's own clock, whatever ours say. */
#define RENEW                                                                                      \
	"local t = redis.call('TIME') "                                                            \
	"local now = t[1] * 1000 + math.floor(t[2] / 1000) "                                       \
	"redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now) "                                    \
	"redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1]) "                                     \
	"redis.call('PEXPIRE', KEYS[2], ARGV[2]) "

/* ARGV: node, lease, subject, our number with this one, max, how a node's hash is called. */
static const char enter_script[] =
	RENEW "local sum = tonumber(ARGV[4]) "
	      "for _, node in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do "
	      "if node ~= ARGV[1] then "
	      "sum = sum + (redis.call('HGET', ARGV[6] .. node, ARGV[3]) or 0) end end "
	      "if sum > tonumber(ARGV[5]) then return 0 end "
	      "redis.call('HSET', KEYS[1], ARGV[3], ARGV[4]) "
	      "redis.call('PEXPIRE', KEYS[1], ARGV[2]) "
	      "return 1";

/* ARGV: lease, then subjects and their numbers. */
static const char tell_script[] = "for i = 2, #ARGV, 2 do "
				  "if ARGV[i + 1] == '0' then redis.call('HDEL', KEYS[1], ARGV[i]) "
				  "else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end end "
				  "redis.call('PEXPIRE', KEYS[1], ARGV[1]) "
				  "return 1";

/* ARGV: node, lease. */
static const char beat_script[] = RENEW "redis.call('PEXPIRE', KEYS[1], ARGV[2]) "
					"return redis.call('HLEN', KEYS[1])";

struct entry {
	struct list link; /* of told or untold */
	uint64_t count;
	size_t len;
	char subject[];
};

struct redis_seats {
	uint32_t magic;
	struct redis_seats_facts facts;
	struct map map; /* subject -> entry */
	struct list told, untold;
	uint64_t pending; /* enters without an answer */
	struct timer beat, page;
	bool wrote;      /* there may be numbers of ours in Redis */
	bool again;      /* something could not be told: all of it with the next beat */
	size_t expected; /* at least so many subjects of ours are there, when the last beat was sent
			  */
	char key[KEY_BYTES];
	struct slice hash; /* inside of key */
	char lease_text[NUMBER_BYTES];
	struct slice lease;
};

/* One enter. */
struct seat_errand {
	struct redis_seats *seats;
	struct entry *entry; /* stays while this is pending: it is counted */
	uint64_t mine;
	store_fn fn;
	void *arg;
};

static struct slice number(uint64_t n, char text[NUMBER_BYTES])
{
	int len = snprintf(text, NUMBER_BYTES, "%" PRIu64, n);
	return slice_of(text, (size_t)len);
}

static void arm(struct redis_seats *s, struct timer *t, uint64_t in_ms)
{
	timer_arm(&s->facts.reactor->timers, t, reactor_now_ms(s->facts.reactor) + in_ms);
}

/* --- our own numbers */

static struct slice entry_subject(const struct entry *e)
{
	return slice_of(e->subject, e->len);
}

/* NULL without memory or room. */
static struct entry *entry_find_or_add(struct redis_seats *s, struct slice subject)
{
	struct entry *e = map_get(&s->map, subject);

	if (e)
		return e;
	e = malloc(sizeof(*e) + subject.len);
	if (!e)
		return NULL;
	e->count = 0;
	e->len = subject.len;
	memcpy(e->subject, subject.data, subject.len);
	if (map_put(&s->map, subject, e)) {
		free(e);
		return NULL;
	}
	list_append(&s->told, &e->link);
	return e;
}

static void entry_forget(struct redis_seats *s, struct entry *e)
{
	MUST(map_remove(&s->map, entry_subject(e)) == e);
	list_remove(&e->link);
	free(e);
}

/* --- telling */

static void on_told(void *arg, const struct redisReply *reply)
{
	struct redis_seats *s = arg;

	if (reply && reply->type == REDIS_REPLY_INTEGER)
		return;
	if (reply)
		s->facts.complain(s->facts.arg, reply);
	s->again = true;
}

static void send_numbers(struct redis_seats *s, struct slice *arguments, size_t pairs)
{
	arguments[0] = SLICE("EVAL");
	arguments[1] = SLICE(tell_script);
	arguments[2] = SLICE("1");
	arguments[3] = s->hash;
	arguments[4] = s->lease;
	s->wrote = true;
	redis_link_send(s->facts.link, arguments, PAGE_HEAD + 2 * pairs, on_told, s);
}

static void tell_one(struct redis_seats *s, const struct entry *e)
{
	struct slice arguments[PAGE_HEAD + 2];
	char text[NUMBER_BYTES];

	arguments[PAGE_HEAD] = entry_subject(e);
	arguments[PAGE_HEAD + 1] = number(e->count, text);
	if (redis_link_is_up(s->facts.link))
		send_numbers(s, arguments, 1);
}

static void tell_some(struct redis_seats *s)
{
	struct slice arguments[PAGE_HEAD + 2 * PAIRS];
	char texts[PAIRS][NUMBER_BYTES];
	size_t pairs = 0;

	while (pairs < PAIRS && !list_empty(&s->untold)) {
		struct entry *e = LIST_ENTRY(s->untold.next, struct entry, link);
		list_remove(&e->link);
		list_append(&s->told, &e->link);
		arguments[PAGE_HEAD + 2 * pairs] = entry_subject(e);
		arguments[PAGE_HEAD + 2 * pairs + 1] = number(e->count, texts[pairs]);
		pairs++;
	}
	if (pairs)
		send_numbers(s, arguments, pairs);
}

static void on_page(struct timer *t)
{
	struct redis_seats *s = TIMER_OWNER(t, struct redis_seats, page);

	OBJ_CHECK(s, SEATS_MAGIC);
	if (!redis_link_is_up(s->facts.link))
		return; /* all of it, when it is back */
	for (int i = 0; i < PAGE; i++)
		tell_some(s);
	if (!list_empty(&s->untold))
		arm(s, &s->page, PAGE_MS);
}

static void send_beat(struct redis_seats *s, redis_fn fn)
{
	struct slice arguments[] = {SLICE("EVAL"),    SLICE(beat_script), SLICE("2"), s->hash,
				    SLICE(NODES_KEY), s->facts.node,      s->lease};

	redis_link_send(s->facts.link, arguments, 7, fn, s);
}

/* Whatever Redis has of ours is forgotten, and all that we have is told. Without our name
 * among the nodes nobody would look at it. */
static void begin_again(struct redis_seats *s)
{
	struct slice forget[] = {SLICE("DEL"), s->hash};

	redis_link_send(s->facts.link, forget, 2, on_told, s);
	send_beat(s, on_told);
	list_splice(&s->untold, &s->told);
	s->wrote = s->again = false;
	on_page(&s->page);
}

/* --- the lease */

static void on_beaten(void *arg, const struct redisReply *reply)
{
	struct redis_seats *s = arg;

	if (!reply)
		return;
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0)
		s->facts.complain(s->facts.arg, reply);
	else if (s->again || (uint64_t)reply->integer < s->expected)
		begin_again(s);
}

static void on_beat(struct timer *t)
{
	struct redis_seats *s = TIMER_OWNER(t, struct redis_seats, beat);

	OBJ_CHECK(s, SEATS_MAGIC);
	if (!s->map.count)
		return; /* the next one that enters begins it again */
	arm(s, &s->beat, REDIS_BEAT_MS);
	if (!redis_link_is_up(s->facts.link))
		return;
	/* Some of what is pending may not be there yet, and what waits for its page. */
	bool sure = list_empty(&s->untold) && s->pending <= s->map.count;
	s->expected = sure ? s->map.count - (size_t)s->pending : 0;
	send_beat(s, on_beaten);
}

/* --- entering and leaving */

static void undo(struct redis_seats *s, struct entry *e)
{
	e->count--;
	/* Another one of the same subject may have been written with us in its number. */
	tell_one(s, e);
	if (!e->count)
		entry_forget(s, e);
}

static void on_entered(void *arg, const struct redisReply *reply)
{
	struct seat_errand d = *(struct seat_errand *)arg;
	struct redis_seats *s = d.seats;
	int result = STORE_AWAY;

	free(arg);
	s->pending--;
	if (!reply && !redis_link_is_up(s->facts.link)) {
		/* Counted here; the others hear of it when Redis is back. */
		d.fn(d.arg, 0, slice_of(NULL, 0));
		return;
	}
	if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1)
		result = 0;
	else if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0)
		result = STORE_FULL;
	else if (reply)
		s->facts.complain(s->facts.arg, reply);
	if (result)
		undo(s, d.entry);
	else if (d.mine != d.entry->count)
		tell_one(s, d.entry); /* somebody came or left meanwhile */
	d.fn(d.arg, result, slice_of(NULL, 0));
}

static void send_enter(struct redis_seats *s, struct seat_errand *d, uint64_t max)
{
	char mine[NUMBER_BYTES], most[NUMBER_BYTES];
	struct slice arguments[] = {
		SLICE("EVAL"),     SLICE(enter_script),     SLICE("2"),
		s->hash,           SLICE(NODES_KEY),        s->facts.node,
		s->lease,          entry_subject(d->entry), number(d->mine, mine),
		number(max, most), SLICE(HASH_KEY),
	};

	s->wrote = true;
	redis_link_send(s->facts.link, arguments, 11, on_entered, d);
}

void redis_seats_enter(struct redis_seats *s, struct slice subject, uint64_t max, store_fn fn,
		       void *arg)
{
	struct seat_errand *d = malloc(sizeof(*d));
	struct entry *e = d ? entry_find_or_add(s, subject) : NULL;

	OBJ_CHECK(s, SEATS_MAGIC);
	if (!e) {
		free(d);
		fn(arg, -ENOMEM, slice_of(NULL, 0));
		return;
	}
	if (s->map.count == 1 && e->count == 0)
		arm(s, &s->beat, REDIS_BEAT_MS);
	e->count++;
	s->pending++;
	*d = (struct seat_errand){.seats = s, .entry = e, .mine = e->count, .fn = fn, .arg = arg};
	send_enter(s, d, max);
}

void redis_seats_leave(struct redis_seats *s, struct slice subject)
{
	struct entry *e = map_get(&s->map, subject);

	OBJ_CHECK(s, SEATS_MAGIC);
	MUST(e && e->count);
	e->count--;
	tell_one(s, e);
	if (!e->count)
		entry_forget(s, e);
}

/* --- */

void redis_seats_came_up(struct redis_seats *s)
{
	if (s->wrote || s->map.count)
		begin_again(s);
}

void redis_seats_give_up(struct redis_seats *s)
{
	struct slice forget[] = {SLICE("DEL"), s->hash};
	struct slice leave[] = {SLICE("ZREM"), SLICE(NODES_KEY), s->facts.node};

	if (!s->wrote || !redis_link_is_up(s->facts.link))
		return;
	redis_link_send(s->facts.link, forget, 2, on_told, s);
	redis_link_send(s->facts.link, leave, 3, on_told, s);
}

int redis_seats_new(const struct redis_seats_facts *facts, struct redis_seats **out)
{
	struct redis_seats *s = calloc(1, sizeof(*s));
	struct siphash_key key;
	int r = s ? random_bytes(&key, sizeof(key)) : err_raise(ENOMEM, "connections per subject");

	if (r) {
		free(s);
		return r;
	}
	s->magic = SEATS_MAGIC;
	s->facts = *facts;
	int len = snprintf(s->key, sizeof(s->key), HASH_KEY "%.*s", SLICE_ARG(facts->node));
	s->hash = slice_of(s->key, (size_t)len);
	s->lease = number(REDIS_LEASE_MS, s->lease_text);
	map_init(&s->map, &key, REDIS_SUBJECTS_MAX);
	list_init(&s->told);
	list_init(&s->untold);
	timer_init(&s->beat, on_beat);
	timer_init(&s->page, on_page);
	*out = s;
	return 0;
}

void redis_seats_free(struct redis_seats *s)
{
	if (!s)
		return;
	OBJ_CHECK(s, SEATS_MAGIC);
	list_splice(&s->untold, &s->told);
	LIST_EACH (at, &s->untold)
		entry_forget(s, LIST_ENTRY(at, struct entry, link));
	timer_disarm(&s->beat);
	timer_disarm(&s->page);
	map_deinit(&s->map);
	s->magic = 0;
	free(s);
}
