/* SPDX-License-Identifier: Apache-2.0 */
/* From a certificate to an identity; see mtls.h. */
#include "policy/mtls.h"

#include "base/jsonout.h"

static struct slice first_of(const struct certificate *c, enum certificate_name_kind kind)
{
	for (size_t i = 0; i < c->name_count; i++) {
		if (c->names[i].kind == kind)
			return c->names[i].text;
	}
	return slice_of(NULL, 0);
}

static struct slice subject_of(const struct conf_identity *identity, const struct certificate *c)
{
	static const enum certificate_name_kind order[] = {CERTIFICATE_URI, CERTIFICATE_DNS,
							   CERTIFICATE_EMAIL};
	struct slice subject = {NULL, 0};

	if (identity->mtls.subject == CONF_MTLS_CN)
		return c->common_name;
	for (size_t i = 0; !subject.len && i < sizeof(order) / sizeof(order[0]); i++)
		subject = first_of(c, order[i]);
	return subject;
}

static bool write_claims(const struct certificate *c, struct buf *to)
{
	struct jsonout j;

	jsonout_init(&j, to);
	jsonout_object_open(&j);
	jsonout_key(&j, "san");
	jsonout_array_open(&j);
	for (size_t i = 0; i < c->name_count; i++)
		jsonout_string(&j, c->names[i].text);
	jsonout_array_close(&j);
	if (c->common_name.len)
		jsonout_member(&j, "cn", c->common_name);
	jsonout_member(&j, "serial", c->serial);
	jsonout_member(&j, "fingerprint", c->fingerprint);
	jsonout_object_close(&j);
	return j.ok;
}

static struct slice claims_of(const struct certificate *c, struct arena *a)
{
	struct slice claims = {NULL, 0};
	struct buf text;

	buf_init(&text, IDENTITY_CLAIMS_MAX);
	if (write_claims(c, &text))
		claims = arena_copy(a, buf_slice(&text));
	buf_deinit(&text);
	return claims;
}

struct verdict mtls_identify(const struct conf_identity *identity, const struct certificate *c,
			     uint64_t now_unix_ms, struct arena *a, struct identity *out)
{
	if (c->malformed)
		return verdict_refuse(REASON_CREDENTIAL_INVALID,
				      "a certificate that cannot be read");
	/* TLS looked when the connection began; it may have been open for long since. */
	if (now_unix_ms >= c->not_after_unix_ms)
		return verdict_refuse(REASON_CREDENTIAL_EXPIRED, "the certificate");
	if (now_unix_ms < c->not_before_unix_ms)
		return verdict_refuse(REASON_CREDENTIAL_INVALID, "a certificate of the future");
	struct slice subject = subject_of(identity, c);
	if (!subject.len || subject.len > IDENTITY_SUBJECT_MAX || !c->fingerprint.len)
		return verdict_refuse(REASON_CREDENTIAL_INVALID, "a certificate without a subject");
	*out = (struct identity){
		.subject = arena_copy(a, subject),
		.via = identity->name,
		.key = c->fingerprint,
		.claims = claims_of(c, a),
		.issued_unix_ms = c->not_before_unix_ms,
		.expires_unix_ms = c->not_after_unix_ms,
	};
	if (!out->subject.data || !out->claims.data)
		return verdict_refuse(REASON_OVERLOADED, "the arena is full");
	return verdict_pass();
}
