/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport try: one part of the gateway on its own; see try.h. One row per part. */
#include "cmd/try.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/try_cel.h"
#include "cmd/try_contract.h"
#include "cmd/try_http.h"
#include "cmd/try_json.h"
#include "cmd/try_jwt.h"
#include "cmd/try_text.h"
#include "cmd/try_schema.h"
#include "json/read.h"

enum { FILE_MAX_BYTES = 16 << 20, ANSWER_MAX_BYTES = 64 << 20 };

static const struct part {
	const char *name;
	try_fn line, bytes;
	const char *help;
} parts[] = {
	{"json", try_json_line, try_json_bytes, "is this JSON, as the gateway reads it"},
	{"http", try_http_line, try_http_bytes, "is this a request that a listener takes"},
	{"schema", try_schema_line, try_schema_line, "does this value satisfy that JSON Schema"},
	{"cel", try_cel_line, try_cel_text, "what does this expression give"},
	{"contract", try_contract_line, try_contract_line, "which message of a contract is this"},
	{"text", try_text_line, try_text_line, "what becomes of this text"},
	{"jwt", try_jwt_line, try_jwt_line, "is this token genuine"},
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static void print_usage(FILE *to)
{
	fputs("usage: sallyport try PART FILE...\n"
	      "       sallyport try PART --lines [FILE...]\n"
	      "\n"
	      "Gives each input to one part of the gateway and prints its verdict, a line of\n"
	      "JSON. A FILE is one input, as it is; - is standard input. With --lines every\n"
	      "line of the FILEs, or of standard input, is one: {\"text\": \"...\"} or\n"
	      "{\"base64\": \"...\"}.\n"
	      "\n",
	      to);
	for (int i = 0; i < PARTS; i++)
		fprintf(to, "  %-9s %s\n", parts[i].name, parts[i].help);
	fputs("\n"
	      "  -l, --lines   one input per line\n"
	      "  -h, --help    this text\n"
	      "\n"
	      "Exit status: 0 fine (with --lines: every line was answered), 1 something was\n"
	      "refused or could not be read, 2 wrong use.\n",
	      to);
}

struct options {
	bool lines, help;
};

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{"lines", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	*o = (struct options){0};
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "lh", names, NULL)) != -1;) {
		if (c == 'l')
			o->lines = true;
		else if (c == 'h')
			o->help = true;
		else
			return -1; /* getopt has said why */
	}
	return 0;
}

static const struct part *find_part(const char *name)
{
	for (int i = 0; i < PARTS; i++)
		if (strcmp(parts[i].name, name) == 0)
			return &parts[i];
	return NULL;
}

/* ---- whole files */

static int read_file(int fd, const char *name, struct buf *b)
{
	char *room;

	for (;;) {
		int r = buf_reserve(b, 1 << 16, &room);
		if (r == BUF_FULL)
			return err_raise(EFBIG, "%s", name);
		if (r)
			return r;
		ssize_t n = read(fd, room, 1 << 16);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_raise(errno, "%s", name);
		if (n > 0)
			buf_commit(b, (size_t)n);
	}
}

/* Whether the verdict says so itself; a line that cannot be read says no. */
static bool verdict_is_ok(struct slice line)
{
	const struct json_limits limits = {.depth = JSON_DEPTH_MAX,
					   .members = UINT32_MAX,
					   .values = UINT32_MAX,
					   .any_strings = true,
					   .big_integers = true};
	struct arena a;
	struct json_doc doc;

	arena_init(&a, 1 << 16, SIZE_MAX);
	bool ok = false;
	if (json_read(line, &limits, &a, &doc) == REASON_NONE) {
		const struct json_node *said = json_member(doc.root, SLICE("ok"));
		/* text answers with what became of it, or with a refusal */
		ok = said ? json_is_true(said)
			  : !json_member(doc.root, SLICE("refused")) &&
				    !json_member(doc.root, SLICE("error"));
	}
	arena_deinit(&a);
	return ok;
}

static int judge_file(int fd, const char *name, try_fn judge, bool *ok)
{
	struct buf in, out;

	buf_init(&in, FILE_MAX_BYTES);
	buf_init(&out, ANSWER_MAX_BYTES);
	int r = read_file(fd, name, &in);
	if (r == 0)
		r = judge(buf_slice(&in), &out);
	if (r == BUF_FULL)
		r = err_raise(E2BIG, "the verdict about %s", name);
	if (r == 0) {
		printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
		*ok = verdict_is_ok(buf_slice(&out));
	}
	buf_deinit(&in);
	buf_deinit(&out);
	return r;
}

/* One file, whole or by line; *ok says what came of it. */
static int try_file(const char *name, const struct part *part, bool lines, bool *ok)
{
	bool standard = strcmp(name, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);

	*ok = true;
	if (fd < 0)
		return err_raise(errno, "%s", name);
	int r = lines ? try_each_line(fd, name, part->line, stdout)
		      : judge_file(fd, name, part->bytes, ok);
	if (!standard)
		close(fd);
	return r;
}

/* Every one of them, whatever became of the others. */
static int try_files(char **names, int count, const struct part *part, bool lines)
{
	int status = EXIT_FINE;

	for (int i = 0; i < count; i++) {
		bool ok;
		if (try_file(names[i], part, lines, &ok)) {
			fprintf(stderr, "sallyport try: %s\n", err_sentence());
			ok = false;
		}
		if (!ok)
			status = EXIT_PROBLEM;
	}
	return status;
}

int cmd_try(int argc, char **argv)
{
	struct options o;

	if (parse_options(argc, argv, &o))
		return EXIT_WRONG_USE;
	if (o.help) {
		print_usage(stdout);
		return EXIT_FINE;
	}
	const struct part *part = optind < argc ? find_part(argv[optind]) : NULL;
	if (!part || (optind + 1 == argc && !o.lines)) {
		if (!part && optind < argc)
			fprintf(stderr, "sallyport try: no part is called '%s'\n", argv[optind]);
		print_usage(stderr);
		return EXIT_WRONG_USE;
	}
	int status = optind + 1 < argc
			     ? try_files(argv + optind + 1, argc - optind - 1, part, o.lines)
			     : try_files((char *[]){(char[]){"-"}}, 1, part, o.lines);
	return fflush(stdout) ? EXIT_PROBLEM : status;
}
