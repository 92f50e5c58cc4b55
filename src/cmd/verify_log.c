/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport verify-log: is an audit log whole?
 *
 *   files, in any order --> their first lines --> by log, then by number --> each log in turn
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "ctl/keysdir.h"
#include "obs/auditlog_check.h"

enum {
	PIECE_BYTES = 64 * 1024,
	KEY_FILE_MAX = 256 * 1024,
	LAST_LINE_TRIES = 10,
	LAST_LINE_US = 100000,
};

struct file {
	const char *path;
	int fd;
	bool begins; /* its first line was read */
	char log[AUDITLOG_ID_CHARS];
	uint64_t seq;
};

struct options {
	struct auditlog_keys keys;
	bool keys_given, expects, quiet;
	uint64_t seq;
	uint8_t hash[AUDITLOG_HASH_BYTES];
};

static void usage(FILE *to)
{
	fputs("usage: sallyport verify-log [OPTIONS] FILE...\n\n"
	      "  -k, --key FILE         public keys that may have signed (PEM; `sallyport keys "
	      "public`)\n"
	      "  -K, --keys FOLDER      the gateway's folder of keys instead\n"
	      "  -c, --checkpoint N:HASH  the line numbered N must be there, with this hash\n"
	      "  -q, --quiet            only what is wrong\n\n"
	      "All files of a log, in any order; several logs are told apart. Without a key those "
	      "count that the\nlog itself names: then whoever forged all of it is not found out.\n"
	      "Exit 0: whole. 1: not, and the line and why are printed. 2: wrong use.\n",
	      to);
}

static int complain(const char *what)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, err_sentence());
	return EXIT_WRONG_USE;
}

/* --- keys */

static int read_key_file(const char *path, struct auditlog_keys *keys)
{
	struct buf text;
	char *room;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	buf_init(&text, KEY_FILE_MAX);
	if (fd >= 0 && buf_reserve(&text, KEY_FILE_MAX, &room) == 0)
		n = read(fd, room, KEY_FILE_MAX);
	int r = n < 0 ? err_raise(errno, "cannot be read") : 0;
	if (fd >= 0)
		close(fd);
	if (r == 0) {
		buf_commit(&text, (size_t)n);
		r = auditlog_keys_add_public(keys, buf_slice(&text));
		if (r > 0)
			r = err_raise(EINVAL, "%s", auditlog_keys_complaint(r));
	}
	buf_deinit(&text);
	return r;
}

static bool read_expected(const char *text, struct options *o)
{
	struct slice s = slice_from_cstr(text), hash = slice_from(s, slice_index(s, ':') + 1);

	if (!num_parse_u64(slice_first(s, slice_index(s, ':')), INT64_MAX, &o->seq) ||
	    hash.len != AUDITLOG_HASH_CHARS)
		return false;
	for (size_t i = 0; i < hash.len; i++) {
		int digit = num_hex_digit(hash.data[i]);
		if (digit < 0)
			return false;
		o->hash[i / 2] = (uint8_t)(i % 2 ? o->hash[i / 2] | digit : digit << 4);
	}
	o->expects = true;
	return true;
}

/* Returns EXIT_FINE to go on. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"keys", required_argument, NULL, 'K'},
		{"checkpoint", required_argument, NULL, 'c'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};

	for (int c; (c = getopt_long(argc, argv, "k:K:c:qh", options, NULL)) != -1;) {
		switch (c) {
		case 'k':
			o->keys_given = true;
			if (read_key_file(optarg, &o->keys))
				return complain(optarg);
			break;
		case 'K':
			o->keys_given = true;
			if (keysdir_read_auditlog(slice_from_cstr(optarg), &o->keys))
				return complain(optarg);
			if (!o->keys.count) {
				err_raise(0, "no auditlog-*.pem in it");
				return complain(optarg);
			}
			break;
		case 'c':
			if (!read_expected(optarg, o)) {
				err_raise(0,
					  "not N:HASH, as a line `auditlog_checkpoint` says them");
				return complain(optarg);
			}
			break;
		case 'q':
			o->quiet = true;
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? -1 : EXIT_WRONG_USE;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return EXIT_WRONG_USE;
	}
	return EXIT_FINE;
}

/* --- files */

