/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: which keys of a ring are asked, and what OpenSSL says.
 */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base/ct.h"
#include "policy/jwk_priv.h"

enum { COORDINATE_MAX = 66, DER_MAX = 2 * COORDINATE_MAX + 16 };

/* clang-format off */
static const struct alg_row {
	const EVP_MD *(*md)(void);
	bool pss;
	uint32_t coordinate; /* bytes of r and of s */
} alg_rows[JWA_COUNT] = {
	[JWA_ES256] = {EVP_sha256, false, 32},
	[JWA_ES384] = {EVP_sha384, false, 48},
	[JWA_ES512] = {EVP_sha512, false, COORDINATE_MAX},
	[JWA_RS256] = {EVP_sha256, false, 0},
	[JWA_RS384] = {EVP_sha384, false, 0},
	[JWA_RS512] = {EVP_sha512, false, 0},
	[JWA_PS256] = {EVP_sha256, true, 0},
	[JWA_PS384] = {EVP_sha384, true, 0},
	[JWA_PS512] = {EVP_sha512, true, 0},
	[JWA_HS256] = {EVP_sha256, false, 0},
	[JWA_HS384] = {EVP_sha384, false, 0},
	[JWA_HS512] = {EVP_sha512, false, 0},
};
/* clang-format on */

static const unsigned char *bytes_of(struct slice s)
{
	return (const unsigned char *)s.data;
}

static enum jwk_result verify_hmac(const struct jwk *key, enum jwa alg, struct slice covered,
				   struct slice signature)
{
	unsigned char tag[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!HMAC(alg_rows[alg].md(), key->secret, (int)key->secret_len, bytes_of(covered),
		  covered.len, tag, &len))
		return JWK_BROKEN;
	return ct_slice_eq(slice_of((const char *)tag, len), signature) ? JWK_GENUINE : JWK_FORGED;
}

/* RFC 7518 section 3.4: r and s, each of the curve's full length; OpenSSL reads DER. Neither
 * may be 0, whatever the library thinks of that (CVE-2022-21449). 0: it is no signature. */
static int ecdsa_to_der(enum jwa alg, struct slice signature, unsigned char *der)
{
	uint32_t bytes = alg_rows[alg].coordinate;
	int len = 0;

	if (signature.len != 2 * (size_t)bytes)
		return 0;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes_of(signature), (int)bytes, NULL);
	BIGNUM *s = BN_bin2bn(bytes_of(signature) + bytes, (int)bytes, NULL);
	if (sig && r && s && !BN_is_zero(r) && !BN_is_zero(s) && ECDSA_SIG_set0(sig, r, s)) {
		r = s = NULL;
		if (i2d_ECDSA_SIG(sig, NULL) <= DER_MAX)
			len = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return len > 0 ? len : 0;
}

static bool set_padding(EVP_PKEY_CTX *ctx, enum jwa alg)
{
	if (!(JWA_BIT(alg) & JWA_ALL_RSA))
		return true;
	if (!alg_rows[alg].pss)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
	/* RFC 7518 section 3.5: MGF1 with the same hash, a salt as long as the hash. */
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, alg_rows[alg].md()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static enum jwk_result verify_public(const struct jwk *key, enum jwa alg, struct slice covered,
				     struct slice signature)
{
	unsigned char der[DER_MAX];
	enum jwk_result result = JWK_BROKEN;
	EVP_PKEY_CTX *pctx = NULL;

	if (alg_rows[alg].coordinate) {
		int len = ecdsa_to_der(alg, signature, der);
		if (!len)
			return JWK_FORGED;
		signature = slice_of((const char *)der, (size_t)len);
	} else if (signature.len != (size_t)EVP_PKEY_get_size(key->pkey)) {
		return JWK_FORGED;
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = alg_rows[alg].md ? alg_rows[alg].md() : NULL;
	if (ctx && EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key->pkey) == 1 &&
	    set_padding(pctx, alg))
		result = EVP_DigestVerify(ctx, bytes_of(signature), signature.len,
					  bytes_of(covered), covered.len) == 1
				 ? JWK_GENUINE
				 : JWK_FORGED;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return result;
}

static enum jwk_result verify_one(const struct jwk *key, enum jwa alg, struct slice covered,
				  struct slice signature)
{
	return key->pkey ? verify_public(key, alg, covered, signature)
			 : verify_hmac(key, alg, covered, signature);
}

static struct slice id_of(const struct jwk *key)
{
	return slice_of(key->id, key->id_len);
}

/* A key without a kid may be the one of any token; it is what PEM files hold. */
static bool fits(const struct jwk *key, enum jwa alg, struct slice kid)
{
	if (!(key->algorithms & JWA_BIT(alg)))
		return false;
	return !kid.len || !key->id_len || slice_eq(id_of(key), kid);
}

/* The same kid twice: which key is meant depends on the reader. */
static bool is_ambiguous(const struct jwk_ring *ring, enum jwa alg, struct slice kid)
{
	size_t same = 0;

	for (size_t i = 0; kid.len && i < ring->count; i++)
		same += fits(&ring->keys[i], alg, kid) && ring->keys[i].id_len;
	return same > 1;
}

enum jwk_result jwk_ring_verify(const struct jwk_ring *ring, enum jwa alg, struct slice kid,
				struct slice covered, struct slice signature, struct slice *key_id)
{
	enum jwk_result result = JWK_UNKNOWN;
	unsigned tries = 0;

	*key_id = slice_of(NULL, 0);
	if (!alg || alg >= JWA_COUNT || !(ring->algorithms & JWA_BIT(alg)))
		return JWK_FORGED;
	if (is_ambiguous(ring, alg, kid))
		return JWK_AMBIGUOUS;
	for (size_t i = 0; i < ring->count && tries < JWK_TRIES_MAX; i++) {
		if (!fits(&ring->keys[i], alg, kid))
			continue;
		tries++;
		result = verify_one(&ring->keys[i], alg, covered, signature);
		if (result == JWK_GENUINE)
			*key_id = id_of(&ring->keys[i]);
		if (result != JWK_FORGED)
			return result;
	}
	/* A token without a kid was tried with all there is: it says nothing of another key. */
	return !kid.len && result == JWK_UNKNOWN ? JWK_FORGED : result;
}
