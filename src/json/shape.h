/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Texts of one shape: those that differ in their scalar values only. Most programs write all
 * their messages of a kind in the same way, so whoever has read one of them knows what stands
 * between the values of the next, byte by byte, and most of its tape.
 *
 *   {"type":"chat", "id":1, "user":"ann"}     learned from, with "chat" fixed
 *   {"type":"chat", "id": | , "user":"|"}     three pieces
 *                         ^           ^       values: a number, a string
 *
 * What is learned are names, brackets, white space and one value at most; never other values.
 * Reading by a shape either gives what json_read would have given, or says that it cannot.
 */
#include "json/read.h"

enum {
	JSON_SHAPE_NODES = 64,
	JSON_SHAPE_VALUES = 32, /* that may differ */
	JSON_SHAPE_BYTES = 640, /* between them, in all */
	JSON_SHAPE_BLOCK = 16,  /* they are compared in blocks of so many */
};

enum json_shape_kind {
	JSON_SHAPE_END = 0, /* the text ends behind the piece */
	JSON_SHAPE_STRING,  /* without escapes; its quotes belong to the pieces */
	JSON_SHAPE_NUMBER,
	JSON_SHAPE_WORD, /* true, false, null */
};

/* Bytes of the text, and the value behind them. */
struct json_shape_piece {
	const char *text;       /* in json_shape.text */
	struct json_node *node; /* of the value */
	uint16_t len;
	uint16_t last_bits; /* for each of the bytes in its last block */
	uint8_t kind;       /* enum json_shape_kind */
};

/* Not to be copied: it points into itself. */
struct json_shape {
	uint32_t nodes; /* 0: it is the shape of nothing */
	struct json_limits limits;
	struct json_shape_piece pieces[JSON_SHAPE_VALUES + 1];
	struct json_node tape[JSON_SHAPE_NODES]; /* complete but for the scalars */
	char text[JSON_SHAPE_BYTES];             /* the pieces; names on the tape lie here */
};

/*
 * The shape of a text that json_read has read under those limits; utf8_checked is set. fixed: a
 * scalar of that tape whose value belongs to the shape, or NULL. False, and a shape of nothing,
 * when such a text is not worth it or cannot be learned from: it is too long, or has escapes.
 */
bool json_shape_learn(struct json_shape *s, const struct json_doc *doc,
		      const struct json_limits *limits, const struct json_node *fixed);

/*
 * Reads a text that may have the shape, which was checked to be UTF-8, under the limits that it was
 * learned with. True: *doc is as after a json_read that refused nothing, but its tape lies in the
 * shape, until the next text is read by it, and json_at has a meaning for scalars only. False: the
 * text has another shape, or escapes, or something is wrong with it; *doc was not touched, and
 * json_read knows.
 */
bool json_shape_read(struct json_shape *s, struct slice text, struct json_doc *doc)
	__attribute__((warn_unused_result));
