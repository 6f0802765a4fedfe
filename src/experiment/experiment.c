/* experiment.c -- benchmark, recipe and what the user set, made into one configuration.
 *
 * Precedence, lowest first: the tables' defaults, the benchmark file, its recipe, the user.  The
 * resolved configuration has the form of a benchmark file, so that a run is restored by reading it
 * as one. */
#include "experiment/experiment.h"
#include "base/cores.h"
#include "base/options.h"
#include "base/registry.h"
#include "experiment/settings.h"
#include "learner/weights.h"
#include "nn/optimiser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const section_names[] = {"train",   "dataset",   "stream",   "labels",
                                            "network", "optimiser", "schedule", "normalise",
                                            "augment", "views",     "buffer"};

const mn_run_settings *mn_experiment_settings(const mn_experiment *experiment)
{
    return experiment->section[MN_SECTION_TRAIN].values;
}

/* --- sections --- */

static mn_kind kind_of(mn_section_id id)
{
    return id == MN_SECTION_NETWORK  ? MN_KIND_NETWORK
           : id == MN_SECTION_BUFFER ? MN_KIND_POLICY
                                     : MN_KIND_DATASET;
}

/* The table of a section whose type has a name, or is brought by a plugin, whose name it gets;
 * bytes of the struct it fills. */
static mn_status typed_table(mn_section_id id, const char **type, const mn_option **table,
                             size_t *bytes)
{
    if (id == MN_SECTION_OPTIMISER) {
        *table = mn_optimiser_options(*type);
        *bytes = mn_options_bytes(*table);
        return *table != NULL ? MN_OK : MN_NOT_FOUND;
    }
    const mn_kind kind = kind_of(id);
    MN_TRY(mn_plugin_named(kind, type));
    const mn_descriptor *descriptor = mn_find(kind, *type);
    if (descriptor == NULL)
        return MN_NOT_FOUND;
    *table = descriptor->options;
    *bytes = descriptor->options_size;
    return MN_OK;
}

