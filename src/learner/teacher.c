/* teacher.c -- a teacher's weights are copied into the run file when a run begins, so that it goes
 * on, and is asked, without the teacher's file.
 *
 * Logits mean classes by their place, and images mean something as they were normalised: a teacher
 * that differs in either would teach nonsense without an error. */
#include "learner/teacher.h"
#include "base/json.h"
#include "base/numbers.h"
#include "experiment/data.h"
#include "experiment/experiment.h"
#include "experiment/teachers.h"
#include "nn/sight.h"
#include "nn/weights.h"
#include "store/networks.h"
#include "store/query.h"
#include "store/records.h"
#include "store/runfile.h"
#include "store/tensors.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 256 };

/* --- whether it knows the same --- */

/* One class of the teacher's beside this run's at the same place. */
static mn_status check_class(const mn_lesson *lesson, const mn_query *row, int64_t place)
{
    const int64_t label = mn_query_int(row, 0);
    const char *theirs = mn_query_text(row, 1), *ours = mn_stream_class_name(lesson->stream, place);
    if (label == place && theirs != NULL && strcmp(theirs, ours) == 0)
        return MN_OK;
    return mn_fail(MN_BAD_OPTION,
                   "its class number %lld is '%s', and this run's is '%s'; a teacher answers for "
                   "the same classes in the same order (stream.class_order)",
                   (long long)place + 1, theirs != NULL && label == place ? theirs : "missing",
                   ours);
}

