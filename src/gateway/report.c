/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What browsers report becomes lines of the log: so many, and not one more, whoever
 * sends them. What was not written is counted, and the next line says how many.
 */
#include "base/rate.h"
#include "gateway/conn.h"

/* Of each worker. One page that is wrong everywhere must not fill a disk. */
static const struct rate lines = {.count = 5, .per_ms = 1000, .burst = 50};

static void drop(struct worker *w, unsigned reports)
{
	w->reports_dropped += reports;
	metric_add(&w->metrics, METRIC_CSP_DROPPED, reports);
}

static void log_report(struct conn *c, const struct report *r)
{
	struct worker *w = c->worker;
	struct event e;

	metric_add(&w->metrics, METRIC_CSP_REPORTS, 1);
	event_init(&e, EVENT_WARN, "csp_violation");
	conn_event(c, &e);
	event_text(&e, "directive", r->directive);
	event_text(&e, "blocked", r->blocked);
	event_text(&e, "document", r->document);
	event_text(&e, "source", r->source);
	if (r->line)
		event_number(&e, "line", r->line);
	if (r->column)
		event_number(&e, "column", r->column);
	event_cstr(&e, "disposition", r->enforced ? "enforce" : "report");
	if (w->reports_dropped)
		event_number(&e, "dropped", w->reports_dropped);
	w->reports_dropped = 0;
	event_emit(w->gateway->log, &e);
}

void report_log(struct conn *c)
{
	const struct reports *r = &c->request->endpoint.reports;
	struct worker *w = c->worker;

	for (unsigned i = 0; i < r->count; i++) {
		if (rate_take(&lines, &w->reports, reactor_now_us(&w->reactor), 1))
			log_report(c, &r->items[i]);
		else
			drop(w, 1);
	}
	drop(w, r->left_out);
}
