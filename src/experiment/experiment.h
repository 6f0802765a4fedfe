/* experiment.h -- the resolved configuration of a run, section by section.
 *
 * Every part of a configuration is a section: a name, an option table and the struct it fills.
 * Benchmark files, recipes, --set and the configuration kept in the run file all go through it.
 */
#ifndef MN_RUN_EXPERIMENT_H
#define MN_RUN_EXPERIMENT_H

#include "base/json.h"

#include <mneme/data.h>
#include <mneme/network.h>
#include <mneme/experiment.h>
#include <mneme/strategy.h>

typedef struct mn_run_settings {
    int64_t seed, epochs, steps, batch, threads;
    int64_t precision; /* mn_dtype: MN_F32 or MN_BF16 */
    double lr, clip;
    int64_t buffer_size, buffer_bytes, buffer_memory;
    const char *buffer_policy, *data_folder;
    const char *init, *init_digest;
    bool init_head;
    double validation;
    int64_t class_order_seed;
    int64_t eval_every, eval_batch, log_every;
    double commit_every;
    int64_t commit_steps;
    bool augment, shuffle, keep_moments;
    bool outputs, rebuild, profile;
} mn_run_settings;

typedef struct mn_stream_settings {
    int64_t scenario, tasks, classes, rounds;
    const char *task_classes, *class_order;
    int64_t images_per_class;
} mn_stream_settings;

typedef struct mn_label_settings {
    int64_t per_class;
    double fraction, pool;
} mn_label_settings;

typedef struct mn_schedule_settings {
    int64_t name, every, warm_up;
    double factor, least, start;
    const char *milestones;
} mn_schedule_settings;

typedef struct mn_normalise_settings {
    const char *mean, *deviation;
} mn_normalise_settings;

typedef struct mn_augment_settings {
    int64_t pad, pad_mode;
    bool flip, views;
} mn_augment_settings;

enum { MN_MOST_STRATEGIES = 8, MN_MOST_SECTIONS = 19 };

typedef enum mn_section_id {
    MN_SECTION_TRAIN,
    MN_SECTION_DATASET,
    MN_SECTION_STREAM,
    MN_SECTION_LABELS,
    MN_SECTION_NETWORK,
    MN_SECTION_OPTIMISER,
    MN_SECTION_SCHEDULE,
    MN_SECTION_NORMALISE,
    MN_SECTION_AUGMENT,
    MN_SECTION_VIEWS,
    MN_SECTION_BUFFER,   /* options of the policy */
    MN_SECTION_STRATEGY, /* the first of them */
} mn_section_id;

typedef struct mn_section {
    const char *name; /* "train", "network", "er": the key in JSON, and before the dot in --set */
    const char *type; /* "mlp" where the section has a type of its own, else NULL */
    const mn_option *table;
    void *values;
} mn_section;

typedef struct mn_assignment {
    const char *key, *value;
} mn_assignment;

struct mn_experiment {
    const char *benchmark, *strategies; /* "split-fmnist", "er+ewc" */
    cJSON *source;                      /* the benchmark's JSON, or a run file's configuration */
    const mn_strategy *strategy[MN_MOST_STRATEGIES];
    int strategy_count;
    mn_assignment *assignments;
    int64_t assignment_count;
    mn_section section[MN_MOST_SECTIONS];
    int section_count;
    bool resolved;
    char *json;
    char recipe[256];
};

const mn_run_settings *mn_experiment_settings(const mn_experiment *experiment);
/* The options of a section as JSON text, interned. */
const char *mn_experiment_section_json(const mn_experiment *experiment, mn_section_id id);

/* The spec of the stream; its arrays live in the two spaces given. */
mn_status mn_experiment_stream(const mn_experiment *experiment, int64_t task_classes[MN_MAX_TASKS],
                               int64_t class_order[MN_MAX_CLASSES], mn_stream_spec *spec);
mn_status mn_experiment_schedule(const mn_experiment *experiment, mn_schedule *schedule);
mn_status mn_experiment_transform(const mn_experiment *experiment, const mn_dataset *dataset,
                                  mn_transform *transform);
/* Reads the data and makes the stream; whatever was made is the caller's to free, also when a later
 * part failed. */
mn_status mn_experiment_data(mn_experiment *experiment, mn_dataset **dataset, mn_stream **stream,
                             mn_transform *transform);

/* An experiment from the configuration kept in a run file. */
mn_status mn_experiment_restore(const char *config, mn_experiment **experiment);

/* What the strategy's recipes say for "optimiser.name" or another key that chooses a type; NULL. */
const char *mn_experiment_recipe_type(const mn_experiment *experiment, const char *key);
/* Looks the recipe up for the strategies and the buffer size, applies it below what the user set,
 * and describes it.  Called by resolve. */
mn_status mn_experiment_apply_recipe(mn_experiment *experiment);
/* Sets KEY of its section, without recording it. */
mn_status mn_experiment_assign(mn_experiment *experiment, const char *key, const char *value);

/* Whether the user set this option of the run. */
bool mn_experiment_user_set(const mn_experiment *experiment, const char *name);
/* checks.c: MN_BAD_OPTION or MN_UNSUPPORTED where parts of a configuration contradict each other.
 */
mn_status mn_experiment_check(const mn_experiment *experiment);
/* Whether the longest task, of so many steps, gets through the warm-up. */
mn_status mn_experiment_check_warm_up(const mn_experiment *experiment, int64_t steps);

/* plugins.c: a name that is the path of a plugin becomes the name of what it brings, of `kind`. */
mn_status mn_plugin_named(mn_kind kind, const char **name);
/* The i-th of the strategies, data set, network and policy, and the path of its plugin, NULL when
 * it is built in; false past the last. */
bool mn_plugin_used(const mn_experiment *experiment, int i, mn_kind *kind, const char **name,
                    const char **path);
/* For the configuration: all paths, as an array of texts. */
cJSON *mn_plugins_used(const mn_experiment *experiment);
mn_status mn_plugins_load(const cJSON *paths);
/* A plugin that this process loaded for another run must not slip into a restored one. */
mn_status mn_plugins_check(const mn_experiment *experiment);

/* benchmark.c: the JSON of a benchmark by name or path; caller deletes. */
mn_status mn_benchmark_read(const char *name_or_path, cJSON **json);

/* "1,2,3" to numbers; returns how many, -1 when a part is no number or there are too many. */
int64_t mn_parse_list(const char *text, int64_t most, double *numbers);

#endif
