/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets and revocations as commands to Redis; see redis.h for the keys. Whatever Redis
 * says that is not exactly what was expected is STORE_AWAY: no record, nobody let in.
 */
#include "store/redis.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/num.h"
#include "base/obj.h"
#include "net/random.h"
#include "store/redis_priv.h"
#include "store/redis_seats.h"

enum {
	PAGE = 128,        /* revocations read at once */
	PAGE_PAUSE_MS = 5, /* between two full pages: the workers have to do what they say */
	KEY_BYTES = 64,
	ERROR_WORD_BYTES = 20,
	COMPLAIN_EVERY_MS = 10000,
};

/* One put, take or publish. */
struct errand {
	struct redis *redis;
	store_fn fn;
	void *arg;
	uint8_t id[STORE_ID_BYTES];
};

struct redis *redis_of(struct store *s)
{
	struct redis *r = LIST_ENTRY(s, struct redis, store);

	OBJ_CHECK(r, REDIS_MAGIC);
	return r;
}

static const struct redis *redis_const(const struct store *s)
{
	return (const struct redis *)(const void *)s;
}

struct slice redis_text(const struct redisReply *reply)
{
	return slice_of(reply->str, reply->len);
}

/* --- log */

static void say(struct redis *r, enum event_level level, const char *name, const char *detail)
{
	struct event e;

	event_init(&e, level, name);
	event_text(&e, "store", r->facts.url);
	event_cstr(&e, "detail", detail);
	event_emit(r->facts.log, &e);
}

/* Only the first word of what Redis said: the rest may repeat what we said. */
void redis_complain(struct redis *r, const struct redisReply *reply)
{
	uint64_t now = reactor_now_ms(r->reactor);
	char word[ERROR_WORD_BYTES];
	size_t len = 0;

	if (r->complained_ms && now < r->complained_ms + COMPLAIN_EVERY_MS)
		return;
	r->complained_ms = now;
	if (reply->type == REDIS_REPLY_ERROR)
		while (len < sizeof(word) - 1 && len < reply->len && reply->str[len] >= 'A' &&
		       reply->str[len] <= 'Z') {
			word[len] = reply->str[len];
			len++;
		}
	word[len] = 0;
	say(r, EVENT_ERROR, "store_refused", len ? word : "not understood");
}

/* --- commands */

static struct errand *errand_new(struct redis *r, store_fn fn, void *arg)
{
	struct errand *d = malloc(sizeof(*d));

	if (!d) {
		fn(arg, -ENOMEM, slice_of(NULL, 0));
		return NULL;
	}
	*d = (struct errand){.redis = r, .fn = fn, .arg = arg};
	return d;
}

static void errand_done(struct errand *d, int result, struct slice record)
{
	d->fn(d->arg, result, record);
	free(d);
}

