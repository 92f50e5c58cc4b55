/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/dispatch.h"

#include "policy_unit.h"

static struct unit_request u;

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"

static const struct {
	const char *says, *line, *fields;
	enum reason wanted;
	enum dispatch_kind kind;
} rows[] = {
#define G "Host: gate.example.com\r\n"
	{"a route", "GET /chat/lobby", G UPGRADE, REASON_NONE, DISPATCH_HANDSHAKE},
	{"a route without upgrade is for the handshake's gates", "GET /chat/lobby", G, REASON_NONE,
	 DISPATCH_HANDSHAKE},
	{"with any method", "DELETE /chat/lobby", G, REASON_NONE, DISPATCH_HANDSHAKE},
	{"a page", "GET /pages/x", G, REASON_NONE, DISPATCH_SITE},
	{"a page's head", "HEAD /pages/x", G, REASON_NONE, DISPATCH_SITE},
	{"posting to a page", "POST /pages/x", G "Content-Length: 0\r\n", REASON_METHOD_NOT_ALLOWED, 0},
	{"asking a page's options", "OPTIONS /pages/x", G, REASON_METHOD_NOT_ALLOWED, 0},
	{"a socket where there are pages", "GET /pages/x", G UPGRADE, REASON_ROUTE_UNKNOWN, 0},
	{"nowhere", "GET /nowhere", G, REASON_ROUTE_UNKNOWN, 0},
	{"the server as a whole", "OPTIONS *", G, REASON_ROUTE_UNKNOWN, 0},
	{"tickets", "POST /.sallyport/ticket", G, REASON_NONE, DISPATCH_TICKET},
	{"with a query", "POST /.sallyport/ticket?x=1", G, REASON_NONE, DISPATCH_TICKET},
	{"spelt otherwise", "POST /%2Esallyport/%74icket", G, REASON_NONE, DISPATCH_TICKET},
	{"any method, for the endpoint to judge", "PUT /.sallyport/ticket", G, REASON_NONE,
	 DISPATCH_TICKET},
	{"CSRF tokens", "GET /.sallyport/csrf", G, REASON_NONE, DISPATCH_CSRF},
	{"the client library", "GET /.sallyport/client.js?v=x", G, REASON_NONE, DISPATCH_CLIENT},
	{"reports", "POST /.sallyport/csp-report", G, REASON_NONE, DISPATCH_REPORT},
	{"an endpoint with a slash", "GET /.sallyport/csrf/", G, REASON_ROUTE_UNKNOWN, 0},
	{"an endpoint below one", "GET /.sallyport/csrf/x", G, REASON_ROUTE_UNKNOWN, 0},
	{"no endpoint", "GET /.sallyport/metrics", G, REASON_ROUTE_UNKNOWN, 0},
	{"in capitals", "GET /.sallyport/CSRF", G, REASON_ROUTE_UNKNOWN, 0},
	{"the folder itself", "GET /.sallyport/", G, REASON_ROUTE_UNKNOWN, 0},
	{"the folder without slash", "GET /.sallyport", G, REASON_ROUTE_UNKNOWN, 0},
	{"a foreign Host: route", "GET /chat/lobby", "Host: evil.example\r\n" UPGRADE,
	 REASON_HOST_UNKNOWN, 0},
	{"a foreign Host: endpoint", "GET /.sallyport/csrf", "Host: evil.example\r\n",
	 REASON_HOST_UNKNOWN, 0},
	{"a foreign Host: page", "GET /pages/x", "Host: evil.example\r\n", REASON_HOST_UNKNOWN, 0},
	{"a foreign Host: nowhere", "GET /nowhere", "Host: evil.example\r\n", REASON_HOST_UNKNOWN, 0},
	{"our Host with a dot", "GET /chat/lobby", "Host: gate.example.com.\r\n", REASON_HOST_UNKNOWN, 0},
};

static void requests_go_where_they_belong(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		char text[1024];
		snprintf(text, sizeof(text), "%s HTTP/1.1\r\n%s\r\n", at->line, at->fields);
		unit_request_parse(&u, at->says, text, slice_of(NULL, 0));
		struct verdict v = unit_request_dispatch(&u);
		ROW_REASON(at, v, at->wanted);
		ROW_CHECK(at, (v.kind == VERDICT_PASS) == (at->wanted == REASON_NONE));
		ROW_CHECK(at, u.dispatch.kind == at->kind);
		ROW_CHECK(at, (u.dispatch.kind == DISPATCH_HANDSHAKE) == (u.dispatch.route != NULL));
	}
	unit_request_deinit(&u);
}

/* Not even a route for everything gets what is below /.sallyport/. */
static void the_own_folder_cannot_be_taken(void **state)
{
	static const struct conf_route all[] = {
		{.path = {.text = {"/*", 2}, .prefix = true}, .origins = {.missing_allowed = true}}};
	const struct conf_route *routes = unit_snapshot.routes;
	size_t count = unit_snapshot.route_count;
	(void)state;
	unit_snapshot.routes = all;
	unit_snapshot.route_count = 1;
	unit_request_parse(&u, "all", "GET /.sallyport/x HTTP/1.1\r\nHost: gate.example.com\r\n\r\n",
			   slice_of(NULL, 0));
	assert_int_equal(unit_request_dispatch(&u).reason, REASON_ROUTE_UNKNOWN);
	unit_request_parse(&u, "all", "GET /x HTTP/1.1\r\nHost: gate.example.com\r\n\r\n",
			   slice_of(NULL, 0));
	assert_int_equal(unit_request_dispatch(&u).kind, VERDICT_PASS);
	unit_snapshot.routes = routes;
	unit_snapshot.route_count = count;
	unit_request_deinit(&u);
}

/* Where no site wants reports there is nobody to take them. */
static void reports_are_taken_where_they_are_wanted(void **state)
{
	static const struct conf_site quiet[] = {{.path = {.text = {"/*", 2}, .prefix = true}}};
	const struct conf_site *sites = unit_snapshot.sites;
	(void)state;
	unit_snapshot.sites = quiet;
	unit_request_parse(&u, "report",
			   "POST /.sallyport/csp-report HTTP/1.1\r\nHost: gate.example.com\r\n\r\n",
			   slice_of(NULL, 0));
	assert_int_equal(unit_request_dispatch(&u).reason, REASON_ROUTE_UNKNOWN);
	unit_snapshot.sites = sites;
	assert_int_equal(unit_request_dispatch(&u).kind, VERDICT_PASS);
	assert_int_equal(u.dispatch.kind, DISPATCH_REPORT);
	unit_request_deinit(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_go_where_they_belong),
		cmocka_unit_test(the_own_folder_cannot_be_taken),
		cmocka_unit_test(reports_are_taken_where_they_are_wanted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
