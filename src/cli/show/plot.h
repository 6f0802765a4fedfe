/* plot.h -- forgetting curves, drawn by gnuplot. */
#ifndef MN_CLI_PLOT_H
#define MN_CLI_PLOT_H

#include <mneme/groups.h>

/* The scope that curves show when none was asked for: class-il, else domain-il, else task-il. */
mn_scope mn_plot_scope(const mn_runs *runs);
/* Average accuracy after each task, and accuracy of each task over time, one panel a group.
 * `path` ends in .svg, .png or .pdf and is replaced at once; NULL draws in the terminal. */
mn_status mn_plot_draw(const mn_runs *runs, mn_scope scope, const char *path);

#endif
