/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ladder: how much the gateway lets in, by what was measured.
 *
 *   each second: measured numbers --siege_step--> level 0 .. 4 --> all workers
 *                                      ^
 *                                  an operator
 *
 *   level          what it means for who comes new (who is in, stays in)
 *   0 calm         everybody
 *   1 elevated     half the time for a head, no compression, no keep-alive; who shows nothing
 *                  that we made ourselves counts twice in his address's rate
 *   2 tickets      who shows a ticket, a certificate, or a cookie with its CSRF token; what
 *                  has to be verified first, and pages, by a trickle; `anyone` not at all
 *   3 proof        the same, and tickets are given for a proof of work only: policy/proof.h
 *   4 fortress     tickets that are out, and nothing else; none are given. Networks of
 *                  `siege.allow` go in at every level.
 *
 * A level is entered with the second that shows its load (rates: with the second such second
 * in a row), and left when no second of the last `calm` showed it. Pure: numbers and time
 * come in.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/rate.h"
#include "conf/snapshot.h"
#include "policy/verdict.h"

enum siege_level {
	SIEGE_CALM = 0,
	SIEGE_ELEVATED,
	SIEGE_TICKETS,
	SIEGE_PROOF,
	SIEGE_FORTRESS,
	SIEGE_LEVELS
};

/* What can raise the level. */
enum siege_input {
	SIEGE_HANDSHAKES = 0, /* connections let through to the handshake, of `siege.handshakes` */
	SIEGE_REFUSALS,       /* refused among those; from a tenth of that many on */
	SIEGE_TLS,            /* the workers' time that went into TLS handshakes */
	SIEGE_LAG,            /* the longest time that a loop was away, of `siege.lag` */
	SIEGE_ASKED,          /* requests for tickets, of `siege.tickets` */
	SIEGE_DESCRIPTORS,    /* open, of what the process may have; or connections, of `limits` */
	SIEGE_MEMORY,         /* in buffers, of `limits.buffered` */
	SIEGE_INPUTS
};

/* One second, over all workers. */
struct siege_load {
	uint64_t window_ms;
	unsigned workers;
	uint64_t handshakes, refused, tickets;
	uint64_t tls_us, lag_us;
	uint64_t connections, connections_max;
	uint64_t descriptors, descriptors_max;
	uint64_t buffered, buffered_max;
};

/* The zero ladder stands at 0 and knows nothing. */
struct siege {
	unsigned level;      /* in force */
	unsigned measured;   /* what load alone says */
	bool held;           /* an operator's word stands ... */
	unsigned held_level; /* ... and is this */
	uint32_t reasons;    /* bits of enum siege_input that brought it; 0: an operator, or calm */
	uint32_t percent[SIEGE_INPUTS]; /* of the last second */
	uint8_t shown[SIEGE_INPUTS];    /* the level that each showed in the last second */
	uint64_t seen_ms[SIEGE_LEVELS]; /* when a load of that level was last there; 0: never */
	uint32_t why[SIEGE_LEVELS];     /* by which inputs */
	unsigned proof_bits;            /* what a proof of work has to cost now */
};

/* After each second, and after siege_hold: the level for now_ms (monotonic, not 0). True when it
 * is another than before. */
bool siege_step(struct siege *s, const struct conf_siege *conf, const struct siege_load *load,
		uint64_t now_ms);

/* An operator's word, in force at once: the level stays there until siege_release. True when it
 * is another than before. level < SIEGE_LEVELS. */
bool siege_hold(struct siege *s, unsigned level);

/* What was measured counts again. True when the level is another than before. */
bool siege_release(struct siege *s, const struct conf_siege *conf, uint64_t now_ms);

/* `handshakes`, `refusals`, ...: for logs and the API. */
const char *siege_input_word(enum siege_input input);

/* The words of a set of bits, joined by spaces; "" for none. */
enum { SIEGE_WORDS_BYTES = 128 };
struct slice siege_words(uint32_t bits, char room[SIEGE_WORDS_BYTES]);

/* --- who is let in */

enum siege_guest {
	SIEGE_NOBODY = 0, /* shows nothing */
	SIEGE_CLAIMED,    /* shows what somebody has to verify; a page */
	SIEGE_KNOWN,      /* shows what we made ourselves, or what TLS has verified */
};

/* What decides at one moment. The zero gate is calm. */
struct siege_gate {
	unsigned level;
	unsigned proof_bits;
	bool none_better; /* the configuration knows nobody but `anyone`: they get the trickle */
	bool allowed;     /* the client's network is one of `siege.allow` */
	const struct rate *trickle_rate;
	struct bucket *trickle; /* of the worker */
	uint64_t now_us;
};

/* A handshake, once it is known what it shows; a page as CLAIMED. PASS, or REFUSE with SIEGE and
 * a Retry-After. Takes from the trickle. */
struct verdict siege_admit(const struct siege_gate *g, enum siege_guest who)
	__attribute__((warn_unused_result));

/* A request to an own endpoint. PASS, or REFUSE with SIEGE. */
struct verdict siege_admit_endpoint(const struct siege_gate *g) __attribute__((warn_unused_result));

/* The rate of the trickle for one worker. */
struct rate siege_trickle_rate(const struct conf_siege *conf);

/* No route takes anything but `anyone`. */
bool siege_knows_nobody(const struct snapshot *s);

bool siege_is_allowed(const struct conf_siege *conf, const struct address *peer);
