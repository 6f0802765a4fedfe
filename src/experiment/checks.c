/* checks.c -- a configuration that cannot be is refused with the reason before data are read. */
#include "experiment/checks.h"
#include "experiment/data.h"
#include "tensor/tensor.h"

#include <mneme/buffer.h>
#include <mneme/stream.h>
#include <string.h>

/* What keeps the tasks of a stream from having classes of their own, as in "%s brings ..."; NULL:
 * they have. */
static const char *classes_again(const mn_experiment *experiment)
{
    const mn_stream_settings *stream = experiment->section[MN_SECTION_STREAM].values;
    if (stream->scenario == MN_CLASS_REPETITION)
        return "brings classes again in later tasks";
    if (stream->scenario != MN_CLASS_INCREMENTAL)
        return "brings every class in each task";
    return stream->blur > 0 ? "blurs its borders (stream.blur), so that classes come in other tasks"
                            : NULL;
}

/* A policy that selects at the end of tasks does so class by class, or says otherwise. */
static mn_status check_policy(const mn_experiment *experiment)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    const mn_stream_settings *stream = experiment->section[MN_SECTION_STREAM].values;
    const char *again = classes_again(experiment);
    const mn_policy *policy = (const void *)mn_find(MN_KIND_POLICY, run->buffer_policy);
    if (policy == NULL)
        return MN_NOT_FOUND;
    for (int i = 0; i < experiment->strategy_count; i++)
        if ((experiment->strategy[i]->needs & MN_NEEDS_SELECTION) != 0 && policy->select == NULL)
            return mn_fail(MN_BAD_OPTION,
                           "%s fills its buffer at the end of each task, but buffer policy %s "
                           "selects nothing then; leave the policy out, or choose %s",
                           experiment->strategy[i]->name, policy->name,
                           experiment->strategy[i]->policy != NULL ? experiment->strategy[i]->policy
                                                                   : "herding");
    for (int i = 0; i < experiment->strategy_count; i++)
        if ((experiment->strategy[i]->needs & MN_FILLS_BUFFER) != 0 &&
            strcmp(policy->name, "reservoir") != 0)
            return mn_fail(MN_BAD_OPTION,
                           "%s chooses its exemplars itself, so buffer policy %s would change "
                           "nothing or break its shares; leave it out",
                           experiment->strategy[i]->name, policy->name);
    const bool scores = (policy->wants & (MN_WANTS_LOSSES | MN_WANTS_SIMILARITY)) != 0;
    for (int i = 0; i < experiment->strategy_count; i++)
        if (scores && (experiment->strategy[i]->needs & MN_USES_UNLABELLED) != 0)
            return mn_fail(MN_UNSUPPORTED,
                           "buffer policy %s judges images by their labels, but %s also remembers "
                           "unlabelled ones; choose another, reservoir for example",
                           policy->name, experiment->strategy[i]->name);
    if (policy->select != NULL && stream->scenario == MN_GENERAL_ROTATED)
        return mn_fail(MN_UNSUPPORTED,
                       "buffer policy %s selects exemplars at the end of each task, but %s has no "
                       "tasks; choose another, reservoir for example",
                       policy->name, experiment->benchmark);
    if ((policy->wants & MN_FILLS_ONCE) != 0 && again != NULL &&
        stream->scenario != MN_GENERAL_ROTATED)
        return mn_fail(MN_UNSUPPORTED,
                       "buffer policy %s takes no more of a class that has its share, but %s %s, "
                       "and too little of later tasks would be kept; "
                       "choose another, --buffer-policy reservoir for example",
                       policy->name, experiment->benchmark, again);
    if (policy->select != NULL && (policy->wants & MN_SELECTS_BY_TASK) == 0 && again != NULL)
        return mn_fail(MN_UNSUPPORTED,
                       "buffer policy %s selects exemplars of a task's classes once, but %s "
                       "%s; choose another, reservoir for example",
                       policy->name, experiment->benchmark, again);
    return MN_OK;
}

static mn_status check_needs(const mn_experiment *experiment)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    const mn_stream_settings *stream = experiment->section[MN_SECTION_STREAM].values;
    const char *again = classes_again(experiment);
    for (int i = 0; i < experiment->strategy_count; i++) {
        const mn_strategy *strategy = experiment->strategy[i];
        if ((strategy->needs & MN_NEEDS_BUFFER) != 0 && run->buffer_size == 0 &&
            run->buffer_bytes == 0)
            return mn_fail(MN_BAD_OPTION,
                           "%s replays from a buffer, but buffer_size is 0; give it at least 1",
                           strategy->name);
        if ((strategy->needs & MN_NEEDS_TASK_BOUNDARIES) != 0 &&
            stream->scenario == MN_GENERAL_ROTATED)
            return mn_fail(MN_UNSUPPORTED,
                           "%s must be told where tasks begin and end, but %s has no tasks; er and "
                           "derpp do without, for example",
                           strategy->name, experiment->benchmark);
        if ((strategy->needs & MN_NEEDS_CONTIGUOUS_CLASSES) != 0 && again != NULL)
            return mn_fail(MN_UNSUPPORTED, "%s needs a class-incremental stream, but %s %s",
                           strategy->name, experiment->benchmark, again);
    }
    return MN_OK;
}

