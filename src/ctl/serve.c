/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting in the order in which things depend on each other, ending in the reverse; see
 * serve.h.
 */
#include "ctl/serve.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/ct.h"
#include "base/err.h"
#include "base/obj.h"
#include "conf/explain.h"
#include "ctl/configure.h"
#include "ctl/confine.h"
#include "ctl/keysets.h"
#include "ctl/life.h"
#include "ctl/parent.h"
#include "ctl/privileges.h"
#include "ctl/secret_file.h"
#include "ctl/serve_priv.h"
#include "net/clock.h"
#include "net/random.h"
#include "net/sock.h"
#include "tls/memory.h"

enum {
	ADMIN_READ_BYTES = 16 * 1024,
	STORE_START_MS = 2000,
	PROOFS_REMEMBERED = 1 << 17, /* used up in the life of one challenge: 2 MiB */
	GOOD_REMEMBERED = 1 << 17,
	HEAP_KEEPS_BYTES = 32 << 20, /* free at the end of a thread's heap */
	HEAP_LARGEST_BYTES = 16 << 20,
};

static int say(const char *what)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, err_sentence());
	return -1;
}

/* --- what is said at the start */

static void log_weak(void *arg, struct slice where, struct slice what)
{
	struct serve *s = arg;
	struct event e;

	event_init(&e, EVENT_WARN, "weak");
	event_text(&e, "where", where);
	event_text(&e, "what", what);
	event_emit(log_sink(s->log), &e);
}

struct event_sink *serve_log(struct serve *s)
{
	return log_sink(s->log);
}

void serve_log_listening(struct serve *s, bool tls, int fd, const char *role)
{
	char text[ADDRESS_TEXT_BYTES], url[ADDRESS_TEXT_BYTES + 16];
	struct address local = sock_local(fd);
	struct event e;

	snprintf(url, sizeof(url), "%s://%.*s", tls ? "https" : "http",
		 SLICE_ARG(address_format_with_port(&local, text)));
	event_init(&e, EVENT_INFO, "listening");
	event_cstr(&e, "url", url);
	event_cstr(&e, "for", role);
	event_emit(log_sink(s->log), &e);
}

static void log_development(struct serve *s)
{
	const struct generation *g = s->generation;
	char fingerprint[TLS_FINGERPRINT_BYTES];
	struct event e;

	if (!g->snapshot->tls.development)
		return;
	event_init(&e, EVENT_WARN, "development_certificate");
	event_cstr(&e, "what", "self-signed, for localhost only: nobody but you should trust it");
	event_text(&e, "sha256",
		   tls_certificate_fingerprint(g->certificates[g->certificate_count - 1],
					       fingerprint));
	event_emit(log_sink(s->log), &e);
}

static void log_restarted(struct serve *s)
{
	struct event e;

	if (!parent_says_died())
		return;
	alerts_raise(control_alerts(s->control), ALERT_CRASH, SLICE(""), parent_says_died(), 0);
	event_init(&e, EVENT_ERROR, "restarted");
	event_cstr(&e, "died", parent_says_died());
	event_cstr(&e, "what", "the gateway died, and its sessions with it");
	event_emit(log_sink(s->log), &e);
}

static void log_confined(struct serve *s, const struct confined *c)
{
	struct event e;

	event_init(&e, EVENT_INFO, "sandbox");
	event_cstr(&e, "off", c->off);
	event_number(&e, "landlock", c->landlock);
	event_cstr(&e, "seccomp", c->off ? "no" : "yes");
	event_emit(log_sink(s->log), &e);
}

/* --- the audit log */

/* It hears what is said from now on; the file is opened when the user is who he stays. */
static int make_auditlog(struct serve *s)
{
	const struct conf_audit *conf = &s->generation->snapshot->audit;
	const struct auditlog_keys *keys = &s->generation->auditlog_keys;
	const struct auditlog_facts facts = {
		.path = conf->file,
		.chained = !conf->chain_off,
		.rules = serve_auditlog_rules(conf),
		.key = keys->count ? &keys->keys[keys->count - 1] : NULL,
		.log = log_sink(s->log),
	};

	if (!conf->file.len)
		return 0;
	int r = auditlog_new(&facts, &s->auditlog);
	if (r == 0)
		log_also(s->log, auditlog_sink(s->auditlog));
	return r;
}