static int open_file(struct file *f, const char *path)
{
	char start[AUDITLOG_LINE_MAX + 1];
	struct auditlog_line line;

	*f = (struct file){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
	ssize_t n = f->fd < 0 ? -1 : pread(f->fd, start, sizeof(start), 0);
	if (n < 0) {
		err_raise(errno, "cannot be read");
		return complain(path);
	}
	struct slice first = slice_of(start, (size_t)n);
	first = slice_first(first, slice_index(first, '\n'));
	if (!auditlog_line_read(first, &line))
		return EXIT_FINE;
	f->seq = line.seq;
	f->begins = line.kind == AUDITLOG_BEGIN;
	if (f->begins)
		memcpy(f->log, line.begin.log.data, sizeof(f->log));
	return EXIT_FINE;
}

/* By log, then by number: rotated files come before the one that is being written. */
static int in_order(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int by_log = memcmp(x->log, y->log, sizeof(x->log));

	if (by_log)
		return by_log;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* A line that is being written while we read is given a moment to become whole. */
static int feed_file(struct auditlog_check *c, const struct file *f)
{
	static char piece[PIECE_BYTES];
	int tries = 0;

	auditlog_check_file(c);
	while (!c->broken) {
		ssize_t n = read(f->fd, piece, sizeof(piece));
		if (n < 0) {
			err_raise(errno, "cannot be read");
			return complain(f->path);
		}
		if (n > 0) {
			auditlog_check_feed(c, slice_of(piece, (size_t)n));
		} else {
			if (!buf_waiting(&c->partial) || tries++ == LAST_LINE_TRIES)
				break;
			usleep(LAST_LINE_US);
		}
	}
	if (!c->broken)
		auditlog_check_file_end(c);
	return EXIT_FINE;
}

/* --- what is said */

static void print_keys(const struct options *o, const struct auditlog_check *c)
{
	for (size_t i = 0; i < c->named.count; i++)
		printf("  signed by %.*s\n", SLICE_ARG(auditlog_key_kid(&c->named.keys[i])));
	if (!o->keys_given)
		printf("  nobody but the log vouches for that key: compare it with `sallyport keys "
		       "public`, or give it with --key\n");
}

static void print_whole(const struct options *o, const struct auditlog_check *c,
			const struct file *files, size_t count)
{
	printf("whole: log %.*s, %llu lines from number %llu on, %s to %s, %llu checkpoints\n",
	       (int)sizeof(c->log), c->log, (unsigned long long)c->lines,
	       (unsigned long long)c->first_seq, c->first_time, c->last_time,
	       (unsigned long long)c->checkpoints);
	for (size_t i = 0; i < count; i++)
		printf("  in %s\n", files[i].path);
	print_keys(o, c);
	if (c->first_seq)
		printf("  what stood before number %llu is not among these files\n",
		       (unsigned long long)c->first_seq);
	if (c->follows_one)
		printf("  it follows the log %.*s\n", (int)sizeof(c->follows), c->follows);
	if (c->unsigned_lines)
		printf("  the last %llu lines are not signed yet\n",
		       (unsigned long long)c->unsigned_lines);
	if (c->torn)
		printf("  %llu times a crash left an unfinished line\n",
		       (unsigned long long)c->torn);
	if (c->left_out)
		printf("  %llu refusals were counted and left out\n",
		       (unsigned long long)c->left_out);
	if (c->dropped)
		printf("  %llu lines found no room and are lost\n", (unsigned long long)c->dropped);
}

static int verify(const struct options *o, const struct file *files, size_t count)
{
	struct auditlog_check c;
	int r = EXIT_FINE;

	auditlog_check_init(&c, o->keys_given ? &o->keys : NULL);
	if (o->expects)
		auditlog_check_expect(&c, o->seq, o->hash);
	for (size_t i = 0; r == EXIT_FINE && !c.broken && i < count; i++)
		r = feed_file(&c, &files[i]);
	if (r == EXIT_FINE && !c.broken)
		auditlog_check_end(&c);
	if (c.broken) {
		printf("broken: %s:%llu: %s\n", files[c.broken_file].path,
		       (unsigned long long)c.broken_line, c.why);
		r = EXIT_PROBLEM;
	} else if (r == EXIT_FINE && !o->quiet) {
		print_whole(o, &c, files, count);
	}
	auditlog_check_deinit(&c);
	return r;
}

static int verify_all(const struct options *o, struct file *files, size_t count)
{
	int worst = EXIT_FINE;

	qsort(files, count, sizeof(*files), in_order);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count; to++)
			if (memcmp(files[to].log, files[from].log, sizeof(files->log)) != 0)
				break;
		if (o->expects && (from != 0 || to != count)) {
			fputs("sallyport: --checkpoint: these files are of several logs\n", stderr);
			return EXIT_WRONG_USE;
		}
		int r = verify(o, files + from, to - from);
		worst = r > worst ? r : worst;
	}
	return worst;
}

int cmd_verify_log(int argc, char **argv)
{
	struct options o = {0};
	int r = read_options(argc, argv, &o);
	size_t count = r == EXIT_FINE ? (size_t)(argc - optind) : 0, opened = 0;
	struct file *files = calloc(count + 1, sizeof(*files));

	if (!files)
		r = EXIT_WRONG_USE;
	for (; r == EXIT_FINE && opened < count; opened++)
		r = open_file(&files[opened], argv[optind + (int)opened]);
	if (r == EXIT_FINE)
		r = verify_all(&o, files, count);
	for (size_t i = 0; i < opened; i++)
		if (files[i].fd >= 0)
			close(files[i].fd);
	free(files);
	auditlog_keys_deinit(&o.keys);
	return r == -1 ? EXIT_FINE : r;
}
