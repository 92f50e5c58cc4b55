/* SPDX-License-Identifier: Apache-2.0 */
/* `listen`, `tls` and `hosts`: where we are, and under which names. */
#include "conf/load_priv.h"

bool load_host_is_local(struct slice host)
{
	struct address a;

	if (http_host_eq(host, SLICE("localhost")))
		return true;
	return address_parse(host, &a) && address_is_loopback(&a);
}

static bool refuse_url(struct load *l, const struct yaml_node *node, const char *fault,
		       const char *help)
{
	diag_add(l->diag, DIAG_ERROR, node->at, "`%.*s`: %s",
		 SLICE_ARG(slice_first(node->text, 120)), fault);
	if (help)
		diag_help(l->diag, "%s", help);
	return false;
}

bool load_listener_url(struct load *l, const struct yaml_node *node, struct conf_listener *out)
{
	static const char form[] = "write `https://0.0.0.0:8443`, or `http://127.0.0.1:8080` for "
				   "clear text on this machine only";
	struct url u;
	const char *fault = url_parse(node->text, &u);

	if (fault)
		return refuse_url(l, node, fault, form);
	if (u.scheme == HTTP_SCHEME_WS || u.scheme == HTTP_SCHEME_WSS)
		return refuse_url(l, node, "a listener is written with http or https",
				  u.scheme == HTTP_SCHEME_WSS ? "`https://` serves wss too"
							      : "`http://` serves ws too");
	if (u.scheme != HTTP_SCHEME_HTTP && u.scheme != HTTP_SCHEME_HTTPS)
		return refuse_url(l, node, "a listener is http or https", form);
	if ((u.path.len && !slice_eq(u.path, SLICE("/"))) || u.has_query)
		return refuse_url(l, node, "a listener has no path", "paths stand in `routes`");
	if (http_host_eq(u.host, SLICE("localhost")))
		(void)address_parse(SLICE("127.0.0.1"), &out->address);
	else if (!address_parse(u.host, &out->address))
		return refuse_url(l, node, "a listener needs a literal address", form);
	out->address.port = u.port;
	out->url = load_copy(l, node->text);
	out->host = load_copy(l, u.host);
	out->tls = u.scheme == HTTP_SCHEME_HTTPS;
	return true;
}

static void check_cleartext(struct load *l, const struct yaml_node *item,
			    const struct yaml_node *url, const struct conf_listener *listener)
{
	const struct yaml_node *word =
		item->kind == YAML_MAP ? load_get(item, SET_LISTENER_CLEARTEXT) : NULL;
	bool open = !listener->tls && !address_is_loopback(&listener->address);

	if (open && !listener->cleartext_allowed) {
		diag_add(l->diag, DIAG_ERROR, url->at,
			 "clear text beyond loopback: whoever is on the "
			 "way reads and changes everything");
		diag_help(l->diag, "use https, or write {url: \"%.*s\", cleartext: allowed}",
			  SLICE_ARG(url->text));
	} else if (!open && word) {
		diag_add(l->diag, DIAG_WARNING, word->at,
			 "`cleartext: allowed` changes nothing here: the listener is %s",
			 listener->tls ? "https" : "on loopback");
	}
}

static void read_listener(struct load *l, const struct yaml_node *item, struct conf_listener *all,
			  size_t *count)
{
	struct conf_listener *out = &all[*count];
	const struct yaml_node *url = item;

	if (item->kind == YAML_MAP) {
		url = load_get(item, SET_LISTENER_URL);
		out->cleartext_allowed = load_is(item, SET_LISTENER_CLEARTEXT, "allowed");
	}
	if (!load_text(url).len || !load_listener_url(l, url, out))
		return;
	check_cleartext(l, item, url, out);
	out->proxy_protocol = load_proxy_protocol(l, item);
	if (out->tls && !load_get(l->root, SET_TLS)) {
		diag_add(l->diag, DIAG_ERROR, url->at, "an https listener needs `tls`");
		diag_help(l->diag,
			  "write `tls: {certificates: [{certificate: chain.pem, key: key.pem}]}`, "
			  "or `tls: {development: true}` to try things out");
	}
	for (size_t i = 0; i < *count; i++) {
		if (out->address.port && address_eq_with_port(&all[i].address, &out->address))
			diag_add(l->diag, DIAG_ERROR, url->at,
				 "this address and port is there twice");
	}
	++*count;
}

void load_listen(struct load *l)
{
	const struct yaml_node *list = load_get(l->root, SET_LISTEN);
	struct load_items items = load_items(list);
	struct conf_listener *all = load_room(l, load_count(list), sizeof(*all));
	size_t count = 0;

	if (list && list->kind == YAML_LIST && list->count == 0) {
		diag_add(l->diag, DIAG_ERROR, list->at, "`listen` is empty: nobody could connect");
		return;
	}
	for (const struct yaml_node *item; all && (item = load_next(&items));)
		if (item->kind != YAML_LIST)
			read_listener(l, item, all, &count);
	l->s->listeners = all;
	l->s->listener_count = count;
}

static void read_certificate(struct load *l, const struct yaml_node *item,
			     struct conf_certificate *out)
{
	const struct yaml_node *certificate = load_get(item, SET_CERTIFICATE_CERTIFICATE);
	const struct yaml_node *key = load_get(item, SET_CERTIFICATE_KEY);
	struct conf_file_info info;

