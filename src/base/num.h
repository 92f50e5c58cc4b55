/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers as people and protocols write them, strictly.
 *
 * The whole text is the number or it is none: no sign, no white space around it, nothing
 * behind it, no silent wrap. *out is written only when true is returned.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/rate.h"
#include "base/slice.h"

/* Decimal, at most max, without leading zeros ("0" itself is one). */
bool num_parse_u64(struct slice s, uint64_t max, uint64_t *out) __attribute__((warn_unused_result));

/* Decimal, at most max; leading zeros as in `Content-Length: 007` do not matter. */
bool num_parse_u64_zeros(struct slice s, uint64_t max, uint64_t *out)
	__attribute__((warn_unused_result));

/* Hexadecimal of either case, no 0x; at least one digit, at most 16, at most max. */
bool num_parse_hex(struct slice s, uint64_t max, uint64_t *out) __attribute__((warn_unused_result));

/* One digit's value, or -1. */
int num_hex_digit(char c);

/* A whole number and a unit: 500ms, 30s, 5m, 12h, 7d. The unit is required, `0s` is legal. */
bool num_parse_duration_ms(struct slice s, uint64_t *ms) __attribute__((warn_unused_result));

/* A whole number and a unit: 512B, 64KiB, 1MiB, 1GiB. The unit is required: a bare number
 * does not say of what, and KB could mean two things. */
bool num_parse_size(struct slice s, uint64_t *bytes) __attribute__((warn_unused_result));

/* `5/s`, `100/m`, `20/h`, `5/s burst 10`, or the word `unlimited`. Exactly one space on
 * either side of `burst`. Burst is count if not given. Zero counts and bursts are
 * refused. */
bool num_parse_rate(struct slice s, struct rate *r) __attribute__((warn_unused_result));

/* The same with sizes for counts: `256KiB/s burst 1MiB`. At most 4GiB - 1. */
bool num_parse_byte_rate(struct slice s, struct rate *r) __attribute__((warn_unused_result));

/* Room for any of the texts below, with NUL. */
enum { NUM_TEXT_BYTES = 64 };

/* In decimal. The slice points into text; no NUL. */
struct slice num_format_u64(uint64_t n, char text[NUM_TEXT_BYTES]);

/* The shortest text that the parser above reads back as the same value: 90s, not 90000ms.
 * The slice points into text, which also gets a NUL. */
struct slice num_format_duration_ms(uint64_t ms, char text[NUM_TEXT_BYTES]);
struct slice num_format_size(uint64_t bytes, char text[NUM_TEXT_BYTES]);
struct slice num_format_rate(const struct rate *r, char text[NUM_TEXT_BYTES]);
struct slice num_format_byte_rate(const struct rate *r, char text[NUM_TEXT_BYTES]);
