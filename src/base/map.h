/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Texts to pointers, for the control plane.
 *
 * Open addressing over SipHash with a key of its own, so that whoever chooses the texts
 * cannot choose where they land. Holds at most `max` entries. The map owns copies of the
 * texts; the values stay their owner's, who takes them out before map_deinit if they need
 * an end of their own. NULL is no value.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/slice.h"

enum { MAP_FULL = 1, MAP_EXISTS = 2 };

struct map_slot;

struct map {
	struct map_slot *slots; /* a power of two of them, or NULL */
	size_t size, count, max;
	struct siphash_key key;
};

/* Allocates nothing yet. */
void map_init(struct map *m, const struct siphash_key *key, size_t max);

/* Frees the texts, not the values. m may be used again as after map_init. */
void map_deinit(struct map *m);

/* The value, or NULL. */
void *map_get(const struct map *m, struct slice text);

/* Adds. Returns 0, MAP_EXISTS (the old value stays), MAP_FULL, or -ENOMEM. */
int map_put(struct map *m, struct slice text, void *value) __attribute__((warn_unused_result));

/* Takes out and returns the value, or NULL. */
void *map_remove(struct map *m, struct slice text);

/*
 * Visits every entry, in no order. Start with *at = 0; false at the end. The text is valid
 * until its entry is removed. The map must not change meanwhile.
 *
 *	for (size_t at = 0; map_next(&m, &at, &text, &value);)
 */
bool map_next(const struct map *m, size_t *at, struct slice *text, void **value);
