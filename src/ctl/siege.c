/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring and saying the siege level; see siege.h. */
#include "ctl/siege.h"

#include <sys/resource.h>

#include "base/jsonout.h"
#include "ctl/serve_priv.h"
#include "obs/metrics_page.h"

enum { DESCRIPTORS_OF_OUR_OWN = 64 };

/* --- measuring */

static int64_t total(const struct serve *s, enum metric which)
{
	return metrics_sum(s->metrics, s->worker_count, which);
}

/* How much more since the last look. */
static uint64_t more(int64_t now, int64_t *before)
{
	int64_t n = now - *before;

	*before = now;
	return n > 0 ? (uint64_t)n : 0;
}

static uint64_t held(int64_t now)
{
	return now > 0 ? (uint64_t)now : 0;
}

static uint64_t of_peers(const struct serve *s)
{
	return held(total(s, METRIC_CONNECTIONS)) + held(total(s, METRIC_UPSTREAMS));
}

uint64_t siege_descriptors(const struct serve *s)
{
	return of_peers(s) + DESCRIPTORS_OF_OUR_OWN;
}

static uint64_t longest_lag(struct serve *s)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		uint64_t lag = atomic_exchange(&s->workers[i].guard.lag_us, 0);
		longest = lag > longest ? lag : longest;
	}
	metric_set(control_metrics(s->control), METRIC_LAG, (int64_t)longest);
	return longest;
}

/* At the start; the sandbox does not let anybody ask later. */
static uint64_t descriptors_max(struct siege_watch *w)
{
	struct rlimit limit;

	if (!w->descriptors_max)
		w->descriptors_max =
			getrlimit(RLIMIT_NOFILE, &limit) ? UINT64_MAX : (uint64_t)limit.rlim_cur;
	return w->descriptors_max;
}

static struct siege_load measure(struct serve *s, uint64_t window_ms)
{
	struct siege_watch *w = &s->siege;
	const struct conf_limits *limits = &s->generation->snapshot->limits;

	metric_set(control_metrics(s->control), METRIC_DESCRIPTORS, (int64_t)of_peers(s));
	return (struct siege_load){
		.window_ms = window_ms,
		.workers = s->worker_count,
		.handshakes = more(total(s, METRIC_ADMITTED), &w->handshakes),
		.refused = more(total(s, METRIC_HANDSHAKES_REFUSED), &w->refused),
		.tickets = more(total(s, METRIC_TICKETS_ASKED), &w->tickets),
		.tls_us = more(total(s, METRIC_TLS_US), &w->tls_us),
		.lag_us = longest_lag(s),
		.connections = limits_connections(s->gateway.limits),
		.connections_max = limits->connections,
		.descriptors = siege_descriptors(s),
		.descriptors_max = descriptors_max(w),
		.buffered = held(total(s, METRIC_BUFFERED)),
		.buffered_max = limits->buffered,
	};
}

/* --- saying */

static void tell_workers(struct serve *s)
{
	const struct siege *ladder = &s->siege.ladder;

	atomic_store(&s->gateway.siege_level, ladder->level);
	atomic_store(&s->gateway.proof_bits, ladder->proof_bits);
	metric_set(control_metrics(s->control), METRIC_SIEGE_LEVEL, ladder->level);
}

static const char *who_says(const struct siege *ladder)
{
	return ladder->held ? "operator" : "load";
}

static void call_for_somebody(struct serve *s, struct slice reasons)
{
	const struct siege *ladder = &s->siege.ladder;
	char what[SIEGE_WORDS_BYTES + 64];

	snprintf(what, sizeof(what), "level %u, by %s%s%.*s", ladder->level, who_says(ladder),
		 reasons.len ? ": " : "", SLICE_ARG(reasons));
	if (ladder->level)
		alerts_raise(control_alerts(s->control), ALERT_SIEGE, SLICE(""), what,
			     ladder->level);
	else
		alerts_over(control_alerts(s->control), ALERT_SIEGE, SLICE(""));
}

