/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport test: does the policy do what its author thinks?
 *
 *   sallyport.yaml --conf_load--> snapshot --.
 *   CASES.yaml ----test_read----> cases ------+--test_run--> results --test_print--> output
 *
 * What is wrong with a file goes to standard error, and then nothing is run: a policy that is
 * half tested looks tested.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/test_print.h"
#include "cmd/test_read.h"
#include "cmd/test_run.h"
#include "conf/files.h"
#include "conf/load.h"
#include "conf/yaml.h"

enum {
	OUTPUT_MAX = 64 << 20,
	ARENA_BLOCK = 1 << 16,
	CASES_MAX = 1 << 28, /* bytes, of all files */
	RESULTS_MAX = 1 << 28,
};

static const char usage[] =
	"usage: sallyport test [-c FILE] [--strict] [--json] [-v] CASES.yaml...\n"
	"\n"
	"Runs test cases against the policy of a configuration: what may be sent, what must\n"
	"not, what arrives. Then says which rules no case was allowed by, and which refused\n"
	"none.\n"
	"\n"
	"  -c, --config FILE   the configuration (default: sallyport.yaml)\n"
	"      --strict        a rule that was not exercised is a failure, too\n"
	"      --json          one line of JSON per case and per rule, for programs\n"
	"  -v, --verbose       the cases that passed, too\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit status: 0 fine, 1 something failed or a file is wrong, 2 wrong use.\n";

struct options {
	const char *config;
	bool strict, json, verbose, help;
};

static int parse_options(int argc, char **argv, struct options *o)
{
	enum { STRICT = 256, JSON };
	static const struct option names[] = {
		{"config", required_argument, NULL, 'c'}, {"strict", no_argument, NULL, STRICT},
		{"json", no_argument, NULL, JSON},        {"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},         {0},
	};

	*o = (struct options){.config = "sallyport.yaml"};
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "c:vh", names, NULL)) != -1;) {
		if (c == 'c')
			o->config = optarg;
		else if (c == STRICT)
			o->strict = true;
		else if (c == JSON)
			o->json = true;
		else if (c == 'v')
			o->verbose = true;
		else if (c == 'h')
			o->help = true;
		else
			return -1; /* getopt has said why */
	}
	if (!o->help && optind == argc) {
		fputs("sallyport test: which cases?\n", stderr);
		return -1;
	}
	return 0;
}

/* --- files */

/* What is wrong, not what is only unsafe: that is the business of `check`. */
static void print_errors(struct diag *d)
{
	struct buf text;

	if (!d->errors)
		return;
	buf_init(&text, OUTPUT_MAX);
	if (diag_print(d, &text))
		fputs("sallyport test: no room to say everything\n", stderr);
	fwrite(text.data, 1, text.len, stderr);
	fflush(stderr);
	buf_deinit(&text);
}

static struct snapshot *load_config(const char *path)
{
	struct snapshot *s = NULL;
	struct diag *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	diag_init(d);
	int r = conf_load(path, &s, d);
	if (r)
		print_errors(d);
	if (r < 0)
		fprintf(stderr, "sallyport test: %s\n", err_sentence());
	diag_deinit(d);
	free(d);
	return s;
}

struct suite {
	const struct test_case *cases;
	size_t count;
};

static int read_suite(const char *path, struct arena *a, struct diag *d, struct suite *out)
{
	const struct conf_files *files = conf_files_real();
	struct slice name = slice_from_cstr(path);
	struct buf text;

	buf_init(&text, YAML_BYTES_MAX);
	int r = files->read(files->context, path, &text);
	diag_set_source(d, name, buf_slice(&text));
	if (r == BUF_FULL)
		diag_add(d, DIAG_ERROR, (struct diag_place){0}, "the file is larger than 1 MiB");
	else if (r)
		diag_add(d, DIAG_ERROR, (struct diag_place){0}, "cannot be read: %s", strerror(-r));
	else
		r = test_read(name, buf_slice(&text), a, d, &out->cases, &out->count);
	buf_deinit(&text);
	return r;
}

