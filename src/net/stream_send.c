/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What streams have gathered, encrypted and sent; see stream.h.
 *
 *   out.bytes   cork.bytes  cork.lent      What waits leaves in this order. In clear it goes into
 *   [.......]   [........]  [.......]      one sendmsg; under TLS the cork is encrypted onto the
 *       \___________________/              wire first. What the kernel leaves is the new out.
 */
#include <sys/socket.h>

#include "net/sock.h"
#include "net/stream_priv.h"

enum {
	CORKS = 64,        /* per worker; then they are sent early */
	SEAL_BYTES = 1024, /* TLS's own, of what one cork holds: 22 to 29 a record */
	PARTS = 3,         /* of one send: cork.bytes, cork.lent, something more */
};

/* --- the worker's share */

static bool make_corks(struct stream_scratch *scratch)
{
	scratch->corks = calloc(CORKS, sizeof(*scratch->corks));
	if (!scratch->corks)
		return false;
	for (size_t i = CORKS; i-- > 0;) {
		scratch->corks[i].next_free = scratch->free;
		scratch->free = &scratch->corks[i];
	}
	return stream_cork_bytes(scratch->free); /* so that there is one for few streams */
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
	scratch->plain =
		malloc(STREAM_LENT_BYTES + STREAM_LINE_BYTES + read_bytes + STREAM_SPARE_BYTES);
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

/* TLS adds bytes of its own to what the session wrote. */
static size_t out_max(const struct stream *s)
{
	return s->max_pending + s->max_pending / 16 + STREAM_SPARE_BYTES;
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

void stream_out_finished(struct stream *s)
{
	if ((s->state & (STREAM_SHUTTING | STREAM_SHUT)) != STREAM_SHUTTING)
		return;
	s->state |= STREAM_SHUT;
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
	return sock_send(s->io.fd, v, n, s->state & STREAM_ENDING, sent);
}

/* One send of [out, parts], `total` bytes together. Gives how many of them the kernel took: 0 if it
 * has no room. */
static inline int send_once(struct stream *s, const struct slice *parts, size_t count, size_t total,
			    size_t *sent)
{
	*sent = 0;
	if (total == 0 || !(s->io.ready & IO_WRITABLE))
		return 0;
	int r = count == 1 && !s->out
			? sock_send_one(s->io.fd, parts[0], s->state & STREAM_ENDING, sent)
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
		stream_queue_free(&s->out);
	if (r)
		return stream_break(s, r);
	if (!s->out && !s->cork)
		stream_out_finished(s);
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
	if (nothing_left && !(s->state & STREAM_SHUTTING))
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
		size_t room = STREAM_WIRE_BYTES - scratch->wire_len;
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
int stream_send_all(struct stream *s, struct slice data)
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
	stream_cork_release(s);
	return s->layer ? push_encrypted(s, parts, count) : push(s, parts, count);
}

int stream_flush(struct stream *s)
{
	if (!s->cork && !s->out)
		return s->broken;
	return stream_send_all(s, slice_of(NULL, 0));
}

bool stream_flush_last(struct stream *s)
{
	s->state |= STREAM_ENDING;
	bool all = stream_flush(s) == 0 && stream_pending_bytes(s) == 0;
	s->state &= (uint8_t)~STREAM_ENDING;
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

		if (most > STREAM_WIRE_BYTES - scratch->wire_len)
			return link;
		seal(cork->owner, cork);
	}
	return &scratch->corked;
}

static void send_sealed(struct stream *s, struct stream_cork *cork)
{
	struct slice sealed = cork->sealed;
	int r = cork->sealing;

	stream_cork_release(s);
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
			(void)stream_send_all(s, slice_of(NULL, 0));
			continue;
		}
		struct slice lent = cork->lent;
		stream_cork_release(s);
		(void)push(s, &lent, 1);
	}
}

void stream_send_corked(struct stream_scratch *scratch)
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

static void end_round(struct reactor_hook *hook)
{
	struct stream_scratch *scratch = LIST_ENTRY(hook, struct stream_scratch, hook);

	stream_send_corked(scratch);
	scratch->lent_end = 0;
}
