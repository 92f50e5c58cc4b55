/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks on libcurl, and the watch for surges; see alerts.h. */
#include "ctl/alerts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ct.h"
#include "base/err.h"
#include "base/jsonout.h"
#include "base/siphash.h"
#include "ctl/secret_file.h"
#include "net/random.h"
#include "obs/event_json.h"

enum {
	BODY_MAX = 4096,
	NODE_BYTES = 128,
	TOKEN_BYTES = 4096,
	SURGE_SLOTS = 10,  /* seconds that are looked at together */
	SURGE_CALM_S = 60, /* so long it must be less than half before it is over */
};

/* What belongs to one configuration. */
struct config {
	struct snapshot *snapshot;
	struct {
		char token[TOKEN_BYTES];
		size_t token_len;
		bool delayed; /* said already that it does not answer */
	} hooks[CONF_ALERTS_MAX];
};

struct alerts {
	struct alerts_facts facts;
	struct config *config, *next;
	struct alert_table table;
	struct siphash_key key; /* of what hooks are told apart by */
	char node[NODE_BYTES];
	struct buf body;
	int64_t sent, failed;
	bool stopped;
	struct {
		uint64_t refused[SURGE_SLOTS]; /* in all, at that second */
		size_t at, filled;
		unsigned calm_s;
		bool lasts;
	} surge;
};

/* A call under way; the hook may be gone when it ends. */
struct call {
	struct alerts *alerts;
	uint64_t key;
	enum alert_kind kind;
};

/* --- configuration */

static uint64_t key_of(const struct alerts *a, const struct conf_alert *conf)
{
	return siphash(&a->key, conf->webhook);
}

static struct config *config_free(struct config *c)
{
	if (!c)
		return NULL;
	snapshot_unref(c->snapshot);
	ct_wipe(c->hooks, sizeof(c->hooks));
	free(c);
	return NULL;
}

static int config_new(struct snapshot *snapshot, struct config **out)
{
	struct config *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c)
		return err_raise(ENOMEM, "alerts");
	c->snapshot = snapshot_ref(snapshot);
	for (size_t i = 0; r == 0 && i < snapshot->alert_count; i++)
		if (snapshot->alerts[i].token_file.len)
			r = secret_file_read("alerts.token", snapshot->alerts[i].token_file,
					     c->hooks[i].token, TOKEN_BYTES,
					     &c->hooks[i].token_len);
	if (r) {
		config_free(c);
		return r;
	}
	*out = c;
	return 0;
}

/* Refusals in SURGE_SLOTS seconds. */
static uint32_t surge_level(const struct rate *r)
{
	if (r->unlimited || !r->per_ms)
		return UINT32_MAX;
	uint64_t level = (uint64_t)r->count * SURGE_SLOTS * CLOCK_MS_PER_S / r->per_ms;
	return level > UINT32_MAX ? UINT32_MAX : level ? (uint32_t)level : 1;
}

static void set_hooks(struct alerts *a)
{
	struct alert_wish wishes[CONF_ALERTS_MAX];
	const struct snapshot *s = a->config->snapshot;

	for (size_t i = 0; i < s->alert_count; i++)
		wishes[i] = (struct alert_wish){
			.key = key_of(a, &s->alerts[i]),
			.on = s->alerts[i].on,
			.again_ms = s->alerts[i].again_ms,
			.surge_level = surge_level(&s->alerts[i].surge),
		};
	alert_set_hooks(&a->table, wishes, s->alert_count);
}

static bool has_identity(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->identity_count; i++)
		if (slice_eq(s->identities[i].name, slice_from_cstr(name)))
			return true;
	return false;
}

/* Nobody asks any more for those that are not there any more. */
static void forget_identities(struct alerts *a)
{
	for (size_t i = 0; i < ALERT_ROWS; i++) {
		const struct alert *row = &a->table.rows[i];
		if (row->kind == ALERT_VERIFIER && !has_identity(a->config->snapshot, row->about))
			alert_over(&a->table, row->kind, slice_from_cstr(row->about));
	}
}

int alerts_prepare(struct alerts *a, struct snapshot *conf)
{
	struct config *c;
	int r = config_new(conf, &c);

	if (r == 0) {
		config_free(a->next);
		a->next = c;
	}
	return r;
}

void alerts_adopt(struct alerts *a)
{
	if (!a->next)
		return;
	config_free(a->config);
	a->config = a->next;
	a->next = NULL;
	set_hooks(a);
	forget_identities(a);
}

/* --- calls */

static size_t hook_index(const struct alerts *a, uint64_t key)
{
	size_t i = 0;

	while (i < a->table.hook_count && a->table.hooks[i].wish.key != key)
		i++;
	return i;
}

