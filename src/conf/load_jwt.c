/* SPDX-License-Identifier: Apache-2.0 */
/* `identity.<name>.jwt`: where the token is, which keys verify it, what it must say. */
#include "base/ct.h"
#include "conf/jwa.h"
#include "conf/load_priv.h"
#include "http/cookie.h"

enum { SECRET_MIN = 32, SECRET_MAX = 4096, FILES_MAX = 16 };

/* --- from */

/* `cookie:sid` begins with `cookie:`; what is behind is *name. */
static bool with_name(struct slice text, struct slice prefix, struct slice *name)
{
	if (!slice_starts_with(text, prefix))
		return false;
	*name = slice_from(text, prefix.len);
	return true;
}

static void read_carrier(struct load *l, const struct yaml_node *node, struct conf_carrier *out)
{
	struct slice text = load_text(node), name;

	if (slice_eq(text, SLICE("authorization"))) {
		out->kind = CONF_CARRIER_AUTHORIZATION;
	} else if (slice_eq(text, SLICE("subprotocol:bearer"))) {
		out->kind = CONF_CARRIER_SUBPROTOCOL;
	} else if (with_name(text, SLICE("cookie:"), &name)) {
		out->kind = CONF_CARRIER_COOKIE;
		out->name = load_copy(l, name);
		if (!http_cookie_name_ok(name))
			diag_add(l->diag, DIAG_ERROR, node->at, "no cookie can have this name");
	} else if (with_name(text, SLICE("query:"), &name) && name.len) {
		out->kind = CONF_CARRIER_QUERY;
		out->name = load_copy(l, name);
	} else {
		diag_add(l->diag, DIAG_ERROR, node->at, "a token is not looked for in `%.*s`",
			 SLICE_ARG(slice_first(text, 80)));
		diag_help(l->diag, "write authorization, cookie:NAME, subprotocol:bearer or "
				   "query:NAME");
	}
}

static void read_from(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	const struct yaml_node *from = load_get(map, SET_JWT_FROM);
	struct load_items items = load_items(from);
	struct conf_carrier *all = load_room(l, load_count(from), sizeof(*all));

	for (const struct yaml_node *item; all && (item = load_next(&items));) {
		struct conf_carrier *carrier = &all[out->jwt.from_count];
		if (!load_text(item).len)
			continue;
		read_carrier(l, item, carrier);
		if (carrier->kind == CONF_CARRIER_QUERY && !out->jwt.allow_in_url) {
			diag_add(
				l->diag, DIAG_ERROR, item->at,
				"a token in the URL ends up in logs, histories and Referer fields");
			diag_help(l->diag, "take it from elsewhere, or write `allow_in_url: true`");
		}
		/* The CSRF token that goes with it is made with our keys. */
		if (carrier->kind == CONF_CARRIER_COOKIE)
			l->keys_needed = true;
		out->jwt.from_count++;
	}
	out->jwt.from = all;
}

/* --- algorithms */

static void unknown_algorithm(struct load *l, const struct yaml_node *node)
{
	struct slice known[JWA_COUNT];
	size_t count = 0;

	if (slice_eq_icase(load_text(node), SLICE("none"))) {
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "a token that nobody signed proves nothing");
		return;
	}
	for (int alg = JWA_NONE + 1; alg < JWA_COUNT; alg++)
		known[count++] = slice_from_cstr(jwa_name((enum jwa)alg));
	diag_add(l->diag, DIAG_ERROR, node->at, "no algorithm is called `%.*s`",
		 SLICE_ARG(slice_first(load_text(node), 80)));
	struct slice near = diag_nearest(load_text(node), known, count);
	if (near.len)
		diag_help(l->diag, "did you mean `%.*s`?", SLICE_ARG(near));
}

/* A secret verifies only HS*, and nothing else does: that a public key is taken for a secret
 * cannot even be written down. */
static void read_algorithms(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	struct load_items items = load_items(load_get(map, SET_JWT_ALGORITHMS));
	bool secret = load_get(map, SET_JWT_SECRET) != NULL;

	for (const struct yaml_node *item; (item = load_next(&items));) {
		if (!load_text(item).len)
			continue;
		enum jwa alg = jwa_find(load_text(item));
		if (!alg) {
			unknown_algorithm(l, item);
			continue;
		}
		if ((jwa_hmac_bytes(alg) > 0) != secret) {
			diag_add(l->diag, DIAG_ERROR, item->at,
				 secret ? "`%s` does not go with `secret`"
					: "`%s` goes only with `secret`",
				 jwa_name(alg));
			diag_help(l->diag, secret ? "HS256, HS384 and HS512 do"
						  : "whoever can verify it can sign it");
		}
		out->jwt.algorithms |= JWA_BIT(alg);
	}
}

/* --- keys */

