/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does the policy cost per message? A chat's message of 200 bytes through
 * rules_judge_client, as the gateway's workers call it, from a configuration as people write
 * it:
 *
 *   stages      JSON alone, read in full; of a known shape: the contract; and `allow`; and
 *               `rate`; and `text: escape`; then the whole as if nothing had been learned
 *               before; and `detect`
 *   length      200 bytes to 1 MiB: should be a line
 *   messages    1 to 1,000 in the contract, all with the rule "*": should be flat
 *   rules       1 to 1,000 of 1,000 messages with a rule of their own: should be flat
 *   server      the same message the other way
 *
 *   build/bench/bench_policy             nanoseconds of processor time, the median of rounds
 *                                        that take turns; lines are NAME, bytes, ns, ns per byte
 *   build/bench/bench_policy judge N     judges that message N times and says nothing: for
 *                                        callgrind, which counts instructions
 *
 * Ends with 1 if anything was allocated once all had been judged twice.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "base/obj.h"
#include "conf/load.h"
#include "failmalloc.h"
#include "json/read.h"
#include "policy/rules.h"

enum { ROUNDS = 15, MESSAGES_MAX = 1000, FILE_BYTES = 1 << 20 };

static const double ROUND_NS = 2e6;

/* --- the files */

struct text {
	char *data;
	size_t len;
};

struct files {
	struct text contract, configuration;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(t->data + t->len, FILE_BYTES - t->len, format, arguments);
	va_end(arguments);
	MUST(n >= 0 && (size_t)n < FILE_BYTES - t->len);
	t->len += (size_t)n;
}

/* `count` messages that only `type` tells apart; the first is the one that is sent. */
static void write_contract(struct text *t, unsigned count)
{
	static const char required[] = "\"type\", \"id\", \"user\", \"room\", \"text\"";
	static const char properties[] =
		"\"id\": {\"type\": \"integer\", \"minimum\": 0}, "
		"\"user\": {\"type\": \"string\", \"maxLength\": 32}, "
		"\"room\": {\"enum\": [\"lobby\", \"games\", \"help\", \"music\"]}, "
		"\"text\": {\"type\": \"string\", \"minLength\": 1}, "
		"\"at\": {\"type\": \"string\"}";

	add(t, "{\"asyncapi\": \"3.0.0\", \"info\": {\"title\": \"chat\", \"version\": \"1\"},\n"
	       "\"channels\": {\"room\": {\"address\": \"/chat\", \"messages\": {\n");
	for (unsigned i = 0; i < count; i++)
		add(t,
		    "%s\"message%u\": {\"payload\": {\"type\": \"object\", \"required\": [%s], "
		    "\"additionalProperties\": false, \"properties\": {%s, \"type\": {\"const\": "
		    "\"message%u\"}}}}",
		    i ? ",\n" : "", i, required, properties, i);
	add(t, "}}},\n\"operations\": {\"in\": {\"action\": \"receive\", \"channel\": {\"$ref\": "
	       "\"#/channels/room\"}}, \"out\": {\"action\": \"send\", \"channel\": {\"$ref\": "
	       "\"#/channels/room\"}}}}\n");
}

static void write_configuration(struct text *t, const char *rule, unsigned own, bool rest)
{
	add(t, "listen: http://127.0.0.1:8080\n"
	       "identity: {user: {ticket: {from: [guest]}}, guest: {anyone: true}}\n"
	       "routes:\n"
	       "  - path: /chat\n"
	       "    identify: [user, guest]\n"
	       "    upstream: ws://127.0.0.1:9001\n"
	       "    contract: chat.asyncapi.json\n"
	       "    limits: {message_size: 2MiB, server_message_size: 2MiB}\n"
	       "    rules:\n"
	       "      client:\n");
	for (unsigned i = 0; i < own; i++)
		add(t, "        message%u: {%s}\n", i, rule);
	if (rest)
		add(t, "        \"*\": {%s}\n", rule);
	add(t, "      server: {\"*\": {allow: true}}\n");
}

static int no_look(void *context, const char *path, struct conf_file_info *info)
{
	(void)context, (void)path, (void)info;
	return -ENOENT;
}

static int read_file(void *context, const char *path, struct buf *into)
{
	const struct files *files = context;
	const struct text *t = strstr(path, ".asyncapi.json")   ? &files->contract
			       : strstr(path, "sallyport.yaml") ? &files->configuration
								: NULL;

	return t ? buf_append(into, slice_of(t->data, t->len)) : -ENOENT;
}

