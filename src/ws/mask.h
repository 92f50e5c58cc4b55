/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Masking (RFC 6455 section 5.3): byte i of the payload is XORed with byte i mod 4 of the key.
 *
 * Masking and unmasking are the same. A payload may come in pieces: `offset` is how many
 * bytes of it came before this one. Works in 64-bit words; on x86-64 in vectors from 16 bytes
 * up, in those of AVX2 from 128 bytes up where the processor has them. Both return whether all
 * that they wrote is ASCII (true for nothing at all): such text needs no further look to be
 * valid UTF-8.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ws/frame.h"

/* In place. */
bool ws_mask(char *data, size_t len, const uint8_t key[WS_KEY_BYTES], uint64_t offset);

/* Copies `len` bytes and masks them on the way. `to` and `from` do not overlap. */
bool ws_mask_copy(char *restrict to, const char *restrict from, size_t len,
		  const uint8_t key[WS_KEY_BYTES], uint64_t offset);
