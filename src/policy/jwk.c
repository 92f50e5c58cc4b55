/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading keys: JWK, PEM and secrets to OpenSSL's keys. Verifying with them is in jwk_verify.c.
 */
#include "policy/jwk_priv.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/ct.h"
#include "base/err.h"
#include "json/read.h"

enum { JWK_WRONG = 2 }; /* of read_jwk: the whole set is unusable */

enum { SET_ARENA_BYTES = 4 << 20, COORDINATE_MAX = 66, MODULUS_MAX = JWK_RSA_BITS_MAX / 8 };

/* --- the ring */

static _Atomic uint64_t last_serial;

struct jwk_ring *jwk_ring_new(uint32_t algorithms)
{
	struct jwk_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	atomic_init(&ring->refs, 1);
	ring->algorithms = algorithms;
	ring->serial = atomic_fetch_add_explicit(&last_serial, 1, memory_order_relaxed) + 1;
	return ring;
}

struct jwk_ring *jwk_ring_ref(struct jwk_ring *ring)
{
	atomic_fetch_add_explicit(&ring->refs, 1, memory_order_relaxed);
	return ring;
}

static void jwk_deinit(struct jwk *key)
{
	EVP_PKEY_free(key->pkey);
	if (key->secret)
		ct_wipe(key->secret, key->secret_len);
	free(key->secret);
	free(key->id);
}

struct jwk_ring *jwk_ring_unref(struct jwk_ring *ring)
{
	if (!ring || atomic_fetch_sub_explicit(&ring->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	for (size_t i = 0; i < ring->count; i++)
		jwk_deinit(&ring->keys[i]);
	free(ring);
	return NULL;
}

size_t jwk_ring_count(const struct jwk_ring *ring)
{
	return ring->count;
}

uint64_t jwk_ring_serial(const struct jwk_ring *ring)
{
	return ring->serial;
}

/* Takes over the key. Returns as the functions that add. */
static int ring_append(struct jwk_ring *ring, struct jwk *key, const char **detail)
{
	if (ring->count < JWK_RING_MAX) {
		ring->keys[ring->count++] = *key;
		return 0;
	}
	jwk_deinit(key);
	*detail = "too many keys";
	return JWK_UNUSABLE;
}

/* --- what a public key is good for */

/*
 * Nemec and others, "The Return of Coppersmith's Attack" (2017): moduli of a faulty library are,
 * modulo small primes, powers of 65537. An ordinary modulus is for all of these with a
 * probability below 2^-27.
 */
static bool modulus_is_roca(const BIGNUM *n)
{
	static const uint8_t primes[] = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,
					 37,  41,  43,  47,  53,  59,  61,  67,  71,  73,
					 79,  83,  89,  97,  101, 103, 107, 109, 113, 127,
					 131, 137, 139, 149, 151, 157, 163, 167};

	for (size_t i = 0; i < sizeof(primes); i++) {
		uint32_t p = primes[i], power = 1;
		BN_ULONG rest = BN_mod_word(n, p);
		bool is_power = false;
		for (uint32_t k = 0; k < p && !is_power; k++) {
			is_power = power == rest;
			power = power * 65537 % p;
		}
		if (!is_power)
			return false;
	}
	return true;
}

static bool rsa_numbers_ok(const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);

	return bits >= JWK_RSA_BITS_MIN && bits <= JWK_RSA_BITS_MAX && BN_is_odd(n) &&
	       BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= 64 && !modulus_is_roca(n);
}

static bool rsa_key_ok(const EVP_PKEY *pkey)
{
	BIGNUM *n = NULL, *e = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		  EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		  rsa_numbers_ok(n, e);
	BN_free(n);
	BN_free(e);
	return ok;
}

static bool on_curve(const EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, (EVP_PKEY *)(uintptr_t)pkey, NULL);
	bool ok = ctx && EVP_PKEY_public_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static const struct curve {
	const char *jwk, *openssl;
	uint32_t bytes; /* of a coordinate */
	enum jwa alg;
} curves[] = {
	{"P-256", "prime256v1", 32, JWA_ES256},
	{"P-384", "secp384r1", 48, JWA_ES384},
	{"P-521", "secp521r1", 66, JWA_ES512},
};

