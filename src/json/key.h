/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keys of an object: telling them apart quickly, and finding one that came twice. For the
 * json layer only.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/siphash.h"
#include "json/scan.h"
#include "json/value.h"

/* Objects with at most so many members are compared key by key. */
enum { JSON_KEYS_FEW = 32 };

__extension__ typedef unsigned __int128 json_u128;

/* `first`: the first eight bytes of the key, zeros behind a shorter one; `last`: its last eight
 * and its length, 0 for one with less than eight (no key has zeros). All bits of a product's two
 * halves together depend on all of both factors. */
static inline uint32_t json_key_mix_words(uint64_t first, uint64_t last)
{
	json_u128 product = (json_u128)(first ^ UINT64_C(0x9e3779b97f4a7c15)) *
			    (last ^ UINT64_C(0xd6e8feb86659fd93));
	return (uint32_t)(product >> 64) ^ (uint32_t)product;
}

/* A key's bytes, fewer than eight, as json_scan_load would have them with zeros behind. */
static inline uint64_t json_key_few(const char *key, size_t len)
{
	if (len >= 4) {
		uint32_t a, b;
		memcpy(&a, key, 4);
		memcpy(&b, key + len - 4, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		a = __builtin_bswap32(a);
		b = __builtin_bswap32(b);
#endif
		return a | (uint64_t)b << (len - 4) * 8;
	}
	if (len == 0)
		return 0;
	return (uint8_t)key[0] | (uint64_t)(uint8_t)key[len / 2] << len / 2 * 8 |
	       (uint64_t)(uint8_t)key[len - 1] << (len - 1) * 8;
}

/* See json_key_hash. Looks at the length and at most 16 bytes: the first and the last ones. */
static inline uint32_t json_key_mix(const char *key, size_t len)
{
	if (len < 8)
		return json_key_mix_words(json_key_few(key, len), 0);
	return json_key_mix_words(json_scan_load(key), json_scan_load(key + len - 8) + len);
}

/* The same of a key in a text that goes on up to `end`. */
static inline uint32_t json_key_mix_in(const char *key, size_t len, const char *end)
{
	if (len >= 8 || end - key < 8)
		return json_key_mix(key, len);
	return json_key_mix_words(json_scan_load(key) & ~(~UINT64_C(0) << len * 8), 0);
}

static inline bool json_key_same(const struct json_node *a, const struct json_node *b)
{
	return a->as.string.hash == b->as.string.hash && a->len == b->len &&
	       slice_same(a->data, b->data, a->len);
}

/* Slots that json_keys_repeated needs for that many members; 0 for few. */
uint32_t json_keys_slots(uint32_t members);

/* The first key of a complete object that another before it equals, or NULL. Time grows
 * with the number of members, whatever the keys are, as long as `secret` is one. */
const struct json_node *json_keys_repeated(const struct json_node *object,
					   const struct siphash_key *secret, uint32_t *slots,
					   uint32_t slot_count);
