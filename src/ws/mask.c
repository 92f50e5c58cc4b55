/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XOR with a repeated 4-byte key, as wide as the processor allows; see mask.h.
 *
 * The key is first turned so that it starts at the offset and then doubled to a 64-bit
 * word. Words are loaded and stored with memcpy, lowest byte first: no alignment and no
 * byte order is assumed. The last, incomplete word is not done byte by byte but as a whole
 * word that overlaps its neighbour; in place it therefore has to be read before the
 * neighbour is written. Vectors are words of 16 bytes.
 *
 * All that was written is ORed together on the way: whoever checks text afterwards need
 * not look again if no byte had its highest bit set.
 */
#include "ws/mask.h"

#include <endian.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { WORD = 8, HALF = 4, VECTOR = 16, WIDE_FROM = 128, WIDE_BLOCK = 128 };

static const uint64_t HIGH_BITS = 0x8080808080808080;

static inline uint64_t load64(const char *at)
{
	uint64_t word;

	memcpy(&word, at, WORD);
	return le64toh(word);
}

static inline void store64(char *at, uint64_t word)
{
	word = htole64(word);
	memcpy(at, &word, WORD);
}

static inline uint32_t load32(const void *at)
{
	uint32_t half;

	memcpy(&half, at, HALF);
	return le32toh(half);
}

static inline void store32(char *at, uint32_t half)
{
	half = htole32(half);
	memcpy(at, &half, HALF);
}

/* A key word that starts `by` bytes later. */
static inline uint64_t key_turned(uint64_t word, uint64_t by)
{
	unsigned bits = 8 * (unsigned)(by & 3);

	return word >> bits | word << (-bits & 63);
}

/* The key's bytes as they meet the byte at `offset` and the seven behind it. */
static inline uint64_t key_word(const uint8_t key[WS_KEY_BYTES], uint64_t offset)
{
	uint64_t half = load32(key);

	return key_turned(half | half << 32, offset);
}

/* The functions below return the OR of all they wrote. `to` may be `from`. */

/* Fewer bytes than a word. */
static inline uint64_t mask_short(char *to, const char *from, size_t len, uint64_t word)
{
	uint8_t written = 0;

	if (len >= HALF) {
		uint32_t first = load32(from) ^ (uint32_t)word;
		uint32_t last = load32(from + len - HALF) ^ (uint32_t)key_turned(word, len);
		store32(to, first);
		store32(to + len - HALF, last);
		return first | last;
	}
	for (size_t i = 0; i < len; i++, word >>= 8) {
		uint8_t byte = (uint8_t)((uint8_t)from[i] ^ (uint8_t)word);
		to[i] = (char)byte;
		written |= byte;
	}
	return written;
}

static inline uint64_t mask_words(char *to, const char *from, size_t len, uint64_t word)
{
	/* len - WORD bytes come before the last word: the key is turned as by len, since 4
	 * divides WORD. */
	uint64_t last = load64(from + len - WORD) ^ key_turned(word, len);
	uint64_t written = last;

	for (size_t i = 0; i + WORD < len; i += WORD) {
		uint64_t masked = load64(from + i) ^ word;
		store64(to + i, masked);
		written |= masked;
	}
	store64(to + len - WORD, last);
	return written;
}

#ifdef __x86_64__
/* As mask_words, two of them at once. */
static inline uint64_t mask_vectors(char *to, const char *from, size_t len, uint64_t word)
{
	const __m128i key = _mm_set1_epi64x((long long)word);
	const __m128i turned = _mm_set1_epi64x((long long)key_turned(word, len));
	__m128i last = _mm_loadu_si128((const __m128i *)(const void *)(from + len - VECTOR));
	__m128i written;

	last = _mm_xor_si128(last, turned);
	written = last;
	for (size_t i = 0; i + VECTOR < len; i += VECTOR) {
		__m128i masked = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
		masked = _mm_xor_si128(masked, key);
		_mm_storeu_si128((__m128i *)(void *)(to + i), masked);
		written = _mm_or_si128(written, masked);
	}
	_mm_storeu_si128((__m128i *)(void *)(to + len - VECTOR), last);
	return _mm_movemask_epi8(written) ? HIGH_BITS : 0;
}

/* Whole blocks, of which there is at least one. Not inlined: the caller is for any x86-64. */
__attribute__((target("avx2"), noinline)) static uint64_t mask_blocks(char *to, const char *from,
								      size_t blocks, uint64_t word)
{
	const __m256i key = _mm256_set1_epi64x((long long)word);
	__m256i written = _mm256_setzero_si256();

	for (; blocks; blocks--, from += WIDE_BLOCK, to += WIDE_BLOCK) {
		const __m256i *in = (const __m256i *)(const void *)from;
		__m256i *out = (__m256i *)(void *)to;
		__m256i a = _mm256_xor_si256(_mm256_loadu_si256(in), key);
		__m256i b = _mm256_xor_si256(_mm256_loadu_si256(in + 1), key);
		__m256i c = _mm256_xor_si256(_mm256_loadu_si256(in + 2), key);
		__m256i d = _mm256_xor_si256(_mm256_loadu_si256(in + 3), key);
		_mm256_storeu_si256(out, a);
		_mm256_storeu_si256(out + 1, b);
		_mm256_storeu_si256(out + 2, c);
		_mm256_storeu_si256(out + 3, d);
		a = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
		written = _mm256_or_si256(written, a);
	}
	return _mm256_movemask_epi8(written) ? HIGH_BITS : 0;
}
#endif

__attribute__((always_inline)) static inline bool mask_any(char *to, const char *from, size_t len,
							   uint64_t word)
{
	uint64_t written = 0;

#ifdef __x86_64__
	/* 4 divides a block: the key stands as before behind the blocks. */
	if (len >= WIDE_FROM && __builtin_cpu_supports("avx2")) {
		size_t done = len & ~(size_t)(WIDE_BLOCK - 1);
		written = mask_blocks(to, from, done / WIDE_BLOCK, word);
		to += done;
		from += done;
		len -= done;
	}
	if (len >= VECTOR)
		return ((written | mask_vectors(to, from, len, word)) & HIGH_BITS) == 0;
#endif
	if (len >= WORD)
		written |= mask_words(to, from, len, word);
	else if (len)
		written |= mask_short(to, from, len, word);
	return (written & HIGH_BITS) == 0;
}

bool ws_mask(char *data, size_t len, const uint8_t key[WS_KEY_BYTES], uint64_t offset)
{
	return mask_any(data, data, len, key_word(key, offset));
}

bool ws_mask_copy(char *restrict to, const char *restrict from, size_t len,
		  const uint8_t key[WS_KEY_BYTES], uint64_t offset)
{
	return mask_any(to, from, len, key_word(key, offset));
}
