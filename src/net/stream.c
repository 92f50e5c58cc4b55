/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginning and end of streams, reading, and what they keep for themselves; see stream.h.
 *
 *   plain   [lent to a |lent to b |..free..|next read.....................]
 *
 * What was read and is lent stays in the worker's buffer until the end of the round; the next
 * read begins behind it. When that has become too much, the round's output leaves early.
 */
#include "net/stream.h"

#include "net/sock.h"
#include "net/stream_priv.h"

/* --- what a stream keeps for itself */

void stream_queue_free(struct stream_queue **q)
{
	if (!*q)
		return;
	charge_release(&(*q)->charge);
	buf_deinit(&(*q)->bytes);
	free(*q);
	*q = NULL;
}

static int queue_new(struct stream_queue **q)
{
	*q = calloc(1, sizeof(**q));
	return *q ? 0 : err_raise(ENOMEM, "no memory for bytes that wait");
}

int stream_queue_append(struct stream *s, struct stream_queue **q, struct slice bytes, size_t max)
{
	int r = 0;

	if (bytes.len == 0)
		return 0;
	if (!*q)
		r = queue_new(q);
	if (r)
		return r;
	(*q)->bytes.max = max;
	if (charge_take(&(*q)->charge, s->budget, bytes.len))
		r = STREAM_FULL;
	else
		r = buf_append(&(*q)->bytes, bytes);
	if (r == 0)
		return 0;
	size_t waiting = buf_waiting(&(*q)->bytes);
	if (waiting)
		(void)charge_resize(&(*q)->charge, s->budget, waiting); /* less than before */
	else
		stream_queue_free(q);
	return r < 0 ? r : STREAM_FULL;
}

void stream_queue_take(struct stream_queue **q, size_t bytes)
{
	if (bytes == 0)
		return;
	buf_take(&(*q)->bytes, bytes);
	size_t waiting = buf_waiting(&(*q)->bytes);
	if (waiting)
		(void)charge_resize(&(*q)->charge, (*q)->charge.from, waiting);
	else
		stream_queue_free(q);
}

/* --- reading */

static inline int receive(struct stream *s, char *into, size_t room, size_t *got)
{
	*got = 0;
	if (!(s->io.ready & IO_READABLE))
		return STREAM_AGAIN;
	int r = sock_recv(s->io.fd, into, room, got);
	s->scratch->recvs++;
	switch (r) {
	case 0:
		/* A short read has emptied the socket, unless the end is already behind it: of
		 * that the kernel has spoken and will not speak again. */
		if (*got < room && !(s->io.ready & IO_HANGUP))
			io_drained(&s->io, IO_READABLE);
		else
			io_again(&s->io);
		return 0;
	case SOCK_AGAIN:
		io_drained(&s->io, IO_READABLE);
		return STREAM_AGAIN;
	case SOCK_CLOSED:
		return STREAM_CLOSED;
	case SOCK_RESET:
		return STREAM_RESET;
	default:
		return r;
	}
}

int stream_receive(struct stream *s, char *into, size_t room, size_t *got)
{
	return receive(s, into, room, got);
}

/* What was handed back, or the beginning of it. */
static int read_again(struct stream *s, char *into, size_t room, size_t *got)
{
	struct slice back = slice_first(stream_queue_slice(s->in), room);

	memcpy(into, back.data, back.len);
	*got = back.len;
	stream_queue_take(&s->in, back.len);
	io_again(&s->io);
	return 0;
}

static inline int read_into(struct stream *s, char *into, size_t room, size_t *got)
{
	*got = 0;
	if (s->in)
		return read_again(s, into, room, got);
	/* After a reset noticed while writing there may still be the peer's last words. */
	if (s->broken && s->broken != STREAM_RESET)
		return s->broken;
	if (s->state & STREAM_HANDSHAKING)
		return STREAM_AGAIN;
	int r = s->layer ? s->layer->ops->read(s, into, room, got) : receive(s, into, room, got);
	return r == STREAM_AGAIN && s->broken ? s->broken : r;
}

int stream_read_into(struct stream *s, char *into, size_t room, size_t *got)
{
	return read_into(s, into, room, got);
}

