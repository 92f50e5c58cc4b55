/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two lists: where files may be read, and which system calls may be made; see sandbox.h.
 *
 * Landlock is called directly: the kernel's headers of older systems do not know its newer
 * rights, and the running kernel says which it has. All of them are taken away; a right that
 * is not named here would be left.
 */
#include "ctl/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

/* --- builds that cannot be confined */

#if defined(__SANITIZE_ADDRESS__)
#define UNFIT "built with AddressSanitizer"
#elif defined(__SANITIZE_THREAD__)
#define UNFIT "built with ThreadSanitizer"
#elif defined(SALLYPORT_COVERAGE)
#define UNFIT "built for measuring coverage"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define UNFIT "built with a sanitizer"
#endif
#endif
#ifndef UNFIT
#define UNFIT NULL
#endif

const char *sandbox_unfit(void)
{
	return UNFIT;
}

/* --- files */

/* As in linux/landlock.h of a newer kernel. */
struct ruleset {
	uint64_t files, net, scopes;
};

enum {
	READ_FILE = LANDLOCK_ACCESS_FS_READ_FILE,
	READ_FOLDER = LANDLOCK_ACCESS_FS_READ_DIR,
	/* A file is renamed by removing its old name. */
	WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
		LANDLOCK_ACCESS_FS_REMOVE_FILE,
	SCOPE_ABSTRACT_SOCKETS = 1 << 0,
	SCOPE_SIGNALS = 1 << 1,
};

/* The rights over files that each version of Landlock knows: so many from bit 0 on. */
static unsigned rights_over_files(unsigned level)
{
	return level >= 5 ? 16 : level >= 3 ? 15 : level == 2 ? 14 : 13;
}

static struct ruleset everything(unsigned level, size_t *bytes)
{
	struct ruleset all = {.files = (UINT64_C(1) << rights_over_files(level)) - 1};

	/* Signals to others, and sockets that have no file. Ports are another matter: a reload
	 * may open any. */
	if (level >= 6)
		all.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
	*bytes = level >= 6 ? sizeof(all) : sizeof(all.files);
	return all;
}

static int allow(int ruleset, const char *path, uint64_t rights)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			       ? 0
			       : err_raise(errno, "sandbox: %s", path);
	struct landlock_path_beneath_attr below = {
		.allowed_access = rights,
		.parent_fd = fd,
	};
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		below.allowed_access |= READ_FOLDER;
	long r = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
	int failed = errno;
	close(fd);
	return r ? err_raise(failed, "sandbox: %s", path) : 0;
}

/* The path is followed to its end by the kernel; where the last piece is a link, the rule is
 * about what it leads to. */
static int allow_all(int ruleset, const struct slice *paths, size_t count, uint64_t rights)
{
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (paths[i].len == 0 || paths[i].len >= sizeof(path))
			continue;
		snprintf(path, sizeof(path), "%.*s", SLICE_ARG(paths[i]));
		r = allow(ruleset, path, rights);
	}
	return r;
}

int sandbox_files(const struct slice *paths, size_t count, struct slice written, unsigned *level)
{
	long known = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	size_t bytes;

	*level = 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_raise(errno, "sandbox: no_new_privs");
	if (known <= 0)
		return 0; /* an older kernel, or one that has it switched off */
	struct ruleset all = everything((unsigned)known, &bytes);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, bytes, 0);
	if (ruleset < 0)
		return err_raise(errno, "sandbox: Landlock");
	int r = allow_all(ruleset, paths, count, READ_FILE);
	if (r == 0)
		r = allow_all(ruleset, &written, 1, READ_FILE | WRITE);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0))
		r = err_raise(errno, "sandbox: Landlock");
	close(ruleset);
	if (r == 0)
		*level = (unsigned)known;
	return r;
}

/* --- system calls */

/* clang-format off */

/* What threads, descriptors, clocks and memory need; harmless with any argument, given that
 * files can only be opened for reading. */
