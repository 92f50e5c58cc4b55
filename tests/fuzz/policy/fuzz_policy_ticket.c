/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a ticket, a CSRF token and a stored record. Holds: a genuine text is exactly
 * the one that making it anew gives, and a record that can be read is written back byte for
 * byte.
 */
#include <string.h>

#include "base/base64.h"
#include "base/obj.h"
#include "policy/csrf.h"
#include "policy/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyset keys;

static void try_ticket(struct slice text)
{
	uint8_t id[TICKET_ID_BYTES], bytes[60];
	char again[TICKET_CHARS];
	uint64_t expiry = 0;
	size_t len;
	if (ticket_check(&keys, text, 1, id) != REASON_NONE)
		return;
	MUST(base64url_decode(text, bytes, sizeof(bytes), &len) && len == sizeof(bytes));
	for (size_t i = 0; i < 8; i++)
		expiry = expiry << 8 | bytes[TICKET_ID_BYTES + i];
	MUST(expiry > 1 && memcmp(id, bytes, sizeof(id)) == 0);
	MUST(ticket_make(&keys, id, expiry, again) == 0);
	MUST(slice_eq(text, slice_of(again, sizeof(again))));
}

static void try_csrf(struct slice text)
{
	char again[CSRF_CHARS];
	uint8_t bytes[48];
	size_t len;
	if (csrf_check(&keys, SLICE("cookie"), text) != REASON_NONE)
		return;
	MUST(base64url_decode(text, bytes, sizeof(bytes), &len) && len == sizeof(bytes));
	MUST(csrf_make(&keys, SLICE("cookie"), bytes, again) == 0);
	MUST(slice_eq(text, slice_of(again, sizeof(again))));
	MUST(csrf_check(&keys, SLICE("cookiee"), text) == REASON_CSRF_INVALID);
}

static void try_record(struct slice bytes)
{
	struct ticket_record r;
	struct buf b;
	if (!ticket_record_decode(bytes, &r))
		return;
	buf_init(&b, TICKET_RECORD_MAX);
	MUST(ticket_record_encode(&r, &b) == 0);
	MUST(slice_eq(bytes, buf_slice(&b)));
	buf_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size);
	if (!keys.count)
		MUST(keyset_add(&keys, SLICE("0123456789abcdef0123456789abcdef")) == 0);
	try_ticket(all);
	try_csrf(all);
	try_record(all);
	return 0;
}
