/* data.c -- a configuration's data set is read and cut into its stream. */
#include "experiment/data.h"
#include "experiment/sections.h"

#include <math.h>
#include <stdlib.h>

/* The lists that a stream's spec points to. */
typedef struct stream_lists {
    int64_t task_classes[MN_MAX_TASKS], class_order[MN_MAX_CLASSES];
} stream_lists;

/* The next number of "1,2,3", *text moved behind it; false when it is none. */
static bool parse_number(const char **text, double *number)
{
    char *end;
    *number = strtod(*text, &end);
    if (end == *text || (*end != ',' && *end != '\0'))
        return false;
    *text = *end == ',' ? end + 1 : end;
    return true;
}

static mn_status parse_integers(const char *where, const char *text, int64_t most, int64_t *numbers,
                                int64_t *count)
{
    double number;
    *count = 0;
    for (const char *rest = text; *rest != '\0'; (*count)++) {
        if (!parse_number(&rest, &number) || *count == most || number != floor(number) ||
            fabs(number) > 1e15)
            return mn_fail(MN_BAD_OPTION,
                           "%s: '%.60s' is not a list of at most %lld whole numbers like 2,2,1",
                           where, text, (long long)most);
        numbers[*count] = (int64_t)number;
    }
    return MN_OK;
}

static mn_status stream_spec(const mn_experiment *experiment, stream_lists *lists,
                             mn_stream_spec *spec)
{
    const mn_stream_settings *stream = experiment->section[MN_SECTION_STREAM].values;
    const mn_label_settings *labels = experiment->section[MN_SECTION_LABELS].values;
    const mn_run_settings *run = mn_experiment_settings(experiment);
    int64_t listed, ordered;
    MN_TRY(parse_integers("stream.task_classes", stream->task_classes, MN_MAX_TASKS,
                          lists->task_classes, &listed));
    MN_TRY(parse_integers("stream.class_order", stream->class_order, MN_MAX_CLASSES,
                          lists->class_order, &ordered));
    if (listed > 0 && listed != stream->tasks)
        return mn_fail(MN_BAD_OPTION,
                       "stream.task_classes: lists %lld tasks, but stream.tasks is %lld; make them "
                       "agree",
                       (long long)listed, (long long)stream->tasks);
    *spec = (mn_stream_spec){
        .scenario = (mn_scenario)stream->scenario,
        .tasks = stream->tasks,
        .classes = stream->classes,
        .task_classes = listed > 0 ? lists->task_classes : NULL,
        .class_order = ordered > 0 ? lists->class_order : NULL,
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
    return parse_integers("schedule.milestones", settings->milestones, MN_SCHEDULE_MILESTONES,
                          schedule->milestones, &count);
}

static mn_status parse_channels(const char *where, const char *text, int64_t channels,
                                float otherwise, float *values)
{
    int64_t count = 0;
    bool fits = true;
    for (int64_t i = 0; i < channels; i++)
        values[i] = otherwise;
    for (const char *rest = text; fits && *rest != '\0'; count++) {
        double number;
        fits = count < channels && parse_number(&rest, &number);
        if (fits)
            values[count] = (float)number;
    }
    return count == 0 || (fits && count == channels)
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
    stream_lists lists;
    mn_stream_spec spec;
    MN_TRY(stream_spec(experiment, &lists, &spec)); /* refused before data are read */
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
    stream_lists lists;
    mn_stream_spec spec;
    MN_TRY(make_transform(experiment, dataset, transform));
    MN_TRY(stream_spec(experiment, &lists, &spec));
    return mn_stream_new(dataset, &spec, (uint64_t)mn_experiment_settings(experiment)->seed,
                         stream);
}
