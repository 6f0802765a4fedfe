/* gnuplot.h -- gnuplot as a child process. */
#ifndef MN_CLI_GNUPLOT_H
#define MN_CLI_GNUPLOT_H

#include <mneme/status.h>
#include <stddef.h>

/* Runs a script; what it draws goes to the file descriptor `out`.  MN_NOT_FOUND says what to
 * install; a failure carries gnuplot's own first line.  The user's settings play no part. */
mn_status mn_gnuplot_run(const char *script, size_t bytes, int out);

#endif