struct slice redis_hex(const uint8_t bytes[16], char text[REDIS_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 16; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[32] = 0;
	return slice_of(text, 32);
}

static struct slice key_of(const uint8_t *id, char key[KEY_BYTES])
{
	char hex[REDIS_HEX_BYTES];

	redis_hex(id, hex);
	int len = snprintf(key, KEY_BYTES, "sallyport:ticket:%s", hex);
	return slice_of(key, (size_t)len);
}

struct slice redis_number(uint64_t n, char text[REDIS_NUMBER_BYTES])
{
	int len = snprintf(text, REDIS_NUMBER_BYTES, "%" PRIu64, n);
	return slice_of(text, (size_t)len);
}

static void on_put(void *arg, const struct redisReply *reply)
{
	struct errand *d = arg;
	int result = STORE_AWAY;

	if (reply && reply->type == REDIS_REPLY_STATUS && slice_eq(redis_text(reply), SLICE("OK")))
		result = 0;
	else if (reply && reply->type == REDIS_REPLY_NIL)
		result = STORE_EXISTS;
	else if (reply)
		redis_complain(d->redis, reply);
	if (reply && reply->type == REDIS_REPLY_ERROR &&
	    slice_starts_with(redis_text(reply), SLICE("OOM")))
		result = STORE_FULL;
	errand_done(d, result, slice_of(NULL, 0));
}

static void redis_put(struct store *s, const uint8_t *id, struct slice record,
		      uint64_t expires_unix_ms, uint64_t now_unix_ms, store_fn fn, void *arg)
{
	struct redis *r = redis_of(s);
	struct errand *d = errand_new(r, fn, arg);
	char key[KEY_BYTES], ttl[REDIS_NUMBER_BYTES];
	uint64_t left = expires_unix_ms > now_unix_ms ? expires_unix_ms - now_unix_ms : 1;

	if (!d)
		return;
	struct slice arguments[] = {SLICE("SET"), key_of(id, key),         record,
				    SLICE("PX"),  redis_number(left, ttl), SLICE("NX")};
	redis_link_send(r->link, arguments, 6, on_put, d);
}

static void take(struct redis *r, struct errand *d);

static void on_take(void *arg, const struct redisReply *reply)
{
	struct errand *d = arg;
	struct redis *r = d->redis;

	if (!reply) {
		errand_done(d, STORE_AWAY, slice_of(NULL, 0));
	} else if (reply->type == REDIS_REPLY_STRING) {
		errand_done(d, 0, redis_text(reply));
	} else if (reply->type == REDIS_REPLY_NIL) {
		errand_done(d, STORE_ABSENT, slice_of(NULL, 0));
	} else if (reply->type == REDIS_REPLY_ERROR && !r->no_getdel &&
		   slice_starts_with(redis_text(reply), SLICE("ERR unknown command"))) {
		/* Nothing was done, so it may be asked again. */
		r->no_getdel = true;
		take(r, d);
	} else {
		redis_complain(r, reply);
		errand_done(d, STORE_AWAY, slice_of(NULL, 0));
	}
}

static void take(struct redis *r, struct errand *d)
{
	char key[KEY_BYTES];
	struct slice name = key_of(d->id, key);
	struct slice getdel[] = {SLICE("GETDEL"), name};
	struct slice eval[] = {SLICE("EVAL"),
			       SLICE("local v = redis.call('GET', KEYS[1]) "
				     "redis.call('DEL', KEYS[1]) return v"),
			       SLICE("1"), name};

	if (r->no_getdel)
		redis_link_send(r->link, eval, 4, on_take, d);
	else
		redis_link_send(r->link, getdel, 2, on_take, d);
}

static void redis_take(struct store *s, const uint8_t *id, uint64_t now_unix_ms, store_fn fn,
		       void *arg)
{
	struct redis *r = redis_of(s);
	struct errand *d = errand_new(r, fn, arg);

	(void)now_unix_ms; /* Redis forgets by its own clock; the ticket's tag says it as well */
	if (!d)
		return;
	memcpy(d->id, id, sizeof(d->id));
	take(r, d);
}

/* --- connections of a subject */

static void complain_of_seats(void *arg, const struct redisReply *reply)
{
	redis_complain(arg, reply);
}

static void redis_enter(struct store *s, struct slice subject, uint64_t max, store_fn fn, void *arg)
{
	redis_seats_enter(redis_of(s)->seats, subject, max, fn, arg);
}

static void redis_leave(struct store *s, struct slice subject)
{
	redis_seats_leave(redis_of(s)->seats, subject);
}

/* --- revocations */

static void on_published(void *arg, const struct redisReply *reply)
{
	struct errand *d = arg;
	bool done = reply && reply->type == REDIS_REPLY_STRING;

	if (reply && !done)
		redis_complain(d->redis, reply);
	errand_done(d, done ? 0 : STORE_AWAY, slice_of(NULL, 0));
}

static void redis_publish(struct store *s, uint8_t kind, struct slice text, uint64_t at_unix_ms,
			  store_fn fn, void *arg)
{
	struct redis *r = redis_of(s);
	struct errand *d = errand_new(r, fn, arg);
	char max[REDIS_NUMBER_BYTES], kind_text[REDIS_NUMBER_BYTES], at[REDIS_NUMBER_BYTES];

	if (!d)
		return;
	struct slice arguments[] = {
		SLICE("XADD"),
		SLICE("sallyport:revocations"),
		SLICE("MAXLEN"),
		SLICE("~"),
		redis_number(REDIS_REVOCATIONS_MAX, max),
		SLICE("*"),
		SLICE("node"),
		slice_of(r->node, REDIS_NODE_BYTES),
		SLICE("kind"),
		redis_number(kind, kind_text),
		SLICE("at"),
		redis_number(at_unix_ms, at),
		SLICE("what"),
		text,
	};
	redis_link_send_first(r->link, arguments, sizeof(arguments) / sizeof(arguments[0]),
			      on_published, d);
}

static struct slice field(const struct redisReply *fields, const char *name)
{
	for (size_t i = 0; i + 1 < fields->elements; i += 2)
		if (fields->element[i]->type == REDIS_REPLY_STRING &&
		    fields->element[i + 1]->type == REDIS_REPLY_STRING &&
		    slice_eq(redis_text(fields->element[i]), slice_from_cstr(name)))
			return redis_text(fields->element[i + 1]);
	return slice_of(NULL, 0);
}

/* [id, [name, value, ...]]. False: not what a node writes. */
static bool tell_entry(struct redis *r, const struct redisReply *entry)
{
	uint64_t kind, at;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    entry->element[0]->type != REDIS_REPLY_STRING ||
	    entry->element[0]->len >= sizeof(r->last))
		return false;
	/* Whatever else it says, it is behind us. */
	memcpy(r->last, entry->element[0]->str, entry->element[0]->len);
	r->last[entry->element[0]->len] = 0;
	const struct redisReply *fields = entry->element[1];
	if (fields->type != REDIS_REPLY_ARRAY)
		return false;
	struct slice what = field(fields, "what");
	if (!what.len || !num_parse_u64(field(fields, "kind"), UINT8_MAX, &kind) ||
	    !num_parse_u64(field(fields, "at"), INT64_MAX, &at))
		return false;
	if (!slice_eq(field(fields, "node"), slice_of(r->node, REDIS_NODE_BYTES)))
		r->facts.revoked(r->facts.arg, (uint8_t)kind, what, at);
	return true;
}

