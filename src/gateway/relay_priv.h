/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What relay.c (messages, deadlines) and relay_close.c (refusals, the end) share. Private to them.
 */
#include "gateway/conn.h"

static inline enum side relay_other(enum side side)
{
	return side == CLIENT ? SERVER : CLIENT;
}

static inline struct stream *relay_stream(struct conn *c, enum side side)
{
	return side == CLIENT ? &c->client : &c->session->up;
}

/* --- relay.c */

/* The earliest of an open session's deadlines. */
uint64_t relay_next_deadline(const struct session *s);

/* --- relay_close.c: all of these may end the connection */

/* Common fields of a line about the session. */
void relay_event(const struct conn *c, struct event *e);
void relay_log_closed(const struct conn *c);

/* Nothing more is written to that side. */
void relay_finish(struct conn *c, enum side side);

/* One side said that it closes: it gets its echo, the other side hears the same. */
void relay_on_close(struct conn *c, enum side from, const struct ws_event *e);

/* A side ended without a word. */
void relay_on_gone(struct conn *c, enum side side);

/* The reader refused what that side sent. */
void relay_on_refused(struct conn *c, enum side from, enum reason reason);
