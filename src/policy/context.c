/* SPDX-License-Identifier: Apache-2.0 */
/* The variables of a connection; see context.h. */
#include "policy/context.h"

#include "base/clock.h"
#include "http/header.h"
#include "json/read.h"

enum {
	BLOCK_BYTES = 128, /* of each session: mostly it holds a subject, no more */
	/* Of copies of a head, a path and a query, or of claims with their tape: those are at
	 * most IDENTITY_CLAIMS_MAX long, and a tape takes up to 24 times the text. */
	BYTES_MAX = 4 * 1024 * 1024,
	CLAIMS_DEPTH = 32,
	CLAIMS_MEMBERS = 1024,
	CLAIMS_VALUES = 10000,
};

static bool keeps(const struct context *c, enum conf_variable v)
{
	return c->kept & (1u << v);
}

static bool keep_text(struct context *c, struct arena *a, enum conf_variable v, struct slice text)
{
	if (!keeps(c, v))
		return true;
	struct slice copy = arena_copy(a, text);
	if (!copy.data)
		return false;
	c->slots[v] = cel_string(copy);
	return true;
}

/* --- maps of texts */

static bool add_entry(struct arena *a, struct cel_entry *entry, struct slice name,
		      struct slice value)
{
	struct slice k = arena_copy(a, name), v = arena_copy(a, value);

	if (!k.data || !v.data)
		return false;
	*entry = (struct cel_entry){cel_string(k), cel_string(v)};
	return true;
}

static bool keep_params(struct context *c, const struct route_match *match)
{
	size_t count = match ? match->param_count : 0;

	if (!keeps(c, CONF_VAR_PARAMS) && !keeps(c, CONF_VAR_REQUEST_PARAMS))
		return true;
	struct cel_entry *entries = arena_calloc(&c->request, count + 1, sizeof(*entries));
	if (!entries)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!add_entry(&c->request, &entries[i], match->params[i].name,
			       match->params[i].value))
			return false;
	c->slots[CONF_VAR_PARAMS] = c->slots[CONF_VAR_REQUEST_PARAMS] =
		cel_map(entries, (uint32_t)count);
	return true;
}

static struct cel_entry *find_entry(struct cel_entry *entries, uint32_t count, struct slice name)
{
	for (uint32_t i = 0; i < count; i++)
		if (slice_eq(entries[i].key.as.text, name))
			return &entries[i];
	return NULL;
}

/* Names of a query; one with more has no value. */
enum { QUERY_NAMES_MAX = 64 };

/*
 * A query that cannot be read, has too many names or one of them twice (which of the values
 * would the application take?) has no value at all: were only that name missing,
 * `!('debug' in request.query)` would be true of it.
 */
static bool keep_query(struct context *c, const struct http_target *target)
{
	struct cel_entry *entries;
	uint32_t count = 0;

	if (!keeps(c, CONF_VAR_REQUEST_QUERY))
		return true;
	entries = arena_calloc(&c->request, QUERY_NAMES_MAX, sizeof(*entries));
	if (!entries)
		return false;
	struct slice query = target ? target->query : slice_of(NULL, 0);
	struct http_parameters walk = {.rest = query, .more = query.len != 0};
	struct http_parameter p;
	while (http_parameters_next(&walk, &c->request, &p)) {
		if (count == QUERY_NAMES_MAX || find_entry(entries, count, p.name))
			return true;
		if (!add_entry(&c->request, &entries[count++], p.name, p.value))
			return false;
	}
	if (!walk.failed)
		c->slots[CONF_VAR_REQUEST_QUERY] = cel_map(entries, count);
	return true;
}

static struct slice lower_copy(struct arena *a, struct slice s)
{
	struct slice copy = arena_copy(a, s);
	char *at = (char *)(uintptr_t)copy.data;

	for (size_t i = 0; copy.data && i < s.len; i++)
		if (at[i] >= 'A' && at[i] <= 'Z')
			at[i] = (char)(at[i] + ('a' - 'A'));
	return copy;
}

