/* plot_data.h -- the numbers of a figure, for who draws it anew. */
#ifndef MN_CLI_PLOT_DATA_H
#define MN_CLI_PLOT_DATA_H

#include <mneme/groups.h>

/* Writes FIGURE.csv: group, runs, task ("seen": the mean over those seen), tasks learned, mean and
 * deviation in per cent.  It is there whole or not at all. */
mn_status mn_plot_write_data(const mn_runs *runs, mn_scope scope, const char *figure);

#endif
