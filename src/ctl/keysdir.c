/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the keys folder, making it where there is none; see keysdir.h. */
#include "ctl/keysdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ct.h"
#include "base/err.h"
#include "net/random.h"

enum { PATH_BYTES = 4096, FIRST_KEY_BYTES = 32 };

#define FIRST_KEY_NAME       "0001.key"
#define ASSERTION_PREFIX     "assertion-"
#define FIRST_ASSERTION_NAME ASSERTION_PREFIX "0001.pem"
#define AUDITLOG_PREFIX      "auditlog-"
#define FIRST_AUDITLOG_NAME  AUDITLOG_PREFIX "0001.pem"

static int open_folder(const char *path, bool make)
{
	struct stat st;

	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make) {
		if (mkdir(path, 0700) && errno != EEXIST)
			return err_raise(errno, "the keys folder %s", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
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

/* Whole or not at all, and never over a file that somebody else has just made: two nodes may
 * start at once on one folder. 0 also when it was there already. */
static int write_new(int folder, const char *path, const char *name, struct slice contents)
{
	char unfinished[64];

	snprintf(unfinished, sizeof(unfinished), ".unfinished-%ld", (long)getpid());
	int fd = openat(folder, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_raise(errno, "a first key in %s", path);
	bool whole =
		write(fd, contents.data, contents.len) == (ssize_t)contents.len && fsync(fd) == 0;
	int failed = whole ? 0 : errno ? errno : EIO;
	close(fd);
	if (!failed && linkat(folder, unfinished, folder, name, 0) && errno != EEXIST)
		failed = errno;
	unlinkat(folder, unfinished, 0);
	return failed ? err_raise(failed, "a first key in %s", path) : 0;
}

/* The file's bytes in contents, KEYS_FILE_MAX + 1 of them at most. Returns how many, or -errno. */
static int read_contents(int folder, const char *path, const char *name, char *contents)
{
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
	ssize_t n = read(fd, contents, KEYS_FILE_MAX + 1);
	close(fd);
	return n < 0 ? err_raise(errno, "the key %s/%s", path, name) : (int)n;
}

/* What the files of a folder are read into: exactly one of the three. */
struct kind {
	struct keyset *keys;
	struct assertion_keys *assertion_keys;
	struct auditlog_keys *auditlog_keys;
};

static const char *complaint(const struct kind *kind, int outcome)
{
	if (kind->assertion_keys)
		return assertion_keys_complaint(outcome);
	return kind->auditlog_keys ? auditlog_keys_complaint(outcome) : keyset_complaint(outcome);
}

static int add_key(const struct kind *kind, const char *path, const char *name,
		   struct slice contents)
{
	int r;

	if (kind->assertion_keys)
		r = assertion_keys_add(kind->assertion_keys, contents);
	else if (kind->auditlog_keys)
		r = auditlog_keys_add(kind->auditlog_keys, contents);
	else
		r = keyset_add(kind->keys, contents);
	if (r <= 0)
		return r;
	return err_raise(EINVAL, "the key %s/%s: %s", path, name, complaint(kind, r));
}

static int read_key(int folder, const char *path, const char *name, const struct kind *kind)
{
	char contents[KEYS_FILE_MAX + 1];
	int n = read_contents(folder, path, name, contents);

	if (n < 0)
		return n;
	int r = add_key(kind, path, name, slice_of(contents, (size_t)n));
	ct_wipe(contents, sizeof(contents));
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

static bool is_of_kind(const char *name, const struct kind *kind)
{
	struct slice s = slice_from_cstr(name);

	if (slice_starts_with(s, SLICE(ASSERTION_PREFIX)))
		return kind->assertion_keys != NULL;
	if (slice_starts_with(s, SLICE(AUDITLOG_PREFIX)))
		return kind->auditlog_keys != NULL;
	return kind->keys != NULL;
}

static int read_keys(int folder, const char *path, const struct kind *kind)
{
	struct dirent **names = NULL;
	int count = scandirat(folder, ".", &names, not_hidden, by_bytes);
	int r = count < 0 ? err_raise(errno, "the keys folder %s", path) : 0;

	for (int i = 0; i < count; i++) {
		if (r == 0 && is_of_kind(names[i]->d_name, kind))
			r = read_key(folder, path, names[i]->d_name, kind);
		free(names[i]);
	}
	free(names);
	return r;
}

/* --- the first ones */

static int write_pem(int folder, const char *path, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	bool good = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	long len = good ? BIO_get_mem_data(bio, &text) : 0;
	int r = len > 0 ? write_new(folder, path, FIRST_ASSERTION_NAME, slice_of(text, (size_t)len))
			: err_raise(ENOMEM, "a first key in %s", path);

	if (len > 0)
		ct_wipe(text, (size_t)len);
	BIO_free(bio);
	return r;
}

static int make_first_assertion_key(int folder, const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	int r = key ? write_pem(folder, path, key) : err_raise(EIO, "cannot make a key of P-256");

	EVP_PKEY_free(key);
	return r;
}

static int make_first_auditlog_key(int folder, const char *path)
{
	struct buf pem;

	buf_init(&pem, KEYS_FILE_MAX);
	int r = auditlog_key_make(&pem);
	if (r == 0)
		r = write_new(folder, path, FIRST_AUDITLOG_NAME, buf_slice(&pem));
	if (pem.data)
		ct_wipe(pem.data, pem.cap);
	buf_deinit(&pem);
	return r;
}

static bool is_empty(const struct kind *kind)
{
	if (kind->assertion_keys)
		return kind->assertion_keys->count == 0;
	return kind->auditlog_keys ? kind->auditlog_keys->count == 0 : kind->keys->count == 0;
}

static int make_first(int folder, const char *path, const struct kind *kind)
{
	if (kind->assertion_keys)
		return make_first_assertion_key(folder, path);
	return kind->auditlog_keys ? make_first_auditlog_key(folder, path)
				   : make_first_key(folder, path);
}

/* made NULL: nothing is made, not even the folder. */
static int load(struct slice folder, const struct kind *kind, bool *made)
{
	char path[PATH_BYTES];

	if (made)
		*made = false;
	if (folder.len >= sizeof(path))
		return err_raise(ENAMETOOLONG, "the keys folder");
	snprintf(path, sizeof(path), "%.*s", SLICE_ARG(folder));
	int fd = open_folder(path, made != NULL);
	if (fd < 0)
		return fd;
	int r = read_keys(fd, path, kind);
	if (r == 0 && made && is_empty(kind)) {
		r = make_first(fd, path, kind);
		if (r == 0)
			r = read_keys(fd, path, kind);
		*made = r == 0;
	}
	close(fd);
	return r;
}

int keysdir_load(struct slice folder, struct keyset *keys, bool *made)
{
	const struct kind kind = {.keys = keys};

	*keys = (struct keyset){0};
	int r = load(folder, &kind, made);
	if (r)
		keyset_deinit(keys);
	return r;
}

int keysdir_load_assertion(struct slice folder, struct assertion_keys *keys, bool *made)
{
	const struct kind kind = {.assertion_keys = keys};

	*keys = (struct assertion_keys){0};
	int r = load(folder, &kind, made);
	if (r)
		assertion_keys_deinit(keys);
	return r;
}

static int load_auditlog(struct slice folder, struct auditlog_keys *keys, bool *made)
{
	const struct kind kind = {.auditlog_keys = keys};

	*keys = (struct auditlog_keys){0};
	int r = load(folder, &kind, made);
	if (r)
		auditlog_keys_deinit(keys);
	return r;
}

int keysdir_load_auditlog(struct slice folder, struct auditlog_keys *keys, bool *made)
{
	return load_auditlog(folder, keys, made);
}

int keysdir_read_auditlog(struct slice folder, struct auditlog_keys *keys)
{
	return load_auditlog(folder, keys, NULL);
}
