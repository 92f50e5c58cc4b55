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

#ifdef JSON_SCAN_SSE2
static JSON_SCAN_INLINE unsigned json_scan_hits(const char *p, bool wide)
{
	__m128i x;
	memcpy(&x, p, sizeof(x));
	__m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
	__m128i slash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
	/* Signed, bytes of 0x80 and above are less than a space too. */
	__m128i other = wide ? _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x)
			     : _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), other));
}

static JSON_SCAN_INLINE const char *json_scan(const char *start, const char *p, const char *end,
					      bool wide)
{
	for (; end - p >= 16; p += 16) {
		unsigned hits = json_scan_hits(p, wide);
		if (hits)
			return p + __builtin_ctz(hits);
	}
	if (end - start < 16)
		return json_scan_by_word(p, end, wide);
	/* The last 16 bytes once more, without those before p. */
	unsigned hits = json_scan_hits(end - 16, wide) >> (16 - (end - p));
	return hits ? p + __builtin_ctz(hits) : end;
}
#else
/* The first byte from p on at which json_scan_stops_at, or end. What lies between start and p
 * may be read too. */
static JSON_SCAN_INLINE const char *json_scan(const char *start, const char *p, const char *end,
					      bool wide)
{
	(void)start;
	return json_scan_by_word(p, end, wide);
}
#endif
