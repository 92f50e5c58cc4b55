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
#include "json/value.h"

/* Objects with at most so many members are compared key by key. */
enum { JSON_KEYS_FEW = 32 };

/* See json_key_hash. Looks at the length and at most 16 bytes: the first and the last ones. */
static inline uint32_t json_key_mix(const char *key, size_t len)
{
	uint64_t first = 0, last = 0;

	if (len >= 8) {
		memcpy(&first, key, 8);
		memcpy(&last, key + len - 8, 8);
	} else if (len >= 4) {
		uint32_t a, b;
		memcpy(&a, key, 4);
		memcpy(&b, key + len - 4, 4);
		first = a;
		last = b;
	} else if (len > 0) {
		first = (uint8_t)key[0] | (uint64_t)(uint8_t)key[len / 2] << 8;
		last = (uint8_t)key[len - 1];
	}
	uint64_t x = (first ^ len) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t y = (last + UINT64_C(0x632be59bd9b4e019)) * UINT64_C(0xd6e8feb86659fd93);
	x ^= y >> 31 ^ y << 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	return (uint32_t)(x >> 32);
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
