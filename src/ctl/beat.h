/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The gateway's pulse: a page that it shares with its parent.
 *
 *   gateway: control thread --writes--> page <--reads-- parent
 *
 * A page, not a message: a parent that does not read (it is stopped, or stuck itself) holds
 * nobody up and fills nothing. All that a gateway gone mad can write there is when it wants to be
 * ended.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum beat_state {
	BEAT_UNWATCHED, /* it starts, or ends */
	BEAT_TURNING,   /* the control thread's loop turns a few times a second */
	BEAT_BUSY,      /* it is at something long: a configuration is read */
	BEAT_STUCK,     /* a worker is stuck; the gateway says so and ends */
};

struct beat {
	_Atomic uint64_t turns; /* of the control thread's loop */
	_Atomic uint64_t alive; /* rounds of a second in which all loops turned */
	_Atomic uint32_t state;
};

/* --- in the parent */

/* A new page, and a descriptor of it for the gateway; the caller closes that and unmaps the page.
 * Returns NULL when there is none to be had. */
struct beat *beat_new(int *fd);
struct beat *beat_free(struct beat *b);

/* --- in the gateway: without a parent, or with one that knows no pulse, nothing happens */

/* Takes the page; fd is closed. */
void beat_take(int fd);

/* Whether there is a page. */
bool beat_taken(void);

/* Returns the state before. */
enum beat_state beat_enter(enum beat_state state);
void beat_turn(void);
void beat_alive(void);
