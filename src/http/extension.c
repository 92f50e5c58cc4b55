/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and answering Sec-WebSocket-Extensions; see extension.h.
 *
 *   extension-list  = extension *( OWS "," OWS extension )
 *   extension       = token *( OWS ";" OWS param )
 *   param           = token [ "=" ( token / DQUOTE token DQUOTE ) ]
 *
 * The grammar of RFC 6455 section 9.1, less what it inherits from older HTTP and nobody sends:
 * empty elements, space around '=', backslashes inside quotes. Several fields are one list.
 */
#include "http/extension.h"

#include <stdio.h>

#include "base/num.h"
#include "http/chars.h"
#include "http/header.h"

enum { EXTENSIONS_MAX = 16, PARAMETERS_MAX = 16 };
enum { BITS_MIN = 8, BITS_MIN_ZLIB = 9, BITS_MAX = 15 };

static const struct slice field_name = SLICE_INIT("sec-websocket-extensions");

const struct slice http_deflate_offer =
	SLICE_INIT("permessage-deflate; server_no_context_takeover; client_no_context_takeover");

struct reader {
	struct slice s;
	size_t at;
};

/* What one extension said, whoever said it. */
struct offer {
	bool deflate;  /* it is permessage-deflate */
	bool wrong;    /* a parameter is unknown, repeated or has a value that it may not have */
	unsigned seen; /* a bit for each row of `parameters` */
	uint64_t server_bits; /* 0 if not said */
};

enum { VALUE_NEVER, VALUE_MAYBE, VALUE_ALWAYS };
enum { SERVER_NO_CONTEXT, CLIENT_NO_CONTEXT, SERVER_BITS, CLIENT_BITS, PARAMETER_COUNT };

struct parameter_row {
	struct slice name;
	int value;
};

/* clang-format off */
static const struct parameter_row parameters[PARAMETER_COUNT] = {
	[SERVER_NO_CONTEXT] = {SLICE_INIT("server_no_context_takeover"), VALUE_NEVER},
	[CLIENT_NO_CONTEXT] = {SLICE_INIT("client_no_context_takeover"), VALUE_NEVER},
	[SERVER_BITS]       = {SLICE_INIT("server_max_window_bits"),     VALUE_ALWAYS},
	[CLIENT_BITS]       = {SLICE_INIT("client_max_window_bits"),     VALUE_MAYBE},
};
/* clang-format on */

static void skip_space(struct reader *r)
{
	while (r->at < r->s.len && (r->s.data[r->at] == ' ' || r->s.data[r->at] == '\t'))
		r->at++;
}

static bool take_char(struct reader *r, char c)
{
	if (r->at == r->s.len || r->s.data[r->at] != c)
		return false;
	r->at++;
	return true;
}

static bool take_token(struct reader *r, struct slice *token)
{
	size_t run = http_char_run(r->s, r->at, HTTP_CHAR_TOKEN);

	*token = slice_first(slice_from(r->s, r->at), run);
	r->at += run;
	return run > 0;
}

static bool take_value(struct reader *r, struct slice *value)
{
	bool quoted = take_char(r, '"');

	return take_token(r, value) && (!quoted || take_char(r, '"'));
}

/* One parameter of permessage-deflate (RFC 7692 section 7.1). */
static void note_parameter(struct offer *o, struct slice name, bool has_value, struct slice value)
{
	unsigned i = 0;
	uint64_t bits = 0;

	while (i < PARAMETER_COUNT && !slice_eq(name, parameters[i].name))
		i++;
	if (i == PARAMETER_COUNT || (o->seen & (1u << i))) {
		o->wrong = true;
		return;
	}
	o->seen |= 1u << i;
	if (has_value ? parameters[i].value == VALUE_NEVER : parameters[i].value == VALUE_ALWAYS)
		o->wrong = true;
	/* num_parse_u64 refuses leading zeros, as RFC 7692 sections 7.1.2.1 and 7.1.2.2 do. */
	if (has_value && (!num_parse_u64(value, BITS_MAX, &bits) || bits < BITS_MIN))
		o->wrong = true;
	if (i == SERVER_BITS)
		o->server_bits = bits;
}

