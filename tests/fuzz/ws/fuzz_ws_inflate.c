/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One compressed message: input = choices (4 bytes) | payload.
 *
 * Properties: the limits hold to the byte; what is accepted is accepted again with exactly
 * its own size as the limit and refused with one byte less; packed and unpacked again, for
 * any window, it is the same; charges are back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/obj.h"
#include "ws/deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHOICES = 4 };

static struct ws_inflater *inflater;
static struct ws_deflater *deflater;

static void check_packed_again(struct slice plain, unsigned bits)
{
	struct ws_inflate_limits limits = {.max_bytes = plain.len, .max_ratio = UINT32_MAX};
	struct budget memory;
	struct buf packed;
	struct slice again;

	buf_init(&packed, 2 * plain.len + 100);
	budget_init(&memory, UINT64_MAX, NULL);
	MUST(ws_deflate(deflater, plain, bits, &packed) == 0);
	MUST(ws_inflate(inflater, buf_slice(&packed), &limits, &memory, &again) == REASON_NONE);
	MUST(slice_eq(plain, again));
	ws_inflater_release(inflater);
	budget_deinit(&memory);
	buf_deinit(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < CHOICES)
		return 0;
	if (!inflater)
		inflater = ws_inflater_new();
	if (!deflater)
		deflater = ws_deflater_new(1);
	MUST(inflater && deflater);

	struct ws_inflate_limits limits = {
		.max_bytes = (uint64_t)data[0] << (data[1] & 15),
		.max_ratio = data[2],
	};
	unsigned bits = 8 + (data[3] & 7);
	struct slice packed = slice_of((const char *)data + CHOICES, size - CHOICES);
	struct slice plain, again;
	struct budget memory;
	budget_init(&memory, (uint64_t)data[3] << 14, NULL);
	enum reason why = ws_inflate(inflater, packed, &limits, &memory, &plain);
	if (why) {
		MUST(why == REASON_MESSAGE_TOO_BIG || why == REASON_WS_INFLATE ||
		     why == REASON_OVERLOADED);
		MUST(memory.used == 0);
		budget_deinit(&memory);
		return 0;
	}
	MUST(plain.len <= limits.max_bytes);
	MUST(plain.len <= WS_INFLATE_RATIO_FLOOR || plain.len <= packed.len * limits.max_ratio);
	char *kept = malloc(plain.len + 1);
	MUST(kept);
	if (plain.len)
		memcpy(kept, plain.data, plain.len);
	plain = slice_of(kept, plain.len);

	limits.max_bytes = plain.len;
	MUST(ws_inflate(inflater, packed, &limits, &memory, &again) == REASON_NONE);
	MUST(slice_eq(plain, again));
	if (plain.len) {
		limits.max_bytes = plain.len - 1;
		MUST(ws_inflate(inflater, packed, &limits, &memory, &again) ==
		     REASON_MESSAGE_TOO_BIG);
	}
	ws_inflater_release(inflater);
	budget_deinit(&memory);
	check_packed_again(plain, bits);
	free(kept);
	return 0;
}