static void log_call(struct alerts *a, enum event_level level, const char *name, size_t hook,
		     enum alert_kind kind, const char *detail, int status)
{
	struct event e;

	event_init(&e, level, name);
	event_cstr(&e, "alert", alert_word(kind));
	event_text(&e, "webhook", a->config->snapshot->alerts[hook].place);
	event_cstr(&e, "detail", detail);
	if (status)
		event_number(&e, "status", status);
	event_emit(a->facts.log, &e);
}

/* A 4xx will be one the next time as well, but for "too slow" and "too often". */
static enum alert_outcome outcome_of(int status)
{
	if (status >= 200 && status < 300)
		return ALERT_DELIVERED;
	if (status == 0 || status == 408 || status == 429 || status >= 500)
		return ALERT_RETRY;
	return ALERT_REFUSED;
}

static uint32_t some_number(void)
{
	uint32_t n;

	/* Without, they come together. */
	return random_bytes(&n, sizeof(n)) ? 0 : n;
}

static void on_called(void *arg, int status, struct slice body, const char *detail)
{
	struct call *call = arg;
	struct alerts *a = call->alerts;
	enum alert_outcome outcome = outcome_of(status);
	size_t hook = hook_index(a, call->key);

	(void)body;
	bool given_up = alert_done(&a->table, call->key, reactor_now_ms(a->facts.reactor), outcome,
				   some_number());
	a->sent += outcome == ALERT_DELIVERED;
	a->failed += given_up;
	metric_set(a->facts.metrics, METRIC_ALERTS_SENT, a->sent);
	metric_set(a->facts.metrics, METRIC_ALERTS_FAILED, a->failed);
	if (hook < a->table.hook_count) {
		bool *delayed = &a->config->hooks[hook].delayed;
		if (given_up)
			log_call(a, EVENT_ERROR, "alert_failed", hook, call->kind, detail, status);
		else if (outcome == ALERT_RETRY && !*delayed)
			log_call(a, EVENT_WARN, "alert_delayed", hook, call->kind, detail, status);
		*delayed = outcome == ALERT_RETRY && !given_up;
	}
	free(call);
}

static void call_hook(struct alerts *a, size_t hook, const struct alert *alert, bool again)
{
	const struct conf_alert *conf = &a->config->snapshot->alerts[hook];
	struct call *call = malloc(sizeof(*call));
	uint64_t now = reactor_now_ms(a->facts.reactor);

	buf_clear(&a->body);
	if (!call || alert_body(alert, again, slice_from_cstr(a->node),
				reactor_realtime_ms(a->facts.reactor), &a->body)) {
		free(call);
		alert_done(&a->table, key_of(a, conf), now, ALERT_RETRY, 0);
		return;
	}
	*call = (struct call){.alerts = a, .key = key_of(a, conf), .kind = alert->kind};
	fetch_post(a->facts.fetcher, conf->webhook, buf_slice(&a->body),
		   slice_of(a->config->hooks[hook].token, a->config->hooks[hook].token_len),
		   on_called, call);
}

static struct clock_now now_of(const struct alerts *a)
{
	return (struct clock_now){
		.us = reactor_now_us(a->facts.reactor),
		.unix_ms = reactor_realtime_ms(a->facts.reactor),
	};
}

static void turn(struct alerts *a)
{
	uint64_t now = reactor_now_ms(a->facts.reactor);
	bool again;

	for (size_t i = 0; !a->stopped && i < a->table.hook_count; i++) {
		const struct alert *alert = alert_next(&a->table, i, now, &again);
		if (alert)
			call_hook(a, i, alert, again);
	}
	metric_set(a->facts.metrics, METRIC_ALERTS_LASTING, (int64_t)alert_lasting(&a->table));
}

/* --- raising */

static void log_alert(struct alerts *a, enum alert_kind kind, const char *state, struct slice about,
		      const char *what, uint32_t level)
{
	struct event e;

	event_init(&e, EVENT_WARN, "alert");
	event_cstr(&e, "alert", alert_word(kind));
	event_cstr(&e, "state", state);
	event_text(&e, "about", about);
	event_cstr(&e, "what", what);
	if (level)
		event_number(&e, "level", level);
	event_emit(a->facts.log, &e);
}

void alerts_raise(struct alerts *a, enum alert_kind kind, struct slice about, const char *what,
		  uint32_t level)
{
	if (!a)
		return;
	uint64_t no_room = a->table.no_room;
	bool news = alert_raise(&a->table, now_of(a), kind, about, slice_from_cstr(what), level);
	if (news) {
		log_alert(a, kind, alert_lasts(kind) ? "raised" : "happened", about, what, level);
		turn(a);
	} else if (a->table.no_room != no_room) {
		metric_set(a->facts.metrics, METRIC_ALERTS_FAILED, ++a->failed);
	}
}

