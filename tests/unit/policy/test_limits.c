/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/num.h"

#include "unit.h"

static const struct siphash_key key = {{9, 8, 7}};

static struct conf_limits limits_of(uint64_t total, uint64_t address, uint64_t prefix,
				    uint64_t identity)
{
	return (struct conf_limits){
		.connections = total,
		.connections_per_address = address,
		.connections_per_prefix = prefix,
		.connections_per_identity = identity,
		.handshakes_per_address = {.unlimited = true},
		.handshakes_per_prefix = {.unlimited = true},
	};
}

static struct address peer(const char *text)
{
	struct address a;
	assert_true(address_parse(slice_from_cstr(text), &a));
	return a;
}

static enum reason admit(struct limits *l, const struct conf_limits *c, const char *from,
			 struct limits_receipt *r)
{
	struct address a = peer(from);
	struct verdict v = limits_admit(l, c, &a, 0, r);
	assert_int_equal(v.kind == VERDICT_PASS, v.reason == REASON_NONE);
	assert_int_equal(v.retry_after_s > 0, v.kind == VERDICT_REFUSE);
	return v.reason;
}

static void neighbours_count_together(void **state)
{
	static const struct {
		const char *says;
		const char *first, *second;
		uint64_t address, prefix;
		enum reason wanted;
	} rows[] = {
		{"one address", "192.0.2.1", "192.0.2.1", 1, 9, REASON_CONNECTION_LIMIT},
		{"two addresses", "192.0.2.1", "192.0.2.2", 1, 9, REASON_NONE},
		{"one /24", "192.0.2.1", "192.0.2.255", 1, 1, REASON_CONNECTION_LIMIT},
		{"two /24", "192.0.2.1", "192.0.3.1", 1, 1, REASON_NONE},
		{"one /64", "2001:db8::1", "2001:db8::ffff:0:1", 1, 9, REASON_CONNECTION_LIMIT},
		{"two /64", "2001:db8::1", "2001:db8:0:1::1", 1, 9, REASON_NONE},
		{"one /48", "2001:db8::1", "2001:db8:0:1::1", 1, 1, REASON_CONNECTION_LIMIT},
		{"one /56", "2001:db8::1", "2001:db8:0:ff::1", 9, 4, REASON_CONNECTION_LIMIT},
		{"two /56", "2001:db8::1", "2001:db8:0:100::1", 9, 4, REASON_NONE},
		{"two /48", "2001:db8::1", "2001:db8:1::1", 1, 1, REASON_NONE},
		{"v4 in v6 is v4", "192.0.2.1", "::ffff:192.0.2.1", 1, 9, REASON_CONNECTION_LIMIT},
		{"v6 that looks like v4", "192.0.2.1", "c000:201::", 1, 1, REASON_NONE},
		{"nobody at all", "192.0.2.1", "192.0.2.9", 0, 9, REASON_CONNECTION_LIMIT},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct limits *l = limits_new(&key, 8);
		struct limits_receipt a = {0}, b = {0};
		struct conf_limits c = limits_of(8, at->address, at->prefix, 1);
		enum reason first = admit(l, &c, at->first, &a);
		ROW_CHECK(at, first == (at->address ? REASON_NONE : REASON_CONNECTION_LIMIT));
		ROW_CHECK(at, admit(l, &c, at->second, &b) == at->wanted);
		limits_release(&a);
		if (at->address)
			ROW_CHECK(at, b.from || admit(l, &c, at->second, &b) == REASON_NONE);
		limits_release(&b);
		limits_release(&b);
		ROW_CHECK(at, limits_whole(l));
		limits_free(l);
	}
}

static void the_gateway_has_a_last_place(void **state)
{
	struct limits *l = limits_new(&key, 3);
	struct conf_limits c = limits_of(3, 9, 9, 9);
	struct limits_receipt r[4] = {0};
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(admit(l, &c, "192.0.2.1", &r[i]), REASON_NONE);
	assert_int_equal(limits_connections(l), 3);
	assert_int_equal(admit(l, &c, "198.51.100.1", &r[3]), REASON_OVERLOADED);
	limits_release(&r[1]);
	assert_int_equal(admit(l, &c, "198.51.100.1", &r[3]), REASON_NONE);
	for (int i = 0; i < 4; i++)
		limits_release(&r[i]);
	assert_true(limits_whole(l));
	limits_free(l);
}

