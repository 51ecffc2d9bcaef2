/* metrics.h - counters, gauges and histograms for /metrics, in Prometheus' text format.
 *
 * A module registers its metrics once at start and keeps the pointers; they live as long as the
 * process. Metrics of one name with different labels are one family: register them one after
 * another with the same help.
 *
 *     static metric *received;
 *     received = metric_counter("unichat_events_total", "source=\"notify\"", "Events heard of.");
 *     metric_add(received, 1);
 *
 * A gauge whose truth is elsewhere (a table's size) is read when asked, so that it cannot drift:
 * metric_gauge_read().
 */
#ifndef UNICHAT_BASE_METRICS_H
#define UNICHAT_BASE_METRICS_H

#include "base/buf.h"

#include <stdint.h>

typedef struct metric metric;

/* Registers a metric. `labels` may be NULL; otherwise it is the text between the braces. The same
 * name and labels again give the same metric. */
metric *metric_counter(const char *name, const char *labels, const char *help);
metric *metric_gauge(const char *name, const char *labels, const char *help);

/* A histogram of durations, given in microseconds, shown in seconds: 100 µs to 10 s in steps of
 * 1, 2.5, 5. */
metric *metric_duration(const char *name, const char *labels, const char *help);

/* A gauge whose value `read(arg)` gives at the time of the request. */
void metric_gauge_read(const char *name, const char *labels, const char *help,
                       double (*read)(void *arg), void *arg);

void metric_add(metric *m, uint64_t n);
void metric_set(metric *m, double value);
void metric_observe_us(metric *m, uint64_t us);

/* Appends all metrics, families together, in the order of their first registration. */
void metrics_render(buf *out);

#endif
