/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path patterns: /chat/{room}, /files/ and an asterisk behind it.
 *
 * Strict, because a pattern that two readers take for different things is a hole: whole
 * segments only, plain characters only (what a request escapes is decoded before it is
 * compared), nothing that http/target.h would refuse in a request.
 */
#include "conf/load_priv.h"
#include "http/target.h"

/* The place of a part of a scalar, as far as it can be told. */
static struct diag_place place_in(const struct yaml_node *node, struct slice text,
				  struct slice part)
{
	struct diag_place place = node->at;
	const char *begin = node->text.data;

	if (!begin || text.data < begin || part.data < begin || part.data > begin + node->text.len)
		return place;
	place.column += (uint32_t)(part.data - begin);
	place.width = part.len ? (uint32_t)part.len : 1;
	return place;
}

static bool character_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~!$&'()+,;=:@", c));
}

static bool name_ok(struct slice name)
{
	if (name.len == 0 || name.len > 64 || (name.data[0] >= '0' && name.data[0] <= '9'))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_')
			return false;
	}
	return true;
}

/* What is wrong with a literal segment, or NULL. */
static const char *literal_fault(struct slice s)
{
	if (slice_eq(s, SLICE(".")) || slice_eq(s, SLICE("..")) ||
	    slice_starts_with(s, SLICE("..;")))
		return "`.` and `..` do not stand in a path";
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '*')
			return "an asterisk may only stand alone, behind the last slash";
		if (s.data[i] == '{' || s.data[i] == '}')
			return "a parameter `{name}` stands for a whole piece between two slashes";
		if (s.data[i] == '%')
			return "paths are written without escapes: they are compared after "
			       "decoding";
		if (s.data[i] == '?' || s.data[i] == '#')
			return "a path has no query and no fragment";
		if (!character_ok(s.data[i]))
			return "a character that does not stand in a path";
	}
	return NULL;
}

static bool wrong(struct load *l, const struct yaml_node *node, struct slice text,
		  struct slice part, const char *what, const char *fault)
{
	diag_add(l->diag, DIAG_ERROR, place_in(node, text, part), "%s `%.*s`: %s", what,
		 SLICE_ARG(slice_first(text, 120)), fault);
	return false;
}

static bool parameter_is_new(const struct conf_segment *segments, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (segments[i].parameter && slice_eq(segments[i].text, name))
			return false;
	return true;
}

/* One segment that is neither empty nor the asterisk at the end. */
static bool read_segment(struct load *l, const struct yaml_node *node, struct slice text,
			 struct slice part, const char *what, struct conf_segment *segments,
			 size_t count)
{
	struct slice name = part;

	if (part.len > 2 && part.data[0] == '{' && part.data[part.len - 1] == '}') {
		name = slice_of(part.data + 1, part.len - 2);
		if (!name_ok(name))
			return wrong(l, node, text, part, what,
				     "a parameter's name has letters, digits and `_`");
		if (!parameter_is_new(segments, count, name))
			return wrong(l, node, text, part, what, "this parameter is there twice");
		segments[count].parameter = true;
	} else {
		const char *fault = literal_fault(part);
		if (fault)
			return wrong(l, node, text, part, what, fault);
	}
	segments[count].text = load_copy(l, name);
	return true;
}

bool load_path(struct load *l, const struct yaml_node *node, struct slice text, const char *what,
	       struct conf_path *out)
{
	struct conf_segment segments[HTTP_SEGMENTS_MAX] = {0};
	struct slice rest = slice_from(text, 1), part;
	bool more = true;
	size_t count = 0;

	if (text.len == 0 || text.data[0] != '/')
		return wrong(l, node, text, text, what, "a path begins with a slash");
	while (slice_next(&rest, &more, '/', &part)) {
		if (!more && part.len == 0) {
			out->trailing_slash = true;
		} else if (!more && slice_eq(part, SLICE("*"))) {
			out->prefix = true;
		} else if (part.len == 0) {
			return wrong(l, node, text, text, what, "two slashes with nothing between");
		} else if (count == HTTP_SEGMENTS_MAX) {
			return wrong(l, node, text, text, what, "more than 64 pieces");
		} else if (!read_segment(l, node, text, part, what, segments, count)) {
			return false;
		} else {
			count++;
		}
	}
	out->text = load_copy(l, text);
	struct conf_segment *kept = load_room(l, count, sizeof(*kept));
	if (kept)
		memcpy(kept, segments, count * sizeof(*kept));
	out->segments = kept;
	out->count = kept ? count : 0;
	return true;
}

bool load_path_same(const struct conf_path *a, const struct conf_path *b)
{
	if (a->count != b->count || a->prefix != b->prefix ||
	    a->trailing_slash != b->trailing_slash)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->segments[i].parameter != b->segments[i].parameter)
			return false;
		if (!a->segments[i].parameter &&
		    !slice_eq(a->segments[i].text, b->segments[i].text))
			return false;
	}
	return true;
}

/* What stands at a position: 0 a literal, 1 the end, 2 a parameter, 3 anything. */
static int rank_at(const struct conf_path *p, size_t i)
{
	if (i < p->count)
		return p->segments[i].parameter ? 2 : 0;
	return p->prefix ? 3 : 1;
}

int load_path_compare(const struct conf_path *a, const struct conf_path *b)
{
	for (size_t i = 0; i <= a->count && i <= b->count; i++) {
		int order = rank_at(a, i) - rank_at(b, i);
		if (order)
			return order;
	}
	return 0;
}
