/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign client certificates; see authorities.h. */
#include "tls/authorities.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "tls/openssl.h"

enum { AUTHORITIES_MAX = 1000 };

struct tls_authorities *tls_authorities_ref(struct tls_authorities *a)
{
	if (a)
		atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

struct tls_authorities *tls_authorities_unref(struct tls_authorities *a)
{
	if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	X509_STORE_free(a->store);
	sk_X509_NAME_pop_free(a->names, X509_NAME_free);
	free(a);
	return NULL;
}

static struct tls_authorities *authorities_new(void)
{
	struct tls_authorities *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	atomic_init(&a->refs, 1);
	a->store = X509_STORE_new();
	a->names = sk_X509_NAME_new_null();
	return a->store && a->names ? a : tls_authorities_unref(a);
}

static int add(struct tls_authorities *a, X509 *x, const char *path)
{
	if (X509_check_ca(x) != 1)
		return err_raise(EINVAL, "%s holds a certificate that is no authority", path);
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));
	if (!name || !sk_X509_NAME_push(a->names, name)) {
		X509_NAME_free(name);
		return err_raise(ENOMEM, "no memory for authorities");
	}
	if (!X509_STORE_add_cert(a->store, x))
		return openssl_raise(EINVAL, "cannot use an authority of %s", path);
	return 0;
}

static int read_all(struct tls_authorities *a, BIO *file, const char *path)
{
	int count = 0, r = 0;

	while (r == 0 && count < AUTHORITIES_MAX) {
		X509 *x = PEM_read_bio_X509(file, NULL, NULL, NULL);
		if (!x)
			break;
		r = add(a, x, path);
		X509_free(x);
		count++;
	}
	if (r)
		return r;
	/* Nothing more to begin with is the end; anything else is a file cut short. */
	if (count && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return openssl_raise(EINVAL, "cannot read all authorities of %s", path);
	ERR_clear_error();
	return count ? 0 : err_raise(EINVAL, "%s holds no certificate in PEM", path);
}

int tls_authorities_load(struct slice path, struct tls_authorities **out)
{
	char name[PATH_MAX];
	int r = openssl_cstr(path, name, sizeof(name));

	if (r)
		return r;
	ERR_clear_error();
	BIO *file = BIO_new_file(name, "r");
	if (!file)
		return openssl_raise(EIO, "cannot read authorities from %s", name);
	struct tls_authorities *a = authorities_new();
	r = a ? read_all(a, file, name) : err_raise(ENOMEM, "no memory for authorities");
	BIO_free(file);
	if (r)
		tls_authorities_unref(a);
	else
		*out = a;
	return r;
}
