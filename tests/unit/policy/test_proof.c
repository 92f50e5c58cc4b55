/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/proof.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

enum { NOW_MS = 1700000000, BITS = 8, TRIES = 1 << 20 };

static struct keyset keys;
static struct seen *used;
static const uint8_t dice[PROOF_RANDOM_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static int set_up(void **state)
{
	const struct siphash_key key = {{1}};
	(void)state;
	used = seen_new(&key, 1024);
	return used ? keyset_add(&keys, SLICE("a key of the keys folder, 32 bytes or more")) : -1;
}

static int tear_down(void **state)
{
	(void)state;
	used = seen_free(used);
	keyset_deinit(&keys);
	return 0;
}

static struct proof_facts facts(const char *peer)
{
	struct proof_facts f = {.path = SLICE("/chat/lobby"),
				.origin = SLICE("https://shop.example"),
				.now_unix_ms = NOW_MS};
	assert_true(address_parse(slice_from_cstr(peer), &f.peer));
	return f;
}

/* A solved challenge for these facts; good for 60 seconds. */
static struct slice solved(const struct proof_facts *f, unsigned bits, uint8_t nth,
			   char text[PROOF_TEXT_MAX + 1])
{
	char challenge[PROOF_CHALLENGE_CHARS];
	uint8_t random[PROOF_RANDOM_BYTES];
	memcpy(random, dice, sizeof(random));
	random[0] = nth;
	assert_int_equal(proof_make(&keys, f, bits, f->now_unix_ms + 60000, random, challenge), 0);
	assert_true(proof_solve(slice_of(challenge, sizeof(challenge)), bits, TRIES, text));
	return slice_from_cstr(text);
}

static void a_solution_is_good_once(void **state)
{
	struct proof_facts f = facts("192.0.2.1");
	char text[PROOF_TEXT_MAX + 1];
	struct slice proof = solved(&f, BITS, 0, text);
	(void)state;
	assert_int_equal(proof_check(&keys, &f, proof, used), REASON_NONE);
	assert_int_equal(proof_check(&keys, &f, proof, used), REASON_PROOF_INVALID);
	/* and not a part of a second longer than it was said */
	char challenge_of_half[PROOF_CHALLENGE_CHARS], late[PROOF_TEXT_MAX + 1];
	assert_int_equal(proof_make(&keys, &f, BITS, NOW_MS + 500, dice, challenge_of_half), 0);
	assert_true(proof_solve(slice_of(challenge_of_half, PROOF_CHALLENGE_CHARS), BITS, TRIES, late));
	f.now_unix_ms = NOW_MS + 500;
	assert_int_equal(proof_check(&keys, &f, slice_from_cstr(late), used), REASON_PROOF_INVALID);
	f.now_unix_ms = NOW_MS + 499;
	assert_int_equal(proof_check(&keys, &f, slice_from_cstr(late), used), REASON_NONE);
	f.now_unix_ms = NOW_MS;
	/* nor is another solution of the same challenge */
	char other[PROOF_TEXT_MAX + 1];
	struct slice challenge = slice_first(proof, PROOF_CHALLENGE_CHARS);
	uint64_t first = strtoull(text + PROOF_CHALLENGE_CHARS + 1, NULL, 10);
	bool found = false;
	for (uint64_t n = first + 1; !found && n < TRIES; n++) {
		struct seen *fresh = seen_new(&(struct siphash_key){{2}}, 8);
		snprintf(other, sizeof(other), "%.*s.%llu", SLICE_ARG(challenge),
			 (unsigned long long)n);
		found = proof_check(&keys, &f, slice_from_cstr(other), fresh) == REASON_NONE;
		seen_free(fresh);
	}
	assert_true(found);
	assert_int_equal(proof_check(&keys, &f, slice_from_cstr(other), used),
			 REASON_PROOF_INVALID);
}

static void it_is_bound(void **state)
{
	static const struct {
		const char *says, *peer, *path, *origin;
		int64_t later_ms;
		enum reason wanted;
	} rows[] = {
		{"as it was", "2001:db8::1", "/chat/lobby", "https://shop.example", 0, REASON_NONE},
		{"a neighbour in the /64", "2001:db8::ffff:1", "/chat/lobby",
		 "https://shop.example", 0, REASON_NONE},
		{"just in time", "2001:db8::1", "/chat/lobby", "https://shop.example", 59999,
		 REASON_NONE},
		{"too late", "2001:db8::1", "/chat/lobby", "https://shop.example", 60000,
		 REASON_PROOF_INVALID},
		{"another /64", "2001:db8:0:1::1", "/chat/lobby", "https://shop.example", 0,
		 REASON_PROOF_INVALID},
		{"IPv4", "192.0.2.1", "/chat/lobby", "https://shop.example", 0,
		 REASON_PROOF_INVALID},
		{"another route", "2001:db8::1", "/chat/lobbz", "https://shop.example", 0,
		 REASON_PROOF_INVALID},
		{"another page", "2001:db8::1", "/chat/lobby", "https://shop.example:1", 0,
		 REASON_PROOF_INVALID},
		{"no page", "2001:db8::1", "/chat/lobby", "", 0, REASON_PROOF_INVALID},
		{"cut elsewhere", "2001:db8::1", "/chat/lobbyhttps", "://shop.example", 0,
		 REASON_PROOF_INVALID},
	};
	(void)state;
	uint8_t nth = 10;
	EACH_ROW (at, rows) {
		struct proof_facts made = facts("2001:db8::1"), shown = facts(at->peer);
		char text[PROOF_TEXT_MAX + 1];
		struct slice proof = solved(&made, BITS, nth++, text);
		shown.path = slice_from_cstr(at->path);
		shown.origin = slice_from_cstr(at->origin);
		shown.now_unix_ms += (uint64_t)at->later_ms;
		ROW_CHECK(at, proof_check(&keys, &shown, proof, used) == at->wanted);
	}
}

/* Every other text is refused: each byte changed, cut short, written otherwise. */
static void other_texts(void **state)
{
	static const char *const forms[] = {"%s ", " %s", "%s.", "%s0x", "0%s", "%s,%s", ""};
	struct proof_facts f = facts("192.0.2.2");
	char text[PROOF_TEXT_MAX + 1], changed[3 * PROOF_TEXT_MAX];
	struct slice proof = solved(&f, BITS, 40, text);
	(void)state;
	for (size_t i = 0; i < proof.len; i++) {
		memcpy(changed, proof.data, proof.len);
		changed[i] = changed[i] == '1' ? '2' : '1';
		assert_int_equal(proof_check(&keys, &f, slice_of(changed, proof.len), used),
				 REASON_PROOF_INVALID);
		assert_int_equal(proof_check(&keys, &f, slice_first(proof, i), used),
				 REASON_PROOF_INVALID);
	}
	for (size_t i = 0; i < COUNT(forms); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(changed, sizeof(changed), forms[i], text, text);
#pragma GCC diagnostic pop
		assert_int_equal(proof_check(&keys, &f, slice_from_cstr(changed), used),
				 REASON_PROOF_INVALID);
	}
	/* leading zeros would be another text of the same number */
	snprintf(changed, sizeof(changed), "%.*s.0%s", PROOF_CHALLENGE_CHARS, text,
		 text + PROOF_CHALLENGE_CHARS + 1);
	assert_int_equal(proof_check(&keys, &f, slice_from_cstr(changed), used),
			 REASON_PROOF_INVALID);
	assert_int_equal(proof_check(&keys, &f, proof, used), REASON_NONE);
}

/* The bits are the maker's word, not the solver's. */
static void cheap_work_is_not_enough(void **state)
{
	struct proof_facts f = facts("192.0.2.3");
	char challenge[PROOF_CHALLENGE_CHARS], text[PROOF_TEXT_MAX + 1];
	(void)state;
	assert_int_equal(proof_make(&keys, &f, 24, NOW_MS + 60000, dice, challenge), 0);
	assert_true(proof_solve(slice_of(challenge, sizeof(challenge)), 4, TRIES, text));
	assert_int_equal(proof_check(&keys, &f, slice_from_cstr(text), used), REASON_PROOF_INVALID);
	/* A tag of one's own making, over fewer bits. */
	struct keyset mine = {.count = 0};
	assert_int_equal(keyset_add(&mine, SLICE("some other key, also more than 32 bytes.")), 0);
	assert_int_equal(proof_make(&mine, &f, 1, NOW_MS + 60000, dice, challenge), 0);
	assert_true(proof_solve(slice_of(challenge, sizeof(challenge)), 1, TRIES, text));
	assert_int_equal(proof_check(&keys, &f, slice_from_cstr(text), used), REASON_PROOF_INVALID);
	/* But one of another node's newest key is good. */
	assert_int_equal(keyset_add(&keys, SLICE("some other key, also more than 32 bytes.")), 0);
	assert_int_equal(proof_check(&keys, &f, slice_from_cstr(text), used), REASON_NONE);
	keyset_deinit(&mine);
}

static void what_cannot_run_refuses(void **state)
{
	struct proof_facts f = facts("192.0.2.4");
	struct keyset none = {.count = 0};
	struct seen *tiny = seen_new(&(struct siphash_key){{3}}, 1);
	char challenge[PROOF_CHALLENGE_CHARS], text[PROOF_TEXT_MAX + 1];
	unsigned full = 0;
	(void)state;
	assert_int_not_equal(proof_make(&none, &f, BITS, NOW_MS + 60000, dice, challenge), 0);
	assert_int_not_equal(proof_make(&keys, &f, 0, NOW_MS + 60000, dice, challenge), 0);
	assert_int_not_equal(proof_make(&keys, &f, 29, NOW_MS + 60000, dice, challenge), 0);
	struct slice proof = solved(&f, BITS, 60, text);
	assert_int_equal(proof_check(&none, &f, proof, used), REASON_PROOF_INVALID);
	assert_int_equal(proof_check(&keys, &f, proof, NULL), REASON_OVERLOADED);
	for (unsigned i = 0; i < 200; i++) {
		proof = solved(&f, 1, (uint8_t)i, text);
		full += proof_check(&keys, &f, proof, tiny) == REASON_OVERLOADED;
	}
	assert_true(full >= 200 - 64);
	assert_false(proof_solve(SLICE("short"), 1, TRIES, text));
	assert_false(proof_solve(slice_first(proof, PROOF_CHALLENGE_CHARS), 28, 1, text));
	seen_free(tiny);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_solution_is_good_once),
		cmocka_unit_test(it_is_bound),
		cmocka_unit_test(other_texts),
		cmocka_unit_test(cheap_work_is_not_enough),
		cmocka_unit_test(what_cannot_run_refuses),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
