/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Magic numbers for objects that travel through void pointers.
 *
 * A struct starts with `uint32_t magic`; its maker sets it, its end clears it, and
 * whoever receives it as void * says OBJ_CHECK. A wrong or freed object stops the
 * process instead of being believed. Checks stay on in release builds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define OBJ_CHECK(object, wanted)                                                             \
	do {                                                                                  \
		if (!(object) || (object)->magic != (wanted))                                 \
			obj_die(#wanted, __FILE__, __LINE__);                                 \
	} while (0)

/* Like assert, but named for what it says and never compiled out. */
#define MUST(condition)                                                                       \
	do {                                                                                  \
		if (!(condition))                                                             \
			obj_die(#condition, __FILE__, __LINE__);                              \
	} while (0)

_Noreturn static inline void obj_die(const char *what, const char *file, int line)
{
	fprintf(stderr, "sallyport: broken invariant: %s (%s:%d)\n", what, file, line);
	abort();
}