struct auditlog_rules serve_auditlog_rules(const struct conf_audit *conf)
{
	return (struct auditlog_rules){
		.lines = conf->lines,
		.size = conf->size,
		.checkpoint_ms = conf->checkpoint_ms,
	};
}

void serve_end_logs(struct serve *s)
{
	auditlog_end(s->auditlog);
	log_stop(s->log);
}

/* --- signals */

void serve_drain(struct serve *s)
{
	struct event e;

	if (s->draining)
		return;

	s->draining = true;
	event_init(&e, EVENT_INFO, "draining");
	event_number(&e, "sessions", (int64_t)limits_connections(s->gateway.limits));
	event_emit(log_sink(s->log), &e);
	for (unsigned i = 0; i < s->started; i++)
		worker_drain(&s->workers[i], SERVE_DRAIN_MS);
}

static void on_signal(struct io *io)
{
	struct serve *s = IO_OWNER(io, struct serve, signals);
	struct signalfd_siginfo info;

	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			serve_reload(s, NULL);
		if (info.ssi_signo == SIGUSR1 && s->auditlog)
			auditlog_reopen(s->auditlog);
		if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)
			continue;
		if (s->draining) {
			serve_end_logs(s);
			_exit(1);
		}
		serve_drain(s);
	}
	io_drained(io, IO_READABLE);
}

/* Blocked in every thread that is started later; read from a descriptor. */
static int block_signals(struct serve *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return err_raise(EINVAL, "signals");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log that may not grow is like a disk that is full */
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? err_raise(errno, "signals") : 0;
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* --- the shared store */

/* Everybody is closed and nobody let in, or the latter again. */
static void on_closed_all(struct command_batch *b)
{
	struct serve *s = b->arg;
	struct event e;

	event_init(&e, EVENT_WARN, "sessions_closed");
	event_number(&e, "closed", (int64_t)command_hits(b));
	event_emit(serve_log(s), &e);
	command_batch_free(b);
}

static void on_store_lost(void *arg, bool lost)
{
	struct serve *s = arg;

	atomic_store(&s->gateway.store_lost, lost);
	if (!lost)
		return;
	struct command_batch *b =
		command_batch_new(COMMAND_LOST, slice_of(NULL, 0), s->started, on_closed_all, s);
	if (b)
		command_send(b, s->workers);
}

static void on_revoked_elsewhere(struct command_batch *b)
{
	struct serve *s = b->arg;
	struct event e;

	if (command_failed(b))
		control_tell_again(s->control);
	event_init(&e, EVENT_WARN, command_failed(b) ? "revocation_incomplete" : "revoked");
	event_text(&e, b->revocation == REVOKE_SUBJECT ? "subject" : "key",
		   slice_of(b->text, b->text_len));
	event_number(&e, "closed", (int64_t)command_hits(b));
	event_cstr(&e, "by", "another node");
	event_emit(serve_log(s), &e);
	command_batch_free(b);
}

static void on_revocation(void *arg, enum revocation_kind kind, struct slice text,
			  uint64_t at_unix_ms)
{
	struct serve *s = arg;

	/* Before the workers run, their lists are ours. */
	if (!s->started) {
		for (unsigned i = 0; i < s->worker_count; i++)
			if (revocations_add(s->workers[i].revocations, kind, text, at_unix_ms))
				control_tell_again(s->control);
		return;
	}
	struct command_batch *b = text.len <= COMMAND_TEXT_MAX
					  ? command_batch_new(COMMAND_REVOKE, text, s->worker_count,
							      on_revoked_elsewhere, s)
					  : NULL;
	if (!b) {
		control_tell_again(s->control);
		return;
	}
	b->revocation = kind;
	b->at_unix_ms = at_unix_ms;
	control_forget_verified(s->control);
	command_send(b, s->workers);
}

/* Before the first client is heard, what was revoked on other nodes; without the store
 * we start all the same, and /readyz says no until it was. */
static int hear_revocations(struct serve *s)
{
	uint64_t until = clock_us_to_ms(clock_read_us()) + STORE_START_MS;
	int r = 0;

	while (r == 0 && !control_told_all(s->control) && reactor_now_ms(&s->reactor) < until)
		r = reactor_run_once(&s->reactor, 50);
	return r;
}

/* --- workers and listeners */

static unsigned worker_count(const struct snapshot *s)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = s->workers ? s->workers : processors > 0 ? (unsigned)processors : 1;
	return count < WORKERS_MAX ? count : WORKERS_MAX - 1;
}