/* All of them, so that all that is wrong is said. */
static bool read_suites(char **paths, size_t count, struct arena *a, struct suite *out)
{
	struct diag *d = calloc(1, sizeof(*d));
	bool good = d != NULL;

	for (size_t i = 0; d && i < count; i++) {
		diag_init(d);
		int r = read_suite(paths[i], a, d, &out[i]);
		if (r)
			print_errors(d);
		if (r == -ENOMEM)
			fprintf(stderr, "sallyport test: no memory for %s\n", paths[i]);
		good = good && r == 0;
		diag_deinit(d);
	}
	free(d);
	return good;
}

/* --- running */

/* Returns whether it could be written. */
static bool flush_text(struct buf *text)
{
	bool good = !text->len || fwrite(text->data, 1, text->len, stdout) == text->len;

	buf_clear(text);
	return good;
}

/* Returns 0, or negative: it could not be run or said. */
static int run_case(struct test_world *w, const struct test_printer *p, const struct test_case *c,
		    bool *passed)
{
	const struct test_result *results;
	struct arena a;

	arena_init(&a, ARENA_BLOCK, RESULTS_MAX);
	int r = test_run(w, c, &a, &results);
	if (r == 0) {
		*passed = test_case_passed(c, results);
		r = test_print_case(p, c, results);
	}
	if (r == BUF_FULL)
		r = err_raise(E2BIG, "the report about a case");
	if (r == 0 && !flush_text(p->to))
		r = err_raise(EIO, "standard output");
	arena_deinit(&a);
	return r;
}

static bool all_exercised(const struct test_cover *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (test_rule_unallowed(&c->rules[i]) || test_rule_unrefused(&c->rules[i]))
			return false;
	return true;
}

static int print_end(const struct test_printer *p, const struct test_cover *c, size_t passed,
		     size_t failed)
{
	int r = test_print_cover(p, c);

	if (r == 0)
		r = test_print_sum(p, passed, failed);
	if (r)
		return err_raise(E2BIG, "the report about rules");
	return flush_text(p->to) && fflush(stdout) == 0 ? 0 : err_raise(EIO, "standard output");
}

static int run_suites(struct test_world *w, const struct test_printer *p,
		      const struct suite *suites, size_t count, bool strict)
{
	size_t passed = 0, failed = 0;
	int r = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; r == 0 && k < suites[i].count; k++) {
			bool good = false;
			r = run_case(w, p, &suites[i].cases[k], &good);
			passed += good;
			failed += !good;
		}
	}
	if (r == 0)
		r = print_end(p, test_world_cover(w), passed, failed);
	if (r) {
		fprintf(stderr, "sallyport test: %s\n", err_sentence());
		return EXIT_PROBLEM;
	}
	return failed || (strict && !all_exercised(test_world_cover(w))) ? EXIT_PROBLEM : EXIT_FINE;
}

static int test_with(const struct options *o, struct snapshot *conf, const struct suite *suites,
		     size_t count)
{
	const struct conf_files *files = conf_files_real();
	struct buf text, source;
	struct test_printer printer = {.to = &text,
				       .conf = slice_from_cstr(o->config),
				       .json = o->json,
				       .verbose = o->verbose};
	struct test_world *w = test_world_new(conf);

	if (!w) {
		fputs("sallyport test: no memory\n", stderr);
		return EXIT_PROBLEM;
	}
	buf_init(&text, OUTPUT_MAX);
	buf_init(&source, YAML_BYTES_MAX);
	if (files->read(files->context, o->config, &source) == 0)
		printer.source = buf_slice(&source);
	int status = run_suites(w, &printer, suites, count, o->strict);
	buf_deinit(&text);
	buf_deinit(&source);
	test_world_free(w);
	return status;
}

int cmd_test(int argc, char **argv)
{
	struct options o;

	if (parse_options(argc, argv, &o)) {
		fputs(usage, stderr);
		return EXIT_WRONG_USE;
	}
	if (o.help) {
		fputs(usage, stdout);
		return EXIT_FINE;
	}
	size_t count = (size_t)(argc - optind);
	struct suite *suites = calloc(count, sizeof(*suites));
	struct snapshot *conf = load_config(o.config);
	int status = EXIT_PROBLEM;
	struct arena a;

	arena_init(&a, ARENA_BLOCK, CASES_MAX);
	if (suites && read_suites(argv + optind, count, &a, suites) && conf)
		status = test_with(&o, conf, suites, count);
	arena_deinit(&a);
	snapshot_unref(conf);
	free(suites);
	return status;
}
