/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Questions to applications, and calls of webhooks, by HTTP, on the control thread: libcurl's
 * multi interface in our reactor.
 *
 * Every question is bounded, in time (FETCH_MS in all) and bytes (VERIFIER_BODY_MAX with a
 * cookie). No redirect is followed, no proxy of the environment is asked, http and https only,
 * certificates are verified, nothing is stored (no cookies, no credentials). Connections are kept
 * for reuse.
 */
#include "base/slice.h"
#include "net/reactor.h"

enum {
	FETCH_MS = 3000,
	FETCH_CONNECT_MS = 2000,
	FETCH_MAX = 1024, /* under way at once */
};

struct fetcher;
struct fetch;

/* status 0: it failed, and detail says why (static text). body is valid during the call. */
typedef void (*fetch_fn)(void *arg, int status, struct slice body, const char *detail);

/* Returns 0 or -errno. */
int fetcher_new(struct reactor *r, struct fetcher **out);

/* Questions under way are answered with status 0. Accepts NULL. */
void fetcher_free(struct fetcher *f);

/* GET url with that Cookie field (name=value; wiped afterwards). fn is called once, later or,
 * when it cannot even begin, at once. */
void fetch_get(struct fetcher *f, struct slice url, struct slice cookie_name,
	       struct slice cookie_value, fetch_fn fn, void *arg);

/* GET url with nothing of anybody's; the answer may have body_max bytes. */
void fetch_plain(struct fetcher *f, struct slice url, size_t body_max, fetch_fn fn, void *arg);

/* POST that JSON to url, with `Authorization: Bearer` unless token is empty. All three are
 * copied, token is wiped afterwards; the answer's body is not kept. */
void fetch_post(struct fetcher *f, struct slice url, struct slice json, struct slice token,
		fetch_fn fn, void *arg);
