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
#include "conf/load.h"
#include "ctl/control.h"
#include "ctl/keysdir.h"
#include "ctl/resolver.h"
#include "gateway/worker.h"
#include "net/clock.h"
#include "net/random.h"
#include "net/sock.h"
#include "obs/admin.h"
#include "obs/log.h"

enum {
	WORKERS_MAX = 256,
	BACKLOG = 4096,
	DIAG_BYTES = 1 << 20,
	TOKEN_BYTES = 4096,
	ADMIN_READ_BYTES = 16 * 1024,
};

struct serve {
	struct snapshot *snapshot; /* until the generation has it */
	struct generation *generation;
	struct log *log;
	struct reactor reactor; /* of the control thread */
	bool reactor_ready, scratch_ready;
	struct stream_scratch scratch;
	struct control *control;
	struct resolver *resolver;
	struct admin *admin;
	struct tls_server *admin_tls;
	char token[TOKEN_BYTES];
	size_t token_len;
	struct gateway gateway;
	struct worker *workers;
	unsigned worker_count, started, ended;
	struct metrics *metrics[WORKERS_MAX];
	struct io signals;
	int signal_fd;
	bool draining;
};

static int say(const char *what)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, err_sentence());
	return -1;
}

/* --- configuration */

static int load(struct serve *s, const char *path)
{
	struct diag *d = calloc(1, sizeof(*d));
	struct buf text;

	if (!d)
		return say("cannot start");
	diag_init(d);
	int r = conf_load(path, &s->snapshot, d);
	buf_init(&text, DIAG_BYTES);
	if (diag_print(d, &text) >= 0)
		fprintf(stderr, "%.*s", SLICE_ARG(buf_slice(&text)));
	if (r)
		fprintf(stderr, "sallyport: %s: this configuration cannot be used\n", path);
	buf_deinit(&text);
	diag_deinit(d);
	free(d);
	return r;
}

static bool needs_keys(const struct snapshot *s)
{
	return s->keys.len != 0;
}

static int load_certificates(struct serve *s, struct tls_certificate ***out, size_t *count)
{
	const struct conf_tls *tls = &s->snapshot->tls;
	uint64_t now = clock_read().unix_ms;
	size_t wanted = tls->count + (tls->development ? 1 : 0);
	int r = 0;

	*count = 0;
	*out = calloc(wanted + 1, sizeof(**out));
	if (!*out)
		return err_raise(ENOMEM, "certificates");
	for (size_t i = 0; r == 0 && i < tls->count; i++) {
		r = tls_certificate_load(tls->certificates[i].certificate, tls->certificates[i].key,
		                         now, &(*out)[*count]);
		*count += r == 0;
	}
	if (r == 0 && tls->development) {
		r = tls_certificate_develop(now, &(*out)[*count]);
		*count += r == 0;
	}
	return r;
}

static int make_generation(struct serve *s)
{
	struct tls_certificate **certificates;
	size_t count;
	struct keyset keys = {0};
	bool made = false;

	if (needs_keys(s->snapshot) && keysdir_load(s->snapshot->keys, &keys, &made))
		return say("keys");
	int r = load_certificates(s, &certificates, &count);
	if (r) {
		for (size_t i = 0; i < count; i++)
			tls_certificate_unref(certificates[i]);
		free(certificates);
		keyset_deinit(&keys);
		return say("tls");
	}
	struct snapshot *snapshot = s->snapshot;
	s->snapshot = NULL;
	s->generation = generation_new(snapshot, &keys, certificates, count);
	keyset_deinit(&keys);
	return s->generation ? 0 : say("cannot start");
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

static void log_listening(struct serve *s, const struct conf_listener *l, int fd, const char *role)
{
	char text[ADDRESS_TEXT_BYTES], url[ADDRESS_TEXT_BYTES + 16];
	struct address local = sock_local(fd);
	struct event e;

	snprintf(url, sizeof(url), "%s://%.*s", l->tls ? "https" : "http",
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
	           tls_certificate_fingerprint(g->certificates[g->certificate_count - 1], fingerprint));
	event_emit(log_sink(s->log), &e);
}

/* --- signals */

static void start_drain(struct serve *s)
{
	struct event e;

	s->draining = true;
	event_init(&e, EVENT_INFO, "draining");
	event_number(&e, "sessions",
	             (int64_t)limits_connections(s->gateway.limits));
	event_emit(log_sink(s->log), &e);
	for (unsigned i = 0; i < s->started; i++)
		worker_drain(&s->workers[i], SERVE_DRAIN_MS);
}

static void on_signal(struct io *io)
{
	struct serve *s = IO_OWNER(io, struct serve, signals);
	struct signalfd_siginfo info;

	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)
			continue;
		if (s->draining) {
			log_stop(s->log);
			_exit(1);
		}
		start_drain(s);
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
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return err_raise(EINVAL, "signals");
	signal(SIGPIPE, SIG_IGN);
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

/* --- workers and listeners */

static unsigned worker_count(const struct snapshot *s)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = s->workers ? s->workers : processors > 0 ? (unsigned)processors : 1;
	return count < WORKERS_MAX ? count : WORKERS_MAX - 1;
}

