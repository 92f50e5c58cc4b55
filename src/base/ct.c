/* SPDX-License-Identifier: Apache-2.0 */
/* Equality and erasure that do not depend on what they see; see ct.h. */
#include "base/ct.h"

bool ct_eq(const void *a, const void *b, size_t bytes)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char different = 0;

	/* volatile: the compiler may neither stop early nor turn this into memcmp. */
	for (size_t i = 0; i < bytes; i++)
		different |= x[i] ^ y[i];
	return different == 0;
}

bool ct_slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && ct_eq(a.data, b.data, a.len);
}

void ct_wipe(void *secret, size_t bytes)
{
	if (bytes)
		explicit_bzero(secret, bytes);
}
