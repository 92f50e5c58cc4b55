/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stack traces, line by line. A line that can only be part of one is covered with all of its
 * kind that follow; a line that merely could be (indented source, a Go function) only where
 * it stands behind or between such lines.
 */
#include "policy/redact_priv.h"

enum line { NO_TRACE = 0, OF_TRACE, MAYBE };

/* Longer lines are looked at only so far: no frame is as long. */
enum { LINE_MAX_BYTES = 512, UNSURE_MAX = 3 };

static struct slice line_at(struct slice text, size_t at)
{
	const char *end = memchr(text.data + at, '\n', text.len - at);

	return slice_of(text.data + at, end ? (size_t)(end - text.data) - at : text.len - at);
}

static struct slice trimmed(struct slice s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len && (s.data[s.len - 1] == '\r' || s.data[s.len - 1] == ' '))
		s.len--;
	return slice_first(s, LINE_MAX_BYTES);
}

static bool has(struct slice s, struct slice what)
{
	return s.data && s.len && memmem(s.data, s.len, what.data, what.len) != NULL;
}

/* Takes the digits off the end; how many there were. */
static size_t drop_digits(struct slice *s)
{
	size_t digits = 0;

	while (s->len && redact_is_digit(s->data[s->len - 1])) {
		s->len--;
		digits++;
	}
	return digits;
}

static bool drop_char(struct slice *s, char c)
{
	if (s->len == 0 || s->data[s->len - 1] != c)
		return false;
	s->len--;
	return true;
}

/* at a.b.C.d(C.java:12), at f (/a/b.js:1:2), at /a/b.js:1:2, at A.B(C c) in d.cs:line 3 */
static bool is_at_frame(struct slice s)
{
	if (!slice_starts_with(s, SLICE("at ")))
		return false;
	if (has(s, SLICE(":line ")))
		return true;
	if (slice_ends_with(s, SLICE("(Native Method)")) ||
	    slice_ends_with(s, SLICE("(Unknown Source)")) ||
	    slice_ends_with(s, SLICE("(<anonymous>)")) || slice_ends_with(s, SLICE("(native)")))
		return true;
	struct slice rest = s;
	bool closed = drop_char(&rest, ')');
	if (!drop_digits(&rest) || !drop_char(&rest, ':'))
		return false;
	if (closed &&
	    (slice_ends_with(rest, SLICE(".java")) || slice_ends_with(rest, SLICE(".kt")) ||
	     slice_ends_with(rest, SLICE(".scala")) || slice_ends_with(rest, SLICE(".groovy"))))
		return true;
	return drop_digits(&rest) && drop_char(&rest, ':') && has(rest, SLICE("."));
}

/* /a/b.go:12 +0x1b, b.rb:3:in `f', File "b.py", line 3, #0 /a/b.php(12): f() */
static bool is_place(struct slice s)
{
	if (slice_starts_with(s, SLICE("File \"")) && has(s, SLICE("\", line ")))
		return true;
	if (has(s, SLICE(".go:")) && s.data[0] == '/')
		return true;
	if (has(s, SLICE(".rb:")) && has(s, SLICE(":in `")))
		return true;
	if (s.len > 2 && s.data[0] == '#' && redact_is_digit(s.data[1]) &&
	    (has(s, SLICE(".php(")) || has(s, SLICE("{main}")) ||
	     has(s, SLICE("[internal function]"))))
		return true;
	return s.len > 9 && slice_starts_with(s, SLICE("... ")) && redact_is_digit(s.data[4]) &&
	       slice_ends_with(s, SLICE(" more"));
}

static bool is_headline(struct slice s)
{
	static const struct slice heads[] = {
		SLICE_INIT("Traceback (most recent call last)"),
		SLICE_INIT("Exception in thread \""),
		SLICE_INIT("stack backtrace:"),
		SLICE_INIT("PHP Fatal error: "),
		SLICE_INIT("Unhandled exception. "),
		SLICE_INIT("Unhandled Exception: "),
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (slice_starts_with(s, heads[i]))
			return true;
	if (slice_starts_with(s, SLICE("Caused by: ")))
		return has(s, SLICE("Exception")) || has(s, SLICE("Error"));
	if (slice_starts_with(s, SLICE("goroutine ")))
		return slice_ends_with(s, SLICE("]:"));
	if (slice_starts_with(s, SLICE("thread '")))
		return has(s, SLICE("' panicked at "));
	return false;
}

/* What may stand between frames: source that was quoted, functions of Go, names of errors. */
static bool is_filling(struct slice line, struct slice s)
{
	if (line.len && (line.data[0] == ' ' || line.data[0] == '\t'))
		return true;
	if (slice_ends_with(s, SLICE(")")) && has(s, SLICE("(0x")))
		return true;
	return slice_starts_with(s, SLICE("main.main()")) ||
	       slice_starts_with(s, SLICE("created by ")) ||
	       slice_starts_with(s, SLICE("exit status "));
}

static enum line line_is(struct slice line)
{
	struct slice s = trimmed(line);

	if (s.len == 0)
		return NO_TRACE;
	if (is_headline(s) || is_at_frame(s) || is_place(s))
		return OF_TRACE;
	return is_filling(line, s) ? MAYBE : NO_TRACE;
}

/* FooError: what was wrong, on the line behind the frames of Python. */
static bool is_conclusion(struct slice s)
{
	size_t at = 0;

	while (at < s.len && (redact_is_word(s.data[at]) || s.data[at] == '.'))
		at++;
	struct slice name = slice_first(s, at);
	return at < s.len && s.data[at] == ':' &&
	       (slice_ends_with(name, SLICE("Error")) ||
		slice_ends_with(name, SLICE("Exception")) || slice_ends_with(name, SLICE("Exit")));
}

struct redact_find redact_trace_at(struct slice text, size_t at)
{
	struct redact_find f = {0};
	unsigned unsure = 0; /* lines in a row that merely could be part of it */

	for (size_t next = at; next < text.len && unsure < UNSURE_MAX;) {
		struct slice line = line_at(text, next);
		enum line is = line_is(line);
		if (is == NO_TRACE && f.end && is_conclusion(trimmed(line)))
			f.end = next + line.len;
		if (is == NO_TRACE || (is == MAYBE && !f.end))
			break;
		unsure = is == MAYBE ? unsure + 1 : 0;
		/* what a frame quotes stands directly behind it; all else between two */
		if (unsure <= 1)
			f.end = next + line.len;
		next += line.len + 1;
	}
	f.from = at;
	return f;
}
