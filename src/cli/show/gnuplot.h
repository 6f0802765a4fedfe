/* gnuplot.h -- gnuplot as a child process. */
#ifndef MN_CLI_GNUPLOT_H
#define MN_CLI_GNUPLOT_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>

/* Runs a script; `to_terminal`: what it draws goes to standard output.  MN_NOT_FOUND says what to
 * install; a failure carries gnuplot's own first line. */
mn_status mn_gnuplot_run(const char *script, size_t bytes, bool to_terminal);

#endif
