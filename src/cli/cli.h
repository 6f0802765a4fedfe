/* cli.h -- what the commands of the program share: their table, complaints and exit codes. */
#ifndef MN_CLI_CLI_H
#define MN_CLI_CLI_H

#include "cli/arguments.h"

#include <mneme/status.h>

enum { MN_EXIT_DONE = 0, MN_EXIT_FAILED = 1, MN_EXIT_USAGE = 2, MN_EXIT_INTERRUPTED = 75 };

extern const mn_command mn_command_run, mn_command_resume, mn_command_sweep, mn_command_show,
    mn_command_compare, mn_command_plot, mn_command_buffer, mn_command_export, mn_command_list,
    mn_command_help, mn_command_new, mn_command_data, mn_command_judge;
extern const mn_command *const mn_commands[]; /* NULL-ended */

/* The text of `mneme --help`. */
void mn_program_help(void);

/* One line on standard error, after "mneme: ". */
void mn_complain(const char *format, ...) MN_PRINTF(1, 2);
/* Prints the message of a failure and returns its exit code; MN_OK prints nothing.  In a request
 * (names, options) what was not found is a mistake of the caller's, in the work itself it is a
 * failure. */
int mn_exit_of_request(mn_status status);
int mn_exit_of_work(mn_status status);

/* Ends the program when memory has run out; otherwise returns its argument. */
void *mn_or_die(void *memory);
/* printf into fresh memory. */
char *mn_text(const char *format, ...) MN_PRINTF(1, 2);

#endif
