/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses; see resolve.h. */
#include "net/resolve.h"

#include <netdb.h>

#include "base/err.h"
#include "net/sock.h"

enum { NAME_BYTES = 254 }; /* RFC 1035 section 2.3.4, and NUL */

static int refuse(int code, const char *name)
{
	switch (code) {
	case EAI_AGAIN:
		return err_raise(EAGAIN, "cannot look up %s", name);
	case EAI_MEMORY:
		return err_raise(ENOMEM, "cannot look up %s", name);
	case EAI_SYSTEM:
		return err_raise(errno ? errno : EIO, "cannot look up %s", name);
	default:
		return err_raise(ENOENT, "cannot look up %s (%s)", name, gai_strerror(code));
	}
}

static bool known(const struct address *a, const struct address *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (address_eq(a, &all[i]))
			return true;
	return false;
}

int resolve_now(struct slice name, uint16_t port, struct address *addresses, size_t max,
		size_t *count)
{
	char text[NAME_BYTES];
	struct addrinfo *all = NULL;
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

	*count = 0;
	if (name.len == 0 || name.len >= sizeof(text) || memchr(name.data, 0, name.len))
		return err_raise(ENAMETOOLONG, "not a name to look up");
	memcpy(text, name.data, name.len);
	text[name.len] = 0;
	if (max && address_parse(name, &addresses[0])) {
		addresses[0].port = port;
		*count = 1;
		return 0;
	}
	int code = getaddrinfo(text, NULL, &hints, &all);
	if (code)
		return refuse(code, text);
	for (struct addrinfo *at = all; at && *count < max; at = at->ai_next) {
		struct sockaddr_storage from = {0};

		if (at->ai_addrlen > sizeof(from))
			continue;
		memcpy(&from, at->ai_addr, at->ai_addrlen);
		struct address a = sock_address_from(&from);
		a.port = port;
		if (a.family && !known(&a, addresses, *count))
			addresses[(*count)++] = a;
	}
	freeaddrinfo(all);
	return *count ? 0 : err_raise(ENOENT, "cannot look up %s", text);
}
