/* signals.h -- Ctrl-C and friends become a request to stop that is asked for between steps. */
#ifndef MN_CLI_SIGNALS_H
#define MN_CLI_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

/* SIGINT, SIGTERM, SIGHUP (but under nohup), SIGUSR1 and SIGUSR2 ask to stop; a second SIGINT ends
 * the program at once.  A full disk and a closed pipe are reported by the call that meets them
 * instead of killing the process. */
void mn_signals_catch(void);
/* A crash inside a strategy's function is told in one line that names it, and ends the program as
 * before: by the signal. */
void mn_signals_name_crashes(void);
bool mn_signals_stop(void *context); /* mn_observer.stop; the context is not used */

/* In a child, right after the fork: when the process `parent` ends, however it does, this one is
 * asked to stop; nobody goes on computing for a program that is gone. */
void mn_signals_follow(pid_t parent);

#endif
