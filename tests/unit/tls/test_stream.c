/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/stream.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "failmalloc.h"
#include "net/talk.h"
#include "tls/certs.h"
#include "tls/openssl.h"

static struct tls_certificate
	*certificates[4]; /* localhost, a.example, *.wild.example, rsa.wild.example */
static struct tls_server *server, *server_13;
static struct tls_client *client; /* trusts all of them */

static int begin(void **state)
{
	static const struct {
		const char *name;
		struct cert_row row;
	} all[] = {
		/* clang-format off */
		{"a", {"DNS:a.example,IP:192.0.2.7,IP:2001:db8::7", -1, 30, 0, NULL}},
		{"wild", {"DNS:*.wild.example", -1, 30, 0, NULL}},
		{"rsa", {"DNS:rsa.wild.example", -1, 30, 2048, NULL}},
		/* clang-format on */
	};
	static char pem[16384];
	int r = certs_begin(state);

	r = r ? r : tls_certificate_develop(certs_now(), &certificates[0]);
	for (size_t i = 0; i < COUNT(all) && r == 0; i++) {
		char crt[16], key[16];

		certs_make(all[i].name, &all[i].row);
		snprintf(crt, sizeof(crt), "%s.crt", all[i].name);
		snprintf(key, sizeof(key), "%s.key", all[i].name);
		r = tls_certificate_load(certs(crt), certs(key), certs_now(), &certificates[i + 1]);
	}
	for (size_t i = 0; i < 4 && r == 0; i++) {
		struct slice one = tls_certificate_pem(certificates[i]);

		memcpy(pem + strlen(pem), one.data, one.len);
	}
	certs_file("ca.pem", pem);
	r = r ? r : tls_server_new(certificates, 4, false, &server);
	r = r ? r : tls_server_new(certificates, 1, true, &server_13);
	return r ? r : tls_client_new(certs("ca.pem"), &client);
}

static int finish(void **state)
{
	server = tls_server_free(server);
	server_13 = tls_server_free(server_13);
	client = tls_client_free(client);
	for (size_t i = 0; i < COUNT(certificates); i++)
		certificates[i] = tls_certificate_unref(certificates[i]);
	return certs_end(state);
}

/* --- both sides ours */

static struct talk talk;

static void greet(struct talk *t)
{
	assert_int_equal(tls_stream_start_server(&t->ends[0].s, server), 0);
	assert_int_equal(tls_stream_start_client(&t->ends[1].s, client, SLICE("localhost")), 0);
}

static void conversations(void **state)
{
	(void)state;
	EACH_ROW (row, talk_rows) {
		srandom((unsigned)(row - talk_rows));
		talk_row(&talk, row, greet);
	}
}

/* More than there are corks, with little and with more to say than the wire holds: who writes in a
 * round is encrypted together with the others, and each hears what was said to it. */
static void a_crowd(void **state)
{
	enum { CROWD = 80 };
	static const size_t biggest[] = {1, 140, 3000, 40000, 140, 65536, 140, 390000};
	static struct talker crowd[CROWD];
	size_t ended = 0;

	(void)state;
	srandom(1);
	talk_begin(&talk, 100000, 0);
	for (size_t i = 0; i < CROWD; i++) {
		if (i % 2 == 0)
			talk_pair(&talk, &crowd[i], 500000, i % 10 ? 0 : 4096);
		crowd[i].salt = (uint8_t)i;
		crowd[i].peer_salt = (uint8_t)(i ^ 1);
		crowd[i].biggest = biggest[i % COUNT(biggest)];
		crowd[i].to_send = 3 * crowd[i].biggest + 50;
		struct stream *s = &crowd[i].s;
		assert_int_equal(i % 2 ? tls_stream_start_client(s, client, SLICE("localhost"))
				       : tls_stream_start_server(s, server),
				 0);
	}
	for (unsigned turns = 0; ended < CROWD; turns++) {
		assert_true(turns < 100000);
		ended = 0;
		for (size_t i = 0; i < CROWD; i++) {
			if (!crowd[i].greeted && !crowd[i].hushed)
				talk_speak(&crowd[i]);
			ended += crowd[i].ended != 0;
		}
		talk_turn(&talk);
		assert_int_equal(talk.scratch.wire_len, 0);
	}
	for (size_t i = 0; i < CROWD; i++) {
		assert_int_equal(crowd[i].ended, STREAM_CLOSED);
		assert_int_equal(crowd[i].received, crowd[i ^ 1].to_send);
		assert_int_equal(crowd[i].budget.used, 0);
		stream_deinit(&crowd[i].s);
		budget_deinit(&crowd[i].budget);
	}
	talk_end(&talk);
}

