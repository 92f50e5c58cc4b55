/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the control thread tells all workers at once, and how it learns that all have done it.
 *
 *   control: command_send --mail--> worker 0: does it --mail--> control: one less to wait for
 *                         --mail--> worker 1: does it --mail-->          ... all back: done(batch)
 *
 * When done is called, every worker has carried the command out on its own thread: after a
 * revocation nothing of the revoked is forwarded any more, in either direction.
 */
#include "base/buf.h"
#include "gateway/worker.h"
#include "policy/revocation.h"

enum command_kind {
	COMMAND_LIST,    /* sessions as JSON objects, one after the other with commas, into out */
	COMMAND_CLOSE,   /* the session of that id */
	COMMAND_REVOKE,  /* remember it, close what it hits */
	COMMAND_LOST,    /* end all sessions, spread: the store has been away for too long */
	COMMAND_BUDGETS, /* what is held of each budget, as one JSON object, into out */
	COMMAND_RELOAD,  /* the new generation */
};

enum { COMMAND_TEXT_MAX = 1024, COMMAND_OUT_MAX = 16 << 20 };

struct command_batch;
typedef void (*command_done_fn)(struct command_batch *b);

/* One worker's share. */
struct command {
	struct mail mail;
	struct worker *worker;
	struct command_batch *batch;
	struct buf out;
	int listen_fds[WORKER_LISTENERS]; /* RELOAD: see worker_reload */
	struct worker_tls tls;            /* RELOAD: likewise */
	size_t hits;                      /* sessions listed or closed */
	bool failed;                      /* no memory: it was not carried out whole */
};

struct command_batch {
	enum command_kind kind;
	enum revocation_kind revocation; /* REVOKE */
	uint64_t at_unix_ms;             /* REVOKE */
	char text[COMMAND_TEXT_MAX];     /* LIST: subject (all: empty), CLOSE: id, REVOKE: what */
	size_t text_len;
	struct generation *generation; /* RELOAD: the batch's reference */
	command_done_fn done;
	void *arg;
	unsigned waiting, count;
	struct command commands[]; /* count of them */
};

/* On the control thread. NULL without memory. text is at most COMMAND_TEXT_MAX long. */
struct command_batch *command_batch_new(enum command_kind kind, struct slice text, unsigned workers,
					command_done_fn done, void *arg);

/* Sends to workers[0 .. count). Whatever could not be sent counts as failed. */
void command_send(struct command_batch *b, struct worker *workers);

/* Sums, once done. */
size_t command_hits(const struct command_batch *b);
bool command_failed(const struct command_batch *b);

/* After done. Accepts NULL. */
void command_batch_free(struct command_batch *b);
