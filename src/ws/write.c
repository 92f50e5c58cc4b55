/* SPDX-License-Identifier: Apache-2.0 */
/* A payload becomes one frame at the end of a buffer; see write.h. */
#include "ws/write.h"

#include "base/obj.h"
#include "ws/close.h"
#include "ws/mask.h"

void ws_masker_init(struct ws_masker *m, ws_random_fn fill, void *arg)
{
	*m = (struct ws_masker){.fill = fill, .arg = arg};
}

int ws_masker_refill(struct ws_masker *m)
{
	int r = m->fill(m->arg, m->pool, sizeof(m->pool));

	if (r == 0)
		m->left = sizeof(m->pool);
	return r;
}

/* What every frame of ours has in common: whole, and masked if we are a client. */
static int start_header(const struct ws_writer *w, enum ws_opcode opcode, size_t payload_bytes,
			struct ws_header *header)
{
	*header = (struct ws_header){
		.fin = true,
		.opcode = (uint8_t)opcode,
		.masked = w->masker != NULL,
		.payload_bytes = payload_bytes,
	};
	return header->masked ? ws_masker_next(w->masker, header->key) : 0;
}

static int append_frame(struct buf *out, const struct ws_header *header, struct slice payload)
{
	char *room;

	if (payload.len > SIZE_MAX - WS_HEADER_MAX)
		return BUF_FULL;
	size_t head_bytes = ws_header_size(header);
	int r = buf_reserve(out, head_bytes + payload.len, &room);
	if (r)
		return r;
	ws_header_encode(header, room);
	if (header->masked)
		ws_mask_copy(room + head_bytes, payload.data, payload.len, header->key, 0);
	else if (payload.len)
		memcpy(room + head_bytes, payload.data, payload.len);
	buf_commit(out, head_bytes + payload.len);
	return 0;
}

static int write_frame(const struct ws_writer *w, struct buf *out, enum ws_opcode opcode,
		       struct slice payload)
{
	struct ws_header header;
	int r = start_header(w, opcode, payload.len, &header);

	return r ? r : append_frame(out, &header, payload);
}

/*
 * The compressed form goes behind room for the longest head; the head is written when the
 * length is known, right before it, and the gap in front of it is closed by a move of the
 * payload, which compression has made small.
 */
static int write_deflated(const struct ws_writer *w, struct buf *out, enum ws_opcode opcode,
			  struct slice payload)
{
	struct ws_header header;
	char *room;
	int r = start_header(w, opcode, 0, &header);

	if (r)
		return r;
	r = buf_reserve(out, WS_HEADER_MAX, &room);
	if (r)
		return r;
	buf_commit(out, WS_HEADER_MAX);
	size_t before = buf_waiting(out);
	r = ws_deflate(w->deflater, payload, w->window_bits, out);
	size_t packed_bytes = buf_waiting(out) - before;
	if (r) {
		buf_truncate(out, before - WS_HEADER_MAX);
		return r;
	}
	header.rsv1 = true;
	header.payload_bytes = packed_bytes;
	/* deflating may have moved the buffer */
	char *frame = out->data + out->off + before - WS_HEADER_MAX;
	char *packed = frame + WS_HEADER_MAX;
	if (header.masked)
		ws_mask(packed, packed_bytes, header.key, 0);
	char head[WS_HEADER_MAX];
	size_t head_bytes = ws_header_encode(&header, head);
	memcpy(frame, head, head_bytes);
	memmove(frame + head_bytes, packed, packed_bytes);
	buf_truncate(out, before - WS_HEADER_MAX + head_bytes + packed_bytes);
	return 0;
}

int ws_write_message(const struct ws_writer *w, struct buf *out, enum ws_opcode opcode,
		     struct slice payload)
{
	MUST(opcode == WS_OPCODE_TEXT || opcode == WS_OPCODE_BINARY);
	if (w->deflater && payload.len >= w->deflate_from)
		return write_deflated(w, out, opcode, payload);
	return write_frame(w, out, opcode, payload);
}

int ws_write_control(const struct ws_writer *w, struct buf *out, enum ws_opcode opcode,
		     struct slice payload)
{
	MUST(ws_opcode_is_control((uint8_t)opcode) && payload.len <= WS_CONTROL_MAX);
	return write_frame(w, out, opcode, payload);
}

int ws_write_close(const struct ws_writer *w, struct buf *out, uint16_t code, struct slice text)
{
	char payload[WS_CONTROL_MAX];
	size_t len = ws_close_payload(code, text, payload);

	return ws_write_control(w, out, WS_OPCODE_CLOSE, slice_of(payload, len));
}

int ws_write_close_for(const struct ws_writer *w, struct buf *out, enum reason why)
{
	char payload[WS_CONTROL_MAX];
	size_t len = ws_close_payload_for(why, payload);

	return ws_write_control(w, out, WS_OPCODE_CLOSE, slice_of(payload, len));
}

int ws_write_head(const struct ws_writer *w, enum ws_opcode opcode, char *payload,
		  size_t payload_bytes, char head[WS_HEADER_MAX], size_t *head_bytes)
{
	struct ws_header header;
	int r = start_header(w, opcode, payload_bytes, &header);

	if (r)
		return r;
	if (header.masked)
		ws_mask(payload, payload_bytes, header.key, 0);
	*head_bytes = ws_header_encode(&header, head);
	return 0;
}
