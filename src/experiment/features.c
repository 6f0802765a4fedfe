/* features.c -- what a frozen network makes of a benchmark's images: written for a user, or made
 * once and kept for all runs.
 *
 * A kept file is named by all that its values depend on but the data, whose digest is inside: it
 * holds while both are what they were.  Who makes it locks a file beside it, so that others wait;
 * it appears whole, and what an interrupted process has made so far serves the next. */
#include "experiment/features.h"
#include "base/cores.h"
#include "base/escape.h"
#include "base/folder.h"
#include "base/names.h"
#include "base/text.h"
#include "data/read/dataset.h"
#include "data/read/source.h"
#include "experiment/channels.h"
#include "experiment/network.h"
#include "experiment/sections.h"
#include "features/features.h"
#include "tensor/file/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mneme/features.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 100 }; /* images at once: a setting of the run would make other bits */

/* In the order of the option features.type. */
static const mn_row_type types[] = {MN_ROW_F32, MN_ROW_F16, MN_ROW_U8};

static const mn_features_settings *settings_of(const mn_experiment *experiment)
{
    return experiment->section[MN_SECTION_FEATURES].values;
}

/* --- what they are of ------------------------------------------------------------------------- */

static mn_status read_object(const char *text, const char **type, const char **options)
{
    cJSON *described;
    MN_TRY(mn_json_parse(text, "features.network", &described));
    cJSON *name = cJSON_DetachItemFromObjectCaseSensitive(described, "name");
    char *rest = cJSON_PrintUnformatted(described);
    mn_status status =
        cJSON_IsString(name)
            ? MN_OK
            : mn_fail(MN_BAD_OPTION,
                      "features.network: has no \"name\"; expected that of a network, as in "
                      "{\"name\": \"mobilenet-v2\", \"stem\": \"imagenet\"}");
    if (status == MN_OK && rest == NULL)
        status = mn_fail(MN_NO_MEMORY, "out of memory for a network's options");
    if (status == MN_OK)
        status = mn_keep_text(name->valuestring, type);
    if (status == MN_OK)
        status = mn_keep_text(rest, options);
    cJSON_free(rest);
    cJSON_Delete(name);
    cJSON_Delete(described);
    return status;
}

/* A name, or an object as the section network has it. */
static mn_status read_network(const mn_features_settings *settings, const mn_dataset *dataset,
                              mn_network_spec *spec)
{
    const char *text = settings->network;
    *spec = (mn_network_spec){
        .type = text, .input = mn_dataset_image(dataset), .classes = dataset->classes};
    return text[0] == '{' ? read_object(text, &spec->type, &spec->options) : MN_OK;
}

static mn_status read_normalisation(const mn_features_settings *settings, const mn_dataset *dataset,
                                    mn_transform *transform)
{
    const bool mean = mn_is_measured(settings->mean),
               deviation = mn_is_measured(settings->deviation);
    *transform = (mn_transform){.channels = mn_dataset_normalised(dataset),
                                .offset = dataset->offset,
                                .scale = dataset->scale,
                                .type = dataset->type};
    MN_TRY(mn_channels_parse("features.mean", settings->mean, transform->channels, 0,
                             transform->mean));
    MN_TRY(mn_channels_parse("features.deviation", settings->deviation, transform->channels, 1,
                             transform->deviation));
    if (mean || deviation)
        MN_TRY(
            mn_channels_measure(dataset, NULL, dataset->train.count, mean, deviation, transform));
    return mn_transform_check(transform, dataset);
}

static mn_status find_digest(const mn_features_settings *settings, const char **digest)
{
    char found[MN_DIGEST_TEXT];
    *digest = settings->init_digest;
    if (settings->init[0] == '\0' || settings->init_digest[0] != '\0')
        return MN_OK;
    MN_TRY(mn_safetensors_file_digest(settings->init, found));
    return mn_keep_text(found, digest);
}

static mn_status source_of(const mn_experiment *experiment, const mn_dataset *dataset,
                           mn_features_source *source)
{
    const mn_features_settings *settings = settings_of(experiment);
    *source = (mn_features_source){.dataset = dataset,
                                   .init = settings->init,
                                   .seed = mn_experiment_settings(experiment)->seed,
                                   .batch = BATCH,
                                   .layer = settings->layer[0] != '\0' ? settings->layer : NULL,
                                   .type = types[settings->type],
                                   .precision = MN_F32};
    MN_TRY(read_network(settings, dataset, &source->network));
    const mn_network_type *type = (const void *)mn_find(MN_KIND_NETWORK, source->network.type);
    if (type == NULL)
        return mn_fail_in(MN_BAD_OPTION, "features.network");
    const bool parallel = type->size >= sizeof *type && type->parallel;
    source->threads = parallel ? mn_physical_cores() : 1;
    MN_TRY(read_normalisation(settings, dataset, &source->transform));
    return find_digest(settings, &source->init_digest);
}

