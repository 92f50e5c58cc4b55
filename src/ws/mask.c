/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XOR with a repeated 4-byte key, as wide as the processor allows; see mask.h.
 *
 * The key is first turned so that it starts at the offset and then doubled to a 64-bit
 * word. Words are loaded and stored with memcpy: no alignment is assumed. The last,
 * incomplete word is not done byte by byte but as a whole word that overlaps its
 * neighbour; in place it therefore has to be read before the neighbour is written.
 */
#include "ws/mask.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { WORD = 8, HALF = 4, WIDE_FROM = 256 };

static inline uint64_t load64(const char *at)
{
	uint64_t word;

	memcpy(&word, at, WORD);
	return word;
}

static inline void store64(char *at, uint64_t word)
{
	memcpy(at, &word, WORD);
}

static inline uint32_t load32(const char *at)
{
	uint32_t half;

	memcpy(&half, at, HALF);
	return half;
}

static inline void store32(char *at, uint32_t half)
{
	memcpy(at, &half, HALF);
}

/* The key's bytes as they meet the byte at `offset` and the seven behind it. The bytes are
 * in memory order, so that one code serves both byte orders. */
static inline uint64_t key_word(const uint8_t key[WS_KEY_BYTES], uint64_t offset)
{
	uint8_t twice[2 * WS_KEY_BYTES];
	uint32_t turned;
	uint64_t word;

	memcpy(twice, key, WS_KEY_BYTES);
	memcpy(twice + WS_KEY_BYTES, key, WS_KEY_BYTES);
	memcpy(&turned, twice + (offset & 3), WS_KEY_BYTES);
	word = turned;
	return word | word << 32;
}

/* A key word that starts `by` bytes later. */
static inline uint64_t key_turned(uint64_t word, size_t by)
{
	unsigned bits = 8 * (unsigned)(by & 3);

	if (bits == 0)
		return word;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return word >> bits | word << (64 - bits);
#else
	return word << bits | word >> (64 - bits);
#endif
}

/* Fewer bytes than a word. `to` may be `from`. */
static inline void mask_short(char *to, const char *from, size_t len, uint64_t word)
{
	if (len >= HALF) {
		uint32_t first = load32(from);
		uint32_t last = load32(from + len - HALF);
		store32(to, first ^ (uint32_t)word);
		store32(to + len - HALF, last ^ (uint32_t)key_turned(word, len));
		return;
	}
	uint8_t bytes[WORD];
	memcpy(bytes, &word, WORD);
	for (size_t i = 0; i < len; i++)
		to[i] = (char)((uint8_t)from[i] ^ bytes[i]);
}

static inline void mask_words(char *to, const char *from, size_t len, uint64_t word)
{
	uint64_t last = load64(from + len - WORD);

	for (size_t i = 0; i + WORD < len; i += WORD)
		store64(to + i, load64(from + i) ^ word);
	/* len - WORD bytes came before the last word: turned as by len, since 4 divides WORD */
	store64(to + len - WORD, last ^ key_turned(word, len));
}

#ifdef __x86_64__
/* Does whole blocks of 128 bytes and returns how many bytes those were. */
__attribute__((target("avx2"))) static size_t mask_wide(char *to, const char *from, size_t len,
							uint64_t word)
{
	const __m256i key = _mm256_set1_epi64x((long long)word);
	size_t i = 0;

	for (; len - i >= 128; i += 128) {
		const __m256i *in = (const __m256i *)(const void *)(from + i);
		__m256i *out = (__m256i *)(void *)(to + i);
		__m256i a = _mm256_loadu_si256(in);
		__m256i b = _mm256_loadu_si256(in + 1);
		__m256i c = _mm256_loadu_si256(in + 2);
		__m256i d = _mm256_loadu_si256(in + 3);
		_mm256_storeu_si256(out, _mm256_xor_si256(a, key));
		_mm256_storeu_si256(out + 1, _mm256_xor_si256(b, key));
		_mm256_storeu_si256(out + 2, _mm256_xor_si256(c, key));
		_mm256_storeu_si256(out + 3, _mm256_xor_si256(d, key));
	}
	return i;
}
#endif

static inline void mask_any(char *to, const char *from, size_t len, uint64_t word)
{
#ifdef __x86_64__
	/* 128 is a multiple of 4: the key stands as before behind the blocks. */
	if (len >= WIDE_FROM && __builtin_cpu_supports("avx2")) {
		size_t done = mask_wide(to, from, len, word);
		to += done;
		from += done;
		len -= done;
	}
#endif
	if (len >= WORD)
		mask_words(to, from, len, word);
	else if (len)
		mask_short(to, from, len, word);
}

void ws_mask(char *data, size_t len, const uint8_t key[WS_KEY_BYTES], uint64_t offset)
{
	mask_any(data, data, len, key_word(key, offset));
}

void ws_mask_copy(char *restrict to, const char *restrict from, size_t len,
		  const uint8_t key[WS_KEY_BYTES], uint64_t offset)
{
	mask_any(to, from, len, key_word(key, offset));
}
