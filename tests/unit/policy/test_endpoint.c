/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/endpoint.h"

#include "policy/client.h"
#include "policy_unit.h"

static struct unit_request u;
static struct endpoint e;
static struct endpoint_input in;
static unsigned questions;
static bool store_away;
static struct question last_put;
static struct siege_gate gate;
static struct seen *proofs;
static bool good_network;
static uint8_t dice;
static uint64_t expires_unix_ms; /* of the credential, as a token would say */

static struct answer world_answer(void)
{
	struct answer yes = {.kind = ANSWER_YES, .subject = SLICE("alice"), .claims = SLICE("{\"a\":1}")};
	questions++;
	if (e.question.kind == QUESTION_PUT_TICKET) {
		last_put = e.question;
		e.identity.expires_unix_ms = expires_unix_ms;
		return (struct answer){.kind = store_away ? ANSWER_FAILED : ANSWER_YES};
	}
	assert_int_equal(e.question.kind, QUESTION_VERIFY_COOKIE);
	if (slice_eq(e.question.cookie, SLICE("bad")))
		yes.kind = ANSWER_NO;
	if (slice_eq(e.question.cookie, SLICE("down")))
		yes.kind = ANSWER_FAILED;
	if (slice_eq(e.question.cookie, SLICE("nobody")))
		yes.subject = slice_of(NULL, 0);
	return yes;
}

static struct verdict run(const char *says, const char *line, const char *fields, const char *body)
{
	char text[8192];
	questions = 0;
	snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: gate.example.com:8443\r\n%s\r\n", line,
		 fields);
	unit_request_parse(&u, says, text, slice_of(NULL, 0));
	struct verdict v = unit_request_dispatch(&u);
	assert_int_equal(v.kind, VERDICT_PASS);
	in = (struct endpoint_input){
		.conf = &unit_snapshot,
		.keys = unit_keys(),
		.head = &u.parser.head,
		.request = &u.request,
		.dispatch = &u.dispatch,
		.body = slice_from_cstr(body),
		.peer = {.family = 4, .bytes = {192, 0, 2, 9}},
		.tls = true,
		.now_unix_ms = NOW_MS,
		.random = {1, 2, 3},
		.siege = gate,
		.proofs = proofs,
		.good_network = good_network,
		.arena = &u.arena,
	};
	in.random[7] = gate.level ? dice++ : 0;
	v = endpoint_begin(&e, &in);
	while (v.kind == VERDICT_ASK) {
		struct answer a = world_answer();
		v = endpoint_answer(&e, &a, NOW_MS);
	}
	return v;
}

static struct slice header(const char *name)
{
	struct slice value = {NULL, 0};
	for (size_t i = 0; i < e.header_count; i++) {
		if (slice_eq_icase(e.headers[i].name, slice_from_cstr(name))) {
			assert_null(value.data);
			value = e.headers[i].value;
		}
	}
	return value;
}

/* %V is the library's tag. */
static void fill_tag(const char *from, char *to, size_t room)
{
	const char *at = strstr(from, "%V");
	if (at)
		snprintf(to, room, "%.*s%.*s%s", (int)(at - from), from, SLICE_ARG(client_tag),
			 at + 2);
	else
		snprintf(to, room, "%s", from);
}

#define POST "POST /.sallyport/ticket"
#define S "Sallyport: 1\r\n"
#define O "Origin: https://chat.example.com\r\n"
#define EVIL "Origin: https://evil.example\r\n"
#define C "Cookie: sid=good\r\nSallyport-CSRF: %C\r\n"
#define LOBBY "{\"route\": \"/chat/lobby\"}"
#define FEED "{\"route\": \"/feed\"}"
#define CHAT_ORIGIN "https://chat.example.com"

#define OK REASON_NONE
#define BODY REASON_BODY_MALFORMED

