/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Why somebody was refused. The rows are in reason.tbl.h.
 */
#include <stdint.h>

#include "base/slice.h"

enum reason {
	REASON_NONE = 0, /* nothing was refused; never sent, never logged */
#define REASON(id, word, close, http, sentence) REASON_##id,
#include "base/reason.tbl.h"
#undef REASON
	REASON_COUNT
};

/* The word for logs, metrics, close frames and problem bodies; never NULL. */
const char *reason_word(enum reason r);

/* One sentence for people. */
const char *reason_sentence(enum reason r);

/* The code of the close frame that it causes on an open connection (RFC 6455 section 7.4);
 * 1011 for a reason that has none. */
uint16_t reason_close_code(enum reason r);

/* The status of the refused request; 500 for a reason that has none. */
int reason_status(enum reason r);

/* The reason with that word, or REASON_NONE. */
enum reason reason_from_word(struct slice word);
