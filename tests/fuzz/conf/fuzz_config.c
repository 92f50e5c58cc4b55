/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration: either findings, all of which can be printed, or a snapshot in
 * which nothing is open that was not opened in words, and which can be explained.
 */
#include <errno.h>

#include "base/obj.h"
#include "conf/explain.h"
#include "conf/load.h"
#include "json/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fuzz_read(void *context, const char *path, struct buf *into)
{
	(void)path;
	return buf_append(into, *(const struct slice *)context);
}

/* A disk that has everything: names that end in a dot and something are files. */
static int fuzz_look(void *context, const char *path, struct conf_file_info *info)
{
	const char *dot = strrchr(path, '.');

	(void)context;
	if (strstr(path, "missing"))
		return -ENOENT;
	*info = (struct conf_file_info){.folder = !dot, .readable = true, .mode = 0600};
	if (strstr(path, "open"))
		info->mode = info->worst = 0666;
	return 0;
}

static void check_path(const struct conf_path *p)
{
	MUST(p->text.len > 0 && p->text.data[0] == '/');
	MUST(!p->prefix || !p->trailing_slash);
	for (size_t i = 0; i < p->count; i++)
		MUST(p->segments[i].text.len > 0);
}

static void check_rate(const struct rate *r)
{
	MUST(r->unlimited || (r->count > 0 && r->per_ms > 0 && r->burst > 0));
}

/* The reply must be JSON for every reason. */
static void check_reply(const struct conf_route *r)
{
	static const struct json_limits limits = {
		.depth = 64, .members = 2000, .values = 20000, .any_strings = true};
	struct arena a;
	struct json_doc doc;
	struct buf text;

	if (r->on_refusal != CONF_ON_REFUSAL_REPLY)
		return;
	buf_init(&text, 1 << 20);
	MUST(r->reply_parts.count > 0);
	for (size_t i = 0; i < r->reply_parts.count; i++) {
		MUST(i == 0 || buf_append(&text, SLICE("message_rate")) == 0);
		MUST(buf_append(&text, r->reply_parts.items[i]) == 0);
	}
	arena_init(&a, 1 << 16, 1 << 24);
	enum reason reason = json_read(buf_slice(&text), &limits, &a, &doc);
	/* numbers that no double holds and prototype keys are the writer's own affair */
	MUST(reason == REASON_NONE || reason == REASON_JSON_NUMBER ||
	     reason == REASON_JSON_FORBIDDEN_KEY);
	arena_deinit(&a);
	buf_deinit(&text);
}

static void check_route(const struct snapshot *s, const struct conf_route *r)
{
	const struct conf_route_limits *l = &r->limits;

	check_path(&r->path);
	MUST(r->path.count == 0 || !slice_eq(r->path.segments[0].text, SLICE(".sallyport")) ||
	     r->path.segments[0].parameter);
	MUST(r->identify_count > 0);
	for (size_t i = 0; i < r->identify_count; i++) {
		MUST(r->identify[i] < s->identity_count);
		MUST(s->identities[r->identify[i]].kind != CONF_IDENTITY_NONE);
		MUST(i + 1 == r->identify_count ||
		     s->identities[r->identify[i]].kind != CONF_IDENTITY_ANYONE);
	}
	MUST(r->origins.same || r->origins.list.count > 0 || r->origins.missing_allowed);
	MUST(r->upstream_count > 0);
	for (size_t i = 0; i < r->upstream_count; i++) {
		const struct conf_upstream *u = &r->upstreams[i];
		check_path(&u->path);
		MUST(!u->path.prefix || r->path.prefix);
		MUST((u->unix_path.len > 0) != (u->host.len > 0 && u->port > 0));
		MUST(u->authority.len > 0);
	}
	MUST(l->message_size && l->server_message_size && l->fragments && l->message_time_ms);
	MUST(l->buffered && l->slow_reader_ms && l->inflated && l->inflate_ratio && l->idle_ms);
	MUST(l->pong_ms && l->lifetime_ms && l->upstream_time_ms);
	MUST(l->json_depth && l->json_members && l->json_values);
	check_rate(&l->messages);
	check_rate(&l->bytes);
	check_rate(&l->control_frames);
	check_rate(&l->refusals);
	check_reply(r);
}

static void check_site(const struct conf_site *site)
{
	check_path(&site->path);
	MUST(site->root.len > 0);
	MUST(site->headers_off == (site->csp.len == 0));
	for (size_t i = 0; i < site->csp.len; i++)
		MUST(site->csp.data[i] >= ' ' && site->csp.data[i] <= '~');
}

static void check_snapshot(const struct snapshot *s)
{
	MUST(s->listener_count > 0);
	for (size_t i = 0; i < s->listener_count; i++) {
		const struct conf_listener *l = &s->listeners[i];
		MUST(l->address.family == 4 || l->address.family == 6);
		MUST(l->tls || l->cleartext_allowed || address_is_loopback(&l->address));
		MUST(!l->tls || s->tls.development != (s->tls.count > 0));
	}
	for (size_t i = 0; i < s->identity_count; i++) {
		const struct conf_identity *identity = &s->identities[i];
		MUST(identity->name.len > 0 && identity->kind != CONF_IDENTITY_NONE);
		MUST(identity->kind != CONF_IDENTITY_TICKET || identity->ticket.ttl_ms > 0);
		MUST(identity->kind != CONF_IDENTITY_TICKET || s->keys.len > 0);
		MUST(identity->kind != CONF_IDENTITY_COOKIE ||
		     (identity->cookie.name.len > 0 && identity->cookie.verify.len > 0));
		for (size_t k = 0; k < identity->ticket.from_count; k++)
			MUST(s->identities[identity->ticket.from[k]].kind != CONF_IDENTITY_TICKET);
	}
	for (size_t i = 0; i < s->route_count; i++)
		check_route(s, &s->routes[i]);
	for (size_t i = 0; i < s->site_count; i++)
		check_site(&s->sites[i]);
	MUST(s->limits.connections && s->limits.connections_per_address);
	MUST(s->limits.connections_per_prefix && s->limits.connections_per_identity);
	MUST(s->limits.handshake_timeout_ms && s->limits.request_head && s->limits.request_headers);
	MUST(s->limits.buffered && s->limits.queue_per_worker);
	check_rate(&s->limits.handshakes_per_address);
	MUST(!s->admin.on || address_is_loopback(&s->admin.listener.address) ||
	     (s->admin.listener.tls && s->admin.token_file.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);
	struct conf_files files = {
		.context = &text,
		.read = fuzz_read,
		.look = fuzz_look,
		.descriptors = 1024,
		.memory = 1 << 30,
		.processors = 2,
	};
	static struct diag d;
	struct snapshot *s = NULL;
	struct buf out;

	diag_init(&d);
	buf_init(&out, 64 << 20);
	int r = conf_load_with(&files, "etc/sallyport.yaml", &s, &d);
	MUST(r == 0 || r == CONF_WRONG);
	MUST((r == 0) == (d.errors == 0) && (r == 0) == (s != NULL));
	MUST(diag_print(&d, &out) == 0);
	MUST((out.len > 0) == (d.errors + d.unsafe + d.warnings > 0));
	buf_clear(&out);
	if (s) {
		check_snapshot(s);
		MUST(explain_snapshot(s, &out) == 0 && out.len > 0);
	}
	snapshot_unref(s);
	buf_deinit(&out);
	diag_deinit(&d);
	return 0;
}
