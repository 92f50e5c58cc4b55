/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The writing side of one leg: a whole message becomes one frame. Never fragments.
 *
 * A client's frames are masked, each with a fresh key that nobody can foresee (RFC 6455
 * section 5.3, 10.3). The bytes of keys come from a pool that the caller's callback
 * refills, since this layer asks the system for nothing.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/reason.h"
#include "base/slice.h"
#include "ws/deflate.h"
#include "ws/frame.h"
#include "ws/mask.h"

/* Fills `bytes` bytes with unpredictable ones. Returns 0 or -errno. */
typedef int (*ws_random_fn)(void *arg, void *into, size_t bytes);

/* One per worker. */
struct ws_masker {
	ws_random_fn fill;
	void *arg;
	uint32_t left; /* unused bytes, at the end of pool */
	uint8_t pool[1024];
};

/* Fetches nothing yet. */
void ws_masker_init(struct ws_masker *m, ws_random_fn fill, void *arg);

/* A key that was never given before. Returns 0 or what the callback said; then there is
 * no key and nothing may be sent. */
static inline int ws_masker_next(struct ws_masker *m, uint8_t key[WS_KEY_BYTES])
	__attribute__((warn_unused_result));

/* How one leg writes. Small, by value, no memory of its own. */
struct ws_writer {
	struct ws_masker *masker;     /* NULL: we are the server */
	struct ws_deflater *deflater; /* NULL: permessage-deflate was not negotiated */
	uint8_t window_bits;          /* negotiated for what we send: 8 to 15 */
	uint32_t deflate_from;        /* bytes: shorter messages travel as they are */
};

/* Each appends one frame to `out` and returns 0, BUF_FULL (for that frame there is no room),
 * or -errno; then `out` is as before. */

/* opcode: text or binary. The payload is not judged. */
int ws_write_message(const struct ws_writer *w, struct buf *out, enum ws_opcode opcode,
		     struct slice payload) __attribute__((warn_unused_result));

/* opcode: ping or pong; the payload has at most WS_CONTROL_MAX bytes. */
int ws_write_control(const struct ws_writer *w, struct buf *out, enum ws_opcode opcode,
		     struct slice payload) __attribute__((warn_unused_result));

/* As ws_close_payload: WS_CLOSE_NO_STATUS sends an empty close frame. */
int ws_write_close(const struct ws_writer *w, struct buf *out, uint16_t code, struct slice text)
	__attribute__((warn_unused_result));

/* The close frame of a refusal: its code, its word. */
int ws_write_close_for(const struct ws_writer *w, struct buf *out, enum reason why)
	__attribute__((warn_unused_result));

/*
 * For writev: only the head of a frame whose payload goes out from where it lies. The head
 * has *head_bytes bytes. As a client, the payload is masked in place at `payload`; as a
 * server it is not touched. Never compresses. Returns 0 or -errno with nothing touched.
 */
int ws_write_head(const struct ws_writer *w, enum ws_opcode opcode, char *payload,
		  size_t payload_bytes, char head[WS_HEADER_MAX], size_t *head_bytes)
	__attribute__((warn_unused_result));

/*
 * For a message that was read in one frame (ws_event.frame) and goes on unchanged: makes that
 * frame one of ours, where it lies. The head is one that we would write, for ws/message.h takes
 * no other; as a client a new key takes the old one's place and the payload, `payload_bytes` at
 * the frame's end, is masked. The other leg must be of the other side: there frames came masked
 * where ours are. Returns as ws_write_head.
 */
static inline int ws_write_again(const struct ws_writer *w, char *payload, size_t payload_bytes)
	__attribute__((warn_unused_result));

/* --- private */

int ws_masker_refill(struct ws_masker *m) __attribute__((warn_unused_result));

static inline int ws_masker_next(struct ws_masker *m, uint8_t key[WS_KEY_BYTES])
{
	int r = m->left < WS_KEY_BYTES ? ws_masker_refill(m) : 0;

	if (r)
		return r;
	memcpy(key, m->pool + sizeof(m->pool) - m->left, WS_KEY_BYTES);
	m->left -= WS_KEY_BYTES;
	return 0;
}

static inline int ws_write_again(const struct ws_writer *w, char *payload, size_t payload_bytes)
{
	uint8_t *key = (uint8_t *)payload - WS_KEY_BYTES;

	if (!w->masker)
		return 0;
	int r = ws_masker_next(w->masker, key);
	if (r == 0)
		ws_mask(payload, payload_bytes, key, 0);
	return r;
}
