/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is on the other end: `trusted_proxies`, `proxy_protocol`, and the authorities of client
 * certificates with the identities that need them.
 */
#include "conf/load_priv.h"

static bool read_network(struct load *l, const struct yaml_node *item, struct prefix *out)
{
	struct slice text = load_text(item);

	if (!text.len)
		return false;
	if (prefix_parse(text, out))
		return true;
	diag_add(l->diag, DIAG_ERROR, item->at, "`%.*s` is no network",
		 SLICE_ARG(slice_first(text, 120)));
	diag_help(l->diag, "write `10.0.0.0/8`, `2001:db8::/32` or one address; what stands behind "
			   "the prefix is zero");
	return false;
}

/* A PROXY header that is believed from everybody lets everybody choose an address. */
static bool read_required(struct load *l, const struct yaml_node *word)
{
	if (!slice_eq(load_text(word), SLICE("required")))
		return false;
	if (load_count(load_get(l->root, SET_TRUSTED_PROXIES)))
		return true;
	diag_add(l->diag, DIAG_ERROR, word->at,
		 "`proxy_protocol: required` without `trusted_proxies`: nobody could connect");
	diag_help(l->diag, "name the balancers' networks: `trusted_proxies: [10.0.0.0/8]`");
	return true;
}

struct conf_networks load_networks(struct load *l, const struct yaml_node *list)
{
	struct load_items items = load_items(list);
	struct prefix *all = load_room(l, load_count(list), sizeof(*all));
	size_t count = 0;

	for (const struct yaml_node *item; all && (item = load_next(&items));)
		count += read_network(l, item, &all[count]);
	return (struct conf_networks){all, count};
}

void load_proxies(struct load *l)
{
	l->s->trusted_proxies = load_networks(l, load_get(l->root, SET_TRUSTED_PROXIES));
	l->proxy_protocol = read_required(l, load_get(l->root, SET_PROXY_PROTOCOL));
}

bool load_proxy_protocol(struct load *l, const struct yaml_node *listener)
{
	const struct yaml_node *own =
		listener->kind == YAML_MAP ? load_get(listener, SET_LISTENER_PROXY_PROTOCOL) : NULL;

	return own ? read_required(l, own) : l->proxy_protocol;
}

void load_client_ca(struct load *l, const struct yaml_node *tls)
{
	const struct yaml_node *file = load_get(tls, SET_TLS_CLIENT_CA);
	struct conf_file_info info;

	if (!load_text(file).len)
		return;
	l->s->tls.client_ca = load_file_path(l, file->text);
	(void)load_look(l, file, l->s->tls.client_ca, false, "the authorities", &info);
}

void load_mtls(struct load *l, const struct yaml_node *item, const struct yaml_node *map,
	       struct conf_identity *out)
{
	out->kind = CONF_IDENTITY_MTLS;
	if (load_is(map, SET_MTLS_SUBJECT, "cn"))
		out->mtls.subject = CONF_MTLS_CN;
	if (load_get(load_get(l->root, SET_TLS), SET_TLS_CLIENT_CA))
		return;
	diag_add(l->diag, DIAG_ERROR, map->key_at, "whose certificates are `%.*s`?",
		 SLICE_ARG(item->key));
	diag_help(l->diag, "name the authorities: `tls: {client_ca: partners.pem}`");
}

static bool has_tls_listener(const struct snapshot *s)
{
	for (size_t i = 0; i < s->listener_count; i++) {
		if (s->listeners[i].tls)
			return true;
	}
	return false;
}

void load_lint_peer(struct load *l)
{
	const struct yaml_node *ca = load_get(load_get(l->root, SET_TLS), SET_TLS_CLIENT_CA);
	const struct snapshot *s = l->s;
	bool used = false;

	for (size_t i = 0; i < s->identity_count; i++)
		used |= s->identities[i].kind == CONF_IDENTITY_MTLS;
	if (ca && !used)
		diag_add(l->diag, DIAG_WARNING, ca->key_at,
			 "certificates are asked for, and no `mtls` identity takes them");
	if (ca && used && !has_tls_listener(s))
		diag_add(l->diag, DIAG_WARNING, ca->key_at,
			 "nobody can present a certificate: no listener is https");
}
