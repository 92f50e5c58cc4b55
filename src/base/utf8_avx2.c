/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 32 bytes at a time: the lookup algorithm of John Keiser and Daniel Lemire,
 * "Validating UTF-8 In Less Than One Instruction Per Byte" (2021).
 *
 * Whether two neighbouring bytes can be right shows in three half bytes: both of the first
 * and the upper one of the second. Each is looked up in a table of the mistakes that it is
 * compatible with; what all three agree on has happened. Left over are third and fourth
 * bytes, which must be continuations behind continuations: TWO_CONTINUATIONS must be set
 * exactly where a three- or four-byte start lies two or three bytes back.
 */
#include "base/utf8_priv.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

enum { STEP = 32 };

/* Mistakes, one bit each:       first byte, second byte */
enum {
	TOO_SHORT = 1 << 0,         /* 11______  0_______ or 11______ */
	TOO_LONG = 1 << 1,          /* 0_______  10______ */
	OVERLONG_3 = 1 << 2,        /* 11100000  100_____ */
	TOO_LARGE = 1 << 3,         /* 11110100  1001____ or 101_____, and 11110101 up */
	SURROGATE = 1 << 4,         /* 11101101  101_____ */
	OVERLONG_2 = 1 << 5,        /* 1100000_  10______ */
	OVERLONG_4 = 1 << 6,        /* 11110000  1000____ */
	TOO_LARGE_1000 = 1 << 6,    /* 11110101 up, 1000____; shares the bit */
	TWO_CONTINUATIONS = 1 << 7, /* 10______  10______ */
	/* Decided by the upper halves alone: whatever the lower half of the first is. */
	ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS,
	BIG_LOW = ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
	ANY_80_BF = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS,
};

/* clang-format off */
static const uint8_t first_high[16] = {
	TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
	TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS,
	TOO_SHORT | OVERLONG_2,
	TOO_SHORT,
	TOO_SHORT | OVERLONG_3 | SURROGATE,
	TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
};
static const uint8_t first_low[16] = {
	ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
	ANY_LOW | OVERLONG_2,
	ANY_LOW, ANY_LOW,
	ANY_LOW | TOO_LARGE,
	BIG_LOW, BIG_LOW, BIG_LOW, BIG_LOW, BIG_LOW, BIG_LOW, BIG_LOW, BIG_LOW,
	BIG_LOW | SURROGATE,
	BIG_LOW, BIG_LOW,
};
static const uint8_t second_high[16] = {
	TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
	ANY_80_BF | OVERLONG_3 | OVERLONG_4 | TOO_LARGE_1000,
	ANY_80_BF | OVERLONG_3 | TOO_LARGE,
	ANY_80_BF | SURROGATE | TOO_LARGE,
	ANY_80_BF | SURROGATE | TOO_LARGE,
	TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
};
/* clang-format on */

/* The same 16 bytes in both halves, as the shuffle wants them. */
AVX2 static inline __m256i table(const uint8_t bytes[16])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

AVX2 static inline __m256i load(const unsigned char *s)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)s);
}

AVX2 static inline __m256i upper_half(__m256i bytes)
{
	return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
}

/* Non-zero bytes are mistakes in `now`, which follows `before` in the text. */
AVX2 static inline __m256i mistakes(__m256i before, __m256i now)
{
	__m256i seam = _mm256_permute2x128_si256(before, now, 0x21);
	__m256i back1 = _mm256_alignr_epi8(now, seam, 15);
	__m256i back2 = _mm256_alignr_epi8(now, seam, 14);
	__m256i back3 = _mm256_alignr_epi8(now, seam, 13);
	__m256i low = _mm256_and_si256(back1, _mm256_set1_epi8(0x0f));
	__m256i pair = _mm256_and_si256(
		_mm256_and_si256(_mm256_shuffle_epi8(table(first_high), upper_half(back1)),
				 _mm256_shuffle_epi8(table(first_low), low)),
		_mm256_shuffle_epi8(table(second_high), upper_half(now)));
	/* Bit 7 stays where a start of three (of four) bytes lies two (three) back. */
	__m256i third = _mm256_subs_epu8(back2, _mm256_set1_epi8(0xe0 - 0x80));
	__m256i fourth = _mm256_subs_epu8(back3, _mm256_set1_epi8(0xf0 - 0x80));
	__m256i wanted = _mm256_and_si256(_mm256_or_si256(third, fourth),
					  _mm256_set1_epi8((char)TWO_CONTINUATIONS));
	return _mm256_xor_si256(pair, wanted);
}

/* Three quarters of all messages are nothing else. len is at least STEP. */
AVX2 static bool all_ascii(const unsigned char *s, size_t len)
{
	__m256i any = load(s + len - STEP);

	for (size_t i = 0; i + STEP < len; i += STEP)
		any = _mm256_or_si256(any, load(s + i));
	return _mm256_movemask_epi8(any) == 0;
}

AVX2 bool utf8_valid_avx2(const unsigned char *s, size_t len)
{
	unsigned char rest[STEP] = {0};
	__m256i before = _mm256_setzero_si256(), wrong = before;
	size_t i = 0;

	if (len >= STEP && all_ascii(s, len))
		return true;
	for (; len - i >= STEP; i += STEP) {
		__m256i now = load(s + i);
		wrong = _mm256_or_si256(wrong, mistakes(before, now));
		before = now;
	}
	/* Zeroes behind the text, at least one: a character cut by the end is too short. */
	if (len - i)
		memcpy(rest, s + i, len - i);
	wrong = _mm256_or_si256(wrong, mistakes(before, load(rest)));
	return _mm256_testz_si256(wrong, wrong) != 0;
}

#else

bool utf8_valid_avx2(const unsigned char *s, size_t len)
{
	return utf8_valid_plain(s, len);
}

#endif
