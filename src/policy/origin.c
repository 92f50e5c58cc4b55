/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origins and Fetch metadata.
 */
#include "policy/origin.h"

#include "http/header.h"

bool origin_presented(const struct http_head *head, struct slice *origin)
{
	*origin = slice_of(NULL, 0);
	if (http_header_count(head, SLICE("origin")) == 0)
		return true;
	/* An empty Origin is none that anybody allows, and not the same as no Origin. */
	return http_header_single(head, SLICE("origin"), origin) && origin->len > 0;
}

bool origin_on_list(const struct conf_origins *o, const struct origin_facts *f, struct slice origin)
{
	if (!origin.len)
		return false;
	struct http_origin parsed = http_origin_parse(origin);
	if (parsed.kind != HTTP_ORIGIN_TUPLE)
		return false;
	for (size_t i = 0; i < o->list.count; i++) {
		if (slice_eq(o->list.items[i], origin))
			return true;
	}
	enum http_scheme scheme = f->tls ? HTTP_SCHEME_HTTPS : HTTP_SCHEME_HTTP;
	return o->same && http_origin_is(&parsed, scheme, f->host->host, f->host->port);
}

static struct verdict judge_origin(const struct conf_origins *o, const struct origin_facts *f,
				   struct slice *origin)
{
	if (!origin_presented(f->head, origin))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Origin is empty or comes twice");
	if (!origin->len)
		return o->missing_allowed ? verdict_pass()
					  : verdict_refuse(REASON_ORIGIN_MISSING, NULL);
	if (!origin_on_list(o, f, *origin))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "not on the route's list");
	return verdict_pass();
}

/* Absent, or once and one of the two. */
static bool metadata_is(const struct http_head *head, struct slice name, struct slice wanted,
			struct slice or_this)
{
	struct slice value;
	if (http_header_count(head, name) == 0)
		return true;
	return http_header_single(head, name, &value) &&
	       (slice_eq(value, wanted) || slice_eq(value, or_this));
}

static struct verdict judge_metadata(const struct conf_origins *o, const struct origin_facts *f,
				     struct slice mode, struct slice or_mode)
{
	struct slice site = SLICE("sec-fetch-site");
	if (!metadata_is(f->head, SLICE("sec-fetch-mode"), mode, or_mode))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Sec-Fetch-Mode");
	if (http_header_count(f->head, site) > 1)
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Sec-Fetch-Site comes twice");
	if (o->same && !o->list.count &&
	    !metadata_is(f->head, site, SLICE("same-origin"), SLICE("same-origin")))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Sec-Fetch-Site");
	return verdict_pass();
}

struct verdict origin_judge_handshake(const struct conf_origins *o, const struct origin_facts *f,
				      struct slice *origin)
{
	struct verdict v = judge_origin(o, f, origin);
	if (v.kind != VERDICT_PASS)
		return v;
	return judge_metadata(o, f, SLICE("websocket"), SLICE("websocket"));
}

struct verdict origin_judge_fetch(const struct conf_origins *o, const struct origin_facts *f,
				  struct slice *origin)
{
	struct verdict v = judge_origin(o, f, origin);
	if (v.kind != VERDICT_PASS)
		return v;
	return judge_metadata(o, f, SLICE("cors"), SLICE("same-origin"));
}
