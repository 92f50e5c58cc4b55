/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certificate.h"

#include <errno.h>

#include "base/err.h"
#include "failmalloc.h"
#include "tls/certs.h"

static int begin(void **state)
{
	static const struct {
		const char *name;
		struct cert_row row;
	} all[] = {
		/* clang-format off */
		{"good", {"DNS:Shop.Example,DNS:*.shop.example,DNS:*.top,IP:192.0.2.7,IP:2001:db8::7", -1, 30, 0, NULL}},
		{"rsa", {"DNS:rsa.example", -1, 30, 2048, NULL}},
		{"short", {"DNS:short.example", -1, 30, 1024, NULL}},
		{"nameless", {NULL, -1, 30, 0, NULL}},
		{"mail", {"email:somebody@example.org", -1, 30, 0, NULL}},
		{"expired", {"DNS:old.example", -30, -1, 0, NULL}},
		{"future", {"DNS:new.example", 1, 30, 0, NULL}},
		{"locked", {"DNS:locked.example", -1, 30, 0, "secret"}},
		/* clang-format on */
	};
	int r = certs_begin(state);

	for (size_t i = 0; i < COUNT(all); i++)
		certs_make(all[i].name, &all[i].row);
	certs_file("empty.crt", "");
	certs_file("prose.crt", "this is not a certificate\n");
	certs_file("garbled.key", "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n");
	return r;
}

