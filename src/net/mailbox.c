/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between threads; see mailbox.h. */
#include "net/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"

/* Everything that waits, in order; the box is empty then. */
static struct mail *detach(struct mailbox *box, bool shut)
{
	pthread_mutex_lock(&box->lock);
	struct mail *first = box->first;
	box->first = NULL;
	box->last = &box->first;
	box->waiting = 0;
	box->shut = box->shut || shut;
	pthread_mutex_unlock(&box->lock);
	return first;
}

static void deliver(struct mail *m, void *receiver)
{
	while (m) {
		struct mail *next = m->next;

		m->next = NULL;
		m->fn(m, receiver);
		m = next;
	}
}

/* The bell is read before the list is taken: who posts in between rings it again. */
static void ring(struct io *io)
{
	struct mailbox *box = IO_OWNER(io, struct mailbox, io);
	uint64_t rung;

	while (read(io->fd, &rung, sizeof(rung)) < 0 && errno == EINTR)
		;
	io_drained(io, IO_READABLE | IO_WRITABLE);
	deliver(detach(box, false), box->receiver);
}

int mailbox_open(struct mailbox *box, struct reactor *r, size_t max, void *receiver)
{
	MUST(receiver);
	*box = (struct mailbox){.max = max, .receiver = receiver};
	box->last = &box->first;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int result =
		fd < 0 ? err_raise(errno, "cannot make an eventfd") : io_add(r, &box->io, fd, ring);
	if (result) {
		if (fd >= 0)
			close(fd);
		*box = (struct mailbox){0}; /* nothing that deinit would close */
		return result;
	}
	MUST(pthread_mutex_init(&box->lock, NULL) == 0);
	return 0;
}

void mailbox_close(struct mailbox *box)
{
	if (!box->io.reactor)
		return;
	io_remove(&box->io);
	deliver(detach(box, true), NULL);
}

void mailbox_deinit(struct mailbox *box)
{
	if (!box->receiver)
		return;
	mailbox_close(box);
	MUST(!box->first);
	close(box->io.fd);
	pthread_mutex_destroy(&box->lock);
	*box = (struct mailbox){0};
}

static void wake(struct mailbox *box)
{
	uint64_t one = 1;

	/* EAGAIN would mean 2^64 - 2 rings unread: then it rings anyway. */
	while (write(box->io.fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static int post(struct mailbox *box, struct mail *m, bool bounded)
{
	pthread_mutex_lock(&box->lock);
	bool shut = box->shut;
	bool full = bounded && box->waiting >= box->max;
	bool first = !box->first;
	if (!shut && !full) {
		m->next = NULL;
		*box->last = m;
		box->last = &m->next;
		box->waiting++;
	}
	pthread_mutex_unlock(&box->lock);
	if (shut)
		return MAILBOX_SHUT;
	if (full)
		return MAILBOX_FULL;
	/* The descriptor stays open until mailbox_deinit, when nobody posts any more. */
	if (first)
		wake(box);
	return 0;
}

int mailbox_post(struct mailbox *box, struct mail *m)
{
	return post(box, m, true);
}

int mailbox_post_answer(struct mailbox *box, struct mail *m)
{
	return post(box, m, false);
}
