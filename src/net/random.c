/* SPDX-License-Identifier: Apache-2.0 */
/* A pool of the kernel's random bytes per thread; see random.h. */
#include "net/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "base/ct.h"
#include "base/err.h"

enum { POOL_BYTES = 512 };

static _Thread_local struct {
	uint8_t bytes[POOL_BYTES];
	size_t left; /* at the end of bytes */
	unsigned generation;
} pool;

/* Moves on in every forked child: what is in its copies of the pools belongs to the parent. */
static atomic_uint generation;

static void forked(void)
{
	atomic_fetch_add(&generation, 1);
}

static int fork_watch_failed;

static void watch_forks(void)
{
	fork_watch_failed = pthread_atfork(NULL, NULL, forked);
}

static int from_kernel(uint8_t *out, size_t bytes)
{
	while (bytes) {
		ssize_t n = getrandom(out, bytes, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_raise(n ? errno : EIO, "the kernel gives no random bytes");
		out += n;
		bytes -= (size_t)n;
	}
	return 0;
}

static int refill(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	if (fork_watch_failed)
		return err_raise(fork_watch_failed, "cannot watch for forks");
	pool.left = 0;
	int r = from_kernel(pool.bytes, POOL_BYTES);
	if (r)
		return r;
	pool.left = POOL_BYTES;
	pool.generation = atomic_load(&generation);
	return 0;
}

int random_bytes(void *out, size_t bytes)
{
	int r = 0;

	if (bytes > POOL_BYTES / 4) {
		r = from_kernel(out, bytes);
		if (r)
			ct_wipe(out, bytes);
		return r;
	}
	if (bytes > pool.left || pool.generation != atomic_load(&generation))
		r = refill();
	if (r) {
		memset(out, 0, bytes);
		return r;
	}
	uint8_t *from = pool.bytes + POOL_BYTES - pool.left;
	memcpy(out, from, bytes);
	memset(from, 0, bytes);
	pool.left -= bytes;
	return 0;
}
