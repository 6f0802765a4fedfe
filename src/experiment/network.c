/* network.c -- a layer for each task has the classes that the stream gives the task. */
#include "experiment/network.h"
#include "base/json.h"
#include "base/names.h"
#include "experiment/configuration.h"
#include "experiment/sections.h"

#include <mneme/layers.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

enum { ITEM = 24 }; /* characters of a number and a comma */

/* "2,2,3", which the caller gives back; NULL: out of memory. */
static char *classes_of_tasks(const mn_stream *stream)
{
    const int64_t tasks = mn_stream_tasks(stream);
    char *text = mn_memory_take((size_t)tasks, ITEM);
    size_t used = 0;
    for (int64_t task = 0; task < tasks && text != NULL; task++)
        used += (size_t)snprintf(text + used, ITEM, "%s%lld", task > 0 ? "," : "",
                                 (long long)mn_stream_task(stream, task).classes);
    return text;
}

static mn_status fill(const mn_stream *stream, cJSON *options, const char **filled)
{
    char *classes = classes_of_tasks(stream), *text = NULL;
    cJSON *item = classes != NULL ? cJSON_CreateString(classes) : NULL;
    if (item != NULL && cJSON_ReplaceItemInObject(options, "head_classes", item))
        text = cJSON_PrintUnformatted(options);
    const mn_status status = text != NULL
                                 ? mn_keep_text(text, filled)
                                 : mn_fail(MN_NO_MEMORY, "out of memory for a network's options");
    mn_memory_give(classes);
    cJSON_free(text);
    return status;
}

static bool is(const cJSON *options, const char *name, const char *value)
{
    const cJSON *item = cJSON_GetObjectItem(options, name);
    return cJSON_IsString(item) && strcmp(item->valuestring, value) == 0;
}

static mn_status fill_head(const mn_stream *stream, const char *options, const char **filled)
{
    cJSON *parsed = cJSON_Parse(options);
    mn_status status = MN_OK;
    *filled = options;
    if (is(parsed, "head", mn_head_kinds[MN_HEAD_MULTI]) && is(parsed, "head_classes", "")) {
        if (mn_stream_class_incremental(stream))
            status = fill(stream, parsed, filled);
        else
            status =
                mn_fail(MN_UNSUPPORTED,
                        "network.head=multi: the tasks of this stream share their classes, and "
                        "only who is told the task could choose a layer; use head=linear");
    }
    cJSON_Delete(parsed);
    return status;
}

mn_status mn_experiment_network_spec(const mn_experiment *experiment, const mn_stream *stream,
                                     mn_network_spec *spec)
{
    const char *options;
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_NETWORK, &options));
    MN_TRY(fill_head(stream, options, &options));
    *spec = (mn_network_spec){
        .type = experiment->section[MN_SECTION_NETWORK].type,
        .options = options,
        .input = mn_dataset_image(mn_stream_dataset(stream)),
        .classes = mn_stream_classes(stream),
    };
    return MN_OK;
}
