/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of blocks with a bump pointer in the newest; see arena.h. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/obj.h"

struct arena_block {
	struct arena_block *older;
	size_t bytes;
	_Alignas(max_align_t) char data[];
};

enum { ALIGN = _Alignof(max_align_t) };

void arena_init(struct arena *a, size_t block_bytes, size_t max_bytes)
{
	*a = (struct arena){.block_bytes = block_bytes, .max_bytes = max_bytes};
}

static void free_blocks(struct arena_block *block)
{
	while (block) {
		struct arena_block *older = block->older;
		free(block);
		block = older;
	}
}

void arena_deinit(struct arena *a)
{
	free_blocks(a->block);
	*a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = NULL;

	if (a->block && !a->block->older && a->block->bytes == a->block_bytes) {
		a->at = a->block->data;
		a->end = a->at + a->block_bytes;
		a->used_bytes = a->block_bytes;
		a->overflow = false;
		return;
	}
	for (struct arena_block **at = &a->block; *at; at = &(*at)->older) {
		if ((*at)->bytes == a->block_bytes) {
			keep = *at;
			*at = keep->older;
			break;
		}
	}
	if (a->block)
		free_blocks(a->block);
	a->block = keep;
	a->used_bytes = 0;
	a->at = a->end = NULL;
	a->overflow = false;
	if (keep) {
		keep->older = NULL;
		a->used_bytes = keep->bytes;
		a->at = keep->data;
		a->end = keep->data + keep->bytes;
	}
}

static bool add_block(struct arena *a, size_t wanted)
{
	size_t bytes = wanted > a->block_bytes ? wanted : a->block_bytes;

	if (bytes > a->max_bytes - a->used_bytes || bytes > SIZE_MAX - sizeof(struct arena_block))
		return false;
	struct arena_block *block = malloc(sizeof(*block) + bytes);
	if (!block)
		return false;
	block->bytes = bytes;
	block->older = a->block;
	a->block = block;
	a->used_bytes += bytes;
	a->at = block->data;
	a->end = block->data + bytes;
	return true;
}

void *arena_alloc_slow(struct arena *a, size_t bytes)
{
	if (bytes > SIZE_MAX - ALIGN)
		goto full;
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (bytes == 0)
		bytes = ALIGN;
	if (a->overflow)
		return NULL;
	if (bytes > (size_t)(a->end - a->at) && !add_block(a, bytes))
		goto full;
	void *given = a->at;
	a->at += bytes;
	return given;
full:
	a->overflow = true;
	return NULL;
}

bool arena_resize(struct arena *a, void *newest, size_t bytes)
{
	char *from = newest;

	MUST(a->block && from >= a->block->data && from <= a->at);
	if (a->overflow || bytes > (size_t)(a->end - from))
		return false;
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	a->at = bytes > (size_t)(a->end - from) ? a->end : from + bytes;
	return true;
}

void *arena_calloc(struct arena *a, size_t count, size_t bytes)
{
	size_t total;

	if (__builtin_mul_overflow(count, bytes, &total)) {
		a->overflow = true;
		return NULL;
	}
	void *given = arena_alloc(a, total);
	if (given)
		memset(given, 0, total);
	return given;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	char *copy = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);

	if (!copy)
		return (struct slice){NULL, 0};
	if (s.len)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return (struct slice){copy, s.len};
}

struct slice arena_concat(struct arena *a, const struct slice *parts, size_t count)
{
	size_t total = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		if (__builtin_add_overflow(total, parts[i].len, &total))
			return slice_of(NULL, 0);
	char *text = total < SIZE_MAX ? arena_alloc(a, total + 1) : NULL;
	if (!text)
		return slice_of(NULL, 0);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len)
			memcpy(text + at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	text[total] = '\0';
	return slice_of(text, total);
}

struct slice arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int wanted = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = wanted < 0 ? NULL : arena_alloc(a, (size_t)wanted + 1);
	if (text)
		vsnprintf(text, (size_t)wanted + 1, format, again);
	va_end(again);
	return text ? (struct slice){text, (size_t)wanted} : (struct slice){NULL, 0};
}