static const struct curve *find_curve(struct slice name, bool openssl)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		const char *known = openssl ? curves[i].openssl : curves[i].jwk;
		if (slice_eq(name, slice_from_cstr(known)))
			return &curves[i];
	}
	return NULL;
}

static uint32_t ec_algorithms(const EVP_PKEY *pkey)
{
	char group[64];
	size_t len = 0;

	if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
					   &len) != 1)
		return 0;
	const struct curve *curve = find_curve(slice_of(group, len), true);
	return curve && on_curve(pkey) ? JWA_BIT(curve->alg) : 0;
}

/* All algorithms that the key could verify by its type. 0: it is not good enough for any. */
static uint32_t pkey_algorithms(const EVP_PKEY *pkey)
{
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return rsa_key_ok(pkey) ? JWA_ALL_RSA : 0;
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return JWA_BIT(JWA_EDDSA);
	return EVP_PKEY_is_a(pkey, "EC") ? ec_algorithms(pkey) : 0;
}

/* --- JWK */

/* The strict base64url of a member, at most `room` bytes. */
static bool member_bytes(const struct json_node *jwk, struct slice name, void *out, size_t room,
			 size_t *len)
{
	const struct json_node *text = json_member_typed(jwk, name, JSON_STRING);
	return text && base64url_decode(json_string(text), out, room, len);
}

