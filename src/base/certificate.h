/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a client certificate says, in plain texts: read by tls/, judged by policy/.
 *
 * Only of certificates that an authority of ours has signed and that were valid in the
 * handshake. Texts are UTF-8 without control characters; a certificate in which one is not
 * has `malformed` set, and is then nobody's credential.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* More names, or longer ones, than a certificate of a person or program has. */
enum { CERTIFICATE_NAMES_MAX = 64, CERTIFICATE_NAME_BYTES = 1024 };

enum certificate_name_kind {
	CERTIFICATE_OTHER = 0,
	CERTIFICATE_URI,
	CERTIFICATE_DNS,
	CERTIFICATE_EMAIL,
	CERTIFICATE_ADDRESS, /* as text */
};

struct certificate_name {
	enum certificate_name_kind kind;
	struct slice text;
};

struct certificate {
	bool malformed;
	/* Of subjectAltName, in its order; those of other kinds are left out. */
	const struct certificate_name *names;
	size_t name_count;
	struct slice common_name; /* empty: none, or more than one */
	struct slice serial;      /* hexadecimal, lower case */
	struct slice fingerprint; /* SHA-256 of the whole, hexadecimal, lower case */
	uint64_t not_before_unix_ms, not_after_unix_ms;
};
