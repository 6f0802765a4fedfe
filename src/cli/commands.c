/* commands.c -- the commands of the program, in the order of its help. */
#include "cli/commands.h"
#include "cli/print.h"

#include <stdio.h>

const mn_command *const mn_commands[] = {
    &mn_command_run,
    &mn_command_resume,
    &mn_command_sweep,
    &mn_command_show,
    &mn_command_compare,
    &mn_command_plot,
    &mn_command_buffer,
    &mn_command_judge,
    &mn_command_predict,
    &mn_command_eval,
    &mn_command_export,
    &mn_command_list,
    &mn_command_help,
    &mn_command_new,
    &mn_command_build,
    &mn_command_data,
    &mn_command_distil,
    &mn_command_condense,
    NULL,
};

void mn_program_help(void)
{
    printf("usage: mneme COMMAND ...\n\n"
           "Continual-learning experiments: one run is one file.\n\ncommands:\n");
    for (const mn_command *const *command = mn_commands; *command != NULL; command++)
        mn_print_entry((*command)->name, (*command)->summary);
    printf("\nflags:\n");
    mn_print_entry("--version", "the version of mneme");
    mn_print_entry("--help", "this text; 'mneme COMMAND --help' has a command's flags");
    printf("\nto begin with:\n"
           "  mneme list                            what there is\n"
           "  mneme run split-fmnist er --seeds 3   a run for each of three seeds\n"
           "  mneme show runs/*.mneme               their results\n"
           "  mneme plot runs/*.mneme -o curves.svg\n");
}
