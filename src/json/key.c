/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Duplicate keys; see key.h. The reader asks only about objects whose keys it could not tell
 * apart by a few bits of their hash.
 */
#include "json/key.h"

#include "base/obj.h"

/* Whether two keys share eight bits of their hash that the reader did not look at. */
static bool may_repeat(const struct json_node *object)
{
	uint64_t seen[4] = {0};

	JSON_EACH_MEMBER (key, object) {
		uint32_t hash = key->as.string.hash >> 24;
		uint64_t bit = UINT64_C(1) << hash % 64;
		if (seen[hash / 64] & bit)
			return true;
		seen[hash / 64] |= bit;
	}
	return false;
}

static const struct json_node *repeated_among_few(const struct json_node *object)
{
	const struct json_node *keys[JSON_KEYS_FEW];
	uint32_t count = 0;

	if (!may_repeat(object))
		return NULL;
	JSON_EACH_MEMBER (key, object) {
		for (uint32_t i = 0; i < count; i++)
			if (json_key_same(keys[i], key))
				return key;
		keys[count++] = key;
	}
	return NULL;
}

uint32_t json_keys_slots(uint32_t members)
{
	uint32_t slots = 128;

	if (members <= JSON_KEYS_FEW)
		return 0;
	while (slots / 2 < members)
		slots *= 2;
	return slots;
}

/* slots[] holds distances from the object to its keys; 0 is free. At most half are taken. */
static const struct json_node *repeated_among_many(const struct json_node *object,
						   const struct siphash_key *secret,
						   uint32_t *slots, uint32_t slot_count)
{
	memset(slots, 0, slot_count * sizeof(*slots));
	JSON_EACH_MEMBER (key, object) {
		uint64_t hash = siphash(secret, slice_of(key->data, key->len));
		uint32_t at = (uint32_t)hash & (slot_count - 1);
		for (; slots[at]; at = (at + 1) & (slot_count - 1))
			if (json_key_same(object + slots[at], key))
				return key;
		slots[at] = (uint32_t)(key - object);
	}
	return NULL;
}

const struct json_node *json_keys_repeated(const struct json_node *object,
					   const struct siphash_key *secret, uint32_t *slots,
					   uint32_t slot_count)
{
	if (object->len <= JSON_KEYS_FEW)
		return repeated_among_few(object);
	MUST(slot_count >= json_keys_slots(object->len));
	return repeated_among_many(object, secret, slots, slot_count);
}
