/* commands.h -- the commands of the program. */
#ifndef MN_CLI_COMMANDS_H
#define MN_CLI_COMMANDS_H

#include "cli/arguments.h"

extern const mn_command mn_command_run, mn_command_resume, mn_command_sweep, mn_command_show,
    mn_command_compare, mn_command_plot, mn_command_buffer, mn_command_export, mn_command_list,
    mn_command_help, mn_command_predict, mn_command_eval, mn_command_new, mn_command_data,
    mn_command_judge, mn_command_distil, mn_command_condense, mn_command_build;
extern const mn_command *const mn_commands[]; /* NULL-ended */

/* Prints the text of `mneme --help`. */
void mn_program_help(void);

#endif
