/* SPDX-License-Identifier: Apache-2.0 */
/* Values that name their kind; see try_cel_typed.h. */
#include "cmd/try_cel_typed.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/jsonout.h"
#include "base/num.h"
#include "cel/cel.h"

static const struct cel_value wrong;
static const int64_t ns_per_s = 1000000000;

/* ---- reading */

static bool read_int(const struct json_node *v, int64_t *out)
{
	struct slice s = json_string(v);
	bool negative = slice_starts_with(s, SLICE("-"));
	uint64_t n;

	if (json_integer(v, out))
		return true;
	if (!num_parse_u64(slice_from(s, negative), (uint64_t)INT64_MAX + negative, &n))
		return false;
	*out = negative ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

static struct cel_value read_uint(const struct json_node *v)
{
	uint64_t n;
	int64_t small;

	if (num_parse_u64(json_string(v), UINT64_MAX, &n))
		return cel_uint(n);
	return json_integer(v, &small) && small >= 0 ? cel_uint((uint64_t)small) : wrong;
}

static struct cel_value read_double(const struct json_node *v)
{
	static const struct {
		struct slice text;
		double value;
	} words[] = {
		{SLICE_INIT("NaN"), (double)NAN},
		{SLICE_INIT("Infinity"), (double)INFINITY},
		{SLICE_INIT("-Infinity"), -(double)INFINITY},
		{SLICE_INIT("-0.0"), -0.0},
	};

	if (json_type(v) == JSON_NUMBER)
		return cel_double(json_double(v));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_eq(json_string(v), words[i].text))
			return cel_double(words[i].value);
	return wrong;
}

static struct cel_value read_bytes(const struct json_node *v, struct arena *a)
{
	struct slice code = json_string(v);
	size_t room = BASE64_BYTES(code.len), len;
	char *bytes = arena_alloc(a, room);

	if (!bytes || json_type(v) != JSON_STRING || !base64_decode(code, bytes, room, &len))
		return wrong;
	return cel_bytes(slice_of(bytes, len));
}

static struct cel_value read_list(const struct json_node *v, struct arena *a)
{
	struct cel_value *items = arena_calloc(a, json_count(v), sizeof(*items));
	uint32_t count = 0;

	if (!items || json_type(v) != JSON_ARRAY)
		return wrong;
	JSON_EACH (item, v) {
		items[count] = try_cel_read_typed(item, a);
		if (items[count++].kind == CEL_ERROR)
			return wrong;
	}
	return cel_list(items, count);
}

static struct cel_value read_map(const struct json_node *v, struct arena *a)
{
	struct cel_entry *entries = arena_calloc(a, json_count(v), sizeof(*entries));
	uint32_t count = 0;

	if (!entries || json_type(v) != JSON_ARRAY)
		return wrong;
	JSON_EACH (pair, v) {
		struct cel_entry *e = &entries[count++];
		if (json_type(pair) != JSON_ARRAY)
			return wrong;
		e->key = try_cel_read_typed(json_item(pair, 0), a);
		e->value = try_cel_read_typed(json_item(pair, 1), a);
		if (e->key.kind == CEL_ERROR || e->value.kind == CEL_ERROR)
			return wrong;
	}
	return cel_map(entries, count);
}

static struct cel_value read_time(const struct json_node *v, bool timestamp)
{
	const struct json_node *nanos = json_member(v, SLICE("nanos"));
	int64_t seconds, ns = 0, all;

	if (!read_int(json_member(v, SLICE("seconds")), &seconds) ||
	    (nanos && !read_int(nanos, &ns)) || ns <= -ns_per_s || ns >= ns_per_s)
		return wrong;
	if (timestamp)
		return ns < 0 ? wrong : cel_timestamp(seconds, (uint32_t)ns);
	if (__builtin_mul_overflow(seconds, ns_per_s, &all) ||
	    __builtin_add_overflow(all, ns, &all))
		return wrong;
	return cel_duration(all);
}

static struct cel_value read_type(struct slice name)
{
	for (int kind = CEL_NULL; kind < CEL_KINDS; kind++)
		if (slice_eq(name, cel_kind_name((enum cel_kind)kind)))
			return cel_type_value((enum cel_kind)kind);
	return wrong;
}

struct cel_value try_cel_read_typed(const struct json_node *v, struct arena *a)
{
	int64_t n;