/* nil, or [[key, [entry, ...]]]. NULL: something else. */
static const struct redisReply *entries_of(const struct redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1)
		return NULL;
	const struct redisReply *stream = reply->element[0];
	if (stream->type != REDIS_REPLY_ARRAY || stream->elements != 2 ||
	    stream->element[1]->type != REDIS_REPLY_ARRAY)
		return NULL;
	return stream->element[1];
}

static void pull_in(struct redis *r, uint64_t ms)
{
	timer_arm(&r->reactor->timers, &r->pull, reactor_now_ms(r->reactor) + ms);
}

static void on_page(void *arg, const struct redisReply *reply)
{
	struct redis *r = arg;

	r->pulling = false;
	if (!reply) {
		/* With the next connection; but there was no room, perhaps, and this one stays. */
		if (redis_link_is_up(r->link))
			pull_in(r, REDIS_PULL_MS);
		return;
	}
	const struct redisReply *entries = entries_of(reply);
	size_t count = entries ? entries->elements : 0;
	if (!entries && reply->type != REDIS_REPLY_NIL) {
		redis_complain(r, reply);
		pull_in(r, REDIS_PULL_MS);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!tell_entry(r, entries->element[i]))
			say(r, EVENT_ERROR, "revocation_unreadable", NULL);
	r->told_all |= count < PAGE;
	pull_in(r, count < PAGE ? REDIS_PULL_MS : PAGE_PAUSE_MS);
}

static void pull(struct redis *r)
{
	char page[REDIS_NUMBER_BYTES];
	struct slice arguments[] = {SLICE("XREAD"),
				    SLICE("COUNT"),
				    redis_number(PAGE, page),
				    SLICE("STREAMS"),
				    SLICE("sallyport:revocations"),
				    slice_from_cstr(r->last)};

	if (r->pulling || !redis_link_is_up(r->link))
		return;
	r->pulling = true;
	redis_link_send_first(r->link, arguments, 6, on_page, r);
}

