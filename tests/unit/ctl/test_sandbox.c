/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an escaped parser could not do: each row is tried by a process of its own that has
 * entered the sandbox, as the code of an intruder would.
 */
#include "ctl/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define ROOM_FORM "/tmp/sallyport-sandbox-XXXXXX"

static char room[] = ROOM_FORM;    /* may be read by the confined process */
static char beside[] = ROOM_FORM;  /* may not */
static char written[] = ROOM_FORM; /* where an audit log is written */
static char file_in[64], file_beside[64], file_written[64];

/* Returns -1 with errno, as system calls do; anything else worked. */
typedef long (*attempt_fn)(void);

/* --- what must not work */

static long run_a_program(void)
{
	char *argv[] = {(char[]){"/bin/true"}, NULL};
	return execv(argv[0], argv);
}

static long run_a_descriptor(void)
{
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	char *argv[] = {(char[]){"true"}, NULL};
	return fd < 0 ? -1 : syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
}

static long start_a_process(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid;
}

static long start_a_process_by_clone3(void)
{
	uint64_t args[8] = {[4] = SIGCHLD};
	long pid = syscall(SYS_clone3, args, sizeof(args));
	if (pid == 0)
		_exit(0);
	return pid;
}

static long start_a_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long write_a_file(void)
{
	return open(file_in, O_WRONLY);
}

static long append_to_a_file(void)
{
	return open(file_in, O_RDWR | O_APPEND);
}

static long truncate_when_opening(void)
{
	return open(file_in, O_RDONLY | O_TRUNC);
}

static long make_a_file(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/new", room);
	return open(path, O_RDONLY | O_CREAT, 0600);
}

static long make_a_file_without_a_name(void)
{
	return open(room, O_RDWR | O_TMPFILE, 0600);
}

static long make_memory_that_is_a_file(void)
{
	return memfd_create("x", 0);
}

static long read_what_is_not_named(void)
{
	return open(file_beside, O_RDONLY);
}

static long list_what_is_not_named(void)
{
	return open("/root", O_RDONLY | O_DIRECTORY);
}

static long read_another_process(void)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)getppid());
	return open(path, O_RDONLY);
}

static long change_own_memory_by_file(void)
{
	return open("/proc/self/mem", O_RDWR);
}

static long remove_a_file(void)
{
	return unlink(file_in);
}

static long rename_a_file(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/other", room);
	return rename(file_in, path);
}

static long link_a_file(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/other", room);
	return link(file_in, path);
}

static long make_a_folder(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/folder", room);
	return mkdir(path, 0700);
}

static long open_to_everybody(void)
{
	return chmod(file_in, 0666);
}

static long give_away(void)
{
	return chown(file_in, 1, 1);
}

static long shorten(void)
{
	return truncate(file_in, 0);
}

