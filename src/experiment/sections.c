/* sections.c -- a section is opened with its table's defaults, then filled from the file. */
#include "experiment/sections.h"
#include "base/names.h"
#include "base/options.h"
#include "experiment/plugins.h"
#include "experiment/recipe.h"
#include "experiment/settings.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

/* --- opening --- */

static mn_status open_section(mn_section *section, const char *name, const char *type,
                              const mn_option *table, size_t bytes)
{
    mn_memory_give(section->values);
    *section = (mn_section){.name = name, .type = type, .table = table};
    section->values = mn_memory_take_zeroed(1, bytes);
    if (section->values == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the options of '%s'", name);
    mn_options_default(table, section->values);
    return MN_OK;
}

static bool is_key(const char *key, const char *section, const char *name)
{
    const size_t length = strlen(section);
    return strncmp(key, section, length) == 0 && key[length] == '.' &&
           strcmp(key + length + 1, name) == 0;
}

/* The name that the user gave a section's type, else a recipe, else the file, else nobody. */
static const char *type_of(const mn_experiment *experiment, mn_section_id id)
{
    const char *section = mn_section_name((int)id);
    char key[64];
    snprintf(key, sizeof key, "%s.name", section);
    for (int64_t i = experiment->assignment_count - 1; i >= 0; i--)
        if (strcmp(experiment->assignments[i].key, key) == 0)
            return experiment->assignments[i].value;
    const char *of_recipe = mn_recipe_type(experiment, key);
    if (of_recipe != NULL)
        return of_recipe;
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(experiment->source, section);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    return cJSON_IsString(name) ? name->valuestring : mn_section_usual_type(id);
}

/* Options that the file has for another type than the section's do not apply. */
static mn_status is_for_another(const mn_section *section, mn_section_id id, const cJSON *object,
                                bool *other)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    *other = false;
    if (!cJSON_IsString(name))
        return MN_OK;
    const char *written = name->valuestring;
    if (mn_section_kind(id) != MN_KINDS)
        MN_TRY(mn_plugin_named(mn_section_kind(id), &written));
    *other = strcmp(written, section->type) != 0;
    return MN_OK;
}

/* "normalise": "measured" is short for both. */
static mn_status fill_measured(const mn_section *section, const char *word)
{
    if (strcmp(word, "measured") != 0)
        return mn_fail(MN_BAD_OPTION, "%s: '%s' is neither measured nor an object", section->name,
                       word);
    MN_TRY(mn_options_set(section->table, section->values, section->name, "mean", word));
    return mn_options_set(section->table, section->values, section->name, "deviation", word);
}

static mn_status fill_section(const mn_experiment *experiment, mn_section *section)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(experiment->source, section->name);
    if (section == &experiment->section[MN_SECTION_NORMALISE] && cJSON_IsString(object))
        return fill_measured(section, object->valuestring);
    if (object == NULL || section->type == NULL)
        return mn_options_from_json(section->table, section->values, section->name, object);
    bool other;
    const char *name;
    if (cJSON_IsObject(object))
        MN_TRY(mn_json_text(object, section->name, "name", &name));
    MN_TRY(is_for_another(section, (mn_section_id)(section - experiment->section), object, &other));
    if (other)
        return MN_OK;
    cJSON *options = cJSON_Duplicate(object, 1);
    if (options == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the options of '%s'", section->name);
    cJSON_DeleteItemFromObjectCaseSensitive(options, "name");
    const mn_status status =
        mn_options_from_json(section->table, section->values, section->name, options);
    cJSON_Delete(options);
    return status;
}

static mn_status open_fixed_section(mn_experiment *experiment, mn_section_id id)
{
    const char *name = mn_section_name((int)id), *type = NULL;
    const mn_option *table;
    size_t bytes;
    mn_status status = MN_OK;
    if (mn_section_usual_type(id) != NULL)
        type = type_of(experiment, id);
    if (type != NULL && mn_section_kind(id) != MN_KINDS)
        status = mn_plugin_named(mn_section_kind(id), &type);
    if (status == MN_OK)
        status = mn_section_table(id, type, &table, &bytes);
    if (status != MN_OK)
        return mn_fail_in(status == MN_NOT_FOUND ? MN_BAD_OPTION : status, "%s.name", name);
    MN_TRY(open_section(&experiment->section[id], name, type, table, bytes));
    return fill_section(experiment, &experiment->section[id]);
}

static mn_status open_buffer_section(mn_experiment *experiment)
{
    mn_run_settings *run = experiment->section[MN_SECTION_TRAIN].values;
    mn_section *section = &experiment->section[MN_SECTION_BUFFER];
    const mn_option *table;
    size_t bytes;
    mn_status status = mn_plugin_named(MN_KIND_POLICY, &run->buffer_policy);
    if (status == MN_OK)
        status = mn_section_table(MN_SECTION_BUFFER, run->buffer_policy, &table, &bytes);
    if (status != MN_OK)
        return mn_fail_in(MN_BAD_OPTION, "buffer_policy");
    MN_TRY(open_section(section, mn_section_name(MN_SECTION_BUFFER), NULL, table, bytes));
    return fill_section(experiment, section);
}

