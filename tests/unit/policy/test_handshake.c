/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/handshake.h"

#include "base/buf.h"

#include "policy_unit.h"

/* The world behind the gateway, as the rows want it. */
enum store { FRESH = 0, USED, STORE_AWAY, CORRUPT, OTHER_ROOM, OTHER_ORIGIN, OTHER_KIND, EXPIRED,
	     FORGED, CREDENTIAL_OVER };

static struct unit_request u;
static struct limits *limits;
static struct limits_receipt receipt;
static struct handshake h;
static struct handshake_input in;
static struct buf record;
static unsigned questions;
static struct siege_gate gate;

static const uint8_t id[TICKET_ID_BYTES] = {42};
static const struct siphash_key hash_key = {{1}};

static struct slice make_ticket(enum store store)
{
	static char text[TICKET_CHARS];
	struct ticket_record r = {
		.ticket = store == OTHER_KIND ? SLICE("pass") : SLICE("ticket"),
		.via = SLICE("session"),
		.subject = SLICE("alice"),
		.claims = SLICE("{\"rooms\":[\"lobby\"]}"),
		.path = store == OTHER_ROOM ? SLICE("/chat/other") : SLICE("/chat/lobby"),
		.origin = store == OTHER_ORIGIN ? SLICE("https://alt.example.com:8444")
						: SLICE("https://chat.example.com"),
		.bind_path = true,
		.bind_origin = true,
		.expires_unix_ms = NOW_MS + 1000,
		.credential_expires_unix_ms = store == CREDENTIAL_OVER ? NOW_MS - 1 : NOW_MS + 500,
	};
	buf_clear(&record);
	assert_int_equal(ticket_record_encode(&r, &record), 0);
	if (store == CORRUPT)
		record.data[0] = 'X';
	uint64_t expires = store == EXPIRED ? NOW_MS : NOW_MS + 1000;
	assert_int_equal(ticket_make(unit_keys(), id, expires, text), 0);
	if (store == FORGED)
		text[79] = text[79] == 'A' ? 'E' : 'A';
	return slice_of(text, sizeof(text));
}

static struct answer ticket_answer(enum store store)
{
	assert_memory_equal(h.question.ticket_id, id, sizeof(id));
	if (store == STORE_AWAY)
		return (struct answer){0};
	if (store == USED)
		return (struct answer){.kind = ANSWER_NO};
	return (struct answer){.kind = ANSWER_YES, .record = buf_slice(&record)};
}

static struct answer cookie_answer(void)
{
	struct slice cookie = h.question.cookie;
	struct answer yes = {.kind = ANSWER_YES, .subject = SLICE("alice"), .claims = SLICE("{}")};
	if (slice_eq(cookie, SLICE("good")))
		return yes;
	if (slice_eq(cookie, SLICE("bad")))
		return (struct answer){.kind = ANSWER_NO};
	if (slice_eq(cookie, SLICE("empty")))
		yes.subject = slice_of(NULL, 0);
	else
		yes.kind = ANSWER_FAILED;
	return yes;
}

static struct verdict run(const char *says, const char *request, enum store store)
{
	questions = 0;
	unit_request_parse(&u, says, request, make_ticket(store));
	struct verdict v = unit_request_dispatch(&u);
	if (v.kind != VERDICT_PASS)
		return v;
	limits_release(&receipt);
	in = (struct handshake_input){
		.conf = &unit_snapshot,
		.keys = unit_keys(),
		.limits = limits,
		.receipt = &receipt,
		.head = &u.parser.head,
		.request = &u.request,
		.dispatch = &u.dispatch,
		.peer = {.family = 4, .bytes = {192, 0, 2, 9}},
		.tls = true,
		.now_unix_ms = NOW_MS,
		.siege = gate,
		.arena = &u.arena,
	};
	assert_int_equal(
		limits_admit(limits, &unit_snapshot.limits, &in.peer, 0, &receipt).kind,
		VERDICT_PASS);
	v = handshake_begin(&h, &in);
	if (v.kind != VERDICT_ASK)
		return v;
	questions++;
	struct answer a = h.question.kind == QUESTION_TAKE_TICKET ? ticket_answer(store)
								  : cookie_answer();
	return handshake_answer(&h, &a, NOW_MS + 1);
}

