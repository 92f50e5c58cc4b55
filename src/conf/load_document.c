/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents that contracts are made of: files, read once.
 *
 *   contracts/chat.yaml   file:///1/contracts/chat.yaml   folders get a number, so that
 *   ../common/id.yaml     file:///1/common/id.yaml        references resolve below them and
 *   ../../secret.yaml     file:///secret.yaml             what leads out of one is seen
 *
 * The folder is that of the configuration; of a contract that lies elsewhere, its own. Only what is
 * in it or below can be referred to (and only that can a confined process read again); nothing
 * is ever fetched. Texts and trees lie in the snapshot, whose size bounds them.
 */
#include <errno.h>

#include "base/num.h"
#include "conf/load_priv.h"
#include "conf/yaml_json.h"
#include "contract/uri.h"
#include "json/read.h"

enum {
	DOCUMENTS_MAX = 256,
	JSON_BYTES_MAX = 8 * 1024 * 1024, /* of a document, written as JSON */
	TREE_BYTES_MAX = 64 * 1024 * 1024,
	BLOCK_BYTES = 32 * 1024,
};

/* ---- paths and URIs */

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~' || c == '/';
}

static struct slice encode(struct load *l, struct slice name)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out = arena_alloc(l->arena, name.len * 3 + 1);
	size_t len = 0;

	if (!out)
		return slice_of(NULL, 0);
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];
		if (plain(name.data[i])) {
			out[len++] = name.data[i];
			continue;
		}
		out[len++] = '%';
		out[len++] = digits[c >> 4];
		out[len++] = digits[c & 15];
	}
	return slice_of(out, len);
}

/* The folder's number, from 1 on; the folder is known by its first document. */
static size_t folder_number(struct load *l, struct slice folder)
{
	for (size_t i = 0; i < l->folder_count; i++)
		if (slice_eq(l->folders[i], folder))
			return i + 1;
	if (l->folder_count == LOAD_FOLDERS_MAX)
		return 0;
	l->folders[l->folder_count++] = load_copy(l, folder);
	return l->folder_count;
}

/* No way out of the folder: no empty piece, none that is a dot or two, nothing odd. */
static bool below(struct slice relative)
{
	bool more = true;
	struct slice piece;

	for (size_t i = 0; i < relative.len; i++)
		if ((unsigned char)relative.data[i] < 0x20 || relative.data[i] == 0x7f)
			return false;
	while (slice_next(&relative, &more, '/', &piece))
		if (!piece.len || slice_eq(piece, SLICE(".")) || slice_eq(piece, SLICE("..")))
			return false;
	return true;
}

/* Length of the folder that references may not leave. */
static size_t root_length(const struct load *l, struct slice path)
{
	size_t slash = path.len;

	if (slice_starts_with(path, l->folder) && (l->folder.len || path.data[0] != '/') &&
	    below(slice_from(path, l->folder.len)))
		return l->folder.len;
	while (slash > 0 && path.data[slash - 1] != '/')
		slash--;
	return slash;
}

struct slice load_document_uri(struct load *l, struct slice path)
{
	size_t len = path.len ? root_length(l, path) : 0;
	size_t number = folder_number(l, slice_first(path, len));
	struct slice name = encode(l, slice_from(path, len));

	return arena_printf(l->arena, "file:///%zu/%.*s", number, SLICE_ARG(name));
}

/* The path of the file; data is NULL if the URI stands for none that may be read. */
static struct slice path_of(struct load *l, struct slice uri)
{
	uint64_t number;
	struct slice none = {NULL, 0};

	if (!slice_starts_with(uri, SLICE("file:///")))
		return none;
	struct slice rest = slice_from(uri, sizeof("file:///") - 1);
	size_t slash = slice_index(rest, '/');
	if (!num_parse_u64(slice_first(rest, slash), l->folder_count, &number) || number == 0)
		return none;
	struct slice relative = uri_decode(slice_from(rest, slash + 1), l->arena);
	if (!relative.data || !below(relative))
		return none;
	return arena_printf(l->arena, "%.*s%.*s", SLICE_ARG(l->folders[number - 1]),
			    SLICE_ARG(relative));
}

/* ---- reading */

static const struct json_node *fault(struct load *l, struct slice sentence)
{
	l->document_fault = sentence.len ? sentence : SLICE("there is no memory for it");
	return NULL;
}

/* The file's text in *text. */
static bool read_text(struct load *l, struct slice path, struct buf *text)
{
	int r = l->files->read(l->files->context, path.data, text);

	if (r == -ENOMEM)
		l->arena->overflow = true;
	if (r == BUF_FULL)
		fault(l, SLICE("it is larger than 1 MiB"));
	else if (r)
		fault(l, arena_printf(l->arena, "it cannot be read: %s", strerror(-r)));
	return r == 0;
}

/* YAML or JSON; findings are the document's, with its own lines. */
static const struct yaml_node *read_tree(struct load *l, struct slice path, struct slice text,
					 struct arena *trees)
{
	struct diag *own = calloc(1, sizeof(*own));
	const struct yaml_node *tree = NULL;

	if (!own) {
		l->arena->overflow = true;
		return NULL;
	}
	diag_init(own);
	int r = yaml_read(text, trees, own, &tree);
	if (r == YAML_WRONG) {
		diag_enter(l->diag, path, text);
		diag_take(l->diag, own);
		diag_leave(l->diag);
		l->document_fault = slice_of("", 0);
	} else if (r) {
		l->arena->overflow = true;
	}
	diag_deinit(own);
	free(own);
	return r ? NULL : tree;
}