	if (load_text(certificate).len) {
		out->certificate = load_file_path(l, certificate->text);
		(void)load_look(l, certificate, out->certificate, false, "the certificate", &info);
	}
	if (!load_text(key).len)
		return;
	out->key = load_file_path(l, key->text);
	if (load_look(l, key, out->key, false, "the key", &info) && (info.mode & 0007)) {
		diag_add(l->diag, DIAG_UNSAFE, key->at,
			 "the key %.*s is open to everybody on this machine (mode %04o)",
			 SLICE_ARG(out->key), info.mode);
		diag_help(l->diag, "chmod 0600 %.*s", SLICE_ARG(out->key));
	}
}

static void read_certificates(struct load *l, const struct yaml_node *list)
{
	struct load_items items = load_items(list);
	struct conf_certificate *all = load_room(l, load_count(list), sizeof(*all));
	size_t count = 0;

	for (const struct yaml_node *item; all && (item = load_next(&items));)
		if (item->kind == YAML_MAP)
			read_certificate(l, item, &all[count++]);
	l->s->tls.certificates = all;
	l->s->tls.count = count;
}

void load_tls(struct load *l)
{
	const struct yaml_node *tls = load_get(l->root, SET_TLS);
	if (!tls || tls->kind != YAML_MAP)
		return;
	const struct yaml_node *list = load_get(tls, SET_TLS_CERTIFICATES);
	const struct yaml_node *development = load_get(tls, SET_TLS_DEVELOPMENT);

	read_certificates(l, list);
	load_client_ca(l, tls);
	l->s->tls.minimum_13 = load_is(tls, SET_TLS_MINIMUM, "1.3");
	l->s->tls.development = development && yaml_scalar_type(development) == YAML_TYPE_TRUE;
	if (l->s->tls.development && list) {
		diag_add(l->diag, DIAG_ERROR, development->key_at,
			 "`development` and `certificates` exclude each other");
		diag_help(l->diag, "remove `development` where there are real certificates");
	}
	if (!l->s->tls.development && load_count(list) == 0) {
		diag_add(l->diag, DIAG_ERROR, tls->key_at, "`tls` has no certificates");
		diag_help(l->diag,
			  "write `certificates: [{certificate: chain.pem, key: key.pem}]`, or "
			  "`development: true` to try things out");
	}
}

static bool host_ok(struct load *l, const struct yaml_node *item, struct http_authority *parts)
{
	const char *help = "write the bare name, as in `chat.example.com`";
	struct slice text = load_text(item);

	if (slice_index(text, '*') < text.len)
		return refuse_url(l, item, "`hosts` has no wildcards", "write each name");
	if (slice_index(text, '/') < text.len)
		return refuse_url(l, item, "a name, not a URL", help);
	if (!http_authority_parse(text, parts))
		return refuse_url(l, item, "no name of a host", help);
	if (parts->port)
		return refuse_url(l, item, "a name without its port", help);
	return true;
}

void load_hosts(struct load *l)
{
	const struct yaml_node *list = load_get(l->root, SET_HOSTS);
	struct load_items items = load_items(list);
	struct slice *hosts = load_room(l, load_count(list), sizeof(*hosts));
	size_t count = 0;

	for (const struct yaml_node *item; hosts && (item = load_next(&items));) {
		struct http_authority parts;
		if (load_text(item).len && host_ok(l, item, &parts))
			hosts[count++] = load_lower(l, parts.host);
	}
	l->s->hosts = (struct conf_texts){hosts, count};
}

void load_admin(struct load *l)
{
	const struct yaml_node *admin = load_get(l->root, SET_ADMIN);
	const struct yaml_node *url = load_get(admin, SET_ADMIN_LISTEN);
	const struct yaml_node *token = load_get(admin, SET_ADMIN_TOKEN);
	struct conf_admin *out = &l->s->admin;
	struct conf_file_info info;

	if (load_text(token).len) {
		out->token_file = load_file_path(l, token->text);
		if (load_look(l, token, out->token_file, false, "the token", &info) &&
		    (info.mode & 0007)) {
			diag_add(l->diag, DIAG_UNSAFE, token->at,
				 "the token %.*s is open to everybody on this machine (mode %04o)",
				 SLICE_ARG(out->token_file), info.mode);
			diag_help(l->diag, "chmod 0600 %.*s", SLICE_ARG(out->token_file));
		}
	}
	if (!load_text(url).len || !load_listener_url(l, url, &out->listener))
		return;
	out->on = true;
	bool local = address_is_loopback(&out->listener.address);
	if (!local && !out->listener.tls) {
		diag_add(l->diag, DIAG_ERROR, url->at,
			 "the admin listener is beyond loopback without TLS");
		diag_help(l->diag, "listen on 127.0.0.1, or use https and a `token`");
	} else if (!local && !token) {
		diag_add(l->diag, DIAG_ERROR, url->at,
			 "the admin listener is beyond loopback without a `token`");
		diag_help(l->diag, "listen on 127.0.0.1, or name a file with `token:`");
	}
	if (out->listener.tls && !load_get(l->root, SET_TLS))
		diag_add(l->diag, DIAG_ERROR, url->at, "an https listener needs `tls`");
	for (size_t i = 0; i < l->s->listener_count; i++)
		if (out->listener.address.port &&
		    address_eq_with_port(&l->s->listeners[i].address, &out->listener.address))
			diag_add(l->diag, DIAG_ERROR, url->at,
				 "the admin listener is one of the public listeners too");
}
