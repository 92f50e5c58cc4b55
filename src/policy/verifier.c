/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge of the application's answer. The cache is in verifier_cache.c.
 */
#include "policy/verifier.h"

#include "base/buf.h"
#include "json/read.h"
#include "json/write.h"
#include "policy/identity.h"

static struct answer failed(const char **detail, const char *why)
{
	*detail = why;
	return (struct answer){.kind = ANSWER_FAILED};
}

/* So few members that keys are compared one by one: no secret needed for their order. */
static const struct json_limits body_limits = {.depth = 32, .members = 256, .values = 4096};

static const struct json_node *find_key(const struct json_node *object, struct slice name)
{
	JSON_EACH_MEMBER (key, object) {
		if (slice_eq(json_string(key), name))
			return key;
	}
	return NULL;
}

/* All members but `sub`, as compact JSON in the arena; data is NULL without room. */
static struct slice claims_text(const struct json_doc *doc, const struct json_node *sub,
				struct arena *a)
{
	struct slice text = {NULL, 0};
	struct json_edits edits;
	struct buf out;
	json_edits_init(&edits, doc->root, doc->nodes, a);
	buf_init(&out, IDENTITY_CLAIMS_MAX);
	if (!json_edit_remove(&edits, sub) && !json_write(doc->root, &edits, &out))
		text = arena_copy(a, buf_slice(&out));
	buf_deinit(&out);
	return text;
}

static struct answer judge_body(struct slice body, struct arena *a, const char **detail)
{
	struct json_doc doc;
	if (body.len > VERIFIER_BODY_MAX)
		return failed(detail, "the body is over 64 KiB");
	if (json_read(body, &body_limits, a, &doc) != REASON_NONE)
		return failed(detail, json_fault_word(doc.fault));
	if (json_type(doc.root) != JSON_OBJECT)
		return failed(detail, "the body is no object");
	const struct json_node *key = find_key(doc.root, SLICE("sub"));
	if (!key || json_type(json_value_of(key)) != JSON_STRING)
		return failed(detail, "no sub, or not a string");
	struct slice subject = json_string(json_value_of(key));
	/* The empty subject stands for `anyone`. */
	if (!subject.len || subject.len > IDENTITY_SUBJECT_MAX)
		return failed(detail, "sub is empty or over 1024 bytes");

	struct answer yes = {.kind = ANSWER_YES};
	yes.subject = arena_copy(a, subject);
	yes.claims = claims_text(&doc, key, a);
	if (!yes.subject.data || !yes.claims.data)
		return failed(detail, "the arena is full");
	return yes;
}

struct answer verifier_judge(int status, struct slice body, struct arena *a, const char **detail)
{
	*detail = NULL;
	if (status == 401 || status == 403)
		return (struct answer){.kind = ANSWER_NO};
	if (status != 200)
		return failed(detail, "the status is none of 200, 401, 403");
	return judge_body(body, a, detail);
}
