/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The parent process: it holds the listening sockets and starts the gateway again should
 * that ever die. It reads nothing that comes from a client.
 *
 *   parent --fork, exec--> gateway (workers, control)
 *      |  sockets are inherited; while no gateway lives, clients queue in the kernel
 *      |  channel: "ready", "closed", new sockets (SCM_RIGHTS)
 *      |  beat: a page that says whether the gateway lives (ctl/beat); one that is stuck is ended
 *
 * SIGTERM, SIGINT   passed on; the gateway drains and both end. A second one ends at once
 * SIGHUP            passed on: reload
 * SIGUSR1           passed on: the audit log's file is looked for again
 * SIGUSR2           roll: a new gateway from the binary as it is on disk now; when it is
 *                   ready the old one drains
 *
 * One that dies soon after its start is started again later and later.
 *
 * Sockets that a service manager opened are held like our own. It hears from here that we are
 * ready, reload, end, and that the gateway lives: ctl/notify.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"

/* Runs the gateway below a parent. Returns the exit status. */
int parent_run(char *configuration);

/* --- in the gateway */

/* Whether this process was started by a parent. */
bool parent_present(void);

/* How the gateway before us died ("signal 9"), or NULL: we are not started in its stead. */
const char *parent_says_died(void);

/* The socket inherited for the listener (its index in the configuration, and its address; port 0
 * stands for any) and not taken yet, or -1. One per worker. */
int parent_take_socket(size_t listener, const struct address *a);

/* Closes what nobody took. */
void parent_close_rest(void);

/* Everything runs: an older gateway may go. */
void parent_say_ready(void);

/* For the service manager: all loops turn; the reload that was asked for is over. */
void parent_say_alive(void);
void parent_say_reloaded(void);

/* A socket was opened, for the parent to keep as well, or is not wanted any more. */
void parent_give_socket(size_t listener, int fd);
void parent_forget_address(const struct address *a);
