/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A test case of a policy, as written and as it came out.
 *
 *   CASES.yaml --test_read--> struct test_case --test_run--> one struct test_result per step
 *
 * A case is one client: it connects (who and from where is struct test_client), then its steps
 * happen one after the other while a clock of its own advances as they say. Cases know nothing
 * of each other.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/reason.h"
#include "base/slice.h"

enum test_kind {
	TEST_PAUSE = 0, /* time passes */
	TEST_HANDSHAKE, /* the connection is opened, and that is all */
	TEST_CLIENT,    /* the client sends a message */
	TEST_SERVER,    /* the application sends one */
	TEST_WAITING,   /* the message that `running` made wait: what became of it by now? */
	TEST_RECONNECT, /* the client goes away and comes again */
};

/* What became of a message or of a handshake. */
enum test_fate {
	TEST_BROKEN = 0, /* the case cannot be run; `detail` says why */
	TEST_QUIET,      /* nothing had to become of anything */
	TEST_ALLOWED,    /* handshake */
	TEST_FORBIDDEN,  /* handshake */
	TEST_FORWARDED,
	TEST_DROPPED, /* goes nowhere; the connection stays */
	TEST_REPLIED, /* likewise, and the client is told */
	TEST_CLOSED,  /* goes nowhere, and the connection is closed */
	TEST_WAITS,   /* until others of `running` are done */
};

/* How the message that is forwarded is compared. */
enum test_compare {
	TEST_ANYTHING = 0,
	TEST_AS_JSON,   /* the same value, members in any order */
	TEST_AS_TEXT,   /* the same bytes, in a text frame */
	TEST_AS_BINARY, /* the same bytes, in a binary frame */
};

struct test_expect {
	enum test_fate fate; /* with any_refusal: FORBIDDEN, DROPPED, REPLIED or CLOSED */
	bool any_refusal;
	enum reason reason; /* of a refusal */
	enum test_compare compare;
	struct slice value; /* JSON text, or bytes */
	bool has_at;
	struct slice at; /* JSON Pointer of the offence */
};

struct test_step {
	enum test_kind kind;
	uint32_t line;
	uint64_t after_ms; /* that pass before it */
	bool binary;
	struct slice message; /* bytes */
	struct test_expect expect;
};

enum test_origin {
	TEST_ORIGIN_ALLOWED = 0, /* one that the route allows */
	TEST_ORIGIN_SAME,        /* that of the gateway's own pages */
	TEST_ORIGIN_MISSING,
	TEST_ORIGIN_GIVEN,
};

struct test_pair {
	struct slice name, value;
};

/* Who connects, and how. */
struct test_client {
	uint32_t line;
	struct slice path; /* as in a request, without a query */
	bool known;        /* `as` was given; else it presents nothing */
	struct slice subject, via;
	struct slice claims; /* text of a JSON object */
	enum test_origin origin_kind;
	struct slice origin;
	struct slice host; /* empty: the first that the configuration names, or localhost */
	struct address address;
	bool has_tls, tls; /* else as the first listener */
	const struct test_pair *headers, *query;
	size_t header_count, query_count;
};

struct test_case {
	struct slice name;
	struct slice file;
	uint32_t line;
	struct test_client client;
	uint64_t now_unix_ms; /* when it begins */
	const struct test_step *steps;
	size_t step_count;
};

struct test_result {
	enum test_fate fate;
	enum reason reason;
	struct slice text;    /* forwarded or replied */
	bool binary;          /* likewise */
	struct slice message; /* its id; empty: not recognised */
	uint32_t rule_line;   /* in the configuration; 0: no rule was asked */
	uint32_t allow_line;  /* of the `allow` that said no; 0: none did */
	const char *detail;   /* static; may be NULL */
	bool has_pointer, has_offset;
	struct slice pointer; /* JSON Pointer of the offence */
	size_t offset;        /* in bytes, of what is no JSON */
	bool reconnected;     /* the step before it had closed the connection */
	bool judged;          /* there was something to compare; else the step passed */
	bool passed;
	struct slice differs; /* pointer of the first difference; data is NULL if there is none */
};
