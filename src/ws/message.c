/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames become messages; see message.h for the picture.
 *
 *             head complete              payload complete
 *   AT_HEAD ---------------> AT_DATA ------------------------> AT_HEAD
 *           \--------------> AT_CONTROL ---------------------> AT_HEAD, CLOSED
 *   any ---- a broken rule, a limit, no memory --------------> FAILED
 *
 * Each step does one of these arrows, or uses up the input and waits. A message has two
 * places at most: where it arrived, or the assembly buffer; a control frame in the middle
 * of it is put behind it there.
 */
#include "ws/message.h"

#include "ws/close.h"
#include "ws/hold.h"
#include "ws/mask.h"

enum { AT_HEAD = WS_READER_AT_HEAD, AT_DATA, AT_CONTROL, CLOSED, FAILED };

/* Frames of which less is left are not worth a read of their own. */
enum { ROOM_MIN = 16384 };

/* What a step may return besides an event. */
enum { GO_ON = -1 };

void ws_reader_init(struct ws_reader *r, const struct ws_reader_config *config,
		    struct budget *memory, struct ws_inflater *inflater)
{
	*r = (struct ws_reader){.config = config, .memory = memory, .inflater = inflater};
}

/* Takes back what the last event lent. */
static void settle(struct ws_reader *r)
{
	r->lent = false;
	if (r->inflater)
		ws_inflater_release(r->inflater);
	r->control_bytes = 0;
	if (!r->in_message)
		r->message_bytes = 0;
	if (r->message_bytes)
		buf_truncate(&r->assembly, r->message_bytes);
	else
		hold_release(&r->assembly, &r->charge);
}

void ws_reader_deinit(struct ws_reader *r)
{
	if (r->lent)
		settle(r);
	hold_release(&r->assembly, &r->charge);
	*r = (struct ws_reader){.state = CLOSED};
}

bool ws_reader_has_begun(const struct ws_reader *r)
{
	if (r->state == CLOSED || r->state == FAILED)
		return false;
	return r->in_message || r->head_bytes || r->state != AT_HEAD;
}

static int fail(struct ws_reader *r, enum reason why)
{
	r->state = FAILED;
	r->refused = why;
	r->in_message = false;
	settle(r);
	return WS_REFUSED;
}

static size_t input_bytes(const struct ws_input *in)
{
	return (size_t)(in->end - in->at);
}

static struct ws_rules rules_now(const struct ws_reader *r)
{
	const struct ws_reader_config *c = r->config;
	/* A new configuration may allow less than has come already. */
	uint64_t room = c->max_message > r->message_bytes ? c->max_message - r->message_bytes : 0;

	return (struct ws_rules){
		.side = c->side,
		.rsv1_ok = r->inflater != NULL,
		.text_ok = c->text_ok,
		.binary_ok = c->binary_ok,
		.in_message = r->in_message,
		.max_payload = room,
	};
}

/* The head that lies in the input, or whose first bytes came earlier. */
static int read_head(struct ws_reader *r, struct ws_input *in, struct ws_header *h)
{
	struct ws_rules rules = rules_now(r);
	struct slice bytes = slice_of(in->at, input_bytes(in));
	size_t had = r->head_bytes;
	enum reason why;

	if (had) {
		size_t more = WS_HEADER_MAX - had;
		if (more > bytes.len)
			more = bytes.len;
		if (more)
			memcpy(r->head + had, bytes.data, more);
		bytes = slice_of(r->head, had + more);
	}
	switch (ws_header_decode(bytes, &rules, h, &why)) {
	case WS_HEADER_DONE:
		in->at += h->header_bytes - had;
		r->head_bytes = 0;
		return GO_ON;
	case WS_HEADER_MORE:
		if (!had && bytes.len)
			memcpy(r->head, bytes.data, bytes.len);
		r->head_bytes = (uint8_t)bytes.len;
		in->at = in->end;
		return WS_NEED_MORE;
	case WS_HEADER_REFUSED:
	default:
		return fail(r, why);
	}
}

