/* progress.c -- what the observer is told. */
#include "run/progress.h"
#include "base/clock.h"
#include "run/phases.h"

#include <math.h>
#include <mneme/stream.h>
#include <stdarg.h>
#include <stdio.h>

static const double report_seconds = 0.1; /* the eye sees no more */

bool mn_stop_wanted(const mn_observer *observer)
{
    return observer != NULL && observer->stop != NULL && observer->stop(observer->context);
}

void mn_report_log(const mn_observer *observer, mn_log_level level, const char *format, ...)
{
    if (observer == NULL || observer->log == NULL)
        return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    observer->log(observer->context, level, line);
}

void mn_reporter_start(mn_reporter *reporter, const mn_observer *observer)
{
    *reporter = (mn_reporter){.observer = observer, .losses.loss = (double)NAN};
    reporter->started = reporter->window_started = mn_now();
}

/* "discriminator 1.2, generator 0.69" where a step has several updates; else "". */
static const char *text_of(const mn_losses *losses, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < losses->updates && losses->updates > 1 && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%s %.2g", i > 0 ? ", " : "",
                                 losses->update[i].name, losses->update[i].loss);
    return text;
}

static double rate_at(mn_reporter *reporter, double now)
{
    if (now - reporter->window_started > 1) {
        reporter->images_per_second =
            (double)reporter->window_images / (now - reporter->window_started);
        reporter->window_started = now;
        reporter->window_images = 0;
    }
    const double seconds = now - reporter->started;
    return reporter->images_per_second > 0 || seconds <= 0
               ? reporter->images_per_second
               : (double)reporter->window_images / seconds;
}

/* Whether it is time to tell the observer something again. */
static bool is_due(mn_reporter *reporter, double now)
{
    const bool due = now - reporter->reported >= report_seconds || !(reporter->reported > 0);
    if (due)
        reporter->reported = now;
    return due;
}

bool mn_report_made(void *context, int64_t done, int64_t all)
{
    mn_reporter *reporter = context;
    const mn_observer *observer = reporter->observer;
    const double now = mn_now();
    if (observer == NULL || observer->progress == NULL || !is_due(reporter, now))
        return !mn_stop_wanted(observer);
    if (reporter->made == 0) { /* what an earlier process made */
        reporter->made = done;
        reporter->made_since = now;
    }
    const double spent = now - reporter->made_since;
    const int64_t here = done - reporter->made;
    const mn_progress progress = {.phase = "features",
                                  .step = done,
                                  .steps = all,
                                  .loss = (double)NAN,
                                  .losses = "",
                                  .images_per_second = spent > 0 ? (double)here / spent : 0,
                                  .seconds = now - reporter->started,
                                  .seconds_left =
                                      here > 0 ? spent / (double)here * (double)(all - done) : -1};
    observer->progress(observer->context, &progress);
    return !mn_stop_wanted(observer);
}

void mn_report_progress(mn_reporter *reporter, const mn_learner *learner, mn_progress phase)
{
    const mn_observer *observer = reporter->observer;
    if (observer == NULL || observer->progress == NULL)
        return;
    const double now = mn_now();
    if (!is_due(reporter, now))
        return;
    char losses[128];
    const int64_t done = learner->cursor.step, total = mn_phases_total_steps(learner);
    const int64_t done_here = done - reporter->first_step;
    phase.task = learner->cursor.task;
    phase.tasks = mn_stream_tasks(learner->stream);
    phase.done = done;
    phase.total = total;
    phase.loss = reporter->losses.loss;
    phase.losses = text_of(&reporter->losses, losses, sizeof losses);
    phase.images_per_second = rate_at(reporter, now);
    phase.seconds = now - reporter->started;
    phase.seconds_left =
        done_here > 0 ? phase.seconds / (double)done_here * (double)(total - done) : -1;
    observer->progress(observer->context, &phase);
}
