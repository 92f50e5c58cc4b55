/* SPDX-License-Identifier: Apache-2.0 */
/* Taking events, and the thread that chains and writes them; see auditlog.h. */
#include "obs/auditlog.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/obj.h"
#include "net/clock.h"
#include "net/random.h"
#include "obs/auditlog_file.h"
#include "obs/auditlog_line.h"
#include "obs/event_json.h"

enum {
	AUDITLOG_MAGIC = 0xa0d171,
	BODY_MAX = EVENT_JSON_MAX,
	QUEUE_MAX = 1 << 20,
	OUT_MAX = 64 * 1024, /* rendered at once; one line more at most */
	TICK_MS = 1000,
	LAST_TRIES = 3,
};

enum class { OTHER = 0, EVERY, LIMITED, NEVER };

static const struct {
	const char *name;
	enum class class;
} classes[] = {
	{"other", OTHER},
#define AUDITLOG(name, class) {name, class},
#include "obs/auditlog.tbl.h"
#undef AUDITLOG
};

enum { CLASSES = sizeof(classes) / sizeof(classes[0]) };

struct counted {
	struct bucket bucket;
	uint64_t left_out, since_unix_ms;
};

struct auditlog {
	struct event_sink sink; /* first: the sink is the log */
	uint32_t magic;
	bool chained;
	struct event_sink *log;
	struct slice path;
	pthread_t thread;
	bool running;

	/* Shared; under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping, reopen;
	struct auditlog_rules rules;
	struct auditlog_key next_key; /* with key: to be taken over */
	struct buf waiting;           /* bodies, a line each */
	uint64_t dropped, dropped_since_unix_ms;
	bool any_left_out;
	struct counted counted[CLASSES][REASON_COUNT];

	/* Written by the writer, but for the last. */
	_Atomic uint64_t lines_count, left_out_count, dropped_count;
	_Atomic bool failing;

	/* The writer's own. */
	struct auditlog_file file;
	struct auditlog_key key;
	struct auditlog_place place;
	char id[AUDITLOG_ID_CHARS];
	struct buf batch, out;
	unsigned behind; /* lines since the last checkpoint */
	uint64_t size, checkpoint_ms;
	uint64_t checkpoint_due_ms, left_out_due_ms; /* monotonic */
	bool rotation_failed;
};

static uint64_t now_ms(void)
{
	return clock_us_to_ms(clock_read_us());
}

/* ------------------------------------------------------------------ taking: any thread */

static unsigned class_of(const struct event *e)
{
	for (unsigned i = 1; i < CLASSES; i++)
		if (strcmp(classes[i].name, e->name) == 0)
			return i;
	return 0;
}

/* Under the lock. */
static bool admit(struct auditlog *a, unsigned row, const struct event *e, struct clock_now now)
{
	struct counted *c = &a->counted[row][e->reason];

	if (classes[row].class == EVERY || rate_take(&a->rules.lines, &c->bucket, now.us, 1))
		return true;
	if (c->left_out++ == 0)
		c->since_unix_ms = now.unix_ms;
	a->any_left_out = true;
	atomic_fetch_add_explicit(&a->left_out_count, 1, memory_order_relaxed);
	return false;
}

/* Under the lock. Once one was dropped so are those behind it, until the writer has come by: the
 * line that says so stands where they would have stood. */
static void push(struct auditlog *a, struct slice body, uint64_t unix_ms)
{
	if (a->dropped == 0 && buf_append(&a->waiting, body) == 0)
		return;
	if (a->dropped++ == 0)
		a->dropped_since_unix_ms = unix_ms;
	atomic_fetch_add_explicit(&a->dropped_count, 1, memory_order_relaxed);
}

