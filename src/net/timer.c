/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer wheel; see timer.h.
 *
 * Invariants, with "digit n" for the n-th base-64 digit of a time, n = 0 the lowest:
 *   - a filed timer lies at level n, slot d, where n is the highest digit in which its
 *     filed_ms differs from now_ms and d is that digit of filed_ms;
 *   - so d > digit n of now_ms, and every timer of a lower level is earlier than every
 *     timer of a higher one;
 *   - now_ms never passes the start of an occupied slot without emptying it. Until then
 *     moving now_ms changes no timer's place, for the digits above n stay the same.
 * Eight digits are 48 bits, 8900 years; what is further away is filed there.
 */
#include "net/timer.h"

#include "base/obj.h"

#define FARTHEST ((UINT64_C(1) << (TIMER_LEVELS * TIMER_SLOT_BITS)) - 1)

static unsigned digit(uint64_t ms, unsigned level)
{
	return (unsigned)(ms >> (level * TIMER_SLOT_BITS)) & (TIMER_SLOTS - 1);
}

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms)
{
	w->now_ms = now_ms;
	w->armed = 0;
	w->next_ms = 0;
	list_init(&w->due);
	for (unsigned level = 0; level < TIMER_LEVELS; level++) {
		w->occupied[level] = 0;
		for (unsigned slot = 0; slot < TIMER_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
	}
}

void timer_init(struct timer *t, timer_fn fn)
{
	*t = (struct timer){.fn = fn, .at_ms = TIMER_NEVER, .filed_ms = TIMER_NEVER};
	list_init(&t->link);
}

static void file(struct timer_wheel *w, struct timer *t)
{
	uint64_t at = t->at_ms;

	w->armed++;
	/* The last slot that the top wheel still has before it would turn over. */
	if (at > w->now_ms && (at ^ w->now_ms) > FARTHEST)
		at = w->now_ms | FARTHEST;
	t->filed_ms = at;
	if (at <= w->now_ms) {
		list_append(&w->due, &t->link);
		return;
	}
	unsigned level = (63 - (unsigned)__builtin_clzll(at ^ w->now_ms)) / TIMER_SLOT_BITS;
	unsigned slot = digit(at, level);
	w->occupied[level] |= UINT64_C(1) << slot;
	list_append(&w->slots[level][slot], &t->link);
	uint64_t start = at >> (level * TIMER_SLOT_BITS) << (level * TIMER_SLOT_BITS);
	if (start < w->next_ms)
		w->next_ms = start;
}

void timer_arm(struct timer_wheel *w, struct timer *t, uint64_t at_ms)
{
	if (at_ms == TIMER_NEVER) {
		timer_disarm(t);
		return;
	}
	t->at_ms = at_ms;
	if (!list_empty(&t->link)) {
		if (at_ms >= t->filed_ms)
			return;
		list_remove(&t->link);
		w->armed--;
	}
	t->wheel = w;
	file(w, t);
}

void timer_disarm(struct timer *t)
{
	if (!t->link.next)
		return;
	if (!list_empty(&t->link)) {
		t->wheel->armed--;
		t->wheel->next_ms = 0;
	}
	list_remove(&t->link);
	t->at_ms = TIMER_NEVER;
}

/* The earliest occupied slot and when it starts; false when there is none. Clears bits of
 * slots that disarming has emptied. */
static bool first_slot(struct timer_wheel *w, unsigned *level, unsigned *slot, uint64_t *start)
{
	for (unsigned n = 0; n < TIMER_LEVELS; n++) {
		while (w->occupied[n]) {
			unsigned s = (unsigned)__builtin_ctzll(w->occupied[n]);
			unsigned shift = n * TIMER_SLOT_BITS;

			if (list_empty(&w->slots[n][s])) {
				w->occupied[n] &= w->occupied[n] - 1;
				continue;
			}
			*level = n;
			*slot = s;
			*start = (((w->now_ms >> shift) & ~(uint64_t)(TIMER_SLOTS - 1)) | s)
				 << shift;
			return true;
		}
	}
	return false;
}

/* When the earliest occupied slot starts; looked up only after something has changed, since it is
 * asked twice in every round. */
static uint64_t next_start(struct timer_wheel *w)
{
	unsigned level, slot;
	uint64_t start;

	if (!w->next_ms)
		w->next_ms = first_slot(w, &level, &slot, &start) ? start : TIMER_NEVER;
	return w->next_ms;
}

/* Calls those in `firing` whose time has come and files the others again. Callbacks may
 * take any timer out of the list, so it is read anew each time. */
static void fire(struct timer_wheel *w, struct list *firing)
{
	while (!list_empty(firing)) {
		struct timer *t = LIST_ENTRY(firing->next, struct timer, link);

		list_remove(&t->link);
		w->armed--;
		if (t->at_ms > w->now_ms) {
			file(w, t);
			continue;
		}
		t->at_ms = TIMER_NEVER;
		t->fn(t);
	}
}

static void fire_due(struct timer_wheel *w, uint64_t now_ms)
{
	struct list firing;
	unsigned level, slot;
	uint64_t start;

	list_init(&firing);
	list_splice(&firing, &w->due);
	fire(w, &firing);
	while (first_slot(w, &level, &slot, &start) && start <= now_ms) {
		MUST(start > w->now_ms);
		w->now_ms = start;
		w->occupied[level] &= ~(UINT64_C(1) << slot);
		list_splice(&firing, &w->slots[level][slot]);
		fire(w, &firing);
	}
	w->next_ms = 0;
}

void timer_wheel_fire(struct timer_wheel *w, uint64_t now_ms)
{
	if (!list_empty(&w->due) || next_start(w) <= now_ms)
		fire_due(w, now_ms);
	if (now_ms > w->now_ms)
		w->now_ms = now_ms;
}

uint64_t timer_wheel_look_up(struct timer_wheel *w)
{
	return list_empty(&w->due) ? next_start(w) : w->now_ms;
}
