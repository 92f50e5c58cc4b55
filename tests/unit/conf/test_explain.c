/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every control that can be switched off is repeated back. Each row switches one off in a
 * configuration where all are on, and wants exactly one sentence more.
 */
#include "conf/explain.h"

#include "unit.h"
#include "world.h"

/* Everything that a row may replace; %s in this order. */
struct strong {
	const char *listen, *tls, *identity, *route, *site, *limits;
};

static const struct strong strongest = {
	.listen = "https://0.0.0.0:443",
	.tls = "certificates: [{certificate: chain.pem, key: key.pem}]",
	.identity = "s: {cookie: {name: sid, verify: \"https://app.example/who\"}}",
	.route = "identify: [t], upstream: \"wss://app.example/\", origins: [\"https://a.example\"]",
	.site = "headers: secure",
	.limits = "connections: 10",
};

struct heard {
	size_t count;
	struct slice words;
	bool found;
};

static void hear(void *context, struct slice where, struct slice what)
{
	struct heard *h = context;

	assert_true(where.len > 0 && what.len > 0);
	h->count++;
	for (size_t i = 0; i < what.len; i++)
		if (slice_starts_with(slice_from(what, i), h->words))
			h->found = true;
}

static struct heard listen_to(const struct strong *c, const char *words)
{
	char text[2048];
	struct diag d;
	struct snapshot *s = NULL;
	struct heard h = {.words = slice_from_cstr(words)};
	int len = snprintf(text, sizeof(text),
			   "listen: [%s]\nhosts: [a.example]\ntls: {%s}\n"
			   "identity:\n  t: {ticket: {from: [s], ttl: 60s}}\n  %s\n"
			   "routes:\n  - {path: /a, contract: none, %s}\n"
			   "site:\n  - {path: /*, root: public, %s}\nlimits: {%s}\n",
			   c->listen, c->tls, c->identity, c->route, c->site, c->limits);

	assert_true(len < (int)sizeof(text));
	if (world_load(slice_of(text, (size_t)len), &s, &d))
		world_show(&d);
	assert_non_null(s);
	explain_weak(s, hear, &h);
	snapshot_unref(s);
	diag_deinit(&d);
	return h;
}

static void nothing_but_the_contract(void **state)
{
	struct heard h = listen_to(&strongest, "contract none");

	(void)state;
	assert_int_equal(h.count, 1);
	assert_true(h.found);
}

