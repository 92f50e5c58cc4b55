/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets of issuers; see keysets.h. */
#include "ctl/keysets.h"

#include <stdlib.h>

#include "base/err.h"
#include "http/url.h"

/* One issuer's keys, as one identity uses them. */
struct source {
	struct list link;
	struct keysets *home;
	struct jwk_slot *slot; /* one reference */
	char *name, *url;
	uint32_t algorithms;
	uint64_t refresh_ms, grace_ms;
	struct timer timer;  /* the next fetch */
	struct timer reopen; /* of asking because of an unknown key */
	struct list waiting; /* asks, at most KEYSETS_WAITING_MAX */
	size_t waiting_count;
	bool fetching, has_keys;
	bool late;                 /* who asks came when the fetch under way had begun */
	bool gone;                 /* to be freed as soon as nothing is under way */
	uint64_t failing_since_ms; /* 0: the last fetch went well */
};

struct keysets {
	struct reactor *reactor;
	struct event_sink *log;
	struct fetcher *fetcher;
	struct alerts *alerts;
	struct list sources;
};

static uint64_t now_of(const struct source *s)
{
	return reactor_now_ms(s->home->reactor);
}

static void arm(const struct source *s, struct timer *t, uint64_t in_ms)
{
	timer_arm(&s->home->reactor->timers, t, clock_add(now_of(s), in_ms));
}

static void log_keys(const struct source *s, enum event_level level, const char *name,
		     const char *detail, size_t count)
{
	struct event e;

	event_init(&e, level, name);
	event_cstr(&e, "identity", s->name);
	event_text(&e, "jwks", url_without_query(slice_from_cstr(s->url)));
	if (detail)
		event_cstr(&e, "detail", detail);
	else
		event_number(&e, "keys", (int64_t)count);
	event_emit(s->home->log, &e);
}

/* --- one fetch */

static void answer_waiting(struct source *s, bool good)
{
	LIST_EACH (at, &s->waiting) {
		struct ask *a = LIST_ENTRY(at, struct ask, link);
		list_remove(at);
		s->waiting_count--;
		a->answer.kind = good ? ANSWER_YES : ANSWER_FAILED;
		ask_give_back(a);
	}
}

static void source_free(struct source *s)
{
	timer_disarm(&s->timer);
	timer_disarm(&s->reopen);
	list_remove(&s->link);
	jwk_slot_unref(s->slot);
	free(s->name);
	free(s->url);
	free(s);
}

static void failed(struct source *s, const char *detail)
{
	uint64_t now = now_of(s);

	log_keys(s, EVENT_ERROR, "keys_failed", detail, 0);
	alerts_raise(s->home->alerts, ALERT_VERIFIER, slice_from_cstr(s->name), detail, 0);
	if (!s->failing_since_ms)
		s->failing_since_ms = now ? now : 1;
	if (s->has_keys && clock_since(s->failing_since_ms, now) >= s->grace_ms) {
		s->has_keys = false;
		jwk_slot_set(s->slot, NULL);
		log_keys(s, EVENT_ERROR, "keys_stale", "no token is good until the issuer answers",
			 0);
	}
	arm(s, &s->timer, s->refresh_ms < KEYSETS_RETRY_MS ? s->refresh_ms : KEYSETS_RETRY_MS);
}

/* Takes over the ring. */
static void succeeded(struct source *s, struct jwk_ring *ring)
{
	if (!s->has_keys || s->failing_since_ms)
		log_keys(s, EVENT_INFO, "keys", NULL, jwk_ring_count(ring));
	alerts_over(s->home->alerts, ALERT_VERIFIER, slice_from_cstr(s->name));
	s->failing_since_ms = 0;
	s->has_keys = true;
	jwk_slot_set(s->slot, ring);
	arm(s, &s->timer, s->refresh_ms);
}

static struct jwk_ring *read_set(const struct source *s, int status, struct slice body,
				 const char **detail)
{
	struct jwk_ring *ring;

	if (!status)
		return NULL; /* detail says why */
	if (status != 200) {
		*detail = "a status other than 200";
		return NULL;
	}
	ring = jwk_ring_new(s->algorithms);
	if (ring && jwk_ring_add_set(ring, body, detail) == 0)
		return ring;
	if (!*detail)
		*detail = "no memory";
	return jwk_ring_unref(ring);
}

static void fetch(struct source *s);

static void on_fetched(void *arg, int status, struct slice body, const char *detail)
{
	struct source *s = arg;
	struct jwk_ring *ring = read_set(s, status, body, &detail);

	s->fetching = false;
	if (s->gone)
		jwk_ring_unref(ring);
	else if (ring)
		succeeded(s, ring);
	else
		failed(s, detail);
	/* The set may be from before the key that somebody waits for. */
	bool again = s->late && ring && !s->gone;
	s->late = false;
	if (again) {
		fetch(s);
		return;
	}
	/* Whoever came meanwhile waited too; from now on nobody asks for a while. */
	if (timer_armed(&s->reopen))
		jwk_slot_allow_asking(s->slot, false);
	answer_waiting(s, ring != NULL);
	if (s->gone)
		source_free(s);
}

