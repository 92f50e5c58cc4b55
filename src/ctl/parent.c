/* SPDX-License-Identifier: Apache-2.0 */
/* Holding sockets, starting, restarting and rolling the gateway; see parent.h. */
#include "ctl/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"
#include "ctl/beat.h"
#include "ctl/notify.h"
#include "ctl/watch.h"
#include "net/clock.h"
#include "net/sock.h"

#define ENV_CHANNEL "SALLYPORT_PARENT"
#define ENV_SOCKETS "SALLYPORT_SOCKETS"
#define ENV_DIED    "SALLYPORT_DIED"
#define ENV_BEAT    "SALLYPORT_BEAT"

enum {
	SOCKETS_MAX = 16384,    /* workers times listeners */
	QUICK_DEATH_MS = 10000, /* younger than that: something is wrong with it */
	PAUSE_MS = 250,         /* before another is started after a second quick death, ... */
	PAUSE_MAX_MS = 8000,    /* ... and twice that after each further one, up to this */
	UNREADY_MAX = 10,       /* so many in a row never became ready: the parent gives up */
	START_MS = 20000,       /* for a rolled gateway to become ready */
	START_AGAIN_MS = 60000, /* for one that takes a dead one's place */
	LAST_WORDS_MS = 500,    /* from SIGABRT, or from its own word that it ends, to SIGKILL */
	TURN_MS = 250,          /* so often the parent looks */
	ENV_BYTES = 256 * 1024,
	ACTIVATED = 65534, /* in place of a listener: the service manager's, for all workers */
};

/* --- what both sides say on the channel */

enum message_kind { SAY_READY = 1, SAY_SOCKET, SAY_FORGET, SAY_ALIVE, SAY_RELOADED };

struct message {
	uint32_t kind;
	uint32_t listener;
	struct address address;
};

struct held {
	int fd;
	uint32_t listener;
	bool taken; /* in the gateway */
};

static struct held held[SOCKETS_MAX];
static size_t held_count;

static bool hold(int fd, uint32_t listener)
{
	if (held_count == SOCKETS_MAX)
		return false;
	held[held_count++] = (struct held){.fd = fd, .listener = listener};
	return true;
}

/* ------------------------------------------------------------------ in the gateway */

static int channel = -1;
static char died[64]; /* how the one before us died; empty: nobody did */

static bool read_number(struct slice *rest, char separator, uint64_t *out)
{
	size_t at = slice_index(*rest, separator);
	bool ok = num_parse_u64(slice_first(*rest, at), INT_MAX, out);
	*rest = slice_from(*rest, at + 1);
	return ok;
}

bool parent_present(void)
{
	const char *channel_text = getenv(ENV_CHANNEL), *sockets = getenv(ENV_SOCKETS);
	uint64_t fd, listener;

	if (channel >= 0)
		return true;
	if (!channel_text || !sockets ||
	    !num_parse_u64(slice_from_cstr(channel_text), INT_MAX, &fd))
		return false;
	channel = (int)fd;
	fcntl(channel, F_SETFD, FD_CLOEXEC);
	for (struct slice rest = slice_from_cstr(sockets); rest.len;) {
		if (!read_number(&rest, '.', &listener) || !read_number(&rest, ',', &fd) ||
		    !hold((int)fd, (uint32_t)listener))
			break;
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	}
	const char *how = getenv(ENV_DIED), *beat = getenv(ENV_BEAT);
	if (how)
		snprintf(died, sizeof(died), "%s", how);
	if (beat && num_parse_u64(slice_from_cstr(beat), INT_MAX, &fd))
		beat_take((int)fd);
	unsetenv(ENV_CHANNEL);
	unsetenv(ENV_BEAT);
	unsetenv(ENV_SOCKETS);
	unsetenv(ENV_DIED);
	return true;
}

const char *parent_says_died(void)
{
	return died[0] ? died : NULL;
}

