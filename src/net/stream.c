/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing of streams; see stream.h.
 *
 *   out.bytes   cork.bytes  cork.lent      What waits leaves in this order. In clear it goes into
 *   [.......]   [........]  [.......]      one sendmsg; under TLS the cork is encrypted onto the
 *       \___________________/              wire first. What the kernel leaves is the new out.
 *
 *   plain   [lent to a |lent to b |..free..|next read.....................]
 *
 * What was read and is lent stays in the worker's buffer until the end of the round; the next
 * read begins behind it. When that has become too much, the round's output leaves early.
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
	CORKS = 64,           /* per worker; then they are sent early */
	DIRECT_BYTES = 16384, /* from here on copying into the cork costs more than a send */
	SPARE_BYTES = 32768,  /* a record that was begun by an earlier read, and TLS's own bytes */
	WIRE_BYTES = 131072,
	LENT_BYTES = 65536, /* of what was read may be lent before the corks are sent early */
	SEAL_BYTES = 1024,  /* TLS's own, of what one cork holds: 22 to 29 a record */
	PARTS = 3,          /* of one send: cork.bytes, cork.lent, something more */
	LINE_BYTES = 64,    /* of the cache: two reads shall not share one */
};

/* struct stream.state */
enum {
	HANDSHAKING = 1 << 0, /* a layer that is not ready */
	CONNECTED = 1 << 1,   /* was writable once */
	SHUTTING = 1 << 2,    /* FIN follows what waits */
	SHUT = 1 << 3,        /* FIN is out */
	RESUMED = 1 << 4,     /* fn is due, whatever the kernel says */
	ENDING = 1 << 5,      /* stream_deinit follows the next send */
};

/* --- the worker's share */

static bool make_bytes(struct stream_cork *cork)
{
	if (!cork->bytes)
		cork->bytes = malloc(STREAM_CORK_BYTES);
	return cork->bytes;
}

static bool make_corks(struct stream_scratch *scratch)
{
	scratch->corks = calloc(CORKS, sizeof(*scratch->corks));
	if (!scratch->corks)
		return false;
	for (size_t i = CORKS; i-- > 0;) {
		scratch->corks[i].next_free = scratch->free;
		scratch->free = &scratch->corks[i];
	}
	return make_bytes(scratch->free); /* so that there is one for few streams */
}

static void free_buffers(struct stream_scratch *scratch)
{
	for (size_t i = 0; scratch->corks && i < CORKS; i++)
		free(scratch->corks[i].bytes);
	free(scratch->corks);
	free(scratch->plain);
	free(scratch->cipher);
	free(scratch->wire);
	*scratch = (struct stream_scratch){0};
}

static void end_round(struct reactor_hook *hook);

int stream_scratch_init(struct stream_scratch *scratch, struct reactor *r, size_t read_bytes)
{
	MUST(read_bytes >= 16384);
	*scratch = (struct stream_scratch){.reactor = r, .read_bytes = read_bytes};
	list_init(&scratch->corked);
	scratch->plain = malloc(LENT_BYTES + LINE_BYTES + read_bytes + SPARE_BYTES);
	if (!scratch->plain || !make_corks(scratch)) {
		free_buffers(scratch);
		return err_raise(ENOMEM, "no memory for a worker's buffers");
	}
	reactor_hook_add(r, &scratch->hook, end_round);
	return 0;
}

