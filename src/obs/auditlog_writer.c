/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of the audit log: it alone numbers lines, chains them and has the file.
 *
 *   waiting --swap--> batch --number, hash--> out --flush--> file
 *                                  ^
 *         its own lines: begin, left_out, dropped, checkpoint
 *
 * What is in `out` is chained already: it gets to the file to the last byte, or the writer waits.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"
#include "net/clock.h"
#include "net/random.h"
#include "obs/auditlog_priv.h"

enum {
	TICK_MS = 1000,
	LAST_TRIES = 3,
};

static uint64_t now_ms(void)
{
	return clock_us_to_ms(clock_read_us());
}

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
	char room[AUDITLOG_BODY_MAX + 1];
	struct buf body = {.data = room, .cap = sizeof(room), .max = AUDITLOG_BODY_MAX};

	if (event_members(e, clock_read().unix_ms, &body))
		wrote(a, auditlog_write(&a->place, buf_slice(&body), &a->out));
}

static void write_left_out(struct auditlog *a, unsigned row, enum reason reason,
			   const struct auditlog_counted *c)
{
	char since[EVENT_TIME_CHARS + 1];
	struct event e;

	event_init(&e, EVENT_WARN, "left_out");
	event_number(&e, "lines", (int64_t)c->left_out);
	event_cstr(&e, "of", auditlog_row_name(row));
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
	for (unsigned row = 0; any && row < AUDITLOG_ROWS; row++)
		for (int r = REASON_NONE; r < REASON_COUNT; r++) {
			pthread_mutex_lock(&a->lock);
			struct auditlog_counted c = a->counted[row][r];
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
	while (buf_waiting(&a->batch) && buf_waiting(&a->out) < AUDITLOG_OUT_MAX &&
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

/* --- start */

static int make_id(char out[AUDITLOG_ID_CHARS])
{
	uint8_t raw[AUDITLOG_HASH_BYTES] = {0};
	char hex[AUDITLOG_HASH_CHARS];
	int r = random_bytes(raw, AUDITLOG_ID_CHARS / 2);

	memcpy(out, auditlog_hex(raw, hex).data, AUDITLOG_ID_CHARS);
	return r;
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
