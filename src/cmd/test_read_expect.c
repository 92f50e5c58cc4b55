/* SPDX-License-Identifier: Apache-2.0 */
/* What is expected of a step; see test_read_priv.h. One row per word. */
#include "cmd/test_read_priv.h"
#include "json/pointer.h"

enum { WORD_BYTES = 80 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum value { VALUE_TRUE, VALUE_REASON, VALUE_JSON, VALUE_TEXT, VALUE_BINARY };

enum {
	HANDSHAKE = 1 << TEST_HANDSHAKE,
	CLIENT = 1 << TEST_CLIENT,
	SERVER = 1 << TEST_SERVER,
	WAITING = 1 << TEST_WAITING,
};

/* clang-format off */
static const struct word {
	struct slice word;
	enum test_fate fate;
	unsigned kinds; /* of steps */
	enum value value;
} words[] = {
	{SLICE_INIT("allowed"),          TEST_ALLOWED,   HANDSHAKE,                   VALUE_TRUE},
	{SLICE_INIT("refused"),          TEST_FORBIDDEN, HANDSHAKE | CLIENT | SERVER, VALUE_REASON},
	{SLICE_INIT("forwarded"),        TEST_FORWARDED, CLIENT | SERVER | WAITING,   VALUE_JSON},
	{SLICE_INIT("forwarded_text"),   TEST_FORWARDED, CLIENT | SERVER | WAITING,   VALUE_TEXT},
	{SLICE_INIT("forwarded_binary"), TEST_FORWARDED, CLIENT | SERVER | WAITING,   VALUE_BINARY},
	{SLICE_INIT("dropped"),          TEST_DROPPED,   CLIENT | SERVER,             VALUE_REASON},
	{SLICE_INIT("replied"),          TEST_REPLIED,   CLIENT,                      VALUE_REASON},
	{SLICE_INIT("closed"),           TEST_CLOSED,    CLIENT | SERVER,             VALUE_REASON},
	{SLICE_INIT("waits"),            TEST_WAITS,     CLIENT | WAITING,            VALUE_TRUE},
};
/* clang-format on */

static bool read_true(struct test_reader *r, const struct yaml_node *node)
{
	bool yes;

	if (!test_read_bool(r, node, &yes))
		return false;
	if (yes)
		return true;
	return test_wrong(r, node->at, "what happens instead? `refused: ` and its reason",
			  "`%.*s: false` says too little", SLICE_ARG(node->key));
}

static bool read_reason(struct test_reader *r, const struct yaml_node *node, enum reason *out)
{
	struct slice known[REASON_COUNT], text;

	if (!test_read_text(r, node, &text))
		return false;
	*out = reason_from_word(text);
	if (*out != REASON_NONE)
		return true;
	for (int i = 1; i < REASON_COUNT; i++)
		known[i - 1] = slice_from_cstr(reason_word((enum reason)i));
	test_wrong(r, node->at, "sallyport list reasons", "there is no reason `%.*s`",
		   SLICE_ARG(slice_first(text, WORD_BYTES)));
	struct slice near = diag_nearest(text, known, REASON_COUNT - 1);
	if (near.len)
		diag_help(r->diag, "did you mean `%.*s`?", SLICE_ARG(near));
	return false;
}

/* `forwarded: true` is any message; what is else a value of JSON. */
static bool read_forwarded(struct test_reader *r, const struct yaml_node *node,
			   struct test_expect *out)
{
	if (node->kind == YAML_SCALAR && yaml_scalar_type(node) == YAML_TYPE_FALSE)
		return read_true(r, node);
	if (node->kind == YAML_SCALAR && yaml_scalar_type(node) == YAML_TYPE_TRUE)
		return true;
	out->compare = TEST_AS_JSON;
	return test_read_json(r, node, &out->value);
}

static bool read_value(struct test_reader *r, const struct yaml_node *node, enum value value,
		       struct test_expect *out)
{
	switch (value) {
	case VALUE_TRUE:
		return read_true(r, node);
	case VALUE_REASON:
		return read_reason(r, node, &out->reason);
	case VALUE_JSON:
		return read_forwarded(r, node, out);
	case VALUE_TEXT:
		out->compare = TEST_AS_TEXT;
		return test_read_raw(r, node, &out->value);
	case VALUE_BINARY:
		out->compare = TEST_AS_BINARY;
		return test_read_base64(r, node, &out->value);
	}
	return false;
}

static bool read_at(struct test_reader *r, const struct yaml_node *node, struct test_expect *out)
{
	if (!node)
		return true;
	if (out->reason == REASON_NONE)
		return test_wrong(r, node->key_at, NULL,
				  "`at` says where a refusal saw the offence");
	if (!test_read_raw(r, node, &out->at))
		return false;
	if (!json_pointer_valid(out->at))
		return test_wrong(r, node->at, "such as /user; \"\" is the whole message",
				  "`at` is a JSON Pointer");
	out->has_at = true;
	return true;
}

static bool wrong_word(struct test_reader *r, const struct yaml_node *item, enum test_kind kind)
{
	static const char *const helps[] = {
		[TEST_HANDSHAKE] = "of a handshake: `allowed: true`, or `refused: ` and its reason",
		[TEST_CLIENT] = "of a message: `forwarded: `, `refused: `, `dropped: `, ...",
		[TEST_SERVER] = "of the application's: `forwarded: `, `refused: `, `closed: `, ...",
		[TEST_WAITING] = "of a message that waited: `forwarded: ` or `waits: true`",
	};

	return test_wrong(r, item->key_at, helps[kind], "`%.*s` cannot be expected here",
			  SLICE_ARG(item->key));
}

/* Exactly one of the words. */
static bool read_words(struct test_reader *r, const struct yaml_node *map, enum test_kind kind,
		       struct test_expect *out)
{
	const struct yaml_node *found = NULL;
	const struct word *word = NULL;

	YAML_EACH (item, map) {
		for (size_t i = 0; i < COUNT_OF(words); i++) {
			if (!slice_eq(item->key, words[i].word))
				continue;
			if (found)
				return test_wrong(r, item->key_at, NULL,
						  "only one thing can be expected");
			found = item;
			word = &words[i];
		}
	}
	if (!found)
		return test_wrong(r, map->at, "`forwarded: true`, or `refused: ` and its reason",
				  "nothing is expected here");
	if (!(word->kinds & (1u << kind)))
		return wrong_word(r, found, kind);
	out->fate = word->fate;
	out->any_refusal = slice_eq(word->word, SLICE("refused"));
	return read_value(r, found, word->value, out);
}

bool test_read_expect(struct test_reader *r, const struct yaml_node *node, enum test_kind kind,
		      struct test_expect *out)
{
	struct test_key keys[COUNT_OF(words) + 1] = {{SLICE_INIT("at"), 0}};

	*out = (struct test_expect){0};
	if (!node) {
		out->fate = kind == TEST_HANDSHAKE ? TEST_ALLOWED : TEST_FORWARDED;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(words); i++)
		keys[i + 1].word = words[i].word;
	return test_check_keys(r, node, "what is expected", keys, COUNT_OF(keys)) &&
	       read_words(r, node, kind, out) && read_at(r, yaml_get(node, SLICE("at")), out);
}
