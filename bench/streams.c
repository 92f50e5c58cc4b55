/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same echo and relay as tcpfloor, through net/stream and tls/stream: what the layers
 * under the gateway cost before anything is looked at.
 *
 *   streams PORT [UPSTREAM_PORT|0] [tls]
 *
 * With `tls` the listener has the development certificate; the upstream is in clear.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/obj.h"
#include "net/clock.h"
#include "net/sock.h"
#include "net/stream.h"
#include "tls/stream.h"

enum { QUEUE_BYTES = 1 << 20, PAUSE_BYTES = 1 << 18 };

struct pair {
	struct stream client, up;
	bool paused_client, paused_up, shaking;
};

static struct reactor reactor;
static struct stream_scratch scratch;
static struct budget memory;
static struct tls_server *server;
static struct address upstream;

static void end(struct pair *p)
{
	stream_deinit(&p->client);
	stream_deinit(&p->up);
	free(p);
}

/* False: the pair has ended. */
static bool move(struct pair *p, struct stream *from, struct stream *to, bool *paused)
{
	struct stream_bytes got;

	*paused = stream_pending_bytes(to) > PAUSE_BYTES;
	if (*paused)
		return true;
	int r = stream_read(from, &got);
	if (r == 0)
		r = stream_write(to, slice_of(got.data, got.len));
	if (r == 0 || r == STREAM_AGAIN)
		return true;
	end(p);
	return false;
}

static void on_client(struct stream *s, unsigned why)
{
	struct pair *p = STREAM_OWNER(s, struct pair, client);
	bool relay = upstream.port != 0;
	struct stream *to = relay ? &p->up : &p->client;

	if (p->shaking) {
		int r = stream_handshake(s);
		if (r && r != STREAM_AGAIN)
			end(p);
		if (r)
			return;
		p->shaking = false;
		stream_resume(s);
	}
	if (why & STREAM_WRITE && p->paused_up && relay && !move(p, &p->up, s, &p->paused_up))
		return;
	if (why & (STREAM_READ | STREAM_GONE) || p->paused_client)
		(void)move(p, s, to, &p->paused_client);
}

static void on_up(struct stream *s, unsigned why)
{
	struct pair *p = STREAM_OWNER(s, struct pair, up);

	if (why & STREAM_WRITE && p->paused_client && !move(p, &p->client, s, &p->paused_client))
		return;
	if (why & (STREAM_READ | STREAM_GONE))
		(void)move(p, s, &p->client, &p->paused_up);
}

static void accepted(int fd)
{
	struct pair *p = calloc(1, sizeof(*p));
	int up;

	MUST(p && stream_init(&p->client, &scratch, fd, on_client, QUEUE_BYTES, &memory) == 0);
	if (server) {
		MUST(tls_stream_start_server(&p->client, server) == 0);
		p->shaking = true;
	}
	if (upstream.port) {
		MUST(sock_connect(&upstream, &up) == 0);
		MUST(stream_init(&p->up, &scratch, up, on_up, QUEUE_BYTES, &memory) == 0);
	}
}

static void on_listener(struct io *io)
{
	int reserve = -1, fd;
	struct address peer;

	while (sock_accept(io->fd, &reserve, &fd, &peer) == 0)
		accepted(fd);
	io_drained(io, IO_READABLE);
}

int main(int argc, char **argv)
{
	struct io listener;
	struct address at;
	struct tls_certificate *c;
	int fd;

	if (argc < 2) {
		fprintf(stderr, "usage: streams PORT [UPSTREAM_PORT|0] [tls]\n");
		return 2;
	}
	budget_init(&memory, UINT64_MAX, NULL);
	MUST(address_parse(SLICE("127.0.0.1"), &at));
	upstream = at;
	at.port = (uint16_t)strtoul(argv[1], NULL, 10);
	upstream.port = (uint16_t)(argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	MUST(reactor_init(&reactor) == 0);
	MUST(stream_scratch_init(&scratch, &reactor, STREAM_READ_BYTES) == 0);
	if (argc > 3) {
		MUST(tls_certificate_develop(clock_read().unix_ms, &c) == 0);
		MUST(tls_server_new(&c, 1, false, &server) == 0);
		printf("%.*s", SLICE_ARG(tls_certificate_pem(c)));
		fflush(stdout);
	}
	MUST(sock_listen(&at, 4096, false, &fd) == 0);
	MUST(io_add(&reactor, &listener, fd, on_listener) == 0);
	return reactor_run(&reactor) ? 1 : 0;
}