/* Handshake of both; returns when both have an outcome. */
static void shake(struct slice host, struct tls_server *with)
{
	talk_begin(&talk, 100000, 0);
	assert_int_equal(tls_stream_start_server(&talk.ends[0].s, with), 0);
	assert_int_equal(tls_stream_start_client(&talk.ends[1].s, client, host), 0);
	for (int i = 0; i < 200; i++)
		talk_turn(&talk);
	assert_int_not_equal(talk.ends[0].greeted, STREAM_AGAIN);
	assert_int_not_equal(talk.ends[1].greeted, STREAM_AGAIN);
}

static void whom_a_client_trusts(void **state)
{
	static const struct {
		const char *says, *host;
		int wanted;
	} rows[] = {
		/* clang-format off */
		{"the default's name", "localhost", 0},
		{"its address", "127.0.0.1", 0},
		{"its IPv6 address", "::1", 0},
		{"another certificate, by SNI", "a.example", 0},
		{"in capitals", "A.EXAMPLE", 0},
		{"under a wildcard", "b.wild.example", 0},
		{"a name itself goes before the wildcard", "rsa.wild.example", 0},
		{"an address is no SNI, so the default answers", "192.0.2.7", STREAM_UNTRUSTED},
		{"nobody's name", "localhost.org", STREAM_UNTRUSTED},
		{"two labels under the wildcard", "x.b.wild.example", STREAM_UNTRUSTED},
		{"another address", "127.0.0.2", STREAM_UNTRUSTED},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (row, rows) {
		shake(slice_from_cstr(row->host), server);
		if (talk.ends[1].greeted != row->wanted)
			fail_msg("%s: got %d, %s", row->says, talk.ends[1].greeted, err_text());
		/* In TLS 1.3 the server was done before the client objected; then its alert comes.
		 */
		if (row->wanted)
			ROW_CHECK(row, talk.ends[0].ended == STREAM_TLS_FAILED);
		else
			ROW_CHECK(row, talk.ends[0].greeted == 0);
		talk_end(&talk);
	}
}

static void a_stranger_is_not_trusted(void **state)
{
	struct tls_client *strict;

	(void)state;
	assert_int_equal(tls_client_new(slice_of(NULL, 0), &strict), 0);
	talk_begin(&talk, 100000, 0);
	assert_int_equal(tls_stream_start_server(&talk.ends[0].s, server), 0);
	assert_int_equal(tls_stream_start_client(&talk.ends[1].s, strict, SLICE("localhost")), 0);
	strict = tls_client_free(strict); /* the stream keeps what it needs */
	for (int i = 0; i < 20; i++)
		talk_turn(&talk);
	assert_int_equal(talk.ends[1].greeted, STREAM_UNTRUSTED);
	talk_end(&talk);
	assert_true(tls_client_new(SLICE("/nonexistent/ca.pem"), &strict) < 0);
	assert_true(tls_client_new(certs("a.key"), &strict) < 0);
}

/* No DNS name in it, only an address: then OpenSSL would go by the common name. */
static void the_common_name_does_not_count(void **state)
{
	static const struct cert_row row = {"IP:192.0.2.9", -1, 30, 0, NULL};
	struct tls_certificate *c;
	struct tls_server *s;
	struct tls_client *trusting;

	(void)state;
	certs_make("cn.example", &row);
	assert_int_equal(tls_certificate_load(certs("cn.example.crt"), certs("cn.example.key"),
					      certs_now(), &c),
			 0);
	assert_int_equal(tls_server_new(&c, 1, false, &s), 0);
	assert_int_equal(tls_client_new(certs("cn.example.crt"), &trusting), 0);
	struct tls_client *usual = client;
	client = trusting;
	shake(SLICE("192.0.2.9"), s);
	assert_int_equal(talk.ends[1].greeted, 0);
	talk_end(&talk);
	shake(SLICE("cn.example"), s);
	assert_int_equal(talk.ends[1].greeted, STREAM_UNTRUSTED);
	talk_end(&talk);
	client = usual;
	tls_client_free(trusting);
	tls_server_free(s);
	tls_certificate_unref(c);
}

static void what_logs_say(void **state)
{
	(void)state;
	shake(SLICE("a.example"), server);
	assert_string_equal(tls_stream_version(&talk.ends[0].s), "TLSv1.3");
	assert_string_equal(tls_stream_cipher(&talk.ends[0].s), "TLS_AES_128_GCM_SHA256");
	assert_slice(tls_stream_server_name(&talk.ends[0].s), "a.example");
	talk_end(&talk);
	shake(SLICE("127.0.0.1"), server_13);
	assert_slice(tls_stream_server_name(&talk.ends[0].s), "");
	talk_end(&talk);
}

/* The flight of the server is one send; a round's messages are one record and one send. */
static void few_system_calls(void **state)
{
	struct stream_bytes got;

	(void)state;
	shake(SLICE("localhost"), server);
	assert_int_equal(talk.scratch.sends, 3); /* hello, hello...finished, finished */
	struct stream *from = &talk.ends[1].s, *to = &talk.ends[0].s;
	talk.ends[0].ended = STREAM_CLOSED; /* it shall not read by itself */
	talk.scratch.sends = talk.scratch.recvs = 0;
	for (int i = 0; i < 100; i++)
		assert_int_equal(stream_write(from, SLICE("a message of 20 byte")), 0);
	talk_turn(&talk);
	assert_int_equal(talk.scratch.sends, 1);
	assert_int_equal(stream_read(to, &got), 0);
	assert_int_equal(got.len, 2000);
	assert_int_equal(talk.scratch.recvs, 1);
	assert_int_equal(stream_read(to, &got), STREAM_AGAIN);
	assert_int_equal(talk.scratch.recvs, 1);
	failmalloc_at(0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(stream_write(from, SLICE("another")), 0);
		talk_turn(&talk);
		assert_int_equal(stream_read(to, &got), 0);
	}
	assert_int_equal(failmalloc_count(), 0); /* none of our own */
	talk_end(&talk);
}

/* --- a bare OpenSSL client, which may misbehave */

struct raw {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static void raw_begin(struct raw *raw, struct tls_server *with)
{
	int pair[2];

	talk_begin(&talk, 100000, 0);
	stream_deinit(&talk.ends[0].s);
	stream_deinit(&talk.ends[1].s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	assert_int_equal(stream_init(&talk.ends[0].s, &talk.scratch, pair[0], talk_event, 100000,
				     &talk.ends[0].budget),
			 0);
	assert_int_equal(tls_stream_start_server(&talk.ends[0].s, with), 0);
	talk.ends[0].to_send = 1; /* nothing is said unless the test says it */
	ERR_clear_error();
	raw->fd = pair[1];
	raw->ctx = SSL_CTX_new(TLS_client_method());
	raw->ssl = SSL_new(raw->ctx);
	SSL_set_fd(raw->ssl, raw->fd);
	SSL_set_connect_state(raw->ssl);
}

static void raw_end(struct raw *raw)
{
	SSL_free(raw->ssl);
	SSL_CTX_free(raw->ctx);
	if (raw->fd >= 0)
		close(raw->fd);
	ERR_clear_error();
	talk_end(&talk);
}

static bool raw_shake(struct raw *raw)
{
	for (int i = 0; i < 20; i++) {
		ERR_clear_error();
		if (SSL_do_handshake(raw->ssl) == 1)
			return true;
		talk_turn(&talk);
	}
	return false;
}

static void turns(void)
{
	for (int i = 0; i < 5; i++) {
		talk_turn(&talk);
		assert_int_equal(talk.scratch.wire_len, 0); /* the next stream would send it */
	}
}

static void what_a_server_accepts(void **state)
{
	static const unsigned char h2[] = "\x02h2", both[] = "\x02h2\x08http/1.1",
				   h1[] = "\x08http/1.1";
	static const struct {
		const char *says;
		int min, max;        /* 0: any */
		const char *ciphers; /* of TLS 1.2 */
		const unsigned char *protocols;
		unsigned protocols_len;
		bool only_13, accepted;
		const char *cipher; /* that is chosen */
	} rows[] = {
		/* clang-format off */
		{"whatever OpenSSL offers", 0, 0, NULL, NULL, 0, false, true, "TLS_AES_128_GCM_SHA256"},
		{"TLS 1.2", 0, TLS1_2_VERSION, NULL, NULL, 0, false, true, "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{"TLS 1.2, ChaCha20 first", 0, TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256", NULL, 0, false, true, "ECDHE-ECDSA-CHACHA20-POLY1305"},
		{"TLS 1.1", TLS1_VERSION, TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL, 0, false, false, NULL},
		{"TLS 1.2 where 1.3 is the minimum", 0, TLS1_2_VERSION, NULL, NULL, 0, true, false, NULL},
		{"TLS 1.3 where it is the minimum", TLS1_3_VERSION, 0, NULL, NULL, 0, true, true, NULL},
		{"CBC", 0, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA", NULL, 0, false, false, NULL},
		{"no forward secrecy", 0, TLS1_2_VERSION, "AES128-GCM-SHA256", NULL, 0, false, false, NULL},
		{"finite field", 0, TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", NULL, 0, false, false, NULL},
		{"no authentication", 0, TLS1_2_VERSION, "AECDH-AES128-SHA:@SECLEVEL=0", NULL, 0, false, false, NULL},
		{"h2 only", 0, 0, NULL, h2, 3, false, false, NULL},
		{"h2 and http/1.1", 0, 0, NULL, both, 12, false, true, NULL},
		{"http/1.1", 0, 0, NULL, h1, 9, false, true, NULL},
		/* clang-format on */
	};
	struct raw raw;

	(void)state;
	EACH_ROW (row, rows) {
		raw_begin(&raw, row->only_13 ? server_13 : server);
		SSL_set_min_proto_version(raw.ssl, row->min);
		SSL_set_max_proto_version(raw.ssl, row->max);
		if (row->ciphers)
			ROW_CHECK(row, SSL_set_cipher_list(raw.ssl, row->ciphers) == 1);
		if (row->protocols)
			SSL_set_alpn_protos(raw.ssl, row->protocols, row->protocols_len);
		ROW_CHECK(row, raw_shake(&raw) == row->accepted);
		turns();
		ROW_CHECK(row, talk.ends[0].greeted == (row->accepted ? 0 : STREAM_TLS_FAILED));
		if (row->cipher)
			ROW_EQ(row, slice_from_cstr(SSL_get_cipher_name(raw.ssl)),
			       slice_from_cstr(row->cipher));
		const unsigned char *chosen;
		unsigned len;
		SSL_get0_alpn_selected(raw.ssl, &chosen, &len);
		if (row->protocols && row->accepted)
			ROW_EQ(row, slice_of((const char *)chosen, len), SLICE("http/1.1"));
		raw_end(&raw);
	}
}

static void the_certificate_by_name(void **state)
{
	static const struct {
		const char *says, *name, *wanted;
	} rows[] = {
		/* clang-format off */
		{"no name", NULL, "Sallyport development"},
		{"nobody's", "elsewhere.org", "Sallyport development"},
		{"a name", "a.example", "a"},
		{"under the wildcard", "z.wild.example", "wild"},
		{"exact before wildcard", "rsa.wild.example", "rsa"},
		/* clang-format on */
	};
	struct raw raw;
	char name[64];

	(void)state;
	EACH_ROW (row, rows) {
		raw_begin(&raw, server);
		snprintf(name, sizeof(name), "%s", row->name ? row->name : "");
		if (row->name)
			SSL_set_tlsext_host_name(raw.ssl, name);
		ROW_CHECK(row, raw_shake(&raw));
		X509 *got = SSL_get1_peer_certificate(raw.ssl);
		X509_NAME_get_text_by_NID(X509_get_subject_name(got), NID_commonName, name,
					  sizeof(name));
		X509_free(got);
		ROW_EQ(row, slice_from_cstr(name), slice_from_cstr(row->wanted));
		raw_end(&raw);
	}
}

static void nothing_is_resumed(void **state)
{
	struct raw raw;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		raw_begin(&raw, server);
		SSL_set_max_proto_version(raw.ssl, version);
		assert_true(raw_shake(&raw));
		turns();
		char c;
		SSL_read(raw.ssl, &c, 1); /* would take a ticket */
		assert_false(SSL_SESSION_is_resumable(SSL_get0_session(raw.ssl)));
		raw_end(&raw);
	}
}

static void renegotiation_is_refused(void **state)
{
	struct raw raw;
	char c;

	(void)state;
	raw_begin(&raw, server);
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	assert_true(raw_shake(&raw));
	turns();
	SSL_renegotiate(raw.ssl);
	for (int i = 0; i < 10; i++) {
		SSL_do_handshake(raw.ssl);
		turns();
		SSL_read(raw.ssl, &c, 1);
	}
	/* It said no_renegotiation, which OpenSSL's client takes for the end. */
	assert_false(SSL_get_state(raw.ssl) == TLS_ST_OK && SSL_num_renegotiations(raw.ssl) == 0);
	assert_true(talk.ends[0].greeted == 0);
	assert_int_equal(talk.ends[0].received, 0);
	raw_end(&raw);
}

/* What comes right behind the client's Finished is in the same recv. */
static void behind_the_handshake(bool fin)
{
	struct raw raw;
	char text[40];

	raw_begin(&raw, server);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)talk_byte(i, talk.ends[0].peer_salt);
	SSL_set_max_proto_version(raw.ssl, TLS1_3_VERSION);
	for (int i = 0; i < 20 && SSL_do_handshake(raw.ssl) != 1; i++)
		talk_turn(&talk);
	assert_int_equal(SSL_write(raw.ssl, text, sizeof(text)), sizeof(text));
	SSL_shutdown(raw.ssl);
	if (fin)
		shutdown(raw.fd, SHUT_WR);
	turns();
	assert_int_equal(talk.ends[0].received, sizeof(text));
	assert_int_equal(talk.ends[0].ended, STREAM_CLOSED);
	assert_int_equal(talk.ends[0].budget.used, 0);
	raw_end(&raw);
}

static void bytes_behind_the_handshake(void **state)
{
	(void)state;
	behind_the_handshake(true);
	behind_the_handshake(false); /* close_notify alone is an end as well */
}

static void cut_without_goodbye(void **state)
{
	struct raw raw;
	char c = (char)talk_byte(0, 18);

	(void)state;
	for (int with_data = 0; with_data < 2; with_data++) {
		raw_begin(&raw, server);
		assert_true(raw_shake(&raw));
		turns();
		assert_int_equal(talk.ends[0].greeted, 0);
		if (with_data)
			assert_int_equal(SSL_write(raw.ssl, &c, 1), 1);
		shutdown(raw.fd, SHUT_WR);
		turns();
		assert_int_equal(talk.ends[0].received, with_data);
		assert_int_equal(talk.ends[0].ended, STREAM_TRUNCATED);
		raw_end(&raw);
	}
}

/* The goodbye is in the same recv as the last bytes: it is told all the same. */
static void goodbye_behind_bytes(void **state)
{
	struct raw raw;
	char c = (char)talk_byte(0, 18);

	(void)state;
	raw_begin(&raw, server);
	assert_true(raw_shake(&raw));
	turns();
	assert_int_equal(SSL_write(raw.ssl, &c, 1), 1);
	SSL_shutdown(raw.ssl);
	turns();
	assert_int_equal(talk.ends[0].received, 1);
	assert_int_equal(talk.ends[0].ended, STREAM_CLOSED);
	raw_end(&raw);
}

/* Thousands of tiny records in one recv: a part per turn, the rest waits, charged. */
static void tiny_records(void **state)
{
	enum { RECORDS = 5000 };
	struct raw raw;
	int size = 1 << 20;

	(void)state;
	raw_begin(&raw, server);
	setsockopt(raw.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	assert_true(raw_shake(&raw));
	turns();
	/* One write for all of them: else the buffer of a socket pair is full too soon. */
	BIO *out = BIO_new(BIO_s_mem());
	char *all;
	SSL_set0_wbio(raw.ssl, out);
	for (unsigned i = 0; i < RECORDS; i++) {
		char c = (char)talk_byte(i, 18);
		assert_int_equal(SSL_write(raw.ssl, &c, 1), 1);
	}
	long len = BIO_get_mem_data(out, &all);
	assert_int_equal(write(raw.fd, all, (size_t)len), len);
	talk_turn(&talk);
	assert_in_range(talk.ends[0].received, 1, RECORDS / 2);
	assert_true(talk.ends[0].budget.used > 0);
	for (int i = 0; i < 4; i++)
		turns();
	assert_int_equal(talk.ends[0].received, RECORDS);
	assert_int_equal(talk.ends[0].budget.used, 0);
	raw_end(&raw);
}

static void change_of_keys(void **state)
{
	struct raw raw;
	char c = (char)talk_byte(0, 18);

	(void)state;
	raw_begin(&raw, server);
	assert_true(raw_shake(&raw));
	turns();
	SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED);
	assert_int_equal(SSL_write(raw.ssl, &c, 1), 1);
	turns();
	assert_int_equal(talk.ends[0].received, 1);
	assert_int_equal(stream_write(&talk.ends[0].s, SLICE("!")), 0);
	turns();
	assert_int_equal(SSL_read(raw.ssl, &c, 1), 1);
	assert_int_equal(c, '!');
	raw_end(&raw);
}

/* Asks for new keys again and again without reading the answers: what waits stays bounded. */
static void change_of_keys_without_end(void **state)
{
	struct raw raw;

	(void)state;
	raw_begin(&raw, server);
	assert_true(raw_shake(&raw));
	turns();
	for (int i = 0; i < 20000 && !talk.ends[0].ended; i++) {
		SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(raw.ssl);
		talk_turn(&talk);
		assert_true(stream_pending_bytes(&talk.ends[0].s) < 200000);
	}
	assert_int_equal(talk.ends[0].ended, STREAM_FULL);
	raw_end(&raw);
}

static void without_a_handshake(void **state)
{
	static const struct {
		const char *says;
		struct slice bytes;
		bool ends; /* then FIN */
		int wanted;
	} rows[] = {
		/* clang-format off */
		{"nothing, and leaves", {NULL, 0}, true, STREAM_CLOSED},
		{"nothing yet", {NULL, 0}, false, STREAM_AGAIN},
		{"plain HTTP", {"GET / HTTP/1.1\r\n\r\n", 18}, false, STREAM_PLAIN_HTTP},
		{"the first letter of it", {"G", 1}, false, STREAM_PLAIN_HTTP},
		{"in small letters", {"get / HTTP/1.1\r\n\r\n", 18}, false, STREAM_PLAIN_HTTP},
		{"zeros", {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16}, false, STREAM_TLS_FAILED},
		{"an alert", {"\x15\x03\x03\0\x02\x02\x28", 7}, false, STREAM_TLS_FAILED},
		{"a record of application data", {"\x17\x03\x03\0\x05hello", 10}, false, STREAM_TLS_FAILED},
		{"a record that is too long", {"\x16\x03\x01\xff\xff\x01\xff\xff\xff\x03\x03", 11}, false, STREAM_TLS_FAILED},
		{"a hello of SSL 2", {"\x80\x0c\x01\0\x02\0\x03\0\0\0\x10\x01\0\x80", 14}, false, STREAM_TLS_FAILED},
		{"half a record", {"\x16\x03\x01\x02\0\x01\0\x01", 8}, false, STREAM_AGAIN},
		{"half a record, and leaves", {"\x16\x03\x01\x02\0\x01\0\x01", 8}, true, STREAM_TRUNCATED},
		{"a ClientHello without sense", {"\x16\x03\x01\0\x09\x01\0\0\x05\x03\x03xyz", 14}, false, STREAM_TLS_FAILED},
		/* clang-format on */
	};
	struct raw raw;

	(void)state;
	EACH_ROW (row, rows) {
		raw_begin(&raw, server);
		talk.ends[0].ended = 1; /* reading is for this test */
		if (row->bytes.len)
			assert_int_equal(write(raw.fd, row->bytes.data, row->bytes.len),
					 row->bytes.len);
		if (row->ends)
			shutdown(raw.fd, SHUT_WR);
		talk_turn(&talk);
		talk_turn(&talk);
		if (talk.ends[0].greeted != row->wanted && row->wanted != STREAM_PLAIN_HTTP)
			fail_msg("%s: got %d, %s", row->says, talk.ends[0].greeted, err_text());
		raw_end(&raw);
	}
}

static int met; /* outcome of the first handshake step that had one */

static void step(struct stream *s, unsigned why)
{
	(void)why;
	if (met == STREAM_AGAIN)
		met = stream_handshake(s);
}

static void plain_http_can_be_answered(void **state)
{
	struct raw raw;
	struct stream_bytes got;
	char text[64] = "";

	(void)state;
	raw_begin(&raw, server);
	met = STREAM_AGAIN;
	talk.ends[0].s.fn = step;
	assert_int_equal(write(raw.fd, "GET / HTTP/1.1\r\n", 16), 16);
	talk_turn(&talk);
	assert_int_equal(met, STREAM_PLAIN_HTTP);
	assert_int_equal(stream_handshake(&talk.ends[0].s), 0);
	assert_int_equal(stream_read(&talk.ends[0].s, &got), 0);
	assert_slice(slice_of(got.data, got.len), "GET / HTTP/1.1\r\n");
	assert_int_equal(stream_write(&talk.ends[0].s, SLICE("HTTP/1.1 400 Bad Request\r\n")), 0);
	assert_int_equal(stream_shutdown(&talk.ends[0].s), 0);
	assert_int_equal(read(raw.fd, text, sizeof(text)), 26);
	assert_int_equal(strncmp(text, "HTTP/1.1 400", 12), 0);
	assert_string_equal(tls_stream_version(&talk.ends[0].s), "");
	raw_end(&raw);
}

/* A record that was tampered with on the way. */
static void a_bad_record(void **state)
{
	struct raw raw;

	(void)state;
	raw_begin(&raw, server);
	assert_true(raw_shake(&raw));
	turns();
	assert_int_equal(write(raw.fd, "\x17\x03\x03\0\x20tampered tampered tampered tampe", 37),
			 37);
	turns();
	assert_int_equal(talk.ends[0].ended, STREAM_TLS_FAILED);
	assert_non_null(strstr(err_sentence(), "TLS record"));
	assert_int_equal(stream_write(&talk.ends[0].s, SLICE("x")), 0);
	assert_int_equal(stream_flush(&talk.ends[0].s), STREAM_TLS_FAILED);
	raw_end(&raw);
}

/* The handshake of a client that sends one byte at a time. */
static void byte_by_byte(void **state)
{
	struct raw raw;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	char buffer[8192];

	(void)state;
	raw_begin(&raw, server);
	SSL_set_bio(raw.ssl, in, out);
	for (int i = 0; i < 10 && talk.ends[0].greeted; i++) {
		SSL_do_handshake(raw.ssl);
		int n = BIO_read(out, buffer, sizeof(buffer));
		for (int k = 0; k < n; k++) {
			assert_int_equal(write(raw.fd, buffer + k, 1), 1);
			talk_turn(&talk);
		}
		ssize_t got = read(raw.fd, buffer, sizeof(buffer));
		if (got > 0)
			BIO_write(in, buffer, (int)got);
	}
	assert_int_equal(talk.ends[0].greeted, 0);
	raw_end(&raw);
}

static void not_before_the_handshake(void **state)
{
	struct raw raw;
	struct stream_bytes got;

	(void)state;
	raw_begin(&raw, server);
	assert_true(stream_write(&talk.ends[0].s, SLICE("secret")) < 0);
	assert_int_equal(stream_read(&talk.ends[0].s, &got), STREAM_AGAIN);
	assert_int_equal(stream_shutdown(&talk.ends[0].s), 0);
	raw_end(&raw);
}

/* What could not be encrypted was not sent: that is the end of the stream. */
static void not_encrypted(void **state)
{
	struct stream *s = &talk.ends[0].s;

	(void)state;
	shake(SLICE("localhost"), server);
	SSL_set_shutdown(tls_stream_ssl(s), SSL_SENT_SHUTDOWN); /* OpenSSL writes no more */
	assert_int_equal(stream_write(s, SLICE("lost")), 0);
	talk_turn(&talk);
	assert_int_equal(stream_write(s, SLICE("more")), STREAM_TLS_FAILED);
	talk_end(&talk);
}

static void reset_on_the_way(void **state)
{
	struct raw raw;

	(void)state;
	raw_begin(&raw, server);
	assert_true(raw_shake(&raw));
	turns();
	assert_int_equal(stream_write(&talk.ends[0].s, SLICE("hello?")), 0);
	close(raw.fd);
	raw.fd = -1;
	turns();
	assert_true(talk.ends[0].ended == STREAM_TRUNCATED || talk.ends[0].ended == STREAM_RESET);
	assert_int_equal(stream_write(&talk.ends[0].s, SLICE("hello?")), STREAM_RESET);
	raw_end(&raw);
}

/* --- threads: certificates are shared, contexts are not */

static void *worker(void *arg)
{
	struct talk *t = arg;
	struct tls_server *s = NULL;
	struct tls_client *c = NULL;

	for (int i = 0; i < 10; i++) {
		MUST(tls_server_new(certificates, 4, false, &s) == 0);
		MUST(tls_client_new(certs("ca.pem"), &c) == 0);
		talk_begin(t, 100000, 0);
		MUST(tls_stream_start_server(&t->ends[0].s, s) == 0);
		MUST(tls_stream_start_client(&t->ends[1].s, c, SLICE("a.example")) == 0);
		talk_out(t);
		MUST(t->ends[0].ended == STREAM_CLOSED && t->ends[1].ended == STREAM_CLOSED);
		talk_end(t);
		tls_server_free(s);
		tls_client_free(c);
	}
	return NULL;
}

static void workers_share_certificates(void **state)
{
	static struct talk talks[4];
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker, &talks[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

/* --- memory */

/* An idle TLS connection costs one SSL object and no buffers. */
static void idle_memory(void **state)
{
	enum { MANY = 200 };
	static struct talk many[MANY];

	(void)state;
	if (mallinfo2().uordblks == 0)
		skip(); /* a sanitizer's malloc does not count */
	for (size_t i = 0; i < MANY; i++) {
		talk_begin(&many[i], 100000, 0);
		greet(&many[i]);
		for (int turn = 0; turn < 20; turn++)
			talk_turn(&many[i]);
		assert_int_equal(many[i].ends[0].greeted, 0);
	}
	size_t before = mallinfo2().uordblks;
	for (size_t i = 0; i < MANY; i++)
		stream_deinit(&many[i].ends[0].s);
	size_t each = (before - mallinfo2().uordblks) / MANY;
	print_message("# an idle TLS stream of the server's side: %zu bytes\n", each);
	assert_in_range(each, 2000, 15 * 1024);
	for (size_t i = 0; i < MANY; i++)
		talk_end(&many[i]);
}

static void without_memory(void **state)
{
	(void)state;
	FAILMALLOC_EACH (n) {
		struct tls_server *s = NULL;
		struct tls_client *c = NULL;

		talk_begin(&talk, 100000, 0);
		failmalloc_at(n);
		int r = tls_server_new(certificates, 4, false, &s);
		if (r == 0)
			r = tls_client_new(certs("ca.pem"), &c);
		if (r == 0)
			r = tls_stream_start_server(&talk.ends[0].s, s);
		if (r == 0)
			r = tls_stream_start_client(&talk.ends[1].s, c, SLICE("localhost"));
		bool failed = failmalloc_stop();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		tls_server_free(s);
		tls_client_free(c);
		talk_end(&talk);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations),
		cmocka_unit_test(a_crowd),
		cmocka_unit_test(whom_a_client_trusts),
		cmocka_unit_test(a_stranger_is_not_trusted),
		cmocka_unit_test(the_common_name_does_not_count),
		cmocka_unit_test(what_logs_say),
		cmocka_unit_test(few_system_calls),
		cmocka_unit_test(what_a_server_accepts),
		cmocka_unit_test(the_certificate_by_name),
		cmocka_unit_test(nothing_is_resumed),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(bytes_behind_the_handshake),
		cmocka_unit_test(cut_without_goodbye),
		cmocka_unit_test(goodbye_behind_bytes),
		cmocka_unit_test(tiny_records),
		cmocka_unit_test(change_of_keys),
		cmocka_unit_test(change_of_keys_without_end),
		cmocka_unit_test(without_a_handshake),
		cmocka_unit_test(plain_http_can_be_answered),
		cmocka_unit_test(a_bad_record),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(not_before_the_handshake),
		cmocka_unit_test(not_encrypted),
		cmocka_unit_test(reset_on_the_way),
		cmocka_unit_test(workers_share_certificates),
		cmocka_unit_test(idle_memory),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, begin, finish);
}
