/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parts of a request share. Private to them.
 *
 *   request.c        its object, and its bytes as they come: head, body, the next one
 *   request_act.c    handshakes and own endpoints: what policy says about them is done
 *
 * All of these may end the connection.
 */
#include "gateway/conn.h"

/* --- request_act.c */

/* Dispatched and read: policy begins with it. */
void request_start_endpoint(struct conn *c);
void request_start_handshake(struct conn *c);
