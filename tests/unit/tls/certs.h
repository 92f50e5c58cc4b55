/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Certificates for tests, made on the spot and written to a folder that certs_end removes.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/obj.h"
#include "unit.h"

struct cert_row {
	const char *san;        /* NULL: no extension */
	int from_days, to_days; /* from now */
	int rsa_bits;           /* 0: P-256 */
	const char *key_password;
};

static char certs_folder[] = "/tmp/sallyport-test-XXXXXX";
static char certs_paths[64][128];
static size_t certs_count;

static inline const char *certs_path(const char *name)
{
	MUST(certs_count < COUNT(certs_paths));
	char *path = certs_paths[certs_count++];

	snprintf(path, sizeof(certs_paths[0]), "%s/%s", certs_folder, name);
	return path;
}

static inline const char *certs_file(const char *name, const char *text)
{
	const char *path = certs_path(name);
	FILE *f = fopen(path, "w");

	MUST(f);
	fputs(text, f);
	fclose(f);
	return path;
}

/* Writes <name>.crt and <name>.key; signed by itself. */
static inline void certs_make(const char *name, const struct cert_row *row)
{
	char file[48];
	X509V3_CTX context;
	X509 *x = X509_new();
	EVP_PKEY *key = row->rsa_bits ? EVP_RSA_gen((unsigned)row->rsa_bits) : EVP_EC_gen("P-256");

	MUST(x && key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1 + (long)certs_count);
	X509_gmtime_adj(X509_getm_notBefore(x), row->from_days * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(x), row->to_days * 86400L);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
	if (row->san) {
		X509_EXTENSION *e =
			X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, row->san);

		MUST(e);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	MUST(X509_sign(x, key, EVP_sha256()));
	snprintf(file, sizeof(file), "%s.crt", name);
	FILE *f = fopen(certs_path(file), "w");
	MUST(f && PEM_write_X509(f, x));
	fclose(f);
	snprintf(file, sizeof(file), "%s.key", name);
	f = fopen(certs_path(file), "w");
	MUST(f && PEM_write_PrivateKey(
			  f, key, row->key_password ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
			  row->key_password ? (void *)(uintptr_t)row->key_password : NULL));
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* The path of a file that was made; the slice lives until certs_end. */
static inline struct slice certs(const char *file)
{
	for (size_t i = 0; i < certs_count; i++) {
		const char *base = strrchr(certs_paths[i], '/') + 1;

		if (strcmp(base, file) == 0)
			return slice_from_cstr(certs_paths[i]);
	}
	return slice_from_cstr("/nonexistent/file.pem");
}

static inline uint64_t certs_now(void)
{
	return (uint64_t)time(NULL) * 1000;
}

static inline int certs_begin(void **state)
{
	(void)state;
	return mkdtemp(certs_folder) ? 0 : -1;
}

static inline int certs_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < certs_count; i++)
		unlink(certs_paths[i]);
	return rmdir(certs_folder);
}
