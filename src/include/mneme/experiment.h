/* experiment.h -- what a run will be: benchmark JSON, recipe, and what the user set, in that order,
 * resolved into one configuration.
 */
#ifndef MNEME_EXPERIMENT_H
#define MNEME_EXPERIMENT_H

#include <mneme/data.h>
#include <mneme/option.h>
#include <mneme/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_experiment mn_experiment;

/* The i-th section of a configuration, before those of the strategies: "train", "dataset", ...; NULL
 * past the last. */
MN_API const char *mn_section_name(int i);
/* Its options; NULL where they depend on a data set, network, optimiser or policy. */
MN_API const mn_option *mn_section_options(int i);
/* The options of a run itself (seed, epochs, batch, lr, buffer_size, ...): the command line's flags
 * and the keys of a benchmark come from this table. */
MN_API const mn_option *mn_run_options(void);

/* Whether an option of a section can change the results of a run.  `type` names the data set,
 * network, optimiser or buffer policy ("mlp"), NULL for other sections.  True for what is unknown. */
MN_API bool mn_setting_changes_result(const char *section, const char *type, const char *name);

/* `benchmark` is a name or the path of a JSON file; `strategies` a base and its add-ons,
 * "derpp+zipf", each a name or the path of a plugin.  NULL: those that the file names, else
 * "finetune", which will do where only data are wanted.  A file that names others is refused, and
 * the plugins that it lists are loaded. */
MN_API mn_status mn_experiment_new(const char *benchmark, const char *strategies,
                                   mn_experiment **experiment);
MN_API void mn_experiment_free(mn_experiment *experiment);
/* Sets one option over recipe and defaults: ("seed", "3"), ("buffer_size", "500"),
 * ("der.alpha", "0.3"), ("network.widths", "400,400"), ("data_folder", "/data").
 * MN_BAD_OPTION names the nearest valid key. */
MN_API mn_status mn_experiment_set(mn_experiment *experiment, const char *key, const char *value);
/* Applies the recipe, checks every combination, and fixes the configuration; called by run too. */
MN_API mn_status mn_experiment_resolve(mn_experiment *experiment);
/* After resolve: the configuration as JSON, and a sentence on where its recipe comes from. */
MN_API const char *mn_experiment_json(const mn_experiment *experiment);
MN_API const char *mn_experiment_recipe(const mn_experiment *experiment);
/* "runs/split-fmnist-derpp-s0.mneme", written to path. */
MN_API mn_status mn_experiment_default_path(const mn_experiment *experiment, char *path,
                                            size_t bytes);

/* Is asked before each image that a network makes features of, when the experiment's data are read
 * and they are not kept yet (section features); borrowed until another is named, or NULL. */
MN_API void mn_experiment_watch(mn_experiment *experiment, const mn_pack_watch *watch);
/* Reads the data set of an experiment; the caller frees it. */
MN_API mn_status mn_experiment_dataset(const mn_experiment *experiment, mn_dataset **dataset);
/* Packs the data set of an experiment into a file, as mn_dataset_pack() does. */
MN_API mn_status mn_experiment_pack(const mn_experiment *experiment, const char *path,
                                    const mn_pack_watch *watch);
/* Cuts it into the experiment's stream, which borrows it and which the caller frees, and says what
 * training makes of its images; nothing is left when it fails. */
MN_API mn_status mn_experiment_stream(const mn_experiment *experiment, const mn_dataset *dataset,
                                      mn_stream **stream, mn_transform *transform);
typedef enum mn_sheet_kind {
    MN_SHEET_PLAIN,     /* the first training images of each class */
    MN_SHEET_AUGMENTED, /* one image of each class, and what training sees of it in the first epochs;
                         * its views too, where the benchmark says what they are */
    MN_SHEET_VIEWS,     /* one image of each class, and full and small views of it (views.h) */
} mn_sheet_kind;
/* Draws training images of each class as a PNG; after resolve. */
MN_API mn_status mn_experiment_sheet(const mn_experiment *experiment, mn_sheet_kind kind,
                                     const char *png);

/* --- benchmarks ------------------------------------------------------------------------------- */
typedef struct mn_benchmarks mn_benchmarks;

/* What lies in $MNEME_BENCHMARKS, in the checkout of a program that is run from its build folder,
 * where mneme is installed, and in ./benchmarks. */
MN_API mn_status mn_benchmarks_new(mn_benchmarks **benchmarks);
MN_API void mn_benchmarks_free(mn_benchmarks *benchmarks);
/* The i-th in order of name, and its one-sentence summary; NULL past the end.  Both live as long as
 * the list. */
MN_API const char *mn_benchmark(const mn_benchmarks *benchmarks, int i, const char **summary);
/* The benchmark's JSON text (caller frees), for help and for reports. */
MN_API mn_status mn_benchmark_json(const char *name_or_path, char **json);

#ifdef __cplusplus
}
#endif
#endif
