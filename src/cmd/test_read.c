/* SPDX-License-Identifier: Apache-2.0 */
/* Cases and their steps; see test_read.h. */
#include "cmd/test_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/base64.h"
#include "base/num.h"
#include "cmd/test_read_priv.h"
#include "conf/yaml_json.h"
#include "json/read.h"
#include "json/write.h"

enum {
	WORD_BYTES = 80, /* of what somebody wrote, in a sentence */
	JSON_BYTES_MAX = 8 << 20,
	JSON_ARENA_MAX = 1 << 28,
	AFTER_DAYS_MAX = 366,
};

/* The forms of a case. */
enum { IN_ALL = 1, IN_MESSAGES = 2, IN_ONE_MESSAGE = 4, IN_HANDSHAKE = 8 };

static const struct test_key case_keys[] = {
	{SLICE_INIT("case"), IN_ALL},
	{SLICE_INIT("now"), IN_ALL},
	{SLICE_INIT("route"), IN_MESSAGES},
	{SLICE_INIT("as"), IN_MESSAGES},
	{SLICE_INIT("origin"), IN_MESSAGES},
	{SLICE_INIT("host"), IN_MESSAGES},
	{SLICE_INIT("ip"), IN_MESSAGES},
	{SLICE_INIT("tls"), IN_MESSAGES},
	{SLICE_INIT("headers"), IN_MESSAGES},
	{SLICE_INIT("query"), IN_MESSAGES},
	{SLICE_INIT("steps"), IN_MESSAGES},
	{SLICE_INIT("client"), IN_ONE_MESSAGE},
	{SLICE_INIT("client_text"), IN_ONE_MESSAGE},
	{SLICE_INIT("client_binary"), IN_ONE_MESSAGE},
	{SLICE_INIT("server"), IN_ONE_MESSAGE},
	{SLICE_INIT("server_text"), IN_ONE_MESSAGE},
	{SLICE_INIT("server_binary"), IN_ONE_MESSAGE},
	{SLICE_INIT("expect"), IN_ONE_MESSAGE | IN_HANDSHAKE},
	{SLICE_INIT("handshake"), IN_HANDSHAKE},
};

static const struct test_key step_keys[] = {
	{SLICE_INIT("client"), 0}, {SLICE_INIT("client_text"), 0}, {SLICE_INIT("client_binary"), 0},
	{SLICE_INIT("server"), 0}, {SLICE_INIT("server_text"), 0}, {SLICE_INIT("server_binary"), 0},
	{SLICE_INIT("expect"), 0}, {SLICE_INIT("after"), 0},       {SLICE_INIT("reconnect"), 0},
};