static enum reason readmit(struct limits *l, const struct conf_limits *c, const char *as,
			   struct limits_receipt *r)
{
	struct address a = {0};
	if (as)
		a = peer(as);
	return limits_readmit(l, c, as ? &a : NULL, r).reason;
}

static void clients_behind_a_proxy_count_for_themselves(void **state)
{
	(void)state;
	struct limits *l = limits_new(&key, 8);
	struct conf_limits c = limits_of(3, 1, 9, 9);
	struct limits_receipt a = {0}, b = {0}, direct = {0}, more = {0};
	assert_int_equal(limits_admit_proxy(l, &c, &a).kind, VERDICT_PASS);
	assert_int_equal(limits_admit_proxy(l, &c, &b).kind, VERDICT_PASS);
	assert_int_equal(readmit(l, &c, "192.0.2.1", &a), REASON_NONE);
	/* The same client by two connections, then by one of its own. */
	assert_int_equal(readmit(l, &c, "192.0.2.1", &b), REASON_CONNECTION_LIMIT);
	assert_int_equal(admit(l, &c, "192.0.2.1", &direct), REASON_CONNECTION_LIMIT);
	/* Refused once, the connection may still be somebody else's. */
	assert_int_equal(readmit(l, &c, "192.0.2.2", &b), REASON_NONE);
	/* The next request on a is another client's: the first one's place is free. */
	assert_int_equal(readmit(l, &c, "192.0.2.3", &a), REASON_NONE);
	assert_int_equal(admit(l, &c, "192.0.2.1", &direct), REASON_NONE);
	assert_int_equal(limits_connections(l), 3);
	/* Proxies do not count for nothing. */
	assert_int_equal(limits_admit_proxy(l, &c, &more).reason, REASON_OVERLOADED);
	assert_null(more.from);
	/* The same one again counts once. */
	assert_int_equal(readmit(l, &c, "192.0.2.3", &a), REASON_NONE);
	/* Its own request, a health check. */
	assert_int_equal(readmit(l, &c, NULL, &a), REASON_NONE);
	assert_int_equal(readmit(l, &c, "192.0.2.3", &b), REASON_NONE);
	/* Once somebody has proved who he is, it is nobody else's any more. */
	assert_int_equal(limits_admit_identity(l, &c, SLICE("u"), &b).kind, VERDICT_PASS);
	assert_int_equal(readmit(l, &c, "192.0.2.4", &b), REASON_INTERNAL);
	limits_release(&a);
	limits_release(&b);
	limits_release(&direct);
	assert_true(limits_whole(l));
	limits_free(l);
}

static void who_is_refused_behind_a_proxy_leaves_nothing(void **state)
{
	(void)state;
	struct limits *l = limits_new(&key, 8);
	struct conf_limits c = limits_of(8, 1, 1, 9);
	struct limits_receipt direct = {0}, a = {0}, b = {0};
	assert_int_equal(admit(l, &c, "192.0.2.1", &direct), REASON_NONE);
	assert_int_equal(limits_admit_proxy(l, &c, &a).kind, VERDICT_PASS);
	/* Its address has room, its network has not: it is counted in neither. */
	assert_int_equal(readmit(l, &c, "192.0.2.2", &a), REASON_CONNECTION_LIMIT);
	assert_null(a.address);
	assert_null(a.prefix);
	limits_release(&direct);
	assert_int_equal(limits_admit_proxy(l, &c, &b).kind, VERDICT_PASS);
	assert_int_equal(readmit(l, &c, "192.0.2.2", &b), REASON_NONE);
	limits_release(&a);
	limits_release(&b);
	assert_true(limits_whole(l));
	limits_free(l);
}