void stream_scratch_deinit(struct stream_scratch *scratch)
{
	if (!scratch->reactor)
		return;
	MUST(list_empty(&scratch->corked));
	reactor_hook_remove(&scratch->hook);
	free_buffers(scratch);
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

static void send_corked(struct stream_scratch *scratch);

/* Gives s a cork. Where none is left, what all of them hold is sent now. */
static inline struct stream_cork *cork_take(struct stream *s)
{
	struct stream_scratch *scratch = s->scratch;

	if (s->cork)
		return s->cork;
	if (!scratch->free)
		send_corked(scratch);
	struct stream_cork *cork = scratch->free;
	scratch->free = cork->next_free;
	cork->owner = s;
	cork->len = 0;
	cork->lent = cork->sealed = slice_of(NULL, 0);
	list_append(&scratch->corked, &cork->link);
	s->cork = cork;
	return cork;
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

/* Not inlined: its arrays are not the usual case's business. */
__attribute__((noinline)) static int send_list(struct stream *s, const struct slice *parts,
					       size_t count, size_t *sent)
{
	struct slice waiting = stream_queue_slice(s->out);
	struct iovec v[PARTS + 1];
	size_t n = 0;

	for (size_t i = waiting.len ? 0 : 1; i <= count; i++) {
		struct slice part = i ? parts[i - 1] : waiting;
		union {
			const char *in;
			void *out;
		} unconst = {part.data};

		if (part.len)
			v[n++] = (struct iovec){unconst.out, part.len};
	}
	return sock_send(s->io.fd, v, n, s->state & ENDING, sent);
}

/* One send of [out, parts], `total` bytes together. Gives how many of them the kernel took: 0 if it
 * has no room. */
static inline int send_once(struct stream *s, const struct slice *parts, size_t count, size_t total,
			    size_t *sent)
{
	*sent = 0;
	if (total == 0 || !(s->io.ready & IO_WRITABLE))
		return 0;
	int r = count == 1 && !s->out ? sock_send_one(s->io.fd, parts[0], s->state & ENDING, sent)
				      : send_list(s, parts, count, sent);
	s->scratch->sends++;
	if (r == SOCK_AGAIN || (r == 0 && *sent < total))
		io_drained(&s->io, IO_WRITABLE);
	if (r == SOCK_AGAIN)
		return 0;
	return r == SOCK_RESET ? STREAM_RESET : r;
}

/* Of [out, parts] the kernel has taken `sent` bytes: the rest waits. */
static int keep_rest(struct stream *s, const struct slice *parts, size_t count, size_t sent)
{
	size_t old = stream_queue_slice(s->out).len;
	size_t from_out = sent < old ? sent : old;
	int r = 0;

	stream_queue_take(&s->out, from_out);
	sent -= from_out;
	for (size_t i = 0; i < count && r == 0; i++) {
		size_t skip = sent < parts[i].len ? sent : parts[i].len;

		sent -= skip;
		r = stream_queue_append(s, &s->out, slice_from(parts[i], skip), out_max(s));
	}
	return r;
}

/* Of [out, parts] the kernel has taken `sent` bytes, and said r. */
__attribute__((noinline)) static int pushed(struct stream *s, const struct slice *parts,
					    size_t count, size_t sent, bool all, int r)
{
	if (r == 0 && !all)
		r = keep_rest(s, parts, count, sent);
	else if (r == 0)
		queue_free(&s->out);
	if (r)
		return stream_break(s, r);
	if (!s->out && !s->cork)
		out_finished(s);
	return 0;
}

/* Sends what waits and then parts (at most PARTS); what the kernel does not take waits. */
static inline int push(struct stream *s, const struct slice *parts, size_t count)
{
	size_t total = stream_queue_slice(s->out).len, sent;

	MUST(count <= PARTS);
	if (s->broken)
		return s->broken;
	for (size_t i = 0; i < count; i++)
		total += parts[i].len;
	int r = send_once(s, parts, count, total, &sent);
	bool nothing_left = r == 0 && sent == total && !s->out;
	if (nothing_left && !(s->state & SHUTTING))
		return 0;
	return pushed(s, parts, count, sent, sent == total, r);
}

/* What the stream that is being encrypted has there. */
static struct slice stream_wire(const struct stream_scratch *scratch)
{
	return slice_of(scratch->wire + scratch->wire_from, scratch->wire_len - scratch->wire_from);
}

int stream_wire_push(struct stream *s)
{
	struct stream_scratch *scratch = s->scratch;
	struct slice wire = stream_wire(scratch);

	scratch->wire_len = scratch->wire_from;
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

static int encrypt(struct stream *s, const struct slice *parts, size_t count)
{
	int r = s->broken;

	for (size_t i = 0; i < count && r == 0; i++)
		if (parts[i].len)
			r = s->layer->ops->encrypt(s, parts[i]);
	return r;
}

/* All of it over TLS: encrypted first. */
static int push_encrypted(struct stream *s, const struct slice *parts, size_t count)
{
	int r = encrypt(s, parts, count);
	/* Even then: the next stream must find the wire empty. */
	int pushed = stream_wire_push(s);
	return r ? stream_break(s, r) : pushed;
}

/* Everything gathered, and then data. */
static int send_all(struct stream *s, struct slice data)
{
	struct slice parts[PARTS];
	size_t count = 0;

	if (s->cork && s->cork->len)
		parts[count++] = slice_of(s->cork->bytes, s->cork->len);
	if (s->cork && s->cork->lent.len)
		parts[count++] = s->cork->lent;
	if (data.len)
		parts[count++] = data;
	/* Off the list first: nothing below may send it a second time. Its bytes stay as they
	 * are until somebody takes a cork, and that is not before this has returned. */
	cork_release(s);
	return s->layer ? push_encrypted(s, parts, count) : push(s, parts, count);
}

int stream_flush(struct stream *s)
{
	if (!s->cork && !s->out)
		return s->broken;
	return send_all(s, slice_of(NULL, 0));
}

bool stream_flush_last(struct stream *s)
{
	s->state |= ENDING;
	bool all = stream_flush(s) == 0 && stream_pending_bytes(s) == 0;
	s->state &= (uint8_t)~ENDING;
	return all;
}

/* Encrypts what s has gathered; it is sent by send_sealed. */
static void seal(struct stream *s, struct stream_cork *cork)
{
	struct stream_scratch *scratch = s->scratch;
	struct slice parts[] = {slice_of(cork->bytes, cork->len), cork->lent};

	scratch->wire_from = scratch->wire_len;
	cork->sealing = encrypt(s, parts, sizeof(parts) / sizeof(*parts));
	cork->sealed = stream_wire(scratch);
}

/* Encrypts for one stream after another, as much as has room on the wire. What encrypts and what
 * sends are too large for the processor's first cache together: in turns each is slower by half.
 * Returns the first of the corks that must wait, or the list's head. */
static struct list *seal_corked(struct stream_scratch *scratch)
{
	LIST_EACH (link, &scratch->corked) {
		struct stream_cork *cork = LIST_ENTRY(link, struct stream_cork, link);
		size_t most = cork->len + cork->lent.len + SEAL_BYTES;

		if (most > WIRE_BYTES - scratch->wire_len)
			return link;
		seal(cork->owner, cork);
	}
	return &scratch->corked;
}

static void send_sealed(struct stream *s, struct stream_cork *cork)
{
	struct slice sealed = cork->sealed;
	int r = cork->sealing;

	cork_release(s);
	(void)push(s, &sealed, 1);
	if (r)
		stream_break(s, r);
}

/* Those in clear have nothing to be encrypted, and leave the list. Mostly what they have was lent.
 */
static void send_clear(struct stream_scratch *scratch)
{
	LIST_EACH (link, &scratch->corked) {
		struct stream_cork *cork = LIST_ENTRY(link, struct stream_cork, link);
		struct stream *s = cork->owner;

		if (s->layer)
			continue;
		if (cork->len) {
			(void)send_all(s, slice_of(NULL, 0));
			continue;
		}
		struct slice lent = cork->lent;
		cork_release(s);
		(void)push(s, &lent, 1);
	}
}

/* Streams remember how it went, and tell their sessions. */
static void send_corked(struct stream_scratch *scratch)
{
	send_clear(scratch);
	while (!list_empty(&scratch->corked)) {
		const struct list *end = seal_corked(scratch);

		while (scratch->corked.next != end) {
			struct stream_cork *cork =
				LIST_ENTRY(scratch->corked.next, struct stream_cork, link);
			send_sealed(cork->owner, cork);
		}
		scratch->wire_from = scratch->wire_len = 0;
		/* The first that had no room has all of it now, or will not with any. */
		if (!list_empty(&scratch->corked))
			(void)stream_flush(
				LIST_ENTRY(scratch->corked.next, struct stream_cork, link)->owner);
	}
}

static void flush_corked(struct stream_scratch *scratch)
{
	send_corked(scratch);
	scratch->lent_end = 0;
}

static void end_round(struct reactor_hook *hook)
{
	flush_corked(LIST_ENTRY(hook, struct stream_scratch, hook));
}

/* --- writing */

size_t stream_queued_bytes(const struct stream *s)
{
	return stream_queue_slice(s->out).len;
}

static int copy_in(struct stream *s, struct slice data)
{
	while (data.len) {
		struct stream_cork *cork = cork_take(s);
		if (!make_bytes(cork))
			return send_all(s, data);
		struct slice now = slice_first(data, STREAM_CORK_BYTES - cork->len);

		memcpy(cork->bytes + cork->len, now.data, now.len);
		cork->len += now.len;
		data = slice_from(data, now.len);
		int r = cork->len == STREAM_CORK_BYTES ? stream_flush(s) : 0;
		if (r)
			return r;
	}
	return 0;
}

__attribute__((noinline)) static int copy_lent(struct stream *s)
{
	struct slice lent = s->cork->lent;

	s->cork->lent = slice_of(NULL, 0);
	return copy_in(s, lent);
}

/* What was lent goes before anything that is written behind it. */
static inline int gather_lent(struct stream *s)
{
	return s->cork && s->cork->lent.len ? copy_lent(s) : 0;
}

/* Part of an admitted write. */
static int put(struct stream *s, struct slice data)
{
	if (data.len >= DIRECT_BYTES && (s->io.ready & IO_WRITABLE))
		return send_all(s, data);
	int r = gather_lent(s);
	return r ? r : copy_in(s, data);
}

/* There is room once what waits has been sent. */
__attribute__((noinline)) static int admit_later(struct stream *s, size_t bytes)
{
	int r = stream_flush(s);

	if (r)
		return r;
	return stream_pending_bytes(s) <= s->max_pending - bytes ? 0 : STREAM_FULL;
}

/* Whether `bytes` more may be written. */
static inline int admit(struct stream *s, size_t bytes)
{
	if (s->broken)
		return s->broken;
	if (s->state & (HANDSHAKING | SHUTTING))
		return err_raise(ENOTCONN, "written before the TLS handshake or after the end");
	if (bytes > s->max_pending)
		return STREAM_FULL;
	return stream_pending_bytes(s) <= s->max_pending - bytes ? 0 : admit_later(s, bytes);
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
	if (r == 0)
		r = gather_lent(s);
	if (r == 0 && s->cork && bytes > STREAM_CORK_BYTES - s->cork->len)
		r = stream_flush(s);
	if (r)
		return r;
	struct stream_cork *cork = cork_take(s);
	if (!make_bytes(cork))
		return err_raise(ENOMEM, "no memory for bytes to send");
	*room = cork->bytes + cork->len;
	return 0;
}

void stream_commit(struct stream *s, size_t bytes)
{
	MUST(s->cork && bytes <= STREAM_CORK_BYTES - s->cork->len);
	s->cork->len += bytes;
}

static inline int lend(struct stream *s, struct slice bytes)
{
	struct stream_scratch *scratch = s->scratch;
	size_t end = (size_t)(bytes.data - scratch->plain) + bytes.len;

	cork_take(s)->lent = bytes;
	if (end > scratch->lent_end)
		scratch->lent_end = end;
	return 0;
}

__attribute__((noinline)) static int lend_behind(struct stream *s, struct slice bytes)
{
	int r = gather_lent(s);

	if (r == 0)
		r = admit(s, bytes.len);
	return r ? r : lend(s, bytes);
}

/* Nothing was lent to s yet, or something else, or there is no room before it was sent. */
int stream_lend_first(struct stream *s, struct slice bytes)
{
	bool nothing_waits = !s->cork && !s->out && !s->broken;

	if (nothing_waits && !(s->state & (HANDSHAKING | SHUTTING)) &&
	    bytes.len <= s->max_pending && s->scratch->free)
		return lend(s, bytes);
	return lend_behind(s, bytes);
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
	if (s->state & HANDSHAKING)
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

	if (scratch->lent_end > LENT_BYTES)
		flush_corked(scratch);
	got->data = scratch->plain + (scratch->lent_end + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
	/* Records end where they like. */
	if (s->in || s->layer)
		room += SPARE_BYTES;
	return read_into(s, got->data, room, &got->len);
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
	cork_release(s);
	stream_layer_drop(s);
	queue_free(&s->out);
	queue_free(&s->in);
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
		return s->state & CONNECTED ? 0 : STREAM_AGAIN;
	/* Room and no hangup: the kernel says that only of a connection that stands. */
	if (!(s->io.ready & IO_HANGUP))
		return 0;
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
