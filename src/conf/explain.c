/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration in plain words; see explain.h. One function per part of the text. */
#include "conf/explain.h"

#include <stdarg.h>

#include "base/alert.h"
#include "base/num.h"
#include "conf/explain_rules.h"
#include "conf/jwa.h"
#include "conf/load_priv.h"
#include "http/url.h"

enum { SAY_BYTES = 2048 };

struct talk {
	const struct snapshot *s;
	struct buf *out;
	int result;
	size_t weak;
};

static void say_text(struct talk *t, struct slice text)
{
	if (!t->result)
		t->result = buf_append(t->out, text);
}

static void say(struct talk *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct talk *t, const char *format, ...)
{
	char text[SAY_BYTES];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0)
		return;
	say_text(t, slice_of(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1));
}

static void say_list(struct talk *t, const struct conf_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++) {
		say_text(t, i ? SLICE(", ") : SLICE(""));
		say_text(t, texts->items[i]);
	}
}

static bool rate_eq(const struct rate *a, const struct rate *b)
{
	if (a->unlimited || b->unlimited)
		return a->unlimited == b->unlimited;
	return a->count == b->count && a->per_ms == b->per_ms && a->burst == b->burst;
}

static struct rate rate_at(const struct setting *row, const void *limits)
{
	struct rate rate;

	memcpy(&rate, (const char *)limits + row->field.offset, sizeof(rate));
	return rate;
}

/* UINT64_MAX stands for `unlimited`, whatever the member's size. */
static uint64_t number_at(const struct setting *row, const void *limits)
{
	const char *member = (const char *)limits + row->field.offset;
	uint64_t value = 0;
	uint32_t small = 0;

	if (row->field.bytes == sizeof(value)) {
		memcpy(&value, member, sizeof(value));
		return value;
	}
	memcpy(&small, member, sizeof(small));
	return small == UINT32_MAX ? UINT64_MAX : small;
}

static bool is_rate(const struct setting *row)
{
	return row->type == SETTING_RATE || row->type == SETTING_BYTE_RATE;
}

bool explain_is_unlimited(const struct setting *row, const void *limits)
{
	if (!row->field.bytes || !(row->flags & SETTING_UNLIMITED))
		return false;
	return is_rate(row) ? rate_at(row, limits).unlimited : number_at(row, limits) == UINT64_MAX;
}

static struct slice value_text(const struct setting *row, const void *limits,
			       char text[NUM_TEXT_BYTES])
{
	if (explain_is_unlimited(row, limits))
		return SLICE("unlimited");
	if (is_rate(row)) {
		struct rate rate = rate_at(row, limits);
		return row->type == SETTING_RATE ? num_format_rate(&rate, text)
						 : num_format_byte_rate(&rate, text);
	}
	uint64_t value = number_at(row, limits);
	if (row->type == SETTING_DURATION)
		return num_format_duration_ms(value, text);
	if (row->type == SETTING_SIZE)
		return num_format_size(value, text);
	int len = snprintf(text, NUM_TEXT_BYTES, "%llu", (unsigned long long)value);
	return slice_of(text, len > 0 ? (size_t)len : 0);
}

static bool value_eq(const struct setting *row, const void *a, const void *b)
{
	if (is_rate(row)) {
		struct rate x = rate_at(row, a), y = rate_at(row, b);
		return rate_eq(&x, &y);
	}
	return number_at(row, a) == number_at(row, b);
}

/* A rate that is not limited because nothing is counted. */
static bool is_none(const struct setting *row, const void *limits)
{
	return is_rate(row) && !rate_at(row, limits).count && !rate_at(row, limits).unlimited;
}

/* Lines for the limits of one section that differ from what is usual. */
static void say_limits(struct talk *t, enum section section, const void *limits, const void *usual,
		       const char *indent, const char *prefix)
{
	char now[NUM_TEXT_BYTES], before[NUM_TEXT_BYTES];

	for (int id = SETTING_NONE + 1; id < SETTING_COUNT; id++) {
		const struct setting *row = setting_of((enum setting_id)id);
		if (row->section != section || !row->field.bytes || value_eq(row, limits, usual))
			continue;
		say(t, "%s%s%s %.*s (default %.*s)\n", indent, prefix, row->key,
		    SLICE_ARG(value_text(row, limits, now)),
		    SLICE_ARG(is_none(row, usual) ? SLICE("none")
						  : value_text(row, usual, before)));
	}
}