#define G(path) "GET " path " HTTP/1.1\r\nHost: gate.example.com\r\n"
#define WS                                                                                    \
	"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"          \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define O "Origin: https://chat.example.com\r\n"
#define P(list) "Sec-WebSocket-Protocol: " list "\r\n"
#define COOKIE(v) "Cookie: sid=" v "\r\n"
#define E "\r\n"

#define OK REASON_NONE
#define MALFORMED REASON_HANDSHAKE_MALFORMED

static const struct row {
	const char *says, *request;
	enum reason wanted;
	enum store store;
	unsigned questions;
} rows[] = {
	/* clang-format off */
	{"a ticket as a subprotocol", G("/chat/lobby") WS O P("chat.v1, sallyport.ticket.%T") E, OK, FRESH, 1},
	{"a ticket in the query", G("/chat/lobby?ticket=%T") WS O E, OK, FRESH, 1},
	{"a cookie with its token", G("/chat/lobby") WS O COOKIE("good") P("chat.v1, sallyport.csrf.%C") E, OK, 0, 1},
	{"the token in the query", G("/chat/lobby?csrf=%C") WS O COOKIE("good") E, OK, 0, 1},
	{"anyone", G("/open") WS "Origin: https://gate.example.com\r\n" E, OK, 0, 0},

	{"no upgrade", G("/chat/lobby") O E, REASON_UPGRADE_REQUIRED, 0, 0},
	{"not GET", "POST /chat/lobby HTTP/1.1\r\nHost: gate.example.com\r\n" O E, REASON_METHOD_NOT_ALLOWED, 0, 0},
	{"version 8", G("/chat/lobby") "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n" E, REASON_UPGRADE_REQUIRED, 0, 0},
	{"a short key", G("/chat/lobby") "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n" E, MALFORMED, 0, 0},
	{"conformance before origin", G("/chat/lobby") "Origin: https://evil.example\r\n" E, REASON_UPGRADE_REQUIRED, 0, 0},
	{"a subprotocol nobody speaks", G("/chat/lobby") WS O P("chat.v9") E, REASON_SUBPROTOCOL_UNKNOWN, 0, 0},
	{"in another case", G("/chat/lobby") WS O P("Chat.v1") E, REASON_SUBPROTOCOL_UNKNOWN, 0, 0},
	{"a ticket and a protocol nobody speaks", G("/chat/lobby") WS O P("chat.v9, sallyport.ticket.%T") E, REASON_SUBPROTOCOL_UNKNOWN, FRESH, 0},
	{"extensions that are no list", G("/chat/lobby") WS O "Sec-WebSocket-Extensions: ;;\r\n" E, MALFORMED, 0, 0},

	{"another origin", G("/chat/lobby?ticket=%T") WS "Origin: https://evil.example\r\n" E, REASON_ORIGIN_NOT_ALLOWED, FRESH, 0},
	{"origin before credential", G("/chat/lobby") WS "Origin: https://evil.example\r\n" E, REASON_ORIGIN_NOT_ALLOWED, 0, 0},
	{"no origin", G("/chat/lobby?ticket=%T") WS E, REASON_ORIGIN_MISSING, FRESH, 0},
	{"no origin, with a cookie", G("/chat/lobby?csrf=%C") WS COOKIE("good") E, REASON_ORIGIN_MISSING, 0, 0},
	{"fetch metadata", G("/chat/lobby?ticket=%T") WS O "Sec-Fetch-Mode: cors\r\n" E, REASON_ORIGIN_NOT_ALLOWED, FRESH, 0},

	{"nothing presented", G("/chat/lobby") WS O E, REASON_CREDENTIAL_MISSING, 0, 0},
	{"a bearer where none is taken", G("/chat/lobby") WS O "Authorization: Bearer x\r\n" E, REASON_CREDENTIAL_MISSING, 0, 0},
	{"an empty cookie is none", G("/chat/lobby") WS O COOKIE("") E, REASON_CREDENTIAL_MISSING, 0, 0},
	{"an empty ticket is none", G("/chat/lobby?ticket=") WS O E, REASON_CREDENTIAL_MISSING, 0, 0},
	{"a ticket in a header of its own", G("/chat/lobby") WS O "Ticket: %T\r\nSallyport-Ticket: %T\r\n" E, REASON_CREDENTIAL_MISSING, FRESH, 0},
	{"a ticket in a cookie", G("/chat/lobby") WS O "Cookie: ticket=%T\r\n" E, REASON_CREDENTIAL_MISSING, FRESH, 0},
	{"a parameter in another case", G("/chat/lobby?Ticket=%T") WS O E, REASON_CREDENTIAL_MISSING, FRESH, 0},
	{"a carrier in another case", G("/chat/lobby") WS O P("chat.v1, Sallyport.Ticket.%T") E, REASON_CREDENTIAL_MISSING, FRESH, 0},

	{"a ticket twice in the query", G("/chat/lobby?ticket=%T&ticket=%T") WS O E, MALFORMED, FRESH, 0},
	{"once spelt otherwise", G("/chat/lobby?ticket=%T&%74icket=x") WS O E, MALFORMED, FRESH, 0},
	{"a ticket by both carriers", G("/chat/lobby?ticket=%T") WS O P("chat.v1, sallyport.ticket.%T") E, MALFORMED, FRESH, 0},
	{"a token by both carriers", G("/chat/lobby?csrf=%C") WS O COOKIE("good") P("chat.v1, sallyport.csrf.%C") E, MALFORMED, 0, 0},
	{"a token twice", G("/chat/lobby?csrf=%C&csrf=%C") WS O COOKIE("good") E, MALFORMED, 0, 0},
	{"the cookie twice", G("/chat/lobby?csrf=%C") WS O "Cookie: sid=good; sid=bad\r\n" E, MALFORMED, 0, 0},
	{"a query that cannot be read", G("/chat/lobby?x=%zz") WS O E, MALFORMED, 0, 0},

	{"a forged ticket", G("/chat/lobby?ticket=%T") WS O E, REASON_CREDENTIAL_INVALID, FORGED, 0},
	{"a short ticket", G("/chat/lobby?ticket=abc") WS O E, REASON_CREDENTIAL_INVALID, 0, 0},
	{"an expired ticket", G("/chat/lobby?ticket=%T") WS O E, REASON_CREDENTIAL_EXPIRED, EXPIRED, 0},
	{"a used ticket", G("/chat/lobby?ticket=%T") WS O E, REASON_TICKET_USED, USED, 1},
	{"the store is away", G("/chat/lobby?ticket=%T") WS O E, REASON_STORE_FAILED, STORE_AWAY, 1},
	{"a record that cannot be read", G("/chat/lobby?ticket=%T") WS O E, REASON_STORE_FAILED, CORRUPT, 1},
	{"a ticket for another room", G("/chat/lobby?ticket=%T") WS O E, REASON_TICKET_BOUND_ELSEWHERE, OTHER_ROOM, 1},
	{"a ticket in another room", G("/chat/other?ticket=%T") WS O E, REASON_TICKET_BOUND_ELSEWHERE, FRESH, 1},
	{"a ticket of another origin", G("/chat/lobby?ticket=%T") WS O E, REASON_TICKET_BOUND_ELSEWHERE, OTHER_ORIGIN, 1},
	{"a ticket from another origin", G("/chat/lobby?ticket=%T") WS "Origin: https://alt.example.com:8444\r\n" E, REASON_TICKET_BOUND_ELSEWHERE, FRESH, 1},
	{"another identity's ticket", G("/chat/lobby?ticket=%T") WS O E, REASON_TICKET_BOUND_ELSEWHERE, OTHER_KIND, 1},
	{"a ticket whose credential ended", G("/chat/lobby?ticket=%T") WS O E, REASON_CREDENTIAL_EXPIRED, CREDENTIAL_OVER, 1},

	{"a bad ticket decides, not the good cookie", G("/chat/lobby?ticket=abc&csrf=%C") WS O COOKIE("good") E, REASON_CREDENTIAL_INVALID, 0, 0},
	{"a good ticket decides, not the bad cookie", G("/chat/lobby?ticket=%T") WS O COOKIE("bad") E, OK, FRESH, 1},

	{"a cookie without its token", G("/chat/lobby") WS O COOKIE("good") E, REASON_CSRF_MISSING, 0, 0},
	{"an empty token", G("/chat/lobby?csrf=") WS O COOKIE("good") E, REASON_CSRF_MISSING, 0, 0},
	{"the token of the ticket endpoint's header", G("/chat/lobby") WS O COOKIE("good") "Sallyport-CSRF: %C\r\n" E, REASON_CSRF_MISSING, 0, 0},
	{"a wrong token", G("/chat/lobby?csrf=x") WS O COOKIE("good") E, REASON_CSRF_INVALID, 0, 0},
	{"the token of another session", G("/chat/lobby?csrf=%C") WS O COOKIE("bad") E, REASON_CSRF_INVALID, 0, 0},
	{"a ticket for a token", G("/chat/lobby?csrf=%T") WS O COOKIE("good") E, REASON_CSRF_INVALID, FRESH, 0},

	{"a cookie without need of a token", G("/legacy") WS "Origin: https://gate.example.com\r\nCookie: old=good\r\n" E, OK, 0, 1},
	{"a cookie the application does not know", G("/legacy") WS "Origin: https://gate.example.com\r\nCookie: old=bad\r\n" E, REASON_CREDENTIAL_INVALID, 0, 1},
	{"the application is away", G("/legacy") WS "Origin: https://gate.example.com\r\nCookie: old=down\r\n" E, REASON_VERIFIER_FAILED, 0, 1},
	{"the application names nobody", G("/legacy") WS "Origin: https://gate.example.com\r\nCookie: old=empty\r\n" E, REASON_VERIFIER_FAILED, 0, 1},
	{"the second identity, since the first is not there", G("/legacy?csrf=%C") WS "Origin: https://gate.example.com\r\n" COOKIE("good") E, OK, 0, 1},
	{"a bad first, a good second", G("/legacy?csrf=%C") WS "Origin: https://gate.example.com\r\nCookie: old=bad; sid=good\r\n" E, REASON_CREDENTIAL_INVALID, 0, 1},

	{"a program", G("/api/x") WS E, OK, 0, 0},
	{"a program's cookie is no credential", G("/api/x?csrf=%C") WS COOKIE("good") E, OK, 0, 0},
	{"a page's is", G("/api/x?csrf=%C") WS O COOKIE("good") E, OK, 0, 1},
	{"a page's cookie without its token is not passed over", G("/api/x") WS O COOKIE("good") E, REASON_CSRF_MISSING, 0, 0},
	{"a ticket where none is taken", G("/api/x?ticket=abc") WS E, OK, 0, 0},
	/* clang-format on */
};

