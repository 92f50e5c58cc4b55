/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/forward.h"

#include "base/buf.h"

#include "policy_unit.h"

enum { OWN_HEADERS = FORWARD_OWN_HEADERS - 1 }; /* without an assertion */

static struct unit_request u;
static struct forward out;
static struct forward_facts facts;
static struct identity identity;

static struct verdict build(const char *says, const char *target, const char *fields)
{
	char text[4096];
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: gate.example.com:8443\r\n%s\r\n", target,
		 fields);
	unit_request_parse(&u, says, text, slice_of(NULL, 0));
	assert_int_equal(unit_request_dispatch(&u).kind, VERDICT_PASS);
	assert_int_equal(u.dispatch.kind, DISPATCH_HANDSHAKE);
	facts = (struct forward_facts){
		.route = u.dispatch.route,
		.upstream = &unit_upstream,
		.match = &u.dispatch.match,
		.head = &u.parser.head,
		.request = &u.request,
		.identity = &identity,
		.peer = {.family = 4, .bytes = {192, 0, 2, 9}},
		.tls = true,
		.request_id = SLICE("r-1"),
	};
	return forward_build(&facts, &u.arena, &out);
}

/* All fields with that name, joined by '|'. */
static struct slice fields_of(const char *name)
{
	static char text[4096];
	text[0] = 0;
	for (size_t i = 0; i < out.header_count; i++) {
		if (slice_eq_icase(out.headers[i].name, slice_from_cstr(name)))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
				 text[0] ? "|" : "", SLICE_ARG(out.headers[i].value));
	}
	return slice_from_cstr(text);
}

static void only_what_is_listed_travels(void **state)
{
	static const struct {
		const char *says, *fields, *name, *wanted;
	} rows[] = {
		{"a listed field", "User-Agent: x y\r\n", "user-agent", "x y"},
		{"in any case", "uSER-aGENT: x\r\n", "user-agent", "x"},
		{"an unlisted one", "Accept-Language: de\r\n", "accept-language", ""},
		{"the cookie, as the route says", "Cookie: sid=1\r\n", "cookie", "sid=1"},
		{"an underscore for a dash", "User_Agent: x\r\n", "user_agent", ""},
		{"which is no other spelling", "User_Agent: x\r\nUser-Agent: y\r\n", "user-agent", "y"},
		{"named by Connection", "User-Agent: x\r\nConnection: user-agent\r\n", "user-agent", ""},
		{"an identity, though listed", "X-Forwarded-User: root\r\n", "x-forwarded-user", ""},
		{"another of those", "X_Forwarded_User: root\r\n", "x_forwarded_user", ""},
		{"ours, forged", "Sallyport-Subject: root\r\n", "sallyport-subject", "alice"},
		{"ours, forged with underscore", "Sallyport_Subject: root\r\n", "sallyport_subject", ""},
		{"ours, nominated away", "Connection: sallyport-subject\r\n", "sallyport-subject", "alice"},
		{"an address, forged", "X-Forwarded-For: 6.6.6.6\r\n", "x-forwarded-for", "192.0.2.9"},
		{"a host, forged", "X-Forwarded-Host: evil\r\n", "x-forwarded-host",
		 "gate.example.com:8443"},
		{"a scheme, forged", "X-Forwarded-Proto: http\r\n", "x-forwarded-proto", "https"},
		{"all of that, forged", "Forwarded: for=6.6.6.6\r\n", "forwarded",
		 "for=192.0.2.9;host=\"gate.example.com:8443\";proto=https"},
		{"a request id, forged", "Sallyport-Request: x\r\n", "sallyport-request", "r-1"},
		{"a real address", "X-Real-IP: 6.6.6.6\r\n", "x-real-ip", ""},
		{"a token", "Authorization: Bearer x\r\n", "authorization", ""},
		{"the handshake's own", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		 "sec-websocket-key", ""},
		{"Host", "", "host", ""},
		{"Origin is not listed", "Origin: https://chat.example.com\r\n", "origin", ""},
	};
	(void)state;
	identity.subject = SLICE("alice");
	EACH_ROW (at, rows) {
		ROW_CHECK(at, build(at->says, "/chat/lobby", at->fields).kind == VERDICT_PASS);
		ROW_EQ(at, fields_of(at->name), slice_from_cstr(at->wanted));
		ROW_CHECK(at, out.header_count >= OWN_HEADERS);
	}
}

