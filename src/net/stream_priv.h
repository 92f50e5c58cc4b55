/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parts of a stream share. Private to them.
 *
 *   stream.c        beginning and end, reading, what a stream keeps for itself
 *   stream_write.c  what may be written, and how it is gathered in a cork
 *   stream_send.c   what was gathered, encrypted and sent: at the end of the round, or earlier
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/obj.h"
#include "net/stream_layer.h"

enum {
	STREAM_SPARE_BYTES = 32768, /* a record begun by an earlier read, and TLS's own bytes */
	STREAM_WIRE_BYTES = 131072,
	STREAM_LENT_BYTES =
		65536,          /* of what was read may be lent before the corks are sent early */
	STREAM_LINE_BYTES = 64, /* of the cache: two reads shall not share one */
};

/* struct stream.state */
enum {
	STREAM_HANDSHAKING = 1 << 0, /* a layer that is not ready */
	STREAM_CONNECTED = 1 << 1,   /* was writable once */
	STREAM_SHUTTING = 1 << 2,    /* FIN follows what waits */
	STREAM_SHUT = 1 << 3,        /* FIN is out */
	STREAM_RESUMED = 1 << 4,     /* fn is due, whatever the kernel says */
	STREAM_ENDING = 1 << 5,      /* stream_deinit or a FIN follows the next send */
};

/* --- stream.c */

void stream_queue_free(struct stream_queue **q);

/* --- stream_send.c */

/* Everything gathered, and then data. */
int stream_send_all(struct stream *s, struct slice data);

/* What all streams have gathered. They remember how it went, and tell their sessions. */
void stream_send_corked(struct stream_scratch *scratch);

/* Nothing waits: the FIN that was asked for follows. */
void stream_out_finished(struct stream *s);

/* --- corks */

/* False without memory. */
static inline bool stream_cork_bytes(struct stream_cork *cork)
{
	if (!cork->bytes)
		cork->bytes = malloc(STREAM_CORK_BYTES);
	return cork->bytes;
}

static inline void stream_cork_release(struct stream *s)
{
	struct stream_cork *cork = s->cork;

	if (!cork)
		return;
	s->cork = NULL;
	list_remove(&cork->link);
	cork->next_free = s->scratch->free;
	s->scratch->free = cork;
}

/* Gives s a cork. Where none is left, what all of them hold is sent now. */
static inline struct stream_cork *stream_cork_take(struct stream *s)
{
	struct stream_scratch *scratch = s->scratch;

	if (s->cork)
		return s->cork;
	if (!scratch->free)
		stream_send_corked(scratch);
	struct stream_cork *cork = scratch->free;
	scratch->free = cork->next_free;
	cork->owner = s;
	cork->len = 0;
	cork->lent = slice_of(NULL, 0);
	cork->sealed = slice_of(NULL, 0);
	list_append(&scratch->corked, &cork->link);
	s->cork = cork;
	return cork;
}
