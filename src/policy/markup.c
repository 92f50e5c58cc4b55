/* SPDX-License-Identifier: Apache-2.0 */
/* Markup in strings: escape, strip, refuse; see markup.h. `html` is markup_html.c. */
#include "policy/markup.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "policy/html.h"
#include "policy/markup_html.h"

bool markup_present(struct slice text)
{
	struct slice rest = text;

	for (;;) {
		size_t at = slice_index(rest, '<');
		if (at + 1 >= rest.len)
			return false;
		if (html_opens(rest.data[at + 1]))
			return true;
		rest = slice_from(rest, at + 1);
	}
}

/* ---- escape */

static struct slice escaped(char c)
{
	switch (c) {
	case '&':
		return SLICE("&amp;");
	case '<':
		return SLICE("&lt;");
	case '>':
		return SLICE("&gt;");
	case '"':
		return SLICE("&quot;");
	case '\'':
		return SLICE("&#39;");
	default:
		return slice_of(NULL, 0);
	}
}

#if defined(__SSE2__)
/* Bits of the 16 bytes at p that `escaped` has something for. The ampersand and the apostrophe
 * differ in one bit only, and so do the angle brackets. */
static inline unsigned special_bits(const char *p)
{
	__m128i x;

	memcpy(&x, p, sizeof(x));
	__m128i amp = _mm_cmpeq_epi8(_mm_or_si128(x, _mm_set1_epi8(1)), _mm_set1_epi8('\''));
	__m128i angle = _mm_cmpeq_epi8(_mm_or_si128(x, _mm_set1_epi8(2)), _mm_set1_epi8('>'));
	__m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(amp, angle), quote));
}
#endif

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))

/* The lower halves of the five differ: a byte is one of them if it is what its lower half leads
 * to. From 0x80 on every byte leads to zero; and what leads nowhere has another lower half. */
AVX2 static inline __m256i specials(const char *p)
{
	const __m256i by_half = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(1, 0, '"', 0, 0, 0, '&', '\'', 0, 0, 0, 0, '<', 0, '>', 0));
	__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);

	return _mm256_cmpeq_epi8(_mm256_shuffle_epi8(by_half, x), x);
}

AVX2 static inline size_t first_of(__m256i low, __m256i high)
{
	uint64_t bits = (uint32_t)_mm256_movemask_epi8(high);

	bits = bits << 32 | (uint32_t)_mm256_movemask_epi8(low);
	return (size_t)__builtin_ctzll(bits);
}

/* find_special for at least 64 bytes from `at` on. */
AVX2 static size_t find_special_long(struct slice text, size_t at)
{
	for (;;) {
		__m256i low = specials(text.data + at), high = specials(text.data + at + 32);
		__m256i both = _mm256_or_si256(low, high);
		if (!_mm256_testz_si256(both, both))
			return at + first_of(low, high);
		at += 64;
		if (at == text.len)
			return at;
		if (text.len - at < 64) /* the last 64 once more: the others among them are none */
			at = text.len - 64;
	}
}
#endif

/* The first byte from `at` on that `escaped` has something for; text.len if there is none. Most
 * texts have none. */
static size_t find_special(struct slice text, size_t at)
{
#if defined(__x86_64__)
	if (text.len - at >= 64 && __builtin_cpu_supports("avx2"))
		return find_special_long(text, at);
#endif
#if defined(__SSE2__)
	for (; text.len - at >= 16; at += 16) {
		unsigned bits = special_bits(text.data + at);
		if (bits)
			return at + (size_t)__builtin_ctz(bits);
	}
	if (text.len >= 16) {
		/* The last 16 bytes once more, without those before `at`. */
		unsigned bits = special_bits(text.data + text.len - 16) >> (16 - (text.len - at));
		return bits ? at + (size_t)__builtin_ctz(bits) : text.len;
	}
#endif
	while (at < text.len && escaped(text.data[at]).len == 0)
		at++;
	return at;
}

static bool escape(struct slice text, struct arena *arena, struct slice *out)
{
	const size_t first = find_special(text, 0);
	size_t len = text.len, from = 0;

	*out = text;
	if (first == text.len)
		return true;
	for (size_t at = first; at < text.len; at = find_special(text, at + 1))
		len += escaped(text.data[at]).len - 1;
	char *to = arena_alloc(arena, len);
	*out = slice_of(to, to ? len : 0);
	if (!to)
		return false;
	for (size_t at = first; at < text.len; at = find_special(text, from)) {
		struct slice e = escaped(text.data[at]);
		to = (char *)memcpy(to, text.data + from, at - from) + (at - from);
		to = (char *)memcpy(to, e.data, e.len) + e.len;
		from = at + 1;
	}
	memcpy(to, text.data + from, text.len - from);
	return true;
}

/* ---- strip */

/* Room is that of the text that came, and what is written was part of it. */
struct stripped {
	char *to;
	size_t len;
};

static void append(struct stripped *s, struct slice piece)
{
	if (piece.len == 0)
		return;
	/* "<" and "b>" around something that was removed */
	if (html_opens(piece.data[0]))
		while (s->len && s->to[s->len - 1] == '<')
			s->len--;
	memcpy(s->to + s->len, piece.data, piece.len);
	s->len += piece.len;
}

/* A tag without an end is more often a comparison than a tag: the words stay. */
static void append_unclosed(struct stripped *s, struct slice piece)
{
	while (piece.len) {
		size_t at = slice_index(piece, '<');
		append(s, slice_first(piece, at));
		piece = slice_from(piece, at + 1);
	}
}

static bool strip(struct slice text, struct arena *arena, struct slice *out)
{
	struct html_scan scan = html_scan_init(text);
	struct html_token t;

	*out = text;
	if (!markup_present(text))
		return true;
	struct stripped s = {.to = arena_alloc(arena, text.len)};
	*out = slice_of(NULL, 0);
	if (!s.to)
		return false;
	while ((t = html_next(&scan)).kind != HTML_END) {
		if (t.kind == HTML_TEXT)
			append(&s, t.text);
		else if (t.kind == HTML_UNCLOSED)
			append_unclosed(&s, t.text);
	}
	*out = slice_of(s.to, s.len);
	return !markup_present(*out);
}

/* ---- */

static bool rewrite(enum markup_mode mode, struct slice text, struct arena *arena,
		    struct slice *out)
{
	switch (mode) {
	case MARKUP_REFUSE:
		*out = text;
		return !markup_present(text);
	case MARKUP_ESCAPE:
		return escape(text, arena, out);
	case MARKUP_STRIP:
		return strip(text, arena, out);
	case MARKUP_HTML:
		return markup_html(text, arena, out);
	}
	return false;
}

bool markup_leaves(enum markup_mode mode, struct slice text)
{
	switch (mode) {
	case MARKUP_ESCAPE:
		return find_special(text, 0) == text.len;
	case MARKUP_REFUSE:
	case MARKUP_STRIP:
		return !markup_present(text);
	case MARKUP_HTML:
		break;
	}
	return false;
}

enum reason markup_apply(enum markup_mode mode, struct slice text, struct arena *arena,
			 struct slice *out)
{
	if (rewrite(mode, text, arena, out))
		return REASON_NONE;
	*out = slice_of(NULL, 0);
	return REASON_MARKUP;
}
