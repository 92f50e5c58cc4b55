/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signatures: project Wycheproof's vectors from the test data, keys that are not
 * good enough, and signatures by keys made here.
 */
#include "unit.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "json/read.h"
#include "json/write.h"
#include "policy/jwk_slot.h"
#include "token_unit.h"

/* --- Wycheproof */

/* Byte for byte the same as tcId 357 of the same group, which is valid. */
static const int64_t same_as_valid[] = {367, 370};

/* Valid, and refused all the same: characters that are not of base64url, and keys whose `alg` is
 * another than the token's. */
static const int64_t refused_here[] = {372, 373, 346, 350};

static bool listed(const int64_t *list, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == id)
			return true;
	return false;
}

static enum reason judge_vector(const struct json_node *key, struct slice token)
{
	static const struct jwt_rules rules = {.algorithms = JWA_ALL};
	struct jwk_ring *ring = jwk_ring_new(JWA_ALL);
	enum reason reason = REASON_CREDENTIAL_INVALID;
	const char *detail = NULL;
	struct slice payload;
	struct arena a;
	struct buf b;

	arena_init(&a, 4096, 1 << 20);
	buf_init(&b, JWK_TEXT_MAX);
	assert_int_equal(json_write(key, NULL, &b), 0);
	if (jwk_ring_add_set_with_secrets(ring, buf_slice(&b), &detail) == 0)
		reason = jwt_judge_signature(token, ring, &rules, &a, &payload).reason;
	buf_deinit(&b);
	arena_deinit(&a);
	jwk_ring_unref(ring);
	return reason;
}

static void check_group(const char *file, const struct json_node *group, size_t *count)
{
	bool exceptions = strstr(file, "signature") != NULL;
	const struct json_node *key = json_member(group, SLICE("public"));
	const struct json_node *tests = json_member(group, SLICE("tests"));

	if (!key)
		key = json_member(group, SLICE("private"));
	JSON_EACH (test, tests) {
		int64_t id = 0;
		const struct json_node *jws = json_member_typed(test, SLICE("jws"), JSON_STRING);
		bool valid =
			slice_eq(json_string(json_member(test, SLICE("result"))), SLICE("valid"));
		assert_true(json_integer(json_member(test, SLICE("tcId")), &id));
		if (!jws)
			continue; /* encrypted, or the JSON serialisation */
		if (exceptions && listed(same_as_valid, COUNT(same_as_valid), id))
			continue;
		if (exceptions && listed(refused_here, COUNT(refused_here), id))
			valid = false;
		bool good = judge_vector(key, json_string(jws)) == REASON_NONE;
		if (good != valid)
			fail_msg("%s %d: %s", file, (int)id, good ? "accepted" : "refused");
		++*count;
	}
}

static size_t check_file(const char *folder, const char *file)
{
	static const struct json_limits limits = {.depth = 16, .members = 10000, .values = 1 << 20};
	char path[4096];
	struct json_doc doc;
	struct arena a;
	size_t count = 0;

	snprintf(path, sizeof(path), "%s/jwt/wycheproof-%s.json", folder, file);
	FILE *f = fopen(path, "rb");
	if (!f)
		return 0;
	arena_init(&a, 1 << 20, 1 << 26);
	char *text = arena_alloc(&a, 4 << 20);
	size_t len = fread(text, 1, 4 << 20, f);
	fclose(f);
	assert_int_equal(json_read(slice_of(text, len), &limits, &a, &doc), REASON_NONE);
	JSON_EACH (group, json_member(doc.root, SLICE("testGroups")))
		check_group(file, group, &count);
	arena_deinit(&a);
	return count;
}

static void wycheproof(void **state)
{
	static const char *const files[] = {"json_web_signature", "json_web_key",
					    "json_web_crypto"};
	const char *folder = getenv("SALLYPORT_TESTDATA");
	size_t count = 0;

	(void)state;
	for (size_t i = 0; folder && i < COUNT(files); i++)
		count += check_file(folder, files[i]);
	if (!count)
		skip();
	assert_true(count > 300);
}

/* --- keys that are read, and keys that are not */

