/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts a process's allocations for somebody outside of it:
 *
 *   cc -shared -fPIC -o countmalloc.so countmalloc.c
 *   COUNTMALLOC=/tmp/count LD_PRELOAD=./countmalloc.so PROGRAM
 *
 * Each process with it keeps eight bytes in /tmp/count.PID: how often its main thread or any
 * other asked for memory. What is freed is not counted. glibc only.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static _Atomic uint64_t unseen, *count = &unseen;

static __attribute__((constructor)) void start(void)
{
	const char *where = getenv("COUNTMALLOC");
	char path[512];

	if (!where)
		return;
	snprintf(path, sizeof(path), "%s.%d", where, (int)getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, sizeof(*count)))
		abort();
	void *shared = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		abort();
	close(fd);
	count = shared;
}

static void counted(void)
{
	atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

void *malloc(size_t bytes)
{
	counted();
	return __libc_malloc(bytes);
}

void *calloc(size_t items, size_t bytes)
{
	counted();
	return __libc_calloc(items, bytes);
}

void *realloc(void *old, size_t bytes)
{
	counted();
	return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	counted();
	return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
	counted();
	*out = __libc_memalign(alignment, bytes);
	return *out ? 0 : 12; /* ENOMEM */
}
