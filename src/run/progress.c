/* progress.c -- what the observer is told. */
#include "base/clock.h"
#include "run/runner.h"
#include "store/records.h"

#include <math.h>
#include <mneme/stream.h>
#include <stdarg.h>
#include <stdio.h>

static const double report_seconds = 0.1; /* the eye sees no more */

bool mn_runner_stop_wanted(const mn_runner *runner)
{
    const mn_observer *observer = runner->observer;
    return observer != NULL && observer->stop != NULL && observer->stop(observer->context);
}

void mn_runner_log(mn_runner *runner, mn_log_level level, const char *format, ...)
{
    const mn_observer *observer = runner->observer;
    if (observer == NULL || observer->log == NULL)
        return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    observer->log(observer->context, level, line);
}

/* "discriminator 1.2, generator 0.69" where a step has several updates; else "". */
static const char *losses_of(const mn_runner *runner, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < runner->updates && runner->updates > 1 && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%s %.2g", i > 0 ? ", " : "",
                                 runner->update[i].name, runner->update[i].loss);
    return text;
}

void mn_runner_report(mn_runner *runner, const char *phase, int64_t epoch, int64_t epochs,
                      int64_t step, int64_t steps)
{
    const mn_observer *observer = runner->observer;
    if (observer == NULL || observer->progress == NULL)
        return;
    const double now = mn_now();
    if (now - runner->reported < report_seconds && runner->reported > 0)
        return;
    runner->reported = now;
    if (now - runner->window_started > 1) {
        runner->images_per_second = (double)runner->window_images / (now - runner->window_started);
        runner->window_started = now;
        runner->window_images = 0;
    }
    char losses[128];
    const mn_cursor *cursor = &runner->learner->cursor;
    const int64_t done = cursor->step, total = mn_runner_total_steps(runner);
    const double seconds = now - runner->started;
    const int64_t done_here = done - runner->steps_at_start;
    const double left = done_here > 0 ? seconds / (double)done_here * (double)(total - done) : -1;
    const double rate = runner->images_per_second > 0 || seconds <= 0
                            ? runner->images_per_second
                            : (double)runner->window_images / seconds;
    observer->progress(observer->context,
                       &(mn_progress){.phase = phase,
                                      .task = cursor->task,
                                      .tasks = mn_stream_tasks(runner->stream),
                                      .epoch = epoch,
                                      .epochs = epochs,
                                      .step = step,
                                      .steps = steps,
                                      .done = done,
                                      .total = total,
                                      .loss = runner->loss,
                                      .losses = losses_of(runner, losses, sizeof losses),
                                      .images_per_second = rate,
                                      .seconds = seconds,
                                      .seconds_left = left});
}
