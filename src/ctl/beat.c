/* SPDX-License-Identifier: Apache-2.0 */
/* One page, written by one process and read by another; see beat.h. */
#include "ctl/beat.h"

#include <sys/mman.h>
#include <unistd.h>

static struct beat *page;

static struct beat *map(int fd)
{
	void *at = mmap(NULL, sizeof(struct beat), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct beat *beat_new(int *fd)
{
	*fd = memfd_create("sallyport-beat", MFD_CLOEXEC);
	if (*fd < 0)
		return NULL;
	struct beat *b = ftruncate(*fd, sizeof(*b)) ? NULL : map(*fd);
	if (!b)
		close(*fd);
	return b;
}

struct beat *beat_free(struct beat *b)
{
	if (b)
		munmap(b, sizeof(*b));
	return NULL;
}

void beat_take(int fd)
{
	page = map(fd);
	close(fd);
}

bool beat_taken(void)
{
	return page != NULL;
}

enum beat_state beat_enter(enum beat_state state)
{
	return page ? (enum beat_state)atomic_exchange(&page->state, (uint32_t)state)
		    : BEAT_UNWATCHED;
}

void beat_turn(void)
{
	if (page)
		atomic_fetch_add(&page->turns, 1);
}

void beat_alive(void)
{
	if (page)
		atomic_fetch_add(&page->alive, 1);
}
