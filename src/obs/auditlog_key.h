/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who signs the audit log, and how others tell: Ed25519 (RFC 8032).
 *
 * Private keys are PEM files `auditlog-*.pem` of the keys folder, added in the byte order of
 * their names; the last one signs. Public keys are PEM too, for whoever verifies elsewhere,
 * and named by the thumbprint of RFC 7638 (key type OKP, RFC 8037).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum {
	AUDITLOG_KEYS_MAX = 16,
	AUDITLOG_KEY_CHARS = 43, /* base64url of 32 bytes: a public key, and its thumbprint */
	AUDITLOG_SIGNATURE_BYTES = 64,
	AUDITLOG_SIGNATURE_CHARS = 86,
};

struct auditlog_key {
	void *key; /* EVP_PKEY, private or public */
	char x[AUDITLOG_KEY_CHARS], kid[AUDITLOG_KEY_CHARS];
};

/* Immutable once filled, then shared by threads. The zero one signs and verifies nothing. */
struct auditlog_keys {
	struct auditlog_key keys[AUDITLOG_KEYS_MAX];
	size_t count;
};

enum {
	AUDITLOG_NO_KEY = 1, /* no key in PEM, or one with a passphrase */
	AUDITLOG_NOT_ED25519,
	AUDITLOG_TWICE, /* the same key is there already */
	AUDITLOG_FULL,  /* AUDITLOG_KEYS_MAX already */
};

/* Adds the private key of one file's text; it becomes the one that signs. Returns 0, or one of
 * the above with nothing changed. */
int auditlog_keys_add(struct auditlog_keys *k, struct slice pem)
	__attribute__((warn_unused_result));

/* Adds all public keys of a file's text, for verifying. A key that is there already counts
 * for nothing. Returns as auditlog_keys_add. */
int auditlog_keys_add_public(struct auditlog_keys *k, struct slice pem)
	__attribute__((warn_unused_result));

/* Adds the public key that is written like this, unless it is there already. */
int auditlog_keys_add_x(struct auditlog_keys *k, struct slice x)
	__attribute__((warn_unused_result));

/* One sentence for each outcome, for the message that names the file. */
const char *auditlog_keys_complaint(int outcome);

/* Accepts NULL and a second call. */
void auditlog_keys_deinit(struct auditlog_keys *k);

/* The one of that name, or NULL. */
const struct auditlog_key *auditlog_keys_find(const struct auditlog_keys *k, struct slice kid);

/* A second reference to the same key; ended with auditlog_key_deinit. */
struct auditlog_key auditlog_key_ref(const struct auditlog_key *k);
void auditlog_key_deinit(struct auditlog_key *k);

struct slice auditlog_key_x(const struct auditlog_key *k);
struct slice auditlog_key_kid(const struct auditlog_key *k);

/* Appends the public half as PEM, with the key's name in a line before. Returns 0, BUF_FULL or
 * -errno. */
int auditlog_key_pem(const struct auditlog_key *k, struct buf *to)
	__attribute__((warn_unused_result));

/* A new private key as PEM, for a first key file; wipe it. Returns 0, BUF_FULL or -errno. */
int auditlog_key_make(struct buf *pem) __attribute__((warn_unused_result));

/* Writes the signature of text as base64url. False when OpenSSL cannot. */
bool auditlog_sign(const struct auditlog_key *k, struct slice text,
		   char out[AUDITLOG_SIGNATURE_CHARS]) __attribute__((warn_unused_result));

/* The signature is this key's over this text. */
bool auditlog_verify(const struct auditlog_key *k, struct slice text, struct slice signature)
	__attribute__((warn_unused_result));