static void only_named_parameters_travel(void **state)
{
	static const struct {
		const char *says, *target, *wanted;
	} rows[] = {
		{"none", "/chat/lobby", "/app/lobby"},
		{"none named", "/chat/lobby?x=1&y=2", "/app/lobby"},
		{"one of them", "/chat/lobby?x=1&room=2&y=3", "/app/lobby?room=2"},
		{"in the client's order", "/chat/lobby?room=2&lang=de", "/app/lobby?room=2&lang=de"},
		{"twice stays twice", "/chat/lobby?lang=a&lang=b", "/app/lobby?lang=a&lang=b"},
		{"empty", "/chat/lobby?lang=&room", "/app/lobby?lang=&room="},
		{"a name in another case is another", "/chat/lobby?Lang=a", "/app/lobby"},
		{"a secret, though listed", "/chat/lobby?ticket=x&lang=a", "/app/lobby?lang=a"},
		{"a secret, spelt otherwise", "/chat/lobby?%74icket=x&csrf=y", "/app/lobby"},
		{"encoded anew", "/chat/lobby?%6cang=%61+b%26%3D%0d%0a",
		 "/app/lobby?lang=a%20b%26%3D%0D%0A"},
		{"the path too", "/chat/a%20b%3f?lang=x", "/app/a%20b%3F?lang=x"},
	};
	(void)state;
	EACH_ROW (at, rows) {
		ROW_CHECK(at, build(at->says, at->target, "").kind == VERDICT_PASS);
		ROW_EQ(at, out.target, slice_from_cstr(at->wanted));
	}
	assert_int_equal(build("unreadable", "/chat/lobby?lang=%zz", "").reason,
			 REASON_HANDSHAKE_MALFORMED);
}

static void a_subject_is_one_word_whatever_it_is(void **state)
{
	static const struct {
		const char *says;
		struct slice subject;
		const char *wanted;
	} rows[] = {
		{"nobody", {"", 0}, ""},
		{"a name", {"alice@example.com", 17}, "alice@example.com"},
		{"a URL", {"https://id.example/u?x=1#y", 26}, "https://id.example/u?x=1#y"},
		{"a line's end", {"a\r\nX: y", 7}, "a%0D%0AX:%20y"},
		{"a NUL", {"a\0b", 3}, "a%00b"},
		{"spaces", {" a ", 3}, "%20a%20"},
		{"a percent sign", {"100%41", 6}, "100%2541"},
		{"UTF-8", {"Zo\xc3\xab", 4}, "Zo%C3%AB"},
		{"DEL", {"\x7f", 1}, "%7F"},
		{"what some read as a line's end", {"\xc2\x85", 2}, "%C2%85"},
	};
	(void)state;
	EACH_ROW (at, rows) {
		identity.subject = at->subject;
		ROW_CHECK(at, build(at->says, "/chat/lobby", "").kind == VERDICT_PASS);
		ROW_EQ(at, fields_of("sallyport-subject"), slice_from_cstr(at->wanted));
	}
	identity.subject = SLICE("alice");
}

static void addresses_are_written_as_their_rfcs_say(void **state)
{
	(void)state;
	assert_int_equal(build("v6", "/chat/lobby", "").kind, VERDICT_PASS);
	assert_true(address_parse(SLICE("2001:db8::9"), &facts.peer));
	facts.tls = false;
	assert_int_equal(forward_build(&facts, &u.arena, &out).kind, VERDICT_PASS);
	assert_slice(fields_of("x-forwarded-for"), "2001:db8::9");
	assert_slice(fields_of("x-forwarded-proto"), "http");
	assert_slice(fields_of("forwarded"),
		     "for=\"[2001:db8::9]\";host=\"gate.example.com:8443\";proto=http");
}

