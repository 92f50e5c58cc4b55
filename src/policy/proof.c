/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of work: made, checked and solved; the drawing is in proof.h.
 */
#include "policy/proof.h"

#include <endian.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/ct.h"
#include "base/err.h"
#include "base/num.h"

enum {
	VERSION = 1,
	VERSION_AT = 0,
	BITS_AT = 1,
	EXPIRY_AT = 2,
	RANDOM_AT = EXPIRY_AT + 8,
	TAG_AT = RANDOM_AT + PROOF_RANDOM_BYTES,
	TAG_BYTES = 16,
	CHALLENGE_BYTES = TAG_AT + TAG_BYTES,
	BITS_PER_BYTE = 8,
};

_Static_assert(BASE64URL_CHARS(CHALLENGE_BYTES) == PROOF_CHALLENGE_CHARS,
	       "a challenge fills its characters");

/* Texts with their lengths in front: no path and origin can be cut differently. */
static int tag_of(const struct key *key, const struct proof_facts *f, const char *covered,
		  uint8_t tag[KEYS_DERIVED_BYTES])
{
	struct address network = address_network(&f->peer, f->peer.family == 4 ? 32 : 64);
	uint64_t lengths[2] = {htobe64(f->path.len), htobe64(f->origin.len)};
	const struct slice parts[] = {
		slice_of(covered, TAG_AT),
		slice_of((const char *)&network.family, sizeof(network.family)),
		slice_of((const char *)network.bytes, sizeof(network.bytes)),
		slice_of((const char *)lengths, sizeof(lengths)),
		f->path,
		f->origin,
	};
	struct slice secret = slice_of((const char *)key->derived[KEY_PROOF], KEYS_DERIVED_BYTES);

	return keys_hmac(secret, parts, sizeof(parts) / sizeof(parts[0]), tag);
}

int proof_make(const struct keyset *k, const struct proof_facts *f, unsigned bits,
	       uint64_t expires_unix_ms, const uint8_t random[PROOF_RANDOM_BYTES],
	       char out[PROOF_CHALLENGE_CHARS])
{
	char bytes[CHALLENGE_BYTES];
	uint8_t tag[KEYS_DERIVED_BYTES];
	uint64_t expiry = htobe64(expires_unix_ms);

	if (!k || !k->count)
		return err_raise(ENOENT, "there is no key to make challenges with");
	if (bits < PROOF_BITS_LEAST || bits > PROOF_BITS_MOST)
		return err_raise(EINVAL, "a challenge of %u bits", bits);
	bytes[VERSION_AT] = VERSION;
	bytes[BITS_AT] = (char)bits;
	memcpy(bytes + EXPIRY_AT, &expiry, sizeof(expiry));
	memcpy(bytes + RANDOM_AT, random, PROOF_RANDOM_BYTES);
	int r = tag_of(&k->keys[k->count - 1], f, bytes, tag);
	if (r)
		return r;
	memcpy(bytes + TAG_AT, tag, TAG_BYTES);
	base64url_encode(slice_of(bytes, sizeof(bytes)), out, PROOF_CHALLENGE_CHARS);
	return 0;
}

/* --- checking */

static unsigned zero_bits(const unsigned char hash[SHA256_DIGEST_LENGTH])
{
	unsigned zeros = 0;

	for (unsigned i = 0; i < SHA256_DIGEST_LENGTH; i++) {
		if (hash[i])
			return zeros + (unsigned)__builtin_clz(hash[i]) -
			       (unsigned)(sizeof(unsigned) - 1) * BITS_PER_BYTE;
		zeros += BITS_PER_BYTE;
	}
	return zeros;
}

static bool is_worth(struct slice text, unsigned bits)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];

	return SHA256((const unsigned char *)text.data, text.len, hash) && zero_bits(hash) >= bits;
}

/* `C.N`, and nothing that could also be written otherwise. */
static bool read_text(struct slice text, char bytes[CHALLENGE_BYTES])
{
	uint64_t number;
	size_t len = 0;

	return text.len > PROOF_CHALLENGE_CHARS && text.len <= PROOF_TEXT_MAX &&
	       text.data[PROOF_CHALLENGE_CHARS] == '.' &&
	       num_parse_u64(slice_from(text, PROOF_CHALLENGE_CHARS + 1), UINT64_MAX, &number) &&
	       base64url_decode(slice_first(text, PROOF_CHALLENGE_CHARS), bytes, CHALLENGE_BYTES,
				&len) &&
	       len == CHALLENGE_BYTES && bytes[VERSION_AT] == VERSION;
}

/* Any of the keys may have made it, another node's newest too. */
static enum reason check_tag(const struct keyset *k, const struct proof_facts *f,
			     const char bytes[CHALLENGE_BYTES])
{
	bool good = false;

	for (size_t i = 0; k && i < k->count; i++) {
		uint8_t tag[KEYS_DERIVED_BYTES];
		if (tag_of(&k->keys[i], f, bytes, tag))
			return REASON_INTERNAL;
		good |= ct_eq(tag, bytes + TAG_AT, TAG_BYTES);
	}
	return good ? REASON_NONE : REASON_PROOF_INVALID;
}

/* Seconds, rounded up: what is used up stays so until it cannot be used any more. */
static uint32_t seconds_of(uint64_t unix_ms)
{
	uint64_t s = unix_ms / CLOCK_MS_PER_S + (unix_ms % CLOCK_MS_PER_S != 0);

	return s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static enum reason use_up(struct seen *used, struct slice text, uint64_t expires_unix_ms,
			  uint64_t now_unix_ms)
{
	struct slice challenge = slice_first(text, PROOF_CHALLENGE_CHARS);
	uint32_t now_s = (uint32_t)(now_unix_ms / CLOCK_MS_PER_S);

	if (!used)
		return REASON_OVERLOADED;
	switch (seen_once(used, challenge, seconds_of(expires_unix_ms), now_s)) {
	case SEEN_NEW:
		return REASON_NONE;
	case SEEN_BEFORE:
		return REASON_PROOF_INVALID;
	case SEEN_FULL:
	default:
		return REASON_OVERLOADED;
	}
}

enum reason proof_check(const struct keyset *k, const struct proof_facts *f, struct slice text,
			struct seen *used)
{
	char bytes[CHALLENGE_BYTES];
	uint64_t expiry;

	if (!read_text(text, bytes))
		return REASON_PROOF_INVALID;
	memcpy(&expiry, bytes + EXPIRY_AT, sizeof(expiry));
	expiry = be64toh(expiry);
	unsigned bits = (unsigned char)bytes[BITS_AT];
	if (f->now_unix_ms >= expiry || bits < PROOF_BITS_LEAST || !is_worth(text, bits))
		return REASON_PROOF_INVALID;
	enum reason r = check_tag(k, f, bytes);
	return r == REASON_NONE ? use_up(used, text, expiry, f->now_unix_ms) : r;
}

/* --- solving */

bool proof_solve(struct slice challenge, unsigned bits, uint64_t most, char out[PROOF_TEXT_MAX + 1])
{
	if (challenge.len != PROOF_CHALLENGE_CHARS || bits > PROOF_BITS_MOST)
		return false;
	memcpy(out, challenge.data, challenge.len);
	for (uint64_t n = 0; n < most; n++) {
		int len = snprintf(out + challenge.len, PROOF_TEXT_MAX + 1 - challenge.len,
				   ".%" PRIu64, n);
		if (is_worth(slice_of(out, challenge.len + (size_t)len), bits))
			return true;
	}
	return false;
}