static void fetch(struct source *s)
{
	timer_disarm(&s->timer);
	s->fetching = true;
	fetch_plain(s->home->fetcher, slice_from_cstr(s->url), JWK_TEXT_MAX, on_fetched, s);
}

static void on_timer(struct timer *t)
{
	struct source *s = TIMER_OWNER(t, struct source, timer);

	if (!s->fetching)
		fetch(s);
}

static void on_reopen(struct timer *t)
{
	jwk_slot_allow_asking(TIMER_OWNER(t, struct source, reopen)->slot, true);
}

/* --- questions */

static struct source *find_slot(const struct keysets *k, const struct jwk_slot *slot)
{
	LIST_EACH (at, &k->sources) {
		struct source *s = LIST_ENTRY(at, struct source, link);
		if (s->slot == slot && !s->gone)
			return s;
	}
	return NULL;
}

void keysets_ask(struct keysets *k, struct ask *a)
{
	const struct generation *g = a->generation;
	size_t index = (size_t)(a->question.identity - g->snapshot->identities);
	struct source *s = g->slots[index] ? find_slot(k, g->slots[index]) : NULL;

	/* Not now: it is judged by the keys there are. Without any, the next attempt is near. */
	if (!s || s->waiting_count == KEYSETS_WAITING_MAX ||
	    (!s->fetching && (!s->has_keys || timer_armed(&s->reopen)))) {
		a->answer.kind = ANSWER_NO;
		ask_give_back(a);
		return;
	}
	list_init(&a->link);
	list_append(&s->waiting, &a->link);
	s->waiting_count++;
	if (timer_armed(&s->reopen))
		return; /* what is under way was asked for, and must do */
	arm(s, &s->reopen, KEYSETS_ASK_MS);
	s->late = s->fetching;
	if (!s->fetching)
		fetch(s);
}

/* --- which there are */

static bool is_for(const struct source *s, const struct conf_identity *identity)
{
	return !s->gone && s->algorithms == identity->jwt.algorithms &&
	       slice_eq(slice_from_cstr(s->name), identity->name) &&
	       slice_eq(slice_from_cstr(s->url), identity->jwt.jwks);
}

static struct source *find(const struct keysets *k, const struct conf_identity *identity)
{
	LIST_EACH (at, &k->sources) {
		struct source *s = LIST_ENTRY(at, struct source, link);
		if (is_for(s, identity))
			return s;
	}
	return NULL;
}

static struct source *source_new(struct keysets *k, const struct conf_identity *identity)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->home = k;
	s->algorithms = identity->jwt.algorithms;
	timer_init(&s->timer, on_timer);
	timer_init(&s->reopen, on_reopen);
	list_init(&s->waiting);
	list_init(&s->link);
	s->slot = jwk_slot_new();
	s->name = strndup(identity->name.data, identity->name.len);
	s->url = strndup(identity->jwt.jwks.data, identity->jwt.jwks.len);
	if (!s->slot || !s->name || !s->url) {
		source_free(s);
		return NULL;
	}
	jwk_slot_allow_asking(s->slot, true);
	list_append(&k->sources, &s->link);
	return s;
}

int keysets_adopt(struct keysets *k, struct generation *g)
{
	for (size_t i = 0; i < g->snapshot->identity_count; i++) {
		const struct conf_identity *identity = &g->snapshot->identities[i];
		if (identity->kind != CONF_IDENTITY_JWT || !identity->jwt.jwks.len)
			continue;
		struct source *s = find(k, identity);
		bool is_new = !s;
		if (is_new)
			s = source_new(k, identity);
		if (!s)
			return err_raise(ENOMEM, "keys");
		s->refresh_ms = identity->jwt.refresh_ms;
		s->grace_ms = identity->jwt.grace_ms;
		g->slots[i] = jwk_slot_ref(s->slot);
		if (is_new)
			fetch(s);
		else if (!s->fetching && s->timer.at_ms > clock_add(now_of(s), s->refresh_ms))
			arm(s, &s->timer, s->refresh_ms);
	}
	return 0;
}

void keysets_forget_others(struct keysets *k, const struct generation *g)
{
	LIST_EACH (at, &k->sources) {
		struct source *s = LIST_ENTRY(at, struct source, link);
		bool used = false;
		for (size_t i = 0; i < g->snapshot->identity_count; i++)
			used |= g->slots[i] == s->slot;
		if (used || s->gone)
			continue;
		s->gone = true;
		timer_disarm(&s->timer);
		timer_disarm(&s->reopen);
		if (!s->fetching)
			source_free(s);
	}
}

/* --- birth and end */

int keysets_new(struct reactor *r, struct event_sink *log, struct fetcher *f, struct alerts *alerts,
		struct keysets **out)
{
	struct keysets *k = calloc(1, sizeof(*k));

	if (!k)
		return err_raise(ENOMEM, "key sets");
	k->reactor = r;
	k->log = log;
	k->fetcher = f;
	k->alerts = alerts;
	list_init(&k->sources);
	*out = k;
	return 0;
}

void keysets_free(struct keysets *k)
{
	if (!k)
		return;
	LIST_EACH (at, &k->sources)
		source_free(LIST_ENTRY(at, struct source, link));
	free(k);
}
