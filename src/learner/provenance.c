/* provenance.c -- what made a run: versions, machine, data, tasks. */
#include "learner/provenance.h"
#include "base/build.h"
#include "base/cores.h"
#include "base/json.h"
#include "buffer/size.h"
#include "buffer/storage.h"
#include "data/stream/stream.h"
#include "learner/scoring.h"
#include "learner/weights.h"
#include "store/query.h"
#include "store/records.h"
#include "store/runfile.h"
#include "store/tensors.h"
#include "tensor/kernels.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <mneme/version.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static mn_status set_number(mn_runfile *file, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return mn_runfile_set(file, key, text);
}

/* The bits of a run depend on these, besides its configuration and data. */
static const struct {
    const char *key, *name;
    const char *(*here)(void);
} arithmetic[] = {
    {"libraries", "", mn_kernels_versions},
    {"instruction_set", "the instruction set ", mn_kernels_instruction_set},
    {"onednn_instruction_set", "oneDNN's instruction set ", mn_kernels_onednn_instruction_set},
};

enum { ARITHMETIC = sizeof arithmetic / sizeof arithmetic[0] };

mn_status mn_describe_run(const mn_experiment *experiment, mn_runfile *file)
{
    const mn_run_settings *settings = mn_experiment_settings(experiment);
    char text[256];
    MN_TRY(mn_runfile_set(file, "config", mn_experiment_json(experiment)));
    MN_TRY(mn_runfile_set(file, "recipe", mn_experiment_recipe(experiment)));
    MN_TRY(mn_runfile_set(file, "benchmark", experiment->benchmark));
    MN_TRY(mn_runfile_set(file, "strategy", experiment->strategies));
    MN_TRY(mn_runfile_set(file, "dataset", experiment->section[MN_SECTION_DATASET].type));
    MN_TRY(set_number(file, "seed", settings->seed));
    MN_TRY(set_number(file, "threads", settings->threads));
    MN_TRY(mn_runfile_set(file, "status", "running"));
    MN_TRY(mn_runfile_set(file, "version", mn_version()));
    MN_TRY(mn_runfile_set(file, "build", mn_build_id()));
    MN_TRY(set_number(file, "numerics", MN_NUMERICS));
    MN_TRY(mn_runfile_set(file, "sqlite", mn_runfile_sqlite_version()));
    for (int i = 0; i < ARITHMETIC; i++)
        MN_TRY(mn_runfile_set(file, arithmetic[i].key, arithmetic[i].here()));
    mn_processor_name(text, sizeof text);
    MN_TRY(mn_runfile_set(file, "processor", text));
    if (gethostname(text, sizeof text) == 0)
        MN_TRY(mn_runfile_set(file, "host", text));
    const time_t now = time(NULL);
    struct tm utc;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return mn_runfile_set(file, "started", text);
}

static mn_status add_task(const mn_learner *learner, mn_runfile *file, int64_t task)
{
    const mn_task_info info = mn_stream_task(learner->stream, task);
    for (int64_t label = info.first_class; label < info.first_class + info.classes; label++)
        MN_TRY(mn_runfile_add_task_class(file, task, label,
                                         mn_stream_original_class(learner->stream, label),
                                         mn_stream_class_name(learner->stream, label)));
    return mn_runfile_add_task(file, task, info.train,
                               mn_evaluated_part(learner) == MN_PART_VALIDATION ? info.validation
                                                                                : info.test);
}

/* The names of the domains that the tasks are, as a JSON list. */
static mn_status add_domains(const mn_learner *learner, mn_runfile *file)
{
    if (mn_stream_task_domain(learner->stream, 0) == NULL)
        return MN_OK;
    cJSON *names = cJSON_CreateArray();
    for (int64_t task = 0; task < mn_stream_tasks(learner->stream); task++)
        cJSON_AddItemToArray(names,
                             cJSON_CreateString(mn_stream_task_domain(learner->stream, task)));
    char *text = cJSON_PrintUnformatted(names);
    const mn_status status =
        text != NULL && cJSON_GetArraySize(names) == mn_stream_tasks(learner->stream)
            ? mn_runfile_set(file, "task_domains", text)
            : mn_fail(MN_NO_MEMORY, "out of memory for the names of domains");
    cJSON_free(text);
    cJSON_Delete(names);
    return status;
}

