/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The official JSON Schema test suite (draft 2020-12), read from the test data: every case of
 * every file must pass. There are no exceptions; were there any, they would stand in `expected`
 * with their reason.
 */
#include <stdlib.h>

#include "cases.h"

/* Remote documents are files below the suite's remotes/. */
static const struct json_node *find_remote(struct cases *c, struct slice uri)
{
	static const struct slice prefix = SLICE_INIT("http://localhost:1234/");
	char path[1024];

	if (!slice_starts_with(uri, prefix))
		return NULL;
	struct slice below = slice_from(uri, prefix.len);
	snprintf(path, sizeof(path), "%s/remotes/%.*s", c->folder, SLICE_ARG(below));
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	fclose(f);
	return cases_read(&c->arena, path);
}

/* The cases in each folder of the suite that is at hand. */
static const struct folder {
	const char *says, *path;
	bool formats;
	unsigned passed;
} folders[] = {
	{"what is required", "", false, 914},
	{"what is optional", "optional", false, 78},
	{"formats, asserted", "optional/format", true, 491},
};

static void run_folder(struct cases *c, const char *suite, const struct folder *f)
{
	char path[1024], file[2048];
	struct dirent *entry;

	snprintf(path, sizeof(path), "%s/tests/draft2020-12/%s", suite, f->path);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (!slice_ends_with(slice_from_cstr(entry->d_name), SLICE(".json")))
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		cases_run(c, file, entry->d_name);
	}
	closedir(dir);
}

static void every_case_passes(void **state)
{
	const char *data = getenv("SALLYPORT_TESTDATA");
	char suite[400];
	DIR *dir;

	(void)state;
	snprintf(suite, sizeof(suite), "%s/json-schema-test-suite", data ? data : "");
	dir = data ? opendir(suite) : NULL;
	if (!dir) {
		print_message("no test data\n");
		skip();
	}
	closedir(dir);
	EACH_ROW (f, folders) {
		struct cases c = {.more = find_remote, .options = {.formats = f->formats}};
		snprintf(c.folder, sizeof(c.folder), "%s", suite);
		run_folder(&c, suite, f);
		printf("# %s: %u of %u\n", f->says, c.passed, c.passed + c.failed);
		ROW_CHECK(f, c.failed == 0);
		ROW_CHECK(f, c.passed >= f->passed);
	}
}

/* Our own cases, in the same form. */
static const struct own {
	const char *says, *file;
	struct schema_options options;
} own_files[] = {
	{"keywords", "keyword.json", {0}},
	{"references", "reference.json", {0}},
	{"dynamic references", "dynamic.json", {0}},
	{"unevaluated...", "unevaluated.json", {0}},
	{"patterns", "pattern.json", {0}},
	{"formats", "format.json", {.formats = true}},
	{"draft-07", "draft-07.json", {.draft = SCHEMA_DRAFT_07}},
	{"schemas that are refused", "refused.json", {0}},
	{"the strict mode", "strict.json", {.strict = true}},
};

static void own_cases_pass(void **state)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	char path[1024];

	(void)state;
	if (!source)
		skip();
	EACH_ROW (f, own_files) {
		struct cases c = {.options = f->options};
		snprintf(path, sizeof(path), "%s/tests/unit/contract/cases/%s", source, f->file);
		cases_run(&c, path, f->file);
		ROW_CHECK(f, c.failed == 0);
		ROW_CHECK(f, c.passed > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_passes),
		cmocka_unit_test(own_cases_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