mn_status mn_experiment_features_resolve(mn_experiment *experiment)
{
    const mn_features_settings *settings = settings_of(experiment);
    const char *digest;
    if (settings->network[0] == '\0')
        return MN_OK;
    const mn_status status = find_digest(settings, &digest);
    return status == MN_OK ? mn_section_assign(experiment, "features.init_digest", digest)
                           : mn_fail_in(status, "features.init");
}

static mn_status open_features(const mn_features_source *source, mn_features **features)
{
    const mn_status status = mn_features_open(source, features);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "features");
}

/* --- the cache -------------------------------------------------------------------------------- */

typedef struct cache {
    const mn_experiment *experiment;
    mn_dataset *dataset;
    mn_features *features;
    char path[4096];
} cache;

static mn_status find_folder(const mn_experiment *experiment, char *folder, size_t bytes)
{
    const char *own = settings_of(experiment)->cache, *given = getenv("MNEME_CACHE"),
               *user = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length = 0;
    if (own[0] != '\0')
        length = snprintf(folder, bytes, "%s", own);
    else if (given != NULL && given[0] != '\0')
        length = snprintf(folder, bytes, "%s", given);
    else if (user != NULL && user[0] == '/')
        length = snprintf(folder, bytes, "%s/mneme", user);
    else if (home != NULL && home[0] != '\0')
        length = snprintf(folder, bytes, "%s/.cache/mneme", home);
    if (length == 0)
        return mn_fail(MN_BAD_OPTION, "features.cache: is empty, and the environment has no HOME; "
                                      "name a folder to keep features in, or set MNEME_CACHE");
    return (size_t)length < bytes
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "features.cache: '%.60s...': the path is too long", folder);
}

static mn_status name_file(cache *c, const char *decides)
{
    char folder[3800], name[200];
    const mn_features_settings *settings = settings_of(c->experiment);
    const char *network = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(mn_features_about(c->features), "network"));
    MN_TRY(find_folder(c->experiment, folder, sizeof folder));
    char *about = cJSON_PrintUnformatted(mn_features_about(c->features));
    if (about == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the name of features");
    uint64_t hash = mn_hash(UINT64_C(0xcbf29ce484222325), about, strlen(about));
    hash = mn_hash(hash, decides, strlen(decides));
    mn_memory_give(about);
    snprintf(name, sizeof name, "%.63s-%.63s-%016" PRIx64 "-%s.safetensors", c->dataset->name,
             network != NULL ? network : "", hash, mn_row_type_name(types[settings->type]));
    mn_name_for_file(name);
    snprintf(c->path, sizeof c->path, "%s/%s", folder, name);
    return MN_OK;
}

/* Whether its texts are those of the features, and its data the data set. */
static mn_status says_the_same(const cache *c, const mn_safetensors *file, bool *same)
{
    char found[MN_DIGEST];
    const cJSON *text;
    const char *digest = mn_safetensors_metadata(file, "dataset_digest");
    *same = digest != NULL;
    cJSON_ArrayForEach(text, mn_features_about(c->features))
    {
        const char *there = mn_safetensors_metadata(file, text->string);
        *same = *same && there != NULL && strcmp(there, text->valuestring) == 0;
    }
    return *same ? mn_dataset_is(c->dataset, digest, mn_safetensors_metadata(file, "dataset_stamp"),
                                 same, found)
                 : MN_OK;
}

/* One that is damaged does not hold, and is made anew. */
static mn_status look(const cache *c, bool *holds)
{
    mn_safetensors *file;
    *holds = false;
    if (access(c->path, R_OK) != 0)
        return MN_OK;
    const mn_status opened = mn_safetensors_map(c->path, &file);
    if (opened != MN_OK)
        return opened == MN_CORRUPT ? MN_OK : opened;
    const mn_status status = says_the_same(c, file, holds);
    mn_safetensors_close(file);
    return status;
}

static mn_status cannot_lock(const char *path)
{
    return mn_fail(errno == ENOSPC || errno == EDQUOT ? MN_DISK_FULL : MN_IO_FAILED,
                   "%s: cannot be written: %s; features.cache or MNEME_CACHE names another folder",
                   path, strerror(errno));
}

/* Asks now and then whether to go on waiting for whoever has the lock. */
static mn_status wait_for(int lock, const char *path, const mn_pack_watch *watch, int64_t images)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return cannot_lock(path);
        if (watch != NULL && !watch->go_on(watch->context, 0, images))
            return mn_fail(MN_INTERRUPTED,
                           "%s: stopped while another process was making these features", path);
        (void)nanosleep(&pause, NULL);
    }
    return MN_OK;
}

