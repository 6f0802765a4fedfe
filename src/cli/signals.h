/* signals.h -- Ctrl-C and friends become a request to stop that is asked for between steps. */
#ifndef MN_CLI_SIGNALS_H
#define MN_CLI_SIGNALS_H

#include <stdbool.h>

/* SIGINT and SIGTERM ask to stop; a second SIGINT ends the program at once.  A full disk and a
 * closed pipe are reported by the call that meets them instead of killing the process. */
void mn_signals_catch(void);
bool mn_signals_stop(void *context); /* mn_observer.stop; the context is not used */

#endif
