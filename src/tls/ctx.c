/* SPDX-License-Identifier: Apache-2.0 */
/* What we accept in TLS; see ctx.h. */
#include "tls/ctx.h"

#include <limits.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/list.h"
#include "base/obj.h"
#include "tls/openssl.h"

/* Ephemeral elliptic curves with AEAD, nothing else. AES-128 first: it is the fastest and
 * long enough; a client that puts ChaCha20 first (no AES in hardware) gets that. */
static const char ciphers_12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers_13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static char groups[] = "X25519:P-256:P-384"; /* not const only because a macro casts */

/* RFC 7301 section 3.1: a length before each name. */
static const unsigned char our_protocols[] = "\x08http/1.1";
enum { OUR_PROTOCOLS_BYTES = sizeof(our_protocols) - 1 };

/* --- both sides */

static bool tune(SSL_CTX *ctx, int minimum)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_security_level(ctx, 2);
	return SSL_CTX_set_num_tickets(ctx, 0) && SSL_CTX_set_min_proto_version(ctx, minimum) &&
	       SSL_CTX_set_cipher_list(ctx, ciphers_12) &&
	       SSL_CTX_set_ciphersuites(ctx, ciphers_13) && SSL_CTX_set1_groups_list(ctx, groups);
}

struct tls_side *tls_side_ref(struct tls_side *side)
{
	side->refs++;
	return side;
}

void tls_side_unref(struct tls_side *side)
{
	MUST(side->refs > 0);
	if (--side->refs == 0)
		side->destroy(side);
}

/* --- server */

static void server_destroy(struct tls_side *side)
{
	struct tls_server *server = LIST_ENTRY(side, struct tls_server, side);

	for (size_t i = 0; i < server->count; i++) {
		SSL_CTX_free(server->contexts[i]);
		tls_certificate_unref(server->certificates[i]);
	}
	free(server->contexts);
	free(server->certificates);
	tls_authorities_unref(server->authorities);
	BIO_free(side->bio);
	free(server);
}

struct tls_server *tls_server_free(struct tls_server *server)
{
	if (server)
		tls_side_unref(&server->side);
	return NULL;
}

/* The certificate that has the name itself goes before one that has a wildcard for it. */
static size_t choose(const struct tls_server *server, struct slice name)
{
	size_t covered = 0;

	for (size_t i = server->count; i-- > 0;) {
		const struct tls_certificate *c = server->certificates[i];

		for (size_t n = 0; n < c->name_count; n++)
			if (slice_eq_icase(c->names[n], name))
				return i;
		if (tls_certificate_covers(c, name))
			covered = i;
	}
	return covered;
}

/* Called with the ClientHello; the name decides about the certificate only. */
static int on_name(SSL *ssl, int *alert, void *arg)
{
	struct tls_server *server = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (!name)
		return SSL_TLSEXT_ERR_NOACK;
	size_t i = choose(server, slice_from_cstr(name));
	if (i && !SSL_set_SSL_CTX(ssl, server->contexts[i]))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 section 3.2: when no protocol of the client's is ours, "the server SHALL respond
 * with a fatal no_application_protocol alert". */
static int on_protocols(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
			const unsigned char *offered, unsigned offered_len, void *arg)
{
	unsigned char *found;

	(void)ssl, (void)arg;
	if (SSL_select_next_proto(&found, chosen_len, our_protocols, OUR_PROTOCOLS_BYTES, offered,
				  offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = found;
	return SSL_TLSEXT_ERR_OK;
}

static int server_context(struct tls_server *server, const struct tls_certificate *c,
			  bool minimum_13, SSL_CTX **out)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		return openssl_raise(ENOMEM, "cannot make a TLS context");
	*out = ctx;
	if (!tune(ctx, minimum_13 ? TLS1_3_VERSION : TLS1_2_VERSION))
		return openssl_raise(EINVAL, "cannot set up TLS");
	if (!SSL_CTX_use_certificate(ctx, c->leaf) || !SSL_CTX_set1_chain(ctx, c->chain) ||
	    !SSL_CTX_use_PrivateKey(ctx, c->key))
		return openssl_raise(EINVAL, "cannot use a certificate");
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, server);
	SSL_CTX_set_alpn_select_cb(ctx, on_protocols, NULL);
	return 0;
}

static int server_fill(struct tls_server *server, struct tls_certificate *const *certificates,
		       size_t count, bool minimum_13)
{
	server->certificates = calloc(count, sizeof(*server->certificates));
	server->contexts = calloc(count, sizeof(*server->contexts));
	server->side.bio = tls_stream_bio(&server->side);
	if (!server->certificates || !server->contexts || !server->side.bio)
		return openssl_raise(ENOMEM, "no memory for TLS");
	for (size_t i = 0; i < count; i++) {
		server->certificates[i] = tls_certificate_ref(certificates[i]);
		server->count++;
		int r = server_context(server, certificates[i], minimum_13, &server->contexts[i]);
		if (r)
			return r;
	}
	server->side.ctx = server->contexts[0];
	return 0;
}

int tls_server_new(struct tls_certificate *const *certificates, size_t count, bool minimum_13,
		   struct tls_server **out)
{
	if (count == 0)
		return err_raise(EINVAL, "a TLS listener needs a certificate");
	struct tls_server *server = calloc(1, sizeof(*server));
	if (!server)
		return err_raise(ENOMEM, "no memory for TLS");
	server->side.refs = 1;
	server->side.destroy = server_destroy;
	ERR_clear_error();
	int r = server_fill(server, certificates, count, minimum_13);
	if (r)
		tls_server_free(server);
	else
		*out = server;
	return r;
}

/* Depth of a client's chain beside its own certificate: an intermediate or two. */
enum { CLIENT_CHAIN_DEPTH = 4 };

static int ask_clients(SSL_CTX *ctx, const struct tls_authorities *a)
{
	static const unsigned char context[] = "sallyport";
	STACK_OF(X509_NAME) *names = SSL_dup_CA_list(a->names);

	if (!names || !SSL_CTX_set1_verify_cert_store(ctx, a->store)) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return openssl_raise(ENOMEM, "no memory for authorities");
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify_depth(ctx, CLIENT_CHAIN_DEPTH);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (!SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1))
		return openssl_raise(EINVAL, "cannot ask for client certificates");
	return 0;
}

