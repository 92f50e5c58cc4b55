/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop; see reactor.h.
 *
 * A descriptor that is removed while the kernel's events of this round are still being
 * worked off may have one among them: its entry is crossed out, so that nobody has to
 * remember the dead until the end of the round.
 */
#include "net/reactor.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"
#include "net/clock.h"

static void read_clocks(struct reactor *r)
{
	r->now = clock_read();
	r->now_ms = clock_us_to_ms(r->now.us);
}

int reactor_init(struct reactor *r)
{
	*r = (struct reactor){.epoll_fd = -1};
	list_init(&r->again);
	list_init(&r->hooks);
	read_clocks(r);
	timer_wheel_init(&r->timers, reactor_now_ms(r));
	r->events = calloc(REACTOR_EVENTS, sizeof(*r->events));
	if (!r->events)
		return err_raise(ENOMEM, "no memory for a reactor");
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll_fd < 0) {
		int error = errno;

		free(r->events);
		r->events = NULL;
		return err_raise(error, "cannot make an epoll descriptor");
	}
	return 0;
}

void reactor_deinit(struct reactor *r)
{
	if (!r->events)
		return;
	MUST(list_empty(&r->again) && list_empty(&r->hooks));
	free(r->events);
	r->events = NULL;
	close(r->epoll_fd);
	r->epoll_fd = -1;
}

static uint8_t ready_bits(uint32_t events)
{
	unsigned ready = 0;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ready |= IO_READABLE;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ready |= IO_WRITABLE;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ready |= IO_HANGUP;
	return (uint8_t)ready;
}

static void call(struct reactor *r, struct io *io)
{
	list_remove(&io->again_link);
	r->current = io;
	io->fn(io);
	r->current = NULL;
}

static void run_events(struct reactor *r)
{
	while (r->event_at < r->event_count) {
		struct epoll_event *e = &r->events[r->event_at++];
		struct io *io = e->data.ptr;

		if (!io)
			continue;
		io->ready |= ready_bits(e->events);
		call(r, io);
	}
}

/* Those that asked before this round began; who asks now waits for the next. */
static void run_again(struct reactor *r, struct list *turn)
{
	while (!list_empty(turn))
		call(r, LIST_ENTRY(turn->next, struct io, again_link));
}

static void run_hooks(struct reactor *r)
{
	LIST_EACH (link, &r->hooks) {
		struct reactor_hook *hook = LIST_ENTRY(link, struct reactor_hook, link);

		hook->fn(hook);
	}
}

static int wait_ms(struct reactor *r, uint64_t max_wait_ms)
{
	if (!list_empty(&r->again))
		return 0;
	uint64_t now = reactor_now_ms(r);
	uint64_t next = timer_wheel_next_ms(&r->timers);
	uint64_t wait = next == TIMER_NEVER ? TIMER_NEVER : clock_since(now, next);
	if (wait > max_wait_ms)
		wait = max_wait_ms;
	if (wait == TIMER_NEVER)
		return -1;
	return wait < INT_MAX ? (int)wait : INT_MAX;
}

/* Not epoll_wait, where a thread may be cancelled; see sock.c. */
static int wait_for_events(struct reactor *r, uint64_t max_wait_ms)
{
	return (int)syscall(SYS_epoll_pwait, r->epoll_fd, r->events, REACTOR_EVENTS,
			    wait_ms(r, max_wait_ms), NULL, 0);
}

int reactor_run_once(struct reactor *r, uint64_t max_wait_ms)
{
	struct list turn;

	MUST(r->event_at == r->event_count);
	run_hooks(r);
	int n = wait_for_events(r, max_wait_ms);
	if (n < 0 && errno != EINTR)
		return err_raise(errno, "cannot wait for events");
	read_clocks(r);
	r->event_at = 0;
	r->event_count = n < 0 ? 0 : n;
	list_init(&turn);
	list_splice(&turn, &r->again);
	run_events(r);
	run_again(r, &turn);
	timer_wheel_run(&r->timers, reactor_now_ms(r));
	return 0;
}

int reactor_run(struct reactor *r)
{
	int result = 0;

	r->stopped = false;
	while (!r->stopped && result == 0)
		result = reactor_run_once(r, TIMER_NEVER);
	/* What the last round wrote shall still go out. */
	run_hooks(r);
	return result;
}

void reactor_stop(struct reactor *r)
{
	r->stopped = true;
}

void reactor_hook_add(struct reactor *r, struct reactor_hook *hook,
		      void (*fn)(struct reactor_hook *))
{
	hook->fn = fn;
	list_append(&r->hooks, &hook->link);
}

void reactor_hook_remove(struct reactor_hook *hook)
{
	if (hook->link.next)
		list_remove(&hook->link);
}

int io_add(struct reactor *r, struct io *io, int fd, io_fn fn)
{
	*io = (struct io){.reactor = r, .fn = fn, .fd = fd};
	list_init(&io->again_link);
	int result = io_watch(io);
	if (result)
		io->reactor = NULL;
	return result;
}

void io_add_later(struct reactor *r, struct io *io, int fd, io_fn fn)
{
	*io = (struct io){.reactor = r, .fn = fn, .fd = fd, .ready = IO_READABLE | IO_WRITABLE};
	list_init(&io->again_link);
	io_again(io);
}

int io_watch(struct io *io)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				.data.ptr = io};

	if (io->watched)
		return 0;
	if (epoll_ctl(io->reactor->epoll_fd, EPOLL_CTL_ADD, io->fd, &e))
		return err_raise(errno, "cannot watch a descriptor");
	io->watched = true;
	return 0;
}

/* Nobody is called for it any more. */
static void forget(struct io *io)
{
	struct reactor *r = io->reactor;

	io->reactor = NULL;
	list_remove(&io->again_link);
	if (r->current == io)
		r->current = NULL;
	for (int i = r->event_at; i < r->event_count; i++)
		if (r->events[i].data.ptr == io)
			r->events[i].data.ptr = NULL;
}

void io_remove(struct io *io)
{
	struct reactor *r = io->reactor;

	if (!r)
		return;
	forget(io);
	/* Fails only if somebody closed the descriptor before; then the kernel has let go of
	 * it, or never will (a duplicate lives on), which would be our bug. */
	MUST(!io->watched || epoll_ctl(r->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL) == 0);
	io->watched = false;
}

void io_close(struct io *io)
{
	if (!io->reactor)
		return;
	forget(io);
	close(io->fd);
	io->fd = -1;
}

void io_again(struct io *io)
{
	if (io->reactor && list_empty(&io->again_link))
		list_append(&io->reactor->again, &io->again_link);
}