#define B64_32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
/* RFC 7515 appendix A.3, RFC 8037 appendix A.1 */
#define EC_X   "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y   "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC_KEY "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define OKP_KEY                                                                                    \
	"\"kty\":\"OKP\",\"crv\":\"Ed25519\","                                                     \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static void sets(void **state)
{
	static const struct {
		const char *says, *text;
		bool secrets;
		size_t count; /* 0: unusable */
	} rows[] = {
		/* clang-format off */
		{"one key", "{" EC_KEY "}", false, 1},
		{"a set", "{\"keys\":[{" EC_KEY "},{" OKP_KEY "}]}", false, 2},
		{"use", "{\"use\":\"sig\"," EC_KEY "}", false, 1},
		{"use for something else", "{\"use\":\"enc\"," EC_KEY "}", false, 0},
		{"use is a list", "{\"use\":[\"sig\"]," EC_KEY "}", false, 0},
		{"operations", "{\"key_ops\":[\"sign\",\"verify\"]," EC_KEY "}", false, 1},
		{"other operations", "{\"key_ops\":[\"encrypt\"]," EC_KEY "}", false, 0},
		{"operations are no list", "{\"key_ops\":\"verify\"," EC_KEY "}", false, 0},
		{"alg", "{\"alg\":\"ES256\"," EC_KEY "}", false, 1},
		{"alg of another curve", "{\"alg\":\"ES384\"," EC_KEY "}", false, 0},
		{"alg of another type", "{\"alg\":\"RS256\"," EC_KEY "}", false, 0},
		{"alg of a secret", "{\"alg\":\"HS256\"," EC_KEY "}", false, 0},
		{"alg of nothing", "{\"alg\":\"ES224\"," EC_KEY "}", false, 0},
		{"alg is a number", "{\"alg\":1," EC_KEY "}", false, 0},
		{"alg EdDSA", "{\"alg\":\"EdDSA\"," OKP_KEY "}", false, 1},
		{"alg Ed25519", "{\"alg\":\"Ed25519\"," OKP_KEY "}", false, 1},
		{"a private key", "{\"d\":\"" B64_32 "\"," EC_KEY "}", false, 0},
		{"a private key among others", "{\"keys\":[{\"d\":\"" B64_32 "\"," EC_KEY "},{" OKP_KEY "}]}", false, 1},
		{"kid is a number", "{\"kid\":1," EC_KEY "}", false, 0},
		{"no point of the curve", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"}", false, 0},
		{"the point at zero", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" B64_32 "\",\"y\":\"" B64_32 "\"}", false, 0},
		{"another curve", "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", false, 0},
		{"a curve that is not ours", "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", false, 0},
		{"a coordinate that is short", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"" EC_Y "\"}", false, 0},
		{"no y", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"}", false, 0},
		{"padding", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "=\",\"y\":\"" EC_Y "\"}", false, 0},
		{"Ed448", "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" B64_32 "\"}", false, 0},
		{"another type", "{\"kty\":\"RSA\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", false, 0},
		{"no type", "{\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", false, 0},
		{"RSA of 16 bits", "{\"kty\":\"RSA\",\"n\":\"3Q0\",\"e\":\"AQAB\"}", false, 0},
		{"a secret from the network", "{\"kty\":\"oct\",\"k\":\"" B64_32 "\"}", false, 0},
		{"a secret for tools", "{\"kty\":\"oct\",\"k\":\"" B64_32 "\"}", true, 1},
		{"a short secret", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", true, 0},
		{"an empty secret", "{\"kty\":\"oct\",\"k\":\"\"}", true, 0},
		{"secrets and keys mixed", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" B64_32 "\"},{" EC_KEY "}]}", true, 0},
		{"no keys", "{\"keys\":[]}", false, 0},
		{"keys are no list", "{\"keys\":{}}", false, 0},
		{"a list", "[{" EC_KEY "}]", false, 0},
		{"no JSON", "<html>", false, 0},
		{"nothing", "", false, 0},
		{"a member twice", "{" EC_KEY "," EC_KEY "}", false, 0},
		{"no objects", "{\"keys\":[1,\"x\",null,[]]}", false, 0},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct jwk_ring *ring = jwk_ring_new(JWA_ALL);
		const char *detail = NULL;
		struct slice text = slice_from_cstr(at->text);
		int r = at->secrets ? jwk_ring_add_set_with_secrets(ring, text, &detail)
				    : jwk_ring_add_set(ring, text, &detail);
		ROW_CHECK(at, r == (at->count ? 0 : JWK_UNUSABLE));
		ROW_CHECK(at, r == 0 || detail);
		ROW_CHECK(at, jwk_ring_count(ring) == at->count);
		jwk_ring_unref(ring);
	}
}

static void too_many(void **state)
{
	struct jwk_ring *ring = jwk_ring_new(JWA_ALL);
	const char *detail = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(buf_append(&b, SLICE("{\"keys\":[")), 0);
	for (int i = 0; i <= JWK_RING_MAX; i++)
		assert_int_equal(buf_printf(&b, "%s{%s}", i ? "," : "", OKP_KEY), 0);
	assert_int_equal(buf_append(&b, SLICE("]}")), 0);
	assert_int_equal(jwk_ring_add_set(ring, buf_slice(&b), &detail), JWK_UNUSABLE);
	jwk_ring_unref(ring);

	ring = jwk_ring_new(JWA_ALL);
	buf_clear(&b);
	assert_int_equal(buf_printf(&b, "%*s{%s}", JWK_TEXT_MAX, "", OKP_KEY), 0);
	assert_int_equal(jwk_ring_add_set(ring, buf_slice(&b), &detail), JWK_UNUSABLE);
	buf_deinit(&b);
	jwk_ring_unref(ring);
}

/* --- keys made here */

static struct slice pem_of(EVP_PKEY *pkey, bool private, char *text, size_t room)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int r = private ? PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
			: PEM_write_bio_PUBKEY(bio, pkey);
	assert_int_equal(r, 1);
	int len = BIO_read(bio, text, (int)room);
	assert_true(len > 0);
	BIO_free(bio);
	return slice_of(text, (size_t)len);
}

