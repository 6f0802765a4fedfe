/* configuration.h -- the configuration of a run: its sections, the structs they fill, and what the
 * user set.
 *
 * Every part of a configuration is a section: a name, an option table and the struct it fills.
 * Benchmark files, recipes, --set and the configuration kept in the run file all go through it.
 */
#ifndef MN_EXPERIMENT_CONFIGURATION_H
#define MN_EXPERIMENT_CONFIGURATION_H

#include "base/json.h"

#include <mneme/experiment.h>
#include <mneme/registry.h>
#include <mneme/strategy.h>
#include <mneme/views.h>

/* What networks see where exemplars are encoded, in the order of the option codec_consumption. */
typedef enum mn_consumption {
    MN_DECODED, /* exemplars decoded, beside images as they are */
    MN_NATIVE,  /* all images in the codec's form */
} mn_consumption;

typedef struct mn_run_settings {
    int64_t seed, epochs, first_epochs, steps, batch, threads;
    int64_t precision; /* mn_dtype: MN_F32 or MN_BF16 */
    double lr, first_lr, clip;
    int64_t buffer_size, buffer_bytes, buffer_memory, buffer_values, memory_budget;
    const char *buffer_policy, *data_folder, *codec;
    int64_t codec_consumption; /* mn_consumption */
    const char *init, *init_digest;
    bool init_head;
    const char *teacher, *teacher_network, *teacher_digest;
    int64_t sees; /* mn_sight */
    double validation;
    bool validation_beside;
    int64_t class_order_seed;
    int64_t eval_every, eval_batch, log_every;
    double commit_every;
    int64_t commit_steps;
    bool augment, shuffle, keep_moments;
    bool outputs, rebuild, profile;
} mn_run_settings;

typedef struct mn_stream_settings {
    int64_t scenario, tasks, classes, rounds;
    const char *task_classes, *class_order, *domains;
    int64_t images_per_class, first_images_per_class;
    double imbalance, blur;
    int64_t imbalance_order; /* 0: drawn, 1: of arrival */
} mn_stream_settings;

typedef struct mn_label_settings {
    int64_t per_class, noise_kind; /* 0: symmetric, 1: pairs */
    double fraction, pool, noise;
} mn_label_settings;

typedef struct mn_features_settings {
    const char *network, *init, *init_digest, *layer, *mean, *deviation, *cache;
    int64_t type; /* 0: f32, 1: f16, 2: u8 */
} mn_features_settings;

typedef struct mn_schedule_settings {
    int64_t name, every, warm_up, patience;
    double factor, least, start;
    bool restore;
    const char *milestones;
} mn_schedule_settings;

typedef struct mn_normalise_settings {
    const char *mean, *deviation;
} mn_normalise_settings;

typedef struct mn_augment_settings {
    int64_t pad, pad_mode;
    bool flip, views;
} mn_augment_settings;

/* The sections in the order of the configuration, before those of the strategies.
 * OWN(id, name, struct): settings.c has the section's option table, which fills the struct.
 * TYPED(id, name, kind, usual): the table is that of an optimiser, or of a descriptor of the kind.
 * The key "name" chooses it, else `usual`; the buffer's is chosen by train.buffer_policy. */
#define MN_SECTION_MAP(OWN, TYPED)                                                                 \
    OWN(TRAIN, train, mn_run_settings)                                                             \
    TYPED(DATASET, dataset, MN_KIND_DATASET, "fashion-mnist")                                      \
    OWN(FEATURES, features, mn_features_settings)                                                  \
    OWN(STREAM, stream, mn_stream_settings)                                                        \
    OWN(LABELS, labels, mn_label_settings)                                                         \
    TYPED(NETWORK, network, MN_KIND_NETWORK, "mlp")                                                \
    TYPED(OPTIMISER, optimiser, MN_KINDS, "sgd")                                                   \
    OWN(SCHEDULE, schedule, mn_schedule_settings)                                                  \
    OWN(NORMALISE, normalise, mn_normalise_settings)                                               \
    OWN(AUGMENT, augment, mn_augment_settings)                                                     \
    OWN(VIEWS, views, mn_view_spec)                                                                \
    TYPED(BUFFER, buffer, MN_KIND_POLICY, NULL)

typedef enum mn_section_id {
#define ID(id, ...) MN_SECTION_##id,
    MN_SECTION_MAP(ID, ID)
#undef ID
        MN_SECTION_STRATEGY, /* the first of them */
} mn_section_id;

enum { MN_MOST_STRATEGIES = 8, MN_MOST_SECTIONS = MN_SECTION_STRATEGY + MN_MOST_STRATEGIES };

typedef struct mn_section {
    const char *name; /* "train", "network", "er": the key in JSON, and before the dot in --set */
    const char *type; /* "mlp" where the key "name" chooses the table, else NULL */
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
    mn_assignment *assignments; /* by the user, in order */
    int64_t assignment_count, assignment_capacity;
    mn_section section[MN_MOST_SECTIONS];
    int section_count;
    bool resolved;
    char *json, *recipe;        /* of what is resolved */
    const mn_pack_watch *watch; /* borrowed; NULL: nobody looks on */
};

const mn_run_settings *mn_experiment_settings(const mn_experiment *experiment);
/* Whether the user set this option of the run. */
bool mn_experiment_user_set(const mn_experiment *experiment, const char *name);
/* The section of a configuration that says what the run is made with beside its settings:
 * "numerics", and "plugins" with their digests.  mneme writes it, and reads it back to compare. */
#define MN_MADE "made"
/* The key in section "train", which need not be named; NULL for a key of another section. */
const char *mn_key_of_train(const char *key);

#endif
