/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Masking (RFC 6455 section 5.3): byte i of the payload is XORed with byte i mod 4 of the key.
 *
 * Masking and unmasking are the same. A payload may come in pieces: `offset` is how many
 * bytes of it came before this one. Works in 64-bit words, from 256 bytes up with AVX2
 * where the processor has it.
 */
#include <stdint.h>
#include <stddef.h>

#include "ws/frame.h"

/* In place. */
void ws_mask(char *data, size_t len, const uint8_t key[WS_KEY_BYTES], uint64_t offset);

/* Copies `len` bytes and masks them on the way. `to` and `from` do not overlap. */
void ws_mask_copy(char *restrict to, const char *restrict from, size_t len,
		  const uint8_t key[WS_KEY_BYTES], uint64_t offset);
