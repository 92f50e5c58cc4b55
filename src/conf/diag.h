/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is wrong with a file, for the person who wrote it.
 *
 *	sallyport.yaml:12:5: error: there is no setting `orgins` in `routes[]`
 *	   12 |     orgins: same
 *	      |     ^^^^^^
 *	      = help: did you mean `origins`?
 *
 * Findings are collected, not printed at once: all of them are shown, in the order of the
 * file; those about other files (contracts) come behind. Nothing here stops anything; whoever
 * collected asks for `errors` at the end. A finding that could not be remembered (too many, no
 * memory) is still counted.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

enum diag_kind {
	DIAG_ERROR = 0, /* the file cannot be used */
	DIAG_UNSAFE,    /* it can be used, and should not be: `check` says no, `serve` warns */
	DIAG_WARNING,   /* probably not what was meant */
};

/* Findings beyond this many are counted only. */
enum { DIAG_MAX = 100 };

/* A place in the file. The zero place is "the file as a whole". */
struct diag_place {
	uint32_t line, column; /* from 1; column in characters */
	uint32_t width;        /* characters to underline on that line, at least 1 is drawn */
};

struct diag_entry {
	enum diag_kind kind;
	uint32_t order; /* in which it was found: breaks ties */
	uint32_t source; /* in which file: index in sources */
	struct diag_place place;
	struct slice text; /* one sentence, without a full stop */
	struct slice help; /* what would be right, or empty */
};

struct diag_source {
	struct slice file; /* as shown; may be empty */
	struct slice text; /* the file's bytes, to show lines from; may be empty */
};

struct diag {
	struct arena arena;                   /* owns every text here */
	struct diag_source sources[DIAG_MAX]; /* the first is the file that was named */
	uint32_t source_count;
	uint32_t source; /* that findings are about from now on */
	struct diag_entry entries[DIAG_MAX];
	size_t count;
	size_t errors, unsafe, warnings; /* all that were found, remembered or not */
};

void diag_init(struct diag *d);

/* Accepts a zeroed d and a second call. */
void diag_deinit(struct diag *d);

/* Names the file and keeps a copy of its text for showing lines. */
void diag_set_source(struct diag *d, struct slice file, struct slice source);

/* From now on findings are about another file, until diag_leave. Its text is copied, so enter
 * only where something was found. */
void diag_enter(struct diag *d, struct slice file, struct slice source);

/* Findings are about the file of diag_set_source again. */
void diag_leave(struct diag *d);

/* Adds copies of all findings of `from`, as findings about the file that was entered. */
void diag_take(struct diag *d, const struct diag *from);

/* Adds a finding. */
void diag_add(struct diag *d, enum diag_kind kind, struct diag_place place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Says what would be right, about the finding added last; a second call replaces the first. */
void diag_help(struct diag *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts the findings in the order of the file. */
void diag_sort(struct diag *d);

/* Appends all findings as text, sorted. Returns 0, BUF_FULL (out is cut) or -ENOMEM. */
int diag_print(struct diag *d, struct buf *out) __attribute__((warn_unused_result));

/* The candidate that `word` was probably meant to be, or an empty slice. Counts inserted,
 * removed, changed and swapped characters; a third of the word may be wrong. */
struct slice diag_nearest(struct slice word, const struct slice *candidates, size_t count);
