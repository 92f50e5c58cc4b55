/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first pass: every key against the settings table, every value against its row.
 *
 * Unknown keys, missing ones, wrong types and values out of range are reported here and
 * nowhere else. So is what a later version brings: recognised, never ignored.
 */
#include "base/num.h"
#include "conf/load_priv.h"

static void check_map(struct load *l, enum section section, const struct yaml_node *map);

static const char *path_of(enum section section)
{
	const char *path = section_info_of(section)->path;
	return *path ? path : "the file";
}

/* "1B..1GiB": its two ends; false when the row has no range. */
static bool range_of(const struct setting *row, struct slice *low, struct slice *high)
{
	struct slice all = slice_from_cstr(row->range);

	for (size_t i = 0; i + 1 < all.len; i++) {
		if (all.data[i] != '.' || all.data[i + 1] != '.')
			continue;
		*low = slice_first(all, i);
		*high = slice_from(all, i + 2);
		return true;
	}
	return false;
}

bool load_number(const struct setting *row, struct slice text, uint64_t *value)
{
	switch (row->type) {
	case SETTING_DURATION:
		return num_parse_duration_ms(text, value);
	case SETTING_SIZE:
		return num_parse_size(text, value);
	case SETTING_COUNT_OF:
		return num_parse_u64(text, UINT64_MAX, value);
	case SETTING_TEXT:
	case SETTING_RATE:
	case SETTING_BYTE_RATE:
	case SETTING_BOOLEAN:
	case SETTING_WORD:
	case SETTING_WORDS:
	case SETTING_URL:
	case SETTING_FILE:
	case SETTING_FOLDER:
	case SETTING_TEXTS:
	case SETTING_MAP:
	case SETTING_LIST:
	case SETTING_NAMED:
	case SETTING_EXPRESSION:
	case SETTING_FIELDS:
	case SETTING_FREE:
		break;
	}
	return false;
}

/* What a value of that type looks like, for the help line. */
static const char *form_of(enum setting_type type)
{
	switch (type) {
	case SETTING_DURATION:
		return "a duration is a whole number and a unit: 500ms, 30s, 5m, 12h";
	case SETTING_SIZE:
		return "a size is a whole number and a unit: 512B, 64KiB, 1MiB, 1GiB";
	case SETTING_COUNT_OF:
		return "a count is a whole number: 32";
	case SETTING_RATE:
		return "a rate is a count per time: 5/s, 100/m, 5/s burst 10";
	case SETTING_BYTE_RATE:
		return "a byte rate is a size per time: 256KiB/s, 256KiB/s burst 1MiB";
	case SETTING_BOOLEAN:
		return "write `true` or `false`";
	case SETTING_TEXT:
	case SETTING_WORD:
	case SETTING_WORDS:
	case SETTING_URL:
	case SETTING_FILE:
	case SETTING_FOLDER:
	case SETTING_TEXTS:
		return "write a text";
	case SETTING_MAP:
	case SETTING_NAMED:
		return "write `key: value` lines below it";
	case SETTING_LIST:
		return "write `- ` lines below it";
	case SETTING_EXPRESSION:
		return "an expression is a text: message.user == identity.sub";
	case SETTING_FIELDS:
		return "write `field: ...` lines below it";
	case SETTING_FREE:
		break;
	}
	return "see the manual";
}

static void wrong_type(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR && yaml_scalar_type(node) != YAML_TYPE_NULL)
		diag_add(l->diag, DIAG_ERROR, node->at, "`%s` is a %s, and `%.*s` is none",
			 row->key, setting_type_word(row->type),
			 SLICE_ARG(slice_first(node->text, 80)));
	else
		diag_add(l->diag, DIAG_ERROR, node->at, "`%s` is a %s, and here is %s", row->key,
			 setting_type_word(row->type), yaml_describe(node));
	diag_help(l->diag, "%s", form_of(row->type));
}

