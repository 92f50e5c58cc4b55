/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/mtls.h"

#include "unit.h"

enum { NOW_MS = 1000000, LATER_MS = 2000000 };

#define NAME(kind, text)                                                                           \
	{                                                                                          \
		CERTIFICATE_##kind,                                                                \
		{                                                                                  \
			(text), sizeof(text) - 1                                                   \
		}                                                                                  \
	}

static const struct certificate_name all[] = {
	NAME(ADDRESS, "192.0.2.1"),      NAME(EMAIL, "a@partner.example"),
	NAME(DNS, "a.partner.example"),  NAME(DNS, "b.partner.example"),
	NAME(URI, "spiffe://partner/a"), NAME(URI, "spiffe://partner/b"),
};
static const struct certificate_name odd[] = {NAME(URI, "spiffe://partner/\"<\xc3\xa9>\\")};

static const struct row {
	const char *says;
	enum conf_mtls_subject subject;
	struct certificate certificate;
	enum reason wanted;
	const char *sub, *claims;
} rows[] = {
#define CERTIFICATE(list, n, ...)                                                                  \
	{                                                                                          \
		.names = (list), .name_count = (n), .serial = {"01ff", 4},                         \
		.fingerprint = {"abcd", 4}, .not_before_unix_ms = NOW_MS,                          \
		.not_after_unix_ms = LATER_MS, __VA_ARGS__                                         \
	}
#define REST "\"serial\":\"01ff\",\"fingerprint\":\"abcd\"}"
	/* clang-format off */
	{"a URI goes before all others", CONF_MTLS_SAN, CERTIFICATE(all, 6, .common_name = {"cn", 2}), REASON_NONE, "spiffe://partner/a",
	 "{\"san\":[\"192.0.2.1\",\"a@partner.example\",\"a.partner.example\",\"b.partner.example\",\"spiffe://partner/a\",\"spiffe://partner/b\"],\"cn\":\"cn\"," REST},
	{"then a DNS name", CONF_MTLS_SAN, CERTIFICATE(all, 4, .malformed = false), REASON_NONE, "a.partner.example",
	 "{\"san\":[\"192.0.2.1\",\"a@partner.example\",\"a.partner.example\",\"b.partner.example\"]," REST},
	{"then an e-mail address", CONF_MTLS_SAN, CERTIFICATE(all, 2, .malformed = false), REASON_NONE, "a@partner.example", NULL},
	{"an address is nobody", CONF_MTLS_SAN, CERTIFICATE(all, 1, .common_name = {"cn", 2}), REASON_CREDENTIAL_INVALID, NULL, NULL},
	{"the common name is not asked where `san` is", CONF_MTLS_SAN, CERTIFICATE(NULL, 0, .common_name = {"cn", 2}), REASON_CREDENTIAL_INVALID, NULL, NULL},
	{"the common name", CONF_MTLS_CN, CERTIFICATE(all, 6, .common_name = {"cn", 2}), REASON_NONE, "cn", NULL},
	{"no common name", CONF_MTLS_CN, CERTIFICATE(all, 6, .malformed = false), REASON_CREDENTIAL_INVALID, NULL, NULL},
	{"texts that JSON has to escape", CONF_MTLS_SAN, CERTIFICATE(odd, 1, .malformed = false), REASON_NONE, "spiffe://partner/\"<\xc3\xa9>\\",
	 "{\"san\":[\"spiffe://partner/\\\"\\u003c\xc3\xa9\\u003e\\\\\"]," REST},
	{"one that could not be read", CONF_MTLS_SAN, CERTIFICATE(all, 6, .malformed = true), REASON_CREDENTIAL_INVALID, NULL, NULL},
	{"without a fingerprint", CONF_MTLS_SAN, {.names = all, .name_count = 6, .not_after_unix_ms = LATER_MS}, REASON_CREDENTIAL_INVALID, NULL, NULL},
	{"the zero one", CONF_MTLS_SAN, {0}, REASON_CREDENTIAL_EXPIRED, NULL, NULL},
	/* clang-format on */
};

static void test_rows(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		const struct conf_identity identity = {.name = SLICE("partner"),
						       .kind = CONF_IDENTITY_MTLS,
						       .mtls = {at->subject}};
		struct identity who = {0};
		struct arena a;

		arena_init(&a, 4096, 65536);
		struct verdict v = mtls_identify(&identity, &at->certificate, NOW_MS, &a, &who);
		ROW_CHECK(at, v.reason == at->wanted);
		ROW_CHECK(at, (v.kind == VERDICT_PASS) == (at->wanted == REASON_NONE));
		if (at->sub) {
			ROW_EQ(at, who.subject, slice_from_cstr(at->sub));
			ROW_EQ(at, who.via, SLICE("partner"));
			ROW_EQ(at, who.key, SLICE("abcd"));
			ROW_CHECK(at, who.expires_unix_ms == LATER_MS);
			ROW_CHECK(at, who.issued_unix_ms == NOW_MS);
		}
		if (at->claims)
			ROW_EQ(at, who.claims, slice_from_cstr(at->claims));
		arena_deinit(&a);
	}
}

/* A connection lives longer than the look at its certificate. */
static void test_times(void **state)
{
	static const struct {
		const char *says;
		uint64_t now;
		enum reason wanted;
	} cases[] = {
		{"its first millisecond", NOW_MS, REASON_NONE},
		{"one before", NOW_MS - 1, REASON_CREDENTIAL_INVALID},
		{"its last", LATER_MS - 1, REASON_NONE},
		{"one after", LATER_MS, REASON_CREDENTIAL_EXPIRED},
	};
	const struct conf_identity identity = {.name = SLICE("partner"),
					       .kind = CONF_IDENTITY_MTLS};
	(void)state;
	EACH_ROW (at, cases) {
		struct identity who;
		struct arena a;

		arena_init(&a, 4096, 65536);
		ROW_CHECK(
			at,
			mtls_identify(&identity, &rows[0].certificate, at->now, &a, &who).reason ==
				at->wanted);
		arena_deinit(&a);
	}
}

static void test_no_room(void **state)
{
	const struct conf_identity identity = {.name = SLICE("partner"),
					       .kind = CONF_IDENTITY_MTLS};
	struct identity who;
	struct arena a;

	(void)state;
	arena_init(&a, 64, 64);
	assert_int_equal(mtls_identify(&identity, &rows[0].certificate, NOW_MS, &a, &who).reason,
			 REASON_OVERLOADED);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
