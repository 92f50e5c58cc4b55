/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * SHA-1 (FIPS 180-4), for Sec-WebSocket-Accept and nothing else.
 *
 * The handshake's use of it does not need collision resistance (RFC 6455 section 10.8). Having it
 * here keeps this layer free of OpenSSL. Anything that must be secure uses another hash.
 */
#include <stdint.h>

#include "base/slice.h"

enum { SHA1_BYTES = 20 };

void sha1(struct slice message, uint8_t digest[SHA1_BYTES]);
