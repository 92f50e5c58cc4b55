/* SPDX-License-Identifier: Apache-2.0 */
/* A value as JSON; see cel.h. */
#include <errno.h>
#include <math.h>

#include "base/base64.h"
#include "cel/cel.h"
#include "cel/moment.h"
#include "cel/text.h"

static int write_value(const struct cel_value *v, struct buf *out, int depth);

static int append(struct buf *out, int so_far, struct slice s)
{
	return so_far ? so_far : buf_append(out, s);
}

/* Control characters, quote and backslash escaped, everything else as it is. */
static int write_string(struct slice s, struct buf *out)
{
	int r = buf_append(out, SLICE("\""));
	size_t plain = 0;

	for (size_t i = 0; r == 0 && i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		r = buf_append(out, slice_of(s.data + plain, i - plain));
		if (r == 0)
			r = c < 0x20 ? buf_printf(out, "\\u%04x", c) : buf_printf(out, "\\%c", c);
		plain = i + 1;
	}
	r = append(out, r, slice_from(s, plain));
	return append(out, r, SLICE("\""));
}

static int write_double(double d, struct buf *out)
{
	char text[CEL_TEXT_BYTES];
	struct slice s = cel_double_text(d, text);

	return isfinite(d) ? buf_append(out, s) : write_string(s, out);
}

static int write_bytes(struct slice bytes, struct buf *out)
{
	char *room;
	int r = buf_append(out, SLICE("\""));

	if (r == 0)
		r = buf_reserve(out, BASE64_CHARS(bytes.len) + 1, &room);
	if (r)
		return r;
	buf_commit(out, base64_encode(bytes, room, BASE64_CHARS(bytes.len)).len);
	return buf_append(out, SLICE("\""));
}

static int write_list(const struct cel_value *list, struct buf *out, int depth)
{
	struct cel_walk w = cel_walk(list);
	struct cel_value item;
	int r = buf_append(out, SLICE("["));

	while (r == 0 && cel_walk_next(&w, NULL, &item)) {
		if (w.index > 1)
			r = buf_append(out, SLICE(","));
		if (r == 0)
			r = write_value(&item, out, depth);
	}
	return append(out, r, SLICE("]"));
}

static int write_map(const struct cel_value *map, struct buf *out, int depth)
{
	char text[CEL_TEXT_BYTES];
	struct cel_walk w = cel_walk(map);
	struct cel_value key, value;
	int r = buf_append(out, SLICE("{"));

	while (r == 0 && cel_walk_next(&w, &key, &value)) {
		if (w.index > 1)
			r = buf_append(out, SLICE(","));
		if (r == 0)
			r = write_string(cel_scalar_text(&key, text), out);
		r = append(out, r, SLICE(":"));
		if (r == 0)
			r = write_value(&value, out, depth);
	}
	return append(out, r, SLICE("}"));
}

static int write_value(const struct cel_value *v, struct buf *out, int depth)
{
	char text[CEL_TEXT_BYTES];

	if (depth == 0)
		return -EINVAL;
	switch ((enum cel_kind)v->kind) {
	case CEL_NULL:
	case CEL_BOOL:
	case CEL_INT:
	case CEL_UINT:
		return buf_append(out, cel_scalar_text(v, text));
	case CEL_DOUBLE:
		return write_double(v->as.real, out);
	case CEL_STRING:
		return write_string(v->as.text, out);
	case CEL_BYTES:
		return write_bytes(v->as.text, out);
	case CEL_LIST:
		return write_list(v, out, depth - 1);
	case CEL_MAP:
		return write_map(v, out, depth - 1);
	case CEL_TIMESTAMP:
		return write_string(moment_format(v, 3, false, text), out);
	case CEL_DURATION:
	case CEL_TYPE:
	case CEL_IP:
	case CEL_CIDR:
		return write_string(cel_scalar_text(v, text), out);
	case CEL_ERROR:
	case CEL_KINDS:
		break;
	}
	return -EINVAL;
}

int cel_write_json(const struct cel_value *v, struct buf *out)
{
	return write_value(v, out, JSON_DEPTH_MAX);
}
