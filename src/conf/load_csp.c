/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Content-Security-Policy of a site.
 *
 * Made from what the configuration knows anyway: pages may load their own things and open
 * sockets to their own origin. `'self'` covers that in today's browsers; Safari before 15.4
 * did not take wss for `'self'`, so the sockets of our names are listed as well. Trusted
 * Types are not required by default: pages that build HTML from texts would stop working;
 * `csp: {"require-trusted-types-for": "'script'"}` switches them on.
 */
#include <errno.h>

#include "conf/load_priv.h"

enum { CSP_BYTES_MAX = 4096, SOURCES_MAX = 64, SOURCE_BYTES_MAX = 300, DIRECTIVES_MAX = 40 };

struct directive {
	struct slice name;
	struct slice sources[SOURCES_MAX];
	size_t count;
};

struct policy {
	struct load *l;
	struct directive *all; /* DIRECTIVES_MAX of them */
	size_t count;
};

static const struct {
	const char *name, *source;
} base[] = {
	{"default-src", "'self'"},     {"script-src", "'self'"}, {"style-src", "'self'"},
	{"img-src", "'self'"},         {"font-src", "'self'"},   {"connect-src", "'self'"},
	{"object-src", "'none'"},      {"base-uri", "'none'"},   {"form-action", "'self'"},
	{"frame-ancestors", "'none'"},
};

/* Directives that may be added to; what reports violations comes with csp_reports. */
static const char *const known[] = {
	"default-src",     "script-src", "script-src-elem",
	"script-src-attr", "style-src",  "style-src-elem",
	"style-src-attr",  "img-src",    "font-src",
	"connect-src",     "media-src",  "object-src",
	"frame-src",       "child-src",  "worker-src",
	"manifest-src",    "base-uri",   "form-action",
	"frame-ancestors", "sandbox",    "require-trusted-types-for",
	"trusted-types",   "webrtc",
};

/* What stands in single quotes. A nonce in a fixed header would be none. */
static const char *const keywords[] = {
	"self",          "none",           "unsafe-inline", "unsafe-eval", "wasm-unsafe-eval",
	"unsafe-hashes", "strict-dynamic", "report-sample", "script",      "allow-duplicates",
	"block",         "allow",
};

enum {
	KNOWN = sizeof(known) / sizeof(known[0]),
	KEYWORDS = sizeof(keywords) / sizeof(keywords[0])
};

static struct directive *find(struct policy *p, struct slice name)
{
	for (size_t i = 0; i < p->count; i++)
		if (slice_eq(p->all[i].name, name))
			return &p->all[i];
	return NULL;
}

static struct directive *find_or_add(struct policy *p, struct slice name)
{
	struct directive *d = find(p, name);

	if (d || p->count == DIRECTIVES_MAX)
		return d;
	d = &p->all[p->count++];
	d->name = name;
	return d;
}

static bool is_none(struct slice source)
{
	return slice_eq(source, SLICE("'none'"));
}

/* Adds one source; `'none'` gives way to it. False when there is no room. */
static bool add(struct directive *d, struct slice source)
{
	if (d->count == 1 && (is_none(d->sources[0]) || is_none(source)))
		d->count = 0;
	for (size_t i = 0; i < d->count; i++)
		if (slice_eq(d->sources[i], source))
			return true;
	if (d->count == SOURCES_MAX)
		return false;
	d->sources[d->count++] = source;
	return true;
}

static bool keyword_known(struct slice word)
{
	if (slice_starts_with(word, SLICE("sha256-")) ||
	    slice_starts_with(word, SLICE("sha384-")) || slice_starts_with(word, SLICE("sha512-")))
		return true;
	for (size_t i = 0; i < KEYWORDS; i++)
		if (slice_eq(word, slice_from_cstr(keywords[i])))
			return true;
	return false;
}

