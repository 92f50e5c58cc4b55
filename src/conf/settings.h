/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Every setting of sallyport.yaml is one row of settings.tbl.h.
 *
 * The row gives its place, type, range, default and one sentence of help. The loader checks
 * keys and types by it, fills in defaults from it, and the manual's lists are made from it:
 * what is not in the table does not exist.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* The maps that a configuration is made of. */
enum section {
	SECTION_NONE = 0,
#define SECTION(id, path, help) SECTION_##id,
#define SETTING(id, section, key, type, flags, of, standard, range, field, help)
#include "conf/settings.tbl.h"
#undef SECTION
#undef SETTING
	SECTION_COUNT
};

enum setting_id {
	SETTING_NONE = 0,
#define SECTION(id, path, help)
#define SETTING(id, section, key, type, flags, of, standard, range, field, help) SET_##id,
#include "conf/settings.tbl.h"
#undef SECTION
#undef SETTING
	SETTING_COUNT
};

enum setting_type {
	SETTING_TEXT = 0,  /* any text that is not empty */
	SETTING_DURATION,  /* 500ms, 30s, 5m, 12h, 7d */
	SETTING_SIZE,      /* 512B, 64KiB, 1MiB, 1GiB */
	SETTING_RATE,      /* 5/s, 100/m, with `burst 10` behind */
	SETTING_BYTE_RATE, /* 256KiB/s burst 1MiB */
	SETTING_COUNT_OF,  /* a whole number */
	SETTING_BOOLEAN,   /* true, false */
	SETTING_WORD,      /* one of the words that `range` lists, separated by | */
	SETTING_WORDS,     /* a list of such words */
	SETTING_URL,       /* a text that the loader reads as a URL */
	SETTING_FILE,      /* a path, relative to the file that names it */
	SETTING_FOLDER,
	SETTING_TEXTS,      /* a list of texts, or one text alone */
	SETTING_MAP,        /* a map of the settings of the section `of` */
	SETTING_LIST,       /* a list of such maps */
	SETTING_NAMED,      /* a map of names of the writer's choice to such maps */
	SETTING_EXPRESSION, /* CEL */
	SETTING_FIELDS,     /* a map of fields of messages to something, or a list of them */
	SETTING_FREE,       /* anything; the loader looks itself */
};

/* flags */
enum {
	SETTING_REQUIRED = 1 << 0,
	SETTING_NOT_YET = 1 << 1,   /* belongs to a later version: recognised and refused */
	SETTING_UNLIMITED = 1 << 2, /* the word `unlimited` may stand here */
	SETTING_OR_TEXT = 1 << 3,   /* one text instead of the map, or as an item of the list */
	SETTING_OR_TEXTS = 1 << 4,  /* a list of texts instead of the map */
	SETTING_OR_WORD = 1 << 5,   /* one of the words in `range` instead of the map */
	SETTING_REPEATED = 1 << 6,  /* the same item may stand in the list more than once */
};

/* Where a parsed value goes: a member of the struct that the section fills. */
struct setting_field {
	size_t offset;
	size_t bytes; /* 0 = the loader does it itself */
};

struct setting {
	enum setting_id id;
	enum section section;
	const char *key;
	enum setting_type type;
	unsigned flags;
	enum section of;      /* of a map, list or named map */
	const char *standard; /* the default, as one would write it; "" = none, or see help */
	const char *range;    /* "least..most", words, or "" */
	struct setting_field field;
	const char *help; /* one sentence */
};

struct section_info {
	const char *path; /* `routes[].limits`; "" is the file itself */
	const char *help;
};

/* The row; id is not SETTING_NONE. */
const struct setting *setting_of(enum setting_id id);

const struct section_info *section_info_of(enum section id);

/* The row with that key in that section, or NULL. */
const struct setting *setting_find(enum section section, struct slice key);

/* For a key that a section does not have: the row that was probably meant, or NULL. */
const struct setting *setting_nearest(enum section section, struct slice key);

/* For a key that a section does not have: another section's row with that very key, or NULL. */
const struct setting *setting_elsewhere(enum section section, struct slice key);

/* `duration`, `size`, ... as the manual calls it. */
const char *setting_type_word(enum setting_type type);