static void take(struct event_sink *sink, const struct event *e)
{
	struct auditlog *a = (struct auditlog *)(void *)sink;
	struct clock_now now = clock_read();
	unsigned row = class_of(e);
	char room[BODY_MAX + 2];
	struct buf body = {.data = room, .cap = sizeof(room), .max = BODY_MAX};

	OBJ_CHECK(a, AUDITLOG_MAGIC);
	if (classes[row].class == NEVER)
		return;
	pthread_mutex_lock(&a->lock);
	bool admitted = admit(a, row, e, now);
	pthread_mutex_unlock(&a->lock);
	if (!admitted)
		return;
	bool whole = event_members(e, now.unix_ms, &body);
	body.max++;
	whole = whole && buf_append(&body, SLICE("\n")) == 0;
	pthread_mutex_lock(&a->lock);
	/* A line too long is counted like one that found no room. */
	push(a, whole ? buf_slice(&body) : slice_of(NULL, QUEUE_MAX + 1), now.unix_ms);
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

struct event_sink *auditlog_sink(struct auditlog *a)
{
	return &a->sink;
}

/* --------------------------------------------------------------- writing: one thread */

static void say(struct auditlog *a, enum event_level level, const char *name, const char *detail,
		uint64_t lines)
{
	struct event e;

	event_init(&e, level, name);
	event_text(&e, "file", a->path);
	event_cstr(&e, "detail", detail);
	if (lines)
		event_number(&e, "lines", (int64_t)lines);
	event_emit(a->log, &e);
}

/* What is chained goes to the disk, to the last byte. False: not now. */
static bool flush(struct auditlog *a)
{
	while (buf_waiting(&a->out)) {
		struct slice s = buf_slice(&a->out);
		ssize_t n = write(a->file.fd, s.data, s.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int failed = n < 0 ? errno : ENOSPC;
			if (!atomic_exchange(&a->failing, true)) {
				err_raise(failed, "the audit log cannot be written");
				say(a, EVENT_ERROR, "auditlog_failed", err_sentence(), 0);
			}
			return false;
		}
		buf_take(&a->out, (size_t)n);
		a->file.bytes += (size_t)n;
	}
	if (atomic_exchange(&a->failing, false))
		say(a, EVENT_WARN, "auditlog_written", "it can be written again", 0);
	return true;
}

/* After each line. */
static void count_line(struct auditlog *a)
{
	a->behind++;
	atomic_fetch_add_explicit(&a->lines_count, 1, memory_order_relaxed);
	if (a->behind == 1)
		a->checkpoint_due_ms = clock_add(now_ms(), a->checkpoint_ms);
}

/* Without memory for it, a line is one that found no room. */
static void wrote(struct auditlog *a, int r)
{
	if (r == 0) {
		count_line(a);
		return;
	}
	pthread_mutex_lock(&a->lock);
	if (a->dropped++ == 0)
		a->dropped_since_unix_ms = clock_read().unix_ms;
	pthread_mutex_unlock(&a->lock);
	atomic_fetch_add_explicit(&a->dropped_count, 1, memory_order_relaxed);
}

static void checkpoint(struct auditlog *a)
{
	char hex[AUDITLOG_HASH_CHARS];
	struct event e;

	if (!a->chained || a->behind == 0)
		return;
	int r = auditlog_write_checkpoint(&a->place, clock_read().unix_ms, &a->key, &a->out);
	if (r) {
		/* Later lines carry it; it must not hold them up. */
		a->behind = 1;
		a->checkpoint_due_ms = clock_add(now_ms(), TICK_MS);
		say(a, EVENT_ERROR, "auditlog_failed", err_sentence(), 0);
		return;
	}
	count_line(a);
	a->behind = 0;
	/* In another place than the file: what was cut off from that can be told by it. */
	event_init(&e, EVENT_INFO, "auditlog_checkpoint");
	event_number(&e, "seq", (int64_t)a->place.seq - 1);
	event_text(&e, "hash", auditlog_hex(a->place.prev, hex));
	event_emit(a->log, &e);
}

/* First in a file, or first of a process or a key: signed at once. */
static void begin(struct auditlog *a, const struct auditlog_tail *tail)
{
	struct auditlog_begin b = {
		.log = slice_of(a->id, sizeof(a->id)),
		.file = a->file.number,
	};

	if (a->chained) {
		b.kid = auditlog_key_kid(&a->key);
		b.x = auditlog_key_x(&a->key);
	}
	if (tail && tail->follows_one)
		b.follows = slice_of(tail->follows, sizeof(tail->follows));
	if (tail && tail->torn_bytes) {
		b.torn_bytes = tail->torn_bytes;
		memcpy(b.torn, tail->torn, sizeof(b.torn));
	}
	wrote(a, auditlog_write_begin(&a->place, clock_read().unix_ms, &b, &a->out));
	checkpoint(a);
}

static void write_event(struct auditlog *a, const struct event *e)
{
	char room[BODY_MAX + 1];
	struct buf body = {.data = room, .cap = sizeof(room), .max = BODY_MAX};

	if (event_members(e, clock_read().unix_ms, &body))
		wrote(a, auditlog_write(&a->place, buf_slice(&body), &a->out));
}

static void write_left_out(struct auditlog *a, unsigned row, enum reason reason,
			   const struct counted *c)
{
	char since[EVENT_TIME_CHARS + 1];
	struct event e;

	event_init(&e, EVENT_WARN, "left_out");
	event_number(&e, "lines", (int64_t)c->left_out);
	event_cstr(&e, "of", classes[row].name);
	if (reason != REASON_NONE)
		event_reason(&e, reason);
	event_text(&e, "since", event_time(c->since_unix_ms, since));
	write_event(a, &e);
}

/* Everything that was over its rate, a line for each reason. */
static void write_all_left_out(struct auditlog *a)
{
	pthread_mutex_lock(&a->lock);
	bool any = a->any_left_out;
	a->any_left_out = false;
	pthread_mutex_unlock(&a->lock);
	for (unsigned row = 0; any && row < CLASSES; row++)
		for (int r = REASON_NONE; r < REASON_COUNT; r++) {
			pthread_mutex_lock(&a->lock);
			struct counted c = a->counted[row][r];
			a->counted[row][r].left_out = 0;
			pthread_mutex_unlock(&a->lock);
			if (c.left_out)
				write_left_out(a, row, (enum reason)r, &c);
		}
	a->left_out_due_ms = clock_add(now_ms(), TICK_MS);
}

static void write_dropped(struct auditlog *a, uint64_t lines, uint64_t since_unix_ms)
{
	char since[EVENT_TIME_CHARS + 1];
	struct event e;

	event_init(&e, EVENT_ERROR, "dropped");
	event_number(&e, "lines", (int64_t)lines);
	event_text(&e, "since", event_time(since_unix_ms, since));
	write_event(a, &e);
	say(a, EVENT_ERROR, "auditlog_lost", "there was no room for them", lines);
}

/* Takes what waits; what was dropped was dropped behind it. */
static bool swap(struct auditlog *a, uint64_t *dropped, uint64_t *since)
{
	pthread_mutex_lock(&a->lock);
	struct buf emptied = a->batch;
	a->batch = a->waiting;
	a->waiting = emptied;
	*dropped = a->dropped;
	*since = a->dropped_since_unix_ms;
	a->dropped = 0;
	pthread_mutex_unlock(&a->lock);
	return buf_waiting(&a->batch) || *dropped;
}

/* Chains lines of the batch until there is enough to write. */
static void chain_some(struct auditlog *a)
{
	while (buf_waiting(&a->batch) && buf_waiting(&a->out) < OUT_MAX &&
	       a->behind < AUDITLOG_UNSIGNED_MAX - 1 &&
	       a->file.bytes + buf_waiting(&a->out) < a->size) {
		struct slice rest = buf_slice(&a->batch);
		size_t len = slice_index(rest, '\n');
		wrote(a, auditlog_write(&a->place, slice_first(rest, len), &a->out));
		buf_take(&a->batch, len + 1);
	}
	if (a->behind >= AUDITLOG_UNSIGNED_MAX - 1)
		checkpoint(a);
}

/* The file is full: it ends with a checkpoint, and the next one begins. False: not now. */
static bool rotate(struct auditlog *a)
{
	checkpoint(a);
	if (!flush(a))
		return false;
	if (auditlog_file_rotate(&a->file)) {
		if (!a->rotation_failed)
			say(a, EVENT_ERROR, "auditlog_failed", err_sentence(), 0);
		a->rotation_failed = true;
		/* It grows meanwhile; each time it has grown by as much, it is tried again. */
		a->size = clock_add(a->file.bytes, a->size);
		return true;
	}
	a->rotation_failed = false;
	pthread_mutex_lock(&a->lock);
	a->size = a->rules.size;
	pthread_mutex_unlock(&a->lock);
	begin(a, NULL);
	return flush(a);
}

/* All of the batch to the disk. False: not now, and what is left stays as it is. */
static bool write_batch(struct auditlog *a)
{
	do {
		if (!flush(a))
			return false;
		if (a->file.bytes >= a->size && !rotate(a))
			return false;
		chain_some(a);
	} while (buf_waiting(&a->batch) || buf_waiting(&a->out));
	return true;
}

/* Orders of the control thread. Nothing of ours is unwritten. */
static void obey(struct auditlog *a)
{
	pthread_mutex_lock(&a->lock);
	struct auditlog_key key = a->next_key;
	bool reopen = a->reopen;
	a->next_key = (struct auditlog_key){0};
	a->reopen = false;
	a->checkpoint_ms = a->rules.checkpoint_ms;
	if (!a->rotation_failed)
		a->size = a->rules.size;
	pthread_mutex_unlock(&a->lock);

	bool other_key = key.key && memcmp(key.kid, a->key.kid, sizeof(key.kid)) != 0;
	if (!reopen && !other_key) {
		auditlog_key_deinit(&key);
		return;
	}
	checkpoint(a);
	if (!flush(a)) { /* next time */
		pthread_mutex_lock(&a->lock);
		a->reopen |= reopen;
		if (!a->next_key.key)
			a->next_key = key;
		else
			auditlog_key_deinit(&key);
		pthread_mutex_unlock(&a->lock);
		return;
	}
	if (other_key) {
		auditlog_key_deinit(&a->key);
		a->key = key;
	} else {
		auditlog_key_deinit(&key);
	}
	int r = reopen ? auditlog_file_reopen(&a->file) : 0;
	if (r < 0)
		say(a, EVENT_ERROR, "auditlog_failed", err_sentence(), 0);
	if (r > 0 || other_key)
		begin(a, NULL);
}

/* Takes over what waits and writes it. False: the disk does not take it. */
static bool write_waiting(struct auditlog *a, bool *any)
{
	uint64_t dropped, since;

	*any = swap(a, &dropped, &since);
	if (!dropped)
		return write_batch(a);
	if (!write_batch(a)) {
		/* The lines before it first, whatever becomes of it. */
		pthread_mutex_lock(&a->lock);
		a->dropped_since_unix_ms = since;
		a->dropped += dropped;
		pthread_mutex_unlock(&a->lock);
		return false;
	}
	write_dropped(a, dropped, since);
	return flush(a);
}

/* One turn. False: the disk does not take it. */
static bool turn(struct auditlog *a, bool last)
{
	bool any = true;

	if (!write_batch(a))
		return false;
	obey(a);
	while (any)
		if (!write_waiting(a, &any))
			return false;
		else if (!last)
			break;
	uint64_t now = now_ms();
	if (last || now >= a->left_out_due_ms)
		write_all_left_out(a);
	if (a->behind && (last || now >= a->checkpoint_due_ms)) {
		checkpoint(a);
		if (!flush(a))
			return false;
		(void)fdatasync(a->file.fd); /* a disk that cannot says so at the next write */
	}
	return flush(a);
}

static void wait(struct auditlog *a)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TICK_MS / 1000;
	pthread_mutex_lock(&a->lock);
	/* While the disk refuses, new lines are no reason to try. */
	while (!a->stopping &&
	       (atomic_load(&a->failing) ||
		!(buf_waiting(&a->waiting) || a->dropped || a->reopen || a->next_key.key)))
		if (pthread_cond_timedwait(&a->changed, &a->lock, &until))
			break;
	pthread_mutex_unlock(&a->lock);
}

