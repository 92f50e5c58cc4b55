/* SPDX-License-Identifier: Apache-2.0 */
/* The settings table, and how to find a row. */
#include "conf/settings.h"

#include "base/obj.h"
#include "conf/diag.h"
#include "conf/snapshot.h"

#define NO_FIELD                                                                                   \
	{                                                                                          \
		0, 0                                                                               \
	}
#define FIELD(of, path)                                                                            \
	{                                                                                          \
		offsetof(struct of, path), sizeof(((struct of *)0)->path)                          \
	}

static const struct section_info sections[SECTION_COUNT] = {
#define SECTION(id, path, help) [SECTION_##id] = {path, help},
#define SETTING(id, section, key, type, flags, of, standard, range, field, help)
#include "conf/settings.tbl.h"
#undef SECTION
#undef SETTING
};

/* clang-format off */
static const struct setting settings[SETTING_COUNT] = {
#define SECTION(id, path, help)
#define SETTING(id_, section_, key_, type_, flags_, of_, standard_, range_, field_, help_)    \
	[SET_##id_] = {SET_##id_, SECTION_##section_, key_, type_, flags_, SECTION_##of_,     \
		       standard_, range_, field_, help_},
#include "conf/settings.tbl.h"
#undef SECTION
#undef SETTING
};
/* clang-format on */

const struct setting *setting_of(enum setting_id id)
{
	MUST(id > SETTING_NONE && id < SETTING_COUNT);
	return &settings[id];
}

const struct section_info *section_info_of(enum section id)
{
	MUST(id > SECTION_NONE && id < SECTION_COUNT);
	return &sections[id];
}

const struct setting *setting_find(enum section section, struct slice key)
{
	for (int i = SETTING_NONE + 1; i < SETTING_COUNT; i++)
		if (settings[i].section == section &&
		    slice_eq(key, slice_from_cstr(settings[i].key)))
			return &settings[i];
	return NULL;
}

const struct setting *setting_elsewhere(enum section section, struct slice key)
{
	for (int i = SETTING_NONE + 1; i < SETTING_COUNT; i++)
		if (settings[i].section != section &&
		    slice_eq(key, slice_from_cstr(settings[i].key)))
			return &settings[i];
	return NULL;
}

const struct setting *setting_nearest(enum section section, struct slice key)
{
	struct slice keys[SETTING_COUNT];
	size_t count = 0;
	for (int i = SETTING_NONE + 1; i < SETTING_COUNT; i++)
		if (settings[i].section == section)
			keys[count++] = slice_from_cstr(settings[i].key);
	struct slice near = diag_nearest(key, keys, count);
	return near.len ? setting_find(section, near) : NULL;
}

const char *setting_type_word(enum setting_type type)
{
	static const char *const words[] = {
		[SETTING_TEXT] = "text",
		[SETTING_DURATION] = "duration",
		[SETTING_SIZE] = "size",
		[SETTING_RATE] = "rate",
		[SETTING_BYTE_RATE] = "byte rate",
		[SETTING_COUNT_OF] = "count",
		[SETTING_BOOLEAN] = "boolean",
		[SETTING_WORD] = "word",
		[SETTING_WORDS] = "list of words",
		[SETTING_URL] = "URL",
		[SETTING_FILE] = "file",
		[SETTING_FOLDER] = "folder",
		[SETTING_TEXTS] = "list of texts",
		[SETTING_MAP] = "map",
		[SETTING_LIST] = "list",
		[SETTING_NAMED] = "named map",
		[SETTING_EXPRESSION] = "expression",
		[SETTING_FIELDS] = "map of fields",
		[SETTING_FREE] = "anything",
	};
	return words[type];
}