static const char *const allowed[] = {
	"read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64",
	"close", "close_range", "dup", "dup3", "fcntl", "lseek", "pipe2", "eventfd2",
	"fstat", "newfstatat", "stat", "lstat", "statx", "fstatfs", "statfs",
	"access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "getcwd",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	"poll", "ppoll", "select", "pselect6",
	"bind", "listen", "accept", "accept4", "connect", "shutdown", "getsockname", "getpeername",
	"setsockopt", "getsockopt", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	"futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "membarrier",
	"gettid", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid",
	"getresuid", "getresgid", "getgroups", "getrandom", "getrusage", "sysinfo", "uname",
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times",
	"brk", "munmap", "mremap", "madvise",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
	"exit", "exit_group",
};

/* What an audit log needs besides. */
static const char *const allowed_writing[] = {"flock", "fsync", "fdatasync"};

/* Nobody but an intruder calls these. */
static const char *const deadly[] = {
	"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"mount", "umount2", "pivot_root", "chroot", "fsopen", "open_tree", "move_mount", "setns", "unshare",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"keyctl", "add_key", "request_key", "open_by_handle_at", "pidfd_getfd",
};

#define IS(argument, value)         {argument, SCMP_CMP_EQ, value, 0}
#define BITS(argument, mask, value) {argument, SCMP_CMP_MASKED_EQ, mask, value}

enum {
	OPEN_CHANGES = O_ACCMODE | O_CREAT | O_TRUNC,
	/* O_TMPFILE, a file without a name, has the bit of O_DIRECTORY. */
	OPEN_APPENDS = O_ACCMODE | O_APPEND | O_TRUNC | O_DIRECTORY,
	SOCKET_TYPE = 0xf, /* without SOCK_NONBLOCK and SOCK_CLOEXEC */
	NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
			 CLONE_NEWPID | CLONE_NEWNET,
	MEMORY_NAME = 0x53564d41, /* PR_SET_VMA: malloc names its memory */
};

enum { CONDITIONS = 3 };

/* Allowed when all conditions of a row hold; several rows of one call are alternatives. */
static const struct {
	const char *name;
	struct scmp_arg_cmp when[CONDITIONS];
	unsigned count;
} allowed_when[] = {
	/* for reading, and nothing is made */
	{"open",     {BITS(1, OPEN_CHANGES, O_RDONLY)}, 1},
	{"openat",   {BITS(2, OPEN_CHANGES, O_RDONLY)}, 1},
	/* memory that runs is never memory that can be written; only libraries' files */
	{"mmap",     {BITS(2, PROT_EXEC, 0)}, 1},
	{"mmap",     {BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), BITS(3, MAP_ANONYMOUS, 0)}, 2},
	{"mprotect", {BITS(2, PROT_EXEC, 0)}, 1},
	/* threads, not processes */
	{"clone",    {BITS(0, CLONE_THREAD | CLONE_VM | NEW_NAMESPACES, CLONE_THREAD | CLONE_VM)}, 1},
	{"socket",   {IS(0, AF_INET),  BITS(1, SOCKET_TYPE, SOCK_STREAM)}, 2},
	{"socket",   {IS(0, AF_INET),  BITS(1, SOCKET_TYPE, SOCK_DGRAM)}, 2},
	{"socket",   {IS(0, AF_INET6), BITS(1, SOCKET_TYPE, SOCK_STREAM)}, 2},
	{"socket",   {IS(0, AF_INET6), BITS(1, SOCKET_TYPE, SOCK_DGRAM)}, 2},
	{"socket",   {IS(0, AF_UNIX),  BITS(1, SOCKET_TYPE, SOCK_STREAM)}, 2},
	{"socket",   {IS(0, AF_UNIX),  BITS(1, SOCKET_TYPE, SOCK_DGRAM)}, 2},
	/* the resolver asks which addresses we have */
	{"socket",   {IS(0, AF_NETLINK), BITS(1, SOCKET_TYPE, SOCK_RAW), IS(2, NETLINK_ROUTE)}, 3},
	{"socketpair", {IS(0, AF_UNIX)}, 1},
	{"ioctl",    {IS(1, FIONREAD)}, 1},
	{"ioctl",    {IS(1, FIONBIO)}, 1},
	{"ioctl",    {IS(1, TCGETS)}, 1},
	/* asked, not changed */
	{"prlimit64", {IS(0, 0), IS(2, 0)}, 2},
	{"prctl",    {IS(0, PR_SET_NAME)}, 1},
	{"prctl",    {IS(0, PR_GET_NAME)}, 1},
	{"prctl",    {IS(0, MEMORY_NAME)}, 1},
};

