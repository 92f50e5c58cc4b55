/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport list: the tables behind the manual, for people and for the tests of the manual. */
#include <stdio.h>
#include <string.h>

#include "base/metric.h"
#include "base/reason.h"
#include "cmd/cmd.h"
#include "conf/settings.h"

static const struct {
	const char *name, *kind, *sentence;
} metric_rows[] = {
#define METRIC(id, name, kind, sentence) {name, #kind, sentence},
#include "base/metric.tbl.h"
#undef METRIC
};

#define DEADLINE(id, sentence) static const char until_##id[] = sentence;
#define STATE(id, name, deadline, on_client, on_deadline, waits_for, may_go)
#include "gateway/state.tbl.h"
#undef DEADLINE
#undef STATE

static void list_reasons(void)
{
	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
		printf("%s\t%s\n", reason_word((enum reason)r), reason_sentence((enum reason)r));
}

static void list_metrics(void)
{
	for (size_t i = 0; i < sizeof(metric_rows) / sizeof(metric_rows[0]); i++)
		printf("sallyport_%s\t%s\t%s\n", metric_rows[i].name, metric_rows[i].kind,
		       metric_rows[i].sentence);
	printf("sallyport_refused_total\tCOUNTER\tWhat was refused, by reason\n");
}

/* Where, type, default, range, sentence. What a later version brings has the type `later`. */
static void list_settings(void)
{
	for (int id = SETTING_NONE + 1; id < SETTING_COUNT; id++) {
		const struct setting *row = setting_of((enum setting_id)id);
		const char *path = section_info_of(row->section)->path;
		const char *type = setting_type_word(row->type);
		printf("%s%s%s\t%s\t%s\t%s\t%s\n", path, *path ? "." : "", row->key,
		       row->flags & SETTING_NOT_YET ? "later" : type, row->standard, row->range,
		       row->help);
	}
}

/* The states of a client's connection: what each waits for, and until when. */
static void list_states(void)
{
	static const struct {
		const char *name, *waits_for, *until;
	} rows[] = {
#define DEADLINE(id, sentence)
#define STATE(id, name, deadline, on_client, on_deadline, waits_for, may_go)                       \
	{name, waits_for, until_##deadline},
#include "gateway/state.tbl.h"
#undef DEADLINE
#undef STATE
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%s\t%s\t%s\n", rows[i].name, rows[i].waits_for, rows[i].until);
}

int cmd_list(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "reasons") == 0) {
		list_reasons();
		return EXIT_FINE;
	}
	if (argc == 2 && strcmp(argv[1], "metrics") == 0) {
		list_metrics();
		return EXIT_FINE;
	}
	if (argc == 2 && strcmp(argv[1], "settings") == 0) {
		list_settings();
		return EXIT_FINE;
	}
	if (argc == 2 && strcmp(argv[1], "states") == 0) {
		list_states();
		return EXIT_FINE;
	}
	fputs("usage: sallyport list reasons|metrics|settings|states\n",
	      argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
	return argc == 2 && !strcmp(argv[1], "--help") ? EXIT_FINE : EXIT_WRONG_USE;
}
