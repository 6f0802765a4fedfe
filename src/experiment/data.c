/* data.c -- a configuration's data set is read and cut into its stream. */
#include "experiment/data.h"
#include "base/numbers.h"
#include "data/encode/encoded.h"
#include "data/stream/stream.h"
#include "experiment/channels.h"
#include "experiment/features.h"
#include "experiment/sections.h"
#include "experiment/stream_lists.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

static mn_status stream_spec(const mn_experiment *experiment, const mn_dataset *dataset,
                             mn_stream_lists *lists, mn_stream_spec *spec)
{
    const mn_stream_settings *stream = experiment->section[MN_SECTION_STREAM].values;
    const mn_label_settings *labels = experiment->section[MN_SECTION_LABELS].values;
    const mn_run_settings *run = mn_experiment_settings(experiment);
    MN_TRY(mn_stream_lists_read(stream, dataset, lists));
    *spec = (mn_stream_spec){
        .scenario = (mn_scenario)stream->scenario,
        .tasks = stream->tasks,
        .classes = stream->classes,
        .task_classes = lists->tasks > 0 ? lists->task_classes : NULL,
        .class_order = lists->classes > 0 ? lists->class_order : NULL,
        .domain_order = lists->domains > 0 ? lists->domain_order : NULL,
        .class_order_seed = run->class_order_seed == -2 ? run->seed : run->class_order_seed,
        .validation = run->validation,
        .rounds = stream->rounds,
        .images_per_class = stream->images_per_class,
        .first_images_per_class = stream->first_images_per_class,
        .imbalance = stream->imbalance,
        .imbalance_by_arrival = stream->imbalance_order == 1,
        .blur = stream->blur,
        .noise = labels->noise,
        .noise_pairs = labels->noise_kind == 1,
        .labels_per_class = labels->per_class,
        .label_fraction = labels->fraction,
        .pool = labels->pool,
    };
    return MN_OK;
}

mn_status mn_experiment_schedule(const mn_experiment *experiment, mn_schedule *schedule)
{
    const mn_schedule_settings *settings = experiment->section[MN_SECTION_SCHEDULE].values;
    *schedule = (mn_schedule){.kind = (mn_schedule_kind)settings->name,
                              .factor = settings->factor,
                              .every = settings->every,
                              .least = settings->least,
                              .warm_up = settings->warm_up,
                              .start = settings->start};
    int64_t count;
    return mn_list_wholes("schedule.milestones", settings->milestones, 1, 1000000,
                          MN_SCHEDULE_MILESTONES, schedule->milestones, &count);
}

mn_status mn_experiment_normalisation(const mn_experiment *experiment, int64_t channels,
                                      const char *measured_mean, const char *measured_deviation,
                                      float mean[4], float deviation[4])
{
    const mn_normalise_settings *settings = experiment->section[MN_SECTION_NORMALISE].values;
    const char *m = settings->mean, *d = settings->deviation;
    if (mn_is_measured(m) && measured_mean != NULL)
        m = measured_mean;
    if (mn_is_measured(d) && measured_deviation != NULL)
        d = measured_deviation;
    MN_TRY(mn_channels_parse("normalise.mean", m, channels, 0, mean));
    return mn_channels_parse("normalise.deviation", d, channels, 1, deviation);
}

static mn_status add_views(const mn_experiment *experiment, const mn_dataset *dataset,
                           mn_transform *transform)
{
    const mn_view_spec *views = experiment->section[MN_SECTION_VIEWS].values;
    if (transform->pad > 0 || transform->flip)
        return mn_fail(MN_BAD_OPTION, "augment.views: has crops and mirroring of its own; leave "
                                      "augment.pad and augment.flip out");
    if (views->size > 0)
        return mn_fail(MN_BAD_OPTION,
                       "augment.views: views of %lld pixels, but the network is made "
                       "for the images' size; leave views.size out",
                       (long long)views->size);
    transform->views = views;
    return mn_view_check(views, mn_dataset_image(dataset));
}

static mn_status make_transform(const mn_experiment *experiment, const mn_dataset *dataset,
                                mn_transform *transform)
{
    const int64_t channels = mn_dataset_normalised(dataset);
    const mn_augment_settings *augment = experiment->section[MN_SECTION_AUGMENT].values;
    *transform = (mn_transform){.channels = channels,
                                .offset = dataset->offset,
                                .scale = dataset->scale,
                                .type = dataset->type};
    if (mn_experiment_settings(experiment)->augment) {
        transform->pad = augment->pad;
        transform->pad_mode = (mn_pad_mode)augment->pad_mode;
        transform->flip = augment->flip;
        if (augment->views)
            MN_TRY(add_views(experiment, dataset, transform));
    }
    MN_TRY(mn_experiment_normalisation(experiment, channels, NULL, NULL, transform->mean,
                                       transform->deviation));
    return mn_transform_check(transform, dataset);
}

/* --- measured normalisation ------------------------------------------------------------------- */

