/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is refused, and where it is pointed at. One row, one finding: a row that finds
 * anything else as well fails. The words that people read are in tests/golden/check.
 */
#include "conf/load.h"

#include "unit.h"
#include "world.h"

#define FRONT "listen: http://127.0.0.1:8080\n"
#define ROUTE_FRONT                                                                           \
	"listen: http://127.0.0.1:8080\n"                                                     \
	"identity: {s: {cookie: {name: sid, verify: \"http://127.0.0.1/\"}}}\n"             \
	"routes:\n"

struct row {
	const char *says, *text, *words;
	uint32_t line, column;
	enum diag_kind kind;
};

static void check_row(const struct row *at, struct slice text)
{
	struct diag d;
	struct snapshot *s = NULL;
	int r = world_load(text, &s, &d);
	size_t all = d.errors + d.unsafe + d.warnings;

	if (all != 1 || !world_finding(&d, at->words))
		world_show(&d);
	ROW_CHECK(at, r == (at->kind == DIAG_ERROR ? CONF_WRONG : 0));
	ROW_CHECK(at, (s == NULL) == (at->kind == DIAG_ERROR));
	ROW_CHECK(at, all == 1);
	ROW_CHECK(at, d.entries[0].kind == at->kind);
	ROW_CHECK(at, world_finding(&d, at->words) != NULL);
	if (d.entries[0].place.line != at->line || d.entries[0].place.column != at->column)
		fail_msg("%s: at %u:%u, wanted %u:%u", at->says, d.entries[0].place.line,
			 d.entries[0].place.column, at->line, at->column);
	snapshot_unref(s);
	diag_deinit(&d);
}

