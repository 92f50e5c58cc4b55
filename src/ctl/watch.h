/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is a thread stuck, or did it merely not get to run? A watchdog that takes the one for the other
 * kills the service when the machine is busiest.
 *
 *   a round of the watcher:  the thread's loop turned --> all is forgotten
 *                            it did not               --> its silence grows, by what it had of
 *                                                         the time since the last round:
 *
 *   it runs or wants to     the processor time it got: who waits for a processor is not stuck
 *   it sleeps               all, but for what it waited for a processor
 *   it waits for a disk     a part: swap and dead disks pass, perhaps
 *   it is stopped, traced   nothing: somebody wants it so
 *   nobody can say          a part
 *
 * And a round counts as WATCH_ROUND_MAX_US at most: a watcher who was late himself (the machine
 * slept, the process was stopped) has learnt nothing about the others.
 *
 * Turns are bounded to milliseconds (gateway/guard.c), so WATCH_STUCK_US is a thousand of them.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	WATCH_EVERY_MS = 250,
	WATCH_ROUND_MAX_US = 500 * 1000,
	WATCH_STUCK_US = 1500 * 1000,
	WATCH_PART = 5,       /* one in so many microseconds counts, where it may pass */
	WATCH_BUSY_PART = 30, /* and of one who said that he is at something long */
};

/* A thread as the kernel sees it. */
struct watch_look {
	char state;         /* as in proc(5), stat; 0: unknown */
	uint64_t ran_us;    /* so long it had a processor, ever */
	uint64_t waited_us; /* so long it waited for one, ever */
};

struct watch {
	uint64_t turns, seen_us, silent_us;
	struct watch_look last;
	bool looked; /* last is of this silence */
};

/* What /proc says of thread tid of process pid. */
struct watch_look watch_look(pid_t pid, pid_t tid);

/* How much of elapsed_us a thread had that was `before` and is `now`. */
uint64_t watch_counts(const struct watch_look *before, const struct watch_look *now,
		      uint64_t elapsed_us);

/* One round: the thread's loop has turned so many times. Returns its silence in microseconds;
 * the kernel is asked only about those who are silent. */
uint64_t watch_round(struct watch *w, uint64_t turns, uint64_t now_us, pid_t pid, pid_t tid);