static int take(size_t listener, const struct address *a, bool any_listener)
{
	for (size_t i = 0; i < held_count; i++) {
		struct address bound = sock_local(held[i].fd);
		if (held[i].taken || !address_eq(&bound, a) || (a->port && a->port != bound.port) ||
		    (!any_listener && held[i].listener != listener))
			continue;
		if (held[i].listener == ACTIVATED)
			return fcntl(held[i].fd, F_DUPFD_CLOEXEC, 0);
		held[i].taken = true;
		return held[i].fd;
	}
	return -1;
}

int parent_take_socket(size_t listener, const struct address *a)
{
	int fd = take(listener, a, false);
	if (fd < 0)
		fd = take(ACTIVATED, a, false);
	/* The file may have been rearranged since; the address is what counts, where it is whole.
	 */
	return fd >= 0 || a->port == 0 ? fd : take(listener, a, true);
}

void parent_close_rest(void)
{
	for (size_t i = 0; i < held_count; i++)
		if (!held[i].taken)
			close(held[i].fd);
	held_count = 0;
}

static void say(const struct message *m, int fd)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)m, .iov_len = sizeof(*m)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (channel < 0)
		return;
	if (fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	/* A parent that does not listen is dead, and so will we be; or it is stopped, and then
	 * nobody waits for it. */
	(void)!sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void parent_say_ready(void)
{
	say(&(struct message){.kind = SAY_READY}, -1);
}

void parent_say_alive(void)
{
	if (beat_taken())
		beat_alive();
	else /* an older parent's */
		say(&(struct message){.kind = SAY_ALIVE}, -1);
}

void parent_say_reloaded(void)
{
	say(&(struct message){.kind = SAY_RELOADED}, -1);
}

void parent_give_socket(size_t listener, int fd)
{
	say(&(struct message){.kind = SAY_SOCKET, .listener = (uint32_t)listener}, fd);
}

void parent_forget_address(const struct address *a)
{
	say(&(struct message){.kind = SAY_FORGET, .address = *a}, -1);
}

/* ------------------------------------------------------------------- in the parent */

struct child {
	pid_t pid; /* 0: none */
	int channel;
	bool ready, told_to_end;
	uint64_t started_ms;
	struct beat *beat;
	struct watch watch;
	uint64_t alive;      /* as the beat said last */
	uint64_t kill_at_ms; /* it was told to die, or says that it does; 0: neither */
	const char *stuck;   /* what of it, if that is why */
};

struct parent {
	char binary[PATH_MAX];
	char **argv;
	int signals;
	struct child now, next; /* next: being rolled to */
	bool ending, ever_ready;
	unsigned quick_deaths, unready_deaths; /* in a row */
	uint64_t restart_at_ms;                /* nobody lives until then; 0: somebody does */
	char died[64];                         /* told to the next one that is started */
};

static void complain(const char *what)
{
	fprintf(stderr, "sallyport: parent: %s\n", what);
}

static uint64_t now_ms(void)
{
	return clock_read_us() / CLOCK_US_PER_MS;
}

/* Between fork and exec: only the sockets, the channel and standard descriptors stay open. */
static void become_gateway(struct parent *p, int its_channel, int its_beat, char *sockets)
{
	char channel_text[16], beat_text[16];
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigaddset(&none, SIGUSR1); /* nobody takes it yet, and it would be deadly */
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < held_count; i++)
		fcntl(held[i].fd, F_SETFD, 0);
	fcntl(its_channel, F_SETFD, 0);
	fcntl(its_beat, F_SETFD, 0);
	snprintf(channel_text, sizeof(channel_text), "%d", its_channel);
	snprintf(beat_text, sizeof(beat_text), "%d", its_beat);
	if (setenv(ENV_CHANNEL, channel_text, 1) || setenv(ENV_BEAT, beat_text, 1) ||
	    setenv(ENV_SOCKETS, sockets, 1) || (p->died[0] && setenv(ENV_DIED, p->died, 1)))
		_exit(1);
	execv(p->binary, p->argv);
	_exit(127);
}