static void whole_file(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{"no listen", "routes: []", "`listen` is missing", 1, 1, DIAG_ERROR},
		{"listen empty", "listen: []", "nobody could connect", 1, 9, DIAG_ERROR},
		{"clear text beyond loopback", "listen: http://0.0.0.0:80", "clear text beyond loopback", 1, 9, DIAG_ERROR},
		{"a v6 address is not loopback", "listen: http://[::]:80", "clear text", 1, 9, DIAG_ERROR},
		{"a mapped address is what it maps", "listen: http://[::ffff:10.0.0.1]:80", "clear text", 1, 9, DIAG_ERROR},
		{"https without tls", "listen: https://127.0.0.1:443", "needs `tls`", 1, 9, DIAG_ERROR},
		{"a name to listen on", "listen: http://example.com:80", "literal address", 1, 9, DIAG_ERROR},
		{"userinfo", "listen: http://u@127.0.0.1:80", "user", 1, 9, DIAG_ERROR},
		{"environment is not expanded", "listen: $LISTEN", "URL", 1, 9, DIAG_ERROR},
		{"certificate missing", "listen: https://127.0.0.1:1\ntls: {certificates: [{certificate: no.pem, key: key.pem}]}", "cannot be found", 2, 36, DIAG_ERROR},
		{"key unreadable", "listen: https://127.0.0.1:1\ntls: {certificates: [{certificate: chain.pem, key: secret.pem}]}", "cannot be read", 2, 52, DIAG_ERROR},
		{"tls without certificates", "listen: https://127.0.0.1:1\ntls: {minimum: 1.3}", "no certificates", 2, 1, DIAG_ERROR},
		{"no certificate in the list", "listen: https://127.0.0.1:1\ntls: {certificates: []}", "no certificates", 2, 1, DIAG_ERROR},
		{"TLS 1.0", "listen: https://127.0.0.1:1\ntls: {minimum: 1.0, development: true}", "minimum", 2, 16, DIAG_ERROR},
		{"host wildcard", FRONT "hosts: \"*.a.example\"", "wildcards", 2, 9, DIAG_ERROR},
		{"host with port", FRONT "hosts: [a.example:80]", "port", 2, 9, DIAG_ERROR},
		{"store nowhere", FRONT "store: disk", "store", 2, 8, DIAG_ERROR},
		{"alerts in clear text", FRONT "alerts: [{webhook: \"http://x/\"}]", "in clear text", 2, 21, DIAG_ERROR},
		{"alerts to nowhere", FRONT "alerts: [{on: [siege]}]", "`webhook` is missing", 2, 10, DIAG_ERROR},
		{"alerts by another protocol", FRONT "alerts: [{webhook: \"ws://x/\"}]", "http or https", 2, 21, DIAG_ERROR},
		{"alerts of no kind", FRONT "alerts: [{webhook: \"https://x/\", on: [fire]}]", "cannot be `fire`", 2, 39, DIAG_ERROR},
		{"audit log without a folder", FRONT "log: {audit: {file: nowhere/a}}", "cannot be found", 2, 21, DIAG_ERROR},
		{"audit log without a file", FRONT "log: {audit: {chain: true}}", "`file` is missing", 2, 14, DIAG_ERROR},
		{"audit log that is a folder", FRONT "log: {audit: {file: public/}}", "this a folder", 2, 21, DIAG_ERROR},
		{"audit log for everybody", FRONT "log: {audit: {file: shared-keys/a}}", "may replace the audit log", 2, 21, DIAG_UNSAFE},
		{"admin in clear text", FRONT "admin: {listen: \"http://10.0.0.1:1\", token: token}", "without TLS", 2, 18, DIAG_ERROR},
		{"admin without token", "listen: https://127.0.0.1:1\ntls: {development: true}\nadmin: {listen: \"https://10.0.0.1:1\"}", "without a `token`", 3, 18, DIAG_ERROR},
		{"admin needs tls", FRONT "admin: {listen: \"https://127.0.0.1:1\"}", "needs `tls`", 2, 18, DIAG_ERROR},
		{"admin is public", FRONT "admin: {listen: \"http://127.0.0.1:8080\"}", "public", 2, 18, DIAG_ERROR},
		{"admin token missing", FRONT "admin: {listen: \"http://127.0.0.1:1\", token: no}", "cannot be found", 2, 46, DIAG_ERROR},
		{"a limit of a route among those of the gateway", FRONT "limits: {message_size: 1KiB}", "routes[].limits", 2, 10, DIAG_ERROR},
		{"unlimited where a size stands", FRONT "limits: {request_head: unlimited}", "unlimited", 2, 24, DIAG_ERROR},
		{"unlimited where a time stands", FRONT "limits: {handshake_timeout: unlimited}", "unlimited", 2, 29, DIAG_ERROR},
		{"unlimited where a number bounds a table", FRONT "limits: {request_headers: unlimited}", "unlimited", 2, 27, DIAG_ERROR},
		{"a limit of zero", FRONT "limits: {connections: 0}", "too little", 2, 23, DIAG_ERROR},
		{"a rate of zero", FRONT "limits: {handshakes_per_address: 0/s}", "rate", 2, 34, DIAG_ERROR},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		/* something to serve, so that this is nothing to warn about */
		char text[512];
		int len = snprintf(text, sizeof(text), "%s\nsite: [{path: /*, root: public}]\n",
				   at->text);
		check_row(at, slice_of(text, (size_t)len));
	}
}

