/* profile.c -- the table of `--profile`.
 *
 * Ops are timed by the tape.  What is between them -- batches, draws, the optimiser, hooks -- is
 * timed from mark to mark, without the ops in it, so that the parts add up to the step.  Evaluation
 * and commits are no part of a step, and have a share of the whole run each. */
#include "run/profile.h"
#include "base/clock.h"
#include "run/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP = 3 }; /* steps that plan and allocate */

static double since_mark(mn_run_profile *p, double now)
{
    const double elapsed = now - p->marked - (p->parts.seconds - p->ops_at_mark);
    p->marked = now;
    p->ops_at_mark = p->parts.seconds;
    return elapsed;
}

void mn_run_profile_begin(mn_run_profile *p, const mn_learner *learner)
{
    p->running = learner->settings->profile;
    if (!p->running)
        return;
    if (p->steps++ == WARM_UP) {
        mn_profile_clear(&p->parts);
        p->training += p->seconds;
        p->seconds = 0;
    }
    mn_tape_profile(learner->tape, &p->parts);
    p->begun = mn_now();
    (void)since_mark(p, p->begun);
}

void mn_run_profile_mark(mn_run_profile *p, const char *on)
{
    if (!p->running)
        return;
    const double elapsed = since_mark(p, mn_now());
    mn_profile_add(&p->parts, on, elapsed);
    p->ops_at_mark = p->parts.seconds;
}

void mn_run_profile_end(mn_run_profile *p, const mn_learner *learner)
{
    if (!p->running)
        return;
    p->running = false;
    p->seconds += mn_now() - p->begun;
    mn_tape_profile(learner->tape, NULL);
}

static double seconds_of(const mn_profile_row *row)
{
    return row->forward_seconds + row->backward_seconds;
}

static int by_time(const void *a, const void *b)
{
    const double x = seconds_of(a), y = seconds_of(b);
    return (x < y) - (x > y);
}

/* "layer1.0.conv1" of "layer1.0.conv1.weight" */
static int layer_length(const char *parameter)
{
    const char *end = strrchr(parameter, '.');
    return end != NULL ? (int)(end - parameter) : (int)strlen(parameter);
}

/* In thousands of millions a second; "-" where nothing was counted. */
static const char *rate(double count, double seconds, char text[16])
{
    snprintf(text, 16, "-");
    if (count > 0 && seconds > 0)
        snprintf(text, 16, "%.1f", 1e-9 * count / seconds);
    return text;
}

void mn_run_profile_report(mn_run_profile *p, const mn_commits *commits, int threads,
                           const mn_observer *observer)
{
    const double steps = (double)(p->steps > WARM_UP ? p->steps - WARM_UP : p->steps);
    if (p->steps == 0)
        return;
    const double whole = mn_now() - commits->started;
    mn_report_log(observer, MN_LOG_INFO,
                  "%.3f s: steps %.1f %%, evaluation %.1f %%, %lld commits %.1f %%; the rest is "
                  "start-up and hooks of tasks",
                  whole, 100 * (p->training + p->seconds) / whole, 100 * p->evaluation / whole,
                  (long long)commits->count, 100 * commits->all_seconds / whole);
    qsort(p->parts.rows, (size_t)p->parts.count, sizeof *p->parts.rows, by_time);
    mn_report_log(observer, MN_LOG_INFO,
                  "%.0f steps of %.3f ms each, without evaluation and commits, on %d threads:",
                  steps, 1e3 * p->seconds / steps, threads);
    mn_report_log(observer, MN_LOG_INFO, "%9s %9s %7s %9s %7s  %-24s %s", "forward", "backward",
                  "share", "GFLOP/s", "GB/s", "op", "layer");
    for (int i = 0; i < p->parts.count; i++) {
        const mn_profile_row *row = &p->parts.rows[i];
        const char *parameter = row->parameter != NULL ? row->parameter : "";
        char operations[16], bytes[16];
        mn_report_log(
            observer, MN_LOG_INFO, "%6.3f ms %6.3f ms %5.1f %% %9s %7s  %-24s %.*s",
            1e3 * row->forward_seconds / steps, 1e3 * row->backward_seconds / steps,
            100 * seconds_of(row) / p->seconds, rate(row->operations, seconds_of(row), operations),
            rate(row->bytes, seconds_of(row), bytes), row->op, layer_length(parameter), parameter);
    }
}

void mn_run_profile_free(mn_run_profile *profile)
{
    mn_profile_free(&profile->parts);
}
