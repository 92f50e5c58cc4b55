/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ticket.h"

#include "policy_unit.h"

static const uint8_t id[TICKET_ID_BYTES] = {1, 2, 3, 0xff, 0, 250};

static struct slice make(const struct keyset *k, uint64_t expires, char out[TICKET_CHARS])
{
	assert_int_equal(ticket_make(k, id, expires, out), 0);
	return slice_of(out, TICKET_CHARS);
}

static void a_ticket_is_good_until_its_millisecond(void **state)
{
	char text[TICKET_CHARS];
	uint8_t got[TICKET_ID_BYTES] = {0};
	struct slice t = make(unit_keys(), NOW_MS, text);
	(void)state;
	assert_int_equal(ticket_check(unit_keys(), t, NOW_MS - 1, got), REASON_NONE);
	assert_memory_equal(got, id, sizeof(id));
	assert_int_equal(ticket_check(unit_keys(), t, NOW_MS, got), REASON_CREDENTIAL_EXPIRED);
	assert_int_equal(ticket_check(unit_keys(), t, UINT64_MAX, got), REASON_CREDENTIAL_EXPIRED);
}

/* Any one character changed, to any other, makes another text; none of them is genuine. */
static void no_other_text_is_genuine(void **state)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. ~";
	char text[TICKET_CHARS];
	uint8_t got[TICKET_ID_BYTES];
	struct slice t = make(unit_keys(), NOW_MS + 1000, text);
	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		char was = text[i];
		for (const char *c = alphabet; *c; c++) {
			text[i] = *c;
			enum reason r = ticket_check(unit_keys(), t, NOW_MS, got);
			assert_int_equal(r, *c == was ? REASON_NONE : REASON_CREDENTIAL_INVALID);
		}
		text[i] = was;
	}
	for (size_t len = 0; len < sizeof(text); len++)
		assert_int_equal(ticket_check(unit_keys(), slice_first(t, len), NOW_MS, got),
				 REASON_CREDENTIAL_INVALID);
	char longer[TICKET_CHARS + 4];
	memcpy(longer, text, sizeof(text));
	memset(longer + sizeof(text), 'A', 4);
	assert_int_equal(ticket_check(unit_keys(), SLICE(longer), NOW_MS, got),
			 REASON_CREDENTIAL_INVALID);
	assert_int_equal(ticket_check(unit_keys(), slice_of(longer, sizeof(longer)), NOW_MS, got),
			 REASON_CREDENTIAL_INVALID);
}

static void keys_are_rotated(void **state)
{
	struct keyset first = {0}, both = {0}, second = {0}, empty = {0};
	char old_text[TICKET_CHARS], new_text[TICKET_CHARS];
	uint8_t got[TICKET_ID_BYTES];
	(void)state;
	assert_int_equal(keyset_add(&first, SLICE(KEY_A)), 0);
	assert_int_equal(keyset_add(&both, SLICE(KEY_A)), 0);
	assert_int_equal(keyset_add(&both, SLICE(KEY_B)), 0);
	assert_int_equal(keyset_add(&second, SLICE(KEY_B)), 0);
	struct slice from_old = make(&first, NOW_MS + 1, old_text);
	struct slice from_new = make(&both, NOW_MS + 1, new_text);
	assert_int_equal(ticket_check(&both, from_old, NOW_MS, got), REASON_NONE);
	assert_int_equal(ticket_check(&both, from_new, NOW_MS, got), REASON_NONE);
	assert_int_equal(ticket_check(&second, from_new, NOW_MS, got), REASON_NONE);
	assert_int_equal(ticket_check(&second, from_old, NOW_MS, got), REASON_CREDENTIAL_INVALID);
	assert_int_equal(ticket_check(&first, from_new, NOW_MS, got), REASON_CREDENTIAL_INVALID);
	assert_int_equal(ticket_check(&empty, from_new, NOW_MS, got), REASON_CREDENTIAL_INVALID);
	assert_int_equal(ticket_check(NULL, from_new, NOW_MS, got), REASON_CREDENTIAL_INVALID);
	assert_true(ticket_make(&empty, id, NOW_MS, new_text) < 0);
	assert_true(ticket_make(NULL, id, NOW_MS, new_text) < 0);

	/* made with the key for this purpose and no other */
	memset(both.keys[1].derived[KEY_CSRF], 0, KEYS_DERIVED_BYTES);
	assert_int_equal(ticket_check(&both, from_new, NOW_MS, got), REASON_NONE);
	both.keys[1].derived[KEY_TICKET][0] ^= 1;
	assert_int_equal(ticket_check(&both, from_new, NOW_MS, got), REASON_CREDENTIAL_INVALID);
}