static void on_pull(struct timer *t)
{
	pull(TIMER_OWNER(t, struct redis, pull));
}

static void redis_tell_again(struct store *s)
{
	struct redis *r = redis_of(s);

	snprintf(r->last, sizeof(r->last), "0-0");
}

/* --- */

static void on_changed(void *arg, const char *detail)
{
	struct redis *r = arg;

	if (detail) {
		timer_disarm(&r->pull);
		if (!r->said_away)
			say(r, EVENT_ERROR, "store_away", detail);
		r->said_away = true;
		r->said_up = false;
		r->facts.changed(r->facts.arg, false);
		return;
	}
	if (!r->said_up)
		say(r, EVENT_INFO, "store_up", NULL);
	r->said_up = true;
	r->said_away = false;
	r->complained_ms = 0;
	r->facts.changed(r->facts.arg, true);
	redis_seats_came_up(r->seats);
	pull_in(r, 0);
}

static bool redis_up(const struct store *s)
{
	return redis_link_is_up(redis_const(s)->link);
}

static bool redis_told_all(const struct store *s)
{
	return redis_const(s)->told_all;
}

static size_t redis_none(struct store *s, uint64_t now_unix_ms)
{
	(void)s;
	(void)now_unix_ms;
	return 0;
}

static size_t redis_count(struct store *s)
{
	(void)s;
	return 0;
}

static void redis_free(struct store *s)
{
	struct redis *r = redis_of(s);

	redis_seats_give_up(r->seats);
	redis_link_free(r->link);
	redis_seats_free(r->seats);
	timer_disarm(&r->pull);
	r->magic = 0;
	free(r);
}

static int name_node(struct redis *r)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[REDIS_NODE_BYTES];
	int failed = random_bytes(random, sizeof(random));

	for (size_t i = 0; i < REDIS_NODE_BYTES; i++)
		r->node[i] = digits[random[i] & 15];
	return failed;
}

int store_new_redis(const struct redis_facts *facts, struct store **out)
{
	static const struct store_ops ops = {
		.put = redis_put,
		.take = redis_take,
		.enter = redis_enter,
		.leave = redis_leave,
		.publish = redis_publish,
		.tell_again = redis_tell_again,
		.up = redis_up,
		.told_all = redis_told_all,
		.sweep = redis_none,
		.count = redis_count,
		.counted_take = redis_counted_take,
		.counted_give = redis_counted_give,
		.free = redis_free,
	};
	struct redis *r = calloc(1, sizeof(*r));

	if (!r)
		return err_raise(ENOMEM, "the store");
	r->store.ops = &ops;
	r->magic = REDIS_MAGIC;
	r->facts = *facts;
	r->reactor = facts->scratch->reactor;
	timer_init(&r->pull, on_pull);
	redis_tell_again(&r->store);
	redis_counted_init(r);
	struct redis_link_facts link = {
		.scratch = facts->scratch,
		.host = facts->host,
		.port = facts->port,
		.tls = facts->tls,
		.user = facts->user,
		.password = facts->password,
		.database = facts->database,
		.under_way_max = REDIS_UNDER_WAY_MAX,
		.changed = on_changed,
		.arg = r,
	};
	int failed = name_node(r);
	if (failed == 0)
		failed = redis_link_new(&link, &r->link);
	const struct redis_seats_facts seats = {
		.reactor = r->reactor,
		.link = r->link,
		.node = slice_of(r->node, REDIS_NODE_BYTES),
		.complain = complain_of_seats,
		.arg = r,
	};
	if (failed == 0)
		failed = redis_seats_new(&seats, &r->seats);
	if (failed) {
		redis_link_free(r->link);
		r->magic = 0;
		free(r);
		return failed;
	}
	*out = &r->store;
	return 0;
}
