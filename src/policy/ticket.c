/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets: the text, the record, and whether the two fit a handshake.
 */
#include "policy/ticket.h"

#include <endian.h>

#include "base/base64.h"
#include "base/ct.h"
#include "base/err.h"
#include "policy/identity.h"

/* The text's bytes; no padding, so that the offsets are the layout. */
enum {
	EXPIRY_AT = TICKET_ID_BYTES,
	KEY_AT = EXPIRY_AT + 8,
	TAG_AT = KEY_AT + KEYS_ID_BYTES,
	TICKET_BYTES = TAG_AT + KEYS_DERIVED_BYTES,
};

_Static_assert(BASE64URL_CHARS(TICKET_BYTES) == TICKET_CHARS, "a ticket fills its characters");

static int ticket_tag(const struct key *key, const char *bytes, uint8_t tag[KEYS_DERIVED_BYTES])
{
	struct slice secret = slice_of((const char *)key->derived[KEY_TICKET], KEYS_DERIVED_BYTES);
	struct slice covered = slice_of(bytes, TAG_AT);
	return keys_hmac(secret, &covered, 1, tag);
}

int ticket_make(const struct keyset *k, const uint8_t id[TICKET_ID_BYTES], uint64_t expires_unix_ms,
		char out[TICKET_CHARS])
{
	if (!k || !k->count)
		return err_raise(ENOENT, "there is no key to make tickets with");
	const struct key *key = &k->keys[k->count - 1];
	char bytes[TICKET_BYTES];
	uint64_t expiry = htobe64(expires_unix_ms);
	uint8_t tag[KEYS_DERIVED_BYTES];
	memcpy(bytes, id, TICKET_ID_BYTES);
	memcpy(bytes + EXPIRY_AT, &expiry, sizeof(expiry));
	memcpy(bytes + KEY_AT, key->id, KEYS_ID_BYTES);
	int r = ticket_tag(key, bytes, tag);
	if (r)
		return r;
	memcpy(bytes + TAG_AT, tag, sizeof(tag));
	base64url_encode(slice_of(bytes, sizeof(bytes)), out, TICKET_CHARS);
	ct_wipe(bytes, sizeof(bytes));
	return 0;
}

/* The id of a key is no secret: it stands in every ticket. */
static const struct key *find_key(const struct keyset *k, const char *id)
{
	for (size_t i = 0; k && i < k->count; i++) {
		if (memcmp(k->keys[i].id, id, KEYS_ID_BYTES) == 0)
			return &k->keys[i];
	}
	return NULL;
}

enum reason ticket_check(const struct keyset *k, struct slice text, uint64_t now_unix_ms,
			 uint8_t id[TICKET_ID_BYTES])
{
	char bytes[TICKET_BYTES];
	uint8_t tag[KEYS_DERIVED_BYTES];
	uint64_t expiry;
	size_t len = 0;
	if (text.len != TICKET_CHARS)
		return REASON_CREDENTIAL_INVALID;
	if (!base64url_decode(text, bytes, sizeof(bytes), &len) || len != sizeof(bytes))
		return REASON_CREDENTIAL_INVALID;
	const struct key *key = find_key(k, bytes + KEY_AT);
	if (!key)
		return REASON_CREDENTIAL_INVALID;
	if (ticket_tag(key, bytes, tag))
		return REASON_INTERNAL;
	if (!ct_eq(tag, bytes + TAG_AT, sizeof(tag)))
		return REASON_CREDENTIAL_INVALID;
	memcpy(&expiry, bytes + EXPIRY_AT, sizeof(expiry));
	if (now_unix_ms >= be64toh(expiry))
		return REASON_CREDENTIAL_EXPIRED;
	memcpy(id, bytes, TICKET_ID_BYTES);
	return REASON_NONE;
}

/*
 * --- the record
 *
 *   'T' | '2' | flags | family | address 16 | expiry 8 | credential's expiry 8, issue 8 |
 *   seven texts, each with its length in four bytes
 */
enum {
	RECORD_FIXED = 4 + 16 + 8 + 8 + 8,
	RECORD_TEXTS = 7,
	FLAG_PATH = 1,
	FLAG_ORIGIN = 2,
	FLAG_ADDRESS = 4,
	FLAGS_ALL = 7,
};

static void record_texts(struct ticket_record *r, struct slice *texts[RECORD_TEXTS])
{
	struct slice *all[RECORD_TEXTS] = {&r->ticket, &r->via,  &r->subject,
					   &r->claims, &r->path, &r->origin, &r->key};
	memcpy(texts, all, sizeof(all));
}

