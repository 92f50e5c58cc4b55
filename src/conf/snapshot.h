/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The configuration as the running gateway sees it: read once, checked, immutable.
 *
 *   sallyport.yaml --conf/load--> struct snapshot --ref--> workers, sessions, questions
 *
 * Everything a snapshot points to lives in its arena and is valid while a reference is
 * held. Threads share snapshots; nothing in one changes after conf_load returned it.
 * The value zero of every switch is the strict one.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/rate.h"
#include "base/slice.h"
#include "conf/rules.h"

/* A list of texts; none is `count == 0`. */
struct conf_texts {
	const struct slice *items;
	size_t count;
};

/* A list of networks; none is `count == 0`. */
struct conf_networks {
	const struct prefix *items;
	size_t count;
};

struct conf_listener {
	struct slice url;       /* as written, for people */
	bool tls;
	struct slice host;      /* the literal address or name before the port */
	struct address address; /* with port; port 0 lets the kernel choose */
	bool cleartext_allowed; /* written down: clear text beyond loopback */
	bool proxy_protocol;    /* connections start with a PROXY header */
};

struct conf_certificate {
	struct slice certificate, key; /* paths, resolved against the configuration's folder */
};

struct conf_tls {
	const struct conf_certificate *certificates;
	size_t count;
	bool minimum_13;
	bool development; /* a self-signed certificate for localhost, made at start */
	struct slice client_ca; /* file of authorities for client certificates; empty: none asked */
};

enum conf_identity_kind {
	CONF_IDENTITY_NONE = 0, /* nobody */
	CONF_IDENTITY_TICKET,
	CONF_IDENTITY_COOKIE,
	CONF_IDENTITY_ANYONE,
	CONF_IDENTITY_JWT,
	CONF_IDENTITY_MTLS, /* a client certificate */
};

/* What of a client certificate is the subject. */
enum conf_mtls_subject {
	CONF_MTLS_SAN = 0, /* the first URI, else DNS name, else e-mail address */
	CONF_MTLS_CN,      /* the common name, if there is exactly one */
};

/* Where a signed token may be. */
enum conf_carrier_kind {
	CONF_CARRIER_NONE = 0,
	CONF_CARRIER_AUTHORIZATION, /* Authorization: Bearer */
	CONF_CARRIER_COOKIE,
	CONF_CARRIER_SUBPROTOCOL, /* bearer.<token> */
	CONF_CARRIER_QUERY,
};

struct conf_carrier {
	enum conf_carrier_kind kind;
	struct slice name; /* of the cookie or the parameter */
};

struct conf_identity {
	struct slice name;
	enum conf_identity_kind kind;
	struct {
		const size_t *from; /* indexes into snapshot.identities */
		size_t from_count;
		uint64_t ttl_ms;
		bool bind_origin, bind_route, bind_address;
	} ticket;
	struct {
		struct slice name;   /* of the cookie */
		struct slice verify; /* URL */
		uint64_t cache_ms, recheck_ms;
		bool csrf_off;
		bool cleartext_allowed; /* written down: verify is http beyond loopback */
	} cookie;
	struct {
		enum conf_mtls_subject subject;
	} mtls;
	struct {
		const struct conf_carrier *from; /* the first that is there is taken */
		size_t from_count;
		/* Exactly one of the three. */
		struct slice jwks;       /* URL */
		struct conf_texts files; /* paths of JWK and PEM files */
		struct slice secret;     /* path */
		uint32_t algorithms;     /* sum of JWA_BIT */
		struct slice issuer;     /* empty: not asked */
		struct conf_texts audience;
		struct slice type; /* empty: the usual ones */
		uint64_t leeway_ms;
		uint64_t refresh_ms, grace_ms; /* of jwks */
		bool allow_in_url;             /* written down */
		bool cleartext_allowed;        /* written down: jwks is http beyond loopback */
	} jwt;
};

