/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The whole gateway in one process: start, run, drain, end.
 *
 *   main thread: control (questions, admin, signals)    log thread    resolver thread
 *   worker threads: connections
 *
 * SIGTERM or SIGINT drains: no new connections, sessions are closed with 1001, what is
 * under way may finish for DRAIN_MS. A second one ends the process at once.
 */
#include "base/slice.h"

enum { SERVE_DRAIN_MS = 10000 };

/* Returns the exit status: 0 after a drain, 1 if it could not start (said on standard error). */
int serve_run(const char *configuration);
