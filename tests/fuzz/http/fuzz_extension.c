/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as Sec-WebSocket-Extensions and -Protocol, a line for each field.
 * Holds: whether compression is allowed does not change what is malformed; what we answer, a client
 * that offered it takes; no carrier is among the application's protocols.
 */
#include "base/obj.h"
#include "http/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 8 };

static size_t fields_of(struct slice text, const char *name, struct http_header out[FIELDS])
{
	struct slice line;
	bool more = true;
	size_t count = 0;

	while (count < FIELDS && slice_next(&text, &more, '\n', &line))
		out[count++] = (struct http_header){slice_from_cstr(name), slice_trim(line)};
	return count;
}

static void extensions(struct slice text)
{
	struct http_header fields[FIELDS], back;
	struct http_head h = {.headers = fields}, response = {.headers = &back, .header_count = 1};
	struct http_deflate on, off, verified;
	char room[128];

	h.header_count = fields_of(text, "Sec-WebSocket-Extensions", fields);
	enum reason r = http_extensions_negotiate(&h, true, &on);
	MUST(http_extensions_negotiate(&h, false, &off) == r && !off.on);
	MUST(r == REASON_NONE || !on.on);
	(void)http_extensions_verify(&h, true, &verified);
	MUST(!http_extensions_verify(&h, false, &verified));
	if (!on.on)
		return;
	MUST(on.server_bits >= 9 && on.server_bits <= 15 && on.client_bits == 15);
	back = (struct http_header){SLICE("sec-websocket-extensions"),
				    http_deflate_answer(&on, room, sizeof(room))};
	MUST(http_extensions_verify(&response, true, &verified) && verified.on);
	MUST(verified.server_bits == on.server_bits);
}

static void protocols(struct slice text)
{
	struct http_header fields[FIELDS];
	struct http_head h = {.headers = fields};
	struct http_protocols p;

	h.header_count = fields_of(text, "sec-websocket-protocol", fields);
	if (!http_protocols_parse(&h, &p))
		return;
	MUST(p.offered && p.count <= HTTP_PROTOCOLS_MAX);
	for (size_t i = 0; i < p.count; i++) {
		MUST(!slice_starts_with(p.items[i], SLICE("sallyport.")));
		MUST(!slice_starts_with(p.items[i], SLICE("bearer.")));
		for (size_t j = 0; j < i; j++)
			MUST(!slice_eq(p.items[i], p.items[j]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);

	extensions(text);
	protocols(text);
	return 0;
}