static struct jwk_ring *ring_of(EVP_PKEY *pkey, uint32_t algorithms)
{
	char text[8192];
	const char *detail = NULL;
	struct jwk_ring *ring = jwk_ring_new(algorithms);

	assert_int_equal(jwk_ring_add_pem(ring, pem_of(pkey, false, text, sizeof(text)), &detail),
			 0);
	return ring;
}

/* r | s of an ECDSA signature of 32-byte numbers, or the bytes as they are. */
static struct slice sign(EVP_PKEY *pkey, const EVP_MD *md, bool pss, struct slice covered,
			 unsigned char out[1024])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	unsigned char der[1024];
	size_t len = sizeof(der);

	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, pkey), 1);
	if (pss)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
			    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1);
	assert_int_equal(
		EVP_DigestSign(ctx, der, &len, (const unsigned char *)covered.data, covered.len),
		1);
	EVP_MD_CTX_free(ctx);
	if (!EVP_PKEY_is_a(pkey, "EC")) {
		memcpy(out, der, len);
		return slice_of((const char *)out, len);
	}
	const unsigned char *at = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);
	return slice_of((const char *)out, 64);
}

static enum jwk_result verify(struct jwk_ring *ring, enum jwa alg, struct slice signature)
{
	struct slice id;
	return jwk_ring_verify(ring, alg, slice_of(NULL, 0), SLICE("a.b"), signature, &id);
}

static void elliptic(void **state)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	struct jwk_ring *ring = ring_of(pkey, JWA_ALL), *other = ring_of(pkey, JWA_BIT(JWA_ES256));
	unsigned char bytes[1024], bad[1024] = {0};
	struct slice good = sign(pkey, EVP_sha256(), false, SLICE("a.b"), bytes);
	const struct slice zero = slice_of((const char *)bad, 64);
	/* the order of P-256 (SEC 2, section 2.4.2) */
	static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,
						0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
						0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
						0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

	(void)state;
	assert_int_equal(verify(ring, JWA_ES256, good), JWK_GENUINE);
	assert_int_equal(verify(other, JWA_ES256, good), JWK_GENUINE);
	assert_int_equal(verify(ring, JWA_ES384, good), JWK_FORGED);
	assert_int_equal(verify(ring, JWA_HS256, good), JWK_FORGED);
	/* psychic ones: CVE-2022-21449 */
	assert_int_equal(verify(ring, JWA_ES256, zero), JWK_FORGED);
	memcpy(bad, order, 32);
	memcpy(bad + 32, order, 32);
	assert_int_equal(verify(ring, JWA_ES256, zero), JWK_FORGED);
	memcpy(bad, bytes, 64);
	memset(bad + 32, 0, 32);
	assert_int_equal(verify(ring, JWA_ES256, zero), JWK_FORGED);
	memcpy(bad, bytes, 64);
	memset(bad, 0, 32);
	assert_int_equal(verify(ring, JWA_ES256, zero), JWK_FORGED);
	/* other lengths, and DER */
	for (size_t len = 0; len < 200; len++)
		if (len != 64)
			assert_int_equal(
				verify(ring, JWA_ES256, slice_of((const char *)bytes, len)),
				JWK_FORGED);
	jwk_ring_unref(ring);
	jwk_ring_unref(other);
	EVP_PKEY_free(pkey);
}