static void gates_say_what_they_should(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		struct verdict v = run(at->says, at->request, at->store);
		ROW_REASON(at, v, at->wanted);
		ROW_CHECK(at, (v.kind == VERDICT_PASS) == (at->wanted == OK));
		ROW_CHECK(at, questions == at->questions);
	}
}

static void what_passes_is_known_in_full(void **state)
{
	(void)state;
	assert_int_equal(run("ticket",
			     G("/chat/lobby?room=1&ticket=%T") WS O
				     P("chat.v9, chat.v2, sallyport.csrf.zzz, chat.v1") E,
			     FRESH)
				 .kind,
			 VERDICT_PASS);
	/* the record may go away with the question */
	memset(record.data, 'X', record.len);
	assert_slice(h.identity.subject, "alice");
	assert_slice(h.identity.via, "session");
	assert_slice(h.identity.claims, "{\"rooms\":[\"lobby\"]}");
	assert_int_equal(h.identity.expires_unix_ms, NOW_MS + 500);
	assert_slice(h.path, "/chat/lobby");
	assert_slice(h.origin, "https://chat.example.com");
	assert_int_equal(h.protocol_count, 2);
	assert_slice(h.protocols[0], "chat.v2");
	assert_slice(h.protocols[1], "chat.v1");
	assert_slice(h.ws.key, "dGhlIHNhbXBsZSBub25jZQ==");
	assert_int_equal(u.dispatch.match.param_count, 1);
	assert_slice(u.dispatch.match.params[0].value, "lobby");
	assert_false(h.deflate.on);

	assert_int_equal(run("anyone",
			     G("/open") WS "Origin: https://gate.example.com\r\n"
					   "Sec-WebSocket-Extensions: permessage-deflate\r\n" E,
			     FRESH)
				 .kind,
			 VERDICT_PASS);
	assert_slice(h.identity.subject, "");
	assert_slice(h.identity.via, "guest");
	assert_slice(h.identity.claims, "{}");
	assert_int_equal(h.identity.expires_unix_ms, 0);
	assert_int_equal(h.protocol_count, 0);
	assert_true(h.deflate.on);
}

