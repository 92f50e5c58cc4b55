/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One thread's loop: epoll, timers, and whatever wants to be done once per round.
 *
 *   hooks -> epoll_wait -> clocks -> ready descriptors -> those that stopped early -> timers
 *     ^                                                                               |
 *     +-------------------------------------------------------------------------------+
 *
 * A descriptor is registered with the kernel once, edge-triggered, for everything. What
 * the kernel said is kept in io.ready until whoever uses the descriptor says that it is
 * used up (io_drained). A callback that stops although there is more says io_again and
 * is called next round, after everybody else had a turn: nobody can starve the others.
 *
 * Time is read once per round; what a callback sees does not move while it runs.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "net/timer.h"

enum {
	IO_READABLE = 1 << 0, /* bytes, a connection or an end may be waiting */
	IO_WRITABLE = 1 << 1, /* there may be room */
	IO_HANGUP = 1 << 2,   /* the peer ended its side, or the descriptor failed; stays set */
};

struct io;
struct reactor;
typedef void (*io_fn)(struct io *io);

/* Lives in the object that uses the descriptor. */
struct io {
	struct reactor *reactor; /* NULL when not added */
	io_fn fn;
	struct list again_link;
	int fd;        /* borrowed */
	uint8_t ready; /* IO_ bits */
	bool watched;  /* the kernel speaks of it */
};

#define IO_OWNER(io, type, member) LIST_ENTRY(io, type, member)

/* Called once per round, before the loop sleeps: for writing what the round gathered. */
struct reactor_hook {
	struct list link;
	void (*fn)(struct reactor_hook *hook);
};

enum { REACTOR_EVENTS = 256 }; /* taken from the kernel at once */

struct epoll_event;

struct reactor {
	struct timer_wheel timers;
	struct clock_now now;
	uint64_t now_ms; /* of the monotonic one */
	struct list again, hooks;
	struct epoll_event *events; /* of the round under way ... */
	int event_at, event_count;  /* ... of which these are still to come */
	struct io *current;         /* whose fn runs; NULL once it removed itself */
	int epoll_fd;
	bool stopped;
};

/* Returns 0 or -errno. */
int reactor_init(struct reactor *r);

/* Everything must have been removed. */
void reactor_deinit(struct reactor *r);

/* One round; sleeps until something happens, at most max_wait_ms (TIMER_NEVER: as long as
 * it takes). Returns 0 or -errno (not EINTR). */
int reactor_run_once(struct reactor *r, uint64_t max_wait_ms);

/* Rounds until reactor_stop. Returns 0 or -errno. */
int reactor_run(struct reactor *r);

/* Ends reactor_run after the round; from the reactor's own thread. */
void reactor_stop(struct reactor *r);

/* The round's time. */
static inline uint64_t reactor_now_ms(const struct reactor *r)
{
	return r->now_ms;
}

static inline uint64_t reactor_now_us(const struct reactor *r)
{
	return r->now.us;
}

static inline uint64_t reactor_realtime_ms(const struct reactor *r)
{
	return r->now.unix_ms;
}

/* Stays until removed. May be added and removed from anywhere but another hook. */
void reactor_hook_add(struct reactor *r, struct reactor_hook *hook,
		      void (*fn)(struct reactor_hook *));
void reactor_hook_remove(struct reactor_hook *hook);

/* Starts with ready = 0; the kernel's first word comes with the next round, fn is called
 * whenever it speaks. The descriptor must be non-blocking. Returns 0 or -errno. */
int io_add(struct reactor *r, struct io *io, int fd, io_fn fn);

/* The same for a descriptor on which something may be waiting already: fn is called next round as
 * if there were, and the kernel is asked once somebody says io_watch. Who is done by then has saved
 * that. Until then nothing is heard of it but by io_again. */
void io_add_later(struct reactor *r, struct io *io, int fd, io_fn fn);

/* Whatever is waiting now the kernel tells next round. Harmless twice. Returns 0 or -errno. */
int io_watch(struct io *io);

/* fn is not called any more, even if events of this round are outstanding; the memory may
 * be freed at once, from any callback. Does not close. Harmless twice and on zeroes. */
void io_remove(struct io *io);

/* The same, and closes. The kernel forgets a descriptor with its last duplicate, so there must be
 * none (whoever forks without exec makes them): that saves telling it. */
void io_close(struct io *io);

/* EAGAIN or a short read or write was seen: forget these bits until the kernel speaks. */
static inline void io_drained(struct io *io, unsigned bits)
{
	io->ready = (uint8_t)(io->ready & ~bits);
}

/* Call fn next round even if the kernel says nothing new. Harmless twice. */
void io_again(struct io *io);
