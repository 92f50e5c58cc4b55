/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: the vector way, the plain way, feeding in pieces and decoding one by one say
 * the same as a judge that knows nothing of tables; and the proof of guilt comes no later
 * than at the first byte behind which no end could make the text valid.
 */
#include <stdlib.h>

#include "base/obj.h"
#include "base/utf8.h"
#include "base/utf8_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes of the character at s, 0 if bad, -1 if more bytes could still make it good. */
static int judge(const uint8_t *s, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	int n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;

	if (n == 0)
		return 0;
	uint32_t lowest = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1)), highest = lowest;
	for (int i = 1; i < n; i++) {
		bool there = (size_t)i < len;
		if (there && (s[i] & 0xc0) != 0x80)
			return 0;
		lowest = lowest << 6 | (there ? s[i] & 0x3f : 0);
		highest = highest << 6 | (there ? s[i] & 0x3f : 0x3f);
	}
	if (highest < least[n] || lowest > 0x10ffff || (lowest >= 0xd800 && highest <= 0xdfff))
		return 0;
	return (size_t)n <= len ? n : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = slice_of((const char *)data, size);
	struct utf8_state by_byte = {0}, by_piece = {0};
	size_t at = 0;
	int n = 1;

	while (at < size && (n = judge(data + at, size - at)) > 0) {
		uint32_t c;
		char again[4];
		MUST(utf8_decode(slice_from(s, at), &c) == (unsigned)n);
		MUST(utf8_encode(c, again) == (unsigned)n && memcmp(again, data + at, (size_t)n) == 0);
		at += (size_t)n;
	}
	MUST(utf8_valid(s) == (n > 0));
	MUST(utf8_valid_plain(data, size) == (n > 0));

	bool ok = true;
	for (size_t i = 0; i < size && ok; i++) {
		ok = utf8_feed(&by_byte, slice_of(s.data + i, 1));
		/* Guilty exactly when the judge finds no way on from the last whole character. */
		MUST(i < at ? ok : ok == (judge(data + at, i + 1 - at) != 0));
	}
	MUST(ok == (n != 0));
	MUST(utf8_complete(&by_byte) == (n > 0));

	size_t cut = size ? data[0] % (size + 1) : 0;
	ok = utf8_feed(&by_piece, slice_first(s, cut)) && utf8_feed(&by_piece, slice_from(s, cut));
	MUST(ok == (n != 0));
	MUST(utf8_complete(&by_piece) == (n > 0));
	return 0;
}
