/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, from files or made on the spot; see certificate.h. */
#include "tls/certificate.h"

#include <ctype.h>
#include <limits.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "net/random.h"
#include "tls/openssl.h"

enum { DEVELOPMENT_DAYS = 30, RSA_BITS = 2048 };

/* The sentence says it all: "Invalid argument" behind it would only puzzle. */
#define WRONG(...) (err_raise(0, __VA_ARGS__), -EINVAL)

static void certificate_free(struct tls_certificate *c)
{
	for (size_t i = 0; i < c->name_count; i++)
		OPENSSL_free((void *)(uintptr_t)c->names[i].data);
	free(c->names);
	free(c->addresses);
	OPENSSL_free((void *)(uintptr_t)c->pem.data);
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	free(c);
}

struct tls_certificate *tls_certificate_ref(struct tls_certificate *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

struct tls_certificate *tls_certificate_unref(struct tls_certificate *c)
{
	if (c && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		certificate_free(c);
	return NULL;
}

static struct tls_certificate *certificate_new(void)
{
	struct tls_certificate *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	c->chain = sk_X509_new_null();
	if (c->chain)
		return c;
	free(c);
	return NULL;
}

/* --- reading files */

static int open_file(struct slice path, char *text, size_t room, BIO **file)
{
	int r = openssl_cstr(path, text, room);

	if (r)
		return r;
	errno = 0;
	*file = BIO_new_file(text, "r");
	if (*file)
		return 0;
	int error = errno ? errno : ENOENT;
	ERR_clear_error();
	return err_raise(error, "cannot read %s", text);
}

static int read_chain(struct tls_certificate *c, BIO *file, const char *path)
{
	X509 *next;

	c->leaf = PEM_read_bio_X509(file, NULL, NULL, NULL);
	if (!c->leaf) {
		ERR_clear_error();
		return WRONG("%s holds no certificate in PEM form", path);
	}
	while ((next = PEM_read_bio_X509(file, NULL, NULL, NULL))) {
		if (!sk_X509_push(c->chain, next)) {
			X509_free(next);
			return openssl_raise(ENOMEM, "cannot keep %s", path);
		}
	}
	/* The end of the file is the only good reason to stop. */
	unsigned long error = ERR_peek_last_error();
	if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
		return openssl_raise(0, "%s is damaged", path), -EINVAL;
	ERR_clear_error();
	return 0;
}

/* OpenSSL would ask the terminal for a pass phrase. */
static int no_pass_phrase(char *into, int room, int writing, void *encrypted)
{
	(void)into, (void)room, (void)writing;
	*(bool *)encrypted = true;
	return -1;
}

static int read_key(struct tls_certificate *c, BIO *file, const char *path)
{
	bool encrypted = false;

	c->key = PEM_read_bio_PrivateKey(file, NULL, no_pass_phrase, &encrypted);
	ERR_clear_error();
	if (c->key)
		return 0;
	if (encrypted)
		return WRONG("the key in %s is encrypted; it must not be", path);
	return WRONG("%s holds no private key in PEM form", path);
}

/* --- what is in it */

static bool add_name(struct tls_certificate *c, const ASN1_IA5STRING *name)
{
	const unsigned char *data = ASN1_STRING_get0_data(name);
	size_t len = (size_t)ASN1_STRING_length(name);

	for (size_t i = 0; i < len; i++)
		if (!isalnum(data[i]) && !strchr("-._*", data[i] ? data[i] : '!'))
			return true; /* no host can have it */
	char *copy = OPENSSL_malloc(len + 1);
	struct slice *names = copy ? realloc(c->names, (c->name_count + 1) * sizeof(*names)) : NULL;
	if (!names) {
		OPENSSL_free(copy);
		return false;
	}
	for (size_t i = 0; i < len; i++)
		copy[i] = (char)tolower(data[i]);
	copy[len] = 0;
	c->names = names;
	c->names[c->name_count++] = slice_of(copy, len);
	return true;
}

static bool add_address(struct tls_certificate *c, const ASN1_OCTET_STRING *address)
{
	int len = ASN1_STRING_length(address);

	if (len != 4 && len != 16)
		return true;
	struct address *all = realloc(c->addresses, (c->address_count + 1) * sizeof(*all));
	if (!all)
		return false;
	c->addresses = all;
	all[c->address_count++] =
		address_from_bytes(len == 4 ? 4 : 6, ASN1_STRING_get0_data(address), 0);
	return true;
}

static int read_names(struct tls_certificate *c, const char *path)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
	bool kept = true;

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type == GEN_DNS)
			kept = kept && add_name(c, name->d.dNSName);
		else if (name->type == GEN_IPADD)
			kept = kept && add_address(c, name->d.iPAddress);
	}
	GENERAL_NAMES_free(all);
	if (!kept)
		return err_raise(ENOMEM, "cannot keep the names in %s", path);
	if (c->name_count + c->address_count == 0)
		return WRONG("the certificate in %s names no host (subjectAltName)", path);
	return 0;
}

