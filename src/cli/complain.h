/* complain.h -- complaints on standard error, and the exit codes that go with them. */
#ifndef MN_CLI_COMPLAIN_H
#define MN_CLI_COMPLAIN_H

#include <mneme/status.h>

enum { MN_EXIT_DONE = 0, MN_EXIT_FAILED = 1, MN_EXIT_USAGE = 2, MN_EXIT_INTERRUPTED = 75 };

/* One line on standard error, after "mneme: ". */
void mn_complain(const char *format, ...) MN_PRINTF(1, 2);
/* Prints the message of a failure and returns its exit code; MN_OK prints nothing.  In a request
 * (names, options) what was not found is a mistake of the caller's, in the work itself it is a
 * failure. */
int mn_exit_of_request(mn_status status);
int mn_exit_of_work(mn_status status);

/* Ends the program with the message of a failure. */
void mn_ok_or_die(mn_status status);
/* Ends the program when memory has run out; otherwise returns its argument. */
void *mn_or_die(void *memory);
/* printf into fresh memory. */
char *mn_text(const char *format, ...) MN_PRINTF(1, 2);

#endif