static bool write_sockets(char *text, size_t bytes)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < held_count; i++) {
		int n = snprintf(text + at, bytes - at, "%u.%d,", held[i].listener, held[i].fd);
		if (n < 0 || (size_t)n >= bytes - at)
			return false;
		at += (size_t)n;
	}
	return true;
}

static bool start(struct parent *p, struct child *c)
{
	static char sockets[ENV_BYTES];
	int pair[2], beat_fd;
	struct beat *beat = write_sockets(sockets, sizeof(sockets)) ? beat_new(&beat_fd) : NULL;

	if (!beat || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		if (beat)
			close(beat_fd);
		beat_free(beat);
		complain("a gateway could not be started");
		return false;
	}
	pid_t pid = fork();
	if (pid == 0)
		become_gateway(p, pair[1], beat_fd, sockets);
	close(pair[1]);
	close(beat_fd);
	if (pid < 0) {
		close(pair[0]);
		beat_free(beat);
		complain("a gateway could not be started: fork");
		return false;
	}
	*c = (struct child){.pid = pid, .channel = pair[0], .started_ms = now_ms(), .beat = beat};
	return true;
}

static void forget(const struct address *a)
{
	for (size_t i = 0; i < held_count;) {
		struct address bound = sock_local(held[i].fd);
		if (!address_eq_with_port(&bound, a)) {
			i++;
			continue;
		}
		close(held[i].fd);
		held[i] = held[--held_count];
	}
}

static int received_fd(struct msghdr *header)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

static void tell_to_end(struct child *c)
{
	if (c->pid && !c->told_to_end)
		kill(c->pid, SIGTERM);
	c->told_to_end = true;
}

static void became_ready(struct parent *p, struct child *c)
{
	c->ready = p->ever_ready = true;
	notify_say("READY=1\nMAINPID=%ld\nSTATUS=The gateway, process %ld, serves", (long)getpid(),
		   (long)c->pid);
	if (c == &p->next)
		tell_to_end(&p->now);
}

enum heard { HEARD_NOTHING, HEARD_MESSAGE, HEARD_END };

