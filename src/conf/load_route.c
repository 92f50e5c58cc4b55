/* SPDX-License-Identifier: Apache-2.0 */
/* `routes`: one reader per part; origins, upstreams and replies have files of their own. */
#include "conf/load_priv.h"
#include "http/header.h"

static void read_identify(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *list = load_get(route, SET_ROUTE_IDENTIFY);
	struct load_items names = load_items(list);
	size_t *indexes = load_room(l, load_count(list), sizeof(*indexes));
	size_t count = 0;
	bool anyone = false;

	if (list && list->kind == YAML_LIST && list->count == 0) {
		diag_add(l->diag, DIAG_ERROR, list->at,
			 "`identify` is empty: nobody could connect");
		diag_help(l->diag, "name an identity, or write `identify: anyone` in words");
	}
	for (const struct yaml_node *name; indexes && (name = load_next(&names));) {
		size_t index;
		if (!load_text(name).len || !load_identity_index(l, name, &index))
			continue;
		if (anyone) {
			diag_add(l->diag, DIAG_ERROR, name->at,
				 "`%.*s` is never asked for: before it stands one that lets "
				 "everybody in",
				 SLICE_ARG(name->text));
			diag_help(l->diag, "put the identity of the kind `anyone` last");
		}
		anyone = anyone || l->s->identities[index].kind == CONF_IDENTITY_ANYONE;
		indexes[count++] = index;
	}
	out->identify = indexes;
	out->identify_count = count;
}

static void check_leads_somewhere(struct load *l, const struct yaml_node *route)
{
	const struct yaml_node *upstream = load_get(route, SET_ROUTE_UPSTREAM);
	const struct yaml_node *hub = load_get(route, SET_ROUTE_HUB);

	if (upstream && hub) {
		diag_add(l->diag, DIAG_ERROR, hub->key_at,
			 "a route has an `upstream` or a `hub`, not both");
	} else if (!upstream && !hub) {
		diag_add(l->diag, DIAG_ERROR, route->at, "the route has no `upstream`");
		diag_help(l->diag, "%s", setting_of(SET_ROUTE_UPSTREAM)->help);
	}
}

static void read_subprotocols(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *list = load_get(route, SET_ROUTE_SUBPROTOCOLS);
	struct load_items items = load_items(list);

	for (const struct yaml_node *item; (item = load_next(&items));) {
		struct slice text = load_text(item);
		if (!text.len)
			continue;
		if (!http_token_ok(text)) {
			diag_add(l->diag, DIAG_ERROR, item->at, "`%.*s` cannot be a subprotocol",
				 SLICE_ARG(slice_first(text, 80)));
			diag_help(l->diag, "a subprotocol is letters, digits and !#$%%&'*+-.^_`|~");
		} else if (slice_starts_with(text, SLICE("sallyport."))) {
			diag_add(l->diag, DIAG_ERROR, item->at,
				 "subprotocols that begin with `sallyport.` are the gateway's own");
		}
	}
	out->subprotocols = load_texts(l, list);
}

static void read_on_refusal(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *node = load_get(route, SET_ROUTE_ON_REFUSAL);
	const struct yaml_node *reply = load_get(node, SET_REPLY);

	if (load_is(route, SET_ROUTE_ON_REFUSAL, "drop"))
		out->on_refusal = CONF_ON_REFUSAL_DROP;
	else if (reply && load_reply(l, reply, &out->reply_parts))
		out->on_refusal = CONF_ON_REFUSAL_REPLY;
}

static void check_header(struct load *l, const struct yaml_node *item)
{
	struct slice name = load_text(item);

	if (!name.len)
		return;
	if (!http_token_ok(name)) {
		diag_add(l->diag, DIAG_ERROR, item->at, "no header can be called `%.*s`",
			 SLICE_ARG(slice_first(name, 80)));
	} else if (slice_index(name, '_') < name.len) {
		diag_add(l->diag, DIAG_ERROR, item->at,
			 "`%.*s` is never forwarded: many servers take "
			 "`_` for `-`",
			 SLICE_ARG(slice_first(name, 80)));
		diag_help(l->diag, "use a name with `-`");
	} else if (!http_header_forwardable(name)) {
		diag_add(l->diag, DIAG_ERROR, item->at, "`%.*s` is never forwarded from a client",
			 SLICE_ARG(slice_first(name, 80)));
		diag_help(l->diag,
			  "it belongs to one hop only, or says who somebody is: the gateway "
			  "says that itself");
	}
}

/* The same name in another case; the same text was noticed already. */
static void check_header_is_new(struct load *l, const struct yaml_node *list,
				const struct yaml_node *item)
{
	struct load_items items = load_items(list);

	for (const struct yaml_node *before; (before = load_next(&items)) && before != item;) {
		if (!slice_eq_icase(load_text(before), load_text(item)) ||
		    slice_eq(load_text(before), load_text(item)))
			continue;
		diag_add(l->diag, DIAG_ERROR, item->at, "`%.*s` is there twice",
			 SLICE_ARG(slice_first(load_text(item), 80)));
		return;
	}
}