static mn_status make_alone(const cache *c, const char *path)
{
    const mn_pack_watch *watch = c->experiment->watch;
    const int64_t images = c->dataset->train.count + c->dataset->test.count;
    bool holds = false;
    const int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0)
        return cannot_lock(path);
    mn_status status = wait_for(lock, path, watch, images);
    if (status == MN_OK)
        status = look(c, &holds); /* by whoever had the lock before */
    if (status == MN_OK && !holds)
        status = mn_features_make(c->features, c->path, watch);
    (void)close(lock);
    return status;
}

static mn_status make(const cache *c)
{
    char *lock = mn_text_format("%s.lock", c->path);
    if (lock == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a path");
    mn_status status = mn_folder_make_above(c->path);
    if (status == MN_OK)
        status = make_alone(c, lock);
    mn_memory_give(lock);
    return status;
}

/* --- in place of the images ------------------------------------------------------------------- */

static mn_status open_kept(const cache *c, mn_dataset **kept)
{
    const mn_row_type type = types[settings_of(c->experiment)->type];
    cJSON *options = cJSON_CreateObject();
    char *text = NULL;
    if (cJSON_AddStringToObject(options, "path", c->path) != NULL &&
        cJSON_AddStringToObject(options, "dtype", mn_row_type_name(type)) != NULL)
        text = cJSON_PrintUnformatted(options);
    cJSON_Delete(options);
    const mn_status status = text != NULL ? mn_dataset_open("npy", text, "", kept)
                                          : mn_fail(MN_NO_MEMORY, "out of memory for features");
    mn_memory_give(text);
    return status;
}

static mn_status take(const cache *c)
{
    mn_dataset *kept, *dataset = c->dataset;
    uint32_t digest;
    MN_TRY(mn_dataset_digest(dataset, &digest));
    MN_TRY(open_kept(c, &kept));
    const bool fits =
        kept->train.count == dataset->train.count && kept->test.count == dataset->test.count;
    const mn_status status =
        fits ? mn_dataset_note(dataset, "images are seen as features, kept in %s", c->path)
             : mn_fail(MN_CORRUPT,
                       "%s: has other numbers of rows than %s has images; remove it, and it is "
                       "made again",
                       c->path, dataset->name);
    if (status == MN_OK) {
        mn_dataset_take_rows(dataset, kept);
        dataset->digest = digest; /* names the data, and not what is seen of them */
    }
    mn_dataset_free(kept);
    return status;
}

static mn_status find_and_take(cache *c, const char *decides)
{
    bool holds;
    MN_TRY(name_file(c, decides));
    MN_TRY(look(c, &holds));
    if (!holds)
        MN_TRY(make(c));
    return take(c);
}

mn_status mn_experiment_features(const mn_experiment *experiment, const char *decides,
                                 mn_dataset *dataset)
{
    cache c = {.experiment = experiment, .dataset = dataset};
    mn_features_source source;
    if (settings_of(experiment)->network[0] == '\0')
        return MN_OK;
    MN_TRY(source_of(experiment, dataset, &source));
    MN_TRY(open_features(&source, &c.features));
    const mn_status status = find_and_take(&c, decides);
    mn_features_close(c.features);
    return status;
}

/* --- for a user ------------------------------------------------------------------------------- */

static mn_status write_of(const mn_experiment *experiment, const mn_features_spec *spec,
                          const mn_stream *stream, mn_features_source *source, const char *path,
                          const mn_pack_watch *watch)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    mn_features *features;
    source->init = run->init;
    source->init_digest = run->init_digest;
    source->seed = run->seed;
    source->sees = (mn_sight)run->sees;
    source->batch = run->eval_batch;
    source->threads = run->threads;
    source->precision = (mn_dtype)run->precision;
    source->layer = spec->layer;
    source->type = spec->type;
    MN_TRY(mn_experiment_network_spec(experiment, stream, &source->network));
    MN_TRY(open_features(source, &features));
    const mn_status status = mn_features_make(features, path, watch);
    mn_features_close(features);
    return status;
}

mn_status mn_features_write(const mn_experiment *experiment, const mn_features_spec *spec,
                            const char *path, const mn_pack_watch *watch)
{
    mn_dataset *dataset;
    mn_stream *stream;
    mn_features_source source = {.dataset = NULL};
    if (settings_of(experiment)->network[0] != '\0')
        return mn_fail(MN_BAD_OPTION,
                       "%s names the network of its features itself (features.network), and runs "
                       "make them when they need them; leave that out to write others",
                       experiment->benchmark);
    MN_TRY(mn_experiment_dataset(experiment, &dataset));
    source.dataset = dataset;
    mn_status status = mn_experiment_stream(experiment, dataset, &stream, &source.transform);
    if (status == MN_OK) {
        status = write_of(experiment, spec, stream, &source, path, watch);
        mn_stream_free(stream);
    }
    mn_dataset_free(dataset);
    return status;
}