/* What is wrong with a source expression, or NULL. */
static const char *source_fault(struct slice s)
{
	bool quoted = s.len > 2 && s.data[0] == '\'' && s.data[s.len - 1] == '\'';

	if (s.len == 0 || s.len > SOURCE_BYTES_MAX)
		return "a source has 1 to 300 characters";
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] > '~' || strchr(";,\"", s.data[i]))
			return "a source has no spaces, semicolons, commas or double quotes";
	if (quoted && slice_starts_with(s, SLICE("'nonce-")))
		return "a nonce that is written down is none";
	if (quoted && !keyword_known(slice_of(s.data + 1, s.len - 2)))
		return "no keyword that a policy knows";
	if (!quoted && slice_index(s, '\'') < s.len)
		return "a quote in the middle";
	if (!quoted && keyword_known(s) && slice_index(s, '.') == s.len)
		return "a keyword needs its single quotes";
	return NULL;
}

static bool is_one_of(struct slice s, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq(s, slice_from_cstr(words[i])))
			return true;
	return false;
}

const char *load_csp_weakness(struct slice directive, struct slice source)
{
	static const char *const everybody[] = {"*", "https:", "http:", "wss:", "ws:"};
	static const char *const script[] = {"'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"};
	bool wide = is_one_of(source, everybody, 5);

	if (wide && (slice_eq(directive, SLICE("connect-src")) ||
		     slice_eq(directive, SLICE("default-src"))))
		return "lets a page open sockets to hosts of an attacker's choice";
	if (slice_starts_with(directive, SLICE("script-src")) ||
	    slice_eq(directive, SLICE("default-src"))) {
		if (wide)
			return "lets a page load scripts from anywhere";
		if (is_one_of(source, script, 4))
			return "lets an injected script run";
	}
	return NULL;
}

static void add_source(struct policy *p, const struct yaml_node *item, struct directive *d,
		       size_t of)
{
	struct slice source = item->kind == YAML_SCALAR ? item->text : SLICE("");
	const char *fault = source_fault(source);

	if (!fault && is_none(source) && of > 1)
		fault = "`'none'` stands alone";
	if (fault) {
		diag_add(p->l->diag, DIAG_ERROR, item->at, "`%.*s`: %s",
			 SLICE_ARG(slice_first(source, 80)), fault);
		if (keyword_known(source))
			diag_help(p->l->diag, "write \"'%.*s'\", in both kinds of quotes",
				  SLICE_ARG(source));
		return;
	}
	const char *weakness = load_csp_weakness(d->name, source);
	if (weakness)
		diag_add(p->l->diag, DIAG_WARNING, item->at, "`%.*s` in `%.*s` %s",
			 SLICE_ARG(source), SLICE_ARG(d->name), weakness);
	if (is_none(source))
		d->count = 0;
	if (!add(d, load_copy(p->l, source)))
		diag_add(p->l->diag, DIAG_ERROR, item->at, "more than 64 sources");
}

static void add_directive(struct policy *p, const struct yaml_node *node)
{
	struct slice names[KNOWN];
	struct load_items items = load_items(node);

	for (size_t i = 0; i < KNOWN; i++)
		names[i] = slice_from_cstr(known[i]);
	if (!is_one_of(node->key, known, KNOWN)) {
		struct slice near = diag_nearest(node->key, names, KNOWN);
		diag_add(p->l->diag, DIAG_ERROR, node->key_at, "`%.*s` is no directive of a policy",
			 SLICE_ARG(slice_first(node->key, 80)));
		if (slice_starts_with(node->key, SLICE("report-")))
			diag_help(p->l->diag, "write `csp_reports: true` beside `csp`");
		else if (near.len)
			diag_help(p->l->diag, "did you mean `%.*s`?", SLICE_ARG(near));
		return;
	}
	struct directive *d = find_or_add(p, load_copy(p->l, node->key));
	size_t of = load_count(node);
	if (!d)
		return;
	if (node->kind == YAML_MAP || of == 0) {
		diag_add(p->l->diag, DIAG_ERROR, node->at, "`%.*s` wants a list of sources",
			 SLICE_ARG(node->key));
		return;
	}
	for (const struct yaml_node *item; (item = load_next(&items));)
		add_source(p, item, d, of);
}

static void add_additions(struct policy *p, const struct yaml_node *csp)
{
	if (!csp)
		return;
	if (csp->kind != YAML_MAP) {
		diag_add(p->l->diag, DIAG_ERROR, csp->at,
			 "`csp` is a map of directives, and here is %s", yaml_describe(csp));
		diag_help(p->l->diag,
			  "write `csp: {\"img-src\": [\"https://images.example.com\"]}`");
		return;
	}
	YAML_EACH (node, csp)
		add_directive(p, node);
}

