/* SPDX-License-Identifier: Apache-2.0 */
/* What is off or weaker than it could be: one function per part, one sentence per control. */
#include "conf/explain.h"

#include <stdarg.h>

#include "base/num.h"
#include "conf/load_priv.h"
#include "http/url.h"

enum { WHERE_BYTES = 200, WHAT_BYTES = 600 };

struct weak {
	const struct snapshot *s;
	explain_weak_fn say;
	void *context;
	char where[WHERE_BYTES]; /* of everything said until the next at() */
};

static void at(struct weak *w, const char *kind, struct slice name)
{
	snprintf(w->where, sizeof(w->where), "%s%s%.*s", kind, name.len ? " " : "",
		 SLICE_ARG(slice_first(name, 150)));
}

static void say(struct weak *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct weak *w, const char *format, ...)
{
	char text[WHAT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	w->say(w->context, slice_from_cstr(w->where), slice_from_cstr(text));
}

static void weak_listeners(struct weak *w)
{
	for (size_t i = 0; i < w->s->listener_count; i++) {
		const struct conf_listener *l = &w->s->listeners[i];
		at(w, "listener", l->url);
		if (!l->tls && !address_is_loopback(&l->address))
			say(w,
			    "clear text beyond loopback: whoever is on the way reads and changes "
			    "everything");
	}
	at(w, "tls", SLICE(""));
	if (w->s->tls.development)
		say(w, "a self-signed development certificate: no client can tell this gateway "
		       "from an "
		       "impostor");
}

static bool used_by_route(const struct snapshot *s, size_t index)
{
	for (size_t r = 0; r < s->route_count; r++)
		for (size_t i = 0; i < s->routes[r].identify_count; i++)
			if (s->routes[r].identify[i] == index)
				return true;
	return false;
}

static void weak_cookie(struct weak *w, const struct conf_identity *identity)
{
	struct url u;

	if (identity->cookie.csrf_off)
		say(w, "no CSRF token is asked for: only Origin stands between this cookie and "
		       "other sites");
	if (!url_parse(identity->cookie.verify, &u) && u.scheme == HTTP_SCHEME_HTTP &&
	    !load_host_is_local(u.host))
		say(w, "session cookies travel to %.*s in clear text",
		    SLICE_ARG(slice_first(url_without_query(identity->cookie.verify), 200)));
}

static void weak_ticket(struct weak *w, const struct conf_identity *identity)
{
	char text[NUM_TEXT_BYTES];

	if (!identity->ticket.bind_origin)
		say(w, "a ticket is not bound to the origin that asked for it");
	if (!identity->ticket.bind_route)
		say(w, "a ticket is not bound to the route that it was asked for");
	if (identity->ticket.ttl_ms > 60 * 1000)
		say(w, "a ticket is good for %.*s, longer than the step from page to socket takes",
		    SLICE_ARG(num_format_duration_ms(identity->ticket.ttl_ms, text)));
	for (size_t i = 0; i < identity->ticket.from_count; i++)
		if (w->s->identities[identity->ticket.from[i]].kind == CONF_IDENTITY_ANYONE)
			say(w, "anyone gets a ticket");
}

/* Whoever is believed chooses his address: for the limits, the log and the tickets. */
static void weak_proxies(struct weak *w)
{
	at(w, "trusted_proxies", SLICE(""));
	for (size_t i = 0; i < w->s->trusted_proxies.count; i++)
		if (w->s->trusted_proxies.items[i].bits == 0)
			say(w, "everybody is believed to be a proxy, and so chooses the "
			       "address that counts");
}

static void weak_siege(struct weak *w)
{
	at(w, "siege", SLICE(""));
	if (w->s->siege.manual)
		say(w, "load does not raise the level: somebody has to be awake");
	for (size_t i = 0; i < w->s->siege.allow.count; i++)
		if (w->s->siege.allow.items[i].bits == 0)
			say(w, "everybody is let in at every level");
}

static void weak_jwt(struct weak *w, const struct conf_identity *identity)
{
	struct url u;

	for (size_t i = 0; i < identity->jwt.from_count; i++)
		if (identity->jwt.from[i].kind == CONF_CARRIER_QUERY)
			say(w, "tokens may stand in the URL: they end up in logs, histories and "
			       "Referer fields");
	if (!identity->jwt.audience.count)
		say(w, "no `audience`: tokens that the issuer made for other services are good "
		       "here too");
	if (!identity->jwt.issuer.len)
		say(w, "no `issuer`: whoever else signs with these keys is believed");
	if (identity->jwt.jwks.len && !url_parse(identity->jwt.jwks, &u) &&
	    u.scheme == HTTP_SCHEME_HTTP && !load_host_is_local(u.host))
		say(w, "keys come from %.*s in clear text: who is on the way can send others",
		    SLICE_ARG(slice_first(url_without_query(identity->jwt.jwks), 200)));
}

static void weak_identities(struct weak *w)
{
	for (size_t i = 0; i < w->s->identity_count; i++) {
		const struct conf_identity *identity = &w->s->identities[i];
		at(w, "identity", identity->name);
		if (identity->kind == CONF_IDENTITY_TICKET && used_by_route(w->s, i))
			weak_ticket(w, identity);
		else if (identity->kind == CONF_IDENTITY_COOKIE)
			weak_cookie(w, identity);
		else if (identity->kind == CONF_IDENTITY_JWT)
			weak_jwt(w, identity);
	}
}

static void weak_origins(struct weak *w, const struct conf_route *route)
{
	if (route->origins.missing_allowed)
		say(w, "connections without Origin are let in (`missing: allowed`): programs, and "
		       "whoever writes one");
	for (size_t i = 0; i < route->origins.list.count; i++) {
		struct http_origin o = http_origin_parse(route->origins.list.items[i]);
		if (o.scheme == HTTP_SCHEME_HTTP && !load_host_is_local(o.host))
			say(w, "pages of %.*s travel in clear text and can be changed on their way",
			    SLICE_ARG(route->origins.list.items[i]));
	}
}

static void weak_upstreams(struct weak *w, const struct conf_route *route)
{
	for (size_t i = 0; i < route->upstream_count; i++) {
		const struct conf_upstream *u = &route->upstreams[i];
		if (!u->tls && !u->unix_path.len && !load_host_is_local(u->host))
			say(w, "the way to %.*s is clear text beyond loopback",
			    SLICE_ARG(slice_first(u->url, 200)));
	}
}

static void weak_route_limits(struct weak *w, const struct conf_route_limits *limits)
{
	for (int id = SETTING_NONE + 1; id < SETTING_COUNT; id++) {
		const struct setting *row = setting_of((enum setting_id)id);
		if (row->section == SECTION_ROUTE_LIMITS && explain_is_unlimited(row, limits))
			say(w, "`%s` is unlimited", row->key);
	}
}

/* Client messages with `allow: true`, as a list. */
static void weak_allow(struct weak *w, const struct conf_messages *m)
{
	char ids[WHAT_BYTES / 2] = "";
	size_t len = 0;

	for (size_t i = 0; i < m->rule_count; i++) {
		bool from_client = m->contract ? m->contract->messages[i].from_client : i == 0;
		if (!from_client || !m->rules[i].allow.always || m->rules[i].never)
			continue;
		int more = snprintf(ids + len, sizeof(ids) - len, "%s%.*s", len ? ", " : "",
				    SLICE_ARG(slice_first(m->rules[i].id, 60)));
		if (more < 0 || len + (size_t)more >= sizeof(ids))
			break;
		len += (size_t)more;
	}
	if (len)
		say(w, "`allow: true`: whoever got this far may send %s", ids);
}

static void weak_messages(struct weak *w, const struct conf_route *route)
{
	const struct conf_messages *m = &route->messages;

	if (!m->judged)
		say(w, "contract none: what messages say is not checked");
	else if (!m->contract)
		say(w, "contract none: what messages say is checked by the rules for all of them "
		       "only");
	if (m->contract && m->undeclared == CONF_UNDECLARED_ALLOW)
		say(w, "undeclared allow: members that the contract does not know pass unchecked");
	weak_allow(w, m);
	for (size_t i = 0; i < m->rule_count; i++)
		if (m->rules[i].observe && !(i && m->rules[i].line == m->rules[i - 1].line))
			say(w, "mode observe of `%.*s`: what its rule refuses is logged and passes",
			    SLICE_ARG(slice_first(m->rules[i].id, 80)));
}

static void weak_route(struct weak *w, const struct conf_route *route)
{
	at(w, "route", route->path.text);
	for (size_t i = 0; i < route->identify_count; i++)
		if (w->s->identities[route->identify[i]].kind == CONF_IDENTITY_ANYONE)
			say(w, "anyone may connect, without a credential");
	weak_origins(w, route);
	weak_messages(w, route);
	if (route->observe)
		say(w, "mode observe: messages that would be refused are logged and pass");
	if (route->compression)
		say(w, "compression on: secrets and a stranger's text in one message can be told "
		       "from its "
		       "length");
	weak_upstreams(w, route);
	weak_route_limits(w, &route->limits);
}

/* "img-src 'self' https:; connect-src ...": each source that opens too much. */
static void weak_csp(struct weak *w, struct slice csp)
{
	struct slice rest = csp, directive;
	bool more = csp.len > 0;

	while (slice_next(&rest, &more, ';', &directive)) {
		struct slice words = slice_trim(directive), word, name = {0};
		bool more_words = words.len > 0;
		while (slice_next(&words, &more_words, ' ', &word)) {
			const char *weakness = name.len ? load_csp_weakness(name, word) : NULL;
			if (!name.len)
				name = word;
			if (weakness)
				say(w, "`%.*s` in the policy's `%.*s` %s", SLICE_ARG(word),
				    SLICE_ARG(name), weakness);
		}
	}
}

static void weak_sites(struct weak *w)
{
	for (size_t i = 0; i < w->s->site_count; i++) {
		const struct conf_site *site = &w->s->sites[i];
		at(w, "site", site->path.text);
		if (site->headers_off)
			say(w,
			    "headers off: no Content-Security-Policy, HSTS, nosniff or protection "
			    "against framing");
		weak_csp(w, site->csp);
	}
}

static void weak_store(struct weak *w)
{
	const struct conf_store *store = &w->s->store;

	at(w, "store", SLICE(""));
	if (!store->redis || load_host_is_local(store->host))
		return;
	if (!store->tls)
		say(w, "the way to Redis is clear text beyond loopback: whoever is on it reads "
		       "tickets and brings people in");
	if (!store->password.len)
		say(w, "Redis is asked without a password: whoever reaches it can do the same");
}

static void weak_limits(struct weak *w)
{
	at(w, "limits", SLICE(""));
	for (int id = SETTING_NONE + 1; id < SETTING_COUNT; id++) {
		const struct setting *row = setting_of((enum setting_id)id);
		bool own = id != SET_HANDSHAKES_PER_PREFIX || !w->s->limits.prefix_rate_by_address;
		if (row->section == SECTION_LIMITS && own &&
		    explain_is_unlimited(row, &w->s->limits))
			say(w, "`%s` is unlimited", row->key);
	}
}

static struct slice folder_of(struct slice path)
{
	while (path.len && path.data[path.len - 1] != '/')
		path.len--;
	return path;
}

/* That is the one folder which the sandbox leaves open for writing. */
static bool shares_a_folder(const struct snapshot *s)
{
	struct slice folder = folder_of(s->audit.file), keys = s->keys;

	return slice_eq(folder, folder_of(s->file)) ||
	       (folder.len == keys.len + 1 && slice_starts_with(folder, keys));
}

static void weak_audit(struct weak *w)
{
	struct url u;

	at(w, "log.audit", SLICE(""));
	if (w->s->audit.chain_off)
		say(w, "`chain: false`: nobody can tell whether the audit log was changed");
	if (w->s->audit.file.len && shares_a_folder(w->s))
		say(w, "its folder holds the configuration or the keys too: whoever breaks into "
		       "the process may append to them");
	for (size_t i = 0; i < w->s->alert_count; i++) {
		const struct conf_alert *alert = &w->s->alerts[i];
		at(w, "alerts", alert->place);
		if (!url_parse(alert->webhook, &u) && u.scheme == HTTP_SCHEME_HTTP &&
		    !load_host_is_local(u.host))
			say(w, "alerts travel in clear text: who is on the way reads and forges "
			       "them");
	}
}

static void weak_process(struct weak *w)
{
	at(w, "sandbox", SLICE(""));
	if (w->s->sandbox_off)
		say(w, "off: whoever breaks into the process may do all that its user may");
}

void explain_weak(const struct snapshot *s, explain_weak_fn tell, void *context)
{
	struct weak w = {.s = s, .say = tell, .context = context};

	weak_listeners(&w);
	weak_proxies(&w);
	weak_siege(&w);
	weak_identities(&w);
	for (size_t i = 0; i < s->route_count; i++)
		weak_route(&w, &s->routes[i]);
	weak_sites(&w);
	weak_store(&w);
	weak_limits(&w);
	weak_audit(&w);
	weak_process(&w);
}
