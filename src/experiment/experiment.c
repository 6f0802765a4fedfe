/* experiment.c -- benchmark, recipe and what the user set, made into one configuration.
 *
 * Precedence, lowest first: the tables' defaults, the benchmark file, its recipe, the user.  The
 * resolved configuration has the form of a benchmark file, so that a run is restored by reading it
 * as one. */
#include "experiment/experiment.h"
#include "base/build.h"
#include "base/cores.h"
#include "base/names.h"
#include "base/options.h"
#include "base/text.h"
#include "experiment/benchmark.h"
#include "experiment/checks.h"
#include "experiment/composition.h"
#include "experiment/features.h"
#include "experiment/locations.h"
#include "experiment/plugins.h"
#include "experiment/recipe.h"
#include "experiment/sections.h"
#include "experiment/teachers.h"
#include "tensor/file/safetensors.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the configuration");
}

/* --- made from a benchmark's file --- */

/* "my-benchmark" of "folder/my-benchmark.json": what a file without "name" is called. */
static mn_status name_of_file(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    char *copy = mn_text_copy(slash != NULL ? slash + 1 : path);
    if (copy == NULL)
        return no_memory();
    const size_t length = strlen(copy);
    if (length > 5 && strcmp(copy + length - 5, ".json") == 0)
        copy[length - 5] = '\0';
    const mn_status status = mn_keep_text(copy, name);
    mn_memory_give(copy);
    return status;
}

static mn_status fill(mn_experiment *made, const char *benchmark, const char *strategies)
{
    const char *name = NULL;
    MN_TRY(mn_json_text(made->source, benchmark, "name", &name));
    MN_TRY(name != NULL ? mn_keep_text(name, &made->benchmark)
                        : name_of_file(benchmark, &made->benchmark));
    MN_TRY(mn_recipes_check(made->source, benchmark));
    MN_TRY(mn_composition_set(made, strategies));
    MN_TRY(mn_sections_known(made));
    const mn_status status = mn_sections_open(made);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s", benchmark);
}

/* Takes over the source. */
static mn_status experiment_new(cJSON *source, const char *benchmark, const char *strategies,
                                mn_experiment **experiment)
{
    mn_experiment *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL) {
        cJSON_Delete(source);
        return no_memory();
    }
    made->source = source;
    const mn_status status = fill(made, benchmark, strategies);
    if (status != MN_OK) {
        mn_experiment_free(made);
        return status;
    }
    *experiment = made;
    return MN_OK;
}

/* A benchmark may be the configuration of a run, which brings plugins and names a strategy. */
static mn_status begin_as_written(cJSON *source, const char *benchmark, const char **strategies,
                                  const char **written)
{
    MN_TRY(mn_json_text(source, benchmark, "strategy", written));
    if (*strategies == NULL)
        *strategies = *written != NULL ? *written : "finetune";
    const mn_status status = mn_plugins_load(cJSON_GetObjectItemCaseSensitive(source, "plugins"));
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s", benchmark);
}

static mn_status check_strategy(const mn_experiment *experiment, const char *benchmark,
                                const char *strategies, const char *written)
{
    if (written == NULL || strcmp(written, strategies) == 0 ||
        strcmp(written, experiment->strategies) == 0)
        return MN_OK;
    return mn_fail(MN_BAD_OPTION,
                   "%s: strategy: is '%s', but '%s' was asked for; ask for '%s', or take the key "
                   "out of the file",
                   benchmark, written, experiment->strategies, written);
}

mn_status mn_experiment_new(const char *benchmark, const char *strategies,
                            mn_experiment **experiment)
{
    cJSON *source;
    const char *written = NULL;
    mn_experiment *made;
    MN_TRY(mn_benchmark_read(benchmark, &source));
    mn_status status = begin_as_written(source, benchmark, &strategies, &written);
    if (status != MN_OK) {
        cJSON_Delete(source);
        return status;
    }
    MN_TRY(experiment_new(source, benchmark, strategies, &made));
    status = check_strategy(made, benchmark, strategies, written);
    if (status != MN_OK) {
        mn_experiment_free(made);
        return status;
    }
    *experiment = made;
    return MN_OK;
}

void mn_experiment_free(mn_experiment *experiment)
{
    if (experiment == NULL)
        return;
    mn_sections_free(experiment->section);
    mn_memory_give(experiment->assignments);
    mn_memory_give(experiment->json);
    mn_memory_give(experiment->recipe);
    cJSON_Delete(experiment->source);
    mn_memory_give(experiment);
}

void mn_experiment_watch(mn_experiment *experiment, const mn_pack_watch *watch)
{
    experiment->watch = watch;
}