static struct snapshot *load(struct files *files)
{
	const struct conf_files world = {
		.context = files,
		.read = read_file,
		.look = no_look,
		.descriptors = 1064,
		.memory = (uint64_t)4 << 30,
		.processors = 2,
	};
	struct snapshot *s = NULL;
	struct diag d;
	struct buf out;

	diag_init(&d);
	int r = conf_load_with(&world, "etc/sallyport.yaml", &s, &d);
	if (r) {
		fprintf(stderr, "the configuration was refused: %d\n", r);
		buf_init(&out, 65536);
		MUST(diag_print(&d, &out) == 0);
		fprintf(stderr, "%.*s", SLICE_ARG(buf_slice(&out)));
		exit(1);
	}
	diag_deinit(&d);
	return s;
}

/* --- one thing that is measured */

struct subject {
	const char *name;
	const char *rule;       /* NULL: the JSON is read, no more */
	unsigned messages, own; /* in the contract; with a rule of their own */
	size_t bytes;
	bool server;
	bool unknown; /* nothing is remembered of those before it: each is of a new shape */

	struct snapshot *conf;
	struct rules_room *room;
	struct budget budget;
	struct rules *rules;
	char *text;
	double ns[ROUNDS];
};

static struct quota *quota;
static struct arena arena;
static uint64_t now_us = UINT64_C(1000000000);
static volatile uint64_t sink;

static const struct siphash_key key = {{1, 2, 3}};

/* A chat's message of so many bytes. What fills it is plain text, as most is. */
static char *make_message(size_t bytes)
{
	static const char head[] = "{\"type\":\"message0\",\"id\":1562869260905,\"user\":\"user1\","
				   "\"room\":\"lobby\",\"text\":\"";
	static const char tail[] = "\",\"at\":\"2024-05-01T12:34:56Z\"}";
	static const char words[] = "what people write in a chat on an ordinary evening, ";
	char *text = malloc(bytes);
	size_t at = sizeof(head) - 1, end = bytes - (sizeof(tail) - 1);

	MUST(text && at < end);
	memcpy(text, head, sizeof(head) - 1);
	for (size_t i = 0; at < end; i++)
		text[at++] = words[i % (sizeof(words) - 1)];
	memcpy(text + end, tail, sizeof(tail) - 1);
	return text;
}

static void prepare(struct subject *s)
{
	struct files files = {{malloc(FILE_BYTES), 0}, {malloc(FILE_BYTES), 0}};
	const struct identity identity = {
		.subject = SLICE("user1"), .via = SLICE("user"), .claims = SLICE("{}")};
	static const struct route_match match;
	const struct context_facts facts = {
		.identity = &identity,
		.match = &match,
		.path = SLICE("/chat"),
		.peer = {.family = 4, .bytes = {192, 0, 2, 1}},
		.connection_id = SLICE("c0ffee"),
	};

	s->text = make_message(s->bytes);
	if (!s->rule)
		return;
	MUST(files.contract.data && files.configuration.data);
	write_contract(&files.contract, s->messages);
	write_configuration(&files.configuration, s->rule, s->own, s->own < s->messages);
	s->conf = load(&files);
	free(files.contract.data);
	free(files.configuration.data);
	budget_init(&s->budget, 1 << 20, NULL);
	s->room = rules_room_new(&key);
	MUST(s->room);
	if (!s->unknown)
		rules_room_fit(s->room, s->conf);
	s->rules = rules_new(&s->conf->routes[0], &facts, quota, &s->budget, now_us);
	MUST(s->rules);
}

static void end(struct subject *s)
{
	rules_free(s->rules);
	rules_room_free(s->room);
	snapshot_unref(s->conf);
	free(s->text);
}

static void read_json(const struct subject *s)
{
	const struct json_limits limits = {
		.depth = 32, .members = 1024, .values = 10000, .utf8_checked = true};
	struct json_doc doc;

	arena_reset(&arena);
	MUST(json_read(slice_of(s->text, s->bytes), &limits, &arena, &doc) == REASON_NONE);
	sink += doc.nodes;
}

