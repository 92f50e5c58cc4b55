/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `contract`: the AsyncAPI document of a route. Routes with the same file, channel and side
 * share what was read.
 */
#include "conf/load_priv.h"

enum { NAMES_SHOWN = 6 };

static bool is_none(const struct yaml_node *contract)
{
	return contract && contract->kind == YAML_SCALAR && slice_eq(contract->text, SLICE("none"));
}

/* The names of the document's channels, for the help line. */
static struct slice channel_names(struct load *l, struct slice uri)
{
	const struct json_node *channels =
		json_member_typed(load_document_known(l, uri), SLICE("channels"), JSON_OBJECT);
	struct slice list = {NULL, 0};
	size_t count = 0;

	if (channels)
		JSON_EACH_MEMBER (key, channels) {
			if (count++ == NAMES_SHOWN)
				break;
			list = arena_printf(l->arena, "%.*s%s`%.*s`", SLICE_ARG(list),
					    list.len ? ", " : "",
					    SLICE_ARG(slice_first(json_string(key), 60)));
		}
	return count > NAMES_SHOWN ? arena_printf(l->arena, "%.*s, ...", SLICE_ARG(list)) : list;
}

/* What is wrong with the contract, where it is. */
static void complain(struct load *l, const struct yaml_node *node, struct slice uri, bool by_path,
		     const struct contract_error *e)
{
	/* Why a document could not be had; empty: its own lines were shown. */
	struct slice fault = l->document_fault;

	if (!load_document_known(l, uri)) {
		if (!fault.len)
			return;
		diag_add(l->diag, DIAG_ERROR, node->at, "the contract: %.*s", SLICE_ARG(fault));
		diag_help(l->diag, "paths are relative to the file that names them");
		return;
	}
	load_document_error(l, e->document.len ? e->document : uri, e->pointer, e->sentence);
	if (e->suggestion.len)
		diag_help(l->diag, "did you mean `%.*s`?", SLICE_ARG(e->suggestion));
	else if (fault.len)
		diag_help(l->diag, "%.*s", SLICE_ARG(fault));
	else if (slice_starts_with(e->sentence, SLICE("no channel")) ||
		 slice_starts_with(e->sentence, SLICE("several channels")))
		diag_help(l->diag,
			  "%sthe channel is written behind the file, `contract: "
			  "file#/channels/NAME`, NAME being one of %.*s",
			  by_path ? "it was looked for by the route's path; " : "",
			  SLICE_ARG(channel_names(l, uri)));
}

static bool has_messages(struct load *l, const struct yaml_node *node, const struct contract *c)
{
	if (c->count)
		return true;
	diag_add(l->diag, DIAG_ERROR, node->at,
		 "the channel `%.*s` has no messages: no operation of the document speaks of it",
		 SLICE_ARG(slice_first(c->channel, 80)));
	diag_help(l->diag, "AsyncAPI 3 says what is sent and received in `operations`, AsyncAPI 2 "
			   "in `publish` and `subscribe` of the channel");
	return false;
}

static const struct contract *load_new(struct load *l, const struct yaml_node *node,
				       struct load_contract *entry, bool by_path)
{
	const struct contract_source source = {.document = load_document, .with = l};
	struct contract *c = load_room(l, 1, sizeof(*c));
	struct contract_error error;

	if (!c)
		return NULL;
	int r = asyncapi_load(&source, entry->uri, entry->channel, entry->describes_client,
			      l->arena, c, &error);
	if (r == CONTRACT_REFUSED)
		complain(l, node, entry->uri, by_path, &error);
	else if (r)
		l->arena->overflow = true;
	return r || !has_messages(l, node, c) ? NULL : c;
}

static const struct load_contract *find(const struct load *l, const struct load_contract *wanted)
{
	for (const struct load_contract *c = l->contracts; c; c = c->next)
		if (slice_eq(c->uri, wanted->uri) && slice_eq(c->channel, wanted->channel) &&
		    c->describes_client == wanted->describes_client)
			return c;
	return NULL;
}

/* Does some schema ask for integers that a double does not hold? */
static bool says_int64(const struct load *l)
{
	for (const struct load_document *d = l->documents; d; d = d->next) {
		const struct json_node *end = json_next(d->root);
		for (const struct json_node *v = d->root; v != end; v++)
			if ((v->flags & JSON_IS_KEY) && slice_eq(json_string(v), SLICE("format")) &&
			    slice_eq(json_string(v + 1), SLICE("int64")))
				return true;
	}
	return false;
}

static void read_file(struct load *l, const struct yaml_node *node, bool describes_client,
		      struct conf_route *out)
{
	size_t hash = slice_index(node->text, '#');
	bool by_path = hash + 1 >= node->text.len;
	struct load_contract wanted = {.describes_client = describes_client};

	out->messages.file = load_file_path(l, slice_first(node->text, hash));
	wanted.uri = load_document_uri(l, out->messages.file);
	wanted.channel = load_copy(l, by_path ? out->path.text : slice_from(node->text, hash + 1));
	if (!wanted.uri.data || !wanted.channel.len)
		return;
	const struct load_contract *known = find(l, &wanted);
	if (!known) {
		struct load_contract *entry = load_room(l, 1, sizeof(*entry));
		if (!entry)
			return;
		*entry = wanted;
		entry->next = l->contracts;
		entry->contract = load_new(l, node, entry, by_path);
		l->contracts = entry;
		known = entry;
	}
	out->messages.contract = known->contract;
	out->messages.big_integers = known->contract && says_int64(l);
}

void load_contract(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *contract = load_get(route, SET_ROUTE_CONTRACT);
	const struct yaml_node *file = contract;

	if (is_none(contract))
		return;
	if (!contract && !load_get(route, SET_ROUTE_HUB)) {
		diag_add(l->diag, DIAG_ERROR, route->at, "the route has no `contract`");
		diag_help(l->diag, "name the application's AsyncAPI document, or write `contract: "
				   "none`, in words: what messages say is then not checked");
	}
	if (!contract)
		return;
	out->messages.judged = true;
	if (contract->kind == YAML_MAP)
		file = load_get(contract, SET_CONTRACT_FILE);
	out->messages.frames_any = load_is(contract, SET_CONTRACT_FRAMES, "any");
	if (load_text(file).len)
		read_file(l, file, load_is(contract, SET_CONTRACT_DESCRIBES, "client"), out);
}
