/* SPDX-License-Identifier: Apache-2.0 */
/* The disk and the machine behind struct conf_files; see files.h. */
#include "conf/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, struct buf *into)
{
	for (;;) {
		char part[16 * 1024];
		ssize_t n = read(fd, part, sizeof(part));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		int r = buf_append(into, slice_of(part, (size_t)n));
		if (r)
			return r;
	}
}

static int real_read(void *context, const char *path, struct buf *into)
{
	(void)context;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int r = read_all(fd, into);
	close(fd);
	return r;
}

/* The permission bits of the files in a folder, or-ed together. */
static unsigned worst_mode(const char *path)
{
	unsigned worst = 0;
	DIR *d = opendir(path);

	if (!d)
		return 0;
	for (struct dirent *entry; (entry = readdir(d));) {
		struct stat st;
		if (fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			worst |= st.st_mode & 0777;
	}
	closedir(d);
	return worst;
}

static int real_look(void *context, const char *path, struct conf_file_info *info)
{
	struct stat st;

	(void)context;
	if (stat(path, &st))
		return -errno;
	info->folder = S_ISDIR(st.st_mode);
	info->mode = st.st_mode & 0777;
	info->readable = access(path, info->folder ? R_OK | X_OK : R_OK) == 0;
	info->worst = info->folder ? worst_mode(path) : 0;
	return 0;
}

static uint64_t open_files_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 1024;
	return limit.rlim_max == RLIM_INFINITY ? 1024 * 1024 : limit.rlim_max;
}

/* The cgroup's maximum where there is one below what the machine has. */
static uint64_t memory_limit(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 1 << 30;
	char text[32] = "";
	int fd = open("/sys/fs/cgroup/memory.max", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		ssize_t n = read(fd, text, sizeof(text) - 1);
		char *end = text;
		unsigned long long most = n > 0 ? strtoull(text, &end, 10) : 0;
		if (end != text && most > 0 && most < memory)
			memory = most;
		close(fd);
	}
	return memory;
}

const struct conf_files *conf_files_real(void)
{
	static _Thread_local struct conf_files real;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	real = (struct conf_files){
		.read = real_read,
		.look = real_look,
		.descriptors = open_files_limit(),
		.memory = memory_limit(),
		.processors = processors > 0 ? (uint32_t)processors : 1,
	};
	return &real;
}
