/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 as FIPS 180-4 section 6.1 writes it; see sha1.h for what it may be used for. */
#include "http/sha1.h"

enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8 };

static uint32_t rotate(uint32_t x, unsigned bits)
{
	return (x << bits) | (x >> (32 - bits));
}

static uint32_t load(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void store(uint8_t *b, uint32_t word)
{
	b[0] = (uint8_t)(word >> 24);
	b[1] = (uint8_t)(word >> 16);
	b[2] = (uint8_t)(word >> 8);
	b[3] = (uint8_t)word;
}

/* The function and the constant of round t. */
static uint32_t round_of(unsigned t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) | (~b & d)) + 0x5a827999;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void compress(uint32_t h[5], const uint8_t block[BLOCK_BYTES])
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (unsigned t = 0; t < 16; t++)
		w[t] = load(block + 4 * t);
	for (unsigned t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (unsigned t = 0; t < 80; t++) {
		uint32_t next = rotate(a, 5) + round_of(t, b, c, d) + e + w[t];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void sha1(struct slice message, uint8_t digest[SHA1_BYTES])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	uint8_t block[BLOCK_BYTES];
	uint64_t bits = (uint64_t)message.len * 8;

	for (; message.len >= BLOCK_BYTES; message = slice_from(message, BLOCK_BYTES)) {
		memcpy(block, message.data, BLOCK_BYTES);
		compress(h, block);
	}
	memset(block, 0, sizeof(block));
	if (message.len)
		memcpy(block, message.data, message.len);
	block[message.len] = 0x80;
	if (message.len >= BLOCK_BYTES - LENGTH_BYTES) {
		compress(h, block);
		memset(block, 0, sizeof(block));
	}
	store(block + BLOCK_BYTES - 8, (uint32_t)(bits >> 32));
	store(block + BLOCK_BYTES - 4, (uint32_t)bits);
	compress(h, block);
	for (unsigned i = 0; i < 5; i++)
		store(digest + 4 * i, h[i]);
}
