/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One YAML 1.2 document as a tree with the place of every key and value.
 *
 * JSON is included. What makes YAML surprising is refused: tags, several documents,
 * duplicate keys, keys that are not plain texts, merge keys. Anchors and aliases work
 * (a list of limits may be written once), but the tree with all aliases written out has at
 * most YAML_NODES_MAX nodes. Scalars stay texts: whoever reads one knows which type it
 * wants; `yaml_scalar_type` tells what the core schema would say.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "conf/diag.h"

enum {
	YAML_BYTES_MAX = 1024 * 1024,
	YAML_DEPTH_MAX = 32,
	YAML_NODES_MAX = 100000,
};

/* Outcome of yaml_read: the text was refused and d says why. */
enum { YAML_WRONG = 1 };

enum yaml_kind {
	YAML_SCALAR = 0,
	YAML_LIST,
	YAML_MAP,
};

struct yaml_node {
	enum yaml_kind kind;
	bool quoted;       /* a scalar in quotes, or a block scalar: always text */
	struct slice text; /* of a scalar, NUL behind; empty for an empty value */
	struct diag_place at;

	const struct yaml_node *first; /* of a list or map */
	const struct yaml_node *next;  /* in the list or map that holds this one */
	size_t count;                  /* items of a list or map */

	struct slice key; /* when it is in a map */
	struct diag_place key_at;
};

#define YAML_EACH(item, node)                                                                      \
	for (const struct yaml_node *item = (node)->first; item; item = item->next)

/* What a scalar is in the core schema of YAML 1.2 (section 10.3). */
enum yaml_type {
	YAML_TYPE_TEXT = 0,
	YAML_TYPE_NULL,       /* nothing, ~, null */
	YAML_TYPE_TRUE,       /* true */
	YAML_TYPE_FALSE,      /* false */
	YAML_TYPE_NUMBER,     /* in a form that JSON has too */
	YAML_TYPE_ODD_NUMBER, /* 0x10, .5, +1, .inf: numbers that JSON cannot write */
};

/* Reads the document. The tree lives in `a`; findings go to d, which should know the source
 * already. Returns 0, YAML_WRONG, or -ENOMEM. An empty document is an empty scalar. With
 * YAML_WRONG *root is NULL, or (keys that are there twice) the tree all the same, to look
 * for what else is wrong, but not to be used. */
int yaml_read(struct slice text, struct arena *a, struct diag *d, const struct yaml_node **root)
	__attribute__((warn_unused_result));

/* The value of that key in a map, or NULL; also NULL when node is NULL or no map. */
const struct yaml_node *yaml_get(const struct yaml_node *node, struct slice key);

enum yaml_type yaml_scalar_type(const struct yaml_node *node);

/* `a list`, `a map`, `a text`, ... for sentences. */
const char *yaml_describe(const struct yaml_node *node);
