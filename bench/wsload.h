/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the load generator is made of: one end of a connection, in clear or TLS, that never
 * waits.
 *
 *   wsload.c        options, the kinds of load, what is printed
 *   wsload_peer.c   struct peer: sockets, TLS, the client's opening handshake
 *   wsload_echo.c   the application behind the gateway
 *
 * Speaks with the project's own codec, since what it measures are other processes. Whatever
 * should not be ends it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum { LOAD_BUFFER = 2 << 20, LOAD_EVENTS = 256 };

/* Where to and how. */
struct target {
	bool tls;
	uint16_t port; /* of 127.0.0.1 */
	char path[512];
	const char *headers;         /* further lines of the request, each with its CRLF */
	const char *(*ticket)(void); /* NULL: none; else a fresh one for each request */
	unsigned addresses; /* so many of 127/8 are connected from, in turn; 0: no matter */
};

enum peer_state {
	PEER_CONNECTING = 0,
	PEER_TLS,
	PEER_ASKING,
	PEER_ANSWER,
	PEER_OPEN,
	PEER_LEAVING,
	PEER_ENDED
};

struct peer {
	int fd;
	SSL *ssl;
	enum peer_state state;
	bool wants_write; /* as epoll knows it */
	char *in;         /* bytes not used yet */
	size_t len, cap;
	const char *out; /* bytes not sent yet: of the request, then of batch */
	size_t out_len;
	unsigned status; /* of the answer, once it is there */

	/* The load's. */
	uint64_t skip;        /* bytes of a payload that is passing by */
	unsigned outstanding; /* messages */
	unsigned owed;        /* messages that wait until `out` is empty */
	uint64_t asked_ns;
};

void load_die(const char *what) __attribute__((noreturn));
uint64_t load_now_ns(void);

/* PEM of certificate and key that clients present over TLS. */
void load_certificate(const char *file);

/* A fresh socket on its way to the target, watched by epoll. */
void peer_connect(struct peer *p, const struct target *t, int epoll_fd);

/* Goes on with the opening handshake, or the closing one, as far as it gets. True as long as it
 * is under way or open; else the state is PEER_ENDED, with the status that came, if one came. */
bool peer_advance(struct peer *p, const struct target *t, int epoll_fd);

/* Reads what is there behind p->in. False: the end, or nothing for now if *again. */
bool peer_read(struct peer *p, bool *again);

/* Sends as much of `out` as goes now, and asks epoll for the rest. */
void peer_flush(struct peer *p, int epoll_fd);

void peer_drop_front(struct peer *p, size_t n);

/* Of an open one: begins the closing handshake. */
void peer_leave(struct peer *p, int epoll_fd);

/* At once, so that no port waits for its old connection. */
void peer_close(struct peer *p);

/* Serves forever. `where` is a port of 127.0.0.1 or the path of a socket. */
void echo_run(const char *where) __attribute__((noreturn));
