/* SPDX-License-Identifier: Apache-2.0 */
/* `store`: which URLs are read as what, which are refused, and that no word of a password is said.
 */
#include "conf/explain.h"
#include "conf/load.h"

#include "unit.h"
#include "world.h"

#define REST                                                                                       \
	"\nlisten: http://127.0.0.1:8080\n"                                                        \
	"routes: [{path: /a, identify: anyone, upstream: 'ws://127.0.0.1:1', contract: none}]\n"

static struct diag d;
static struct snapshot *s;

static int load(const char *store)
{
	char text[1024];
	int len = snprintf(text, sizeof(text), "store: \"%s\"" REST, store);
	assert_true(len > 0 && (size_t)len < sizeof(text));
	return world_load(slice_of(text, (size_t)len), &s, &d);
}

static void what_is_right(void **state)
{
	static const struct {
		const char *url, *shown, *host, *user, *password;
		unsigned port, database;
		bool tls;
	} rows[] = {
		{"redis://127.0.0.1", "redis://127.0.0.1:6379/0", "127.0.0.1", "", "", 6379, 0,
		 false},
		{"redis://cache:1234/", "redis://cache:1234/0", "cache", "", "", 1234, 0, false},
		{"redis://[::1]:6380/7", "redis://[::1]:6380/7", "::1", "", "", 6380, 7, false},
		{"rediss://r.example.com/15", "rediss://r.example.com:6379/15", "r.example.com", "",
		 "", 6379, 15, true},
		{"redis://:hunter2@h:80", "redis://h:80/0", "h", "", "hunter2", 80, 0, false},
		{"redis://u:p:q@h", "redis://h:6379/0", "h", "u", "p:q", 6379, 0, false},
		{"redis://%75:a%40%2f%25%20@h/1", "redis://h:6379/1", "h", "u", "a@/% ", 6379, 1,
		 false},
		{"redis://u:a@b@h", "redis://h:6379/0", "h", "u", "a@b", 6379, 0, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (load(rows[i].url))
			world_show(&d);
		assert_non_null(s);
		const struct conf_store *c = &s->store;
		assert_true(c->redis);
		assert_int_equal(c->tls, rows[i].tls);
		assert_slice(c->url, rows[i].shown);
		assert_slice(c->host, rows[i].host);
		assert_slice(c->user, rows[i].user);
		assert_slice(c->password, rows[i].password);
		assert_int_equal(c->port, rows[i].port);
		assert_int_equal(c->database, rows[i].database);
		s = snapshot_unref(s);
		diag_deinit(&d);
	}
	assert_int_equal(load("memory"), 0);
	assert_false(s->store.redis);
	s = snapshot_unref(s);
	diag_deinit(&d);
}

static void what_is_wrong(void **state)
{
	static const struct {
		const char *url, *words;
	} rows[] = {
		{"redis", "cannot be `redis`"},
		{"http://127.0.0.1", "cannot be"},
		{"REDIS://127.0.0.1", "cannot be"},
		{"redis://", "the host in `store`"},
		{"redis://:6379", "the host in `store`"},
		{"redis://h:0", "port 0"},
		{"redis://h:65536", "the host in `store`"},
		{"redis://a b", "the host in `store`"},
		{"redis://h/x", "number of a database"},
		{"redis://h/-1", "number of a database"},
		{"redis://h/65536", "number of a database"},
		{"redis://h/0/1", "number of a database"},
		{"redis://h/0?x=1", "number of a database"},
		{"redis://h?x=canary", "the host in `store`"},
		{"redis://canary@h", "user without a password"},
		{"redis://u:@h", "user without a password"},
		{"redis://u:canary%4@h", "percent-encoded"},
		{"redis://u:canary%zz@h", "percent-encoded"},
		{"redis://u:canary%00@h", "percent-encoded"},
		{"redis://u:canary%0a@h", "percent-encoded"},
		{"redis://u:can/ary@h", NULL},
		{"postgres://u:canary@h/0", "none that there is"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (load(rows[i].url) == 0)
			fail_msg("%s is taken", rows[i].url);
		assert_null(s);
		if (rows[i].words && !world_finding(&d, rows[i].words)) {
			world_show(&d);
			fail_msg("%s: wanted `%s`", rows[i].url, rows[i].words);
		}
		diag_deinit(&d);
	}
}

/* A finding shows its line: without the password. */
static void no_password_is_said(void **state)
{
	static const char *const urls[] = {
		"redis://u:canary@h/x",          "redis://:canary@h:0",
		"redis://u:canary%zz@h",         "redis://u:canary@@h:0",
		"redis://u:canary/canary@h",     "postgres://u:canary@h",
		"rediss://:canary:canary@h/9 9",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct buf text;
		buf_init(&text, 1 << 16);
		assert_int_not_equal(load(urls[i]), 0);
		assert_int_equal(diag_print(&d, &text), 0);
		assert_int_equal(buf_append(&text, slice_of("", 1)), 0);
		if (strstr(buf_slice(&text).data, "canary"))
			fail_msg("%s: %s", urls[i], buf_slice(&text).data);
		buf_deinit(&text);
		diag_deinit(&d);
	}
	struct buf text;
	buf_init(&text, 1 << 16);
	assert_int_equal(load("redis://user:canary@redis.example.com:6379/0"), 0);
	assert_int_equal(explain_snapshot(s, &text), 0);
	assert_int_equal(buf_append(&text, slice_of("", 1)), 0);
	const char *said = buf_slice(&text).data;
	assert_null(strstr(said, "canary"));
	assert_non_null(strstr(said, "redis://redis.example.com:6379/0"));
	assert_non_null(strstr(said, "clear text beyond loopback"));
	buf_deinit(&text);
	s = snapshot_unref(s);
	diag_deinit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(no_password_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
