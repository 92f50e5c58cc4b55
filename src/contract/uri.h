/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * References between schemas: RFC 3986 section 5.2, strictly and in the arena. What the texts
 * are is not checked; two URIs are the same when their bytes are.
 */
#include "base/arena.h"
#include "base/slice.h"

/* The part before # and the part behind it; *fragment is empty (data NULL) without a #. */
struct slice uri_split_fragment(struct slice uri, struct slice *fragment);

/* The reference seen from base (both without fragment); data is NULL without memory. An empty
 * base gives the reference as it is. */
struct slice uri_resolve(struct slice base, struct slice reference, struct arena *arena);

/* %xx decoded; data is NULL without memory or when a % is not followed by two digits. */
struct slice uri_decode(struct slice text, struct arena *arena);
