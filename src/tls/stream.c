/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL between the worker's buffers; see stream.h.
 *
 *   socket --one recv--> [cipher] --BIO--> SSL_read ... SSL_read --> [plain]
 *   [cork] --> SSL_write ... SSL_write --BIO--> [wire] --one send--> socket
 *
 * One BIO serves all streams of a worker's server (or client) context, for OpenSSL works
 * on one of them at a time: `current` says on which, `in` what it may read. The BIO never
 * blocks a write: what the socket does not take the stream queues.
 *
 * Between our calls a stream owns its SSL object and no buffer. Ciphertext that came with
 * the end of the handshake, or that there was no room to decrypt, waits in a queue charged
 * to the stream's budget.
 */
#include "tls/stream.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/obj.h"
#include "net/stream_layer.h"
#include "tls/openssl.h"

enum {
	NAME_BYTES = 256,
	PLAIN_SPARE_BYTES = 32768, /* as in net/stream_priv.h: room behind read_bytes */
	/* Decrypted in one turn. A peer that sends a record per byte shall not keep the worker
	 * busy for 25 ms with what one recv brings; whoever fills records never gets here. */
	RECORDS_PER_READ = 1024,
};

struct tls_stream {
	struct stream_layer layer;
	SSL *ssl;
	struct tls_side *side;   /* a reference */
	struct stream_queue *in; /* ciphertext not yet decrypted */
	int ended;               /* what every further read gets; 0: not yet */
	bool client, started;
};

static struct tls_stream *of(const struct stream *s)
{
	return (struct tls_stream *)(void *)s->layer;
}

/* --- the BIO */

