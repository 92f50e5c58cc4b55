/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, locking, rotating; see auditlog_file.h. */
#include "obs/auditlog_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"

enum {
	OPEN_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
	FILE_MODE = 0600,
	NUMBER_DIGITS = 6,
	NUMBER_MAX = 999999,
	WINDOW_BYTES = AUDITLOG_TORN_MAX + AUDITLOG_LINE_MAX,
	TRIES = 3,
};

/* --- names */

static bool numbered(const struct auditlog_file *f, uint64_t number, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s.%06u", f->path, (unsigned)number);

	return n > 0 && n < PATH_MAX && number <= NUMBER_MAX;
}

static struct slice base_name(struct slice path)
{
	size_t at = path.len;

	while (at && path.data[at - 1] != '/')
		at--;
	return slice_from(path, at);
}

/* The highest number that was given to a file before; 0: none. */
static uint64_t highest(const struct auditlog_file *f)
{
	struct slice path = slice_from_cstr(f->path), name = base_name(path);
	char folder[PATH_MAX];
	struct dirent *entry;
	uint64_t best = 0;

	snprintf(folder, sizeof(folder), "%.*s.", (int)(path.len - name.len), f->path);
	DIR *dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		struct slice s = slice_from_cstr(entry->d_name);
		uint64_t number;
		if (s.len == name.len + 1 + NUMBER_DIGITS && slice_starts_with(s, name) &&
		    s.data[name.len] == '.' &&
		    num_parse_u64_zeros(slice_from(s, name.len + 1), NUMBER_MAX, &number) &&
		    number > best)
			best = number;
	}
	if (dir)
		closedir(dir);
	return best;
}

/* --- opening */

static bool same_file(const char *path, int fd)
{
	struct stat at, ours;

	return lstat(path, &at) == 0 && fstat(fd, &ours) == 0 && at.st_dev == ours.st_dev &&
	       at.st_ino == ours.st_ino;
}

