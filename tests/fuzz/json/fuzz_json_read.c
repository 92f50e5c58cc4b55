/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader against the naive one, on any text, under limits that the first byte chooses;
 * and what it made of it written, read again and compared.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../unit/json/property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	if (data[0] & 1)
		limits = (struct json_limits){.depth = 3, .members = 4, .values = 12};
	if (data[0] & 2)
		limits.big_integers = true;
	if (data[0] & 4)
		limits.any_strings = true;
	if (data[0] & 8)
		limits.utf8_checked = true; /* even if it is not: no harm but to the text */
	/* A copy of its own size, so that one byte too far is seen. */
	char *text = malloc(size);
	memcpy(text, data + 1, size - 1);
	const char *broken = property_of_text(slice_of(size > 1 ? text : NULL, size - 1), &limits);
	free(text);
	if (broken) {
		fprintf(stderr, "%s\n", broken);
		abort();
	}
	return 0;
}
