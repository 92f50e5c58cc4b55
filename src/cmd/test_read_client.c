/* SPDX-License-Identifier: Apache-2.0 */
/* Who connects in a test case, and how; see test_read_priv.h. */
#include "cmd/test_read_priv.h"
#include "http/header.h"
#include "http/origin.h"
#include "http/target.h"
#include "json/read.h"
#include "policy/identity.h"

enum { WORD_BYTES = 80 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool read_route(struct test_reader *r, const struct yaml_node *map,
		       const struct yaml_node *node, struct test_client *out)
{
	struct http_target target;
	size_t at;

	if (!node)
		return test_wrong(r, map->at, "a path such as /chat/lobby", "`route` is missing");
	if (!test_read_text(r, node, &out->path))
		return false;
	if (slice_index(out->path, '?') < out->path.len)
		return test_wrong(r, node->at, "`query: {name: value}` is a key of its own",
				  "`route` is a path without a query");
	enum reason reason = http_target_parse(out->path, r->arena, &target, &at);
	if (reason == REASON_NONE && !target.asterisk)
		return true;
	return test_wrong(r, node->at,
			  "as in a request, such as /chat/lobby; other characters as %C3%A9",
			  "`route` is no path that a request could ask for");
}

/* Claims are read as those of a credential would be. */
static bool read_claims(struct test_reader *r, const struct yaml_node *node,
			struct test_client *out)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;
	struct arena a;

	out->claims = SLICE("{}");
	if (!node)
		return true;
	if (node->kind != YAML_MAP)
		return test_wrong(r, node->at, NULL, "`claims` is a map, and here is %s",
				  yaml_describe(node));
	if (!test_read_json(r, node, &out->claims))
		return false;
	arena_init(&a, 1 << 16, 1 << 26);
	enum reason reason = json_read(out->claims, &limits, &a, &doc);
	arena_deinit(&a);
	if (reason)
		return test_wrong(r, node->at, NULL, "no credential has such claims: %s",
				  reason_word(reason));
	if (out->claims.len > IDENTITY_CLAIMS_MAX)
		return test_wrong(r, node->at, NULL, "claims have at most 64 KiB");
	return true;
}

static bool read_as(struct test_reader *r, const struct yaml_node *node, struct test_client *out)
{
	static const struct test_key keys[] = {
		{SLICE_INIT("sub"), 0}, {SLICE_INIT("claims"), 0}, {SLICE_INIT("via"), 0}};

	if (!node)
		return true;
	if (!test_check_keys(r, node, "an identity (`as`)", keys, COUNT_OF(keys)))
		return false;
	const struct yaml_node *sub = yaml_get(node, SLICE("sub"));
	const struct yaml_node *via = yaml_get(node, SLICE("via"));
	if (!sub)
		return test_wrong(r, node->at, "who presents nothing has no `as`",
				  "`sub` is missing in `as`");
	if (sub->kind == YAML_SCALAR && !sub->text.len)
		return test_wrong(r, sub->at, "who presents nothing has no `as`", "`sub` is empty");
	out->known = true;
	if (!test_read_text(r, sub, &out->subject) || (via && !test_read_text(r, via, &out->via)))
		return false;
	if (out->subject.len > IDENTITY_SUBJECT_MAX)
		return test_wrong(r, sub->at, NULL, "a subject has at most %d bytes",
				  IDENTITY_SUBJECT_MAX);
	return read_claims(r, yaml_get(node, SLICE("claims")), out);
}

static bool read_origin(struct test_reader *r, const struct yaml_node *node,
			struct test_client *out)
{
	if (!node)
		return true;
	if (node->kind == YAML_SCALAR && yaml_scalar_type(node) == YAML_TYPE_NULL)
		return test_wrong(r, node->at,
				  "`missing` is no Origin at all, `\"null\"` that of a sandboxed "
				  "frame",
				  "`origin` is a text, and here is nothing");
	if (!test_read_text(r, node, &out->origin))
		return false;
	out->origin_kind = TEST_ORIGIN_GIVEN;
	if (slice_eq(out->origin, SLICE("same")))
		out->origin_kind = TEST_ORIGIN_SAME;
	else if (slice_eq(out->origin, SLICE("missing")))
		out->origin_kind = TEST_ORIGIN_MISSING;
	else if (!http_value_ok(out->origin))
		return test_wrong(r, node->at, NULL, "this cannot stand in a header field");
	return true;
}

