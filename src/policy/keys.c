/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files to derived keys, and HMAC-SHA-256 by OpenSSL.
 */
#include "policy/keys.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/ct.h"
#include "base/err.h"

enum { DISTINCT_BYTES_MIN = 8 };

/* A thread's own: making one, and looking its algorithms up, takes longer than a short HMAC. Until
 * its next use it holds what the last key came to; that key is in a keyset all the same. */
static _Thread_local EVP_MAC_CTX *context;
static pthread_key_t context_key;
static int context_key_failed;
static EVP_MAC *hmac;
static pthread_once_t hmac_once = PTHREAD_ONCE_INIT;

static void free_context(void *c)
{
	EVP_MAC_CTX_free(c);
}

static void fetch_hmac(void)
{
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	context_key_failed = pthread_key_create(&context_key, free_context);
}

static EVP_MAC_CTX *new_context(void)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("digest", digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(hmac);
	if (c && EVP_MAC_CTX_set_params(c, params) && pthread_setspecific(context_key, c) == 0)
		return c;
	EVP_MAC_CTX_free(c);
	return NULL;
}

static bool hmac_run(struct slice key, const struct slice *parts, size_t count,
		     uint8_t tag[KEYS_DERIVED_BYTES])
{
	size_t len = 0;
	if (!EVP_MAC_init(context, (const unsigned char *)key.data, key.len, NULL))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len &&
		    !EVP_MAC_update(context, (const unsigned char *)parts[i].data, parts[i].len))
			return false;
	}
	return EVP_MAC_final(context, tag, &len, KEYS_DERIVED_BYTES) && len == KEYS_DERIVED_BYTES;
}

int keys_hmac(struct slice key, const struct slice *parts, size_t count,
	      uint8_t tag[KEYS_DERIVED_BYTES])
{
	memset(tag, 0, KEYS_DERIVED_BYTES);
	pthread_once(&hmac_once, fetch_hmac);
	if (!hmac || context_key_failed)
		return err_raise(ENOTSUP, "OpenSSL has no HMAC");
	if (!context)
		context = new_context();
	if (!context)
		return err_raise(ENOMEM, "HMAC");
	/* Without a key it would go on with the one before. */
	if (key.data && hmac_run(key, parts, count, tag))
		return 0;
	memset(tag, 0, KEYS_DERIVED_BYTES);
	return err_raise(EIO, "OpenSSL could not compute an HMAC");
}

static size_t distinct_bytes(struct slice s)
{
	bool seen[256] = {false};
	size_t distinct = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		distinct += !seen[c];
		seen[c] = true;
	}
	return distinct;
}

static int derive(struct slice contents, const char *label, uint8_t out[KEYS_DERIVED_BYTES])
{
	const struct slice parts[] = {SLICE("sallyport 1 "), slice_from_cstr(label)};
	return keys_hmac(contents, parts, 2, out);
}

static int derive_all(struct slice contents, struct key *key)
{
	static const char *const labels[KEY_LABEL_COUNT] = {
		[KEY_TICKET] = "ticket",
		[KEY_CSRF] = "csrf",
		[KEY_PROOF] = "proof",
	};
	uint8_t id[KEYS_DERIVED_BYTES];
	int r = derive(contents, "id", id);
	memcpy(key->id, id, sizeof(key->id));
	for (size_t i = 0; !r && i < KEY_LABEL_COUNT; i++)
		r = derive(contents, labels[i], key->derived[i]);
	return r;
}

int keyset_add(struct keyset *k, struct slice contents)
{
	if (contents.len < KEYS_FILE_MIN)
		return KEYS_SHORT;
	if (contents.len > KEYS_FILE_MAX)
		return KEYS_LONG;
	if (distinct_bytes(contents) < DISTINCT_BYTES_MIN)
		return KEYS_WEAK;
	if (k->count == KEYS_MAX)
		return KEYS_FULL;

	struct key key;
	int r = derive_all(contents, &key);
	/* The id decides which key is asked, so two keys with one id would hide each other. */
	for (size_t i = 0; !r && i < k->count; i++) {
		if (memcmp(k->keys[i].id, key.id, sizeof(key.id)) == 0)
			r = KEYS_TWICE;
	}
	if (!r)
		k->keys[k->count++] = key;
	ct_wipe(&key, sizeof(key));
	return r;
}

const char *keyset_complaint(int outcome)
{
	switch (outcome) {
	case 0:
		return "the key is good";
	case KEYS_SHORT:
		return "a key has at least 32 bytes";
	case KEYS_LONG:
		return "a key has at most 4096 bytes";
	case KEYS_WEAK:
		return "a key has at least eight different bytes: this one is a pattern";
	case KEYS_FULL:
		return "there are more than 16 keys: remove the oldest";
	case KEYS_TWICE:
		return "this key is there already, under another name";
	default:
		return "the key could not be derived";
	}
}

void keyset_deinit(struct keyset *k)
{
	if (k)
		ct_wipe(k, sizeof(*k));
}
