/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What operators are called for. The rows are in alert.tbl.h.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum alert_kind {
	ALERT_NONE = 0,
#define ALERT(id, word, lasts, sentence) ALERT_##id,
#include "base/alert.tbl.h"
#undef ALERT
	ALERT_COUNT
};

#define ALERT_BIT(kind) (UINT32_C(1) << (kind))

/* Never NULL. */
const char *alert_word(enum alert_kind kind);

/* One sentence for people. */
const char *alert_sentence(enum alert_kind kind);

/* It is raised, and later over. */
bool alert_lasts(enum alert_kind kind);

/* A change of its level is news. */
bool alert_has_levels(enum alert_kind kind);

/* The kind of that word, or ALERT_NONE. */
enum alert_kind alert_from_word(struct slice word);
