/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The part of explain.h that is about contract and rules of a route. */
#include "base/buf.h"
#include "conf/snapshot.h"

/* Appends lines about who is let in and what he may send and receive. Returns as buf_append. */
int explain_rules(const struct conf_route *route, struct buf *out)
	__attribute__((warn_unused_result));
