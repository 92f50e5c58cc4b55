/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents, resources and anchors; see schema_compile.h.
 *
 * A document is walked once, along the keywords that hold schemas: an $id in an enum or in an
 * unknown keyword is data. Where a reference points at such data all the same, it is walked then.
 */
#include <stdarg.h>

#include "contract/meta.h"
#include "contract/schema_compile.h"
#include "contract/uri.h"
#include "json/pointer.h"
#include "json/read.h"

bool schema_refuse(struct compiler *c, const struct resource *r, const struct json_node *at,
		   const char *format, ...)
{
	struct schema_error *e = c->error;
	va_list args;

	if (c->failed)
		return false;
	c->failed = true;
	va_start(args, format);
	vsnprintf(e->sentence, sizeof(e->sentence), format, args);
	va_end(args);
	e->document[0] = e->pointer[0] = '\0';
	if (r) {
		snprintf(e->document, sizeof(e->document), "%.*s", SLICE_ARG(r->uri));
		struct slice p =
			json_pointer_to(r->document->root, at, e->pointer, sizeof(e->pointer) - 1);
		e->pointer[p.len] = '\0';
	}
	return false;
}

static void *alloc(struct compiler *c, struct arena *a, size_t count, size_t bytes)
{
	void *given = c->failed ? NULL : arena_calloc(a, count ? count : 1, bytes);

	if (!given && !c->failed) {
		schema_refuse(c, NULL, NULL, "out of memory");
		c->no_memory = true;
	}
	return given;
}

void *schema_alloc(struct compiler *c, size_t count, size_t bytes)
{
	return alloc(c, c->arena, count, bytes);
}

/* ---- keywords that hold schemas */

enum shape {
	SCHEMA,
	SCHEMAS,
	MAP,
	ANY,
	DATA
}; /* ANY: one, or a list; a list of names in a map is data */

/* clang-format off */
static const struct {
	struct slice name;
	enum shape shape;
} keywords[] = {
	{SLICE_INIT("additionalItems"), SCHEMA}, {SLICE_INIT("additionalProperties"), SCHEMA},
	{SLICE_INIT("allOf"), SCHEMAS}, {SLICE_INIT("anyOf"), SCHEMAS}, {SLICE_INIT("oneOf"), SCHEMAS},
	{SLICE_INIT("contains"), SCHEMA}, {SLICE_INIT("contentSchema"), SCHEMA},
	{SLICE_INIT("definitions"), MAP}, {SLICE_INIT("$defs"), MAP},
	{SLICE_INIT("dependencies"), MAP}, {SLICE_INIT("dependentSchemas"), MAP},
	{SLICE_INIT("else"), SCHEMA}, {SLICE_INIT("if"), SCHEMA}, {SLICE_INIT("then"), SCHEMA},
	{SLICE_INIT("items"), ANY}, {SLICE_INIT("not"), SCHEMA},
	{SLICE_INIT("patternProperties"), MAP}, {SLICE_INIT("prefixItems"), SCHEMAS},
	{SLICE_INIT("properties"), MAP}, {SLICE_INIT("propertyNames"), SCHEMA},
	{SLICE_INIT("unevaluatedItems"), SCHEMA}, {SLICE_INIT("unevaluatedProperties"), SCHEMA},
	{SLICE_INIT("$id"), DATA}, {SLICE_INIT("$schema"), DATA}, {SLICE_INIT("$ref"), DATA},
	{SLICE_INIT("$anchor"), DATA}, {SLICE_INIT("$dynamicRef"), DATA}, {SLICE_INIT("$dynamicAnchor"), DATA},
	{SLICE_INIT("$recursiveRef"), DATA}, {SLICE_INIT("$recursiveAnchor"), DATA},
	{SLICE_INIT("$vocabulary"), DATA}, {SLICE_INIT("$comment"), DATA}, {SLICE_INIT("const"), DATA},
	{SLICE_INIT("contentEncoding"), DATA}, {SLICE_INIT("contentMediaType"), DATA},
	{SLICE_INIT("default"), DATA}, {SLICE_INIT("dependentRequired"), DATA},
	{SLICE_INIT("deprecated"), DATA}, {SLICE_INIT("description"), DATA}, {SLICE_INIT("enum"), DATA},
	{SLICE_INIT("examples"), DATA}, {SLICE_INIT("exclusiveMaximum"), DATA},
	{SLICE_INIT("exclusiveMinimum"), DATA}, {SLICE_INIT("format"), DATA},
	{SLICE_INIT("maxContains"), DATA}, {SLICE_INIT("maxItems"), DATA}, {SLICE_INIT("maxLength"), DATA},
	{SLICE_INIT("maxProperties"), DATA}, {SLICE_INIT("maximum"), DATA}, {SLICE_INIT("minContains"), DATA},
	{SLICE_INIT("minItems"), DATA}, {SLICE_INIT("minLength"), DATA}, {SLICE_INIT("minProperties"), DATA},
	{SLICE_INIT("minimum"), DATA}, {SLICE_INIT("multipleOf"), DATA}, {SLICE_INIT("pattern"), DATA},
	{SLICE_INIT("readOnly"), DATA}, {SLICE_INIT("required"), DATA}, {SLICE_INIT("title"), DATA},
	{SLICE_INIT("type"), DATA}, {SLICE_INIT("uniqueItems"), DATA}, {SLICE_INIT("writeOnly"), DATA},
	/* AsyncAPI's additions to draft-07 */
	{SLICE_INIT("discriminator"), DATA}, {SLICE_INIT("externalDocs"), DATA},
};
/* clang-format on */

enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static int find_keyword(struct slice name)
{
	for (int i = 0; i < KEYWORDS; i++)
		if (slice_eq(name, keywords[i].name))
			return i;
	return -1;
}

bool schema_keyword_known(struct slice name)
{
	return find_keyword(name) >= 0;
}

/* ---- dialects */

static const struct {
	struct slice uri;
	enum schema_draft draft;
} drafts[] = {
	{SLICE_INIT("https://json-schema.org/draft/2020-12/schema"), SCHEMA_2020_12},
	{SLICE_INIT("https://json-schema.org/draft/2019-09/schema"), SCHEMA_2019_09},
	{SLICE_INIT("http://json-schema.org/draft-07/schema"), SCHEMA_DRAFT_07},
	{SLICE_INIT("https://json-schema.org/draft-07/schema"), SCHEMA_DRAFT_07},
	{SLICE_INIT("http://json-schema.org/draft-06/schema"), SCHEMA_DRAFT_07},
	{SLICE_INIT("http://json-schema.org/schema"), SCHEMA_2020_12},
};

static struct dialect dialect_of_draft(const struct compiler *c, enum schema_draft draft)
{
	return (struct dialect){draft, VOCAB_USUAL | (c->options->formats ? VOCAB_FORMAT : 0)};
}

/* The last part of a vocabulary's URI, if it is one of the official ones. */
static bool official_vocabulary(struct slice uri, struct slice *name)
{
	static const struct slice prefixes[] = {
		SLICE_INIT("https://json-schema.org/draft/2020-12/vocab/"),
		SLICE_INIT("https://json-schema.org/draft/2019-09/vocab/"),
	};

	for (int i = 0; i < 2; i++) {
		if (slice_starts_with(uri, prefixes[i])) {
			*name = slice_from(uri, prefixes[i].len);
			return true;
		}
	}
	return false;
}

static unsigned vocabulary_bit(const struct compiler *c, struct slice name)
{
	if (slice_eq(name, SLICE("applicator")))
		return VOCAB_APPLICATOR | VOCAB_UNEVALUATED * (c->options->draft == SCHEMA_2019_09);
	if (slice_eq(name, SLICE("unevaluated")))
		return VOCAB_UNEVALUATED;
	if (slice_eq(name, SLICE("validation")))
		return VOCAB_VALIDATION;
	if (slice_eq(name, SLICE("format-assertion")))
		return VOCAB_FORMAT;
	return 0;
}

static struct resource *find_resource(struct compiler *c, struct slice uri)
{
	for (struct resource *r = c->resources; r; r = r->next)
		if (slice_eq(r->uri, uri))
			return r;
	for (struct alias *a = c->aliases; a; a = a->next)
		if (slice_eq(a->uri, uri))
			return a->resource;
	return NULL;
}

static struct resource *find_or_load(struct compiler *c, struct slice uri);