static int bio_read(BIO *bio, char *into, size_t room, size_t *got)
{
	struct tls_side *side = BIO_get_data(bio);
	struct slice now = slice_first(side->in, room);

	BIO_clear_retry_flags(bio);
	if (now.len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(into, now.data, now.len);
	side->in = slice_from(side->in, now.len);
	*got = now.len;
	return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *written)
{
	struct tls_side *side = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (stream_wire_append(side->current, slice_of(data, len)))
		return -1;
	*written = len;
	return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static BIO_METHOD *method;

static void make_method(void)
{
	BIO_METHOD *m =
		BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sallyport worker");

	if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_create(m, bio_create))
		method = m;
	else
		BIO_meth_free(m);
}

BIO *tls_stream_bio(struct tls_side *side)
{
	static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

	if (!CRYPTO_THREAD_run_once(&once, make_method) || !method)
		return NULL;
	BIO *bio = BIO_new(method);
	if (bio)
		BIO_set_data(bio, side);
	return bio;
}

/* --- one step of OpenSSL */

static void begin(struct stream *s, struct slice cipher)
{
	struct tls_stream *t = of(s);

	MUST(!t->side->current);
	t->side->current = s;
	t->side->in = cipher;
}

/* What others left in the queue of errors would be read as ours. Clearing an empty one costs as
 * much as encrypting a small message. */
static void forget_errors(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

/* Returns what OpenSSL has left unread. */
static struct slice end(struct stream *s)
{
	struct tls_stream *t = of(s);
	struct slice left = t->side->in;

	t->side->current = NULL;
	t->side->in = slice_of(NULL, 0);
	return left;
}

/* What was left by the step before, and one recv: *cipher, in the worker's buffer. The
 * outcome is that of the recv. */
static int gather(struct stream *s, struct slice *cipher)
{
	struct tls_stream *t = of(s);
	struct slice old = stream_queue_slice(t->in);
	char *into = s->scratch->cipher;
	size_t got = 0;
	int r = STREAM_AGAIN;

	if (old.len)
		memcpy(into, old.data, old.len);
	stream_queue_take(&t->in, old.len);
	if (old.len < s->scratch->read_bytes)
		r = stream_receive(s, into + old.len, s->scratch->read_bytes - old.len, &got);
	else
		stream_resume(s);
	*cipher = slice_of(into, old.len + got);
	return r;
}

/* Keeps ciphertext for the next step. */
static int keep(struct stream *s, struct slice cipher)
{
	int r = stream_queue_append(s, &of(s)->in, cipher,
				    s->scratch->read_bytes + PLAIN_SPARE_BYTES);

	if (cipher.len)
		stream_resume(s);
	return r;
}

/* What a failed SSL_read or SSL_do_handshake means; says it if it is a failure. */
static int outcome(struct stream *s, int result, const char *doing)
{
	struct tls_stream *t = of(s);

	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return STREAM_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return STREAM_CLOSED;
	default:
		break;
	}
	if (s->broken) { /* the BIO could not write; that sentence is said */
		ERR_clear_error();
		return s->broken;
	}
	long verdict = SSL_get_verify_result(t->ssl);
	if (t->client && verdict != X509_V_OK) {
		err_raise(0, "the peer's certificate is not to be trusted: %s",
			  X509_verify_cert_error_string(verdict));
		ERR_clear_error();
		return STREAM_UNTRUSTED;
	}
	openssl_raise(0, "%s", doing);
	return STREAM_TLS_FAILED;
}

/* OpenSSL wants more (r is STREAM_AGAIN): was there an end of the connection instead? */
static int cut(int received, int r)
{
	if (r != STREAM_AGAIN || received == 0)
		return r;
	return received == STREAM_CLOSED ? STREAM_TRUNCATED : received;
}

/* --- handshake */

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A record begins with its type, 20 to 24 (RFC 8446 section 5.1), a request with its method. */
static bool is_plain_http(const struct tls_stream *t, struct slice cipher)
{
	return !t->client && !t->started && cipher.len && is_letter(cipher.data[0]);
}

static int answer_in_clear(struct stream *s, struct slice request)
{
	stream_layer_drop(s);
	int r = stream_unread(s, request);
	if (r)
		return r;
	stream_resume(s);
	return STREAM_PLAIN_HTTP;
}

static int do_handshake(struct stream *s, struct slice cipher, int received)
{
	struct tls_stream *t = of(s);

	begin(s, cipher);
	forget_errors();
	t->started = true;
	int n = SSL_do_handshake(t->ssl);
	int r = n == 1 ? 0 : cut(received, outcome(s, n, "TLS handshake"));
	struct slice left = end(s);
	int pushed = stream_wire_push(s);
	if (r)
		return r;
	if (pushed)
		return pushed;
	stream_layer_ready(s);
	return keep(s, left);
}

static int handshake_step(struct stream *s)
{
	struct tls_stream *t = of(s);
	struct slice cipher;
	int received = gather(s, &cipher);

	if (received < 0 || received == STREAM_RESET)
		return received;
	if (is_plain_http(t, cipher))
		return answer_in_clear(s, cipher);
	if (cipher.len == 0 && received == STREAM_CLOSED && !t->started)
		return STREAM_CLOSED; /* came and went without a word */
	if (cipher.len == 0 && received == STREAM_AGAIN && (t->started || !t->client))
		return STREAM_AGAIN;
	return do_handshake(s, cipher, received);
}

/* A failure is final, however often somebody asks. */
static int tls_handshake(struct stream *s)
{
	if (of(s)->ended)
		return of(s)->ended;
	int r = handshake_step(s);
	if (r && r != STREAM_AGAIN && s->layer)
		of(s)->ended = r;
	return r;
}

/* --- data */

/* Decrypts all that is there: STREAM_AGAIN; or as much as there is room for or one turn may: 0. */
static int decrypt(struct stream *s, char *into, size_t room, size_t *got)
{
	struct tls_stream *t = of(s);
	size_t n;

	for (unsigned i = 0; i < RECORDS_PER_READ && *got < room; i++) {
		int r = SSL_read_ex(t->ssl, into + *got, room - *got, &n);
		if (r != 1)
			return outcome(s, r, "TLS record");
		*got += n;
		/* Asking once more would only hear that it wants to read. */
		if (t->side->in.len == 0 && SSL_pending(t->ssl) == 0)
			return STREAM_AGAIN;
	}
	return 0;
}

static int tls_read(struct stream *s, char *into, size_t room, size_t *got)
{
	struct tls_stream *t = of(s);
	struct slice cipher;

	if (t->ended)
		return t->ended;
	int received = gather(s, &cipher);
	if (received < 0)
		return received;
	if (received == STREAM_AGAIN && cipher.len == 0 && !SSL_has_pending(t->ssl))
		return STREAM_AGAIN;
	begin(s, cipher);
	forget_errors();
	int r = cut(received, decrypt(s, into, room, got));
	struct slice left = end(s);
	/* An alert, or the answer to a change of keys. Failing is for the next write to say. */
	(void)stream_wire_push(s);
	if (r == 0) {
		r = keep(s, left);
		stream_resume(s);
	}
	if (r && r != STREAM_AGAIN)
		t->ended = r;
	if (*got == 0)
		return r;
	if (t->ended)
		stream_resume(s);
	return 0;
}

/* Every failure is the stream's end, so there is nothing that an older error could change. */
static int tls_encrypt(struct stream *s, struct slice plain)
{
	struct tls_stream *t = of(s);
	int r = 0;

	begin(s, slice_of(NULL, 0));
	while (plain.len && r == 0) {
		size_t n = 0;
		int result = SSL_write_ex(t->ssl, plain.data, plain.len, &n);

		if (result == 1)
			plain = slice_from(plain, n);
		else
			r = outcome(s, result, "TLS record");
	}
	end(s);
	/* Nothing that is left to wait for: our BIO takes everything. */
	return r == STREAM_AGAIN || r == STREAM_CLOSED ? STREAM_TLS_FAILED : r;
}

static void tls_close(struct stream *s)
{
	struct tls_stream *t = of(s);

	if (!SSL_is_init_finished(t->ssl))
		return;
	begin(s, slice_of(NULL, 0));
	forget_errors();
	(void)SSL_shutdown(t->ssl);
	end(s);
}

static void tls_free(struct stream *s)
{
	struct tls_stream *t = of(s);

	stream_queue_take(&t->in, stream_queue_slice(t->in).len);
	SSL_free(t->ssl);
	tls_side_unref(t->side);
	free(t);
}

static const struct stream_layer_ops ops = {
	.handshake = tls_handshake,
	.read = tls_read,
	.encrypt = tls_encrypt,
	.close = tls_close,
	.free = tls_free,
};

/* --- beginning */

static int tls_stream_new(struct tls_side *side, bool client, struct tls_stream **out)
{
	struct tls_stream *t = calloc(1, sizeof(*t));

	ERR_clear_error();
	SSL *ssl = t ? SSL_new(side->ctx) : NULL;
	if (!ssl || !BIO_up_ref(side->bio)) {
		SSL_free(ssl);
		free(t);
		openssl_raise(ENOMEM, "no memory for a TLS connection");
		return -ENOMEM;
	}
	SSL_set_bio(ssl, side->bio, side->bio);
	if (client)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	*t = (struct tls_stream){
		.layer = {&ops}, .ssl = ssl, .side = tls_side_ref(side), .client = client};
	*out = t;
	return 0;
}

/* Bytes that were given back in clear are ciphertext now. */
static int attach(struct stream *s, struct tls_stream *t)
{
	int r = stream_layer_start(s, &t->layer);

	if (r) {
		SSL_free(t->ssl);
		tls_side_unref(t->side);
		free(t);
		return r;
	}
	t->in = s->in;
	s->in = NULL;
	return 0;
}

int tls_stream_start_server(struct stream *s, struct tls_server *server)
{
	struct tls_stream *t;
	int r = tls_stream_new(&server->side, false, &t);

	return r ? r : attach(s, t);
}

/* Whom the certificate must name (RFC 6125 section 6; the common name does not count). */
static bool expect(SSL *ssl, char *host)
{
	struct address a;
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (address_parse(slice_from_cstr(host), &a))
		return X509_VERIFY_PARAM_set1_ip(param, a.bytes, a.family == 4 ? 4 : 16);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) && SSL_set_tlsext_host_name(ssl, host);
}

