/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 as the paper has it: two rounds per word, four at the end. */
#include "base/siphash.h"

#include <endian.h>

struct words {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline uint64_t little_word(const void *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

static inline void rounds(struct words *w, int how_many)
{
	for (int i = 0; i < how_many; i++) {
		w->v0 += w->v1;
		w->v1 = rotate(w->v1, 13) ^ w->v0;
		w->v0 = rotate(w->v0, 32);
		w->v2 += w->v3;
		w->v3 = rotate(w->v3, 16) ^ w->v2;
		w->v0 += w->v3;
		w->v3 = rotate(w->v3, 21) ^ w->v0;
		w->v2 += w->v1;
		w->v1 = rotate(w->v1, 17) ^ w->v2;
		w->v2 = rotate(w->v2, 32);
	}
}

static inline void absorb(struct words *w, uint64_t word)
{
	w->v3 ^= word;
	rounds(w, 2);
	w->v0 ^= word;
}

uint64_t siphash(const struct siphash_key *key, struct slice s)
{
	uint64_t k0 = little_word(key->bytes), k1 = little_word(key->bytes + 8);
	/* "somepseudorandomlygeneratedbytes" */
	struct words w = {
		k0 ^ UINT64_C(0x736f6d6570736575),
		k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261),
		k1 ^ UINT64_C(0x7465646279746573),
	};
	size_t whole = s.len & ~(size_t)7;
	uint64_t last = (uint64_t)(s.len & 0xff) << 56;

	for (size_t i = 0; i < whole; i += 8)
		absorb(&w, little_word(s.data + i));
	for (size_t i = whole; i < s.len; i++)
		last |= (uint64_t)(unsigned char)s.data[i] << 8 * (i - whole);
	absorb(&w, last);
	w.v2 ^= 0xff;
	rounds(&w, 4);
	return w.v0 ^ w.v1 ^ w.v2 ^ w.v3;
}