/* The first worker's socket decides the port where the configuration leaves it open. */
static int open_listeners(struct serve *s, struct address *addresses, int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = sock_listen(&addresses[i], BACKLOG, true, &fds[i]);
		if (r) {
			while (i--)
				close(fds[i]);
			return r;
		}
		addresses[i] = sock_local(fds[i]);
	}
	(void)s;
	return 0;
}

static void on_worker_ended(struct mail *mail, void *receiver)
{
	struct worker *w = MAIL_OWNER(mail, struct worker, ended);
	struct serve *s = w->gateway->owner;

	(void)receiver;
	if (++s->ended == s->started)
		reactor_stop(&s->reactor);
}

static int start_workers(struct serve *s)
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
		int r = open_listeners(s, addresses, fds, count);
		if (r)
			return r;
		r = worker_init(w, s->worker_count, &s->gateway, s->generation, fds, memory);
		if (r) {
			s->worker_count++; /* worker_join frees what there is of it */
			return r;
		}
		s->metrics[s->worker_count] = &w->metrics;
	}
	for (; s->started < wanted; s->started++) {
		int r = worker_start(&s->workers[s->started]);
		if (r)
			return r;
	}
	for (size_t i = 0; i < count; i++)
		log_listening(s, &conf->listeners[i], s->workers[0].listeners[i].io.fd, "clients");
	return 0;
}

static int read_token(struct serve *s)
{
	const struct conf_admin *conf = &s->generation->snapshot->admin;
	char path[4096];

	if (conf->token_file.len == 0)
		return 0;
	if (conf->token_file.len >= sizeof(path))
		return err_raise(ENAMETOOLONG, "admin.token");
	snprintf(path, sizeof(path), "%.*s", SLICE_ARG(conf->token_file));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, s->token, sizeof(s->token));
	int failed = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_raise(failed, "admin.token %s", path);
	struct slice token = slice_of(s->token, (size_t)n);
	while (token.len && (token.data[token.len - 1] == '\n' || token.data[token.len - 1] == '\r'))
		token.len--;
	s->token_len = token.len;
	return token.len >= 16 ? 0 : err_raise(EINVAL, "admin.token %s: shorter than 16 bytes", path);
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
		r = tls_server_new(g->certificates, g->certificate_count, g->snapshot->tls.minimum_13,
		                   &s->admin_tls);
	if (r == 0)
		r = sock_listen(&conf->listener.address, BACKLOG, false, &fd);
	if (r)
		return r;
	log_listening(s, &conf->listener, fd, "admin");
	struct admin_facts facts = {
		.scratch = &s->scratch,
		.conf = g->snapshot,
		.tls = s->admin_tls,
		.token = slice_of(s->token, s->token_len),
		.sets = s->metrics,
		.set_count = s->worker_count,
		.draining = &s->draining,
		.log = log_sink(s->log),
		.listen_fd = fd,
	};
	return admin_new(&facts, &s->admin);
}

/* --- start and end */

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
		r = control_new(&s->reactor, log_sink(s->log), &s->control);
	if (r == 0)
		r = random_bytes(&key, sizeof(key));
	if (r)
		return r;
	s->gateway = (struct gateway){
		.limits = limits_new(&key, s->generation->snapshot->limits.connections),
		.log = log_sink(s->log),
		.control = control_mailbox(s->control),
		.ask_fn = control_on_ask,
		.ended_fn = on_worker_ended,
		.owner = s,
	};
	return s->gateway.limits ? 0 : err_raise(ENOMEM, "the table of addresses");
}

static int start(struct serve *s)
{
	const struct snapshot *conf = s->generation->snapshot;
	bool terminal = isatty(STDERR_FILENO);
	int r = log_start(&s->log, STDERR_FILENO, (enum event_level)conf->log_level, terminal);

	if (r)
		return r;
	explain_weak(conf, log_weak, s);
	log_development(s);
	r = start_control(s);
	if (r == 0)
		r = resolver_start(s->generation, log_sink(s->log), &s->resolver);
	if (r == 0)
		r = start_workers(s);
	return r ? r : start_admin(s);
}

static void stop(struct serve *s)
{
	/* Workers that run while another could not be started are told to end as well. */
	if (s->started && !s->ended) {
		start_drain(s);
		reactor_run(&s->reactor);
	}
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_join(&s->workers[i]);
	free(s->workers);
	admin_free(s->admin);
	tls_server_free(s->admin_tls);
	resolver_stop(s->resolver);
	control_free(s->control);
	MUST(!s->gateway.limits || limits_whole(s->gateway.limits));
	limits_free(s->gateway.limits);
	io_remove(&s->signals);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	if (s->scratch_ready)
		stream_scratch_deinit(&s->scratch);
	if (s->reactor_ready)
		reactor_deinit(&s->reactor);
	ct_wipe(s->token, sizeof(s->token));
	generation_unref(s->generation);
	snapshot_unref(s->snapshot);
	log_stop(s->log);
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
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (load(s, configuration) == 0 && make_generation(s) == 0) {
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
