/* plot.c -- forgetting curves as a figure or in the terminal. */
#include "cli/show/plot.h"
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/study/meant.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static mn_status chosen_scope(const mn_arguments *arguments, const mn_runs *runs, mn_scope *scope)
{
    const char *name = mn_arguments_value(arguments, "scope");
    *scope = mn_plot_scope(runs);
    if (name == NULL)
        return MN_OK;
    for (*scope = 0; *scope < MN_SCOPES; (*scope)++)
        if (strcmp(mn_scope_name(*scope), name) == 0)
            return MN_OK;
    return mn_fail(MN_BAD_OPTION, "--scope: '%s' is not class-il, task-il or domain-il", name);
}

static int plot(const mn_arguments *arguments)
{
    mn_runs *runs;
    mn_status status = mn_runs_meant(arguments->words, arguments->word_count, &runs);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    const char *path = mn_arguments_value(arguments, "out");
    mn_scope scope;
    status = chosen_scope(arguments, runs, &scope);
    if (status == MN_OK)
        status = mn_plot_draw(runs, scope, path);
    mn_runs_free(runs);
    if (status == MN_OK && path != NULL)
        fprintf(stderr, "%s written\n", mn_shown(path));
    return mn_exit_of_work(status);
}

static const mn_flag flags[] = {
    {.name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "the figure: .svg, .png or .pdf (default: drawn in the terminal)"},
    {.name = "scope",
     .value = "NAME",
     .help = "class-il, task-il or domain-il (default: the first that was measured)"},
    {.name = NULL},
};

const mn_command mn_command_plot = {
    .name = "plot",
    .synopsis = "FILE... [-o curves.svg]",
    .summary = "Draws average accuracy after each task, and the forgetting curves.",
    .details = "A folder, or the manifest of a sweep, stands for its runs.  Runs that differ by "
               "the seed alone are "
               "drawn as their mean, with a band of one sample standard deviation.  Needs gnuplot.",
    .examples = "  mneme plot runs\n"
                "  mneme plot runs/split-fmnist-*.mneme -o curves.svg\n",
    .flags = flags,
    .least = 1,
    .most = INT_MAX,
    .words = "at least one FILE",
    .run = plot,
};
