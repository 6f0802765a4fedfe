/* groups.h -- several run files, in groups that differ by nothing but the seed: means over the runs
 * of a group, differences between groups, and accuracy over time.
 *
 * A mean over runs of different settings would be a mean of nothing, so the runs of a group have
 * equal settings.  Settings that only say how to work (threads, commits, logging) do not count.
 */
#ifndef MNEME_GROUPS_H
#define MNEME_GROUPS_H

#include <mneme/results.h>
#include <mneme/statistics.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- settings of a run ------------------------------------------------------------------------ */
typedef struct mn_setting {
    char *key, *value; /* "train.lr", "0.03" */
} mn_setting;

/* The settings that can change the results of a run, without its seed. */
typedef struct mn_settings {
    mn_setting *setting; /* (count) in the order of the configuration */
    int64_t count;
} mn_settings;

/* Reads a configuration: the value "config" of a run file, or mn_experiment_json().  `strategies`
 * are the run's ("derpp+zipf"): where none of them needs a buffer, settings of a buffer do not
 * count.  Free with mn_settings_free. */
MN_API mn_status mn_settings_read(const char *configuration, const char *strategies,
                                  mn_settings *settings);
MN_API void mn_settings_free(mn_settings *settings);
MN_API const char *mn_settings_value(const mn_settings *settings, const char *key); /* NULL: none */
/* The first setting of `a` that `b` has with another value; NULL: there is none.  A setting that
 * only one of the two has comes from another version of mneme and is no difference: types of data,
 * networks and policies are settings of their own. */
MN_API const mn_setting *mn_settings_differ(const mn_settings *a, const mn_settings *b);

/* --- runs and their groups -------------------------------------------------------------------- */
/* The mn_runs that holds these structs owns everything they point to. */
typedef struct mn_run {
    char *path;
    mn_results *results;
    const char *benchmark, *strategy;
    int64_t seed, tasks, finished; /* tasks in all, tasks evaluated */
    mn_settings settings;
    int64_t group; /* an index into mn_runs.group */
} mn_run;

typedef struct mn_group {
    char *label;       /* "er", or "er (buffer_size=200)" where the strategy alone is ambiguous */
    const mn_run *run; /* the first of the group */
    int64_t members, finished; /* runs in all, runs of which every task is evaluated */
} mn_group;

typedef struct mn_runs {
    mn_run *run;     /* (count) in the order given */
    mn_group *group; /* (group_count) in order of appearance */
    int64_t count, group_count;
} mn_runs;

/* Opens run files and groups them.  A folder among the paths stands for the run files (*.mneme) in
 * it or, where there are none, in the folders in it, in order of name.  On failure *runs is NULL, and the message names the file. */
MN_API mn_status mn_runs_open(const char *const *paths, int64_t count, mn_runs **runs);
MN_API void mn_runs_free(mn_runs *runs);

MN_API bool mn_run_is_finished(const mn_run *run);
MN_API bool mn_runs_have(const mn_runs *runs, mn_scope scope); /* whether any run measured it */

/* A metric over the finished runs of a group; a run where it is undefined does not count. */
MN_API mn_status mn_group_summary(const mn_runs *runs, int64_t group, const char *metric,
                                  mn_scope scope, mn_summary *summary);
/* The mean of a number in the run table ("images", "seconds") over the finished runs of a group;
 * NaN: none has it. */
MN_API double mn_group_mean(const mn_runs *runs, int64_t group, const char *key);

/* --- differences between groups --------------------------------------------------------------- */
/* MN_BAD_OPTION unless all runs are finished and given once, there are two groups at least, and any
 * two groups have a seed in common. */
MN_API mn_status mn_runs_check_pairs(const mn_runs *runs);
/* MN_BAD_OPTION unless all groups have equal budgets: benchmark, data, network, and how much may be
 * seen and kept.  The message names the first difference. */
MN_API mn_status mn_runs_check_budgets(const mn_runs *runs);
/* A metric of group `of` minus that of group `minus`, over the seeds that both have finished; n is 0
 * where none has it in both. */
MN_API mn_status mn_paired_difference(const mn_runs *runs, int64_t of, int64_t minus,
                                      const char *metric, mn_scope scope, mn_summary *difference);

typedef struct mn_difference {
    int64_t of, minus; /* groups; `of` came later, but for intransigence, where it is joint */
    const char *metric;
    mn_scope scope;
    mn_summary summary;    /* n is at least 1 */
    double probability;    /* mn_probability_under_none(); NaN of one pair */
    double corrected;      /* the same for all differences of the list together (Holm 1979) */
    int64_t place;         /* in the list */
} mn_difference;
/* Every two groups' difference in these metrics (NULL-ended), in one scope or in all of test
 * images (MN_SCOPES).
 * "intransigence" is the learning_accuracy of joint training minus that of each other group.  The
 * caller frees the list. */
MN_API mn_status mn_differences(const mn_runs *runs, const char *const *metrics, mn_scope scope,
                                mn_difference **differences, int64_t *count);

/* The same of every other group minus the group `minus` alone: fewer comparisons, which show more. */
MN_API mn_status mn_differences_from(const mn_runs *runs, int64_t minus,
                                     const char *const *metrics, mn_scope scope,
                                     mn_difference **differences, int64_t *count);

/* --- accuracy over time ----------------------------------------------------------------------- */
/* The mean over the runs of a group, unfinished ones too, that were measured at this time. */
typedef struct mn_mean_point {
    double when; /* tasks learned; 2.5 is the middle of the third */
    int64_t n;   /* runs, at least 1 */
    double mean, deviation;
} mn_mean_point;

/* The mean accuracy over the tasks seen, after each task; the caller frees the points. */
MN_API mn_status mn_group_averages(const mn_runs *runs, int64_t group, mn_scope scope,
                                   mn_mean_point **points, int64_t *count);
/* The accuracy on one task from when it was learned on, evaluations inside tasks included; the
 * caller frees the points. */
MN_API mn_status mn_group_curve(const mn_runs *runs, int64_t group, mn_scope scope,
                                int64_t on_task, mn_mean_point **points, int64_t *count);

#ifdef __cplusplus
}
#endif
#endif