static bool read_place(struct test_reader *r, const struct yaml_node *map, struct test_client *out)
{
	const struct yaml_node *host = yaml_get(map, SLICE("host"));
	const struct yaml_node *ip = yaml_get(map, SLICE("ip"));
	const struct yaml_node *tls = yaml_get(map, SLICE("tls"));
	struct http_authority authority;
	struct slice text;

	/* 192.0.2.0/24 is for documentation. */
	out->address = (struct address){.family = 4, .bytes = {192, 0, 2, 1}};
	if (host && !test_read_text(r, host, &out->host))
		return false;
	if (host && !http_authority_parse(out->host, &authority))
		return test_wrong(r, host->at, "as in a request: chat.example.com, or with a port",
				  "`host` is no Host");
	if (ip && !test_read_text(r, ip, &text))
		return false;
	if (ip && !address_parse(text, &out->address))
		return test_wrong(r, ip->at, "192.0.2.1 or 2001:db8::1", "`ip` is no address");
	out->has_tls = tls != NULL;
	return !tls || test_read_bool(r, tls, &out->tls);
}

/* Fields that the test writes itself; framing has no place in it. */
static bool header_is_ours(struct slice name)
{
	static const struct {
		struct slice name;
	} ours[] = {
		{SLICE_INIT("host")},
		{SLICE_INIT("origin")},
		{SLICE_INIT("connection")},
		{SLICE_INIT("upgrade")},
		{SLICE_INIT("sec-websocket-key")},
		{SLICE_INIT("sec-websocket-version")},
		{SLICE_INIT("content-length")},
		{SLICE_INIT("transfer-encoding")},
	};

	for (size_t i = 0; i < COUNT_OF(ours); i++)
		if (slice_eq_icase(name, ours[i].name))
			return true;
	return false;
}

static bool check_header(struct test_reader *r, const struct yaml_node *item)
{
	if (!http_token_ok(item->key))
		return test_wrong(r, item->key_at, NULL, "this is no name of a header field");
	if (header_is_ours(item->key))
		return test_wrong(r, item->key_at, "`origin:` and `host:` are keys of their own",
				  "`%.*s` is written by the test itself",
				  SLICE_ARG(slice_first(item->key, WORD_BYTES)));
	if (item->text.len && !http_value_ok(item->text))
		return test_wrong(r, item->at, NULL, "this cannot stand in a header field");
	return true;
}

/* `name: text` lines. */
static bool read_pairs(struct test_reader *r, const struct yaml_node *map, bool headers,
		       const struct test_pair **out, size_t *count)
{
	bool good = true;

	if (!map)
		return true;
	if (map->kind != YAML_MAP)
		return test_wrong(r, map->at, NULL, "`%.*s` is a map, and here is %s",
				  SLICE_ARG(map->key), yaml_describe(map));
	struct test_pair *pairs = arena_calloc(r->arena, map->count, sizeof(*pairs));
	if (!pairs && map->count)
		return false;
	YAML_EACH (item, map) {
		struct test_pair *pair = &pairs[(*count)++];
		pair->name = arena_copy(r->arena, item->key);
		good = pair->name.data && test_read_raw(r, item, &pair->value) &&
		       (!headers || check_header(r, item)) && good;
	}
	*out = pairs;
	return good;
}

bool test_read_client(struct test_reader *r, const struct yaml_node *map,
		      enum test_origin missing_origin, struct test_client *out)
{
	*out = (struct test_client){.line = map->at.line, .origin_kind = missing_origin};
	bool good = read_route(r, map, yaml_get(map, SLICE("route")), out);
	good = read_as(r, yaml_get(map, SLICE("as")), out) && good;
	good = read_origin(r, yaml_get(map, SLICE("origin")), out) && good;
	good = read_place(r, map, out) && good;
	good = read_pairs(r, yaml_get(map, SLICE("headers")), true, &out->headers,
			  &out->header_count) &&
	       good;
	return read_pairs(r, yaml_get(map, SLICE("query")), false, &out->query,
			  &out->query_count) &&
	       good;
}
