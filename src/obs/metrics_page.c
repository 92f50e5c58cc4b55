/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of metric.tbl.h and reason.tbl.h as Prometheus text; see metrics_page.h. */
#include "obs/metrics_page.h"

enum kind { COUNTER, GAUGE };

static const struct {
	const char *name, *sentence;
	enum kind kind;
} rows[METRIC_COUNT] = {
#define METRIC(id, name, kind, sentence) [METRIC_##id] = {name, sentence, kind},
#include "base/metric.tbl.h"
#undef METRIC
};

int64_t metrics_sum(struct metrics *const *sets, size_t count, enum metric which)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += atomic_load_explicit(&sets[i]->values[which], memory_order_relaxed);
	return sum;
}

static int append_refusals(struct buf *out, struct metrics *const *sets, size_t count)
{
	int r = buf_printf(out, "# HELP sallyport_refused_total What was refused, by reason\n"
				"# TYPE sallyport_refused_total counter\n");

	for (int reason = REASON_NONE + 1; r == 0 && reason < REASON_COUNT; reason++) {
		int64_t sum = 0;
		for (size_t i = 0; i < count; i++)
			sum += atomic_load_explicit(&sets[i]->refused[reason],
						    memory_order_relaxed);
		r = buf_printf(out, "sallyport_refused_total{reason=\"%s\"} %lld\n",
			       reason_word((enum reason)reason), (long long)sum);
	}
	return r;
}

int metrics_page(struct buf *out, struct metrics *const *sets, size_t count)
{
	int r = 0;

	for (int m = 0; r == 0 && m < METRIC_COUNT; m++)
		r = buf_printf(
			out, "# HELP sallyport_%s %s\n# TYPE sallyport_%s %s\nsallyport_%s %lld\n",
			rows[m].name, rows[m].sentence, rows[m].name,
			rows[m].kind == GAUGE ? "gauge" : "counter", rows[m].name,
			(long long)metrics_sum(sets, count, (enum metric)m));
	return r ? r : append_refusals(out, sets, count);
}