static void identities(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{"no kind", "a: {}", "no kind", 2, 3, DIAG_ERROR},
		{"two kinds", "a: {anyone: true, cookie: {name: s, verify: \"http://127.0.0.1/\"}}", "one kind", 2, 21, DIAG_ERROR},
		{"a token from nowhere", "a: {jwt: {jwks: \"https://x/\", algorithms: ES256}}", "`from` is missing", 2, 12, DIAG_ERROR},
		{"a token by no algorithm", "a: {jwt: {from: authorization, jwks: \"https://x/\"}}", "`algorithms` is missing", 2, 12, DIAG_ERROR},
		{"a token that nobody signed", "a: {jwt: {from: authorization, jwks: \"https://x/\", algorithms: none}}", "nobody signed", 2, 66, DIAG_ERROR},
		{"an algorithm in small letters", "a: {jwt: {from: authorization, jwks: \"https://x/\", algorithms: es256}}", "did you mean `ES256`", 2, 66, DIAG_ERROR},
		{"a secret's algorithm with keys", "a: {jwt: {from: authorization, jwks: \"https://x/\", algorithms: [HS256]}}", "only with `secret`", 2, 67, DIAG_ERROR},
		{"a token by nobody's keys", "a: {jwt: {from: authorization, algorithms: ES256}}", "which keys", 2, 7, DIAG_ERROR},
		{"keys from two places", "a: {jwt: {from: authorization, algorithms: ES256, jwks: \"https://x/\", keys: [key.pem]}}", "one place", 2, 7, DIAG_ERROR},
		{"a file of keys that is not there", "a: {jwt: {from: authorization, algorithms: ES256, keys: [absent.pem]}}", "cannot be found", 2, 60, DIAG_ERROR},
		{"keys in clear text", "a: {jwt: {from: authorization, algorithms: ES256, jwks: \"http://id.example/\"}}", "clear text", 2, 60, DIAG_ERROR},
		{"keys from a socket", "a: {jwt: {from: authorization, algorithms: ES256, jwks: \"wss://id.example/\"}}", "http", 2, 60, DIAG_ERROR},
		{"a token in some header", "a: {jwt: {from: x-token, algorithms: ES256, jwks: \"https://x/\"}}", "not looked for", 2, 19, DIAG_ERROR},
		{"a token in the URL", "a: {jwt: {from: \"query:t\", algorithms: ES256, jwks: \"https://x/\"}}", "allow_in_url", 2, 20, DIAG_ERROR},
		{"a token in a cookie with a space", "a: {jwt: {from: \"cookie:a b\", algorithms: ES256, jwks: \"https://x/\"}}", "no cookie", 2, 20, DIAG_ERROR},
		{"anyone is false", "a: {anyone: false}", "only be `true`", 2, 15, DIAG_ERROR},
		{"another kind called anyone", "anyone: {ticket: {}}", "anyone", 2, 3, DIAG_ERROR},
		{"a name with a dot", "a.b: {anyone: true}", "letters", 2, 3, DIAG_ERROR},
		{"cookie without verify", "a: {cookie: {name: s}}", "`verify` is missing", 2, 15, DIAG_ERROR},
		{"cookie without name", "a: {cookie: {verify: \"http://127.0.0.1/\"}}", "`name` is missing", 2, 15, DIAG_ERROR},
		{"cookie name with =", "a: {cookie: {name: s=1, verify: \"http://127.0.0.1/\"}}", "name", 2, 22, DIAG_ERROR},
		{"verify beyond loopback in clear", "a: {cookie: {name: s, verify: \"http://10.0.0.1/\"}}", "clear text", 2, 34, DIAG_ERROR},
		{"verify by a name that starts like localhost", "a: {cookie: {name: s, verify: \"http://localhost.evil.example/\"}}", "clear text", 2, 34, DIAG_ERROR},
		{"verify is a socket", "a: {cookie: {name: s, verify: \"wss://127.0.0.1/\"}}", "http", 2, 34, DIAG_ERROR},
		{"verify is a file", "a: {cookie: {name: s, verify: \"file:///etc/passwd\"}}", "URL", 2, 34, DIAG_ERROR},
		{"verify with a fragment", "a: {cookie: {name: s, verify: \"http://127.0.0.1/#x\"}}", "verify", 2, 34, DIAG_ERROR},
		{"csrf neither nor", "a: {cookie: {name: s, verify: \"http://127.0.0.1/\", csrf: optional}}", "csrf", 2, 60, DIAG_ERROR},
		{"cache too long", "a: {cookie: {name: s, verify: \"http://127.0.0.1/\", cache: 1h}}", "too much", 2, 61, DIAG_ERROR},
		{"ticket from nobody known", "a: {ticket: {from: [nobody]}}", "no identity", 2, 23, DIAG_ERROR},
		{"ticket from itself", "a: {ticket: {from: a}}", "not given for a ticket", 2, 22, DIAG_ERROR},
		{"ticket bound to a word", "a: {ticket: {bind: [origin, browser]}}", "bind", 2, 31, DIAG_ERROR},
		{"ticket for a day", "a: {ticket: {ttl: 24h}}", "too much", 2, 21, DIAG_ERROR},
		{"ticket for no time", "a: {ticket: {ttl: 0s}}", "too little", 2, 21, DIAG_ERROR},
		{"ticket is no map", "a: {ticket: true}", "ticket", 2, 15, DIAG_ERROR},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[512];
		int len = snprintf(text, sizeof(text), "identity:\n  %s\n" FRONT, at->text);
		check_row(at, slice_of(text, (size_t)len));
	}
}