/* The places of all training images of the stream; those of tasks to come are among them. */
static mn_status training_places(const mn_stream *stream, int64_t **places, int64_t *count)
{
    const int64_t all = mn_stream_dataset(stream)->train.count;
    const int64_t tasks = mn_stream_shares_images(stream) ? 1 : mn_stream_tasks(stream);
    *count = 0;
    *places = mn_memory_take((size_t)all, sizeof **places);
    if (*places == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the places of %lld images", (long long)all);
    for (int64_t task = 0; task < tasks; task++) {
        const mn_stream_view view = mn_stream_view_of(stream, MN_PART_TRAIN, task);
        memcpy(*places + *count, view.indices, (size_t)view.count * sizeof **places);
        *count += view.count;
    }
    return MN_OK;
}

static mn_status measure_channels(const mn_experiment *experiment, const mn_stream *stream,
                                  mn_transform *transform)
{
    const mn_normalise_settings *settings = experiment->section[MN_SECTION_NORMALISE].values;
    const bool mean = mn_is_measured(settings->mean),
               deviation = mn_is_measured(settings->deviation);
    int64_t *places, count;
    if (!mean && !deviation)
        return MN_OK;
    MN_TRY(training_places(stream, &places, &count));
    const mn_status status =
        mn_channels_measure(mn_stream_dataset(stream), places, count, mean, deviation, transform);
    mn_memory_give(places);
    return status;
}

bool mn_experiment_is_far(const mn_dataset *dataset, const mn_transform *transform, char *line,
                          size_t bytes)
{
    static const double great = 10, small = 0.1;
    const int64_t values = dataset->channels * dataset->height * dataset->width;
    const int64_t plane = values / transform->channels;
    double greatest = 0;
    for (int64_t i = 0; dataset->scale != NULL && i < values; i++) {
        const double mean = (double)transform->mean[i / plane];
        const double deviation = (double)transform->deviation[i / plane];
        const double from = (double)dataset->offset[i], to = from + (double)dataset->scale[i];
        greatest = fmax(greatest, fmax(fabs(from - mean), fabs(to - mean)) / deviation);
    }
    if (dataset->scale == NULL || (greatest >= small && greatest <= great))
        return false;
    snprintf(line, bytes,
             "the network's inputs reach %.3g, and networks learn from values of about 1: set "
             "dataset.standardise=true, or normalise.mean and normalise.deviation to measured",
             greatest);
    return true;
}

/* --- the whole -------------------------------------------------------------------------------- */

mn_status mn_experiment_encoding(const mn_experiment *experiment, mn_encoding_spec *encoding)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    *encoding = (mn_encoding_spec){.key = mn_key_of((uint64_t)run->seed, "codec.directions")};
    return mn_encoding_parse("codec", run->codec, encoding);
}

static mn_status encode_natively(const mn_experiment *experiment, mn_dataset *dataset)
{
    mn_encoding_spec encoding;
    if (mn_experiment_settings(experiment)->codec_consumption != MN_NATIVE)
        return MN_OK;
    MN_TRY(mn_experiment_encoding(experiment, &encoding));
    const mn_status status = mn_dataset_encode(dataset, &encoding);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "codec");
}

/* Whether the data can be cut into the stream. */
static mn_status check_stream(const mn_experiment *experiment, const mn_dataset *dataset)
{
    mn_stream_lists lists;
    mn_stream_spec spec;
    mn_stream *stream;
    MN_TRY(stream_spec(experiment, dataset, &lists, &spec));
    MN_TRY(
        mn_stream_new(dataset, &spec, (uint64_t)mn_experiment_settings(experiment)->seed, &stream));
    mn_stream_free(stream);
    return MN_OK;
}

/* What the network sees of the data: features of a frozen one, in the codec's form. */
static mn_status prepare(const mn_experiment *experiment, const char *options, mn_dataset *dataset)
{
    const mn_features_settings *features = experiment->section[MN_SECTION_FEATURES].values;
    if (features->network[0] != '\0')
        MN_TRY(check_stream(experiment, dataset)); /* rather than after an hour of features */
    MN_TRY(mn_experiment_features(experiment, options, dataset));
    return encode_natively(experiment, dataset);
}

mn_status mn_experiment_images(const mn_experiment *experiment, mn_dataset **dataset)
{
    const char *folder = mn_experiment_settings(experiment)->data_folder, *options;
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_DATASET, &options));
    return mn_dataset_open(experiment->section[MN_SECTION_DATASET].type, options,
                           folder[0] != '\0' ? folder : NULL, dataset);
}

mn_status mn_experiment_read(const mn_experiment *experiment, mn_dataset **dataset)
{
    const char *options;
    mn_stream_lists lists;
    mn_stream_spec spec;
    MN_TRY(stream_spec(experiment, NULL, &lists, &spec)); /* refused before data are read */
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_DATASET, &options));
    MN_TRY(mn_experiment_images(experiment, dataset));
    const mn_status status = prepare(experiment, options, *dataset);
    if (status != MN_OK) {
        mn_dataset_free(*dataset);
        *dataset = NULL;
    }
    return status;
}

mn_status mn_experiment_pack(const mn_experiment *experiment, const char *path,
                             const mn_pack_watch *watch)
{
    const char *folder = mn_experiment_settings(experiment)->data_folder, *options;
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_DATASET, &options));
    return mn_dataset_pack(experiment->section[MN_SECTION_DATASET].type, options,
                           folder[0] != '\0' ? folder : NULL, path, watch);
}

mn_status mn_experiment_dataset(const mn_experiment *experiment, mn_dataset **dataset)
{
    mn_transform transform;
    MN_TRY(mn_experiment_read(experiment, dataset));
    const mn_status status = make_transform(experiment, *dataset, &transform);
    if (status != MN_OK) {
        mn_dataset_free(*dataset);
        *dataset = NULL;
    }
    return status;
}

mn_status mn_experiment_stream(const mn_experiment *experiment, const mn_dataset *dataset,
                               mn_stream **stream, mn_transform *transform)
{
    mn_stream_lists lists;
    mn_stream_spec spec;
    MN_TRY(make_transform(experiment, dataset, transform));
    MN_TRY(stream_spec(experiment, dataset, &lists, &spec));
    MN_TRY(
        mn_stream_new(dataset, &spec, (uint64_t)mn_experiment_settings(experiment)->seed, stream));
    const mn_status status = measure_channels(experiment, *stream, transform);
    if (status != MN_OK) {
        mn_stream_free(*stream);
        *stream = NULL;
    }
    return status;
}
