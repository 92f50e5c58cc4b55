/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parts of a request share. Private to them.
 *
 *   request.c        its object, and its bytes as they come: head, body, the next one
 *   request_judge.c  a whole head: which phase it is for, and whether there is room and time
 *   request_act.c    handshakes and own endpoints: what policy says about them is done
 *
 * All of these may end the connection.
 */
#include "gateway/conn.h"

/* --- request.c */

/* Of an own endpoint: what the head announced. When all of it is here: request_start_endpoint. */
void request_start_body(struct conn *c);

/* --- request_judge.c */

/* The head is whole. */
void request_head_done(struct conn *c);

/* --- request_act.c */

/* Dispatched and read: policy begins with it. */
void request_start_endpoint(struct conn *c);
void request_start_handshake(struct conn *c);
