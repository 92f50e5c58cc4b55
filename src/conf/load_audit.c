/* SPDX-License-Identifier: Apache-2.0 */
/* `log.audit`: the log of decisions. */
#include "conf/load_priv.h"

static struct slice folder_of(struct slice path)
{
	while (path.len && path.data[path.len - 1] != '/')
		path.len--;
	return path;
}

/* The file is made at the start; its folder is not, because a sandbox that is entered
 * before needs to know it. */
static void check_folder(struct load *l, const struct yaml_node *node, struct slice file)
{
	struct slice folder = folder_of(file);
	struct conf_file_info info = {0};

	/* With its NUL, as the files want it. */
	struct slice path = folder.len > 1 ? load_copy(l, slice_first(folder, folder.len - 1))
					   : load_copy(l, folder.len ? folder : SLICE("."));
	if (!path.data || !path.len ||
	    !load_look(l, node, path, true, "the folder of the audit log", &info))
		return;
	if (info.mode & 0002) {
		diag_add(l->diag, DIAG_UNSAFE, node->at,
			 "everybody on this machine may replace the audit log: its folder %.*s has "
			 "mode %04o",
			 SLICE_ARG(path), info.mode);
		diag_help(l->diag, "give it a folder of its own, chmod 0750");
	}
}

void load_audit(struct load *l)
{
	const struct yaml_node *map = load_get(load_get(l->root, SET_LOG), SET_LOG_AUDIT);
	const struct yaml_node *file = load_get(map, SET_AUDIT_FILE);
	const struct yaml_node *chain = load_get(map, SET_AUDIT_CHAIN);
	struct conf_audit *out = &l->s->audit;

	if (!load_text(file).len)
		return;
	load_fields(SECTION_AUDIT, map, out);
	out->chain_off = chain && yaml_scalar_type(chain) == YAML_TYPE_FALSE;
	l->keys_needed |= !out->chain_off;
	if (file->text.data[file->text.len - 1] == '/') {
		diag_add(l->diag, DIAG_ERROR, file->at,
			 "the audit log is a file, and this a folder");
		return;
	}
	out->file = load_file_path(l, file->text);
	if (out->file.len)
		check_folder(l, file, out->file);
}
