/* SPDX-License-Identifier: Apache-2.0 */
/* Spare pieces of the sizes that every record takes, a few per thread; see memory.h. */
#include "tls/memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include <openssl/crypto.h>

enum { SPARES = 8 };

/* Sizes that are one here, so that any of them fits. malloc makes a little more of each, but no
 * other size of them. */
struct size {
	size_t from, to;
};
static const struct size records = {16 * 1024, 17 * 1024}; /* OpenSSL's two differ by some bytes */
static const struct size notes = {25, 56};                 /* of what is being written where */

/* Threads live as long as the process, and so does what they have at hand. */
struct spare {
	void *pieces[SPARES];
	unsigned count;
};
static _Thread_local struct spare spare_records, spare_notes;

static bool is_of(const struct size *size, size_t bytes)
{
	return bytes >= size->from && bytes <= size->to;
}

static void *take_one(const struct size *size, struct spare *spare)
{
	return spare->count ? spare->pieces[--spare->count] : malloc(size->to);
}

static void *take(size_t bytes, const char *file, int line)
{
	(void)file, (void)line;
	if (is_of(&notes, bytes))
		return take_one(&notes, &spare_notes);
	if (is_of(&records, bytes))
		return take_one(&records, &spare_records);
	return bytes ? malloc(bytes) : NULL; /* as OpenSSL's own does */
}

static bool keep(const struct size *size, struct spare *spare, void *memory, size_t bytes)
{
	if (bytes < size->to || bytes > size->to + 16 || spare->count == SPARES)
		return false;
	spare->pieces[spare->count++] = memory;
	return true;
}

static void give(void *memory, const char *file, int line)
{
	(void)file, (void)line;
	if (!memory)
		return;
	size_t bytes = malloc_usable_size(memory);
	if (!keep(&notes, &spare_notes, memory, bytes) &&
	    !keep(&records, &spare_records, memory, bytes))
		free(memory);
}

static void *resize(void *memory, size_t bytes, const char *file, int line)
{
	if (bytes)
		return realloc(memory, bytes);
	give(memory, file, line);
	return NULL;
}

bool tls_memory_keep(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
	(void)take, (void)give, (void)resize;
	return false;
#else
	return CRYPTO_set_mem_functions(take, resize, give);
#endif
}