static int begin_frame(struct ws_reader *r, const struct ws_header *h)
{
	r->frame_opcode = h->opcode;
	r->frame_fin = h->fin;
	r->frame_left = h->payload_bytes;
	memcpy(r->key, h->key, sizeof(r->key));
	if (ws_opcode_is_control(h->opcode)) {
		r->state = AT_CONTROL;
		return GO_ON;
	}
	if (!r->in_message) {
		r->in_message = true;
		r->message_opcode = h->opcode;
		r->compressed = h->rsv1;
		r->fragments = 0;
		r->utf8 = (struct utf8_state){0};
	}
	if (r->fragments >= r->config->max_fragments)
		return fail(r, REASON_TOO_MANY_FRAGMENTS);
	r->fragments++;
	r->state = AT_DATA;
	return GO_ON;
}

/* Unmasks in place what is left of the frame, all of which is in the input. *ascii: it is
 * known to be nothing else. */
static char *take_in_place(struct ws_reader *r, struct ws_input *in, bool *ascii)
{
	char *payload = in->at;

	*ascii = r->config->side == WS_SERVER && ws_mask(payload, r->frame_left, r->key, 0);
	in->at += r->frame_left;
	return payload;
}

/* Room for so many bytes at the end of the assembly buffer; REASON_NONE, or why there is none. */
static enum reason reserve(struct ws_reader *r, size_t bytes, char **room)
{
	uint64_t limit;

	if (__builtin_add_overflow(r->config->max_message, WS_CONTROL_MAX, &limit))
		limit = UINT64_MAX;
	struct hold hold = {
		.buf = &r->assembly,
		.charge = &r->charge,
		.memory = r->memory,
		.limit = limit,
		.expected =
			r->frame_fin && r->state == AT_DATA ? r->message_bytes + r->frame_left : 0,
	};
	return hold_reserve(&hold, bytes, room);
}

/* The frame's next bytes are in the assembly buffer, unmasked. */
static void stored(struct ws_reader *r, size_t bytes)
{
	uint8_t key[WS_KEY_BYTES];

	memcpy(key, r->key, sizeof(key));
	for (size_t i = 0; i < WS_KEY_BYTES; i++)
		r->key[i] = key[(bytes + i) & 3];
	buf_commit(&r->assembly, bytes);
	r->frame_left -= bytes;
}

/* Copies what has come of the frame to the end of the assembly buffer, unmasked. */
static int store(struct ws_reader *r, struct ws_input *in, struct slice *copied)
{
	size_t bytes = input_bytes(in);
	char *room;

	if (bytes > r->frame_left)
		bytes = r->frame_left;
	*copied = slice_of(NULL, 0);
	if (bytes == 0)
		return GO_ON;
	enum reason why = reserve(r, bytes, &room);
	if (why)
		return fail(r, why);
	if (r->config->side == WS_SERVER)
		ws_mask_copy(room, in->at, bytes, r->key, 0);
	else
		memcpy(room, in->at, bytes);
	stored(r, bytes);
	in->at += bytes;
	*copied = slice_of(room, bytes);
	return GO_ON;
}

/* Text that was not checked as a whole is checked piece by piece. */
static bool is_plain_text(const struct ws_reader *r)
{
	return r->message_opcode == WS_OPCODE_TEXT && !r->compressed;
}

size_t ws_reader_frame_room(struct ws_reader *r, size_t most, char **room)
{
	size_t least = most < ROOM_MIN ? most : ROOM_MIN;
	size_t have = buf_waiting(&r->assembly);

	if (r->state != AT_DATA || r->message_bytes == 0 || r->frame_left < least)
		return 0;
	/* Rather a little more than a remnant by itself. */
	bool nearly_all = r->frame_left <= most || r->frame_left - most < most / 4;
	size_t bytes = nearly_all ? r->frame_left : most;
	size_t free_bytes = r->assembly.max - have;
	if (free_bytes < least)
		free_bytes = have; /* as much again as has come */
	if (bytes > free_bytes)
		bytes = free_bytes;
	return bytes < least || reserve(r, bytes, room) ? 0 : bytes;
}

