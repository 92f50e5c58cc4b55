/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What policy has to ask the world, and the answer.
 *
 * A gate that says VERDICT_ASK has filled a question. The gateway sends it to the control
 * thread, parks the session under a deadline and calls policy again with the answer. A
 * deadline that passed, a full queue or a broken connection is ANSWER_FAILED, the value
 * zero: it refuses.
 */
#include <stdint.h>

#include "base/counted.h"
#include "base/slice.h"
#include "conf/snapshot.h"
#include "policy/ticket.h"

enum question_kind {
	QUESTION_NONE = 0,
	QUESTION_TAKE_TICKET,   /* take the record of ticket_id out of the store (store_take) */
	QUESTION_PUT_TICKET,    /* put the record into the store (store_put) */
	QUESTION_VERIFY_COOKIE, /* ask the application at identity->cookie.verify (verifier.h) */
	QUESTION_ENTER, /* may subject have one more connection, over all nodes? (store_enter) */
	/* Ask for newer keys at identity->jwt.jwks; any answer means: look again. */
	QUESTION_REFRESH_KEYS,
	QUESTION_COUNT,     /* take what is in counted, all of it or nothing (store_counted_take) */
	QUESTION_GIVE_BACK, /* these slots are free again (store_counted_give); nobody waits */
};

/* Texts are valid as long as what the gate was given (request, arena, snapshot): who sends
 * a question to another thread copies them. */
struct question {
	enum question_kind kind;
	uint8_t ticket_id[TICKET_ID_BYTES];   /* TAKE, PUT */
	struct slice record;                  /* PUT: bytes of ticket_record_encode */
	uint64_t expires_unix_ms;             /* PUT */
	const struct conf_identity *identity; /* VERIFY: whose cookie and which URL. REFRESH */
	struct slice cookie;                  /* VERIFY: the value, secret */
	struct slice subject;                 /* ENTER */
	uint64_t max;                         /* ENTER */
	struct counted counted[COUNTED_MAX];  /* COUNT, GIVE_BACK */
	size_t counted_count;
};

enum answer_kind {
	ANSWER_FAILED = 0, /* could not be asked, or answered nonsense */
	ANSWER_NO,  /* TAKE: not there. VERIFY: the application says no. ENTER, COUNT: too many */
	ANSWER_YES, /* TAKE: record. VERIFY: subject and claims. PUT, ENTER, COUNT: done */
};

/* Texts need be valid only during the call that is given the answer: policy copies. */
struct answer {
	enum answer_kind kind;
	struct slice record;  /* TAKE */
	struct slice subject; /* VERIFY */
	struct slice claims;  /* VERIFY: a JSON object */
	size_t over;          /* COUNT: which of them is over what it may be */
};