/* Several fields of one name are one value with commas (RFC 9110 section 5.3). */
static bool keep_headers(struct context *c, const struct http_head *head)
{
	size_t most = head ? head->header_count : 0;
	uint32_t count = 0;

	if (!keeps(c, CONF_VAR_REQUEST_HEADERS))
		return true;
	struct cel_entry *entries = arena_calloc(&c->request, most + 1, sizeof(*entries));
	if (!entries)
		return false;
	for (size_t i = 0; i < most; i++) {
		struct slice name = lower_copy(&c->request, head->headers[i].name);
		struct slice value = arena_copy(&c->request, head->headers[i].value);
		if (!name.data || !value.data)
			return false;
		struct cel_entry *before = find_entry(entries, count, name);
		if (!before) {
			entries[count++] = (struct cel_entry){cel_string(name), cel_string(value)};
			continue;
		}
		value = arena_printf(&c->request, "%.*s, %.*s", SLICE_ARG(before->value.as.text),
				     SLICE_ARG(value));
		if (!value.data)
			return false;
		before->value = cel_string(value);
	}
	c->slots[CONF_VAR_REQUEST_HEADERS] = cel_map(entries, count);
	return true;
}

/* --- the whole */

static bool keep_identity(struct context *c, const struct identity *identity)
{
	static const struct json_limits limits = {.depth = CLAIMS_DEPTH,
						  .members = CLAIMS_MEMBERS,
						  .values = CLAIMS_VALUES,
						  .big_integers = true};
	struct json_doc doc;

	arena_init(&c->identity, BLOCK_BYTES, BYTES_MAX);
	if (!keep_text(c, &c->identity, CONF_VAR_IDENTITY_SUB, identity->subject) ||
	    !keep_text(c, &c->identity, CONF_VAR_IDENTITY_VIA, identity->via))
		return false;
	if (!keeps(c, CONF_VAR_IDENTITY_CLAIMS))
		return true;
	struct slice claims = arena_copy(&c->identity, identity->claims);
	if (!claims.data || json_read(claims, &limits, &c->identity, &doc) != REASON_NONE ||
	    json_type(doc.root) != JSON_OBJECT)
		return false;
	c->slots[CONF_VAR_IDENTITY_CLAIMS] = cel_from_json(doc.root);
	return true;
}

bool context_init(struct context *c, const struct context_facts *facts, uint32_t keep,
		  uint64_t now_us)
{
	char text[ADDRESS_TEXT_BYTES];

	*c = (struct context){.kept = keep, .opened_us = now_us};
	arena_init(&c->request, BLOCK_BYTES, BYTES_MAX);
	c->slots[CONF_VAR_REQUEST_TLS] = cel_bool(facts->tls);
	return keep_text(c, &c->request, CONF_VAR_REQUEST_PATH, facts->path) &&
	       keep_text(c, &c->request, CONF_VAR_REQUEST_ORIGIN, facts->origin) &&
	       keep_text(c, &c->request, CONF_VAR_REQUEST_IP, address_format(&facts->peer, text)) &&
	       keep_text(c, &c->request, CONF_VAR_CONNECTION_ID, facts->connection_id) &&
	       keep_params(c, facts->match) && keep_query(c, facts->target) &&
	       keep_headers(c, facts->head) && keep_identity(c, facts->identity);
}

bool context_identify(struct context *c, const struct identity *identity)
{
	for (int v = CONF_VAR_IDENTITY_SUB; v <= CONF_VAR_IDENTITY_CLAIMS; v++)
		c->slots[v] = (struct cel_value){0};
	arena_deinit(&c->identity);
	return keep_identity(c, identity);
}

void context_now(struct context *c, uint64_t now_us, uint64_t now_unix_ms)
{
	const uint32_t moving = 1u << CONF_VAR_NOW | 1u << CONF_VAR_CONNECTION_AGE |
				1u << CONF_VAR_CONNECTION_MESSAGES;

	if (!(c->kept & moving))
		return;
	uint64_t age_ms = clock_us_to_ms(clock_since(c->opened_us, now_us));
	c->slots[CONF_VAR_NOW] = cel_timestamp((int64_t)(now_unix_ms / CLOCK_MS_PER_S),
					       (uint32_t)(now_unix_ms % CLOCK_MS_PER_S) * 1000000);
	c->slots[CONF_VAR_CONNECTION_AGE] = cel_duration((int64_t)age_ms * 1000000);
	c->slots[CONF_VAR_CONNECTION_MESSAGES] = cel_int(c->messages);
}

size_t context_bytes(const struct context *c)
{
	return c->request.used_bytes + c->identity.used_bytes;
}

void context_deinit(struct context *c)
{
	arena_deinit(&c->request);
	arena_deinit(&c->identity);
	*c = (struct context){0};
}