static void read_headers(struct load *l, const struct yaml_node *list, struct conf_route *out)
{
	struct load_items items = load_items(list);
	struct slice *all = load_room(l, load_count(list), sizeof(*all));
	size_t count = 0;

	for (const struct yaml_node *item; all && (item = load_next(&items));) {
		check_header(l, item);
		check_header_is_new(l, list, item);
		all[count++] = load_lower(l, load_text(item));
	}
	out->forward_headers = (struct conf_texts){all, count};
}

static void read_forward(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *forward = load_get(route, SET_ROUTE_FORWARD);
	const struct yaml_node *query = load_get(forward, SET_FORWARD_QUERY);
	const struct yaml_node *assertion = load_get(forward, SET_FORWARD_ASSERTION);
	struct load_items items = load_items(query);

	read_headers(l, load_get(forward, SET_FORWARD_HEADERS), out);
	out->forward_assertion = assertion && yaml_scalar_type(assertion) == YAML_TYPE_TRUE;
	l->s->assertions |= out->forward_assertion;
	l->keys_needed |= out->forward_assertion;
	for (const struct yaml_node *item; (item = load_next(&items));) {
		if (!slice_eq(load_text(item), SLICE("ticket")) &&
		    !slice_eq(load_text(item), SLICE("csrf")))
			continue;
		diag_add(l->diag, DIAG_ERROR, item->at,
			 "`%.*s` carries a credential and never "
			 "reaches the application",
			 SLICE_ARG(item->text));
	}
	out->forward_query = load_texts(l, query);
}

static void read_route_limits(const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *limits = load_get(route, SET_ROUTE_LIMITS);

	load_fields(SECTION_ROUTE_LIMITS, limits, &out->limits);
	load_fields(SECTION_JSON_LIMITS, load_get(limits, SET_JSON), &out->limits);
	out->limits.has_cost = load_get(limits, SET_COST) != NULL;
	if (!load_get(limits, SET_INFLATED))
		out->limits.inflated = out->limits.message_size;
}

static void read_path(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *path = load_get(route, SET_ROUTE_PATH);

	if (!load_text(path).len || !load_path(l, path, path->text, "the path", &out->path))
		return;
	if (out->path.count > 0 && !out->path.segments[0].parameter &&
	    slice_eq(out->path.segments[0].text, SLICE(".sallyport")))
		diag_add(l->diag, DIAG_ERROR, path->at,
			 "paths below `/.sallyport/` are the gateway's own");
}

static void read_route(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	out->line = route->at.line;
	read_path(l, route, out);
	load_origins(l, route, out);
	read_identify(l, route, out);
	check_leads_somewhere(l, route);
	load_upstreams(l, route, out);
	read_subprotocols(l, route, out);
	read_on_refusal(l, route, out);
	out->observe = load_is(route, SET_ROUTE_MODE, "observe");
	out->compression = load_is(route, SET_ROUTE_COMPRESSION, "on");
	read_route_limits(route, out);
	read_forward(l, route, out);
	load_contract(l, route, out);
	load_rules(l, route, out);
}

/* The same path twice: which of the two would decide? */
static void check_unique(struct load *l, const struct yaml_node *route,
			 const struct conf_route *all, size_t index)
{
	const struct yaml_node *path = load_get(route, SET_ROUTE_PATH);

	for (size_t i = 0; path && all[index].path.text.len && i < index; i++) {
		if (!all[i].path.text.len || !load_path_same(&all[i].path, &all[index].path))
			continue;
		diag_add(l->diag, DIAG_ERROR, path->at, "another route has the same path already");
		diag_help(l->diag, "it is in line %u: `%.*s`", all[i].line,
			  SLICE_ARG(all[i].path.text));
		return;
	}
}

static int compare(const void *a, const void *b)
{
	const struct conf_route *x = a, *y = b;
	int order = load_path_compare(&x->path, &y->path);

	if (order)
		return order;
	return x->index < y->index ? -1 : 1;
}

void load_routes(struct load *l)
{
	const struct yaml_node *list = load_get(l->root, SET_ROUTES);
	struct load_items items = load_items(list);
	struct conf_route *all = load_room(l, load_count(list), sizeof(*all));
	size_t count = 0;

	for (const struct yaml_node *route; all && (route = load_next(&items));) {
		if (route->kind != YAML_MAP)
			continue;
		all[count].index = (uint32_t)count;
		read_route(l, route, &all[count]);
		check_unique(l, route, all, count);
		count++;
	}
	if (count)
		qsort(all, count, sizeof(*all), compare);
	for (size_t i = 0; i < count; i++)
		all[i].index = (uint32_t)i;
	l->s->routes = all;
	l->s->route_count = count;
}
