/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Common Expression Language (github.com/google/cel-spec) over JSON values.
 *
 *   text --parse--> tree --check--> program          at load, once
 *   program + values of its variables --eval--> value   per message
 *
 * A program is immutable and may be used by any number of threads. Nothing here allocates
 * but from the arena that is given, calls the system, or runs longer than its bounds say.
 * Whatever goes wrong is an error, and an error is never `true`: the caller refuses.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "cel/type.h"
#include "cel/value.h"

enum { CEL_FAILED = 1 };

enum cel_phase { CEL_PHASE_PARSE, CEL_PHASE_CHECK, CEL_PHASE_RUN };

/* "parse", "check", "run". */
const char *cel_phase_name(enum cel_phase phase);

/* What is wrong, for people. The slices live as long as the arena that was given (or are
 * static); suggestion is empty where there is none. */
struct cel_error {
	enum cel_phase phase;
	size_t at; /* byte offset in the text */
	struct slice sentence;
	struct slice suggestion; /* a name that was perhaps meant */
};

/* Bounds; zero means the default. */
struct cel_limits {
	uint32_t text_bytes; /* of the expression [16 KiB] */
	uint32_t depth;      /* of parentheses and the like within each other [100] */
	uint32_t nodes;      /* of the tree [4096] */
	uint32_t items; /* how long a list or map of unknown length is assumed to be [10,000] */
	uint64_t cost;  /* the estimate above which the expression is refused [1,000,000] */
	uint64_t steps; /* of one evaluation [2,000,000] */
};

/* What a name stands for. The index of a variable is its slot in the evaluation. Names may be
 * qualified: with a variable `a.b`, the expression a.b.c is member c of it. */
struct cel_variable {
	struct slice name;
	const struct cel_type *type; /* NULL: dyn */
};

/*
 * How far the clock of a time zone is ahead of UTC at that moment, in seconds. False: no such
 * zone. Without it only UTC and offsets (`+01:00`) are known. Called while evaluating, by any
 * thread.
 */
typedef bool (*cel_zone_fn)(void *context, struct slice name, int64_t unix_seconds,
			    int32_t *offset_seconds);

struct cel_env {
	const struct cel_variable *variables;
	uint32_t variable_count;
	cel_zone_fn zone; /* may be NULL */
	void *zone_context;
	struct cel_limits limits;
	bool unchecked; /* no type check: what is wrong shows when it is run */
	bool no_macros; /* all, exists, map, has, ... are ordinary (unknown) functions */
};

struct cel_program;

/*
 * Compiles. *out and all it needs live in `a`; it points into neither text nor env afterwards,
 * except types, zone and zone_context, which must outlive it. Returns 0, or CEL_FAILED with
 * *error filled in (also when the arena is used up).
 */
int cel_compile(struct slice text, const struct cel_env *env, struct arena *a,
		const struct cel_program **out, struct cel_error *error)
	__attribute__((warn_unused_result));

/* What the result's type is known to be; never NULL. */
const struct cel_type *cel_program_type(const struct cel_program *p);

/* Whether the expression mentions that variable: a caller need not make the others. */
bool cel_program_uses(const struct cel_program *p, uint32_t slot);

/* The estimate of the most steps that an evaluation takes. */
uint64_t cel_program_cost(const struct cel_program *p);

/*
 * Evaluates. slots[i] is the value of variable i; an error there means that it has none, and
 * so does a variable beyond slot_count. *out may point into slots, the arena and the program.
 * Returns 0, or CEL_FAILED with *error filled in and *out an error.
 */
int cel_eval(const struct cel_program *p, const struct cel_value *slots, uint32_t slot_count,
	     struct arena *a, struct cel_value *out, struct cel_error *error)
	__attribute__((warn_unused_result));

/* The same for a rule: true only if the result is the bool `true`. */
bool cel_allows(const struct cel_program *p, const struct cel_value *slots, uint32_t slot_count,
		struct arena *a, struct cel_error *error) __attribute__((warn_unused_result));

/* By which it may be seen that it is true without asking; NULL: it says too much for that. */
struct cel_quick;
const struct cel_quick *cel_program_quick(const struct cel_program *p);

/*
 * Writes v as compact JSON: timestamps as RFC 3339 in UTC with milliseconds (with nine digits
 * where three are not enough), durations as `1.5s`, bytes as base64, types, addresses and
 * prefixes by name, keys of maps as strings, NaN and infinities as strings. Returns as
 * buf_append, or -EINVAL for an error value or one that is nested too deep.
 */
int cel_write_json(const struct cel_value *v, struct buf *out) __attribute__((warn_unused_result));
