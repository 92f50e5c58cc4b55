/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of the runner of test cases share.
 */
#include "base/charge.h"
#include "cmd/test_run.h"
#include "policy/dispatch.h"
#include "policy/handshake.h"
#include "policy/keys.h"
#include "policy/message.h"
#include "policy/quota.h"
#include "policy/rules.h"

struct test_world {
	struct snapshot *conf;
	/* The same with an identity more (the last one: tickets of the test's own), routes that
	 * take it, and nothing that only observes. */
	struct snapshot played;
	struct arena arena;
	struct test_cover cover;
	struct keyset keys;
	struct siphash_key secret;
	struct rules_room *room;
};

/* A client and its connection, of which there may be several, one after the other. */
struct test_talk {
	struct test_world *world;
	const struct test_client *client;
	uint64_t now_us, now_unix_ms;
	struct quota *quota;
	struct budget budget;
	struct limits *limits;

	/* of a connection */
	struct arena arena;
	struct limits_receipt receipt;
	struct http_parser parser;
	struct http_request request;
	struct dispatch dispatch;
	struct handshake_input input;
	struct handshake handshake;
	const struct conf_route *route; /* of world.played */
	struct rules *rules;
	struct message_policy policy;
	bool open;
	unsigned waiting; /* messages of the client that `running` keeps */
};

/* Opens the connection: PASS, or REFUSE. With *broken (static) the case itself makes no sense
 * and nothing was judged. */
struct verdict test_open(struct test_talk *t, const char **broken);

/* Ends it. Harmless if there is none. */
void test_close(struct test_talk *t);

/* Compares what was forwarded with what was expected. False: they differ, and *differs is the
 * pointer of the first difference, or has no data. */
bool test_compare(const struct test_expect *e, const struct test_result *r, struct arena *a,
		  struct slice *differs);
