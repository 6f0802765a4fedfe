/* resume.c -- continues runs from their last commit. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/signals.h"
#include "cli/study/attend.h"

#include <limits.h>
#include <stdio.h>

/* The worst of two exit codes: an interruption ends the list, so it comes last in any case. */
static int worse(int a, int b)
{
    return a != MN_EXIT_DONE ? a : b;
}

static int resume(const mn_arguments *arguments)
{
    const bool quiet = mn_arguments_has(arguments, "quiet");
    int code = MN_EXIT_DONE;
    for (int i = 0; i < arguments->word_count; i++) {
        const char *path = arguments->words[i];
        int one = mn_attended_run(NULL, path, quiet);
        if (one == MN_EXIT_DONE)
            one = mn_show_file(path, mn_arguments_has(arguments, "json"));
        if (one == MN_EXIT_INTERRUPTED)
            return one;
        code = worse(code, one);
    }
    return code;
}

static const mn_flag flags[] = {
    {.name = "quiet", .letter = 'q', .help = "no progress, only results and warnings"},
    {.name = "json", .help = "results as JSON, one object a file"},
    {.name = NULL},
};

const mn_command mn_command_resume = {
    .name = "resume",
    .synopsis = "FILE... [flags]",
    .summary = "Continues runs from their last commit; a finished one is left as it is.",
    .details = "The end is the same, bit by bit, as if the run had never stopped (on the same "
               "machine, with the same versions).",
    .flags = flags,
    .least = 1,
    .most = INT_MAX,
    .words = "at least one FILE",
    .run = resume,
};