static bool to_unix_ms(const ASN1_TIME *t, uint64_t *ms)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm))
		return false;
	time_t at = timegm(&tm);
	*ms = at < 0 ? 0 : (uint64_t)at * 1000;
	return true;
}

static int check_times(struct tls_certificate *c, uint64_t now_unix_ms, const char *path)
{
	uint64_t begins;

	if (!to_unix_ms(X509_get0_notBefore(c->leaf), &begins) ||
	    !to_unix_ms(X509_get0_notAfter(c->leaf), &c->expires_unix_ms))
		return WRONG("the certificate in %s has no legible dates", path);
	if (begins > now_unix_ms)
		return WRONG("the certificate in %s is not valid yet", path);
	if (c->expires_unix_ms <= now_unix_ms)
		return WRONG("the certificate in %s has expired", path);
	return 0;
}

static int check_key(struct tls_certificate *c, const char *path, const char *key_path)
{
	EVP_PKEY *public = X509_get0_pubkey(c->leaf);

	if (!public)
		return openssl_raise(0, "the certificate in %s has no usable key", path), -EINVAL;
	int type = EVP_PKEY_get_base_id(public);
	if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC && type != EVP_PKEY_ED25519)
		return WRONG("the key in %s is neither RSA nor elliptic", path);
	if (type == EVP_PKEY_RSA && EVP_PKEY_get_bits(public) < RSA_BITS)
		return WRONG("the RSA key in %s is shorter than %d bits", path, RSA_BITS);
	if (X509_check_private_key(c->leaf, c->key) != 1) {
		ERR_clear_error();
		return WRONG("the key in %s does not belong to the certificate in %s", key_path,
			     path);
	}
	return 0;
}

static int keep_pem(struct tls_certificate *c)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *data;

	if (memory && PEM_write_bio_X509(memory, c->leaf)) {
		long len = BIO_get_mem_data(memory, &data);
		char *copy = OPENSSL_memdup(data, (size_t)len);

		if (copy)
			c->pem = slice_of(copy, (size_t)len);
	}
	BIO_free(memory);
	return c->pem.data ? 0 : openssl_raise(ENOMEM, "cannot keep a certificate");
}

static int load(struct tls_certificate *c, struct slice chain_path, struct slice key_path,
		uint64_t now_unix_ms)
{
	char chain_text[PATH_MAX], key_text[PATH_MAX];
	BIO *file;
	int r = open_file(chain_path, chain_text, sizeof(chain_text), &file);

	if (r)
		return r;
	r = read_chain(c, file, chain_text);
	BIO_free(file);
	if (r == 0)
		r = open_file(key_path, key_text, sizeof(key_text), &file);
	if (r)
		return r;
	r = read_key(c, file, key_text);
	BIO_free(file);
	if (r == 0)
		r = check_key(c, chain_text, key_text);
	if (r == 0)
		r = read_names(c, chain_text);
	if (r == 0)
		r = check_times(c, now_unix_ms, chain_text);
	return r ? r : keep_pem(c);
}

int tls_certificate_load(struct slice chain_path, struct slice key_path, uint64_t now_unix_ms,
			 struct tls_certificate **out)
{
	struct tls_certificate *c = certificate_new();

	if (!c)
		return err_raise(ENOMEM, "no memory for a certificate");
	ERR_clear_error();
	int r = load(c, chain_path, key_path, now_unix_ms);
	if (r)
		tls_certificate_unref(c);
	else
		*out = c;
	return r;
}

/* --- the development certificate */

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool added = e && X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	return added;
}

static bool set_serial(X509 *x)
{
	unsigned char bytes[16];

	if (random_bytes(bytes, sizeof(bytes)))
		return false;
	/* Positive, and always 16 bytes (RFC 5280 section 4.1.2.2). */
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool set = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return set;
}

