/* SPDX-License-Identifier: Apache-2.0 */
/* `upstream`: where a route leads. */
#include "conf/load_priv.h"

enum { SUN_PATH_MAX = 107 };

static bool refuse(struct load *l, const struct yaml_node *node, const char *fault,
		   const char *help)
{
	diag_add(l->diag, DIAG_ERROR, node->at, "upstream `%.*s`: %s",
		 SLICE_ARG(slice_first(node->text, 120)), fault);
	if (help)
		diag_help(l->diag, "%s", help);
	return false;
}

static bool check_url(struct load *l, const struct yaml_node *node, const struct url *u)
{
	if (u->scheme == HTTP_SCHEME_HTTP || u->scheme == HTTP_SCHEME_HTTPS)
		return refuse(l, node, "a route leads to a WebSocket application",
			      u->scheme == HTTP_SCHEME_HTTPS ? "did you mean `wss://`?"
							     : "did you mean `ws://`?");
	if (u->has_query)
		return refuse(l, node, "an upstream has no query",
			      "`forward: {query: [name]}` passes parameters on");
	if (u->scheme == HTTP_SCHEME_WS_UNIX && u->unix_path.len > SUN_PATH_MAX)
		return refuse(l, node, "the path of the socket is longer than 107 bytes", NULL);
	if (u->scheme != HTTP_SCHEME_WS_UNIX && u->port == 0)
		return refuse(l, node, "port 0 is no place to connect to", NULL);
	return true;
}

/* Each parameter must be one that the route's path has. */
static void check_parameters(struct load *l, const struct yaml_node *node,
			     const struct conf_path *path, const struct conf_path *route)
{
	struct slice known[64];
	size_t count = 0;

	for (size_t i = 0; i < route->count && count < 64; i++)
		if (route->segments[i].parameter)
			known[count++] = route->segments[i].text;
	for (size_t i = 0; i < path->count; i++) {
		bool found = !path->segments[i].parameter;
		for (size_t k = 0; k < count; k++)
			found = found || slice_eq(known[k], path->segments[i].text);
		if (found)
			continue;
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "the upstream's `{%.*s}` is no parameter of the route's path",
			 SLICE_ARG(path->segments[i].text));
		struct slice near = diag_nearest(path->segments[i].text, known, count);
		if (near.len)
			diag_help(l->diag, "did you mean `{%.*s}`?", SLICE_ARG(near));
		else
			diag_help(l->diag, "the path is `%.*s`", SLICE_ARG(route->text));
	}
	if (path->prefix && !route->prefix) {
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "the upstream ends in `/*`, and the route's path does not");
		diag_help(l->diag, "the asterisk stands for what the route's own asterisk matched");
	}
}

static struct slice authority_of(struct load *l, const struct url *u)
{
	char room[300];

	if (u->scheme == HTTP_SCHEME_WS_UNIX)
		return SLICE("localhost");
	struct slice text = url_authority(u, room, sizeof(room));
	return load_copy(l, text.data ? text : SLICE(""));
}

static bool read_one(struct load *l, const struct yaml_node *node, const struct conf_route *route,
		     struct conf_upstream *out)
{
	struct url u;
	const char *fault = url_parse(node->text, &u);

	if (fault)
		return refuse(
			l, node, fault,
			"write `ws://127.0.0.1:9001/chat`, or `ws+unix:///run/app.sock:/chat`");
	if (!check_url(l, node, &u))
		return false;
	out->url = load_copy(l, node->text);
	out->tls = u.scheme == HTTP_SCHEME_WSS;
	out->host = load_copy(l, u.host);
	out->port = u.port;
	out->unix_path = load_copy(l, u.unix_path);
	out->authority = authority_of(l, &u);
	if (u.path.len == 0) {
		out->path = route->path;
		return true;
	}
	if (!load_path(l, node, u.path, "the upstream's path", &out->path))
		return false;
	check_parameters(l, node, &out->path, &route->path);
	return true;
}

void load_upstreams(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *list = load_get(route, SET_ROUTE_UPSTREAM);
	struct load_items items = load_items(list);
	struct conf_upstream *all = load_room(l, load_count(list), sizeof(*all));
	size_t count = 0;

	if (list && list->kind == YAML_LIST && list->count == 0)
		diag_add(l->diag, DIAG_ERROR, list->at,
			 "`upstream` is empty: the route leads nowhere");
	for (const struct yaml_node *item; all && (item = load_next(&items));)
		if (load_text(item).len && read_one(l, item, out, &all[count]))
			count++;
	out->upstreams = all;
	out->upstream_count = count;
}

/* A site's application speaks HTTP; the client's own path is put behind the one written here. */
void load_site_upstream(struct load *l, const struct yaml_node *node, struct conf_site *out)
{
	struct url u;
	const char *fault = url_parse(node->text, &u);
	bool http = !fault && (u.scheme == HTTP_SCHEME_HTTP || u.scheme == HTTP_SCHEME_HTTPS);

	if (!http || u.has_query || u.port == 0) {
		refuse(l, node, fault ? fault : "pages come from an HTTP application",
		       "write `http://127.0.0.1:3000`");
		return;
	}
	struct conf_upstream *up = &out->upstream;
	up->url = load_copy(l, node->text);
	up->tls = u.scheme == HTTP_SCHEME_HTTPS;
	up->host = load_copy(l, u.host);
	up->port = u.port;
	up->authority = authority_of(l, &u);
	if (u.path.len > 1 && !load_path(l, node, u.path, "the upstream's path", &up->path))
		return;
	for (size_t i = 0; i < up->path.count; i++)
		if (up->path.segments[i].parameter || up->path.prefix)
			refuse(l, node, "its path has neither parameters nor an asterisk", NULL);
	out->has_upstream = true;
}
