/* SPDX-License-Identifier: Apache-2.0 */
/* Signing with P-256 by OpenSSL; see assertion.h. */
#include "policy/assertion.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/jsonout.h"

enum {
	COORDINATE_BYTES = 32,
	SIGNATURE_BYTES = 2 * COORDINATE_BYTES,
	DER_BYTES_MAX = 80,
	/* Claims, their base64, and what stands around them. */
	TEXT_MAX = 4 * IDENTITY_CLAIMS_MAX,
};

static struct slice coordinate(const char text[ASSERTION_COORDINATE_CHARS])
{
	return slice_of(text, ASSERTION_COORDINATE_CHARS);
}

static struct slice bytes_of(const uint8_t *bytes, size_t len)
{
	return slice_of((const char *)bytes, len);
}

/* --- keys */

/* Nobody is asked for a passphrase: an encrypted key cannot be used. */
static int no_passphrase(char *into, int room, int writing, void *arg)
{
	(void)into, (void)room, (void)writing, (void)arg;
	return -1;
}

static EVP_PKEY *read_private_key(struct slice pem)
{
	BIO *bio = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static bool is_p256(EVP_PKEY *key)
{
	char group[32];
	size_t len;

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
					      &len) &&
	       (slice_eq(slice_of(group, len), SLICE("prime256v1")) ||
		slice_eq(slice_of(group, len), SLICE("P-256")));
}

static bool read_coordinate(EVP_PKEY *key, const char *which, char out[ASSERTION_COORDINATE_CHARS])
{
	uint8_t bytes[COORDINATE_BYTES];
	BIGNUM *n = NULL;
	bool good = EVP_PKEY_get_bn_param(key, which, &n) &&
		    BN_bn2binpad(n, bytes, sizeof(bytes)) == (int)sizeof(bytes);

	BN_free(n);
	if (good)
		(void)base64url_encode(bytes_of(bytes, sizeof(bytes)), out,
				       ASSERTION_COORDINATE_CHARS);
	return good;
}

/* RFC 7638 section 3: the required members in their order, without white space. */
static bool thumbprint(struct assertion_key *k)
{
	char text[160];
	uint8_t hash[32];
	int len = snprintf(text, sizeof(text),
			   "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
			   SLICE_ARG(coordinate(k->x)), SLICE_ARG(coordinate(k->y)));

	if (len < 0 || (size_t)len >= sizeof(text) ||
	    !EVP_Digest(text, (size_t)len, hash, NULL, EVP_sha256(), NULL))
		return false;
	(void)base64url_encode(bytes_of(hash, sizeof(hash)), k->kid, sizeof(k->kid));
	return true;
}

static bool read_public_half(struct assertion_key *k)
{
	return read_coordinate(k->key, OSSL_PKEY_PARAM_EC_PUB_X, k->x) &&
	       read_coordinate(k->key, OSSL_PKEY_PARAM_EC_PUB_Y, k->y) && thumbprint(k);
}

static int judge(const struct assertion_keys *k, struct assertion_key *added)
{
	if (k->count == ASSERTION_KEYS_MAX)
		return ASSERTION_FULL;
	if (!added->key)
		return ASSERTION_NO_KEY;
	if (!is_p256(added->key) || !read_public_half(added))
		return ASSERTION_NOT_P256;
	for (size_t i = 0; i < k->count; i++) {
		if (slice_eq(coordinate(k->keys[i].kid), coordinate(added->kid)))
			return ASSERTION_TWICE;
	}
	return 0;
}

int assertion_keys_add(struct assertion_keys *k, struct slice pem)
{
	struct assertion_key added = {.key = read_private_key(pem)};
	int r = judge(k, &added);

	ERR_clear_error();
	if (r)
		EVP_PKEY_free(added.key);
	else
		k->keys[k->count++] = added;
	return r;
}

const char *assertion_keys_complaint(int outcome)
{
	switch (outcome) {
	case ASSERTION_NO_KEY:
		return "no private key in PEM, or one with a passphrase";
	case ASSERTION_NOT_P256:
		return "not a key of the curve P-256";
	case ASSERTION_TWICE:
		return "the same key is there twice";
	case ASSERTION_FULL:
		return "there are more keys than 16";
	default:
		return "good";
	}
}

void assertion_keys_deinit(struct assertion_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		EVP_PKEY_free(k->keys[i].key);
	*k = (struct assertion_keys){0};
}