static void keys_folder(void **state)
{
	static const struct row rows[] = {
		{"others read keys", "open-keys", "read or change", 1, 7, DIAG_UNSAFE},
		{"others add keys", "shared-keys/", "put keys", 1, 7, DIAG_UNSAFE},
		{"a file", "key.pem", "not a folder", 1, 7, DIAG_ERROR},
	};
	char text[512];
	struct diag d;
	struct snapshot *s;

	(void)state;
	EACH_ROW (at, rows) {
		int len = snprintf(text, sizeof(text), "keys: %s\nsite: [{path: /*, root: public}]\n"
				   FRONT, at->text);
		check_row(at, slice_of(text, (size_t)len));
	}
	static const char *const good[] = {"good-keys", "made-at-start", "/elsewhere/keys/"};
	for (size_t i = 0; i < COUNT(good); i++) {
		int len = snprintf(text, sizeof(text),
				   "keys: %s\nsite: [{path: /*, root: public}]\n" FRONT, good[i]);
		assert_int_equal(world_load(slice_of(text, (size_t)len), &s, &d), 0);
		assert_int_equal(d.unsafe + d.warnings, 0);
		snapshot_unref(s);
		diag_deinit(&d);
	}
}

static void secrets_that_others_read(void **state)
{
	static const struct row rows[] = {
		{"a private key",
		 "tls: {certificates: [{certificate: chain.pem, key: open.pem}]}\n"
		 "listen: https://127.0.0.1:1\nsite: [{path: /*, root: public}]\n",
		 "everybody", 1, 52, DIAG_UNSAFE},
		{"the token",
		 "admin: {listen: \"http://127.0.0.1:1\", token: open.pem}\n"
		 "listen: http://127.0.0.1:2\nsite: [{path: /*, root: public}]\n",
		 "everybody", 1, 46, DIAG_UNSAFE},
	};

	(void)state;
	EACH_ROW (at, rows)
		check_row(at, slice_from_cstr(at->text));
}

