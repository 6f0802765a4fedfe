/* settings.c -- what of a configuration can change the results of a run. */
#include "base/json.h"

#include <mneme/groups.h>
#include <mneme/registry.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const irrelevant[] = {
    "train.seed",       "train.threads",  "train.commit_every", "train.commit_steps",
    "train.outputs",    "train.rebuild",  "train.log_every",    "train.eval_every",
    "train.eval_batch", "dataset.folder", "train.profile",
};

static bool is_irrelevant(const char *key, bool buffer)
{
    for (size_t i = 0; i < sizeof irrelevant / sizeof irrelevant[0]; i++)
        if (strcmp(key, irrelevant[i]) == 0)
            return true;
    return !buffer && (strncmp(key, "buffer.", 7) == 0 || strncmp(key, "train.buffer", 12) == 0);
}

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the settings of a run");
}

/* Whether one of "derpp+zipf" needs a buffer; a plugin that is not loaded may. */
static mn_status needs_buffer(const char *strategies, bool *needed)
{
    char *copy = strdup(strategies), *rest = copy;
    *needed = false;
    if (copy == NULL)
        return no_memory();
    for (char *name; (name = strsep(&rest, "+")) != NULL;) {
        const mn_strategy *strategy = (const void *)mn_find(MN_KIND_STRATEGY, name);
        if (strategy == NULL || (strategy->needs & MN_NEEDS_BUFFER) != 0)
            *needed = true;
    }
    free(copy);
    return MN_OK;
}

static mn_status add_setting(mn_settings *settings, const char *section, const cJSON *item,
                             bool buffer)
{
    mn_setting added;
    if (asprintf(&added.key, "%s.%s", section, item->string) < 0)
        return no_memory();
    if (is_irrelevant(added.key, buffer)) {
        free(added.key);
        return MN_OK;
    }
    added.value = cJSON_IsString(item) ? strdup(item->valuestring) : cJSON_PrintUnformatted(item);
    mn_setting *larger = realloc(settings->setting, (size_t)(settings->count + 1) * sizeof added);
    if (larger != NULL)
        settings->setting = larger;
    if (larger == NULL || added.value == NULL) {
        free(added.key);
        free(added.value);
        return no_memory();
    }
    settings->setting[settings->count++] = added;
    return MN_OK;
}

static mn_status add_section(mn_settings *settings, const cJSON *section, bool buffer)
{
    const cJSON *item;
    if (cJSON_IsObject(section))
        cJSON_ArrayForEach(item, section)
        {
            MN_TRY(add_setting(settings, section->string, item, buffer));
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
        status = add_section(settings, section, buffer);
    cJSON_Delete(config);
    if (status != MN_OK)
        mn_settings_free(settings);
    return status;
}

void mn_settings_free(mn_settings *settings)
{
    for (int64_t i = 0; i < settings->count; i++) {
        free(settings->setting[i].key);
        free(settings->setting[i].value);
    }
    free(settings->setting);
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