/* One piece of a route's path between slashes. */
struct conf_segment {
	struct slice text; /* the literal, or the parameter's name */
	bool parameter;
};

/* The segments are those of struct http_target: "/" has none, "/chat/" has one. */
struct conf_path {
	struct slice text; /* as written */
	const struct conf_segment *segments;
	size_t count;
	bool prefix;         /* ended in / and an asterisk: the rest of the path is free */
	bool trailing_slash; /* as in struct http_target: "/" and "/chat/"; not with prefix */
};

struct conf_origins {
	bool same;              /* the origin of the request's own Host and scheme */
	struct conf_texts list; /* exact serialised origins */
	bool missing_allowed;   /* for programs; cookies are then no credential without Origin */
};

/* One piece of an upstream's path: literal text, or the value of a path parameter. */
struct conf_upstream {
	struct slice url; /* as written, for people and logs */
	bool tls;
	struct slice host; /* name or literal address, without brackets */
	uint16_t port;
	struct slice unix_path; /* instead of host and port; empty if none */
	struct slice authority; /* for the Host header: host, and port unless default */
	/* Segments with parameters of the route; a prefix only if the route's path is one. Where
	 * the configuration wrote none, it is the route's own. */
	struct conf_path path;
};

enum conf_on_refusal {
	CONF_ON_REFUSAL_CLOSE = 0,
	CONF_ON_REFUSAL_DROP,
	CONF_ON_REFUSAL_REPLY,
};

/* Section 5 of the manual, per route. */
struct conf_route_limits {
	uint64_t message_size, server_message_size; /* bytes */
	uint32_t fragments;                         /* per message */
	uint64_t message_time_ms;
	struct rate messages; /* per connection */
	struct rate bytes;
	struct rate cost; /* that messages with a `cost` take from */
	bool has_cost;    /* it was written */
	struct rate control_frames;
	uint64_t buffered; /* bytes towards one slow reader */
	uint64_t slow_reader_ms;
	uint64_t inflated; /* bytes of one message after inflation */
	uint32_t inflate_ratio;
	uint64_t idle_ms, pong_ms;
	uint64_t lifetime_ms;
	uint32_t json_depth, json_members, json_values;
	struct rate refusals;
	uint64_t upstream_time_ms;
};

/* Section 5 of the manual, for the whole gateway. */
struct conf_limits {
	uint64_t connections;
	uint64_t connections_per_address, connections_per_prefix, connections_per_identity;
	struct rate handshakes_per_address, handshakes_per_prefix;
	uint64_t handshake_timeout_ms;
	uint64_t request_head; /* bytes */
	uint32_t request_headers;
	uint64_t buffered;         /* bytes, over all connections */
	uint64_t queue_per_worker; /* questions under way at once */
	/* Nobody wrote these down: they were computed from RLIMIT_NOFILE and the memory. */
	bool connections_by_machine, buffered_by_machine;
	bool prefix_rate_by_address; /* nor this: so many times handshakes_per_address */
};

/* When the gateway lets in less, and whom still: policy/siege.h. */
struct conf_siege {
	bool manual;                  /* only an operator changes the level */
	uint64_t handshakes, tickets; /* per second and worker: full load */
	uint64_t lag_ms;              /* that long a loop may be away */
	uint64_t calm_ms;             /* without such load, until a level is left */
	uint32_t proof_bits;
	uint64_t proof_time_ms; /* a challenge is good for so long */
	struct conf_networks allow;
};

