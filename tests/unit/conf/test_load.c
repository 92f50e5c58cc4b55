/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a configuration that is right: the snapshot, member by member. */
#include "conf/load.h"

#include "unit.h"
#include "world.h"

static struct diag d;
static struct snapshot *s;

static void load(const char *text)
{
	int r = world_load(slice_from_cstr(text), &s, &d);

	if (r || d.errors || d.unsafe || d.warnings)
		world_show(&d);
	assert_int_equal(r, 0);
	assert_non_null(s);
	assert_int_equal(d.errors + d.unsafe + d.warnings, 0);
}

static void done(void)
{
	s = snapshot_unref(s);
	assert_null(s);
	diag_deinit(&d);
}

#define SMALLEST                                                                              \
	"listen: http://127.0.0.1:8080\n"                                                     \
	"routes:\n"                                                                           \
	"  - path: /chat/{room}\n"                                                            \
	"    identify: anyone\n"                                                              \
	"    upstream: ws://127.0.0.1:9001\n"                                                 \
	"    contract: none\n"

static void defaults(void **state)
{
	(void)state;
	load(SMALLEST);
	const struct conf_route *route = &s->routes[0];
	assert_int_equal(s->route_count, 1);
	assert_true(route->origins.same && !route->origins.missing_allowed);
	assert_int_equal(route->origins.list.count, 0);
	assert_int_equal(route->on_refusal, CONF_ON_REFUSAL_CLOSE);
	assert_false(route->observe || route->compression);
	assert_int_equal(route->forward_headers.count + route->forward_query.count, 0);
	assert_int_equal(route->subprotocols.count, 0);
	assert_int_equal(s->log_level, CONF_LOG_INFO);
	assert_int_equal(s->workers, 0);
	assert_false(s->admin.on);
	assert_int_equal(s->keys.len, 0);
	assert_slice(s->file, "etc/sallyport.yaml");
	done();
}

/* Section 5 of the manual, number by number. */
static void default_limits(void **state)
{
	(void)state;
	load(SMALLEST);
	const struct conf_route_limits *l = &s->routes[0].limits;
	assert_int_equal(l->message_size, 64 * 1024);
	assert_int_equal(l->server_message_size, 1024 * 1024);
	assert_int_equal(l->fragments, 32);
	assert_int_equal(l->message_time_ms, 10000);
	assert_true(l->messages.count == 50 && l->messages.per_ms == 1000);
	assert_true(l->messages.burst == 100 && !l->messages.unlimited);
	assert_true(l->bytes.count == 256 * 1024 && l->bytes.per_ms == 1000);
	assert_true(l->bytes.burst == 1024 * 1024 && !l->bytes.unlimited);
	assert_true(l->control_frames.count == 10 && l->control_frames.burst == 20);
	assert_int_equal(l->buffered, 1024 * 1024);
	assert_int_equal(l->slow_reader_ms, 10000);
	assert_int_equal(l->inflated, l->message_size);
	assert_int_equal(l->inflate_ratio, 200);
	assert_int_equal(l->idle_ms, 120 * 1000);
	assert_int_equal(l->pong_ms, 20 * 1000);
	assert_int_equal(l->lifetime_ms, 12 * 3600 * 1000);
	assert_true(l->json_depth == 32 && l->json_members == 1024 && l->json_values == 10000);
	assert_true(l->refusals.count == 20 && l->refusals.per_ms == 60000);
	assert_int_equal(l->upstream_time_ms, 5000);

	const struct conf_limits *g = &s->limits;
	assert_int_equal(g->connections, 500); /* (1064 - 64) / 2 */
	assert_int_equal(g->connections_per_address, 256);
	assert_int_equal(g->connections_per_prefix, 4096);
	assert_int_equal(g->connections_per_identity, 16);
	assert_true(g->handshakes_per_address.count == 20 && g->handshakes_per_address.burst == 40);
	assert_true(g->handshakes_per_prefix.count == 400 && g->handshakes_per_prefix.burst == 800);
	assert_true(g->prefix_rate_by_address);
	assert_int_equal(g->handshake_timeout_ms, 5000);
	assert_int_equal(g->request_head, 16 * 1024);
	assert_int_equal(g->request_headers, 64);
	assert_int_equal(g->buffered, (uint64_t)1 << 30); /* a quarter of 4 GiB */
	assert_true(g->queue_per_worker > 0);
	assert_true(g->connections_by_machine && g->buffered_by_machine);

	const struct conf_siege *siege = &s->siege;
	assert_false(siege->manual);
	assert_int_equal(siege->handshakes, 2000);
	assert_int_equal(siege->tickets, 500);
	assert_int_equal(siege->lag_ms, 250);
	assert_int_equal(siege->calm_ms, 60000);
	assert_int_equal(siege->proof_bits, 17);
	assert_int_equal(siege->proof_time_ms, 60000);
	assert_int_equal(siege->allow.count, 0);
	done();
}