mn_status mn_experiment_check_warm_up(const mn_experiment *experiment, int64_t steps)
{
    const mn_schedule_settings *schedule = experiment->section[MN_SECTION_SCHEDULE].values;
    if (schedule->warm_up < steps)
        return MN_OK;
    return mn_fail(MN_BAD_OPTION,
                   "schedule.warm_up: %lld, but a task has %lld steps at most and would never "
                   "leave it; expected fewer",
                   (long long)schedule->warm_up, (long long)steps);
}

bool mn_experiment_needs_buffer(const mn_experiment *experiment)
{
    for (int i = 0; i < experiment->strategy_count; i++)
        if ((experiment->strategy[i]->needs & MN_NEEDS_BUFFER) != 0)
            return true;
    return false;
}

static mn_status check_codec(const mn_experiment *experiment)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    mn_encoding_spec encoding;
    MN_TRY(mn_experiment_encoding(experiment, &encoding));
    return encoding.kind == MN_ENCODE_RAW || run->codec_consumption == MN_NATIVE ||
                   mn_experiment_needs_buffer(experiment) ||
                   !mn_experiment_user_set(experiment, "codec")
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "codec: %s has no buffer whose exemplars it could encode; set "
                         "codec_consumption to native for all images",
                         experiment->strategy[0]->name);
}

/* Rows of features are no images; the network's own images come as evaluation sees them. */
static mn_status check_features(const mn_experiment *experiment)
{
    const mn_features_settings *features = experiment->section[MN_SECTION_FEATURES].values;
    const mn_augment_settings *augment = experiment->section[MN_SECTION_AUGMENT].values;
    const bool random = augment->pad > 0 || augment->flip || augment->views;
    if (features->network[0] == '\0' && features->init[0] != '\0')
        return mn_fail(MN_BAD_OPTION, "features.init: weights of no network; name it with "
                                      "features.network");
    return features->network[0] == '\0' || !random || !mn_experiment_settings(experiment)->augment
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "features.network: features are made once, of images as they are, but %s "
                         "augments them in every epoch (augment); say --no-augment, or leave one "
                         "of the two out",
                         experiment->benchmark);
}

/* An option that the user set must have an effect; otherwise the run is refused. */
static mn_status check_asked(const mn_experiment *experiment)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    const mn_schedule_settings *schedule = experiment->section[MN_SECTION_SCHEDULE].values;
    if (run->steps > 0 && run->first_epochs > 0)
        return mn_fail(MN_BAD_OPTION,
                       "first_epochs: every task is trained for %lld steps instead; set steps to "
                       "0 to count epochs",
                       (long long)run->steps);
    if (run->first_lr > 0 && run->lr == 0)
        return mn_fail(MN_BAD_OPTION, "first_lr: the rate of the other tasks is 0; give them one");
    if (run->steps > 0 && mn_experiment_user_set(experiment, "epochs"))
        return mn_fail(MN_BAD_OPTION,
                       "epochs: every task is trained for %lld steps instead; set steps to 0 "
                       "to count epochs",
                       (long long)run->steps);
    if (run->buffer_bytes > 0 && mn_experiment_user_set(experiment, "buffer_size"))
        return mn_fail(MN_BAD_OPTION,
                       "buffer_size: buffer_bytes, %lld, sets the budget already; give one of them",
                       (long long)run->buffer_bytes);
    if (schedule->name == MN_MULTISTEP && schedule->milestones[0] == '\0')
        return mn_fail(MN_BAD_OPTION, "schedule.milestones: empty, so that a multistep schedule "
                                      "would never change the rate; list epochs, 35,45");
    if (run->validation_beside && run->validation == 0)
        return mn_fail(MN_BAD_OPTION, "validation_beside: nothing is held out to stand beside the "
                                      "test set; set validation above 0, to 0.1 for example");
    if (schedule->name == MN_PLATEAU && !run->validation_beside)
        return mn_fail(MN_BAD_OPTION, "schedule.name: a plateau is one of the validation loss; set "
                                      "validation, to 0.1 for example, and validation_beside");
    return run->steps > 0 ? mn_experiment_check_warm_up(experiment, run->steps) : MN_OK;
}

static mn_status check_precision(const mn_experiment *experiment)
{
    const mn_run_settings *run = mn_experiment_settings(experiment);
    const mn_status status = mn_tensor_precision((mn_dtype)run->precision);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "precision");
}

mn_status mn_experiment_check(const mn_experiment *experiment)
{
    MN_TRY(check_needs(experiment));
    MN_TRY(check_asked(experiment));
    MN_TRY(check_codec(experiment));
    MN_TRY(check_features(experiment));
    MN_TRY(check_policy(experiment));
    return check_precision(experiment);
}