static mn_status open_section(mn_section *section, const char *name, const char *type,
                              const mn_option *table, size_t bytes)
{
    free(section->values);
    *section = (mn_section){.name = name, .type = type, .table = table};
    section->values = calloc(1, bytes > 0 ? bytes : 1);
    if (section->values == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the options of '%s'", name);
    mn_options_default(table, section->values);
    return MN_OK;
}

/* The name a typed section was given: by the user, else by a recipe, else by the file, else
 * `otherwise`. */
static const char *type_of(const mn_experiment *experiment, const char *section,
                           const char *otherwise)
{
    char key[64];
    snprintf(key, sizeof key, "%s.name", section);
    for (int64_t i = experiment->assignment_count - 1; i >= 0; i--)
        if (strcmp(experiment->assignments[i].key, key) == 0)
            return experiment->assignments[i].value;
    const char *of_recipe = mn_experiment_recipe_type(experiment, key);
    if (of_recipe != NULL)
        return of_recipe;
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(experiment->source, section);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    return cJSON_IsString(name) ? mn_intern(name->valuestring) : otherwise;
}

static mn_status fill_section(mn_section *section, const mn_experiment *experiment)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(experiment->source, section->name);
    if (object == NULL)
        return MN_OK;
    if (!cJSON_IsObject(object))
        return mn_fail(MN_BAD_OPTION, "%s: expected an object { ... }", section->name);
    if (section->type == NULL)
        return mn_options_from_json(section->table, section->values, section->name, object);
    /* "name" chose the type.  Options written for another type than the user's do not apply. */
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    if (cJSON_IsString(name)) {
        const mn_section_id id = (mn_section_id)(section - experiment->section);
        const char *written = name->valuestring;
        if (id != MN_SECTION_OPTIMISER)
            MN_TRY(mn_plugin_named(kind_of(id), &written));
        if (strcmp(written, section->type) != 0)
            return MN_OK;
    }
    cJSON *options = cJSON_Duplicate(object, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(options, "name");
    const mn_status status =
        mn_options_from_json(section->table, section->values, section->name, options);
    cJSON_Delete(options);
    return status;
}

static bool is_typed(mn_section_id id)
{
    return id == MN_SECTION_DATASET || id == MN_SECTION_NETWORK || id == MN_SECTION_OPTIMISER;
}

static mn_status open_fixed_section(mn_experiment *experiment, mn_section_id id)
{
    static const char *const usual[] = {[MN_SECTION_DATASET] = "fashion-mnist",
                                        [MN_SECTION_NETWORK] = "mlp",
                                        [MN_SECTION_OPTIMISER] = "sgd"};
    const mn_option *table = NULL;
    const char *type = NULL;
    size_t bytes = 0;
    if (is_typed(id)) {
        type = type_of(experiment, section_names[id], usual[id]);
        const mn_status status = typed_table(id, &type, &table, &bytes);
        if (status != MN_OK)
            return mn_fail_in(status == MN_NOT_FOUND ? MN_BAD_OPTION : status, "%s.name",
                              section_names[id]);
    } else {
        table = mn_settings_table(id, &bytes);
    }
    mn_section *section = &experiment->section[id];
    MN_TRY(open_section(section, section_names[id], type, table, bytes));
    return fill_section(section, experiment);
}

static mn_status open_buffer_section(mn_experiment *experiment)
{
    mn_run_settings *run = experiment->section[MN_SECTION_TRAIN].values;
    const mn_option *table;
    size_t bytes;
    const mn_status status = typed_table(MN_SECTION_BUFFER, &run->buffer_policy, &table, &bytes);
    if (status != MN_OK)
        return mn_fail_in(MN_BAD_OPTION, "buffer_policy");
    mn_section *section = &experiment->section[MN_SECTION_BUFFER];
    MN_TRY(open_section(section, section_names[MN_SECTION_BUFFER], NULL, table, bytes));
    return fill_section(section, experiment);
}

static mn_section *find_section(mn_experiment *experiment, const char *name, size_t length)
{
    for (int i = 0; i < experiment->section_count; i++) {
        mn_section *section = &experiment->section[i];
        if (section->name != NULL && strlen(section->name) == length &&
            strncmp(section->name, name, length) == 0)
            return section;
    }
    return NULL;
}

/* The key in section "train", which need not be named; NULL for a key of another section. */
static const char *key_of_train(const char *key)
{
    if (strchr(key, '.') == NULL)
        return key;
    return strncmp(key, "train.", 6) == 0 ? key + 6 : NULL;
}

/* Another policy has options of its own. */
static mn_status assign_train(mn_experiment *experiment, const char *key, const char *value)
{
    const mn_section *train = &experiment->section[MN_SECTION_TRAIN];
    mn_run_settings *run = train->values;
    const char *before = run->buffer_policy;
    MN_TRY(mn_options_set(train->table, train->values, "", key, value));
    MN_TRY(mn_plugin_named(MN_KIND_POLICY, &run->buffer_policy));
    return strcmp(run->buffer_policy, before) != 0 ? open_buffer_section(experiment) : MN_OK;
}

mn_status mn_experiment_assign(mn_experiment *experiment, const char *key, const char *value)
{
    const char *dot = strchr(key, '.');
    if (key_of_train(key) != NULL)
        return assign_train(experiment, key_of_train(key), value);
    const mn_section *section = find_section(experiment, key, (size_t)(dot - key));
    if (section == NULL) {
        const char *names[MN_MOST_SECTIONS + 1] = {NULL};
        for (int i = 0; i < experiment->section_count; i++)
            names[i] = experiment->section[i].name;
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
        const char *nearest = mn_nearest(name, names);
        return mn_fail(MN_BAD_OPTION, "%s: nothing in this run is called '%s'%s%s%s", key, name,
                       nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "'?" : "");
    }
    if (section->type != NULL && strcmp(dot + 1, "name") == 0)
        return MN_OK; /* already chose the section's table */
    return mn_options_set(section->table, section->values, section->name, dot + 1, value);
}

/* --- strategies --- */

static mn_status add_strategy(mn_experiment *experiment, const char *name)
{
    if (experiment->strategy_count == MN_MOST_STRATEGIES)
        return mn_fail(MN_BAD_OPTION, "more than %d strategies in one run", MN_MOST_STRATEGIES);
    MN_TRY(mn_plugin_named(MN_KIND_STRATEGY, &name));
    const mn_strategy *strategy = (const void *)mn_find(MN_KIND_STRATEGY, name);
    if (strategy == NULL)
        return MN_NOT_FOUND;
    for (int i = 0; i < experiment->strategy_count; i++)
        if (experiment->strategy[i] == strategy)
            return mn_fail(MN_BAD_OPTION, "'%s' is named twice", name);
    experiment->strategy[experiment->strategy_count++] = strategy;
    return MN_OK;
}

/* One base brings the loss; everything after it only adds. */
static mn_status check_composition(const mn_experiment *experiment)
{
    for (int i = 0; i < experiment->strategy_count; i++) {
        const mn_strategy *strategy = experiment->strategy[i];
        if (i > 0 && strategy->loss != NULL)
            return mn_fail(MN_BAD_OPTION,
                           "'%s' and '%s' both bring a loss of their own; a run has one base, and "
                           "only add-ons may follow it",
                           experiment->strategy[0]->name, strategy->name);
        if (i > 0 && strategy->scores != NULL)
            return mn_fail(MN_BAD_OPTION, "'%s' decides predictions, which only the base may do",
                           strategy->name);
    }
    return MN_OK;
}

/* An add-on that is named first stands on finetune. */
static mn_status put_base_first(mn_experiment *experiment)
{
    if (experiment->strategy[0]->loss != NULL)
        return MN_OK;
    MN_TRY(add_strategy(experiment, "finetune"));
    const int last = experiment->strategy_count - 1;
    const mn_strategy *base = experiment->strategy[last];
    memmove(experiment->strategy + 1, experiment->strategy,
            (size_t)last * sizeof experiment->strategy[0]);
    experiment->strategy[0] = base;
    return MN_OK;
}

static mn_status add_strategies(mn_experiment *experiment, const char *list)
{
    char *copy = strdup(list), *rest = copy;
    if (copy == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    mn_status status = MN_OK;
    for (char *name; status == MN_OK && (name = strsep(&rest, "+")) != NULL;)
        status = name[0] != '\0'
                     ? add_strategy(experiment, name)
                     : mn_fail(MN_BAD_OPTION, "'%s': a strategy's name is missing", list);
    free(copy);
    MN_TRY(status);
    char names[512] = ""; /* as given: paths of plugins become names */
    for (int i = 0; i < experiment->strategy_count; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? "+" : "",
                 experiment->strategy[i]->name);
    }
    experiment->strategies = mn_intern(names);
    MN_TRY(put_base_first(experiment));
    return check_composition(experiment);
}

static mn_status open_strategy_section(mn_experiment *experiment, int i)
{
    const mn_strategy *strategy = experiment->strategy[i];
    mn_section *section = &experiment->section[MN_SECTION_STRATEGY + i];
    MN_TRY(open_section(section, strategy->name, NULL, strategy->options, strategy->options_size));
    return fill_section(section, experiment);
}

/* --- from files to a configuration --- */

static mn_status check_keys(const mn_experiment *experiment)
{
    const char *known[32] = {"name",          "summary",   "dataset",   "stream",   "network",
                             "optimiser",     "schedule",  "normalise", "train",    "recipes",
                             "recipe_source", "published", "buffer",    "strategy", "plugins",
                             "notes",         "augment",   "labels",    "views"};
    size_t n = 19;
    for (int i = 0; i < experiment->strategy_count; i++)
        known[n++] = experiment->strategy[i]->name;
    known[n] = NULL;
    return mn_json_known(experiment->source, experiment->benchmark, known);
}

/* The policy that a strategy was made for, unless the file names another. */
static void prefer_policy(mn_experiment *experiment)
{
    const cJSON *train = cJSON_GetObjectItemCaseSensitive(experiment->source, "train");
    mn_run_settings *run = experiment->section[MN_SECTION_TRAIN].values;
    if (cJSON_HasObjectItem(train, "buffer_policy"))
        return;
    for (int i = experiment->strategy_count - 1; i >= 0; i--)
        if (experiment->strategy[i]->policy != NULL)
            run->buffer_policy = experiment->strategy[i]->policy;
}

static mn_status open_sections(mn_experiment *experiment)
{
    experiment->section_count = MN_SECTION_STRATEGY + experiment->strategy_count;
    for (mn_section_id id = MN_SECTION_TRAIN; id < MN_SECTION_BUFFER; id++)
        MN_TRY(open_fixed_section(experiment, id));
    for (int i = 0; i < experiment->strategy_count; i++)
        MN_TRY(open_strategy_section(experiment, i));
    prefer_policy(experiment);
    return open_buffer_section(experiment);
}

/* "my-benchmark" of "folder/my-benchmark.json": what a file without "name" is called. */
static const char *name_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    char name[256];
    snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : path);
    const size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".json") == 0)
        name[length - 5] = '\0';
    return mn_intern(name);
}

