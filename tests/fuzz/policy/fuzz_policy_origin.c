/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of Host and a line of Origin. Holds: what a list allows is on it byte for byte; what
 * `same` allows is, but for a default port, the text that a browser would write for
 * this scheme and Host; `null` and nothing are never allowed.
 */
#include <stdio.h>

#include "base/obj.h"
#include "policy/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* The origin's text as it must be; `port` says whether the default one is written out. */
static size_t expected(char *out, size_t room, const struct http_authority *host, bool tls,
		       bool port)
{
	char text[16] = "";
	unsigned standard = tls ? 443 : 80, n = host->port ? host->port : standard;
	if (n != standard || port)
		snprintf(text, sizeof(text), ":%u", n);
	int len = snprintf(out, room, "%s://%s%.*s%s%s", tls ? "https" : "http",
			   host->is_ipv6 ? "[" : "", SLICE_ARG(host->host),
			   host->is_ipv6 ? "]" : "", text);
	for (int i = 0; i < len; i++)
		out[i] = lower(out[i]);
	return (size_t)len;
}

static void try_same(const struct http_authority *host, struct slice origin, bool tls)
{
	const struct conf_origins same = {.same = true};
	const struct origin_facts f = {.host = host, .tls = tls};
	char text[512];
	bool plain, with_port;
	if (host->host.len > 300)
		return;
	plain = slice_eq(origin, slice_of(text, expected(text, sizeof(text), host, tls, false)));
	with_port = slice_eq(origin, slice_of(text, expected(text, sizeof(text), host, tls, true)));
	if (origin_on_list(&same, &f, origin))
		MUST(plain || with_port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice items[] = {
		{"https://chat.example.com", 24}, {"null", 4}, {"", 0}};
	const struct conf_origins list = {.list = {items, 3}};
	struct slice all = slice_of((const char *)data, size);
	struct slice first = slice_first(all, slice_index(all, '\n'));
	struct slice origin = slice_from(all, first.len + 1);
	struct http_authority host = {0};
	const struct origin_facts f = {.host = &host};
	if (origin_on_list(&list, &f, origin))
		MUST(slice_eq(origin, items[0]));
	MUST(!origin_on_list(&(struct conf_origins){0}, &f, origin));
	if (!http_authority_parse(first, &host))
		return 0;
	try_same(&host, origin, true);
	try_same(&host, origin, false);
	return 0;
}