static void rsa(void **state)
{
	EVP_PKEY *pkey = EVP_RSA_gen(2048), *weak = EVP_RSA_gen(1024);
	struct jwk_ring *ring = ring_of(pkey, JWA_ALL), *pss = ring_of(pkey, JWA_BIT(JWA_PS256));
	unsigned char bytes[1024];
	char text[8192];
	const char *detail = NULL;

	(void)state;
	struct slice plain = sign(pkey, EVP_sha256(), false, SLICE("a.b"), bytes);
	assert_int_equal(verify(ring, JWA_RS256, plain), JWK_GENUINE);
	assert_int_equal(verify(ring, JWA_RS384, plain), JWK_FORGED);
	assert_int_equal(verify(ring, JWA_PS256, plain), JWK_FORGED);
	assert_int_equal(verify(pss, JWA_RS256, plain), JWK_FORGED);
	assert_int_equal(verify(ring, JWA_RS256, slice_first(plain, 255)), JWK_FORGED);
	assert_int_equal(verify(ring, JWA_RS256, slice_of(NULL, 0)), JWK_FORGED);
	struct slice padded = sign(pkey, EVP_sha256(), true, SLICE("a.b"), bytes);
	assert_int_equal(verify(ring, JWA_PS256, padded), JWK_GENUINE);
	assert_int_equal(verify(pss, JWA_PS256, padded), JWK_GENUINE);
	assert_int_equal(verify(ring, JWA_RS256, padded), JWK_FORGED);

	struct jwk_ring *none = jwk_ring_new(JWA_ALL);
	assert_int_equal(jwk_ring_add_pem(none, pem_of(weak, false, text, sizeof(text)), &detail),
			 JWK_UNUSABLE);
	assert_int_equal(jwk_ring_add_pem(none, pem_of(pkey, true, text, sizeof(text)), &detail),
			 JWK_UNUSABLE);
	assert_int_equal(jwk_ring_add_pem(none, SLICE("no PEM"), &detail), JWK_UNUSABLE);
	jwk_ring_unref(none);
	/* the public key as a secret: the old confusion */
	none = jwk_ring_new(JWA_ALL_PUBLIC);
	assert_int_equal(
		jwk_ring_add_secret(none, pem_of(pkey, false, text, sizeof(text)), &detail),
		JWK_UNUSABLE);
	jwk_ring_unref(none);
	jwk_ring_unref(ring);
	jwk_ring_unref(pss);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(weak);
}

static void edwards(void **state)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct jwk_ring *ring = ring_of(pkey, JWA_ALL);
	unsigned char bytes[1024];
	struct slice good = sign(pkey, NULL, false, SLICE("a.b"), bytes);

	(void)state;
	assert_int_equal(verify(ring, JWA_EDDSA, good), JWK_GENUINE);
	assert_int_equal(verify(ring, JWA_ES256, good), JWK_FORGED);
	bytes[0] ^= 1;
	assert_int_equal(verify(ring, JWA_EDDSA, good), JWK_FORGED);
	assert_int_equal(verify(ring, JWA_EDDSA, slice_first(good, 63)), JWK_FORGED);
	jwk_ring_unref(ring);
	EVP_PKEY_free(pkey);
}

/* --- which key */

