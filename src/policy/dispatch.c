/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first gate behind the parser.
 */
#include "policy/dispatch.h"

/* Pages that nobody was told to report about are not reported about. */
static bool wants_reports(const struct snapshot *s)
{
	for (size_t i = 0; i < s->site_count; i++)
		if (s->sites[i].csp_reports)
			return true;
	return false;
}

static enum dispatch_kind own_endpoint(const struct snapshot *s, const struct http_target *t)
{
	if (t->segment_count != 2 || t->trailing_slash)
		return DISPATCH_NOTHING;
	if (slice_eq(t->segments[1], SLICE("ticket")))
		return DISPATCH_TICKET;
	if (slice_eq(t->segments[1], SLICE("csrf")))
		return DISPATCH_CSRF;
	if (slice_eq(t->segments[1], SLICE("client.js")))
		return DISPATCH_CLIENT;
	if (slice_eq(t->segments[1], SLICE("csp-report")) && wants_reports(s))
		return DISPATCH_REPORT;
	return DISPATCH_NOTHING;
}

/* Files are read; what an application does with the others is its own business. */
static bool method_fits(const struct conf_site *site, enum http_method method)
{
	if (method == HTTP_GET || method == HTTP_HEAD)
		return true;
	return site->has_upstream && (method == HTTP_POST || method == HTTP_PUT ||
				      method == HTTP_DELETE || method == HTTP_OPTIONS ||
				      method == HTTP_PATCH);
}

struct verdict dispatch_request(const struct host_facts *f, const struct http_head *head,
				const struct http_request *r, struct dispatch *out)
{
	const struct http_target *t = &r->target;
	*out = (struct dispatch){0};
	if (!host_is_ours(f, &r->host))
		return verdict_refuse(REASON_HOST_UNKNOWN, NULL);

	/* Whatever is below is ours alone: no route and no page can stand there. */
	if (t->segment_count && slice_eq(t->segments[0], SLICE(".sallyport"))) {
		out->kind = own_endpoint(f->conf, t);
		return out->kind ? verdict_pass()
				 : verdict_refuse(REASON_ROUTE_UNKNOWN, "no such own endpoint");
	}
	out->route = route_find(f->conf, t, &out->match);
	if (out->route) {
		out->kind = DISPATCH_HANDSHAKE;
		return verdict_pass();
	}
	out->site = route_find_site(f->conf, t, &out->match);
	if (!out->site)
		return verdict_refuse(REASON_ROUTE_UNKNOWN, NULL);
	if (r->wants_upgrade)
		return verdict_refuse(REASON_ROUTE_UNKNOWN, "an upgrade where there are pages");
	if (!method_fits(out->site, head->method))
		return verdict_refuse(REASON_METHOD_NOT_ALLOWED, "a page");
	out->kind = DISPATCH_SITE;
	return verdict_pass();
}
