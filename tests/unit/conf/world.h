/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A disk of a few files for the loader, and a configuration that starts every row: what a
 * test writes is appended to it.
 */
#include <errno.h>
#include <stdio.h>

#include "conf/load.h"

struct world_file {
	const char *path;
	bool folder, unreadable;
	unsigned mode, worst;
};

static const struct world_file world_disk[] = {
	{"etc/chain.pem", .mode = 0644},
	{"etc/key.pem", .mode = 0600},
	{"etc/group.pem", .mode = 0640},
	{"etc/open.pem", .mode = 0644},
	{"etc/secret.pem", .mode = 0600, .unreadable = true},
	{"etc/token", .mode = 0400},
	{"/srv/public", .folder = true, .mode = 0755, .worst = 0644},
	{"etc/public", .folder = true, .mode = 0755, .worst = 0644},
	{"etc/good-keys", .folder = true, .mode = 0755, .worst = 0600},
	{"etc/open-keys", .folder = true, .mode = 0700, .worst = 0640},
	{"etc/shared-keys", .folder = true, .mode = 0777, .worst = 0600},
};

static inline int world_look(void *context, const char *path, struct conf_file_info *info)
{
	(void)context;
	for (size_t i = 0; i < sizeof(world_disk) / sizeof(world_disk[0]); i++) {
		const struct world_file *f = &world_disk[i];
		if (strcmp(path, f->path))
			continue;
		*info = (struct conf_file_info){f->folder, !f->unreadable, f->mode, f->worst};
		return 0;
	}
	return -ENOENT;
}

/* Documents of contracts; the last has no path. A test that has some sets this. */
struct world_document {
	const char *path, *text;
};
static const struct world_document *world_documents;

/* The context is the configuration's text, as a struct slice. */
static inline int world_read(void *context, const char *path, struct buf *into)
{
	const struct slice *text = context;

	if (strcmp(path, "etc/sallyport.yaml") == 0)
		return buf_append(into, *text);
	for (const struct world_document *d = world_documents; d && d->path; d++)
		if (strcmp(path, d->path) == 0)
			return buf_append(into, slice_from_cstr(d->text));
	return -ENOENT;
}

/* Loads this text as etc/sallyport.yaml. d is initialised here and the caller's to end. */
static inline int world_load(struct slice text, struct snapshot **s, struct diag *d)
{
	struct conf_files files = {
		.context = &text,
		.read = world_read,
		.look = world_look,
		.descriptors = 1064,
		.memory = (uint64_t)4 << 30,
		.processors = 2,
	};

	diag_init(d);
	return conf_load_with(&files, "etc/sallyport.yaml", s, d);
}

/* A first finding whose text or help holds these words, or NULL. */
static inline const struct diag_entry *world_finding(const struct diag *d, const char *words)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct diag_entry *e = &d->entries[i];
		if (e->text.data && strstr(e->text.data, words))
			return e;
		if (e->help.data && strstr(e->help.data, words))
			return e;
	}
	return NULL;
}

/* For failures: everything that was found. */
static inline void world_show(struct diag *d)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	if (diag_print(d, &text) == 0 && text.len)
		fprintf(stderr, "%.*s", (int)text.len, text.data);
	buf_deinit(&text);
}
