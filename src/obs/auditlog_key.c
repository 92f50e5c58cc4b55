/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 by OpenSSL; see auditlog_key.h. */
#include "obs/auditlog_key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/base64.h"
#include "base/err.h"

enum { KEY_BYTES = 32 };

static struct slice key_text(const char text[AUDITLOG_KEY_CHARS])
{
	return slice_of(text, AUDITLOG_KEY_CHARS);
}

struct slice auditlog_key_x(const struct auditlog_key *k)
{
	return key_text(k->x);
}

struct slice auditlog_key_kid(const struct auditlog_key *k)
{
	return key_text(k->kid);
}

/* --- reading keys */

/* Nobody is asked for a passphrase: an encrypted key cannot be used. */
static int no_passphrase(char *into, int room, int writing, void *arg)
{
	(void)into, (void)room, (void)writing, (void)arg;
	return -1;
}

/* RFC 7638 section 3: the required members in their order, without white space. */
static bool name_key(struct auditlog_key *k)
{
	uint8_t raw[KEY_BYTES], hash[KEY_BYTES];
	size_t len = sizeof(raw);
	char text[128];

	if (!EVP_PKEY_get_raw_public_key(k->key, raw, &len) || len != sizeof(raw))
		return false;
	(void)base64url_encode(slice_of((const char *)raw, len), k->x, sizeof(k->x));
	int n = snprintf(text, sizeof(text), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%.*s\"}",
			 SLICE_ARG(key_text(k->x)));
	if (n < 0 || (size_t)n >= sizeof(text) ||
	    !EVP_Digest(text, (size_t)n, hash, NULL, EVP_sha256(), NULL))
		return false;
	(void)base64url_encode(slice_of((const char *)hash, sizeof(hash)), k->kid, sizeof(k->kid));
	return true;
}

/* Takes key over, in any case. */
static int add(struct auditlog_keys *k, EVP_PKEY *key)
{
	struct auditlog_key added = {.key = key};
	int r = 0;

	if (!key)
		r = AUDITLOG_NO_KEY;
	else if (!EVP_PKEY_is_a(key, "ED25519") || !name_key(&added))
		r = AUDITLOG_NOT_ED25519;
	else if (auditlog_keys_find(k, key_text(added.kid)))
		r = AUDITLOG_TWICE;
	else if (k->count == AUDITLOG_KEYS_MAX)
		r = AUDITLOG_FULL;
	else
		k->keys[k->count++] = added;
	if (r)
		EVP_PKEY_free(key);
	ERR_clear_error();
	return r;
}

static BIO *open_text(struct slice pem)
{
	return pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
}

int auditlog_keys_add(struct auditlog_keys *k, struct slice pem)
{
	BIO *bio = open_text(pem);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	return add(k, key);
}

int auditlog_keys_add_public(struct auditlog_keys *k, struct slice pem)
{
	BIO *bio = open_text(pem);
	EVP_PKEY *key;
	bool any = false;
	int r = 0;

	while (r == 0 && bio && (key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL))) {
		any = true;
		r = add(k, key);
		if (r == AUDITLOG_TWICE)
			r = 0;
	}
	BIO_free(bio);
	ERR_clear_error();
	return r ? r : any ? 0 : AUDITLOG_NO_KEY;
}

int auditlog_keys_add_x(struct auditlog_keys *k, struct slice x)
{
	uint8_t raw[KEY_BYTES];
	size_t len;

	for (size_t i = 0; i < k->count; i++)
		if (slice_eq(key_text(k->keys[i].x), x))
			return 0;
	if (!base64url_decode(x, raw, sizeof(raw), &len) || len != sizeof(raw))
		return AUDITLOG_NOT_ED25519;
	return add(k, EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, len));
}

const char *auditlog_keys_complaint(int outcome)
{
	switch (outcome) {
	case AUDITLOG_NO_KEY:
		return "no key in PEM, or one with a passphrase";
	case AUDITLOG_NOT_ED25519:
		return "not a key of Ed25519";
	case AUDITLOG_TWICE:
		return "the same key is there twice";
	case AUDITLOG_FULL:
		return "there are more keys than 16";
	default:
		return "not usable";
	}
}

void auditlog_keys_deinit(struct auditlog_keys *k)
{
	for (size_t i = 0; k && i < k->count; i++)
		EVP_PKEY_free(k->keys[i].key);
	if (k)
		*k = (struct auditlog_keys){0};
}

const struct auditlog_key *auditlog_keys_find(const struct auditlog_keys *k, struct slice kid)
{
	for (size_t i = 0; i < k->count; i++)
		if (slice_eq(key_text(k->keys[i].kid), kid))
			return &k->keys[i];
	return NULL;
}

struct auditlog_key auditlog_key_ref(const struct auditlog_key *k)
{
	struct auditlog_key copy = *k;

	if (copy.key)
		EVP_PKEY_up_ref(copy.key);
	return copy;
}

void auditlog_key_deinit(struct auditlog_key *k)
{
	EVP_PKEY_free(k->key);
	*k = (struct auditlog_key){0};
}

/* --- writing keys */

static int append_bio(BIO *bio, struct buf *to)
{
	char *text = NULL;
	long len = BIO_get_mem_data(bio, &text);

	return len > 0 ? buf_append(to, slice_of(text, (size_t)len)) : -ENOMEM;
}

int auditlog_key_pem(const struct auditlog_key *k, struct buf *to)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int r = bio && PEM_write_bio_PUBKEY(bio, k->key)
			? buf_printf(to, "# sallyport audit log, key %.*s\n",
				     SLICE_ARG(key_text(k->kid)))
			: err_raise(ENOMEM, "a public key");

	if (r == 0)
		r = append_bio(bio, to);
	BIO_free(bio);
	return r;
}

int auditlog_key_make(struct buf *pem)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_secmem());
	bool good =
		key && bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	int r = good ? append_bio(bio, pem) : err_raise(EIO, "cannot make a key of Ed25519");

	BIO_free(bio);
	EVP_PKEY_free(key);
	return r;
}

/* --- signatures */

bool auditlog_sign(const struct auditlog_key *k, struct slice text,
		   char out[AUDITLOG_SIGNATURE_CHARS])
{
	uint8_t raw[AUDITLOG_SIGNATURE_BYTES];
	size_t len = sizeof(raw);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && k->key && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->key) == 1 &&
		    EVP_DigestSign(ctx, raw, &len, (const uint8_t *)text.data, text.len) == 1 &&
		    len == sizeof(raw);

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (good)
		(void)base64url_encode(slice_of((const char *)raw, len), out,
				       AUDITLOG_SIGNATURE_CHARS);
	return good;
}

bool auditlog_verify(const struct auditlog_key *k, struct slice text, struct slice signature)
{
	uint8_t raw[AUDITLOG_SIGNATURE_BYTES];
	size_t len;

	if (!base64url_decode(signature, raw, sizeof(raw), &len) || len != sizeof(raw))
		return false;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && k->key && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->key) == 1 &&
		    EVP_DigestVerify(ctx, raw, len, (const uint8_t *)text.data, text.len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}
