/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and comparing addresses; see address.h. */
#include "base/address.h"

#include "base/num.h"

enum { V4_BITS = 32, V6_BITS = 128, V6_GROUPS = 8 };

static const uint8_t mapped_head[12] = {[10] = 0xff, [11] = 0xff};

static unsigned bits_of(const struct address *a)
{
	return a->family == 4 ? V4_BITS : a->family == 6 ? V6_BITS : 0;
}

struct address address_from_bytes(uint8_t family, const uint8_t *bytes, uint16_t port)
{
	struct address a = {.port = port};

	if (family == 6 && memcmp(bytes, mapped_head, sizeof(mapped_head)) == 0) {
		family = 4;
		bytes += sizeof(mapped_head);
	}
	if (family != 4 && family != 6)
		return (struct address){0};
	a.family = family;
	memcpy(a.bytes, bytes, family == 4 ? 4 : 16);
	return a;
}

static bool parse_v4(struct slice s, uint8_t bytes[4])
{
	struct slice part;
	bool more = true;

	for (int i = 0; i < 4; i++) {
		uint64_t n;
		if (!slice_next(&s, &more, '.', &part) || !num_parse_u64(part, 255, &n))
			return false;
		bytes[i] = (uint8_t)n;
	}
	return !more;
}

static bool parse_group(struct slice s, uint8_t bytes[2])
{
	uint64_t n;

	if (s.len > 4 || !num_parse_hex(s, 0xffff, &n))
		return false;
	bytes[0] = (uint8_t)(n >> 8);
	bytes[1] = (uint8_t)n;
	return true;
}

/*
 * Colon-separated groups, the last of which may be a dotted IPv4 address where that is
 * allowed. Returns how many groups of two bytes were written, or -1.
 */
static int parse_groups(struct slice s, bool v4_ok, uint8_t bytes[16])
{
	struct slice part;
	bool more = true;
	int groups = 0;

	while (slice_next(&s, &more, ':', &part)) {
		bool dotted = v4_ok && !more && slice_index(part, '.') < part.len;
		int room = V6_GROUPS - groups;
		if (dotted ? room < 2 || !parse_v4(part, bytes + groups * 2)
			   : room < 1 || !parse_group(part, bytes + groups * 2))
			return -1;
		groups += dotted ? 2 : 1;
	}
	return groups;
}

/* Position of "::", or s.len. */
static size_t gap_at(struct slice s)
{
	for (size_t i = 0; i + 1 < s.len; i++)
		if (s.data[i] == ':' && s.data[i + 1] == ':')
			return i;
	return s.len;
}

static bool parse_v6(struct slice s, uint8_t bytes[16])
{
	uint8_t tail[16];
	size_t gap = gap_at(s);
	struct slice before = slice_first(s, gap), after = slice_from(s, gap + 2);

	memset(bytes, 0, 16);
	if (gap == s.len)
		return parse_groups(s, true, bytes) == V6_GROUPS;
	int head = before.len ? parse_groups(before, false, bytes) : 0;
	int rest = after.len ? parse_groups(after, true, tail) : 0;
	/* The gap stands for at least one group (RFC 4291 section 2.2). */
	if (head < 0 || rest < 0 || head + rest >= V6_GROUPS)
		return false;
	memcpy(bytes + 16 - rest * 2, tail, (size_t)rest * 2);
	return true;
}

/* Without turning mapped addresses into family 4. */
static bool parse_raw(struct slice s, uint8_t *family, uint8_t bytes[16])
{
	*family = slice_index(s, ':') < s.len ? 6 : 4;
	return *family == 6 ? parse_v6(s, bytes) : parse_v4(s, bytes);
}

static bool parse_host(struct slice s, uint16_t port, struct address *a)
{
	uint8_t family, bytes[16];

	if (!parse_raw(s, &family, bytes))
		return false;
	*a = address_from_bytes(family, bytes, port);
	return true;
}

/* "[...]" gives what is inside. */
static bool unwrap(struct slice s, struct slice *inside)
{
	if (s.len < 2 || s.data[0] != '[' || s.data[s.len - 1] != ']')
		return false;
	*inside = slice_of(s.data + 1, s.len - 2);
	return slice_index(*inside, ':') < inside->len;
}

bool address_parse(struct slice text, struct address *a)
{
	if (text.len && text.data[0] == '[' && !unwrap(text, &text))
		return false;
	return parse_host(text, 0, a);
}

bool address_parse_with_port(struct slice text, struct address *a)
{
	size_t colon = text.len;
	uint64_t port;

	while (colon && text.data[colon - 1] != ':')
		colon--;
	if (colon == 0 || !num_parse_u64(slice_from(text, colon), UINT16_MAX, &port))
		return false;
	struct slice host = slice_first(text, colon - 1);
	if (host.len && host.data[0] == '[') {
		if (!unwrap(host, &host))
			return false;
	} else if (slice_index(host, ':') < host.len) {
		return false;
	}
	return parse_host(host, (uint16_t)port, a);
}

