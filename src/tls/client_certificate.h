/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who the client is, by the certificate it presented in the handshake.
 */
#include "base/arena.h"
#include "base/certificate.h"
#include "net/stream.h"

/* After the handshake of a stream whose server asks for certificates. Returns 0 with *out,
 * texts in the arena; TLS_NO_CERTIFICATE (also in clear); or -ENOMEM. */
enum { TLS_NO_CERTIFICATE = 1 };

int tls_client_certificate(const struct stream *s, struct arena *a, struct certificate *out);
