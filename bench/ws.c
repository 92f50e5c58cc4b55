/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does a message cost between the socket that it came from and the one that it goes
 * to? Batches of masked text frames are read (head, unmasking in place, UTF-8) and, in
 * the further columns, written again: as a server (a copy) and as a client (a copy, masked
 * with a fresh key). The keys in the batch are zero, so that unmasking in place leaves it
 * as it was. Prints the median of interleaved rounds in CPU nanoseconds per message; `copy` is a
 * memcpy of the same bytes, the floor on this machine at this moment.
 *
 *   ninja -C build bench/bench_ws && build/bench/bench_ws
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/obj.h"
#include "ws/message.h"
#include "ws/write.h"

enum { ROUNDS = 21 };

static const double ROUND_NS = 4e6;

struct load {
	const char *name;
	size_t payload, frames;
	size_t piece; /* bytes per read; 0: the whole batch */
	char *bytes, *copy;
	size_t len;
};

static struct load loads[] = {
	{.name = "20 B, 100 a read", .payload = 20, .frames = 100},
	{.name = "128 B, 100 a read", .payload = 128, .frames = 100},
	{.name = "20 B, one a read", .payload = 20, .frames = 1},
	{.name = "128 B, one a read", .payload = 128, .frames = 1},
	{.name = "1 KiB, one a read", .payload = 1024, .frames = 1},
	{.name = "16 KiB, one a read", .payload = 16384, .frames = 1},
	{.name = "1 MiB in one read", .payload = 1 << 20, .frames = 1},
	{.name = "1 MiB in reads of 64 KiB", .payload = 1 << 20, .frames = 1, .piece = 65536},
	{.name = "128 B in reads of 1000 B", .payload = 128, .frames = 1000, .piece = 1000},
};

static struct budget memory;
static struct ws_reader reader;
static struct ws_masker masker;
static struct buf out;
static volatile size_t sink;

static int cheap_random(void *arg, void *into, size_t bytes)
{
	static uint64_t x = 88172645463325252u;

	(void)arg;
	for (size_t i = 0; i + 8 <= bytes; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy((char *)into + i, &x, 8);
	}
	return 0;
}

static void make_batch(struct load *l)
{
	struct ws_header h = {
		.fin = true, .opcode = WS_OPCODE_TEXT, .masked = true, .payload_bytes = l->payload};

	l->bytes = malloc(l->frames * (l->payload + WS_HEADER_MAX));
	l->copy = malloc(l->frames * (l->payload + WS_HEADER_MAX));
	MUST(l->bytes && l->copy);
	for (size_t i = 0; i < l->frames; i++) {
		l->len += ws_header_encode(&h, l->bytes + l->len);
		for (size_t n = 0; n < l->payload; n++)
			l->bytes[l->len++] = (char)('a' + n % 26);
	}
}

/* Reads the batch once; every message goes to `w`, unless that is NULL. */
static void pass(const struct load *l, const struct ws_writer *w)
{
	size_t piece = l->piece ? l->piece : l->len;
	struct ws_event event;

	for (size_t at = 0; at < l->len; at += piece) {
		size_t end = at + piece < l->len ? at + piece : l->len;
		struct ws_input in = {l->bytes + at, l->bytes + end};
		while (ws_reader_next(&reader, &in, &event) == WS_MESSAGE) {
			sink += event.payload.len;
			if (w)
				MUST(ws_write_message(w, &out, event.opcode, event.payload) == 0);
		}
		MUST(event.kind == WS_NEED_MORE);
		buf_clear(&out);
	}
}

static void only_read(const struct load *l)
{
	pass(l, NULL);
}

static void to_server_side(const struct load *l)
{
	static const struct ws_writer w = {0};

	pass(l, &w);
}

static void to_client_side(const struct load *l)
{
	static const struct ws_writer w = {.masker = &masker};

	pass(l, &w);
}

static void only_copy(const struct load *l)
{
	memcpy(l->copy, l->bytes, l->len);
	sink += (unsigned char)l->copy[l->len - 1];
}

static const struct work {
	const char *name;
	void (*run)(const struct load *);
} works[] = {
	{"copy", only_copy},
	{"read", only_read},
	{"read, write", to_server_side},
	{"read, write masked", to_client_side},
};

enum { WORKS = sizeof(works) / sizeof(works[0]) };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double measure(const struct work *w, const struct load *l)
{
	double start = now_ns(), end;
	size_t passes = 0;

	do {
		for (size_t i = 0; i < 1 + 100000 / l->len; i++, passes++)
			w->run(l);
		end = now_ns();
	} while (end - start < ROUND_NS);
	return (end - start) / (double)(passes * l->frames);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	const struct ws_reader_config config = {
		.side = WS_SERVER, .text_ok = true, .max_fragments = 1, .max_message = 1 << 20};
	static double rounds[WORKS][ROUNDS];

	budget_init(&memory, UINT64_MAX, NULL);
	ws_reader_init(&reader, &config, &memory, NULL);
	ws_masker_init(&masker, cheap_random, NULL);
	buf_init(&out, 1 << 22);
	printf("%-26s", "ns per message");
	for (size_t w = 0; w < WORKS; w++)
		printf("%20s", works[w].name);
	printf("\n");
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct load *l = &loads[i];
		make_batch(l);
		for (size_t round = 0; round < ROUNDS; round++)
			for (size_t w = 0; w < WORKS; w++)
				rounds[w][round] = measure(&works[w], l);
		printf("%-26s", l->name);
		for (size_t w = 0; w < WORKS; w++) {
			qsort(rounds[w], ROUNDS, sizeof(double), by_size);
			printf("%20.1f", rounds[w][ROUNDS / 2]);
		}
		printf("\n");
		free(l->bytes);
		free(l->copy);
	}
	ws_reader_deinit(&reader);
	budget_deinit(&memory);
	buf_deinit(&out);
	return 0;
}
