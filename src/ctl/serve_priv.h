/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The process as the files of ctl/ share it; all of it belongs to the control thread.
 */
#include "ctl/control.h"
#include "ctl/resolver.h"
#include "ctl/siege.h"
#include "ctl/watch.h"
#include "gateway/command.h"
#include "gateway/worker.h"
#include "obs/admin.h"
#include "obs/auditlog.h"
#include "obs/log.h"

enum {
	WORKERS_MAX = 256,
	TOKEN_BYTES = 4096,
	LISTEN_BACKLOG = 4096,
	ADMIN_LISTENER = 65535, /* its number among the sockets that the parent holds */
};

struct api;

/* of life.c */
struct life {
	struct timer watch, second;
	uint64_t next_certificates_ms;
	uint64_t dropped; /* lines of the audit log, a second ago */
	struct {
		struct watch watch;
		uint64_t turns;
	} workers[WORKERS_MAX];
};

struct serve {
	const char *path; /* of the configuration */
	struct generation *generation;
	struct log *log;
	struct auditlog *auditlog; /* NULL: none */
	struct reactor reactor;    /* of the control thread */
	bool reactor_ready, scratch_ready;
	struct stream_scratch scratch;
	struct control *control;
	struct resolver *resolver, *next_resolver; /* next: of the reload under way */
	struct admin *admin;
	struct tls_server *admin_tls;
	char token[TOKEN_BYTES];
	size_t token_len;
	struct gateway gateway;
	struct worker *workers;
	unsigned worker_count, started, ended;
	int first_fds[WORKER_LISTENERS], admin_fd; /* borrowed; for the log */
	struct metrics *metrics[WORKERS_MAX];
	struct io signals;
	int signal_fd;
	bool draining;
	struct command_batch *reload; /* under way */
	bool reload_again;            /* asked for meanwhile */
	struct api *api;
	struct life life;
	struct siege_watch siege;
};

/* --- serve.c */
struct event_sink *serve_log(struct serve *s);
void serve_drain(struct serve *s);

/* For ends that are none: what the logs have is written, nothing is freed. */
void serve_end_logs(struct serve *s);

struct auditlog_rules serve_auditlog_rules(const struct conf_audit *conf);

/* One socket for each of conf's listeners; where `open` is given, only those whose entry is
 * true, the others are -1. addresses come back as bound. Returns 0 or -errno, nothing open. */
int serve_listen(struct address *addresses, int *fds, const bool *open, size_t count);
void serve_log_listening(struct serve *s, bool tls, int fd, const char *role);

/* --- reload.c */

/* Reads the configuration again and gives it to all workers. A configuration that cannot
 * be used changes nothing. What there is to say is appended to text (NULL: to standard
 * error). Returns 0 when it is under way, or 1. */
int serve_reload(struct serve *s, struct buf *text);

/* --- api.c */

/* Answers to /v1/... of the admin listener. */
int api_new(struct serve *s, struct api **out);
void api_free(struct api *a);
void api_call(void *arg, const struct admin_call *call);
