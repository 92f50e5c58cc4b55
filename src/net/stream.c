/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing of streams; see stream.h.
 *
 *   out.bytes   cork.bytes          What waits leaves in this order. In clear both go into one
 *   [.......]   [.........]         sendmsg; under TLS the cork is encrypted onto the wire
 *       \____________/              first. What the kernel leaves is the new out.
 */
#include "net/stream.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"
#include "net/sock.h"
#include "net/stream_layer.h"

enum {
	CORKS = 64,           /* per worker; then the oldest is sent early */
	DIRECT_BYTES = 16384, /* from here on copying into the cork costs more than a send */
	SPARE_BYTES = 32768,  /* a record that was begun by an earlier read, and TLS's own bytes */
	WIRE_BYTES = 131072,
};

/* struct stream.state */
enum {
	HANDSHAKING = 1 << 0, /* a layer that is not ready */
	CONNECTED = 1 << 1,   /* was writable once */
	SHUTTING = 1 << 2,    /* FIN follows what waits */
	SHUT = 1 << 3,        /* FIN is out */
	RESUMED = 1 << 4,     /* fn is due, whatever the kernel says */
};

struct stream_cork {
	struct list link; /* in scratch.corked */
	struct stream_cork *next_free;
	struct stream *owner;
	size_t len;
	char bytes[STREAM_CORK_BYTES];
};

/* --- the worker's share */

static struct stream_cork *cork_new(struct stream_scratch *scratch)
{
	if (scratch->cork_count == CORKS)
		return NULL;
	struct stream_cork *cork = malloc(sizeof(*cork));
	if (!cork)
		return NULL;
	scratch->cork_count++;
	return cork;
}

static void flush_corked(struct reactor_hook *hook);

int stream_scratch_init(struct stream_scratch *scratch, struct reactor *r, size_t read_bytes)
{
	MUST(read_bytes >= 16384);
	*scratch = (struct stream_scratch){.reactor = r, .read_bytes = read_bytes};
	list_init(&scratch->corked);
	scratch->plain = malloc(read_bytes + SPARE_BYTES);
	scratch->free = cork_new(scratch); /* so that there is always one to be had */
	if (!scratch->plain || !scratch->free) {
		free(scratch->plain);
		free(scratch->free);
		*scratch = (struct stream_scratch){0};
		return err_raise(ENOMEM, "no memory for a worker's buffers");
	}
	scratch->free->next_free = NULL;
	reactor_hook_add(r, &scratch->hook, flush_corked);
	return 0;
}

void stream_scratch_deinit(struct stream_scratch *scratch)
{
	if (!scratch->reactor)
		return;
	MUST(list_empty(&scratch->corked));
	reactor_hook_remove(&scratch->hook);
	while (scratch->free) {
		struct stream_cork *cork = scratch->free;

		scratch->free = cork->next_free;
		free(cork);
	}
	free(scratch->plain);
	free(scratch->cipher);
	free(scratch->wire);
	*scratch = (struct stream_scratch){0};
}

/* --- what a stream keeps for itself */

static void queue_free(struct stream_queue **q)
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
		queue_free(q);
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
		queue_free(q);
}

/* TLS adds bytes of its own to what the session wrote. */
static size_t out_max(const struct stream *s)
{
	return s->max_pending + s->max_pending / 16 + SPARE_BYTES;
}

/* --- corks */

static void cork_release(struct stream *s)
{
	struct stream_cork *cork = s->cork;

	if (!cork)
		return;
	s->cork = NULL;
	list_remove(&cork->link);
	cork->next_free = s->scratch->free;
	s->scratch->free = cork;
}

/* Gives s a cork, if need be that of whoever has had one for longest. */
static void cork_take(struct stream *s)
{
	struct stream_scratch *scratch = s->scratch;

	if (s->cork)
		return;
	struct stream_cork *cork = scratch->free;
	if (cork) {
		scratch->free = cork->next_free;
	} else {
		cork = cork_new(scratch);
	}
	if (!cork) {
		struct stream_cork *oldest =
			LIST_ENTRY(scratch->corked.next, struct stream_cork, link);

		(void)stream_flush(oldest->owner); /* it remembers how that went */
		cork = scratch->free;
		MUST(cork);
		scratch->free = cork->next_free;
	}
	cork->owner = s;
	cork->len = 0;
	list_append(&scratch->corked, &cork->link);
	s->cork = cork;
}

