/* differences.c -- differences between groups of runs, paired by seed.
 *
 * Two strategies with unequal budgets are not compared: a larger buffer or one more epoch explains
 * more than most methods do. */
#include <mneme/groups.h>

#include <math.h>
#include <mneme/memory.h>
#include <stdlib.h>
#include <string.h>

/* Sections that must be equal before two runs are compared: the stream, the data, the network, and
 * how much may be seen and kept. */
static const char *const budget[] = {
    "made.data",
    "made.numerics",
    "dataset.",
    "stream.",
    "labels.",
    "network.",
    "train.epochs",
    "train.steps",
    "train.batch",
    "train.buffer_size",
    "train.buffer_bytes",
    "train.buffer_values",
    "train.codec",
    "train.codec_consumption",
    "train.validation",
    "train.validation_beside",
    "train.class_order_seed",
};

static bool is_budget(const char *key)
{
    for (size_t i = 0; i < sizeof budget / sizeof budget[0]; i++) {
        const size_t length = strlen(budget[i]);
        if (budget[i][length - 1] == '.' ? strncmp(key, budget[i], length) == 0
                                         : strcmp(key, budget[i]) == 0)
            return true;
    }
    return false;
}

/* Where the buffer is as large in bytes, what its rows are kept as is what is compared. */
static bool is_within_bytes(const char *key, const mn_run *run)
{
    const char *bytes = mn_settings_value(&run->settings, "train.buffer_bytes");
    return bytes != NULL && strcmp(bytes, "0") != 0 &&
           (strcmp(key, "train.buffer_values") == 0 || strncmp(key, "train.codec", 11) == 0);
}

/* A setting that only one of the two has (a buffer that the other does not need) is no difference
 * in budget that could be made equal. */
static mn_status check_budget(const mn_group *a, const mn_group *b)
{
    const mn_run *x = a->run, *y = b->run;
    if (strcmp(x->benchmark, y->benchmark) != 0)
        return mn_fail(MN_BAD_OPTION, "%s ran on %s, but %s on %s; compare runs of one benchmark",
                       a->label, x->benchmark, b->label, y->benchmark);
    for (int64_t i = 0; i < x->settings.count; i++) {
        const mn_setting *setting = &x->settings.setting[i];
        const char *other = mn_settings_value(&y->settings, setting->key);
        if (!is_budget(setting->key) || other == NULL || strcmp(setting->value, other) == 0 ||
            is_within_bytes(setting->key, x))
            continue;
        if (strncmp(setting->key, "made.", 5) == 0)
            return mn_fail(MN_BAD_OPTION,
                           "%s was made with %s %s, but %s with %s; run one of them again",
                           a->label, setting->key + 5, setting->value, b->label, other);
        return mn_fail(MN_BAD_OPTION,
                       "unequal budgets: %s has %s=%s, but %s has %s; make them equal", a->label,
                       setting->key, setting->value, b->label, other);
    }
    return MN_OK;
}

mn_status mn_runs_check_budgets(const mn_runs *runs)
{
    for (int64_t a = 0; a < runs->group_count; a++)
        for (int64_t b = a + 1; b < runs->group_count; b++)
            MN_TRY(check_budget(&runs->group[a], &runs->group[b]));
    return MN_OK;
}

static mn_status check_run(const mn_runs *runs, int64_t i)
{
    const mn_run *run = &runs->run[i];
    if (!mn_run_is_finished(run))
        return mn_fail(MN_BAD_OPTION,
                       "%s is not finished (%lld of %lld tasks); 'mneme resume %s' continues it",
                       run->path, (long long)run->finished, (long long)run->tasks, run->path);
    for (int64_t j = 0; j < i; j++)
        if (runs->run[j].group == run->group && runs->run[j].seed == run->seed)
            return mn_fail(MN_BAD_OPTION, "%s and %s are the same run: %s with seed %lld",
                           runs->run[j].path, run->path, runs->group[run->group].label,
                           (long long)run->seed);
    return MN_OK;
}

/* The run of a group with this seed; NULL: there is none. */
static const mn_run *with_seed(const mn_runs *runs, int64_t group, int64_t seed)
{
    for (int64_t i = 0; i < runs->count; i++)
        if (runs->run[i].group == group && runs->run[i].seed == seed)
            return &runs->run[i];
    return NULL;
}

static mn_status check_seeds(const mn_runs *runs, int64_t a, int64_t b)
{
    for (int64_t i = 0; i < runs->count; i++)
        if (runs->run[i].group == a && with_seed(runs, b, runs->run[i].seed) != NULL)
            return MN_OK;
    return mn_fail(MN_BAD_OPTION, "%s and %s have no seed in common, so they cannot be paired",
                   runs->group[a].label, runs->group[b].label);
}

mn_status mn_runs_check_pairs(const mn_runs *runs)
{
    for (int64_t i = 0; i < runs->count; i++)
        MN_TRY(check_run(runs, i));
    if (runs->group_count < 2)
        return mn_fail(MN_BAD_OPTION,
                       "only runs of %s were given; a comparison needs two strategies, or two "
                       "settings of one",
                       runs->group_count == 1 ? runs->group[0].label : "no strategy");
    for (int64_t a = 0; a < runs->group_count; a++)
        for (int64_t b = a + 1; b < runs->group_count; b++)
            MN_TRY(check_seeds(runs, a, b));
    return MN_OK;
}

