/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a stream and its TLS layer say to each other. For tls/ only: whoever uses a stream
 * wants net/stream.h.
 *
 *   session -> stream_write -> cork -> layer.encrypt -> stream_wire_append -> stream_wire_push
 *   session <- stream_read <- layer.read <- stream_receive
 *
 * The layer calls down (receive, wire), never back up into the session.
 */
#include "base/buf.h"
#include "net/stream.h"

/* Bytes that a stream keeps for itself, charged to its budget. NULL when there are none. */
struct stream_queue {
	struct buf bytes;
	struct charge charge;
};

struct stream_layer_ops {
	/* As the functions of net/stream.h. */
	int (*handshake)(struct stream *s);
	int (*read)(struct stream *s, char *into, size_t room, size_t *got);
	/* Turns plain into records on the wire. Returns 0 or an outcome that breaks the stream. */
	int (*encrypt)(struct stream *s, struct slice plain);
	/* Puts close_notify on the wire, if it makes sense. */
	void (*close)(struct stream *s);
	/* Frees the layer. */
	void (*free)(struct stream *s);
};

/* First member of the layer's own struct. */
struct stream_layer {
	const struct stream_layer_ops *ops;
};

/* Puts a layer over a stream that is in clear; `layer` belongs to the stream then. Until
 * stream_layer_ready nothing can be written. Returns 0 or -errno with nothing changed. */
int stream_layer_start(struct stream *s, struct stream_layer *layer);
void stream_layer_ready(struct stream *s);

/* Frees the layer: back to clear text. */
void stream_layer_drop(struct stream *s);

/* One recv from the socket. Returns 0, STREAM_AGAIN, STREAM_CLOSED, STREAM_RESET, -errno;
 * sees to it that fn is called again if there may be more. */
int stream_receive(struct stream *s, char *into, size_t room, size_t *got);

/* Appends to what goes to the wire. Returns 0, or an outcome that has broken the stream. */
int stream_wire_append(struct stream *s, struct slice bytes);

/* Sends what is on the wire; what the kernel does not take is queued. Every layer
 * operation that may have written ends with it. Returns as stream_flush. */
int stream_wire_push(struct stream *s);

/* Appends to *q, made when needed. Returns 0, STREAM_FULL or -ENOMEM, *q unchanged. */
int stream_queue_append(struct stream *s, struct stream_queue **q, struct slice bytes, size_t max);

/* Takes bytes off the front; frees the queue with its last byte. */
void stream_queue_take(struct stream_queue **q, size_t bytes);

static inline struct slice stream_queue_slice(const struct stream_queue *q)
{
	return q ? buf_slice(&q->bytes) : slice_of(NULL, 0);
}
