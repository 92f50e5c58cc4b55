/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who somebody proved to be.
 */
#include <stdint.h>

#include "base/slice.h"

/* A longer subject is refused by everything that makes one. */
enum { IDENTITY_SUBJECT_MAX = 1024, IDENTITY_CLAIMS_MAX = 64 * 1024 };

struct identity {
	struct slice subject; /* UTF-8; empty for `anyone` */
	/* Name of the configured identity that proved it. For a ticket: of the one that the
	 * ticket was asked for with. */
	struct slice via;
	struct slice claims;      /* text of a JSON object, at least {} */
	uint64_t expires_unix_ms; /* of the credential; 0 = it does not say */
	uint64_t issued_unix_ms;  /* of the credential; 0 = it does not say */
	/* What proved it: a token's key id, a certificate's fingerprint, else the configured
	 * identity's name. For revoking whatever a key proved. */
	struct slice key;
};