int assertion_jwks(const struct assertion_keys *k, struct buf *to)
{
	struct jsonout j;

	jsonout_init(&j, to);
	jsonout_object_open(&j);
	jsonout_key(&j, "keys");
	jsonout_array_open(&j);
	for (size_t i = k->count; i-- > 0;) {
		jsonout_object_open(&j);
		jsonout_member(&j, "kty", SLICE("EC"));
		jsonout_member(&j, "crv", SLICE("P-256"));
		jsonout_member(&j, "x", coordinate(k->keys[i].x));
		jsonout_member(&j, "y", coordinate(k->keys[i].y));
		jsonout_member(&j, "use", SLICE("sig"));
		jsonout_member(&j, "alg", SLICE("ES256"));
		jsonout_member(&j, "kid", coordinate(k->keys[i].kid));
		jsonout_object_close(&j);
	}
	jsonout_array_close(&j);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

/* --- the statement */

static bool write_header(const struct assertion_key *k, struct buf *to)
{
	struct jsonout j;

	jsonout_init(&j, to);
	jsonout_object_open(&j);
	jsonout_member(&j, "alg", SLICE("ES256"));
	jsonout_member(&j, "typ", SLICE("JWT"));
	jsonout_member(&j, "kid", coordinate(k->kid));
	jsonout_object_close(&j);
	return j.ok;
}

static bool write_claims(const struct assertion_facts *f, struct buf *to)
{
	char jti[BASE64URL_CHARS(ASSERTION_JTI_BYTES)];
	uint64_t now_s = f->now_unix_ms / 1000;
	struct jsonout j;

	(void)base64url_encode(bytes_of(f->jti, sizeof(f->jti)), jti, sizeof(jti));
	jsonout_init(&j, to);
	jsonout_object_open(&j);
	jsonout_member(&j, "iss", SLICE("sallyport"));
	jsonout_member(&j, "aud", f->audience);
	jsonout_member(&j, "sub", f->identity->subject);
	jsonout_member(&j, "via", f->identity->via);
	jsonout_key(&j, "claims");
	jsonout_raw(&j, f->identity->claims);
	jsonout_member(&j, "route", f->route);
	jsonout_member(&j, "request", f->request_id);
	jsonout_member_u64(&j, "iat", now_s);
	jsonout_member_u64(&j, "exp", now_s + ASSERTION_SECONDS);
	jsonout_member(&j, "jti", slice_of(jti, sizeof(jti)));
	jsonout_object_close(&j);
	return j.ok;
}

/* Appends the base64url of bytes. */
static bool append_encoded(struct buf *to, struct slice bytes)
{
	char *room;

	if (buf_reserve(to, BASE64URL_CHARS(bytes.len), &room))
		return false;
	(void)base64url_encode(bytes, room, BASE64URL_CHARS(bytes.len));
	buf_commit(to, BASE64URL_CHARS(bytes.len));
	return true;
}

/* RFC 7518 section 3.4: R and S, 32 bytes each, not the DER of OpenSSL. */
static bool to_fixed_length(const uint8_t *der, size_t len, uint8_t out[SIGNATURE_BYTES])
{
	const uint8_t *at = der;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &at, (long)len);
	bool good = s &&
		    BN_bn2binpad(ECDSA_SIG_get0_r(s), out, COORDINATE_BYTES) == COORDINATE_BYTES &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(s), out + COORDINATE_BYTES, COORDINATE_BYTES) ==
			    COORDINATE_BYTES;

	ECDSA_SIG_free(s);
	return good;
}

static bool sign(const struct assertion_key *k, struct slice text, uint8_t out[SIGNATURE_BYTES])
{
	uint8_t der[DER_BYTES_MAX];
	size_t len = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->key) &&
		    EVP_DigestSign(ctx, der, &len, (const unsigned char *)text.data, text.len) == 1;

	EVP_MD_CTX_free(ctx);
	good = good && to_fixed_length(der, len, out);
	ERR_clear_error();
	return good;
}

static bool write_all(const struct assertion_key *k, const struct assertion_facts *f,
		      struct buf *json, struct buf *text)
{
	uint8_t signature[SIGNATURE_BYTES];

	if (!write_header(k, json) || !append_encoded(text, buf_slice(json)))
		return false;
	buf_clear(json);
	if (buf_append(text, SLICE(".")) || !write_claims(f, json) ||
	    !append_encoded(text, buf_slice(json)))
		return false;
	if (!sign(k, buf_slice(text), signature) || buf_append(text, SLICE(".")))
		return false;
	return append_encoded(text, bytes_of(signature, sizeof(signature)));
}

int assertion_make(const struct assertion_keys *k, const struct assertion_facts *f, struct arena *a,
		   struct slice *out)
{
	struct buf json, text;

	*out = slice_of(NULL, 0);
	if (!k->count)
		return err_raise(ENOENT, "no key to sign assertions with");
	buf_init(&json, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	if (write_all(&k->keys[k->count - 1], f, &json, &text))
		*out = arena_copy(a, buf_slice(&text));
	buf_deinit(&json);
	buf_deinit(&text);
	return out->data ? 0 : err_raise(ENOMEM, "an assertion");
}