/* Inherited, or opened and given to the parent to keep. */
static int listener_socket(size_t listener, const struct address *a, int *fd)
{
	*fd = parent_take_socket(listener, a);
	if (*fd >= 0)
		return 0;
	int r = sock_listen(a, LISTEN_BACKLOG, true, fd);
	if (r == 0)
		parent_give_socket(listener, *fd);
	return r;
}

/* The first socket on an address decides the port where the configuration leaves it open. */
int serve_listen(struct address *addresses, int *fds, const bool *open, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fds[i] = -1;
		if (open && !open[i])
			continue;
		int r = listener_socket(i, &addresses[i], &fds[i]);
		if (r) {
			while (i--)
				if (fds[i] >= 0)
					close(fds[i]);
			return r;
		}
		addresses[i] = sock_local(fds[i]);
	}
	return 0;
}

static void on_worker_ended(struct mail *mail, void *receiver)
{
	struct worker *w = MAIL_OWNER(mail, struct worker, ended);
	struct serve *s = w->gateway->owner;

	(void)receiver;
	/* One whose loop failed leaves sockets behind that nobody accepts from. */
	if (!s->draining) {
		serve_end_logs(s);
		abort();
	}
	if (++s->ended == s->started)
		reactor_stop(&s->reactor);
}

static int make_workers(struct serve *s)
{
	const struct snapshot *conf = s->generation->snapshot;
	struct address addresses[WORKER_LISTENERS];
	int fds[WORKER_LISTENERS];
	size_t count = conf->listener_count;
	unsigned wanted = worker_count(conf);
	uint64_t memory = conf->limits.buffered / wanted;

	if (count > WORKER_LISTENERS)
		return err_raise(E2BIG, "more than %d listeners", (int)WORKER_LISTENERS);
	for (size_t i = 0; i < count; i++)
		addresses[i] = conf->listeners[i].address;
	s->workers = calloc(wanted, sizeof(*s->workers));
	if (!s->workers)
		return err_raise(ENOMEM, "workers");
	for (s->worker_count = 0; s->worker_count < wanted; s->worker_count++) {
		struct worker *w = &s->workers[s->worker_count];
		int r = serve_listen(addresses, fds, NULL, count);
		if (r)
			return r;
		if (s->worker_count == 0)
			memcpy(s->first_fds, fds, sizeof(fds));
		r = worker_init(w, s->worker_count, &s->gateway, s->generation, fds, memory);
		if (r) {
			s->worker_count++; /* worker_join frees what there is of it */
			return r;
		}
		s->metrics[s->worker_count] = &w->metrics;
	}
	s->metrics[s->worker_count] = control_metrics(s->control);
	return 0;
}

/* From here on clients are heard. */
static int start_workers(struct serve *s)
{
	const struct snapshot *conf = s->generation->snapshot;

	for (; s->started < s->worker_count; s->started++) {
		int r = worker_start(&s->workers[s->started]);
		if (r)
			return r;
	}
	for (size_t i = 0; i < conf->listener_count; i++)
		serve_log_listening(s, conf->listeners[i].tls, s->first_fds[i], "clients");
	if (s->admin)
		serve_log_listening(s, conf->admin.listener.tls, s->admin_fd, "admin");
	return 0;
}

