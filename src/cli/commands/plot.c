/* plot.c -- forgetting curves as a figure or in the terminal. */
#include "cli/show/plot.h"
#include "base/escape.h"
#include "base/numbers.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/study/meant.h"

#include <limits.h>
#include <mneme/memory.h>
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

/* "40,90" */
static mn_status read_limits(const char *text, mn_plot_style *style)
{
    char low[32];
    const char *comma = text != NULL ? strchr(text, ',') : NULL;
    if (text == NULL)
        return MN_OK;
    snprintf(low, sizeof low, "%.*s", comma != NULL ? (int)(comma - text) : 0, text);
    return comma != NULL && mn_number_real(low, &style->low) &&
                   mn_number_real(comma + 1, &style->high) && style->low < style->high
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "--ylim: '%s' is not two numbers, as in 40,90", text);
}

/* "84": a column of a paper; "174": its page. */
static mn_status read_width(const char *text, mn_plot_style *style)
{
    if (text == NULL)
        return MN_OK;
    return mn_number_real(text, &style->millimetres) && style->millimetres >= 60 &&
                   style->millimetres <= 400
               ? MN_OK
               : mn_fail(
                     MN_BAD_OPTION,
                     "--width: '%s' is no number of millimetres from 60 to 400; 84 is a column, "
                     "174 a page",
                     text);
}

/* Other names for the groups, in their order: "ER,DER++". */
static mn_status rename_groups(const char *names, mn_runs *runs)
{
    int64_t given = 0;
    mn_list list = {.rest = names != NULL ? names : ""};
    for (; mn_list_next(&list); given++) {
        if (given >= runs->group_count)
            continue;
        mn_memory_give(runs->group[given].label);
        runs->group[given].label = mn_text("%s", list.item);
    }
    if (list.broken || list.grouped)
        return mn_fail(
            MN_BAD_OPTION,
            "--labels: '%.60s' is no list of names; expected ER,DER++, and quotes around "
            "a name with a comma or a semicolon",
            names);
    return names == NULL || given == runs->group_count
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "--labels: has %lld names, but %lld groups of runs are drawn",
                         (long long)given, (long long)runs->group_count);
}

static int plot(const mn_arguments *arguments)
{
    mn_runs *runs;
    mn_status status = mn_runs_meant(arguments->words, arguments->word_count, &runs);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    const char *path = mn_arguments_value(arguments, "out");
    mn_plot_style style = {.untitled = mn_arguments_has(arguments, "no-title")};
    status = chosen_scope(arguments, runs, &style.scope);
    if (status == MN_OK)
        status = read_limits(mn_arguments_value(arguments, "ylim"), &style);
    if (status == MN_OK && path == NULL && mn_arguments_has(arguments, "width"))
        status = mn_fail(MN_BAD_OPTION, "--width is a figure's; name its file with -o");
    if (status == MN_OK)
        status = read_width(mn_arguments_value(arguments, "width"), &style);
    if (status == MN_OK)
        status = rename_groups(mn_arguments_value(arguments, "labels"), runs);
    if (status == MN_OK)
        status = mn_plot_draw(runs, &style, path);
    mn_runs_free(runs);
    if (status == MN_OK && path != NULL)
        fprintf(stderr, "%s written, and its numbers, %s.csv\n", mn_shown(path), mn_shown(path));
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
    {.name = "labels",
     .value = "NAMES",
     .help = "what the groups are called in the figure, in their order, with commas: ER,DER++"},
    {.name = "ylim",
     .value = "LOW,HIGH",
     .help = "the part of the axis of accuracy (default 0,100)"},
    {.name = "width",
     .value = "MM",
     .help =
         "the width in millimetres, in type of 8 points and with legends below: 84 for a column "
         "of a paper, 174 for its page (default: a figure for screens)"},
    {.name = "no-title", .help = "no title, for a figure that has a caption"},
    {.name = NULL},
};

const mn_command mn_command_plot = {
    .name = "plot",
    .synopsis = "FILE... [-o curves.svg]",
    .summary = "Draws average accuracy after each task, and the forgetting curves.",
    .details =
        "A folder, or the manifest of a sweep, stands for its runs.  Runs that differ by "
        "the seed alone are "
        "drawn as their mean, with a band of one sample standard deviation; joint training, a "
        "bound, is dotted.  The numbers are written beside a figure, into FILE.csv.  Figures need "
        "gnuplot; the terminal does where its locale is not UTF-8.",
    .examples = "  mneme plot runs\n"
                "  mneme plot runs/split-fmnist-*.mneme -o curves.svg\n"
                "  mneme plot runs --width 84 --no-title --labels ER,DER++ -o curves.pdf\n",
    .flags = flags,
    .least = 1,
    .most = INT_MAX,
    .words = "at least one FILE",
    .run = plot,
};
