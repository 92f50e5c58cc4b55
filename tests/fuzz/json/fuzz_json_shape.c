/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two texts, a line feed between them: the second read by the shape of the first, and read as
 * ever. The first byte chooses limits and which value of the first text is fixed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../unit/json/shape_property.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct slice text = slice_of((const char *)data, size);

	if (size < 2 || !utf8_valid(slice_from(text, 1)))
		return 0;
	if (data[0] & 1)
		limits = (struct json_limits){.depth = 3, .members = 4, .values = 12};
	limits.big_integers = data[0] & 2;
	limits.utf8_checked = true;
	struct slice first =
		slice_first(slice_from(text, 1), slice_index(slice_from(text, 1), '\n'));
	struct slice second = slice_from(text, 1 + first.len + 1);
	const char *broken = shape_property(first, second, data[0] >> 2, &limits);
	if (broken) {
		fprintf(stderr, "%s\n", broken);
		abort();
	}
	return 0;
}