static bool told_to_stop(struct auditlog *a)
{
	pthread_mutex_lock(&a->lock);
	bool stopping = a->stopping;
	pthread_mutex_unlock(&a->lock);
	return stopping;
}

static uint64_t lines_in(struct slice s)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < s.len; i++)
		lines += s.data[i] == '\n';
	return lines;
}

static void *writer(void *arg)
{
	struct auditlog *a = arg;
	bool done = false;

	OBJ_CHECK(a, AUDITLOG_MAGIC);
	while (!told_to_stop(a)) {
		(void)turn(a, false); /* again in a second */
		wait(a);
	}
	for (int i = 0; !done && i < LAST_TRIES; i++)
		done = turn(a, true);
	pthread_mutex_lock(&a->lock);
	uint64_t lost = a->dropped + lines_in(buf_slice(&a->out)) + lines_in(buf_slice(&a->batch)) +
			lines_in(buf_slice(&a->waiting));
	pthread_mutex_unlock(&a->lock);
	if (!done)
		say(a, EVENT_ERROR, "auditlog_lost", "the process ends without having written them",
		    lost);
	return NULL;
}

/* --- start and end */

static int make_id(char out[AUDITLOG_ID_CHARS])
{
	uint8_t raw[AUDITLOG_HASH_BYTES] = {0};
	char hex[AUDITLOG_HASH_CHARS];
	int r = random_bytes(raw, AUDITLOG_ID_CHARS / 2);

	memcpy(out, auditlog_hex(raw, hex).data, AUDITLOG_ID_CHARS);
	return r;
}

