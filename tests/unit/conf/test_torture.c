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

static const char ruled[] = "listen: http://127.0.0.1:80\n"
			    "routes:\n"
			    "  - path: /a/{b}\n"
			    "    identify: anyone\n"
			    "    upstream: ws://127.0.0.1:1\n"
			    "    allow: params.b != ''\n"
			    "    contract: c.yaml\n"
			    "    rules:\n"
			    "      client: {\"*\": {allow: \"message.u == identity.sub\", set: {u: "
			    "identity.sub}, text: {u: escape}, "
			    "rate: 5/s, unique: {by: u, within: 1s}, after: {s: 1s}}}\n"
			    "      server: {s: {allow: last.s.n > 1.0, remember: true, drop: [n], "
			    "redact: {card: [t]}}}\n";

static const char misruled[] = "listen: http://127.0.0.1:80\n"
			       "routes:\n"
			       "  - {path: /a, identify: anyone, upstream: \"ws://127.0.0.1:1\", "
			       "contract: c.yaml#/x, rules: {}}\n"
			       "  - {path: /b, identify: anyone, upstream: \"ws://127.0.0.1:1\", "
			       "contract: c.yaml#/channels/c,"
			       " rules: {client: {c: {allow: message.v == ''}}}}\n";

static const struct world_document contract[] = {
	{"etc/c.yaml", "asyncapi: 3.0.0\n"
		       "channels:\n"
		       "  c:\n"
		       "    address: /a/{b}\n"
		       "    messages:\n"
		       "      c: {payload: {type: object, properties: {u: {anyOf: [{type: string, "
		       "maxLength: 5}, {$ref: 'd.yaml'}]}}}}\n"
		       "      s: {payload: {type: object, properties: {n: {type: number}, t: "
		       "{type: string, pattern: '^a'}}}}\n"
		       "operations:\n"
		       "  c: {action: receive, channel: {$ref: '#/channels/c'}, messages: [{$ref: "
		       "'#/channels/c/messages/c'}]}\n"
		       "  s: {action: send, channel: {$ref: '#/channels/c'}, messages: [{$ref: "
		       "'#/channels/c/messages/s'}]}\n"},
	{"etc/d.yaml", "{type: string, maxLength: 3}\n"},
	{NULL, NULL},
};

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

static void with_a_contract(void **state)
{
	(void)state;
	world_documents = contract;
	torture(ruled, 0);
	torture(misruled, CONF_WRONG);
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
		cmocka_unit_test(with_a_contract),
		cmocka_unit_test(a_wrong_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