/* The first file, and a damaged second certificate behind it. */
static void make_damaged(void)
{
	char text[8192];
	FILE *f = fopen(certs("good.crt").data, "r");

	assert_non_null(f);
	size_t n = fread(text, 1, 4000, f);
	fclose(f);
	snprintf(text + n, sizeof(text) - n,
		 "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	certs_file("damaged.crt", text);
}

static void loading(void **state)
{
	static const struct {
		const char *says, *chain, *key;
		int wanted;
		const char *sentence; /* a part of it */
	} rows[] = {
		/* clang-format off */
		{"elliptic", "good.crt", "good.key", 0, NULL},
		{"RSA of 2048 bits", "rsa.crt", "rsa.key", 0, NULL},
		{"no file", "none.crt", "good.key", -ENOENT, "cannot read"},
		{"no key file", "good.crt", "none.key", -ENOENT, "cannot read"},
		{"an empty file", "empty.crt", "good.key", -EINVAL, "holds no certificate"},
		{"prose", "prose.crt", "good.key", -EINVAL, "holds no certificate"},
		{"a key for a certificate", "good.key", "good.key", -EINVAL, "holds no certificate"},
		{"a certificate for a key", "good.crt", "good.crt", -EINVAL, "holds no private key"},
		{"a garbled key", "good.crt", "garbled.key", -EINVAL, "holds no private key"},
		{"an encrypted key", "locked.crt", "locked.key", -EINVAL, "is encrypted"},
		{"somebody else's key", "good.crt", "nameless.key", -EINVAL, "does not belong"},
		{"a key of another kind", "good.crt", "rsa.key", -EINVAL, "does not belong"},
		{"a short RSA key", "short.crt", "short.key", -EINVAL, "shorter than 2048"},
		{"only a common name", "nameless.crt", "nameless.key", -EINVAL, "names no host"},
		{"only a mail address", "mail.crt", "mail.key", -EINVAL, "names no host"},
		{"expired", "expired.crt", "expired.key", -EINVAL, "has expired"},
		{"not yet valid", "future.crt", "future.key", -EINVAL, "not valid yet"},
		{"a damaged second one", "damaged.crt", "good.key", -EINVAL, "damaged"},
		/* clang-format on */
	};

	(void)state;
	make_damaged();
	EACH_ROW (row, rows) {
		struct tls_certificate *c = NULL;
		int r = tls_certificate_load(certs(row->chain), certs(row->key), certs_now(), &c);

		if (r != row->wanted)
			fail_msg("%s: got %d, %s", row->says, r, err_text());
		ROW_CHECK(row, (c != NULL) == (r == 0));
		if (row->sentence && !strstr(err_sentence(), row->sentence))
			fail_msg("%s: the sentence is \"%s\"", row->says, err_sentence());
		ROW_CHECK(row, tls_certificate_unref(c) == NULL);
	}
	struct tls_certificate *c;
	assert_int_equal(tls_certificate_load(SLICE("nul\0l"), SLICE("x"), 0, &c), -ENAMETOOLONG);
}

static void names(void **state)
{
	static const struct {
		const char *says, *host;
		bool wanted;
	} rows[] = {
		/* clang-format off */
		{"the name", "shop.example", true},
		{"the name in capitals", "SHOP.example", true},
		{"under the wildcard", "a.shop.example", true},
		{"in capitals", "A.Shop.EXAMPLE", true},
		{"two labels under the wildcard", "a.b.shop.example", false},
		{"an empty label", ".shop.example", false},
		{"the wildcard itself is a label", "*.shop.example", true},
		{"a neighbour", "ashop.example", false},
		{"a longer name", "shop.example.org", false},
		{"a dot at the end", "shop.example.", false},
		{"a wildcard for a whole top-level domain", "any.top", false},
		{"nothing", "", false},
		{"the address", "192.0.2.7", true},
		{"another address", "192.0.2.8", false},
		{"the IPv6 address, written otherwise", "2001:DB8:0::7", true},
		{"the common name", "good", false},
		/* clang-format on */
	};
	struct tls_certificate *c;
	char text[TLS_FINGERPRINT_BYTES];

	(void)state;
	assert_int_equal(
		tls_certificate_load(certs("good.crt"), certs("good.key"), certs_now(), &c), 0);
	EACH_ROW (row, rows)
		ROW_CHECK(row,
			  tls_certificate_covers(c, slice_from_cstr(row->host)) == row->wanted);
	assert_int_equal(tls_certificate_name_count(c), 3);
	assert_slice(tls_certificate_name(c, 0), "shop.example");
	assert_slice(tls_certificate_name(c, 1), "*.shop.example");
	assert_int_equal(tls_certificate_name(c, 3).len, 0);
	assert_int_equal(tls_certificate_address_count(c), 2);
	assert_int_equal(tls_certificate_address(c, 0).family, 4);
	assert_int_equal(tls_certificate_address(c, 1).family, 6);
	uint64_t days = (tls_certificate_expires_unix_ms(c) - certs_now()) / 86400000;
	assert_in_range(days, 29, 30);
	assert_int_equal(tls_certificate_fingerprint(c, text).len, 95);
	assert_true(
		slice_starts_with(tls_certificate_pem(c), SLICE("-----BEGIN CERTIFICATE-----")));
	assert_ptr_equal(tls_certificate_ref(c), c);
	tls_certificate_unref(c);
	tls_certificate_unref(c);
	tls_certificate_unref(NULL);
}

static void development(void **state)
{
	struct tls_certificate *a, *b;
	char one[TLS_FINGERPRINT_BYTES], other[TLS_FINGERPRINT_BYTES];

	(void)state;
	assert_int_equal(tls_certificate_develop(certs_now(), &a), 0);
	assert_int_equal(tls_certificate_develop(certs_now(), &b), 0);
	assert_true(tls_certificate_covers(a, SLICE("localhost")));
	assert_true(tls_certificate_covers(a, SLICE("127.0.0.1")));
	assert_true(tls_certificate_covers(a, SLICE("::1")));
	assert_false(tls_certificate_covers(a, SLICE("example.com")));
	assert_true(tls_certificate_expires_unix_ms(a) > certs_now());
	assert_false(slice_eq(tls_certificate_fingerprint(a, one),
			      tls_certificate_fingerprint(b, other)));
	tls_certificate_unref(a);
	tls_certificate_unref(b);
}

static void without_memory(void **state)
{
	(void)state;
	FAILMALLOC_EACH (n) {
		struct tls_certificate *c = NULL;

		failmalloc_at(n);
		int r = tls_certificate_load(certs("good.crt"), certs("good.key"), certs_now(), &c);
		bool failed = failmalloc_stop();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_true((c != NULL) == (r == 0));
		tls_certificate_unref(c);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loading),
		cmocka_unit_test(names),
		cmocka_unit_test(development),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, begin, certs_end);
}
