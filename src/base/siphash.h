/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for tables whose keys strangers
 * choose. Without the key nobody can make their keys collide. Not for signatures: 64 bits.
 */
#include <stdint.h>

#include "base/slice.h"

/* 16 random bytes; whoever starts the process draws them. */
struct siphash_key {
	uint8_t bytes[16];
};

uint64_t siphash(const struct siphash_key *key, struct slice s);