static void check_number(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	struct slice low, high;
	uint64_t value = 0, least = 0, most = 0;

	if (!load_number(row, node->text, &value)) {
		wrong_type(l, row, node);
		if (slice_eq(node->text, SLICE("unlimited")))
			diag_help(l->diag,
				  "`unlimited` may stand only where a rate or a count stands "
				  "that other limits bound");
		return;
	}
	if (!range_of(row, &low, &high) || !load_number(row, low, &least) ||
	    !load_number(row, high, &most))
		return;
	if (value < least || value > most) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`%s` is %.*s, which is %s", row->key,
			 SLICE_ARG(slice_first(node->text, 80)),
			 value < least ? "too little" : "too much");
		diag_help(l->diag, "from %.*s to %.*s", SLICE_ARG(low), SLICE_ARG(high));
	}
}

static void check_rate(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	struct rate rate;
	bool good = row->type == SETTING_RATE ? num_parse_rate(node->text, &rate)
					      : num_parse_byte_rate(node->text, &rate);
	if (!good)
		wrong_type(l, row, node);
}

static void check_boolean(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	static const struct {
		const char *written, *meant;
	} lookalikes[] = {{"yes", "true"}, {"on", "true"},   {"y", "true"},  {"1", "true"},
			  {"no", "false"}, {"off", "false"}, {"n", "false"}, {"0", "false"}};
	enum yaml_type type = yaml_scalar_type(node);

	if (type == YAML_TYPE_TRUE || type == YAML_TYPE_FALSE)
		return;
	wrong_type(l, row, node);
	for (size_t i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++)
		if (slice_eq_icase(node->text, slice_from_cstr(lookalikes[i].written)))
			diag_help(l->diag, "write `%s`", lookalikes[i].meant);
	if (node->quoted && slice_eq_icase(node->text, SLICE("true")))
		diag_help(l->diag, "write `true` without quotes");
}

/* `range` of a word is "a | b | c". */
static size_t words_of(const struct setting *row, struct slice words[8])
{
	struct slice rest = slice_from_cstr(row->range), part;
	bool more = rest.len > 0;
	size_t count = 0;

	while (count < 8 && slice_next(&rest, &more, '|', &part))
		words[count++] = slice_trim(part);
	return count;
}

static void check_word(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	struct slice words[8];
	size_t count = words_of(row, words);

	for (size_t i = 0; i < count; i++)
		if (slice_eq(words[i], node->text))
			return;
	diag_add(l->diag, DIAG_ERROR, node->at, "`%s` cannot be `%.*s`", row->key,
		 SLICE_ARG(slice_first(node->text, 80)));
	struct slice near = diag_nearest(node->text, words, count);
	if (yaml_scalar_type(node) == YAML_TYPE_TRUE && slice_eq(words[count - 1], SLICE("on")))
		near = SLICE("on");
	if (yaml_scalar_type(node) == YAML_TYPE_FALSE && slice_eq(words[0], SLICE("off")))
		near = SLICE("off");
	if (near.len)
		diag_help(l->diag, "did you mean `%.*s`?", SLICE_ARG(near));
	else if (count == 1)
		diag_help(l->diag, "the only word here is `%s`", row->range);
	else
		diag_help(l->diag, "one of: %s", row->range);
}

static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f)
			return true;
	return false;
}

static bool scalar_is_there(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	if (node->kind != YAML_SCALAR) {
		wrong_type(l, row, node);
		return false;
	}
	if (node->text.len == 0 || yaml_scalar_type(node) == YAML_TYPE_NULL) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`%s` has no value", row->key);
		diag_help(l->diag, "remove it, or write what it should be");
		return false;
	}
	if (has_control(node->text)) {
		diag_add(l->diag, DIAG_ERROR, node->at,
			 "`%s` holds a line break or a control character", row->key);
		return false;
	}
	return true;
}

/* What it says is read later, together with what it may speak of. */
static void check_expression(struct load *l, const struct setting *row,
			     const struct yaml_node *node)
{
	if (node->kind != YAML_SCALAR) {
		wrong_type(l, row, node);
	} else if (slice_trim(node->text).len == 0 || yaml_scalar_type(node) == YAML_TYPE_NULL) {
		diag_add(l->diag, DIAG_ERROR, node->at, "`%s` has no value", row->key);
		diag_help(l->diag, "%s", row->help);
	}
}