/* What a metaschema's $vocabulary turns on. */
static bool read_vocabulary(struct compiler *c, struct resource *meta,
			    const struct json_node *vocabulary, struct dialect *d)
{
	d->vocab = c->options->formats ? VOCAB_FORMAT : 0;
	JSON_EACH_MEMBER (key, vocabulary) {
		struct slice name;
		if (official_vocabulary(json_string(key), &name))
			d->vocab |= vocabulary_bit(c, name);
		else if (json_is_true(json_value_of(key)))
			return schema_refuse(c, meta, key,
					     "this vocabulary is required, but unknown");
	}
	return true;
}

/* What a schema's $schema says. */
static bool read_dialect(struct compiler *c, struct resource *r, const struct json_node *at,
			 struct dialect *d)
{
	struct slice fragment, uri = uri_split_fragment(json_string(at), &fragment);

	if (json_type(at) != JSON_STRING)
		return schema_refuse(c, r, at, "$schema is a text");
	for (size_t i = 0; i < sizeof(drafts) / sizeof(drafts[0]); i++) {
		if (slice_eq(uri, drafts[i].uri)) {
			*d = dialect_of_draft(c, drafts[i].draft);
			return true;
		}
	}
	if (++c->depth > 16)
		return schema_refuse(c, r, at, "metaschemas refer to each other");
	struct resource *meta = find_or_load(c, uri);
	c->depth--;
	if (!meta)
		return schema_refuse(c, r, at, "no such draft or metaschema: %.*s", SLICE_ARG(uri));
	*d = meta->dialect;
	const struct json_node *vocabulary =
		json_member_typed(meta->root, SLICE("$vocabulary"), JSON_OBJECT);
	return !vocabulary || read_vocabulary(c, meta, vocabulary, d);
}

/* ---- walking a document */

static struct resource *add_resource(struct compiler *c, struct document *d,
				     const struct json_node *root, struct slice uri,
				     const struct dialect *dialect)
{
	struct resource *r = schema_alloc(c, 1, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct resource){.uri = uri, .document = d, .root = root, .dialect = *dialect};
	r->number = c->resource_count++;
	r->next = c->resources;
	c->resources = r;
	if (c->resource_count > SCHEMA_RESOURCES_MAX)
		schema_refuse(c, r, root, "too many schemas with an $id of their own");
	return r;
}

static bool add_anchor(struct compiler *c, struct resource *r, struct slice name,
		       const struct json_node *node, bool dynamic)
{
	struct anchor *a;

	for (a = r->anchors; a; a = a->next) {
		if (!slice_eq(a->name, name) || a->dynamic != dynamic)
			continue;
		return a->node == node ||
		       schema_refuse(c, r, node, "a second anchor of the name %.*s",
				     SLICE_ARG(name));
	}
	a = schema_alloc(c, 1, sizeof(*a));
	if (!a)
		return false;
	*a = (struct anchor){name, node, dynamic, r->anchors};
	r->anchors = a;
	return true;
}

/* $id opens a new resource; in draft-07 "#name" is an anchor, and $ref hides its neighbours. */
static struct resource *read_id(struct compiler *c, struct resource *r, struct document *d,
				const struct json_node *schema)
{
	bool old = r->dialect.draft == SCHEMA_DRAFT_07;
	const struct json_node *id = json_member(schema, SLICE("$id"));
	const struct json_node *draft = json_member(schema, SLICE("$schema"));
	struct dialect dialect = r->dialect;
	struct slice fragment;

	if (!id || (old && json_member(schema, SLICE("$ref"))))
		return r;
	if (json_type(id) != JSON_STRING) {
		schema_refuse(c, r, id, "$id is a text");
		return NULL;
	}
	struct slice uri = uri_split_fragment(json_string(id), &fragment);
	if (uri.len == 0 && fragment.len) {
		if (!old)
			schema_refuse(c, r, id, "an $id with a fragment; $anchor is what you mean");
		else
			add_anchor(c, r, fragment, schema, false);
		return c->failed ? NULL : r;
	}
	if (fragment.len && !old) {
		schema_refuse(c, r, id, "an $id with a fragment");
		return NULL;
	}
	if (schema == r->root)
		return r; /* whoever made the resource has read it */
	uri = uri_resolve(r->uri, uri, c->arena);
	if (draft && !read_dialect(c, r, draft, &dialect))
		return NULL;
	struct resource *known = find_resource(c, uri);
	if (known && known->root != schema) {
		schema_refuse(c, r, id, "two schemas have this $id");
		return NULL;
	}
	return known ? known : add_resource(c, d, schema, uri, &dialect);
}