static mn_status experiment_new(cJSON *source, const char *benchmark, const char *strategies,
                                mn_experiment **experiment)
{
    mn_experiment *made = calloc(1, sizeof *made);
    if (made == NULL) {
        cJSON_Delete(source);
        return mn_fail(MN_NO_MEMORY, "out of memory");
    }
    made->source = source;
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(source, "name");
    made->benchmark = cJSON_IsString(name) ? mn_intern(name->valuestring) : name_of_file(benchmark);
    mn_status status = add_strategies(made, strategies);
    if (status == MN_OK)
        status = check_keys(made);
    if (status == MN_OK) {
        status = open_sections(made);
        if (status != MN_OK)
            (void)mn_fail_in(status, "%s", benchmark);
    }
    if (status != MN_OK) {
        mn_experiment_free(made);
        return status;
    }
    *experiment = made;
    return MN_OK;
}

mn_status mn_experiment_new(const char *benchmark, const char *strategies,
                            mn_experiment **experiment)
{
    cJSON *source;
    MN_TRY(mn_benchmark_read(benchmark, &source));
    return experiment_new(source, benchmark, strategies, experiment);
}

void mn_experiment_free(mn_experiment *experiment)
{
    if (experiment == NULL)
        return;
    for (int i = 0; i < MN_MOST_SECTIONS; i++)
        free(experiment->section[i].values);
    free(experiment->assignments);
    free(experiment->json);
    cJSON_Delete(experiment->source);
    free(experiment);
}