static long trace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long let_oneself_be_traced(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long read_memory_of_another(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long end_another(void)
{
	return kill(getppid(), 0);
}

static long end_a_thread_of_another(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long become_somebody_else(void)
{
	return setuid(65534);
}

static long become_root(void)
{
	return setresuid(0, 0, 0);
}

static long run_what_was_written(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	return p == MAP_FAILED ? -1 : 0;
}

static long make_written_memory_run(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? 0 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long make_fresh_memory_run(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : 0;
}

static long mount_something(void)
{
	return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
}

static long load_a_program_into_the_kernel(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long queue_calls_past_the_filter(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long hold_page_faults(void)
{
	return syscall(SYS_userfaultfd, 0);
}

static long send_any_packet(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}

static long listen_to_all_packets(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long use_the_kernels_ciphers(void)
{
	return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static long talk_to_the_audit(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

static long raise_a_limit(void)
{
	struct rlimit limit = {1, 1};
	return setrlimit(RLIMIT_CORE, &limit);
}

static long write_what_a_terminal_reads(void)
{
	return ioctl(0, 0x5412 /* TIOCSTI */, "x");
}

static long make_a_socket_with_a_name(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", room);
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof(name));
}

static long take_the_filter_off(void)
{
	return prctl(PR_SET_SECCOMP, 0, 0, 0, 0);
}

/* --- what must work */

static long read_what_is_named(void)
{
	char byte;
	int fd = open(file_in, O_RDONLY);
	return fd < 0 ? -1 : read(fd, &byte, 1) == 1 ? 0 : -1;
}

static void *set_true(void *arg)
{
	*(bool *)arg = true;
	return NULL;
}

static long start_a_thread(void)
{
	pthread_t thread;
	bool ran = false;
	return pthread_create(&thread, NULL, set_true, &ran) || pthread_join(thread, NULL) || !ran
		       ? -1
		       : 0;
}

static long listen_on_a_port(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return bind(fd, (struct sockaddr *)&any, sizeof(any)) ? -1 : listen(fd, 1);
}

static long take_memory(void)
{
	size_t bytes = 64 << 20;
	char *p = malloc(bytes);
	if (!p)
		return -1;
	memset(p, 1, bytes);
	free(p);
	return 0;
}

static long learn_own_addresses(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* --- with an audit log */

static long append(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
	return fd < 0 ? -1 : write(fd, "x", 1);
}

static long append_to_the_log(void)
{
	return append(file_written);
}

static long make_the_next_log(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/next", written);
	return append(path);
}

static long append_elsewhere(void)
{
	return append(file_in);
}

static long overwrite_the_log(void)
{
	return open(file_written, O_WRONLY);
}

static long truncate_the_log(void)
{
	return open(file_written, O_WRONLY | O_APPEND | O_TRUNC);
}

static long shorten_the_log(void)
{
	return truncate(file_written, 0);
}

static long remove_the_log(void)
{
	return unlink(file_written);
}

static long rename_the_log(unsigned flags)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/file.000001", written);
	return renameat2(AT_FDCWD, file_written, AT_FDCWD, path, flags);
}

static long rename_the_log_aside(void)
{
	return rename_the_log(RENAME_NOREPLACE);
}

static long rename_the_log_over_another(void)
{
	return rename_the_log(0);
}

static long exchange_the_log(void)
{
	return rename_the_log(RENAME_EXCHANGE);
}

static long make_a_log_without_a_name(void)
{
	return open(written, O_WRONLY | O_APPEND | O_TMPFILE, 0600);
}

static long put_the_log_elsewhere(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/log", room);
	return renameat2(AT_FDCWD, file_written, AT_FDCWD, path, RENAME_NOREPLACE);
}

struct row {
	const char *says;
	attempt_fn attempt;
	bool works;
};

static const struct row writing_rows[] = {
	{"append to the log", append_to_the_log, true},
	{"make the next log", make_the_next_log, true},
	{"append elsewhere", append_elsewhere, false},
	{"overwrite the log", overwrite_the_log, false},
	{"truncate the log", truncate_the_log, false},
	{"shorten the log", shorten_the_log, false},
	{"remove the log", remove_the_log, false},
	{"make a log without a name", make_a_log_without_a_name, false},
	{"put the log elsewhere", put_the_log_elsewhere, false},
	{"rename the log over another", rename_the_log_over_another, false},
	{"exchange the log", exchange_the_log, false},
	{"rename the log aside", rename_the_log_aside, true},
};

static const struct row rows[] = {
	{"run a program", run_a_program, false},
	{"run a program by its descriptor", run_a_descriptor, false},
	{"start a process", start_a_process, false},
	{"start a process by clone3", start_a_process_by_clone3, false},
	{"start a namespace", start_a_namespace, false},
	{"write a file", write_a_file, false},
	{"append to a file", append_to_a_file, false},
	{"truncate a file when opening it", truncate_when_opening, false},
	{"make a file", make_a_file, false},
	{"make a file without a name", make_a_file_without_a_name, false},
	{"make memory that is a file", make_memory_that_is_a_file, false},
	{"read a file that is not named", read_what_is_not_named, false},
	{"list a folder that is not named", list_what_is_not_named, false},
	{"read another process", read_another_process, false},
	{"change its own memory by a file", change_own_memory_by_file, false},
	{"remove a file", remove_a_file, false},
	{"rename a file", rename_a_file, false},
	{"link a file", link_a_file, false},
	{"make a folder", make_a_folder, false},
	{"open a file to everybody", open_to_everybody, false},
	{"give a file away", give_away, false},
	{"shorten a file", shorten, false},
	{"trace its parent", trace, false},
	{"let itself be traced", let_oneself_be_traced, false},
	{"read another's memory", read_memory_of_another, false},
	{"signal another", end_another, false},
	{"signal another's thread", end_a_thread_of_another, false},
	{"become somebody else", become_somebody_else, false},
	{"become root", become_root, false},
	{"map memory to write and run", run_what_was_written, false},
	{"make written memory run", make_written_memory_run, false},
	{"make fresh memory run", make_fresh_memory_run, false},
	{"mount", mount_something, false},
	{"load a program into the kernel", load_a_program_into_the_kernel, false},
	{"queue calls past the filter", queue_calls_past_the_filter, false},
	{"hold page faults", hold_page_faults, false},
	{"send any packet", send_any_packet, false},
	{"listen to all packets", listen_to_all_packets, false},
	{"use the kernel's ciphers", use_the_kernels_ciphers, false},
	{"talk to the audit", talk_to_the_audit, false},
	{"raise a limit", raise_a_limit, false},
	{"write what a terminal reads", write_what_a_terminal_reads, false},
	{"make a socket with a name", make_a_socket_with_a_name, false},
	{"take the filter off", take_the_filter_off, false},

	{"read a file that is named", read_what_is_named, true},
	{"start a thread", start_a_thread, true},
	{"listen on a port", listen_on_a_port, true},
	{"take and give back memory", take_memory, true},
	{"learn its own addresses", learn_own_addresses, true},
};

enum { WORKED = 0, FAILED = 1, NOT_CONFINED = 2 };

/* In a process of its own. Returns how that ended, or the negative signal. */
static int try(attempt_fn attempt, bool writes)
{
	const struct slice paths[] = {slice_from_cstr(room), SLICE("/usr"), SLICE("/lib"),
				      SLICE("/proc/self"), SLICE("/nowhere/at/all")};
	unsigned level;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct slice folder = writes ? slice_from_cstr(written) : slice_of(NULL, 0);
		if (sandbox_files(paths, COUNT(paths), folder, &level) || sandbox_calls(writes))
			_exit(NOT_CONFINED);
		_exit(attempt() < 0 ? FAILED : WORKED);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void check_row(const struct row *at, bool writes)
{
	int outcome = try(at->attempt, writes);

	if (at->works)
		ROW_CHECK(at, outcome == WORKED);
	else
		ROW_CHECK(at, outcome == FAILED || outcome == -SIGSYS);
}

static void test_rows(void **state)
{
	(void)state;
	if (sandbox_unfit())
		skip();
	EACH_ROW (at, rows)
		check_row(at, false);
}

/* An audit log opens one folder for appending, and nothing else. */
static void test_rows_with_an_audit_log(void **state)
{
	(void)state;
	if (sandbox_unfit())
		skip();
	EACH_ROW (at, rows)
		check_row(at, true);
	EACH_ROW (at, writing_rows)
		check_row(at, true);
}

/* A filter that lets nothing through would pass the rows above; without it they work. */
static void test_rows_can_fail(void **state)
{
	static const attempt_fn samples[] = {write_a_file, read_what_is_not_named, run_a_program,
					     make_written_memory_run};
	int status;

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(samples[i]() < 0);
		assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

struct elder {
	pthread_barrier_t confined;
	bool opened;
};

static void *try_as_elder(void *arg)
{
	struct elder *e = arg;

	pthread_barrier_wait(&e->confined);
	e->opened = open(file_in, O_WRONLY) >= 0;
	return NULL;
}

/* A thread that was there before the calls were taken away has lost them as well. */
static void test_every_thread_is_in_it(void **state)
{
	int status = -1;

	(void)state;
	if (sandbox_unfit())
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		struct elder e = {0};
		pthread_t thread;
		pthread_barrier_init(&e.confined, NULL, 2);
		if (pthread_create(&thread, NULL, try_as_elder, &e) || sandbox_calls(false))
			_exit(NOT_CONFINED);
		pthread_barrier_wait(&e.confined);
		pthread_join(thread, NULL);
		_exit(e.opened ? WORKED : FAILED);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FAILED);
}

static void put_file(char *path, size_t bytes, const char *folder)
{
	snprintf(path, bytes, "%s/file", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(room));
	assert_non_null(mkdtemp(beside));
	assert_non_null(mkdtemp(written));
	put_file(file_in, sizeof(file_in), room);
	put_file(file_written, sizeof(file_written), written);
	put_file(file_beside, sizeof(file_beside), beside);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const left[] = {"file", "file.000001", "next"};

	(void)state;
	unlink(file_in);
	unlink(file_beside);
	for (size_t i = 0; i < COUNT(left); i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s/%s", written, left[i]);
		unlink(path);
	}
	rmdir(written);
	rmdir(room);
	rmdir(beside);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rows_with_an_audit_log),
		cmocka_unit_test(test_rows_can_fail),
		cmocka_unit_test(test_every_thread_is_in_it),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