int tls_stream_start_client(struct stream *s, struct tls_client *client, struct slice host)
{
	char name[NAME_BYTES];
	struct tls_stream *t;

	if (host.len == 0)
		return err_raise(EINVAL, "no name to expect in the certificate");
	int r = openssl_cstr(host, name, sizeof(name));
	if (r == 0)
		r = tls_stream_new(&client->side, true, &t);
	if (r)
		return r;
	if (!expect(t->ssl, name)) {
		SSL_free(t->ssl);
		tls_side_unref(t->side);
		free(t);
		return openssl_raise(EINVAL, "cannot expect %s", name);
	}
	return attach(s, t);
}

SSL *tls_stream_ssl(const struct stream *s)
{
	return s->layer ? of(s)->ssl : NULL;
}

/* --- for logs */

const char *tls_stream_version(const struct stream *s)
{
	return s->layer ? SSL_get_version(of(s)->ssl) : "";
}

const char *tls_stream_cipher(const struct stream *s)
{
	return s->layer ? SSL_get_cipher_name(of(s)->ssl) : "";
}

struct slice tls_stream_server_name(const struct stream *s)
{
	return slice_from_cstr(s->layer ? SSL_get_servername(of(s)->ssl, TLSEXT_NAMETYPE_host_name)
					: NULL);
}
