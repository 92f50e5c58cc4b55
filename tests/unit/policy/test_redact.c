/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/redact.h"

#include "policy_text.h"

#define JWT "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
#define HEX32 "a8f5f167f44f4964e6c998dee827110c"
/* Shapes in two pieces, so that nobody's scanner takes these for real ones. */
#define STRIPE "sk_live" "_4eC39HqLyjWDarjtT1zdp7dc"
#define GITHUB "ghp" "_abcdefghijklmnopqrstuvwxyz0123456789"
#define SLACK "xoxb" "-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"

enum { ALL = (1 << REDACT_KINDS) - 1 };

/* NULL: as it was. # stands for [redacted:<kind>]. */
static const struct {
	const char *says;
	unsigned kind;
	const char *text, *wanted;
} rows[] = {
	/* clang-format off */
	{"a card", REDACT_CARD, "pay 4111111111111111 now", "pay # now"},
	{"in groups", REDACT_CARD, "4111 1111 1111 1111, 4111-1111-1111-1111.", "#, #."},
	{"fifteen digits", REDACT_CARD, "378282246310005 3782 822463 10005", "# #"},
	{"two cards", REDACT_CARD, "5500005555555559 6011111111111117", "# #"},
	{"nineteen digits", REDACT_CARD, "6304000000000000000", "#"},
	{"wrong check digit", REDACT_CARD, "4111111111111112", NULL},
	{"nobody's number", REDACT_CARD, "1234567890123452 0000000000000000", NULL},
	{"a time in milliseconds", REDACT_CARD, "1562869260905", NULL},
	{"too long", REDACT_CARD, "41111111111111111111", NULL},
	{"inside of a word", REDACT_CARD, "x4111111111111111 4111111111111111x _4111111111111111", NULL},
	{"separators that differ", REDACT_CARD, "4111 1111-1111 1111", NULL},
	{"groups of two", REDACT_CARD, "41 11 11 11 11 11 11 11", NULL},
	{"a fraction", REDACT_CARD, "0.4111111111111111", NULL},

	{"an address", REDACT_EMAIL, "alice@example.com", "#"},
	{"with a tag, between brackets", REDACT_EMAIL, "to <bob.smith+x@mail.example.co.uk>.", "to <#>."},
	{"two", REDACT_EMAIL, "a@b.example,c@d.example", "#,#"},
	{"no dot", REDACT_EMAIL, "root@localhost", NULL},
	{"a name on a network", REDACT_EMAIL, "@user hi @ 5 a@ .com", NULL},
	{"a short end", REDACT_EMAIL, "d@e.f", NULL},
	{"numbers", REDACT_EMAIL, "a@10.0.0.1", NULL},

	{"a token", REDACT_SECRET, "x " JWT " y", "x # y"},
	{"two parts are none", REDACT_SECRET, "eyJhbGci", NULL},
	{"bearer", REDACT_SECRET, "Authorization: Bearer mF_9.B5f-4.1JqM", "Authorization: Bearer #"},
	{"of good news", REDACT_SECRET, "the bearer of good news; basic understanding", NULL},
	{"AWS", REDACT_SECRET, "id AKIAIOSFODNN7EXAMPLE.", "id #."},
	{"longer than AWS", REDACT_SECRET, "AKIAIOSFODNN7EXAMPLEX", NULL},
	{"Stripe", REDACT_SECRET, STRIPE, "#"},
	{"GitHub", REDACT_SECRET, "(" GITHUB ")", "(#)"},
	{"Slack", REDACT_SECRET, SLACK, "#"},
	{"in the middle of a word", REDACT_SECRET, "x" GITHUB, NULL},
	{"a private key", REDACT_SECRET, "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb", "a\n#\nb"},
	{"one that was cut off", REDACT_SECRET, "-----BEGIN PRIVATE KEY-----\nMIIE", "#"},
	{"a public key", REDACT_SECRET, "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----", NULL},
	{"a name and a value", REDACT_SECRET, "api_key=" HEX32 "&x", "api_key=#&x"},
	{"in JSON", REDACT_SECRET, "{\"client_secret\": \"" HEX32 "\"}", "{\"client_secret\": \"#\"}"},
	{"in JSON in JSON", REDACT_SECRET, "{\\\"apiKey\\\":\\\"" HEX32 "\\\"}", "{\\\"apiKey\\\":\\\"#\\\"}"},
	{"a password", REDACT_SECRET, "password=hunter2 and more", "password=# and more"},
	{"about passwords", REDACT_SECRET, "password: incorrect. token: none, key=value", NULL},
	{"a value without a name", REDACT_SECRET, HEX32, NULL},
	{"in a URL", REDACT_SECRET, "postgres://app:s3cret@db:5432/x", "postgres://app:#@db:5432/x"},
	{"no password in it", REDACT_SECRET, "http://a:80/b@c http://a@b ://", NULL},

	{"private networks", REDACT_PRIVATE_IP, "10.0.0.1 172.16.5.4:80 192.168.1.1/24 169.254.0.1.", "# #:80 #/24 #."},
	{"public ones", REDACT_PRIVATE_IP, "8.8.8.8 172.32.0.1 11.0.0.1 127.0.0.1 192.169.0.1", NULL},
	{"IPv6", REDACT_PRIVATE_IP, "fe80::1 [fd12:3456::1] 2001:db8::1 f:", "# [#] 2001:db8::1 f:"},
	{"a version", REDACT_PRIVATE_IP, "10.0.0.1.5 v10.0.0.1 10.0.0 10.0.0.256", NULL},

	{"Java", REDACT_STACK_TRACE, "E: x\n\tat a.B.c(B.java:12)\n\tat a.D.e(Native Method)\nCaused by: java.io.IOException: y\n\t... 3 more\nend", "E: x\n#\nend"},
	{"Node", REDACT_STACK_TRACE, "TypeError: x\n    at f (/srv/a.js:1:2)\n    at /srv/b.js:3:4\nend", "TypeError: x\n#\nend"},
	{"Python", REDACT_STACK_TRACE, "a\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x()\nValueError: bad\nb", "a\n#\nb"},
	{"Go", REDACT_STACK_TRACE, "goroutine 1 [running]:\nmain.f(0x1)\n\t/srv/a.go:12 +0x1b\nexit status 2\nb", "#\nb"},
	{".NET", REDACT_STACK_TRACE, "   at A.B.C(String s) in C:\\a.cs:line 12\r\n   at A.B.D()\r\nend", "#\nend"},
	{"PHP", REDACT_STACK_TRACE, "#0 /srv/a.php(12): f()\n#1 {main}\nb", "#\nb"},
	{"in words", REDACT_STACK_TRACE, "meet me at 10:30\nat noon: bring File 1\n... and more\n#1 fan", NULL},
	/* clang-format on */
};

