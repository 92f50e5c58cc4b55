/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that outlive the message they came with; see value.h.
 *
 *   [node][node][node]...[bytes of strings and numbers]
 */
#include <string.h>

#include "json/value.h"

static bool has_bytes(const struct json_node *v)
{
	return v->type == JSON_STRING || v->type == JSON_NUMBER;
}

size_t json_copy_bytes(const struct json_node *v)
{
	const struct json_node *end = json_next(v);
	size_t bytes = (size_t)(end - v) * sizeof(*v);

	for (const struct json_node *at = v; at < end; at++)
		bytes += has_bytes(at) ? at->len : 0;
	return (bytes + sizeof(*v) - 1) / sizeof(*v) * sizeof(*v);
}

const struct json_node *json_copy(const struct json_node *v, void *room)
{
	size_t nodes = (size_t)(json_next(v) - v);
	struct json_node *copy = room;
	char *bytes = (char *)(copy + nodes);

	memcpy(copy, v, nodes * sizeof(*copy));
	for (size_t i = 0; i < nodes; i++) {
		if (!has_bytes(&copy[i])) {
			copy[i].data = NULL;
			continue;
		}
		if (copy[i].len)
			memcpy(bytes, copy[i].data, copy[i].len);
		copy[i].data = bytes;
		if (copy[i].type == JSON_STRING)
			copy[i].flags |= JSON_IS_ESCAPED;
		bytes += copy[i].len;
	}
	return copy;
}
