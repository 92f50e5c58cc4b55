/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keys of tokens that lie in files: `identity.<name>.jwt.keys` and `.secret`.
 */
#include "gateway/generation.h"

/* The keys that the identity's files hold; *ring stays NULL where it names none. Returns 0 or
 * -errno, err_sentence says what is wrong with which file. */
int keyfiles_read(const struct conf_identity *identity, struct jwk_ring **ring)
	__attribute__((warn_unused_result));

/* Fills the generation's slots of such identities. Returns 0 or -errno likewise. */
int keyfiles_load(struct generation *g) __attribute__((warn_unused_result));
