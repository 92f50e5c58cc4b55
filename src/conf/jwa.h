/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The signature algorithms of tokens (RFC 7518 section 3.1, RFC 8037). `none` is not among
 * them.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum jwa {
	JWA_NONE = 0, /* no algorithm that exists */
	JWA_ES256,
	JWA_ES384,
	JWA_ES512,
	JWA_EDDSA,
	JWA_RS256,
	JWA_RS384,
	JWA_RS512,
	JWA_PS256,
	JWA_PS384,
	JWA_PS512,
	JWA_HS256,
	JWA_HS384,
	JWA_HS512,
	JWA_COUNT
};

/* A set of algorithms is the sum of these. */
#define JWA_BIT(alg) (UINT32_C(1) << (alg))

/* clang-format off */
enum {
	JWA_ALL_RSA = JWA_BIT(JWA_RS256) | JWA_BIT(JWA_RS384) | JWA_BIT(JWA_RS512) |
		      JWA_BIT(JWA_PS256) | JWA_BIT(JWA_PS384) | JWA_BIT(JWA_PS512),
	JWA_ALL_HMAC = JWA_BIT(JWA_HS256) | JWA_BIT(JWA_HS384) | JWA_BIT(JWA_HS512),
	JWA_ALL_PUBLIC = JWA_ALL_RSA | JWA_BIT(JWA_ES256) | JWA_BIT(JWA_ES384) |
			 JWA_BIT(JWA_ES512) | JWA_BIT(JWA_EDDSA),
	JWA_ALL = JWA_ALL_PUBLIC | JWA_ALL_HMAC,
};
/* clang-format on */

/* The algorithm of that name, exactly (RFC 7515 section 4.1.1: case matters), or JWA_NONE. */
enum jwa jwa_find(struct slice name);

/* "ES256"; "none" for JWA_NONE. */
const char *jwa_name(enum jwa alg);

/* Bytes of an HMAC's hash, the least a secret may have (RFC 7518 section 3.2); 0 for others. */
uint32_t jwa_hmac_bytes(enum jwa alg);