static void identities_count_over_all_addresses(void **state)
{
	struct limits *l = limits_new(&key, 8);
	struct conf_limits c = limits_of(8, 9, 9, 1);
	struct limits_receipt a = {0}, b = {0}, nobody = {0}, none = {0};
	static const char longest[2000];
	(void)state;
	assert_int_equal(admit(l, &c, "192.0.2.1", &a), REASON_NONE);
	assert_int_equal(admit(l, &c, "198.51.100.1", &b), REASON_NONE);
	assert_int_equal(admit(l, &c, "198.51.100.1", &nobody), REASON_NONE);
	assert_int_equal(limits_admit_identity(l, &c, SLICE("alice"), &a).kind, VERDICT_PASS);
	struct verdict v = limits_admit_identity(l, &c, SLICE("alice"), &b);
	assert_int_equal(v.kind, VERDICT_REFUSE);
	assert_int_equal(v.reason, REASON_CONNECTION_LIMIT);
	assert_true(v.retry_after_s > 0);
	/* refused once, still somebody else's place */
	assert_int_equal(limits_admit_identity(l, &c, SLICE("alice2"), &b).kind, VERDICT_PASS);
	/* `anyone` has no name to count by, however many there are */
	for (int i = 0; i < 3; i++)
		assert_int_equal(limits_admit_identity(l, &c, slice_of(NULL, 0), &nobody).kind,
				 VERDICT_PASS);
	/* twice for one connection, or without one: our mistake, refused */
	assert_int_equal(limits_admit_identity(l, &c, SLICE("alice"), &b).reason, REASON_INTERNAL);
	assert_int_equal(limits_admit_identity(l, &c, SLICE("x"), &none).reason, REASON_INTERNAL);
	assert_int_equal(limits_admit_identity(l, &c, slice_of(longest, 2000), &nobody).reason,
			 REASON_INTERNAL);
	limits_release(&a);
	limits_release(&a);
	assert_int_equal(admit(l, &c, "192.0.2.1", &a), REASON_NONE);
	assert_int_equal(limits_admit_identity(l, &c, SLICE("alice"), &a).kind, VERDICT_PASS);
	limits_release(&a);
	limits_release(&b);
	limits_release(&nobody);
	limits_release(&none);
	assert_true(limits_whole(l));
	limits_free(l);
}

static void handshakes_have_a_rate(void **state)
{
	struct limits *l = limits_new(&key, 8);
	struct conf_limits c = limits_of(8, 9, 9, 9);
	struct address a = peer("192.0.2.1"), b = peer("192.0.2.2");
	(void)state;
	assert_true(num_parse_rate(SLICE("20/s burst 40"), &c.handshakes_per_address));
	uint64_t now = UINT64_C(123456789000);
	for (int i = 0; i < 40; i++)
		assert_int_equal(limits_request(l, &c, &a, now).kind, VERDICT_PASS);
	struct verdict v = limits_request(l, &c, &a, now);
	assert_int_equal(v.reason, REASON_HANDSHAKE_RATE);
	assert_int_equal(v.retry_after_s, 1);
	/* the neighbour is not concerned, and refusals cost nothing */
	assert_int_equal(limits_request(l, &c, &b, now).kind, VERDICT_PASS);
	assert_int_equal(limits_request(l, &c, &a, now + 49999).kind, VERDICT_REFUSE);
	assert_int_equal(limits_request(l, &c, &a, now + 50000).kind, VERDICT_PASS);
	assert_int_equal(limits_request(l, &c, &a, now + 50000).kind, VERDICT_REFUSE);
	/* after two seconds all forty are there again, and not one more after an hour */
	now += 3600 * UINT64_C(1000000);
	for (int i = 0; i < 40; i++)
		assert_int_equal(limits_request(l, &c, &a, now).kind, VERDICT_PASS);
	assert_int_equal(limits_request(l, &c, &a, now).kind, VERDICT_REFUSE);
	/* and the place where the forty bits wrap is no lock-out, wherever the clock stands */
	now = (UINT64_C(1) << 40) * 10 - 1000000;
	struct address other = peer("203.0.113.77");
	for (int i = 0; i < 200; i++) {
		assert_int_equal(limits_request(l, &c, &other, now).kind, VERDICT_PASS);
		now += 50000;
	}
	now += UINT64_C(80) * 24 * 3600 * 1000000; /* more than half a turn later */
	assert_int_equal(limits_request(l, &c, &other, now).kind, VERDICT_PASS);
	limits_free(l);
}