/* The ways to write a message. */
static const struct form {
	struct slice key;
	enum test_kind kind;
	bool (*read)(struct test_reader *r, const struct yaml_node *node, struct slice *out);
	bool binary;
} forms[] = {
	{SLICE_INIT("client"), TEST_CLIENT, test_read_json, false},
	{SLICE_INIT("client_text"), TEST_CLIENT, test_read_raw, false},
	{SLICE_INIT("client_binary"), TEST_CLIENT, test_read_base64, true},
	{SLICE_INIT("server"), TEST_SERVER, test_read_json, false},
	{SLICE_INIT("server_text"), TEST_SERVER, test_read_raw, false},
	{SLICE_INIT("server_binary"), TEST_SERVER, test_read_base64, true},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- what all readers share */

bool test_wrong(struct test_reader *r, struct diag_place at, const char *help, const char *format,
		...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	diag_add(r->diag, DIAG_ERROR, at, "%s", sentence);
	if (help)
		diag_help(r->diag, "%s", help);
	return false;
}

static bool unknown_key(struct test_reader *r, const struct yaml_node *item, const char *what,
			const struct test_key *keys, size_t count)
{
	struct slice words[COUNT_OF(case_keys)];
	size_t words_count = 0;

	while (words_count < count && words_count < COUNT_OF(words)) {
		words[words_count] = keys[words_count].word;
		words_count++;
	}
	test_wrong(r, item->key_at, NULL, "there is no key `%.*s` in %s",
		   SLICE_ARG(slice_first(item->key, WORD_BYTES)), what);
	struct slice near = diag_nearest(item->key, words, words_count);
	if (near.len)
		diag_help(r->diag, "did you mean `%.*s`?", SLICE_ARG(near));
	return false;
}

bool test_check_keys(struct test_reader *r, const struct yaml_node *map, const char *what,
		     const struct test_key *keys, size_t count)
{
	bool good = true;

	if (map->kind != YAML_MAP)
		return test_wrong(r, map->at, NULL, "%s is a map, and here is %s", what,
				  yaml_describe(map));
	YAML_EACH (item, map) {
		size_t i = 0;
		while (i < count && !slice_eq(keys[i].word, item->key))
			i++;
		if (i == count)
			good = unknown_key(r, item, what, keys, count);
	}
	return good;
}

static bool copy(struct test_reader *r, struct slice text, struct slice *out)
{
	*out = arena_copy(r->arena, text);
	return out->data != NULL;
}

bool test_read_raw(struct test_reader *r, const struct yaml_node *node, struct slice *out)
{
	if (node->kind != YAML_SCALAR || (node->text.len == 0 && !node->quoted))
		return test_wrong(r, node->at, "put it into quotes",
				  "`%.*s` is a text, and here is %s", SLICE_ARG(node->key),
				  yaml_describe(node));
	return copy(r, node->text, out);
}

bool test_read_text(struct test_reader *r, const struct yaml_node *node, struct slice *out)
{
	if (node->kind != YAML_SCALAR || node->text.len == 0 ||
	    yaml_scalar_type(node) == YAML_TYPE_NULL)
		return test_wrong(r, node->at, NULL, "`%.*s` is a text, and here is %s",
				  SLICE_ARG(node->key), yaml_describe(node));
	return copy(r, node->text, out);
}

bool test_read_bool(struct test_reader *r, const struct yaml_node *node, bool *out)
{
	enum yaml_type type = yaml_scalar_type(node);

	*out = type == YAML_TYPE_TRUE;
	if (node->kind == YAML_SCALAR && (type == YAML_TYPE_TRUE || type == YAML_TYPE_FALSE))
		return true;
	return test_wrong(r, node->at, "write `true` or `false`", "`%.*s` is yes or no",
			  SLICE_ARG(node->key));
}

bool test_read_base64(struct test_reader *r, const struct yaml_node *node, struct slice *out)
{
	struct slice text;
	size_t len;

	if (!test_read_raw(r, node, &text))
		return false;
	size_t room = BASE64_BYTES(text.len);
	char *bytes = arena_alloc(r->arena, room);
	if (!bytes)
		return false;
	if (!base64_decode(text, bytes, room, &len))
		return test_wrong(r, node->at,
				  "the alphabet with + and /, padded with =", "this is not base64");
	*out = slice_of(bytes, len);
	return true;
}

/* A text that is JSON itself was most likely meant to be sent as it stands. */
static bool is_written_json(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && node->quoted && node->text.len > 1 &&
	       (node->text.data[0] == '{' || node->text.data[0] == '[');
}

/* As compact JSON of the kind that programs write: the tree's own is made for web pages. */
static bool copy_json(struct test_reader *r, struct slice text, struct slice *out)
{
	static const struct json_limits limits = {.depth = JSON_DEPTH_MAX,
						  .members = UINT32_MAX,
						  .values = UINT32_MAX,
						  .any_strings = true,
						  .any_keys = true,
						  .any_numbers = true};
	struct json_doc doc;
	struct arena a;
	struct buf again;

	arena_init(&a, 1 << 16, JSON_ARENA_MAX);
	buf_init(&again, JSON_BYTES_MAX);
	bool good = json_read(text, &limits, &a, &doc) == REASON_NONE &&
		    json_write(doc.root, NULL, &again) == 0;
	good = copy(r, good ? buf_slice(&again) : text, out);
	buf_deinit(&again);
	arena_deinit(&a);
	return good;
}

bool test_read_json(struct test_reader *r, const struct yaml_node *node, struct slice *out)
{
	struct buf text;

	if (node->kind == YAML_SCALAR && node->text.len == 0 && !node->quoted)
		return test_wrong(r, node->at, "for JSON's null write `null`",
				  "`%.*s` has no value", SLICE_ARG(node->key));
	if (is_written_json(node)) {
		test_wrong(r, node->at, NULL,
			   "this is a JSON string, and it looks as if an object or a list was "
			   "meant");
		diag_help(r->diag, "`%.*s_text` takes a message as it is on the wire",
			  SLICE_ARG(node->key));
		return false;
	}
	buf_init(&text, JSON_BYTES_MAX);
	int result = yaml_to_json(node, &text);
	bool good = result == 0 && copy_json(r, buf_slice(&text), out);
	buf_deinit(&text);
	if (result == YAML_JSON_IMPOSSIBLE)
		return test_wrong(r, node->at, NULL, "JSON has no infinities and no NaN");
	if (result == BUF_FULL)
		return test_wrong(r, node->at, NULL, "the value is larger than 8 MiB");
	if (result)
		r->arena->overflow = true;
	return good;
}

/* --- steps */

/* Finds the message of a case or step. No message is TEST_PAUSE. */
static bool read_message(struct test_reader *r, const struct yaml_node *map, struct test_step *out)
{
	const struct yaml_node *first = NULL;
	bool good = true;

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		const struct yaml_node *node = yaml_get(map, forms[i].key);
		if (!node)
			continue;
		if (first) {
			const struct yaml_node *second =
				first->at.line > node->at.line ? first : node;
			return test_wrong(r, second->key_at,
					  "several messages are `steps:`, each `- client:` or "
					  "`- server:`",
					  "here is a second message");
		}
		first = node;
		out->kind = forms[i].kind;
		out->binary = forms[i].binary;
		good = forms[i].read(r, node, &out->message);
	}
	return good;
}