int ticket_record_encode(const struct ticket_record *r, struct buf *to)
{
	struct ticket_record copy = *r;
	struct slice *texts[RECORD_TEXTS];
	record_texts(&copy, texts);
	size_t bytes = RECORD_FIXED;
	for (size_t i = 0; i < RECORD_TEXTS; i++) {
		if (texts[i]->len > TICKET_RECORD_MAX - bytes - 4)
			return BUF_FULL;
		bytes += 4 + texts[i]->len;
		if (bytes > TICKET_RECORD_MAX - 4)
			return BUF_FULL;
	}
	char *at;
	int full = buf_reserve(to, bytes, &at);
	if (full)
		return full;

	uint64_t expiry = htobe64(r->expires_unix_ms);
	uint64_t credential = htobe64(r->credential_expires_unix_ms);
	uint64_t issued = htobe64(r->credential_issued_unix_ms);
	at[0] = 'T';
	at[1] = '2';
	at[2] = (char)((r->bind_path ? FLAG_PATH : 0) | (r->bind_origin ? FLAG_ORIGIN : 0) |
		       (r->bind_address ? FLAG_ADDRESS : 0));
	at[3] = (char)r->address.family;
	memcpy(at + 4, r->address.bytes, 16);
	memcpy(at + 20, &expiry, 8);
	memcpy(at + 28, &credential, 8);
	memcpy(at + 36, &issued, 8);
	at += RECORD_FIXED;
	for (size_t i = 0; i < RECORD_TEXTS; i++) {
		uint32_t len = htobe32((uint32_t)texts[i]->len);
		memcpy(at, &len, 4);
		if (texts[i]->len)
			memcpy(at + 4, texts[i]->data, texts[i]->len);
		at += 4 + texts[i]->len;
	}
	buf_commit(to, bytes);
	return 0;
}

static bool take_text(struct slice *rest, struct slice *text)
{
	uint32_t len;
	if (rest->len < 4)
		return false;
	memcpy(&len, rest->data, 4);
	len = be32toh(len);
	if (len > rest->len - 4)
		return false;
	*text = slice_of(rest->data + 4, len);
	*rest = slice_of(rest->data + 4 + len, rest->len - 4 - len);
	return true;
}

bool ticket_record_decode(struct slice bytes, struct ticket_record *r)
{
	*r = (struct ticket_record){0};
	if (bytes.len < RECORD_FIXED || bytes.len > TICKET_RECORD_MAX)
		return false;
	if (bytes.data[0] != 'T' || bytes.data[1] != '2' || (bytes.data[2] & ~FLAGS_ALL))
		return false;
	uint8_t family = (uint8_t)bytes.data[3];
	r->address = address_from_bytes(family, (const uint8_t *)bytes.data + 4, 0);
	if (r->address.family != family || memcmp(r->address.bytes, bytes.data + 4, 16) != 0)
		return false;
	uint64_t expiry, credential, issued;
	memcpy(&expiry, bytes.data + 20, 8);
	memcpy(&credential, bytes.data + 28, 8);
	memcpy(&issued, bytes.data + 36, 8);
	r->expires_unix_ms = be64toh(expiry);
	r->credential_expires_unix_ms = be64toh(credential);
	r->credential_issued_unix_ms = be64toh(issued);
	r->bind_path = bytes.data[2] & FLAG_PATH;
	r->bind_origin = bytes.data[2] & FLAG_ORIGIN;
	r->bind_address = bytes.data[2] & FLAG_ADDRESS;

	struct slice *texts[RECORD_TEXTS];
	struct slice rest = slice_of(bytes.data + RECORD_FIXED, bytes.len - RECORD_FIXED);
	record_texts(r, texts);
	for (size_t i = 0; i < RECORD_TEXTS; i++) {
		if (!take_text(&rest, texts[i]))
			return false;
	}
	return rest.len == 0 && r->subject.len <= IDENTITY_SUBJECT_MAX;
}

enum reason ticket_judge(const struct ticket_record *r, const struct ticket_facts *f)
{
	if (!r->ticket.len || !slice_eq(r->ticket, f->ticket))
		return REASON_TICKET_BOUND_ELSEWHERE;
	if (r->bind_path && !slice_eq(r->path, f->path))
		return REASON_TICKET_BOUND_ELSEWHERE;
	if (r->bind_origin && !slice_eq(r->origin, f->origin))
		return REASON_TICKET_BOUND_ELSEWHERE;
	if (r->bind_address && !address_eq(&r->address, &f->address))
		return REASON_TICKET_BOUND_ELSEWHERE;
	if (f->now_unix_ms >= r->expires_unix_ms)
		return REASON_CREDENTIAL_EXPIRED;
	if (r->credential_expires_unix_ms && f->now_unix_ms >= r->credential_expires_unix_ms)
		return REASON_CREDENTIAL_EXPIRED;
	return REASON_NONE;
}