static const struct json_node *to_json(struct load *l, const struct yaml_node *tree)
{
	static const struct json_limits limits = {
		.depth = 128, .members = 100000, .values = 1000000, .big_integers = true};
	struct json_doc doc = {.root = NULL};
	struct buf json;

	buf_init(&json, JSON_BYTES_MAX);
	int r = yaml_to_json(tree, &json);
	struct slice copy = r ? slice_of(NULL, 0) : arena_copy(l->arena, buf_slice(&json));
	buf_deinit(&json);
	if (r == -ENOMEM)
		l->arena->overflow = true;
	if (r == YAML_JSON_IMPOSSIBLE)
		return fault(l, SLICE("it holds a number that JSON does not have"));
	if (r == BUF_FULL)
		return fault(l, SLICE("written as JSON it is larger than 8 MiB"));
	if (!copy.data)
		return fault(l, SLICE(""));
	if (json_read(copy, &limits, l->arena, &doc) == REASON_NONE)
		return doc.root;
	size_t around = doc.at > 20 ? doc.at - 20 : 0;
	return fault(l, arena_printf(l->arena, "it cannot be used as JSON (%s near `%.*s`)",
				     json_fault_word(doc.fault),
				     SLICE_ARG(slice_first(slice_from(copy, around), 40))));
}

static const struct json_node *read_document(struct load *l, struct slice path)
{
	struct arena trees;
	struct buf text;
	const struct json_node *root = NULL;

	arena_init(&trees, BLOCK_BYTES, TREE_BYTES_MAX);
	buf_init(&text, YAML_BYTES_MAX);
	if (read_text(l, path, &text)) {
		const struct yaml_node *tree = read_tree(l, path, buf_slice(&text), &trees);
		root = tree ? to_json(l, tree) : NULL;
	}
	buf_deinit(&text);
	arena_deinit(&trees);
	return root;
}

const struct json_node *load_document_known(const struct load *l, struct slice uri)
{
	for (const struct load_document *d = l->documents; d; d = d->next)
		if (slice_eq(d->uri, uri))
			return d->root;
	return NULL;
}

static size_t document_count(const struct load *l)
{
	size_t count = 0;

	for (const struct load_document *d = l->documents; d; d = d->next)
		count++;
	return count;
}

const struct json_node *load_document(void *load, struct slice uri)
{
	struct load *l = load;
	const struct json_node *known = load_document_known(l, uri);

	l->document_fault = slice_of("", 0);
	if (known)
		return known;
	struct slice path = path_of(l, uri);
	if (!path.data)
		return fault(l, SLICE("only files in the configuration's folder and below are "
				      "read (or in the contract's, if that is elsewhere); nothing "
				      "is ever fetched"));
	if (document_count(l) == DOCUMENTS_MAX)
		return fault(l, SLICE("contracts refer to more than 256 documents"));
	const struct json_node *root = read_document(l, path);
	struct load_document *d = root ? load_room(l, 1, sizeof(*d)) : NULL;
	if (!d)
		return NULL;
	*d = (struct load_document){load_copy(l, uri), path, root, l->documents};
	l->documents = d;
	return root;
}

/* ---- errors at a place of a document */

/* The value that a JSON Pointer names, or the nearest around it that is there. */
static const struct yaml_node *node_at(const struct yaml_node *tree, struct slice pointer,
				       struct arena *a)
{
	const struct yaml_node *at = tree;
	struct slice piece;
	bool more = pointer.len > 1;
	uint64_t index;

	pointer = slice_from(pointer, 1);
	while (at && slice_next(&pointer, &more, '/', &piece)) {
		struct slice name = load_pointer_piece(piece, a);
		const struct yaml_node *next = NULL;
		if (at->kind == YAML_MAP)
			next = yaml_get(at, name);
		else if (at->kind == YAML_LIST && num_parse_u64(piece, at->count, &index))
			for (next = at->first; next && index > 0; index--)
				next = next->next;
		if (!next)
			break;
		at = next;
	}
	return at;
}

static struct diag_place place_of(const struct yaml_node *node)
{
	bool key = node->key.data && (node->kind != YAML_SCALAR || !node->at.line);

	return key ? node->key_at : node->at;
}

void load_document_error(struct load *l, struct slice uri, struct slice pointer,
			 struct slice sentence)
{
	struct slice path = path_of(l, uri);
	const struct yaml_node *tree = NULL;
	struct arena trees;
	struct buf text;

	arena_init(&trees, BLOCK_BYTES, TREE_BYTES_MAX);
	buf_init(&text, YAML_BYTES_MAX);
	if (path.data && read_text(l, path, &text))
		tree = read_tree(l, path, buf_slice(&text), &trees);
	diag_enter(l->diag, path.data ? path : uri, buf_slice(&text));
	const struct yaml_node *node = tree ? node_at(tree, pointer, &trees) : NULL;
	if (node)
		diag_add(l->diag, DIAG_ERROR, place_of(node), "%.*s", SLICE_ARG(sentence));
	else
		diag_add(l->diag, DIAG_ERROR, (struct diag_place){0}, "%.*s (at %.*s)",
			 SLICE_ARG(sentence), SLICE_ARG(pointer));
	diag_leave(l->diag);
	buf_deinit(&text);
	arena_deinit(&trees);
}