/* --- what the user set --- */

/* Assigns "train" first, because its buffer_policy decides which keys "buffer" has. */
static mn_status assign_all(mn_experiment *experiment)
{
    for (int turn = 0; turn < 2; turn++)
        for (int64_t i = 0; i < experiment->assignment_count; i++) {
            const mn_assignment *one = &experiment->assignments[i];
            if ((mn_key_of_train(one->key) != NULL) == (turn == 0))
                MN_TRY(mn_section_assign(experiment, one->key, one->value));
        }
    return MN_OK;
}

static mn_status assign_of_recipe(mn_experiment *experiment, const cJSON *setting)
{
    char *text;
    MN_TRY(mn_option_text(setting, "recipes", setting->string, &text));
    const mn_status status = mn_section_assign(experiment, setting->string, text);
    mn_memory_give(text);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "recipes");
}

static mn_status apply_recipe(mn_experiment *experiment, const cJSON *recipe)
{
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(recipe, "set"), *setting;
    const cJSON *policy = cJSON_GetObjectItemCaseSensitive(set, "buffer_policy");
    if (policy != NULL)
        MN_TRY(assign_of_recipe(experiment, policy)); /* decides which keys "buffer" has */
    cJSON_ArrayForEach(setting, set)
    {
        if (!mn_recipe_is_for_another(experiment, setting->string))
            MN_TRY(assign_of_recipe(experiment, setting));
    }
    return MN_OK;
}

/* File, then recipe, then what the user set. */
static mn_status fill_sections(mn_experiment *experiment, char **description)
{
    MN_TRY(mn_sections_open(experiment));
    /* The user's buffer size chooses the recipe; the user's values go over it. */
    MN_TRY(assign_all(experiment));
    const cJSON *recipe = mn_recipe_find(experiment);
    const mn_status status = apply_recipe(experiment, recipe);
    if (status != MN_OK)
        return mn_fail_in(status, "%s", experiment->benchmark);
    MN_TRY(mn_recipe_describe(experiment, recipe, description));
    return assign_all(experiment);
}

/* Fills every section anew; after a failure all are as they were before. */
static mn_status apply(mn_experiment *experiment)
{
    mn_section before[MN_MOST_SECTIONS];
    char *recipe = NULL;
    memcpy(before, experiment->section, sizeof before);
    memset(experiment->section, 0, sizeof experiment->section);
    const mn_status status = fill_sections(experiment, &recipe);
    if (status != MN_OK) {
        mn_sections_free(experiment->section);
        memcpy(experiment->section, before, sizeof before);
        mn_memory_give(recipe);
        return status;
    }
    mn_sections_free(before);
    mn_memory_give(experiment->recipe);
    experiment->recipe = recipe;
    return MN_OK;
}

static mn_status add_assignment(mn_experiment *experiment, const char *key, const char *value)
{
    if (experiment->assignment_count == experiment->assignment_capacity) {
        const int64_t capacity = 2 * experiment->assignment_capacity + 16;
        mn_assignment *larger =
            mn_memory_resize(experiment->assignments, (size_t)capacity, sizeof *larger);
        if (larger == NULL)
            return no_memory();
        experiment->assignments = larger;
        experiment->assignment_capacity = capacity;
    }
    mn_assignment *added = &experiment->assignments[experiment->assignment_count];
    MN_TRY(mn_keep_text(key, &added->key));
    MN_TRY(mn_keep_text(value, &added->value));
    experiment->assignment_count++;
    return MN_OK;
}

mn_status mn_experiment_set(mn_experiment *experiment, const char *key, const char *value)
{
    if (experiment->resolved)
        return mn_fail(MN_OUT_OF_ORDER, "%s: the configuration is already resolved", key);
    MN_TRY(add_assignment(experiment, key, value));
    /* A bad value is refused where it is given.  A key that decides nothing about other keys is
     * assigned alone, or many settings would be assigned as often again for each. */
    const mn_status status = mn_section_chooses(experiment, key)
                                 ? apply(experiment)
                                 : mn_section_assign(experiment, key, value);
    if (status != MN_OK)
        experiment->assignment_count--;
    return status;
}

/* --- the resolved configuration --- */

static bool write_made(const mn_experiment *experiment, cJSON *json)
{
    cJSON *made = cJSON_AddObjectToObject(json, MN_MADE);
    char *plugins = mn_plugins_made_of(experiment);
    const bool whole = made != NULL && plugins != NULL &&
                       cJSON_AddNumberToObject(made, "numerics", MN_NUMERICS) != NULL &&
                       cJSON_AddStringToObject(made, "plugins", plugins) != NULL;
    mn_memory_give(plugins);
    return whole;
}

