/* SPDX-License-Identifier: Apache-2.0 */
/* format(): %s %d %f %e %b %o %x %X %%, with a precision for %f and %e. */
#include <math.h>

#include "base/utf8.h"
#include "cel/builder.h"
#include "cel/text.h"

enum {
	PRECISION_MOST = 100,
	DEPTH_MOST = 64,    /* of lists and maps within each other */
	KEYS_SORTED = 1000, /* of a map that is shown */
};

static void show(struct cel_builder *b, const struct cel_value *v, int depth);

/* ---- %s */

static void show_list(struct cel_builder *b, const struct cel_value *list, int depth)
{
	struct cel_walk w = cel_walk(list);
	struct cel_value item;

	cel_build(b, SLICE("["));
	while (!b->failed && cel_walk_next(&w, NULL, &item)) {
		if (w.index > 1)
			cel_build(b, SLICE(", "));
		show(b, &item, depth - 1);
	}
	cel_build(b, SLICE("]"));
}

static int cmp_keys(const struct cel_value *a, const struct cel_value *b)
{
	char ta[CEL_TEXT_BYTES], tb[CEL_TEXT_BYTES];

	return slice_cmp(cel_scalar_text(a, ta), cel_scalar_text(b, tb));
}

/* By the texts of the keys; in place, one after the other. */
static void sort_entries(struct cel_entry *entries, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		for (uint32_t j = i; j && cmp_keys(&entries[j].key, &entries[j - 1].key) < 0; j--) {
			struct cel_entry other = entries[j - 1];
			entries[j - 1] = entries[j];
			entries[j] = other;
		}
}

static void show_map(struct cel_builder *b, const struct cel_value *map, int depth)
{
	struct cel_walk w = cel_walk(map);

	if (map->count > KEYS_SORTED) {
		cel_build_fail(b, "the map is too large to be shown");
		return;
	}
	if (!cel_take(b->run, (uint64_t)map->count * map->count / 4)) {
		b->failed = true;
		b->error = cel_too_long(b->run, b->node);
		return;
	}
	struct cel_entry *entries = (struct cel_entry *)cel_new_items(
		b->run, b->node, (uint64_t)map->count * 2, &b->error);
	if (!entries) {
		b->failed = true;
		return;
	}
	for (uint32_t i = 0; i < map->count; i++)
		cel_walk_next(&w, &entries[i].key, &entries[i].value);
	sort_entries(entries, map->count);
	cel_build(b, SLICE("{"));
	for (uint32_t i = 0; i < map->count; i++) {
		cel_build(b, i ? SLICE(", ") : SLICE(""));
		show(b, &entries[i].key, 1);
		cel_build(b, SLICE(": "));
		show(b, &entries[i].value, depth - 1);
	}
	cel_build(b, SLICE("}"));
}

static void show(struct cel_builder *b, const struct cel_value *v, int depth)
{
	char text[CEL_TEXT_BYTES];

	if (depth == 0) {
		cel_build_fail(b, "the value is nested too deep to be shown");
		return;
	}
	if (v->kind == CEL_LIST)
		show_list(b, v, depth);
	else if (v->kind == CEL_MAP)
		show_map(b, v, depth);
	else if (v->kind == CEL_BYTES && !utf8_valid(v->as.text))
		cel_build_fail(b, "the bytes are not UTF-8");
	else
		cel_build(b, cel_scalar_text(v, text));
}

/* ---- numbers */

/* Digits of that base, with a minus in front. */
static void put_digits(struct cel_builder *b, const struct cel_value *v, unsigned base, bool upper)
{
	const char *all = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	bool negative = v->kind == CEL_INT && v->as.integer < 0;
	uint64_t n = negative ? 0 - v->as.natural : v->as.natural;
	char digits[65];
	size_t at = sizeof(digits);

	do
		digits[--at] = all[n % base];
	while ((n /= base) != 0);
	if (negative)
		digits[--at] = '-';
	cel_build(b, slice_of(digits + at, sizeof(digits) - at));
}

static bool whole(const struct cel_value *v)
{
	return v->kind == CEL_INT || v->kind == CEL_UINT;
}

static void put_decimal(struct cel_builder *b, const struct cel_value *v)
{
	if (whole(v))
		put_digits(b, v, 10, false);
	else if (v->kind == CEL_DOUBLE && !isfinite(v->as.real))
		show(b, v, 1);
	else
		cel_build_fail(b, "%d takes an int or a uint");
}