/* --- sending */

/* From now on every write fails with r; the session hears of it next round. */
static int stream_break(struct stream *s, int r)
{
	if (!s->broken) {
		s->broken = r;
		io_again(&s->io);
	}
	return s->broken;
}

static void out_finished(struct stream *s)
{
	if ((s->state & (SHUTTING | SHUT)) != SHUTTING)
		return;
	s->state |= SHUT;
	(void)shutdown(s->io.fd, SHUT_WR); /* fails only where the peer is gone already */
}

/* One send of [out, parts]. Gives how many bytes the kernel took: 0 if it has no room. */
static int send_once(struct stream *s, const struct slice *parts, size_t count, size_t *sent)
{
	struct iovec v[3];
	size_t n = 0, total = 0;

	*sent = 0;
	if (!(s->io.ready & IO_WRITABLE))
		return 0;
	struct slice waiting = stream_queue_slice(s->out);
	for (size_t i = 0; i <= count; i++) {
		struct slice part = i ? parts[i - 1] : waiting;
		union {
			const char *in;
			void *out;
		} unconst = {part.data};

		if (part.len == 0)
			continue;
		v[n++] = (struct iovec){unconst.out, part.len};
		total += part.len;
	}
	if (n == 0)
		return 0;
	int r = sock_send(s->io.fd, v, n, sent);
	s->scratch->sends++;
	if (r == SOCK_AGAIN || (r == 0 && *sent < total))
		io_drained(&s->io, IO_WRITABLE);
	if (r == SOCK_AGAIN)
		return 0;
	return r == SOCK_RESET ? STREAM_RESET : r;
}

/* Sends what waits and then parts (at most two); what the kernel does not take waits. */
static int push(struct stream *s, const struct slice *parts, size_t count)
{
	size_t sent;

	MUST(count <= 2);
	if (s->broken)
		return s->broken;
	int r = send_once(s, parts, count, &sent);
	if (r)
		return stream_break(s, r);
	size_t old = stream_queue_slice(s->out).len;
	size_t from_out = sent < old ? sent : old;
	if (from_out)
		stream_queue_take(&s->out, from_out);
	sent -= from_out;
	for (size_t i = 0; i < count; i++) {
		size_t skip = sent < parts[i].len ? sent : parts[i].len;

		sent -= skip;
		if (skip == parts[i].len)
			continue;
		r = stream_queue_append(s, &s->out, slice_from(parts[i], skip), out_max(s));
		if (r)
			return stream_break(s, r);
	}
	if (!s->out && !s->cork)
		out_finished(s);
	return 0;
}

int stream_wire_push(struct stream *s)
{
	struct stream_scratch *scratch = s->scratch;
	struct slice wire = slice_of(scratch->wire, scratch->wire_len);

	scratch->wire_len = 0;
	return push(s, &wire, 1);
}

int stream_wire_append(struct stream *s, struct slice bytes)
{
	struct stream_scratch *scratch = s->scratch;

	while (bytes.len) {
		size_t room = WIRE_BYTES - scratch->wire_len;
		struct slice now = slice_first(bytes, room);

		memcpy(scratch->wire + scratch->wire_len, now.data, now.len);
		scratch->wire_len += now.len;
		bytes = slice_from(bytes, now.len);
		if (bytes.len == 0)
			break;
		int r = stream_wire_push(s);
		if (r)
			return r;
	}
	return 0;
}

/* Everything gathered, and then data, over TLS: encrypted first. */
static int push_encrypted(struct stream *s, struct slice gathered, struct slice data)
{
	const struct stream_layer_ops *ops = s->layer->ops;
	int r = s->broken;

	if (r == 0 && gathered.len)
		r = ops->encrypt(s, gathered);
	if (r == 0 && data.len)
		r = ops->encrypt(s, data);
	/* Even then: the next stream must find the wire empty. */
	int pushed = stream_wire_push(s);
	return r ? stream_break(s, r) : pushed;
}

static int send_all(struct stream *s, struct slice data)
{
	struct stream_cork *cork = s->cork;
	struct slice parts[2] = {cork ? slice_of(cork->bytes, cork->len) : slice_of(NULL, 0), data};

	/* Off the list first: nothing below may send it a second time. Its bytes stay as they
	 * are until somebody takes a cork, and that is not before this has returned. */
	cork_release(s);
	if (s->layer)
		return push_encrypted(s, parts[0], parts[1]);
	return push(s, parts, 2);
}