static int read_token(struct serve *s)
{
	struct slice path = s->generation->snapshot->admin.token_file;

	return path.len ? secret_file_read("admin.token", path, s->token, sizeof(s->token),
					   &s->token_len)
			: 0;
}

/* What other nodes revoked is known here. */
static bool is_ready(void *arg)
{
	const struct serve *s = arg;

	return control_told_all(s->control) && !atomic_load(&s->gateway.store_lost);
}

static int start_admin(struct serve *s)
{
	const struct generation *g = s->generation;
	const struct conf_admin *conf = &g->snapshot->admin;
	int fd;

	if (!conf->on)
		return 0;
	int r = read_token(s);
	if (r == 0 && conf->listener.tls)
		r = tls_server_new(g->certificates, g->certificate_count,
				   g->snapshot->tls.minimum_13, &s->admin_tls);
	if (r == 0)
		r = listener_socket(ADMIN_LISTENER, &conf->listener.address, &fd);
	if (r)
		return r;
	s->admin_fd = fd;
	struct admin_facts facts = {
		.scratch = &s->scratch,
		.conf = g->snapshot,
		.tls = s->admin_tls,
		.token = slice_of(s->token, s->token_len),
		.metrics = control_metrics(s->control),
		.sets = s->metrics,
		.set_count = s->worker_count + 1,
		.draining = &s->draining,
		.ready = is_ready,
		.ready_arg = s,
		.log = log_sink(s->log),
		.listen_fd = fd,
		.api = api_call,
		.api_arg = s->api,
	};
	return admin_new(&facts, &s->admin);
}

/* --- start and end */

static int open_control(struct serve *s)
{
	const struct control_facts facts = {
		.reactor = &s->reactor,
		.scratch = &s->scratch,
		.log = serve_log(s),
		.conf = s->generation->snapshot,
		.revoked = on_revocation,
		.lost = on_store_lost,
		.arg = s,
	};
	return control_new(&facts, &s->control);
}

static int start_control(struct serve *s)
{
	struct siphash_key key;
	int r = reactor_init(&s->reactor);

	s->reactor_ready = r == 0;
	if (r == 0)
		r = stream_scratch_init(&s->scratch, &s->reactor, ADMIN_READ_BYTES);
	s->scratch_ready = r == 0;
	if (r == 0)
		r = io_add(&s->reactor, &s->signals, s->signal_fd, on_signal);
	if (r == 0)
		r = open_control(s);
	if (r == 0)
		r = random_bytes(&key, sizeof(key));
	if (r)
		return r;
	const struct conf_limits *limits = &s->generation->snapshot->limits;
	s->gateway = (struct gateway){
		.limits = limits_new(&key, limits->connections),
		.quota = quota_new(&key),
		.proofs = seen_new(&key, PROOFS_REMEMBERED),
		.good = seen_new(&key, GOOD_REMEMBERED),
		.log = log_sink(s->log),
		.control = control_mailbox(s->control),
		.store = control_store(s->control),
		.ask_fn = control_on_ask,
		.leave_fn = control_on_leave,
		.ended_fn = on_worker_ended,
		.owner = s,
	};
	if (s->gateway.quota && s->generation->snapshot->store.redis)
		quota_share(s->gateway.quota);
	return s->gateway.limits && s->gateway.quota && s->gateway.proofs && s->gateway.good
		       ? 0
		       : err_raise(ENOMEM, "the table of addresses");
}

/* The last step before there are clients. */
static int give_up_rights(struct serve *s, const struct confined *confined)
{
	struct slice user = s->generation->snapshot->user;
	int r = user.len ? privileges_drop(user) : 0;

	if (r == 0 && privileges_are_all())
		log_weak(s, SLICE("user"), SLICE("runs as root: name another `user`"));
	if (r == 0)
		r = confine_calls(confined);
	if (r == 0)
		log_confined(s, confined);
	return r;
}

