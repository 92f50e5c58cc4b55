/* SPDX-License-Identifier: Apache-2.0 */
/* Stands between the program and malloc by the linker's --wrap; see failmalloc.h. */
#include "failmalloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
char *__wrap_strdup(const char *text);

/* Atomic: tests with threads count together. */
static _Atomic size_t seen, from, to;
static atomic_bool failed;

static void start(size_t first, size_t last)
{
	seen = 0;
	from = first;
	to = last;
	failed = false;
}

void failmalloc_at(size_t n)
{
	start(n, n);
}

void failmalloc_from(size_t n)
{
	start(n, (size_t)-1);
}

bool failmalloc_stop(void)
{
	from = to = 0;
	return failed;
}

size_t failmalloc_count(void)
{
	return seen;
}

static bool fails(void)
{
	size_t n = ++seen;

	if (from == 0 || n < from || n > to)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	return fails() ? NULL : __real_realloc(old, bytes);
}

char *__wrap_strdup(const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = __wrap_malloc(bytes);

	return copy ? memcpy(copy, text, bytes) : NULL;
}
