/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any expression over a message, run twice and without its check: the same answer each time;
 * what the check says of the type is true; what a quick look says is true is true; steps and
 * memory are bounded whatever it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cel/quick.h"
#include "json/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "broken: %s\n", #condition);                               \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static const char message[] =
	"{\"user\":\"ann\",\"n\":5,\"d\":2.5,\"l\":[1,2.5,\"x\",null,[true]],\"o\":{\"a\":{\"b\":-"
	"1}},"
	"\"t\":\"2024-02-29T12:00:00Z\",\"ip\":\"10.0.0.1\",\"big\":9007199254740991}";

struct outcome {
	bool failed;
	struct cel_value value;
	struct cel_error error;
	struct buf json;
};

/* What a quick look says; it says the same of members whose places are known. */
static bool is_seen(const struct cel_program *p, const struct cel_value *slots)
{
	const struct cel_quick *q = cel_program_quick(p);
	const struct cel_value *values[CEL_QUICK_VARIABLES] = {NULL};
	struct cel_quick_nodes nodes;

	for (uint8_t i = 0; q && i < q->variable_count; i++)
		values[i] = &slots[q->variables[i]];
	bool holds = q && cel_quick_holds(q, values, NULL, NULL);
	if (q && cel_quick_find(q, 0, slots[0].as.json, &nodes))
		MUST(cel_quick_holds(q, values, slots[0].as.json, &nodes) == holds);
	return holds;
}

static void run(struct slice text, const struct cel_value *slots, bool unchecked, struct arena *a,
		struct outcome *o)
{
	const struct cel_variable names[] = {{SLICE_INIT("m"), NULL}, {SLICE_INIT("x"), NULL}};
	const struct cel_env env = {.variables = names,
				    .variable_count = 2,
				    .unchecked = unchecked,
				    .limits = {.steps = 100000}};
	const struct cel_program *p = NULL;

	o->failed = cel_compile(text, &env, a, &p, &o->error) ||
		    cel_eval(p, slots, 2, a, &o->value, &o->error);
	if (p && !a->overflow && is_seen(p, slots))
		MUST(!o->failed && o->value.kind == CEL_BOOL && o->value.as.truth);
	buf_init(&o->json, 1 << 24);
	if (o->failed) {
		MUST(o->error.sentence.len && o->error.at <= text.len);
		return;
	}
	MUST(o->value.kind != CEL_ERROR && o->value.kind < CEL_KINDS);
	/* A list of 1,000 lists of ... is small in memory and large as text. */
	if (cel_write_json(&o->value, &o->json))
		buf_clear(&o->json);
	const struct cel_type *t = cel_program_type(p);
	if (!unchecked && t->form == CEL_T_VALUE)
		MUST(t->kind == (enum cel_kind)o->value.kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;
	struct arena a;
	struct outcome o[3];

	arena_init(&a, 1 << 16, 1 << 25);
	MUST(json_read(slice_from_cstr(message), &limits, &a, &doc) == REASON_NONE);
	const struct cel_value slots[] = {cel_from_json(doc.root), cel_int(7)};
	char *copy = malloc(size + !size);
	if (size)
		memcpy(copy, data, size);
	for (int i = 0; i < 3; i++)
		run(slice_of(copy, size), slots, i == 2, &a, &o[i]);
	if (!a.overflow) {
		MUST(o[0].failed == o[1].failed);
		MUST(slice_eq(buf_slice(&o[0].json), buf_slice(&o[1].json)));
		if (!o[0].failed)
			MUST(!o[2].failed &&
			     slice_eq(buf_slice(&o[0].json), buf_slice(&o[2].json)));
	}
	for (int i = 0; i < 3; i++)
		buf_deinit(&o[i].json);
	free(copy);
	arena_deinit(&a);
	return 0;
}
