/* progress.c -- how a run is watched.
 *
 * The library reports every step; drawing is limited here, to ten times a second.  Who reads a file
 * wants to see that a night's run goes on, and no ten thousand lines. */
#include "cli/show/progress.h"
#include "base/clock.h"
#include "base/escape.h"
#include "cli/complain.h"
#include "cli/print.h"
#include "cli/signals.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_LINE = 4096 };
static const double drawing_interval = 0.1, writing_interval = 60; /* seconds */

mn_status_line mn_status_line_new(bool quiet)
{
    const bool terminal = !quiet && mn_is_terminal(stderr);
    return (mn_status_line){.quiet = quiet, .terminal = terminal, .last = terminal ? -1 : mn_now()};
}

bool mn_status_line_due(mn_status_line *line)
{
    const double now = mn_now();
    if (line->quiet || now - line->last < (line->terminal ? drawing_interval : writing_interval))
        return false;
    line->last = now;
    return true;
}

void mn_status_line_clear(mn_status_line *line)
{
    if (line->drawn)
        fputs("\r\033[K", stderr);
    line->drawn = false;
}

void mn_status_line_draw(mn_status_line *line, const char *text)
{
    char shown[LONGEST_LINE];
    if (line->quiet)
        return;
    if (!line->terminal) {
        fprintf(stderr, "%s\n", mn_visible(text, shown, sizeof shown));
        return;
    }
    const size_t width = (size_t)mn_terminal_width(stderr); /* a full line would wrap */
    fprintf(stderr, "\r%s\033[K",
            mn_visible(text, shown, width < sizeof shown ? width : sizeof shown));
    fflush(stderr);
    line->drawn = true;
}

void mn_status_line_say(mn_status_line *line, const char *format, ...)
{
    if (line->quiet)
        return;
    mn_status_line_clear(line);
    char text[LONGEST_LINE], shown[LONGEST_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s\n", mn_visible(text, shown, sizeof shown));
}

void mn_status_line_warn(mn_status_line *line, const char *text)
{
    mn_status_line_clear(line);
    mn_complain("warning: %s", text);
}

static void log_line(void *context, mn_log_level level, const char *text)
{
    mn_status_line *line = context;
    if (level == MN_LOG_WARNING)
        mn_status_line_warn(line, text);
    else if (level == MN_LOG_INFO)
        mn_status_line_say(line, "%s", text);
}

/* Speed in its first moments says nothing about the rest. */
static const double least_seconds = 0.5;

const char *mn_time_left_text(double seconds, double seconds_left, char *text, size_t bytes)
{
    char left[32];
    text[0] = '\0';
    if (seconds_left >= 0 && seconds > least_seconds)
        snprintf(text, bytes, "%s left  ", mn_duration(seconds_left, left, sizeof left));
    return text;
}

const char *mn_speed_text(double images_per_second, double loss, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    if (images_per_second > 0)
        used += (size_t)snprintf(text, bytes, "  %.0f img/s", images_per_second);
    if (!isnan(loss))
        snprintf(text + used, bytes - used, "  loss %.2g", loss);
    return text;
}

static void progress(void *context, const mn_progress *now)
{
    mn_status_line *line = context;
    if (!mn_status_line_due(line))
        return;
    char text[384], left[64], speed[128], place[96] = "";
    if (now->steps > 0)
        snprintf(place, sizeof place, "  epoch %lld/%lld  step %lld/%lld",
                 (long long)now->epoch + 1, (long long)now->epochs, (long long)now->step,
                 (long long)now->steps);
    if (now->tasks == 0) {
        snprintf(text, sizeof text, "%s%s: %lld of %lld images",
                 mn_time_left_text(now->seconds, now->seconds_left, left, sizeof left), now->phase,
                 (long long)now->step, (long long)now->steps);
        mn_status_line_draw(line, text);
        return;
    }
    const bool several = now->losses != NULL && now->losses[0] != '\0';
    snprintf(text, sizeof text, "%stask %lld/%lld %s%s%s%s%s",
             mn_time_left_text(now->seconds, now->seconds_left, left, sizeof left),
             (long long)now->task + 1, (long long)now->tasks, now->phase, place,
             several ? "  " : "", several ? now->losses : "",
             mn_speed_text(now->images_per_second, several ? (double)NAN : now->loss, speed,
                           sizeof speed));
    mn_status_line_draw(line, text);
}

static void task_done(void *context, const mn_task_report *report)
{
    mn_status_line *line = context;
    char each[512] = "", duration[32];
    size_t used = 0;
    for (int64_t task = 0; task <= report->task && used + 16 < sizeof each; task++)
        used += (size_t)snprintf(each + used, sizeof each - used, " %.2f", report->accuracy[task]);
    mn_status_line_say(line, "task %lld/%lld done after %s: average accuracy %.2f, by task%s",
                       (long long)report->task + 1, (long long)report->tasks,
                       mn_duration(report->seconds, duration, sizeof duration),
                       report->average_accuracy, each);
}

mn_observer mn_progress_observer(mn_status_line *line)
{
    return (mn_observer){.context = line,
                         .log = log_line,
                         .progress = progress,
                         .task_done = task_done,
                         .stop = mn_signals_stop};
}