static void each_on_its_own(void **state)
{
	static const struct {
		const char *says;
		struct strong c;
		const char *words;
	} rows[] = {
		/* clang-format off */
		{"clear text", {.listen = "{url: \"http://0.0.0.0:80\", cleartext: allowed}"}, "clear text beyond loopback"},
		{"development certificate", {.tls = "development: true"}, "self-signed"},
		{"CSRF off", {.identity = "s: {cookie: {name: sid, verify: \"https://app.example/who\", csrf: off}}"}, "CSRF"},
		{"verify in clear text", {.identity = "s: {cookie: {name: sid, verify: \"http://app.example/who\", cleartext: allowed}}"}, "clear text"},
		{"ticket for anyone", {.identity = "s: {anyone: true}"}, "anyone gets a ticket"},
		{"anyone", {.route = "identify: [t, anyone], upstream: \"wss://app.example/\""}, "anyone may connect"},
		{"anyone by another name", {.identity = "s: {cookie: {name: sid, verify: \"https://app.example/who\"}}\n  g: {anyone: true}",
		 .route = "identify: [t, g], upstream: \"wss://app.example/\""}, "anyone may connect"},
		{"missing origins", {.route = "identify: t, upstream: \"wss://app.example/\", origins: {missing: allowed}"}, "without Origin"},
		{"pages in clear text", {.route = "identify: t, upstream: \"wss://app.example/\", origins: [\"http://b.example\"]"}, "http://b.example"},
		{"pages of this machine", {.route = "identify: t, upstream: \"wss://app.example/\", origins: [\"http://localhost:3000\"]"}, ""},
		{"mode observe", {.route = "identify: t, upstream: \"wss://app.example/\", mode: observe"}, "observe"},
		{"compression", {.route = "identify: t, upstream: \"wss://app.example/\", compression: on"}, "compression"},
		{"upstream in clear text", {.route = "identify: t, upstream: \"ws://app.example/\""}, "clear text beyond loopback"},
		{"upstream on this machine", {.route = "identify: t, upstream: [\"ws://127.0.0.1:1/\", \"ws://localhost:2/\", \"ws+unix:///run/a:/\"]"}, ""},
		{"messages", {.route = "identify: t, upstream: \"wss://a/\", limits: {messages: unlimited}"}, "`messages` is unlimited"},
		{"bytes", {.route = "identify: t, upstream: \"wss://a/\", limits: {bytes: unlimited}"}, "`bytes` is unlimited"},
		{"fragments", {.route = "identify: t, upstream: \"wss://a/\", limits: {fragments: unlimited}"}, "`fragments` is unlimited"},
		{"control frames", {.route = "identify: t, upstream: \"wss://a/\", limits: {control_frames: unlimited}"}, "`control_frames` is"},
		{"inflate ratio", {.route = "identify: t, upstream: \"wss://a/\", limits: {inflate_ratio: unlimited}"}, "`inflate_ratio` is"},
		{"refusals", {.route = "identify: t, upstream: \"wss://a/\", limits: {refusals: unlimited}"}, "`refusals` is"},
		{"headers off", {.site = "headers: off"}, "headers off"},
		{"policy opened", {.site = "csp: {connect-src: \"https:\"}"}, "attacker's choice"},
		{"scripts from anywhere", {.site = "csp: {script-src: \"*\"}"}, "scripts from anywhere"},
		{"connections", {.limits = "connections: unlimited"}, "`connections` is"},
		{"connections per address", {.limits = "connections_per_address: unlimited"}, "`connections_per_address` is"},
		{"handshakes", {.limits = "handshakes_per_address: unlimited"}, "`handshakes_per_address` is"},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct strong c = strongest;
		const char **to = (const char **)&c, *const *from = (const char *const *)&at->c;
		for (size_t i = 0; i < sizeof(c) / sizeof(*to); i++)
			if (from[i])
				to[i] = from[i];
		struct heard h = listen_to(&c, at->words);
		ROW_CHECK(at, h.count == (*at->words ? 2u : 1u));
		ROW_CHECK(at, h.found);
	}
}

static void tickets(void **state)
{
	static const struct {
		const char *says, *bind;
		size_t wanted;
	} rows[] = {
		{"bound to both", "bind: [route, origin]", 1},
		{"not to the origin", "bind: route", 2},
		{"not to the route", "bind: [origin]", 2},
		{"to nothing", "bind: []", 3},
		{"for long", "ttl: 61s", 2},
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct strong c = strongest;
		char identity[200], route[200];
		snprintf(identity, sizeof(identity), "%s\n  u: {ticket: {from: s, %s}}",
			 strongest.identity, at->bind);
		snprintf(route, sizeof(route), "identify: [t, u], upstream: \"wss://a/\"");
		c.identity = identity;
		c.route = route;
		struct heard h = listen_to(&c, "");
		ROW_CHECK(at, h.count == at->wanted);
	}
}

static void the_room_ends(void **state)
{
	struct snapshot *s = NULL;
	struct diag d;

	(void)state;
	assert_int_equal(world_load(SLICE("listen: http://127.0.0.1:1\n"), &s, &d), 0);
	for (size_t max = 0; max < 200; max += 7) {
		struct buf out;
		buf_init(&out, max);
		assert_int_equal(explain_snapshot(s, &out), BUF_FULL);
		buf_deinit(&out);
	}
	snapshot_unref(s);
	diag_deinit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_but_the_contract),
		cmocka_unit_test(each_on_its_own),
		cmocka_unit_test(tickets),
		cmocka_unit_test(the_room_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
