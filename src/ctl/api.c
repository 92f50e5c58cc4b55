/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's API: /v1/... of the admin listener. Each row is a method, a path and a
 * function; what needs the workers is a command to all of them, answered when all have
 * done it.
 */
#include <stdlib.h>

#include "base/ct.h"
#include "base/err.h"
#include "base/jsonout.h"
#include "conf/explain.h"
#include "ctl/configure.h"
#include "ctl/serve_priv.h"
#include "http/target.h"
#include "json/read.h"
#include "json/value.h"
#include "json/write.h"
#include "net/random.h"
#include "policy/identity.h"
#include "policy/route.h"
#include "policy/ticket.h"

enum { TEXT_BYTES = 1 << 20, LIST_BYTES = 18 << 20 };

struct api {
	struct serve *serve;
	struct buf out;
	struct arena arena; /* of the body at hand */
};

/* What a command's answer is for. */
struct waiting {
	struct serve *serve;
	uint64_t client;
};

/* --- helpers */

static void answer(struct api *a, const struct admin_call *call, int status)
{
	admin_answer(call->admin, call->client, status, buf_slice(&a->out));
}

static void refuse(const struct admin_call *call, enum reason r)
{
	admin_refuse(call->admin, call->client, r, NULL);
}

/* The body as one JSON object, or NULL (then it was refused). */
static const struct json_node *body_object(struct api *a, const struct admin_call *call)
{
	static const struct json_limits limits = {.depth = 8, .members = 256, .values = 1024};
	struct json_doc doc;

	arena_reset(&a->arena);
	if (json_read(call->body, &limits, &a->arena, &doc) == REASON_NONE &&
	    json_type(doc.root) == JSON_OBJECT)
		return doc.root;
	refuse(call, REASON_BODY_MALFORMED);
	return NULL;
}

static struct command_batch *batch(struct api *a, const struct admin_call *call,
				   enum command_kind kind, struct slice text, command_done_fn done)
{
	struct waiting *w = malloc(sizeof(*w));
	struct command_batch *b =
		w && text.len <= COMMAND_TEXT_MAX
			? command_batch_new(kind, text, a->serve->worker_count, done, w)
			: NULL;

	if (!b) {
		free(w);
		refuse(call, REASON_OVERLOADED);
		return NULL;
	}
	*w = (struct waiting){.serve = a->serve, .client = call->client};
	return b;
}

/* --- sessions */

static void on_listed(struct command_batch *b)
{
	struct waiting *w = b->arg;
	struct admin *admin = w->serve->admin;
	struct buf out;
	bool comma = false;

	buf_init(&out, LIST_BYTES);
	int r = buf_append(&out, SLICE("{\"sessions\":["));
	for (unsigned i = 0; r == 0 && i < b->count; i++) {
		struct slice part = buf_slice(&b->commands[i].out);
		if (part.len && comma)
			r = buf_append(&out, SLICE(","));
		comma |= part.len > 0;
		if (r == 0)
			r = buf_append(&out, part);
	}
	if (r == 0)
		r = buf_append(&out, SLICE("]}\n"));
	if (r || command_failed(b))
		admin_refuse(admin, w->client, REASON_OVERLOADED, NULL);
	else
		admin_answer(admin, w->client, 200, buf_slice(&out));
	buf_deinit(&out);
	free(w);
	command_batch_free(b);
}

static void list_sessions(struct api *a, const struct admin_call *call, struct slice rest)
{
	struct slice subject = {NULL, 0};

	(void)rest;
	arena_reset(&a->arena);
	enum http_find found = http_query_find(call->query, SLICE("sub"), &a->arena, &subject);
	if (found != HTTP_FIND_ONE && found != HTTP_FIND_NONE) {
		refuse(call, REASON_HANDSHAKE_MALFORMED);
		return;
	}
	struct command_batch *b = batch(a, call, COMMAND_LIST, subject, on_listed);
	if (b)
		command_send(b, a->serve->workers);
}

static void on_closed(struct command_batch *b)
{
	struct waiting *w = b->arg;

	if (command_hits(b))
		admin_answer(w->serve->admin, w->client, 200, SLICE("{\"closed\":1}\n"));
	else
		admin_refuse(w->serve->admin, w->client, REASON_ROUTE_UNKNOWN, NULL);
	free(w);
	command_batch_free(b);
}

