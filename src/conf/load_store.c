/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `store`: where tickets live.
 *
 *	memory
 *	redis://[user]:[password]@host[:6379][/database]      rediss:// over TLS
 *
 * User and password are percent-decoded. No sentence from here repeats what stands before
 * the host, and conf_store.url is without it.
 */
#include "base/num.h"
#include "conf/load_priv.h"

enum { REDIS_PORT = 6379, DATABASES_MAX = 65535, URL_BYTES = 512 };

static void refuse(struct load *l, const struct yaml_node *node, const char *what, const char *help)
{
	diag_add(l->diag, DIAG_ERROR, node->at, "%s", what);
	diag_help(l->diag, "%s",
		  help ? help : "write `redis://:password@redis.example.com:6379/0`");
}

/* Into the snapshot. False: not percent-encoded as it should be. */
static bool decode(struct load *l, struct slice text, struct slice *out)
{
	char *room = load_room(l, text.len + 1, 1);
	size_t len = 0;

	*out = slice_of(NULL, 0);
	for (size_t i = 0; room && i < text.len; i++) {
		char c = text.data[i];
		if (c == '%') {
			int high = i + 2 < text.len ? num_hex_digit(text.data[i + 1]) : -1;
			int low = i + 2 < text.len ? num_hex_digit(text.data[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return false;
		room[len++] = c;
	}
	*out = slice_of(room, len);
	return room != NULL;
}

static bool read_user(struct load *l, const struct yaml_node *node, struct slice info,
		      struct conf_store *out)
{
	size_t colon = slice_index(info, ':');

	if (colon >= info.len || colon + 1 == info.len) {
		refuse(l, node, "`store` names a user without a password", NULL);
		return false;
	}
	if (decode(l, slice_first(info, colon), &out->user) &&
	    decode(l, slice_from(info, colon + 1), &out->password))
		return true;
	refuse(l, node, "the user or password in `store` is not percent-encoded",
	       "what is no letter or digit is written %XX: `@` is %40, `/` is %2F, `%` is %25");
	return false;
}

/* host[:port], by http's own parser. */
static bool read_host(struct load *l, const struct yaml_node *node, struct slice text,
		      struct conf_store *out)
{
	char room[URL_BYTES];
	struct url u;
	int len = snprintf(room, sizeof(room), "http://%.*s", SLICE_ARG(text));
	const char *fault = len > 0 && (size_t)len < sizeof(room)
				    ? url_parse(slice_of(room, (size_t)len), &u)
				    : "too long";

	if (!fault && u.has_query)
		fault = "there is no query";
	if (!fault && u.port_written && u.port == 0)
		fault = "port 0 is no place to connect to";
	if (fault) {
		diag_add(l->diag, DIAG_ERROR, node->at, "the host in `store`: %s", fault);
		diag_help(l->diag, "write `redis://redis.example.com:6379/0`");
		return false;
	}
	out->host = load_copy(l, u.host);
	out->port = u.port_written ? u.port : REDIS_PORT;
	return true;
}

static bool read_database(struct load *l, const struct yaml_node *node, struct slice path,
			  struct conf_store *out)
{
	uint64_t database = 0;

	if (path.len > 1 && !num_parse_u64(slice_from(path, 1), DATABASES_MAX, &database)) {
		refuse(l, node, "behind the host in `store` stands the number of a database",
		       "write `/0`, or nothing");
		return false;
	}
	out->database = (uint32_t)database;
	return true;
}

static void read_redis(struct load *l, const struct yaml_node *node, struct slice rest,
		       struct conf_store *out)
{
	size_t slash = slice_index(rest, '/');
	struct slice authority = slice_first(rest, slash);
	struct slice path = slash < rest.len ? slice_from(rest, slash) : slice_of(NULL, 0);
	size_t at = authority.len;
	char room[URL_BYTES + 32];

	while (at > 0 && authority.data[at - 1] != '@')
		at--;
	if (at > 0 && !read_user(l, node, slice_first(authority, at - 1), out))
		return;
	if (!read_host(l, node, slice_from(authority, at), out) ||
	    !read_database(l, node, path, out))
		return;
	bool v6 = slice_index(out->host, ':') < out->host.len;
	int len = snprintf(room, sizeof(room), "redis%s://%s%.*s%s:%u/%u", out->tls ? "s" : "",
			   v6 ? "[" : "", SLICE_ARG(out->host), v6 ? "]" : "", out->port,
			   out->database);
	out->url = load_copy(l, slice_of(room, (size_t)len));
	out->redis = true;
}

void load_store(struct load *l)
{
	const struct yaml_node *node = load_get(l->root, SET_STORE);
	struct slice text = load_text(node);
	struct conf_store *out = &l->s->store;

	if (!text.len || slice_eq(text, SLICE("memory")))
		return;
	if (slice_starts_with(text, SLICE("redis://"))) {
		read_redis(l, node, slice_from(text, 8), out);
		return;
	}
	if (slice_starts_with(text, SLICE("rediss://"))) {
		out->tls = true;
		read_redis(l, node, slice_from(text, 9), out);
		return;
	}
	if (slice_index(text, '@') < text.len)
		diag_add(l->diag, DIAG_ERROR, node->at, "`store` is none that there is");
	else
		diag_add(l->diag, DIAG_ERROR, node->at, "`store` cannot be `%.*s`",
			 SLICE_ARG(slice_first(text, 80)));
	diag_help(l->diag, "write `memory`, or `redis://host:6379/0`");
}
