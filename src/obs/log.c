/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering events and the thread that writes them; see log.h. */
#include "obs/log.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/obj.h"
#include "net/clock.h"
#include "obs/event_json.h"

enum {
	LOG_MAGIC = 0x10661066,
	LINE_MAX_BYTES = EVENT_JSON_MAX + 16,
	BUFFER_MAX_BYTES = 1 << 20,
	RECENT = 128, /* refusals kept for the operator */
	RECENT_BYTES = 1024,
	POLL_MS = 100,
	END_MS = 3000, /* at the end nobody is waited for longer */
};

struct recent {
	size_t len;
	char json[RECENT_BYTES];
};

struct log {
	struct event_sink sink; /* first: the sink is the log */
	uint32_t magic;
	enum event_level level; /* of the lines; the sink takes what any of the two wants */
	struct event_sink *also;
	int fd;
	bool readable;
	atomic_bool stopping;
	uint64_t dropped; /* lines, not said yet; under the lock */
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_t thread;
	struct buf waiting;
	struct recent *recent; /* a ring of RECENT; under the lock */
	uint64_t recent_count;
};

static bool render_json(struct buf *line, const struct event *e)
{
	line->max -= 2; /* for the end */
	bool good =
		buf_append(line, SLICE("{")) == 0 && event_members(e, clock_read().unix_ms, line);
	line->max += 2;
	return good && buf_append(line, SLICE("}\n")) == 0;
}

/* Readable text still escapes: a peer's bytes must not move the operator's cursor. */
static bool render_text(struct buf *line, const struct event *e)
{
	char now[EVENT_TIME_CHARS + 1];

	if (buf_printf(line, "%.*s %-5s %s", SLICE_ARG(event_time(clock_read().unix_ms, now)),
		       event_level_word(e->level), e->name))
		return false;
	for (unsigned i = 0; i < e->count; i++) {
		if (buf_printf(line, "  %s=", e->fields[i].key) ||
		    !event_value(&e->fields[i], line))
			return false;
	}
	return buf_append(line, SLICE("\n")) == 0;
}

static void push(struct log *log, struct slice line)
{
	pthread_mutex_lock(&log->lock);
	if (buf_append(&log->waiting, line))
		log->dropped++;
	pthread_cond_signal(&log->filled);
	pthread_mutex_unlock(&log->lock);
}

static void remember(struct log *log, struct slice json)
{
	while (json.len && json.data[json.len - 1] == '\n')
		json.len--;
	if (json.len > RECENT_BYTES)
		return;
	pthread_mutex_lock(&log->lock);
	struct recent *r = &log->recent[log->recent_count++ % RECENT];
	r->len = json.len;
	memcpy(r->json, json.data, json.len);
	pthread_mutex_unlock(&log->lock);
}

static void remember_refusal(struct log *log, const struct event *e)
{
	char room[RECENT_BYTES + 1];
	struct buf line = {.data = room, .cap = sizeof(room), .max = RECENT_BYTES};

	if (render_json(&line, e))
		remember(log, buf_slice(&line));
}

int log_recent_refusals(struct log *log, struct buf *to)
{
	int r = buf_append(to, SLICE("{\"refusals\":["));

	pthread_mutex_lock(&log->lock);
	uint64_t first = log->recent_count > RECENT ? log->recent_count - RECENT : 0;
	for (uint64_t i = first; r == 0 && i < log->recent_count; i++) {
		const struct recent *recent = &log->recent[i % RECENT];
		if (i > first)
			r = buf_append(to, SLICE(","));
		if (r == 0)
			r = buf_append(to, slice_of(recent->json, recent->len));
	}
	pthread_mutex_unlock(&log->lock);
	return r ? r : buf_append(to, SLICE("]}\n"));
}

static void take(struct event_sink *sink, const struct event *e)
{
	struct log *log = (struct log *)(void *)sink;
	/* The room is never outgrown: its size is the maximum and buf_printf's NUL. */
	char room[LINE_MAX_BYTES + 1];
	struct buf line = {.data = room, .cap = sizeof(room), .max = LINE_MAX_BYTES};

	OBJ_CHECK(log, LOG_MAGIC);
	if (strcmp(e->name, "refused") == 0)
		remember_refusal(log, e);
	event_emit(log->also, e);
	if (e->level > log->level)
		return;
	if (log->readable ? render_text(&line, e) : render_json(&line, e)) {
		push(log, buf_slice(&line));
		return;
	}
	/* A line cut short would not be JSON: it is counted as dropped instead. */
	pthread_mutex_lock(&log->lock);
	log->dropped++;
	pthread_mutex_unlock(&log->lock);
}