/* Rows are the members of a route; what every route needs is filled in where it is absent. */
static void routes(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{"no path", "path: ~", "no value", 4, 11, DIAG_ERROR},
		{"a relative path", "path: chat", "slash", 4, 11, DIAG_ERROR},
		{"an asterisk in the middle", "path: /a/*/b", "asterisk", 4, 14, DIAG_ERROR},
		{"an asterisk in a word", "path: /a*", "asterisk", 4, 12, DIAG_ERROR},
		{"a parameter in a word", "path: /a/x-{b}", "parameter", 4, 14, DIAG_ERROR},
		{"a parameter without name", "path: /a/{}", "parameter", 4, 14, DIAG_ERROR},
		{"a parameter with a dash", "path: \"/a/{b-c}\"", "letters", 4, 15, DIAG_ERROR},
		{"a parameter twice", "path: /{a}/{a}", "twice", 4, 16, DIAG_ERROR},
		{"dots", "path: /a/..", "`..`", 4, 14, DIAG_ERROR},
		{"one dot", "path: /./a", "`.`", 4, 12, DIAG_ERROR},
		{"dots with a parameter", "path: /a/..;x/b", "`..`", 4, 14, DIAG_ERROR},
		{"an empty piece", "path: /a//b", "nothing between", 4, 11, DIAG_ERROR},
		{"an escape", "path: /a%2fb", "escapes", 4, 12, DIAG_ERROR},
		{"a query", "path: /a?b=c", "query", 4, 12, DIAG_ERROR},
		{"a backslash", "path: /a\\b", "character", 4, 12, DIAG_ERROR},
		{"other letters", "path: /caf\xc3\xa9", "character", 4, 12, DIAG_ERROR},
		{"the gateway's own", "path: /.sallyport/ticket", "gateway's own", 4, 11, DIAG_ERROR},
		{"identify empty", "identify: []", "identify", 4, 15, DIAG_ERROR},
		{"identify unknown", "identify: [t]", "no identity", 4, 16, DIAG_ERROR},
		{"identify twice", "identify: [s, s]", "twice", 4, 19, DIAG_ERROR},
		{"anyone before others", "identify: [anyone, s]", "never asked", 4, 24, DIAG_ERROR},
		{"allow: an unknown variable", "allow: identiy.sub != ''", "no variable", 4, 12, DIAG_ERROR},
		{"allow: an unknown member", "allow: true && identity.subj != ''", "mean `sub`", 4, 29, DIAG_ERROR},
		{"allow: a list", "allow: [true]", "expression", 4, 12, DIAG_ERROR},
		{"allow: no bool", "allow: identity.sub", "true or false", 4, 12, DIAG_ERROR},
		{"allow: the message", "allow: now == now && message.a == 1", "before the connection", 4, 26, DIAG_ERROR},
		{"a contract that is not there", "contract: c.yaml", "cannot be read", 4, 15, DIAG_ERROR},
		{"seal", "seal: true", "not yet", 4, 5, DIAG_ERROR},
		{"opaque", "opaque: {a: b}", "not yet", 4, 5, DIAG_ERROR},
		{"cost that is no rate", "limits: {cost: 1}", "rate", 4, 20, DIAG_ERROR},
		{"upstream empty", "upstream: []", "nowhere", 4, 15, DIAG_ERROR},
		{"upstream by http", "upstream: http://127.0.0.1:1/", "ws://", 4, 15, DIAG_ERROR},
		{"upstream with a query", "upstream: ws://127.0.0.1:1/?a=b", "query", 4, 15, DIAG_ERROR},
		{"upstream with a password", "upstream: ws://a:b@127.0.0.1:1/", "password", 4, 15, DIAG_ERROR},
		{"upstream with a strange parameter", "upstream: ws://127.0.0.1:1/{b}", "no parameter", 4, 15, DIAG_ERROR},
		{"upstream with an asterisk", "upstream: ws://127.0.0.1:1/*", "asterisk", 4, 15, DIAG_ERROR},
		{"upstream climbs", "upstream: ws://127.0.0.1:1/../x", "`..`", 4, 32, DIAG_ERROR},
		{"upstream port 0", "upstream: ws://127.0.0.1:0/", "port 0", 4, 15, DIAG_ERROR},
		{"a socket by a relative path", "upstream: ws+unix://app.sock:/x", "absolute", 4, 15, DIAG_ERROR},
		{"no such mode", "mode: monitor", "mode", 4, 11, DIAG_ERROR},
		{"subprotocol with a blank", "subprotocols: [a b]", "subprotocol", 4, 20, DIAG_ERROR},
		{"our own subprotocol", "subprotocols: [sallyport.ticket.x]", "gateway's own", 4, 20, DIAG_ERROR},
		{"subprotocol twice", "subprotocols: [a, a]", "twice", 4, 23, DIAG_ERROR},
		{"forward an identity header", "forward: {headers: [Sallyport-Subject]}", "never forwarded", 4, 25, DIAG_ERROR},
		{"forward a hop's header", "forward: {headers: [Connection]}", "never forwarded", 4, 25, DIAG_ERROR},
		{"forward the handshake", "forward: {headers: [sec-websocket-key]}", "never forwarded", 4, 25, DIAG_ERROR},
		{"forward with an underscore", "forward: {headers: [x_user]}", "never forwarded", 4, 25, DIAG_ERROR},
		{"forward no header", "forward: {headers: [\"a:\"]}", "no header", 4, 26, DIAG_ERROR},
		{"forward in two cases", "forward: {headers: [Cookie, cookie]}", "twice", 4, 33, DIAG_ERROR},
		{"forward the ticket", "forward: {query: [ticket]}", "credential", 4, 23, DIAG_ERROR},
		{"reply not JSON", "on_refusal: {reply: [.inf]}", "JSON", 4, 26, DIAG_ERROR},
		{"reply with a gap for a key", "on_refusal: {reply: {a$reason: 1}}", "keys", 4, 26, DIAG_ERROR},
		{"reply too many times", "on_refusal: {reply: \"$reason$reason$reason$reason$reason$reason$reason$reason$reason"
		 "$reason$reason$reason$reason$reason$reason$reason$reason\"}", "16 times", 4, 26, DIAG_ERROR},
		{"idle zero", "limits: {idle: 0s}", "too little", 4, 20, DIAG_ERROR},
		{"lifetime for ever", "limits: {lifetime: unlimited}", "unlimited", 4, 24, DIAG_ERROR},
		{"size for ever", "limits: {message_size: unlimited}", "unlimited", 4, 28, DIAG_ERROR},
		{"depth for ever", "limits: {json: {depth: unlimited}}", "unlimited", 4, 28, DIAG_ERROR},
		{"size above 1GiB", "limits: {message_size: 1025MiB}", "too much", 4, 28, DIAG_ERROR},
		{"message larger than the burst", "limits: {message_size: 2MiB}", "never passes", 4, 28, DIAG_WARNING},
		{"message larger than the buffer", "limits: {buffered: 1KiB}", "does not fit", 4, 24, DIAG_WARNING},
		{"programs with cookies only", "origins: {missing: allowed}", "lets no program in", 4, 24, DIAG_WARNING},
		/* clang-format on */
	};
	static const struct {
		const char *key, *line;
	} needed[] = {
		{"path:", "path: /a"},
		{"identify:", "identify: s"},
		{"upstream:", "upstream: ws://127.0.0.1:1/"},
		{"contract:", "contract: none"},
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[1024];
		int len = snprintf(text, sizeof(text), ROUTE_FRONT "  - %s\n", at->text);
		for (size_t i = 0; i < COUNT(needed); i++)
			if (strncmp(at->text, needed[i].key, strlen(needed[i].key)) != 0)
				len += snprintf(text + len, sizeof(text) - (size_t)len, "    %s\n",
						needed[i].line);
		check_row(at, slice_of(text, (size_t)len));
	}
}

