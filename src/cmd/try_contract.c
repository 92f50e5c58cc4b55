/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport try contract`; see try_contract.h. The document of the last line is kept, so that many
 * messages against one contract are quick.
 */
#include "cmd/try_contract.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/jsonout.h"
#include "base/map.h"
#include "conf/yaml_json.h"
#include "contract/asyncapi.h"
#include "json/pointer.h"
#include "json/read.h"

enum { ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 28, FILE_MAX = 4 << 20, DOCUMENTS_MAX = 64 };

/* The documents of one contract, by URI. */
struct library {
	struct arena arena;
	struct {
		struct slice uri;
		const struct json_node *root;
	} documents[DOCUMENTS_MAX];
	size_t count;
};

static struct {
	struct library library;
	char key[PATH_MAX + 1024];
	struct contract contract;
	bool loaded;
} last;

static bool read_file(const char *path, struct buf *into)
{
	char piece[65536];
	FILE *f = fopen(path, "re");
	bool whole = f != NULL;

	for (size_t n; whole && (n = fread(piece, 1, sizeof(piece), f)) > 0;)
		whole = buf_append(into, slice_of(piece, n)) == 0;
	whole = whole && !ferror(f);
	if (f)
		fclose(f);
	return whole;
}

static const struct json_node *parse(struct library *l, struct slice text)
{
	static const struct json_limits limits = {
		.depth = 128, .members = 100000, .values = 1000000, .big_integers = true};
	struct diag *d = calloc(1, sizeof(*d));
	const struct yaml_node *tree = NULL;
	struct json_doc doc = {.root = NULL};
	struct arena trees;
	struct buf json;

	if (!d)
		return NULL;
	diag_init(d);
	arena_init(&trees, ARENA_BLOCK, ARENA_MAX);
	buf_init(&json, 4 * FILE_MAX);
	if (yaml_read(text, &trees, d, &tree) == 0 && yaml_to_json(tree, &json) == 0) {
		struct slice copy = arena_copy(&l->arena, buf_slice(&json));
		if (!copy.data || json_read(copy, &limits, &l->arena, &doc) != REASON_NONE)
			doc.root = NULL;
	}
	buf_deinit(&json);
	arena_deinit(&trees);
	diag_deinit(d);
	free(d);
	return doc.root;
}

static const struct json_node *document(void *with, struct slice uri)
{
	struct library *l = with;
	char path[PATH_MAX];
	struct buf text;

	for (size_t i = 0; i < l->count; i++)
		if (slice_eq(l->documents[i].uri, uri))
			return l->documents[i].root;
	/* Files only: nothing is ever fetched. */
	if (!slice_starts_with(uri, SLICE("file://")) || uri.len - 7 >= sizeof(path) ||
	    l->count == DOCUMENTS_MAX)
		return NULL;
	snprintf(path, sizeof(path), "%.*s", SLICE_ARG(slice_from(uri, 7)));
	buf_init(&text, FILE_MAX);
	const struct json_node *root = read_file(path, &text) ? parse(l, buf_slice(&text)) : NULL;
	buf_deinit(&text);
	if (root) {
		l->documents[l->count].uri = arena_copy(&l->arena, uri);
		l->documents[l->count++].root = root;
	}
	return root;
}

static int say_error(struct buf *out, const struct contract_error *e)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member(&j, "error", e->sentence);
	if (e->document.len)
		jsonout_member(&j, "document", e->document);
	if (e->pointer.len)
		jsonout_member(&j, "at", e->pointer);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int say_sentence(struct buf *out, const char *sentence)
{
	return say_error(out, &(struct contract_error){.sentence = slice_from_cstr(sentence)});
}

/* Loads the contract unless it is the last one. False: an answer was given. */
static bool load(struct slice file, struct slice channel, struct buf *out, int *r)
{
	char path[PATH_MAX], uri[PATH_MAX + 8], key[sizeof(last.key)], name[PATH_MAX];
	size_t hash = slice_index(file, '#');
	struct contract_error error;

	if (!channel.len && hash < file.len)
		channel = slice_from(file, hash + 1);
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(slice_first(file, hash)));
	if (!realpath(name, path)) {
		*r = say_sentence(out, "there is no such file");
		return false;
	}
	snprintf(key, sizeof(key), "%s#%.*s", path, SLICE_ARG(slice_first(channel, 512)));
	if (last.loaded && strcmp(key, last.key) == 0)
		return true;
	arena_deinit(&last.library.arena);
	last.library.count = 0;
	arena_init(&last.library.arena, ARENA_BLOCK, ARENA_MAX);
	snprintf(uri, sizeof(uri), "file://%s", path);
	snprintf(last.key, sizeof(last.key), "%s", key);
	const struct contract_source source = {.document = document, .with = &last.library};
	int loaded = asyncapi_load(&source, arena_copy(&last.library.arena, slice_from_cstr(uri)),
				   arena_copy(&last.library.arena, channel), false,
				   &last.library.arena, &last.contract, &error);
	last.loaded = loaded == 0;
	if (loaded == CONTRACT_REFUSED)
		*r = say_error(out, &error);
	else if (loaded)
		*r = say_sentence(out, "out of memory");
	return last.loaded;
}

static int say_messages(struct buf *out)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member(&j, "channel", last.contract.channel);
	for (int direction = 0; direction < 2; direction++) {
		jsonout_key(&j, direction ? "server" : "client");
		jsonout_array_open(&j);
		for (size_t i = 0; i < last.contract.count; i++)
			if (last.contract.messages[i].from_client == !direction)
				jsonout_string(&j, last.contract.messages[i].id);
		jsonout_array_close(&j);
	}
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int judge(const struct json_node *message, bool client, struct buf *out)
{
	static struct schema_room *room;
	struct schema_failure failure = {0};
	char pointer[512];
	struct jsonout j;
	bool known;

	if (!room)
		room = schema_room_new(NULL);
	if (!room)
		return say_sentence(out, "out of memory");
	const struct contract_message *m =
		contract_recognise(&last.contract, client, message, room, &known, &failure);
	jsonout_init(&j, out);
	jsonout_object_open(&j);
	if (m) {
		jsonout_member(&j, "message", m->id);
		jsonout_member_bool(&j, "ok", true);
	} else {
		jsonout_member_bool(&j, "ok", false);
		jsonout_member_cstring(&j, "reason", known ? "schema" : "message_unknown");
		if (known) {
			jsonout_member(
				&j, "at",
				json_pointer_to(message, failure.at, pointer, sizeof(pointer)));
			jsonout_member_cstring(&j, "keyword", failure.keyword);
		}
	}
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int answer(const struct json_node *line, struct buf *out)
{
	struct slice file = json_string(json_member(line, SLICE("file")));
	struct slice channel = json_string(json_member(line, SLICE("channel")));
	struct slice direction = json_string(json_member(line, SLICE("direction")));
	const struct json_node *message = json_member(line, SLICE("message"));
	bool server = slice_eq(direction, SLICE("server"));
	int r = 0;

	if (!file.len)
		return say_sentence(out, "`file` is missing");
	if (direction.len && !server && !slice_eq(direction, SLICE("client")))
		return say_sentence(out, "`direction` is client or server");
	if (!load(file, channel, out, &r))
		return r;
	return message ? judge(message, !server, out) : say_messages(out);
}

int try_contract_line(struct slice line, struct buf *out)
{
	static const struct json_limits limits = {
		.depth = 64, .members = 10000, .values = 100000, .big_integers = true};
	struct json_doc doc;
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = json_read(line, &limits, &a, &doc) == REASON_NONE &&
				json_type(doc.root) == JSON_OBJECT
			? answer(doc.root, out)
			: say_sentence(out, "the line is no JSON object");
	arena_deinit(&a);
	return r;
}
