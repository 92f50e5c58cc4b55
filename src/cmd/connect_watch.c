/* SPDX-License-Identifier: Apache-2.0 */
/* What travels, in words; see connect.h. */
#include "cmd/connect.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/reason.h"

static const char *opcode_word(uint8_t opcode)
{
	switch (opcode) {
	case WS_OPCODE_CONTINUATION:
		return "continuation";
	case WS_OPCODE_TEXT:
		return "text";
	case WS_OPCODE_BINARY:
		return "binary";
	case WS_OPCODE_CLOSE:
		return "close";
	case WS_OPCODE_PING:
		return "ping";
	case WS_OPCODE_PONG:
		return "pong";
	default:
		return "unknown";
	}
}

struct slice connect_frame_words(const struct ws_header *h, bool compressed,
				 char text[CONNECT_TEXT_MAX])
{
	char mask[32] = "not masked";

	if (h->masked)
		snprintf(mask, sizeof(mask), "masked with %02x%02x%02x%02x", h->key[0], h->key[1],
			 h->key[2], h->key[3]);
	int n = snprintf(text, CONNECT_TEXT_MAX, "%s (opcode %u), %s, %s%" PRIu64 " byte%s, %s",
			 opcode_word(h->opcode), h->opcode, h->fin ? "final" : "more to follow",
			 compressed && h->rsv1 ? "compressed, " : "", h->payload_bytes,
			 h->payload_bytes == 1 ? "" : "s", mask);
	return slice_of(text, n < 0 ? 0 : (size_t)n);
}

/* One head from w->head if it is complete. True if one was taken. */
static bool take_head(struct connect_watch *w)
{
	struct ws_rules rules = {.side = w->reader,
				 .rsv1_ok = w->compressed,
				 .text_ok = true,
				 .binary_ok = true,
				 .in_message = w->in_message,
				 .max_payload = INT64_MAX};
	struct ws_header h;
	enum reason why;
	char text[CONNECT_TEXT_MAX];

	switch (ws_header_decode(slice_of(w->head, w->head_bytes), &rules, &h, &why)) {
	case WS_HEADER_MORE:
		return false;
	case WS_HEADER_REFUSED:
		fprintf(stderr, "%s a frame that breaks the protocol: %s (%s)\n", w->mark,
			reason_sentence(why), reason_word(why));
		w->lost = true;
		return false;
	case WS_HEADER_DONE:
		break;
	}
	fprintf(stderr, "%s %s\n", w->mark, connect_frame_words(&h, w->compressed, text).data);
	if (!ws_opcode_is_control(h.opcode))
		w->in_message = !h.fin;
	w->skip = h.payload_bytes;
	w->head_bytes = 0;
	return true;
}

void connect_watch_bytes(struct connect_watch *w, struct slice bytes)
{
	while (bytes.len && !w->lost) {
		if (w->skip) {
			uint64_t n = w->skip < bytes.len ? w->skip : bytes.len;
			w->skip -= n;
			bytes = slice_from(bytes, (size_t)n);
			continue;
		}
		/* A byte at a time, so that nothing of the payload gets into the head. */
		w->head[w->head_bytes++] = bytes.data[0];
		bytes = slice_from(bytes, 1);
		take_head(w);
	}
}

const char *connect_close_words(uint16_t code)
{
	static const struct {
		uint16_t code;
		const char *words;
	} rows[] = {
		{1000, "normal closure"},
		{1001, "going away: the server stops or the page was left"},
		{1002, "protocol error"},
		{1003, "a type of data that is not accepted"},
		{1005, "no status was given"},
		{1006, "the connection ended without a close frame"},
		{1007, "data that does not fit its type, such as text that is no UTF-8"},
		{1008, "against the policy"},
		{1009, "a message too big"},
		{1010, "an extension was needed"},
		{1011, "the server failed"},
		{1012, "the service restarts"},
		{1013, "overloaded: try again later"},
		{1014, "the application behind the gateway failed"},
		{3000, "unauthorized"},
		{3003, "forbidden"},
		{3008, "timeout"},
		{4401, "the credential expired or was revoked"},
		{4408, "too slow"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return rows[i].words;
	if (code >= 3000 && code < 4000)
		return "a code registered for a library";
	return code >= 4000 ? "a code of the application's own" : "";
}

static bool is_secret(struct slice name)
{
	static const struct slice secrets[] = {
		SLICE_INIT("Cookie"),
		SLICE_INIT("Set-Cookie"),
		SLICE_INIT("Authorization"),
		SLICE_INIT("Sallyport-CSRF"),
		SLICE_INIT("Proxy-Authorization"),
	};

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (slice_eq_icase(name, secrets[i]))
			return true;
	return false;
}

/* Length of the line's part that may be shown: carriers end where their secret begins. */
static size_t shown(struct slice line)
{
	static const struct slice carriers[] = {
		SLICE_INIT("sallyport.ticket."),
		SLICE_INIT("sallyport.csrf."),
		SLICE_INIT("bearer."),
		SLICE_INIT("ticket="),
		SLICE_INIT("csrf="),
		SLICE_INIT("access_token="),
	};
	size_t colon = slice_index(line, ':');

	if (colon < line.len && is_secret(slice_first(line, colon)))
		return colon + 1;
	for (size_t at = 0; at < line.len; at++)
		for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++)
			if (slice_starts_with(slice_from(line, at), carriers[i]))
				return at + carriers[i].len;
	return line.len;
}

void connect_watch_head(const char *mark, struct slice head)
{
	bool more = true;
	struct slice line;

	while (slice_next(&head, &more, '\n', &line)) {
		if (line.len && line.data[line.len - 1] == '\r')
			line = slice_first(line, line.len - 1);
		if (line.len == 0)
			continue;
		size_t n = shown(line);
		fprintf(stderr, "%s %.*s%s\n", mark, (int)n, line.data,
			n < line.len ? " (withheld)" : "");
	}
}
