/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings about what is allowed and probably not meant: things that nobody uses, limits that
 * contradict each other, doors that nobody can come through.
 */
#include "conf/load_priv.h"

static bool identity_is_used(const struct snapshot *s, size_t index)
{
	for (size_t r = 0; r < s->route_count; r++)
		for (size_t i = 0; i < s->routes[r].identify_count; i++)
			if (s->routes[r].identify[i] == index)
				return true;
	for (size_t i = 0; i < s->identity_count; i++)
		for (size_t k = 0; k < s->identities[i].ticket.from_count; k++)
			if (s->identities[i].ticket.from[k] == index)
				return true;
	return false;
}

static void lint_identities(struct load *l)
{
	const struct yaml_node *map = load_get(l->root, SET_IDENTITY);
	size_t at = 0;

	if (!map || map->kind != YAML_MAP)
		return;
	YAML_EACH (item, map) {
		const struct conf_identity *identity = &l->s->identities[at];
		if (identity->kind != CONF_IDENTITY_NONE && !identity_is_used(l->s, at))
			diag_add(l->diag, DIAG_WARNING, item->key_at,
				 "no route and no ticket uses the identity `%.*s`",
				 SLICE_ARG(item->key));
		if (identity->kind == CONF_IDENTITY_TICKET && !identity->ticket.from_count &&
		    !load_get(load_get(item, SET_IDENTITY_TICKET), SET_TICKET_FROM) &&
		    !l->s->admin.on) {
			diag_add(l->diag, DIAG_WARNING, item->key_at,
				 "nobody can get a ticket: `%.*s` has no `from`, and there is no "
				 "`admin` listener",
				 SLICE_ARG(item->key));
			diag_help(l->diag,
				  "name the credentials with which one may ask for a ticket");
		}
		at++;
	}
}

static const struct conf_route *route_at_line(const struct snapshot *s, uint32_t line)
{
	for (size_t i = 0; i < s->route_count; i++)
		if (s->routes[i].line == line)
			return &s->routes[i];
	return NULL;
}

/* Programs send no Origin, and without one a cookie is no credential. */
static void lint_programs(struct load *l, const struct yaml_node *node,
			  const struct conf_route *route)
{
	bool only_cookies = route->identify_count > 0;

	for (size_t i = 0; i < route->identify_count; i++)
		if (l->s->identities[route->identify[i]].kind != CONF_IDENTITY_COOKIE)
			only_cookies = false;
	if (!route->origins.missing_allowed || !only_cookies)
		return;
	const struct yaml_node *missing =
		load_get(load_get(node, SET_ROUTE_ORIGINS), SET_ORIGINS_MISSING);
	diag_add(l->diag, DIAG_WARNING, missing ? missing->at : node->at,
		 "`missing: allowed` lets no program in: without Origin a cookie is no credential, "
		 "and the route takes nothing else");
	diag_help(l->diag, "add a ticket to `identify`");
}

static void lint_route_limits(struct load *l, const struct yaml_node *node,
			      const struct conf_route *route)
{
	const struct conf_route_limits *limits = &route->limits;
	const struct yaml_node *map = load_get(node, SET_ROUTE_LIMITS);
	const struct yaml_node *size = load_get(map, SET_MESSAGE_SIZE);
	const struct yaml_node *bytes = load_get(map, SET_BYTES);
	const struct yaml_node *server = load_get(map, SET_SERVER_MESSAGE_SIZE);
	const struct yaml_node *buffered = load_get(map, SET_ROUTE_BUFFERED);

	if ((size || bytes) && !limits->bytes.unlimited &&
	    limits->bytes.burst < limits->message_size) {
		diag_add(l->diag, DIAG_WARNING, size ? size->at : bytes->at,
			 "a message of `message_size` never passes: it is longer than the burst of "
			 "`bytes`");
		diag_help(l->diag, "write a burst of at least `message_size` behind `bytes`");
	}
	if ((server || buffered) && limits->buffered < limits->server_message_size) {
		diag_add(l->diag, DIAG_WARNING, server ? server->at : buffered->at,
			 "a message of `server_message_size` does not fit into `buffered`");
		diag_help(l->diag, "raise `buffered` to at least `server_message_size`");
	}
}

static void lint_routes(struct load *l)
{
	struct load_items items = load_items(load_get(l->root, SET_ROUTES));

	for (const struct yaml_node *node; (node = load_next(&items));) {
		const struct conf_route *route =
			node->kind == YAML_MAP ? route_at_line(l->s, node->at.line) : NULL;
		if (!route)
			continue;
		lint_programs(l, node, route);
		lint_route_limits(l, node, route);
		load_lint_rules(l, node, route);
	}
}

/* A listener on all addresses has no name of its own. */
static void lint_names(struct load *l)
{
	const struct snapshot *s = l->s;
	const struct yaml_node *listen = load_get(l->root, SET_LISTEN);

	if (s->hosts.count || s->tls.count || s->tls.development)
		return;
	for (size_t i = 0; i < s->listener_count; i++)
		if (!address_is_unspecified(&s->listeners[i].address))
			return;
	diag_add(l->diag, DIAG_WARNING, listen->key_at,
		 "every request gets 421: no name is ours, as the listeners stand for all "
		 "addresses");
	diag_help(l->diag, "name the hosts: `hosts: [chat.example.com]`");
}

static void lint_use(struct load *l)
{
	const struct snapshot *s = l->s;
	const struct yaml_node *tls = load_get(l->root, SET_TLS);
	bool used = s->admin.on && s->admin.listener.tls;

	for (size_t i = 0; i < s->listener_count; i++)
		used = used || s->listeners[i].tls;
	if (tls && !used)
		diag_add(l->diag, DIAG_WARNING, tls->key_at, "no listener uses `tls`");
	if (!load_count(load_get(l->root, SET_ROUTES)) && !load_count(load_get(l->root, SET_SITE)))
		diag_add(l->diag, DIAG_WARNING, l->root->at,
			 "there are no `routes` and no `site`: every path is refused");
}

void load_lint(struct load *l)
{
	lint_identities(l);
	lint_routes(l);
	lint_names(l);
	lint_use(l);
	load_lint_peer(l);
}
