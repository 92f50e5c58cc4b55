/* SPDX-License-Identifier: Apache-2.0 */
/* Collects findings and prints them with the line they are about; see diag.h. */
#include "conf/diag.h"

#include <stdarg.h>

#include "base/utf8.h"

enum {
	DIAG_ARENA_MAX = 32 * 1024 * 1024,
	SENTENCE_BYTES = 1024,
	SHOWN_LINE_BYTES = 240, /* longer lines are cut around the place */
	NEAREST_BYTES = 40,
};

void diag_init(struct diag *d)
{
	memset(d, 0, sizeof(*d));
	arena_init(&d->arena, 16 * 1024, DIAG_ARENA_MAX);
}

void diag_deinit(struct diag *d)
{
	arena_deinit(&d->arena);
	memset(d, 0, sizeof(*d));
}

void diag_set_source(struct diag *d, struct slice file, struct slice source)
{
	d->sources[0].file = arena_copy(&d->arena, file);
	d->sources[0].text = arena_copy(&d->arena, source);
	d->source = 0;
}

void diag_enter(struct diag *d, struct slice file, struct slice source)
{
	for (uint32_t i = 1; i <= d->source_count; i++) {
		if (!slice_eq(d->sources[i].file, file))
			continue;
		d->source = i;
		return;
	}
	/* Each has a finding; beyond that many they are only counted. */
	if (d->source_count + 1 == DIAG_MAX)
		return;
	d->source = ++d->source_count;
	d->sources[d->source] =
		(struct diag_source){arena_copy(&d->arena, file), arena_copy(&d->arena, source)};
}

void diag_leave(struct diag *d)
{
	d->source = 0;
}