void alerts_over(struct alerts *a, enum alert_kind kind, struct slice about)
{
	if (a)
		alert_over(&a->table, kind, about);
}

void alerts_sweep_begin(struct alerts *a)
{
	if (a)
		alert_sweep_begin(&a->table);
}

void alerts_sweep_end(struct alerts *a, enum alert_kind kind)
{
	if (a)
		alert_sweep_end(&a->table, kind);
}

/* What has been calm for long enough. */
static void settle(struct alerts *a)
{
	const struct alert *over;

	while ((over = alert_settle(&a->table, now_of(a))))
		log_alert(a, over->kind, "over", slice_from_cstr(over->about), NULL, 0);
}

/* --- surges */

/* What the webhook that is most easily alarmed calls a surge. */
static uint32_t least_surge(const struct alerts *a)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < a->table.hook_count; i++) {
		const struct alert_wish *w = &a->table.hooks[i].wish;
		if ((w->on & ALERT_BIT(ALERT_SURGE)) && w->surge_level < least)
			least = w->surge_level;
	}
	return least;
}

static void watch_surge(struct alerts *a, uint64_t refused)
{
	uint64_t before = a->surge.refused[a->surge.at];
	uint32_t least = least_surge(a);
	char what[64];

	a->surge.refused[a->surge.at] = refused;
	a->surge.at = (a->surge.at + 1) % SURGE_SLOTS;
	if (a->surge.filled < SURGE_SLOTS) {
		/* Before the first second nothing was refused. */
		before = 0;
		a->surge.filled++;
	}
	uint64_t now = clock_since(before, refused);
	if (least != UINT32_MAX && now > least) {
		snprintf(what, sizeof(what), "%llu refused in %d seconds", (unsigned long long)now,
			 (int)SURGE_SLOTS);
		a->surge.lasts = true;
		a->surge.calm_s = 0;
		alerts_raise(a, ALERT_SURGE, SLICE(""), what,
			     now > UINT32_MAX ? UINT32_MAX : (uint32_t)now);
	} else if (a->surge.lasts && now > least / 2) {
		a->surge.calm_s = 0;
	} else if (a->surge.lasts && ++a->surge.calm_s >= SURGE_CALM_S) {
		a->surge.lasts = false;
		alerts_over(a, ALERT_SURGE, SLICE(""));
	}
}

void alerts_turn(struct alerts *a, uint64_t refused)
{
	if (!a)
		return;
	watch_surge(a, refused);
	settle(a);
	turn(a);
}

/* --- for operators */

int alerts_list(const struct alerts *a, struct buf *to)
{
	char time[EVENT_TIME_CHARS + 1];
	struct jsonout out;

	jsonout_init(&out, to);
	jsonout_object_open(&out);
	jsonout_key(&out, "alerts");
	jsonout_array_open(&out);
	for (size_t i = 0; i < ALERT_ROWS; i++) {
		const struct alert *row = &a->table.rows[i];
		if (!row->lasts)
			continue;
		jsonout_object_open(&out);
		jsonout_member_cstring(&out, "alert", alert_word(row->kind));
		jsonout_member_cstring(&out, "about", row->about);
		jsonout_member_cstring(&out, "what", row->what);
		jsonout_member_u64(&out, "level", row->level);
		jsonout_member_u64(&out, "count", row->count);
		jsonout_member(&out, "since", event_time(row->since_unix_ms, time));
		jsonout_object_close(&out);
	}
	jsonout_array_close(&out);
	jsonout_object_close(&out);
	return out.ok ? buf_append(to, SLICE("\n")) : -ENOMEM;
}

/* --- start and end */

int alerts_new(const struct alerts_facts *facts, struct alerts **out)
{
	struct alerts *a = calloc(1, sizeof(*a));
	int r = a ? random_bytes(&a->key, sizeof(a->key)) : err_raise(ENOMEM, "alerts");

	if (r == 0)
		r = config_new(facts->conf, &a->config);
	if (r) {
		free(a);
		return r;
	}
	a->facts = *facts;
	buf_init(&a->body, BODY_MAX);
	if (gethostname(a->node, sizeof(a->node) - 1))
		snprintf(a->node, sizeof(a->node), "sallyport");
	set_hooks(a);
	*out = a;
	return 0;
}

void alerts_stop(struct alerts *a)
{
	if (a)
		a->stopped = true;
}

void alerts_free(struct alerts *a)
{
	if (!a)
		return;
	config_free(a->config);
	config_free(a->next);
	buf_deinit(&a->body);
	free(a);
}