/* Levels 2 and 4: who may go on, before anybody is asked. */
static void under_siege_who_shows_nothing_stays_out(void **state)
{
	static const struct {
		const char *says, *request;
		enum store store;
		enum siege_guest guest;
		enum reason at_2, at_4;
	} guests[] = {
		{"a ticket", G("/chat/lobby?ticket=%T") WS O E, FRESH, SIEGE_KNOWN, OK, OK},
		{"a used ticket", G("/chat/lobby?ticket=%T") WS O E, USED, SIEGE_KNOWN,
		 REASON_TICKET_USED, REASON_TICKET_USED},
		{"a forged ticket", G("/chat/lobby?ticket=%T") WS O E, FORGED, SIEGE_NOBODY,
		 REASON_CREDENTIAL_INVALID, REASON_CREDENTIAL_INVALID},
		{"a cookie with its token", G("/chat/lobby?csrf=%C") WS O COOKIE("good") E, 0,
		 SIEGE_KNOWN, OK, OK},
		{"anyone", G("/open") WS "Origin: https://gate.example.com\r\n" E, 0, SIEGE_NOBODY,
		 REASON_SIEGE, REASON_SIEGE},
	};
	(void)state;
	EACH_ROW (at, guests) {
		gate = (struct siege_gate){.level = SIEGE_TICKETS};
		ROW_CHECK(at, run(at->says, at->request, at->store).reason == at->at_2);
		ROW_CHECK(at, h.guest == at->guest);
		ROW_CHECK(at, at->at_2 != REASON_SIEGE || questions == 0);
		gate.level = SIEGE_FORTRESS;
		ROW_CHECK(at, run(at->says, at->request, at->store).reason == at->at_4);
		gate.allowed = true;
		ROW_CHECK(at, run(at->says, at->request, at->store).reason != REASON_SIEGE);
	}
	/* Level 1: anyone counts twice, a ticket once; and nothing is compressed. */
	static const char deflate[] = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
	static const char open[] = G("/open") WS "Origin: https://gate.example.com\r\n" E;
	char text[1024];
	gate = (struct siege_gate){.level = SIEGE_ELEVATED};
	struct rate before = unit_snapshot.limits.handshakes_per_address;
	unit_snapshot.limits.handshakes_per_address = (struct rate){1, 3600000, 3, false};
	limits_release(&receipt);
	limits_free(limits);
	limits = limits_new(&hash_key, 100);
	assert_int_equal(run("one, and one more", open, 0).kind, VERDICT_PASS);
	assert_int_equal(run("the third, and no fourth", open, 0).reason, REASON_HANDSHAKE_RATE);
	limits_release(&receipt);
	limits_free(limits);
	limits = limits_new(&hash_key, 100);
	for (int i = 0; i < 3; i++)
		assert_int_equal(run("once", G("/chat/lobby?ticket=%T") WS O E, FRESH).kind,
				 VERDICT_PASS);
	unit_snapshot.limits.handshakes_per_address = before;
	limits_release(&receipt);
	limits_free(limits);
	limits = limits_new(&hash_key, 100);
	snprintf(text, sizeof(text), "%s%s\r\n",
		 G("/open") WS "Origin: https://gate.example.com\r\n", deflate);
	struct conf_route compressed[COUNT(unit_routes)];
	memcpy(compressed, unit_routes, sizeof(unit_routes));
	for (size_t i = 0; i < COUNT(unit_routes); i++)
		compressed[i].compression = true;
	unit_snapshot.routes = compressed;
	for (unsigned level = SIEGE_CALM; level <= SIEGE_ELEVATED; level++) {
		gate.level = level;
		assert_int_equal(run("compressed", text, 0).kind, VERDICT_PASS);
		assert_int_equal(h.deflate.on, level == SIEGE_CALM);
	}
	unit_snapshot.routes = unit_routes;
	gate = (struct siege_gate){0};
}

