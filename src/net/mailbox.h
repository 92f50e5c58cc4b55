/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How threads talk: a message changes its owner, nothing is shared.
 *
 *   any thread -- mailbox_post --> [locked list] -- eventfd --> receiver's reactor -> mail.fn
 *
 * The receiver takes the whole list under the lock and runs it outside. The box holds at
 * most `max` messages; when it is full the sender keeps its message and decides.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include "net/reactor.h"

enum {
	MAILBOX_FULL = 1, /* max messages wait already */
	MAILBOX_SHUT = 2, /* the receiver has closed it */
};

struct mail;

/* Takes ownership of m. receiver is what mailbox_open was given, or NULL when the box was
 * closed before m could be delivered: then there is nothing to do but free it. */
typedef void (*mail_fn)(struct mail *m, void *receiver);

/* First or any member of the message. */
struct mail {
	struct mail *next;
	mail_fn fn;
};

#define MAIL_OWNER(mail, type, member) LIST_ENTRY(mail, type, member)

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first, **last; /* under the lock, with the next three */
	size_t waiting, max;
	bool shut;
	void *receiver;
	struct io io; /* of the eventfd */
};

/* By the receiving thread, or before it runs. Returns 0 or -errno. */
int mailbox_open(struct mailbox *box, struct reactor *r, size_t max, void *receiver);

/* By the receiving thread: what waits is handed back with receiver NULL, later posts get
 * MAILBOX_SHUT. The memory must stay until no other thread can post: see mailbox_deinit. */
void mailbox_close(struct mailbox *box);

/* When nobody knows the box any more. */
void mailbox_deinit(struct mailbox *box);

/* From any thread. Returns 0 (m belongs to the receiver), MAILBOX_FULL or MAILBOX_SHUT
 * (m still belongs to the caller). Never waits for the receiver. */
int mailbox_post(struct mailbox *box, struct mail *m) __attribute__((warn_unused_result));

/* The same for the answer to a question: their number was bounded when the questions were
 * asked, so it is never MAILBOX_FULL. Returns 0 or MAILBOX_SHUT. */
int mailbox_post_answer(struct mailbox *box, struct mail *m) __attribute__((warn_unused_result));
