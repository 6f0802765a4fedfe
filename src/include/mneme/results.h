/* results.h -- reading run files: accuracies, metrics, the buffer's contents.
 * Every metric of accuracies is an SQL view over raw counts in the run file, and those of
 * calibration are computed from its stored answers (docs/metrics.md has the formulas); nothing here
 * computes an accuracy again.
 */
#ifndef MNEME_RESULTS_H
#define MNEME_RESULTS_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_results mn_results;

/* The first three are of test images, or of what stands in their place; the others of the
 * validation images that some runs evaluate beside them. */
typedef enum mn_scope {
    MN_CLASS_IL,
    MN_TASK_IL,
    MN_DOMAIN_IL,
    MN_VALIDATION_CLASS_IL,
    MN_VALIDATION_TASK_IL,
    MN_VALIDATION_DOMAIN_IL,
    MN_SCOPES,
    MN_TEST_SCOPES = MN_VALIDATION_CLASS_IL,
} mn_scope;
MN_API const char *mn_scope_name(mn_scope scope); /* "class-il" */

/* Opens a run file for reading; a run in progress is read as of its last commit. */
MN_API mn_status mn_results_open(const char *path, mn_results **results);
/* The same, but for the metrics of stored answers (nll to adjusted_rand), which take a pass over all of
 * them: these are undefined. */
MN_API mn_status mn_results_open_uncalibrated(const char *path, mn_results **results);
MN_API void mn_results_free(mn_results *results);
/* A consistent copy of a run file, also of one in progress; `copy` must not exist. */
MN_API mn_status mn_results_copy(const char *path, const char *copy);
/* What was found of one file: MN_OK, or a failure that mn_error() explains. */
typedef void (*mn_checked)(void *context, const char *path, mn_status status);
/* Checks every row of run files, and of those in folders, and that none is missing since the file
 * was closed.  A failure of its own is about the paths alone. */
MN_API mn_status mn_results_check(const char *const *paths, int64_t count, mn_checked each,
                                  void *context);

/* A value of the run table ("benchmark", "strategy", "seed", "status", "config", ...); NULL when
 * absent.  Owned by results.  The "status" of a run whose process was killed is "interrupted",
 * whatever the file says. */
MN_API const char *mn_results_value(const mn_results *results, const char *key);
MN_API int64_t mn_results_tasks(const mn_results *results);    /* of the stream */
MN_API int64_t mn_results_finished(const mn_results *results); /* tasks evaluated */
MN_API bool mn_results_has(const mn_results *results, mn_scope scope);
/* Names of the task's classes, to be shown: "T-shirt/top, Trouser". */
MN_API const char *mn_results_task_classes(const mn_results *results, int64_t task);
/* The name of the domain that the task is; NULL where the data's domains are not the tasks. */
MN_API const char *mn_results_task_domain(const mn_results *results, int64_t task);
/* The class that arrived `label`-th; NULL when the file does not name it.  Owned by results. */
MN_API const char *mn_results_class_name(const mn_results *results, int64_t label);
/* The shape of the data's images; false when the file does not say it. */
MN_API bool mn_results_image(const mn_results *results, int64_t *channels, int64_t *height,
                             int64_t *width);

/* Accuracy in per cent on `on_task` after `after_task` (-1: the untrained network); NaN when it was
 * not measured. */
MN_API double mn_results_accuracy(const mn_results *results, mn_scope scope, int64_t after_task,
                                  int64_t on_task);
/* The mean of it over tasks 0 to after_task; NaN when one of them was not measured. */
MN_API double mn_results_average_after(const mn_results *results, mn_scope scope,
                                       int64_t after_task);
/* A metric by its name ("average_accuracy", "forgetting", "nll", ...); NaN when undefined. */
MN_API double mn_results_metric(const mn_results *results, const char *name, mn_scope scope);
/* The i-th metric's name and one-line meaning; NULL past the end. */
MN_API const char *mn_metric_name(int i, const char **meaning);
/* 1: more of a metric is better; -1: less is; 0: neither says that a method is better. */
MN_API int mn_metric_better(const char *name);
/* Digits behind the point that say something of a metric: 2 of a percentage. */
MN_API int mn_metric_digits(const char *name);