static bool read_after(struct test_reader *r, const struct yaml_node *node, struct test_step *out)
{
	const uint64_t most = UINT64_C(1000) * 60 * 60 * 24 * AFTER_DAYS_MAX;

	if (!node)
		return true;
	if (node->kind != YAML_SCALAR || !num_parse_duration_ms(node->text, &out->after_ms))
		return test_wrong(
			r, node->at,
			"a whole number and a unit, 500ms, 30s, 5m: so long after the step "
			"before",
			"`after` is a duration");
	if (out->after_ms > most)
		return test_wrong(r, node->at, NULL, "`after` is more than a year");
	return true;
}

/* Only `true`: a step that says `reconnect: false` says nothing. */
static bool read_reconnect(struct test_reader *r, const struct yaml_node *node,
			   struct test_step *out)
{
	bool yes;

	if (!test_read_bool(r, node, &yes))
		return false;
	if (!yes)
		return test_wrong(r, node->at, "remove it", "`reconnect: false` does nothing");
	if (out->kind != TEST_PAUSE)
		return test_wrong(r, node->key_at,
				  "let it be a step of its own: `- reconnect: true`",
				  "`reconnect` stands beside a message");
	out->kind = TEST_RECONNECT;
	return true;
}

static bool read_step(struct test_reader *r, const struct yaml_node *map, struct test_step *out)
{
	const struct yaml_node *expect = yaml_get(map, SLICE("expect"));
	const struct yaml_node *reconnect = yaml_get(map, SLICE("reconnect"));
	const struct yaml_node *after = yaml_get(map, SLICE("after"));

	out->line = map->at.line;
	if (!test_check_keys(r, map, "a step", step_keys, COUNT_OF(step_keys)) ||
	    !read_message(r, map, out) || !read_after(r, after, out))
		return false;
	if (reconnect && !read_reconnect(r, reconnect, out))
		return false;
	if (expect && out->kind == TEST_RECONNECT)
		return test_wrong(r, expect->key_at, "remove it; the next step says what happens",
				  "nothing is expected of `reconnect`");
	if (expect && out->kind == TEST_PAUSE)
		out->kind = TEST_WAITING;
	if (out->kind == TEST_PAUSE && !after)
		return test_wrong(r, map->at, "`client:`, `server:`, `after:` or `reconnect: true`",
				  "the step does nothing");
	return test_read_expect(r, expect, out->kind, &out->expect);
}

static bool read_steps(struct test_reader *r, const struct yaml_node *list, struct test_case *out)
{
	bool good = true;
	size_t at = 0;

	if (list->kind != YAML_LIST || list->count == 0)
		return test_wrong(r, list->at, "write `- client: ...` lines below it",
				  "`steps` is a list, and here is %s", yaml_describe(list));
	struct test_step *steps = arena_calloc(r->arena, list->count, sizeof(*steps));
	if (!steps)
		return false;
	YAML_EACH (item, list)
		good = read_step(r, item, &steps[at++]) && good;
	out->steps = steps;
	out->step_count = list->count;
	return good;
}

/* --- cases */