static const struct {
	const char *name;
	struct scmp_arg_cmp when[CONDITIONS];
	unsigned count;
} allowed_writing_when[] = {
	/* for appending, and it is made if it is not there */
	{"open",   {BITS(1, OPEN_APPENDS, O_WRONLY | O_APPEND)}, 1},
	{"openat", {BITS(2, OPEN_APPENDS, O_WRONLY | O_APPEND)}, 1},
	{"renameat2", {IS(4, RENAME_NOREPLACE)}, 1},
};
/* clang-format on */

static int add(scmp_filter_ctx filter, uint32_t verdict, const char *name,
	       const struct scmp_arg_cmp *when, unsigned count)
{
	int number = seccomp_syscall_resolve_name(name);

	/* This processor has none of that name. */
	if (number == __NR_SCMP_ERROR || number < 0)
		return 0;
	int r = seccomp_rule_add_array(filter, verdict, number, count, when);
	return r ? err_raise(-r, "sandbox: %s", name) : 0;
}

static int fill_writing(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(allowed_writing) / sizeof(allowed_writing[0]); i++)
		r = add(filter, SCMP_ACT_ALLOW, allowed_writing[i], NULL, 0);
	for (size_t i = 0;
	     r == 0 && i < sizeof(allowed_writing_when) / sizeof(allowed_writing_when[0]); i++)
		r = add(filter, SCMP_ACT_ALLOW, allowed_writing_when[i].name,
			allowed_writing_when[i].when, allowed_writing_when[i].count);
	return r;
}

static int fill(scmp_filter_ctx filter)
{
	/* abort() */
	const struct scmp_arg_cmp ourselves[] = {IS(0, (scmp_datum_t)getpid())};
	int r = add(filter, SCMP_ACT_ALLOW, "tgkill", ourselves, 1);

	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		r = add(filter, SCMP_ACT_ALLOW, allowed[i], NULL, 0);
	for (size_t i = 0; r == 0 && i < sizeof(deadly) / sizeof(deadly[0]); i++)
		r = add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], NULL, 0);
	for (size_t i = 0; r == 0 && i < sizeof(allowed_when) / sizeof(allowed_when[0]); i++)
		r = add(filter, SCMP_ACT_ALLOW, allowed_when[i].name, allowed_when[i].when,
			allowed_when[i].count);
	/* Its flags lie in memory, where a filter cannot look; without it, libc uses clone. */
	if (r == 0)
		r = add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", NULL, 0);
	if (r == 0)
		r = add(filter, SCMP_ACT_ERRNO(ENOSYS), "openat2", NULL, 0);
	return r;
}

int sandbox_calls(bool writes)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!filter)
		return err_raise(ENOMEM, "sandbox: seccomp");
	/* Calls of another processor's numbering would be read wrongly. */
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
	r = r ? err_raise(-r, "sandbox: seccomp") : fill(filter);
	if (r == 0 && writes)
		r = fill_writing(filter);
	if (r == 0 && (r = seccomp_load(filter)) != 0)
		r = err_raise(-r, "sandbox: seccomp");
	seccomp_release(filter);
	return r;
}
