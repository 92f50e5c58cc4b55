/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One-time tickets.
 *
 *   text   base64url( id 16 | expiry 8 | key id 4 | HMAC-SHA-256 over these 28 bytes, 32 )
 *   store  id -> record: what the ticket stands for
 *
 * The tag is checked before any look-up: a forged or expired ticket costs one hash. Who
 * presents a genuine one has it taken out of the store, and only then is the record
 * compared with the handshake; whatever the outcome, the ticket is burnt.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/reason.h"
#include "base/slice.h"

#include "policy/keys.h"

enum {
	TICKET_ID_BYTES = 16,
	TICKET_CHARS = 80,
	TICKET_RECORD_MAX = 72 * 1024, /* bytes of an encoded record */
};

/* Makes the text for an id of 16 fresh random bytes, with the newest key. The expiry is
 * wall-clock time. Returns 0 or -errno (also without any key). No NUL is written. */
int ticket_make(const struct keyset *k, const uint8_t id[TICKET_ID_BYTES], uint64_t expires_unix_ms,
		char out[TICKET_CHARS]) __attribute__((warn_unused_result));

/* NONE, with its id in *id; CREDENTIAL_INVALID when the text is not one that a key of k
 * made; CREDENTIAL_EXPIRED from the very millisecond on; INTERNAL when we cannot compute. */
enum reason ticket_check(const struct keyset *k, struct slice text, uint64_t now_unix_ms,
			 uint8_t id[TICKET_ID_BYTES]) __attribute__((warn_unused_result));

/* What a ticket stands for. */
struct ticket_record {
	struct slice ticket; /* name of the ticket identity that issued it */
	struct slice via;    /* name of the identity it was asked for with */
	struct slice subject;
	struct slice claims; /* text of a JSON object */
	struct slice path;   /* decoded concrete path, such as /chat/lobby */
	struct slice origin; /* empty: the request for it had none */
	struct address address;
	bool bind_path, bind_origin, bind_address;
	uint64_t expires_unix_ms;            /* of the ticket */
	uint64_t credential_expires_unix_ms; /* of what it was asked for with; 0 = does not say */
	uint64_t credential_issued_unix_ms;  /* likewise */
	struct slice key;                    /* that proved it; see policy/identity.h */
};

/* Appends the bytes for the store. Returns 0, BUF_FULL (also for a record over
 * TICKET_RECORD_MAX) or -ENOMEM; to is unchanged then. */
int ticket_record_encode(const struct ticket_record *r, struct buf *to)
	__attribute__((warn_unused_result));

/* Reads them back; the texts point into bytes. False when they are not exactly what
 * ticket_record_encode writes. */
bool ticket_record_decode(struct slice bytes, struct ticket_record *r)
	__attribute__((warn_unused_result));

/* The handshake that presents the ticket. */
struct ticket_facts {
	struct slice ticket; /* name of the ticket identity that the route accepts here */
	struct slice path;   /* decoded */
	struct slice origin; /* empty: none */
	struct address address;
	uint64_t now_unix_ms;
};

/* NONE, TICKET_BOUND_ELSEWHERE or CREDENTIAL_EXPIRED. The record was taken before. */
enum reason ticket_judge(const struct ticket_record *r, const struct ticket_facts *f)
	__attribute__((warn_unused_result));
