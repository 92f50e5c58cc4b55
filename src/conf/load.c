/* SPDX-License-Identifier: Apache-2.0 */
/* Coordinates the reading of a configuration, and the pieces that all sections share. */
#include "conf/load.h"

#include <errno.h>

#include "base/err.h"
#include "base/num.h"
#include "conf/files.h"
#include "conf/load_priv.h"

enum {
	TREE_BYTES_MAX = 64 * 1024 * 1024,
	SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024,
	BLOCK_BYTES = 32 * 1024,
};

const struct yaml_node *load_get(const struct yaml_node *map, enum setting_id id)
{
	return yaml_get(map, slice_from_cstr(setting_of(id)->key));
}

struct slice load_text(const struct yaml_node *node)
{
	if (!node || node->kind != YAML_SCALAR || yaml_scalar_type(node) == YAML_TYPE_NULL)
		return slice_of("", 0);
	return node->text;
}

bool load_is(const struct yaml_node *map, enum setting_id id, const char *word)
{
	return slice_eq(load_text(load_get(map, id)), slice_from_cstr(word));
}

struct load_items load_items(const struct yaml_node *node)
{
	struct load_items items = {0};

	if (node && node->kind == YAML_LIST)
		items = (struct load_items){node->first, LOAD_LIST_MAX};
	else if (node && (node->kind == YAML_MAP || load_text(node).len))
		items = (struct load_items){node, 1};
	return items;
}

const struct yaml_node *load_next(struct load_items *items)
{
	const struct yaml_node *node = items->at;

	if (!node || items->left == 0)
		return NULL;
	items->left--;
	items->at = node->next;
	return node;
}

size_t load_count(const struct yaml_node *node)
{
	struct load_items items = load_items(node);
	size_t count = 0;

	while (load_next(&items))
		count++;
	return count;
}

void *load_room(struct load *l, size_t count, size_t bytes)
{
	return count ? arena_calloc(l->arena, count, bytes) : NULL;
}

struct slice load_copy(struct load *l, struct slice s)
{
	struct slice copy = arena_copy(l->arena, s);
	return copy.data ? copy : slice_of("", 0);
}

struct slice load_lower(struct load *l, struct slice text)
{
	char *at = arena_alloc(l->arena, text.len + 1);

	if (!at)
		return slice_of("", 0);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		at[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	at[text.len] = 0;
	return slice_of(at, text.len);
}

struct slice load_file_path(struct load *l, struct slice written)
{
	struct slice folder = written.len && written.data[0] == '/' ? slice_of("", 0) : l->folder;
	while (written.len > 1 && written.data[written.len - 1] == '/')
		written.len--;
	struct slice path =
		arena_printf(l->arena, "%.*s%.*s", SLICE_ARG(folder), SLICE_ARG(written));
	return path.data ? path : slice_of("", 0);
}

bool load_look(struct load *l, const struct yaml_node *node, struct slice path, bool folder,
	       const char *what, struct conf_file_info *info)
{
	memset(info, 0, sizeof(*info));
	int r = l->files->look(l->files->context, path.data, info);

	if (r) {
		diag_add(l->diag, DIAG_ERROR, node->at, "%s %.*s cannot be found: %s", what,
			 SLICE_ARG(path), strerror(-r));
		diag_help(l->diag, "paths are relative to the file that names them");
		return false;
	}
	if (info->folder != folder) {
		diag_add(l->diag, DIAG_ERROR, node->at, "%s %.*s is %s", what, SLICE_ARG(path),
			 folder ? "no folder" : "a folder, not a file");
		return false;
	}
	if (!info->readable) {
		diag_add(l->diag, DIAG_ERROR, node->at, "%s %.*s cannot be read by this user", what,
			 SLICE_ARG(path));
		return false;
	}
	return true;
}

struct conf_texts load_texts(struct load *l, const struct yaml_node *node)
{
	struct conf_texts texts = {0};
	struct slice *items = load_room(l, load_count(node), sizeof(*items));
	struct load_items in = load_items(node);

