/* SPDX-License-Identifier: Apache-2.0 */
/* The variables of a connection; see context.h. */
#include "policy/context.h"

#include <stdlib.h>

#include "base/clock.h"
#include "http/header.h"
#include "json/read.h"

enum {
	BLOCK_BYTES = 64, /* of each session: mostly it holds a subject, no more */
	/* Of copies of a head, a path and a query, or of claims with their tape: those are at
	 * most IDENTITY_CLAIMS_MAX long, and a tape takes up to 24 times the text. */
	BYTES_MAX = 4 * 1024 * 1024,
	CLAIMS_DEPTH = 32,
	CLAIMS_MEMBERS = 1024,
	CLAIMS_VALUES = 10000,
};

#define BIT(variable) (UINT32_C(1) << CONF_VAR_##variable)

static const uint32_t of_identity = BIT(IDENTITY_SUB) | BIT(IDENTITY_VIA) | BIT(IDENTITY_CLAIMS);
static const uint32_t of_request = BIT(REQUEST_PATH) | BIT(REQUEST_PARAMS) | BIT(REQUEST_QUERY) |
				   BIT(REQUEST_HEADERS) | BIT(REQUEST_ORIGIN) | BIT(REQUEST_IP) |
				   BIT(REQUEST_TLS) | BIT(PARAMS) | BIT(CONNECTION_ID);

/* Variables that live and die together. */
struct context_part {
	struct arena arena;        /* what the values point to */
	struct cel_value values[]; /* of those that are kept, in the order of enum conf_variable */
};

/* A part while it is made: each value where its variable says. */
struct making {
	struct arena *arena;
	uint32_t kept;
	struct cel_value slots[CONF_VARIABLES];
};

static struct context_part *part_free(struct context_part *part)
{
	if (part)
		arena_deinit(&part->arena);
	free(part);
	return NULL;
}

/* False without memory; a part of which nothing is kept is NULL. */
static bool part_begin(struct context_part **part, uint32_t kept, struct making *m)
{
	size_t count = (size_t)__builtin_popcount(kept);

	*m = (struct making){.kept = kept};
	if (count == 0)
		return true;
	*part = calloc(1, sizeof(**part) + count * sizeof((*part)->values[0]));
	if (!*part)
		return false;
	arena_init(&(*part)->arena, BLOCK_BYTES, BYTES_MAX);
	m->arena = &(*part)->arena;
	return true;
}

static void part_end(struct context_part *part, const struct making *m)
{
	size_t at = 0;

	for (uint32_t left = m->kept; left; left &= left - 1)
		part->values[at++] = m->slots[__builtin_ctz(left)];
}

static void part_show(const struct context_part *part, uint32_t kept, struct cel_value *slots)
{
	size_t at = 0;

	for (uint32_t left = kept; left; left &= left - 1)
		slots[__builtin_ctz(left)] = part->values[at++];
}

static bool keeps(const struct making *m, enum conf_variable v)
{
	return m->kept & (UINT32_C(1) << v);
}

