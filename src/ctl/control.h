/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The control thread's answers: everything that may wait happens here.
 *
 *   ask.mail --> take or put a ticket: store, at once
 *            --> verify a cookie: cache, else the application by HTTP
 *            --> newer keys of an issuer: keysets
 *            --> a piece of a file: disk
 *            ... ask_give_back
 */
#include "base/event.h"
#include "base/metric.h"
#include "net/mailbox.h"
#include "net/reactor.h"

struct control;
struct keysets;

/* Belongs to the thread that runs r. Returns 0 or -errno. */
int control_new(struct reactor *r, struct event_sink *log, struct control **out);

/* No question is under way. Accepts NULL. */
void control_free(struct control *c);

/* Every cookie is asked about anew. */
void control_forget_verified(struct control *c);

/* Where generations get the keys of tokens from. */
struct keysets *control_keysets(struct control *c);

/* Puts a ticket's record into the store, from the control thread itself. Returns as store_put. */
int control_put_ticket(struct control *c, const uint8_t id[16], struct slice record,
		       uint64_t expires_unix_ms);

/* For struct gateway. */
struct mailbox *control_mailbox(struct control *c);
void control_on_ask(struct mail *mail, void *receiver);
