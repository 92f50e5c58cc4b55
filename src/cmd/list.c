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
	fputs("usage: sallyport list reasons|metrics|settings\n",
	      argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
	return argc == 2 && !strcmp(argv[1], "--help") ? EXIT_FINE : EXIT_WRONG_USE;
}
