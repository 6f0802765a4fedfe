/* predict.c -- a run's network and strategy, asked about images that the run never saw. */
#include "base/team.h"
#include "data/encode/encoding.h"
#include "data/stream/row.h"
#include "experiment/data.h"
#include "learner/scoring.h"
#include "run/rebuilt.h"
#include "store/runfile.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/predict.h>
#include <stdio.h>
#include <string.h>

struct mn_predictor {
    mn_rebuilt run;
    int64_t seen; /* classes */
    /* Of a run whose images all are in a codec's form: the data set before that, and the way there.
     * NULL: images are seen as they come. */
    mn_dataset *images;
    mn_encoding *encoding;
};

/* What images from elsewhere are to be like. */
static const mn_dataset *data_of(const mn_predictor *p)
{
    return p->images != NULL ? p->images : p->run.dataset;
}

/* --- opening --- */

/* A task whose training has begun counts: its classes are among the answers of the network. */
static int64_t seen_classes(const mn_rebuilt *run)
{
    const mn_cursor *now = &run->learner->cursor;
    const int64_t tasks = mn_stream_tasks(run->stream);
    const bool begun = now->stage > 0 || now->phase > 0 || now->phase_step > 0;
    const int64_t last = now->task >= tasks ? tasks - 1 : now->task - (begun ? 0 : 1);
    if (last < 0)
        return 0;
    const mn_task_info newest = mn_stream_task(run->stream, last);
    return newest.first_class + newest.classes;
}

/* Images from elsewhere come as the data set had its own before they took the codec's form. */
static mn_status open_form(const char *path, mn_predictor *p)
{
    const mn_experiment *experiment = p->run.experiment;
    const mn_features_settings *features = experiment->section[MN_SECTION_FEATURES].values;
    mn_encoding_spec spec;
    if (features->network[0] != '\0')
        return mn_fail(MN_UNSUPPORTED,
                       "%s: its network has learned from the features that another makes of images "
                       "(features.network), which images from elsewhere are not brought into",
                       path);
    MN_TRY(mn_experiment_encoding(experiment, &spec));
    if (mn_experiment_settings(experiment)->codec_consumption == MN_DECODED ||
        spec.kind == MN_ENCODE_RAW)
        return MN_OK;
    MN_TRY(mn_experiment_images(experiment, &p->images));
    return mn_encoding_new(&spec, mn_dataset_image(p->images), p->images->type, p->images->offset,
                           p->images->scale, &p->encoding);
}

static mn_status open_all(const char *path, mn_predictor *p)
{
    MN_TRY(mn_runfile_open(path, MN_READ, &p->run.file));
    MN_TRY(mn_rebuilt_open(&p->run, MN_REBUILT_DATA));
    MN_TRY(open_form(path, p));
    MN_TRY(mn_team_begin((int)mn_experiment_settings(p->run.experiment)->threads));
    MN_TRY(mn_rebuilt_open(&p->run, MN_REBUILT_LEARNER));
    const mn_strategy *base = p->run.learner->member[0].strategy;
    if ((base->needs & MN_NEEDS_TEST_TASK) != 0)
        return mn_fail(MN_UNSUPPORTED,
                       "%s: %s must be told the task of an image, which nobody knows of images "
                       "from elsewhere",
                       path, base->name);
    p->seen = p->run.begun ? seen_classes(&p->run) : 0;
    return p->seen > 0
               ? mn_learner_before_scores(p->run.learner)
               : mn_fail(MN_NOT_FOUND, "%s: has learned nothing yet; 'mneme resume %s' trains it",
                         path, path);
}

