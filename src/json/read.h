/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON text -> tape, strictly (RFC 8259 with RFC 7493's restrictions and some of our own).
 *
 * One pass over the text, no recursion, no memory but the arena's. What one application
 * reads differently from another is refused, because a gateway that checks one meaning
 * while the application acts on the other checks nothing: bytes that are not UTF-8, a byte
 * order mark, lone surrogates, \u0000, the same key twice in an object (compared after
 * unescaping), numbers that no double holds. The keys __proto__, constructor and prototype
 * are refused because JavaScript acts on them.
 *
 * The first fault in the order of the text decides; only a key that came twice is noticed
 * when its object ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/reason.h"
#include "base/siphash.h"
#include "base/slice.h"
#include "json/value.h"

/* The value zero of every member is the strict one: all zero refuses everything. */
struct json_limits {
	uint32_t depth;   /* arrays and objects inside each other; [] is 1 */
	uint32_t members; /* in one object */
	uint32_t values;  /* in all, containers included, keys not */

	/* Integers beyond +-(2^53 - 1) that fit int64 are let through and carry JSON_IS_BIG, for
	 * a schema that says `format: int64`; whoever sets this refuses the others. */
	bool big_integers;

	/* The caller has checked that the text is UTF-8. */
	bool utf8_checked;

	/* For tools that carry bad input in strings, never for messages: \u0000 is let through,
	 * a lone surrogate becomes the three bytes that UTF-8 would have for it. */
	bool any_strings;

	/* For tools only, too: the keys that JavaScript acts on are let through; and so is every
	 * number, as the nearest double (the largest one for what is beyond): whoever needs the
	 * value reads its text. */
	bool any_keys, any_numbers;

	/* Random, per process: where keys of large objects collide must not be guessable. Whoever
	 * reads what strangers send fills it in; for our own files it may stay zero. */
	struct siphash_key secret;
};

/* clang-format off */
#define JSON_LIMITS_DEFAULT { .depth = 32, .members = 1024, .values = 10000 }
/* clang-format on */

/* What exactly was wrong: for logs and tests. The reason is what peers are told. */
enum json_fault {
	JSON_FAULT_NONE = 0,
	JSON_FAULT_SYNTAX,    /* REASON_JSON_MALFORMED; at: the byte that does not fit */
	JSON_FAULT_END,       /* REASON_JSON_MALFORMED; the text ends early */
	JSON_FAULT_TRAILING,  /* REASON_JSON_MALFORMED; something follows the value */
	JSON_FAULT_UTF8,      /* REASON_JSON_MALFORMED; at: first byte of the bad sequence */
	JSON_FAULT_BOM,       /* REASON_JSON_MALFORMED */
	JSON_FAULT_CONTROL,   /* REASON_JSON_MALFORMED; a control character in a string */
	JSON_FAULT_ESCAPE,    /* REASON_JSON_MALFORMED; at: the backslash, here and below */
	JSON_FAULT_SURROGATE, /* REASON_JSON_MALFORMED; lone or in the wrong order */
	JSON_FAULT_NUL,       /* REASON_JSON_MALFORMED; \u0000 */
	JSON_FAULT_DUPLICATE, /* REASON_JSON_DUPLICATE_KEY; at: the second key's quote */
	JSON_FAULT_FORBIDDEN, /* REASON_JSON_FORBIDDEN_KEY; at: the key's quote */
	JSON_FAULT_NUMBER,    /* REASON_JSON_NUMBER; at: the number's first byte */
	JSON_FAULT_DEPTH,     /* REASON_JSON_TOO_DEEP; at: the bracket */
	JSON_FAULT_MEMBERS,   /* REASON_JSON_TOO_LARGE; at: the key's quote */
	JSON_FAULT_VALUES,    /* REASON_JSON_TOO_LARGE; at: the value */
	JSON_FAULT_MEMORY,    /* REASON_JSON_TOO_LARGE; the arena is used up */
};

struct json_doc {
	const struct json_node *root; /* NULL when refused */
	uint32_t nodes;               /* on the tape */
	struct slice text;            /* what was read */
	enum json_fault fault;        /* why it was refused */
	size_t at;                    /* offset in the text where that was seen */
};

/*
 * Reads one JSON text. Returns REASON_NONE and fills *doc, or the reason of the refusal
 * with doc->root NULL, doc->fault and doc->at set. The tape lies in the arena, and its
 * strings point into the text where they have no escapes: keep both as long as doc is used.
 * After a refusal the arena holds nothing of use; the caller resets it as always.
 */
enum reason json_read(struct slice text, const struct json_limits *limits, struct arena *arena,
		      struct json_doc *doc) __attribute__((warn_unused_result));

/* Offset in the text at which a value (or key) of that tape begins. */
size_t json_at(const struct json_doc *doc, const struct json_node *v);

/* A word for logs and tests: "syntax", "utf8", ... */
const char *json_fault_word(enum json_fault fault);

/*
 * An arena of one block of so many bytes (arena_init(a, n, n)) holds the tape of every text of
 * that length under those limits; most need a tenth. Where messages come often, make the
 * arena's blocks that large: what does not fit into the first block is allocated and freed
 * again for every message, while the part of a large block that no message needs is never
 * touched.
 */
size_t json_arena_bytes(size_t text_bytes, const struct json_limits *limits);
