/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport keys: the folder of secret keys. The last file by name makes tickets and CSRF
 * tokens, all of them check; so a key is rotated by adding one, and removed when what it
 * made has run out. The keys of the audit log (auditlog-*.pem) lie there too; their public
 * halves are for whoever verifies it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ct.h"
#include "base/err.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "ctl/keysdir.h"
#include "net/random.h"

enum { KEY_BYTES = 32, NAME_BYTES = 32, PUBLIC_MAX = 64 * 1024 };

static int complain(const char *what)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, err_sentence());
	return EXIT_PROBLEM;
}

static void usage(FILE *to)
{
	fputs("usage: sallyport keys make|list|rotate|public FOLDER\n\n"
	      "  make     the folder with a first key, if there is none\n"
	      "  list     its keys, oldest first: name, public id, age in days; the last one "
	      "makes\n"
	      "  rotate   adds a key, which from the next reload on makes; older ones still "
	      "check\n"
	      "  public   the public keys of the audit log, as PEM for `verify-log --key`\n",
	      to);
}

static int make(const char *folder)
{
	struct keyset keys;
	bool made;

	if (keysdir_load(slice_from_cstr(folder), &keys, &made))
		return complain(folder);
	printf("%s: %zu keys%s\n", folder, keys.count, made ? ", the first was made now" : "");
	keyset_deinit(&keys);
	return EXIT_FINE;
}

static int is_key(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return entry->d_name[0] != '.' && !(dot && strcmp(dot, ".pem") == 0);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int names_of(const char *folder, struct dirent ***names)
{
	int count = scandir(folder, names, is_key, by_bytes);

	if (count < 0)
		err_raise(errno, "the keys folder");
	return count;
}

static void print_key(int folder, const char *name, const struct key *key)
{
	struct stat st;

	if (fstatat(folder, name, &st, 0))
		return;
	double days = difftime(time(NULL), st.st_mtim.tv_sec) / 86400;
	printf("%s  %02x%02x%02x%02x  %.1f days\n", name, key->id[0], key->id[1], key->id[2],
	       key->id[3], days);
}

static int list(const char *folder)
{
	struct dirent **names = NULL;
	struct keyset keys;
	bool made;
	int count = names_of(folder, &names);

	if (count < 0)
		return complain(folder);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = count == 0 ? err_raise(ENOENT, "no key in it")
			   : keysdir_load(slice_from_cstr(folder), &keys, &made);
	for (int i = 0; i < count; i++) {
		if (r == 0 && (size_t)i < keys.count)
			print_key(fd, names[i]->d_name, &keys.keys[i]);
		free(names[i]);
	}
	free(names);
	if (fd >= 0)
		close(fd);
	if (r)
		return complain(folder);
	keyset_deinit(&keys);
	return EXIT_FINE;
}

/* The next name behind the last one: numbers count on, anything else gets a 1 behind it. */
static void next_name(const char *last, char out[NAME_BYTES])
{
	uint64_t number = 0;
	struct slice stem = slice_from_cstr(last);

	stem = slice_first(stem, slice_index(stem, '.'));
	if (num_parse_u64_zeros(stem, 999999, &number))
		snprintf(out, NAME_BYTES, "%04u.key", (unsigned)number + 1);
	else
		snprintf(out, NAME_BYTES, "%.*s1.key", (int)(stem.len < 20 ? stem.len : 20),
			 stem.data);
}

static int write_key(const char *folder, const char *name)
{
	uint8_t key[KEY_BYTES];
	int r = random_bytes(key, sizeof(key));
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (r == 0 && dir < 0)
		r = err_raise(errno, "the keys folder");
	int fd = r ? -1 : openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (r == 0 && (fd < 0 || write(fd, key, sizeof(key)) != (ssize_t)sizeof(key) || fsync(fd)))
		r = err_raise(errno, "the key %s", name);
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	ct_wipe(key, sizeof(key));
	return r;
}

static int rotate(const char *folder)
{
	struct dirent **names = NULL;
	char name[NAME_BYTES] = "0001.key";
	int count = names_of(folder, &names);

	if (count < 0)
		return complain(folder);
	if (count)
		next_name(names[count - 1]->d_name, name);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	if (count >= KEYS_MAX) {
		err_raise(0, "%d keys already: remove the oldest first", count);
		return complain(folder);
	}
	if (write_key(folder, name))
		return complain(folder);
	printf("%s/%s: made; `sallyport ctl reload` puts it into force\n", folder, name);
	return EXIT_FINE;
}

/* Those of a gateway that has run; nothing is made here. */
static int print_public(const char *folder)
{
	struct auditlog_keys keys;
	struct buf pem;

	if (keysdir_read_auditlog(slice_from_cstr(folder), &keys))
		return complain(folder);
	buf_init(&pem, PUBLIC_MAX);
	int r = keys.count
			? 0
			: err_raise(ENOENT, "no auditlog-*.pem: a gateway with `log.audit` makes "
					    "the first");
	for (size_t i = 0; r == 0 && i < keys.count; i++)
		r = auditlog_key_pem(&keys.keys[i], &pem);
	if (r == 0)
		fwrite(pem.data, 1, buf_waiting(&pem), stdout);
	buf_deinit(&pem);
	auditlog_keys_deinit(&keys);
	return r == 0 && fflush(stdout) == 0 ? EXIT_FINE : complain(folder);
}

int cmd_keys(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return EXIT_FINE;
	}
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2]);
	if (argc == 3 && strcmp(argv[1], "list") == 0)
		return list(argv[2]);
	if (argc == 3 && strcmp(argv[1], "rotate") == 0)
		return rotate(argv[2]);
	if (argc == 3 && strcmp(argv[1], "public") == 0)
		return print_public(argv[2]);
	usage(stderr);
	return EXIT_WRONG_USE;
}
