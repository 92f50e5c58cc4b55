/* SPDX-License-Identifier: Apache-2.0 */
/* `identity`: the named ways to prove who one is, and the folder of keys that they need. */
#include "conf/load_priv.h"
#include "http/cookie.h"

static bool name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-')
			return false;
	}
	return name.len > 0 && name.len <= 64;
}

/* The one kind that the map names; complains about none and about several. */
static const struct yaml_node *kind_of(struct load *l, const struct yaml_node *item)
{
	const struct yaml_node *kind = NULL;

	YAML_EACH (key, item) {
		if (!setting_find(SECTION_IDENTITY, key->key))
			continue;
		if (kind) {
			diag_add(l->diag, DIAG_ERROR, key->key_at,
				 "an identity has one kind, and `%.*s` is already `%.*s`",
				 SLICE_ARG(item->key), SLICE_ARG(kind->key));
			diag_help(l->diag,
				  "give each its own name; a route's `identify` lists several");
			return NULL;
		}
		kind = key;
	}
	if (!kind && item->count == 0) {
		diag_add(l->diag, DIAG_ERROR, item->key_at, "the identity `%.*s` has no kind",
			 SLICE_ARG(item->key));
		diag_help(l->diag, "write one of ticket, cookie, jwt, mtls, anyone below it");
	}
	return kind;
}

static void read_ticket(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	const struct yaml_node *bind = load_get(map, SET_TICKET_BIND);
	struct load_items items = load_items(bind);

	out->kind = CONF_IDENTITY_TICKET;
	l->keys_needed = true;
	load_fields(SECTION_TICKET, map, out);
	out->ticket.bind_origin = out->ticket.bind_route = !bind;
	for (const struct yaml_node *item; (item = load_next(&items));) {
		struct slice word = load_text(item);
		out->ticket.bind_origin |= slice_eq(word, SLICE("origin"));
		out->ticket.bind_route |= slice_eq(word, SLICE("route"));
		out->ticket.bind_address |= slice_eq(word, SLICE("address"));
	}
}

static void check_verify(struct load *l, const struct yaml_node *node, const struct url *u,
			 bool cleartext_allowed)
{
	if (u->scheme != HTTP_SCHEME_HTTP && u->scheme != HTTP_SCHEME_HTTPS) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`verify` is an http or https URL");
	} else if (slice_index(u->path, '{') < u->path.len ||
		   slice_index(u->path, '*') < u->path.len) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`verify` has no parameters");
	} else if (u->port == 0) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`verify` needs a port that is not 0");
	} else if (u->scheme == HTTP_SCHEME_HTTP && !load_host_is_local(u->host) &&
		   !cleartext_allowed) {
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "`verify` sends session cookies in clear text beyond loopback");
		diag_help(l->diag, "use https, or write `cleartext: allowed` beside it");
	}
}

static void read_cookie(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	const struct yaml_node *name = load_get(map, SET_COOKIE_NAME);
	const struct yaml_node *verify = load_get(map, SET_COOKIE_VERIFY);
	struct url u;

	out->kind = CONF_IDENTITY_COOKIE;
	load_fields(SECTION_COOKIE, map, out);
	out->cookie.csrf_off = load_is(map, SET_COOKIE_CSRF, "off");
	out->cookie.cleartext_allowed = load_is(map, SET_COOKIE_CLEARTEXT, "allowed");
	if (!out->cookie.csrf_off)
		l->keys_needed = true;
	if (load_text(name).len) {
		out->cookie.name = load_copy(l, name->text);
		if (!http_cookie_name_ok(name->text))
			diag_add(l->diag, DIAG_ERROR, name->at, "no cookie can have this name");
	}
	if (!load_text(verify).len)
		return;
	out->cookie.verify = load_copy(l, verify->text);
	const char *fault = url_parse(verify->text, &u);
	if (fault) {
		diag_add(l->diag, DIAG_ERROR, verify->at, "`verify`: %s", fault);
		diag_help(l->diag, "write `http://127.0.0.1:3000/whoami`, say");
		return;
	}
	check_verify(l, verify, &u, out->cookie.cleartext_allowed);
}

static void read_anyone(struct load *l, const struct yaml_node *node, struct conf_identity *out)
{
	out->kind = CONF_IDENTITY_ANYONE;
	if (yaml_scalar_type(node) == YAML_TYPE_FALSE) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`anyone` can only be `true`");
		diag_help(l->diag, "remove this identity");
	}
}

static void read_one(struct load *l, const struct yaml_node *item, struct conf_identity *out)
{
	const struct yaml_node *kind = kind_of(l, item);

	out->name = load_copy(l, item->key);
	if (!name_ok(item->key)) {
		diag_add(l->diag, DIAG_ERROR, item->key_at,
			 "an identity's name has letters, digits, `-` and `_`");
		return;
	}
	if (!kind)
		return;
	if (slice_eq(item->key, SLICE("anyone")) && !slice_eq(kind->key, SLICE("anyone"))) {
		diag_add(l->diag, DIAG_ERROR, item->key_at,
			 "the name `anyone` means that nothing is asked");
		diag_help(l->diag, "give this identity another name");
		return;
	}
	if (slice_eq(kind->key, SLICE("ticket")) && kind->kind == YAML_MAP)
		read_ticket(l, kind, out);
	else if (slice_eq(kind->key, SLICE("cookie")) && kind->kind == YAML_MAP)
		read_cookie(l, kind, out);
	else if (slice_eq(kind->key, SLICE("mtls")) && kind->kind == YAML_MAP)
		load_mtls(l, item, kind, out);
	else if (slice_eq(kind->key, SLICE("jwt")) && kind->kind == YAML_MAP)
		load_jwt(l, kind, out);
	else if (slice_eq(kind->key, SLICE("anyone")) && kind->kind == YAML_SCALAR)
		read_anyone(l, kind, out);
}