static void rates_at_their_edges(void **state)
{
	static const struct {
		const char *says, *rate;
		uint64_t after_us; /* each take after the last one */
		int allowed;       /* of a hundred */
	} rows[] = {
		{"one an hour", "1/h", 1000, 1},
		{"one a minute, asked each minute", "1/m", 60000000, 100},
		{"one a minute, asked a little too often", "1/m", 59000000, 50},
		{"3 a second, burst 1", "3/s burst 1", 333340, 100},
		{"unlimited", "unlimited", 0, 100},
		{"many", "1000000/s", 0, 100},
		{"a huge burst", "1/h burst 4000000000", 0, 100},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct limits *l = limits_new(&key, 8);
		struct conf_limits c = limits_of(8, 9, 9, 9);
		struct address a = peer("2001:db8::1");
		int allowed = 0;
		ROW_CHECK(at, num_parse_rate(slice_from_cstr(at->rate), &c.handshakes_per_address));
		for (uint64_t i = 0; i < 100; i++)
			allowed += limits_request(l, &c, &a, 7 + i * at->after_us).kind == VERDICT_PASS;
		if (allowed != at->allowed)
			fail_msg("%s: %d allowed, wanted %d", at->says, allowed, at->allowed);
		limits_free(l);
	}
	struct limits *l = limits_new(&key, 8);
	struct conf_limits none = limits_of(8, 9, 9, 9);
	struct address a = peer("2001:db8::1");
	none.handshakes_per_address = (struct rate){0};
	struct limits_receipt r = {0};
	assert_int_equal(limits_admit(l, &none, &a, 5, &r).reason, REASON_HANDSHAKE_RATE);
	assert_null(r.from);
	limits_free(l);
}

/* Which of a network's neighbours take from one rate; the second is asked when the first has taken
 * all there was. */
static void networks_have_a_rate(void **state)
{
	static const struct {
		const char *says, *first, *second;
		int first_gets;
		bool second_gets;
	} rows[] = {
		{"one /24", "192.0.2.1", "192.0.2.254", 8, false},
		{"another /24", "192.0.2.1", "192.0.3.1", 8, true},
		{"one /56", "2001:db8::1", "2001:db8:0:ff::1", 2, false},
		{"another /56", "2001:db8::1", "2001:db8:0:100::1", 2, true},
		{"v4 in v6 is v4", "::ffff:192.0.2.1", "192.0.2.9", 8, false},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct limits *l = limits_new(&key, 8);
		struct conf_limits c = limits_of(8, 9, 9, 9);
		struct address first = peer(at->first), second = peer(at->second);
		c.handshakes_per_prefix = (struct rate){.count = 8, .per_ms = 1000, .burst = 8};
		int got = 0;
		while (limits_request(l, &c, &first, 5000).kind == VERDICT_PASS)
			got++;
		ROW_CHECK(at, got == at->first_gets);
		ROW_CHECK(at, (limits_request(l, &c, &second, 5000).kind == VERDICT_PASS) ==
				      at->second_gets);
		limits_free(l);
	}
	/* Four homes of one /48 at their rate: the fifth finds the network's used up. */
	struct limits *l = limits_new(&key, 8);
	struct conf_limits c = limits_of(8, 9, 9, 9);
	c.handshakes_per_prefix = (struct rate){.count = 8, .per_ms = 1000, .burst = 8};
	static const char *const homes[] = {"2001:db8::1", "2001:db8:0:100::", "2001:db8:0:200::",
					    "2001:db8:0:300::", "2001:db8:0:400::"};
	for (int i = 0; i < 5; i++) {
		struct address a = peer(homes[i]);
		for (int n = 0; n < 2; n++)
			assert_int_equal(limits_request(l, &c, &a, 5000).kind == VERDICT_PASS, i < 4);
	}
	/* Who is over his own rate takes nothing from his network. */
	c.handshakes_per_address = (struct rate){.count = 1, .per_ms = 1000, .burst = 1};
	struct address loud = peer("203.0.113.1"), quiet = peer("203.0.113.2");
	for (int n = 0; n < 100; n++)
		assert_int_equal(limits_request(l, &c, &loud, 5000).kind == VERDICT_PASS, n == 0);
	assert_int_equal(limits_request(l, &c, &quiet, 5000).kind, VERDICT_PASS);
	limits_free(l);
}