int auditlog_new(const struct auditlog_facts *facts, struct auditlog **out)
{
	struct auditlog *a = calloc(1, sizeof(*a));
	char *path = malloc(facts->path.len + 1), *room;
	pthread_condattr_t monotonic;

	if (!a || !path) {
		free(a);
		free(path);
		return err_raise(ENOMEM, "the audit log");
	}
	memcpy(path, facts->path.data, facts->path.len);
	a->magic = AUDITLOG_MAGIC;
	a->sink = (struct event_sink){.level = EVENT_INFO, .take = take};
	a->path = slice_of(path, facts->path.len);
	a->chained = facts->chained;
	a->rules = facts->rules;
	a->log = facts->log;
	a->file.fd = -1;
	a->size = facts->rules.size;
	a->checkpoint_ms = facts->rules.checkpoint_ms;
	if (facts->key)
		a->key = auditlog_key_ref(facts->key);
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	buf_init(&a->waiting, QUEUE_MAX);
	buf_init(&a->batch, QUEUE_MAX);
	/* Beside a batch: a checkpoint, a begin, and a line for everything that was left out. */
	buf_init(&a->out, OUT_MAX + (CLASSES * (size_t)REASON_COUNT + 4) * AUDITLOG_LINE_MAX);
	/* From the start: a log whose `begin` found no memory would look like one that was cut. */
	if (buf_reserve(&a->out, OUT_MAX + 2 * AUDITLOG_LINE_MAX, &room)) {
		auditlog_free(a);
		return err_raise(ENOMEM, "the audit log");
	}
	*out = a;
	return 0;
}