static void close_session(struct api *a, const struct admin_call *call, struct slice id)
{
	struct command_batch *b = batch(a, call, COMMAND_CLOSE, id, on_closed);

	if (b)
		command_send(b, a->serve->workers);
}

/* --- revocations */

static void on_published(void *arg, int failed, struct slice record)
{
	struct command_batch *b = arg;
	struct waiting *w = b->arg;
	struct event e;
	char text[64];

	(void)record;
	if (failed && w->serve->admin) {
		admin_refuse(w->serve->admin, w->client, REASON_STORE_FAILED, NULL);
	} else if (w->serve->admin) {
		int n = snprintf(text, sizeof(text), "{\"closed\":%zu}\n", command_hits(b));
		admin_answer(w->serve->admin, w->client, 200, slice_of(text, (size_t)n));
	}
	event_init(&e, EVENT_WARN, "revoked");
	event_text(&e, b->revocation == REVOKE_SUBJECT ? "subject" : "key",
		   slice_of(b->text, b->text_len));
	event_number(&e, "closed", (int64_t)command_hits(b));
	event_cstr(&e, "what", failed ? "on this node only: the store is away" : NULL);
	event_emit(serve_log(w->serve), &e);
	free(w);
	command_batch_free(b);
}

/* Done here; now the others are told. */
static void on_revoked(struct command_batch *b)
{
	struct waiting *w = b->arg;

	if (!command_failed(b)) {
		control_publish(w->serve->control, b->revocation, slice_of(b->text, b->text_len),
				b->at_unix_ms, on_published, b);
		return;
	}
	admin_refuse(w->serve->admin, w->client, REASON_OVERLOADED, NULL);
	free(w);
	command_batch_free(b);
}

/* {"sub": ...} | {"session": ...} | {"key": ...}, with an optional {"reason": ...} */
static void revoke(struct api *a, const struct admin_call *call, struct slice rest)
{
	const struct json_node *o = body_object(a, call);

	(void)rest;
	if (!o)
		return;
	const struct json_node *sub = json_member_typed(o, SLICE("sub"), JSON_STRING);
	const struct json_node *session = json_member_typed(o, SLICE("session"), JSON_STRING);
	const struct json_node *key = json_member_typed(o, SLICE("key"), JSON_STRING);
	size_t known = json_member(o, SLICE("reason")) ? 2 : 1;
	if ((sub != NULL) + (session != NULL) + (key != NULL) != 1 || json_count(o) != known) {
		refuse(call, REASON_BODY_MALFORMED);
		return;
	}
	if (session) {
		close_session(a, call, json_string(session));
		return;
	}
	struct slice text = json_string(sub ? sub : key);
	struct command_batch *b =
		text.len ? batch(a, call, COMMAND_REVOKE, text, on_revoked) : NULL;
	if (!b) {
		if (!text.len)
			refuse(call, REASON_BODY_MALFORMED);
		return;
	}
	b->revocation = sub ? REVOKE_SUBJECT : REVOKE_KEY;
	b->at_unix_ms = reactor_realtime_ms(&a->serve->reactor);
	/* What the application said about cookies before this moment counts no longer. */
	control_forget_verified(a->serve->control);
	command_send(b, a->serve->workers);
}

/* --- tickets */

static const struct conf_identity *ticket_of(const struct snapshot *s,
					     const struct conf_route *route)
{
	for (size_t i = 0; i < route->identify_count; i++)
		if (s->identities[route->identify[i]].kind == CONF_IDENTITY_TICKET)
			return &s->identities[route->identify[i]];
	return NULL;
}

/* The members of the body, each once, of the right type. */
struct minting {
	struct slice subject, claims, origin;
	struct http_target target;
	uint64_t ttl_ms;
	const struct conf_route *route;
	const struct conf_identity *ticket;
};

