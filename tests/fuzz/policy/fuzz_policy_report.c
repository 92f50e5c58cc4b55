/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the body of a report, in both forms, and as a URL. Holds: what is kept is
 * short, printable ASCII, has no query, fragment, parameter or user; cleaning it again changes
 * nothing; and every text that is kept is one that cleaning gives.
 */
#include "base/obj.h"
#include "policy/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_user(struct slice s)
{
	size_t colon = slice_index(s, ':');
	struct slice rest = slice_from(s, colon + 3);

	for (size_t i = 0; i < rest.len && rest.data[i] != '/' && rest.data[i] != '\\'; i++)
		MUST(rest.data[i] != '@');
}

static void check_text(struct slice s, struct arena *arena)
{
	MUST(s.len <= REPORT_URL_MAX);
	for (size_t i = 0; i < s.len; i++) {
		MUST(s.data[i] > ' ' && s.data[i] <= '~');
		MUST(s.data[i] != '?' && s.data[i] != '#' && s.data[i] != ';');
	}
	check_user(s);
	MUST(slice_eq(report_clean_url(s, arena), s));
}

static void check_reports(struct slice type, struct slice body, struct arena *arena)
{
	struct reports r;
	const char *detail;

	arena_reset(arena);
	enum reason reason = report_read(type, body, arena, &r, &detail);
	MUST(reason == REASON_NONE || r.count == 0);
	MUST((reason == REASON_BODY_MALFORMED) == (detail != NULL));
	MUST(r.count <= REPORTS_MAX);
	for (unsigned i = 0; i < r.count; i++) {
		MUST(r.items[i].directive.len && r.items[i].directive.len <= REPORT_WORD_MAX);
		MUST(r.items[i].line >= 0 && r.items[i].column >= 0);
		check_text(r.items[i].directive, arena);
		check_text(r.items[i].blocked, arena);
		check_text(r.items[i].document, arena);
		check_text(r.items[i].source, arena);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size);
	struct arena arena;

	arena_init(&arena, 16 * 1024, 4 << 20);
	check_reports(SLICE("application/csp-report"), all, &arena);
	check_reports(SLICE("application/reports+json"), all, &arena);
	arena_reset(&arena);
	check_text(report_clean_url(all, &arena), &arena);
	arena_deinit(&arena);
	return 0;
}