static EVP_PKEY *pkey_from(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

/* RFC 7518 section 6.2.1: coordinates of the curve's full length. */
static EVP_PKEY *pkey_from_ec(const struct json_node *jwk)
{
	uint8_t point[1 + 2 * COORDINATE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	size_t x = 0, y = 0;
	EVP_PKEY *pkey = NULL;
	const struct curve *curve = find_curve(json_string(json_member(jwk, SLICE("crv"))), false);

	if (!curve || !member_bytes(jwk, SLICE("x"), point + 1, COORDINATE_MAX, &x) ||
	    x != curve->bytes ||
	    !member_bytes(jwk, SLICE("y"), point + 1 + x, COORDINATE_MAX, &y) || y != curve->bytes)
		return NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	if (build &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->openssl, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + x + y))
		pkey = pkey_from("EC", build);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *pkey_from_rsa(const struct json_node *jwk)
{
	uint8_t modulus[MODULUS_MAX + 2], exponent[16];
	size_t n_len = 0, e_len = 0;
	EVP_PKEY *pkey = NULL;

	if (!member_bytes(jwk, SLICE("n"), modulus, sizeof(modulus), &n_len) ||
	    !member_bytes(jwk, SLICE("e"), exponent, sizeof(exponent), &e_len))
		return NULL;
	BIGNUM *n = BN_bin2bn(modulus, (int)n_len, NULL),
	       *e = BN_bin2bn(exponent, (int)e_len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	if (n && e && build && rsa_numbers_ok(n, e) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		pkey = pkey_from("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *pkey_from_okp(const struct json_node *jwk)
{
	uint8_t point[32 + 2];
	size_t len = 0;

	if (!slice_eq(json_string(json_member(jwk, SLICE("crv"))), SLICE("Ed25519")) ||
	    !member_bytes(jwk, SLICE("x"), point, sizeof(point), &len) || len != 32)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, len);
}

/* The member is absent, or a string that is this word. */
static bool says(const struct json_node *jwk, struct slice name, struct slice word)
{
	const struct json_node *v = json_member(jwk, name);
	return !v || (json_type(v) == JSON_STRING && slice_eq(json_string(v), word));
}

/* RFC 7517 section 4.3: absent, or an array that has the word. */
static bool may(const struct json_node *jwk, struct slice word)
{
	const struct json_node *ops = json_member(jwk, SLICE("key_ops"));

	if (!ops)
		return true;
	if (json_type(ops) != JSON_ARRAY)
		return false;
	JSON_EACH (op, ops)
		if (slice_eq(json_string(op), word))
			return true;
	return false;
}

/* What `alg` leaves of `algorithms`. */
static uint32_t bind_alg(const struct json_node *jwk, uint32_t algorithms)
{
	const struct json_node *alg = json_member(jwk, SLICE("alg"));

	if (!alg)
		return algorithms;
	/* RFC 9864 names the curve. */
	if (slice_eq(json_string(alg), SLICE("Ed25519")))
		return algorithms & JWA_BIT(JWA_EDDSA);
	enum jwa known = jwa_find(json_string(alg));
	return known ? algorithms & JWA_BIT(known) : 0;
}

static uint32_t secret_algorithms(size_t bytes)
{
	uint32_t algorithms = 0;

	for (int alg = JWA_NONE + 1; alg < JWA_COUNT; alg++) {
		uint32_t least = jwa_hmac_bytes((enum jwa)alg);
		if (least && bytes >= least)
			algorithms |= JWA_BIT(alg);
	}
	return algorithms;
}

/* NULL without memory; length 0 becomes an allocated byte. */
static void *copy_bytes(struct slice s)
{
	char *copy = malloc(s.len + 1);

	if (copy && s.len)
		memcpy(copy, s.data, s.len);
	return copy;
}

static int read_secret(const struct json_node *jwk, struct jwk *key)
{
	struct slice text = json_string(json_member(jwk, SLICE("k")));
	size_t room = BASE64_BYTES(text.len);

	key->secret = malloc(room);
	if (!key->secret)
		return err_raise(ENOMEM, "a key");
	/* Passed over, it would hide that its kid stands for something else as well. */
	if (!base64url_decode(text, key->secret, room, &key->secret_len))
		return JWK_WRONG;
	key->algorithms = secret_algorithms(key->secret_len);
	return 0;
}

static int read_public(const struct json_node *jwk, struct slice type, struct jwk *key)
{
	if (slice_eq(type, SLICE("EC")))
		key->pkey = pkey_from_ec(jwk);
	else if (slice_eq(type, SLICE("RSA")))
		key->pkey = pkey_from_rsa(jwk);
	else if (slice_eq(type, SLICE("OKP")))
		key->pkey = pkey_from_okp(jwk);
	if (!key->pkey)
		return JWK_UNUSABLE;
	key->algorithms = pkey_algorithms(key->pkey);
	return 0;
}

/* One key of a set. JWK_UNUSABLE: it is passed over. */
static int read_jwk(const struct jwk_ring *ring, const struct json_node *jwk, bool secrets,
		    struct jwk *key)
{
	const struct json_node *id = json_member(jwk, SLICE("kid"));
	struct slice type = json_string(json_member(jwk, SLICE("kty")));
	bool oct = slice_eq(type, SLICE("oct"));
	int r;

	if (json_type(jwk) != JSON_OBJECT || !says(jwk, SLICE("use"), SLICE("sig")) ||
	    (oct && !secrets) || (!may(jwk, SLICE("verify")) && !(oct && may(jwk, SLICE("sign")))))
		return JWK_UNUSABLE;
	if (id && (json_type(id) != JSON_STRING || id->len > JWK_ID_MAX))
		return JWK_UNUSABLE;
	/* A private key that somebody publishes signs for everybody. */
	if (json_member(jwk, SLICE("d")))
		return JWK_UNUSABLE;
	r = oct ? read_secret(jwk, key) : read_public(jwk, type, key);
	if (r)
		return r;
	key->algorithms = bind_alg(jwk, key->algorithms) & ring->algorithms;
	if (!key->algorithms)
		return JWK_UNUSABLE;
	key->id_len = id ? id->len : 0;
	key->id = copy_bytes(json_string(id));
	return key->id ? 0 : err_raise(ENOMEM, "a key");
}

static int add_jwk(struct jwk_ring *ring, const struct json_node *jwk, bool secrets,
		   const char **detail)
{
	struct jwk key = {0};
	int r = read_jwk(ring, jwk, secrets, &key);

	/* What OpenSSL thought of a key that was passed over must not be read later as if it
	 * were about something else. */
	ERR_clear_error();
	if (r == 0)
		return ring_append(ring, &key, detail);
	jwk_deinit(&key);
	*detail = "a secret that is not base64url";
	return r == JWK_UNUSABLE ? 0 : r == JWK_WRONG ? JWK_UNUSABLE : r;
}

static bool is_oct(const struct json_node *jwk)
{
	return slice_eq(json_string(json_member(jwk, SLICE("kty"))), SLICE("oct"));
}

/* Secrets and public keys in one set are how one is taken for the other. */
static bool set_is_mixed(const struct json_node *keys)
{
	size_t secrets = 0, all = 0;

	JSON_EACH (jwk, keys) {
		secrets += is_oct(jwk);
		all++;
	}
	return secrets && secrets != all;
}

static int unusable(const char **detail, const char *why)
{
	*detail = why;
	return JWK_UNUSABLE;
}

static int add_keys(struct jwk_ring *ring, const struct json_node *root, bool secrets,
		    const char **detail)
{
	const struct json_node *keys = json_member_typed(root, SLICE("keys"), JSON_ARRAY);

	if (json_type(root) != JSON_OBJECT)
		return unusable(detail, "not a JSON object");
	if (!keys)
		return json_member(root, SLICE("kty"))
			       ? add_jwk(ring, root, secrets, detail)
			       : unusable(detail, "neither a set of keys nor a key");
	if (secrets && set_is_mixed(keys))
		return unusable(detail, "secrets and public keys in one set");
	JSON_EACH (jwk, keys) {
		int r = add_jwk(ring, jwk, secrets, detail);
		if (r)
			return r;
	}
	return 0;
}

static int add_set(struct jwk_ring *ring, struct slice text, bool secrets, const char **detail)
{
	static const struct json_limits limits = {.depth = 8, .members = 64, .values = 10000};
	struct json_doc doc;
	struct arena a;
	size_t before = ring->count;
	int r;

	if (text.len > JWK_TEXT_MAX)
		return unusable(detail, "longer than 256 KiB");
	arena_init(&a, 1 << 16, SET_ARENA_BYTES);
	r = json_read(text, &limits, &a, &doc) == REASON_NONE
		    ? add_keys(ring, doc.root, secrets, detail)
		    : unusable(detail, "not JSON");
	arena_deinit(&a);
	if (r == 0 && ring->count == before)
		return unusable(detail, "no key that verifies one of `algorithms`");
	return r;
}

int jwk_ring_add_set(struct jwk_ring *ring, struct slice text, const char **detail)
{
	return add_set(ring, text, false, detail);
}

int jwk_ring_add_set_with_secrets(struct jwk_ring *ring, struct slice text, const char **detail)
{
	return add_set(ring, text, true, detail);
}

/* --- PEM and secrets */

static int add_pem_key(struct jwk_ring *ring, EVP_PKEY *pkey, const char **detail)
{
	struct jwk key = {.pkey = pkey, .algorithms = pkey_algorithms(pkey) & ring->algorithms};

	key.id = copy_bytes(slice_of(NULL, 0));
	if (!key.id) {
		jwk_deinit(&key);
		return err_raise(ENOMEM, "a key");
	}
	if (key.algorithms)
		return ring_append(ring, &key, detail);
	jwk_deinit(&key);
	return unusable(detail, "a key that verifies none of `algorithms`, or is too weak");
}

int jwk_ring_add_pem(struct jwk_ring *ring, struct slice text, const char **detail)
{
	size_t before = ring->count;
	int r = 0;

	if (text.len > JWK_TEXT_MAX)
		return unusable(detail, "longer than 256 KiB");
	BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
	if (!bio)
		return err_raise(ENOMEM, "a key");
	for (EVP_PKEY *pkey; r == 0 && (pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL));)
		r = add_pem_key(ring, pkey, detail);
	BIO_free(bio);
	ERR_clear_error();
	if (r == 0 && ring->count == before)
		return unusable(detail, "no public key (BEGIN PUBLIC KEY)");
	return r;
}

int jwk_ring_add_secret(struct jwk_ring *ring, struct slice secret, const char **detail)
{
	struct jwk key = {.algorithms = secret_algorithms(secret.len) & ring->algorithms,
			  .secret_len = secret.len};

	if (secret.len < JWK_SECRET_MIN)
		return unusable(detail, "shorter than 32 bytes");
	if (!key.algorithms)
		return unusable(detail, "too short for all of `algorithms`");
	key.id = copy_bytes(slice_of(NULL, 0));
	key.secret = copy_bytes(secret);
	if (key.id && key.secret)
		return ring_append(ring, &key, detail);
	jwk_deinit(&key);
	return err_raise(ENOMEM, "a secret");
}
