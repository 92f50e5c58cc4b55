/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport try jwt`; see try_jwt.h. */
#include "cmd/try_jwt.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/jsonout.h"
#include "cmd/try_input.h"
#include "json/read.h"
#include "json/write.h"
#include "net/clock.h"
#include "policy/jwt.h"

enum { ARENA_BLOCK = 1 << 16, ARENA_MAX = 1 << 27, AUDIENCES_MAX = 64 };

struct line {
	struct slice token;
	const struct json_node *keys; /* or */
	struct slice secret;
	struct slice keys_text;
	struct jwt_rules rules;
	struct slice audiences[AUDIENCES_MAX];
	uint64_t now_unix_ms;
	bool any_payload;
};

static int say_refused(enum reason reason, const char *detail, struct buf *out)
{
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member_bool(&j, "ok", false);
	jsonout_member_cstring(&j, "reason", reason_word(reason));
	if (detail)
		jsonout_member_cstring(&j, "detail", detail);
	jsonout_object_close(&j);
	return j.ok ? 0 : BUF_FULL;
}

static int say_claims(struct slice claims, struct buf *out)
{
	int r = buf_append(out, SLICE("{\"ok\":true,\"claims\":"));

	if (r == 0)
		r = buf_append(out, claims);
	return r ? r : buf_append(out, SLICE("}"));
}

static int say_payload(struct slice payload, struct arena *a, struct buf *out)
{
	size_t room = BASE64_CHARS(payload.len) + 1;
	char *text = arena_alloc(a, room);

	if (!text)
		return err_raise(ENOMEM, "a payload");
	struct slice coded = base64_encode(payload, text, room);
	return buf_printf(out, "{\"ok\":true,\"payload\":\"%.*s\"}", SLICE_ARG(coded));
}

/* --- reading the line: NULL, or what is wrong with it */

static const char *read_algorithms(const struct json_node *root, struct line *l)
{
	const struct json_node *list = json_member(root, SLICE("algorithms"));

	l->rules.algorithms = list ? 0 : (uint32_t)JWA_ALL;
	if (list && json_type(list) != JSON_ARRAY)
		return "\"algorithms\" is a list";
	if (!list)
		return NULL;
	JSON_EACH (name, list) {
		enum jwa alg = jwa_find(json_string(name));
		/* One that does not exist accepts nothing. */
		l->rules.algorithms |= alg ? JWA_BIT(alg) : 0;
	}
	return NULL;
}

static const char *read_audience(const struct json_node *root, struct line *l)
{
	const struct json_node *v = json_member(root, SLICE("audience"));

	l->rules.audience.items = l->audiences;
	if (!v)
		return NULL;
	if (json_type(v) == JSON_STRING) {
		l->audiences[l->rules.audience.count++] = json_string(v);
		return NULL;
	}
	if (json_type(v) != JSON_ARRAY || json_count(v) == 0 || json_count(v) > AUDIENCES_MAX)
		return "\"audience\" is a text or a list of texts";
	JSON_EACH (one, v)
		l->audiences[l->rules.audience.count++] = json_string(one);
	return NULL;
}

static bool read_seconds(const struct json_node *v, uint64_t *ms)
{
	double seconds = json_double(v);

	if (json_type(v) != JSON_NUMBER || seconds < 0 || seconds > 1e12)
		return false;
	*ms = (uint64_t)(seconds * (double)CLOCK_MS_PER_S);
	return true;
}

static const char *read_times(const struct json_node *root, struct line *l)
{
	const struct json_node *now = json_member(root, SLICE("now"));
	const struct json_node *leeway = json_member(root, SLICE("leeway"));

	l->now_unix_ms = clock_read().unix_ms;
	if (now && !read_seconds(now, &l->now_unix_ms))
		return "\"now\" is a time in seconds";
	if (leeway && !read_seconds(leeway, &l->rules.leeway_ms))
		return "\"leeway\" is a number of seconds";
	return NULL;
}

static const char *read_secret(const struct json_node *root, struct arena *a, struct line *l)
{
	const struct json_node *secret = json_member(root, SLICE("secret"));
	struct slice text = json_string(secret);
	size_t room = BASE64_BYTES(text.len), len;
	char *bytes = arena_alloc(a, room);

	if (!secret)
		return NULL;
	if (!bytes || !base64_decode(text, bytes, room, &len))
		return "\"secret\" is base64";
	l->secret = slice_of(bytes, len);
	return NULL;
}

/* The set as text again, for the reader of sets. */
static const char *read_keys(const struct json_node *root, struct arena *a, struct line *l)
{
	struct buf b;

	l->keys = json_member(root, SLICE("keys"));
	if (!l->keys)
		return l->secret.data ? NULL : "a line needs \"keys\" or \"secret\"";
	if (l->secret.data)
		return "either \"keys\" or \"secret\"";
	buf_init(&b, JWK_TEXT_MAX);
	if (!json_write(l->keys, NULL, &b))
		l->keys_text = arena_copy(a, buf_slice(&b));
	buf_deinit(&b);
	return l->keys_text.data ? NULL : "\"keys\" is too long";
}

static const char *read_line(const struct json_node *root, struct arena *a, struct line *l)
{
	const struct json_node *token = json_member_typed(root, SLICE("token"), JSON_STRING);

	if (!token)
		return "a line is {\"token\": \"...\", \"keys\": {...}}";
	l->token = json_string(token);
	l->rules.issuer = json_string(json_member(root, SLICE("issuer")));
	l->any_payload = slice_eq(json_string(json_member(root, SLICE("payload"))), SLICE("any"));
	l->rules.type = json_string(json_member(root, SLICE("type")));
	const char *wrong = read_algorithms(root, l);
	wrong = wrong ? wrong : read_audience(root, l);
	wrong = wrong ? wrong : read_times(root, l);
	wrong = wrong ? wrong : read_secret(root, a, l);
	return wrong ? wrong : read_keys(root, a, l);
}

/* --- judging */

static int judge(const struct line *l, const struct jwk_ring *ring, struct arena *a,
		 struct buf *out)
{
	struct slice payload;

	if (!l->token.len)
		return say_refused(REASON_CREDENTIAL_MISSING, NULL, out);
	struct jwt t = l->any_payload ? jwt_judge_signature(l->token, ring, &l->rules, a, &payload)
				      : jwt_judge(l->token, ring, &l->rules, l->now_unix_ms, a);
	if (t.reason == REASON_NONE)
		return l->any_payload ? say_payload(payload, a, out) : say_claims(t.claims, out);
	return say_refused(t.reason, t.detail, out);
}

static int judge_line(struct slice line, struct arena *a, struct buf *out)
{
	const struct json_limits limits = {.depth = 16, .members = 64, .values = 10000};
	struct line l = {0};
	struct json_doc doc;
	const char *detail = NULL;

	if (json_read(line, &limits, a, &doc))
		return try_say_error("the line is not JSON", out);
	const char *wrong = read_line(doc.root, a, &l);
	if (wrong)
		return try_say_error(wrong, out);
	struct jwk_ring *ring = jwk_ring_new(l.rules.algorithms);
	if (!ring)
		return err_raise(ENOMEM, "keys");
	int r = l.secret.data ? jwk_ring_add_secret(ring, l.secret, &detail)
			      : jwk_ring_add_set_with_secrets(ring, l.keys_text, &detail);
	if (r == JWK_UNUSABLE)
		r = say_refused(REASON_CREDENTIAL_INVALID, detail, out);
	else if (r == 0)
		r = judge(&l, ring, a, out);
	jwk_ring_unref(ring);
	return r;
}

int try_jwt_line(struct slice line, struct buf *out)
{
	struct arena a;

	arena_init(&a, ARENA_BLOCK, ARENA_MAX);
	int r = judge_line(line, &a, out);
	arena_deinit(&a);
	return r;
}
