/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, hooks, and what the ones still have to tell the others; see alert_table.h. */
#include "obs/alert_table.h"

#include <stdio.h>

#include "base/jsonout.h"
#include "obs/event_json.h"

/* --- rows */

static void set_text(char *to, size_t bytes, struct slice text)
{
	snprintf(to, bytes, "%.*s", SLICE_ARG(slice_first(text, bytes - 1)));
}

static struct alert *find(struct alert_table *t, enum alert_kind kind, struct slice about)
{
	about = slice_first(about, ALERT_ABOUT_MAX - 1);
	for (size_t i = 0; i < ALERT_ROWS; i++)
		if (t->rows[i].kind == kind && slice_eq(slice_from_cstr(t->rows[i].about), about))
			return &t->rows[i];
	return NULL;
}

static bool wants(const struct alert_hook *h, const struct alert *a)
{
	if (a->kind == ALERT_SURGE && a->level < h->wish.surge_level)
		return false;
	return (h->wish.on & ALERT_BIT(a->kind)) != 0;
}

/* Nobody has to hear of it any more. */
static bool is_done(const struct alert_table *t, size_t row)
{
	if (t->rows[row].lasts)
		return false;
	for (size_t i = 0; i < t->hook_count; i++) {
		const struct alert_hook *h = &t->hooks[i];
		if (wants(h, &t->rows[row]) && h->told[row].news != t->rows[row].news)
			return false;
	}
	return true;
}

/* A free row, else the oldest that is done with. */
static struct alert *make_room(struct alert_table *t)
{
	struct alert *best = NULL;

	for (size_t i = 0; i < ALERT_ROWS; i++) {
		struct alert *a = &t->rows[i];
		if (a->kind == ALERT_NONE)
			return a;
		if (is_done(t, i) && (!best || a->changed_unix_ms < best->changed_unix_ms))
			best = a;
	}
	return best;
}

static void forget_row(struct alert_table *t, size_t row)
{
	for (size_t i = 0; i < t->hook_count; i++) {
		t->hooks[i].told[row] = (struct alert_told){0};
		/* What is under way concerns nobody any more. */
		if (t->hooks[i].calling && t->hooks[i].row == row)
			t->hooks[i].news = 0;
	}
}

bool alert_raise(struct alert_table *t, struct clock_now now, enum alert_kind kind,
		 struct slice about, struct slice what, uint32_t level)
{
	struct alert *a = find(t, kind, about);

	if (!a) {
		a = make_room(t);
		if (!a) {
			t->no_room++;
			return false;
		}
		forget_row(t, (size_t)(a - t->rows));
		*a = (struct alert){.kind = kind};
		set_text(a->about, sizeof(a->about), about);
	}
	bool news = !a->lasts || (alert_has_levels(kind) && a->level != level);
	if (!a->lasts) {
		a->since_unix_ms = now.unix_ms;
		a->count++;
		a->level = 0;
	}
	if (news || level > a->level)
		a->level = level;
	set_text(a->what, sizeof(a->what), what);
	a->lasts = alert_lasts(kind);
	a->ending = false;
	a->raised_us = now.us;
	a->round = t->round;
	if (news) {
		a->changed_unix_ms = now.unix_ms;
		a->news = ++t->news;
	}
	return news;
}

void alert_over(struct alert_table *t, enum alert_kind kind, struct slice about)
{
	struct alert *a = find(t, kind, about);

	if (a)
		a->ending = a->lasts;
}

void alert_sweep_begin(struct alert_table *t)
{
	t->round++;
}

void alert_sweep_end(struct alert_table *t, enum alert_kind kind)
{
	for (size_t i = 0; i < ALERT_ROWS; i++)
		if (t->rows[i].kind == kind && t->rows[i].round != t->round)
			t->rows[i].ending = t->rows[i].lasts;
}

const struct alert *alert_settle(struct alert_table *t, struct clock_now now)
{
	for (size_t i = 0; i < ALERT_ROWS; i++) {
		struct alert *a = &t->rows[i];
		if (!a->ending || clock_since(a->raised_us, now.us) < clock_ms_to_us(ALERT_CALM_MS))
			continue;
		a->ending = a->lasts = false;
		a->changed_unix_ms = now.unix_ms;
		a->news = ++t->news;
		return a;
	}
	return NULL;
}

size_t alert_lasting(const struct alert_table *t)
{
	size_t count = 0;

	for (size_t i = 0; i < ALERT_ROWS; i++)
		count += t->rows[i].lasts;
	return count;
}

/* --- hooks */

/* It came when these were over. */
static void skip_the_past(const struct alert_table *t, struct alert_hook *h)
{
	for (size_t i = 0; i < ALERT_ROWS; i++)
		if (!t->rows[i].lasts)
			h->told[i].news = t->rows[i].news;
}

void alert_set_hooks(struct alert_table *t, const struct alert_wish *wishes, size_t count)
{
	static struct alert_hook old[CONF_ALERTS_MAX]; /* of the control thread */
	size_t old_count = t->hook_count;

	memcpy(old, t->hooks, sizeof(old));
	memset(t->hooks, 0, sizeof(t->hooks));
	t->hook_count = count < CONF_ALERTS_MAX ? count : CONF_ALERTS_MAX;
	for (size_t i = 0; i < t->hook_count; i++) {
		struct alert_hook *h = &t->hooks[i];
		bool known = false;
		for (size_t o = 0; o < old_count && !known; o++) {
			known = old[o].wish.key == wishes[i].key;
			if (known)
				*h = old[o];
		}
		h->wish = wishes[i];
		if (!known)
			skip_the_past(t, h);
	}
}

