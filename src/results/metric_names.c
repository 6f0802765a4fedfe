/* metric_names.c -- the names of metrics and scopes, and how a metric is read. */
#include "results/metric_names.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name, *meaning;
    int better; /* as mn_metric_better() says */
    int digits; /* shown behind the point */
} metrics[] = {
    {"average_accuracy", "mean over tasks, after the last", 1, 2},
    {"average_incremental_accuracy", "mean over time of the mean over seen tasks", 1, 2},
    {"accuracy_micro", "share of all test images, after the last task", 1, 2},
    {"incremental_accuracy_micro", "mean over time of the share of all seen test images", 1, 2},
    {"learning_accuracy", "mean over tasks, each right after it was learned", 1, 2},
    {"earlier_accuracy", "mean over earlier tasks, after the last", 1, 2},
    {"forgetting", "best earlier accuracy minus the last, mean over earlier tasks (Chaudhry)", -1,
     2},
    {"forgetting_seen", "the same, the best sought since the task was learned", -1, 2},
    {"forgetting_mammoth", "the same, the last accuracy among the best: never negative", -1, 2},
    {"backward_transfer", "last accuracy minus that when learned, mean of earlier tasks (GEM)", 1,
     2},
    {"forward_transfer", "accuracy before learning minus the untrained network's (GEM)", 1, 2},
    {"min_accuracy", "lowest accuracy since learned, mean over earlier tasks", 1, 2},
    {"worst_case_accuracy", "last task's accuracy and min_accuracy, weighted by tasks", 1, 2},
    {"linear_cka", "likeness of features to a snapshot's, mean over tasks, per cent", 0, 2},
    {"teacher_cka", "likeness of features to the teachers', after the last task, per cent", 0, 2},
    {"retrieval", "images that features find among 256 of a teacher's, per cent", 1, 2},
    /* those of calibration.h */
    {"nll", "negative log-likelihood of an image, after the last task", -1, 4},
    {"calibration_error", "expected calibration error in 15 bins, per cent", -1, 2},
    {"scaled_nll", "nll at the temperature that fits the validation images", -1, 4},
    {"rank_slope", "of log mean probability of other classes against log rank", 0, 2},
    {"rank_fit", "share of variance (R2) that a line of that slope explains", 0, 4},
    {"adjusted_rand", "likeness of answers and classes as partitions, 0 by chance", 1, 4},
};
static_assert(sizeof metrics / sizeof metrics[0] == MN_METRICS, "each metric has a name");

static const char *const scope_names[MN_SCOPES] = {[MN_CLASS_IL] = "class-il",
                                                   [MN_TASK_IL] = "task-il",
                                                   [MN_DOMAIN_IL] = "domain-il",
                                                   [MN_VALIDATION_CLASS_IL] = "validation-class-il",
                                                   [MN_VALIDATION_TASK_IL] = "validation-task-il",
                                                   [MN_VALIDATION_DOMAIN_IL] =
                                                       "validation-domain-il"};

const char *mn_scope_name(mn_scope scope)
{
    return (unsigned)scope < MN_SCOPES ? scope_names[scope] : "?";
}

const char *mn_metric_name(int i, const char **meaning)
{
    if (i < 0 || i >= MN_METRICS)
        return NULL;
    if (meaning != NULL)
        *meaning = metrics[i].meaning;
    return metrics[i].name;
}

int mn_metric_named(const char *name)
{
    int i = 0;
    while (i < MN_METRICS && strcmp(name, metrics[i].name) != 0)
        i++;
    return i;
}

int mn_metric_better(const char *name)
{
    const int i = mn_metric_named(name);
    return i < MN_METRICS ? metrics[i].better : 0;
}

int mn_metric_digits(const char *name)
{
    const int i = mn_metric_named(name);
    return i < MN_METRICS ? metrics[i].digits : 2;
}

mn_scope mn_scope_named(const char *name)
{
    int scope = 0;
    while (scope < MN_SCOPES && (name == NULL || strcmp(name, scope_names[scope]) != 0))
        scope++;
    return (mn_scope)scope;
}