static mn_status check_classes(const mn_lesson *lesson, mn_runfile *file, int64_t outputs)
{
    const int64_t classes = mn_stream_classes(lesson->stream);
    bool row = false;
    int64_t count = 0;
    mn_query *query;
    MN_TRY(mn_query_new(file, "SELECT DISTINCT label, name FROM task_class ORDER BY label, name",
                        &query));
    mn_status status = mn_query_next(query, &row);
    for (; status == MN_OK && row; count++) {
        if (count < classes)
            status = check_class(lesson, query, count);
        if (status == MN_OK)
            status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    if (status == MN_OK && (count != classes || outputs != classes))
        status = mn_fail(MN_BAD_OPTION,
                         "it answers for %lld classes, and this run has %lld; a teacher answers "
                         "for the same classes",
                         (long long)(count != classes ? count : outputs), (long long)classes);
    return status;
}

/* A whole number that a run file keeps as text; -1: it does not. */
static mn_status number_of(mn_runfile *file, const char *key, int64_t *number)
{
    char *text;
    MN_TRY(mn_runfile_find(file, key, &text));
    *number = text != NULL ? strtoll(text, NULL, 10) : -1;
    mn_memory_give(text);
    return MN_OK;
}

static mn_status check_images(const mn_lesson *lesson, mn_runfile *file)
{
    static const char *const keys[] = {"image_channels", "image_height", "image_width"};
    const mn_dataset *data = mn_stream_dataset(lesson->stream);
    const mn_shape ours = MN_SHAPE(data->channels, data->height, data->width);
    mn_shape theirs = {.rank = 3};
    char a[64], b[64];
    for (int i = 0; i < 3; i++)
        MN_TRY(number_of(file, keys[i], &theirs.size[i]));
    if (mn_shape_equal(theirs, ours))
        return MN_OK;
    return mn_fail(MN_BAD_SHAPE,
                   "it has learned from images of %s (channels, height, width), and this run's are "
                   "%s; give the run the teacher's images, and where its own network shall see "
                   "less of them, sees=grey, half or grey-half",
                   mn_shape_text(theirs, a), mn_shape_text(ours, b));
}

static void numbers_text(const float *values, int64_t count, char *text, size_t bytes)
{
    text[0] = '\0';
    for (int64_t c = 0; c < count; c++) {
        const size_t used = strlen(text);
        snprintf(text + used, bytes - used, "%s%.9g", c > 0 ? "," : "", (double)values[c]);
    }
}

static mn_status check_normalisation(const mn_lesson *lesson, mn_runfile *file,
                                     const mn_experiment *theirs)
{
    const mn_transform *ours = lesson->transform;
    float mean[4], deviation[4];
    char *measured_mean = NULL, *measured_deviation = NULL, a[128], b[128];
    mn_status status = mn_runfile_find(file, "normalise_mean", &measured_mean);
    if (status == MN_OK)
        status = mn_runfile_find(file, "normalise_deviation", &measured_deviation);
    if (status == MN_OK)
        status = mn_experiment_normalisation(theirs, ours->channels, measured_mean,
                                             measured_deviation, mean, deviation);
    mn_memory_give(measured_mean);
    mn_memory_give(measured_deviation);
    MN_TRY(status);
    const size_t bytes = (size_t)ours->channels * sizeof *mean;
    if (memcmp(mean, ours->mean, bytes) == 0 && memcmp(deviation, ours->deviation, bytes) == 0)
        return MN_OK;
    numbers_text(mean, ours->channels, a, sizeof a);
    numbers_text(deviation, ours->channels, b, sizeof b);
    return mn_fail(MN_BAD_OPTION,
                   "its images were normalised otherwise; set normalise.mean=%s and "
                   "normalise.deviation=%s",
                   a, b);
}

static mn_status check_sight(const mn_experiment *theirs)
{
    return mn_experiment_settings(theirs)->sees == MN_SEES_ALL
               ? MN_OK
               : mn_fail(MN_UNSUPPORTED, "its network sees less than whole images itself; take a "
                                         "teacher that was trained with sees=all");
}

static mn_status check_configuration(const mn_lesson *lesson, mn_runfile *file)
{
    char *config;
    mn_experiment *theirs = NULL;
    MN_TRY(mn_runfile_find(file, "config", &config));
    mn_status status = config != NULL ? mn_experiment_restore(config, &theirs)
                                      : mn_fail(MN_CORRUPT, "it holds no configuration");
    mn_memory_give(config);
    if (status == MN_OK)
        status = check_sight(theirs);
    if (status == MN_OK)
        status = check_normalisation(lesson, file, theirs);
    mn_experiment_free(theirs);
    return status;
}

/* --- its network --- */

/* "network", "network 2", ... */
static void name_of(int i, char name[32])
{
    if (i == 0)
        snprintf(name, 32, "network");
    else
        snprintf(name, 32, "network %d", i + 1);
}

static mn_status add(const mn_lesson *lesson, int i, const char *type, const char *options,
                     mn_network **network)
{
    const mn_network_spec spec = {
        .type = type,
        .options = options,
        .input = mn_dataset_image(mn_stream_dataset(lesson->stream)),
        .classes = mn_stream_classes(lesson->stream),
    };
    char name[32];
    name_of(i, name);
    return lesson->add(lesson->learner, name, &spec, network);
}

static mn_status take_weights(mn_network *network, mn_runfile *file)
{
    const int parameters = mn_network_parameter_count(network);
    const int count = parameters + mn_network_statistic_count(network);
    for (int i = 0; i < count; i++) {
        const char *name;
        char path[NAME_BYTES];
        mn_tensor *tensor;
        if (i < parameters) {
            name = mn_network_parameter(network, i)->name;
            tensor = mn_network_parameter(network, i)->value;
        } else
            tensor = mn_network_statistic(network, i - parameters, &name);
        snprintf(path, sizeof path, "run/network/%s", name);
        MN_TRY(mn_runfile_get_tensor(file, path, tensor));
    }
    return MN_OK;
}

static mn_status take_run(const mn_lesson *lesson, int i, mn_runfile *file)
{
    mn_network_facts facts;
    mn_network *network;
    MN_TRY(mn_runfile_get_network(file, "run", "network", &facts));
    mn_status status = check_images(lesson, file);
    if (status == MN_OK)
        status = check_classes(lesson, file, facts.classes);
    if (status == MN_OK)
        status = check_configuration(lesson, file);
    if (status == MN_OK)
        status = add(lesson, i, facts.type, facts.options, &network);
    if (status == MN_OK)
        status = take_weights(network, file);
    mn_network_facts_free(&facts);
    return status;
}

static mn_status from_run(const mn_lesson *lesson, int i, const char *path)
{
    mn_runfile *file;
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    const mn_status status = take_run(lesson, i, file);
    const mn_status closed = mn_runfile_close(file);
    return status != MN_OK ? mn_fail_in(status, "%s", path) : closed;
}

/* {"name": "plain-convnet", "width": 32} without the name. */
static mn_status add_described(const mn_lesson *lesson, int i, cJSON *described,
                               mn_network **network)
{
    cJSON *type = cJSON_DetachItemFromObjectCaseSensitive(described, "name");
    char *options = cJSON_PrintUnformatted(described);
    mn_status status = MN_OK;
    if (!cJSON_IsString(type))
        status = mn_fail(MN_BAD_OPTION, "teacher_network: has no \"name\"");
    else if (options == NULL)
        status = mn_fail(MN_NO_MEMORY, "out of memory for a network's options");
    else
        status = add(lesson, i, type->valuestring, options, network);
    cJSON_free(options);
    cJSON_Delete(type);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "teacher_network");
}

