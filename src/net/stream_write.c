/* SPDX-License-Identifier: Apache-2.0 */
/* What may be written, and how it is gathered; see stream.h. */
#include "net/stream_priv.h"

enum { DIRECT_BYTES = 16384 }; /* from here on copying into the cork costs more than a send */

size_t stream_queued_bytes(const struct stream *s)
{
	return stream_queue_slice(s->out).len;
}

static int copy_in(struct stream *s, struct slice data)
{
	while (data.len) {
		struct stream_cork *cork = stream_cork_take(s);
		if (!stream_cork_bytes(cork))
			return stream_send_all(s, data);
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
		return stream_send_all(s, data);
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
	if (s->state & (STREAM_HANDSHAKING | STREAM_SHUTTING))
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
	struct stream_cork *cork = stream_cork_take(s);
	if (!stream_cork_bytes(cork))
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

	stream_cork_take(s)->lent = bytes;
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

	if (nothing_waits && !(s->state & (STREAM_HANDSHAKING | STREAM_SHUTTING)) &&
	    bytes.len <= s->max_pending && s->scratch->free)
		return lend(s, bytes);
	return lend_behind(s, bytes);
}

int stream_shutdown(struct stream *s)
{
	if (s->state & STREAM_SHUT)
		return 0;
	if (!(s->state & STREAM_SHUTTING)) {
		/* One packet with the FIN behind it. What the kernel does not take leaves later,
		 * and takes along what the kernel kept. */
		s->state |= STREAM_ENDING;
		(void)stream_flush(s);
		s->state |= STREAM_SHUTTING;
		if (s->layer && !s->broken) {
			s->layer->ops->close(s);
			(void)stream_wire_push(s);
		}
		s->state &= (uint8_t)~STREAM_ENDING;
	}
	if (s->broken)
		return s->broken;
	if (!s->out)
		stream_out_finished(s);
	return s->state & STREAM_SHUT ? 0 : STREAM_AGAIN;
}
