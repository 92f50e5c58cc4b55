/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The PROXY header, versions 1 and 2 (HAProxy's proxy-protocol.txt): who is behind a load
 * balancer that does not speak HTTP. It comes before everything else, TLS included.
 *
 *   v1   PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n      at most 107 bytes
 *   v2   \r\n\r\n\0\r\nQUIT\n | version, command | family | length | addresses | TLVs
 *
 * Strict, because whoever reads it another way than the balancer meant it takes one client
 * for another. It does not ask whether the sender may be believed: that is the caller's.
 */
#include <stddef.h>

#include "base/address.h"
#include "base/slice.h"

/* A longer header is refused; those in use, with the TLVs of TLS, are a tenth of it. */
enum { PROXY_HEADER_MAX = 4096 };

enum proxy_outcome {
	PROXY_MALFORMED = 0, /* or too long */
	PROXY_MORE,          /* a beginning of one: more has to come */
	PROXY_DONE,
};

struct proxy_header {
	size_t bytes; /* of the header; what follows is the client's */
	/* The balancer speaks for itself: v2's LOCAL, a health check. */
	bool local;
	/* With its port. Family 0: the header names nobody (LOCAL, UNKNOWN, unix sockets). */
	struct address source;
};

/* Reads the header at the beginning of what has arrived so far; *out is written with DONE. */
enum proxy_outcome proxy_header_parse(struct slice bytes, struct proxy_header *out)
	__attribute__((warn_unused_result));