void ws_reader_filled(struct ws_reader *r, char *room, size_t bytes)
{
	if (r->config->side == WS_SERVER)
		ws_mask(room, bytes, r->key, 0);
	stored(r, bytes);
	r->message_bytes += bytes;
	if (is_plain_text(r) && !utf8_feed(&r->utf8, slice_of(room, bytes)))
		fail(r, REASON_WS_UTF8);
}

/* The message is whole: `payload` as it travelled, `known_utf8` if it was checked already. */
static int finish_message(struct ws_reader *r, char *payload, size_t bytes, bool known_utf8,
			  struct ws_event *out)
{
	struct slice text = slice_of(payload, bytes);
	const struct ws_reader_config *c = r->config;

	r->state = AT_HEAD;
	if (r->compressed) {
		enum reason why = ws_inflate(r->inflater, text, &c->inflate, r->memory, &text);
		if (why)
			return fail(r, why);
		payload = ws_inflater_bytes(r->inflater);
		r->lent = true;
	}
	//= rfc6455#8.1 "Handling of Errors in UTF-8-Encoded Data"
	if (r->message_opcode == WS_OPCODE_TEXT && !known_utf8 && !utf8_valid(text))
		return fail(r, REASON_WS_UTF8);
	r->in_message = false;
	r->serial++;
	out->opcode = (enum ws_opcode)r->message_opcode;
	out->payload = text;
	out->writable = payload;
	return WS_MESSAGE;
}

static int read_data(struct ws_reader *r, struct ws_input *in, struct ws_event *out)
{
	struct slice copied;
	bool plain_text = is_plain_text(r);
	bool ascii;

	if (r->frame_fin && r->message_bytes == 0 && input_bytes(in) >= r->frame_left) {
		char *payload = take_in_place(r, in, &ascii);
		return finish_message(r, payload, r->frame_left, ascii && !r->compressed, out);
	}
	int step = store(r, in, &copied);
	if (step != GO_ON)
		return step;
	r->message_bytes += copied.len;
	if (plain_text && !utf8_feed(&r->utf8, copied))
		return fail(r, REASON_WS_UTF8);
	if (r->frame_left)
		return WS_NEED_MORE;
	r->state = AT_HEAD;
	if (!r->frame_fin)
		return GO_ON;
	if (plain_text && !utf8_complete(&r->utf8))
		return fail(r, REASON_WS_UTF8);
	r->lent = true;
	return finish_message(r, r->assembly.data, r->message_bytes, plain_text, out);
}

static int finish_control(struct ws_reader *r, char *payload, size_t bytes, struct ws_event *out)
{
	r->state = AT_HEAD;
	if (!r->in_message)
		r->serial++;
	out->opcode = (enum ws_opcode)r->frame_opcode;
	out->payload = slice_of(payload, bytes);
	out->writable = payload;
	if (r->frame_opcode == WS_OPCODE_PING)
		return WS_PING;
	if (r->frame_opcode == WS_OPCODE_PONG)
		return WS_PONG;
	enum reason why = ws_close_parse(out->payload, &out->code, &out->payload);
	if (why)
		return fail(r, why);
	if (out->payload.len)
		out->writable = payload + (bytes - out->payload.len);
	/* A message that this close frame interrupted will never be whole. */
	r->in_message = false;
	if (!r->lent)
		settle(r);
	r->state = CLOSED;
	return WS_CLOSE;
}

