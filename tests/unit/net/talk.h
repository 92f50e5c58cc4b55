/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Two streams on one socket pair that talk at random: writes of any size, reads given back
 * in part or not taken at all for a while, a small socket buffer. Each byte says where it
 * belongs, so whatever is lost, doubled or out of order shows at once. In clear and over
 * TLS alike.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/obj.h"
#include "net/reactor.h"
#include "net/sock.h"
#include "net/stream.h"
#include "unit.h"

struct talker {
	struct stream s;
	struct budget budget;
	uint64_t sent, to_send, received;
	uint8_t salt, peer_salt;
	size_t biggest;      /* of one write */
	unsigned stubborn;   /* out of 16: how often it does not read when it could */
	unsigned given_back; /* out of 16: how often it gives back a part */
	int ended, greeted;  /* outcomes; greeted: of the handshake */
	unsigned gone, fulls, calls;
	bool hushed; /* shutdown was said */
};

struct talk {
	struct reactor reactor;
	struct stream_scratch scratch;
	struct talker ends[2];
};

static inline uint8_t talk_byte(uint64_t at, uint8_t salt)
{
	return (uint8_t)((at * UINT64_C(0x9e3779b97f4a7c15)) >> 56) ^ salt;
}

static inline bool talk_chance(unsigned of_16)
{
	return (unsigned)(random() % 16) < of_16;
}

static inline void talk_listen(struct talker *t)
{
	struct stream_bytes got;

	if (t->ended || talk_chance(t->stubborn))
		return;
	int r = stream_read(&t->s, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r) {
		t->ended = r;
		return;
	}
	MUST(got.len > 0);
	size_t taken = talk_chance(t->given_back) ? (size_t)random() % got.len : got.len;
	for (size_t i = 0; i < taken; i++) {
		if ((uint8_t)got.data[i] != talk_byte(t->received + i, t->peer_salt))
			fail_msg("byte %llu is not what was sent",
				 (unsigned long long)(t->received + i));
		got.data[i] = 0; /* it is ours to change */
	}
	t->received += taken;
	if (taken < got.len) {
		assert_int_equal(stream_unread(&t->s, slice_of(got.data + taken, got.len - taken)),
				 0);
		stream_resume(&t->s);
	}
}

static inline void talk_speak(struct talker *t)
{
	static char text[400000];
	int r = 0;

	while (r == 0 && t->sent < t->to_send && !talk_chance(3)) {
		size_t len = 1 + (size_t)random() % t->biggest;
		char *room = text;

		if (len > t->to_send - t->sent)
			len = (size_t)(t->to_send - t->sent);
		bool in_place = len <= 30000 && talk_chance(4);
		if (in_place)
			r = stream_reserve(&t->s, len, &room);
		for (size_t i = 0; i < len && r == 0; i++)
			room[i] = (char)talk_byte(t->sent + i, t->salt);
		if (in_place && r == 0)
			stream_commit(&t->s, len);
		else if (r == 0)
			r = stream_writev(
				&t->s,
				(struct slice[]){{text, len / 3}, {text + len / 3, len - len / 3}},
				2);
		if (r == 0)
			t->sent += len;
		assert_true(stream_pending_bytes(&t->s) <= t->s.max_pending * 2 + 70000);
	}
	if (r == STREAM_FULL)
		t->fulls++;
	else
		assert_int_equal(r, 0);
	if (t->sent == t->to_send && !t->hushed) {
		t->hushed = true;
		r = stream_shutdown(&t->s);
		assert_true(r == 0 || r == STREAM_AGAIN);
	}
}

static inline void talk_event(struct stream *s, unsigned why)
{
	struct talker *t = STREAM_OWNER(s, struct talker, s);

	t->calls++;
	t->gone += !!(why & STREAM_GONE);
	if (t->greeted) {
		t->greeted = stream_handshake(s);
		if (t->greeted && t->greeted != STREAM_AGAIN)
			t->ended = t->greeted;
	}
	if (!t->greeted)
		talk_listen(t);
}

/* Two more of the same worker. */
static inline void talk_pair(struct talk *t, struct talker ends[2], size_t max_pending, int buffer)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	for (int i = 0; i < 2; i++) {
		struct talker *e = &ends[i];

		*e = (struct talker){0};
		if (buffer)
			setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
		budget_init(&e->budget, UINT64_MAX, NULL);
		e->greeted = STREAM_AGAIN;
		e->salt = (uint8_t)(17 * i + 1);
		e->peer_salt = (uint8_t)(17 * !i + 1);
		assert_int_equal(stream_init(&e->s, &t->scratch, pair[i], talk_event, max_pending,
					     &e->budget),
				 0);
	}
}

