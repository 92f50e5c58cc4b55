/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One worker: a thread, its loop, its listeners and its connections.
 *
 *   listeners --accept--> conn (lives and dies here) --> upstream legs
 *        |                  |
 *     limits (shared,     asks --mailbox--> control thread
 *      lock-free)
 *
 * Shared with other threads: the gateway's limits and targets (atomic), the generation
 * (immutable), the mailbox (locked), the metrics (written here, read elsewhere).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/charge.h"
#include "base/event.h"
#include "base/list.h"
#include "base/metric.h"
#include "gateway/generation.h"
#include "net/mailbox.h"
#include "net/reactor.h"
#include "net/stream.h"
#include "policy/limits.h"
#include "policy/jwt.h"
#include "policy/pools.h"
#include "policy/revocation.h"
#include "policy/rules.h"
#include "policy/seen.h"
#include "policy/siege.h"
#include "tls/ctx.h"
#include "ws/deflate.h"
#include "ws/write.h"

enum {
	WORKER_LISTENERS = 64,
	WORKER_DOOMED = 256,  /* connections at once that are only told that they are too many */
	WORKER_REQUESTS = 64, /* request objects kept for the next connections */
	WORKER_RESPONSE_BYTES = 256 * 1024,
	WORKER_AWAY_ANSWERS = 8, /* that differ in their Retry-After */
	WORKER_AWAY_BYTES = 512,
};

/* What all workers and the control thread share. Outlives them. */
struct gateway {
	struct limits *limits;
	struct quota *quota; /* what rules count */
	struct pools pools;
	struct seen *proofs; /* of work, that were used */
	struct seen *good;   /* networks of clients who are known; of the last hour */
	_Atomic unsigned siege_level, proof_bits; /* written by the control thread */
	struct event_sink *log;
	struct mailbox *control;
	struct store *store; /* for what it can answer at once; all else asks control */
	mail_fn ask_fn;   /* the control thread's answer to an ask's mail */
	mail_fn leave_fn; /* a seat that was given up */
	mail_fn ended_fn; /* a worker's thread is about to end: mail is its `ended` */
	void *owner;      /* for ended_fn */
	_Atomic bool store_lost; /* no revocation reaches us: nobody is let in */
};

struct worker_listener {
	struct io io; /* fd -1: not in use */
	struct worker *worker;
	size_t index; /* in snapshot.listeners of the worker's generation */
	bool tls;
	struct address address; /* as bound */
};

struct request;

/* Who has a bounded part of each round, so that all others have theirs. */
enum guard_class {
	GUARD_NOBODY = 0, /* has a turn always */
	GUARD_NEWCOMERS,  /* from accept to the end of the head */
	GUARD_HEAVY,      /* sessions whose last turn took long, while rounds are long */
	GUARD_CLASSES,
};

/* One worker's side of a siege: see guard.c. */
struct guard {
	struct pools_shares shares;
	struct list places[POOL_COUNT]; /* connections by where they stand, oldest first */
	struct rate trickle_rate;
	struct bucket trickle;
	bool none_better;
	uint64_t tired_us; /* until then newcomers have had more than their share of our time */
	_Atomic uint64_t lag_us; /* the longest round; the control thread takes it */
	bool turned_once;
	struct {
		uint64_t used_us; /* of this round */
		uint64_t waiting; /* for the next */
	} shares_of_round[GUARD_CLASSES];
	uint64_t turn_began_us; /* of whoever has it now; 0: nobody is timed */
	enum guard_class turn_class;
	unsigned timed_rounds; /* for so many sessions are timed */
	struct {
		char text[WORKER_AWAY_BYTES];
		size_t head, len; /* of the answer without and with its body */
		size_t id;        /* where the request's stands */
	} away[WORKER_AWAY_ANSWERS];
	unsigned away_next;
};

struct worker {
	uint32_t magic;
	unsigned number;
	struct gateway *gateway;
	struct generation *generation; /* one reference */
	pthread_t thread;
	struct mail ended; /* posted to the control thread as the thread's last act */
	struct mail ping;  /* in the mailbox, unless turned */
	_Atomic bool turned, over; /* over: the loop has ended */
	_Atomic pid_t tid;         /* the kernel's word for the thread */
	struct reactor reactor;
	struct reactor_hook hook; /* frees what ended in this round */
	struct stream_scratch scratch;
	struct mailbox box;
	struct budget memory;
	struct metrics metrics;
	struct ws_inflater *inflater;
	struct ws_deflater *deflater;
	struct ws_masker masker;
	struct tls_server *tls_server; /* NULL without certificates */
	struct tls_client *tls_client; /* NULL without wss upstreams */
	struct worker_listener listeners[WORKER_LISTENERS];
	struct revocations *revocations;
	struct jwt_refusals *refusals; /* of tokens */
	struct rules_room *rules_room;
	struct guard guard;
	struct timer accept_pause; /* out of descriptors, or of breath: try again then */
	struct timer drain_end;
	struct timer running_end; /* of an operation that outlived its session */
	int reserve_fd;
	struct list conns, gone;
	struct list idle_proxies; /* connections to sites' applications that may be used again */
	unsigned idle_proxy_count;
	uint64_t conn_count, doomed_count, ask_count;
	struct request *free_requests;
	unsigned free_request_count;
	struct buf response; /* of the answer being written */
	struct buf frame;    /* of the frame being compressed */
	struct bucket reports;   /* lines about what browsers reported */
	int64_t reports_dropped; /* since the last such line */
	bool draining;
	uint64_t accept_complained_ms;
};

/* listen_fds: one per listener of the snapshot, taken over on success. memory: bytes this worker
 * may hold for slow peers and unfinished things. The thread is not started. Returns 0 or -errno. */
int worker_init(struct worker *w, unsigned number, struct gateway *gateway,
		struct generation *generation, const int *listen_fds, uint64_t memory);

int worker_start(struct worker *w);

/* What a worker needs of a generation for TLS; either is NULL where there is no use for it. */
struct worker_tls {
	struct tls_server *server;
	struct tls_client *client;
};

/* On any thread. Returns 0, or -errno with nothing in it. */
int worker_tls_init(struct worker_tls *tls, const struct generation *g);
void worker_tls_deinit(struct worker_tls *tls);

/* On the worker's thread: what comes from now on is judged by g. Live sessions go on under
 * g's route of the same path, or are closed where that, or their identity's right to it, is
 * gone. listen_fds has a socket for each of g's listeners, or -1 where the worker has one
 * on that address already; all are taken over, and what is in tls is. Returns 0, or -ESHUTDOWN
 * while draining, with the old generation still in force: nothing else can fail here, so that
 * no two workers judge by different rules. */
int worker_reload(struct worker *w, struct generation *g, const int *listen_fds,
		  struct worker_tls *tls);

/* From any thread: close sessions with 1001, finish what is under way, end within
 * deadline_ms. */
void worker_drain(struct worker *w, uint64_t deadline_ms);

/* On the worker's thread: in how many milliseconds to close all sessions, so that not everybody
 * connects again in the same moment; 0 for a few. */
uint64_t worker_spread(const struct worker *w);

/* From the control thread: whether the loop has gone round since this was asked last; an
 * ended one counts as if it had. */
bool worker_turned(struct worker *w);
pid_t worker_tid(const struct worker *w);

/* On the worker's thread: a session has left operations of `running` behind, perhaps. */
void worker_watch_running(struct worker *w);

/* Waits for the thread's end, then frees. */
void worker_join(struct worker *w);
