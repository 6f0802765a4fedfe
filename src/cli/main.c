/* main.c -- the program: finds the command, reads its arguments, and returns its exit code.
 *
 * The library neither prints nor exits; everything a person sees comes from this folder. */
#include "base/options.h"
#include "cli/cli.h"
#include "cli/show/print.h"

#include <errno.h>
#include <locale.h>
#include <mneme/version.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const mn_command *const mn_commands[] = {
    &mn_command_run,     &mn_command_resume,
    &mn_command_sweep,   &mn_command_show,
    &mn_command_compare, &mn_command_plot,
    &mn_command_buffer,  &mn_command_judge,
    &mn_command_export,  &mn_command_list,
    &mn_command_help,    &mn_command_new,
    &mn_command_data,    NULL,
};

void mn_complain(const char *format, ...)
{
    const bool colour = mn_has_colour(stderr);
    fputs(colour ? "\033[1;31mmneme:\033[0m " : "mneme: ", stderr);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    putc('\n', stderr);
}

static const char *message_of(mn_status status)
{
    return mn_error()[0] != '\0' ? mn_error() : mn_status_text(status);
}

int mn_exit_of_work(mn_status status)
{
    if (status == MN_OK)
        return MN_EXIT_DONE;
    mn_complain("%s", message_of(status));
    return status == MN_INTERRUPTED  ? MN_EXIT_INTERRUPTED
           : status == MN_BAD_OPTION ? MN_EXIT_USAGE
                                     : MN_EXIT_FAILED;
}

int mn_exit_of_request(mn_status status)
{
    const int code = mn_exit_of_work(status);
    const bool mistaken = status == MN_NOT_FOUND || status == MN_UNSUPPORTED ||
                          status == MN_BAD_VALUE || status == MN_WRONG_VERSION;
    return mistaken ? MN_EXIT_USAGE : code;
}

void *mn_or_die(void *memory)
{
    if (memory == NULL) {
        mn_complain("out of memory");
        exit(MN_EXIT_FAILED);
    }
    return memory;
}

char *mn_text(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return mn_or_die(text);
}

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

static const mn_command *find_command(const char *name)
{
    const char *names[32];
    int n = 0;
    for (; mn_commands[n] != NULL; n++) {
        if (strcmp(mn_commands[n]->name, name) == 0)
            return mn_commands[n];
        names[n] = mn_commands[n]->name;
    }
    names[n] = NULL;
    const char *nearest = mn_nearest(name, names);
    if (nearest != NULL)
        mn_complain("there is no command '%s'; did you mean '%s'?", name, nearest);
    else
        mn_complain("there is no command '%s'; 'mneme --help' shows them all", name);
    return NULL;
}

static int run_command(const mn_command *command, int count, char **typed)
{
    mn_arguments arguments;
    bool help;
    int code = MN_EXIT_DONE;
    if (!mn_arguments_read(command, count, typed, &arguments, &help)) {
        mn_complain("%s", mn_error());
        code = MN_EXIT_USAGE;
    } else if (help) {
        mn_command_help_print(command);
    } else {
        code = command->run(&arguments);
    }
    mn_arguments_free(&arguments);
    return code;
}

/* A full disk behind `mneme export ... > file` must not look like success. */
static int flushed(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    mn_complain("standard output cannot be written: %s", strerror(errno));
    return code == MN_EXIT_DONE ? MN_EXIT_FAILED : code;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* numbers stay with the point */
    if (argc < 2) {
        mn_program_help();
        return MN_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("mneme %s\n", mn_version());
        return flushed(MN_EXIT_DONE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        mn_program_help();
        return flushed(MN_EXIT_DONE);
    }
    const mn_command *command = find_command(argv[1]);
    if (command == NULL)
        return MN_EXIT_USAGE;
    return flushed(run_command(command, argc - 2, argv + 2));
}