/* What was lent to s, which is the caller's to send now. */
static struct slice take_lent(struct stream *s)
{
	struct stream_scratch *scratch = s->scratch;

	if (scratch->borrower != s)
		return slice_of(NULL, 0);
	scratch->borrower = NULL;
	return scratch->lent;
}

int stream_flush(struct stream *s)
{
	struct slice lent = take_lent(s);

	if (!s->cork && !s->out && !lent.len)
		return s->broken;
	return send_all(s, lent);
}

void stream_settle(struct stream_scratch *scratch)
{
	if (scratch->borrower)
		(void)stream_flush(scratch->borrower);
}

static void flush_corked(struct reactor_hook *hook)
{
	struct stream_scratch *scratch = LIST_ENTRY(hook, struct stream_scratch, hook);

	stream_settle(scratch);
	while (!list_empty(&scratch->corked)) {
		struct stream_cork *cork =
			LIST_ENTRY(scratch->corked.next, struct stream_cork, link);

		(void)stream_flush(cork->owner); /* which remembers, and tells its session */
	}
}

/* --- writing */

size_t stream_waiting_bytes(const struct stream *s)
{
	return stream_queue_slice(s->out).len + (s->cork ? s->cork->len : 0);
}

/* Part of an admitted write. */
static int put(struct stream *s, struct slice data)
{
	if (data.len >= DIRECT_BYTES && (s->io.ready & IO_WRITABLE))
		return send_all(s, data);
	while (data.len) {
		cork_take(s);
		struct slice now = slice_first(data, STREAM_CORK_BYTES - s->cork->len);

		memcpy(s->cork->bytes + s->cork->len, now.data, now.len);
		s->cork->len += now.len;
		data = slice_from(data, now.len);
		int r = s->cork->len == STREAM_CORK_BYTES ? stream_flush(s) : 0;
		if (r)
			return r;
	}
	return 0;
}

/* What was lent goes before anything that is written behind it. */
static int gather_lent(struct stream *s)
{
	struct slice lent = take_lent(s);

	return lent.len ? put(s, lent) : 0;
}

/* Whether `bytes` more may be written. */
static int admit(struct stream *s, size_t bytes)
{
	if (s->broken)
		return s->broken;
	if (s->state & (HANDSHAKING | SHUTTING))
		return err_raise(ENOTCONN, "written before the TLS handshake or after the end");
	if (bytes > s->max_pending)
		return STREAM_FULL;
	int r = gather_lent(s);
	if (r)
		return r;
	if (stream_pending_bytes(s) <= s->max_pending - bytes)
		return 0;
	r = stream_flush(s);
	if (r)
		return r;
	return stream_pending_bytes(s) <= s->max_pending - bytes ? 0 : STREAM_FULL;
}

int stream_writev(struct stream *s, const struct slice *parts, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		if (__builtin_add_overflow(total, parts[i].len, &total))
			return STREAM_FULL;
	int r = admit(s, total);
	for (size_t i = 0; i < count && r == 0; i++)
		r = put(s, parts[i]);
	return r;
}

int stream_write(struct stream *s, struct slice data)
{
	return stream_writev(s, &data, 1);
}

int stream_reserve(struct stream *s, size_t bytes, char **room)
{
	MUST(bytes <= STREAM_CORK_BYTES);
	int r = admit(s, bytes);
	if (r == 0 && s->cork && bytes > STREAM_CORK_BYTES - s->cork->len)
		r = stream_flush(s);
	if (r)
		return r;
	cork_take(s);
	*room = s->cork->bytes + s->cork->len;
	return 0;
}

void stream_commit(struct stream *s, size_t bytes)
{
	MUST(s->cork && bytes <= STREAM_CORK_BYTES - s->cork->len);
	s->cork->len += bytes;
}

int stream_lend_first(struct stream *s, struct slice bytes)
{
	struct stream_scratch *scratch = s->scratch;

	if (scratch->borrower != s)
		stream_settle(scratch);
	int r = admit(s, bytes.len);
	if (r)
		return r;
	scratch->lent_behind = stream_waiting_bytes(s);
	scratch->borrower = s;
	scratch->lent = bytes;
	return 0;
}

