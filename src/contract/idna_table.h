/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Properties of characters; made by idna_table.py when building. For idna.c only.
 */
#include <stdint.h>

enum {
	IDNA_VALID = 1,   /* RFC 5892 PVALID */
	IDNA_MARK = 2,    /* general category M */
	IDNA_VIRAMA = 4,  /* combining class 9 */
	IDNA_JOIN_D = 8,  /* joins on both sides (types D and L are as one here) */
	IDNA_JOIN_R = 16, /* joins with what is before it */
	IDNA_JOIN_T = 32, /* transparent */
	IDNA_RTL = 64,    /* bidi R, AL */
	IDNA_AN = 128,    /* bidi AN */
	IDNA_EN = 256,
	IDNA_LTR = 512,
	IDNA_NSM = 1024,
	IDNA_ES = 2048, /* bidi ES, CS, ET, ON, BN */
	IDNA_GREEK = 4096,
	IDNA_HEBREW = 8192,
	IDNA_KANA = 16384, /* Hiragana, Katakana, Han */
};

struct idna_range {
	uint32_t first, last;
	uint32_t properties;
};

extern const struct idna_range idna_ranges[];
extern const unsigned idna_range_count;
