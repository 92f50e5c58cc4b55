/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Memory for OpenSSL: what it takes for every record is kept at hand.
 *
 *   a record --OPENSSL_malloc--> [buffer] --OPENSSL_free--> this thread's few spare ones
 *                                    ^________________________________|
 *
 * Streams run with SSL_MODE_RELEASE_BUFFERS, so that one that waits owns no buffer; two of them,
 * 16 KiB each, are therefore taken and given back with every message, besides some notes of 40
 * bytes. Left to malloc each such size costs hundreds of instructions, for it treats it as rare.
 * Whose turn it is now gets the buffer that was used last, which is still in the cache, and no
 * message allocates.
 */

#include <stdbool.h>

/* For the whole process, before anything else of OpenSSL is used. False: it was too late, or a
 * sanitizer wants to see every piece go; then malloc serves, as ever. */
bool tls_memory_keep(void);