static struct ticket_record record(void)
{
	return (struct ticket_record){
		.ticket = SLICE("ticket"),
		.via = SLICE("session"),
		.subject = SLICE("al\0ice"),
		.claims = SLICE("{\"rooms\":[\"lobby\"]}"),
		.path = SLICE("/chat/lobby"),
		.origin = SLICE("https://chat.example.com"),
		.address = {.family = 4, .bytes = {192, 0, 2, 9}},
		.bind_path = true,
		.bind_origin = true,
		.bind_address = true,
		.expires_unix_ms = NOW_MS + 10,
		.credential_expires_unix_ms = NOW_MS + 5,
	};
}

static void a_record_comes_back_as_it_was(void **state)
{
	struct ticket_record in = record(), out;
	struct buf b;
	(void)state;
	buf_init(&b, TICKET_RECORD_MAX);
	assert_int_equal(ticket_record_encode(&in, &b), 0);
	assert_true(ticket_record_decode(buf_slice(&b), &out));
	assert_true(slice_eq(in.ticket, out.ticket) && slice_eq(in.via, out.via));
	assert_true(slice_eq(in.subject, out.subject) && slice_eq(in.claims, out.claims));
	assert_true(slice_eq(in.path, out.path) && slice_eq(in.origin, out.origin));
	assert_true(address_eq(&in.address, &out.address));
	assert_true(out.bind_path && out.bind_origin && out.bind_address);
	assert_int_equal(out.expires_unix_ms, in.expires_unix_ms);
	assert_int_equal(out.credential_expires_unix_ms, in.credential_expires_unix_ms);

	/* nothing shorter, nothing longer, no unknown flag, no unknown version */
	struct slice whole = buf_slice(&b);
	for (size_t len = 0; len < whole.len; len++)
		assert_false(ticket_record_decode(slice_first(whole, len), &out));
	assert_int_equal(buf_append(&b, SLICE("x")), 0);
	assert_false(ticket_record_decode(buf_slice(&b), &out));
	b.len--;
	static const size_t guarded[] = {0, 1, 2, 3};
	for (size_t i = 0; i < COUNT(guarded); i++) {
		b.data[guarded[i]] ^= 0x40;
		assert_false(ticket_record_decode(buf_slice(&b), &out));
		b.data[guarded[i]] ^= 0x40;
	}
	assert_true(ticket_record_decode(buf_slice(&b), &out));
	buf_deinit(&b);
}

static void flags_are_kept_apart(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 8; flags++) {
		struct ticket_record in = record(), out;
		struct buf b;
		in.bind_path = flags & 1;
		in.bind_origin = flags & 2;
		in.bind_address = flags & 4;
		buf_init(&b, TICKET_RECORD_MAX);
		assert_int_equal(ticket_record_encode(&in, &b), 0);
		assert_true(ticket_record_decode(buf_slice(&b), &out));
		assert_int_equal(out.bind_path, in.bind_path);
		assert_int_equal(out.bind_origin, in.bind_origin);
		assert_int_equal(out.bind_address, in.bind_address);
		buf_deinit(&b);
	}
}

static void a_record_has_a_largest_size(void **state)
{
	static char claims[TICKET_RECORD_MAX];
	struct ticket_record in = {.claims = {claims, sizeof(claims)}};
	struct buf b;
	(void)state;
	buf_init(&b, 1024 * 1024);
	assert_int_equal(ticket_record_encode(&in, &b), BUF_FULL);
	assert_int_equal(buf_waiting(&b), 0);
	in.claims.len = 64 * 1024;
	assert_int_equal(ticket_record_encode(&in, &b), 0);
	buf_deinit(&b);
}

