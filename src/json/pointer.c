/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6901 over a tape; see pointer.h. */
#include "json/pointer.h"

#include "base/num.h"

bool json_pointer_valid(struct slice pointer)
{
	if (pointer.len && pointer.data[0] != '/')
		return false;
	for (size_t i = 0; i < pointer.len; i++) {
		if (pointer.data[i] != '~')
			continue;
		if (i + 1 == pointer.len ||
		    (pointer.data[i + 1] != '0' && pointer.data[i + 1] != '1'))
			return false;
	}
	return true;
}

/* Is this key what the segment, with its ~0 and ~1, says? */
static bool key_is_segment(struct slice key, struct slice segment)
{
	size_t at = 0;

	for (size_t i = 0; i < segment.len; i++, at++) {
		char c = segment.data[i];
		if (c == '~')
			c = segment.data[++i] == '1' ? '/' : '~';
		if (at == key.len || key.data[at] != c)
			return false;
	}
	return at == key.len;
}

static const struct json_node *step(const struct json_node *v, struct slice segment)
{
	uint64_t index;

	if (json_type(v) == JSON_ARRAY)
		return num_parse_u64(segment, UINT32_MAX, &index) ? json_item(v, (uint32_t)index)
								  : NULL;
	if (json_type(v) != JSON_OBJECT)
		return NULL;
	JSON_EACH_MEMBER (key, v)
		if (key_is_segment(json_string(key), segment))
			return json_value_of(key);
	return NULL;
}

const struct json_node *json_pointer_get(const struct json_node *root, struct slice pointer)
{
	struct slice rest = slice_from(pointer, 1), segment;
	bool more = pointer.len > 0;
	const struct json_node *v = root;

	if (!json_pointer_valid(pointer))
		return NULL;
	while (v && slice_next(&rest, &more, '/', &segment))
		v = step(v, segment);
	return v;
}

/* ---- from a value to its pointer */

struct room {
	char *text;
	size_t len, bytes;
};

static const struct slice CUT = {"/...", 4};

static bool put(struct room *out, char c)
{
	if (out->len == out->bytes)
		return false;
	out->text[out->len++] = c;
	return true;
}

static bool put_segment(struct room *out, struct slice segment)
{
	if (!put(out, '/'))
		return false;
	for (size_t i = 0; i < segment.len; i++) {
		char c = segment.data[i];
		bool special = c == '~' || c == '/';
		if (special && !put(out, '~'))
			return false;
		if (!put(out, !special ? c : c == '~' ? '0' : '1'))
			return false;
	}
	return true;
}

/* The child of that container in which v is, its segment appended if there is room. */
static const struct json_node *towards(const struct json_node *container, const struct json_node *v,
				       struct room *out, bool *fits)
{
	char digits[16];
	uint32_t index = 0;

	if (container->type == JSON_ARRAY) {
		JSON_EACH (item, container) {
			if (v < json_next(item)) {
				int len = snprintf(digits, sizeof(digits), "%u", index);
				*fits = put_segment(out, slice_of(digits, (size_t)len));
				return item;
			}
			index++;
		}
	} else {
		JSON_EACH_MEMBER (key, container) {
			if (v < json_next(json_value_of(key))) {
				*fits = put_segment(out, json_string(key));
				return json_value_of(key);
			}
		}
	}
	return NULL;
}

struct slice json_pointer_to(const struct json_node *root, const struct json_node *v, char *room,
			     size_t bytes)
{
	struct room out = {.text = room, .bytes = bytes};
	size_t whole = 0; /* length with whole segments, and room for CUT behind them */

	if (!root || v < root || v >= json_next(root))
		return slice_of(room, 0);
	/* The value that was reached lies behind a key that was asked for. */
	for (const struct json_node *at = root; at && at < v;) {
		bool fits = false;
		if (out.len + CUT.len <= out.bytes)
			whole = out.len;
		at = towards(at, v, &out, &fits);
		if (!fits) {
			if (whole + CUT.len > out.bytes)
				return slice_of(room, 0);
			memcpy(room + whole, CUT.data, CUT.len);
			return slice_of(room, whole + CUT.len);
		}
	}
	return slice_of(room, out.len);
}

int json_pointer_append(struct buf *out, struct slice segment)
{
	size_t specials = 0;
	char *text;

	for (size_t i = 0; i < segment.len; i++)
		specials += segment.data[i] == '~' || segment.data[i] == '/';
	size_t bytes = 1 + segment.len + specials;
	int r = buf_reserve(out, bytes, &text);
	if (r)
		return r;
	struct room room = {.text = text, .bytes = bytes};
	put_segment(&room, segment);
	buf_commit(out, bytes);
	return 0;
}
