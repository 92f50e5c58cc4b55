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
#include "contract/schema_shape.h"
#include "http/url.h"

/* A document that contracts are made of; see load_document.c. */
struct load_document {
	struct slice uri, path;
	const struct json_node *root;
	struct load_document *next;
};

/* A contract that was loaded, for routes that share it. */
struct load_contract {
	struct slice uri, channel;
	bool describes_client;
	const struct contract *contract; /* NULL: wrong, and somebody said so */
	struct load_contract *next;
};

enum { LOAD_FOLDERS_MAX = 64 };

struct load {
	const struct conf_files *files;
	struct diag *diag;
	struct snapshot *s;
	struct arena *arena;          /* the snapshot's */
	const struct yaml_node *root; /* the file */
	struct slice folder;          /* of the file, with its slash; empty: where we are */
	bool keys_needed;
	bool proxy_protocol; /* of the file: listeners may say otherwise */
	struct slice text;   /* of the file */
	struct slice folders[LOAD_FOLDERS_MAX]; /* of contracts */
	size_t folder_count;
	struct load_document *documents;
	struct load_contract *contracts;
	struct slice document_fault; /* why the last document could not be had; empty: was said */
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
void load_siege(struct load *l);
void load_store(struct load *l);
void load_admin(struct load *l);
void load_audit(struct load *l);
void load_alerts(struct load *l);
void load_keys(struct load *l); /* needs identity, routes and audit */
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

/* A list of networks. */
struct conf_networks load_networks(struct load *l, const struct yaml_node *list);

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
bool load_reply(struct load *l, const struct yaml_node *reply, struct conf_texts *parts);

/* --- contracts: load_contract.c, load_document.c */

/* Reads `contract` into out->messages. */
void load_contract(struct load *l, const struct yaml_node *route, struct conf_route *out);

/* The URI of a file that the configuration names; data is NULL without memory. */
struct slice load_document_uri(struct load *l, struct slice path);

/* The document at that URI, read once and kept in the snapshot; NULL with l->document_fault set
 * if it cannot be had. For struct contract_source. */
const struct json_node *load_document(void *load, struct slice uri);

/* The same if it was read already. */
const struct json_node *load_document_known(const struct load *l, struct slice uri);

/* An error about that place of a document, shown there if it can be found. */
void load_document_error(struct load *l, struct slice uri, struct slice pointer,
			 struct slice sentence);

/* --- rules: load_rules.c, load_rule.c */

/* Reads `allow` and `rules`; needs path, limits and contract. */
void load_rules(struct load *l, const struct yaml_node *route, struct conf_route *out);

/* Warnings about them, when all is read. */
void load_lint_rules(struct load *l, const struct yaml_node *route, const struct conf_route *out);

/* What the readers of rules share. */
struct load_rules {
	struct load *l;
	const struct yaml_node *route, *rules; /* rules may be NULL */
	struct conf_route *out;
	const struct contract *contract; /* NULL: none */
	struct conf_rule *all;
	const struct cel_type **types; /* of the messages of the contract; NULL: not yet asked */
	const struct cel_type *last;   /* likewise */
};

/* One rule for one message. */
struct load_rule {
	struct load_rules *r;
	const struct yaml_node *node;           /* the map */
	const struct contract_message *message; /* NULL without a contract */
	bool from_client, wildcard;
	struct conf_rule *out;
};

/* Reads node's keys into *rule->out, which is zero. */
void load_rule(struct load_rule *rule);

/* The index of the application's message of that name; complains if there is none. key: what
 * names it. */
bool load_rules_server_message(struct load_rules *r, struct slice name, struct diag_place place,
			       const char *key, uint32_t *index);

/* Some rule says that the message of that index in the contract is remembered. */
bool load_rules_remembers(const struct load_rules *r, size_t index);

/* The rule of that message as it is written, or that of `*`; NULL: none. */
const struct yaml_node *load_rules_node(const struct load_rules *r,
					const struct contract_message *m);

/* The word `true`. */
bool load_is_true(const struct yaml_node *node);

/* --- fields: load_field.c */

enum {
	LOAD_FIELD_ANY = 0,   /* `*` and items are fine */
	LOAD_FIELD_NAMES = 1, /* names only: what is written */
	LOAD_FIELD_ONE = 2,   /* one value */
	LOAD_FIELD_TEXT = 4,  /* texts are there, or below it */
};

/* A piece of a JSON Pointer with its ~0 and ~1 decoded; data is NULL if it is none. */
struct slice load_pointer_piece(struct slice piece, struct arena *a);

/* Reads a field of the rule's message. `what` is the key that it stands under. False: it was
 * complained about, or (for `*`) the message has no such field. */
bool load_field(struct load_rule *rule, struct slice text, struct diag_place place,
		const char *what, unsigned wants, struct conf_field *out,
		const struct schema_shape **shape);

/* --- expressions: load_expression.c, load_type.c */

/* Compiles the scalar's text for that rule; NULL with a complaint (or where load_shape has
 * complained). *uses gets the variables. key: what it stands under. */
const struct cel_program *load_expression(struct load_rule *rule, const struct yaml_node *node,
					  const char *key, uint32_t *uses);

/* The same for what has to be true or false. */
const struct cel_program *load_condition(struct load_rule *rule, const struct yaml_node *node,
					 const char *key, uint32_t *uses);

/* The same for a route, before there is a connection. */
const struct cel_program *load_route_condition(struct load *l, const struct yaml_node *node,
					       const struct conf_route *route, const char *key,
					       uint32_t *uses);

/* The type of the values of that shape; NULL is any. name: what it is called. */
const struct cel_type *load_type(struct load *l, const struct schema_shape *shape,
				 enum conf_undeclared undeclared, struct slice name);

/* The object type of `last`: one member per message that is remembered. */
const struct cel_type *load_type_last(struct load_rules *r);

/* The type of the message of that index in the contract. */
const struct cel_type *load_type_message(struct load_rules *r, size_t index);

/* An object with exactly these members. */
struct load_member {
	struct slice name;
	const struct cel_type *type;
};
const struct cel_type *load_type_object(struct load *l, struct slice name,
					const struct load_member *members, size_t count);

/* The Content-Security-Policy of a site, from everything known: load_csp.c. */
void load_csp(struct load *l, const struct yaml_node *site, struct conf_site *out);

/* What a source of a directive opens that it should not, or NULL. */
const char *load_csp_weakness(struct slice directive, struct slice source);

/* --- for explain.c and explain_weak.c */

/* What a network may have where only its addresses' rate is written. */
struct rate load_prefix_rate(const struct rate *address);

/* The limit of that row says `unlimited`; limits is the struct that the row's section fills. */
bool explain_is_unlimited(const struct setting *row, const void *limits);