static void check_scalar(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	if (!scalar_is_there(l, row, node))
		return;
	if ((row->flags & SETTING_UNLIMITED) && slice_eq(node->text, SLICE("unlimited")))
		return;
	if (row->type == SETTING_RATE || row->type == SETTING_BYTE_RATE)
		check_rate(l, row, node);
	else if (row->type == SETTING_BOOLEAN)
		check_boolean(l, row, node);
	else if (row->type == SETTING_WORD || row->type == SETTING_WORDS)
		check_word(l, row, node);
	else if (row->type == SETTING_DURATION || row->type == SETTING_SIZE ||
		 row->type == SETTING_COUNT_OF)
		check_number(l, row, node);
}

static bool list_is_short(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	if (node->count <= LOAD_LIST_MAX)
		return true;
	diag_add(l->diag, DIAG_ERROR, node->at, "`%s` has more than 1000 items", row->key);
	return false;
}

static void check_is_new(struct load *l, const struct yaml_node *list, const struct yaml_node *item)
{
	for (const struct yaml_node *at = list->first; at != item; at = at->next) {
		if (at->kind != YAML_SCALAR || !slice_eq(item->text, at->text))
			continue;
		diag_add(l->diag, DIAG_ERROR, item->at, "`%.*s` is there twice",
			 SLICE_ARG(slice_first(item->text, 80)));
		diag_help(l->diag, "the first one is in line %u", at->at.line);
		return;
	}
}

/* Texts or words, in a list or one alone. */
static void check_texts(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	if (node->kind == YAML_MAP) {
		wrong_type(l, row, node);
		return;
	}
	if (node->kind == YAML_SCALAR) {
		check_scalar(l, row, node);
		return;
	}
	if (!list_is_short(l, row, node))
		return;
	YAML_EACH (item, node) {
		check_scalar(l, row, item);
		if (item->kind == YAML_SCALAR && !(row->flags & SETTING_REPEATED))
			check_is_new(l, node, item);
	}
}

static void check_list(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	bool text_ok = row->flags & SETTING_OR_TEXT;

	if (node->kind == YAML_SCALAR && text_ok && yaml_scalar_type(node) != YAML_TYPE_NULL) {
		(void)scalar_is_there(l, row, node);
		return;
	}
	if (node->kind != YAML_LIST) {
		wrong_type(l, row, node);
		return;
	}
	if (!list_is_short(l, row, node))
		return;
	YAML_EACH (item, node) {
		if (item->kind == YAML_MAP) {
			check_map(l, row->of, item);
		} else if (item->kind != YAML_SCALAR || !text_ok) {
			diag_add(l->diag, DIAG_ERROR, item->at,
				 "an item of `%s` is a map, and here is %s", row->key,
				 yaml_describe(item));
			diag_help(l->diag, "%s", section_info_of(row->of)->help);
		} else {
			(void)scalar_is_there(l, row, item);
		}
	}
}

static void check_named(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	if (node->kind != YAML_MAP) {
		wrong_type(l, row, node);
		return;
	}
	YAML_EACH (item, node) {
		if (item->kind == YAML_MAP) {
			check_map(l, row->of, item);
			continue;
		}
		diag_add(l->diag, DIAG_ERROR, item->at, "`%.*s` is a map, and here is %s",
			 SLICE_ARG(item->key), yaml_describe(item));
		diag_help(l->diag, "%s", section_info_of(row->of)->help);
	}
}

/* A map, or one of the shorter forms that the row allows. */
static void check_map_or_text(struct load *l, const struct setting *row,
			      const struct yaml_node *node)
{
	unsigned short_forms = SETTING_OR_TEXT | SETTING_OR_TEXTS | SETTING_OR_WORD;

	if (node->kind == YAML_MAP)
		check_map(l, row->of, node);
	else if (node->kind == YAML_LIST && (row->flags & SETTING_OR_TEXTS))
		check_texts(l, row, node);
	else if (node->kind != YAML_SCALAR || !(row->flags & short_forms))
		wrong_type(l, row, node);
	else if (!scalar_is_there(l, row, node))
		return;
	else if (row->flags & SETTING_OR_WORD)
		check_word(l, row, node);
}