static inline void talk_begin(struct talk *t, size_t max_pending, int buffer)
{
	memset(t, 0, sizeof(*t));
	assert_int_equal(reactor_init(&t->reactor), 0);
	assert_int_equal(stream_scratch_init(&t->scratch, &t->reactor, STREAM_READ_BYTES), 0);
	talk_pair(t, t->ends, max_pending, buffer);
}

static inline void talk_turn(struct talk *t)
{
	assert_int_equal(reactor_run_once(&t->reactor, 0), 0);
}

/* Until both have said and heard everything, and the ends. */
static inline void talk_out(struct talk *t)
{
	for (unsigned turns = 0; !t->ends[0].ended || !t->ends[1].ended; turns++) {
		if (turns > 300000)
			fail_msg("they got stuck: %llu of %llu, %llu of %llu",
				 (unsigned long long)t->ends[0].received,
				 (unsigned long long)t->ends[1].to_send,
				 (unsigned long long)t->ends[1].received,
				 (unsigned long long)t->ends[0].to_send);
		for (int i = 0; i < 2; i++) {
			struct talker *e = &t->ends[i];

			if (!e->greeted && !e->hushed)
				talk_speak(e);
			/* Who has not listened although it could has to be woken. */
			if (!e->ended && e->stubborn && talk_chance(8))
				stream_resume(&e->s);
		}
		talk_turn(t);
	}
}

static inline void talk_end(struct talk *t)
{
	for (int i = 0; i < 2; i++) {
		stream_deinit(&t->ends[i].s);
		stream_deinit(&t->ends[i].s);
		budget_deinit(&t->ends[i].budget);
	}
	stream_scratch_deinit(&t->scratch);
	stream_scratch_deinit(&t->scratch);
	reactor_deinit(&t->reactor);
}

/* A conversation: what differs between rows. */
struct talk_row {
	const char *says;
	uint64_t bytes[2];
	size_t biggest[2], max_pending;
	int buffer;
	unsigned stubborn[2], given_back[2];
};

/* clang-format off */
static const struct talk_row talk_rows[] = {
	{"small and easy", {20000, 20000}, {100, 100}, 65536, 0, {0, 0}, {0, 0}},
	{"one byte at a time", {3000, 3000}, {1, 1}, 65536, 0, {0, 0}, {0, 0}},
	{"a small socket buffer", {3000000, 3000000}, {3000, 3000}, 65536, 2048, {0, 0}, {0, 0}},
	{"writes larger than the cork", {9000000, 9000000}, {390000, 390000}, 500000, 0, {0, 0}, {0, 0}},
	{"large writes into a small socket", {4000000, 4000000}, {200000, 200000}, 250000, 4096, {0, 0}, {0, 0}},
	{"a slow reader", {5000000, 100000}, {20000, 2000}, 100000, 8192, {2, 14}, {0, 0}},
	{"both slow", {2000000, 2000000}, {50000, 50000}, 60000, 0, {13, 13}, {0, 0}},
	{"parts given back", {3000000, 3000000}, {20000, 20000}, 100000, 0, {0, 0}, {8, 15}},
	{"everything at once", {5000000, 5000000}, {70000, 300}, 80000, 4608, {6, 6}, {6, 6}},
	{"a maximum smaller than a record", {400000, 400000}, {900, 900}, 1000, 2048, {4, 4}, {4, 4}},
	{"one side has nothing to say", {0, 2000000}, {1, 60000}, 65536, 0, {0, 0}, {0, 0}},
	{"nobody has", {0, 0}, {1, 1}, 65536, 0, {0, 0}, {0, 0}},
};
/* clang-format on */

static inline void talk_row(struct talk *t, const struct talk_row *row,
			    void (*greet)(struct talk *t))
{
	talk_begin(t, row->max_pending, row->buffer);
	for (int i = 0; i < 2; i++) {
		struct talker *e = &t->ends[i];

		e->to_send = row->bytes[i];
		e->biggest = row->biggest[i];
		e->stubborn = row->stubborn[i];
		e->given_back = row->given_back[i];
	}
	if (greet)
		greet(t);
	talk_out(t);
	for (int i = 0; i < 2; i++) {
		ROW_CHECK(row, t->ends[i].ended == STREAM_CLOSED);
		ROW_CHECK(row, t->ends[i].received == t->ends[!i].to_send);
		ROW_CHECK(row, t->ends[i].budget.used == 0);
		ROW_CHECK(row, stream_pending_bytes(&t->ends[i].s) == 0);
	}
	talk_end(t);
}
