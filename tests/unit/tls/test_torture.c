/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshake, conversation and goodbye while each allocation fails, OpenSSL's own included: once,
 * and from the n-th on. Each side gets an outcome or a whole conversation, never a byte that
 * was not said; the next conversation is whole; under AddressSanitizer nothing is lost.
 */
#include "tls/stream.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "failmalloc.h"
#include "net/talk.h"
#include "tls/certs.h"

enum { TURNS = 24, SAID = 3000 };

static struct tls_certificate *certificate;
static struct tls_server *server;
static struct tls_client *client;
static struct talk talk;

static void *take(size_t bytes, const char *file, int line)
{
	(void)file, (void)line;
	return malloc(bytes);
}

static void *take_again(void *old, size_t bytes, const char *file, int line)
{
	(void)file, (void)line;
	if (bytes)
		return realloc(old, bytes);
	free(old);
	return NULL;
}

static void give(void *old, const char *file, int line)
{
	(void)file, (void)line;
	free(old);
}

static int begin(void **state)
{
	int r = certs_begin(state);

	r = r ? r : tls_certificate_develop(certs_now(), &certificate);
	if (r == 0) {
		char pem[8192];
		snprintf(pem, sizeof(pem), "%.*s", SLICE_ARG(tls_certificate_pem(certificate)));
		certs_file("ca.pem", pem);
	}
	r = r ? r : tls_server_new(&certificate, 1, false, &server);
	return r ? r : tls_client_new(certs("ca.pem"), &client);
}

static int finish(void **state)
{
	server = tls_server_free(server);
	client = tls_client_free(client);
	certificate = tls_certificate_unref(certificate);
	return certs_end(state);
}

static void hear(struct stream *s, unsigned why)
{
	struct talker *t = STREAM_OWNER(s, struct talker, s);
	struct stream_bytes got;

	(void)why;
	if (t->greeted && !t->ended) {
		t->greeted = stream_handshake(s);
		t->ended = t->greeted == STREAM_AGAIN ? 0 : t->greeted;
	}
	while (!t->greeted && !t->ended) {
		int r = stream_read(s, &got);
		if (r == STREAM_AGAIN)
			return;
		t->ended = r;
		for (size_t i = 0; r == 0 && i < got.len; i++)
			assert_int_equal((uint8_t)got.data[i],
					 talk_byte(t->received++, t->peer_salt));
	}
}

static void speak(struct talker *t)
{
	char text[SAID];

	if (t->greeted || t->hushed || (t->ended && t->ended != STREAM_CLOSED))
		return;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)talk_byte(i, t->salt);
	t->hushed = true;
	int r = stream_write(&t->s, slice_of(text, sizeof(text)));
	r = r ? r : stream_shutdown(&t->s);
	if (r && r != STREAM_AGAIN)
		t->ended = r;
}

static bool whole(const struct talker *t)
{
	return t->ended == STREAM_CLOSED && t->received == SAID;
}

static bool over(const struct talker *t)
{
	return t->ended && (t->hushed || t->ended != STREAM_CLOSED);
}

/* Returns whether it was a whole conversation. */
static bool converse(void)
{
	talk_begin(&talk, 100000, 0);
	for (int i = 0; i < 2; i++)
		talk.ends[i].s.fn = hear;
	int r = tls_stream_start_server(&talk.ends[0].s, server);
	r = r ? r : tls_stream_start_client(&talk.ends[1].s, client, SLICE("localhost"));
	for (int i = 0; r == 0 && i < TURNS && !(over(&talk.ends[0]) && over(&talk.ends[1])); i++) {
		talk_turn(&talk);
		speak(&talk.ends[0]);
		speak(&talk.ends[1]);
	}
	bool done = r == 0 && whole(&talk.ends[0]) && whole(&talk.ends[1]);
	for (int i = 0; i < 2; i++)
		stream_deinit(&talk.ends[i].s);
	for (int i = 0; i < 2; i++)
		assert_int_equal(talk.ends[i].budget.used, 0);
	return done;
}

static void torture(void (*lack)(size_t n), size_t step)
{
	size_t broken = 0;

	assert_true(converse()); /* what is made once is there */
	talk_end(&talk);
	for (size_t n = 1; n < 100000; n += step) {
		/* The bench's own allocations are the first, and may not fail. */
		failmalloc_at(0);
		talk_begin(&talk, 100000, 0);
		size_t bench = failmalloc_count();
		talk_end(&talk);
		lack(bench + n);
		bool done = converse();
		bool failed = failmalloc_stop();
		talk_end(&talk);
		assert_true(done || failed);
		broken += !done;
		if (n % 16 == 0 || !failed) { /* nobody bears a grudge */
			assert_true(converse());
			talk_end(&talk);
		}
		if (!failed)
			break;
	}
	assert_true(broken > 10);
}

static void each_allocation_fails_once(void **state)
{
	(void)state;
	torture(failmalloc_at, 1);
}

static void memory_stays_away(void **state)
{
	(void)state;
	torture(failmalloc_from, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails_once),
		cmocka_unit_test(memory_stays_away),
	};

	/* Before anybody asks OpenSSL for anything. */
	if (!CRYPTO_set_mem_functions(take, take_again, give))
		return 1;
	return cmocka_run_group_tests(tests, begin, finish);
}