static const char *reach_of(const struct conf_listener *l)
{
	if (address_is_loopback(&l->address))
		return "this machine only";
	return address_is_unspecified(&l->address) ? "on all addresses" : "on this address";
}

static void say_proxies(struct talk *t)
{
	const struct conf_networks *proxies = &t->s->trusted_proxies;
	char text[ADDRESS_TEXT_BYTES];

	if (!proxies->count)
		return;
	say(t, "  believes who the client is (PROXY header, Forwarded, X-Forwarded-For) from ");
	for (size_t i = 0; i < proxies->count; i++)
		say(t, "%s%.*s", i ? ", " : "", SLICE_ARG(prefix_format(&proxies->items[i], text)));
	say(t, "\n");
}

static void say_listeners(struct talk *t)
{
	const struct snapshot *s = t->s;

	say(t, "Listens on\n");
	for (size_t i = 0; i < s->listener_count; i++) {
		const struct conf_listener *l = &s->listeners[i];
		const char *how = "clear text (ws and http)";
		if (l->tls)
			how = s->tls.minimum_13 ? "TLS 1.3 (wss and https)"
						: "TLS 1.2 or newer (wss and https)";
		say(t, "  %.*s: %s, %s%s\n", SLICE_ARG(l->url), how, reach_of(l),
		    l->proxy_protocol ? ", behind balancers that send a PROXY header" : "");
	}
	for (size_t i = 0; i < s->tls.count; i++)
		say(t, "  with the certificate %.*s and the key %.*s%s\n",
		    SLICE_ARG(s->tls.certificates[i].certificate),
		    SLICE_ARG(s->tls.certificates[i].key),
		    i == 0 && s->tls.count > 1 ? ", the default" : "");
	if (s->tls.development)
		say(t, "  with a self-signed certificate for localhost, made at start\n");
	if (s->tls.client_ca.len)
		say(t, "  asks for client certificates of the authorities in %.*s\n",
		    SLICE_ARG(s->tls.client_ca));
	say_proxies(t);
	say(t, "  Answers to ");
	say_list(t, &s->hosts);
	say(t, "%s%sthe literal addresses of the listeners; any other Host gets 421\n",
	    s->hosts.count ? ", " : "",
	    s->tls.count ? "the names of the certificates, "
			 : (s->tls.development ? "localhost, " : ""));
}

static void say_bindings(struct talk *t, const struct conf_identity *identity)
{
	const struct {
		bool bound;
		const char *to;
	} bindings[] = {{identity->ticket.bind_origin, "origin"},
			{identity->ticket.bind_route, "path"},
			{identity->ticket.bind_address, "address"}};
	const char *before = "; works only with the same ";

	for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++) {
		if (!bindings[i].bound)
			continue;
		say(t, "%s%s", before, bindings[i].to);
		before = " and ";
	}
	if (before[0] == ';')
		say(t, "; works from anywhere, on every route that takes it");
}

static void say_ticket(struct talk *t, const struct conf_identity *identity)
{
	char text[NUM_TEXT_BYTES];

	say(t, "a ticket from POST /.sallyport/ticket, good once and for %.*s",
	    SLICE_ARG(num_format_duration_ms(identity->ticket.ttl_ms, text)));
	say(t, ", given for ");
	for (size_t i = 0; i < identity->ticket.from_count; i++)
		say(t, "%s%.*s", i ? " or " : "",
		    SLICE_ARG(t->s->identities[identity->ticket.from[i]].name));
	if (!identity->ticket.from_count)
		say(t, "nothing but a call on the admin listener");
	say_bindings(t, identity);
}