	if (json_type(v) != JSON_OBJECT || json_count(v) != 1)
		return wrong;
	struct slice kind = json_string(v + 1);
	const struct json_node *value = json_value_of(v + 1);
	if (slice_eq(kind, SLICE("null")))
		return json_type(value) == JSON_NULL ? cel_null() : wrong;
	if (slice_eq(kind, SLICE("bool")))
		return json_type(value) == JSON_BOOL ? cel_bool(json_is_true(value)) : wrong;
	if (slice_eq(kind, SLICE("int")))
		return read_int(value, &n) ? cel_int(n) : wrong;
	if (slice_eq(kind, SLICE("uint")))
		return read_uint(value);
	if (slice_eq(kind, SLICE("double")))
		return read_double(value);
	if (slice_eq(kind, SLICE("string")))
		return json_type(value) == JSON_STRING ? cel_string(json_string(value)) : wrong;
	if (slice_eq(kind, SLICE("bytes_b64")))
		return read_bytes(value, a);
	if (slice_eq(kind, SLICE("list")))
		return read_list(value, a);
	if (slice_eq(kind, SLICE("map")))
		return read_map(value, a);
	if (slice_eq(kind, SLICE("timestamp")) || slice_eq(kind, SLICE("duration")))
		return read_time(value, slice_eq(kind, SLICE("timestamp")));
	return slice_eq(kind, SLICE("type")) ? read_type(json_string(value)) : wrong;
}

/* ---- writing */

static int write_value(const struct cel_value *v, struct buf *out, int depth);

static int write_list(const struct cel_value *list, struct buf *out, int depth)
{
	struct cel_walk w = cel_walk(list);
	struct cel_value item;
	int r = buf_append(out, SLICE("{\"list\":["));

	while (r == 0 && cel_walk_next(&w, NULL, &item)) {
		r = w.index > 1 ? buf_append(out, SLICE(",")) : 0;
		if (r == 0)
			r = write_value(&item, out, depth);
	}
	return r ? r : buf_append(out, SLICE("]}"));
}

static int write_map(const struct cel_value *map, struct buf *out, int depth)
{
	struct cel_walk w = cel_walk(map);
	struct cel_value key, value;
	int r = buf_append(out, SLICE("{\"map\":["));

	while (r == 0 && cel_walk_next(&w, &key, &value)) {
		r = buf_append(out, w.index > 1 ? SLICE(",[") : SLICE("["));
		if (r == 0)
			r = write_value(&key, out, depth);
		if (r == 0)
			r = buf_append(out, SLICE(","));
		if (r == 0)
			r = write_value(&value, out, depth);
		if (r == 0)
			r = buf_append(out, SLICE("]"));
	}
	return r ? r : buf_append(out, SLICE("]}"));
}

/* The plain form, with the name of its kind. */
static int write_named(const char *name, const struct cel_value *v, struct buf *out, bool as_text)
{
	int r = buf_printf(out, "{\"%s\":%s", name, as_text ? "\"" : "");

	if (r == 0)
		r = cel_write_json(v, out);
	return r ? r : buf_append(out, as_text ? SLICE("\"}") : SLICE("}"));
}

static int write_double(const struct cel_value *v, struct buf *out)
{
	if (v->as.real == 0 && signbit(v->as.real))
		return buf_append(out, SLICE("{\"double\":\"-0.0\"}"));
	return write_named("double", v, out, false);
}

static int write_time(const char *name, int64_t seconds, int64_t nanos, struct buf *out)
{
	return buf_printf(out, "{\"%s\":{\"seconds\":\"%lld\",\"nanos\":%lld}}", name,
			  (long long)seconds, (long long)nanos);
}

static int write_value(const struct cel_value *v, struct buf *out, int depth)
{
	if (depth == 0)
		return -EINVAL;
	switch ((enum cel_kind)v->kind) {
	case CEL_NULL:
		return write_named("null", v, out, false);
	case CEL_BOOL:
		return write_named("bool", v, out, false);
	case CEL_INT:
		return write_named("int", v, out, true);
	case CEL_UINT:
		return write_named("uint", v, out, true);
	case CEL_DOUBLE:
		return write_double(v, out);
	case CEL_STRING:
		return write_named("string", v, out, false);
	case CEL_BYTES:
		return write_named("bytes_b64", v, out, false);
	case CEL_LIST:
		return write_list(v, out, depth - 1);
	case CEL_MAP:
		return write_map(v, out, depth - 1);
	case CEL_TIMESTAMP:
		return write_time("timestamp", v->as.integer, v->count, out);
	case CEL_DURATION:
		return write_time("duration", v->as.integer / ns_per_s, v->as.integer % ns_per_s,
				  out);
	case CEL_TYPE:
		return write_named("type", v, out, false);
	case CEL_IP:
		return write_named("ip", v, out, false);
	case CEL_CIDR:
		return write_named("cidr", v, out, false);
	case CEL_ERROR:
	case CEL_KINDS:
		break;
	}
	return -EINVAL;
}

int try_cel_write_typed(const struct cel_value *v, struct buf *out)
{
	return write_value(v, out, JSON_DEPTH_MAX);
}