static void judge(const struct subject *s)
{
	const struct rules_message m = {.text = slice_of(s->text, s->bytes),
					.now_us = now_us += 100,
					.now_unix_ms = UINT64_C(1700000000123)};
	struct judgement j;

	if (s->server)
		rules_judge_server(s->rules, s->room, &m, &j);
	else
		rules_judge_client(s->rules, s->room, &m, &j);
	if (j.reason != REASON_NONE) {
		fprintf(stderr, "%s: %s at %.*s\n", s->name, reason_word(j.reason),
			SLICE_ARG(j.finding.pointer));
		exit(1);
	}
	sink += j.rewritten;
}

static void work(const struct subject *s)
{
	if (s->rule)
		judge(s);
	else
		read_json(s);
}

/* --- measuring */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double measure(const struct subject *s)
{
	double began = now_ns(), spent;
	long times = 0;
	int batch = s->bytes > 10000 ? 1 : 50;

	do {
		for (int i = 0; i < batch; i++)
			work(s);
		times += batch;
		spent = now_ns() - began;
	} while (spent < ROUND_NS);
	return spent / (double)times;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

#define ALLOW  "allow: message.user == identity.sub"
#define RATE   ", rate: 100000/s burst 100000"
#define ESCAPE ", text: {text: escape}"
#define ALL    ALLOW RATE ESCAPE

/* Rows leave out what they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static struct subject subjects[] = {
	{"JSON, read in full", NULL, 1, 0, 200},
	{"contract", "allow: true", 10, 0, 200},
	{"and allow", ALLOW, 10, 0, 200},
	{"and rate", ALLOW RATE, 10, 0, 200},
	{"and text: the whole", ALL, 10, 0, 200},
	{"of a new shape", ALL, 10, 0, 200, .unknown = true},
	{"and detect", ALL ", detect: [sqli, xss]", 10, 0, 200},
	{"server's, contract", ALL, 10, 0, 200, .server = true},
	{"length", ALL, 10, 0, 1024},
	{"length", ALL, 10, 0, 4096},
	{"length", ALL, 10, 0, 16384},
	{"length", ALL, 10, 0, 65536},
	{"length", ALL, 10, 0, 1 << 20},
	{"1 message", ALL, 1, 0, 200},
	{"10 messages", ALL, 10, 0, 200},
	{"100 messages", ALL, 100, 0, 200},
	{"1000 messages", ALL, MESSAGES_MAX, 0, 200},
	{"1 rule", ALL, MESSAGES_MAX, 1, 200},
	{"1000 rules", ALL, MESSAGES_MAX, MESSAGES_MAX, 200},
};

enum { SUBJECTS = sizeof(subjects) / sizeof(subjects[0]), WHOLE = 4 };

/* Twice each, so that blocks have their size; then nothing may be allocated any more. */
static size_t allocated_when_warm(void)
{
	for (int i = 0; i < 2 * SUBJECTS; i++)
		work(&subjects[i % SUBJECTS]);
	size_t before = failmalloc_count();
	for (int i = 0; i < 10 * SUBJECTS; i++)
		work(&subjects[i % SUBJECTS]);
	return failmalloc_count() - before;
}

static void compare(void)
{
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < SUBJECTS; i++)
			subjects[i].ns[round] = measure(&subjects[i]);
	for (int i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];
		qsort(s->ns, ROUNDS, sizeof(s->ns[0]), by_value);
		printf("%-20s %8zu %10.0f %8.3f\n", s->name, s->bytes, s->ns[ROUNDS / 2],
		       s->ns[ROUNDS / 2] / (double)s->bytes);
	}
}

int main(int argc, char **argv)
{
	uint64_t times = 0;

	if (argc != 1 && (argc != 3 || strcmp(argv[1], "judge") != 0 ||
			  !num_parse_u64(slice_from_cstr(argv[2]), UINT32_MAX, &times))) {
		fputs("usage: bench_policy [judge TIMES]\n", stderr);
		return 2;
	}
	quota = quota_new(&key);
	MUST(quota);
	arena_init(&arena, 1 << 16, 1 << 20);
	if (argc == 3) {
		prepare(&subjects[WHOLE]);
		for (uint64_t i = 0; i < times; i++)
			work(&subjects[WHOLE]);
		return 0;
	}
	for (int i = 0; i < SUBJECTS; i++)
		prepare(&subjects[i]);
	size_t allocated = allocated_when_warm();
	compare();
	printf("allocations when warm: %zu\n", allocated);
	for (int i = 0; i < SUBJECTS; i++)
		end(&subjects[i]);
	arena_deinit(&arena);
	quota_free(quota);
	return allocated ? 1 : 0;
}
