/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The reader's state and the parts that are apart from its main loop: strings with escapes
 * (read_string.c) and numbers with fraction or exponent (read_number.c). For the json layer
 * only.
 *
 * Functions that move through the text take the position and return the next one; NULL says
 * refused, with fault and at set.
 */
#include "json/number.h"
#include "json/read.h"

struct json_reader {
	const char *text, *end;
	struct json_node *nodes; /* the tape */
	struct json_node *limit; /* behind its last free node */
	uint32_t most;           /* nodes that a well-formed text of that length can need */
	char *spare;             /* where the next decoded byte goes; NULL: there is no room yet */
	bool wants_spare;        /* that ended the reading */
	const struct json_limits *limits;
	struct arena *arena;
	enum json_fault fault;
	const char *at;
};

const char *json_refuse(struct json_reader *r, enum json_fault fault, const char *at)
	__attribute__((cold));

/* At a byte that does not fit, or at the end. */
const char *json_refuse_byte(struct json_reader *r, const char *p) __attribute__((cold));

/* p is at a byte from 0x80 on: to the first byte behind it that is below, every character
 * in between valid. */
const char *json_skip_characters(struct json_reader *r, const char *p);

/* p is at the first backslash of a string, from is behind its opening quote. Sets v's data,
 * len and flags; returns the position behind the closing quote. Without spare bytes it only says
 * that it wants them. */
const char *json_read_escaped(struct json_reader *r, const char *from, const char *p,
			      struct json_node *v);

/* p is behind the digits of the number that began at `from`, perhaps at an exponent; d is
 * complete but for that. Sets v's len, flags and value; returns the position behind it. */
const char *json_read_real(struct json_reader *r, const char *from, const char *p,
			   struct json_decimal *d, struct json_node *v);

static inline bool json_is_digit(char c)
{
	return (uint8_t)(c - '0') <= 9;
}

static inline bool json_digit_at(const char *p, const char *end)
{
	return p < end && json_is_digit(*p);
}
