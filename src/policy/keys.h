/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The secret keys of the keys folder, and the keys derived from them.
 *
 * A key file is key material as it is: 32 to 4096 bytes of anything (raw random bytes, or
 * the line that `openssl rand -base64 32` prints), the same rule as for `secret:` files.
 * Nothing uses a file's bytes directly: each purpose has a label, and its key is
 * HMAC-SHA-256(file, "sallyport 1 " label). A tag made for one purpose is therefore
 * worthless for another.
 *
 * Rotation: files are added in the byte order of their names. The last one makes, all
 * check. Reading the folder and looking at owners and modes is ctl's business.
 */
#include <stdint.h>

#include "base/slice.h"

enum {
	KEYS_MAX = 16,        /* files in the folder */
	KEYS_FILE_MIN = 32,   /* bytes */
	KEYS_FILE_MAX = 4096, /* bytes */
	KEYS_DERIVED_BYTES = 32,
	KEYS_ID_BYTES = 4,
};

enum key_label { KEY_TICKET = 0, KEY_CSRF, KEY_PROOF, KEY_LABEL_COUNT };

struct key {
	uint8_t id[KEYS_ID_BYTES]; /* public: derived from the file, says which key made a tag */
	uint8_t derived[KEY_LABEL_COUNT][KEYS_DERIVED_BYTES];
};

/* Immutable once filled, then shared by threads. The zero keyset makes and accepts nothing. */
struct keyset {
	struct key keys[KEYS_MAX];
	size_t count;
};

enum {
	KEYS_SHORT = 1, /* under 32 bytes */
	KEYS_LONG,      /* over 4096 bytes */
	KEYS_WEAK,      /* fewer than eight different bytes: zeros, or a pattern */
	KEYS_FULL,      /* KEYS_MAX files already */
	KEYS_TWICE,     /* a file with this content is there already */
};

/* Adds the key of one file; it becomes the one that makes. Returns 0, one of the above with
 * nothing changed, or -errno. The caller wipes its copy of the contents. */
int keyset_add(struct keyset *k, struct slice contents) __attribute__((warn_unused_result));

/* One sentence for each outcome of keyset_add, for the message that names the file. */
const char *keyset_complaint(int outcome);

/* Wipes. Accepts NULL and a second call. */
void keyset_deinit(struct keyset *k);

/* HMAC-SHA-256 over the parts one after the other. Whoever joins parts of peer-chosen
 * length puts their lengths in front. Returns 0 or -errno with tag zeroed. */
int keys_hmac(struct slice key, const struct slice *parts, size_t count,
	      uint8_t tag[KEYS_DERIVED_BYTES]) __attribute__((warn_unused_result));
