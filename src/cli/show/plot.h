/* plot.h -- forgetting curves, drawn by gnuplot. */
#ifndef MN_CLI_PLOT_H
#define MN_CLI_PLOT_H

#include <mneme/groups.h>

/* The scope that curves show when none was asked for: class-il, else domain-il, else task-il. */
mn_scope mn_plot_scope(const mn_runs *runs);
/* How a figure is wanted. */
typedef struct mn_plot_style {
    mn_scope scope;
    double low, high;   /* of the axis of accuracy, in per cent; both 0: from 0 to 100 */
    bool untitled;      /* a paper has a caption instead */
    double millimetres; /* how wide the figure is, in type of 8 points, legends below; 0: for
                           screens */
} mn_plot_style;

/* Average accuracy after each task, and accuracy of each task over time, one panel a group.
 * `path` ends in .svg, .png or .pdf and is replaced at once; the numbers are written beside it,
 * into PATH.csv.  NULL draws in the terminal: in braille where the locale has it. */
mn_status mn_plot_draw(const mn_runs *runs, const mn_plot_style *style, const char *path);

#endif