static bool read_minting(struct api *a, const struct json_node *o, struct minting *m)
{
	const struct snapshot *s = a->serve->generation->snapshot;
	const struct json_node *claims = json_member(o, SLICE("claims"));
	const struct json_node *ttl = json_member(o, SLICE("ttl"));
	const struct json_node *origin = json_member(o, SLICE("origin"));
	struct route_match match;
	int64_t seconds = 0;

	size_t known = 2u + (claims != NULL) + (ttl != NULL) + (origin != NULL);
	m->subject = json_string(json_member(o, SLICE("sub")));
	m->origin = json_string(origin);
	if (json_count(o) != known || !m->subject.len || m->subject.len > IDENTITY_SUBJECT_MAX ||
	    (origin && !m->origin.len) || (claims && json_type(claims) != JSON_OBJECT) ||
	    (ttl && (!json_integer(ttl, &seconds) || seconds < 1 || seconds > 3600)) ||
	    http_target_parse(json_string(json_member(o, SLICE("route"))), &a->arena, &m->target,
			      NULL) != REASON_NONE)
		return false;
	m->route = route_find(s, &m->target, &match);
	m->ticket = m->route ? ticket_of(s, m->route) : NULL;
	if (!m->ticket)
		return false;
	m->ttl_ms = ttl ? (uint64_t)seconds * 1000 : m->ticket->ticket.ttl_ms;
	buf_clear(&a->out);
	if (claims && json_write(claims, NULL, &a->out))
		return false;
	m->claims = claims ? arena_copy(&a->arena, buf_slice(&a->out)) : SLICE("{}");
	return m->claims.data && m->claims.len <= IDENTITY_CLAIMS_MAX;
}

/* A ticket on its way into the store. */
struct minted {
	struct serve *serve;
	uint64_t client, ttl_ms;
	char text[TICKET_CHARS];
};

static void on_minted(void *arg, int failed, struct slice record)
{
	struct minted *t = arg;
	char answer_text[TICKET_CHARS + 64];

	(void)record;
	int len = snprintf(answer_text, sizeof(answer_text),
			   "{\"ticket\":\"%.*s\",\"expires_in\":%llu}", (int)sizeof(t->text),
			   t->text, (unsigned long long)(t->ttl_ms / 1000));
	if (t->serve->admin && failed)
		admin_refuse(t->serve->admin, t->client, REASON_STORE_FAILED, NULL);
	else if (t->serve->admin)
		admin_answer(t->serve->admin, t->client, 201, slice_of(answer_text, (size_t)len));
	ct_wipe(answer_text, sizeof(answer_text));
	ct_wipe(t->text, sizeof(t->text));
	free(t);
}

/* Whatever goes wrong, it is answered. */
static void put_minted(struct api *a, const struct minting *m, const uint8_t id[TICKET_ID_BYTES],
		       uint64_t expires, struct minted *t)
{
	const struct ticket_record record = {
		.ticket = m->ticket->name,
		.via = m->ticket->name,
		.subject = m->subject,
		.claims = m->claims,
		.path = route_path_text(&m->target, &a->arena),
		.origin = m->origin,
		.bind_path = true,
		.bind_origin = m->origin.len > 0,
		.expires_unix_ms = expires,
		/* The application vouches for the person now: after an older revocation, too. */
		.credential_issued_unix_ms = reactor_realtime_ms(&a->serve->reactor),
	};
	struct buf bytes;

	buf_init(&bytes, TICKET_RECORD_MAX);
	int r = ticket_record_encode(&record, &bytes);
	if (r)
		on_minted(t, r, slice_of(NULL, 0));
	else
		control_put_ticket(a->serve->control, id, buf_slice(&bytes), expires, on_minted, t);
	buf_deinit(&bytes);
}

/* {"sub": ..., "route": "/path", "claims": {...}, "origin": ..., "ttl": seconds} */
static void mint(struct api *a, const struct admin_call *call, struct slice rest)
{
	const struct json_node *o = body_object(a, call);
	struct minting m = {.ttl_ms = 0};
	uint8_t id[TICKET_ID_BYTES];

	(void)rest;
	if (!o)
		return;
	if (!read_minting(a, o, &m)) {
		refuse(call, REASON_BODY_MALFORMED);
		return;
	}
	uint64_t expires = clock_add(reactor_realtime_ms(&a->serve->reactor), m.ttl_ms);
	struct minted *t = malloc(sizeof(*t));
	if (!t || random_bytes(id, sizeof(id)) ||
	    ticket_make(&a->serve->generation->keys, id, expires, t->text)) {
		free(t);
		refuse(call, REASON_STORE_FAILED);
		return;
	}
	t->serve = a->serve;
	t->client = call->client;
	t->ttl_ms = m.ttl_ms;
	put_minted(a, &m, id, expires, t);
}

/* --- the process */

/* --- what is held */

