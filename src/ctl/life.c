/* SPDX-License-Identifier: Apache-2.0 */
/* What the control thread looks after while everything runs; see life.h. */
#include "ctl/life.h"

#include <stdlib.h>
#include <unistd.h>

#include "ctl/beat.h"
#include "ctl/parent.h"
#include "net/clock.h"

enum { ROUND_MS = 1000, MS_PER_S = 1000 };

#define DAY_MS (UINT64_C(24) * 3600 * 1000)

/* --- certificates */

static void alert_expiry(struct serve *s, const struct tls_certificate *c, int64_t left_s)
{
	char fingerprint[TLS_FINGERPRINT_BYTES], what[64];
	int64_t days = left_s / (int64_t)(DAY_MS / MS_PER_S);

	if (left_s > 0)
		snprintf(what, sizeof(what), "expires in %lld days", (long long)days);
	else
		snprintf(what, sizeof(what), "has expired");
	alerts_raise(control_alerts(s->control), ALERT_CERTIFICATE,
		     tls_certificate_name_count(c) ? tls_certificate_name(c, 0)
						   : tls_certificate_fingerprint(c, fingerprint),
		     what, 0);
}

static void log_expiry(struct serve *s, const struct tls_certificate *c, int64_t left_s)
{
	char fingerprint[TLS_FINGERPRINT_BYTES];
	struct event e;
	bool late = left_s < LIFE_LATE_DAYS * (int64_t)(DAY_MS / MS_PER_S);

	event_init(&e, late ? EVENT_ERROR : EVENT_WARN,
		   left_s > 0 ? "certificate_expires" : "certificate_expired");
	if (tls_certificate_name_count(c))
		event_text(&e, "name", tls_certificate_name(c, 0));
	event_number(&e, "seconds", left_s);
	event_text(&e, "sha256", tls_certificate_fingerprint(c, fingerprint));
	event_emit(serve_log(s), &e);
	alert_expiry(s, c, left_s);
}

void life_look_at_certificates(struct serve *s)
{
	const struct generation *g = s->generation;
	uint64_t now = reactor_realtime_ms(&s->reactor);
	int64_t least = 0;

	alerts_sweep_begin(control_alerts(s->control));
	for (size_t i = 0; i < g->certificate_count; i++) {
		uint64_t end = tls_certificate_expires_unix_ms(g->certificates[i]);
		int64_t left_s = ((int64_t)end - (int64_t)now) / MS_PER_S;
		if (i == 0 || left_s < least)
			least = left_s;
		if (left_s < LIFE_SOON_DAYS * (int64_t)(DAY_MS / MS_PER_S))
			log_expiry(s, g->certificates[i], left_s);
	}
	alerts_sweep_end(control_alerts(s->control), ALERT_CERTIFICATE);
	metric_set(control_metrics(s->control), METRIC_CERTIFICATE_EXPIRES, least);
	s->life.next_certificates_ms = clock_add(reactor_now_ms(&s->reactor), DAY_MS);
}

/* --- workers */

static void give_up(struct serve *s, unsigned worker, uint64_t silent_us)
{
	struct event e;

	/* Should the log not get away: the parent waits a moment, not for ever. */
	beat_enter(BEAT_STUCK);
	event_init(&e, EVENT_ERROR, "worker_stuck");
	event_number(&e, "worker", worker);
	event_number(&e, "ms", (int64_t)clock_us_to_ms(silent_us));
	event_cstr(&e, "what", "the process aborts, to be started again");
	event_emit(serve_log(s), &e);
	serve_end_logs(s);
	abort();
}

static bool all_turn(struct serve *s)
{
	bool all = true;

	for (unsigned i = 0; i < s->started; i++)
		all &= s->life.workers[i].watch.silent_us < WATCH_ROUND_MAX_US;
	return all;
}

static void on_watch(struct timer *t)
{
	struct serve *s = TIMER_OWNER(t, struct serve, life.watch);
	pid_t self = getpid();

	beat_turn();
	for (unsigned i = 0; i < s->started; i++) {
		s->life.workers[i].turns += worker_turned(&s->workers[i]);
		uint64_t silent_us =
			watch_round(&s->life.workers[i].watch, s->life.workers[i].turns,
				    clock_read_us(), self, worker_tid(&s->workers[i]));
		if (silent_us >= WATCH_STUCK_US)
			give_up(s, i, silent_us);
	}
	timer_arm(&s->reactor.timers, t, clock_add(reactor_now_ms(&s->reactor), WATCH_EVERY_MS));
}

/* --- what the audit log counted */

static void count_auditlog(struct serve *s)
{
	struct metrics *m = control_metrics(s->control);

	if (!s->auditlog)
		return;
	struct auditlog_counts counts = auditlog_count(s->auditlog);
	metric_set(m, METRIC_AUDIT_LINES, (int64_t)counts.lines);
	metric_set(m, METRIC_AUDIT_LEFT_OUT, (int64_t)counts.left_out);
	metric_set(m, METRIC_AUDIT_DROPPED, (int64_t)counts.dropped);
	metric_set(m, METRIC_AUDIT_FAILING, counts.failing);
	bool lost = counts.dropped > s->life.dropped;
	s->life.dropped = counts.dropped;
	if (counts.failing || lost)
		alerts_raise(control_alerts(s->control), ALERT_AUDIT, SLICE(""),
			     counts.failing ? "it cannot be written: look at the disk"
					    : "lines came faster than they could be written",
			     0);
	else
		alerts_over(control_alerts(s->control), ALERT_AUDIT, SLICE(""));
}

/* --- what is refused, by all threads */

static uint64_t count_refused(const struct serve *s)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w <= s->worker_count; w++)
		for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
			sum += (uint64_t)atomic_load_explicit(&s->metrics[w]->refused[r],
							      memory_order_relaxed);
	return sum;
}

static void on_second(struct timer *t)
{
	struct serve *s = TIMER_OWNER(t, struct serve, life.second);
	uint64_t now = reactor_now_ms(&s->reactor);

	if (all_turn(s))
		parent_say_alive();
	count_auditlog(s);
	siege_look(s);
	alerts_turn(control_alerts(s->control), count_refused(s));
	if (now >= s->life.next_certificates_ms)
		life_look_at_certificates(s);
	timer_arm(&s->reactor.timers, t, clock_add(now, ROUND_MS));
}

void life_start(struct serve *s)
{
	uint64_t now = reactor_now_ms(&s->reactor);

	timer_init(&s->life.watch, on_watch);
	timer_init(&s->life.second, on_second);
	life_look_at_certificates(s);
	timer_arm(&s->reactor.timers, &s->life.watch, clock_add(now, WATCH_EVERY_MS));
	timer_arm(&s->reactor.timers, &s->life.second, clock_add(now, ROUND_MS));
	beat_enter(BEAT_TURNING);
}

void life_stop(struct serve *s)
{
	beat_enter(BEAT_UNWATCHED);
	timer_disarm(&s->life.watch);
	timer_disarm(&s->life.second);
}
