/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our reader against wslay's, on conversations made by chance: mostly legal, some with a
 * byte changed. Both must tell the same story, up to the same end with the same close code.
 * Built only where Debian's libwslay-dev is installed.
 *
 * wslay answers what it refuses with a close frame, from which its verdict is read. It
 * knows no limit on fragments and no close codes 1012 to 1014.
 */
#include <wslay/wslay.h>

#include "feed.h"

#include "ws/close.h"

enum { ROUNDS = 40000, MAX_MESSAGE = 400 };

static uint32_t seed = 12345;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)seed * n) >> 32);
}

/* --- the other side of the comparison */

struct other {
	struct slice input;
	struct buf log;
	char sent[4096];
	size_t sent_bytes;
};

static ssize_t give_input(wslay_event_context_ptr ctx, uint8_t *into, size_t len, int flags,
			  void *arg)
{
	struct other *o = arg;

	(void)flags;
	if (o->input.len == 0) {
		wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (len > o->input.len)
		len = o->input.len;
	memcpy(into, o->input.data, len);
	o->input = slice_from(o->input, len);
	return (ssize_t)len;
}

static ssize_t take_output(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags,
			   void *arg)
{
	struct other *o = arg;

	(void)ctx;
	(void)flags;
	MUST(len <= sizeof(o->sent) - o->sent_bytes);
	memcpy(o->sent + o->sent_bytes, data, len);
	o->sent_bytes += len;
	return (ssize_t)len;
}

static int zero_mask(wslay_event_context_ptr ctx, uint8_t *into, size_t len, void *arg)
{
	(void)ctx;
	(void)arg;
	memset(into, 0, len);
	return 0;
}

static void note_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *got,
			 void *arg)
{
	struct other *o = arg;
	struct ws_event e = {.kind = WS_MESSAGE, .opcode = (enum ws_opcode)got->opcode};

	(void)ctx;
	e.payload = slice_of((const char *)got->msg, got->msg_length);
	if (got->opcode == WSLAY_PING)
		e.kind = WS_PING;
	if (got->opcode == WSLAY_PONG)
		e.kind = WS_PONG;
	if (got->opcode == WSLAY_CONNECTION_CLOSE) {
		e.kind = WS_CLOSE;
		e.code = got->status_code ? got->status_code : WS_CLOSE_NO_STATUS;
		e.payload = slice_from(e.payload, 2);
	}
	feed_note(&o->log, &e);
}

/* The code in the close frame that it wants to send: the last frame of its output. */
static unsigned code_sent(wslay_event_context_ptr ctx, struct other *o)
{
	unsigned code = 0;

	while (wslay_event_want_write(ctx)) {
		o->sent_bytes = 0;
		if (wslay_event_send(ctx))
			break;
	}
	/* Pongs may stand before it; each is at most 131 bytes. */
	for (size_t at = 0; at + 2 <= o->sent_bytes;) {
		uint8_t b0 = (uint8_t)o->sent[at], b1 = (uint8_t)o->sent[at + 1];
		size_t head = b1 & 0x80 ? 6 : 2;
		if (b0 == 0x88 && (b1 & 0x7f) >= 2)
			code = (unsigned)(uint8_t)o->sent[at + head] << 8 |
			       (uint8_t)o->sent[at + head + 1];
		at += head + (b1 & 0x7f);
	}
	return code;
}

static void run_wslay(enum ws_side side, struct slice bytes, struct buf *log)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = give_input,
		.send_callback = take_output,
		.genmask_callback = zero_mask,
		.on_msg_recv_callback = note_message,
	};
	struct other o = {.input = bytes};
	wslay_event_context_ptr ctx;

	buf_init(&o.log, 1 << 20);
	assert_int_equal(side == WS_SERVER ? wslay_event_context_server_init(&ctx, &callbacks, &o)
					   : wslay_event_context_client_init(&ctx, &callbacks, &o),
			 0);
	wslay_event_config_set_max_recv_msg_length(ctx, MAX_MESSAGE);
	wslay_event_recv(ctx);
	if (!wslay_event_get_read_enabled(ctx) && !wslay_event_get_close_received(ctx))
		feed_must(buf_printf(&o.log, "%srefused %u", buf_waiting(&o.log) ? "; " : "",
				     code_sent(ctx, &o)));
	wslay_event_context_free(ctx);
	*log = o.log;
}

/* --- ours, with close codes for reasons */

/* Gives the reason, if it refused. */
static enum reason run_ours(enum ws_side side, struct slice bytes, struct buf *log)
{
	const struct ws_reader_config config = {
		.side = side,
		.text_ok = true,
		.binary_ok = true,
		.max_fragments = UINT32_MAX,
		.max_message = MAX_MESSAGE,
	};
	static const char refused[] = "refused ";
	size_t step = random_below(3) ? random_below(40) : 0;
	struct slice story = feed_all(&config, NULL, bytes, 0, step);

	buf_init(log, 1 << 20);
	for (size_t at = 0; at < story.len; at++) {
		struct slice rest = slice_from(story, at);
		struct slice word = slice_from(rest, sizeof(refused) - 1);
		enum reason why = REASON_NONE;
		if (slice_starts_with(rest, SLICE(refused)))
			why = reason_from_word(word);
		if (why) {
			feed_must(buf_printf(log, "refused %u", reason_close_code(why)));
			return why;
		}
		feed_must(buf_append(log, slice_first(rest, 1)));
	}
	return REASON_NONE;
}

