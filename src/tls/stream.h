/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Makes a net/stream speak TLS. From then on stream_handshake, stream_read, stream_write
 * and the others do the rest; nobody else sees OpenSSL.
 *
 * OpenSSL reads from and writes to the worker's shared buffers (a BIO of our own), so one
 * read is one recv and one flush one send, however many records that is.
 */
#include "base/slice.h"
#include "net/stream.h"
#include "tls/ctx.h"

/* The stream is the server's side; what has been read from it was given back by stream_unread,
 * if it was not for somebody else. Then call
 * stream_handshake until it says something else than STREAM_AGAIN. Returns 0 or -errno. */
int tls_stream_start_server(struct stream *s, struct tls_server *server);

/* The stream, connected or not yet, is the client's side; the peer must present a
 * certificate for host (a name, or a literal address without brackets). Returns 0 or -errno. */
int tls_stream_start_client(struct stream *s, struct tls_client *client, struct slice host);

/* After the handshake, for logs: "TLSv1.3", and the cipher's name. Static text. "" in clear. */
const char *tls_stream_version(const struct stream *s);
const char *tls_stream_cipher(const struct stream *s);

/* The name the client asked for (SNI); empty if none. Valid until the stream ends. */
struct slice tls_stream_server_name(const struct stream *s);
