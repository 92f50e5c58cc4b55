/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sockets: the few calls that the gateway makes, with outcomes instead of errno lore.
 *
 * Every descriptor made here is non-blocking and close-on-exec. TCP ones send without
 * delay (what belongs together is gathered by net/stream, not by Nagle).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/address.h"
#include "base/slice.h"

enum sock_outcome {
	SOCK_AGAIN = 1,    /* not now; the reactor will say when */
	SOCK_CLOSED = 2,   /* the peer ended its side */
	SOCK_RESET = 3,    /* the connection is gone: reset, timed out, unreachable */
	SOCK_NO_FILES = 4, /* out of descriptors or memory: see sock_accept */
};

/* base/address and the kernel's form. family 0 gives length 0; an unknown kernel family
 * (a unix socket) gives family 0. */
socklen_t sock_address_to(const struct address *a, struct sockaddr_storage *to);
struct address sock_address_from(const struct sockaddr_storage *from);

/* Names of a connected or bound socket; family 0 when there is none. */
struct address sock_local(int fd);
struct address sock_peer(int fd);

/* A listening socket on a (port 0: the kernel chooses; ask sock_local). With `shared`
 * several sockets may listen on the same address (SO_REUSEPORT, one per worker) and the
 * kernel spreads connections over them. IPv6 sockets take IPv6 only.
 * No TCP_DEFER_ACCEPT: it would hide who connects and says nothing from our limits.
 * Returns 0 or -errno. */
int sock_listen(const struct address *a, int backlog, bool shared, int *fd);

/* An open descriptor that is given up for a moment when there are no more. -1 if there
 * is none to be had. */
int sock_reserve_open(void);

/*
 * The next connection. Returns
 *   0              *fd is the caller's, *peer its address
 *   SOCK_AGAIN     nobody waits
 *   SOCK_NO_FILES  no descriptor or no memory. Where *reserve_fd allowed it the waiting
 *                  connection was accepted and closed, so that the peer knows and the
 *                  queue moves; count it and go on accepting later (io_again)
 *   -errno         the listening socket itself is broken
 * Connections that ended while they waited are passed over.
 */
int sock_accept(int listen_fd, int *reserve_fd, int *fd, struct address *peer);

/* Does another connection wait? Much cheaper than to accept in vain, for which the kernel makes a
 * socket and throws it away. True as well if it cannot be known. */
bool sock_has_next(int listen_fd);

/* Begins to connect. Returns
 *   0           done or under way: the socket becomes writable, then ask sock_connect_result
 *   SOCK_RESET  the other side is not to be had, said at once: refused, no way there, no such
 *               socket; err_sentence says why
 *   -errno      it is us: no descriptor, no memory, no address to connect to */
int sock_connect(const struct address *a, int *fd);

/* The same to a unix socket, and SOCK_AGAIN if its backlog is full: try later. */
int sock_connect_unix(struct slice path, int *fd);

/* Once writable: 0 connected, SOCK_AGAIN still under way, or -errno of the failure
 * (ECONNREFUSED, ETIMEDOUT, ...), with its sentence. */
int sock_connect_result(int fd);

/* Probes after idle_s seconds of silence, so that a vanished peer is noticed. Set on a listener,
 * the sockets that are accepted from it have it too. */
void sock_keepalive(int fd, unsigned idle_s);

/* The next close sends RST instead of what is still to be sent. */
void sock_linger_none(int fd);

/* One recv. Returns 0 with *got > 0, SOCK_AGAIN, SOCK_CLOSED, SOCK_RESET or -errno. */
int sock_recv(int fd, char *into, size_t room, size_t *got);

/* One sendmsg, no SIGPIPE. Returns 0 with *sent (may be less than all), SOCK_AGAIN,
 * SOCK_RESET or -errno. parts are not changed. With `more` the kernel may wait for what follows:
 * a close, whose FIN then travels in the same packet. */
int sock_send(int fd, const struct iovec *parts, size_t count, bool more, size_t *sent);

/* The same for one part, with which the kernel is quicker than with a list of one. */
int sock_send_one(int fd, struct slice part, bool more, size_t *sent);