/* Accuracy on one task over time: evaluations inside tasks (--eval-every) and at their ends. */
typedef struct mn_curve_point {
    int64_t step, after_task; /* after_task of the task in progress */
    double accuracy;
} mn_curve_point;
MN_API mn_status mn_results_curve(const mn_results *results, mn_scope scope, int64_t on_task,
                                  mn_curve_point **points, int64_t *count); /* caller frees */

/* How much of a class's unlabelled training images another classifier of the strategy's got right
 * (its probes: see mn_strategy), after one task. */
typedef struct mn_probed {
    char *classifier; /* owned by the results */
    mn_scope scope;
    int64_t label, after_task; /* the class by arrival */
    double accuracy;           /* in per cent */
} mn_probed;
MN_API mn_status mn_results_probes(const mn_results *results, mn_probed **probes,
                                   int64_t *count); /* by classifier and class; caller frees */

typedef struct mn_buffer_count {
    int32_t label, task;
    int64_t rows, oldest, newest; /* when seen */
    int64_t made; /* of the rows: by a strategy, not from the stream */
} mn_buffer_count;
MN_API mn_status mn_results_buffer(const mn_results *results, mn_buffer_count **counts,
                                   int64_t *count); /* caller frees */
/* All exemplars in the file, and the bytes of their images and of their columns. */
typedef struct mn_buffer_size {
    int64_t rows, image_bytes, column_bytes;
} mn_buffer_size;
MN_API mn_buffer_size mn_results_buffer_size(const mn_results *results);

/* A network or tensor that a strategy keeps for itself; the shared network, the buffer and the
 * optimisers' moments are not among them. */
typedef struct mn_kept_state {
    char name[96]; /* "genifer/average", "ewc/fisher" */
    bool network;
    int64_t numbers; /* parameters and statistics of a network */
    int64_t bytes;
    double images; /* of the data that take as many bytes; NaN: unknown */
    bool snapshot; /* a network like the shared one: a teacher, an average */
} mn_kept_state;
MN_API mn_status mn_results_kept(const mn_results *results, mn_kept_state **kept,
                                 int64_t *count); /* caller frees */

/* All that a run keeps from task to task beside the shared network and the optimisers' moments:
 * what memory_budget counts, as it stands in the file. */
typedef struct mn_memory_part {
    char name[96];    /* "exemplars", "labels", "columns", "codec", "numbers"; "ewc/fisher" */
    const char *role; /* "buffer", "snapshot", "network", "tensor", "number" */
    int64_t bytes;    /* above 0 */
} mn_memory_part;
MN_API mn_status mn_results_memory(const mn_results *results, mn_memory_part **parts,
                                   int64_t *count); /* caller frees */

/* Writes the shared network's weights and statistics as of the run's last commit to a safetensors
 * file, under PyTorch's names: what load_state_dict() takes, and the `init` option of another run.
 * Its "__metadata__" says what the outputs and inputs are: classes, image, mean, deviation, network
 * (docs/weights.md). */
MN_API mn_status mn_export_weights(const char *path, const char *out);

/* Writes the images that the run remembers to a safetensors file, as the data set `npy` reads them:
 * x_train (rows, channels, height, width), bytes, or floats in which black is 0 and white 1, and
 * y_train (rows), the data set's own labels.  MN_UNSUPPORTED of rows kept in another form. */
MN_API mn_status mn_export_memory(const char *path, const char *out);

/* Draws what the run at `path` remembers as a PNG: a row of exemplars for each class of each task,
 * oldest first. */
MN_API mn_status mn_results_sheet(const char *path, const char *png);
/* Draws the images that a generator of the run made, as a PNG: for each class a row for each task
 * after which it made some, from equal noise. */
MN_API mn_status mn_results_samples(const char *path, const char *png);

#ifdef __cplusplus
}
#endif
#endif
