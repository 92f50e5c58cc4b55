/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The two ways to validate a whole text; utf8.c chooses by the processor.
 */
#include <stdbool.h>
#include <stddef.h>

/* Any processor, any length. */
bool utf8_valid_plain(const unsigned char *s, size_t len);

/* 32 bytes at a time; only where utf8_has_avx2. */
bool utf8_valid_avx2(const unsigned char *s, size_t len);

static inline bool utf8_has_avx2(void)
{
#ifdef __x86_64__
	return __builtin_cpu_supports("avx2");
#else
	return false;
#endif
}
