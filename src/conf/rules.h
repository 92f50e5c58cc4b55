/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a route says about its messages, ready to be used: `contract`, `rules` and `allow`.
 *
 *   chat.asyncapi.yaml --load_contract--> struct contract: messages with their schemas
 *   rules:             --load_rules-----> one struct conf_rule per message of the contract
 *   expressions        --cel_compile----> programs over the variables below
 *
 * Everything lies in the snapshot's arena and never changes. policy/rules.h acts on it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/rate.h"
#include "base/slice.h"
#include "cel/cel.h"
#include "conf/treatment.h"
#include "contract/asyncapi.h"
#include "json/value.h"

/*
 * The variables of expressions; the number is the slot in the evaluation. Their names are
 * qualified (`identity.sub` is one variable), so that nobody makes what no expression asks for.
 */
enum conf_variable {
	CONF_VAR_MESSAGE = 0, /* the message; as its schema says */
	CONF_VAR_LAST,        /* map: message id -> that message, with `at` (timestamp) */
	CONF_VAR_NOW,         /* timestamp */
	CONF_VAR_IDENTITY_SUB,
	CONF_VAR_IDENTITY_VIA,
	CONF_VAR_IDENTITY_CLAIMS, /* map(string, dyn) */
	CONF_VAR_REQUEST_PATH,    /* decoded */
	CONF_VAR_REQUEST_PARAMS,  /* map(string, string), as `params` */
	CONF_VAR_REQUEST_QUERY,   /* map(string, string); no value if a name came twice */
	CONF_VAR_REQUEST_HEADERS, /* map(string, string); names in lower case */
	CONF_VAR_REQUEST_ORIGIN,  /* "" when it is missing */
	CONF_VAR_REQUEST_IP,      /* of the client, as text */
	CONF_VAR_REQUEST_TLS,     /* bool */
	CONF_VAR_PARAMS,
	CONF_VAR_CONNECTION_ID,
	CONF_VAR_CONNECTION_AGE,      /* duration */
	CONF_VAR_CONNECTION_MESSAGES, /* int: messages of the client that came before this one */
	CONF_VARIABLES,
};

/* The variables that route.allow may use: what is known before the connection is open. */
#define CONF_VARS_HANDSHAKE                                                                        \
	((1u << CONF_VAR_NOW) |                                                                    \
	 (((1u << (CONF_VAR_PARAMS + 1)) - 1) & ~((1u << CONF_VAR_IDENTITY_SUB) - 1)))

/* An expression, or the word `true`. The value zero allows nothing. */
struct conf_condition {
	bool always;                       /* `true` was written */
	const struct cel_program *program; /* else; NULL: nobody */
	struct slice text;                 /* as written */
	uint32_t line;                     /* in the configuration file */
};

/*
 * A place in messages: `a.b`, `/a/b`, `internal.*`. No steps: the whole message. In an array, a
 * step that is no index of it and not `*` is taken in each of its items.
 */
struct conf_step {
	struct json_name name;
	bool any;    /* `*`: each member, each item */
	bool index;  /* the name is a decimal number: an item of that index, too */
	uint32_t at; /* that number */
};

struct conf_field {
	struct slice text; /* as written */
	const struct conf_step *steps;
	size_t count;
};

struct conf_set {
	struct conf_field field;           /* names only: no `*`, no index */
	const struct cel_program *program; /* its value */
};

struct conf_text {
	struct conf_field field; /* each string there and below */
	enum markup_mode mode;
};

/* For detect and redact: the kinds, in each string of the field and below. */
struct conf_kinds {
	struct conf_field field;
	unsigned kinds;
};

struct conf_fields {
	const struct conf_field *items;
	size_t count;
};

/* Over whose messages something is counted. */
enum conf_per {
	CONF_PER_IDENTITY = 0, /* over all connections of the subject; of `anyone`: the address */
	CONF_PER_CONNECTION,
	CONF_PER_ADDRESS,
};

