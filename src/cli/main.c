/* main.c -- the program: finds the command, reads its arguments, and returns its exit code.
 *
 * The library neither prints nor exits; everything a person sees comes from this folder. */
#include "base/names.h"
#include "base/options.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/signals.h"

#include <errno.h>
#include <locale.h>
#include <mneme/version.h>
#include <stdio.h>
#include <string.h>

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
    mn_signals_name_crashes();
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
