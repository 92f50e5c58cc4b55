/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long does it take to read one message? Prints nanoseconds per message for the strict
 * reader, for reading and writing back, and for whatever peers were found when building,
 * in interleaved rounds, the median of each. Ratios count; absolute figures depend on the
 * machine's mood.
 *
 *   ninja -C build bench/bench_json && build/bench/bench_json
 */
#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "bench_peers.h"
#include "json/read.h"
#include "json/write.h"

enum { ROUNDS = 15, TEXT_MAX = 4096 };

static const double ROUND_NS = 10e6;

struct message {
	const char *name;
	char text[TEXT_MAX];
	size_t len;
};

static struct arena arena;
static struct buf out;
static volatile size_t sink;

typedef void (*work_fn)(const struct message *m);

static void read_with(const struct message *m, bool utf8_checked)
{
	const struct json_limits limits = {
		.depth = 32, .members = 1024, .values = 10000, .utf8_checked = utf8_checked};
	struct json_doc doc;

	arena_reset(&arena);
	if (json_read(slice_of(m->text, m->len), &limits, &arena, &doc)) {
		fprintf(stderr, "%s: refused at %zu\n", m->name, doc.at);
		exit(1);
	}
	sink += doc.nodes;
}

static void work_read(const struct message *m)
{
	read_with(m, false);
}

static void work_read_checked(const struct message *m)
{
	read_with(m, true);
}

static void work_read_write(const struct message *m)
{
	const struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;

	arena_reset(&arena);
	buf_clear(&out);
	if (json_read(slice_of(m->text, m->len), &limits, &arena, &doc) ||
	    json_write(doc.root, NULL, &out))
		exit(1);
	sink += out.len;
}

#ifdef HAVE_JANSSON
static void work_jansson(const struct message *m)
{
	sink += peer_jansson(m->text, m->len);
}
#endif

#ifdef HAVE_SIMDJSON
static void work_simdjson(const struct message *m)
{
	sink += peer_simdjson(m->text, m->len);
}
#endif

#ifdef HAVE_RAPIDJSON
static void work_rapidjson(const struct message *m)
{
	sink += peer_rapidjson(m->text, m->len);
}
#endif

static const struct {
	const char *name;
	work_fn work;
} workers[] = {
	{"read", work_read},
	{"read, UTF-8 known", work_read_checked},
	{"read and write", work_read_write},
#ifdef HAVE_SIMDJSON
	{"simdjson DOM", work_simdjson},
#endif
#ifdef HAVE_RAPIDJSON
	{"rapidjson", work_rapidjson},
#endif
#ifdef HAVE_JANSSON
	{"jansson", work_jansson},
#endif
};

enum { WORKERS = sizeof(workers) / sizeof(workers[0]) };

/* ---- messages */

static void add(struct message *m, const char *text)
{
	size_t len = strlen(text);

	if (len > sizeof(m->text) - m->len)
		exit(2);
	memcpy(m->text + m->len, text, len);
	m->len += len;
}

static void make_chat(struct message *m)
{
	m->name = "chat";
	add(m, "{\"type\":\"message\",\"id\":1562869260905,\"user\":\"user1\",\"room\":\"lobby\","
	       "\"text\":\"Hello everybody, this is what people write in a chat on an ordinary "
	       "evening of the week\",\"at\":\"2024-05-01T12:34:56Z\"}");
}

static void make_numbers(struct message *m)
{
	char item[64];
	unsigned seed = 1;

	m->name = "numbers";
	add(m, "[");
	for (int i = 0; m->len < 985; i++) {
		seed = seed * 1103515245 + 12345;
		snprintf(item, sizeof(item), i % 3 ? "%s%.3f" : "%s%.0f", i ? "," : "",
			 ((double)seed / 4294967296.0 - 0.5) * 2000.0);
		add(m, item);
	}
	add(m, "]");
}

/* What JavaScript sends: as many digits as a double needs. */
static void make_long_numbers(struct message *m)
{
	char item[64];
	unsigned seed = 1;

	m->name = "long numbers";
	add(m, "[");
	for (int i = 0; m->len < 980; i++) {
		seed = seed * 1103515245 + 12345;
		snprintf(item, sizeof(item), "%s%.17g", i ? "," : "", (double)seed / 4294967291.0);
		add(m, item);
	}
	add(m, "]");
}

static void make_mixed(struct message *m)
{
	char item[512];

	m->name = "mixed";
	add(m, "{\"type\":\"update\",\"items\":[");
	for (int i = 0; i < 9; i++) {
		snprintf(item, sizeof(item),
			 "%s{\"id\":%d,\"name\":\"item number %d\",\"price\":%d.%02d,\"tags\":"
			 "[\"red\",\"new\",\"s\\u00e4le\"],\"stock\":{\"here\":%d,\"there\":null},"
			 "\"active\":%s,\"note\":\"a line\\nand \\\"another\\\" with f\xc3\xbcr "
			 "and \xe4\xb8\xad\xe6\x96\x87\"}",
			 i ? "," : "", 100000 + i, i, i * 7, i * 11, i * 3,
			 i % 2 ? "true" : "false");
		add(m, item);
	}
	add(m, "],\"page\":1,\"more\":false}");
}

static void make_pretty(struct message *m)
{
	char item[256];

	m->name = "pretty";
	add(m, "{\n    \"type\": \"update\",\n    \"items\": [\n");
	for (int i = 0; i < 12; i++) {
		snprintf(item, sizeof(item),
			 "%s        {\n            \"id\": %d,\n            \"name\": \"item %d\"\n"
			 "        }",
			 i ? ",\n" : "", i, i);
		add(m, item);
	}
	add(m, "\n    ]\n}\n");
}

static void make_foreign(struct message *m)
{
	m->name = "foreign";
	add(m, "{\"type\":\"message\",\"text\":\"");
	for (int i = 0; i < 12; i++)
		add(m, "\xe4\xbb\x8a\xe6\x97\xa5\xe3\x81\xaf\xe5\xa4\xa9\xe6\xb0\x97"
		       "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xf0\x9f\x98\x80");
	add(m, "\"}");
}

/* ---- measuring */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double measure(work_fn work, const struct message *m)
{
	long times = 0;
	double began = now_ns(), spent;

	do {
		for (int i = 0; i < 100; i++)
			work(m);
		times += 100;
		spent = now_ns() - began;
	} while (spent < ROUND_NS);
	return spent / (double)times;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void compare(const struct message *m)
{
	double ns[WORKERS][ROUNDS];

	for (int round = 0; round < ROUNDS; round++)
		for (int w = 0; w < WORKERS; w++)
			ns[w][round] = measure(workers[w].work, m);
	printf("%-13s %5zu B", m->name, m->len);
	for (int w = 0; w < WORKERS; w++) {
		qsort(ns[w], ROUNDS, sizeof(ns[w][0]), by_value);
		printf("  %17.0f", ns[w][ROUNDS / 2]);
	}
	printf("\n");
}

int main(void)
{
	static struct message messages[6];

	make_chat(&messages[0]);
	make_numbers(&messages[1]);
	make_mixed(&messages[2]);
	make_long_numbers(&messages[3]);
	make_pretty(&messages[4]);
	make_foreign(&messages[5]);
	arena_init(&arena, (size_t)64 << 10, (size_t)1 << 20);
	buf_init(&out, (size_t)1 << 20);
	printf("%-21s", "ns per message");
	for (int w = 0; w < WORKERS; w++)
		printf("  %17s", workers[w].name);
	printf("\n");
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		compare(&messages[i]);
	buf_deinit(&out);
	arena_deinit(&arena);
	return 0;
}