static void origins(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{"upper case", "https://A.example", "`https://a.example`", 0, 0, DIAG_ERROR},
		{"a slash", "https://a.example/", "`https://a.example`", 0, 0, DIAG_ERROR},
		{"a path", "https://a.example/chat", "`https://a.example`", 0, 0, DIAG_ERROR},
		{"the scheme's own port", "https://a.example:443", "`https://a.example`", 0, 0, DIAG_ERROR},
		{"the scheme's own port, http", "http://a.example:80", "`http://a.example`", 0, 0, DIAG_ERROR},
		{"a wildcard", "https://*.a.example", "no wildcards", 0, 0, DIAG_ERROR},
		{"everybody", "\"*\"", "no wildcards", 0, 0, DIAG_ERROR},
		{"null", "\"null\"", "sandboxed", 0, 0, DIAG_ERROR},
		{"no scheme", "a.example", "as browsers write it", 0, 0, DIAG_ERROR},
		{"a socket", "wss://a.example", "`https://a.example`", 0, 0, DIAG_ERROR},
		{"two", "https://a.example https://b.example", "as browsers write it", 0, 0, DIAG_ERROR},
		{"a user", "https://u@a.example", "as browsers write it", 0, 0, DIAG_ERROR},
		{"an address that is none", "http://127.1", "as browsers write it", 0, 0, DIAG_ERROR},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[512];
		struct row row = *at;
		int len = snprintf(text, sizeof(text),
				   ROUTE_FRONT "  - path: /a\n    identify: s\n    contract: none\n"
					       "    upstream: ws://127.0.0.1:1/\n"
					       "    origins: [same, %s]\n", at->text);
		row.line = 8;
		row.column = at->text[0] == '"' ? 22 : 21;
		check_row(&row, slice_of(text, (size_t)len));
	}
}