static const struct row {
	const char *says, *line, *fields, *body;
	enum reason wanted;
	int status;
	const char *allowed; /* Access-Control-Allow-Origin, or "" */
	bool with_cookies;
	unsigned questions;
} rows[] = {
	/* clang-format off */
	{"a ticket for a cookie", POST, S O C, LOBBY, OK, 201, CHAT_ORIGIN, true, 2},
	{"a ticket for anyone", POST, S O, FEED, OK, 201, CHAT_ORIGIN, false, 1},
	{"a ticket for a program", POST, S, FEED, OK, 201, "", false, 1},
	{"without the marker", POST, O C, LOBBY, REASON_CSRF_MISSING, 0, "", false, 0},
	{"another marker", POST, "Sallyport: 2\r\n" O C, LOBBY, REASON_CSRF_MISSING, 0, "", false, 0},
	{"no body", POST, S O C, "", BODY, 0, "", false, 0},
	{"no JSON", POST, S O C, "route=/chat/lobby", BODY, 0, "", false, 0},
	{"no object", POST, S O C, "[\"/chat/lobby\"]", BODY, 0, "", false, 0},
	{"a text", POST, S O C, "\"route\"", BODY, 0, "", false, 0},
	{"no route", POST, S O C, "{}", BODY, 0, "", false, 0},
	{"the route twice", POST, S O C, "{\"route\": \"/chat/lobby\", \"route\": \"/feed\"}", BODY, 0, "", false, 0},
	{"a member more", POST, S O C, "{\"route\": \"/chat/lobby\", \"sub\": \"root\"}", BODY, 0, "", false, 0},
	{"a route that is no text", POST, S O C, "{\"route\": 1}", BODY, 0, "", false, 0},
	{"a route that is no path", POST, S O C, "{\"route\": \"chat/lobby\"}", BODY, 0, "", false, 0},
	{"a URL", POST, S O C, "{\"route\": \"wss://gate.example.com/chat/lobby\"}", BODY, 0, "", false, 0},
	{"a query", POST, S O C, "{\"route\": \"/chat/lobby?x=1\"}", BODY, 0, "", false, 0},
	{"dots", POST, S O C, "{\"route\": \"/chat/../feed\"}", BODY, 0, "", false, 0},
	{"an asterisk", POST, S O C, "{\"route\": \"*\"}", BODY, 0, "", false, 0},
	{"an unknown route", POST, S O C, "{\"route\": \"/nowhere\"}", REASON_ROUTE_UNKNOWN, 0, "", false, 0},
	{"a pattern is no path", POST, S O C, "{\"route\": \"/chat/\"}", REASON_ROUTE_UNKNOWN, 0, "", false, 0},
	{"a route that takes no tickets", POST, S O C, "{\"route\": \"/open\"}", REASON_ROUTE_UNKNOWN, 0, "", false, 0},
	{"another origin", POST, S EVIL C, LOBBY, REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"null", POST, S "Origin: null\r\n" C, LOBBY, REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"the origin of another route", POST, S "Origin: https://bound.example.com\r\n" C, LOBBY, REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"the gateway's own origin, if it is not listed", POST, S "Origin: https://gate.example.com:8443\r\n" C, LOBBY, REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"no origin", POST, S C, LOBBY, REASON_ORIGIN_MISSING, 0, "", false, 0},
	{"no origin, where that is allowed: a cookie is no credential", POST, S C, "{\"route\": \"/prog\"}", REASON_CREDENTIAL_MISSING, 0, "", false, 0},
	{"with one it is", POST, S O C, "{\"route\": \"/prog\"}", OK, 201, CHAT_ORIGIN, true, 2},
	{"a navigation", POST, S O C "Sec-Fetch-Mode: navigate\r\n", LOBBY, REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"a script", POST, S O C "Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-site\r\n", LOBBY, OK, 201, CHAT_ORIGIN, true, 2},
	{"no credential", POST, S O, LOBBY, REASON_CREDENTIAL_MISSING, 0, CHAT_ORIGIN, true, 0},
	{"a ticket is none for a ticket", "POST /.sallyport/ticket?ticket=x", S O, LOBBY, REASON_CREDENTIAL_MISSING, 0, CHAT_ORIGIN, true, 0},
	{"no token", POST, S O "Cookie: sid=good\r\n", LOBBY, REASON_CSRF_MISSING, 0, CHAT_ORIGIN, true, 0},
	{"the token in the query", "POST /.sallyport/ticket?csrf=%C", S O "Cookie: sid=good\r\n", LOBBY, REASON_CSRF_MISSING, 0, CHAT_ORIGIN, true, 0},
	{"a wrong token", POST, S O "Cookie: sid=good\r\nSallyport-CSRF: x\r\n", LOBBY, REASON_CSRF_INVALID, 0, CHAT_ORIGIN, true, 0},
	{"another session's token", POST, S O "Cookie: sid=bad\r\nSallyport-CSRF: %C\r\n", LOBBY, REASON_CSRF_INVALID, 0, CHAT_ORIGIN, true, 0},
	{"the wrong method", "GET /.sallyport/ticket", S O C, "", REASON_METHOD_NOT_ALLOWED, 0, "", false, 0},
	{"putting", "PUT /.sallyport/ticket", S O C, LOBBY, REASON_METHOD_NOT_ALLOWED, 0, "", false, 0},

	{"a preflight", "OPTIONS /.sallyport/ticket", O, "", OK, 204, CHAT_ORIGIN, true, 0},
	{"of another route's origin", "OPTIONS /.sallyport/ticket", "Origin: https://bound.example.com\r\n", "", OK, 204, "https://bound.example.com", true, 0},
	{"of nobody's origin", "OPTIONS /.sallyport/ticket", EVIL, "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"of null", "OPTIONS /.sallyport/ticket", "Origin: null\r\n", "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"of an origin without tickets", "OPTIONS /.sallyport/ticket", "Origin: https://gate.example.com:8443\r\n", "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"of no origin", "OPTIONS /.sallyport/ticket", "", "", REASON_ORIGIN_MISSING, 0, "", false, 0},
	{"for a CSRF token", "OPTIONS /.sallyport/csrf", O, "", OK, 204, CHAT_ORIGIN, true, 0},
	{"for a CSRF token, of nobody", "OPTIONS /.sallyport/csrf", EVIL, "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},

	{"a CSRF token", "GET /.sallyport/csrf", "Cookie: sid=good\r\n", "", OK, 200, "", false, 1},
	{"for our own page", "GET /.sallyport/csrf", "Cookie: sid=good\r\nOrigin: https://gate.example.com:8443\r\n", "", OK, 200, "https://gate.example.com:8443", true, 1},
	{"for our own page, by metadata", "GET /.sallyport/csrf", "Cookie: sid=good\r\nSec-Fetch-Site: same-origin\r\n", "", OK, 200, "", false, 1},
	{"typed in", "GET /.sallyport/csrf", "Cookie: sid=good\r\nSec-Fetch-Site: none\r\n", "", OK, 200, "", false, 1},
	{"for the route's page", "GET /.sallyport/csrf", "Cookie: sid=good\r\n" O, "", OK, 200, CHAT_ORIGIN, true, 1},
	{"for another page", "GET /.sallyport/csrf", "Cookie: sid=good\r\n" EVIL, "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"for a sandboxed page", "GET /.sallyport/csrf", "Cookie: sid=good\r\nOrigin: null\r\n", "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"for a script tag elsewhere", "GET /.sallyport/csrf", "Cookie: sid=good\r\nSec-Fetch-Site: cross-site\r\n", "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"for a sibling", "GET /.sallyport/csrf", "Cookie: sid=good\r\nSec-Fetch-Site: same-site\r\n", "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"for a page whose routes take another cookie", "GET /.sallyport/csrf", "Cookie: old=good\r\n" O, "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"another cookie, our own page", "GET /.sallyport/csrf", "Cookie: old=good\r\n", "", OK, 200, "", false, 1},
	{"no cookie", "GET /.sallyport/csrf", "", "", REASON_CREDENTIAL_MISSING, 0, "", false, 0},
	{"no cookie, evil page", "GET /.sallyport/csrf", EVIL, "", REASON_ORIGIN_NOT_ALLOWED, 0, "", false, 0},
	{"the cookie twice", "GET /.sallyport/csrf", "Cookie: sid=good; sid=bad\r\n", "", REASON_HANDSHAKE_MALFORMED, 0, "", false, 0},
	{"a cookie nobody knows", "GET /.sallyport/csrf", "Cookie: sid=bad\r\n", "", REASON_CREDENTIAL_INVALID, 0, "", false, 1},
	{"the application is away", "GET /.sallyport/csrf", "Cookie: sid=down\r\n", "", REASON_VERIFIER_FAILED, 0, "", false, 1},
	{"the application names nobody", "GET /.sallyport/csrf", "Cookie: sid=nobody\r\n", "", REASON_VERIFIER_FAILED, 0, "", false, 1},
	{"posting for one", "POST /.sallyport/csrf", "Cookie: sid=good\r\n", "", REASON_METHOD_NOT_ALLOWED, 0, "", false, 0},
	{"only its head", "HEAD /.sallyport/csrf", "Cookie: sid=good\r\n", "", REASON_METHOD_NOT_ALLOWED, 0, "", false, 0},
	/* clang-format on */
};

static void endpoints_say_what_they_should(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		struct verdict v = run(at->says, at->line, at->fields, at->body);
		ROW_REASON(at, v, at->wanted);
		ROW_CHECK(at, (v.kind == VERDICT_PASS) == (at->wanted == OK));
		ROW_CHECK(at, e.status == at->status);
		ROW_EQ(at, header("Access-Control-Allow-Origin"), slice_from_cstr(at->allowed));
		ROW_EQ(at, header("Access-Control-Allow-Credentials"),
		       at->with_cookies ? SLICE("true") : SLICE(""));
		ROW_EQ(at, header("Vary"), SLICE("Origin"));
		ROW_CHECK(at, questions == at->questions);
		ROW_CHECK(at, (v.reason == REASON_METHOD_NOT_ALLOWED) == (e.allow != NULL));
		bool secret = at->status == 200 || at->status == 201;
		ROW_EQ(at, header("Cache-Control"), secret ? SLICE("no-store") : SLICE(""));
		ROW_EQ(at, header("Content-Type"), secret ? SLICE("application/json") : SLICE(""));
		ROW_CHECK(at, (e.body.len > 0) == secret);
		ROW_CHECK(at, e.header_count < ENDPOINT_HEADERS_MAX);
	}
}

static void a_ticket_stands_for_what_it_should(void **state)
{
	struct ticket_record r;
	uint8_t id[TICKET_ID_BYTES];
	(void)state;
	assert_int_equal(run("a ticket", POST, S O C, "{\"route\": \"/chat/lo%62by\"}").kind,
			 VERDICT_PASS);
	static const char before[] = "{\"ticket\":\"", after[] =
		"\",\"expires_in\":30,\"url\":\"wss://gate.example.com:8443/chat/lobby\"}";
	assert_true(slice_starts_with(e.body, SLICE(before)));
	assert_true(slice_ends_with(e.body, SLICE(after)));
	assert_int_equal(e.body.len, sizeof(before) - 1 + TICKET_CHARS + sizeof(after) - 1);
	struct slice ticket = slice_of(e.body.data + sizeof(before) - 1, TICKET_CHARS);
	assert_int_equal(ticket_check(unit_keys(), ticket, NOW_MS + 29999, id), REASON_NONE);
	assert_memory_equal(id, in.random, sizeof(id));
	assert_memory_equal(id, last_put.ticket_id, sizeof(id));
	assert_int_equal(last_put.expires_unix_ms, NOW_MS + 30000);
	assert_true(ticket_record_decode(last_put.record, &r));
	assert_slice(r.ticket, "ticket");
	assert_slice(r.via, "session");
	assert_slice(r.subject, "alice");
	assert_slice(r.claims, "{\"a\":1}");
	assert_slice(r.path, "/chat/lobby");
	assert_slice(r.origin, "https://chat.example.com");
	assert_true(r.bind_path && r.bind_origin && !r.bind_address);
	assert_int_equal(r.expires_unix_ms, NOW_MS + 30000);

	assert_int_equal(run("for a program", POST, S, FEED).kind, VERDICT_PASS);
	assert_true(ticket_record_decode(last_put.record, &r));
	assert_slice(r.ticket, "pass");
	assert_slice(r.via, "guest");
	assert_slice(r.subject, "");
	assert_slice(r.origin, "");
	assert_slice(r.claims, "{}");

	assert_int_equal(run("bound to the address", POST,
			     S C "Origin: https://bound.example.com\r\n", "{\"route\": \"/bound\"}")
				 .kind,
			 VERDICT_PASS);
	assert_true(ticket_record_decode(last_put.record, &r));
	assert_true(r.bind_address && address_eq(&r.address, &in.peer));
}

/* Only where it would help: a session that ends with its route's lifetime ends. */
static void a_ticket_says_when_to_renew(void **state)
{
	const struct conf_route *routes = unit_snapshot.routes;
	size_t count = unit_snapshot.route_count;
	static struct conf_route lobby;
	static const struct {
		uint64_t lifetime_ms, expires_unix_ms;
		const char *end;
	} cases[] = {
		{3600000, 0, "/chat/lobby\"}"},
		{3600000, NOW_MS + 60999, "/chat/lobby\",\"renew_within\":60}"},
		{60999, NOW_MS + 60999, "/chat/lobby\"}"},
		{60000, NOW_MS + 3600000, "/chat/lobby\"}"},
		{UINT64_MAX, NOW_MS + 1000, "/chat/lobby\",\"renew_within\":1}"},
	};
	(void)state;
	lobby = routes[0];
	unit_snapshot.routes = &lobby;
	unit_snapshot.route_count = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lobby.limits.lifetime_ms = cases[i].lifetime_ms;
		expires_unix_ms = cases[i].expires_unix_ms;
		assert_int_equal(run("a ticket", POST, S O C, LOBBY).kind, VERDICT_PASS);
		assert_true(slice_ends_with(e.body, slice_from_cstr(cases[i].end)));
	}
	expires_unix_ms = 0;
	unit_snapshot.routes = routes;
	unit_snapshot.route_count = count;
}

#define REPORT "POST /.sallyport/csp-report"
#define LEGACY "Content-Type: application/csp-report\r\n"
#define SELF "Origin: https://gate.example.com:8443\r\n"
#define VIOLATION "{\"csp-report\":{\"effective-directive\":\"img-src\"}}"

static void reports_come_from_our_own_pages(void **state)
{
	static const struct {
		const char *says, *line, *fields, *body;
		enum reason wanted;
	} reports[] = {
		/* clang-format off */
		{"as browsers do", REPORT, LEGACY SELF "Sec-Fetch-Site: same-origin\r\n", VIOLATION, OK},
		{"without metadata", REPORT, LEGACY SELF, VIOLATION, OK},
		{"with its origin hidden", REPORT, LEGACY "Origin: null\r\n", VIOLATION, OK},
		{"without an origin", REPORT, LEGACY, VIOLATION, OK},
		{"the other form", REPORT, "Content-Type: application/reports+json\r\n" SELF, "[]", OK},
		{"from another page", REPORT, LEGACY EVIL, VIOLATION, REASON_ORIGIN_NOT_ALLOWED},
		{"from a route's page", REPORT, LEGACY O, VIOLATION, REASON_ORIGIN_NOT_ALLOWED},
		{"another site, origin hidden", REPORT, LEGACY "Origin: null\r\nSec-Fetch-Site: cross-site\r\n", VIOLATION, REASON_ORIGIN_NOT_ALLOWED},
		{"no report", REPORT, LEGACY SELF, "{}", BODY},
		{"a form", REPORT, "Content-Type: text/plain\r\n" SELF, VIOLATION, BODY},
		{"without a type", REPORT, SELF, VIOLATION, BODY},
		{"reading", "GET /.sallyport/csp-report", SELF, "", REASON_METHOD_NOT_ALLOWED},
		{"asking leave", "OPTIONS /.sallyport/csp-report", SELF, "", REASON_METHOD_NOT_ALLOWED},
		/* clang-format on */
	};
	(void)state;
	EACH_ROW (at, reports) {
		struct verdict v = run(at->says, at->line, at->fields, at->body);
		ROW_REASON(at, v, at->wanted);
		ROW_CHECK(at, (v.kind == VERDICT_PASS) == (at->wanted == OK));
		ROW_CHECK(at, e.status == (at->wanted == OK ? 204 : 0));
		ROW_CHECK(at, e.header_count == 0 && e.body.len == 0 && questions == 0);
		ROW_CHECK(at, (v.reason == REASON_METHOD_NOT_ALLOWED) == (e.allow != NULL));
	}
	assert_int_equal(endpoint_body_max(DISPATCH_REPORT), REPORT_BODY_MAX);
	assert_int_equal(endpoint_body_max(DISPATCH_TICKET), ENDPOINT_BODY_MAX);
}

#define LIBRARY "GET /.sallyport/client.js"
#define ZIP "Accept-Encoding: br, gzip\r\n"

/* The same whoever asks, from wherever. */
static void the_client_library_is_for_everybody(void **state)
{
	static const struct {
		const char *says, *line, *fields;
		enum reason wanted;
		int status;
		bool gzip, kept;
	} asked[] = {
		/* clang-format off */
		{"a page", LIBRARY, O, OK, 200, false, false},
		{"a page elsewhere", LIBRARY, EVIL "Sec-Fetch-Site: cross-site\r\n", OK, 200, false, false},
		{"packed", LIBRARY, ZIP, OK, 200, true, false},
		{"not if it is refused", LIBRARY, "Accept-Encoding: gzip;q=0\r\n", OK, 200, false, false},
		{"its head", "HEAD /.sallyport/client.js", "", OK, 200, false, false},
		{"this version", LIBRARY "?v=%V", "", OK, 200, false, true},
		{"another version", LIBRARY "?v=x", "", OK, 200, false, false},
		{"this version's beginning", LIBRARY "?v=", "", OK, 200, false, false},
		{"known", LIBRARY, "If-None-Match: \"%V\"\r\n", OK, 304, false, false},
		{"known packed", LIBRARY, ZIP "If-None-Match: W/\"x\", W/\"%V-gz\"\r\n", OK, 304, true, false},
		{"known, but not packed", LIBRARY, ZIP "If-None-Match: \"%V\"\r\n", OK, 200, true, false},
		{"anything at all is known", LIBRARY, "If-None-Match: *\r\n", OK, 304, false, false},
		{"another is known", LIBRARY, "If-None-Match: \"x\"\r\n", OK, 200, false, false},
		{"nothing is known", LIBRARY, "If-None-Match: \r\n", OK, 200, false, false},
		{"posting", "POST /.sallyport/client.js", O, REASON_METHOD_NOT_ALLOWED, 0, false, false},
		{"asking leave", "OPTIONS /.sallyport/client.js", O, REASON_METHOD_NOT_ALLOWED, 0, false, false},
		/* clang-format on */
	};
	(void)state;
	EACH_ROW (at, asked) {
		char line[256], fields[512];
		fill_tag(at->line, line, sizeof(line));
		fill_tag(at->fields, fields, sizeof(fields));
		struct verdict v = run(at->says, line, fields, "");
		bool whole = at->status == 200;
		ROW_REASON(at, v, at->wanted);
		ROW_CHECK(at, e.status == at->status && questions == 0);
		ROW_CHECK(at, (v.reason == REASON_METHOD_NOT_ALLOWED) == (e.allow != NULL));
		ROW_EQ(at, e.body, !whole ? SLICE("") : at->gzip ? client_gzip : client_text);
		ROW_EQ(at, header("Content-Encoding"),
		       whole && at->gzip ? SLICE("gzip") : SLICE(""));
		ROW_CHECK(at, slice_starts_with(header("Content-Type"), SLICE("text/javascript")) ==
				      whole);
		if (v.kind != VERDICT_PASS)
			continue;
		ROW_EQ(at, header("Access-Control-Allow-Origin"), SLICE("*"));
		ROW_EQ(at, header("Access-Control-Allow-Credentials"), SLICE(""));
		ROW_EQ(at, header("Vary"), SLICE("Accept-Encoding"));
		ROW_CHECK(at,
			  slice_starts_with(header("Cache-Control"), SLICE("public")) == at->kept);
		ROW_CHECK(at, e.header_count < ENDPOINT_HEADERS_MAX);
	}
	assert_true(slice_starts_with(client_integrity, SLICE("sha384-")));
	assert_int_equal(client_integrity.len, 7 + 64);
	for (size_t i = 0; i < client_text.len; i++)
		assert_true(client_text.data[i] == '\n' || client_text.data[i] == '\t' ||
			    (client_text.data[i] >= ' ' && client_text.data[i] <= '~'));
}

/* It comes as long as there are tickets; not packed, by the trickle (there is none here). */
static void under_siege_the_client_library_comes_packed(void **state)
{
	char known[64];
	(void)state;
	fill_tag("If-None-Match: \"%V\"\r\n", known, sizeof(known));
	for (unsigned level = SIEGE_CALM; level < SIEGE_LEVELS; level++) {
		enum reason wanted = level < SIEGE_FORTRESS ? OK : REASON_SIEGE;
		gate = (struct siege_gate){.level = level};
		assert_int_equal(run("packed", LIBRARY, ZIP, "").reason, wanted);
		assert_int_equal(run("known", LIBRARY, known, "").reason, wanted);
		assert_int_equal(run("whole", LIBRARY, "", "").reason,
				 level < SIEGE_TICKETS ? OK : REASON_SIEGE);
		gate.allowed = true;
		assert_int_equal(run("a friend", LIBRARY, "", "").kind, VERDICT_PASS);
	}
	gate = (struct siege_gate){0};
}

/* What is allowed to an origin depends on the routes that there are. */
static void each_configuration_has_its_own_readers(void **state)
{
	const struct conf_route *routes = unit_snapshot.routes;
	size_t count = unit_snapshot.route_count;
	(void)state;
	/* no route takes the gateway's own pages, but a CSRF token is not for a route */
	unit_snapshot.route_count = 1;
	assert_int_equal(run("own page", "GET /.sallyport/csrf",
			     "Cookie: sid=good\r\nOrigin: https://gate.example.com:8443\r\n", "")
				 .kind,
			 VERDICT_PASS);
	/* a route whose tickets need no cookie */
	unit_snapshot.routes = routes + 3;
	assert_int_equal(run("preflight", "OPTIONS /.sallyport/ticket", O, "").kind, VERDICT_PASS);
	assert_slice(header("Access-Control-Allow-Origin"), CHAT_ORIGIN);
	assert_slice(header("Access-Control-Allow-Credentials"), "");
	/* no route at all */
	unit_snapshot.route_count = 0;
	assert_int_equal(run("preflight", "OPTIONS /.sallyport/ticket", O, "").reason,
			 REASON_ORIGIN_NOT_ALLOWED);
	assert_int_equal(run("ticket", POST, S O C, LOBBY).reason, REASON_ROUTE_UNKNOWN);
	unit_snapshot.routes = routes;
	unit_snapshot.route_count = count;
}

static void a_token_is_good_for_its_session(void **state)
{
	static const char before[] = "{\"csrf\":\"";
	(void)state;
	assert_int_equal(run("a token", "GET /.sallyport/csrf", "Cookie: sid=good\r\n", "").kind,
			 VERDICT_PASS);
	assert_int_equal(e.body.len, sizeof(before) - 1 + CSRF_CHARS + 2);
	struct slice token = slice_of(e.body.data + sizeof(before) - 1, CSRF_CHARS);
	assert_int_equal(csrf_check(unit_keys(), SLICE("good"), token), REASON_NONE);
	assert_int_equal(csrf_check(unit_keys(), SLICE("evil"), token), REASON_CSRF_INVALID);
}

static void a_ticket_that_cannot_be_kept_is_none(void **state)
{
	(void)state;
	store_away = true;
	struct verdict v = run("away", POST, S O C, LOBBY);
	assert_int_equal(v.reason, REASON_STORE_FAILED);
	assert_int_equal(e.body.len, 0);
	store_away = false;
	/* and an answer that nobody asked for is none either */
	struct answer yes = {.kind = ANSWER_YES, .subject = SLICE("x"), .claims = SLICE("{}")};
	assert_int_equal(endpoint_answer(&e, &yes, NOW_MS).reason, REASON_INTERNAL);
	e = (struct endpoint){0};
	assert_int_equal(endpoint_answer(&e, &yes, NOW_MS).reason, REASON_INTERNAL);
}

/* The header with the solution of the challenge in the last refusal. */
static const char *solution(void)
{
	static const char before[] = "\"challenge\":\"";
	static char field[512];
	char text[PROOF_TEXT_MAX + 1];
	const char *at = memmem(e.problem.data, e.problem.len, before, sizeof(before) - 1);
	assert_non_null(at);
	struct slice challenge = slice_of(at + sizeof(before) - 1, PROOF_CHALLENGE_CHARS);
	assert_true(proof_solve(challenge, gate.proof_bits, 1 << 16, text));
	snprintf(field, sizeof(field), "%sSallyport-Proof: %s\r\n", S O C, text);
	return field;
}

static void under_siege_a_ticket_costs_work(void **state)
{
	(void)state;
	proofs = seen_new(&(struct siphash_key){{5}}, 64);
	gate = (struct siege_gate){.level = SIEGE_PROOF, .proof_bits = 6};
	/* Strangers' pages are told nothing, and nobody is asked before the work is done. */
	assert_int_equal(run("evil", POST, S EVIL C, LOBBY).reason, REASON_ORIGIN_NOT_ALLOWED);
	assert_int_equal(e.problem.len, 0);
	assert_int_equal(run("none", POST, S O C, LOBBY).reason, REASON_PROOF_REQUIRED);
	assert_int_equal(questions, 0);
	assert_slice(header("access-control-allow-origin"), CHAT_ORIGIN);
	const char *fields = solution();
	assert_int_equal(run("solved", POST, fields, LOBBY).kind, VERDICT_PASS);
	assert_int_equal(e.status, 201);
	assert_int_equal(run("again", POST, fields, LOBBY).reason, REASON_PROOF_INVALID);
	assert_true(e.problem.len > 0); /* a new challenge */
	assert_int_equal(
		run("twice", POST, S O C "Sallyport-Proof: a\r\nSallyport-Proof: a\r\n", LOBBY)
			.reason,
		REASON_PROOF_INVALID);
	/* Work is no credential. */
	assert_int_equal(run("none", POST, S O C, LOBBY).reason, REASON_PROOF_REQUIRED);
	fields = solution();
	char stripped[512];
	snprintf(stripped, sizeof(stripped), S O "%s", strstr(fields, "Sallyport-Proof"));
	assert_int_equal(run("nobody", POST, stripped, LOBBY).reason, REASON_CREDENTIAL_MISSING);
	/* A table that cannot remember it lets nobody through. */
	assert_int_equal(run("none", POST, S O C, LOBBY).reason, REASON_PROOF_REQUIRED);
	fields = solution();
	proofs = seen_free(proofs);
	assert_int_equal(run("no table", POST, fields, LOBBY).reason, REASON_OVERLOADED);
	/* Who is exempt, and what costs nothing. */
	good_network = true;
	assert_int_equal(run("good", POST, S O C, LOBBY).kind, VERDICT_PASS);
	good_network = false;
	gate.allowed = true;
	assert_int_equal(run("allowed", POST, S O C, LOBBY).kind, VERDICT_PASS);
	gate.allowed = false;
	assert_int_equal(run("a token", "GET /.sallyport/csrf", "Cookie: sid=good\r\n", "").kind,
			 VERDICT_PASS);
	gate.level = SIEGE_TICKETS;
	assert_int_equal(run("level 2", POST, S O C, LOBBY).kind, VERDICT_PASS);
	gate.level = SIEGE_FORTRESS;
	good_network = true;
	assert_int_equal(run("level 4", POST, S O C, LOBBY).reason, REASON_SIEGE);
	assert_int_equal(run("a token", "GET /.sallyport/csrf", "Cookie: sid=good\r\n", "").reason,
			 REASON_SIEGE);
	good_network = false;
	gate = (struct siege_gate){0};
}

static void a_body_has_an_end(void **state)
{
	char body[ENDPOINT_BODY_MAX + 2];
	(void)state;
	memset(body, ' ', sizeof(body));
	memcpy(body, LOBBY, sizeof(LOBBY) - 1);
	body[sizeof(body) - 1] = 0;
	assert_int_equal(run("over", POST, S O C, body).reason, REASON_BODY_TOO_LARGE);
	body[sizeof(body) - 2] = 0;
	assert_int_equal(run("just", POST, S O C, body).kind, VERDICT_PASS);
}

static void without_keys_there_are_no_tickets(void **state)
{
	(void)state;
	assert_int_equal(run("keys", POST, S O, FEED).kind, VERDICT_PASS);
	in.keys = &(struct keyset){0};
	assert_int_equal(endpoint_begin(&e, &in).kind, VERDICT_ASK);
	struct answer a = world_answer();
	assert_int_equal(endpoint_answer(&e, &a, NOW_MS).reason, REASON_INTERNAL);
	assert_int_equal(e.body.len, 0);
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
		cmocka_unit_test(endpoints_say_what_they_should),
		cmocka_unit_test(a_ticket_stands_for_what_it_should),
		cmocka_unit_test(a_ticket_says_when_to_renew),
		cmocka_unit_test(reports_come_from_our_own_pages),
		cmocka_unit_test(the_client_library_is_for_everybody),
		cmocka_unit_test(under_siege_the_client_library_comes_packed),
		cmocka_unit_test(each_configuration_has_its_own_readers),
		cmocka_unit_test(a_token_is_good_for_its_session),
		cmocka_unit_test(a_ticket_that_cannot_be_kept_is_none),
		cmocka_unit_test(under_siege_a_ticket_costs_work),
		cmocka_unit_test(a_body_has_an_end),
		cmocka_unit_test(without_keys_there_are_no_tickets),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