static int read_control(struct ws_reader *r, struct ws_input *in, struct ws_event *out)
{
	struct slice copied;
	bool ascii;

	if (r->control_bytes == 0 && input_bytes(in) >= r->frame_left)
		return finish_control(r, take_in_place(r, in, &ascii), r->frame_left, out);
	int step = store(r, in, &copied);
	if (step != GO_ON)
		return step;
	r->control_bytes = (uint8_t)(r->control_bytes + copied.len);
	if (r->frame_left)
		return WS_NEED_MORE;
	r->lent = true;
	return finish_control(r, r->assembly.data + r->message_bytes, r->control_bytes, out);
}

/*
 * The common case in one go: between two messages, a whole one in one frame, shorter than
 * 64 KiB, not compressed, all of it here. False, with nothing touched, for anything else and
 * for whatever is not legal: the way by states deals with that, and must (and, cut
 * elsewhere, does) come to the same for this as well.
 */
bool ws_reader_take_common(struct ws_reader *r, struct ws_input *in, struct ws_event *out)
{
	const struct ws_reader_config *c = r->config;
	char *frame = in->at;
	const uint8_t *head = (const uint8_t *)frame;
	size_t have = input_bytes(in);
	bool masked = c->side == WS_SERVER;
	size_t head_bytes = masked ? 2 + WS_KEY_BYTES : 2;

	if (have < head_bytes)
		return false;
	bool text = head[0] == (0x80 | WS_OPCODE_TEXT);
	if (!text && head[0] != (0x80 | WS_OPCODE_BINARY))
		return false;
	if (text ? !c->text_ok : !c->binary_ok)
		return false;
	/* With the wrong mask bit it is 128 or more. */
	size_t len = masked ? head[1] ^ 0x80u : head[1];
	if (len >= 126) {
		head_bytes += 2;
		if (len > 126 || have < head_bytes)
			return false;
		len = (size_t)head[2] << 8 | head[3];
		if (len < 126)
			return false;
	}
	if (len > have - head_bytes || len > c->max_message || c->max_fragments == 0)
		return false;

	char *payload = frame + head_bytes;
	if (masked) {
		const uint8_t *key = head + head_bytes - WS_KEY_BYTES;
		if (!ws_mask(payload, len, key, 0) && text && !utf8_valid(slice_of(payload, len))) {
			/* As it was, for the way by states to refuse it. */
			ws_mask(payload, len, key, 0);
			return false;
		}
	} else if (text && !utf8_valid(slice_of(payload, len))) {
		return false;
	}
	in->at = payload + len;
	r->serial++;
	*out = (struct ws_event){
		.kind = WS_MESSAGE,
		.opcode = text ? WS_OPCODE_TEXT : WS_OPCODE_BINARY,
		.payload = slice_of(payload, len),
		.writable = payload,
		.frame = slice_of(frame, head_bytes + len),
	};
	return true;
}

static int step_on(struct ws_reader *r, struct ws_input *in, struct ws_event *out)
{
	struct ws_header header;
	int step;

	switch (r->state) {
	case AT_HEAD:
		step = read_head(r, in, &header);
		return step == GO_ON ? begin_frame(r, &header) : step;
	case AT_DATA:
		return read_data(r, in, out);
	case AT_CONTROL:
		return read_control(r, in, out);
	case CLOSED:
		//= rfc6455#5.5.1 "MUST NOT send any more data frames after sending a Close frame"
		in->at = in->end;
		return WS_NEED_MORE;
	case FAILED:
	default:
		return WS_REFUSED;
	}
}

static enum ws_event_kind take_by_states(struct ws_reader *r, struct ws_input *in,
					 struct ws_event *out)
{
	int step;

	*out = (struct ws_event){0};
	do
		step = step_on(r, in, out);
	while (step == GO_ON);
	if (step == WS_REFUSED) {
		in->at = in->end;
		*out = (struct ws_event){.reason = r->refused};
	}
	out->kind = (enum ws_event_kind)step;
	return out->kind;
}

enum ws_event_kind ws_reader_take(struct ws_reader *r, struct ws_input *in, struct ws_event *out)
{
	if (!r->lent)
		return take_by_states(r, in, out);
	settle(r);
	return ws_reader_next(r, in, out);
}