static void put_binary(struct cel_builder *b, const struct cel_value *v)
{
	if (whole(v))
		put_digits(b, v, 2, false);
	else if (v->kind == CEL_BOOL)
		cel_build(b, v->as.truth ? SLICE("1") : SLICE("0"));
	else
		cel_build_fail(b, "%b takes an int, a uint or a bool");
}

static void put_octal(struct cel_builder *b, const struct cel_value *v)
{
	if (whole(v))
		put_digits(b, v, 8, false);
	else
		cel_build_fail(b, "%o takes an int or a uint");
}

static void put_hexadecimal(struct cel_builder *b, const struct cel_value *v, bool upper)
{
	const char *all = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	if (whole(v)) {
		put_digits(b, v, 16, upper);
		return;
	}
	if (v->kind != CEL_STRING && v->kind != CEL_BYTES) {
		cel_build_fail(b, "%x takes an int, a uint, a string or bytes");
		return;
	}
	for (size_t i = 0; i < v->as.text.len && !b->failed; i++) {
		unsigned char c = (unsigned char)v->as.text.data[i];
		cel_build(b, slice_of((char[]){all[c >> 4], all[c & 15]}, 2));
	}
}

static void put_real(struct cel_builder *b, const struct cel_value *v, char form, int precision)
{
	/* The largest double has 309 digits before its dot. */
	char text[320 + PRECISION_MOST];
	double d = v->as.real;

	if (v->kind == CEL_INT)
		d = (double)v->as.integer;
	else if (v->kind == CEL_UINT)
		d = (double)v->as.natural;
	else if (v->kind != CEL_DOUBLE)
		cel_build_fail(b, "%f and %e take numbers");
	if (b->failed)
		return;
	if (!isfinite(d)) {
		show(b, v, 1);
		return;
	}
	int n = form == 'e' ? snprintf(text, sizeof(text), "%.*e", precision, d)
			    : snprintf(text, sizeof(text), "%.*f", precision, d);
	cel_build(b, slice_of(text, (size_t)n));
}

/* ---- the pattern */

/* Behind a percent sign: ".3" taken off the front; 6 if there is none, -1 if it is too much. */
static int take_precision(struct slice *s)
{
	int n = 0;

	if (s->len == 0 || s->data[0] != '.')
		return 6;
	*s = slice_from(*s, 1);
	while (s->len && s->data[0] >= '0' && s->data[0] <= '9' && n <= PRECISION_MOST) {
		n = n * 10 + (s->data[0] - '0');
		*s = slice_from(*s, 1);
	}
	return n <= PRECISION_MOST ? n : -1;
}

static void put_clause(struct cel_builder *b, char form, int precision, const struct cel_value *v)
{
	switch (form) {
	case 's':
		show(b, v, DEPTH_MOST);
		break;
	case 'd':
		put_decimal(b, v);
		break;
	case 'b':
		put_binary(b, v);
		break;
	case 'o':
		put_octal(b, v);
		break;
	case 'x':
	case 'X':
		put_hexadecimal(b, v, form == 'X');
		break;
	case 'e':
	case 'f':
		put_real(b, v, form, precision);
		break;
	default:
		cel_build_fail(b, "there is no such clause: %s %d %f %e %b %o %x %X and %% are");
	}
}

struct cel_value cel_format(struct cel_run *run, const struct cel_node *n,
			    const struct cel_value *v)
{
	struct cel_builder b = cel_builder(run, n);
	struct slice rest = v[0].as.text;
	struct cel_walk w = cel_walk(&v[1]);
	struct cel_value arg;

	while (!b.failed) {
		size_t percent = slice_index(rest, '%');
		cel_build(&b, slice_first(rest, percent));
		if (percent == rest.len)
			break;
		rest = slice_from(rest, percent + 1);
		if (rest.len && rest.data[0] == '%') {
			cel_build(&b, SLICE("%"));
			rest = slice_from(rest, 1);
			continue;
		}
		int precision = take_precision(&rest);
		if (rest.len == 0 || precision < 0)
			cel_build_fail(&b, "a clause of the format is not complete");
		else if (!cel_walk_next(&w, NULL, &arg))
			cel_build_fail(&b, "the format has more clauses than there are values");
		else
			put_clause(&b, rest.data[0], precision, &arg);
		rest = slice_from(rest, 1);
	}
	return cel_built(&b);
}
