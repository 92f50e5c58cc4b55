/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A doubly linked ring with the links inside the members.
 *
 * The head is a link too. A link that is in no ring points at itself, so that
 * list_remove is harmless twice.
 */
#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define LIST_ENTRY(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Safe against removal of `at` in the body. */
#define LIST_EACH(at, head)                                                                   \
	for (struct list *at = (head)->next, *at##_next = at->next; at != (head);             \
	     at = at##_next, at##_next = at->next)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

/* Moves all of `from` to the end of `head`; `from` is empty then. */
static inline void list_splice(struct list *head, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = head->prev;
	head->prev->next = from->next;
	from->prev->next = head;
	head->prev = from->prev;
	list_init(from);
}
