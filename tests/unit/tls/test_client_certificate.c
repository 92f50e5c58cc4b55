/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What certificates say, odd ones included: an authority may sign what it did not read.
 */
#include "tls/client_certificate.h"

#include <openssl/err.h>

#include "tls/authorities.h"
#include "tls/certs.h"
#include "tls/openssl.h"

struct raw {
	int type; /* GEN_URI, ... */
	const char *bytes;
	int len;
};

#define RAW(type, text)                                                                            \
	{                                                                                          \
		(type), (text), (int)sizeof(text) - 1                                              \
	}

enum { NAMES = 4, COMMON_NAMES = 3 };

static char long_name[CERTIFICATE_NAME_BYTES + 2];

static const struct row {
	const char *says;
	struct raw names[NAMES];
	struct raw common[COMMON_NAMES]; /* type: V_ASN1_... */
	bool malformed;
	const char *first, *cn;
	enum certificate_name_kind kind;
	size_t count;
} rows[] = {
	/* clang-format off */
	{"a URI", {RAW(GEN_URI, "spiffe://a/b")}, {{0}}, false, "spiffe://a/b", "", CERTIFICATE_URI, 1},
	{"a DNS name", {RAW(GEN_DNS, "a.example")}, {{0}}, false, "a.example", "", CERTIFICATE_DNS, 1},
	{"an e-mail address", {RAW(GEN_EMAIL, "a@b.example")}, {{0}}, false, "a@b.example", "", CERTIFICATE_EMAIL, 1},
	{"an address", {RAW(GEN_IPADD, "\xc0\x00\x02\x01")}, {{0}}, false, "192.0.2.1", "", CERTIFICATE_ADDRESS, 1},
	{"an address of IPv6", {RAW(GEN_IPADD, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01")}, {{0}}, false, "2001:db8::1", "", CERTIFICATE_ADDRESS, 1},
	{"several, in their order", {RAW(GEN_DNS, "a.example"), RAW(GEN_URI, "x:y"), RAW(GEN_DNS, "b.example")}, {{0}}, false, "a.example", "", CERTIFICATE_DNS, 3},
	{"an identifier is nobody's name", {RAW(GEN_RID, ""), RAW(GEN_DNS, "a.example")}, {{0}}, false, "a.example", "", CERTIFICATE_DNS, 1},
	{"nothing at all", {{0}}, {{0}}, false, NULL, "", CERTIFICATE_OTHER, 0},
	{"a common name", {{0}}, {RAW(V_ASN1_UTF8STRING, "Alice \xc3\xa9")}, false, NULL, "Alice \xc3\xa9", CERTIFICATE_OTHER, 0},
	{"a common name in Latin 1", {{0}}, {RAW(V_ASN1_T61STRING, "Alice \xe9")}, false, NULL, "Alice \xc3\xa9", CERTIFICATE_OTHER, 0},
	{"two common names are none", {{0}}, {RAW(V_ASN1_UTF8STRING, "admin"), RAW(V_ASN1_UTF8STRING, "mallory")}, false, NULL, "", CERTIFICATE_OTHER, 0},

	{"NUL in a DNS name", {RAW(GEN_DNS, "admin.example\0.evil.example")}, {{0}}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"NUL in a URI", {RAW(GEN_URI, "spiffe://a\0/b")}, {{0}}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"a line's end", {RAW(GEN_EMAIL, "a@b.example\r\nX: y")}, {{0}}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"beyond ASCII where only ASCII may be", {RAW(GEN_DNS, "\xc3\xa9.example")}, {{0}}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"an empty name", {RAW(GEN_DNS, "")}, {{0}}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"a good one behind a bad one", {RAW(GEN_DNS, "a\0b"), RAW(GEN_URI, "spiffe://a/b")}, {{0}}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"an address of five bytes", {RAW(GEN_IPADD, "\1\2\3\4\5")}, {{0}}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"too long a name", {{GEN_DNS, long_name, CERTIFICATE_NAME_BYTES + 1}}, {{0}}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"the longest name", {{GEN_DNS, long_name, CERTIFICATE_NAME_BYTES}}, {{0}}, false, long_name, "", CERTIFICATE_DNS, 1},
	{"NUL in the common name", {{0}}, {RAW(V_ASN1_UTF8STRING, "admin\0")}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	{"a control character in the common name", {{0}}, {RAW(V_ASN1_UTF8STRING, "a\x1b[2J")}, true, NULL, NULL, CERTIFICATE_OTHER, 0},
	/* clang-format on */
};

static GENERAL_NAME *name_of(const struct raw *r)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *text =
		ASN1_STRING_type_new(r->type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

	MUST(name && text && ASN1_STRING_set(text, r->bytes, r->len));
	if (r->type == GEN_RID) {
		ASN1_STRING_free(text);
		GENERAL_NAME_set0_value(name, GEN_RID, OBJ_txt2obj("1.2.3.4", 1));
	} else {
		GENERAL_NAME_set0_value(name, r->type, text);
	}
	return name;
}

static void add_names(X509 *x, const struct row *at)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();

	for (size_t i = 0; i < NAMES && at->names[i].bytes; i++)
		MUST(sk_GENERAL_NAME_push(all, name_of(&at->names[i])));
	if (sk_GENERAL_NAME_num(all))
		MUST(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0));
	GENERAL_NAMES_free(all);
	for (size_t i = 0; i < COMMON_NAMES && at->common[i].bytes; i++)
		MUST(X509_NAME_add_entry_by_NID(
			X509_get_subject_name(x), NID_commonName, at->common[i].type,
			(const unsigned char *)at->common[i].bytes, at->common[i].len, -1, 0));
}

static X509 *make(const struct row *at)
{
	X509 *x = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");

	MUST(x && key);
	MUST(ASN1_INTEGER_set(X509_get_serialNumber(x), 0x01ff));
	MUST(ASN1_TIME_set(X509_getm_notBefore(x), 1000000000));
	MUST(ASN1_TIME_set(X509_getm_notAfter(x), 2000000000));
	MUST(X509_set_pubkey(x, key));
	add_names(x, at);
	if (!X509_sign(x, key, EVP_sha256()))
		fail_msg("%s: cannot be signed: %s", at->says,
			 ERR_reason_error_string(ERR_peek_last_error()));
	EVP_PKEY_free(key);
	return x;
}

static void test_rows(void **state)
{
	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	EACH_ROW (at, rows) {
		struct certificate c;
		struct arena a;
		X509 *x = make(at);

		arena_init(&a, 4096, 65536);
		assert_int_equal(tls_read_certificate(x, &a, &c), 0);
		ROW_CHECK(at, c.malformed == at->malformed);
		if (!at->malformed) {
			ROW_CHECK(at, c.name_count == at->count);
			ROW_EQ(at, c.common_name, slice_from_cstr(at->cn));
			ROW_EQ(at, c.serial, SLICE("01ff"));
			ROW_CHECK(at, c.fingerprint.len == 64);
			ROW_CHECK(at, c.not_before_unix_ms == UINT64_C(1000000000000));
			ROW_CHECK(at, c.not_after_unix_ms == UINT64_C(2000000000000));
		}
		if (at->first) {
			ROW_CHECK(at, c.names[0].kind == at->kind);
			ROW_EQ(at, c.names[0].text,
			       slice_first(slice_from_cstr(at->first), CERTIFICATE_NAME_BYTES));
		}
		arena_deinit(&a);
		X509_free(x);
	}
}

static void two_extensions_are_for_two_readers(void **state)
{
	struct certificate c;
	struct arena a;
	X509 *x = make(&rows[0]);
	GENERAL_NAMES *more = sk_GENERAL_NAME_new_null();

	(void)state;
	MUST(sk_GENERAL_NAME_push(more, name_of(&rows[1].names[0])));
	MUST(X509_add1_ext_i2d(x, NID_subject_alt_name, more, 0, X509V3_ADD_APPEND));
	GENERAL_NAMES_free(more);
	arena_init(&a, 4096, 65536);
	assert_int_equal(tls_read_certificate(x, &a, &c), 0);
	assert_true(c.malformed);
	arena_deinit(&a);
	X509_free(x);
}

/* --- authorities */

static void authorities_are_read_or_refused(void **state)
{
	struct tls_authorities *a = NULL;

	(void)state;
	certs_make("leaf", &(struct cert_row){"DNS:a.example", -1, 30, 0, NULL});
	certs_file("empty.pem", "");
	certs_file("text.pem", "no certificate\n");
	certs_file("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
	assert_true(tls_authorities_load(SLICE("/nonexistent/ca.pem"), &a) < 0);
	assert_true(tls_authorities_load(certs("empty.pem"), &a) < 0);
	assert_true(tls_authorities_load(certs("text.pem"), &a) < 0);
	assert_true(tls_authorities_load(certs("cut.pem"), &a) < 0);
	assert_null(a);
	assert_null(tls_authorities_ref(NULL));
	assert_null(tls_authorities_unref(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(two_extensions_are_for_two_readers),
		cmocka_unit_test(authorities_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, certs_begin, certs_end);
}
