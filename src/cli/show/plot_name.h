/* plot_name.h -- what a group of runs is called in every kind of figure. */
#ifndef MN_CLI_PLOT_NAME_H
#define MN_CLI_PLOT_NAME_H

#include <mneme/groups.h>

bool mn_plot_several_benchmarks(const mn_runs *runs);
/* "er (n = 5)", after its benchmark where there are several.  The caller frees. */
char *mn_plot_name(const mn_runs *runs, int group);

#endif
