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

/* The input: the configuration and, behind a line `%%%`, what every contract says. */
struct input {
	struct slice config, contract;
};

static const char chat[] =
	"asyncapi: 3.0.0\n"
	"channels:\n"
	"  c:\n"
	"    address: /a/{b}\n"
	"    messages:\n"
	"      say: {payload: {type: object, required: [t], properties: {t: {const: say}, u: {type: string, maxLength: 9}, "
	"n: {type: number}, l: {type: array, items: {$ref: '#/x/Item'}}, o: {anyOf: [{$ref: '#/x/Item'}, {type: 'null'}]}}}}\n"
	"      go: {payload: {type: object, required: [t], properties: {t: {const: go}}, patternProperties: {'^x-': {type: integer}}}}\n"
	"      pic: {contentType: image/png}\n"
	"      pos: {payload: {type: object, required: [t], properties: {t: {const: pos}, n: {type: integer}, at: {type: string}}}}\n"
	"x: {Item: {type: object, properties: {s: {type: string}, i: {$ref: '#/x/Item'}}, additionalProperties: false}}\n"
	"operations:\n"
	"  i: {action: receive, channel: {$ref: '#/channels/c'}, messages: [{$ref: '#/channels/c/messages/say'}, "
	"{$ref: '#/channels/c/messages/go'}, {$ref: '#/channels/c/messages/pic'}]}\n"
	"  o: {action: send, channel: {$ref: '#/channels/c'}, messages: [{$ref: '#/channels/c/messages/pos'}]}\n";

static int fuzz_read(void *context, const char *path, struct buf *into)
{
	const struct input *in = context;

	if (strcmp(path, "etc/sallyport.yaml") == 0)
		return buf_append(into, in->config);
	if (in->contract.data)
		return buf_append(into, in->contract);
	return strstr(path, "missing") ? -ENOENT : buf_append(into, slice_from_cstr(chat));
}

static struct input split(struct slice text)
{
	static const char mark[] = "\n%%%\n";
	const char *at = text.len ? memmem(text.data, text.len, mark, sizeof(mark) - 1) : NULL;
	size_t len = at ? (size_t)(at - text.data) : text.len;

	return (struct input){slice_first(text, len),
			      at ? slice_from(text, len + sizeof(mark) - 1) : slice_of(NULL, 0)};
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

static bool rate_fits(const struct rate *r, uint32_t units)
{
	return r->unlimited || units <= r->burst;
}

static void check_field(const struct conf_field *f)
{
	MUST(f->text.len > 0 && (f->count == 0) == slice_eq(f->text, SLICE(".")));
	for (size_t i = 0; i < f->count; i++)
		MUST(f->steps[i].name.text.data && !(f->steps[i].any && f->steps[i].index));
}

static void check_kinds(const struct conf_kinds *all, size_t count, unsigned kinds)
{
	for (size_t i = 0; i < count; i++) {
		check_field(&all[i].field);
		MUST(all[i].kinds && all[i].kinds < 1u << kinds);
	}
}

static void check_treatment(const struct conf_rule *rule, bool client)
{
	for (size_t i = 0; i < rule->set_count; i++) {
		check_field(&rule->sets[i].field);
		MUST(client && rule->sets[i].program && rule->sets[i].field.count > 0);
		for (size_t k = 0; k < rule->sets[i].field.count; k++)
			MUST(!rule->sets[i].field.steps[k].any);
	}
	for (size_t i = 0; i < rule->text_count; i++)
		check_field(&rule->texts[i].field);
	check_kinds(rule->detects, rule->detect_count, DETECT_KINDS);
	check_kinds(rule->redacts, rule->redact_count, REDACT_KINDS);
	for (size_t i = 0; i < rule->drops.count; i++)
		check_field(&rule->drops.items[i]);
	MUST(client ? !rule->redact_count && !rule->drops.count && !rule->remember
		    : !rule->detect_count && !rule->has_rate && !rule->cost && !rule->running.on &&
			      !rule->unique.on && !rule->after_count && !rule->never);
}

static void check_server_message(const struct conf_messages *m, uint32_t index)
{
	MUST(m->contract && index < m->contract->count &&
	     !m->contract->messages[index].from_client);
}

static void check_rule(const struct conf_route *r, const struct conf_rule *rule, bool client)
{
	const struct conf_messages *m = &r->messages;

	MUST(rule->id.len > 0 && rule->slot <= m->slots);
	if (!rule->written) {
		MUST(!rule->allow.always && !rule->allow.program && !rule->line);
		return;
	}
	MUST(rule->line > 0 && !(rule->allow.always && rule->allow.program));
	MUST(rule->allow.always || rule->allow.program);
	check_treatment(rule, client);
	MUST(!rule->has_rate || !rule->rate.unlimited);
	if (rule->has_rate)
		check_rate(&rule->rate);
	MUST(!rule->cost || (r->limits.has_cost && rate_fits(&r->limits.cost, rule->cost)));
	MUST(!rule->running.on || (rule->running.at_most > 0 && rule->running.deadline_ms > 0));
	if (rule->running.on)
		check_server_message(m, rule->running.until);
	MUST(!rule->unique.on || (rule->unique.within_ms > 0 && rule->unique.by.count > 0));
	for (size_t i = 0; i < rule->after_count; i++) {
		check_server_message(m, rule->after[i].message);
		MUST(rule->after[i].within_ms > 0);
	}
	MUST(!rule->has_on_refusal || rule->on_refusal != CONF_ON_REFUSAL_REPLY ||
	     (client && r->reply_parts.count > 0));
}

static void check_messages(const struct conf_route *r)
{
	const struct conf_messages *m = &r->messages;

	MUST(!r->allow.always || !r->allow.program);
	MUST((r->allow_uses & ~CONF_VARS_HANDSHAKE) == 0 && m->uses < 1u << CONF_VARIABLES);
	MUST(m->judged || (!m->contract && !m->rule_count));
	if (!m->judged)
		return;
	MUST(m->rule_count == (m->contract ? m->contract->count : 2) && m->rule_count > 0);
	for (size_t i = 0; i < m->rule_count; i++)
		check_rule(r, &m->rules[i],
			   m->contract ? m->contract->messages[i].from_client : i == 0);
}

/* The reply must be JSON for every reason. */
static void check_reply(const struct conf_route *r)
{
	static const struct json_limits limits = {
		.depth = 64, .members = 2000, .values = 20000, .any_strings = true};
	struct arena a;
	struct json_doc doc;
	struct buf text;

	if (r->on_refusal != CONF_ON_REFUSAL_REPLY && !r->reply_parts.count)
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
	check_messages(r);
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
	struct input in = split(slice_of((const char *)data, size));
	struct conf_files files = {
		.context = &in,
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
