/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Functions that are easy to get wrong become compile errors.
 *
 * Each has a better neighbour here: buf_append, buf_printf, slice_eq, num_parse_u64.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#ifdef __GNUC__
/* glibc fortifies these by macros where the compiler is clang. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison strtok asctime ctime gmtime localtime
#pragma GCC poison atoi atol atoll atof sscanf
#endif