static void answers_are_taken_once(void **state)
{
	struct answer yes = {.kind = ANSWER_YES, .subject = SLICE("mallory"), .claims = SLICE("{}")};
	(void)state;
	assert_int_equal(run("passed", G("/open") WS "Origin: https://gate.example.com\r\n" E, 0).kind,
			 VERDICT_PASS);
	assert_int_equal(handshake_answer(&h, &yes, NOW_MS).kind, VERDICT_REFUSE);
	assert_int_equal(run("refused", G("/chat/lobby") WS O E, 0).kind, VERDICT_REFUSE);
	assert_int_equal(handshake_answer(&h, &yes, NOW_MS).reason, REASON_INTERNAL);
	h = (struct handshake){0};
	assert_int_equal(handshake_answer(&h, &yes, NOW_MS).reason, REASON_INTERNAL);
	assert_int_equal(run("asked", G("/chat/lobby?ticket=%T") WS O E, FRESH).kind, VERDICT_PASS);
	struct answer again = {.kind = ANSWER_YES, .record = buf_slice(&record)};
	assert_int_equal(handshake_answer(&h, &again, NOW_MS).reason, REASON_INTERNAL);
}

static void no_credential_is_no_good_one(void **state)
{
	struct credential none = {0};
	struct conf_identity strange = {.name = SLICE("strange")};
	(void)state;
	assert_int_equal(credential_check(unit_keys(), NOW_MS, &none).reason,
			 REASON_CREDENTIAL_MISSING);
	none.identity = &strange;
	assert_int_equal(credential_check(unit_keys(), NOW_MS, &none).reason,
			 REASON_CREDENTIAL_MISSING);
	/* nor is one that the configuration does not have */
	const size_t identify[] = {COUNT(unit_identities)};
	const struct credential_facts facts = {.head = &u.parser.head};
	assert_int_equal(credential_find(&unit_snapshot, identify, 1, &facts, &u.arena, &none).reason,
			 REASON_INTERNAL);
	assert_int_equal(credential_find(&unit_snapshot, identify, 0, &facts, &u.arena, &none).reason,
			 REASON_CREDENTIAL_MISSING);
}