/* The word `anyone` stands in this list. */
static bool names_anyone(const struct yaml_node *list)
{
	struct load_items items = load_items(list);

	for (const struct yaml_node *item; (item = load_next(&items));)
		if (slice_eq(load_text(item), SLICE("anyone")))
			return true;
	return false;
}

/* `identify: anyone` says it in words without an entry under `identity`. */
static bool anyone_is_used(const struct load *l, const struct yaml_node *map)
{
	struct load_items routes = load_items(load_get(l->root, SET_ROUTES));

	for (const struct yaml_node *route; (route = load_next(&routes));)
		if (names_anyone(load_get(route, SET_ROUTE_IDENTIFY)))
			return true;
	if (map) {
		YAML_EACH (item, map) {
			const struct yaml_node *ticket = load_get(item, SET_IDENTITY_TICKET);
			if (names_anyone(load_get(ticket, SET_TICKET_FROM)))
				return true;
		}
	}
	return false;
}

/* ticket.from: names become indexes, once all names are known. */
static void resolve_from(struct load *l, const struct yaml_node *item, struct conf_identity *out)
{
	const struct yaml_node *from =
		load_get(load_get(item, SET_IDENTITY_TICKET), SET_TICKET_FROM);
	struct load_items names = load_items(from);
	size_t *indexes = load_room(l, load_count(from), sizeof(*indexes));
	size_t count = 0;

	for (const struct yaml_node *name; indexes && (name = load_next(&names));) {
		size_t index;
		if (!load_text(name).len || !load_identity_index(l, name, &index))
			continue;
		if (l->s->identities[index].kind == CONF_IDENTITY_TICKET) {
			diag_add(l->diag, DIAG_ERROR, name->at,
				 "a ticket is not given for a ticket");
			diag_help(l->diag, "name the credential with which one asks for it");
			continue;
		}
		indexes[count++] = index;
	}
	out->ticket.from = indexes;
	out->ticket.from_count = count;
}

bool load_identity_index(struct load *l, const struct yaml_node *name, size_t *index)
{
	struct slice known[64];
	size_t count = 0;

	for (size_t i = 0; i < l->s->identity_count; i++) {
		if (slice_eq(l->s->identities[i].name, name->text)) {
			*index = i;
			return true;
		}
		if (count < sizeof(known) / sizeof(known[0]))
			known[count++] = l->s->identities[i].name;
	}
	diag_add(l->diag, DIAG_ERROR, name->at, "no identity is called `%.*s`",
		 SLICE_ARG(slice_first(name->text, 80)));
	struct slice near = diag_nearest(name->text, known, count);
	if (near.len)
		diag_help(l->diag, "did you mean `%.*s`?", SLICE_ARG(near));
	else
		diag_help(l->diag, "define it under `identity`");
	return false;
}

void load_identity(struct load *l)
{
	const struct yaml_node *map = load_get(l->root, SET_IDENTITY);
	bool extra;

	if (map && map->kind != YAML_MAP)
		map = NULL;
	extra = !yaml_get(map, SLICE("anyone")) && anyone_is_used(l, map);
	size_t count = (map ? map->count : 0) + extra, at = 0;
	struct conf_identity *all = load_room(l, count, sizeof(*all));
	if (!all)
		return;
	if (map) {
		YAML_EACH (item, map)
			read_one(l, item, &all[at++]);
	}
	if (extra)
		all[at] = (struct conf_identity){.name = SLICE("anyone"),
						 .kind = CONF_IDENTITY_ANYONE};
	l->s->identities = all;
	l->s->identity_count = count;
	at = 0;
	if (map) {
		YAML_EACH (item, map) {
			if (all[at].kind == CONF_IDENTITY_TICKET)
				resolve_from(l, item, &all[at]);
			at++;
		}
	}
}

/* Others may not read secret keys, and may not put keys of their own beside them. */
static void check_keys_folder(struct load *l, const struct yaml_node *node)
{
	struct diag_place place = node ? node->at : (struct diag_place){0};
	struct conf_file_info info = {0};

	if (l->files->look(l->files->context, l->s->keys.data, &info))
		return; /* made at first start */
	if (!info.folder) {
		diag_add(l->diag, DIAG_ERROR, place, "the keys %.*s are not a folder",
			 SLICE_ARG(l->s->keys));
	} else if (info.mode & 0022) {
		diag_add(l->diag, DIAG_UNSAFE, place,
			 "others may put keys into the folder %.*s (mode %04o)",
			 SLICE_ARG(l->s->keys), info.mode);
		diag_help(l->diag, "chmod 0700 %.*s", SLICE_ARG(l->s->keys));
	} else if (info.worst & 0077) {
		diag_add(l->diag, DIAG_UNSAFE, place,
			 "others may read or change the keys in %.*s (mode %04o)",
			 SLICE_ARG(l->s->keys), info.worst);
		diag_help(l->diag, "chmod 0600 %.*s/*", SLICE_ARG(l->s->keys));
	} else if (!info.readable) {
		diag_add(l->diag, DIAG_ERROR, place, "the folder %.*s cannot be read by this user",
			 SLICE_ARG(l->s->keys));
	}
}

void load_keys(struct load *l)
{
	const struct yaml_node *node = load_get(l->root, SET_KEYS);
	struct slice written = load_text(node);

	if (!written.len && !l->keys_needed)
		return;
	l->s->keys = load_file_path(l, written.len ? written : SLICE("keys"));
	if (l->s->keys.len)
		check_keys_folder(l, node);
}