static struct address numbered(uint32_t i)
{
	struct address a = {.family = 4};
	memcpy(a.bytes, &i, 4);
	return a;
}

/* Counts: a million addresses want in at once, as many as there are connections get it. */
static void a_million_addresses_cost_no_memory(void **state)
{
	enum { CONNECTIONS = 4096, ADDRESSES = 1000000 };
	struct limits *l = limits_new(&key, CONNECTIONS);
	struct conf_limits c = limits_of(CONNECTIONS, 4, 100, 4);
	struct limits_receipt *r = calloc(CONNECTIONS + 1, sizeof(*r));
	size_t bytes = limits_bytes(l), held = 0;
	c.handshakes_per_address = (struct rate){.count = 20, .per_ms = 1000, .burst = 40};
	(void)state;
	assert_true(bytes < 2 * 1024 * 1024);
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		struct address a = numbered(i * 2654435761u);
		struct verdict v = limits_admit(l, &c, &a, i, &r[held]);
		if (v.kind == VERDICT_PASS)
			held++;
		else
			assert_int_equal(v.reason, REASON_OVERLOADED);
	}
	/* no set was full before the gateway was */
	assert_int_equal(held, CONNECTIONS);
	assert_int_equal(limits_bytes(l), bytes);
	while (held)
		limits_release(&r[--held]);
	assert_true(limits_whole(l));
	limits_free(l);
	free(r);
}

/* Many more connections than the tables were made for: refused, never let through uncounted. */
static void a_full_set_refuses(void **state)
{
	enum { MANY = 20000 };
	struct limits *l = limits_new(&key, 8);
	struct conf_limits c = limits_of(UINT64_MAX, 1, UINT64_MAX, 1);
	struct limits_receipt *r = calloc(MANY, sizeof(*r));
	size_t held = 0, refused = 0;
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		struct address a = numbered(i * 2654435761u);
		struct verdict v = limits_admit(l, &c, &a, 0, &r[i]);
		assert_true(v.kind == VERDICT_PASS || v.reason == REASON_OVERLOADED);
		assert_int_equal(v.kind == VERDICT_PASS, r[i].from != NULL);
		held += v.kind == VERDICT_PASS;
		refused += v.kind != VERDICT_PASS;
	}
	assert_true(held > 400 && held <= 1024 && refused > 0);
	assert_int_equal(limits_connections(l), held);
	for (size_t i = 0; i < MANY; i++)
		limits_release(&r[i]);
	assert_true(limits_whole(l));
	limits_free(l);
	free(r);
}

/* An address that is over its rate cannot wash itself by bringing others into its set. */
static void the_newest_debts_are_kept(void **state)
{
	struct limits *l = limits_new(&key, 1);
	struct conf_limits c = limits_of(1, 9, 9, 9);
	struct address a = peer("192.0.2.1");
	c.handshakes_per_address = (struct rate){.count = 1, .per_ms = 3600000, .burst = 40};
	(void)state;
	uint64_t now = 1000000;
	while (limits_request(l, &c, &a, now).kind == VERDICT_PASS)
		;
	for (uint32_t i = 0; i < 100000; i++) {
		struct address other = numbered(i * 2654435761u);
		(void)!limits_request(l, &c, &other, now).kind;
	}
	assert_int_equal(limits_request(l, &c, &a, now).kind, VERDICT_REFUSE);
	limits_free(l);
}

/* --- threads */

enum { THREADS = 8, ROUNDS = 20000, HELD = 4, ADDRESS_MAX = 6, IDENTITY_MAX = 5 };

static struct limits *shared;
static struct conf_limits shared_conf;
static _Atomic int per_address[16], per_identity[4];
static _Atomic uint64_t too_many, admitted;

struct holding {
	struct limits_receipt receipt;
	int address, identity;
};

