/* progress.h -- how a run is watched: one redrawn line on a terminal, plain lines elsewhere. */
#ifndef MN_CLI_PROGRESS_H
#define MN_CLI_PROGRESS_H

#include <mneme/observer.h>
#include <stddef.h>

/* A line at the bottom of standard error that is drawn over and over. */
typedef struct mn_status_line {
    bool quiet;    /* nothing but warnings */
    bool terminal; /* otherwise nothing is drawn, only lines are written */
    bool drawn;
    double last; /* when, in seconds of the monotonic clock */
} mn_status_line;

mn_status_line mn_status_line_new(bool quiet);
/* Whether the time has come to draw again. */
bool mn_status_line_due(mn_status_line *line);
void mn_status_line_draw(mn_status_line *line, const char *text);
void mn_status_line_clear(mn_status_line *line);
/* A line that stays, above the drawn one.  Quiet swallows it. */
void mn_status_line_say(mn_status_line *line, const char *format, ...) MN_PRINTF(2, 3);
void mn_status_line_warn(mn_status_line *line, const char *text);

/* An observer that shows a run on the line, and stops it on a signal. */
mn_observer mn_progress_observer(mn_status_line *line);

/* "  7421 img/s  loss 0.21  12.0 s left": what is known of it after so many seconds. */
const char *mn_progress_text(double images_per_second, double loss, double seconds,
                             double seconds_left, char *text, size_t bytes);

#endif