/* # becomes what stands for the kind. */
static struct slice spelt_out(const char *wanted, unsigned kind, struct arena *a)
{
	char cover[64], *to = arena_alloc(a, strlen(wanted) * 32 + 1);
	size_t len = 0;

	snprintf(cover, sizeof(cover), "[redacted:%s]", redact_kind_word(kind));
	for (; *wanted; wanted++) {
		if (*wanted == '#') {
			memcpy(to + len, cover, strlen(cover));
			len += strlen(cover);
		} else {
			to[len++] = *wanted;
		}
	}
	return slice_of(to, len);
}

static void what_is_looked_for_is_covered(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	EACH_ROW (at, rows) {
		struct slice text = slice_from_cstr(at->text), out;
		unsigned found;
		ROW_CHECK(at, redact_apply(at->kind, text, &a, &out, &found));
		ROW_EQ(at, out, at->wanted ? spelt_out(at->wanted, at->kind, &a) : text);
		ROW_CHECK(at, found == (at->wanted ? at->kind : 0));
		if (!at->wanted)
			ROW_CHECK(at, out.data == text.data);
		ROW_CHECK(at, redact_apply(ALL & ~at->kind, text, &a, &out, &found));
		ROW_CHECK(at, redact_apply(at->kind, at->wanted ? spelt_out(at->wanted, at->kind, &a) : text, &a, &out, &found));
		ROW_CHECK(at, found == 0);
		arena_reset(&a);
	}
	arena_deinit(&a);
}

static void all_at_once(void **state)
{
	struct slice out;
	unsigned found;
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	assert_true(redact_apply(ALL, SLICE("a@b.example paid 4111111111111111 from 10.1.2.3 with " GITHUB), &a, &out, &found));
	assert_slice(out, "[redacted:email] paid [redacted:card] from [redacted:private_ip] with [redacted:secret]");
	assert_int_equal(found, REDACT_EMAIL | REDACT_CARD | REDACT_PRIVATE_IP | REDACT_SECRET);
	assert_true(redact_apply(0, SLICE("a@b.example"), &a, &out, &found));
	assert_slice(out, "a@b.example");
	arena_deinit(&a);
	arena_init(&a, 1, 1);
	assert_false(redact_apply(ALL, SLICE("a@b.example"), &a, &out, &found));
	assert_int_equal(out.len, 0);
	arena_deinit(&a);
}

static void words_are_read_back(void **state)
{
	(void)state;
	for (unsigned kind = 1; kind < 1u << REDACT_KINDS; kind <<= 1)
		assert_int_equal(redact_kind_parse(slice_from_cstr(redact_kind_word(kind))), kind);
	assert_int_equal(redact_kind_parse(SLICE("Card")), 0);
	assert_int_equal(redact_kind_parse(SLICE("none")), 0);
}

static size_t finds[REDACT_KINDS];

static void count_finds(struct slice text, struct arena *a)
{
	const char *broken = property_redact(text, a);

	if (broken)
		fail_msg("%s: %.*s", broken, SLICE_ARG(slice_first(text, 300)));
	for (unsigned kind = 0; kind < REDACT_KINDS; kind++) {
		struct slice out;
		unsigned found;
		assert_true(redact_apply(1u << kind, text, a, &out, &found));
		finds[kind] += found != 0;
	}
}

/* What people wrote has some addresses and test cards in it; nearly nothing else is touched. */
static void chat_is_left_alone(void **state)
{
	(void)state;
	if (each_string("benign", count_finds) + each_string("benign-code", count_finds) == 0)
		skip();
	assert_in_range(finds[0], 4, 5);   /* cards: all are 4242... */
	assert_in_range(finds[1], 15, 21); /* mail: all are */
	assert_in_range(finds[2], 0, 1);
	assert_in_range(finds[3], 10, 14);
	assert_in_range(finds[4], 0, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_looked_for_is_covered),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(words_are_read_back),
		cmocka_unit_test(chat_is_left_alone),
	};
	return cmocka_run_group_tests_name("policy/redact", tests, NULL, NULL);
}