static void mask(uint8_t *bytes, unsigned bits, unsigned all)
{
	for (unsigned bit = bits; bit < all; bit++)
		bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

bool prefix_parse(struct slice text, struct prefix *p)
{
	size_t slash = slice_index(text, '/');
	struct address a = {0};
	uint8_t masked[16];
	uint64_t bits;

	if (!parse_raw(slice_first(text, slash), &a.family, a.bytes))
		return false;
	bits = bits_of(&a);
	if (slash < text.len && !num_parse_u64(slice_from(text, slash + 1), bits, &bits))
		return false;
	memcpy(masked, a.bytes, sizeof(masked));
	mask(masked, (unsigned)bits, bits_of(&a));
	if (memcmp(masked, a.bytes, sizeof(masked)) != 0)
		return false;
	if (a.family == 6 && bits >= 96 && memcmp(a.bytes, mapped_head, 12) == 0) {
		a = address_from_bytes(6, a.bytes, 0);
		bits -= 96;
	}
	*p = (struct prefix){.network = a, .bits = (uint8_t)bits};
	return true;
}

static unsigned group(const struct address *a, int i)
{
	return (unsigned)a->bytes[i * 2] << 8 | a->bytes[i * 2 + 1];
}

/* The longest run of at least two zero groups, the first of equals (RFC 5952 section 4.2). */
static int longest_gap(const struct address *a, int *length)
{
	int best = -1;

	*length = 1;
	for (int from = 0; from < V6_GROUPS; from++) {
		int to = from;
		while (to < V6_GROUPS && group(a, to) == 0)
			to++;
		if (to - from > *length) {
			best = from;
			*length = to - from;
		}
	}
	return best;
}

static size_t format_v6(const struct address *a, char text[ADDRESS_TEXT_BYTES])
{
	int length, gap = longest_gap(a, &length);
	size_t at = 0;

	for (int i = 0; i < V6_GROUPS; i++) {
		if (i == gap) {
			text[at++] = ':';
			text[at++] = ':';
			i += length - 1;
			continue;
		}
		bool colon = i > 0 && text[at - 1] != ':';
		at += (size_t)snprintf(text + at, ADDRESS_TEXT_BYTES - at, "%s%x", colon ? ":" : "",
				       group(a, i));
	}
	text[at] = '\0';
	return at;
}

static size_t format_v4(const struct address *a, char text[ADDRESS_TEXT_BYTES])
{
	char number[NUM_TEXT_BYTES];
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		struct slice digits = num_format_u64(a->bytes[i], number);

		if (i)
			text[at++] = '.';
		memcpy(text + at, digits.data, digits.len);
		at += digits.len;
	}
	text[at] = '\0';
	return at;
}

struct slice address_format(const struct address *a, char text[ADDRESS_TEXT_BYTES])
{
	if (a->family == 6)
		return slice_of(text, format_v6(a, text));
	if (a->family == 4)
		return slice_of(text, format_v4(a, text));
	return slice_of(text, (size_t)snprintf(text, ADDRESS_TEXT_BYTES, "none"));
}

struct slice address_format_with_port(const struct address *a, char text[ADDRESS_TEXT_BYTES])
{
	char host[ADDRESS_TEXT_BYTES];
	int len;

	address_format(a, host);
	if (a->family == 6)
		len = snprintf(text, ADDRESS_TEXT_BYTES, "[%.45s]:%u", host, a->port);
	else
		len = snprintf(text, ADDRESS_TEXT_BYTES, "%.45s:%u", host, a->port);
	return slice_of(text, (size_t)len);
}

struct slice prefix_format(const struct prefix *p, char text[ADDRESS_TEXT_BYTES])
{
	char host[ADDRESS_TEXT_BYTES];

	address_format(&p->network, host);
	int len = snprintf(text, ADDRESS_TEXT_BYTES, "%.45s/%u", host, p->bits);
	return slice_of(text, (size_t)len);
}

bool address_eq(const struct address *a, const struct address *b)
{
	return a->family != 0 && a->family == b->family &&
	       memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

bool address_eq_with_port(const struct address *a, const struct address *b)
{
	return address_eq(a, b) && a->port == b->port;
}

struct address address_network(const struct address *a, unsigned bits)
{
	struct address network = *a;

	network.port = 0;
	mask(network.bytes, bits, bits_of(a));
	return network;
}

bool prefix_contains(const struct prefix *p, const struct address *a)
{
	if (a->family != p->network.family)
		return false;
	struct address network = address_network(a, p->bits);
	return address_eq(&network, &p->network);
}

bool address_is_loopback(const struct address *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == 4)
		return a->bytes[0] == 127;
	return a->family == 6 && memcmp(a->bytes, one, sizeof(one)) == 0;
}

bool address_is_unspecified(const struct address *a)
{
	static const uint8_t zero[16];

	return a->family != 0 && memcmp(a->bytes, zero, a->family == 4 ? 4 : 16) == 0;
}