static void too_late_is_too_late(void **state)
{
	(void)state;
	unit_request_parse(&u, "late", G("/chat/lobby?ticket=%T") WS O E, make_ticket(FRESH));
	assert_int_equal(unit_request_dispatch(&u).kind, VERDICT_PASS);
	assert_int_equal(handshake_begin(&h, &in).kind, VERDICT_ASK);
	struct answer a = ticket_answer(FRESH);
	assert_int_equal(handshake_answer(&h, &a, NOW_MS + 500).reason, REASON_CREDENTIAL_EXPIRED);
}

static void identities_have_so_many_connections(void **state)
{
	struct limits_receipt others[2] = {0};
	(void)state;
	limits_release(&receipt);
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_int_equal(
			limits_admit(limits, &unit_snapshot.limits, &in.peer, 0, &others[i]).kind,
			VERDICT_PASS);
		assert_int_equal(limits_admit_identity(limits, &unit_snapshot.limits,
						       SLICE("alice"), &others[i])
					 .kind,
				 VERDICT_PASS);
	}
	struct verdict v = run("third", G("/chat/lobby?ticket=%T") WS O E, FRESH);
	assert_int_equal(v.reason, REASON_CONNECTION_LIMIT);
	assert_true(v.retry_after_s > 0);
	/* whoever is anyone is not concerned */
	assert_int_equal(run("anyone", G("/open") WS "Origin: https://gate.example.com\r\n" E, 0).kind,
			 VERDICT_PASS);
	limits_release(&others[0]);
	assert_int_equal(run("one went", G("/chat/lobby?ticket=%T") WS O E, FRESH).kind, VERDICT_PASS);
	limits_release(&others[1]);
}