static void let_go(struct holding *h)
{
	if (!h->receipt.from)
		return;
	/* counted down first: the limits may let another in before this returns */
	atomic_fetch_sub(&per_address[h->address], 1);
	if (h->identity >= 0)
		atomic_fetch_sub(&per_identity[h->identity], 1);
	limits_release(&h->receipt);
}

static void try_one(struct holding *h, uint32_t random, uint64_t now)
{
	struct address a = numbered(random % 16 << 24 | (random % 16) << 8);
	h->address = (int)(random % 16);
	h->identity = -1;
	if (limits_admit(shared, &shared_conf, &a, now, &h->receipt).kind != VERDICT_PASS)
		return;
	atomic_fetch_add(&admitted, 1);
	if (atomic_fetch_add(&per_address[h->address], 1) >= ADDRESS_MAX)
		atomic_fetch_add(&too_many, 1);
	char name[] = {'u', (char)('0' + random / 16 % 4)};
	struct slice subject = slice_of(name, sizeof(name));
	if (limits_admit_identity(shared, &shared_conf, subject, &h->receipt).kind != VERDICT_PASS)
		return;
	h->identity = (int)(random / 16 % 4);
	if (atomic_fetch_add(&per_identity[h->identity], 1) >= IDENTITY_MAX)
		atomic_fetch_add(&too_many, 1);
}

static void *worker(void *seed)
{
	uint32_t random = *(uint32_t *)seed;
	struct holding held[HELD] = {0};
	for (uint32_t i = 0; i < ROUNDS; i++) {
		random = random * 1664525 + 1013904223;
		struct holding *h = &held[(random >> 8) % HELD];
		let_go(h);
		try_one(h, random >> 16, i);
	}
	for (int i = 0; i < HELD; i++)
		let_go(&held[i]);
	return NULL;
}

static void threads_never_exceed_and_all_comes_back(void **state)
{
	pthread_t threads[THREADS];
	uint32_t seeds[THREADS];
	(void)state;
	shared = limits_new(&key, THREADS * HELD);
	shared_conf = limits_of(THREADS * HELD - 2, ADDRESS_MAX, 1000, IDENTITY_MAX);
	for (uint32_t i = 0; i < THREADS; i++) {
		seeds[i] = i * 77 + 1;
		assert_int_equal(pthread_create(&threads[i], NULL, worker, &seeds[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&too_many), 0);
	assert_true(atomic_load(&admitted) > ROUNDS);
	assert_true(limits_whole(shared));
	shared = limits_free(shared);
}

static _Atomic int taken;

static void *hammer(void *unused)
{
	struct address a = numbered(1);
	(void)unused;
	for (int i = 0; i < 1000; i++) {
		if (limits_request(shared, &shared_conf, &a, 5).kind == VERDICT_PASS)
			atomic_fetch_add(&taken, 1);
	}
	return NULL;
}

/* One address on all workers has one rate. (Two threads that are the first to see it may each
 * start a word of their own, once: hence a warm-up.) */
static void threads_share_a_rate(void **state)
{
	pthread_t threads[THREADS];
	struct address a = numbered(1);
	(void)state;
	shared = limits_new(&key, 8);
	shared_conf = limits_of(8, 9, 9, 9);
	shared_conf.handshakes_per_address = (struct rate){.count = 1, .per_ms = 1000, .burst = 500};
	assert_int_equal(limits_request(shared, &shared_conf, &a, 5).kind, VERDICT_PASS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&taken), 499);
	shared = limits_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_count_together),
		cmocka_unit_test(the_gateway_has_a_last_place),
		cmocka_unit_test(clients_behind_a_proxy_count_for_themselves),
		cmocka_unit_test(who_is_refused_behind_a_proxy_leaves_nothing),
		cmocka_unit_test(identities_count_over_all_addresses),
		cmocka_unit_test(handshakes_have_a_rate),
		cmocka_unit_test(networks_have_a_rate),
		cmocka_unit_test(rates_at_their_edges),
		cmocka_unit_test(a_million_addresses_cost_no_memory),
		cmocka_unit_test(a_full_set_refuses),
		cmocka_unit_test(the_newest_debts_are_kept),
		cmocka_unit_test(threads_never_exceed_and_all_comes_back),
		cmocka_unit_test(threads_share_a_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
