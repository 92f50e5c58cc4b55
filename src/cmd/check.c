/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport check: reads the configuration, says what it allows, lists what is off.
 *
 * Findings go to standard error, the explanation to standard output. A configuration that is
 * wrong is not explained; one that is unsafe is, and still fails.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "conf/explain.h"
#include "conf/load.h"
#include "ctl/keyfiles.h"
#include "policy/client.h"

enum { OUTPUT_MAX = 16 * 1024 * 1024 };

static const char usage[] =
	"usage: sallyport check [-c FILE] [-q]\n"
	"\n"
	"Reads the configuration and says in plain words what it allows and what is off.\n"
	"\n"
	"  -c, --config FILE   the configuration (default: sallyport.yaml)\n"
	"  -q, --quiet         findings only, no explanation\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit status: 0 fine, 1 wrong or unsafe, 2 wrong use.\n";

struct options {
	const char *file;
	bool quiet, help;
};

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{"config", required_argument, NULL, 'c'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	*o = (struct options){.file = "sallyport.yaml"};
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "c:qh", names, NULL)) != -1;) {
		if (c == 'c')
			o->file = optarg;
		else if (c == 'q')
			o->quiet = true;
		else if (c == 'h')
			o->help = true;
		else
			return -1; /* getopt has said why */
	}
	if (optind < argc) {
		fprintf(stderr, "sallyport check: what is '%s'? The file is given with -c\n",
			argv[optind]);
		return -1;
	}
	return 0;
}

static void count(const char *what, size_t n, const char **separator)
{
	if (n == 0)
		return;
	fprintf(stderr, "%s%zu %s%s", *separator, n, what, n == 1 ? "" : "s");
	*separator = ", ";
}

/* All findings, and how many there are. */
static void print_findings(struct diag *d)
{
	struct buf text;
	const char *separator = "";

	if (!d->errors && !d->unsafe && !d->warnings)
		return;
	buf_init(&text, OUTPUT_MAX);
	if (diag_print(d, &text))
		fputs("sallyport check: no room to say everything\n", stderr);
	fwrite(text.data, 1, text.len, stderr);
	count("error", d->errors, &separator);
	count("unsafe setting", d->unsafe, &separator);
	count("warning", d->warnings, &separator);
	fputs("\n", stderr);
	fflush(stderr);
	buf_deinit(&text);
}

static bool takes_tickets(const struct snapshot *s)
{
	for (size_t r = 0; r < s->route_count; r++)
		for (size_t i = 0; i < s->routes[r].identify_count; i++)
			if (s->identities[s->routes[r].identify[i]].kind == CONF_IDENTITY_TICKET)
				return true;
	return false;
}

/* The line to paste. Not of the configuration: of this very binary. */
static void print_client(const struct snapshot *s)
{
	if (!takes_tickets(s))
		return;
	printf("\nClient library (for pages of other origins, put ours before the path)\n"
	       "  <script src=\"/.sallyport/client.js?v=%.*s\" integrity=\"%.*s\""
	       " crossorigin=\"anonymous\"></script>\n",
	       SLICE_ARG(client_tag), SLICE_ARG(client_integrity));
}

static int print_explanation(const struct snapshot *s)
{
	struct buf text;
	int r;

	buf_init(&text, OUTPUT_MAX);
	r = explain_snapshot(s, &text);
	if (!r && fwrite(text.data, 1, text.len, stdout) != text.len)
		r = err_raise(errno, "cannot write");
	if (!r)
		print_client(s);
	if (!r && (fflush(stdout) || ferror(stdout)))
		r = err_raise(errno, "cannot write");
	buf_deinit(&text);
	return r;
}

/* Files of keys are read as they will be at start. */
static bool keys_are_good(const struct snapshot *s)
{
	bool good = true;

	for (size_t i = 0; i < s->identity_count; i++) {
		struct jwk_ring *ring = NULL;
		if (keyfiles_read(&s->identities[i], &ring)) {
			fprintf(stderr, "sallyport check: identity %.*s: %s\n",
				SLICE_ARG(s->identities[i].name), err_sentence());
			good = false;
		}
		jwk_ring_unref(ring);
	}
	return good;
}

static int check(const struct options *o)
{
	struct snapshot *s = NULL;
	static struct diag d;
	int status = EXIT_PROBLEM;

	diag_init(&d);
	int r = conf_load(o->file, &s, &d);
	print_findings(&d);
	if (r < 0)
		fprintf(stderr, "sallyport check: %s\n", err_sentence());
	if (!r && !o->quiet && print_explanation(s))
		fputs("sallyport check: the explanation could not be written\n", stderr);
	else if (!r && keys_are_good(s) && !d.unsafe)
		status = EXIT_FINE;
	snapshot_unref(s);
	diag_deinit(&d);
	return status;
}

int cmd_check(int argc, char **argv)
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
	return check(&o);
}