/* With a shared store the other nodes have a word, last of all. */
static void other_nodes_connections_count_too(void **state)
{
	static const struct {
		const char *says;
		enum answer_kind answer;
		enum reason wanted;
	} answers[] = {
		{"there is a place", ANSWER_YES, OK},
		{"one too many", ANSWER_NO, REASON_CONNECTION_LIMIT},
		{"it cannot be asked", ANSWER_FAILED, REASON_STORE_FAILED},
	};
	const char *cookie = G("/chat/lobby") WS O COOKIE("good") P("chat.v1, sallyport.csrf.%C") E;
	struct answer a;
	(void)state;
	unit_snapshot.store.redis = true;
	EACH_ROW (at, answers) {
		struct verdict v = run(at->says, cookie, FRESH);
		ROW_CHECK(at, v.kind == VERDICT_ASK && h.question.kind == QUESTION_ENTER);
		ROW_EQ(at, h.question.subject, SLICE("alice"));
		ROW_CHECK(at, h.question.max == unit_snapshot.limits.connections_per_identity);
		a = (struct answer){.kind = at->answer};
		v = handshake_answer(&h, &a, NOW_MS);
		ROW_REASON(at, v, at->wanted);
		ROW_CHECK(at, (v.kind == VERDICT_PASS) == (at->wanted == OK));
		ROW_CHECK(at, (v.retry_after_s > 0) == (at->answer == ANSWER_NO));
		ROW_CHECK(at, handshake_answer(&h, &a, NOW_MS).reason == REASON_INTERNAL);
	}
	/* nobody is not counted, and without a limit there is nothing to ask */
	assert_int_equal(run("anyone", G("/open") WS "Origin: https://gate.example.com\r\n" E, FRESH).kind,
			 VERDICT_PASS);
	uint64_t max = unit_snapshot.limits.connections_per_identity;
	unit_snapshot.limits.connections_per_identity = UINT64_MAX;
	assert_int_equal(run("no limit", cookie, FRESH).kind, VERDICT_PASS);
	unit_snapshot.limits.connections_per_identity = max;
	unit_snapshot.store.redis = false;
	assert_int_equal(run("one node", cookie, FRESH).kind, VERDICT_PASS);
}

static void a_full_arena_refuses(void **state)
{
	(void)state;
	size_t passed = 0, refused = 0;
	for (size_t room = 0; room <= 4096; room += 64) {
		struct arena small;
		arena_init(&small, room ? room : 1, room);
		unit_request_parse(&u, "small", G("/chat/lobby?x=%41&ticket=%T") WS O E,
				   make_ticket(FRESH));
		assert_int_equal(unit_request_dispatch(&u).kind, VERDICT_PASS);
		in.arena = &small;
		limits_release(&receipt);
		assert_int_equal(
			limits_admit(limits, &unit_snapshot.limits, &in.peer, 0, &receipt).kind,
			VERDICT_PASS);
		struct verdict v = handshake_begin(&h, &in);
		if (v.kind == VERDICT_ASK) {
			struct answer a = ticket_answer(FRESH);
			v = handshake_answer(&h, &a, NOW_MS);
		}
		passed += v.kind == VERDICT_PASS;
		refused += v.kind == VERDICT_REFUSE;
		if (v.kind != VERDICT_PASS)
			assert_int_equal(v.reason, REASON_OVERLOADED);
		arena_deinit(&small);
	}
	assert_true(passed > 0 && refused > 0);
	assert_int_equal(passed + refused, 65);
}

static int setup(void **state)
{
	(void)state;
	unit_snapshot.limits.handshakes_per_address.unlimited = true;
	limits = limits_new(&hash_key, 100);
	buf_init(&record, TICKET_RECORD_MAX);
	return !limits;
}

static int teardown(void **state)
{
	(void)state;
	limits_release(&receipt);
	bool whole = limits_whole(limits);
	limits = limits_free(limits);
	buf_deinit(&record);
	unit_request_deinit(&u);
	return !whole;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gates_say_what_they_should),
		cmocka_unit_test(what_passes_is_known_in_full),
		cmocka_unit_test(under_siege_who_shows_nothing_stays_out),
		cmocka_unit_test(answers_are_taken_once),
		cmocka_unit_test(no_credential_is_no_good_one),
		cmocka_unit_test(too_late_is_too_late),
		cmocka_unit_test(identities_have_so_many_connections),
		cmocka_unit_test(other_nodes_connections_count_too),
		cmocka_unit_test(a_full_arena_refuses),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
