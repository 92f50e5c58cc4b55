/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of OpenSSL as sentences; see openssl.h. */
#include "tls/openssl.h"

#include <openssl/err.h>
#include <stdarg.h>

#include "base/err.h"

int openssl_raise_at(int code, const char *file, int line, const char *format, ...)
{
	char what[256];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	unsigned long first = ERR_peek_error();
	const char *why = first ? ERR_reason_error_string(first) : NULL;
	int r = why ? err_raise_at(code, file, line, "%s: %s", what, why)
		    : err_raise_at(code, file, line, "%s", what);
	ERR_clear_error();
	return r;
}

int openssl_cstr(struct slice s, char *out, size_t room)
{
	if (s.len >= room || (s.len && memchr(s.data, 0, s.len)))
		return err_raise(ENAMETOOLONG, "a name or path is too long or has a NUL in it");
	if (s.len)
		memcpy(out, s.data, s.len);
	out[s.len] = 0;
	return 0;
}