/* The socket of one name on one listener: wss://chat.example.com:8443. */
static void add_socket(struct policy *p, struct directive *d, const struct conf_listener *at,
		       struct slice name)
{
	uint16_t own = at->tls ? 443 : 80;
	const char *open = slice_index(name, ':') < name.len ? "[" : "";
	const char *close = *open ? "]" : "";
	struct slice text;

	if (at->address.port == 0)
		return; /* nobody knows it before the kernel chose */
	if (at->address.port == own)
		text = arena_printf(p->l->arena, "%s://%s%.*s%s", at->tls ? "wss" : "ws", open,
				    SLICE_ARG(name), close);
	else
		text = arena_printf(p->l->arena, "%s://%s%.*s%s:%u", at->tls ? "wss" : "ws", open,
				    SLICE_ARG(name), close, at->address.port);
	if (text.data)
		(void)add(d, text); /* beyond the maximum, 'self' must do */
}

static void add_sockets(struct policy *p, struct directive *d)
{
	const struct snapshot *s = p->l->s;

	for (size_t i = 0; i < s->listener_count; i++) {
		const struct conf_listener *at = &s->listeners[i];
		/* Our names lead to what others can reach. */
		for (size_t h = 0; h < s->hosts.count && !address_is_loopback(&at->address); h++)
			add_socket(p, d, at, s->hosts.items[h]);
		if (at->tls && s->tls.development)
			add_socket(p, d, at, SLICE("localhost"));
		if (!address_is_unspecified(&at->address))
			add_socket(p, d, at, at->host);
	}
}

/* Both words: `report-uri` for browsers that do not know the other one, which ignores it. */
static void add_reports(struct policy *p, const struct yaml_node *site, struct conf_site *out)
{
	const struct yaml_node *said = load_get(site, SET_SITE_CSP_REPORTS);

	if (!out->csp_reports)
		return;
	if (out->headers_off) {
		diag_add(p->l->diag, DIAG_WARNING, said->key_at,
			 "`csp_reports` changes nothing with `headers: off`");
		out->csp_reports = false;
		return;
	}
	(void)add(find_or_add(p, SLICE("report-uri")), SLICE("/.sallyport/csp-report"));
	(void)add(find_or_add(p, SLICE("report-to")), SLICE("sallyport"));
}

static struct slice write_policy(struct policy *p, const struct yaml_node *site)
{
	struct buf text;
	int r = 0;

	buf_init(&text, CSP_BYTES_MAX);
	for (size_t i = 0; i < p->count; i++) {
		r = r ? r : buf_printf(&text, "%s%.*s", i ? "; " : "", SLICE_ARG(p->all[i].name));
		for (size_t k = 0; k < p->all[i].count; k++)
			r = r ? r : buf_printf(&text, " %.*s", SLICE_ARG(p->all[i].sources[k]));
	}
	if (r == -ENOMEM)
		p->l->arena->overflow = true;
	else if (r)
		diag_add(p->l->diag, DIAG_ERROR, site->at,
			 "the Content-Security-Policy would be longer than 4096 bytes");
	struct slice kept = load_copy(p->l, buf_slice(&text));
	buf_deinit(&text);
	return kept;
}

void load_csp(struct load *l, const struct yaml_node *site, struct conf_site *out)
{
	const struct yaml_node *csp = load_get(site, SET_SITE_CSP);
	struct policy p = {.l = l, .all = calloc(DIRECTIVES_MAX, sizeof(struct directive))};

	if (!p.all) {
		l->arena->overflow = true; /* conf_load says -ENOMEM */
		return;
	}
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		(void)add(find_or_add(&p, slice_from_cstr(base[i].name)),
			  slice_from_cstr(base[i].source));
	add_sockets(&p, find(&p, SLICE("connect-src")));
	add_additions(&p, csp);
	add_reports(&p, site, out);
	if (out->headers_off && csp)
		diag_add(l->diag, DIAG_WARNING, csp->key_at,
			 "`csp` changes nothing with `headers: off`");
	if (!out->headers_off)
		out->csp = write_policy(&p, site);
	free(p.all);
}
