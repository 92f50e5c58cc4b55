/* SPDX-License-Identifier: Apache-2.0 */
/* libinjection 3.9; see injection.h. Its header is in no package, so what is used of it is
 * declared here; 1 is yes, 0 no, and newer ones say -1 for a parser that gave up. */
#include "policy/injection.h"

int libinjection_sqli(const char *text, size_t len, char fingerprint[]);
int libinjection_xss(const char *text, size_t len);

bool injection_is_sqli(struct slice text, char fingerprint[FINGERPRINT_BYTES])
{
	memset(fingerprint, 0, FINGERPRINT_BYTES);
	return text.len && libinjection_sqli(text.data, text.len, fingerprint) != 0;
}

bool injection_is_xss(struct slice text)
{
	return text.len && libinjection_xss(text.data, text.len) != 0;
}
