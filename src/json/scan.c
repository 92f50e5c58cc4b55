/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long strings; see scan.h.
 *
 *   [ 64 bytes ][ 64 bytes ]...[ 32 ][ last 32 ]   AVX2: both halves of 64 are asked at once
 *   [16][16][16]...[ last 16 ]                     SSE2: any x86-64
 *   [8][8]...                                      elsewhere
 *
 * The last piece reaches back over what was looked at before instead of going byte by byte.
 */
#include "json/scan.h"

#ifdef JSON_SCAN_SSE2
static const char *scan_sse2(const char *p, const char *end, bool wide)
{
	for (; end - p >= 16; p += 16) {
		unsigned hits = json_scan_hits(p, wide);
		if (hits)
			return p + __builtin_ctz(hits);
	}
	unsigned hits = json_scan_hits(end - 16, wide) >> (16 - (end - p));
	return hits ? p + __builtin_ctz(hits) : end;
}
#endif

#if defined(JSON_SCAN_SSE2) && defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* As json_scan_hits: a byte of ones for each byte that stops. */
AVX2 static inline __m256i stops(const char *p, bool wide)
{
	__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i slash = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\'));
	__m256i y = _mm256_xor_si256(x, _mm256_set1_epi8('"' ^ ' '));
	__m256i other = wide ? _mm256_cmpeq_epi8(_mm256_min_epu8(y, _mm256_set1_epi8(' ')), y)
			     : _mm256_cmpgt_epi8(_mm256_set1_epi8(' ' + 1), y);

	return _mm256_or_si256(slash, other);
}

AVX2 static inline const char *first_of(const char *p, __m256i found)
{
	return p + __builtin_ctz((unsigned)_mm256_movemask_epi8(found));
}

AVX2 static inline bool any(__m256i found)
{
	return !_mm256_testz_si256(found, found);
}

AVX2 static inline const char *scan_avx2(const char *p, const char *end, bool wide)
{
	for (; end - p >= 64; p += 64) {
		__m256i low = stops(p, wide), high = stops(p + 32, wide);
		if (any(_mm256_or_si256(low, high)))
			return any(low) ? first_of(p, low) : first_of(p + 32, high);
	}
	for (; end - p >= 32; p += 32) {
		__m256i found = stops(p, wide);
		if (any(found))
			return first_of(p, found);
	}
	if (end - p < 16)
		return scan_sse2(p, end, wide);
	/* The last 32, without those before p. */
	unsigned found = (unsigned)_mm256_movemask_epi8(stops(end - 32, wide)) >> (32 - (end - p));
	return found ? p + __builtin_ctz(found) : end;
}

AVX2 static const char *scan_avx2_wide(const char *p, const char *end)
{
	return scan_avx2(p, end, true);
}

AVX2 static const char *scan_avx2_narrow(const char *p, const char *end)
{
	return scan_avx2(p, end, false);
}

const char *json_scan_long(const char *p, const char *end, bool wide)
{
	if (end - p < 32 || !__builtin_cpu_supports("avx2"))
		return scan_sse2(p, end, wide);
	return wide ? scan_avx2_wide(p, end) : scan_avx2_narrow(p, end);
}

#else

const char *json_scan_long(const char *p, const char *end, bool wide)
{
#ifdef JSON_SCAN_SSE2
	return scan_sse2(p, end, wide);
#else
	return json_scan_by_word(p, end, wide);
#endif
}

#endif