static mn_status write_configuration(const mn_experiment *experiment, cJSON *json)
{
    cJSON *plugins = mn_plugins_used(experiment);
    if (cJSON_AddStringToObject(json, "name", experiment->benchmark) == NULL ||
        cJSON_AddStringToObject(json, "strategy", experiment->strategies) == NULL ||
        plugins == NULL || !cJSON_AddItemToObject(json, "plugins", plugins)) {
        cJSON_Delete(plugins);
        return no_memory();
    }
    if (!write_made(experiment, json))
        return no_memory();
    return mn_sections_to_json(experiment, json);
}

static mn_status configuration(const mn_experiment *experiment, char **text)
{
    cJSON *json = cJSON_CreateObject();
    mn_status status = json != NULL ? write_configuration(experiment, json) : no_memory();
    *text = status == MN_OK ? cJSON_Print(json) : NULL;
    cJSON_Delete(json);
    return status == MN_OK && *text == NULL ? no_memory() : status;
}

/* Pins the file of initial weights: what is resolved names its content, not only its path. */
static mn_status resolve_init(mn_experiment *experiment)
{
    char digest[MN_DIGEST_TEXT];
    const mn_run_settings *run = mn_experiment_settings(experiment);
    if (run->init[0] == '\0' || run->init_digest[0] != '\0')
        return MN_OK;
    const mn_status status = mn_safetensors_file_digest(run->init, digest);
    return status == MN_OK ? mn_section_assign(experiment, "init_digest", digest)
                           : mn_fail_in(status, "init");
}

/* Threads cost a small network more than they bring. */
static mn_status resolve_automatic(mn_experiment *experiment)
{
    mn_run_settings *run = experiment->section[MN_SECTION_TRAIN].values;
    const mn_network_type *type =
        (const void *)mn_find(MN_KIND_NETWORK, experiment->section[MN_SECTION_NETWORK].type);
    if (type == NULL)
        return MN_NOT_FOUND;
    const bool parallel = type->size >= sizeof *type && type->parallel;
    if (run->threads == 0)
        run->threads = parallel ? mn_physical_cores() : 1;
    return MN_OK;
}

mn_status mn_experiment_resolve(mn_experiment *experiment)
{
    if (experiment->resolved)
        return MN_OK;
    MN_TRY(apply(experiment));
    MN_TRY(mn_experiment_check(experiment));
    MN_TRY(mn_locations_resolve(experiment));
    MN_TRY(resolve_init(experiment));
    MN_TRY(mn_experiment_features_resolve(experiment));
    MN_TRY(mn_teachers_resolve(experiment));
    MN_TRY(resolve_automatic(experiment));
    MN_TRY(configuration(experiment, &experiment->json));
    experiment->resolved = true;
    return MN_OK;
}

static mn_status restore(cJSON *source, mn_experiment **experiment)
{
    const char *strategies = NULL;
    mn_status status = mn_plugins_load(cJSON_GetObjectItemCaseSensitive(source, "plugins"));
    if (status == MN_OK)
        status = mn_json_text(source, "configuration", "strategy", &strategies);
    if (status == MN_OK && strategies == NULL)
        status = mn_fail(MN_CORRUPT, "the configuration has no strategy");
    if (status != MN_OK) {
        cJSON_Delete(source);
        return status;
    }
    MN_TRY(experiment_new(source, "configuration", strategies, experiment));
    return mn_plugins_check(*experiment);
}

mn_status mn_experiment_restore(const char *config, mn_experiment **experiment)
{
    cJSON *source;
    MN_TRY(mn_json_parse(config, "configuration", &source));
    MN_TRY(restore(source, experiment));
    return mn_experiment_resolve(*experiment);
}

const char *mn_experiment_json(const mn_experiment *experiment)
{
    return experiment->json;
}

const char *mn_experiment_recipe(const mn_experiment *experiment)
{
    return experiment->recipe;
}

mn_status mn_experiment_default_path(const mn_experiment *experiment, char *path, size_t bytes)
{
    const long long seed = (long long)mn_experiment_settings(experiment)->seed;
    static const char folder[] = "runs/";
    const int length = snprintf(path, bytes, "%s%s-%s-s%lld.mneme", folder, experiment->benchmark,
                                experiment->strategies, seed);
    if (length < 0 || (size_t)length >= bytes)
        return mn_fail(MN_BAD_OPTION, "the path runs/%s-... is too long", experiment->benchmark);
    mn_name_for_file(path + sizeof folder - 1);
    return MN_OK;
}