struct conf_route {
	struct conf_path path;
	struct conf_origins origins;
	const size_t *identify; /* indexes into snapshot.identities, in the order written */
	size_t identify_count;
	struct conf_condition allow; /* over CONF_VARS_HANDSHAKE */
	uint32_t allow_uses;         /* sum of 1 << enum conf_variable */
	const struct conf_upstream *upstreams;
	size_t upstream_count;
	struct conf_texts subprotocols;
	bool observe; /* mode: observe */
	bool compression;
	enum conf_on_refusal on_refusal;
	/* With CONF_ON_REFUSAL_REPLY, here or in a rule: the reply is reply_parts[0] reason
	 * reply_parts[1] reason ...; one part more than there are reasons. Valid JSON for every
	 * reason word. */
	struct conf_texts reply_parts;
	struct conf_texts forward_headers; /* lower case */
	struct conf_texts forward_query;
	bool forward_assertion; /* with a signed statement of who connects */
	struct conf_messages messages; /* contract and rules */
	struct conf_route_limits limits;
	uint32_t index; /* position in snapshot.routes */
	uint32_t line;  /* in the configuration file */
};

struct conf_site {
	struct conf_path path;
	struct slice root; /* folder; empty with an upstream */
	bool has_upstream; /* pages come from an application by HTTP */
	struct conf_upstream
		upstream; /* path: what stands in front of the client's own; no parameters */
	uint64_t body_size;            /* bytes of a request to it */
	bool headers_off;
	bool csp_reports; /* of violations of csp, to /.sallyport/csp-report */
	uint32_t line;    /* in the configuration file */
	/* The whole Content-Security-Policy value, from the routes and `csp:`; empty if off. */
	struct slice csp;
};

struct conf_admin {
	bool on;
	struct conf_listener listener;
	struct slice token_file; /* empty if none */
};

enum conf_log_level { CONF_LOG_ERROR = 0, CONF_LOG_WARN, CONF_LOG_INFO, CONF_LOG_DEBUG };

/* Where tickets live; all zero: in this process's memory. */
struct conf_store {
	bool redis, tls;
	struct slice url; /* as text, without user and password */
	struct slice host;
	uint16_t port;
	struct slice user, password; /* decoded; empty: none */
	uint32_t database;
};

/* The audit log; all zero: none. */
struct conf_audit {
	struct slice file;
	bool chain_off; /* written down */
	uint64_t size;  /* bytes of a file */
	uint64_t checkpoint_ms;
	struct rate lines; /* of each reason */
};

/* Who is called when something needs a person. */
struct conf_alert {
	struct slice webhook; /* URL; a secret but for what stands before its path */
	struct slice place;   /* for people: scheme and authority of it */
	uint32_t on;          /* sum of ALERT_BIT */
	struct slice token_file; /* empty: none */
	uint64_t again_ms;
	struct rate surge;
	bool cleartext_allowed; /* written down: http beyond loopback */
};

enum { CONF_ALERTS_MAX = 16 };

struct snapshot {
	_Atomic uint32_t refs;
	struct arena arena;
	struct slice file; /* path of the configuration */
	const struct conf_listener *listeners;
	size_t listener_count;
	struct conf_tls tls;
	struct conf_texts hosts;
	struct conf_networks trusted_proxies;
	struct slice keys; /* folder of secret keys; empty if nothing needs one */
	const struct conf_identity *identities;
	size_t identity_count;
	/* Sorted: the most specific path first, so that the first that matches is the right one.
	 * Left to right, a literal segment goes before a parameter, a parameter before a prefix. */
	const struct conf_route *routes;
	size_t route_count;
	const struct conf_site *sites; /* likewise */
	size_t site_count;
	struct conf_store store;
	struct conf_limits limits;
	struct conf_siege siege;
	struct conf_admin admin;
	enum conf_log_level log_level;
	struct conf_audit audit;
	const struct conf_alert *alerts;
	size_t alert_count; /* at most CONF_ALERTS_MAX */
	uint32_t workers; /* `workers:`; 0 = one per processor */
	bool assertions;  /* some route forwards one */
	struct slice user; /* to become, of root; empty: none */
	bool sandbox_off; /* written down: the process keeps what it does not need */
};

struct snapshot *snapshot_ref(struct snapshot *s);

/* Frees it with the last reference. Accepts NULL, returns NULL. */
struct snapshot *snapshot_unref(struct snapshot *s);
