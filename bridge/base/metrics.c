/* metrics.c - see metrics.h.
 *
 * One list in the order of registration. Rendering walks it once per family; there are some dozens
 * of metrics and a scrape every few seconds.
 */
#include "base/metrics.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

typedef enum metric_kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM } metric_kind;

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

static const uint64_t bounds_us[] = {100,     250,     500,     1000,    2500,   5000,
                                     10000,   25000,   50000,   100000,  250000, 500000,
                                     1000000, 2500000, 5000000, 10000000};
#define BOUNDS (sizeof(bounds_us) / sizeof(bounds_us[0]))

struct metric {
    const char *name;
    const char *labels;
    const char *help;
    metric_kind kind;
    double value;
    double (*read)(void *arg);
    void *read_arg;
    uint64_t *buckets; /* histogram: BOUNDS + 1, each counting its own interval */
    uint64_t sum_us;
    bool rendered;
    metric *next;
};

static metric *all;

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static metric *registered(metric_kind kind, const char *name, const char *labels, const char *help)
{
    metric *m;
    LL_FOREACH (all, m)
        if (strcmp(m->name, name) == 0 && same_text(m->labels, labels))
            return m;
    m = mem_new(metric);
    m->name = mem_strdup(name);
    m->labels = mem_strdup(labels);
    m->help = mem_strdup(help);
    m->kind = kind;
    LL_APPEND(all, m);
    return m;
}

metric *metric_counter(const char *name, const char *labels, const char *help)
{
    return registered(KIND_COUNTER, name, labels, help);
}

metric *metric_gauge(const char *name, const char *labels, const char *help)
{
    return registered(KIND_GAUGE, name, labels, help);
}

metric *metric_duration(const char *name, const char *labels, const char *help)
{
    metric *m = registered(KIND_HISTOGRAM, name, labels, help);
    if (!m->buckets)
        m->buckets = mem_array(BOUNDS + 1, sizeof(m->buckets[0]));
    return m;
}

void metric_gauge_read(const char *name, const char *labels, const char *help,
                       double (*read)(void *arg), void *arg)
{
    metric *m = registered(KIND_GAUGE, name, labels, help);
    m->read = read;
    m->read_arg = arg;
}

void metric_add(metric *m, uint64_t n)
{
    m->value += (double)n;
}

void metric_set(metric *m, double value)
{
    m->value = value;
}

void metric_observe_us(metric *m, uint64_t us)
{
    size_t i = 0;
    while (i < BOUNDS && us > bounds_us[i])
        i++;
    m->buckets[i]++;
    m->sum_us += us;
}

static double metric_value(const metric *m)
{
    return m->read ? m->read(m->read_arg) : m->value;
}

static void render_sample(buf *out, const metric *m, const char *suffix, const char *extra,
                          double value)
{
    buf_printf(out, "%s%s", m->name, suffix);
    if (m->labels || extra)
        buf_printf(out, "{%s%s%s}", m->labels ? m->labels : "", m->labels && extra ? "," : "",
                   extra ? extra : "");
    buf_printf(out, " %.17g\n", value);
}

static void render_histogram(buf *out, const metric *m)
{
    uint64_t count = 0;
    char le[40];
    for (size_t i = 0; i < BOUNDS; i++) {
        count += m->buckets[i];
        snprintf(le, sizeof(le), "le=\"%g\"", (double)bounds_us[i] / 1e6);
        render_sample(out, m, "_bucket", le, (double)count);
    }
    count += m->buckets[BOUNDS];
    render_sample(out, m, "_bucket", "le=\"+Inf\"", (double)count);
    render_sample(out, m, "_sum", NULL, (double)m->sum_us / 1e6);
    render_sample(out, m, "_count", NULL, (double)count);
}

static void render_family(buf *out, metric *first)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", first->name, first->help, first->name,
               kind_names[first->kind]);
    for (metric *m = first; m; m = m->next) {
        if (strcmp(m->name, first->name) != 0)
            continue;
        m->rendered = true;
        if (m->kind == KIND_HISTOGRAM)
            render_histogram(out, m);
        else
            render_sample(out, m, "", NULL, metric_value(m));
    }
}

void metrics_render(buf *out)
{
    metric *m;
    LL_FOREACH (all, m)
        m->rendered = false;
    LL_FOREACH (all, m)
        if (!m->rendered)
            render_family(out, m);
}