mn_status mn_paired_difference(const mn_runs *runs, int64_t of, int64_t minus, const char *metric,
                               mn_scope scope, mn_summary *difference)
{
    double *values = mn_memory_take_zeroed((size_t)runs->count + 1, sizeof *values);
    int64_t n = 0;
    if (values == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the differences of runs");
    for (int64_t i = 0; i < runs->count; i++) {
        const mn_run *run = &runs->run[i];
        const mn_run *other = run->group == minus ? with_seed(runs, of, run->seed) : NULL;
        if (other == NULL || !mn_run_is_finished(run) || !mn_run_is_finished(other))
            continue;
        values[n] = mn_results_metric(other->results, metric, scope) -
                    mn_results_metric(run->results, metric, scope);
        n += !isnan(values[n]);
    }
    *difference = mn_summarise(values, n);
    mn_memory_give(values);
    return MN_OK;
}

/* --- all of them at once --- */

static int by_probability(const void *a, const void *b)
{
    const mn_difference *x = a, *y = b;
    return (x->probability > y->probability) - (x->probability < y->probability);
}

/* As they are shown: scope by scope, metric by metric, pair by pair. */
static int by_place(const void *a, const void *b)
{
    const mn_difference *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* Holm 1979: the smallest of m counts m times, the next m - 1 times, ..., none less than one before
 * it.  A difference without a probability is no test and does not count. */
static void correct(mn_difference *list, int64_t count)
{
    int64_t tests = 0;
    for (int64_t i = 0; i < count; i++) {
        list[i].corrected = list[i].probability;
        if (isnan(list[i].probability))
            list[i].probability = HUGE_VAL; /* to the end */
        else
            tests++;
    }
    qsort(list, (size_t)count, sizeof *list, by_probability);
    double least = 0;
    for (int64_t i = 0; i < tests; i++) {
        const double times = list[i].probability * (double)(tests - i);
        least = times < least ? least : times < 1 ? times : 1;
        list[i].corrected = least;
    }
    for (int64_t i = tests; i < count; i++)
        list[i].probability = (double)NAN;
    qsort(list, (size_t)count, sizeof *list, by_place);
}

static bool is_joint(const mn_runs *runs, int64_t group)
{
    return strcmp(runs->group[group].run->strategy, "joint") == 0;
}

/* A pair's difference, added where some seed has both.  What a method learns less of a new task
 * than joint training does is its intransigence (Chaudhry et al. 2018): a difference of joint
 * alone. */
static mn_status add_pair(const mn_runs *runs, int64_t of, int64_t minus, const char *metric,
                          mn_scope scope, mn_difference *list, int64_t *count)
{
    const bool intransigence = strcmp(metric, "intransigence") == 0;
    const char *benchmark[] = {runs->group[of].run->benchmark, runs->group[minus].run->benchmark};
    if (intransigence &&
        (is_joint(runs, of) == is_joint(runs, minus) || strcmp(benchmark[0], benchmark[1]) != 0))
        return MN_OK;
    const bool turn = intransigence && is_joint(runs, minus);
    mn_difference *one = &list[*count];
    *one = (mn_difference){.of = turn ? minus : of,
                           .minus = turn ? of : minus,
                           .metric = metric,
                           .scope = scope,
                           .place = *count};
    MN_TRY(mn_paired_difference(runs, one->of, one->minus,
                                intransigence ? "learning_accuracy" : metric, scope,
                                &one->summary));
    one->probability = mn_probability_under_none(&one->summary);
    *count += one->summary.n > 0;
    return MN_OK;
}

/* Every two groups, or (`from` at least 0) every other one and that one. */
static mn_status add_pairs(const mn_runs *runs, int64_t from, const char *metric, mn_scope scope,
                           mn_difference *list, int64_t *count)
{
    const int64_t first = from < 0 ? 0 : from, end = from < 0 ? runs->group_count : from + 1;
    for (int64_t a = first; a < end; a++)
        for (int64_t b = from < 0 ? a + 1 : 0; b < runs->group_count; b++)
            if (b != a)
                MN_TRY(add_pair(runs, b, a, metric, scope, list, count));
    return MN_OK;
}

mn_status mn_differences(const mn_runs *runs, const char *const *metrics, mn_scope scope,
                         mn_difference **differences, int64_t *count)
{
    return mn_differences_from(runs, -1, metrics, scope, differences, count);
}

mn_status mn_differences_from(const mn_runs *runs, int64_t minus, const char *const *metrics,
                              mn_scope scope, mn_difference **differences, int64_t *count)
{
    int64_t room = 1, made = 0;
    mn_status status = MN_OK;
    for (int i = 0; metrics[i] != NULL; i++)
        room += MN_SCOPES * runs->group_count * runs->group_count;
    mn_difference *list = mn_memory_take_zeroed((size_t)room, sizeof *list);
    *differences = NULL;
    *count = 0;
    if (list == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the differences of runs");
    for (mn_scope s = 0; s < MN_SCOPES; s++)
        for (int i = 0; metrics[i] != NULL && status == MN_OK; i++)
            if (scope == s || (scope == MN_SCOPES && s < MN_TEST_SCOPES))
                status = add_pairs(runs, minus, metrics[i], s, list, &made);
    if (status != MN_OK) {
        mn_memory_give(list);
        return status;
    }
    correct(list, made);
    *differences = list;
    *count = made;
    return MN_OK;
}