static void written_limits(void **state)
{
	(void)state;
	load(SMALLEST "    limits: {message_size: 2KiB, fragments: unlimited, messages: unlimited,\n"
		      "      bytes: 1KiB/s burst 4KiB, inflated: 1KiB, inflate_ratio: unlimited,\n"
		      "      json: {depth: 5}, lifetime: 500ms}\n"
		      "limits: {connections: 7, connections_per_address: unlimited, buffered: 2GiB}\n"
		      "workers: 3\n");
	const struct conf_route_limits *l = &s->routes[0].limits;
	assert_int_equal(l->message_size, 2048);
	assert_int_equal(l->inflated, 1024);
	assert_true(l->fragments == UINT32_MAX && l->inflate_ratio == UINT32_MAX);
	assert_true(l->messages.unlimited);
	assert_true(l->bytes.count == 1024 && l->bytes.burst == 4096);
	assert_true(l->json_depth == 5 && l->json_members == 1024);
	assert_int_equal(l->lifetime_ms, 500);
	assert_int_equal(s->limits.connections, 7);
	assert_true(s->limits.connections_per_address == UINT64_MAX);
	assert_true(s->limits.buffered == (uint64_t)2 << 30);
	assert_false(s->limits.connections_by_machine || s->limits.buffered_by_machine);
	assert_int_equal(s->workers, 3);
	done();
	load(SMALLEST "    limits: {message_size: 2KiB}\n");
	assert_int_equal(s->routes[0].limits.inflated, 2048);
	done();
}

static void listeners(void **state)
{
	(void)state;
	load("listen:\n"
	     "  - https://0.0.0.0:8443\n"
	     "  - https://[::]\n"
	     "  - {url: \"http://192.0.2.7:80\", cleartext: allowed}\n"
	     "  - http://localhost:0/\n"
	     "tls: {certificates: [{certificate: chain.pem, key: group.pem}], minimum: \"1.3\"}\n"
	     "hosts: [Chat.Example.COM, \"192.0.2.1\"]\n"
	     "site: [{path: \"/*\", root: public/}]\n"
	     "admin: {listen: \"https://192.0.2.7:9090\", token: token}\n"
	     "log: {level: error}\n");
	assert_int_equal(s->listener_count, 4);
	assert_true(s->listeners[0].tls && s->listeners[1].tls && !s->listeners[2].tls);
	assert_int_equal(s->listeners[0].address.port, 8443);
	assert_int_equal(s->listeners[1].address.port, 443);
	assert_int_equal(s->listeners[1].address.family, 6);
	assert_true(s->listeners[2].cleartext_allowed && !s->listeners[0].cleartext_allowed);
	assert_slice(s->listeners[2].host, "192.0.2.7");
	assert_slice(s->listeners[3].host, "localhost");
	assert_true(address_is_loopback(&s->listeners[3].address));
	assert_int_equal(s->listeners[3].address.port, 0);
	assert_true(s->tls.minimum_13 && !s->tls.development);
	assert_slice(s->tls.certificates[0].certificate, "etc/chain.pem");
	assert_slice(s->tls.certificates[0].key, "etc/group.pem");
	assert_slice(s->hosts.items[0], "chat.example.com");
	assert_slice(s->hosts.items[1], "192.0.2.1");
	assert_slice(s->sites[0].root, "etc/public");
	assert_true(s->admin.on && s->admin.listener.tls);
	assert_slice(s->admin.token_file, "etc/token");
	assert_int_equal(s->log_level, CONF_LOG_ERROR);
	done();
}