/* `2026-06-01T12:00:00Z`, and nothing else of RFC 3339. */
static bool read_now(struct test_reader *r, const struct yaml_node *node, uint64_t *out)
{
	struct slice text;
	struct tm tm = {0};
	char again[32];

	if (!node)
		return true;
	if (!test_read_text(r, node, &text))
		return false;
	const char *end = strptime(text.data, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t seconds = end && !*end ? timegm(&tm) : -1;
	if (seconds >= 0 && gmtime_r(&seconds, &tm) &&
	    strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0 &&
	    slice_eq(slice_from_cstr(again), text)) {
		*out = (uint64_t)seconds * 1000;
		return true;
	}
	return test_wrong(r, node->at, "such as 2026-06-01T12:00:00Z", "`now` is a time in UTC");
}

/* Which keys may stand here? Says so about each that may not. */
static bool check_form(struct test_reader *r, const struct yaml_node *map, unsigned forms_here,
		       const char *help)
{
	bool good = true;

	YAML_EACH (item, map) {
		for (size_t i = 0; i < COUNT_OF(case_keys); i++) {
			if (!slice_eq(item->key, case_keys[i].word) ||
			    (case_keys[i].in & forms_here))
				continue;
			good = test_wrong(r, item->key_at, help, "`%.*s` cannot stand here",
					  SLICE_ARG(item->key));
		}
	}
	return good;
}

static bool read_handshake(struct test_reader *r, const struct yaml_node *map,
			   const struct yaml_node *handshake, struct test_case *out)
{
	static const struct test_key keys[] = {
		{SLICE_INIT("route"), 0},   {SLICE_INIT("as"), 0},    {SLICE_INIT("origin"), 0},
		{SLICE_INIT("host"), 0},    {SLICE_INIT("ip"), 0},    {SLICE_INIT("tls"), 0},
		{SLICE_INIT("headers"), 0}, {SLICE_INIT("query"), 0},
	};
	struct test_step *step = arena_calloc(r->arena, 1, sizeof(*step));

	if (!step)
		return false;
	step->kind = TEST_HANDSHAKE;
	step->line = out->line;
	out->steps = step;
	out->step_count = 1;
	bool good = check_form(r, map, IN_ALL | IN_HANDSHAKE,
			       "a case with `handshake` has nothing beside it but `expect`");
	good = test_check_keys(r, handshake, "a handshake", keys, COUNT_OF(keys)) && good;
	if (handshake->kind == YAML_MAP)
		good = test_read_client(r, handshake, TEST_ORIGIN_MISSING, &out->client) && good;
	return test_read_expect(r, yaml_get(map, SLICE("expect")), TEST_HANDSHAKE, &step->expect) &&
	       good;
}

/* keys_known: what is missing is not only misspelt. */
static bool read_one_message(struct test_reader *r, const struct yaml_node *map, bool keys_known,
			     struct test_case *out)
{
	struct test_step *step = arena_calloc(r->arena, 1, sizeof(*step));

	if (!step)
		return false;
	bool good = read_message(r, map, step);
	if (step->kind == TEST_PAUSE)
		return keys_known &&
		       test_wrong(r, map->at, "`client:`, `server:`, `steps:` or `handshake:`",
				  "the case does nothing");
	step->line = out->line;
	out->steps = step;
	out->step_count = 1;
	return test_read_expect(r, yaml_get(map, SLICE("expect")), step->kind, &step->expect) &&
	       good;
}

static bool read_name(struct test_reader *r, const struct yaml_node *map, struct test_case *out)
{
	const struct yaml_node *name = yaml_get(map, SLICE("case"));

	if (!name)
		return test_wrong(r, map->at, "`- case: nobody speaks as somebody else`",
				  "the case has no name");
	return test_read_text(r, name, &out->name);
}

/* Reads on after what is wrong, so that all of it is said. */
static bool read_case(struct test_reader *r, const struct yaml_node *map, struct test_case *out)
{
	*out = (struct test_case){
		.file = r->file, .line = map->at.line, .now_unix_ms = TEST_BEGIN_UNIX_MS};
	bool known = test_check_keys(r, map, "a case", case_keys, COUNT_OF(case_keys));
	if (map->kind != YAML_MAP)
		return false;
	const struct yaml_node *handshake = yaml_get(map, SLICE("handshake"));
	const struct yaml_node *steps = yaml_get(map, SLICE("steps"));

	bool good = read_name(r, map, out) && known;
	good = read_now(r, yaml_get(map, SLICE("now")), &out->now_unix_ms) && good;
	if (handshake)
		return read_handshake(r, map, handshake, out) && good;
	good = test_read_client(r, map, TEST_ORIGIN_ALLOWED, &out->client) && good;
	if (!steps)
		return read_one_message(r, map, known, out) && good;
	good = check_form(r, map, IN_ALL | IN_MESSAGES,
			  "where there are `steps`, messages and what is expected stand in them") &&
	       good;
	return read_steps(r, steps, out) && good;
}

static bool read_cases(struct test_reader *r, const struct yaml_node *root,
		       const struct test_case **cases, size_t *count)
{
	bool good = true;

	if (root->kind != YAML_LIST || root->count == 0)
		return test_wrong(r, root->at, "write `- case: ...` for each of them",
				  "the file is a list of cases, and here is %s",
				  yaml_describe(root));
	struct test_case *items = arena_calloc(r->arena, root->count, sizeof(*items));
	if (!items)
		return false;
	YAML_EACH (item, root)
		good = read_case(r, item, &items[(*count)++]) && good;
	*cases = items;
	return good;
}

int test_read(struct slice file, struct slice text, struct arena *a, struct diag *d,
	      const struct test_case **cases, size_t *count)
{
	struct test_reader r = {.arena = a, .diag = d, .file = file};
	const struct yaml_node *root;

	*cases = NULL;
	*count = 0;
	int result = yaml_read(text, a, d, &root);
	if (result == -ENOMEM)
		return result;
	bool good = root && read_cases(&r, root, cases, count);
	if (a->overflow || d->arena.overflow)
		return -ENOMEM;
	return good && result == 0 ? 0 : TEST_WRONG;
}