mn_status mn_predictor_open(const char *run, mn_predictor **predictor)
{
    mn_predictor *p = mn_memory_take_zeroed(1, sizeof *p);
    *predictor = NULL;
    if (p == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for predictions");
    const mn_status status = open_all(run, p);
    if (status == MN_OK)
        *predictor = p;
    else
        mn_predictor_free(p);
    return status;
}

void mn_predictor_free(mn_predictor *predictor)
{
    if (predictor == NULL)
        return;
    mn_encoding_free(predictor->encoding);
    mn_dataset_free(predictor->images);
    (void)mn_rebuilt_close(&predictor->run); /* read only */
    mn_memory_give(predictor);
}

/* --- what it knows --- */

const mn_dataset *mn_predictor_data(const mn_predictor *predictor)
{
    return data_of(predictor);
}

int64_t mn_predictor_classes(const mn_predictor *predictor)
{
    return predictor->seen;
}

const char *mn_predictor_class_name(const mn_predictor *predictor, int64_t label)
{
    return mn_stream_class_name(predictor->run.stream, label);
}

int64_t mn_predictor_task(const mn_predictor *predictor, int64_t label)
{
    return mn_stream_class_incremental(predictor->run.stream)
               ? mn_stream_task_of(predictor->run.stream, label)
               : MN_NO_TASK;
}

/* --- predictions --- */

static void softmax(const float *scores, int64_t count, float *probabilities)
{
    const double most = (double)scores[mn_argmax(scores, count)];
    double sum = 0;
    for (int64_t k = 0; k < count; k++)
        sum += exp((double)scores[k] - most);
    for (int64_t k = 0; k < count; k++)
        probabilities[k] = (float)(exp((double)scores[k] - most) / sum);
}

static size_t row_bytes(const mn_dataset *data)
{
    return mn_row_bytes(mn_row_type_in_batches(data->type), mn_shape_count(mn_dataset_image(data)));
}

/* Asks about as many images as an evaluation; form: scratch for them in the codec's form. */
static mn_status answer(mn_predictor *p, const uint8_t *images, int64_t rows, uint8_t *form,
                        float *scores)
{
    const mn_dataset *data = data_of(p);
    if (p->encoding == NULL)
        return mn_learner_answer(p->run.learner, images, rows, scores);
    for (int64_t i = 0; i < rows; i++)
        MN_TRY(mn_encoding_show(p->encoding, mn_row_type_in_batches(data->type),
                                images + (size_t)i * row_bytes(data),
                                form + (size_t)i * row_bytes(p->run.dataset)));
    return mn_learner_answer(p->run.learner, form, rows, scores);
}

mn_status mn_predict(mn_predictor *predictor, const uint8_t *images, int64_t count,
                     float *probabilities)
{
    const int64_t classes = mn_stream_classes(predictor->run.stream), seen = predictor->seen;
    const int64_t most = predictor->run.learner->settings->eval_batch;
    const size_t bytes = row_bytes(data_of(predictor));
    float *scores = mn_memory_take((size_t)(most * classes), sizeof *scores);
    uint8_t *form = mn_memory_take((size_t)most, row_bytes(predictor->run.dataset));
    mn_status status = scores != NULL && form != NULL
                           ? MN_OK
                           : mn_fail(MN_NO_MEMORY, "out of memory for predictions");
    for (int64_t first = 0; first < count && status == MN_OK; first += most) {
        const int64_t rows = count - first < most ? count - first : most;
        status = answer(predictor, images + (size_t)first * bytes, rows, form, scores);
        for (int64_t i = 0; i < rows && status == MN_OK; i++)
            softmax(scores + i * classes, seen, probabilities + (first + i) * seen);
    }
    mn_memory_give(scores);
    mn_memory_give(form);
    return status == MN_OK ? status
                           : mn_fail_in(status, "%s", mn_runfile_path(predictor->run.file));
}

/* --- other data --- */

/* The name of a class of a data set, or its number. */
static const char *name_in(const mn_dataset *data, int64_t label, char number[32])
{
    if (data->class_names != NULL)
        return data->class_names[label];
    snprintf(number, 32, "%lld", (long long)label);
    return number;
}

static mn_status find_classes(const mn_predictor *p, const mn_dataset *data, mn_recognised *list)
{
    int64_t known = 0;
    char number[32];
    for (int64_t k = 0; k < data->classes; k++) {
        list[k] = (mn_recognised){.name = data->class_names != NULL ? data->class_names[k] : NULL,
                                  .label = -1};
        for (int64_t label = 0; label < p->seen && list[k].label < 0; label++)
            if (strcmp(mn_predictor_class_name(p, label), name_in(data, k, number)) == 0)
                list[k].label = label;
        known += list[k].label >= 0;
    }
    return known > 0 ? MN_OK
                     : mn_fail(MN_BAD_OPTION,
                               "%s has learned no class of %s: the data have '%s', the run has "
                               "'%s', and none is the same",
                               mn_runfile_path(p->run.file), data->name, name_in(data, 0, number),
                               mn_predictor_class_name(p, 0));
}

static mn_status check_shape(const mn_predictor *p, const mn_dataset *data)
{
    const mn_dataset *own = data_of(p);
    if (data->channels != own->channels || data->height != own->height || data->width != own->width)
        return mn_fail(MN_BAD_SHAPE,
                       "%s has images of %lld x %lld x %lld (channels, height, width), but %s has "
                       "learned from %lld x %lld x %lld; dataset.size makes others of them",
                       data->name, (long long)data->channels, (long long)data->height,
                       (long long)data->width, mn_runfile_path(p->run.file),
                       (long long)own->channels, (long long)own->height, (long long)own->width);
    if (data->type != own->type || data->scale != NULL || own->scale != NULL)
        return mn_fail(MN_UNSUPPORTED,
                       "only images are recognised in other data, not measurements");
    return MN_OK;
}

/* Asks about the test images of known classes, as many at a time as an evaluation. */
static mn_status recognise(mn_predictor *p, const mn_dataset *data, uint8_t *pixels,
                           float *probabilities, mn_recognised *list)
{
    const int64_t most = p->run.learner->settings->eval_batch;
    const size_t bytes = mn_row_bytes(data->type, data->channels * data->height * data->width);
    int64_t rows = 0;
    int32_t *truth = mn_memory_take((size_t)most, sizeof *truth);
    mn_status status =
        truth != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for predictions");
    for (int64_t i = 0; i < data->test.count && status == MN_OK; i++) {
        mn_recognised *class = &list[data->test.labels[i]];
        class->images++;
        if (class->label >= 0) {
            truth[rows] = data->test.labels[i];
            status = mn_dataset_pixels(data, &data->test, i, pixels + (size_t)rows++ * bytes);
        }
        if (status != MN_OK || rows == 0 || (rows < most && i + 1 < data->test.count))
            continue;
        status = mn_predict(p, pixels, rows, probabilities);
        for (int64_t row = 0; row < rows && status == MN_OK; row++) {
            const int64_t answer = mn_argmax(probabilities + row * p->seen, p->seen);
            list[truth[row]].right += answer == list[truth[row]].label;
        }
        rows = 0;
    }
    mn_memory_give(truth);
    return status;
}

mn_status mn_predict_test(mn_predictor *predictor, const mn_dataset *data,
                          mn_recognised **recognised)
{
    const int64_t most = predictor->run.learner->settings->eval_batch;
    const size_t bytes = mn_row_bytes(data->type, data->channels * data->height * data->width);
    *recognised = NULL;
    MN_TRY(check_shape(predictor, data));
    mn_recognised *list = mn_memory_take_zeroed((size_t)data->classes, sizeof *list);
    uint8_t *pixels = mn_memory_take((size_t)most, bytes);
    float *probabilities = mn_memory_take((size_t)(most * predictor->seen), sizeof *probabilities);
    mn_status status = list != NULL && pixels != NULL && probabilities != NULL
                           ? find_classes(predictor, data, list)
                           : mn_fail(MN_NO_MEMORY, "out of memory for predictions");
    if (status == MN_OK)
        status = recognise(predictor, data, pixels, probabilities, list);
    mn_memory_give(pixels);
    mn_memory_give(probabilities);
    if (status == MN_OK)
        *recognised = list;
    else
        mn_memory_give(list);
    return status;
}
