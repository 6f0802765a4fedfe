/* data.c -- a configuration's data set is read and cut into its stream. */
#include "experiment/data.h"
#include "base/numbers.h"
#include "experiment/sections.h"
#include "experiment/stream_lists.h"

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
        .class_order_seed = run->class_order_seed == -2 ? run->seed : run->class_order_seed,
        .validation = run->validation,
        .rounds = stream->rounds,
        .images_per_class = stream->images_per_class,
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

static mn_status parse_channels(const char *where, const char *text, int64_t channels,
                                float otherwise, float *values)
{
    int64_t count = 0;
    bool fits = true;
    mn_list list = {.rest = text};
    for (int64_t i = 0; i < channels; i++)
        values[i] = otherwise;
    for (; fits && mn_list_next(&list); count++) {
        double number = 0;
        fits = count < channels && mn_number_real(list.item, &number);
        if (fits)
            values[count] = (float)number;
    }
    return fits && !list.broken && (count == 0 || count == channels)
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "%s: '%s' should list %lld numbers, one a channel", where,
                         text, (long long)channels);
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
    const int64_t channels = dataset->channels;
    const mn_normalise_settings *settings = experiment->section[MN_SECTION_NORMALISE].values;
    if (channels > 4)
        return mn_fail(MN_UNSUPPORTED, "the images have %lld channels; at most 4 are supported",
                       (long long)channels);
    const mn_augment_settings *augment = experiment->section[MN_SECTION_AUGMENT].values;
    *transform =
        (mn_transform){.channels = channels, .offset = dataset->offset, .scale = dataset->scale};
    if (mn_experiment_settings(experiment)->augment) {
        transform->pad = augment->pad;
        transform->pad_mode = (mn_pad_mode)augment->pad_mode;
        transform->flip = augment->flip;
        if (augment->views)
            MN_TRY(add_views(experiment, dataset, transform));
    }
    MN_TRY(parse_channels("normalise.mean", settings->mean, channels, 0, transform->mean));
    MN_TRY(parse_channels("normalise.deviation", settings->deviation, channels, 1,
                          transform->deviation));
    return mn_transform_check(transform, dataset);
}

mn_status mn_experiment_read(const mn_experiment *experiment, mn_dataset **dataset)
{
    const char *folder = mn_experiment_settings(experiment)->data_folder, *options;
    mn_stream_lists lists;
    mn_stream_spec spec;
    MN_TRY(stream_spec(experiment, NULL, &lists, &spec)); /* refused before data are read */
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_DATASET, &options));
    return mn_dataset_open(experiment->section[MN_SECTION_DATASET].type, options,
                           folder[0] != '\0' ? folder : NULL, dataset);
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
    return mn_stream_new(dataset, &spec, (uint64_t)mn_experiment_settings(experiment)->seed,
                         stream);
}