/* So that write returns: a pipe that is ready takes PIPE_BUF bytes. False: it is over. */
static bool wait_for_room(const struct log *log)
{
	struct pollfd p = {.fd = log->fd, .events = POLLOUT};

	for (int ended_ms = 0; ended_ms < END_MS;) {
		int n = poll(&p, 1, POLL_MS);
		if (n > 0 || (n < 0 && errno != EINTR))
			return true;
		ended_ms += log->stopping ? POLL_MS : 0;
	}
	return false;
}

/* Returns what was not written: the disk is full, or nobody reads any more. *torn: what is out
 * has no end of line. */
static struct slice write_all(const struct log *log, struct slice s, bool *torn)
{
	while (s.len && wait_for_room(log)) {
		ssize_t n = write(log->fd, s.data, s.len < PIPE_BUF ? s.len : PIPE_BUF);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*torn = s.data[n - 1] != '\n';
		s = slice_from(s, (size_t)n);
	}
	return s;
}

static uint64_t count_lines(struct slice s)
{
	uint64_t lines = 0;

	for (size_t at; (at = slice_index(s, '\n')) < s.len; s = slice_from(s, at + 1))
		lines++;
	return lines;
}

/* How many lines were lost, before there are others. False: there is still no room. */
static bool say_dropped(const struct log *log, uint64_t dropped, bool *torn)
{
	char room[LINE_MAX_BYTES + 1];
	struct buf line = {.data = room, .cap = sizeof(room), .max = LINE_MAX_BYTES};
	struct event e;

	event_init(&e, EVENT_WARN, "log_dropped");
	event_number(&e, "lines", (int64_t)dropped);
	return (!*torn || write_all(log, SLICE("\n"), torn).len == 0) &&
	       (log->readable ? render_text(&line, &e) : render_json(&line, &e)) &&
	       write_all(log, buf_slice(&line), torn).len == 0;
}

/* Writes the lines, after what there is to say of lost ones. Returns how many are lost now. */
static uint64_t write_lines(const struct log *log, struct slice lines, uint64_t dropped, bool *torn)
{
	if (dropped && !say_dropped(log, dropped, torn))
		return dropped + count_lines(lines);
	return count_lines(write_all(log, lines, torn));
}

static void *writer(void *arg)
{
	struct log *log = arg;
	struct buf out;
	bool torn = false;

	OBJ_CHECK(log, LOG_MAGIC);
	buf_init(&out, BUFFER_MAX_BYTES);
	pthread_mutex_lock(&log->lock);
	for (;;) {
		while (!log->stopping && buf_waiting(&log->waiting) == 0)
			pthread_cond_wait(&log->filled, &log->lock);
		if (buf_waiting(&log->waiting) == 0)
			break;
		struct buf swap = out;
		out = log->waiting;
		log->waiting = swap;
		uint64_t dropped = log->dropped;
		log->dropped = 0;
		pthread_mutex_unlock(&log->lock);
		uint64_t lost = write_lines(log, buf_slice(&out), dropped, &torn);
		buf_clear(&out);
		pthread_mutex_lock(&log->lock);
		log->dropped += lost;
	}
	pthread_mutex_unlock(&log->lock);
	buf_deinit(&out);
	return NULL;
}

int log_start(struct log **result, int fd, enum event_level level, bool readable)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log)
		log->recent = calloc(RECENT, sizeof(*log->recent));
	if (!log || !log->recent) {
		free(log);
		return err_raise(ENOMEM, "the log");
	}
	log->magic = LOG_MAGIC;
	log->sink = (struct event_sink){.level = level, .take = take};
	log->level = level;
	log->fd = fd;
	log->readable = readable;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->filled, NULL);
	buf_init(&log->waiting, BUFFER_MAX_BYTES);
	int r = pthread_create(&log->thread, NULL, writer, log);
	if (r) {
		free(log->recent);
		free(log);
		return err_raise(r, "the log's thread");
	}
	*result = log;
	return 0;
}

struct event_sink *log_sink(struct log *log)
{
	return &log->sink;
}

void log_also(struct log *log, struct event_sink *other)
{
	log->also = other;
	log->sink.level = other && other->level > log->level ? other->level : log->level;
}

void log_stop(struct log *log)
{
	if (!log)
		return;
	OBJ_CHECK(log, LOG_MAGIC);
	pthread_mutex_lock(&log->lock);
	log->stopping = true;
	pthread_cond_signal(&log->filled);
	pthread_mutex_unlock(&log->lock);
	pthread_join(log->thread, NULL);
	buf_deinit(&log->waiting);
	pthread_cond_destroy(&log->filled);
	pthread_mutex_destroy(&log->lock);
	log->magic = 0;
	free(log->recent);
	free(log);
}
