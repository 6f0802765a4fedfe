/* distil.c -- a trained network into another one: a run of one task with teachers, under a name of
 * its own.
 *
 * It is `mneme run` with the strategy and the settings that the words here stand for; whoever wants
 * others writes that. */
#include "base/names.h"
#include "base/numbers.h"
#include "cli/commands.h"
#include "cli/complain.h"

#include <mneme/experiment.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

/* What --loss may be. */
static const struct {
    const char *name, *strategies, *set; /* set: NULL: nothing more */
} losses[] = {
    {"both", "distil+crd", NULL},
    {"kd", "distil", NULL},
    {"crd", "distil+crd", "distil.kd=0"},
    {"ce", "distil", "distil.kd=0"},
};
enum { LOSSES = sizeof losses / sizeof losses[0], MOST_ADDED = 4 };

static mn_status find_loss(const mn_arguments *arguments, int *loss)
{
    const char *name = mn_arguments_value(arguments, "loss");
    *loss = 0;
    while (name != NULL && *loss < LOSSES && strcmp(losses[*loss].name, name) != 0)
        ++*loss;
    return *loss < LOSSES
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "--loss: '%s' is none of both, kd, crd and ce", name);
}

/* The files of --teacher, which may be given again and again, as one list; NULL: none. */
static char *teachers_of(const mn_arguments *arguments)
{
    char *list = NULL;
    for (int i = 0; i < arguments->given_count; i++) {
        const mn_given *given = &arguments->given[i];
        if (given->option || strcmp(given->name, "teacher") != 0)
            continue;
        list = mn_or_die(mn_list_append(list, given->value));
    }
    return list;
}

/* What was typed, behind what the command stands for, so that it goes before it. */
static int run_as(const mn_arguments *arguments, int loss, const char *teachers)
{
    const char *words[] = {arguments->words[0], losses[loss].strategies, NULL};
    mn_given *given =
        mn_or_die(mn_memory_take((size_t)(arguments->given_count + MOST_ADDED), sizeof *given));
    int count = 0;
    given[count++] = (mn_given){"set", "stream.tasks=1", false};
    given[count++] = (mn_given){"set", "stream.task_classes=", false};
    given[count++] = (mn_given){"teacher", teachers, true};
    if (losses[loss].set != NULL)
        given[count++] = (mn_given){"set", losses[loss].set, false};
    for (int i = 0; i < arguments->given_count; i++) {
        const mn_given *typed = &arguments->given[i];
        if (strcmp(typed->name, "teacher") != 0 && strcmp(typed->name, "loss") != 0)
            given[count++] = *typed;
    }
    const mn_arguments made = {words, 2, given, count};
    const int code = mn_command_run.run(&made);
    mn_memory_give(given);
    return code;
}

static int run(const mn_arguments *arguments)
{
    int loss;
    char *teachers = teachers_of(arguments);
    mn_status status = find_loss(arguments, &loss);
    if (status == MN_OK && teachers == NULL)
        status = mn_fail(MN_BAD_OPTION, "distil needs --teacher FILE: a finished run, or "
                                        "safetensors of --teacher-network");
    const int code =
        status == MN_OK ? run_as(arguments, loss, teachers) : mn_exit_of_request(status);
    mn_memory_give(teachers);
    return code;
}

static const mn_flag flags[] = {
    {.name = "teacher",
     .value = "FILE",
     .help = "the run whose network teaches, or safetensors of --teacher-network; repeat it for an "
             "ensemble, of runs of several seeds; {seed} stands for the student's seed"},
    {.name = "loss",
     .value = "NAME",
     .help = "beside the cross-entropy of labelled images: kd, the teachers' logits; crd, their "
             "features, told apart; both; or ce, neither (default both)"},
    {.name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "the student's run file; with --seeds a folder (default "
             "runs/BENCHMARK-STRATEGY-sSEED.mneme)"},
    {.name = "seeds", .value = "N", .help = "N students, with seeds from --seed on"},
    {.name = "jobs", .value = "N", .help = "with --seeds: processes at a time (default: cores)"},
    {.name = "set",
     .value = "KEY=VALUE",
     .help = "as for mneme run: --set network.width=8, --set labels.per_class=50, --set "
             "crd.memory=bank; may be repeated"},
    {.name = "overwrite",
     .help = "begin anew where a run file is there; without it a file is continued, or kept"},
    {.name = "dry-run", .help = "run nothing: print every setting as it comes out, as JSON"},
    {.name = "quiet", .letter = 'q', .help = "no progress, only results and warnings"},
    {.name = "json", .help = "results as one JSON object"},
    {.name = NULL},
};

const mn_command mn_command_distil = {
    .name = "distil",
    .synopsis = "BENCHMARK --teacher FILE [--teacher FILE...] [flags]",
    .summary =
        "Trains a network to answer as trained ones do, on all classes of a benchmark at once.",
    .details =
        "The student is the benchmark's network, or that of --set network.name=..., and its run "
        "file "
        "one as any other.  It is 'mneme run BENCHMARK distil' or 'distil+crd' with teacher=FILE "
        "and "
        "stream.tasks=1.  With --set labels.per_class=N the cross-entropy has N labelled images of "
        "each class, and teachers are asked about all.  Where the student shall see less than its "
        "teachers, --sees grey, half or grey-half says so.",
    .examples = "  mneme run split-fmnist finetune --set stream.tasks=1 -o teacher.mneme\n"
                "  mneme distil split-fmnist --teacher teacher.mneme --set network.widths=32\n"
                "  mneme distil split-fmnist --teacher s0.mneme --teacher s1.mneme --loss kd\n"
                "  mneme distil split-cifar10 --teacher colour.mneme --sees grey\n",
    .flags = flags,
    .options = mn_run_options,
    .least = 1,
    .most = 1,
    .words = "BENCHMARK",
    .run = run,
};
