/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking events for the audit log, and what the rest of the program tells it; the drawing is in
 * auditlog.h.
 */
#include "obs/auditlog.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/obj.h"
#include "net/clock.h"
#include "obs/auditlog_priv.h"

enum { QUEUE_MAX = 1 << 20 };

enum class { OTHER = 0, EVERY, LIMITED, NEVER };

static const struct {
	const char *name;
	enum class class;
} classes[AUDITLOG_ROWS] = {
	{"other", OTHER},
#define AUDITLOG(name, class) {name, class},
#include "obs/auditlog.tbl.h"
#undef AUDITLOG
};

const char *auditlog_row_name(unsigned row)
{
	return classes[row].name;
}

/* --- taking: any thread */

static unsigned class_of(const struct event *e)
{
	for (unsigned i = 1; i < AUDITLOG_ROWS; i++)
		if (strcmp(classes[i].name, e->name) == 0)
			return i;
	return 0;
}

/* Under the lock. */
static bool admit(struct auditlog *a, unsigned row, const struct event *e, struct clock_now now)
{
	struct auditlog_counted *c = &a->counted[row][e->reason];

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
	char room[AUDITLOG_BODY_MAX + 2];
	struct buf body = {.data = room, .cap = sizeof(room), .max = AUDITLOG_BODY_MAX};

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

/* --- start and end */

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
	buf_init(&a->out,
		 AUDITLOG_OUT_MAX + (AUDITLOG_ROWS * (size_t)REASON_COUNT + 4) * AUDITLOG_LINE_MAX);
	/* From the start: a log whose `begin` found no memory would look like one that was cut. */
	if (buf_reserve(&a->out, AUDITLOG_OUT_MAX + 2 * AUDITLOG_LINE_MAX, &room)) {
		auditlog_free(a);
		return err_raise(ENOMEM, "the audit log");
	}
	*out = a;
	return 0;
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