static void say_cookie(struct talk *t, const struct conf_identity *identity)
{
	char text[NUM_TEXT_BYTES];

	say(t, "the cookie `%.*s`, if %.*s says yes", SLICE_ARG(identity->cookie.name),
	    SLICE_ARG(url_without_query(identity->cookie.verify)));
	if (identity->cookie.cache_ms)
		say(t, " (remembered for %.*s)",
		    SLICE_ARG(num_format_duration_ms(identity->cookie.cache_ms, text)));
	say(t, ", asked again every %.*s while a socket is open",
	    SLICE_ARG(num_format_duration_ms(identity->cookie.recheck_ms, text)));
	say(t, "; browsers send it by themselves, so it counts only with an allowed Origin%s",
	    identity->cookie.csrf_off ? "" : " and a CSRF token");
}

static void say_carrier(struct talk *t, const struct conf_carrier *c)
{
	switch (c->kind) {
	case CONF_CARRIER_AUTHORIZATION:
		say(t, "Authorization");
		break;
	case CONF_CARRIER_COOKIE:
		say(t, "the cookie `%.*s` (then only with an allowed Origin and a CSRF token)",
		    SLICE_ARG(c->name));
		break;
	case CONF_CARRIER_SUBPROTOCOL:
		say(t, "an offered subprotocol bearer.TOKEN");
		break;
	case CONF_CARRIER_QUERY:
		say(t, "the URL's `%.*s`", SLICE_ARG(c->name));
		break;
	case CONF_CARRIER_NONE:
	default:
		say(t, "nowhere");
	}
}

static void say_keys(struct talk *t, const struct conf_identity *identity)
{
	char refresh[NUM_TEXT_BYTES], grace[NUM_TEXT_BYTES];

	if (identity->jwt.jwks.len)
		say(t, "the keys at %.*s (asked for every %.*s; good for %.*s when they cannot be)",
		    SLICE_ARG(url_without_query(identity->jwt.jwks)),
		    SLICE_ARG(num_format_duration_ms(identity->jwt.refresh_ms, refresh)),
		    SLICE_ARG(num_format_duration_ms(identity->jwt.grace_ms, grace)));
	else
		say(t, "%s", identity->jwt.secret.len ? "a shared secret" : "keys from files");
}

static void say_jwt(struct talk *t, const struct conf_identity *identity)
{
	const char *before = "";

	say(t, "a token in ");
	for (size_t i = 0; i < identity->jwt.from_count; i++) {
		say(t, "%s", i ? ", or " : "");
		say_carrier(t, &identity->jwt.from[i]);
	}
	say(t, ", signed with ");
	for (int alg = JWA_NONE + 1; alg < JWA_COUNT; alg++) {
		if (!(identity->jwt.algorithms & JWA_BIT(alg)))
			continue;
		say(t, "%s%s", before, jwa_name((enum jwa)alg));
		before = " or ";
	}
	say(t, " by ");
	say_keys(t, identity);
	if (identity->jwt.issuer.len)
		say(t, ", issued by %.*s", SLICE_ARG(identity->jwt.issuer));
	for (size_t i = 0; i < identity->jwt.audience.count; i++)
		say(t, "%s%.*s", i ? " or " : ", for ", SLICE_ARG(identity->jwt.audience.items[i]));
	say(t, "; the session ends with it");
}

static void say_identities(struct talk *t)
{
	if (!t->s->identity_count)
		return;
	say(t, "\nKnows people by\n");
	for (size_t i = 0; i < t->s->identity_count; i++) {
		const struct conf_identity *identity = &t->s->identities[i];
		say(t, "  %.*s: ", SLICE_ARG(identity->name));
		switch (identity->kind) {
		case CONF_IDENTITY_TICKET:
			say_ticket(t, identity);
			break;
		case CONF_IDENTITY_COOKIE:
			say_cookie(t, identity);
			break;
		case CONF_IDENTITY_JWT:
			say_jwt(t, identity);
			break;
		case CONF_IDENTITY_ANYONE:
			say(t, "no credential; everybody, with an empty subject");
			break;
		case CONF_IDENTITY_MTLS:
			say(t, "a client certificate; the subject is its %s",
			    identity->mtls.subject == CONF_MTLS_CN
				    ? "common name"
				    : "URI, else DNS name, else e-mail address");
			break;
		case CONF_IDENTITY_NONE:
			say(t, "nobody");
			break;
		}
		say(t, "\n");
	}
	if (t->s->keys.len)
		say(t, "  The secret keys for this are in %.*s\n", SLICE_ARG(t->s->keys));
}