/* Every change of the level comes by here, whoever brought it about: the one place for whoever
 * wants to be told. */
static void on_changed(struct serve *s, unsigned before)
{
	const struct siege *ladder = &s->siege.ladder;
	char room[SIEGE_WORDS_BYTES];
	struct event e;

	metric_add(control_metrics(s->control), METRIC_SIEGE_CHANGES, 1);
	event_init(&e, EVENT_WARN, "siege");
	event_number(&e, "level", ladder->level);
	event_number(&e, "before", before);
	event_cstr(&e, "by", who_says(ladder));
	event_text(&e, "reasons", siege_words(ladder->reasons, room));
	for (unsigned i = 0; i < SIEGE_INPUTS; i++)
		event_number(&e, siege_input_word((enum siege_input)i), ladder->percent[i]);
	event_emit(serve_log(s), &e);
	call_for_somebody(s, siege_words(ladder->reasons, room));
}

/* One line for all who were turned away in this second. */
static void say_turned_away(struct serve *s)
{
	int64_t now = 0;
	struct event e;

	for (unsigned i = 0; i < s->worker_count; i++)
		now += atomic_load_explicit(&s->metrics[i]->refused[REASON_SIEGE],
					    memory_order_relaxed);
	uint64_t n = more(now, &s->siege.turned_away);
	if (!n)
		return;
	event_init(&e, EVENT_INFO, "turned_away");
	event_reason(&e, REASON_SIEGE);
	event_number(&e, "count", (int64_t)n);
	event_number(&e, "level", s->siege.ladder.level);
	event_emit(serve_log(s), &e);
}

void siege_look(struct serve *s)
{
	struct siege_watch *w = &s->siege;
	uint64_t now = reactor_now_ms(&s->reactor);
	unsigned before = w->ladder.level;
	uint64_t window = clock_since(w->looked_ms, now);
	bool first = !w->looked_ms;

	if (!window)
		return;
	w->looked_ms = now;
	struct siege_load load = measure(s, first ? CLOCK_MS_PER_S : window);
	bool changed = siege_step(&w->ladder, &s->generation->snapshot->siege, &load, now);
	tell_workers(s);
	if (changed)
		on_changed(s, before);
	say_turned_away(s);
}

/* --- the operator */

static void said(struct serve *s, unsigned before, bool changed)
{
	tell_workers(s);
	if (changed)
		on_changed(s, before);
}

void siege_command(struct serve *s, unsigned level)
{
	unsigned before = s->siege.ladder.level;

	said(s, before, siege_hold(&s->siege.ladder, level));
}

void siege_command_auto(struct serve *s)
{
	struct siege *ladder = &s->siege.ladder;
	unsigned before = ladder->level;

	said(s, before,
	     siege_release(ladder, &s->generation->snapshot->siege, reactor_now_ms(&s->reactor)));
}

int siege_show(const struct serve *s, struct buf *out)
{
	const struct siege *ladder = &s->siege.ladder;
	char room[SIEGE_WORDS_BYTES];
	struct jsonout j;

	jsonout_init(&j, out);
	jsonout_object_open(&j);
	jsonout_member_u64(&j, "level", ladder->level);
	jsonout_member_cstring(&j, "by", who_says(ladder));
	jsonout_member_u64(&j, "measured", ladder->measured);
	jsonout_member(&j, "reasons", siege_words(ladder->reasons, room));
	jsonout_member_u64(&j, "proof_bits", ladder->proof_bits);
	jsonout_key(&j, "percent");
	jsonout_object_open(&j);
	for (unsigned i = 0; i < SIEGE_INPUTS; i++)
		jsonout_member_u64(&j, siege_input_word((enum siege_input)i), ladder->percent[i]);
	jsonout_object_close(&j);
	jsonout_object_close(&j);
	return j.ok ? buf_append(out, SLICE("\n")) : BUF_FULL;
}
