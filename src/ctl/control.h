/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The control thread's answers: everything that may wait happens here.
 *
 *   ask.mail --> take or put a ticket: store, at once or when Redis has answered
 *            --> count a connection of a subject: store
 *            --> what all nodes count: store
 *            --> verify a cookie: cache, else the application by HTTP
 *            --> newer keys of an issuer: keysets
 *            --> a piece of a file: disk
 *            ... ask_give_back
 */
#include "base/event.h"
#include "base/metric.h"
#include "conf/snapshot.h"
#include "ctl/alerts.h"
#include "net/mailbox.h"
#include "net/reactor.h"
#include "net/stream.h"
#include "policy/revocation.h"
#include "store/store.h"

struct control;
struct keysets;

/* Without a shared store sessions go on for so long; what is revoked meanwhile does not
 * reach us. */
enum { CONTROL_GRACE_MS = 30000 };

struct control_facts {
	struct reactor *reactor;        /* whose thread it belongs to */
	struct stream_scratch *scratch; /* of that thread */
	struct event_sink *log;
	struct snapshot *conf; /* for the store, that of the start; a reference is taken */
	/* Another node was told to revoke. */
	void (*revoked)(void *arg, enum revocation_kind kind, struct slice text,
			uint64_t at_unix_ms);
	/* The store has been away for CONTROL_GRACE_MS, or is back after that. */
	void (*lost)(void *arg, bool lost);
	void *arg;
};

/* Returns 0 or -errno. */
int control_new(const struct control_facts *facts, struct control **out);

/* No question is under way. Accepts NULL. */
void control_free(struct control *c);

/* Every cookie is asked about anew. */
void control_forget_verified(struct control *c);

/* Where generations get the keys of tokens from. */
struct keysets *control_keysets(struct control *c);

/* Puts a ticket's record into the store, from the control thread itself; as store_put. */
void control_put_ticket(struct control *c, const uint8_t id[16], struct slice record,
			uint64_t expires_unix_ms, store_fn fn, void *arg);

/* Tells the other nodes; as store_publish. */
void control_publish(struct control *c, enum revocation_kind kind, struct slice text,
		     uint64_t at_unix_ms, store_fn fn, void *arg);

/* What the other nodes revoked is told again: something of it could not be carried out. */
void control_tell_again(struct control *c);

/* What was revoked on other nodes before we started was told. */
bool control_told_all(const struct control *c);

/* Its numbers; beside those of the workers. */
struct metrics *control_metrics(struct control *c);

/* Who hears of verifiers and stores that are away. */
struct alerts *control_alerts(struct control *c);

/* For struct gateway. */
struct store *control_store(struct control *c);
struct mailbox *control_mailbox(struct control *c);
void control_on_ask(struct mail *mail, void *receiver);
void control_on_leave(struct mail *mail, void *receiver);
