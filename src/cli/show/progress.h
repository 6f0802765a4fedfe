/* progress.h -- how a run is watched: one redrawn line on a terminal, a line each minute elsewhere.
 */
#ifndef MN_CLI_PROGRESS_H
#define MN_CLI_PROGRESS_H

#include <mneme/observer.h>
#include <stddef.h>

/* A line at the bottom of standard error that is drawn over and over. */
typedef struct mn_status_line {
    bool quiet;    /* nothing but warnings */
    bool terminal; /* otherwise what is drawn is a line of its own */
    bool drawn;
    double last; /* when, in seconds of the monotonic clock */
} mn_status_line;

mn_status_line mn_status_line_new(bool quiet);
/* Whether the time has come to draw again: ten times a second, or once a minute. */
bool mn_status_line_due(mn_status_line *line);
void mn_status_line_draw(mn_status_line *line, const char *text);
void mn_status_line_clear(mn_status_line *line);
/* A line that stays, above the drawn one.  Quiet swallows it. */
void mn_status_line_say(mn_status_line *line, const char *format, ...) MN_PRINTF(2, 3);
void mn_status_line_warn(mn_status_line *line, const char *text);

/* An observer that shows a run on the line, and stops it on a signal. */
mn_observer mn_progress_observer(mn_status_line *line);

/* "12.0 s left  ": what a line begins with after so many seconds, so that no width cuts it off; ""
 * as long as nobody knows. */
const char *mn_time_left_text(double seconds, double seconds_left, char *text, size_t bytes);
/* "  7421 img/s  loss 0.21" */
const char *mn_speed_text(double images_per_second, double loss, char *text, size_t bytes);

#endif
