/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a connection reads and writes through, in clear or over TLS.
 *
 *               worker's scratch (shared by all its streams)
 *   socket --recv--> [ bytes, up to 256 KiB ] --(decrypt)--> [ got ] --> session
 *   session --> [cork: what this stream writes this round] --(encrypt)--> send, once
 *                   what the kernel did not take --> the stream's own queue, charged
 *
 * A stream that waits owns no buffer. One read is one recv into the worker's shared
 * buffer; writes of a round are gathered and sent with one send when the round is over. What
 * only passes through is not even copied: it is lent to the stream where it was read.
 * Whatever a stream keeps for itself has the caller's maximum and counts against the
 * caller's budget. The session cannot tell TLS from clear text.
 *
 * Everything belongs to one worker thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/charge.h"
#include "base/list.h"
#include "base/slice.h"
#include "net/reactor.h"

enum stream_outcome {
	STREAM_AGAIN = 1,      /* nothing at the moment; the stream's fn will be called */
	STREAM_CLOSED = 2,     /* the peer ended cleanly: FIN, over TLS close_notify */
	STREAM_TRUNCATED = 3,  /* TLS only: FIN without close_notify; somebody may have cut it */
	STREAM_RESET = 4,      /* gone: reset, timed out */
	STREAM_FULL = 5,       /* writing: more than the maximum or the budget allows would wait */
	STREAM_TLS_FAILED = 6, /* bad record, alert, no common cipher; sentence in err_text */
	STREAM_UNTRUSTED = 7,  /* handshake as client: the certificate is not to be trusted */
	STREAM_PLAIN_HTTP = 8, /* handshake as server: the peer speaks HTTP in clear */
};

/* Why fn is called. */
enum {
	STREAM_READ = 1 << 0,  /* stream_read may have something */
	STREAM_WRITE = 1 << 1, /* there is room: connected, or waiting output became less */
	STREAM_GONE = 1 << 2,  /* hung up or broken; reading and writing say how */
};

enum {
	STREAM_READ_BYTES = 256 * 1024, /* default for one read */
	STREAM_CORK_BYTES = 64 * 1024,  /* gathered per stream and round before it is sent early */
};

/* Bytes that may be changed in place (unmasked, say). */
struct stream_bytes {
	char *data;
	size_t len;
};

struct stream;
struct stream_cork;
struct stream_layer;
struct stream_queue;

typedef void (*stream_fn)(struct stream *s, unsigned why);

/* One per worker. */
struct stream_scratch {
	struct reactor *reactor;
	struct reactor_hook hook;
	char *plain, *cipher; /* read_bytes each; cipher is made with the first TLS stream */
	char *wire;           /* records not sent yet; likewise */
	size_t read_bytes, wire_len, wire_from; /* from wire_from on they are one stream's */
	struct stream_cork *corks;
	struct list corked;       /* in the order of their first write */
	struct stream_cork *free; /* last used first, so that it is still in the cache */
	size_t lent_end;          /* so much of plain is lent until the end of the round */
	uint64_t recvs, sends;    /* counted for tests and benchmarks */
};

/* Lives in the session. 112 bytes. */
struct stream {
	struct io io;
	stream_fn fn;
	struct stream_scratch *scratch;
	struct stream_layer *layer; /* TLS; NULL in clear */
	struct stream_cork *cork;   /* written this round; NULL if nothing */
	struct stream_queue *out;   /* for the wire, not taken by the kernel */
	struct stream_queue *in;    /* handed back by stream_unread */
	struct budget *budget;
	size_t max_pending;
	uint8_t state; /* private bits */
	int broken;    /* outcome that every further write gets */
};

#define STREAM_OWNER(stream, type, member) LIST_ENTRY(stream, type, member)

/* read_bytes: the most one stream_read gives; at least 16 KiB. Returns 0 or -errno. */
int stream_scratch_init(struct stream_scratch *scratch, struct reactor *r, size_t read_bytes);

/* All its streams must be gone. */
void stream_scratch_deinit(struct stream_scratch *scratch);

/*
 * Takes the connected or connecting socket fd, in clear; tls_stream_start_* makes it TLS.
 * fn is called from the reactor when something may be done; it may end the stream.
 * max_pending bounds what may wait to be sent; what waits beyond the round, and what
 * stream_unread gives back, is charged to budget. Returns 0, or -errno with fd still the
 * caller's.
 */
int stream_init(struct stream *s, struct stream_scratch *scratch, int fd, stream_fn fn,
		size_t max_pending, struct budget *budget);

/* The same for a socket whose peer may have spoken already: fn is called next round, and if the
 * stream goes on after that the caller says stream_watch, so that the kernel tells of all that
 * follows (harmless twice; 0 or -errno). Who is answered and closed at once saves that. */
void stream_init_later(struct stream *s, struct stream_scratch *scratch, int fd, stream_fn fn,
		       size_t max_pending, struct budget *budget);
static inline int stream_watch(struct stream *s);

/* Closes the socket and gives everything back; sends nothing more of what waits here.
 * Bytes the kernel already has still go out, unless the peer's are left unread: then it
 * resets. Harmless twice and on zeroes. From any callback. */
void stream_deinit(struct stream *s);

/* The same with RST, at once. */
void stream_abort(struct stream *s);

/* Whether the socket is connected: 0, STREAM_AGAIN, or -errno (ECONNREFUSED, ...). Ask
 * when fn first says STREAM_WRITE or STREAM_GONE. */
int stream_connected(struct stream *s);

