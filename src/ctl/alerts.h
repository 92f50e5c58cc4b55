/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Calling for a person: alerts become a line `alert` in the logs and calls of webhooks.
 *
 *   alerts_raise, alerts_over --> obs/alert_table --> one POST at a time to each webhook
 *
 * All of it on the control thread; nothing here waits. Who is not there is tried again, ever
 * more seldom; what is the same is not said twice. Bodies hold no secret, and neither path nor
 * query of a webhook's URL, which often is one, is ever logged.
 */
#include "base/event.h"
#include "base/metric.h"
#include "conf/snapshot.h"
#include "ctl/fetch.h"
#include "net/reactor.h"
#include "obs/alert_table.h"

struct alerts;

struct alerts_facts {
	struct reactor *reactor;
	struct fetcher *fetcher;
	struct event_sink *log;
	struct metrics *metrics;
	struct snapshot *conf; /* a reference is taken */
};

/* Returns 0 or -errno: a token that cannot be read, say. */
int alerts_new(const struct alerts_facts *facts, struct alerts **out);

/* The fetcher is about to end: nobody is called any more. Accepts NULL. */
void alerts_stop(struct alerts *a);

/* After the fetcher. Accepts NULL. */
void alerts_free(struct alerts *a);

/* Another configuration is about to come into force: its tokens are read. Returns 0 or
 * -errno with nothing changed; then alerts_adopt puts it into force. */
int alerts_prepare(struct alerts *a, struct snapshot *conf) __attribute__((warn_unused_result));
void alerts_adopt(struct alerts *a);

/*
 * Raises an alert: about what of its kind (a name; may be empty), what is the matter in words
 * (both may go anywhere: no secrets), and how bad, where that has levels. To raise what is raised
 * already costs nothing and calls nobody. Accepts a NULL a, like the following.
 */
void alerts_raise(struct alerts *a, enum alert_kind kind, struct slice about, const char *what,
		  uint32_t level);

/* It is over, unless it is raised again within ALERT_CALM_MS. Costs nothing if it was not
 * raised. */
void alerts_over(struct alerts *a, enum alert_kind kind, struct slice about);

/* Raising all of a kind in between; those that were not are over. */
void alerts_sweep_begin(struct alerts *a);
void alerts_sweep_end(struct alerts *a, enum alert_kind kind);

/* Once a second: what is due is sent, and how many were refused so far, in all. */
void alerts_turn(struct alerts *a, uint64_t refused);

/* Appends {"alerts": [...]}: what lasts. Returns as buf_append. */
int alerts_list(const struct alerts *a, struct buf *to);