static bool read_anchors(struct compiler *c, struct resource *r, const struct json_node *schema)
{
	const struct json_node *anchor = json_member(schema, SLICE("$anchor"));
	const struct json_node *dynamic = json_member(schema, SLICE("$dynamicAnchor"));
	const struct json_node *recursive = json_member(schema, SLICE("$recursiveAnchor"));

	if (r->dialect.draft == SCHEMA_DRAFT_07)
		return true;
	if ((anchor && json_type(anchor) != JSON_STRING) ||
	    (dynamic && json_type(dynamic) != JSON_STRING))
		return schema_refuse(c, r, anchor ? anchor : dynamic, "an anchor is a text");
	if (anchor && !add_anchor(c, r, json_string(anchor), schema, false))
		return false;
	if (r->dialect.draft == SCHEMA_2019_09)
		return !json_is_true(recursive) || schema != r->root ||
		       add_anchor(c, r, SLICE(" recursive"), schema, true);
	return !dynamic || add_anchor(c, r, json_string(dynamic), schema, true);
}

static bool walk(struct compiler *c, struct resource *r, struct document *d,
		 const struct json_node *schema);

static bool walk_keyword(struct compiler *c, struct resource *r, struct document *d,
			 enum shape shape, const struct json_node *v)
{
	if (shape == DATA)
		return true;
	if (shape == MAP && v->type == JSON_OBJECT) {
		JSON_EACH_MEMBER (key, v)
			if (!walk(c, r, d, json_value_of(key)))
				return false;
	} else if ((shape == SCHEMAS || shape == ANY) && v->type == JSON_ARRAY) {
		JSON_EACH (item, v)
			if (!walk(c, r, d, item))
				return false;
	} else if (shape == SCHEMA || shape == ANY) {
		return walk(c, r, d, v);
	}
	return true;
}

/* Recursion is bounded by the depth of a tape. */
static bool walk(struct compiler *c, struct resource *r, struct document *d,
		 const struct json_node *schema)
{
	if (schema->type != JSON_OBJECT && schema->type != JSON_BOOL)
		return true; /* whoever compiles it will complain */
	struct place *p = &d->places[schema - d->root];
	if (p->resource)
		return true;
	if (schema->type == JSON_OBJECT) {
		r = read_id(c, r, d, schema);
		if (!r || !read_anchors(c, r, schema))
			return false;
	}
	p->resource = r;
	if (schema->type != JSON_OBJECT)
		return true;
	JSON_EACH_MEMBER (key, schema) {
		int i = find_keyword(json_string(key));
		if (i >= 0 && !walk_keyword(c, r, d, keywords[i].shape, json_value_of(key)))
			return false;
	}
	return !c->failed;
}

static struct document *new_document(struct compiler *c, const struct json_node *root)
{
	struct document *d = schema_alloc(c, 1, sizeof(*d));

	if (!d)
		return NULL;
	d->root = root;
	d->nodes = (uint32_t)(json_next(root) - root);
	struct arena *scratch = c->options->scratch ? c->options->scratch : c->arena;
	d->places = alloc(c, scratch, d->nodes, sizeof(*d->places));
	d->next = c->documents;
	c->documents = d;
	return d->places ? d : NULL;
}

/* The root's URI: what it says itself, or else where it was found. */
static struct slice root_uri(struct compiler *c, const struct json_node *root, struct slice found,
			     enum schema_draft draft)
{
	const struct json_node *id = json_member_typed(root, SLICE("$id"), JSON_STRING);
	struct slice fragment, uri = uri_split_fragment(json_string(id), &fragment);

	if (!id || uri.len == 0 || (draft == SCHEMA_DRAFT_07 && json_member(root, SLICE("$ref"))))
		return found;
	return uri_resolve(found, uri, c->arena);
}

