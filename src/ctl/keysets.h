/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Key sets of issuers (`identity.<name>.jwt.jwks`), fetched by the control thread.
 *
 *   start, every `refresh`, after a failure every KEYSETS_RETRY_MS  --\
 *   a token names an unknown key: at most every KEYSETS_ASK_MS     ----> GET --> slot of the
 * identity
 *
 * Whatever goes wrong (no answer, another status than 200, a redirect, too many bytes, no key
 * that fits), the keys of before go on for `grace`; then the slot is empty and nobody gets in.
 * A question waits for the fetch under way, if it may wait at all.
 */
#include "base/event.h"
#include "ctl/alerts.h"
#include "ctl/fetch.h"
#include "gateway/ask.h"
#include "net/reactor.h"

enum { KEYSETS_RETRY_MS = 2000, KEYSETS_ASK_MS = 10000, KEYSETS_WAITING_MAX = 256 };

struct keysets;

/* An issuer that does not answer is an alert. Returns 0 or -errno. */
int keysets_new(struct reactor *r, struct event_sink *log, struct fetcher *f, struct alerts *alerts,
		struct keysets **out);

/* After the fetcher has ended; no question waits. Accepts NULL. */
void keysets_free(struct keysets *k);

/* Before workers see g: fills its slots. A slot whose identity has the same name, URL and
 * algorithms as before is the same; others begin empty and are asked for at once. Returns 0 or
 * -ENOMEM. */
int keysets_adopt(struct keysets *k, struct generation *g) __attribute__((warn_unused_result));

/* g is in force: what only others had is forgotten. */
void keysets_forget_others(struct keysets *k, const struct generation *g);

/* QUESTION_REFRESH_KEYS: gives the ask back, now or when the issuer has answered. */
void keysets_ask(struct keysets *k, struct ask *a);
