/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * OpenSSL's queue of errors, kept empty between our calls. Private to tls/.
 *
 * The queue is per thread and SSL_get_error looks into it: what one connection leaves
 * behind would be read as the failure of the next. So it is cleared before and after.
 */
#include <stdatomic.h>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/certificate.h"
#include "base/slice.h"
#include "tls/authorities.h"
#include "tls/ctx.h"

/* Takes the first error of the queue into the sentence "what: OpenSSL's words", clears the
 * queue, and returns -|code|; with code 0 it only says it (for outcomes). */
#define openssl_raise(code, ...) openssl_raise_at((code), __FILE__, __LINE__, __VA_ARGS__)
int openssl_raise_at(int code, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5), cold));

/* A path or name as the C string that OpenSSL wants; -ENAMETOOLONG if it holds NUL or is
 * too long. */
int openssl_cstr(struct slice s, char *out, size_t room);

/* What servers and clients have in common; one thread. Streams hold references. */
struct tls_side {
	SSL_CTX *ctx;
	BIO *bio; /* shared by all its streams: see tls/stream.c */
	unsigned refs;
	void (*destroy)(struct tls_side *side); /* with the last reference */
	/* Of the stream that OpenSSL is working on. */
	struct stream *current;
	struct slice in; /* ciphertext not yet taken */
};

struct tls_certificate {
	atomic_uint refs;
	X509 *leaf;
	/* clang-format off */
	STACK_OF(X509) *chain; /* without the leaf */
	/* clang-format on */
	EVP_PKEY *key;
	struct slice *names;
	size_t name_count;
	struct address *addresses;
	size_t address_count;
	uint64_t expires_unix_ms;
	struct slice pem;
};

struct tls_authorities {
	atomic_uint refs;
	X509_STORE *store;
	/* clang-format off */
	STACK_OF(X509_NAME) *names; /* told to clients, so that they find the right certificate */
	/* clang-format on */
};

struct tls_server {
	struct tls_side side; /* side.ctx is that of certificates[0] */
	struct tls_certificate **certificates;
	SSL_CTX **contexts; /* one for each */
	struct tls_authorities *authorities; /* NULL: no certificates are asked for */
	size_t count;
};

struct tls_client {
	struct tls_side side;
};

struct tls_side *tls_side_ref(struct tls_side *side);
void tls_side_unref(struct tls_side *side);

/* The stream's connection, or NULL in clear: tls/stream.c. */
SSL *tls_stream_ssl(const struct stream *s);

/* What a certificate says, as it is: tls/client_certificate.c. Returns 0 or -ENOMEM. */
int tls_read_certificate(const X509 *x, struct arena *a, struct certificate *out);

/* The BIO that reads side->in and writes the current stream's wire. NULL without memory. */
BIO *tls_stream_bio(struct tls_side *side);