/* One message of a gateway. */
static enum heard listen_to(struct parent *p, struct child *c)
{
	struct message m = {0};
	struct iovec part = {.iov_base = &m, .iov_len = sizeof(m)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control.bytes,
				.msg_controllen = sizeof(control.bytes)};
	ssize_t n =
		c->channel < 0 ? 0 : recvmsg(c->channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return HEARD_NOTHING;
	if (n == 0)
		return HEARD_END;
	int fd = received_fd(&header);
	if (n == sizeof(m) && m.kind == SAY_READY)
		became_ready(p, c);
	else if (n == sizeof(m) && m.kind == SAY_FORGET)
		forget(&m.address);
	else if (n == sizeof(m) && m.kind == SAY_ALIVE && c == &p->now)
		notify_alive();
	else if (n == sizeof(m) && m.kind == SAY_RELOADED)
		notify_say("READY=1");
	if (n == sizeof(m) && m.kind == SAY_SOCKET && fd >= 0 && hold(fd, m.listener))
		fd = -1;
	if (fd >= 0)
		close(fd);
	return HEARD_MESSAGE;
}

/* What it said before it ended still counts: sockets, above all. */
static void hear_last_words(struct parent *p, struct child *c)
{
	while (listen_to(p, c) == HEARD_MESSAGE)
		;
}

static void bury(struct child *c)
{
	if (c->channel >= 0)
		close(c->channel);
	beat_free(c->beat);
	*c = (struct child){.channel = -1};
}

/* Nothing for the first, which may be chance; then longer and longer: something kills each. */
static uint64_t pause_before(unsigned quick_deaths)
{
	uint64_t pause = PAUSE_MS;

	if (quick_deaths < 2)
		return 0;
	for (unsigned i = 2; i < quick_deaths && pause < PAUSE_MAX_MS; i++)
		pause *= 2;
	return pause;
}

/* A gateway died unasked. Returns false when there is no use in starting another: where each
 * becomes ready before it dies there is, however often that happens. */
static bool plan_restart(struct parent *p, const struct child *dead, int status)
{
	uint64_t age_ms = clock_since(dead->started_ms, now_ms());

	if (!p->ever_ready && WIFEXITED(status))
		return false; /* it said itself why it could not start */
	p->quick_deaths = age_ms < QUICK_DEATH_MS ? p->quick_deaths + 1 : 0;
	p->unready_deaths = dead->ready ? 0 : p->unready_deaths + 1;
	if (p->unready_deaths == UNREADY_MAX) {
		complain("no gateway becomes ready any more: giving up");
		return false;
	}
	uint64_t pause = pause_before(p->quick_deaths);
	snprintf(p->died, sizeof(p->died), "%s %d%s%s", WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		 dead->stuck ? ", stuck: " : "", dead->stuck ? dead->stuck : "");
	fprintf(stderr, "sallyport: parent: the gateway died (%s): starting it again%s\n", p->died,
		pause ? " after a pause" : "");
	p->restart_at_ms = clock_add(now_ms(), pause);
	return true;
}

/* When its time has come. Returns false when that cannot be. */
static bool start_again(struct parent *p)
{
	if (!p->restart_at_ms || now_ms() < p->restart_at_ms)
		return true;
	p->restart_at_ms = 0;
	bool started = start(p, &p->now);
	p->died[0] = '\0';
	return started;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Collects the dead. Returns -1 to go on, or the exit status. */
static int collect(struct parent *p)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid == p->next.pid) {
			complain("the new gateway did not start: the old one goes on");
			hear_last_words(p, &p->next);
			bury(&p->next);
			continue;
		}
		if (pid != p->now.pid)
			continue;
		/* Whoever ends with 0 drained because the operator said so through the API. */
		bool asked = p->now.told_to_end || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
		hear_last_words(p, &p->now);
		struct child dead = p->now;
		bury(&p->now);
		if (p->next.pid) {
			p->now = p->next;
			p->next = (struct child){.channel = -1};
			continue;
		}
		if (asked || p->ending || !plan_restart(p, &dead, status))
			return exit_status(status);
	}
	return -1;
}

static void end(struct parent *p)
{
	if (p->ending) {
		/* The second signal. */
		if (p->now.pid)
			kill(p->now.pid, SIGTERM);
		if (p->next.pid)
			kill(p->next.pid, SIGKILL);
		return;
	}
	p->ending = true;
	notify_say("STOPPING=1\nSTATUS=Connections drain");
	tell_to_end(&p->now);
	if (p->next.pid)
		kill(p->next.pid, SIGKILL);
}

static void roll(struct parent *p)
{
	if (p->next.pid || p->ending) {
		complain("already rolling, or ending");
		return;
	}
	if (p->restart_at_ms) { /* somebody has brought a better one */
		p->restart_at_ms = now_ms();
		return;
	}
	complain("rolling to the binary as it is now");
	if (!start(p, &p->next))
		complain("the old one goes on");
}