static mn_status from_safetensors(const mn_lesson *lesson, int i, const char *path,
                                  const char *digest)
{
    const char *text = lesson->settings->teacher_network;
    mn_network *network;
    cJSON *described;
    if (text[0] == '\0')
        return mn_fail(MN_BAD_OPTION,
                       "%s: holds weights and does not say of what; set teacher_network to "
                       "{\"name\": \"plain-convnet\", \"width\": 32}, for example",
                       path);
    MN_TRY(mn_json_parse(text, "teacher_network", &described));
    const mn_status status = add_described(lesson, i, described, &network);
    cJSON_Delete(described);
    MN_TRY(status);
    return mn_weights_load(network, path, digest, true);
}

static mn_status begin_from(const mn_lesson *lesson, int i, const char *path, const char *digest)
{
    char found[MN_TEACHER_DIGEST];
    bool run;
    MN_TRY(mn_teacher_is_run(path, &run));
    MN_TRY(mn_teacher_digest(path, found));
    if (strcmp(found, digest) != 0)
        return mn_fail(MN_CORRUPT, "%s has digest %s, but the run is to learn from %s", path, found,
                       digest);
    return run ? from_run(lesson, i, path) : from_safetensors(lesson, i, path, digest);
}

static mn_status begin_with(const mn_lesson *lesson, int i, const char *item, const char *digest)
{
    char *path;
    MN_TRY(mn_teacher_path(lesson->settings, item, &path));
    const mn_status status = begin_from(lesson, i, path, digest);
    mn_memory_give(path);
    return status;
}

static mn_status go_on_with(const mn_lesson *lesson, int i)
{
    mn_network_facts facts;
    mn_network *network;
    char name[32];
    name_of(i, name);
    MN_TRY(mn_runfile_get_network(lesson->file, MN_TEACHERS, name, &facts));
    const mn_status status = add(lesson, i, facts.type, facts.options, &network);
    mn_network_facts_free(&facts);
    return status;
}

mn_status mn_lesson_begin(const mn_lesson *lesson)
{
    mn_list paths = {.rest = lesson->settings->teacher};
    mn_list digests = {.rest = lesson->settings->teacher_digest};
    for (int i = 0; mn_list_next(&paths); i++) {
        if (i == MN_MOST_TEACHERS || !mn_list_next(&digests))
            return mn_fail(MN_BAD_OPTION, "teacher: file %d has no digest in teacher_digest, '%s'",
                           i + 1, lesson->settings->teacher_digest);
        const mn_status status = lesson->begins ? begin_with(lesson, i, paths.item, digests.item)
                                                : go_on_with(lesson, i);
        if (status != MN_OK)
            return mn_fail_in(status, "teacher");
    }
    return MN_OK;
}