static void append_budget(struct jsonout *j, const char *key, uint64_t used, uint64_t max)
{
	jsonout_key(j, key);
	jsonout_object_open(j);
	jsonout_member_u64(j, "used", used);
	if (max != UINT64_MAX)
		jsonout_member_u64(j, "max", max);
	jsonout_object_close(j);
}

static void append_pools(struct jsonout *j, const struct serve *s)
{
	struct pools_shares shares = pools_shares(s->generation->snapshot);

	jsonout_key(j, "pools");
	jsonout_object_open(j);
	for (unsigned i = 0; i < POOL_COUNT; i++) {
		jsonout_key(j, pools_word((enum pool)i));
		jsonout_object_open(j);
		jsonout_member_u64(j, "used", (uint64_t)atomic_load(&s->gateway.pools.used[i]));
		jsonout_member_u64(j, "reserved", shares.reserved[i]);
		jsonout_object_close(j);
	}
	jsonout_object_close(j);
}

/* Those of the whole process; the workers' follow. */
static bool append_shared(const struct serve *s, struct buf *out)
{
	const struct gateway *g = &s->gateway;
	uint64_t connections = limits_connections(g->limits);
	struct jsonout j;

	jsonout_init(&j, out);
	append_budget(&j, "connections", connections, s->generation->snapshot->limits.connections);
	append_budget(&j, "descriptors", siege_descriptors(s), s->siege.descriptors_max);
	append_budget(&j, "table_of_addresses", limits_bytes(g->limits), limits_bytes(g->limits));
	append_budget(&j, "table_of_proofs", seen_bytes(g->proofs), seen_bytes(g->proofs));
	append_budget(&j, "table_of_good_networks", seen_bytes(g->good), seen_bytes(g->good));
	append_pools(&j, s);
	return j.ok;
}

static void on_budgets(struct command_batch *b)
{
	struct waiting *w = b->arg;
	struct buf out;

	buf_init(&out, TEXT_BYTES);
	int r = buf_append(&out, SLICE("{"));
	if (r == 0 && !append_shared(w->serve, &out))
		r = BUF_FULL;
	if (r == 0)
		r = buf_append(&out, SLICE(",\"workers\":["));
	for (unsigned i = 0; r == 0 && i < b->count; i++) {
		if (i)
			r = buf_append(&out, SLICE(","));
		if (r == 0)
			r = buf_append(&out, buf_slice(&b->commands[i].out));
	}
	if (r == 0)
		r = buf_append(&out, SLICE("]}\n"));
	if (r || command_failed(b))
		admin_refuse(w->serve->admin, w->client, REASON_OVERLOADED, NULL);
	else
		admin_answer(w->serve->admin, w->client, 200, buf_slice(&out));
	buf_deinit(&out);
	free(w);
	command_batch_free(b);
}

static void budgets(struct api *a, const struct admin_call *call, struct slice rest)
{
	struct command_batch *b = batch(a, call, COMMAND_BUDGETS, slice_of(NULL, 0), on_budgets);

	(void)rest;
	if (b)
		command_send(b, a->serve->workers);
}

/* --- siege */

static void show_siege(struct api *a, const struct admin_call *call, struct slice rest)
{
	(void)rest;
	buf_clear(&a->out);
	if (siege_show(a->serve, &a->out))
		refuse(call, REASON_OVERLOADED);
	else
		answer(a, call, 200);
}

/* {"level": 0 to 4} | {"level": "auto"} */
static void siege(struct api *a, const struct admin_call *call, struct slice rest)
{
	const struct json_node *o = body_object(a, call);
	int64_t level;

	if (!o)
		return;
	const struct json_node *wanted = json_member(o, SLICE("level"));
	bool number = wanted && json_integer(wanted, &level) && level >= 0 && level < SIEGE_LEVELS;
	bool measured = wanted && slice_eq(json_string(wanted), SLICE("auto"));
	if ((!number && !measured) || json_count(o) != 1) {
		refuse(call, REASON_BODY_MALFORMED);
		return;
	}
	if (number)
		siege_command(a->serve, (unsigned)level);
	else
		siege_command_auto(a->serve);
	show_siege(a, call, rest);
}

static void drain(struct api *a, const struct admin_call *call, struct slice rest)
{
	(void)rest;
	buf_clear(&a->out);
	if (buf_append(&a->out, SLICE("{\"draining\":true}\n")) == 0)
		answer(a, call, 202);
	serve_drain(a->serve);
}