/* Is there anything to tell about that row, now? */
static bool is_due(const struct alert_hook *h, const struct alert *a, const struct alert_told *told,
		   uint64_t now_ms, bool *again)
{
	uint64_t since = clock_since(told->at_ms, now_ms);
	uint64_t pause = h->wish.again_ms < ALERT_PAUSE_MS ? h->wish.again_ms : ALERT_PAUSE_MS;

	if (a->kind == ALERT_NONE || !wants(h, a))
		return false;
	*again = told->news == a->news;
	if (*again)
		return a->lasts && since >= h->wish.again_ms;
	return told->at_ms == 0 || since >= pause;
}

/* What failed is tried again before anything else; then the oldest news. ALERT_ROWS: nothing. */
static size_t choose(const struct alert_table *t, const struct alert_hook *h, uint64_t now_ms,
		     bool *again)
{
	size_t best = ALERT_ROWS;
	bool its_again;

	for (size_t i = 0; i < ALERT_ROWS; i++) {
		if (!is_due(h, &t->rows[i], &h->told[i], now_ms, &its_again))
			continue;
		bool first = h->attempts && i == h->row;
		if (!first && best < ALERT_ROWS && t->rows[i].news > t->rows[best].news)
			continue;
		best = i;
		*again = its_again;
		if (first)
			break;
	}
	return best;
}

const struct alert *alert_next(struct alert_table *t, size_t hook, uint64_t now_ms, bool *again)
{
	struct alert_hook *h = &t->hooks[hook];

	if (hook >= t->hook_count || h->calling || now_ms < h->next_ms)
		return NULL;
	size_t row = choose(t, h, now_ms, again);
	if (row == ALERT_ROWS)
		return NULL;
	h->calling = true;
	h->row = row;
	h->news = t->rows[row].news;
	return &t->rows[row];
}

static struct alert_hook *hook_of(struct alert_table *t, uint64_t key)
{
	for (size_t i = 0; i < t->hook_count; i++)
		if (t->hooks[i].wish.key == key)
			return &t->hooks[i];
	return NULL;
}

/* Between half of the pause and all of it. */
static uint64_t pause_after(unsigned attempts, uint32_t random)
{
	uint64_t pause = (uint64_t)ALERT_RETRY_MS << (attempts < 16 ? attempts - 1 : 15);

	if (pause > ALERT_RETRY_MOST_MS)
		pause = ALERT_RETRY_MOST_MS;
	return pause / 2 + random % (pause / 2 + 1);
}

bool alert_done(struct alert_table *t, uint64_t key, uint64_t now_ms, enum alert_outcome outcome,
		uint32_t random)
{
	struct alert_hook *h = hook_of(t, key);

	if (!h || !h->calling)
		return false;
	h->calling = false;
	if (outcome == ALERT_RETRY && ++h->attempts < ALERT_ATTEMPTS) {
		h->next_ms = clock_add(now_ms, pause_after(h->attempts, random));
		return false;
	}
	h->attempts = 0;
	h->next_ms = 0;
	/* The row may have become another's meanwhile. */
	if (h->news)
		h->told[h->row] = (struct alert_told){h->news, now_ms ? now_ms : 1};
	return outcome != ALERT_DELIVERED;
}

/* --- what is said */

const char *alert_state(const struct alert *a, bool again)
{
	if (!alert_lasts(a->kind))
		return "happened";
	if (!a->lasts)
		return "over";
	return again ? "lasts" : "raised";
}

/* Chat services show the member `text`. */
static void say_text(struct jsonout *out, const struct alert *a, bool again, struct slice node)
{
	char text[ALERT_ABOUT_MAX + ALERT_WHAT_MAX + 512];

	snprintf(text, sizeof(text), "[%.*s] %s %s: %s%s%s%s%s%s", SLICE_ARG(slice_first(node, 64)),
		 alert_word(a->kind), alert_state(a, again), alert_sentence(a->kind),
		 a->about[0] ? " (" : "", a->about, a->about[0] ? ")" : "", a->what[0] ? ": " : "",
		 a->what);
	jsonout_member_cstring(out, "text", text);
}

int alert_body(const struct alert *a, bool again, struct slice node, uint64_t unix_ms,
	       struct buf *to)
{
	char time[EVENT_TIME_CHARS + 1];
	struct jsonout out;

	jsonout_init(&out, to);
	jsonout_object_open(&out);
	say_text(&out, a, again, node);
	jsonout_member_cstring(&out, "alert", alert_word(a->kind));
	jsonout_member_cstring(&out, "state", alert_state(a, again));
	jsonout_member(&out, "node", node);
	if (a->about[0])
		jsonout_member_cstring(&out, "about", a->about);
	if (a->what[0])
		jsonout_member_cstring(&out, "what", a->what);
	if (a->level)
		jsonout_member_u64(&out, "level", a->level);
	jsonout_member_u64(&out, "count", a->count);
	jsonout_member(&out, "since", event_time(a->since_unix_ms, time));
	jsonout_member(&out, "changed", event_time(a->changed_unix_ms, time));
	jsonout_member(&out, "time", event_time(unix_ms, time));
	jsonout_member_cstring(&out, "version", SALLYPORT_VERSION);
	jsonout_object_close(&out);
	return out.ok ? 0 : -1;
}
