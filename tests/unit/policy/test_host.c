/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/host.h"

#include "policy_unit.h"

enum setting { WILDCARD, LITERAL_LISTENER, LOOPBACK_LISTENER, LOOPBACK_LOCAL, DEVELOPMENT, IPV6 };

static const struct {
	const char *says;
	enum setting setting;
	const char *host;
	bool ours;
} rows[] = {
	{"hosts:", WILDCARD, "gate.example.com", true},
	{"any case", WILDCARD, "GATE.Example.COM", true},
	{"any port", WILDCARD, "gate.example.com:1", true},
	{"its dot at the end", WILDCARD, "gate.example.com.", false},
	{"a name that ends so", WILDCARD, "evilgate.example.com", false},
	{"a label more", WILDCARD, "a.gate.example.com", false},
	{"a name that begins so", WILDCARD, "gate.example.com.evil.example", false},
	{"its domain", WILDCARD, "example.com", false},
	{"a certificate's name", WILDCARD, "cert.example.org", true},
	{"a wildcard's", WILDCARD, "a.wild.example.org", true},
	{"a wildcard's in capitals", WILDCARD, "A.WILD.example.org", true},
	{"two labels for a wildcard", WILDCARD, "a.b.wild.example.org", false},
	{"no label for a wildcard", WILDCARD, "wild.example.org", false},
	{"a label that only ends so", WILDCARD, "xwild.example.org", false},
	{"a certificate's address", WILDCARD, "203.0.113.5", true},
	{"the connection's own address", WILDCARD, "192.0.2.1:8443", true},
	{"somebody else's address", WILDCARD, "192.0.2.2", false},
	{"the unspecified address", WILDCARD, "0.0.0.0", false},
	{"localhost, from outside", WILDCARD, "localhost", false},
	{"loopback, from outside", WILDCARD, "127.0.0.1", false},
	{"a rebound name", WILDCARD, "rebound.evil.example", false},
	{"hosts: wildcard", WILDCARD, "x.many.example.net", true},
	{"a dot that even hosts: has", WILDCARD, "dotted.example.", false},
	{"an address in hosts:", WILDCARD, "198.51.100.7", true},
	{"another listener's address", WILDCARD, "10.1.2.3", true},
	{"the listener's address", LITERAL_LISTENER, "10.1.2.3:8080", true},
	{"the connection's, on a literal listener", LITERAL_LISTENER, "192.0.2.1", false},
	{"a listener's name", LITERAL_LISTENER, "named.internal", true},
	{"a loopback listener", LOOPBACK_LISTENER, "127.0.0.1", true},
	{"its other name", LOOPBACK_LISTENER, "localhost:8080", true},
	{"in capitals", LOOPBACK_LISTENER, "LOCALHOST", true},
	{"another loopback address", LOOPBACK_LISTENER, "127.0.0.2", false},
	{"a name below localhost", LOOPBACK_LISTENER, "evil.localhost", false},
	{"over loopback to all addresses", LOOPBACK_LOCAL, "localhost", true},
	{"by its address", LOOPBACK_LOCAL, "127.0.0.1", true},
	{"development", DEVELOPMENT, "localhost", true},
	{"IPv6", IPV6, "[2001:db8::1]", true},
	{"IPv6 spelt out", IPV6, "[2001:0DB8:0:0:0:0:0:1]:8443", true},
	{"another IPv6", IPV6, "[2001:db8::2]", false},
	{"IPv6 loopback", IPV6, "[::1]", false},
	{"v4 as v6 of the other", IPV6, "[::ffff:203.0.113.5]", true},
};

static struct host_facts facts(enum setting setting, struct snapshot *s,
			       struct conf_listener listeners[3])
{
	static const struct slice hosts[] = {
		{"gate.example.com", 16}, {"*.many.example.net", 18}, {"198.51.100.7", 12}, {"dotted.example.", 15}};
	static const struct slice names[] = {{"cert.example.org", 16}, {"*.wild.example.org", 18}};
	static const struct address certificate = {.family = 4, .bytes = {203, 0, 113, 5}};
	struct address literal, loopback, v6;
	assert_true(address_parse(SLICE("10.1.2.3"), &literal));
	assert_true(address_parse(SLICE("127.0.0.1"), &loopback));
	assert_true(address_parse(SLICE("2001:db8::1"), &v6));
	listeners[0] = (struct conf_listener){.host = SLICE("0.0.0.0"), .address = {.family = 4}};
	listeners[1] = (struct conf_listener){.host = SLICE("10.1.2.3"), .address = literal};
	listeners[2] = (struct conf_listener){.host = SLICE("named.internal"), .address = literal};
	*s = (struct snapshot){
		.listeners = listeners,
		.listener_count = 3,
		.hosts = {hosts, COUNT(hosts)},
		.tls.development = setting == DEVELOPMENT,
	};
	struct host_facts f = {
		.conf = s,
		.listener = &listeners[setting == LITERAL_LISTENER ? 1 : 0],
		.local = {.family = 4, .bytes = {192, 0, 2, 1}},
		.certificate_names = {names, COUNT(names)},
		.certificate_addresses = &certificate,
		.certificate_address_count = 1,
	};
	if (setting == LOOPBACK_LISTENER)
		listeners[2].address = loopback;
	if (setting == LOOPBACK_LOCAL)
		f.local = loopback;
	if (setting == IPV6) {
		listeners[0].address = (struct address){.family = 6};
		f.local = v6;
	}
	return f;
}

static void only_our_names_are_ours(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		struct snapshot s;
		struct conf_listener listeners[3];
		struct http_authority host;
		struct host_facts f = facts(at->setting, &s, listeners);
		ROW_CHECK(at, http_authority_parse(slice_from_cstr(at->host), &host));
		ROW_CHECK(at, host_is_ours(&f, &host) == at->ours);
	}
}

static void nothing_configured_is_nobody(void **state)
{
	static const struct conf_listener nowhere;
	const struct snapshot s = {0};
	const struct host_facts f = {.conf = &s, .listener = &nowhere};
	struct http_authority host = {0};
	(void)state;
	assert_false(host_is_ours(&f, &host));
	assert_true(http_authority_parse(SLICE("localhost"), &host));
	assert_false(host_is_ours(&f, &host));
	assert_true(http_authority_parse(SLICE("0.0.0.0"), &host));
	assert_false(host_is_ours(&f, &host));

	/* the parser never gives an empty label; a wildcard would not take it either */
	struct snapshot some;
	struct conf_listener listeners[3];
	struct host_facts wild = facts(WILDCARD, &some, listeners);
	host = (struct http_authority){.host = SLICE(".wild.example.org")};
	assert_false(host_is_ours(&wild, &host));
}

static void it_is_written_in_one_way(void **state)
{
	static const char *const texts[] = {"a.example", "a.example:8443", "192.0.2.1:1", "[::1]",
					    "[::1]:8080"};
	struct arena a;
	(void)state;
	arena_init(&a, 1024, 4096);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct http_authority host;
		assert_true(http_authority_parse(slice_from_cstr(texts[i]), &host));
		assert_slice(host_text(&host, &a), texts[i]);
	}
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_our_names_are_ours),
		cmocka_unit_test(nothing_configured_is_nobody),
		cmocka_unit_test(it_is_written_in_one_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
