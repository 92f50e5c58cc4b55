/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `origins`: which pages may connect.
 *
 * Origins are written exactly as browsers send them, so that the file can be compared with
 * a log line by eye. Whatever is nearly right is refused with the right form beside it.
 */
#include "conf/load_priv.h"

/* The form that a browser would send for this text, or an empty slice. */
static struct slice serialised(struct load *l, struct slice text, char room[256])
{
	struct url u;
	char authority[200];
	struct slice lower = load_lower(l, text);

	if (!lower.len || url_parse(lower, &u) || u.scheme == HTTP_SCHEME_WS_UNIX)
		return slice_of(NULL, 0);
	struct slice host = url_authority(&u, authority, sizeof(authority));
	if (!host.data || !host.len)
		return slice_of(NULL, 0);
	int len = snprintf(room, 256, "%s://%.*s", http_scheme_is_tls(u.scheme) ? "https" : "http",
			   SLICE_ARG(host));
	return len > 0 && len < 256 ? slice_of(room, (size_t)len) : slice_of(NULL, 0);
}

static const char *fault_of(struct slice text, const struct http_origin *o)
{
	if (slice_index(text, '*') < text.len)
		return "origins have no wildcards: whoever controls any name that matches would be "
		       "in";
	if (o->kind == HTTP_ORIGIN_NULL)
		return "`null` is what every sandboxed frame and every file sends";
	if (o->kind == HTTP_ORIGIN_MALFORMED)
		return "not an origin as browsers write it";
	if (o->scheme == HTTP_SCHEME_WS || o->scheme == HTTP_SCHEME_WSS)
		return "an origin is that of the page, not of the socket";
	if (slice_eq(o->scheme_text, SLICE("file")))
		return "pages from files send `null`, which equals nothing";
	return NULL;
}

static bool default_port_written(struct slice text, const struct http_origin *o)
{
	return (o->scheme == HTTP_SCHEME_HTTP && slice_ends_with(text, SLICE(":80"))) ||
	       (o->scheme == HTTP_SCHEME_HTTPS && slice_ends_with(text, SLICE(":443")));
}

static bool check_origin(struct load *l, const struct yaml_node *item)
{
	char room[256];
	struct http_origin o = http_origin_parse(item->text);
	const char *fault = fault_of(item->text, &o);

	if (!fault && default_port_written(item->text, &o))
		fault = "browsers leave the scheme's own port out";
	if (!fault)
		return true;
	diag_add(l->diag, DIAG_ERROR, item->at, "`%.*s`: %s",
		 SLICE_ARG(slice_first(item->text, 120)), fault);
	struct slice right = serialised(l, item->text, room);
	if (right.len && slice_index(right, '*') == right.len)
		diag_help(l->diag, "write `%.*s`", SLICE_ARG(right));
	else
		diag_help(l->diag, "write scheme, host and port and nothing else: "
				   "`https://chat.example.com`");
	return false;
}

static void read_list(struct load *l, const struct yaml_node *list, struct conf_origins *out)
{
	struct load_items items = load_items(list);
	struct slice *all = load_room(l, load_count(list), sizeof(*all));
	size_t count = 0;

	for (const struct yaml_node *item; all && (item = load_next(&items));) {
		if (!load_text(item).len)
			continue;
		if (slice_eq(item->text, SLICE("same")))
			out->same = true;
		else if (check_origin(l, item))
			all[count++] = load_copy(l, item->text);
	}
	out->list = (struct conf_texts){all, count};
}

void load_origins(struct load *l, const struct yaml_node *route, struct conf_route *out)
{
	const struct yaml_node *origins = load_get(route, SET_ROUTE_ORIGINS);
	const struct yaml_node *list = origins;

	if (origins && origins->kind == YAML_MAP) {
		list = load_get(origins, SET_ORIGINS_ALLOW);
		out->origins.missing_allowed = load_is(origins, SET_ORIGINS_MISSING, "allowed");
	}
	if (!list) {
		out->origins.same = true;
		return;
	}
	if (list->kind == YAML_LIST && list->count == 0 && !out->origins.missing_allowed) {
		diag_add(l->diag, DIAG_ERROR, list->at,
			 "`origins` is empty: no page could connect");
		diag_help(l->diag, "leave it out for pages of the same origin, or list others");
		return;
	}
	read_list(l, list, &out->origins);
}
