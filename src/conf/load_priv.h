/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the files that make a snapshot out of a tree, one per section. Private to
 * src/conf.
 *
 * `load_shape` has already complained about unknown keys and wrong types when the section
 * readers run. They run all the same, so that everything wrong is reported at once; what they
 * cannot read they pass over in silence, because somebody has spoken about it already.
 */
#include "conf/load.h"
#include "conf/settings.h"
#include "conf/yaml.h"
#include "http/url.h"

struct load {
	const struct conf_files *files;
	struct diag *diag;
	struct snapshot *s;
	struct arena *arena;          /* the snapshot's */
	const struct yaml_node *root; /* the file */
	struct slice folder;          /* of the file, with its slash; empty: where we are */
	bool keys_needed;
	bool proxy_protocol; /* of the file: listeners may say otherwise */
};

/* --- the passes, in this order */
void load_shape(struct load *l);
void load_proxies(struct load *l);
void load_listen(struct load *l);
void load_tls(struct load *l);
void load_hosts(struct load *l);
void load_identity(struct load *l);
void load_routes(struct load *l);
void load_site(struct load *l); /* needs routes, listeners and hosts */
void load_limits(struct load *l);
void load_store(struct load *l);
void load_admin(struct load *l);
void load_keys(struct load *l); /* needs identity */
/* Lines that the pieces cannot know alone: unused things, limits that contradict each other. */
void load_lint(struct load *l);

/* --- pieces */

/* The value of that setting in a map, or NULL. */
const struct yaml_node *load_get(const struct yaml_node *map, enum setting_id id);

/* A scalar's text; empty for NULL and for anything else. */
struct slice load_text(const struct yaml_node *node);

/* The setting is written and is this word. */
bool load_is(const struct yaml_node *map, enum setting_id id, const char *word);

/* Longer lists are refused, and what is behind is not looked at. */
enum { LOAD_LIST_MAX = 1000 };

/* A list's items, or the scalar or map alone: start with load_items, then load_next until NULL. */
struct load_items {
	const struct yaml_node *at;
	size_t left;
};
struct load_items load_items(const struct yaml_node *list_or_one);
const struct yaml_node *load_next(struct load_items *items);
size_t load_count(const struct yaml_node *list_or_one);

/* Zeroed room in the snapshot for `count` things; NULL when there is none (or count is 0). */
void *load_room(struct load *l, size_t count, size_t bytes);

/* A copy in the snapshot, NUL behind. */
struct slice load_copy(struct load *l, struct slice s);

/* A path of the configuration, made relative to the configuration's folder; in the snapshot. */
struct slice load_file_path(struct load *l, struct slice written);

/* Looks at a file or folder that must be there. Complains at node and returns false if it is
 * not, or is the wrong kind, or cannot be read. `what` is "the certificate", say. */
bool load_look(struct load *l, const struct yaml_node *node, struct slice path, bool folder,
	       const char *what, struct conf_file_info *info);

/* Reads a duration, size or count as its setting's type wants it. */
bool load_number(const struct setting *row, struct slice text, uint64_t *value);

/* Fills all members of *target that rows of the section name, from the map (may be NULL) or
 * from the row's default. */
void load_fields(enum section section, const struct yaml_node *map, void *target);

/* A list of texts as copies. */
struct conf_texts load_texts(struct load *l, const struct yaml_node *node);

/* A copy in the snapshot with A-Z as a-z. */
struct slice load_lower(struct load *l, struct slice text);

/* --- paths: load_path.c */

/* Reads a path pattern into *out. `what` begins the sentence when it is wrong: "the path". */
bool load_path(struct load *l, const struct yaml_node *node, struct slice text, const char *what,
	       struct conf_path *out);

/* The two stand for the same requests, whatever their parameters are called. */
bool load_path_same(const struct conf_path *a, const struct conf_path *b);

/* Order by how specific they are: <0 when a goes first. */
int load_path_compare(const struct conf_path *a, const struct conf_path *b);

/* --- listeners: load_listen.c */

/* Reads `http(s)://address:port`; node is for complaints. */
bool load_listener_url(struct load *l, const struct yaml_node *node, struct conf_listener *out);

/* --- who is on the other end: load_peer.c */

/* The listener's connections start with a PROXY header: it says so, or the file does. */
bool load_proxy_protocol(struct load *l, const struct yaml_node *listener);

void load_client_ca(struct load *l, const struct yaml_node *tls);

/* The identity `item` of kind mtls, which is `map`. */
void load_mtls(struct load *l, const struct yaml_node *item, const struct yaml_node *map,
	       struct conf_identity *out);

void load_lint_peer(struct load *l);

/* A host that is this machine: a loopback literal, or `localhost`. */
bool load_host_is_local(struct slice host);

/* The identity of that name. Complains and returns false when there is none. */
bool load_identity_index(struct load *l, const struct yaml_node *name, size_t *index);

/* Reads `identity.<name>.jwt`: load_jwt.c. */
void load_jwt(struct load *l, const struct yaml_node *map, struct conf_identity *out);

/* --- parts of routes */
void load_origins(struct load *l, const struct yaml_node *route, struct conf_route *out);
void load_upstreams(struct load *l, const struct yaml_node *route, struct conf_route *out);
void load_site_upstream(struct load *l, const struct yaml_node *node, struct conf_site *out);
void load_reply(struct load *l, const struct yaml_node *reply, struct conf_route *out);

/* The Content-Security-Policy of a site, from everything known: load_csp.c. */
void load_csp(struct load *l, const struct yaml_node *site, struct conf_site *out);

/* What a source of a directive opens that it should not, or NULL. */
const char *load_csp_weakness(struct slice directive, struct slice source);

/* --- for explain.c and explain_weak.c */

/* The limit of that row says `unlimited`; limits is the struct that the row's section fills. */
bool explain_is_unlimited(const struct setting *row, const void *limits);
