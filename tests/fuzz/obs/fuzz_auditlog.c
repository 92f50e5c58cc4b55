/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of `sallyport verify-log`. The first byte says in which pieces the rest comes, and
 * the verdict must be the same as for all of it at once; a log that is whole is none any more with
 * a byte of its first line changed.
 */
#include <stdlib.h>

#include "obs/auditlog_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void judge(struct auditlog_check *c, struct slice text, size_t piece)
{
	auditlog_check_init(c, NULL);
	auditlog_check_file(c);
	for (; text.len; text = slice_from(text, piece))
		auditlog_check_feed(c, slice_first(text, piece));
	if (!c->broken)
		auditlog_check_file_end(c);
	auditlog_check_end(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auditlog_check at_once, in_pieces;

	if (size < 1)
		return 0;
	struct slice text = slice_of((const char *)data + 1, size - 1);
	judge(&at_once, text, text.len);
	judge(&in_pieces, text, (size_t)data[0] + 1);
	must(at_once.broken == in_pieces.broken && at_once.lines == in_pieces.lines);
	must(at_once.broken_line == in_pieces.broken_line);
	must(strcmp(at_once.why, in_pieces.why) == 0);
	if (!at_once.broken) {
		struct auditlog_check changed;
		char *copy = malloc(text.len);
		must(copy && at_once.checkpoints && text.len > 30);
		memcpy(copy, text.data, text.len);
		copy[20] ^= 1; /* within the hash or the time of the first line */
		judge(&changed, slice_of(copy, text.len), text.len);
		must(changed.broken);
		auditlog_check_deinit(&changed);
		free(copy);
	}
	auditlog_check_deinit(&at_once);
	auditlog_check_deinit(&in_pieces);
	return 0;
}