static void identities(void **state)
{
	(void)state;
	load("listen: http://127.0.0.1:8080\n"
	     "identity:\n"
	     "  ticket: {ticket: {from: [session, guest], ttl: 5s}}\n"
	     "  free: {ticket: {from: anyone, bind: []}}\n"
	     "  here: {ticket: {from: session, bind: [address]}}\n"
	     "  session: {cookie: {name: sid, verify: \"https://app/who?x=1\", csrf: off}}\n"
	     "  guest: {anyone: true}\n"
	     "routes:\n"
	     "  - path: /\n"
	     "    identify: [here, ticket, free, session, guest]\n"
	     "    upstream: ws://127.0.0.1:9001\n"
	     "    contract: none\n");
	const struct conf_identity *i = s->identities;
	assert_int_equal(s->identity_count, 6);
	assert_slice(i[0].name, "ticket");
	assert_int_equal(i[0].kind, CONF_IDENTITY_TICKET);
	assert_int_equal(i[0].ticket.ttl_ms, 5000);
	assert_true(i[0].ticket.bind_origin && i[0].ticket.bind_route && !i[0].ticket.bind_address);
	assert_int_equal(i[0].ticket.from_count, 2);
	assert_true(i[0].ticket.from[0] == 3 && i[0].ticket.from[1] == 4);
	assert_false(i[1].ticket.bind_origin || i[1].ticket.bind_route || i[1].ticket.bind_address);
	assert_int_equal(i[1].ticket.from[0], 5);
	assert_int_equal(i[1].ticket.ttl_ms, 30000);
	assert_false(i[2].ticket.bind_origin || i[2].ticket.bind_route);
	assert_true(i[2].ticket.bind_address);
	assert_int_equal(i[3].kind, CONF_IDENTITY_COOKIE);
	assert_slice(i[3].cookie.name, "sid");
	assert_slice(i[3].cookie.verify, "https://app/who?x=1");
	assert_true(i[3].cookie.csrf_off && i[3].cookie.cache_ms == 10000);
	assert_int_equal(i[4].kind, CONF_IDENTITY_ANYONE);
	assert_slice(i[5].name, "anyone");
	assert_int_equal(i[5].kind, CONF_IDENTITY_ANYONE);
	assert_int_equal(s->routes[0].identify_count, 5);
	assert_true(s->routes[0].identify[0] == 2 && s->routes[0].identify[4] == 4);
	assert_slice(s->keys, "etc/keys");
	done();
}

/* A folder of keys only where something is signed with them. */
static void keys(void **state)
{
	static const struct {
		const char *says, *text, *wanted;
	} rows[] = {
		{"nothing signed", "identity: {a: {anyone: true}}", ""},
		{"named all the same", "identity: {a: {anyone: true}}\nkeys: /k/", "/k"},
		{"CSRF", "identity: {a: {cookie: {name: s, verify: \"https://a/\"}}}", "etc/keys"},
		{"no CSRF", "identity: {a: {cookie: {name: s, verify: \"https://a/\", csrf: off}}}", ""},
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[512];
		snprintf(text, sizeof(text),
			 "%s\nlisten: http://127.0.0.1:1\nroutes: [{path: /, identify: a, contract: "
			 "none, upstream: \"ws://127.0.0.1:1\"}]\n",
			 at->text);
		load(text);
		ROW_EQ(at, s->keys, slice_from_cstr(at->wanted));
		done();
	}
}

/* /a and /a/ are two paths. */
static void slash_at_the_end(void **state)
{
	(void)state;
	load(SMALLEST "  - {path: \"/chat/{id}/\", identify: anyone, contract: none, upstream: "
		      "\"ws://127.0.0.1:1\"}\n");
	assert_int_equal(s->route_count, 2);
	assert_true(s->routes[1].path.trailing_slash && !s->routes[0].path.trailing_slash);
	assert_int_equal(s->routes[1].path.count, 2);
	done();
}

static void routes(void **state)
{
	(void)state;
	load("listen: http://127.0.0.1:8080\n"
	     "routes:\n"
	     "  - path: /game/{world}/{player}\n"
	     "    origins: {allow: [same, \"https://a.example:8443\"], missing: allowed}\n"
	     "    identify: anyone\n"
	     "    upstream:\n"
	     "      - ws+unix:///run/app.sock:/p/{player}/x/{world}\n"
	     "      - wss://app.example.com/\n"
	     "      - ws://[::1]:9001\n"
	     "      - ws+unix:///run/bare.sock:/\n"
	     "    subprotocols: [b, a]\n"
	     "    contract: none\n"
	     "    on_refusal: {reply: {type: error, n: [1, null, \"$reason!\"], why: $reason}}\n"
	     "    mode: observe\n"
	     "    compression: on\n"
	     "    forward: {headers: [Cookie, user-agent], query: [Lang]}\n");
	const struct conf_route *r = &s->routes[0];
	assert_slice(r->path.text, "/game/{world}/{player}");
	assert_int_equal(r->path.count, 3);
	assert_slice(r->path.segments[0].text, "game");
	assert_slice(r->path.segments[2].text, "player");
	assert_true(!r->path.segments[0].parameter && r->path.segments[2].parameter);
	assert_true(r->origins.same && r->origins.missing_allowed);
	assert_slice(r->origins.list.items[0], "https://a.example:8443");
	assert_int_equal(r->upstream_count, 4);
	assert_slice(r->upstreams[0].unix_path, "/run/app.sock");
	assert_slice(r->upstreams[0].authority, "localhost");
	assert_int_equal(r->upstreams[0].path.count, 4);
	assert_true(r->upstreams[0].path.segments[1].parameter);
	assert_slice(r->upstreams[0].path.segments[1].text, "player");
	assert_true(r->upstreams[1].tls && r->upstreams[1].port == 443);
	assert_slice(r->upstreams[1].authority, "app.example.com");
	assert_true(r->upstreams[1].path.trailing_slash && r->upstreams[1].path.count == 0);
	assert_slice(r->upstreams[2].host, "::1");
	assert_slice(r->upstreams[2].authority, "[::1]:9001");
	assert_int_equal(r->upstreams[2].path.count, 3);
	assert_slice(r->upstreams[2].path.text, "/game/{world}/{player}");
	assert_slice(r->upstreams[3].path.text, "/");
	assert_slice(r->subprotocols.items[0], "b");
	assert_int_equal(r->on_refusal, CONF_ON_REFUSAL_REPLY);
	assert_int_equal(r->reply_parts.count, 3);
	assert_slice(r->reply_parts.items[0], "{\"type\":\"error\",\"n\":[1,null,\"");
	assert_slice(r->reply_parts.items[1], "!\"],\"why\":\"");
	assert_slice(r->reply_parts.items[2], "\"}");
	assert_true(r->observe && r->compression);
	assert_slice(r->forward_headers.items[0], "cookie");
	assert_slice(r->forward_query.items[0], "Lang");
	assert_int_equal(r->line, 3);
	done();
}

