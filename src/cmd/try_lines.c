/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines in, lines out, for `sallyport try --lines`; see try.h.
 *
 * What was answered is flushed before every read, so that a program may write a line, wait
 * for the answer and write the next.
 */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/try.h"

enum {
	LINE_MAX_BYTES = 16 << 20,
	ANSWER_MAX_BYTES = 64 << 20,
	READ_BYTES = 1 << 16,
};

struct lines {
	int fd;
	const char *name;
	try_fn answer;
	FILE *to;
	struct buf in, out;
	size_t searched; /* bytes of `in` without a newline */
	bool skipping;   /* the rest of a line that was too long */
};

static int put_answer(struct lines *l, struct slice line)
{
	buf_clear(&l->out);
	int r = l->answer(line, &l->out);
	if (r == BUF_FULL)
		r = err_raise(E2BIG, "the answer to a line");
	if (r)
		return r;
	struct slice answer = buf_slice(&l->out);
	if (fwrite(answer.data, 1, answer.len, l->to) != answer.len || putc('\n', l->to) == EOF)
		return err_raise(EIO, "writing an answer");
	return 0;
}

static int put_too_long(struct lines *l)
{
	if (fputs("{\"error\":\"the line is longer than 16 MiB\"}\n", l->to) == EOF)
		return err_raise(EIO, "writing an answer");
	return 0;
}

/* Answers all whole lines that wait. */
static int answer_whole_lines(struct lines *l)
{
	for (;;) {
		struct slice waiting = buf_slice(&l->in);
		size_t len = l->searched + slice_index(slice_from(waiting, l->searched), '\n');
		if (len >= waiting.len) {
			l->searched = waiting.len;
			return 0;
		}
		int r = l->skipping ? 0 : put_answer(l, slice_first(waiting, len));
		if (r)
			return r;
		l->skipping = false;
		l->searched = 0;
		buf_take(&l->in, len + 1);
	}
}

/* The beginning of a line that has no end within the bound. */
static int give_up_long_line(struct lines *l)
{
	int r = 0;

	if (!l->skipping && buf_waiting(&l->in) > LINE_MAX_BYTES) {
		r = put_too_long(l);
		l->skipping = true;
	}
	if (l->skipping) {
		buf_clear(&l->in);
		l->searched = 0;
	}
	return r;
}

/* Returns the bytes read, 0 at the end, or a negative errno. */
static int read_more(struct lines *l)
{
	char *room;
	ssize_t n;

	if (fflush(l->to))
		return err_raise(errno, "writing answers");
	int r = buf_reserve(&l->in, READ_BYTES, &room);
	if (r)
		return r == BUF_FULL ? err_raise(E2BIG, "%s", l->name) : r;
	do
		n = read(l->fd, room, READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_raise(errno, "%s", l->name);
	buf_commit(&l->in, (size_t)n);
	return (int)n;
}

static int run(struct lines *l)
{
	int r;

	while ((r = read_more(l)) > 0) {
		r = answer_whole_lines(l);
		if (r == 0)
			r = give_up_long_line(l);
		if (r)
			return r;
	}
	/* The last line may lack its newline. */
	if (r == 0 && buf_waiting(&l->in) && !l->skipping)
		r = put_answer(l, buf_slice(&l->in));
	if (r == 0 && fflush(l->to))
		r = err_raise(errno, "writing answers");
	return r;
}

int try_each_line(int fd, const char *name, try_fn answer, FILE *to)
{
	struct lines l = {.fd = fd, .name = name, .answer = answer, .to = to};

	buf_init(&l.in, LINE_MAX_BYTES + 2 * READ_BYTES);
	buf_init(&l.out, ANSWER_MAX_BYTES);
	int r = run(&l);
	buf_deinit(&l.in);
	buf_deinit(&l.out);
	return r;
}