static int start(struct serve *s)
{
	const struct snapshot *conf = s->generation->snapshot;
	bool terminal = isatty(STDERR_FILENO);
	struct confined confined;
	int r = confine_files(conf, &confined);

	if (r == 0)
		r = log_start(&s->log, STDERR_FILENO, (enum event_level)conf->log_level, terminal);
	if (r)
		return r;
	r = make_auditlog(s);
	explain_weak(conf, log_weak, s);
	log_development(s);
	if (r == 0)
		r = start_control(s);
	if (r == 0)
		log_restarted(s);
	if (r == 0)
		r = keysets_adopt(control_keysets(s->control), s->generation);
	if (r == 0)
		r = resolver_start(s->generation, log_sink(s->log), &s->resolver);
	if (r == 0)
		r = make_workers(s);
	if (r == 0)
		r = api_new(s, &s->api);
	if (r == 0)
		r = start_admin(s);
	if (r)
		return r;
	parent_close_rest();
	r = give_up_rights(s, &confined);
	if (r == 0 && s->auditlog)
		r = auditlog_start(s->auditlog);
	if (r == 0)
		r = hear_revocations(s);
	if (r == 0)
		r = start_workers(s);
	if (r)
		return r;
	if (s->draining) { /* told so before there was anybody to tell */
		s->draining = false;
		serve_drain(s);
	}
	life_start(s);
	parent_say_ready();
	return 0;
}

static void stop(struct serve *s)
{
	/* Workers that run while another could not be started are told to end as well. */
	if (s->started && !s->ended) {
		serve_drain(s);
		reactor_run(&s->reactor);
	}
	life_stop(s);
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_join(&s->workers[i]);
	free(s->workers);
	admin_free(s->admin);
	s->admin = NULL; /* what the store still answers is for nobody */
	api_free(s->api);
	tls_server_free(s->admin_tls);
	resolver_stop(s->resolver);
	resolver_stop(s->next_resolver);
	control_free(s->control);
	MUST(!s->gateway.limits || limits_whole(s->gateway.limits));
	MUST(pools_whole(&s->gateway.pools));
	limits_free(s->gateway.limits);
	MUST(!s->gateway.quota || quota_whole(s->gateway.quota));
	quota_free(s->gateway.quota);
	seen_free(s->gateway.proofs);
	seen_free(s->gateway.good);
	io_remove(&s->signals);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	if (s->scratch_ready)
		stream_scratch_deinit(&s->scratch);
	if (s->reactor_ready)
		reactor_deinit(&s->reactor);
	ct_wipe(s->token, sizeof(s->token));
	generation_unref(s->generation);
	auditlog_end(s->auditlog);
	if (s->log)
		log_also(s->log, NULL);
	auditlog_free(s->auditlog);
	log_stop(s->log);
}

static struct generation *first_generation(const char *path)
{
	struct buf text;

	buf_init(&text, CONFIGURE_TEXT_MAX);
	struct generation *g = configure(path, &text);
	fprintf(stderr, "%.*s", SLICE_ARG(buf_slice(&text)));
	buf_deinit(&text);
	return g;
}

/* glibc gives the end of a heap back to the kernel when more than a little of it is free, and large
 * pieces never come from a heap. Every large message then has its memory made anew, page by page,
 * which takes longer than to read, check and send it. */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, HEAP_KEEPS_BYTES);
	mallopt(M_MMAP_THRESHOLD, HEAP_LARGEST_BYTES);
#endif
}

int serve_run(const char *configuration)
{
	struct serve *s = calloc(1, sizeof(*s));
	struct event e;
	int r = -1;

	if (!s)
		return 1;
	s->signal_fd = -1;
	raise_descriptors();
	keep_memory();
	(void)tls_memory_keep();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	s->path = configuration;
	s->generation = first_generation(configuration);
	if (s->generation) {
		r = block_signals(s);
		if (r == 0)
			r = start(s);
		if (r == 0)
			r = reactor_run(&s->reactor);
		if (r)
			say("cannot start");
	}
	if (r == 0) {
		event_init(&e, EVENT_INFO, "ended");
		event_emit(log_sink(s->log), &e);
	}
	stop(s);
	free(s);
	curl_global_cleanup();
	return r == 0 ? 0 : 1;
}
