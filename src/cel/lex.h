/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Text -> tokens, one at a time. For the parser.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

enum cel_token_kind {
	CEL_TOK_END = 0,
	CEL_TOK_BAD, /* sentence says why */
	CEL_TOK_IDENT,
	CEL_TOK_QUOTED_IDENT, /* `a.b`; text without the quotes */
	CEL_TOK_INT,          /* natural: without its sign */
	CEL_TOK_UINT,
	CEL_TOK_DOUBLE,
	CEL_TOK_STRING, /* text: decoded */
	CEL_TOK_BYTES,
	CEL_TOK_TRUE,
	CEL_TOK_FALSE,
	CEL_TOK_NULL,
	CEL_TOK_IN,
	CEL_TOK_LE,
	CEL_TOK_GE,
	CEL_TOK_EQ,
	CEL_TOK_NE,
	CEL_TOK_AND,
	CEL_TOK_OR,
	/* the others are their own character */
};

struct cel_token {
	int kind;
	size_t at, end;
	struct slice text;
	uint64_t natural;
	double real;
	const char *sentence;
};

struct cel_lexer {
	struct slice text;
	size_t at;
	struct arena *arena;
};

/* The text is valid UTF-8. Behind the end come further ends. */
struct cel_token cel_lex(struct cel_lexer *l);

/* Decimal to double, correctly rounded, infinite where it is too large. The text is a number
 * of digits, dot, exponent and sign; false when it is not, or too long. */
bool cel_parse_double(struct slice text, double *out);
