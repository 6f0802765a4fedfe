/* settings.c -- what of a configuration can change the results of a run. */
#include "results/settings.h"
#include "base/json.h"
#include "base/text.h"

#include <mneme/experiment.h>
#include <mneme/groups.h>
#include <mneme/memory.h>
#include <mneme/registry.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the settings of a run");
}

/* Whether one of "derpp+zipf" needs a buffer; a plugin that is not loaded may. */
static mn_status needs_buffer(const char *strategies, bool *needed)
{
    char *copy = mn_text_copy(strategies), *rest = copy;
    *needed = false;
    if (copy == NULL)
        return no_memory();
    for (char *name; (name = strsep(&rest, "+")) != NULL;) {
        const mn_strategy *strategy = (const void *)mn_find(MN_KIND_STRATEGY, name);
        if (strategy == NULL || (strategy->needs & MN_NEEDS_BUFFER) != 0)
            *needed = true;
    }
    mn_memory_give(copy);
    return MN_OK;
}

/* Whether a setting counts: the seed, which tells the runs of a group apart, does not, nor what
 * changes no result. */
static bool counts(const char *section, const char *type, const char *name, bool buffer)
{
    const bool train = strcmp(section, "train") == 0;
    if (train && strcmp(name, "seed") == 0)
        return false;
    if (!buffer && (strcmp(section, "buffer") == 0 || (train && strncmp(name, "buffer", 6) == 0)))
        return false;
    return mn_setting_changes_result(section, type, name);
}

/* Takes over both texts, also when it fails; NULL: there was no memory for one. */
static mn_status add(mn_settings *settings, mn_setting added)
{
    mn_setting *larger =
        mn_memory_resize(settings->setting, (size_t)(settings->count + 1), sizeof added);
    if (larger != NULL)
        settings->setting = larger;
    if (larger == NULL || added.key == NULL || added.value == NULL) {
        mn_memory_give(added.key);
        mn_memory_give(added.value);
        return no_memory();
    }
    settings->setting[settings->count++] = added;
    return MN_OK;
}

static mn_status add_setting(mn_settings *settings, const char *section, const char *name,
                             const cJSON *item)
{
    char *value =
        cJSON_IsString(item) ? mn_text_copy(item->valuestring) : cJSON_PrintUnformatted(item);
    return add(settings, (mn_setting){mn_text_format("%s.%s", section, name), value});
}

mn_status mn_settings_put(mn_settings *settings, const char *key, const char *value)
{
    char *copy = mn_text_copy(value);
    for (int64_t i = 0; i < settings->count && copy != NULL; i++)
        if (strcmp(settings->setting[i].key, key) == 0) {
            mn_memory_give(settings->setting[i].value);
            settings->setting[i].value = copy;
            return MN_OK;
        }
    return add(settings, (mn_setting){mn_text_copy(key), copy});
}

/* The name that chose a section's options: the section's own; for the buffer, the policy's. */
static const char *type_of(const cJSON *config, const cJSON *section)
{
    const cJSON *train = cJSON_GetObjectItemCaseSensitive(config, "train");
    const cJSON *type = strcmp(section->string, "buffer") == 0
                            ? cJSON_GetObjectItemCaseSensitive(train, "buffer_policy")
                            : cJSON_GetObjectItemCaseSensitive(section, "name");
    return cJSON_IsString(type) ? type->valuestring : NULL;
}

/* Teachers of the run's own seed differ as the seed does: what says which they are is then where
 * they come from, "{seed}" included. */
static const cJSON *setting_of(const cJSON *section, const cJSON *item)
{
    const cJSON *teacher = cJSON_GetObjectItemCaseSensitive(section, "teacher");
    return strcmp(section->string, "train") == 0 && strcmp(item->string, "teacher_digest") == 0 &&
                   cJSON_IsString(teacher) && strstr(teacher->valuestring, "{seed}") != NULL
               ? teacher
               : item;
}

static mn_status add_section(mn_settings *settings, const cJSON *config, const cJSON *section,
                             bool buffer)
{
    const char *type = type_of(config, section);
    const cJSON *item;
    if (cJSON_IsObject(section))
        cJSON_ArrayForEach(item, section)
        {
            if (counts(section->string, type, item->string, buffer))
                MN_TRY(add_setting(settings, section->string, item->string,
                                   setting_of(section, item)));
        }
    return MN_OK;
}

mn_status mn_settings_read(const char *configuration, const char *strategies, mn_settings *settings)
{
    bool buffer;
    cJSON *config;
    *settings = (mn_settings){.setting = NULL};
    MN_TRY(needs_buffer(strategies, &buffer));
    MN_TRY(mn_json_parse(configuration, "configuration", &config));
    mn_status status = MN_OK;
    for (const cJSON *section = config->child; section != NULL && status == MN_OK;
         section = section->next)
        status = add_section(settings, config, section, buffer);
    cJSON_Delete(config);
    if (status != MN_OK)
        mn_settings_free(settings);
    return status;
}

void mn_settings_free(mn_settings *settings)
{
    for (int64_t i = 0; i < settings->count; i++) {
        mn_memory_give(settings->setting[i].key);
        mn_memory_give(settings->setting[i].value);
    }
    mn_memory_give(settings->setting);
    *settings = (mn_settings){.setting = NULL};
}

const char *mn_settings_value(const mn_settings *settings, const char *key)
{
    for (int64_t i = 0; i < settings->count; i++)
        if (strcmp(settings->setting[i].key, key) == 0)
            return settings->setting[i].value;
    return NULL;
}

const mn_setting *mn_settings_differ(const mn_settings *a, const mn_settings *b)
{
    for (int64_t i = 0; i < a->count; i++) {
        const char *value = mn_settings_value(b, a->setting[i].key);
        if (value != NULL && strcmp(value, a->setting[i].value) != 0)
            return &a->setting[i];
    }
    return NULL;
}