/* A sentence never holds control characters, wherever its words came from. */
static struct slice write_sentence(struct diag *d, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static struct slice write_sentence(struct diag *d, const char *format, va_list args)
{
	char text[SENTENCE_BYTES];
	int len = vsnprintf(text, sizeof(text), format, args);
	if (len < 0)
		return slice_of(NULL, 0);
	size_t shown = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;

	for (size_t i = 0; i < shown; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	return arena_copy(&d->arena, slice_of(text, shown));
}

void diag_add(struct diag *d, enum diag_kind kind, struct diag_place place, const char *format, ...)
{
	if (kind == DIAG_ERROR)
		d->errors++;
	else if (kind == DIAG_UNSAFE)
		d->unsafe++;
	else
		d->warnings++;
	if (d->count == DIAG_MAX)
		return;
	va_list args;
	va_start(args, format);
	d->entries[d->count] = (struct diag_entry){
		.kind = kind,
		.order = (uint32_t)d->count,
		.source = d->source,
		.place = place,
		.text = write_sentence(d, format, args),
	};
	va_end(args);
	d->count++;
}

void diag_help(struct diag *d, const char *format, ...)
{
	/* Beyond the maximum the finding itself was not kept. */
	if (d->count == 0 || d->errors + d->unsafe + d->warnings > DIAG_MAX)
		return;
	va_list args;
	va_start(args, format);
	d->entries[d->count - 1].help = write_sentence(d, format, args);
	va_end(args);
}

void diag_take(struct diag *d, const struct diag *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct diag_entry *e = &from->entries[i];
		diag_add(d, e->kind, e->place, "%.*s", SLICE_ARG(e->text));
		if (e->help.len)
			diag_help(d, "%.*s", SLICE_ARG(e->help));
	}
}

static int compare(const void *a, const void *b)
{
	const struct diag_entry *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

void diag_sort(struct diag *d)
{
	qsort(d->entries, d->count, sizeof(d->entries[0]), compare);
}

static struct slice line_of(struct slice source, uint32_t line)
{
	struct slice rest = source, part;
	bool more = true;

	for (uint32_t at = 1; slice_next(&rest, &more, '\n', &part); at++) {
		if (at != line)
			continue;
		if (part.len > 0 && part.data[part.len - 1] == '\r')
			part.len--;
		return part;
	}
	return slice_of(NULL, 0);
}

/* One character as it is shown: what could move the cursor or hide becomes a question mark. */
static int print_character(struct buf *out, struct slice text, unsigned len, uint32_t c)
{
	if (!utf8_is_plain(c))
		return buf_append(out, c == '\t' ? SLICE(" ") : SLICE("?"));
	return buf_append(out, slice_first(text, len));
}

/* A password in a URL is not shown: from the first colon behind :// to the last @. */
static void find_secret(struct slice line, size_t *from, size_t *to)
{
	size_t start = slice_index(line, ':'), end = line.len;

	*from = *to = 0;
	while (start + 2 < line.len &&
	       !(line.data[start + 1] == '/' && line.data[start + 2] == '/'))
		start += 1 + slice_index(slice_from(line, start + 1), ':');
	if (start + 2 >= line.len)
		return;
	start += 3;
	start += slice_index(slice_from(line, start), ':') + 1;
	while (end > start && line.data[end - 1] != '@')
		end--;
	if (end <= start)
		return;
	*from = start;
	*to = end - 1;
}

/* The line and the marks below it. Each character takes one column: tabs become a space. */
static int print_line(struct buf *out, struct slice line, struct diag_place place)
{
	uint32_t from = place.column > 100 ? place.column - 60 : 1;
	uint32_t column = 1;
	size_t secret, secret_end;
	find_secret(line, &secret, &secret_end);
	int r = buf_printf(out, "%5u | %s", place.line, from > 1 ? "..." : "");

	for (size_t at = 0; !r && at < line.len; column++) {
		uint32_t c = '?';
		unsigned len = utf8_decode(slice_from(line, at), &c);
		if (len == 0) {
			len = 1;
			c = 0;
		}
		if (column >= from && column - from < SHOWN_LINE_BYTES)
			r = at >= secret && at < secret_end
				    ? buf_append(out, SLICE("*"))
				    : print_character(out, slice_from(line, at), len, c);
		at += len;
	}
	if (!r)
		r = buf_printf(out, "\n      | %s%*s", from > 1 ? "   " : "",
			       (int)(place.column - from), "");
	uint32_t width = place.width ? place.width : 1;
	uint32_t behind = column > place.column ? column - place.column : 1;
	if (width > behind)
		width = behind;
	for (uint32_t i = 0; !r && i < width && i < SHOWN_LINE_BYTES; i++)
		r = buf_append(out, SLICE("^"));
	return r ? r : buf_append(out, SLICE("\n"));
}

static int print_entry(const struct diag *d, const struct diag_entry *e, struct buf *out)
{
	static const char *const kinds[] = {"error", "unsafe", "warning"};
	const struct diag_source *source = &d->sources[e->source];
	struct slice file = source->file.len ? source->file : SLICE("configuration");
	int r = buf_printf(out, "%.*s:", SLICE_ARG(file));

	if (!r && e->place.line)
		r = buf_printf(out, "%u:%u:", e->place.line, e->place.column);
	if (!r)
		r = buf_printf(out, " %s: %.*s\n", kinds[e->kind],
			       SLICE_ARG(e->text.data ? e->text : SLICE("(no memory for words)")));
	if (!r && e->place.line && source->text.data)
		r = print_line(out, line_of(source->text, e->place.line), e->place);
	if (!r && e->help.len)
		r = buf_printf(out, "      = help: %.*s\n", SLICE_ARG(e->help));
	return r;
}

int diag_print(struct diag *d, struct buf *out)
{
	size_t all = d->errors + d->unsafe + d->warnings;
	int r = 0;

	diag_sort(d);
	for (size_t i = 0; !r && i < d->count; i++)
		r = print_entry(d, &d->entries[i], out);
	if (!r && all > d->count)
		r = buf_printf(out, "... and %zu more\n", all - d->count);
	return r;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: inserted, removed, changed, swapped neighbours, one each. Case
 * counts nothing. Both at most NEAREST_BYTES long. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[3][NEAREST_BYTES + 1];

	for (unsigned j = 0; j <= b.len; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *now = row[i % 3], *one = row[(i + 2) % 3], *two = row[(i + 1) % 3];
		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			bool same = slice_eq_icase(slice_of(a.data + i - 1, 1),
						   slice_of(b.data + j - 1, 1));
			now[j] = least(least(one[j], now[j - 1]) + 1, one[j - 1] + !same);
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
			    a.data[i - 2] == b.data[j - 1])
				now[j] = least(now[j], two[j - 2] + 1);
		}
	}
	return row[a.len % 3][b.len];
}

struct slice diag_nearest(struct slice word, const struct slice *candidates, size_t count)
{
	struct slice best = {0};
	unsigned best_distance = word.len <= 3 ? 1 : (unsigned)(word.len + 2) / 3;

	if (word.len == 0 || word.len > NEAREST_BYTES)
		return best;
	for (size_t i = 0; i < count; i++) {
		if (candidates[i].len == 0 || candidates[i].len > NEAREST_BYTES)
			continue;
		unsigned at = distance(word, candidates[i]);
		if (at < best_distance || (at == best_distance && !best.len)) {
			best = candidates[i];
			best_distance = at;
		}
	}
	return best;
}
