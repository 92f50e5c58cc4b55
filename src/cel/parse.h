/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The parser's state, shared with the macros (macro.c). For the cel layer only.
 */
#include "cel/lex.h"
#include "cel/node.h"

struct cel_parser {
	struct cel_lexer lexer;
	struct cel_token token; /* the next one */
	const struct cel_limits *limits;
	struct cel_error *error;
	struct arena *arena;
	uint32_t depth, nodes;
	bool no_macros, failed;
};

/* Remembers the first thing that is wrong; always NULL. */
struct cel_node *cel_parse_fail(struct cel_parser *p, size_t at, const char *sentence);

/* A node with room for that many children; NULL when a limit is reached. */
struct cel_node *cel_node_new(struct cel_parser *p, enum cel_op op, size_t at, uint32_t children);

/* Counts the children's height into the node's; NULL if there is no such node or it is too
 * high. */
struct cel_node *cel_node_done(struct cel_parser *p, struct cel_node *n);

/* The node that a macro makes of a call; the call itself if it is none; NULL, and failed, if it
 * is one that is written wrongly. */
struct cel_node *cel_expand(struct cel_parser *p, struct cel_node *call);
