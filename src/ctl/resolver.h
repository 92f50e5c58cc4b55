/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Addresses of upstreams that are given by name: once at start, then every RESOLVER_MS
 * by a thread of its own, since the system's resolver waits.
 */
#include "base/event.h"
#include "gateway/generation.h"

enum { RESOLVER_MS = 30000 };

struct resolver;

/* Fills in all addresses (names that do not resolve are logged and tried again) and starts
 * the thread if there is any name. Takes a reference. *out may become NULL: nothing to do. */
int resolver_start(struct generation *g, struct event_sink *log, struct resolver **out);

/* Accepts NULL. Waits for a look-up under way. */
void resolver_stop(struct resolver *r);