/* Writes the labels that the logits in the file are compared with. */
static mn_status add_test_labels(const mn_learner *learner, mn_runfile *file, int64_t task)
{
    const mn_part part = mn_evaluated_part(learner);
    const mn_stream_view view = mn_stream_view_of(learner->stream, part, task);
    int32_t *labels = mn_memory_take((size_t)(view.count + 1), sizeof *labels);
    if (labels == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the labels of test images");
    for (int64_t i = 0; i < view.count; i++)
        labels[i] = (int32_t)mn_stream_true_label(learner->stream, part, view.indices[i]);
    const mn_status status = mn_runfile_add_test_labels(file, task, labels, view.count);
    mn_memory_give(labels);
    return status;
}

/* Keeps the weights that mn_reinitialise() returns to; without a file of weights the seed is
 * enough. */
static mn_status keep_initial_weights(mn_learner *learner, mn_runfile *file)
{
    const mn_run_settings *settings = learner->settings;
    return settings->init[0] == '\0'
               ? MN_OK
               : mn_weights_keep(mn_learner_network(learner), file, settings->init_head);
}

mn_status mn_arithmetic_differs(mn_runfile *file, char *text, size_t bytes, bool *differs)
{
    size_t used = (size_t)snprintf(text, bytes, "%s: began with ", mn_runfile_path(file));
    *differs = false;
    for (int i = 0; i < ARITHMETIC; i++) {
        char *then;
        MN_TRY(mn_runfile_find(file, arithmetic[i].key, &then));
        const char *now = arithmetic[i].here();
        if (then != NULL && strcmp(then, now) != 0 && used < bytes) {
            used += (size_t)snprintf(text + used, bytes - used, "%s%s%s, here is %s; ",
                                     *differs ? "with " : "", arithmetic[i].name, then, now);
            *differs = true;
        }
        mn_memory_give(then);
    }
    if (used < bytes)
        snprintf(text + used, bytes - used,
                 "its numbers may differ by rounding from those of a run that stayed there");
    return MN_OK;
}

mn_status mn_describe_data(mn_runfile *file, const mn_dataset *dataset)
{
    uint32_t digest;
    char text[MN_DIGEST];
    MN_TRY(mn_dataset_digest(dataset, &digest));
    snprintf(text, sizeof text, "%08x", (unsigned)digest);
    MN_TRY(mn_runfile_set(file, "dataset_digest", text));
    const char *stamp = mn_dataset_stamp(dataset);
    return stamp[0] != '\0' ? mn_runfile_set(file, "dataset_stamp", stamp) : MN_OK;
}

mn_status mn_check_same_data(mn_runfile *file, const mn_dataset *dataset)
{
    char found[MN_DIGEST] = "";
    char *expected, *stamp = NULL;
    bool same = true;
    MN_TRY(mn_runfile_find(file, "dataset_digest", &expected));
    if (expected == NULL)
        return MN_OK;
    mn_status status = mn_runfile_find(file, "dataset_stamp", &stamp);
    if (status == MN_OK)
        status = mn_dataset_is(dataset, expected, stamp, &same, found);
    if (status == MN_OK && !same)
        status =
            mn_fail(MN_CORRUPT,
                    "%s: the data set %s has digest %s now, but the run began with %s; put the "
                    "old data back",
                    mn_runfile_path(file), dataset->name, found, expected);
    mn_memory_give(expected);
    mn_memory_give(stamp);
    return status;
}

/* One row of the file beside the stream's class at the same place. */
static mn_status check_class(mn_runfile *file, const mn_stream *stream, mn_query *row)
{
    const int64_t task = mn_query_int(row, 0), label = mn_query_int(row, 1);
    const int64_t then = mn_query_int(row, 2);
    const bool there = task >= 0 && task < mn_stream_tasks(stream) && label >= 0 &&
                       label < mn_stream_classes(stream);
    const mn_task_info info = mn_stream_task(stream, there ? task : 0);
    if (there && label >= info.first_class && label < info.first_class + info.classes &&
        mn_stream_original_class(stream, label) == then)
        return MN_OK;
    return mn_fail(
        MN_CORRUPT,
        "%s: the run began with class %lld of the data set as number %lld, in task %lld, "
        "and its configuration says otherwise now: names of classes have changed, or "
        "another mneme reads stream.class_order or task_classes in another way; put the "
        "old names back, or start the run again",
        mn_runfile_path(file), (long long)then, (long long)label + 1, (long long)task + 1);
}

mn_status mn_check_same_stream(mn_runfile *file, const mn_stream *stream)
{
    mn_query *query;
    bool row = false;
    MN_TRY(mn_query_new(file, /* a file of the first version does not say it */
                        "SELECT task, label, original FROM task_class "
                        "WHERE original IS NOT NULL ORDER BY task, label",
                        &query));
    mn_status status = mn_query_next(query, &row);
    while (status == MN_OK && row) {
        status = check_class(file, stream, query);
        if (status == MN_OK)
            status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    return status;
}

/* What "measured" came to, in digits that give the same floats. */
static mn_status add_normalisation(const mn_learner *learner, mn_runfile *file)
{
    const mn_transform *transform = learner->transform;
    const mn_normalise_settings *settings =
        learner->experiment->section[MN_SECTION_NORMALISE].values;
    const struct {
        const char *key, *setting;
        const float *values;
    } lists[] = {{"normalise_mean", settings->mean, transform->mean},
                 {"normalise_deviation", settings->deviation, transform->deviation}};
    for (int i = 0; i < 2; i++) {
        char text[128] = "";
        for (int64_t c = 0; c < transform->channels; c++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.9g", c > 0 ? "," : "",
                     (double)lists[i].values[c]);
        if (strcmp(lists[i].setting, "measured") == 0)
            MN_TRY(mn_runfile_set(file, lists[i].key, text));
    }
    return MN_OK;
}

/* Exemplars that are images of another size. */
static mn_status add_resized(const mn_learner *learner, mn_runfile *file)
{
    const mn_codec *codec = learner->buffer != NULL ? mn_buffer_codec(learner->buffer) : NULL;
    if (codec == NULL || codec->spec.encoding.kind != MN_ENCODE_RESIZE)
        return MN_OK;
    MN_TRY(set_number(file, "exemplar_height", codec->kept.size[1]));
    return set_number(file, "exemplar_width", codec->kept.size[2]);
}

/* How many training images of each task have a wrong label, "12,10", and which they are: places in
 * the data set's training part. */
static mn_status add_noised(const mn_learner *learner, mn_runfile *file)
{
    static const mn_tensor_origin origin = {"run", "noised", MN_ROLE_KEPT};
    const mn_stream *stream = learner->stream;
    const int64_t count = mn_stream_dataset(stream)->train.count, tasks = mn_stream_tasks(stream);
    enum { ITEM = 24 };
    int32_t *places = mn_memory_take((size_t)count, sizeof *places);
    char *text = mn_memory_take((size_t)tasks, ITEM);
    mn_tensor *tensor = NULL;
    int64_t noised = 0;
    size_t used = 0;
    mn_status status = places != NULL && text != NULL ? MN_OK : MN_NO_MEMORY;
    for (int64_t i = 0; i < count && status == MN_OK; i++)
        if (mn_stream_noised(stream, i))
            places[noised++] = (int32_t)i;
    for (int64_t task = 0; task < tasks && noised > 0 && status == MN_OK; task++)
        used += (size_t)snprintf(text + used, ITEM, "%s%lld", task > 0 ? "," : "",
                                 (long long)mn_stream_task(stream, task).noised);
    if (status != MN_OK)
        (void)mn_fail(status, "out of memory for the wrong labels of a stream");
    else if (noised > 0)
        status = mn_tensor_new(MN_I32, MN_SHAPE(noised), &tensor);
    if (tensor != NULL && status == MN_OK)
        status = mn_tensor_write(tensor, places, (size_t)noised * sizeof *places);
    if (tensor != NULL && status == MN_OK)
        status = mn_runfile_put_tensor(file, &origin, "run/noised", tensor);
    if (tensor != NULL && status == MN_OK)
        status = mn_runfile_set(file, "noised", text);
    mn_tensor_free(tensor);
    mn_memory_give(places);
    mn_memory_give(text);
    return status;
}

mn_status mn_describe_tasks(mn_learner *learner, mn_runfile *file)
{
    const mn_dataset *data = mn_stream_dataset(learner->stream);
    if (data->type != MN_ROW_U8)
        MN_TRY(mn_runfile_set(file, "image_dtype", mn_row_type_name(data->type)));
    if (learner->buffer != NULL && mn_buffer_codec(learner->buffer)->values != MN_VALUES_U8)
        MN_TRY(mn_runfile_set(file, "exemplar_dtype",
                              mn_codec_values_name(mn_buffer_codec(learner->buffer)->values)));
    if (learner->buffer != NULL && mn_buffer_codec_bytes(learner->buffer) > 0)
        MN_TRY(set_number(file, "codec_bytes", mn_buffer_codec_bytes(learner->buffer)));
    MN_TRY(add_resized(learner, file));
    if (learner->buffer != NULL && learner->settings->buffer_bytes > 0)
        MN_TRY(set_number(file, "buffer_rows", mn_buffer_capacity(learner->buffer)));
    MN_TRY(set_number(file, "image_channels", data->channels));
    MN_TRY(set_number(file, "image_height", data->height));
    MN_TRY(set_number(file, "image_width", data->width));
    MN_TRY(mn_describe_data(file, data));
    MN_TRY(add_normalisation(learner, file));
    MN_TRY(add_noised(learner, file));
    MN_TRY(add_domains(learner, file));
    MN_TRY(set_number(file, "tasks", mn_stream_tasks(learner->stream)));
    MN_TRY(set_number(file, "classes", mn_stream_classes(learner->stream)));
    MN_TRY(
        mn_runfile_set(file, "evaluated_on",
                       mn_evaluated_part(learner) == MN_PART_VALIDATION ? "validation" : "test"));
    for (int64_t task = 0; task < mn_stream_tasks(learner->stream); task++) {
        MN_TRY(add_task(learner, file, task));
        MN_TRY(add_test_labels(learner, file, task));
    }
    for (int i = 0; i < learner->networks; i++) {
        const mn_owned_network *owned = &learner->network[i];
        const mn_network_spec *spec = mn_network_spec_of(owned->network);
        const bool told = spec->options != NULL && spec->options[0] != '\0';
        MN_TRY(mn_runfile_put_network(file, owned->owner, owned->name, spec->type, spec->classes,
                                      told ? spec->options : "{}"));
    }
    return keep_initial_weights(learner, file);
}
