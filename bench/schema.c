/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does a schema add to reading a message? Prints nanoseconds per message: reading alone,
 * validating alone, in interleaved rounds, the median of each; and the same for schemas with
 * more properties declared than any message has, which should make no difference.
 *
 *   ninja -C build bench/bench_schema && build/bench/bench_schema
 */
#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "contract/schema.h"
#include "json/read.h"

enum { ROUNDS = 15, TIMES = 2000, DECLARED = 1000 };

static const struct json_limits limits = {
	.depth = 32, .members = 2000, .values = 10000, .utf8_checked = true};

static const char chat[] =
	"{\"type\":\"message\",\"id\":1562869260905,\"user\":\"user1\",\"room\":\"lobby\","
	"\"text\":\"Hello everybody, this is what people write in a chat on an ordinary evening of "
	"the week\",\"at\":\"2024-05-01T12:34:56Z\"}";

#define CHAT_PROPERTIES                                                                            \
	"\"type\":{\"const\":\"message\"},\"id\":{\"type\":\"integer\",\"minimum\":0},"            \
	"\"room\":{\"enum\":[\"lobby\",\"games\",\"help\",\"music\"]},"                            \
	"\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":500},"                        \
	"\"at\":{\"type\":\"string\",\"format\":\"date-time\"},"

#define CHAT_END                                                                                   \
	"},\"required\":[\"type\",\"id\",\"user\",\"room\",\"text\"],\"additionalProperties\":"    \
	"false}"

static const char plain_schema[] =
	"{\"type\":\"object\",\"properties\":{" CHAT_PROPERTIES
	"\"user\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":32}" CHAT_END;

static const char pattern_schema[] =
	"{\"type\":\"object\",\"properties\":{" CHAT_PROPERTIES
	"\"user\":{\"type\":\"string\",\"pattern\":\"^[a-z][a-z0-9_]{0,31}$\"}" CHAT_END;

static struct arena arena;
static volatile uint64_t sink;

struct case_ {
	const char *name;
	const struct schema *schema;
	double read[ROUNDS], check[ROUNDS];
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static const struct schema *compile(const char *text)
{
	const struct schema_options options = {.formats = true};
	struct schema_error error;
	const struct schema *s;
	struct json_doc doc;

	if (json_read(slice_from_cstr(text), &limits, &arena, &doc) ||
	    schema_compile(doc.root, SLICE(""), &options, &arena, &s, &error)) {
		fprintf(stderr, "refused: %s\n", text);
		exit(1);
	}
	return s;
}

/* The same with a thousand properties more. */
static const struct schema *compile_wide(void)
{
	static char text[DECLARED * 64];
	size_t len = (size_t)snprintf(text, sizeof(text), "{\"type\":\"object\",\"properties\":{%s",
				      CHAT_PROPERTIES);

	for (int i = 0; i < DECLARED; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"\"member_%d\":{\"type\":\"string\"},", i);
	snprintf(text + len, sizeof(text) - len, "\"user\":{\"type\":\"string\"}%s", CHAT_END);
	return compile(text);
}

static void measure(struct case_ *c, int round, struct schema_room *room)
{
	struct arena a;
	struct json_doc doc;

	arena_init(&a, 1 << 16, 1 << 20);
	double began = now_ns();
	for (int i = 0; i < TIMES; i++) {
		arena_reset(&a);
		if (json_read(slice_of(chat, sizeof(chat) - 1), &limits, &a, &doc))
			exit(1);
		sink += doc.nodes;
	}
	double read = now_ns();
	for (int i = 0; i < TIMES; i++) {
		if (!schema_validate(c->schema, doc.root, room, NULL))
			exit(1);
		sink += 1;
	}
	c->read[round] = (read - began) / TIMES;
	c->check[round] = (now_ns() - read) / TIMES;
	arena_deinit(&a);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(void)
{
	arena_init(&arena, 1 << 20, SIZE_MAX);
	struct schema_room *room = schema_room_new(NULL);
	struct case_ cases[] = {
		{.name = "6 members", .schema = compile(plain_schema)},
		{.name = "with a pattern", .schema = compile(pattern_schema)},
		{.name = "1000 declared", .schema = compile_wide()},
	};
	enum { CASES = sizeof(cases) / sizeof(cases[0]) };

	if (!room)
		return 1;
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < CASES; i++)
			measure(&cases[i], round, room);
	printf("%-16s %10s %10s   (ns, %zu bytes)\n", "schema", "read", "validate",
	       sizeof(chat) - 1);
	for (int i = 0; i < CASES; i++) {
		qsort(cases[i].read, ROUNDS, sizeof(double), by_value);
		qsort(cases[i].check, ROUNDS, sizeof(double), by_value);
		printf("%-16s %10.0f %10.0f\n", cases[i].name, cases[i].read[ROUNDS / 2],
		       cases[i].check[ROUNDS / 2]);
	}
	schema_room_free(room);
	arena_deinit(&arena);
	return 0;
}