static void check_jwks(struct load *l, const struct yaml_node *node, const struct url *u,
		       bool cleartext_allowed)
{
	if (u->scheme != HTTP_SCHEME_HTTP && u->scheme != HTTP_SCHEME_HTTPS) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`jwks` is an http or https URL");
	} else if (u->port == 0) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`jwks` needs a port that is not 0");
	} else if (u->scheme == HTTP_SCHEME_HTTP && !load_host_is_local(u->host) &&
		   !cleartext_allowed) {
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "`jwks` brings keys in clear text from beyond loopback");
		diag_help(l->diag, "use https, or write `cleartext: allowed` beside it");
	}
}

static void read_jwks(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	const struct yaml_node *jwks = load_get(map, SET_JWT_JWKS);
	struct url u;

	if (!load_text(jwks).len)
		return;
	out->jwt.jwks = load_copy(l, jwks->text);
	const char *fault = url_parse(jwks->text, &u);
	if (fault) {
		diag_add(l->diag, DIAG_ERROR, jwks->at, "`jwks`: %s", fault);
		diag_help(l->diag, "write `https://id.example.com/jwks.json`, say");
		return;
	}
	check_jwks(l, jwks, &u, out->jwt.cleartext_allowed);
}

static void read_files(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	const struct yaml_node *keys = load_get(map, SET_JWT_KEYS);
	struct load_items items = load_items(keys);
	struct slice *paths = load_room(l, load_count(keys), sizeof(*paths));
	struct conf_file_info info;

	if (load_count(keys) > FILES_MAX)
		diag_add(l->diag, DIAG_ERROR, keys->at, "more than %d files of keys",
			 (int)FILES_MAX);
	for (const struct yaml_node *item; paths && (item = load_next(&items));) {
		if (!load_text(item).len)
			continue;
		paths[out->jwt.files.count] = load_file_path(l, load_text(item));
		load_look(l, item, paths[out->jwt.files.count], false, "the key", &info);
		out->jwt.files.count++;
	}
	out->jwt.files.items = paths;
}

static void check_secret(struct load *l, const struct yaml_node *node, struct conf_identity *out)
{
	struct conf_file_info info;
	struct buf bytes;

	if (!load_look(l, node, out->jwt.secret, false, "the secret", &info))
		return;
	if (info.mode & 0077) {
		diag_add(l->diag, DIAG_UNSAFE, node->at,
			 "others may read or change the secret %.*s (mode %04o)",
			 SLICE_ARG(out->jwt.secret), info.mode);
		diag_help(l->diag, "chmod 0600 %.*s", SLICE_ARG(out->jwt.secret));
	}
	buf_init(&bytes, SECRET_MAX);
	int r = l->files->read(l->files->context, out->jwt.secret.data, &bytes);
	size_t len = buf_waiting(&bytes);
	if (r == BUF_FULL)
		diag_add(l->diag, DIAG_ERROR, node->at, "the secret is longer than 4096 bytes");
	else if (r == 0 && len < SECRET_MIN)
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "a secret has at least 32 bytes, and this one has %zu", len);
	for (int alg = JWA_NONE + 1; r == 0 && len >= SECRET_MIN && alg < JWA_COUNT; alg++) {
		if (out->jwt.algorithms & JWA_BIT(alg) && len < jwa_hmac_bytes((enum jwa)alg))
			diag_add(l->diag, DIAG_WARNING, node->at,
				 "the secret is too short for `%s`: no such token is accepted",
				 jwa_name((enum jwa)alg));
	}
	if (bytes.data)
		ct_wipe(bytes.data, bytes.cap);
	buf_deinit(&bytes);
}

static void read_secret(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	const struct yaml_node *secret = load_get(map, SET_JWT_SECRET);

	if (!load_text(secret).len)
		return;
	out->jwt.secret = load_file_path(l, secret->text);
	check_secret(l, secret, out);
}

static void read_keys(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	static const enum setting_id sources[] = {SET_JWT_JWKS, SET_JWT_KEYS, SET_JWT_SECRET};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		count += load_get(map, sources[i]) != NULL;
	if (count != 1) {
		diag_add(l->diag, DIAG_ERROR, map->key_at,
			 count ? "a token's keys come from one place"
			       : "nothing says which keys verify these tokens");
		diag_help(l->diag, "write one of `jwks`, `keys` and `secret`");
	}
	read_jwks(l, map, out);
	read_files(l, map, out);
	read_secret(l, map, out);
}

void load_jwt(struct load *l, const struct yaml_node *map, struct conf_identity *out)
{
	const struct yaml_node *allow = load_get(map, SET_JWT_ALLOW_IN_URL);

	out->kind = CONF_IDENTITY_JWT;
	load_fields(SECTION_JWT, map, out);
	out->jwt.allow_in_url = allow && yaml_scalar_type(allow) == YAML_TYPE_TRUE;
	out->jwt.cleartext_allowed = load_is(map, SET_JWT_CLEARTEXT, "allowed");
	out->jwt.issuer = load_copy(l, load_text(load_get(map, SET_JWT_ISSUER)));
	out->jwt.type = load_copy(l, load_text(load_get(map, SET_JWT_TYPE)));
	out->jwt.audience = load_texts(l, load_get(map, SET_JWT_AUDIENCE));
	read_from(l, map, out);
	read_algorithms(l, map, out);
	read_keys(l, map, out);
}