static void reload(struct parent *p)
{
	notify_say("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_read_us());
	kill(p->now.pid, SIGHUP);
}

static void on_signal(struct parent *p)
{
	struct signalfd_siginfo info;

	while (read(p->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			end(p);
		else if (info.ssi_signo == SIGHUP && p->now.pid)
			reload(p);
		else if (info.ssi_signo == SIGUSR1 && p->now.pid)
			kill(p->now.pid, SIGUSR1);
		else if (info.ssi_signo == SIGUSR2)
			roll(p);
	}
}

/* A gateway that never becomes ready must not wait there for ever: neither a rolled one, nor
 * one that takes a dead one's place. The first may take its time, its starter waits for it. */
static void check_start(const struct parent *p)
{
	if (p->next.pid && !p->next.ready && now_ms() - p->next.started_ms > START_MS)
		kill(p->next.pid, SIGKILL);
	if (p->now.pid && p->ever_ready && !p->now.ready &&
	    now_ms() - p->now.started_ms > START_AGAIN_MS)
		kill(p->now.pid, SIGKILL);
}

/* It gets a moment for its last words, then it has to make room. */
static void put_down(struct child *c, const char *what)
{
	c->stuck = what;
	c->kill_at_ms = clock_add(now_ms(), LAST_WORDS_MS);
}

/* Does the gateway's control thread turn? Nothing that it looks after does otherwise. */
static void check_pulse(struct child *c)
{
	if (!c->pid || !c->beat)
		return;
	if (c->kill_at_ms) {
		if (now_ms() >= c->kill_at_ms)
			kill(c->pid, SIGKILL);
		return;
	}
	uint64_t turns = atomic_load(&c->beat->turns);
	uint32_t state = atomic_load(&c->beat->state);
	/* The control thread is the process's first. */
	uint64_t silent_us = watch_round(&c->watch, turns, clock_read_us(), c->pid, c->pid);
	if (state == BEAT_UNWATCHED) {
		c->watch = (struct watch){0};
	} else if (state == BEAT_STUCK) {
		put_down(c, "a worker");
	} else if (silent_us / (state == BEAT_BUSY ? WATCH_BUSY_PART : 1) >= WATCH_STUCK_US) {
		complain("the gateway's control thread is stuck: it is ended, to be started again");
		put_down(c, "the control thread");
		kill(c->pid, SIGABRT);
	}
}

/* The service manager hears that we live: from the gateway, or from us while we wait to start
 * another. */
static void pass_on_alive(struct parent *p)
{
	uint64_t alive = p->now.beat ? atomic_load(&p->now.beat->alive) : 0;

	if (p->restart_at_ms || alive != p->now.alive)
		notify_alive();
	p->now.alive = alive;
}

static int watch(struct parent *p)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = p->signals, .events = POLLIN},
			{.fd = p->now.channel, .events = POLLIN},
			{.fd = p->next.channel, .events = POLLIN},
		};
		if (poll(fds, 3, TURN_MS) < 0 && errno != EINTR)
			return 1;
		if (fds[0].revents)
			on_signal(p);
		struct child *children[] = {&p->now, &p->next};
		for (int i = 0; i < 2; i++) {
			struct child *c = children[i];
			if (fds[i + 1].revents && listen_to(p, c) == HEARD_END) {
				close(c->channel);
				c->channel = -1; /* the rest is told by SIGCHLD */
			}
		}
		check_start(p);
		check_pulse(&p->now);
		check_pulse(&p->next);
		pass_on_alive(p);
		int status = collect(p);
		if (status >= 0)
			return status;
		if (p->ending && p->restart_at_ms)
			return 0;
		if (!start_again(p))
			return 1;
	}
}

static bool block_signals(struct parent *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return false;
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->signals >= 0;
}

int parent_run(char *configuration)
{
	static char name[] = "sallyport", command[] = "serve", option[] = "-c";
	static char *argv[] = {name, command, option, NULL, NULL};
	static struct parent p = {.now.channel = -1, .next.channel = -1};

	argv[3] = configuration;
	size_t activated = notify_begin();
	for (size_t i = 0; i < activated; i++)
		if (!hold(NOTIFY_FIRST_SOCKET + (int)i, ACTIVATED))
			return 1;
	/* The path, not the file: after an upgrade it is another file. */
	ssize_t n = readlink("/proc/self/exe", p.binary, sizeof(p.binary) - 1);
	if (n <= 0 || !block_signals(&p)) {
		complain("cannot start");
		return 1;
	}
	p.binary[n] = '\0';
	p.argv = argv;
	if (!start(&p, &p.now))
		return 1;
	return watch(&p);
}