static void add(struct jwk_ring *ring, const char *kid, int number)
{
	char text[256];
	const char *detail;
	int len = snprintf(text, sizeof(text), "{\"kty\":\"oct\",%s%s%s\"k\":\"%s%02d\"}",
			   kid ? "\"kid\":\"" : "", kid ? kid : "", kid ? "\"," : "",
			   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", number);
	assert_int_equal(jwk_ring_add_set_with_secrets(ring, slice_of(text, (size_t)len), &detail),
			 0);
}

static enum jwk_result by(const struct jwk_ring *ring, const char *kid, int number,
			  struct slice *id)
{
	char k[64];
	uint8_t secret[64], tag[32];
	size_t len;
	struct slice covered = SLICE("a.b");
	int n = snprintf(k, sizeof(k), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%02d", number);

	assert_true(base64url_decode(slice_of(k, (size_t)n), secret, sizeof(secret), &len));
	assert_int_equal(keys_hmac(slice_of((const char *)secret, len), &covered, 1, tag), 0);
	return jwk_ring_verify(ring, JWA_HS256, slice_from_cstr(kid), covered,
			       slice_of((const char *)tag, sizeof(tag)), id);
}

static void choosing(void **state)
{
	struct jwk_ring *ring = jwk_ring_new(JWA_ALL);
	struct slice id;

	(void)state;
	add(ring, "one", 10);
	add(ring, "two", 11);
	assert_int_equal(by(ring, "one", 10, &id), JWK_GENUINE);
	assert_slice(id, "one");
	assert_int_equal(by(ring, "one", 11, &id), JWK_FORGED);
	assert_int_equal(by(ring, "two", 11, &id), JWK_GENUINE);
	assert_int_equal(by(ring, "three", 11, &id), JWK_UNKNOWN);
	assert_int_equal(by(ring, "", 11, &id), JWK_GENUINE);
	assert_slice(id, "two");
	assert_int_equal(by(ring, "", 12, &id), JWK_FORGED);
	add(ring, "one", 12);
	assert_int_equal(by(ring, "one", 10, &id), JWK_AMBIGUOUS);
	assert_int_equal(by(ring, "two", 11, &id), JWK_GENUINE);
	/* one without a kid may be the one of any token */
	add(ring, NULL, 20);
	assert_int_equal(by(ring, "three", 20, &id), JWK_GENUINE);
	assert_int_equal(id.len, 0);
	assert_int_equal(by(ring, "three", 21, &id), JWK_FORGED);
	jwk_ring_unref(ring);
}

static void tries_are_bounded(void **state)
{
	struct jwk_ring *ring = jwk_ring_new(JWA_ALL);
	struct slice id;

	(void)state;
	for (int i = 0; i <= JWK_TRIES_MAX; i++)
		add(ring, NULL, 10 + i);
	assert_int_equal(by(ring, "", 10 + JWK_TRIES_MAX - 1, &id), JWK_GENUINE);
	assert_int_equal(by(ring, "", 10 + JWK_TRIES_MAX, &id), JWK_FORGED);
	jwk_ring_unref(ring);
}

static void secrets(void **state)
{
	struct jwk_ring *ring = jwk_ring_new(JWA_ALL);
	const char *detail = NULL, text[] = "0123456789abcdef0123456789abcdef0123456789abcdef";

	(void)state;
	assert_int_equal(jwk_ring_add_secret(ring, slice_of(text, 31), &detail), JWK_UNUSABLE);
	assert_int_equal(jwk_ring_add_secret(ring, slice_of(text, 32), &detail), 0);
	jwk_ring_unref(ring);
	ring = jwk_ring_new(JWA_BIT(JWA_HS384));
	assert_int_equal(jwk_ring_add_secret(ring, slice_of(text, 47), &detail), JWK_UNUSABLE);
	assert_int_equal(jwk_ring_add_secret(ring, slice_of(text, 48), &detail), 0);
	jwk_ring_unref(ring);
}

static void slots(void **state)
{
	struct jwk_slot *slot = jwk_slot_new();
	struct jwk_ring *ring = token_ring(TOKEN_SECRET), *next = token_ring(TOKEN_SECRET);
	bool may_ask = true;

	(void)state;
	assert_null(jwk_slot_take(slot, &may_ask));
	assert_false(may_ask);
	jwk_slot_allow_asking(slot, true);
	jwk_slot_set(slot, ring);
	struct jwk_ring *taken = jwk_slot_take(slot, &may_ask);
	assert_ptr_equal(taken, ring);
	assert_true(may_ask);
	assert_true(jwk_ring_serial(ring) != jwk_ring_serial(next));
	jwk_slot_set(slot, next);
	assert_int_equal(jwk_ring_count(taken), 1); /* still ours */
	jwk_ring_unref(taken);
	jwk_slot_set(slot, NULL);
	assert_null(jwk_slot_take(slot, &may_ask));
	assert_null(jwk_slot_unref(jwk_slot_ref(slot)));
	jwk_slot_unref(slot);
	assert_null(jwk_slot_unref(NULL));
	assert_null(jwk_ring_unref(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wycheproof), cmocka_unit_test(sets),
		cmocka_unit_test(too_many),   cmocka_unit_test(elliptic),
		cmocka_unit_test(rsa),        cmocka_unit_test(edwards),
		cmocka_unit_test(choosing),   cmocka_unit_test(tries_are_bounded),
		cmocka_unit_test(secrets),    cmocka_unit_test(slots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