	for (const struct yaml_node *item; items && (item = load_next(&in));)
		if (item->kind == YAML_SCALAR)
			items[texts.count++] = load_copy(l, item->text);
	texts.items = items;
	return texts;
}

static void store_rate(const struct setting *row, struct slice text, void *member)
{
	struct rate rate = {0};
	bool good = row->type == SETTING_RATE ? num_parse_rate(text, &rate)
					      : num_parse_byte_rate(text, &rate);
	if (good)
		memcpy(member, &rate, sizeof(rate));
}

static void store_number(const struct setting *row, struct slice text, void *member)
{
	uint64_t value = 0;

	if ((row->flags & SETTING_UNLIMITED) && slice_eq(text, SLICE("unlimited")))
		value = UINT64_MAX;
	else if (!load_number(row, text, &value))
		return;
	if (row->field.bytes == sizeof(uint64_t)) {
		memcpy(member, &value, sizeof(value));
	} else if (row->field.bytes == sizeof(uint32_t)) {
		uint32_t small = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
		memcpy(member, &small, sizeof(small));
	}
}

void load_fields(enum section section, const struct yaml_node *map, void *target)
{
	for (int id = SETTING_NONE + 1; id < SETTING_COUNT; id++) {
		const struct setting *row = setting_of((enum setting_id)id);
		if (row->section != section || !row->field.bytes)
			continue;
		const struct yaml_node *node = load_get(map, row->id);
		struct slice text = node ? load_text(node) : slice_from_cstr(row->standard);
		char *member = (char *)target + row->field.offset;
		if (row->type == SETTING_RATE || row->type == SETTING_BYTE_RATE)
			store_rate(row, text, member);
		else
			store_number(row, text, member);
	}
}

static struct slice folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slice_of(path, slash ? (size_t)(slash - path) + 1 : 0);
}

static void read_sections(struct load *l)
{
	load_shape(l);
	if (l->root->kind != YAML_MAP)
		return;
	load_proxies(l);
	load_listen(l);
	load_tls(l);
	load_hosts(l);
	load_identity(l);
	load_routes(l);
	load_site(l);
	load_limits(l);
	load_siege(l);
	load_store(l);
	load_admin(l);
	load_audit(l);
	load_alerts(l);
	load_keys(l);
	l->s->user = load_copy(l, load_text(load_get(l->root, SET_USER)));
	l->s->sandbox_off = load_is(l->root, SET_SANDBOX, "off");
	if (!l->diag->errors && !l->arena->overflow)
		load_lint(l);
}

/* Reads the text that was found into the snapshot. Returns as conf_load. */
static int load_text_into(struct load *l, struct slice text)
{
	struct arena tree;
	int r;

	arena_init(&tree, BLOCK_BYTES, TREE_BYTES_MAX);
	r = yaml_read(text, &tree, l->diag, &l->root);
	if (r != -ENOMEM) {
		if (l->root)
			read_sections(l);
		r = l->diag->errors ? CONF_WRONG : 0;
	}
	arena_deinit(&tree);
	if (l->arena->overflow || l->diag->arena.overflow)
		r = -ENOMEM;
	return r;
}

static struct snapshot *snapshot_new(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s) {
		atomic_init(&s->refs, 1);
		arena_init(&s->arena, BLOCK_BYTES, SNAPSHOT_BYTES_MAX);
	}
	return s;
}

static int read_file(const struct conf_files *files, const char *path, struct buf *text,
		     struct diag *d)
{
	int r = files->read(files->context, path, text);

	if (r == -ENOMEM)
		return r;
	diag_set_source(d, slice_from_cstr(path), buf_slice(text));
	if (!r)
		return 0;
	if (r == BUF_FULL)
		diag_add(d, DIAG_ERROR, (struct diag_place){0}, "the file is larger than 1 MiB");
	else
		diag_add(d, DIAG_ERROR, (struct diag_place){0}, "cannot be read: %s", strerror(-r));
	return CONF_WRONG;
}

int conf_load_with(const struct conf_files *files, const char *path, struct snapshot **out,
		   struct diag *d)
{
	struct buf text;
	struct snapshot *s = snapshot_new();

	*out = NULL;
	if (!s)
		return err_raise(ENOMEM, "no memory for a configuration");
	buf_init(&text, YAML_BYTES_MAX);
	int r = read_file(files, path, &text, d);
	if (!r) {
		struct load l = {.files = files, .diag = d, .s = s, .arena = &s->arena};
		s->file = load_copy(&l, slice_from_cstr(path));
		l.folder = folder_of(path);
		l.text = buf_slice(&text);
		r = load_text_into(&l, buf_slice(&text));
	}
	buf_deinit(&text);
	if (!r) {
		*out = s;
		return 0;
	}
	snapshot_unref(s);
	return r == CONF_WRONG ? CONF_WRONG : err_raise(ENOMEM, "no memory for the configuration");
}

int conf_load(const char *path, struct snapshot **s, struct diag *d)
{
	return conf_load_with(conf_files_real(), path, s, d);
}
