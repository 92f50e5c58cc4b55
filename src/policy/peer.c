/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarded and X-Forwarded-For; see peer.h.
 *
 * Both headers become the same thing first, a list of hops from left to right, and the walk
 * from the right is done once.
 */
#include "policy/peer.h"

#include "base/num.h"
#include "http/chars.h"
#include "http/header.h"

/* More proxies than any request passes. */
enum { HOPS_MAX = 32 };

struct hop {
	struct address address; /* family 0: `unknown` or an obfuscated name */
	enum { PROTO_UNSAID = 0, PROTO_HTTP, PROTO_HTTPS } proto;
};

struct hops {
	struct hop list[HOPS_MAX];
	size_t count;
};

bool peer_trusted(const struct conf_networks *networks, const struct address *a)
{
	for (size_t i = 0; i < networks->count; i++) {
		if (prefix_contains(&networks->items[i], a))
			return true;
	}
	return false;
}

/* --- nodes: RFC 7239 section 6 */

/* Section 6.3: "_" and letters, digits, ".", "_", "-". */
static bool is_obfuscated(struct slice s)
{
	if (s.len < 2 || s.data[0] != '_')
		return false;
	for (size_t i = 1; i < s.len; i++) {
		char c = s.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

static bool port_ok(struct slice s)
{
	uint64_t port;
	return num_parse_u64(s, UINT16_MAX, &port) || is_obfuscated(s);
}

/* A name that is not an address, with or without a port behind it. */
static bool is_unknown(struct slice s)
{
	size_t colon = slice_index(s, ':');
	struct slice name = slice_first(s, colon);

	if (colon < s.len && !port_ok(slice_from(s, colon + 1)))
		return false;
	return slice_eq_icase(name, SLICE("unknown")) || is_obfuscated(name);
}

static bool has_two_colons(struct slice s)
{
	struct slice behind = slice_from(s, slice_index(s, ':') + 1);
	return slice_index(behind, ':') < behind.len;
}

/* `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`, and of X-Forwarded-For
 * also `2001:db8::1`. The address is taken, the port only looked at. */
static bool parse_address(struct slice s, bool bare_v6, struct address *out)
{
	size_t end = slice_index(s, ':');

	if (s.len && s.data[0] == '[')
		end = slice_index(s, ']') + 1;
	else if (bare_v6 && has_two_colons(s))
		end = s.len;
	struct slice port = slice_from(s, end);
	if (port.len && (port.data[0] != ':' || !port_ok(slice_from(port, 1))))
		return false;
	return address_parse(slice_first(s, end), out) && !address_is_unspecified(out);
}

static bool parse_node(struct slice s, bool bare_v6, struct address *out)
{
	*out = (struct address){0};
	return is_unknown(s) || parse_address(s, bare_v6, out);
}

static bool parse_proto(struct slice s, struct hop *hop)
{
	if (slice_eq_icase(s, SLICE("https")) || slice_eq_icase(s, SLICE("wss")))
		hop->proto = PROTO_HTTPS;
	else if (slice_eq_icase(s, SLICE("http")) || slice_eq_icase(s, SLICE("ws")))
		hop->proto = PROTO_HTTP;
	return hop->proto != PROTO_UNSAID;
}

/* --- Forwarded: RFC 7239 section 4 */

/* Longer than any node or host name that stands there in quotes. */
enum { QUOTED_MAX = 256 };

/* A quoted-string without its quotes and escapes. */
static bool unquote(struct slice *rest, char text[QUOTED_MAX], struct slice *value)
{
	size_t len = 0;

	for (size_t i = 1; i < rest->len; i++) {
		char c = rest->data[i];
		if (c == '"') {
			*value = slice_of(text, len);
			*rest = slice_from(*rest, i + 1);
			return true;
		}
		if (c == '\\' && ++i < rest->len)
			c = rest->data[i];
		if (i >= rest->len || len == QUOTED_MAX || (unsigned char)c < 0x20 || c == 0x7f)
			return false;
		text[len++] = c;
	}
	return false;
}

/* token "=" ( token / quoted-string ); no space beside "=". */
static bool next_pair(struct slice *rest, char text[QUOTED_MAX], struct slice *name,
		      struct slice *value)
{
	size_t equals = slice_index(*rest, '=');

	*name = slice_first(*rest, equals);
	if (equals == rest->len || !http_token_ok(*name))
		return false;
	*rest = slice_from(*rest, equals + 1);
	if (rest->len && rest->data[0] == '"')
		return unquote(rest, text, value);
	size_t end = http_char_run(*rest, 0, HTTP_CHAR_TOKEN);
	*value = slice_first(*rest, end);
	*rest = slice_from(*rest, end);
	return value->len > 0;
}

static struct slice skip_space(struct slice s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = slice_from(s, 1);
	return s;
}

enum { SEEN_FOR = 1, SEEN_PROTO = 2, SEEN_BY = 4, SEEN_HOST = 8 };

/* "Each parameter MUST NOT occur more than once per field-value" (of one hop). */
static bool take_pair(struct slice name, struct slice value, struct hop *hop, unsigned *seen)
{
	unsigned bit = 0;
	bool good = true;
	struct address by;

	if (slice_eq_icase(name, SLICE("for"))) {
		bit = SEEN_FOR;
		good = parse_node(value, false, &hop->address);
	} else if (slice_eq_icase(name, SLICE("proto"))) {
		bit = SEEN_PROTO;
		good = parse_proto(value, hop);
	} else if (slice_eq_icase(name, SLICE("by"))) {
		bit = SEEN_BY;
		good = parse_node(value, false, &by);
	} else if (slice_eq_icase(name, SLICE("host"))) {
		bit = SEEN_HOST;
	}
	good &= !(*seen & bit);
	*seen |= bit;
	return good;
}

/* forwarded-pair *( ";" forwarded-pair ), up to a comma or the end. */
static bool read_element(struct slice *rest, struct hop *hop)
{
	char text[QUOTED_MAX];
	struct slice name, value;
	unsigned seen = 0;

	for (;;) {
		if (!next_pair(rest, text, &name, &value) || !take_pair(name, value, hop, &seen))
			return false;
		*rest = skip_space(*rest);
		if (!rest->len || rest->data[0] == ',')
			break;
		if (rest->data[0] != ';')
			return false;
		*rest = skip_space(slice_from(*rest, 1));
	}
	/* A hop that does not say for whom it speaks: whom would its neighbours speak of? */
	return seen & SEEN_FOR;
}

static bool read_forwarded_field(struct slice rest, struct hops *out)
{
	rest = skip_space(rest);
	for (;;) {
		if (out->count == HOPS_MAX)
			return false;
		out->list[out->count] = (struct hop){0};
		if (!read_element(&rest, &out->list[out->count++]))
			return false;
		if (!rest.len)
			return true;
		rest = skip_space(slice_from(rest, 1));
	}
}

static bool read_forwarded(const struct http_head *head, struct hops *out)
{
	for (size_t i = 0; i < head->header_count; i++) {
		if (slice_eq_icase(head->headers[i].name, SLICE("forwarded")) &&
		    !read_forwarded_field(head->headers[i].value, out))
			return false;
	}
	return true;
}

/* --- X-Forwarded-For and X-Forwarded-Proto, by custom */

static bool read_list_field(struct slice rest, bool protos, struct hops *out, size_t *at)
{
	struct slice part;
	bool more = true;

	while (slice_next(&rest, &more, ',', &part)) {
		part = slice_trim(part);
		if (*at == HOPS_MAX)
			return false;
		struct hop *hop = &out->list[(*at)++];
		if (protos ? !parse_proto(part, hop) : !parse_node(part, true, &hop->address))
			return false;
	}
	return true;
}

static bool read_list(const struct http_head *head, struct slice name, bool protos,
		      struct hops *out, size_t *count)
{
	for (size_t i = 0; i < head->header_count; i++) {
		if (slice_eq_icase(head->headers[i].name, name) &&
		    !read_list_field(head->headers[i].value, protos, out, count))
			return false;
	}
	return true;
}

/* One X-Forwarded-Proto is about the client. Several are about the hops, one each; any other
 * number would leave open which is whose. */
static bool read_x_forwarded(const struct http_head *head, struct hops *out)
{
	struct hops protos = {0};

	if (!read_list(head, SLICE("x-forwarded-for"), false, out, &out->count) ||
	    !read_list(head, SLICE("x-forwarded-proto"), true, &protos, &protos.count))
		return false;
	if (protos.count > 1 && protos.count != out->count)
		return false;
	for (size_t i = 0; protos.count && i < out->count; i++)
		out->list[i].proto = protos.list[protos.count > 1 ? i : 0].proto;
	/* Without addresses: the proxy speaks of the protocol only. */
	if (protos.count && !out->count)
		out->list[0].proto = protos.list[0].proto;
	return true;
}

/* --- the walk */

/* What one header says about the client, in *out, which holds what was known without it. */
static void walk(const struct conf_networks *trusted, const struct hops *hops, struct peer *out)
{
	const struct hop *said = NULL;

	for (size_t i = hops->count; i-- > 0;) {
		said = &hops->list[i];
		if (!said->address.family)
			break;
		out->address = said->address;
		if (!peer_trusted(trusted, &said->address))
			break;
	}
	out->named |= said != NULL;
	if (!said)
		said = &hops->list[0]; /* a protocol without addresses, or nothing */
	if (said->proto)
		out->tls = said->proto == PROTO_HTTPS;
}

static bool says_proto(const struct hops *hops)
{
	bool said = hops->list[0].proto != PROTO_UNSAID;

	for (size_t i = 0; i < hops->count; i++)
		said |= hops->list[i].proto != PROTO_UNSAID;
	return said;
}

static bool agree(const struct peer *a, const struct hops *a_hops, const struct peer *b,
		  const struct hops *b_hops)
{
	if (a_hops->count && b_hops->count && !address_eq(&a->address, &b->address))
		return false;
	return !says_proto(a_hops) || !says_proto(b_hops) || a->tls == b->tls;
}

enum reason peer_find(const struct conf_networks *trusted, const struct http_head *head,
		      const struct address *hop, bool tls, struct peer *out)
{
	struct hops standard = {0}, custom = {0};

	*out = (struct peer){.address = *hop, .tls = tls};
	out->address.port = 0;
	if (!peer_trusted(trusted, hop))
		return REASON_NONE;
	if (!read_forwarded(head, &standard) || !read_x_forwarded(head, &custom))
		return REASON_FORWARDED_MALFORMED;
	struct peer by_standard = *out, by_custom = *out;
	walk(trusted, &standard, &by_standard);
	walk(trusted, &custom, &by_custom);
	if (!agree(&by_standard, &standard, &by_custom, &custom))
		return REASON_FORWARDED_MALFORMED;
	*out = standard.count ? by_standard : by_custom;
	if (says_proto(&custom))
		out->tls = by_custom.tls;
	if (says_proto(&standard))
		out->tls = by_standard.tls;
	return REASON_NONE;
}
