/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A handshake against the contract: parameters of the path, and what the channel's binding `ws`
 * says of query and header fields.
 *
 * What comes there is text. A schema that speaks of numbers or booleans gets the text read as
 * one, if it is one. Names that the contract does not mention are not judged.
 */
#include "contract/asyncapi.h"
#include "http/head.h"
#include "http/target.h"
#include "policy/route.h"
#include "policy/verdict.h"

/*
 * PASS; or REFUSE: ROUTE_UNKNOWN for a parameter that the channel does not have,
 * HANDSHAKE_MALFORMED for query and header, OVERLOADED without memory. Allocates only for
 * contracts that say something about handshakes.
 */
struct verdict binding_judge(const struct contract *contract, const struct route_match *match,
			     const struct http_target *target, const struct http_head *head,
			     struct arena *arena) __attribute__((warn_unused_result));