/* --- conversations */

static size_t make_payload(char *into, size_t max)
{
	static const char *const pieces[] = {
		"a", "hello", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
	};
	static const char *const rare[] = {
		"\xe2", "\xff", "\xed\xa0\x80", "\xc0\x80", "\x80", "\xf4\x90\x80\x80", "\xe2\x82"};
	size_t wanted = random_below(4) ? random_below(20) : random_below((uint32_t)max), used = 0;

	while (used < wanted) {
		const char *piece = random_below(60) ? pieces[random_below(COUNT(pieces))]
						     : rare[random_below(COUNT(rare))];
		size_t len = strlen(piece);
		if (len > max - used)
			break;
		memcpy(into + used, piece, len);
		used += len;
	}
	return used;
}

static void add_frame(struct buf *bytes, enum ws_side side, bool *inside)
{
	static const uint8_t controls[] = {0x88, 0x89, 0x8a, 0x89, 0x8a};
	static const unsigned codes[] = {1000, 1001, 1003, 1004, 1007, 1011, 2999, 3000, 4999, 999};
	char payload[500];
	struct frame f = {0, payload, 0};

	if (random_below(4) == 0) {
		f.b0 = controls[random_below(COUNT(controls))];
		f.len = make_payload(payload, 125);
		if (f.b0 == 0x88 && f.len >= 2) {
			unsigned code = codes[random_below(COUNT(codes))];
			payload[0] = (char)(code >> 8);
			payload[1] = (char)(code & 0xff);
		}
	} else {
		bool fin = random_below(2);
		f.b0 = (uint8_t)((fin ? 0x80 : 0) | (*inside ? 0 : 1 + random_below(2)));
		*inside = !fin;
		f.len = make_payload(payload, sizeof(payload));
	}
	if (random_below(60) == 0)
		f.b0 = (uint8_t)random_below(256);
	/* RSV1 is left to RFC 7692, close codes inside changed frames to the table of ours */
	feed_frame(bytes, side, f);
}

/* What wslay is known to do in another way, and is not asked about. */
static bool is_habit(enum reason why, struct slice ours, struct slice theirs)
{
	static const char *const newer[] = {"close 1012", "close 1013", "close 1014"};

	for (size_t i = 0; i < COUNT(newer); i++)
		if (ours.len && memmem(ours.data, ours.len, newer[i], strlen(newer[i])))
			return true;
	if (why != REASON_WS_CLOSE_CODE)
		return false;
	/* Of a close frame that is wrong in both, it sees the text first; and it takes half a
	 * close code for none. */
	return slice_ends_with(theirs, SLICE("refused 1007")) ||
	       slice_ends_with(theirs, SLICE("close 1005"));
}

static unsigned refused, silences, long_stories;

/* Do both tell the same of these bytes? */
static bool agree(enum ws_side side, struct slice bytes, struct buf *ours, struct buf *theirs)
{
	enum reason why = run_ours(side, bytes, ours);

	run_wslay(side, bytes, theirs);
	/* It refuses some without a close frame. */
	if (why && slice_ends_with(buf_slice(theirs), SLICE("refused 0"))) {
		silences++;
		buf_truncate(ours, buf_waiting(ours) - 4);
		feed_must(buf_append(ours, SLICE("0")));
	}
	refused += why != REASON_NONE;
	long_stories += buf_waiting(ours) > 60;
	return slice_eq(buf_slice(ours), buf_slice(theirs)) ||
	       is_habit(why, buf_slice(ours), buf_slice(theirs));
}

static void run_round(unsigned round)
{
	static const char zeros[WS_CONTROL_MAX];
	enum ws_side side = random_below(2) ? WS_SERVER : WS_CLIENT;
	struct buf bytes, ours, theirs;
	bool inside = false;

	buf_init(&bytes, 1 << 16);
	for (uint32_t n = 1 + random_below(9); n; n--)
		add_frame(&bytes, side, &inside);
	if (random_below(4) == 0)
		bytes.data[random_below((uint32_t)bytes.len)] = (char)random_below(256);
	if (random_below(8) == 0)
		buf_truncate(&bytes, random_below((uint32_t)bytes.len));
	bool same = agree(side, buf_slice(&bytes), &ours, &theirs);
	if (!same) {
		/* One of the two may need some bytes more before it knows: wslay judges a
		 * message's length later than we do, a close frame's text earlier. */
		buf_deinit(&ours);
		buf_deinit(&theirs);
		feed_must(buf_append(&bytes, slice_of(zeros, sizeof(zeros))));
		same = agree(side, buf_slice(&bytes), &ours, &theirs);
	}
	if (!same) {
		for (size_t i = 0; i < bytes.len; i++)
			fprintf(stderr, " %02x", (uint8_t)bytes.data[i]);
		fail_msg("round %u, side %d: ours \"%.*s\", wslay \"%.*s\"", round, (int)side,
			 SLICE_ARG(buf_slice(&ours)), SLICE_ARG(buf_slice(&theirs)));
	}
	buf_deinit(&bytes);
	buf_deinit(&ours);
	buf_deinit(&theirs);
}

static void both_tell_the_same(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++)
		run_round(round);
	assert_true(refused > ROUNDS / 10);
	assert_true(long_stories > ROUNDS / 10);
	assert_true(silences < refused / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_tell_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