/* One extension with its parameters. False if the text does not follow the grammar. */
static bool take_extension(struct reader *r, struct offer *o)
{
	struct slice name, value = slice_of(NULL, 0);

	*o = (struct offer){.deflate = false};
	skip_space(r);
	if (!take_token(r, &name))
		return false;
	o->deflate = slice_eq(name, SLICE("permessage-deflate"));
	for (unsigned count = 0;; count++) {
		skip_space(r);
		if (!take_char(r, ';'))
			return true;
		skip_space(r);
		if (count == PARAMETERS_MAX || !take_token(r, &name))
			return false;
		bool has_value = take_char(r, '=');
		if (has_value && !take_value(r, &value))
			return false;
		note_parameter(o, name, has_value, value);
	}
}

/* All extensions of all fields, in order. Returns their number, or -1 if malformed. */
static int take_all(const struct http_head *h, struct offer offers[EXTENSIONS_MAX])
{
	int count = 0;

	for (size_t i = 0; i < h->header_count; i++) {
		if (!slice_eq_icase(h->headers[i].name, field_name))
			continue;
		struct reader r = {.s = h->headers[i].value};
		do {
			if (count == EXTENSIONS_MAX || !take_extension(&r, &offers[count]))
				return -1;
			count++;
		} while (take_char(&r, ','));
		if (r.at != r.s.len)
			return -1;
	}
	return count;
}

enum reason http_extensions_negotiate(const struct http_head *h, bool allowed,
				      struct http_deflate *out)
{
	struct offer offers[EXTENSIONS_MAX];
	int count = take_all(h, offers);

	*out = (struct http_deflate){.on = false};
	if (count < 0)
		return REASON_HANDSHAKE_MALFORMED;
	for (int i = 0; i < count && allowed; i++) {
		const struct offer *o = &offers[i];
		if (!o->deflate || o->wrong || o->server_bits == BITS_MIN)
			continue;
		out->on = true;
		out->server_bits = o->server_bits ? (uint8_t)o->server_bits : BITS_MAX;
		out->client_bits = BITS_MAX; /* any hint of the client's fits into this */
		break;
	}
	return REASON_NONE;
}

struct slice http_deflate_answer(const struct http_deflate *d, char *room, size_t bytes)
{
	static const char both[] =
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover";
	int len;

	if (!d->on)
		return slice_of(room, 0);
	/* Bits below 15 were asked for, so they must be confirmed (RFC 7692 section 7.1.2.1). */
	if (d->server_bits < BITS_MAX)
		len = snprintf(room, bytes, "%s; server_max_window_bits=%u", both, d->server_bits);
	else
		len = snprintf(room, bytes, "%s", both);
	return len < 0 || (size_t)len >= bytes ? slice_of(NULL, 0) : slice_of(room, (size_t)len);
}

bool http_extensions_verify(const struct http_head *h, bool offered, struct http_deflate *out)
{
	struct offer answers[EXTENSIONS_MAX];
	int count = take_all(h, answers);
	const struct offer *o = &answers[0];

	*out = (struct http_deflate){.on = false};
	if (count == 0)
		return true;
	if (count != 1 || !offered || !o->deflate || o->wrong)
		return false;
	/* Promised because we asked (section 7.1.1.1); and never offered (section 7.1.2.2). */
	if (!(o->seen & (1u << SERVER_NO_CONTEXT)) || (o->seen & (1u << CLIENT_BITS)))
		return false;
	out->on = true;
	out->server_bits = o->server_bits > BITS_MIN_ZLIB ? (uint8_t)o->server_bits : BITS_MIN_ZLIB;
	if (o->server_bits == 0)
		out->server_bits = BITS_MAX;
	out->client_bits = BITS_MAX;
	return true;
}