/* Where tokens may be, by a route that takes them itself or through a ticket. */
static const struct conf_carrier carriers[] = {
	{CONF_CARRIER_AUTHORIZATION, {NULL, 0}},
	{CONF_CARRIER_COOKIE, SLICE_INIT("access")},
	{CONF_CARRIER_QUERY, SLICE_INIT("lang")},
};
static const size_t first[] = {0}, second[] = {1};
static const struct conf_identity token_identities[] = {
	{.name = SLICE_INIT("token"),
	 .kind = CONF_IDENTITY_JWT,
	 .jwt = {.from = carriers, .from_count = COUNT(carriers)}},
	{.name = SLICE_INIT("ticket"),
	 .kind = CONF_IDENTITY_TICKET,
	 .ticket = {.from = first, .from_count = 1}},
};

static void tokens_stay_here(void **state)
{
	static const struct {
		const char *says, *fields, *name, *wanted;
	} rows[] = {
		{"the field", "Authorization: Bearer x\r\n", "authorization", ""},
		{"whatever it holds", "Authorization: Basic x\r\n", "authorization", ""},
		{"the cookie alone", "Cookie: access=x\r\n", "cookie", ""},
		{"the first", "Cookie: access=x; a=1; b=2\r\n", "cookie", "a=1; b=2"},
		{"in the middle", "Cookie: a=1; access=x; b=2\r\n", "cookie", "a=1; b=2"},
		{"the last, without spaces", "Cookie: a=1;b=2;access=x\r\n", "cookie", "a=1;b=2"},
		{"twice", "Cookie: access=x; a=1; access=y\r\n", "cookie", " a=1"},
		{"with spaces about", "Cookie: a=1;  access =x\r\n", "cookie", "a=1"},
		{"another of that beginning", "Cookie: access2=x; Access=y\r\n", "cookie",
		 "access2=x; Access=y"},
		{"none", "Cookie: a=1;  b=2\r\n", "cookie", "a=1;  b=2"},
	};
	static const struct slice headers[] = {SLICE_INIT("authorization"), SLICE_INIT("cookie")};
	const struct snapshot conf = {.identities = token_identities, .identity_count = 2};
	(void)state;
	for (int by_ticket = 0; by_ticket < 2; by_ticket++) {
		EACH_ROW (at, rows) {
			assert_int_equal(build(at->says, "/chat/lobby?lang=de&v=2", at->fields).kind,
					 VERDICT_PASS);
			struct conf_route route = *facts.route;
			route.identify = by_ticket ? second : first;
			route.identify_count = 1;
			route.forward_headers = (struct conf_texts){headers, COUNT(headers)};
			facts.route = &route;
			facts.conf = &conf;
			ROW_CHECK(at, forward_build(&facts, &u.arena, &out).kind == VERDICT_PASS);
			struct slice got = fields_of(at->name), wanted = slice_from_cstr(at->wanted);
			ROW_EQ(at, slice_trim(got), slice_trim(wanted));
			ROW_CHECK(at, !memmem(out.target.data, out.target.len, "lang", 4));
		}
	}
}

static void nothing_is_left_out_for_lack_of_room(void **state)
{
	size_t passed = 0, refused = 0;
	(void)state;
	assert_int_equal(build("room", "/chat/lobby?lang=%61", "User-Agent: x\r\n").kind, VERDICT_PASS);
	for (size_t room = 0; room <= 8192; room += 64) {
		struct arena small;
		arena_init(&small, room ? room : 1, room);
		struct verdict v = forward_build(&facts, &small, &out);
		if (v.kind == VERDICT_PASS) {
			passed++;
			assert_int_equal(out.header_count, OWN_HEADERS + 1);
			assert_slice(out.target, "/app/lobby?lang=a");
		} else {
			refused++;
			assert_int_equal(v.reason, REASON_OVERLOADED);
		}
		arena_deinit(&small);
	}
	assert_true(passed && refused);
}

static int teardown(void **state)
{
	(void)state;
	unit_request_deinit(&u);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_listed_travels),
		cmocka_unit_test(only_named_parameters_travel),
		cmocka_unit_test(a_subject_is_one_word_whatever_it_is),
		cmocka_unit_test(addresses_are_written_as_their_rfcs_say),
		cmocka_unit_test(tokens_stay_here),
		cmocka_unit_test(nothing_is_left_out_for_lack_of_room),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
