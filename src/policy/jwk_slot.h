/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The place where the keys of one identity are found, by all workers, while the control
 * thread puts newer ones there.
 *
 *   control: jwk_slot_set --> [ ring ] --> worker: jwk_slot_take, verify, unref
 *
 * The lock is held for a counted copy of a pointer, never while a signature is verified. Counted
 * itself: a reload keeps the slot of an identity whose key set is the same.
 */
#include <stdbool.h>

#include "policy/jwk.h"

struct jwk_slot;

/* Empty: no token is good. NULL without memory. */
struct jwk_slot *jwk_slot_new(void);
struct jwk_slot *jwk_slot_ref(struct jwk_slot *slot);

/* Accepts NULL, returns NULL. */
struct jwk_slot *jwk_slot_unref(struct jwk_slot *slot);

/* Takes over the caller's reference to the ring; NULL empties the slot. */
void jwk_slot_set(struct jwk_slot *slot, struct jwk_ring *ring);

/* A token of an unknown key may make the issuer be asked for newer ones (false at first). */
void jwk_slot_allow_asking(struct jwk_slot *slot, bool may_ask);

/* The keys of now with a reference for the caller, or NULL; *may_ask as set. */
struct jwk_ring *jwk_slot_take(struct jwk_slot *slot, bool *may_ask);
