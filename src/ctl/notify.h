/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The service manager: what it gives when it starts us, and what it wants to hear.
 *
 *   LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES   sockets from descriptor 3 on
 *   NOTIFY_SOCKET                            a datagram per message: READY=1, ...
 *   WATCHDOG_USEC, WATCHDOG_PID              WATCHDOG=1 at least so often, or we are restarted
 *
 * In the parent only: the gateway has neither the variables nor the descriptor.
 */
#include <stdbool.h>
#include <stddef.h>

enum { NOTIFY_FIRST_SOCKET = 3, NOTIFY_SOCKETS_MAX = 64 };

/* Reads the variables and takes them out of the environment. Returns how many sockets there
 * are, from NOTIFY_FIRST_SOCKET on; they are close-on-exec and non-blocking from now on. */
size_t notify_begin(void);

/* Lines of NAME=value. Nothing happens without a service manager; what it does not take is
 * lost. */
void notify_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* WATCHDOG=1, if that is wanted. */
void notify_alive(void);