static void sites(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{"no root", "path: /x", "no `root`", 4, 5, DIAG_ERROR},
		{"root missing", "path: /x\n    root: nowhere", "cannot be found", 5, 11, DIAG_ERROR},
		{"root is a file", "path: /x\n    root: chain.pem", "no folder", 5, 11, DIAG_ERROR},
		{"a parameter", "path: /{x}\n    root: public", "no parameters", 4, 11, DIAG_ERROR},
		{"the gateway's own", "path: /.sallyport/*\n    root: public", "gateway's own", 4, 11, DIAG_ERROR},
		{"a route's path", "path: /a\n    root: public", "routes go first", 4, 11, DIAG_ERROR},
		{"reports with headers off", "path: /x\n    root: public\n    headers: off\n    csp_reports: true", "changes nothing", 7, 5, DIAG_WARNING},
		{"reports elsewhere", "path: /x\n    root: public\n    csp: {report-uri: https://r.example}", "no directive", 6, 11, DIAG_ERROR},
		{"reports, perhaps", "path: /x\n    root: public\n    csp_reports: perhaps", "true", 6, 18, DIAG_ERROR},
		{"no such directive", "path: /x\n    root: public\n    csp: {connect: https://a}", "no directive", 6, 11, DIAG_ERROR},
		{"two directives in one", "path: /x\n    root: public\n    csp: {img-src: \"a; script-src *\"}", "semicolons", 6, 21, DIAG_ERROR},
		{"a keyword without quotes", "path: /x\n    root: public\n    csp: {img-src: self}", "quotes", 6, 20, DIAG_ERROR},
		{"none and others", "path: /x\n    root: public\n    csp: {img-src: [\"'none'\", a.example]}", "alone", 6, 22, DIAG_ERROR},
		{"everything may be reached", "path: /x\n    root: public\n    csp: {connect-src: [\"wss:\"]}", "attacker's choice", 6, 26, DIAG_WARNING},
		{"injected scripts run", "path: /x\n    root: public\n    csp: {script-src: \"'unsafe-inline'\"}", "injected script", 6, 24, DIAG_WARNING},
		{"csp with headers off", "path: /x\n    root: public\n    headers: off\n    csp: {img-src: a.example}", "changes nothing", 7, 5, DIAG_WARNING},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		char text[1024];
		int len = snprintf(text, sizeof(text),
				   FRONT "routes: [{path: /a, identify: anyone, contract: none, "
					 "upstream: \"ws://127.0.0.1:1/\"}]\nsite:\n  - %s\n", at->text);
		check_row(at, slice_of(text, (size_t)len));
	}
}

static void all_at_once(void **state)
{
	struct diag d;
	struct snapshot *s;

	(void)state;
	assert_int_equal(world_load(SLICE("listen: [ftp://x, http://0.0.0.0:1]\nlistne: 1\n"
					  "limits: {connections: x}\nroutes: [{path: a}]\n"),
				    &s, &d),
			 CONF_WRONG);
	assert_null(s);
	assert_true(d.errors >= 7);
	assert_non_null(world_finding(&d, "clear text"));
	assert_non_null(world_finding(&d, "did you mean `listen`?"));
	assert_non_null(world_finding(&d, "connections"));
	assert_non_null(world_finding(&d, "`identify` is missing"));
	assert_non_null(world_finding(&d, "no `contract`"));
	assert_non_null(world_finding(&d, "begins with a slash"));
	diag_deinit(&d);
}

static void no_file(void **state)
{
	struct conf_files files = {.read = world_read, .look = world_look};
	struct diag d;
	struct snapshot *s;

	(void)state;
	diag_init(&d);
	assert_int_equal(conf_load_with(&files, "nowhere.yaml", &s, &d), CONF_WRONG);
	assert_null(s);
	assert_non_null(world_finding(&d, "cannot be read: No such file"));
	diag_deinit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_file),
		cmocka_unit_test(identities),
		cmocka_unit_test(keys_folder),
		cmocka_unit_test(secrets_that_others_read),
		cmocka_unit_test(routes),
		cmocka_unit_test(origins),
		cmocka_unit_test(sites),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
