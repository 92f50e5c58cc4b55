/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What browsers report about violated Content-Security-Policies, read and cleaned for a log.
 *
 *   application/csp-report     {"csp-report": {"document-uri": ..., "blocked-uri": ...}}    one
 *   application/reports+json   [{"type": "csp-violation", "body": {"documentURL": ...}}, ...]
 *
 * Anybody may send a report, and whoever reads the log must not be hurt by one: what is
 * kept are a few short texts of printable ASCII. Of a URL that is scheme, host, port and
 * path, where tokens do not belong; the query, the fragment, a user and his password, and
 * what stands behind a semicolon are gone, and of data: and blob: only the scheme is left. The
 * policy, the referrer and the sample of the script are not kept at all.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/reason.h"
#include "base/slice.h"

enum {
	REPORT_BODY_MAX = 32 * 1024, /* bytes of a request's body */
	REPORTS_MAX = 8,             /* of one request; further ones are only counted */
	REPORT_URL_MAX = 200,
	REPORT_WORD_MAX = 40,
};

/* Texts may be empty, where nothing usable was said; the directive is not. */
struct report {
	struct slice document; /* the page */
	struct slice blocked;  /* what it wanted to load, or `inline`, `eval`, ... */
	struct slice directive;
	struct slice source;  /* the script that wanted it */
	int64_t line, column; /* in the source; 0: not said */
	bool enforced;        /* false: only reported */
};

struct reports {
	struct report items[REPORTS_MAX];
	unsigned count;
	unsigned left_out; /* of another type, not usable, or one too many */
};

/*
 * Reads the body of a request with that Content-Type. The texts lie in the arena. Returns
 * REASON_NONE (perhaps with nothing but left_out), or BODY_TOO_LARGE or BODY_MALFORMED with
 * a constant text for the log in *detail.
 */
enum reason report_read(struct slice type, struct slice body, struct arena *arena,
			struct reports *out, const char **detail)
	__attribute__((warn_unused_result));

/* What is kept of a URL, or of the word that stands for one; the copy lies in the arena.
 * Empty where nothing is left. */
struct slice report_clean_url(struct slice url, struct arena *arena);
