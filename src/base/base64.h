/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Base64 and base64url (RFC 4648 sections 4 and 5), strictly: one text for one value.
 *
 * Decoding refuses white space, foreign characters, the other alphabet, bits set behind
 * the value, and for base64 missing padding, for base64url any padding (RFC 7515).
 * It does not hide what it reads from somebody who measures time: tags are compared
 * after decoding, with ct_eq.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Characters for `bytes` bytes, without a NUL; for array sizes. */
#define BASE64_CHARS(bytes) (((bytes) + 2) / 3 * 4)
#define BASE64URL_CHARS(bytes) (((bytes)*4 + 2) / 3)

/* At most so many bytes come out of `chars` characters. */
#define BASE64_BYTES(chars) ((chars) / 4 * 3 + 2)

/* Write into out[0..room). Return the text inside out, without a NUL; data is NULL when
 * room is too small. */
struct slice base64_encode(struct slice bytes, char *out, size_t room);
struct slice base64url_encode(struct slice bytes, char *out, size_t room);

/* Write the value into out[0..room) and its length to *len. False when the text is not
 * canonical or room is too small; out may then hold a part. */
bool base64_decode(struct slice text, void *out, size_t room, size_t *len)
	__attribute__((warn_unused_result));
bool base64url_decode(struct slice text, void *out, size_t room, size_t *len)
	__attribute__((warn_unused_result));