struct resource *schema_add_document(struct compiler *c, const struct json_node *root,
				     struct slice uri, const struct dialect *dialect)
{
	struct document *d = new_document(c, root);
	const struct json_node *draft = json_member(root, SLICE("$schema"));
	struct dialect own = dialect ? *dialect : dialect_of_draft(c, c->options->draft);
	struct resource *r = d ? add_resource(c, d, root, uri, &own) : NULL;

	if (!r)
		return NULL;
	if (root->type == JSON_OBJECT && draft && !read_dialect(c, r, draft, &r->dialect))
		return NULL;
	struct slice named = root_uri(c, root, uri, r->dialect.draft);
	struct alias *alias = schema_alloc(c, 1, sizeof(*alias));
	if (!alias)
		return NULL;
	*alias = (struct alias){uri, r, c->aliases};
	c->aliases = alias;
	r->uri = named;
	return walk(c, r, d, root) ? r : NULL;
}

/* ---- loading */

static const struct json_node *read_builtin(struct compiler *c, struct slice uri)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;

	for (unsigned i = 0; i < meta_document_count; i++) {
		if (!slice_eq(meta_documents[i].uri, uri))
			continue;
		if (json_read(meta_documents[i].text, &limits, c->arena, &doc)) {
			schema_refuse(c, NULL, NULL, "out of memory");
			c->no_memory = true;
		}
		return doc.root;
	}
	return NULL;
}

static struct resource *find_or_load(struct compiler *c, struct slice uri)
{
	struct resource *r = find_resource(c, uri);

	if (r || c->failed)
		return r;
	const struct json_node *root = read_builtin(c, uri);
	if (!root && !c->failed && c->options->resolve)
		root = c->options->resolve(c->options->with, uri);
	if (!root || c->failed)
		return NULL;
	return schema_add_document(c, root, uri, NULL);
}

/* ---- references */

struct place *schema_place(struct compiler *c, struct resource *r, const struct json_node *node)
{
	struct place *p = &r->document->places[node - r->document->root];

	if (!p->resource && !walk(c, r, r->document, node))
		return NULL;
	return p->resource ? p : NULL;
}

const struct json_node *schema_walk(struct compiler *c, struct resource **r, struct slice pointer)
{
	const struct json_node *v = (*r)->root;
	struct slice rest = slice_from(pointer, 1), segment;
	bool more = pointer.len > 0;

	if (!json_pointer_valid(pointer))
		return NULL;
	while (v && slice_next(&rest, &more, '/', &segment)) {
		/* The slash is in front of every segment. */
		v = json_pointer_get(
			v, slice_of(segment.data ? segment.data - 1 : "/", segment.len + 1));
		if (!v)
			return NULL;
		struct place *p = &(*r)->document->places[v - (*r)->document->root];
		if (p->resource)
			*r = p->resource;
	}
	(void)c;
	return v;
}

static const struct json_node *find_anchor(const struct resource *r, struct slice name,
					   bool *dynamic)
{
	const struct json_node *found = NULL;

	for (struct anchor *a = r->anchors; a; a = a->next) {
		if (!slice_eq(a->name, name))
			continue;
		found = a->node;
		if (dynamic && a->dynamic)
			*dynamic = true;
	}
	return found;
}

const struct json_node *schema_follow(struct compiler *c, struct resource *r,
				      const struct json_node *from, struct resource **target,
				      bool *dynamic)
{
	struct slice fragment, uri = uri_split_fragment(json_string(from), &fragment);
	const struct json_node *found = NULL;

	if (json_type(from) != JSON_STRING) {
		schema_refuse(c, r, from, "a reference is a text");
		return NULL;
	}
	*target = r;
	if (uri.len) {
		uri = uri_resolve(r->uri, uri, c->arena);
		*target = find_or_load(c, uri);
	}
	fragment = uri_decode(fragment, c->arena);
	if (*target && fragment.data) {
		if (fragment.len == 0)
			found = (*target)->root;
		else if (fragment.data[0] == '/')
			found = schema_walk(c, target, fragment);
		else
			found = find_anchor(*target, fragment, dynamic);
	}
	if (!found && !c->failed)
		schema_refuse(c, r, from, *target ? "%.*s is not there" : "%.*s is not known",
			      SLICE_ARG(json_string(from)));
	return found;
}