int tls_server_ask_clients(struct tls_server *server, struct tls_authorities *authorities)
{
	int r = 0;

	MUST(!server->authorities);
	ERR_clear_error();
	server->authorities = tls_authorities_ref(authorities);
	for (size_t i = 0; r == 0 && i < server->count; i++)
		r = ask_clients(server->contexts[i], authorities);
	return r;
}

/* --- client */

static void client_destroy(struct tls_side *side)
{
	SSL_CTX_free(side->ctx);
	BIO_free(side->bio);
	free(LIST_ENTRY(side, struct tls_client, side));
}

struct tls_client *tls_client_free(struct tls_client *client)
{
	if (client)
		tls_side_unref(&client->side);
	return NULL;
}

static int trust(SSL_CTX *ctx, struct slice ca_file)
{
	char path[PATH_MAX];

	if (!SSL_CTX_set_default_verify_paths(ctx))
		return openssl_raise(EIO, "cannot find the system's certificate authorities");
	ERR_clear_error(); /* of a system that has none */
	if (ca_file.len == 0)
		return 0;
	int r = openssl_cstr(ca_file, path, sizeof(path));
	if (r)
		return r;
	if (!SSL_CTX_load_verify_file(ctx, path))
		return openssl_raise(EINVAL, "cannot read certificate authorities from %s", path);
	return 0;
}

static int client_fill(struct tls_client *client, struct slice ca_file)
{
	SSL_CTX *ctx = client->side.ctx = SSL_CTX_new(TLS_client_method());

	client->side.bio = tls_stream_bio(&client->side);
	if (!ctx || !client->side.bio)
		return openssl_raise(ENOMEM, "no memory for TLS");
	/* SSL_CTX_set_alpn_protos returns 0 for success. */
	if (!tune(ctx, TLS1_2_VERSION) ||
	    SSL_CTX_set_alpn_protos(ctx, our_protocols, OUR_PROTOCOLS_BYTES))
		return openssl_raise(EINVAL, "cannot set up TLS");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return trust(ctx, ca_file);
}

int tls_client_new(struct slice ca_file, struct tls_client **out)
{
	struct tls_client *client = calloc(1, sizeof(*client));

	if (!client)
		return err_raise(ENOMEM, "no memory for TLS");
	client->side.refs = 1;
	client->side.destroy = client_destroy;
	ERR_clear_error();
	int r = client_fill(client, ca_file);
	if (r)
		tls_client_free(client);
	else
		*out = client;
	return r;
}

int tls_client_new_unverified(struct tls_client **out)
{
	int r = tls_client_new(slice_of(NULL, 0), out);

	if (r == 0)
		SSL_CTX_set_verify((*out)->side.ctx, SSL_VERIFY_NONE, NULL);
	return r;
}