static void a_ticket_is_bound(void **state)
{
	static const struct {
		const char *says;
		struct slice ticket, path, origin;
		uint8_t last;
		uint64_t later;
		enum reason bound, free;
	} rows[] = {
#define T {"ticket", 6}
#define P {"/chat/lobby", 11}
#define O {"https://chat.example.com", 24}
		{"all as it was", T, P, O, 9, 0, REASON_NONE, REASON_NONE},
		{"another room", T, {"/chat/admin", 11}, O, 9, 0, REASON_TICKET_BOUND_ELSEWHERE, 0},
		{"a final slash", T, {"/chat/lobby/", 12}, O, 9, 0, REASON_TICKET_BOUND_ELSEWHERE, 0},
		{"another case", T, {"/chat/Lobby", 11}, O, 9, 0, REASON_TICKET_BOUND_ELSEWHERE, 0},
		{"another origin", T, P, {"https://chat.example.net", 24}, 9, 0,
		 REASON_TICKET_BOUND_ELSEWHERE, 0},
		{"no origin", T, P, {NULL, 0}, 9, 0, REASON_TICKET_BOUND_ELSEWHERE, 0},
		{"another address", T, P, O, 10, 0, REASON_TICKET_BOUND_ELSEWHERE, 0},
		{"another identity's ticket", {"pass", 4}, P, O, 9, 0,
		 REASON_TICKET_BOUND_ELSEWHERE, REASON_TICKET_BOUND_ELSEWHERE},
		{"no identity at all", {NULL, 0}, P, O, 9, 0, REASON_TICKET_BOUND_ELSEWHERE,
		 REASON_TICKET_BOUND_ELSEWHERE},
		{"the credential's end", T, P, O, 9, 5, REASON_CREDENTIAL_EXPIRED,
		 REASON_CREDENTIAL_EXPIRED},
		{"just before that", T, P, O, 9, 4, REASON_NONE, REASON_NONE},
		{"the ticket's end", T, P, O, 9, 10, REASON_CREDENTIAL_EXPIRED,
		 REASON_CREDENTIAL_EXPIRED},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct ticket_record r = record();
		struct ticket_facts f = {
			.ticket = at->ticket,
			.path = at->path,
			.origin = at->origin,
			.address = {.family = 4, .bytes = {192, 0, 2, at->last}, .port = 1},
			.now_unix_ms = NOW_MS + at->later,
		};
		ROW_CHECK(at, ticket_judge(&r, &f) == at->bound);
		r.bind_path = r.bind_origin = r.bind_address = false;
		ROW_CHECK(at, ticket_judge(&r, &f) == at->free);
	}
	/* with a credential that does not end, the ticket's own end counts */
	struct ticket_record own_end = record();
	own_end.credential_expires_unix_ms = 0;
	struct ticket_facts then = {own_end.ticket, own_end.path, own_end.origin, own_end.address,
				    NOW_MS + 9};
	assert_int_equal(ticket_judge(&own_end, &then), REASON_NONE);
	then.now_unix_ms++;
	assert_int_equal(ticket_judge(&own_end, &then), REASON_CREDENTIAL_EXPIRED);

	struct ticket_record none = {.expires_unix_ms = UINT64_MAX};
	struct ticket_facts anything = {.now_unix_ms = NOW_MS};
	assert_int_equal(ticket_judge(&none, &anything), REASON_TICKET_BOUND_ELSEWHERE);

	/* asked for without an origin: good only without one */
	struct ticket_record r = record();
	struct ticket_facts f = {SLICE("ticket"), r.path, {NULL, 0}, r.address, NOW_MS};
	r.origin = slice_of(NULL, 0);
	assert_int_equal(ticket_judge(&r, &f), REASON_NONE);
	f.origin = SLICE("https://evil.example");
	assert_int_equal(ticket_judge(&r, &f), REASON_TICKET_BOUND_ELSEWHERE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_is_good_until_its_millisecond),
		cmocka_unit_test(no_other_text_is_genuine),
		cmocka_unit_test(keys_are_rotated),
		cmocka_unit_test(a_record_comes_back_as_it_was),
		cmocka_unit_test(flags_are_kept_apart),
		cmocka_unit_test(a_record_has_a_largest_size),
		cmocka_unit_test(a_ticket_is_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
