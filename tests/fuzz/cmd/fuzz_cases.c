/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of test cases: either findings, all of which can be printed, or cases in
 * which nothing is left open: each has a name, a path that a request could ask for, steps that do
 * something, and expectations that their step can meet.
 */
#include <errno.h>
#include <stdint.h>

#include "base/obj.h"
#include "cmd/test_read.h"
#include "http/header.h"
#include "http/target.h"
#include "json/pointer.h"
#include "json/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was written as a value is JSON, but for what JSON refuses that YAML has. */
static void check_json(struct slice text)
{
	static const struct json_limits limits = {.depth = 64,
						  .members = UINT32_MAX,
						  .values = UINT32_MAX,
						  .any_strings = true,
						  .any_keys = true,
						  .any_numbers = true};
	struct arena a;
	struct json_doc doc;

	arena_init(&a, 1 << 16, 1 << 28);
	MUST(json_read(text, &limits, &a, &doc) == REASON_NONE);
	arena_deinit(&a);
}

static void check_expect(const struct test_expect *e, enum test_kind kind)
{
	bool refusal = e->any_refusal || e->fate == TEST_DROPPED || e->fate == TEST_REPLIED ||
		       e->fate == TEST_CLOSED;

	MUST(refusal == (e->reason != REASON_NONE));
	MUST(!e->has_at || (refusal && json_pointer_valid(e->at)));
	MUST(e->compare == TEST_ANYTHING || e->fate == TEST_FORWARDED);
	MUST(kind != TEST_HANDSHAKE || e->fate == TEST_ALLOWED || e->any_refusal);
	MUST(kind == TEST_HANDSHAKE || e->fate != TEST_ALLOWED);
	MUST(kind != TEST_SERVER || (e->fate != TEST_REPLIED && e->fate != TEST_WAITS));
	if (e->compare == TEST_AS_JSON)
		check_json(e->value);
}

static void check_client(const struct test_client *c, struct arena *a)
{
	struct http_target target;

	MUST(http_target_parse(c->path, a, &target, NULL) == REASON_NONE);
	MUST(slice_index(c->path, '?') == c->path.len);
	MUST(!c->known || (c->subject.len && c->claims.len));
	MUST(c->origin_kind != TEST_ORIGIN_GIVEN || http_value_ok(c->origin));
	MUST(c->address.family == 4 || c->address.family == 6);
	for (size_t i = 0; i < c->header_count; i++) {
		MUST(http_token_ok(c->headers[i].name));
		MUST(!c->headers[i].value.len || http_value_ok(c->headers[i].value));
	}
	if (c->known)
		check_json(c->claims);
}

static void check_case(const struct test_case *c, struct arena *a)
{
	MUST(c->name.len && c->line && c->step_count);
	check_client(&c->client, a);
	for (size_t i = 0; i < c->step_count; i++) {
		const struct test_step *s = &c->steps[i];
		MUST(s->kind == TEST_CLIENT || s->kind == TEST_SERVER || !s->message.len);
		MUST(s->kind != TEST_HANDSHAKE || c->step_count == 1);
		if (s->kind != TEST_PAUSE && s->kind != TEST_RECONNECT)
			check_expect(&s->expect, s->kind);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);
	const struct test_case *cases;
	static struct diag d;
	struct arena a;
	struct buf out;
	size_t count;

	diag_init(&d);
	diag_set_source(&d, SLICE("cases.yaml"), text);
	arena_init(&a, 1 << 16, 1 << 28);
	buf_init(&out, 64 << 20);
	int r = test_read(SLICE("cases.yaml"), text, &a, &d, &cases, &count);
	MUST(r == 0 || r == TEST_WRONG || r == -ENOMEM);
	MUST(r == -ENOMEM || (r == 0) == (d.errors == 0));
	for (size_t i = 0; r == 0 && i < count; i++)
		check_case(&cases[i], &a);
	MUST(diag_print(&d, &out) == 0);
	buf_deinit(&out);
	arena_deinit(&a);
	diag_deinit(&d);
	return 0;
}