static void check_value(struct load *l, const struct setting *row, const struct yaml_node *node)
{
	switch (row->type) {
	case SETTING_MAP:
		check_map_or_text(l, row, node);
		break;
	case SETTING_LIST:
		check_list(l, row, node);
		break;
	case SETTING_NAMED:
		check_named(l, row, node);
		break;
	case SETTING_TEXTS:
	case SETTING_WORDS:
		check_texts(l, row, node);
		break;
	case SETTING_EXPRESSION:
		check_expression(l, row, node);
		break;
	case SETTING_FIELDS: /* whoever knows the messages looks at it */
	case SETTING_FREE:
		break;
	case SETTING_TEXT:
	case SETTING_DURATION:
	case SETTING_SIZE:
	case SETTING_RATE:
	case SETTING_BYTE_RATE:
	case SETTING_COUNT_OF:
	case SETTING_BOOLEAN:
	case SETTING_WORD:
	case SETTING_URL:
	case SETTING_FILE:
	case SETTING_FOLDER:
		check_scalar(l, row, node);
		break;
	}
}

/* `false` and `[]` of something that does not exist yet are true statements. */
static bool is_nothing(const struct yaml_node *node)
{
	if (node->kind == YAML_LIST)
		return node->count == 0;
	return yaml_scalar_type(node) == YAML_TYPE_FALSE;
}

static void unknown_key(struct load *l, enum section section, const struct yaml_node *item)
{
	const struct setting *near = setting_nearest(section, item->key);
	const struct setting *other = setting_elsewhere(section, item->key);

	diag_add(l->diag, DIAG_ERROR, item->key_at, "there is no setting `%.*s` in %s%s%s",
		 SLICE_ARG(slice_first(item->key, 80)), *section_info_of(section)->path ? "`" : "",
		 path_of(section), *section_info_of(section)->path ? "`" : "");
	if (near && (!other || slice_eq_icase(item->key, slice_from_cstr(near->key))))
		diag_help(l->diag, "did you mean `%s`?", near->key);
	else if (other)
		diag_help(l->diag, "`%s` belongs into %s%s%s", other->key,
			  *section_info_of(other->section)->path ? "`" : "",
			  path_of(other->section),
			  *section_info_of(other->section)->path ? "`" : "");
	else if (near)
		diag_help(l->diag, "did you mean `%s`?", near->key);
}

static void missing_keys(struct load *l, enum section section, const struct yaml_node *map)
{
	for (int id = SETTING_NONE + 1; id < SETTING_COUNT; id++) {
		const struct setting *row = setting_of((enum setting_id)id);
		if (row->section != section || !(row->flags & SETTING_REQUIRED))
			continue;
		if (yaml_get(map, slice_from_cstr(row->key)))
			continue;
		struct diag_place at = map->at;
		at.width = 1;
		diag_add(l->diag, DIAG_ERROR, at, "`%s` is missing in %s%s%s", row->key,
			 *section_info_of(section)->path ? "`" : "", path_of(section),
			 *section_info_of(section)->path ? "`" : "");
		diag_help(l->diag, "%s", row->help);
	}
}

static void check_map(struct load *l, enum section section, const struct yaml_node *map)
{
	YAML_EACH (item, map) {
		const struct setting *row = setting_find(section, item->key);
		if (!row) {
			unknown_key(l, section, item);
			continue;
		}
		check_value(l, row, item);
		if ((row->flags & SETTING_NOT_YET) && !is_nothing(item)) {
			diag_add(l->diag, DIAG_ERROR, item->key_at,
				 "`%s` is not yet in this version", row->key);
			diag_help(l->diag, "it would have no effect: remove it");
		}
	}
	missing_keys(l, section, map);
}

void load_shape(struct load *l)
{
	if (l->root->kind != YAML_MAP) {
		diag_add(l->diag, DIAG_ERROR, l->root->at,
			 "the file is a map of settings, and here is %s", yaml_describe(l->root));
		diag_help(l->diag, "start with `listen:`");
		return;
	}
	check_map(l, SECTION_FILE, l->root);
}
