/* SPDX-License-Identifier: Apache-2.0 */
/* Loading and explaining while memory runs out, allocation by allocation. */
#include "conf/explain.h"

#include "failmalloc.h"
#include "unit.h"
#include "world.h"

static const char good[] =
	"listen: [https://0.0.0.0:443, \"http://127.0.0.1:80\"]\n"
	"tls: {certificates: [{certificate: chain.pem, key: key.pem}]}\n"
	"hosts: [a.example]\n"
	"identity:\n"
	"  s: {cookie: {name: sid, verify: \"http://127.0.0.1/\"}}\n"
	"  t: {ticket: {from: [s]}}\n"
	"routes:\n"
	"  - path: /a/{b}\n"
	"    identify: [t, s]\n"
	"    origins: [same, \"https://b.example\"]\n"
	"    upstream: [\"ws://127.0.0.1:1/x/{b}\"]\n"
	"    contract: none\n"
	"    subprotocols: [x]\n"
	"    on_refusal: {reply: {a: $reason}}\n"
	"    forward: {headers: [cookie], query: [q]}\n"
	"site: [{path: /*, root: public, csp: {img-src: i.example}}]\n";

static const char wrong[] = "listen: http://0.0.0.0:1\nrouts: []\nkeys: key.pem\n"
			    "identity: {x: {cookie: {nam: x}}}\nlimits: {buffered: 1}\n";

static int try_once(const char *text, int wanted)
{
	struct snapshot *s = NULL;
	struct diag d;
	struct buf out;
	int r = world_load(slice_from_cstr(text), &s, &d);

	buf_init(&out, 1 << 20);
	assert_int_equal(s == NULL, r != 0);
	if (r == 0 && explain_snapshot(s, &out))
		r = -ENOMEM;
	buf_clear(&out);
	if (r == CONF_WRONG && wanted == 0)
		world_show(&d);
	if (r == CONF_WRONG && diag_print(&d, &out))
		r = -ENOMEM;
	buf_deinit(&out);
	snapshot_unref(s);
	if (r != wanted && r != -ENOMEM)
		fail_msg("%d instead of %d", r, wanted);
	diag_deinit(&d);
	return r;
}

static void torture(const char *text, int wanted)
{
	size_t failures = 0;

	FAILMALLOC_EACH (n) {
		failmalloc_at(n);
		int r = try_once(text, wanted);
		bool failed = failmalloc_stop();
		if (!failed) {
			assert_int_equal(r, wanted);
			break;
		}
		failures += r == -ENOMEM;
	}
	assert_true(failures >= 5);
	for (size_t n = 1; n < 12; n++) {
		failmalloc_from(n);
		(void)try_once(text, wanted);
		failmalloc_stop();
	}
}

static void a_good_one(void **state)
{
	(void)state;
	torture(good, 0);
}

static void a_wrong_one(void **state)
{
	(void)state;
	torture(wrong, CONF_WRONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one),
		cmocka_unit_test(a_wrong_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
