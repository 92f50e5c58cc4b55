/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A ring from the inside, for the two files that share it: jwk.c and jwk_verify.c. */
#include <openssl/evp.h>
#include <stdatomic.h>

#include "policy/jwk.h"

struct jwk {
	uint32_t algorithms; /* that it verifies: never 0 */
	EVP_PKEY *pkey;      /* NULL: a secret */
	uint8_t *secret;
	size_t secret_len;
	char *id;      /* kid */
	size_t id_len; /* 0: it has none */
};

struct jwk_ring {
	_Atomic uint32_t refs;
	uint32_t algorithms;
	uint64_t serial;
	size_t count;
	struct jwk keys[JWK_RING_MAX];
};
