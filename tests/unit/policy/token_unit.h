/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tokens for tests: made by hand, piece by piece, so that each piece can be wrong.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/obj.h"
#include "policy/jwt.h"
#include "policy/keys.h"

#define TOKEN_SECRET "0123456789abcdef0123456789abcdef"
#define TOKEN_NOW_MS UINT64_C(1700000000000)
#define TOKEN_CLAIMS "{\"sub\":\"alice\",\"exp\":1700003600}"

enum { TOKEN_TEXT_MAX = 16 * 1024 };

/* header.payload, each in base64url, into text; returns the length. */
static inline size_t token_covered(struct slice header, struct slice payload, char *text)
{
	struct slice h = base64url_encode(header, text, TOKEN_TEXT_MAX);
	text[h.len] = '.';
	struct slice p = base64url_encode(payload, text + h.len + 1, TOKEN_TEXT_MAX - h.len - 1);
	return h.len + 1 + p.len;
}

/* The signature behind it. */
static inline struct slice token_finish(char *text, size_t len, struct slice signature)
{
	text[len] = '.';
	struct slice s = base64url_encode(signature, text + len + 1, TOKEN_TEXT_MAX - len - 1);
	return slice_of(text, len + 1 + s.len);
}

/* Signed by HS256 with that secret. */
static inline struct slice token_signed(struct slice secret, struct slice header,
					struct slice payload, char *text)
{
	uint8_t tag[KEYS_DERIVED_BYTES];
	size_t len = token_covered(header, payload, text);
	struct slice covered = slice_of(text, len);
	MUST(keys_hmac(secret, &covered, 1, tag) == 0);
	return token_finish(text, len, slice_of((const char *)tag, sizeof(tag)));
}

/* A ring with one secret, for HS256. */
static inline struct jwk_ring *token_ring(const char *secret)
{
	const char *detail = NULL;
	struct jwk_ring *ring = jwk_ring_new(JWA_ALL);
	MUST(ring && jwk_ring_add_secret(ring, slice_from_cstr(secret), &detail) == 0);
	return ring;
}
