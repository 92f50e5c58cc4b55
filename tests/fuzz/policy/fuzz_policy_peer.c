/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header fields of a proxy. Holds: from a stranger they change nothing; from a trusted proxy
 * the client is either the hop itself or somebody that a field names; what a client wrote to
 * the left of the proxy's own part does not matter as long as it can be read.
 */
#include "base/obj.h"
#include "policy/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 8 };

static size_t split(struct slice all, struct http_header *fields)
{
	static const struct slice names[] = {
		{"Forwarded", 9}, {"X-Forwarded-For", 15}, {"X-Forwarded-Proto", 17}, {"Via", 3}};
	struct slice line;
	bool more = true;
	size_t count = 0;

	while (count < FIELDS && slice_next(&all, &more, '\n', &line)) {
		if (line.len)
			fields[count++] =
				(struct http_header){names[(unsigned char)line.data[0] & 3],
						     slice_trim(slice_from(line, 1))};
	}
	return count;
}

static void try_stranger(const struct http_head *head, const struct conf_networks *trusted)
{
	struct address stranger;
	struct peer peer;

	MUST(address_parse(SLICE("192.0.2.77"), &stranger));
	MUST(peer_find(trusted, head, &stranger, false, &peer) == REASON_NONE);
	MUST(address_eq(&peer.address, &stranger) && !peer.tls && !peer.named);
}

/* One more hop at the right end: then that is the client, or all of it is refused. */
static void try_behind(struct http_header *fields, size_t count,
		       const struct conf_networks *trusted, const struct address *proxy)
{
	struct http_head head = {.headers = fields, .header_count = count + 1};
	struct address client;
	struct peer peer;

	MUST(address_parse(SLICE("198.51.100.9"), &client));
	fields[count] = (struct http_header){SLICE("X-Forwarded-For"), SLICE("198.51.100.9")};
	if (peer_find(trusted, &head, proxy, false, &peer) == REASON_NONE)
		MUST(address_eq(&peer.address, &client) && peer.named);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix network;
	const struct conf_networks trusted = {&network, 1};
	struct http_header fields[FIELDS + 1];
	struct address proxy;
	struct peer peer;
	size_t count = split(slice_of((const char *)data, size), fields);
	struct http_head head = {.headers = fields, .header_count = count};

	MUST(prefix_parse(SLICE("10.0.0.0/8"), &network));
	MUST(address_parse(SLICE("10.0.0.1"), &proxy));
	try_stranger(&head, &trusted);
	if (peer_find(&trusted, &head, &proxy, true, &peer) == REASON_NONE) {
		MUST(peer.address.family && peer.address.port == 0);
		MUST(peer.named || address_eq(&peer.address, &proxy));
	}
	try_behind(fields, count, &trusted, &proxy);
	return 0;
}
