/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own names.
 */
#include "policy/host.h"

#include "base/num.h"

/* "*.example.com" stands for exactly one whole label (RFC 6125 section 6.4.3). */
static bool name_covers(struct slice name, struct slice host)
{
	if (!slice_starts_with(name, SLICE("*.")))
		return slice_eq_icase(name, host);
	size_t label = slice_index(host, '.');
	return label > 0 && label < host.len &&
	       slice_eq_icase(slice_from(name, 1), slice_from(host, label));
}

static bool named(const struct conf_texts *names, struct slice host)
{
	for (size_t i = 0; i < names->count; i++) {
		if (name_covers(names->items[i], host))
			return true;
	}
	return false;
}

static bool address_is_ours(const struct host_facts *f, const struct address *wanted)
{
	for (size_t i = 0; i < f->certificate_address_count; i++) {
		if (address_eq(&f->certificate_addresses[i], wanted))
			return true;
	}
	for (size_t i = 0; i < f->conf->listener_count; i++) {
		const struct address *a = &f->conf->listeners[i].address;
		if (!address_is_unspecified(a) && address_eq(a, wanted))
			return true;
	}
	return address_is_unspecified(&f->listener->address) && address_eq(&f->local, wanted);
}

static bool listener_is_called(const struct host_facts *f, struct slice host)
{
	for (size_t i = 0; i < f->conf->listener_count; i++) {
		if (slice_eq_icase(f->conf->listeners[i].host, host))
			return true;
	}
	return false;
}

static bool localhost_is_ours(const struct host_facts *f)
{
	if (f->conf->tls.development || address_is_loopback(&f->local))
		return true;
	for (size_t i = 0; i < f->conf->listener_count; i++) {
		if (address_is_loopback(&f->conf->listeners[i].address))
			return true;
	}
	return false;
}

bool host_is_ours(const struct host_facts *f, const struct http_authority *host)
{
	struct address literal;
	if (!host->host.len || slice_ends_with(host->host, SLICE(".")))
		return false;
	if (host->is_ip) {
		/* `hosts:` may name an address as well; names of certificates never are one */
		return address_parse(host->host, &literal) &&
		       (address_is_ours(f, &literal) || named(&f->conf->hosts, host->host));
	}
	return named(&f->conf->hosts, host->host) || named(&f->certificate_names, host->host) ||
	       listener_is_called(f, host->host) ||
	       (slice_eq_icase(host->host, SLICE("localhost")) && localhost_is_ours(f));
}

struct slice host_text(const struct http_authority *host, struct arena *a)
{
	char port[NUM_TEXT_BYTES];
	const struct slice parts[] = {
		host->is_ipv6 ? SLICE("[") : SLICE(""),
		host->host,
		host->is_ipv6 ? SLICE("]") : SLICE(""),
		host->port ? SLICE(":") : SLICE(""),
		host->port ? num_format_u64(host->port, port) : SLICE(""),
	};

	return arena_concat(a, parts, sizeof(parts) / sizeof(parts[0]));
}
