/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of net, from the first descriptor to the last byte, while each allocation and then
 * each descriptor is not to be had. The outcome says which; what was opened is closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "descriptors.h"
#include "failmalloc.h"
#include "net/mailbox.h"
#include "net/resolve.h"
#include "net/talk.h"
#include "net/timer.h"

enum { BYTES = 40000 };

static struct {
	struct reactor reactor;
	struct stream_scratch scratch;
	struct mailbox box;
	struct mail mail;
	struct timer timer;
	struct budget budget;
	struct stream ends[2];
	unsigned mails, ticks;
	size_t heard;
	int listening, reserve;
} life;

static void on_mail(struct mail *m, void *receiver)
{
	(void)m;
	life.mails += receiver != NULL;
}

static void on_tick(struct timer *t)
{
	(void)t;
	life.ticks++;
}

static void on_stream(struct stream *s, unsigned why)
{
	struct stream_bytes got;

	(void)why;
	while (s == &life.ends[1] && stream_read(s, &got) == 0)
		life.heard += got.len;
}

static int open_stream(struct stream *s, int fd)
{
	int r = stream_init(s, &life.scratch, fd, on_stream, BYTES * 2, &life.budget);

	if (r)
		close(fd);
	return r;
}

static int connect_ends(void)
{
	struct address at = sock_local(life.listening), from;
	int fd, r = sock_connect(&at, &fd);

	if (r == 0)
		r = open_stream(&life.ends[0], fd);
	if (r)
		return r;
	r = sock_accept(life.listening, &life.reserve, &fd, &from);
	return r ? r : open_stream(&life.ends[1], fd);
}

static int talk(void)
{
	static char text[BYTES];
	int r = stream_write(&life.ends[0], slice_of(text, sizeof(text)));

	if (r == 0)
		r = mailbox_post(&life.box, &life.mail);
	timer_arm(&life.reactor.timers, &life.timer, reactor_now_ms(&life.reactor) + 1);
	for (int i = 0; r == 0 && i < 1000 && !(life.heard == BYTES && life.mails && life.ticks);
	     i++)
		r = reactor_run_once(&life.reactor, 5);
	return r;
}

/* Everything is built as far as it goes; what was built is taken down by end(). */
static int begin(void)
{
	struct address loopback, found[4];
	size_t count;

	memset(&life, 0, sizeof(life));
	life.listening = life.reserve = -1;
	life.mail.fn = on_mail;
	timer_init(&life.timer, on_tick);
	budget_init(&life.budget, 1 << 20, NULL);
	assert_true(address_parse(SLICE("127.0.0.1"), &loopback));
	int r = reactor_init(&life.reactor);
	if (r == 0)
		r = stream_scratch_init(&life.scratch, &life.reactor, STREAM_READ_BYTES);
	if (r == 0)
		r = mailbox_open(&life.box, &life.reactor, 4, &life);
	if (r == 0)
		r = sock_listen(&loopback, 4, true, &life.listening);
	if (r == 0)
		life.reserve = sock_reserve_open();
	if (r == 0)
		r = connect_ends();
	if (r == 0)
		r = talk();
	if (r == 0 && resolve_now(SLICE("localhost"), 80, found, COUNT(found), &count))
		r = -EMFILE; /* getaddrinfo has its own words; a name that is a literal needs none
			      */
	return r;
}

static void end(void)
{
	timer_disarm(&life.timer);
	stream_deinit(&life.ends[0]);
	stream_deinit(&life.ends[1]);
	assert_int_equal(life.budget.used, 0);
	mailbox_close(&life.box);
	mailbox_deinit(&life.box);
	if (life.listening >= 0)
		close(life.listening);
	if (life.reserve >= 0)
		close(life.reserve);
	stream_scratch_deinit(&life.scratch);
	reactor_deinit(&life.reactor);
	budget_deinit(&life.budget);
}

static void whole(void)
{
	assert_int_equal(begin(), 0);
	assert_int_equal(life.heard, BYTES);
	assert_int_equal(life.mails, 1);
	assert_int_equal(life.ticks, 1);
	end();
}

static void each_allocation(void **state)
{
	(void)state;
	whole();
	unsigned before = open_descriptors();
	FAILMALLOC_EACH (n) {
		failmalloc_at(n);
		int r = begin();
		bool failed = failmalloc_stop();
		end();
		assert_int_equal(open_descriptors(), before);
		if (!failed) {
			assert_int_equal(r, 0);
			assert_true(n > 3);
			break;
		}
		/* There may be another way, one without the room that was not to be had. */
		assert_true(r == -ENOMEM || r == 0);
	}
	whole();
}

/* All but so many descriptors are in use. */
static size_t fill(int *all, size_t max, size_t spare)
{
	size_t count = 0;

	while (count < max && (all[count] = dup(STDIN_FILENO)) >= 0)
		count++;
	assert_true(count < max && spare <= count);
	while (spare--)
		close(all[--count]);
	return count;
}

static void each_descriptor(void **state)
{
	static int fillers[256];
	struct rlimit before, few;
	unsigned outcomes[2] = {0};

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = COUNT(fillers) < before.rlim_cur ? COUNT(fillers) : before.rlim_cur;
	unsigned open_before = open_descriptors();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (size_t spare = 0;; spare++) {
		size_t count = fill(fillers, COUNT(fillers), spare);
		int r = begin();
		end();
		while (count--)
			close(fillers[count]);
		assert_int_equal(open_descriptors(), open_before);
		if (r == 0)
			break;
		assert_true(r == -EMFILE || r == SOCK_NO_FILES);
		outcomes[r == SOCK_NO_FILES]++;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(outcomes[0] > 3 && outcomes[1] > 0);
	whole();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation),
		cmocka_unit_test(each_descriptor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
