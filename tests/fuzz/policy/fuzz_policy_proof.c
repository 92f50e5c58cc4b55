/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a proof of work, and as a challenge to be solved. Holds: what is good is a text
 * that solving its own challenge could have given, is good once, and only for the client it was
 * told to; what is refused uses nothing up.
 */
#include <string.h>

#include "base/obj.h"
#include "policy/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_MS = 1700000000, BITS = 4, TRIES = 4096 };

static struct keyset keys;
static struct proof_facts facts = {
	.peer = {.family = 4, .bytes = {192, 0, 2, 1}},
	.path = {"/chat", 5},
	.origin = {"https://shop.example", 20},
	.now_unix_ms = NOW_MS,
};

static struct seen *fresh(void)
{
	static const struct siphash_key key = {{7}};
	struct seen *s = seen_new(&key, 16);
	MUST(s);
	return s;
}

static void try_text(struct slice text)
{
	struct seen *used = fresh();
	struct proof_facts other = facts;
	other.peer.bytes[3] = 2;
	MUST(proof_check(&keys, &other, text, used) != REASON_NONE);
	enum reason r = proof_check(&keys, &facts, text, used);
	MUST(r == REASON_NONE || r == REASON_PROOF_INVALID);
	if (r == REASON_NONE) {
		MUST(text.len > PROOF_CHALLENGE_CHARS && text.len <= PROOF_TEXT_MAX);
		MUST(proof_check(&keys, &facts, text, used) == REASON_PROOF_INVALID);
	}
	seen_free(used);
}

/* A genuine challenge, solved, with one byte as the input wants it. */
static void try_changed(const uint8_t *data, size_t size)
{
	char challenge[PROOF_CHALLENGE_CHARS], text[PROOF_TEXT_MAX + 1];
	uint8_t dice[PROOF_RANDOM_BYTES] = {0};
	memcpy(dice, data, size < sizeof(dice) ? size : sizeof(dice));
	MUST(proof_make(&keys, &facts, BITS, NOW_MS + 1000, dice, challenge) == 0);
	MUST(proof_solve(slice_of(challenge, sizeof(challenge)), BITS, TRIES, text));
	size_t len = strlen(text), at = size > 8 ? data[8] % len : 0;
	char wanted = size > 9 ? (char)data[9] : text[at];
	bool same = text[at] == wanted;
	text[at] = wanted;
	struct seen *used = fresh();
	enum reason r = proof_check(&keys, &facts, slice_of(text, len), used);
	/* Another number may be a solution by luck; another challenge never is. */
	MUST(r == REASON_NONE || !same);
	MUST(r != REASON_NONE || same || at > PROOF_CHALLENGE_CHARS);
	seen_free(used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[PROOF_TEXT_MAX + 1];
	struct slice all = slice_of((const char *)data, size);
	if (!keys.count)
		MUST(keyset_add(&keys, SLICE("a key of the fuzzer, more than thirty-two bytes")) ==
		     0);
	try_text(all);
	try_changed(data, size);
	if (proof_solve(slice_first(all, PROOF_CHALLENGE_CHARS), BITS, TRIES, text)) {
		MUST(size >= PROOF_CHALLENGE_CHARS);
		MUST(memcmp(text, data, PROOF_CHALLENGE_CHARS) == 0);
	}
	return 0;
}
