/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of patience; see watch.h. */
#include "ctl/watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/slice.h"

enum { LINE_BYTES = 512, PATH_BYTES = 64, NS_PER_US = 1000 };

static struct slice read_line(pid_t pid, pid_t tid, const char *name, char *line)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/%s", (long)pid, (long)tid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, LINE_BYTES);
	if (fd >= 0)
		close(fd);
	return slice_of(line, n > 0 ? (size_t)n : 0);
}

/* "123 (name, which may hold anything) S ..." */
static char read_state(struct slice line)
{
	const char *end = line.len ? memrchr(line.data, ')', line.len) : NULL;

	return end && (size_t)(end - line.data) + 2 < line.len ? end[2] : 0;
}

/* "ran waited slices", in nanoseconds; kernels may lack it. */
static bool read_times(struct slice line, struct watch_look *look)
{
	struct slice rest = line, word;
	bool more = true;
	uint64_t ran_ns, waited_ns;

	slice_next(&rest, &more, ' ', &word);
	if (!num_parse_u64(word, UINT64_MAX, &ran_ns))
		return false;
	slice_next(&rest, &more, ' ', &word);
	if (!num_parse_u64(word, UINT64_MAX, &waited_ns))
		return false;
	look->ran_us = ran_ns / NS_PER_US;
	look->waited_us = waited_ns / NS_PER_US;
	return true;
}

struct watch_look watch_look(pid_t pid, pid_t tid)
{
	char line[LINE_BYTES];
	struct watch_look look = {0};

	if (read_times(read_line(pid, tid, "schedstat", line), &look))
		look.state = read_state(read_line(pid, tid, "stat", line));
	return look;
}

static uint64_t grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static uint64_t at_most(uint64_t n, uint64_t max)
{
	return n < max ? n : max;
}

uint64_t watch_counts(const struct watch_look *before, const struct watch_look *now,
		      uint64_t elapsed_us)
{
	if (!before->state)
		return elapsed_us / WATCH_PART;
	switch (now->state) {
	case 'R':
		return at_most(grown(before->ran_us, now->ran_us), elapsed_us);
	case 'S':
	case 'I':
		return elapsed_us - at_most(grown(before->waited_us, now->waited_us), elapsed_us);
	case 'T':
	case 't':
		return 0;
	default:
		return elapsed_us / WATCH_PART;
	}
}

uint64_t watch_round(struct watch *w, uint64_t turns, uint64_t now_us, pid_t pid, pid_t tid)
{
	uint64_t elapsed_us = at_most(grown(w->seen_us, now_us), WATCH_ROUND_MAX_US);
	bool turned = turns != w->turns || !w->seen_us;

	w->seen_us = now_us;
	if (turned) {
		*w = (struct watch){.turns = turns, .seen_us = now_us};
		return 0;
	}
	struct watch_look now = watch_look(pid, tid);
	if (w->looked) /* else there is nothing to compare with */
		w->silent_us += watch_counts(&w->last, &now, elapsed_us);
	w->last = now;
	w->looked = true;
	return w->silent_us;
}