static void say_origins(struct talk *t, const struct conf_origins *origins)
{
	say(t, "    from         ");
	if (origins->same)
		say(t, "pages of the same origin%s", origins->list.count ? ", " : "");
	if (origins->list.count)
		say(t, "pages of ");
	say_list(t, &origins->list);
	if (origins->missing_allowed)
		say(t, "%sprograms that send no Origin",
		    origins->same || origins->list.count ? ", and " : "");
	say(t, "\n");
}

static void say_credentials(struct talk *t, const struct conf_route *route)
{
	say(t, "    with         ");
	for (size_t i = 0; i < route->identify_count; i++) {
		const struct conf_identity *identity = &t->s->identities[route->identify[i]];
		if (identity->kind == CONF_IDENTITY_ANYONE)
			say(t, "%s", i ? ", or no credential at all" : "no credential at all");
		else
			say(t, "%s%.*s", i ? ", or " : "", SLICE_ARG(identity->name));
	}
	say(t, "%s\n", route->identify_count > 1 ? "; the first that is presented decides" : "");
}

static void say_upstreams(struct talk *t, const struct conf_route *route)
{
	for (size_t i = 0; i < route->upstream_count; i++) {
		const struct conf_upstream *u = &route->upstreams[i];
		say(t, "    %s%.*s", i ? "     or      " : "leads to     ", SLICE_ARG(u->url));
		if (u->path.text.data == route->path.text.data)
			say(t, ", with the same path");
		say(t, "\n");
	}
}

static void say_refusal(struct talk *t, const struct conf_route *route)
{
	say(t, "    refuses by   ");
	switch (route->on_refusal) {
	case CONF_ON_REFUSAL_CLOSE:
		say(t, "closing the connection");
		break;
	case CONF_ON_REFUSAL_DROP:
		say(t, "dropping the message");
		break;
	case CONF_ON_REFUSAL_REPLY:
		say(t, "answering ");
		for (size_t i = 0; i < route->reply_parts.count; i++) {
			say_text(t, i ? SLICE("REASON") : SLICE(""));
			say_text(t, route->reply_parts.items[i]);
		}
		break;
	}
	say(t, "%s\n", route->observe ? " (only in the log: mode observe lets it pass)" : "");
}

static void say_route(struct talk *t, const struct conf_route *route,
		      const struct conf_route_limits *usual)
{
	struct conf_route_limits expected = *usual;

	say(t, "  %.*s (line %u)\n", SLICE_ARG(route->path.text), route->line);
	say_origins(t, &route->origins);
	say_credentials(t, route);
	say_upstreams(t, route);
	if (route->subprotocols.count) {
		say(t, "    speaks       ");
		say_list(t, &route->subprotocols);
		say(t, "\n");
	}
	if (route->forward_headers.count || route->forward_query.count) {
		say(t, "    passes on    ");
		say_list(t, &route->forward_headers);
		say(t, "%s",
		    route->forward_headers.count && route->forward_query.count ? ", " : "");
		say(t, "%s", route->forward_query.count ? "query parameters " : "");
		say_list(t, &route->forward_query);
		say(t, "\n");
	}
	if (route->forward_assertion)
		say(t, "    proves       who connects, by a signed Sallyport-Assertion\n");
	if (!t->result)
		t->result = explain_rules(route, t->out);
	say_refusal(t, route);
	expected.inflated = route->limits.message_size;
	say_limits(t, SECTION_ROUTE_LIMITS, &route->limits, &expected, "    limit        ", "");
	say_limits(t, SECTION_JSON_LIMITS, &route->limits, &expected, "    limit        ", "json.");
}

