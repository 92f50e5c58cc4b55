/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Network addresses and prefixes as plain bytes.
 *
 * Only literals: nothing here resolves a name or asks the system; net/ turns these into
 * socket addresses and back. An IPv4 address is always family 4: the IPv6 form
 * ::ffff:1.2.3.4 is turned into it wherever an address is made, so that one peer has
 * one address. Scope identifiers (fe80::1%eth0) are refused.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Room for the longest text, with brackets, port and NUL. */
enum { ADDRESS_TEXT_BYTES = 56 };

struct address {
	uint8_t family;    /* 0 none, 4, 6 */
	uint8_t bytes[16]; /* network order; family 4 uses the first four, the rest is zero */
	uint16_t port;     /* host order; 0 none */
};

/* All addresses whose first `bits` bits are those of `network`. The zero one holds nobody. */
struct prefix {
	struct address network; /* bits behind the prefix are zero */
	uint8_t bits;           /* 0-32 or 0-128 */
};

/*
 * Each parser takes the whole text or nothing; *a is written only when true is returned.
 */

/* `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`; port becomes 0. Dotted parts have no
 * leading zeros, all four of them, decimal. */
bool address_parse(struct slice text, struct address *a);

/* `192.0.2.1:443` or `[2001:db8::1]:443`; the port is 0-65535 in decimal. */
bool address_parse_with_port(struct slice text, struct address *a);

/* `10.0.0.0/8`, `2001:db8::/32`, or an address alone, which is a prefix of one. Set bits
 * behind the prefix are refused: they mean that the writer meant something else. A prefix
 * of ::ffff:0:0 shorter than /96 stays family 6 and therefore holds no IPv4 address. */
bool prefix_parse(struct slice text, struct prefix *p);

/* From the 4 or 16 bytes of the wire; family is 4 or 6, anything else gives family 0.
 * v4-mapped addresses become family 4. */
struct address address_from_bytes(uint8_t family, const uint8_t *bytes, uint16_t port);

/* Without the port; RFC 5952 form for IPv6, no brackets; "none" for family 0. The slice
 * points into text, which also gets a NUL. */
struct slice address_format(const struct address *a, char text[ADDRESS_TEXT_BYTES]);

/* With the port: `192.0.2.1:443`, `[2001:db8::1]:443`. */
struct slice address_format_with_port(const struct address *a, char text[ADDRESS_TEXT_BYTES]);

/* `10.0.0.0/8`. */
struct slice prefix_format(const struct prefix *p, char text[ADDRESS_TEXT_BYTES]);

/* The same host; the port does not matter. Family 0 equals nothing, not even itself. */
bool address_eq(const struct address *a, const struct address *b);

/* The same host and port. */
bool address_eq_with_port(const struct address *a, const struct address *b);

/* The first `bits` bits, the others zero, port 0: the key under which neighbours are
 * counted together (/24 and /64, say). More bits than the family has change nothing. */
struct address address_network(const struct address *a, unsigned bits);

bool prefix_contains(const struct prefix *p, const struct address *a);

/* 127.0.0.0/8 and ::1. */
bool address_is_loopback(const struct address *a);

/* 0.0.0.0 and :: */
bool address_is_unspecified(const struct address *a);
