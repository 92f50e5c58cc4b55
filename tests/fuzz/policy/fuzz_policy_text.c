/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any string through the text rules. Holds: escape reads back; strip leaves no markup and the
 * same the second time; html leaves balanced, allowed, rebuilt elements and the same the
 * second time; redacting says what it changed; detection ends, also of what it decodes.
 */
#include "../../unit/policy/text_property.h"
#include "policy/markup_html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct slice text, struct arena *a)
{
	char room[4096];

	const char *broken = property_markup(text, a);
	if (!broken)
		broken = property_redact(text, a);
	if (broken) {
		fprintf(stderr, "%s\n", broken);
		abort();
	}
	if (detect_find(DETECT_SQLI, text, a) & DETECT_XSS ||
	    detect_find(DETECT_XSS, text, a) & DETECT_SQLI)
		abort();
	struct slice url = text.len <= sizeof(room) ? markup_href(text, room) : slice_of(NULL, 0);
	if (url.len && !slice_eq_icase(slice_first(url, 4), SLICE("http")) &&
	    !slice_eq_icase(slice_first(url, 7), SLICE("mailto:")))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	/* memory of its own size: reading one byte too far is seen */
	char *copy = malloc(size + !size);

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	arena_init(&a, 1 << 16, 1 << 26);
	run(slice_of(copy, size), &a);
	arena_deinit(&a);
	free(copy);
	return 0;
}
