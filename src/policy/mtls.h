/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A client certificate as a credential. TLS has verified it; here it becomes somebody.
 *
 *   subject   `san`: the first URI, else the first DNS name, else the first e-mail address
 *             `cn`: the common name, where there is exactly one
 *   claims    {"san": [...], "cn": ..., "serial": ..., "fingerprint": ...}
 *   issued    when its dates begin: a renewed one outlives a revocation of the subject
 *   expires   with the certificate
 *   key       the fingerprint: what to revoke when the certificate is lost
 *
 * Browsers send certificates by themselves, as they do cookies: what protects against other
 * sites is the route's list of origins, asked before.
 */
#include "base/arena.h"
#include "base/certificate.h"
#include "conf/snapshot.h"
#include "policy/identity.h"
#include "policy/verdict.h"

/* PASS with *out, its texts in the arena or the certificate; REFUSE with CREDENTIAL_INVALID
 * (it names nobody, or cannot be read), CREDENTIAL_EXPIRED or OVERLOADED. */
struct verdict mtls_identify(const struct conf_identity *identity, const struct certificate *c,
			     uint64_t now_unix_ms, struct arena *a, struct identity *out)
	__attribute__((warn_unused_result));