static mn_status open_strategy_section(mn_experiment *experiment, int i)
{
    const mn_strategy *strategy = experiment->strategy[i];
    mn_section *section = &experiment->section[MN_SECTION_STRATEGY + i];
    MN_TRY(open_section(section, strategy->name, NULL, strategy->options, strategy->options_size));
    return fill_section(experiment, section);
}

/* The policy that a strategy was made for, unless the file names another.  Whoever fills the buffer
 * alone leaves none to do. */
static void prefer_policy(mn_experiment *experiment)
{
    const cJSON *train = cJSON_GetObjectItemCaseSensitive(experiment->source, "train");
    mn_run_settings *run = experiment->section[MN_SECTION_TRAIN].values;
    if (cJSON_HasObjectItem(train, "buffer_policy"))
        return;
    for (int i = experiment->strategy_count - 1; i >= 0; i--)
        if (experiment->strategy[i]->policy != NULL)
            run->buffer_policy = experiment->strategy[i]->policy;
    for (int i = 0; i < experiment->strategy_count; i++)
        if ((experiment->strategy[i]->needs & MN_FILLS_BUFFER) != 0)
            run->buffer_policy = "reservoir";
}

mn_status mn_sections_open(mn_experiment *experiment)
{
    experiment->section_count = MN_SECTION_STRATEGY + experiment->strategy_count;
    for (mn_section_id id = MN_SECTION_TRAIN; id < MN_SECTION_BUFFER; id++)
        MN_TRY(open_fixed_section(experiment, id));
    for (int i = 0; i < experiment->strategy_count; i++)
        MN_TRY(open_strategy_section(experiment, i));
    prefer_policy(experiment);
    return open_buffer_section(experiment);
}

void mn_sections_free(mn_section sections[MN_MOST_SECTIONS])
{
    for (int i = 0; i < MN_MOST_SECTIONS; i++)
        mn_memory_give(sections[i].values);
}

mn_status mn_sections_known(const mn_experiment *experiment)
{
    static const char *const beside[] = {"name",          "summary",   "recipes",
                                         "recipe_source", "published", "strategy",
                                         "plugins",       "notes",     MN_MADE};
    enum { BESIDE = sizeof beside / sizeof beside[0] };
    const char *known[BESIDE + MN_MOST_SECTIONS + 1];
    int n = 0;
    for (; n < BESIDE; n++)
        known[n] = beside[n];
    for (int i = 0; mn_section_name(i) != NULL; i++)
        known[n++] = mn_section_name(i);
    for (int i = 0; i < experiment->strategy_count; i++)
        known[n++] = experiment->strategy[i]->name;
    known[n] = NULL;
    return mn_json_known(experiment->source, experiment->benchmark, known);
}

/* --- assigning --- */

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

static mn_status no_section(const mn_experiment *experiment, const char *key, size_t length)
{
    const char *names[MN_MOST_SECTIONS + 1] = {NULL};
    int n = 0;
    for (int i = 0; i < experiment->section_count; i++)
        if (experiment->section[i].name != NULL)
            names[n++] = experiment->section[i].name;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, key);
    const char *nearest = mn_nearest(name, names);
    return mn_fail(MN_BAD_OPTION, "%s: nothing in this run is called '%s'%s%s%s", key, name,
                   nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                   nearest != NULL ? "'?" : "");
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

mn_status mn_section_assign(mn_experiment *experiment, const char *key, const char *value)
{
    if (mn_key_of_train(key) != NULL)
        return assign_train(experiment, mn_key_of_train(key), value);
    const char *dot = strchr(key, '.');
    const mn_section *section = find_section(experiment, key, (size_t)(dot - key));
    if (section == NULL)
        return no_section(experiment, key, (size_t)(dot - key));
    if (section->type != NULL && strcmp(dot + 1, "name") == 0)
        return MN_OK; /* already chose the section's table */
    return mn_options_set(section->table, section->values, section->name, dot + 1, value);
}

bool mn_section_chooses(const mn_experiment *experiment, const char *key)
{
    const char *of_train = mn_key_of_train(key);
    if (of_train != NULL)
        return strcmp(of_train, "buffer_policy") == 0 || strcmp(of_train, "buffer_size") == 0;
    for (int i = 0; i < experiment->section_count; i++) {
        const mn_section *section = &experiment->section[i];
        if (section->type != NULL && is_key(key, section->name, "name"))
            return true;
    }
    return false;
}

/* --- as JSON --- */

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the configuration");
}

mn_status mn_sections_to_json(const mn_experiment *experiment, cJSON *object)
{
    for (int i = 0; i < experiment->section_count; i++) {
        const mn_section *section = &experiment->section[i];
        cJSON *options = mn_options_to_json(section->table, section->values);
        if (options == NULL || !cJSON_AddItemToObject(object, section->name, options)) {
            cJSON_Delete(options);
            return no_memory();
        }
        if (section->type != NULL &&
            cJSON_AddStringToObject(options, "name", section->type) == NULL)
            return no_memory();
    }
    return MN_OK;
}

mn_status mn_experiment_section_json(const mn_experiment *experiment, mn_section_id id,
                                     const char **json)
{
    const mn_section *section = &experiment->section[id];
    cJSON *object = mn_options_to_json(section->table, section->values);
    char *text = object != NULL ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    const mn_status status = text != NULL ? mn_keep_text(text, json) : no_memory();
    mn_memory_give(text);
    return status;
}