static void say_routes(struct talk *t)
{
	struct conf_route_limits usual = {0};

	load_fields(SECTION_ROUTE_LIMITS, NULL, &usual);
	load_fields(SECTION_JSON_LIMITS, NULL, &usual);
	if (!t->s->route_count) {
		say(t, "\nNo routes: nobody can open a WebSocket\n");
		return;
	}
	say(t, "\nOpens WebSockets on (in the order in which paths are tried)\n");
	for (size_t i = 0; i < t->s->route_count; i++)
		say_route(t, &t->s->routes[i], &usual);
}

/* What browsers ignore in a meta element (CSP3 section 3.3). */
static bool meta_cannot(struct slice directive)
{
	static const char *const names[] = {"frame-ancestors", "sandbox", "report-uri",
					    "report-to"};
	struct slice name = slice_first(directive, slice_index(directive, ' '));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq(name, slice_from_cstr(names[i])))
			return true;
	return false;
}

/* As the value of an attribute between double quotes. */
static void say_attribute(struct talk *t, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			say(t, "&quot;");
		else if (text.data[i] == '&')
			say(t, "&amp;");
		else
			say(t, "%c", text.data[i]);
	}
}

/* For the same pages where somebody else serves them. */
static void say_meta(struct talk *t, struct slice csp)
{
	struct slice rest = csp, directive;
	const char *before = "";
	bool more = csp.len > 0;

	say(t, "    Where the pages come from elsewhere, first in <head>:\n"
	       "      <meta http-equiv=\"Content-Security-Policy\" content=\"");
	while (slice_next(&rest, &more, ';', &directive)) {
		directive = slice_trim(directive);
		if (!directive.len || meta_cannot(directive))
			continue;
		say(t, "%s", before);
		say_attribute(t, directive);
		before = "; ";
	}
	say(t, "\">\n"
	       "      It covers only what stands behind it, and can neither forbid framing "
	       "(frame-ancestors) nor\n"
	       "      sandbox the page, nor have violations reported\n");
}

static void say_sites(struct talk *t)
{
	if (!t->s->site_count)
		return;
	say(t, "\nServes files on\n");
	for (size_t i = 0; i < t->s->site_count; i++) {
		const struct conf_site *site = &t->s->sites[i];
		say(t, "  %.*s: from %.*s\n", SLICE_ARG(site->path.text),
		    SLICE_ARG(site->has_upstream ? site->upstream.url : site->root));
		if (site->headers_off)
			continue;
		say(t, "    Content-Security-Policy: ");
		say_text(t, site->csp);
		say(t, "\n");
		say_meta(t, site->csp);
	}
}

static void say_gateway(struct talk *t)
{
	struct conf_limits usual = {0};

	load_fields(SECTION_LIMITS, NULL, &usual);
	usual.handshakes_per_prefix = load_prefix_rate(&usual.handshakes_per_address);
	struct conf_limits now = t->s->limits;
	say(t, "\nLimits of the gateway\n");
	say(t, "  connections %s",
	    now.connections_by_machine ? "as many as the open files allow" : "");
	if (!now.connections_by_machine && now.connections == UINT64_MAX)
		say(t, "unlimited");
	else if (!now.connections_by_machine)
		say(t, "%llu", (unsigned long long)now.connections);
	char text[NUM_TEXT_BYTES];
	say(t, "\n  buffered %.*s\n",
	    SLICE_ARG(now.buffered_by_machine ? SLICE("a quarter of the memory")
					      : num_format_size(now.buffered, text)));
	/* These two were said; what the machine decides would differ from machine to machine. */
	now.connections = usual.connections;
	now.buffered = usual.buffered;
	if (now.prefix_rate_by_address)
		now.handshakes_per_prefix = usual.handshakes_per_prefix;
	say_limits(t, SECTION_LIMITS, &now, &usual, "  ", "");
}

