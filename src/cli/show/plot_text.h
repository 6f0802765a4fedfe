/* plot_text.h -- curves in the terminal, of braille dots. */
#ifndef MN_CLI_PLOT_TEXT_H
#define MN_CLI_PLOT_TEXT_H

#include <mneme/groups.h>

/* Whether the locale has braille characters. */
bool mn_plot_in_braille(void);
typedef struct mn_text_style {
    mn_scope scope;
    double low, high; /* of the axis of accuracy, in per cent */
    bool titled;
} mn_text_style;

/* Prints a panel of the groups' average accuracies, then one a group of the accuracy on each task;
 * of many tasks on some, evenly chosen.  Colours where the terminal has them; letters mark the ends
 * of lines. */
mn_status mn_plot_text(const mn_runs *runs, const mn_text_style *style);

#endif
