/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a tree; its depth is bounded by YAML_DEPTH_MAX. See yaml_json.h. */
#include "conf/yaml_json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "json/write.h"

/* 0x10, 0o7, +1, .5: as the decimal number that they are. */
static int append_odd_number(struct buf *out, struct slice s)
{
	char *end;
	double value = s.len > 2 && s.data[1] == 'o' ? (double)strtoull(s.data + 2, &end, 8)
						     : strtod(s.data, &end);

	/* .inf and .nan are no numbers to strtod. */
	if (end == s.data || !isfinite(value))
		return YAML_JSON_IMPOSSIBLE;
	return buf_printf(out, "%.17g", value);
}

static int append_scalar(const struct yaml_node *node, struct buf *out)
{
	if (node->quoted)
		return json_write_string(out, node->text);
	switch (yaml_scalar_type(node)) {
	case YAML_TYPE_NULL:
		return buf_append(out, SLICE("null"));
	case YAML_TYPE_TRUE:
		return buf_append(out, SLICE("true"));
	case YAML_TYPE_FALSE:
		return buf_append(out, SLICE("false"));
	case YAML_TYPE_NUMBER:
		return buf_append(out, node->text);
	case YAML_TYPE_ODD_NUMBER:
		return append_odd_number(out, node->text);
	case YAML_TYPE_TEXT:
	default:
		return json_write_string(out, node->text);
	}
}

static int append_children(const struct yaml_node *node, struct buf *out)
{
	bool map = node->kind == YAML_MAP;
	int r = buf_append(out, map ? SLICE("{") : SLICE("["));

	YAML_EACH (item, node) {
		if (r == 0 && item != node->first)
			r = buf_append(out, SLICE(","));
		if (r == 0 && map) {
			r = json_write_string(out, item->key);
			if (r == 0)
				r = buf_append(out, SLICE(":"));
		}
		if (r == 0)
			r = yaml_to_json(item, out);
	}
	return r ? r : buf_append(out, map ? SLICE("}") : SLICE("]"));
}

int yaml_to_json(const struct yaml_node *node, struct buf *out)
{
	return node->kind == YAML_SCALAR ? append_scalar(node, out) : append_children(node, out);
}