int stream_read(struct stream *s, struct stream_bytes *got)
{
	struct stream_scratch *scratch = s->scratch;
	size_t room = scratch->read_bytes;

	if (scratch->lent_end > STREAM_LENT_BYTES) {
		stream_send_corked(scratch);
		scratch->lent_end = 0;
	}
	got->data = scratch->plain + (scratch->lent_end + STREAM_LINE_BYTES - 1) /
					     STREAM_LINE_BYTES * STREAM_LINE_BYTES;
	/* Records end where they like. */
	if (s->in || s->layer)
		room += STREAM_SPARE_BYTES;
	return read_into(s, got->data, room, &got->len);
}

int stream_unread(struct stream *s, struct slice rest)
{
	MUST(!s->in);
	return stream_queue_append(s, &s->in, rest, s->scratch->read_bytes + STREAM_SPARE_BYTES);
}

void stream_resume(struct stream *s)
{
	s->state |= STREAM_RESUMED;
	io_again(&s->io);
}

/* --- beginning and end */

static void on_io(struct io *io)
{
	struct stream *s = IO_OWNER(io, struct stream, io);
	unsigned why = 0;

	if (io->ready & IO_WRITABLE) {
		if (!(s->state & STREAM_CONNECTED) || s->out)
			why |= STREAM_WRITE;
		s->state |= STREAM_CONNECTED;
		if (s->out)
			(void)stream_flush(s);
	}
	if ((io->ready & IO_READABLE) || s->in || s->layer || (s->state & STREAM_RESUMED))
		why |= STREAM_READ;
	s->state &= (uint8_t)~STREAM_RESUMED;
	if ((io->ready & IO_HANGUP) || s->broken)
		why |= STREAM_GONE;
	if (why)
		s->fn(s, why);
}

int stream_init(struct stream *s, struct stream_scratch *scratch, int fd, stream_fn fn,
		size_t max_pending, struct budget *budget)
{
	*s = (struct stream){
		.fn = fn, .scratch = scratch, .max_pending = max_pending, .budget = budget};
	int r = io_add(scratch->reactor, &s->io, fd, on_io);
	if (r)
		*s = (struct stream){0};
	return r;
}

void stream_init_later(struct stream *s, struct stream_scratch *scratch, int fd, stream_fn fn,
		       size_t max_pending, struct budget *budget)
{
	*s = (struct stream){
		.fn = fn, .scratch = scratch, .max_pending = max_pending, .budget = budget};
	io_add_later(scratch->reactor, &s->io, fd, on_io);
}

void stream_deinit(struct stream *s)
{
	if (!s->scratch)
		return;
	stream_cork_release(s);
	stream_layer_drop(s);
	stream_queue_free(&s->out);
	stream_queue_free(&s->in);
	io_close(&s->io);
	*s = (struct stream){0};
}

void stream_abort(struct stream *s)
{
	if (s->scratch)
		sock_linger_none(s->io.fd);
	stream_deinit(s);
}

int stream_connected(struct stream *s)
{
	if (!(s->io.ready & (IO_WRITABLE | IO_HANGUP)))
		return s->state & STREAM_CONNECTED ? 0 : STREAM_AGAIN;
	/* Room and no hangup: the kernel says that only of a connection that stands. */
	if (!(s->io.ready & IO_HANGUP))
		return 0;
	int r = sock_connect_result(s->io.fd);
	return r == SOCK_AGAIN ? STREAM_AGAIN : r;
}

/* --- layers */

int stream_handshake(struct stream *s)
{
	if (!s->layer || !(s->state & STREAM_HANDSHAKING))
		return s->broken;
	return s->broken ? s->broken : s->layer->ops->handshake(s);
}

int stream_layer_start(struct stream *s, struct stream_layer *layer)
{
	struct stream_scratch *scratch = s->scratch;

	MUST(!s->layer && !s->cork && !s->out);
	if (!scratch->cipher)
		scratch->cipher = malloc(scratch->read_bytes + STREAM_SPARE_BYTES);
	if (!scratch->wire)
		scratch->wire = malloc(STREAM_WIRE_BYTES);
	if (!scratch->cipher || !scratch->wire)
		return err_raise(ENOMEM, "no memory for a worker's TLS buffers");
	s->layer = layer;
	s->state |= STREAM_HANDSHAKING;
	return 0;
}

void stream_layer_ready(struct stream *s)
{
	s->state = (uint8_t)(s->state & ~STREAM_HANDSHAKING);
}

void stream_layer_drop(struct stream *s)
{
	if (!s->layer)
		return;
	s->layer->ops->free(s);
	s->layer = NULL;
	s->state = (uint8_t)(s->state & ~STREAM_HANDSHAKING);
}
