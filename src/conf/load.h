/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From sallyport.yaml to a snapshot.
 *
 *	bytes --yaml_read--> tree --shape--> known keys, right types --load_*--> struct snapshot
 *	                       \________________ findings: struct diag ______________________/
 *
 * The same reading happens at start, at reload and in `sallyport check`. All findings are
 * reported, and with one error among them there is no snapshot. The layer itself touches
 * no file: it asks through struct conf_files, of which conf_files_real (conf/files.h) is
 * the one that looks at the disk.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/diag.h"
#include "conf/snapshot.h"

struct conf_file_info {
	bool folder;
	bool readable;  /* by this process */
	unsigned mode;  /* permission bits, 0777 */
	unsigned worst; /* of a folder: the permission bits of its files, or-ed together */
};

/* The world as the loader sees it. Functions return 0 or -errno. */
struct conf_files {
	void *context;
	/* Appends the file's bytes; BUF_FULL when it is larger than the buffer's maximum. */
	int (*read)(void *context, const char *path, struct buf *into);
	int (*look)(void *context, const char *path, struct conf_file_info *info);
	uint64_t descriptors; /* that this process may have open: RLIMIT_NOFILE's hard limit */
	uint64_t memory;      /* bytes of the machine, or of the cgroup */
	uint32_t processors;
};

/* Outcome of conf_load: the configuration was refused and d says why. */
enum { CONF_WRONG = 1 };

/*
 * Reads the file at `path`. With 0 *s holds one reference, for the caller to give back
 * with snapshot_unref; d may hold warnings and findings of the kind DIAG_UNSAFE. With
 * CONF_WRONG d has at least one error and *s is NULL. -ENOMEM otherwise. d was made with
 * diag_init and is the caller's to end; it does not depend on the snapshot nor it on d.
 */
int conf_load(const char *path, struct snapshot **s, struct diag *d)
	__attribute__((warn_unused_result));

/* The same with a world of the caller's choice, for tests. */
int conf_load_with(const struct conf_files *files, const char *path, struct snapshot **s,
		   struct diag *d) __attribute__((warn_unused_result));
