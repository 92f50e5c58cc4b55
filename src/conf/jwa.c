/* SPDX-License-Identifier: Apache-2.0 */
/* Names of signature algorithms; see jwa.h. */
#include "conf/jwa.h"

/* clang-format off */
static const struct {
	const char *name;
	uint32_t hmac_bytes;
} rows[JWA_COUNT] = {
	[JWA_NONE]  = {"none", 0},
	[JWA_ES256] = {"ES256", 0},
	[JWA_ES384] = {"ES384", 0},
	[JWA_ES512] = {"ES512", 0},
	[JWA_EDDSA] = {"EdDSA", 0},
	[JWA_RS256] = {"RS256", 0},
	[JWA_RS384] = {"RS384", 0},
	[JWA_RS512] = {"RS512", 0},
	[JWA_PS256] = {"PS256", 0},
	[JWA_PS384] = {"PS384", 0},
	[JWA_PS512] = {"PS512", 0},
	[JWA_HS256] = {"HS256", 32},
	[JWA_HS384] = {"HS384", 48},
	[JWA_HS512] = {"HS512", 64},
};
/* clang-format on */

enum jwa jwa_find(struct slice name)
{
	for (int i = JWA_NONE + 1; i < JWA_COUNT; i++)
		if (slice_eq(name, slice_from_cstr(rows[i].name)))
			return (enum jwa)i;
	return JWA_NONE;
}

const char *jwa_name(enum jwa alg)
{
	return rows[alg < JWA_COUNT ? alg : JWA_NONE].name;
}

uint32_t jwa_hmac_bytes(enum jwa alg)
{
	return rows[alg < JWA_COUNT ? alg : JWA_NONE].hmac_bytes;
}