/* The next step of the TLS handshake: 0 done (always so in clear), STREAM_AGAIN,
 * STREAM_CLOSED, STREAM_TRUNCATED, STREAM_RESET, STREAM_TLS_FAILED, STREAM_UNTRUSTED, -errno.
 * An alert for the peer has been sent. After STREAM_PLAIN_HTTP the stream is in clear and
 * gives what was read to stream_read, so that an answer can be written. */
int stream_handshake(struct stream *s);

/*
 * The next bytes. Returns 0 with got->len > 0, STREAM_AGAIN, STREAM_CLOSED,
 * STREAM_TRUNCATED, STREAM_RESET, STREAM_TLS_FAILED or -errno.
 *
 * At most one recv. *got lies in the worker's scratch: valid until the next stream_read or
 * stream_handshake of any stream; it may be changed. If there may be more, fn is called
 * again next round, so one read per call is fair and enough. A session that does not want
 * to read now simply does not, and says stream_resume when it does.
 */
int stream_read(struct stream *s, struct stream_bytes *got) __attribute__((warn_unused_result));

/* The same to where the caller wants it: at most `room` bytes, at `into`. */
int stream_read_into(struct stream *s, char *into, size_t room, size_t *got)
	__attribute__((warn_unused_result));

/* Gives back the end of what the last stream_read gave: the next one starts with it,
 * without a recv. For stopping in the middle of a batch. Calls fn only after stream_resume.
 * Returns 0, STREAM_FULL (budget) or -ENOMEM: then the bytes are lost and the stream has
 * to be ended. */
int stream_unread(struct stream *s, struct slice rest) __attribute__((warn_unused_result));

/* fn is called next round with STREAM_READ, as if bytes had come. */
void stream_resume(struct stream *s);

/*
 * Writes all of data or nothing; copies it. It leaves with the end of the round at the
 * latest. Returns 0, STREAM_FULL with nothing taken, STREAM_RESET, STREAM_TLS_FAILED,
 * or -errno. STREAM_FULL means that pending + data > max_pending: give a maximum of
 * "pending at which I stop reading from the other side" plus the longest write.
 *
 * When what the kernel did not take finds no budget or memory, part of it may have left:
 * the stream is broken then, fn says STREAM_GONE, and everything returns STREAM_FULL
 * (or -ENOMEM).
 */
int stream_write(struct stream *s, struct slice data) __attribute__((warn_unused_result));

/* The same for several parts, together. */
int stream_writev(struct stream *s, const struct slice *parts, size_t count)
	__attribute__((warn_unused_result));

/* The same without a copy: *room for `bytes` (at most STREAM_CORK_BYTES) is written by the
 * caller, then stream_commit says how many it was. Nothing else may happen in between.
 * Returns as stream_write. */
int stream_reserve(struct stream *s, size_t bytes, char **room) __attribute__((warn_unused_result));
void stream_commit(struct stream *s, size_t bytes);

/*
 * As stream_write, but without a copy, for bytes of what the last stream_read of any stream gave;
 * nobody may change them any more. They stay where they are until the end of the round. Pieces
 * that follow each other are one to the kernel.
 */
static inline int stream_lend(struct stream *s, struct slice bytes)
	__attribute__((warn_unused_result));

/* Bytes written and not yet taken by the kernel (over TLS a few more: as encrypted). */
static inline size_t stream_pending_bytes(const struct stream *s);

/* Sends now instead of at the end of the round. Returns 0 (whether or not all went out),
 * STREAM_RESET, STREAM_TLS_FAILED or -errno. */
int stream_flush(struct stream *s);

/* The same for the last words before stream_deinit, so that these and the end are one packet.
 * False: not all went out; what the kernel took of it may be late by a fifth of a second. */
bool stream_flush_last(struct stream *s);

/* No more writes: once everything has gone out, close_notify (TLS) and FIN follow, if they can
 * in one packet with the last of it. Reading goes on. Returns 0 if they are out, STREAM_AGAIN if
 * they will follow by themselves (fn says STREAM_WRITE when they have), else as stream_flush. */
int stream_shutdown(struct stream *s);

/* The peer has ended its side or the connection failed; there may still be bytes to read. */
static inline bool stream_hung_up(const struct stream *s)
{
	return s->io.ready & IO_HANGUP;
}

/* --- private: what is called for each message */

/* What a stream writes in a round: first `bytes`, then `lent`. */
struct stream_cork {
	struct list link; /* in scratch.corked */
	struct stream_cork *next_free;
	struct stream *owner;
	struct slice lent;   /* in scratch.plain */
	struct slice sealed; /* both of them encrypted, in scratch.wire; the round's end only */
	int sealing;         /* how that went */
	size_t len;
	char *bytes; /* STREAM_CORK_BYTES; made with the first that is copied */
};

static inline int stream_watch(struct stream *s)
{
	return s->io.watched ? 0 : io_watch(&s->io);
}

int stream_lend_first(struct stream *s, struct slice bytes) __attribute__((warn_unused_result));
size_t stream_queued_bytes(const struct stream *s);

static inline size_t stream_pending_bytes(const struct stream *s)
{
	size_t corked = s->cork ? s->cork->len + s->cork->lent.len : 0;

	return s->out ? corked + stream_queued_bytes(s) : corked;
}

static inline int stream_lend(struct stream *s, struct slice bytes)
{
	struct stream_cork *cork = s->cork;

	if (!cork || cork->lent.len == 0 || cork->lent.data + cork->lent.len != bytes.data ||
	    stream_pending_bytes(s) + bytes.len > s->max_pending)
		return stream_lend_first(s, bytes);
	cork->lent.len += bytes.len;
	s->scratch->lent_end += bytes.len;
	return 0;
}
