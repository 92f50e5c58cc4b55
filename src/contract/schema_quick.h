/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A quick look at a value: mostly its type or the node's short form is enough to know that it
 * satisfies the node. Only a yes counts; who hears no checks it in full. Private to src/contract.
 */
#include "contract/schema_program.h"

static inline bool is_word(const struct schema_names *words, const struct json_node *v)
{
	return schema_names_find(words, v->data, v->len, json_key_hash(json_string(v)));
}

static inline bool holds_quickly(const struct schema_quick *q, const struct json_node *v)
{
	switch (q->kind) {
	case SCHEMA_QUICK_TEXT:
		return v->type == JSON_STRING && v->len >= q->is.bytes.least &&
		       v->len <= q->is.bytes.most &&
		       (!q->is.bytes.format || q->is.bytes.format(json_string(v)));
	case SCHEMA_QUICK_INTEGER:
		return v->type == JSON_NUMBER &&
		       (v->flags & (JSON_IS_INTEGER | JSON_IS_BIG)) == JSON_IS_INTEGER &&
		       v->as.integer >= q->is.integer.least && v->as.integer <= q->is.integer.most;
	case SCHEMA_QUICK_WORD:
		return v->type == JSON_STRING && v->len == q->is.word->len &&
		       slice_same(v->data, q->is.word->data, v->len);
	case SCHEMA_QUICK_WORDS:
		return v->type == JSON_STRING && is_word(q->is.words, v);
	case SCHEMA_NOT_QUICK:
	default:
		return false;
	}
}

/* Nothing else need be looked at. */
static inline bool is_settled(const struct schema_node *s, const struct json_node *v)
{
	return (s->plain >> v->type & 1) || holds_quickly(&s->quick, v);
}
