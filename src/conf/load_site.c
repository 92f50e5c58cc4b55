/* SPDX-License-Identifier: Apache-2.0 */
/* `site`: folders of files that are served beside the routes. */
#include "conf/load_priv.h"

static void read_path(struct load *l, const struct yaml_node *site, struct conf_site *out)
{
	const struct yaml_node *path = load_get(site, SET_SITE_PATH);

	if (!load_text(path).len || !load_path(l, path, path->text, "the path", &out->path))
		return;
	for (size_t i = 0; i < out->path.count; i++) {
		if (!out->path.segments[i].parameter)
			continue;
		diag_add(l->diag, DIAG_ERROR, path->at, "a site's path has no parameters");
		diag_help(l->diag, "write the exact path, or `/*` behind a folder");
	}
	if (out->path.count > 0 && slice_eq(out->path.segments[0].text, SLICE(".sallyport")))
		diag_add(l->diag, DIAG_ERROR, path->at,
			 "paths below `/.sallyport/` are the gateway's own");
	for (size_t i = 0; i < l->s->route_count; i++) {
		if (!load_path_same(&l->s->routes[i].path, &out->path))
			continue;
		diag_add(l->diag, DIAG_ERROR, path->at,
			 "a route has the same path, and routes go first");
		diag_help(l->diag, "the route is in line %u", l->s->routes[i].line);
	}
}

static void read_root(struct load *l, const struct yaml_node *site, struct conf_site *out)
{
	const struct yaml_node *root = load_get(site, SET_SITE_ROOT);
	const struct yaml_node *upstream = load_get(site, SET_SITE_UPSTREAM);
	struct conf_file_info info;

	if (!root && !upstream) {
		diag_add(l->diag, DIAG_ERROR, site->at, "the site has no `root`");
		diag_help(l->diag, "name the folder of its files");
	}
	if (root && upstream) {
		diag_add(l->diag, DIAG_ERROR, upstream->at,
			 "a site has files or an application, not both");
		diag_help(l->diag, "write two sites with different paths");
	}
	if (load_text(upstream).len)
		load_site_upstream(l, upstream, out);
	if (!load_text(root).len)
		return;
	out->root = load_file_path(l, root->text);
	(void)load_look(l, root, out->root, true, "the root", &info);
}

static void check_unique(struct load *l, const struct yaml_node *site, const struct conf_site *all,
			 size_t index)
{
	const struct yaml_node *path = load_get(site, SET_SITE_PATH);

	for (size_t i = 0; path && all[index].path.text.len && i < index; i++) {
		if (!all[i].path.text.len || !load_path_same(&all[i].path, &all[index].path))
			continue;
		diag_add(l->diag, DIAG_ERROR, path->at, "another site has the same path already");
		diag_help(l->diag, "it is in line %u", all[i].line);
	}
}

static int compare(const void *a, const void *b)
{
	const struct conf_site *x = a, *y = b;
	int order = load_path_compare(&x->path, &y->path);

	if (order)
		return order;
	return x->line < y->line ? -1 : x->line > y->line;
}

void load_site(struct load *l)
{
	const struct yaml_node *list = load_get(l->root, SET_SITE);
	struct load_items items = load_items(list);
	struct conf_site *all = load_room(l, load_count(list), sizeof(*all));
	size_t count = 0;

	for (const struct yaml_node *site; all && (site = load_next(&items));) {
		if (site->kind != YAML_MAP)
			continue;
		struct conf_site *out = &all[count];
		out->line = site->at.line;
		read_path(l, site, out);
		read_root(l, site, out);
		load_fields(SECTION_SITE, site, out);
		out->headers_off = load_is(site, SET_SITE_HEADERS, "off");
		const struct yaml_node *reports = load_get(site, SET_SITE_CSP_REPORTS);
		out->csp_reports = reports && yaml_scalar_type(reports) == YAML_TYPE_TRUE;
		load_csp(l, site, out);
		check_unique(l, site, all, count);
		count++;
	}
	if (count)
		qsort(all, count, sizeof(*all), compare);
	l->s->sites = all;
	l->s->site_count = count;
}