static void log_opened(struct auditlog *a)
{
	struct event e;

	event_init(&e, EVENT_INFO, "auditlog");
	event_text(&e, "file", a->path);
	event_text(&e, "log", slice_of(a->id, sizeof(a->id)));
	event_number(&e, "seq", (int64_t)a->place.seq);
	if (a->chained)
		event_text(&e, "kid", auditlog_key_kid(&a->key));
	event_emit(a->log, &e);
}

int auditlog_start(struct auditlog *a)
{
	struct auditlog_tail tail;

	OBJ_CHECK(a, AUDITLOG_MAGIC);
	int r = auditlog_file_open(&a->file, a->path, a->chained, &tail);
	if (r == 0 && !tail.goes_on)
		r = make_id(a->id);
	if (r)
		return r;
	a->place = tail.place;
	if (tail.goes_on)
		memcpy(a->id, tail.log, sizeof(a->id));
	if (tail.unreadable)
		say(a, EVENT_ERROR, "auditlog_unreadable",
		    "its end is not a line of an audit log: it was moved aside, and another begins",
		    0);
	log_opened(a);
	begin(a, &tail);
	r = pthread_create(&a->thread, NULL, writer, a);
	a->running = r == 0;
	return r ? err_raise(r, "the audit log's thread") : 0;
}

static void tell(struct auditlog *a, const struct auditlog_rules *rules,
		 const struct auditlog_key *key)
{
	pthread_mutex_lock(&a->lock);
	if (rules)
		a->rules = *rules;
	if (key) {
		auditlog_key_deinit(&a->next_key);
		a->next_key = auditlog_key_ref(key);
	}
	a->reopen = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

void auditlog_reload(struct auditlog *a, const struct auditlog_rules *rules,
		     const struct auditlog_key *key)
{
	tell(a, rules, key);
}

void auditlog_reopen(struct auditlog *a)
{
	tell(a, NULL, NULL);
}

struct auditlog_counts auditlog_count(const struct auditlog *a)
{
	return (struct auditlog_counts){
		.lines = atomic_load_explicit(&a->lines_count, memory_order_relaxed),
		.left_out = atomic_load_explicit(&a->left_out_count, memory_order_relaxed),
		.dropped = atomic_load_explicit(&a->dropped_count, memory_order_relaxed),
		.failing = atomic_load(&a->failing),
	};
}

void auditlog_end(struct auditlog *a)
{
	if (!a || !a->running)
		return;
	OBJ_CHECK(a, AUDITLOG_MAGIC);
	pthread_mutex_lock(&a->lock);
	a->stopping = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	a->running = false;
	auditlog_file_close(&a->file);
}

void auditlog_free(struct auditlog *a)
{
	if (!a)
		return;
	auditlog_end(a);
	OBJ_CHECK(a, AUDITLOG_MAGIC);
	auditlog_file_close(&a->file);
	buf_deinit(&a->waiting);
	buf_deinit(&a->batch);
	buf_deinit(&a->out);
	auditlog_key_deinit(&a->key);
	auditlog_key_deinit(&a->next_key);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	a->magic = 0;
	free((char *)(uintptr_t)a->path.data);
	free(a);
}
