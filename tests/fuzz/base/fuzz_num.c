/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever a parser of base accepts is written back as the same value, and what
 * has only one form comes back as the same text.
 */
#include "base/address.h"
#include "base/base64.h"
#include "base/num.h"
#include "base/obj.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void addresses(struct slice s)
{
	char text[ADDRESS_TEXT_BYTES];
	struct address a, b;
	struct prefix p, q;

	if (address_parse(s, &a)) {
		MUST(address_parse(address_format(&a, text), &b));
		MUST(address_eq_with_port(&a, &b));
	}
	if (address_parse_with_port(s, &a)) {
		MUST(address_parse_with_port(address_format_with_port(&a, text), &b));
		MUST(address_eq_with_port(&a, &b));
	}
	if (prefix_parse(s, &p)) {
		MUST(prefix_contains(&p, &p.network));
		MUST(prefix_parse(prefix_format(&p, text), &q));
		MUST(address_eq(&p.network, &q.network) && p.bits == q.bits);
	}
}

static void same_rate(const struct rate *a, const struct rate *b)
{
	MUST(a->count == b->count && a->per_ms == b->per_ms);
	MUST(a->burst == b->burst && a->unlimited == b->unlimited);
}

static void numbers(struct slice s)
{
	char text[NUM_TEXT_BYTES];
	uint64_t n, again;
	struct rate r, same;

	if (num_parse_duration_ms(s, &n)) {
		MUST(num_parse_duration_ms(num_format_duration_ms(n, text), &again));
		MUST(n == again);
	}
	if (num_parse_size(s, &n)) {
		MUST(num_parse_size(num_format_size(n, text), &again));
		MUST(n == again);
	}
	if (num_parse_rate(s, &r)) {
		MUST(num_parse_rate(num_format_rate(&r, text), &same));
		same_rate(&r, &same);
	}
	if (num_parse_byte_rate(s, &r)) {
		MUST(num_parse_byte_rate(num_format_byte_rate(&r, text), &same));
		same_rate(&r, &same);
	}
	if (num_parse_u64(s, UINT64_MAX, &n)) {
		int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
		MUST(slice_eq(slice_of(text, (size_t)len), s));
	}
}

static void base64(struct slice s)
{
	char bytes[256], text[400];
	size_t len;

	if (base64_decode(s, bytes, sizeof(bytes), &len))
		MUST(slice_eq(base64_encode(slice_of(bytes, len), text, sizeof(text)), s));
	if (base64url_decode(s, bytes, sizeof(bytes), &len))
		MUST(slice_eq(base64url_encode(slice_of(bytes, len), text, sizeof(text)), s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = slice_of((const char *)data, size);

	addresses(s);
	numbers(s);
	base64(s);
	return 0;
}
