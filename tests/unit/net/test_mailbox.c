/* SPDX-License-Identifier: Apache-2.0 */
#include "net/mailbox.h"

#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

enum { SENDERS = 4, LETTERS = 20000, ROOM = 64 };

struct letter {
	struct mail mail;
	unsigned sender, number;
	struct office *office; /* told when it comes back */
};

/* The receiver. */
struct office {
	struct reactor reactor;
	struct mailbox box;
	unsigned next[SENDERS]; /* number expected from each */
	unsigned delivered, returned;
	bool disorder;
};

static void take(struct mail *m, void *receiver)
{
	struct letter *l = MAIL_OWNER(m, struct letter, mail);
	struct office *o = l->office;

	if (receiver) {
		o->disorder = o->disorder || receiver != o || l->number != o->next[l->sender];
		o->next[l->sender]++;
		o->delivered++;
	} else {
		o->returned++;
	}
	free(l);
}

static struct letter *letter_new(struct office *o, unsigned sender, unsigned number)
{
	struct letter *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	*l = (struct letter){.mail.fn = take, .sender = sender, .number = number, .office = o};
	return l;
}

static void open_office(struct office *o, size_t max)
{
	memset(o, 0, sizeof(*o));
	assert_int_equal(reactor_init(&o->reactor), 0);
	assert_int_equal(mailbox_open(&o->box, &o->reactor, max, o), 0);
}

static void close_office(struct office *o)
{
	mailbox_deinit(&o->box);
	reactor_deinit(&o->reactor);
}

static void bounded(void **state)
{
	static struct office o;
	unsigned n = 0;
	struct letter *l;

	(void)state;
	open_office(&o, 3);
	for (;;) {
		l = letter_new(&o, 0, n);
		if (mailbox_post(&o.box, &l->mail))
			break;
		n++;
	}
	assert_int_equal(n, 3);
	assert_int_equal(mailbox_post(&o.box, &l->mail), MAILBOX_FULL);
	assert_int_equal(mailbox_post_answer(&o.box, &l->mail), 0); /* an answer always fits */
	assert_int_equal(reactor_run_once(&o.reactor, 0), 0);
	assert_int_equal(o.delivered, 4);
	l = letter_new(&o, 0, 4);
	assert_int_equal(mailbox_post(&o.box, &l->mail), 0);
	assert_int_equal(reactor_run_once(&o.reactor, 0), 0);
	assert_int_equal(o.delivered, 5);
	assert_false(o.disorder);
	assert_int_equal(reactor_run_once(&o.reactor, 0), 0);
	assert_int_equal(o.delivered, 5);
	close_office(&o);
}

static void closed(void **state)
{
	static struct office o;

	(void)state;
	open_office(&o, 8);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(mailbox_post(&o.box, &letter_new(&o, 0, i)->mail), 0);
	mailbox_close(&o.box);
	assert_int_equal(o.delivered, 0);
	assert_int_equal(o.returned, 5);
	struct letter *l = letter_new(&o, 0, 5);
	assert_int_equal(mailbox_post(&o.box, &l->mail), MAILBOX_SHUT);
	assert_int_equal(mailbox_post_answer(&o.box, &l->mail), MAILBOX_SHUT);
	free(l);
	mailbox_close(&o.box);
	close_office(&o);
	mailbox_deinit(&o.box);
}

/* A letter that is answered with another, to the same box, while the list is delivered. */
static void post_another(struct mail *m, void *receiver)
{
	struct letter *l = MAIL_OWNER(m, struct letter, mail);
	struct office *o = l->office;

	if (l->number < 3)
		assert_int_equal(mailbox_post(&o->box, &letter_new(o, 0, 0)->mail), 0);
	take(m, receiver);
}

static void posting_from_a_delivery(void **state)
{
	static struct office o;
	struct letter *l;

	(void)state;
	open_office(&o, 1);
	l = letter_new(&o, 1, 0);
	l->mail.fn = post_another;
	assert_int_equal(mailbox_post(&o.box, &l->mail), 0);
	assert_int_equal(reactor_run_once(&o.reactor, 0), 0);
	assert_int_equal(o.delivered, 1);
	assert_int_equal(reactor_run_once(&o.reactor, 0), 0);
	assert_int_equal(o.delivered, 2);
	close_office(&o);
}

struct sender {
	pthread_t thread;
	struct office *office;
	unsigned number, full;
};

static void *send_all(void *arg)
{
	struct sender *s = arg;

	for (unsigned i = 0; i < LETTERS; i++) {
		struct letter *l = letter_new(s->office, s->number, i);

		while (mailbox_post(&s->office->box, &l->mail) == MAILBOX_FULL) {
			s->full++;
			sched_yield();
		}
	}
	return NULL;
}

/* Many senders, a small box: nothing is lost, each one's letters keep their order, and the
 * receiver sleeps without a timeout, so a lost wake-up would hang here. */
static void from_many_threads(void **state)
{
	static struct office o;
	struct sender senders[SENDERS];

	(void)state;
	open_office(&o, ROOM);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){.office = &o, .number = i};
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]),
				 0);
	}
	while (o.delivered < SENDERS * LETTERS)
		assert_int_equal(reactor_run_once(&o.reactor, TIMER_NEVER), 0);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	assert_int_equal(o.delivered, SENDERS * LETTERS);
	assert_false(o.disorder);
	close_office(&o);
}

/* A box that closes under fire: every letter is delivered, given back, or kept. */
static void *send_until_shut(void *arg)
{
	struct sender *s = arg;

	for (;;) {
		struct letter *l = letter_new(s->office, s->number, s->full);
		int r = mailbox_post(&s->office->box, &l->mail);

		if (r == MAILBOX_SHUT) {
			free(l);
			return NULL;
		}
		if (r == MAILBOX_FULL)
			free(l);
		else
			s->full++;
	}
}

static void closed_under_fire(void **state)
{
	static struct office o;
	struct sender senders[SENDERS];
	unsigned posted = 0;

	(void)state;
	open_office(&o, ROOM);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){.office = &o, .number = i};
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, send_until_shut, &senders[i]), 0);
	}
	while (o.delivered < 5000)
		assert_int_equal(reactor_run_once(&o.reactor, TIMER_NEVER), 0);
	mailbox_close(&o.box);
	for (unsigned i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		posted += senders[i].full;
	}
	assert_int_equal(o.delivered + o.returned, posted);
	assert_false(o.disorder);
	close_office(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounded),
		cmocka_unit_test(closed),
		cmocka_unit_test(posting_from_a_delivery),
		cmocka_unit_test(from_many_threads),
		cmocka_unit_test(closed_under_fire),
	};
	alarm(60); /* a lost wake-up would sleep for ever */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