/* Those of "train" first: the buffer's policy among them decides what keys "buffer." has. */
static mn_status assign_all(mn_experiment *experiment)
{
    for (int turn = 0; turn < 2; turn++)
        for (int64_t i = 0; i < experiment->assignment_count; i++) {
            const mn_assignment *one = &experiment->assignments[i];
            if ((key_of_train(one->key) != NULL) == (turn == 0))
                MN_TRY(mn_experiment_assign(experiment, one->key, one->value));
        }
    return MN_OK;
}

/* Fills every section anew: file, then recipe, then what the user set. */
static mn_status apply(mn_experiment *experiment)
{
    MN_TRY(open_sections(experiment));
    /* The user's buffer size chooses the recipe; the user's values go over it. */
    MN_TRY(assign_all(experiment));
    MN_TRY(mn_experiment_apply_recipe(experiment));
    return assign_all(experiment);
}

mn_status mn_experiment_set(mn_experiment *experiment, const char *key, const char *value)
{
    if (experiment->resolved)
        return mn_fail(MN_OUT_OF_ORDER, "%s: the configuration is already resolved", key);
    const size_t bytes = (size_t)(experiment->assignment_count + 1) * sizeof(mn_assignment);
    mn_assignment *larger = realloc(experiment->assignments, bytes);
    if (larger == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    experiment->assignments = larger;
    larger[experiment->assignment_count++] = (mn_assignment){mn_intern(key), mn_intern(value)};
    const mn_status status = apply(experiment); /* a bad value is refused where it is given */
    if (status != MN_OK)
        experiment->assignment_count--;
    return status;
}

bool mn_experiment_user_set(const mn_experiment *experiment, const char *name)
{
    for (int64_t i = 0; i < experiment->assignment_count; i++) {
        const char *key = key_of_train(experiment->assignments[i].key);
        if (key != NULL && strcmp(key, name) == 0)
            return true;
    }
    return false;
}

static cJSON *section_json(const mn_section *section)
{
    cJSON *object = mn_options_to_json(section->table, section->values);
    if (object != NULL && section->type != NULL)
        cJSON_AddStringToObject(object, "name", section->type);
    return object;
}

const char *mn_experiment_section_json(const mn_experiment *experiment, mn_section_id id)
{
    cJSON *object =
        mn_options_to_json(experiment->section[id].table, experiment->section[id].values);
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    const char *kept = text != NULL ? mn_intern(text) : "";
    free(text);
    return kept;
}

static char *configuration(const mn_experiment *experiment)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", experiment->benchmark);
    cJSON_AddStringToObject(json, "strategy", experiment->strategies);
    cJSON_AddItemToObject(json, "plugins", mn_plugins_used(experiment));
    for (int i = 0; i < experiment->section_count; i++)
        cJSON_AddItemToObject(json, experiment->section[i].name,
                              section_json(&experiment->section[i]));
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    return text;
}

/* Pins the file of initial weights: what is resolved names its content, not only its path. */
static mn_status resolve_init(mn_experiment *experiment)
{
    char digest[MN_DIGEST_TEXT];
    const mn_run_settings *run = mn_experiment_settings(experiment);
    if (run->init[0] == '\0' || run->init_digest[0] != '\0')
        return MN_OK;
    const mn_status status = mn_weights_digest(run->init, digest);
    return status == MN_OK ? mn_experiment_assign(experiment, "init_digest", digest)
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
    MN_TRY(resolve_init(experiment));
    MN_TRY(resolve_automatic(experiment));
    experiment->json = configuration(experiment);
    if (experiment->json == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
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
    MN_TRY(experiment_new(source, "configuration", mn_intern(strategies), experiment));
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
    const int length = snprintf(path, bytes, "runs/%s-%s-s%lld.mneme", experiment->benchmark,
                                experiment->strategies, seed);
    return length > 0 && (size_t)length < bytes
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "the path runs/%s-... is too long", experiment->benchmark);
}
