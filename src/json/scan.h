/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Finding the byte in a string at which something has to be done. For the reader and the
 * writer only; the reader spends most of its time here.
 *
 * Nothing behind `end` is read.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(JSON_SCAN_PORTABLE)
#include <emmintrin.h>
#define JSON_SCAN_SSE2 1
#endif

/* `wide` is mostly known where this is called, and calling costs as much as scanning. */
#define JSON_SCAN_INLINE   inline __attribute__((always_inline))

#define JSON_SCAN_BYTES(c) (UINT64_C(0x0101010101010101) * (uint8_t)(c))

static inline uint64_t json_scan_load(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* A set top bit for every zero byte of x; bytes above the first hit may be wrong. */
static inline uint64_t json_scan_zeros(uint64_t x)
{
	return (x - JSON_SCAN_BYTES(0x01)) & ~x & JSON_SCAN_BYTES(0x80);
}

/* A control character, a quote, a backslash, or, unless `wide`, a byte of 0x80 and above. */
static inline bool json_scan_stops_at(char c, bool wide)
{
	uint8_t u = (uint8_t)c;
	return u < 0x20 || u == '"' || u == '\\' || (u >= 0x80 && !wide);
}

static inline const char *json_scan_by_word(const char *p, const char *end, bool wide)
{
	for (; end - p >= 8; p += 8) {
		uint64_t x = json_scan_load(p);
		uint64_t hits = json_scan_zeros(x ^ JSON_SCAN_BYTES('"')) |
				json_scan_zeros(x ^ JSON_SCAN_BYTES('\\')) |
				((x - JSON_SCAN_BYTES(0x20)) & ~x & JSON_SCAN_BYTES(0x80));
		if (!wide)
			hits |= x & JSON_SCAN_BYTES(0x80);
		if (hits)
			return p + __builtin_ctzll(hits) / 8;
	}
	while (p < end && !json_scan_stops_at(*p, wide))
		p++;
	return p;
}

/* The first byte from p on at which json_scan_stops_at, or end: for what is long, 64 bytes at a
 * time where the processor can. The 16 bytes before p may be read, too. */
const char *json_scan_long(const char *p, const char *end, bool wide);

#ifdef JSON_SCAN_SSE2
/* A set bit for each of the 16 bytes at p at which json_scan_stops_at. */
static JSON_SCAN_INLINE unsigned json_scan_hits(const char *p, bool wide)
{
	__m128i x;
	memcpy(&x, p, sizeof(x));
	__m128i slash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
	/* With this bit turned the quote is a space, and those below a space still are. */
	__m128i y = _mm_xor_si128(x, _mm_set1_epi8('"' ^ ' '));
	/* Signed, bytes of 0x80 and above are less than a space too. */
	__m128i other = wide ? _mm_cmpeq_epi8(_mm_min_epu8(y, _mm_set1_epi8(' ')), y)
			     : _mm_cmplt_epi8(y, _mm_set1_epi8(' ' + 1));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(slash, other));
}

/* The same for what ends at least 16 bytes behind the first one that may be read. Most strings
 * of a message end within their first 16 bytes. */
static JSON_SCAN_INLINE const char *json_scan_in_16(const char *p, const char *end, bool wide)
{
	if (__builtin_expect(end - p >= 16, 1)) {
		unsigned hits = json_scan_hits(p, wide);
		if (__builtin_expect(hits != 0, 1))
			return p + __builtin_ctz(hits);
		return json_scan_long(p + 16, end, wide);
	}
	/* The last 16 bytes, without those before p. */
	unsigned hits = json_scan_hits(end - 16, wide) >> (16 - (end - p));
	return hits ? p + __builtin_ctz(hits) : end;
}
#else
static JSON_SCAN_INLINE const char *json_scan_in_16(const char *p, const char *end, bool wide)
{
	return json_scan_by_word(p, end, wide);
}
#endif

/* The first byte from p on at which json_scan_stops_at, or end. What lies between start and p
 * may be read too. */
static JSON_SCAN_INLINE const char *json_scan(const char *start, const char *p, const char *end,
					      bool wide)
{
	return end - start < 16 ? json_scan_by_word(p, end, wide) : json_scan_in_16(p, end, wide);
}
