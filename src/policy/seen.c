/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen lately; see seen.h.
 *
 * Two threads may put the same thing into two words of its set. Whoever has put looks again,
 * and gives back if there is another: then both may be refused, but never are both let through,
 * also where their clocks differ and they do not see the same words as free.
 */
#include "policy/seen.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { WAYS = 8, TAG_SHIFT = 32, THINGS_MIN = 64, ROOM = 2 };

#define THINGS_MAX (UINT64_C(1) << 24)

struct seen {
	struct siphash_key key;
	uint64_t sets; /* a power of two */
	_Atomic uint64_t words[];
};

struct seen *seen_new(const struct siphash_key *key, uint64_t things)
{
	uint64_t words = THINGS_MIN;

	if (things > THINGS_MAX)
		things = THINGS_MAX;
	while (words < things * ROOM)
		words <<= 1;
	struct seen *s = calloc(1, sizeof(*s) + words * sizeof(s->words[0]));
	if (!s)
		return NULL;
	s->key = *key;
	s->sets = words / WAYS;
	return s;
}

struct seen *seen_free(struct seen *s)
{
	free(s);
	return NULL;
}

size_t seen_bytes(const struct seen *s)
{
	return sizeof(*s) + s->sets * WAYS * sizeof(s->words[0]);
}

static uint32_t word_tag(uint64_t word)
{
	return (uint32_t)(word >> TAG_SHIFT);
}

static uint32_t word_until(uint64_t word)
{
	return (uint32_t)word;
}

static bool is_live(uint64_t word, uint32_t now_s)
{
	return word_until(word) > now_s;
}

static uint64_t locate(const struct seen *s, struct slice what, uint32_t *tag)
{
	uint64_t hash = siphash(&s->key, what);

	*tag = word_tag(hash);
	return (hash & (s->sets - 1)) * WAYS;
}

/* The first live word of the tag, or WAYS. */
static unsigned find(const struct seen *s, uint64_t set, uint32_t tag, uint32_t now_s)
{
	unsigned way = 0;

	for (; way < WAYS; way++) {
		uint64_t word = atomic_load(&s->words[set + way]);
		if (word_tag(word) == tag && is_live(word, now_s))
			break;
	}
	return way;
}

/* No other word of the set is a live one of the tag. */
static bool is_only(const struct seen *s, uint64_t set, uint32_t tag, uint32_t now_s, unsigned way)
{
	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t word = atomic_load(&s->words[set + i]);
		if (i != way && word_tag(word) == tag && is_live(word, now_s))
			return false;
	}
	return true;
}

/* The first word that has run out, or WAYS; what is in it. */
static unsigned find_room(const struct seen *s, uint64_t set, uint32_t now_s, uint64_t *is)
{
	unsigned way = 0;

	for (; way < WAYS; way++) {
		*is = atomic_load(&s->words[set + way]);
		if (!is_live(*is, now_s))
			break;
	}
	return way;
}

enum seen_outcome seen_once(struct seen *s, struct slice what, uint32_t until_s, uint32_t now_s)
{
	uint32_t tag;
	uint64_t set = locate(s, what, &tag), was = 0;
	uint64_t wanted = (uint64_t)tag << TAG_SHIFT | until_s;
	unsigned way;

	if (until_s <= now_s)
		return SEEN_BEFORE; /* it would be forgotten at once */
	do {
		if (find(s, set, tag, now_s) < WAYS)
			return SEEN_BEFORE;
		way = find_room(s, set, now_s, &was);
		if (way == WAYS)
			return SEEN_FULL;
	} while (!atomic_compare_exchange_strong(&s->words[set + way], &was, wanted));
	if (is_only(s, set, tag, now_s, way))
		return SEEN_NEW;
	atomic_compare_exchange_strong(&s->words[set + way], &wanted, 0);
	return SEEN_BEFORE;
}

void seen_renew(struct seen *s, struct slice what, uint32_t until_s, uint32_t now_s)
{
	uint32_t tag;
	uint64_t set = locate(s, what, &tag);
	uint64_t wanted = (uint64_t)tag << TAG_SHIFT | until_s;
	unsigned way = find(s, set, tag, now_s);

	for (unsigned i = 0; way == WAYS && i < WAYS; i++)
		if (!is_live(atomic_load(&s->words[set + i]), now_s))
			way = i;
	if (way == WAYS) {
		way = 0;
		for (unsigned i = 1; i < WAYS; i++)
			if (word_until(atomic_load(&s->words[set + i])) <
			    word_until(atomic_load(&s->words[set + way])))
				way = i;
	}
	atomic_store(&s->words[set + way], wanted);
}

bool seen_lately(const struct seen *s, struct slice what, uint32_t now_s)
{
	uint32_t tag;
	uint64_t set = locate(s, what, &tag);

	return find(s, set, tag, now_s) < WAYS;
}