static bool keep_text(struct making *m, enum conf_variable v, struct slice text)
{
	if (!keeps(m, v))
		return true;
	struct slice copy = arena_copy(m->arena, text);
	if (!copy.data)
		return false;
	m->slots[v] = cel_string(copy);
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

static bool keep_params(struct making *m, const struct route_match *match)
{
	size_t count = match ? match->param_count : 0;

	if (!keeps(m, CONF_VAR_PARAMS) && !keeps(m, CONF_VAR_REQUEST_PARAMS))
		return true;
	struct cel_entry *entries = arena_calloc(m->arena, count + 1, sizeof(*entries));
	if (!entries)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!add_entry(m->arena, &entries[i], match->params[i].name,
			       match->params[i].value))
			return false;
	m->slots[CONF_VAR_PARAMS] = m->slots[CONF_VAR_REQUEST_PARAMS] =
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
static bool keep_query(struct making *m, const struct http_target *target)
{
	struct cel_entry *entries;
	uint32_t count = 0;

	if (!keeps(m, CONF_VAR_REQUEST_QUERY))
		return true;
	entries = arena_calloc(m->arena, QUERY_NAMES_MAX, sizeof(*entries));
	if (!entries)
		return false;
	struct slice query = target ? target->query : slice_of(NULL, 0);
	struct http_parameters walk = {.rest = query, .more = query.len != 0};
	struct http_parameter p;
	while (http_parameters_next(&walk, m->arena, &p)) {
		if (count == QUERY_NAMES_MAX || find_entry(entries, count, p.name))
			return true;
		if (!add_entry(m->arena, &entries[count++], p.name, p.value))
			return false;
	}
	if (!walk.failed)
		m->slots[CONF_VAR_REQUEST_QUERY] = cel_map(entries, count);
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
static bool keep_headers(struct making *m, const struct http_head *head)
{
	size_t most = head ? head->header_count : 0;
	uint32_t count = 0;

	if (!keeps(m, CONF_VAR_REQUEST_HEADERS))
		return true;
	struct cel_entry *entries = arena_calloc(m->arena, most + 1, sizeof(*entries));
	if (!entries)
		return false;
	for (size_t i = 0; i < most; i++) {
		struct slice name = lower_copy(m->arena, head->headers[i].name);
		struct slice value = arena_copy(m->arena, head->headers[i].value);
		if (!name.data || !value.data)
			return false;
		struct cel_entry *before = find_entry(entries, count, name);
		if (!before) {
			entries[count++] = (struct cel_entry){cel_string(name), cel_string(value)};
			continue;
		}
		value = arena_printf(m->arena, "%.*s, %.*s", SLICE_ARG(before->value.as.text),
				     SLICE_ARG(value));
		if (!value.data)
			return false;
		before->value = cel_string(value);
	}
	m->slots[CONF_VAR_REQUEST_HEADERS] = cel_map(entries, count);
	return true;
}

/* --- the whole */

static bool keep_claims(struct making *m, struct slice claims)
{
	static const struct json_limits limits = {.depth = CLAIMS_DEPTH,
						  .members = CLAIMS_MEMBERS,
						  .values = CLAIMS_VALUES,
						  .big_integers = true};
	struct json_doc doc;

	if (!keeps(m, CONF_VAR_IDENTITY_CLAIMS))
		return true;
	claims = arena_copy(m->arena, claims);
	if (!claims.data || json_read(claims, &limits, m->arena, &doc) != REASON_NONE ||
	    json_type(doc.root) != JSON_OBJECT)
		return false;
	m->slots[CONF_VAR_IDENTITY_CLAIMS] = cel_from_json(doc.root);
	return true;
}

static bool keep_identity(struct context *c, const struct identity *identity)
{
	struct making m;

	if (!part_begin(&c->identity, c->kept & of_identity, &m) ||
	    !keep_text(&m, CONF_VAR_IDENTITY_SUB, identity->subject) ||
	    !keep_text(&m, CONF_VAR_IDENTITY_VIA, identity->via) ||
	    !keep_claims(&m, identity->claims))
		return false;
	part_end(c->identity, &m);
	return true;
}

static bool keep_request(struct context *c, const struct context_facts *facts)
{
	char text[ADDRESS_TEXT_BYTES];
	struct making m;

	if (!part_begin(&c->request, c->kept & of_request, &m))
		return false;
	m.slots[CONF_VAR_REQUEST_TLS] = cel_bool(facts->tls);
	if (!keep_text(&m, CONF_VAR_REQUEST_PATH, facts->path) ||
	    !keep_text(&m, CONF_VAR_REQUEST_ORIGIN, facts->origin) ||
	    !keep_text(&m, CONF_VAR_REQUEST_IP, address_format(&facts->peer, text)) ||
	    !keep_text(&m, CONF_VAR_CONNECTION_ID, facts->connection_id) ||
	    !keep_params(&m, facts->match) || !keep_query(&m, facts->target) ||
	    !keep_headers(&m, facts->head))
		return false;
	part_end(c->request, &m);
	return true;
}

bool context_init(struct context *c, const struct context_facts *facts, uint32_t keep,
		  uint64_t now_us)
{
	*c = (struct context){.kept = keep, .opened_us = now_us};
	return keep_request(c, facts) && keep_identity(c, facts->identity);
}

/* What is not kept whole is not kept: nobody sees half of an identity. */
bool context_identify(struct context *c, const struct identity *identity)
{
	c->identity = part_free(c->identity);
	if (keep_identity(c, identity))
		return true;
	c->identity = part_free(c->identity);
	c->kept &= ~of_identity;
	return false;
}

/* Nothing of another connection's is left; mostly the same variables were shown before. */
static void forget_shown(struct context_view *view, uint32_t kept)
{
	for (uint32_t left = view->shown & ~kept; left; left &= left - 1)
		view->slots[__builtin_ctz(left)] = (struct cel_value){0};
	view->slots[CONF_VAR_MESSAGE] = view->slots[CONF_VAR_LAST] = (struct cel_value){0};
}

void context_show(const struct context *c, uint64_t now_us, uint64_t now_unix_ms,
		  struct context_view *view)
{
	const uint32_t moving = BIT(NOW) | BIT(CONNECTION_AGE) | BIT(CONNECTION_MESSAGES);
	struct cel_value *slots = view->slots;

	forget_shown(view, c->kept);
	view->shown = c->kept & (of_request | of_identity | moving);
	part_show(c->request, c->kept & of_request, slots);
	part_show(c->identity, c->kept & of_identity, slots);
	if (!(c->kept & moving))
		return;
	view->shown |= moving;
	uint64_t age_ms = clock_us_to_ms(clock_since(c->opened_us, now_us));
	slots[CONF_VAR_NOW] = cel_timestamp((int64_t)(now_unix_ms / CLOCK_MS_PER_S),
					    (uint32_t)(now_unix_ms % CLOCK_MS_PER_S) * 1000000);
	slots[CONF_VAR_CONNECTION_AGE] = cel_duration((int64_t)age_ms * 1000000);
	slots[CONF_VAR_CONNECTION_MESSAGES] = cel_int(c->messages);
}

const struct cel_value *context_value(const struct context *c, enum conf_variable v)
{
	const uint32_t bit = UINT32_C(1) << v, all = bit & of_identity ? of_identity : of_request;
	const struct context_part *part = bit & of_identity ? c->identity : c->request;

	if (!(c->kept & all & bit) || !part)
		return NULL;
	size_t at = 0;
	for (uint32_t before = c->kept & all & (bit - 1); before; before &= before - 1)
		at++;
	return &part->values[at];
}

static size_t part_bytes(const struct context_part *part, uint32_t kept)
{
	return part ? sizeof(*part) + (size_t)__builtin_popcount(kept) * sizeof(part->values[0]) +
			       part->arena.used_bytes
		    : 0;
}

size_t context_bytes(const struct context *c)
{
	return part_bytes(c->request, c->kept & of_request) +
	       part_bytes(c->identity, c->kept & of_identity);
}

void context_deinit(struct context *c)
{
	part_free(c->request);
	part_free(c->identity);
	*c = (struct context){0};
}
