/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the real binary by tests/e2e/faults: fails the n-th allocation of one process,
 * libraries' ones included, sets its wall clock, and has one of its threads hang. Built there, by
 * itself; nothing links to it. libfyaml is spared: where it has no memory it dereferences NULL.
 *
 *   test --writes--> file $FAULTS <--maps-- every process that was started with it
 *
 * The file holds one struct faults. Nothing happens while `process` is not one's own id.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

/* In the order of tests/e2e/faults. */
struct faults {
	_Atomic int64_t process;  /* whose allocations fail */
	_Atomic int64_t from, to; /* the first and the last that does; 0: none */
	_Atomic int64_t seen, failed;
	_Atomic int64_t wall_ms; /* how far the wall clock is ahead, in all processes */
	_Atomic int64_t hang;    /* that process's next thread of this kind that comes by does */
	_Atomic int64_t spin;    /* it burns a processor meanwhile */
};

enum { HANG_WORKER = 1, HANG_CONTROL = 2 };

static struct faults nothing, *faults = &nothing;
static int64_t self;

static struct {
	uintptr_t from, to;
} spared;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static int (*real_clock)(clockid_t, struct timespec *);
static long (*real_syscall)(long, ...);

/* For what dlsym itself asks for before there is anybody to ask; never freed. */
static _Alignas(16) char early[8192];
static size_t early_used;

static void *early_take(size_t bytes)
{
	size_t at = early_used;

	early_used += (bytes + 15) & ~(size_t)15;
	return early_used <= sizeof(early) ? early + at : NULL;
}

static void find(void)
{
	if (real_malloc)
		return;
	*(void **)&real_calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
	*(void **)&real_syscall = dlsym(RTLD_NEXT, "syscall");
	*(void **)&real_malloc = dlsym(RTLD_NEXT, "malloc");
}

static int look_at(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	(void)bytes, (void)arg;
	if (!strstr(info->dlpi_name, "libfyaml"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		spared.from = info->dlpi_addr + p->p_vaddr;
		spared.to = spared.from + p->p_memsz;
	}
	return 1;
}

static _Unwind_Reason_Code look_at_caller(struct _Unwind_Context *context, void *hit)
{
	uintptr_t at = _Unwind_GetIP(context);

	*(int *)hit |= at >= spared.from && at < spared.to;
	return _URC_NO_REASON;
}

static int is_spared(void)
{
	int hit = 0;

	_Unwind_Backtrace(look_at_caller, &hit);
	return hit;
}

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("FAULTS");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;

	find();
	self = getpid();
	dl_iterate_phdr(look_at, NULL);
	if (fd < 0)
		return;
	void *at = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		faults = at;
	close(fd);
}

static int fails(void)
{
	static _Thread_local int inside;

	if (faults->process != self || faults->from == 0 || inside)
		return 0;
	inside = 1;
	int spare = is_spared();
	inside = 0;
	if (spare)
		return 0;
	int64_t n = ++faults->seen;
	if (n < faults->from || n > faults->to)
		return 0;
	faults->failed++;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t bytes)
{
	find();
	return fails() ? NULL : real_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	static _Thread_local int inside;

	if (!real_malloc) {
		if (inside)
			return early_take(count * bytes);
		inside = 1;
		find();
		inside = 0;
	}
	return fails() ? NULL : real_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
	find();
	return fails() ? NULL : real_realloc(old, bytes);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	find();
	int r = real_clock(clock, now);
	if (r == 0 && clock == CLOCK_REALTIME) {
		int64_t ns = (int64_t)now->tv_nsec + faults->wall_ms % 1000 * 1000000;
		now->tv_sec += faults->wall_ms / 1000 + (ns < 0 ? -1 : ns / 1000000000);
		now->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
	}
	return r;
}

static void hang(void)
{
	const struct timespec day = {.tv_sec = 86400};

	for (;;)
		if (!faults->spin)
			nanosleep(&day, NULL);
}

/* The reactor waits this way; see net/reactor.c. The kernel's calls have six arguments at most, and
 * whoever gives fewer has them in registers all the same. */
long syscall(long number, ...)
{
	int64_t kind = gettid() == getpid() ? HANG_CONTROL : HANG_WORKER;
	long a[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	find();
	long r = real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_epoll_pwait && faults->process == self &&
	    atomic_compare_exchange_strong(&faults->hang, &kind, 0))
		hang();
	return r;
}