/* Returns a locked descriptor; -EWOULDBLOCK: another process has it. */
static int open_locked(const char *path, uint64_t *bytes)
{
	struct stat st;
	int fd = open(path, OPEN_FLAGS, FILE_MODE);

	if (fd < 0)
		return err_raise(errno, "the audit log %s", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_raise(EINVAL, "the audit log %s is no file", path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int failed = errno;
		close(fd);
		return err_raise(failed, "the audit log %s is being written", path);
	}
	*bytes = (uint64_t)st.st_size;
	return fd;
}

/* To the next number that is free. */
static int move_aside(struct auditlog_file *f)
{
	char to[PATH_MAX];
	uint64_t number = highest(f) + 1;

	if (number < f->number)
		number = f->number;
	for (int i = 0; i < TRIES; i++, number++) {
		if (!numbered(f, number, to))
			return err_raise(EOVERFLOW, "%s: too many files", f->path);
		if (renameat2(AT_FDCWD, f->path, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
			f->number = number + 1;
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return err_raise(errno, "%s cannot be renamed to %s", f->path, to);
}

/* --- where the chain goes on */

struct window {
	char data[WINDOW_BYTES + 1]; /* and a line feed */
	size_t len;
	bool whole; /* it is the whole file */
};

static int read_part(const char *path, bool end, struct window *w)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st)) {
		int failed = errno;
		if (fd >= 0)
			close(fd);
		return err_raise(failed, "the audit log %s", path);
	}
	off_t from = end && st.st_size > WINDOW_BYTES ? st.st_size - WINDOW_BYTES : 0;
	w->whole = st.st_size <= WINDOW_BYTES;
	w->len = 0;
	while (w->len < WINDOW_BYTES) {
		ssize_t n =
			pread(fd, w->data + w->len, WINDOW_BYTES - w->len, from + (off_t)w->len);
		if (n <= 0)
			break;
		w->len += (size_t)n;
	}
	close(fd);
	return 0;
}

/* The last whole line of ours that has a line feed; *end is behind it. */
static bool last_line(const struct window *w, struct auditlog_line *line, struct slice *text,
		      size_t *end)
{
	size_t stop = w->len;

	while (stop && w->data[stop - 1] != '\n')
		stop--;
	while (stop) {
		size_t start = stop - 1;
		while (start && w->data[start - 1] != '\n')
			start--;
		*text = slice_of(w->data + start, stop - 1 - start);
		*end = stop;
		if ((start || w->whole) && auditlog_line_read(*text, line))
			return true;
		stop = start;
	}
	return false;
}

static bool read_begin(const char *path, struct window *w, struct auditlog_line *begin)
{
	if (read_part(path, false, w))
		return false;
	struct slice first = slice_first(slice_of(w->data, w->len),
					 slice_index(slice_of(w->data, w->len), '\n'));
	return auditlog_line_read(first, begin) && begin->kind == AUDITLOG_BEGIN;
}

/* Where the log in that file goes on. False: it cannot be told. */
static bool find_place(const char *path, bool chained, struct auditlog_tail *tail, uint64_t *number,
		       bool *needs_end)
{
	struct window *w = malloc(sizeof(*w));
	struct auditlog_line line;
	struct slice text;
	size_t end;
	bool good = w && read_begin(path, w, &line) && line.chained == chained;

	if (good) {
		memcpy(tail->log, line.begin.log.data, sizeof(tail->log));
		*number = line.begin.file;
	}
	good = good && read_part(path, true, w) == 0 && last_line(w, &line, &text, &end) &&
	       line.chained == chained && w->len - end < AUDITLOG_TORN_MAX;
	if (good) {
		tail->goes_on = true;
		tail->place.chained = chained;
		tail->place.seq = line.seq + 1;
		auditlog_hash(text, tail->place.prev);
		*needs_end = w->len > end && w->data[w->len - 1] != '\n';
		/* As it will be, with its line feed. */
		tail->torn_bytes = w->len - end + *needs_end;
		if (*needs_end)
			w->data[w->len] = '\n';
		if (tail->torn_bytes)
			auditlog_hash(slice_of(w->data + end, (size_t)tail->torn_bytes),
				      tail->torn);
	}
	free(w);
	return good;
}

/* The first bytes say whether it is one of ours at all, so that nobody's file is moved. One that
 * is still empty may be. */
static bool looks_like_ours(const char *path)
{
	char start[8] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : pread(fd, start, 7, 0);

	if (fd >= 0)
		close(fd);
	return n == 0 || (n == 7 && memcmp(start, "{\"seq\":", 7) == 0);
}

static int open_new(struct auditlog_file *f)
{
	int fd = open_locked(f->path, &f->bytes);

	if (fd < 0)
		return fd;
	f->fd = fd;
	return 0;
}

/* A crash between renaming and opening, or somebody else's tidiness, leaves the log without its
 * last file: it goes on behind the highest number. */
static void go_on_behind(struct auditlog_file *f, bool chained, struct auditlog_tail *tail)
{
	char path[PATH_MAX];
	uint64_t number = highest(f), its_own;
	bool needs_end;

	f->number = number + 1;
	if (!number || !numbered(f, number, path) ||
	    !find_place(path, chained, tail, &its_own, &needs_end) || tail->torn_bytes) {
		*tail = (struct auditlog_tail){.place.chained = chained};
		return;
	}
	if (its_own > number)
		f->number = its_own + 1;
}

/* Moves the file aside and begins a log of its own. */
static int begin_anew(struct auditlog_file *f, bool chained, struct auditlog_tail *tail)
{
	int r = move_aside(f);

	tail->goes_on = false;
	tail->torn_bytes = 0;
	tail->place = (struct auditlog_place){.chained = chained};
	return r ? r : open_new(f);
}

static int busy(struct auditlog_file *f, bool chained, struct auditlog_tail *tail)
{
	struct auditlog_tail its = {0};
	bool needs_end;
	uint64_t number;

	if (!looks_like_ours(f->path))
		return err_raise(EEXIST, "%s is no audit log: name another file", f->path);
	if (find_place(f->path, chained, &its, &number, &needs_end)) {
		tail->follows_one = true;
		memcpy(tail->follows, its.log, sizeof(its.log));
	}
	return begin_anew(f, chained, tail);
}

static int take_up(struct auditlog_file *f, bool chained, struct auditlog_tail *tail)
{
	uint64_t number = 0;
	bool needs_end;

	if (!looks_like_ours(f->path))
		return err_raise(EEXIST, "%s is no audit log: name another file", f->path);
	if (!find_place(f->path, chained, tail, &number, &needs_end)) {
		tail->unreadable = true;
		close(f->fd);
		f->fd = -1;
		return begin_anew(f, chained, tail);
	}
	f->number = number;
	if (!needs_end)
		return 0;
	if (write(f->fd, "\n", 1) != 1)
		return err_raise(errno, "the audit log %s", f->path);
	f->bytes++;
	return 0;
}

int auditlog_file_open(struct auditlog_file *f, struct slice path, bool chained,
		       struct auditlog_tail *tail)
{
	*f = (struct auditlog_file){.fd = -1};
	*tail = (struct auditlog_tail){.place.chained = chained};
	if (path.len + 1 + NUMBER_DIGITS >= sizeof(f->path))
		return err_raise(ENAMETOOLONG, "the audit log");
	snprintf(f->path, sizeof(f->path), "%.*s", SLICE_ARG(path));
	f->fd = open_locked(f->path, &f->bytes);
	if (f->fd == -EWOULDBLOCK)
		return busy(f, chained, tail);
	if (f->fd < 0)
		return f->fd;
	int r = 0;
	if (f->bytes)
		r = take_up(f, chained, tail);
	else
		go_on_behind(f, chained, tail);
	if (r)
		auditlog_file_close(f);
	return r;
}

/* --- later */

/* Only an empty one: what else lies there is not for us to go on with. */
static int replace(struct auditlog_file *f)
{
	uint64_t bytes;
	int fd = open_locked(f->path, &bytes);

	if (fd < 0)
		return fd;
	if (bytes) {
		close(fd);
		return err_raise(EEXIST, "%s is there already", f->path);
	}
	close(f->fd);
	f->fd = fd;
	f->bytes = 0;
	return 0;
}

int auditlog_file_rotate(struct auditlog_file *f)
{
	int r = same_file(f->path, f->fd) ? move_aside(f) : 0;

	return r ? r : replace(f);
}

int auditlog_file_reopen(struct auditlog_file *f)
{
	if (same_file(f->path, f->fd))
		return 0;
	int r = replace(f);
	if (r)
		return r;
	f->number++;
	return 1;
}

void auditlog_file_close(struct auditlog_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
