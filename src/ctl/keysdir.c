/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the keys folder, making it where there is none; see keysdir.h. */
#include "ctl/keysdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ct.h"
#include "base/err.h"
#include "net/random.h"

enum { PATH_BYTES = 4096, FIRST_KEY_BYTES = 32 };

#define FIRST_KEY_NAME "0001.key"

static int open_folder(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return err_raise(errno, "the keys folder %s", path);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_raise(errno, "the keys folder %s", path);
	if (fstat(fd, &st) || st.st_mode & 022) {
		close(fd);
		return err_raise(EPERM, "the keys folder %s may be written by others", path);
	}
	return fd;
}

static int make_first_key(int folder, const char *path)
{
	uint8_t key[FIRST_KEY_BYTES];
	int r = random_bytes(key, sizeof(key));

	if (r)
		return r;
	int fd = openat(folder, FIRST_KEY_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_raise(errno, "a first key in %s", path);
	bool whole = write(fd, key, sizeof(key)) == (ssize_t)sizeof(key) && fsync(fd) == 0;
	int failed = whole ? 0 : errno ? errno : EIO;
	close(fd);
	ct_wipe(key, sizeof(key));
	if (failed) {
		unlinkat(folder, FIRST_KEY_NAME, 0);
		return err_raise(failed, "a first key in %s", path);
	}
	return 0;
}

static int read_key(int folder, const char *path, const char *name, struct keyset *keys)
{
	char contents[KEYS_FILE_MAX + 1];
	struct stat st;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return err_raise(errno, "the key %s/%s", path, name);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_mode & 077) {
		close(fd);
		return err_raise(EPERM,
				 "the key %s/%s must be a file that only its owner can read "
				 "(chmod 600)",
				 path, name);
	}
	ssize_t n = read(fd, contents, sizeof(contents));
	close(fd);
	if (n < 0)
		return err_raise(errno, "the key %s/%s", path, name);
	int r = keyset_add(keys, slice_of(contents, (size_t)n));
	ct_wipe(contents, sizeof(contents));
	if (r > 0)
		return err_raise(EINVAL, "the key %s/%s: %s", path, name, keyset_complaint(r));
	return r;
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_keys(int folder, const char *path, struct keyset *keys)
{
	struct dirent **names = NULL;
	int count = scandirat(folder, ".", &names, not_hidden, by_bytes);
	int r = count < 0 ? err_raise(errno, "the keys folder %s", path) : 0;

	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = read_key(folder, path, names[i]->d_name, keys);
		free(names[i]);
	}
	free(names);
	return r;
}

int keysdir_load(struct slice folder, struct keyset *keys, bool *made)
{
	char path[PATH_BYTES];

	*keys = (struct keyset){0};
	*made = false;
	if (folder.len >= sizeof(path))
		return err_raise(ENAMETOOLONG, "the keys folder");
	snprintf(path, sizeof(path), "%.*s", SLICE_ARG(folder));
	int fd = open_folder(path);
	if (fd < 0)
		return fd;
	int r = read_keys(fd, path, keys);
	if (r == 0 && keys->count == 0) {
		r = make_first_key(fd, path);
		if (r == 0)
			r = read_keys(fd, path, keys);
		*made = r == 0;
	}
	close(fd);
	if (r)
		keyset_deinit(keys);
	return r;
}