static void say_siege(struct talk *t)
{
	const struct conf_siege *now = &t->s->siege;
	struct conf_siege usual = {0};
	char text[ADDRESS_TEXT_BYTES];

	load_fields(SECTION_SIEGE, NULL, &usual);
	say(t, "\nUnder siege\n  the level %s\n",
	    now->manual ? "is what an operator says"
			: "rises with load, or is what an operator says");
	say_limits(t, SECTION_SIEGE, now, &usual, "  ", "");
	for (size_t i = 0; i < now->allow.count; i++)
		say(t, "  %.*s goes in at every level\n",
		    SLICE_ARG(prefix_format(&now->allow.items[i], text)));
}

static void say_store(struct talk *t)
{
	const struct conf_store *store = &t->s->store;

	if (!store->redis)
		return;
	say(t, "\nStore\n  %.*s, shared with other nodes: tickets and revocations\n",
	    SLICE_ARG(store->url));
	if (store->password.len)
		say(t, "  with a password%s\n", store->user.len ? " and a user's name" : "");
	if (store->tls)
		say(t, "  over TLS, its certificate verified\n");
}

static void say_admin(struct talk *t)
{
	const struct conf_admin *admin = &t->s->admin;

	if (!admin->on)
		return;
	say(t, "\nAdmin listener\n  %.*s, %s\n", SLICE_ARG(admin->listener.url),
	    reach_of(&admin->listener));
	if (admin->token_file.len)
		say(t, "  with the token in %.*s\n", SLICE_ARG(admin->token_file));
	else
		say(t, "  without a token: only health and metrics answer\n");
}

static void say_audit(struct talk *t)
{
	const struct conf_audit *audit = &t->s->audit;
	char text[NUM_TEXT_BYTES];

	if (!audit->file.len)
		return;
	say(t, "\nAudit log\n  %.*s: every decision, %.*s refusals of one reason\n",
	    SLICE_ARG(audit->file), SLICE_ARG(num_format_rate(&audit->lines, text)));
	say(t, "  a new file after %.*s; old ones stay until somebody removes them\n",
	    SLICE_ARG(num_format_size(audit->size, text)));
	if (!audit->chain_off)
		say(t, "  chained, signed every %.*s with a key of %.*s\n",
		    SLICE_ARG(num_format_duration_ms(audit->checkpoint_ms, text)),
		    SLICE_ARG(t->s->keys));
}

static void say_alerts(struct talk *t)
{
	char text[NUM_TEXT_BYTES];

	if (t->s->alert_count)
		say(t, "\nAlerts\n");
	for (size_t i = 0; i < t->s->alert_count; i++) {
		const struct conf_alert *alert = &t->s->alerts[i];
		const char *before = " for ";
		say(t, "  calls %.*s%s", SLICE_ARG(alert->place),
		    alert->token_file.len ? ", with a token," : "");
		for (int k = ALERT_NONE + 1; k < ALERT_COUNT; k++) {
			if (!(alert->on & ALERT_BIT(k)))
				continue;
			say(t, "%s%s", before, alert_word((enum alert_kind)k));
			before = ", ";
			if (k == ALERT_SURGE)
				say(t, " (over %.*s)",
				    SLICE_ARG(num_format_rate(&alert->surge, text)));
		}
		say(t, "; again every %.*s while it lasts\n",
		    SLICE_ARG(num_format_duration_ms(alert->again_ms, text)));
	}
}

static void say_weak(void *context, struct slice where, struct slice what)
{
	struct talk *t = context;

	say(t, "  %.*s: %.*s\n", SLICE_ARG(where), SLICE_ARG(what));
	t->weak++;
}

int explain_snapshot(const struct snapshot *s, struct buf *out)
{
	struct talk t = {.s = s, .out = out};

	say_listeners(&t);
	say_identities(&t);
	say_routes(&t);
	say_sites(&t);
	say_gateway(&t);
	say_siege(&t);
	say_store(&t);
	say_admin(&t);
	say_audit(&t);
	say_alerts(&t);
	say(&t, "\nOff or weakened\n");
	explain_weak(s, say_weak, &t);
	if (!t.weak)
		say(&t, "  nothing\n");
	return t.result;
}
