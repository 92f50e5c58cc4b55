/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders, sets, addresses. */
#include "base/base64.h"
#include "cel/function.h"

#define OTHER(fn)                                                                                  \
	static struct cel_value fn(struct cel_run *run, const struct cel_node *n,                  \
				   const struct cel_value *v)

/* ---- base64 */

OTHER(encode)
{
	struct cel_value error;
	struct slice bytes = v[0].as.text;
	uint64_t chars = BASE64_CHARS((uint64_t)bytes.len);
	char *room = cel_new_bytes(run, n, chars + 1, &error);

	return room ? cel_string(base64_encode(bytes, room, chars)) : error;
}

/* With or without the padding. */
OTHER(decode)
{
	struct cel_value error;
	struct slice text = v[0].as.text;
	size_t len, missing = (4 - text.len % 4) % 4;
	char *room = cel_new_bytes(run, n, 2 * (uint64_t)text.len + 8, &error);

	if (!room)
		return error;
	if (text.len)
		memcpy(room, text.data, text.len);
	memset(room + text.len, '=', 4);
	char *out = room + text.len + 4;
	if (!base64_decode(slice_of(room, text.len + (missing < 3 ? missing : 0)), out,
			   text.len + 4, &len))
		return cel_fail(n, "the text is not base64");
	return cel_bytes(slice_of(out, len));
}

/* ---- sets */

static bool holds(struct cel_run *run, const struct cel_value *list, const struct cel_value *item)
{
	struct cel_walk w = cel_walk(list);
	struct cel_value other;

	while (run->steps && cel_walk_next(&w, NULL, &other))
		if (cel_equal(item, &other, &run->steps))
			return true;
	return false;
}

/* Whether all items of b, or any, are in a. */
static bool all_in(struct cel_run *run, const struct cel_value *a, const struct cel_value *b)
{
	struct cel_walk w = cel_walk(b);
	struct cel_value item;

	while (cel_walk_next(&w, NULL, &item))
		if (!holds(run, a, &item))
			return false;
	return true;
}

static bool any_in(struct cel_run *run, const struct cel_value *a, const struct cel_value *b)
{
	struct cel_walk w = cel_walk(b);
	struct cel_value item;

	while (run->steps && cel_walk_next(&w, NULL, &item))
		if (holds(run, a, &item))
			return true;
	return false;
}

#define SETS(fn, expression)                                                                       \
	OTHER(fn)                                                                                  \
	{                                                                                          \
		bool answer = (expression);                                                        \
		return run->steps ? cel_bool(answer) : cel_too_long(run, n);                       \
	}

SETS(sets_contains, all_in(run, &v[0], &v[1]))
SETS(sets_equivalent, all_in(run, &v[0], &v[1]) && all_in(run, &v[1], &v[0]))
SETS(sets_intersects, any_in(run, &v[0], &v[1]))

/* ---- addresses */

OTHER(ip)
{
	struct address a;

	if (!address_parse(v[0].as.text, &a))
		return cel_fail(n, "the text is not an address");
	struct address *kept = arena_alloc(run->arena, sizeof(*kept));
	if (!kept)
		return cel_no_memory(run, n);
	*kept = a;
	return (struct cel_value){.kind = CEL_IP, .as.address = kept};
}

OTHER(is_ip)
{
	struct address a;

	(void)run;
	(void)n;
	return cel_bool(address_parse(v[0].as.text, &a));
}

OTHER(cidr)
{
	struct prefix p;

	if (!prefix_parse(v[0].as.text, &p))
		return cel_fail(
			n, "the text is not a network: 10.0.0.0/8, with zeros behind the prefix");
	struct prefix *kept = arena_alloc(run->arena, sizeof(*kept));
	if (!kept)
		return cel_no_memory(run, n);
	*kept = p;
	return (struct cel_value){.kind = CEL_CIDR, .as.prefix = kept};
}

OTHER(is_cidr)
{
	struct prefix p;

	(void)run;
	(void)n;
	return cel_bool(prefix_parse(v[0].as.text, &p));
}

OTHER(family)
{
	(void)run;
	(void)n;
	return cel_int(v[0].as.address->family);
}

OTHER(is_loopback)
{
	(void)run;
	(void)n;
	return cel_bool(address_is_loopback(v[0].as.address));
}

OTHER(is_unspecified)
{
	(void)run;
	(void)n;
	return cel_bool(address_is_unspecified(v[0].as.address));
}

OTHER(contains_ip)
{
	(void)run;
	(void)n;
	return cel_bool(prefix_contains(v[0].as.prefix, v[1].as.address));
}

OTHER(contains_ip_text)
{
	struct address a;

	(void)run;
	if (!address_parse(v[1].as.text, &a))
		return cel_fail(n, "the text is not an address");
	return cel_bool(prefix_contains(v[0].as.prefix, &a));
}

static struct cel_value within(const struct prefix *outer, const struct prefix *inner)
{
	return cel_bool(inner->bits >= outer->bits && prefix_contains(outer, &inner->network));
}

OTHER(contains_cidr)
{
	(void)run;
	(void)n;
	return within(v[0].as.prefix, v[1].as.prefix);
}

OTHER(contains_cidr_text)
{
	struct prefix p;

	(void)run;
	if (!prefix_parse(v[1].as.text, &p))
		return cel_fail(n, "the text is not a network");
	return within(v[0].as.prefix, &p);
}

OTHER(prefix_length)
{
	(void)run;
	(void)n;
	return cel_int(v[0].as.prefix->bits);
}

OTHER(network_ip)
{
	(void)run;
	(void)n;
	return (struct cel_value){.kind = CEL_IP, .as.address = &v[0].as.prefix->network};
}

/* clang-format off */
#define ONE(name, receiver, to, fn, from) CEL_FN(name, receiver, 1, CEL_T(to), fn, 5, CEL_T(from))
#define IN(name, fn, with) CEL_FN(name, true, 2, CEL_T(BOOL), fn, 5, CEL_T(CIDR), CEL_T(with))
#define SET(name, fn) \
	CEL_FN("sets." name, false, 2, CEL_T(BOOL), fn, 100, &cel_list_of_a, &cel_list_of_a)

static const struct cel_function rows[] = {
	ONE("base64.encode", false, STRING, encode, BYTES),
	ONE("base64.decode", false, BYTES, decode, STRING),
	SET("contains", sets_contains),
	SET("equivalent", sets_equivalent),
	SET("intersects", sets_intersects),
	ONE("ip", false, IP, ip, STRING),
	ONE("ip", true, IP, network_ip, CIDR),
	ONE("isIP", false, BOOL, is_ip, STRING),
	ONE("cidr", false, CIDR, cidr, STRING),
	ONE("isCIDR", false, BOOL, is_cidr, STRING),
	ONE("family", true, INT, family, IP),
	ONE("isLoopback", true, BOOL, is_loopback, IP),
	ONE("isUnspecified", true, BOOL, is_unspecified, IP),
	IN("containsIP", contains_ip, IP),
	IN("containsIP", contains_ip_text, STRING),
	IN("containsCIDR", contains_cidr, CIDR),
	IN("containsCIDR", contains_cidr_text, STRING),
	ONE("prefixLength", true, INT, prefix_length, CIDR),
};
/* clang-format on */

const struct cel_functions cel_other_functions = {rows, sizeof(rows) / sizeof(rows[0])};