static void reload(struct api *a, const struct admin_call *call, struct slice rest)
{
	struct buf text;
	struct jsonout j;

	(void)rest;
	buf_init(&text, CONFIGURE_TEXT_MAX);
	int r = serve_reload(a->serve, &text);
	buf_clear(&a->out);
	jsonout_init(&j, &a->out);
	jsonout_object_open(&j);
	jsonout_member_bool(&j, "reloading", r == 0);
	jsonout_member(&j, "said", buf_slice(&text));
	jsonout_object_close(&j);
	buf_deinit(&text);
	answer(a, call, r == 0 ? 202 : 422);
}

static void config(struct api *a, const struct admin_call *call, struct slice rest)
{
	struct buf text;
	struct jsonout j;

	(void)rest;
	buf_init(&text, TEXT_BYTES);
	if (explain_snapshot(a->serve->generation->snapshot, &text)) {
		buf_deinit(&text);
		refuse(call, REASON_OVERLOADED);
		return;
	}
	buf_clear(&a->out);
	jsonout_init(&j, &a->out);
	jsonout_object_open(&j);
	jsonout_member(&j, "file", a->serve->generation->snapshot->file);
	jsonout_member(&j, "explained", buf_slice(&text));
	jsonout_object_close(&j);
	buf_deinit(&text);
	answer(a, call, 200);
}

static void refusals(struct api *a, const struct admin_call *call, struct slice rest)
{
	(void)rest;
	buf_clear(&a->out);
	if (log_recent_refusals(a->serve->log, &a->out))
		refuse(call, REASON_OVERLOADED);
	else
		answer(a, call, 200);
}

static void alerts(struct api *a, const struct admin_call *call, struct slice rest)
{
	(void)rest;
	buf_clear(&a->out);
	if (alerts_list(control_alerts(a->serve->control), &a->out))
		refuse(call, REASON_OVERLOADED);
	else
		answer(a, call, 200);
}

/* The public halves of the keys that sign assertions. */
static void jwks(struct api *a, const struct admin_call *call, struct slice rest)
{
	(void)rest;
	buf_clear(&a->out);
	if (assertion_jwks(&a->serve->generation->assertion_keys, &a->out))
		refuse(call, REASON_OVERLOADED);
	else
		answer(a, call, 200);
}

/* --- dispatch */

static const struct {
	enum http_method method;
	const char *path;
	bool prefix; /* the rest is an id */
	void (*run)(struct api *a, const struct admin_call *call, struct slice rest);
} rows[] = {
	{HTTP_GET, "/v1/sessions", false, list_sessions},
	{HTTP_DELETE, "/v1/sessions/", true, close_session},
	{HTTP_POST, "/v1/revocations", false, revoke},
	{HTTP_POST, "/v1/tickets", false, mint},
	{HTTP_GET, "/v1/budgets", false, budgets},
	{HTTP_GET, "/v1/siege", false, show_siege},
	{HTTP_POST, "/v1/siege", false, siege},
	{HTTP_POST, "/v1/drain", false, drain},
	{HTTP_POST, "/v1/reload", false, reload},
	{HTTP_GET, "/v1/config", false, config},
	{HTTP_GET, "/v1/refusals", false, refusals},
	{HTTP_GET, "/v1/alerts", false, alerts},
	{HTTP_GET, "/v1/jwks.json", false, jwks},
};

void api_call(void *arg, const struct admin_call *call)
{
	struct api *a = arg;
	const char *allow = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice path = slice_from_cstr(rows[i].path);
		if (rows[i].prefix
			    ? !slice_starts_with(call->path, path) || call->path.len == path.len
			    : !slice_eq(call->path, path))
			continue;
		if (rows[i].method == call->method) {
			rows[i].run(a, call, slice_from(call->path, path.len));
			return;
		}
		allow = http_method_text(rows[i].method);
	}
	admin_refuse(call->admin, call->client,
		     allow ? REASON_METHOD_NOT_ALLOWED : REASON_ROUTE_UNKNOWN, allow);
}

int api_new(struct serve *s, struct api **out)
{
	struct api *a = calloc(1, sizeof(*a));

	if (!a)
		return err_raise(ENOMEM, "the API");
	a->serve = s;
	buf_init(&a->out, TEXT_BYTES);
	arena_init(&a->arena, 4096, 1 << 20);
	*out = a;
	return 0;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	buf_deinit(&a->out);
	arena_deinit(&a->arena);
	free(a);
}