int stream_shutdown(struct stream *s)
{
	if (s->state & SHUT)
		return 0;
	if (!(s->state & SHUTTING)) {
		(void)stream_flush(s);
		s->state |= SHUTTING;
		if (s->layer && !s->broken) {
			s->layer->ops->close(s);
			(void)stream_wire_push(s);
		}
	}
	if (s->broken)
		return s->broken;
	if (!s->out)
		out_finished(s);
	return s->state & SHUT ? 0 : STREAM_AGAIN;
}

/* --- reading */

int stream_receive(struct stream *s, char *into, size_t room, size_t *got)
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

/* What was handed back, from where it may be changed. */
static int read_again(struct stream *s, struct stream_bytes *got)
{
	struct slice back = stream_queue_slice(s->in);

	MUST(back.len <= s->scratch->read_bytes + SPARE_BYTES);
	memcpy(s->scratch->plain, back.data, back.len);
	*got = (struct stream_bytes){s->scratch->plain, back.len};
	queue_free(&s->in);
	io_again(&s->io);
	return 0;
}

int stream_read(struct stream *s, struct stream_bytes *got)
{
	int r;

	*got = (struct stream_bytes){0};
	stream_settle(s->scratch);
	if (s->in)
		return read_again(s, got);
	/* After a reset noticed while writing there may still be the peer's last words. */
	if (s->broken && s->broken != STREAM_RESET)
		return s->broken;
	if (s->state & HANDSHAKING)
		return STREAM_AGAIN;
	if (s->layer) {
		r = s->layer->ops->read(s, got);
	} else {
		r = stream_receive(s, s->scratch->plain, s->scratch->read_bytes, &got->len);
		got->data = s->scratch->plain;
	}
	return r == STREAM_AGAIN && s->broken ? s->broken : r;
}

int stream_unread(struct stream *s, struct slice rest)
{
	MUST(!s->in);
	return stream_queue_append(s, &s->in, rest, s->scratch->read_bytes + SPARE_BYTES);
}

void stream_resume(struct stream *s)
{
	s->state |= RESUMED;
	io_again(&s->io);
}

/* --- beginning and end */

static void on_io(struct io *io)
{
	struct stream *s = IO_OWNER(io, struct stream, io);
	unsigned why = 0;

	if (io->ready & IO_WRITABLE) {
		if (!(s->state & CONNECTED) || s->out)
			why |= STREAM_WRITE;
		s->state |= CONNECTED;
		if (s->out)
			(void)stream_flush(s);
	}
	if ((io->ready & IO_READABLE) || s->in || s->layer || (s->state & RESUMED))
		why |= STREAM_READ;
	s->state &= (uint8_t)~RESUMED;
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

void stream_deinit(struct stream *s)
{
	if (!s->scratch)
		return;
	cork_release(s);
	(void)take_lent(s);
	stream_layer_drop(s);
	queue_free(&s->out);
	queue_free(&s->in);
	io_remove(&s->io);
	close(s->io.fd);
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
		return s->state & CONNECTED ? 0 : STREAM_AGAIN;
	int r = sock_connect_result(s->io.fd);
	return r == SOCK_AGAIN ? STREAM_AGAIN : r;
}

/* --- layers */

int stream_handshake(struct stream *s)
{
	if (!s->layer || !(s->state & HANDSHAKING))
		return s->broken;
	return s->broken ? s->broken : s->layer->ops->handshake(s);
}

int stream_layer_start(struct stream *s, struct stream_layer *layer)
{
	struct stream_scratch *scratch = s->scratch;

	MUST(!s->layer && !s->cork && !s->out);
	if (!scratch->cipher)
		scratch->cipher = malloc(scratch->read_bytes + SPARE_BYTES);
	if (!scratch->wire)
		scratch->wire = malloc(WIRE_BYTES);
	if (!scratch->cipher || !scratch->wire)
		return err_raise(ENOMEM, "no memory for a worker's TLS buffers");
	s->layer = layer;
	s->state |= HANDSHAKING;
	return 0;
}

void stream_layer_ready(struct stream *s)
{
	s->state = (uint8_t)(s->state & ~HANDSHAKING);
}

void stream_layer_drop(struct stream *s)
{
	if (!s->layer)
		return;
	s->layer->ops->free(s);
	s->layer = NULL;
	s->state = (uint8_t)(s->state & ~HANDSHAKING);
}
