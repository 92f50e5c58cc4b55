/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The keys folder: where the secrets of tickets and CSRF tokens lie, and the private keys of
 * assertions and of the audit log.
 *
 * Files in byte order of their names; the last one makes, all check. Made at first start,
 * with one key, mode 0700 and 0600. A folder or file that others may read or write is
 * refused: a secret that is not secret is worse than none.
 */
#include "obs/auditlog_key.h"
#include "policy/assertion.h"
#include "policy/keys.h"

/* Fills *keys. Returns 0 or -errno with a sentence that names the file. *made is true when
 * a first key was written. */
int keysdir_load(struct slice folder, struct keyset *keys, bool *made);

/* The same for the keys that sign assertions, files named assertion-*.pem in the same folder,
 * which keysdir_load passes over. The first one is made where there is none. */
int keysdir_load_assertion(struct slice folder, struct assertion_keys *keys, bool *made);

/* The same for the keys that sign the audit log, files named auditlog-*.pem. */
int keysdir_load_auditlog(struct slice folder, struct auditlog_keys *keys, bool *made);

/* Only those that are there: nothing is made. */
int keysdir_read_auditlog(struct slice folder, struct auditlog_keys *keys);