struct conf_running {
	bool on;
	enum conf_per per;
	uint32_t at_most, queue;
	uint32_t until; /* index in contract.messages: a message of the application's */
	uint64_t deadline_ms;
};

struct conf_unique {
	bool on;
	enum conf_per per;
	struct conf_field by; /* one value */
	uint64_t within_ms;
};

/* `after: {position: 10s}`: not before, and not longer than so after, the server sent it. */
struct conf_after {
	uint32_t message; /* index in contract.messages */
	uint64_t within_ms;
};

/* What becomes of members that the schema neither names nor forbids. */
enum conf_undeclared {
	CONF_UNDECLARED_REFUSE = 0,
	CONF_UNDECLARED_STRIP,
	CONF_UNDECLARED_ALLOW,
};

/* One message of one direction. The zero rule lets nothing through. */
struct conf_rule {
	struct slice id; /* of the message; "*" without a contract */
	bool written;    /* there is a rule, its own or "*"; else the message is refused */
	bool wildcard;   /* it is that of "*" */
	uint32_t line;   /* of the rule in the configuration file; 0: none */
	struct conf_condition allow;
	const struct conf_set *sets;
	size_t set_count;
	const struct conf_text *texts;
	size_t text_count;
	const struct conf_kinds *detects;
	size_t detect_count;
	const struct conf_kinds *redacts; /* server only, as drops and remember */
	size_t redact_count;
	struct conf_fields drops;
	bool remember;
	bool has_rate;
	struct rate rate;
	enum conf_per rate_per;
	uint32_t cost; /* taken from the route's `cost` */
	struct conf_running running;
	struct conf_unique unique;
	bool never;                     /* `after: never` */
	const struct conf_after *after; /* all of them must hold */
	size_t after_count;
	uint16_t slot;       /* of what a session keeps about this message: index + 1; 0 none */
	bool has_on_refusal; /* else the route's; of a server message: drop */
	bool observe;        /* `mode: observe` of this rule alone */
	uint8_t on_refusal;  /* enum conf_on_refusal; a server rule has close and drop only */
};

/* The messages of a route. */
struct conf_messages {
	/* NULL: `contract: none` */
	const struct contract *contract;
	struct slice file; /* of the contract, as shown to people */
	bool judged;       /* there is a contract or there are rules; else any message passes */
	bool frames_any;   /* JSON may travel in binary frames */
	bool big_integers; /* some schema says `format: int64`: integers beyond 2^53 are read */
	enum conf_undeclared undeclared;
	/* One per message of the contract, in its order. Without a contract: the client's, the
	 * server's. */
	const struct conf_rule *rules;
	size_t rule_count;
	uint16_t slots;     /* that a session needs */
	uint32_t uses;      /* sum of 1 << enum conf_variable: what some expression asks for */
	uint64_t cost_each; /* the dearest expression plus schema, for `check` */
};

/* What a rule asks of a message or does with it, besides letting it through. */
enum {
	CONF_ASKS_ALLOW = 1 << 0, /* more than `true` */
	CONF_ASKS_RATE = 1 << 1,
	CONF_ASKS_SET = 1 << 2,
	CONF_ASKS_TEXT = 1 << 3,
	CONF_ASKS_DETECT = 1 << 4,
	CONF_ASKS_AFTER = 1 << 5,
	CONF_ASKS_UNIQUE = 1 << 6,
	CONF_ASKS_COST = 1 << 7,
	CONF_ASKS_RUNNING = 1 << 8,
	CONF_ASKS_DROP = 1 << 9,
	CONF_ASKS_REDACT = 1 << 10,
	CONF_ASKS_KEPT = 1 << 11, /* something is kept of it, for itself or for another rule */
};

/* The sum of those. Whoever leaves gates out asks for which of them he may, so that a new one is
 * not left out by those who do not know it. */
unsigned conf_rule_asks(const struct conf_rule *rule);

/* Numbers the slots: of messages that are remembered, or that an `after` asks about. To be
 * called once, when all else is filled in. */
void conf_rules_number(struct conf_messages *m, struct conf_rule *rules);
