/* SPDX-License-Identifier: Apache-2.0 */
/* From OpenSSL's certificate to plain texts; see client_certificate.h. */
#include "tls/client_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/address.h"
#include "base/err.h"
#include "base/utf8.h"
#include "tls/openssl.h"

enum { SERIAL_BYTES_MAX = 64 };

/* Nothing that ends a line, a string in C, or a field of a log. */
static bool text_ok(struct slice s)
{
	if (s.len == 0 || s.len > CERTIFICATE_NAME_BYTES || !utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.data[i] > 0x7e)
			return false;
	}
	return true;
}

static struct slice hex(const unsigned char *bytes, size_t count, struct arena *a)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(a, 2 * count + 1);

	if (!text)
		return slice_of(NULL, 0);
	for (size_t i = 0; i < count; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return slice_of(text, 2 * count);
}

/* --- subjectAltName */

static struct slice ia5(const ASN1_IA5STRING *s)
{
	return slice_of((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* False: what stands there is no text. */
static bool take_text(const ASN1_IA5STRING *s, enum certificate_name_kind kind, struct arena *a,
		      struct certificate_name *out)
{
	struct slice text = ia5(s);

	if (!text_ok(text) || !is_ascii(text))
		return false;
	*out = (struct certificate_name){kind, arena_copy(a, text)};
	return true;
}

static bool take_address(const ASN1_OCTET_STRING *s, struct arena *a, struct certificate_name *out)
{
	char text[ADDRESS_TEXT_BYTES];
	int len = ASN1_STRING_length(s);
	struct address address = address_from_bytes(len == 4    ? 4
						    : len == 16 ? 6
								: 0,
						    ASN1_STRING_get0_data(s), 0);

	*out = (struct certificate_name){CERTIFICATE_ADDRESS,
					 arena_copy(a, address_format(&address, text))};
	return address.family != 0;
}

static bool take_name(const GENERAL_NAME *name, struct arena *a, struct certificate_name *out)
{
	*out = (struct certificate_name){0};
	switch (name->type) {
	case GEN_URI:
		return take_text(name->d.uniformResourceIdentifier, CERTIFICATE_URI, a, out);
	case GEN_DNS:
		return take_text(name->d.dNSName, CERTIFICATE_DNS, a, out);
	case GEN_EMAIL:
		return take_text(name->d.rfc822Name, CERTIFICATE_EMAIL, a, out);
	case GEN_IPADD:
		return take_address(name->d.iPAddress, a, out);
	default:
		return true; /* directory names and the like: nobody's subject */
	}
}

static bool take_names(const GENERAL_NAMES *all, struct arena *a, struct certificate *out)
{
	int count = sk_GENERAL_NAME_num(all);
	struct certificate_name *names;

	if (count <= 0)
		return true;
	if (count > CERTIFICATE_NAMES_MAX)
		return false;
	names = arena_calloc(a, (size_t)count, sizeof(*names));
	for (int i = 0; names && i < count; i++) {
		struct certificate_name *name = &names[out->name_count];
		if (!take_name(sk_GENERAL_NAME_value(all, i), a, name))
			return false;
		out->name_count += name->kind != CERTIFICATE_OTHER;
	}
	out->names = names;
	return true;
}

static bool read_alternative_names(const X509 *x, struct arena *a, struct certificate *out)
{
	int critical = -1;
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);

	if (!all)
		return critical == -1; /* there is none; else it is broken or there twice */
	bool good = take_names(all, a, out);
	GENERAL_NAMES_free(all);
	return good;
}

/* --- the others */

/* One common name is a name. Two are for different readers to choose from. */
static bool read_common_name(const X509 *x, struct arena *a, struct certificate *out)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8 = NULL;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return true;
	int len = ASN1_STRING_to_UTF8(&utf8,
				      X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len < 0)
		return false;
	struct slice text = slice_of((const char *)utf8, (size_t)len);
	bool good = text_ok(text);
	if (good)
		out->common_name = arena_copy(a, text);
	OPENSSL_free(utf8);
	return good;
}

static bool read_serial(const X509 *x, struct arena *a, struct certificate *out)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	int len = ASN1_STRING_length(serial);

	if (len <= 0 || len > SERIAL_BYTES_MAX)
		return false;
	out->serial = hex(ASN1_STRING_get0_data(serial), (size_t)len, a);
	return true;
}

static bool read_fingerprint(const X509 *x, struct arena *a, struct certificate *out)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;

	if (!X509_digest(x, EVP_sha256(), hash, &bytes))
		return false;
	out->fingerprint = hex(hash, bytes, a);
	return true;
}

static bool unix_ms(const ASN1_TIME *t, uint64_t *out)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm))
		return false;
	time_t seconds = timegm(&tm);
	*out = seconds < 0 ? 0 : (uint64_t)seconds * 1000;
	return true;
}

static bool read_parts(const X509 *x, struct arena *a, struct certificate *out)
{
	return unix_ms(X509_get0_notBefore(x), &out->not_before_unix_ms) &&
	       unix_ms(X509_get0_notAfter(x), &out->not_after_unix_ms) &&
	       read_alternative_names(x, a, out) && read_common_name(x, a, out) &&
	       read_serial(x, a, out) && read_fingerprint(x, a, out);
}

int tls_read_certificate(const X509 *x, struct arena *a, struct certificate *out)
{
	*out = (struct certificate){0};
	ERR_clear_error();
	out->malformed = !read_parts(x, a, out);
	ERR_clear_error();
	return a->overflow ? err_raise(ENOMEM, "no memory for a client's certificate") : 0;
}

int tls_client_certificate(const struct stream *s, struct arena *a, struct certificate *out)
{
	const SSL *ssl = tls_stream_ssl(s);

	*out = (struct certificate){0};
	/* Whoever presented none was "verified" too: both have to be asked. */
	const X509 *x = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
	if (!x || SSL_get_verify_result(ssl) != X509_V_OK)
		return TLS_NO_CERTIFICATE;
	return tls_read_certificate(x, a, out);
}