static bool set_times(X509 *x, uint64_t now_unix_ms)
{
	time_t now = (time_t)(now_unix_ms / 1000);

	/* An hour back, for clocks that are a little behind. */
	return ASN1_TIME_adj(X509_getm_notBefore(x), now, 0, -3600) &&
	       ASN1_TIME_adj(X509_getm_notAfter(x), now, DEVELOPMENT_DAYS, 0);
}

static bool develop(struct tls_certificate *c, uint64_t now_unix_ms)
{
	const unsigned char name[] = "Sallyport development";

	c->key = EVP_EC_gen("P-256");
	c->leaf = X509_new();
	if (!c->key || !c->leaf)
		return false;
	X509_NAME *subject = X509_get_subject_name(c->leaf);
	return X509_set_version(c->leaf, X509_VERSION_3) && set_serial(c->leaf) &&
	       set_times(c->leaf, now_unix_ms) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) &&
	       X509_set_issuer_name(c->leaf, subject) && X509_set_pubkey(c->leaf, c->key) &&
	       add_extension(c->leaf, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
	       add_extension(c->leaf, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(c->leaf, NID_ext_key_usage, "serverAuth") &&
	       X509_sign(c->leaf, c->key, EVP_sha256());
}

int tls_certificate_develop(uint64_t now_unix_ms, struct tls_certificate **out)
{
	const char *what = "the development certificate";
	struct tls_certificate *c = certificate_new();

	if (!c)
		return err_raise(ENOMEM, "no memory for %s", what);
	ERR_clear_error();
	int r = develop(c, now_unix_ms) ? 0 : openssl_raise(EIO, "cannot make %s", what);
	if (r == 0)
		r = read_names(c, what);
	if (r == 0)
		r = check_times(c, now_unix_ms, what);
	if (r == 0)
		r = keep_pem(c);
	if (r)
		tls_certificate_unref(c);
	else
		*out = c;
	return r;
}

/* --- questions about it */

size_t tls_certificate_name_count(const struct tls_certificate *c)
{
	return c->name_count;
}

struct slice tls_certificate_name(const struct tls_certificate *c, size_t i)
{
	return i < c->name_count ? c->names[i] : slice_of(NULL, 0);
}

size_t tls_certificate_address_count(const struct tls_certificate *c)
{
	return c->address_count;
}

struct address tls_certificate_address(const struct tls_certificate *c, size_t i)
{
	return i < c->address_count ? c->addresses[i] : (struct address){0};
}

static bool name_covers(struct slice name, struct slice host)
{
	if (!slice_starts_with(name, SLICE("*.")))
		return slice_eq_icase(name, host);
	struct slice domain = slice_from(name, 2);
	size_t label = slice_index(host, '.');
	/* Clients believe in no wildcard for a whole top-level domain, so it is none here. */
	return label > 0 && label < host.len && slice_index(domain, '.') < domain.len &&
	       slice_eq_icase(domain, slice_from(host, label + 1));
}

bool tls_certificate_covers(const struct tls_certificate *c, struct slice host)
{
	struct address a;

	if (host.len == 0)
		return false;
	if (address_parse(host, &a)) {
		for (size_t i = 0; i < c->address_count; i++)
			if (address_eq(&a, &c->addresses[i]))
				return true;
		return false;
	}
	for (size_t i = 0; i < c->name_count; i++)
		if (name_covers(c->names[i], host))
			return true;
	return false;
}

uint64_t tls_certificate_expires_unix_ms(const struct tls_certificate *c)
{
	return c->expires_unix_ms;
}

struct slice tls_certificate_fingerprint(const struct tls_certificate *c,
					 char text[TLS_FINGERPRINT_BYTES])
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;

	if (!X509_digest(c->leaf, EVP_sha256(), hash, &bytes) || bytes != 32) {
		ERR_clear_error();
		text[0] = 0;
		return slice_of(text, 0);
	}
	for (unsigned i = 0; i < bytes; i++) {
		text[3 * i] = digits[hash[i] >> 4];
		text[3 * i + 1] = digits[hash[i] & 15];
		text[3 * i + 2] = ':';
	}
	text[TLS_FINGERPRINT_BYTES - 1] = 0;
	return slice_of(text, TLS_FINGERPRINT_BYTES - 1);
}

struct slice tls_certificate_pem(const struct tls_certificate *c)
{
	return c->pem;
}