/* The most specific first, whatever the order in the file. */
static void sorted_paths(void **state)
{
	static const char *const wanted[] = {
		"/a/b/c", "/a/b", "/a/{x}/c", "/a/{x}", "/a/*", "/", "/{y}/b", "/{y}/*", "/*",
	};
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 16);
	assert_int_equal(buf_printf(&text, "listen: http://127.0.0.1:8080\nroutes:\n"), 0);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		const char *path = wanted[(i * 7 + 3) % COUNT(wanted)];
		assert_int_equal(buf_printf(&text, "  - {path: \"%s\", identify: anyone, contract: "
						   "none, upstream: \"ws://127.0.0.1:1\"}\n", path),
				 0);
	}
	assert_int_equal(buf_append(&text, slice_of("", 1)), 0);
	load(text.data);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		assert_slice(s->routes[i].path.text, wanted[i]);
		assert_int_equal(s->routes[i].index, i);
	}
	done();
	buf_deinit(&text);
}

static void csp(void **state)
{
	static const struct {
		const char *says, *listen, *site, *wanted;
	} rows[] = {
		/* clang-format off */
		{"nothing but itself", "[{url: \"http://0.0.0.0:1\", cleartext: allowed}]", "",
		 "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
		 "connect-src 'self' ws://chat.example.com:1; object-src 'none'; base-uri 'none'; "
		 "form-action 'self'; frame-ancestors 'none'"},
		{"names, addresses and ports", "[\"http://127.0.0.1:81\", \"https://[2001:db8::1]\"]", "",
		 "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
		 "connect-src 'self' ws://127.0.0.1:81 wss://chat.example.com wss://[2001:db8::1]; "
		 "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
		{"additions", "http://127.0.0.1:0",
		 "csp: {img-src: [\"'self'\", \"https://i.example\"], object-src: data.example, "
		 "style-src: \"'none'\", worker-src: [\"blob:\"]}",
		 "default-src 'self'; script-src 'self'; style-src 'none'; img-src 'self' https://i.example; "
		 "font-src 'self'; connect-src 'self'; object-src data.example; base-uri 'none'; "
		 "form-action 'self'; frame-ancestors 'none'; worker-src blob:"},
		{"off", "http://127.0.0.1:0", "headers: off", ""},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[1024];
		snprintf(text, sizeof(text),
			 "listen: %s\nhosts: [chat.example.com]\n%ssite:\n  - path: /*\n"
			 "    root: /srv/public\n    %s\n",
			 at->listen,
			 strstr(at->listen, "https") ? "tls: {development: false, certificates: "
						       "[{certificate: chain.pem, key: key.pem}]}\n"
						     : "",
			 at->site);
		load(text);
		ROW_EQ(at, s->sites[0].csp, slice_from_cstr(at->wanted));
		done();
	}
}

static void references(void **state)
{
	(void)state;
	load(SMALLEST);
	struct snapshot *other = snapshot_ref(s);
	assert_ptr_equal(other, s);
	assert_null(snapshot_unref(other));
	assert_slice(s->routes[0].path.text, "/chat/{room}");
	assert_null(snapshot_unref(NULL));
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),     cmocka_unit_test(default_limits),
		cmocka_unit_test(written_limits), cmocka_unit_test(listeners),
		cmocka_unit_test(identities),   cmocka_unit_test(routes),
		cmocka_unit_test(keys),         cmocka_unit_test(slash_at_the_end),
		cmocka_unit_test(sorted_paths), cmocka_unit_test(csp),
		cmocka_unit_test(references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
