/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Deadlines by the hundred thousand: a hierarchical timer wheel of milliseconds.
 *
 * Eight wheels of 64 slots; the first turns once per millisecond, each further one 64
 * times slower. A timer lies in the wheel of the highest digit (base 64) in which its
 * time differs from now, and moves down as that time comes near. Arming, disarming and
 * firing are O(1).
 *
 * Postponing a deadline is one store: the timer stays filed where it was and is filed
 * again when that moment comes. So a deadline may be pushed out with every message.
 *
 * Times are milliseconds of the monotonic clock. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum { TIMER_LEVELS = 8, TIMER_SLOT_BITS = 6, TIMER_SLOTS = 1 << TIMER_SLOT_BITS };

/* "No deadline": nothing is ever armed for it. */
#define TIMER_NEVER UINT64_MAX

struct timer;
struct timer_wheel;
typedef void (*timer_fn)(struct timer *t);

/* Lives in the object whose deadline it is; LIST_ENTRY-like access by TIMER_OWNER. */
struct timer {
	struct list link;
	timer_fn fn;
	uint64_t at_ms;            /* wanted */
	uint64_t filed_ms;         /* where it lies; <= at_ms */
	struct timer_wheel *wheel; /* that it was armed in last */
};

#define TIMER_OWNER(timer, type, member) LIST_ENTRY(timer, type, member)

struct timer_wheel {
	uint64_t now_ms;                 /* everything up to and including it has been fired */
	struct list due;                 /* armed for the past: fire with the next run */
	uint64_t occupied[TIMER_LEVELS]; /* a bit per slot; a set bit may be out of date */
	uint64_t armed;                  /* timers that are */
	uint64_t next_ms;                /* no slot before it is occupied; 0: not known */
	struct list slots[TIMER_LEVELS][TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms);

/* Disarmed. fn is called once per arming, from timer_wheel_run, with the timer disarmed;
 * it may arm it again, arm and disarm others, and free what it lives in. */
void timer_init(struct timer *t, timer_fn fn);

/* Fires at the first run at or after at_ms, never before; a time that has passed fires
 * with the next run (not with the one under way). TIMER_NEVER disarms. Armed timers may
 * be armed again; later is one store, earlier refiles. */
void timer_arm(struct timer_wheel *w, struct timer *t, uint64_t at_ms);

/* Harmless if not armed, and on a zeroed timer. */
void timer_disarm(struct timer *t);

static inline bool timer_armed(const struct timer *t)
{
	return t->link.next && !list_empty(&t->link);
}

/* Fires everything due at now_ms, in order of time; timers of the same millisecond in
 * no promised order. Time does not go back: an earlier now_ms counts as the latest seen. */
static inline void timer_wheel_run(struct timer_wheel *w, uint64_t now_ms);

/* The moment to run again: never later than the first deadline, sometimes earlier (a
 * postponed timer, a wheel turning over). TIMER_NEVER when nothing is armed. */
static inline uint64_t timer_wheel_next_ms(struct timer_wheel *w);

/* --- private: mostly nothing has changed and nothing is due */

void timer_wheel_fire(struct timer_wheel *w, uint64_t now_ms);
uint64_t timer_wheel_look_up(struct timer_wheel *w);

static inline bool timer_wheel_is_known(const struct timer_wheel *w)
{
	return w->next_ms && list_empty(&w->due);
}

static inline void timer_wheel_run(struct timer_wheel *w, uint64_t now_ms)
{
	if (!timer_wheel_is_known(w) || w->next_ms <= now_ms)
		timer_wheel_fire(w, now_ms);
	else if (now_ms > w->now_ms)
		w->now_ms = now_ms;
}

static inline uint64_t timer_wheel_next_ms(struct timer_wheel *w)
{
	return timer_wheel_is_known(w) ? w->next_ms : timer_wheel_look_up(w);
}
