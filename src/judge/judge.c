/* judge.c -- a run's samples beside real images, in the eyes of another run's network.
 *
 * Both runs are opened as `resume` would open them, so that the judge has its own transform and the
 * images compared are those of the judged run: its training images, and real ones it held back.
 * Classes are taken one after another: only one class's images are in memory. */
#include "experiment/data.h"
#include "experiment/experiment.h"
#include "learner/checkpoint.h"
#include "learner/learner.h"
#include "run/evaluate.h"
#include "run/provenance.h"
#include "store/records.h"
#include "store/runfile.h"
#include "store/samples.h"
#include "tensor/kernels.h"

#include <float.h>
#include <math.h>
#include <mneme/judge.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REAL = 200 }; /* of a class: more change a mean by little */

/* --- a run opened to be looked at --- */

typedef struct opened {
    const char *path;
    mn_runfile *file;
    mn_experiment *experiment;
    mn_dataset *dataset;
    mn_stream *stream;
    mn_transform transform;
    mn_learner *learner; /* of the judge alone */
} opened;

static mn_status open_run(const char *path, opened *run)
{
    run->path = path;
    MN_TRY(mn_runfile_open(path, MN_READ, &run->file));
    char *config = mn_runfile_get(run->file, "config");
    if (config == NULL)
        return mn_fail(MN_CORRUPT, "%s: holds no configuration", path);
    mn_status status = mn_experiment_restore(config, &run->experiment);
    free(config);
    if (status == MN_OK)
        status = mn_experiment_data(run->experiment, &run->dataset, &run->stream, &run->transform);
    return status == MN_OK ? mn_check_same_data(run->file, run->dataset)
                           : mn_fail_in(status, "%s", path);
}

static mn_status open_judge(const char *path, opened *judge)
{
    MN_TRY(open_run(path, judge));
    char *is = mn_runfile_get(judge->file, "status");
    const bool done = is != NULL && strcmp(is, "done") == 0;
    free(is);
    if (!done)
        return mn_fail(MN_BAD_OPTION,
                       "%s: a judge has learned all classes, but this run is not "
                       "finished; 'mneme resume' it first",
                       path);
    const mn_learner_spec spec = {.experiment = judge->experiment,
                                  .stream = judge->stream,
                                  .transform = &judge->transform,
                                  .file = judge->file};
    MN_TRY(mn_learner_new(&spec, &judge->learner));
    mn_tape_record(judge->learner->tape, false);
    return mn_learner_load(judge->learner, judge->file);
}

static void close_run(opened *run)
{
    mn_learner_free(run->learner);
    mn_stream_free(run->stream);
    mn_dataset_free(run->dataset);
    mn_experiment_free(run->experiment);
    if (run->file != NULL)
        mn_runfile_close(run->file);
}

/* Labels must mean the same to both. */
static mn_status check_pair(const opened *run, const opened *judge)
{
    const int64_t classes = mn_stream_classes(run->stream);
    if (strcmp(run->path, judge->path) == 0)
        return mn_fail(MN_BAD_OPTION,
                       "%s: a run cannot judge itself; train another, as in 'mneme "
                       "run %s joint --seed 1'",
                       run->path, run->experiment->benchmark);
    if (!mn_stream_class_incremental(run->stream))
        return mn_fail(MN_UNSUPPORTED,
                       "%s: its tasks share their classes, so a label does not say what an image "
                       "should look like; only class-incremental runs are judged",
                       run->path);
    if (run->dataset->digest != judge->dataset->digest)
        return mn_fail(MN_BAD_OPTION, "%s learned %s, but the images are of %s", judge->path,
                       judge->dataset->name, run->dataset->name);
    bool same = mn_stream_classes(judge->stream) == classes;
    for (int64_t k = 0; same && k < classes; k++)
        same =
            mn_stream_original_class(judge->stream, k) == mn_stream_original_class(run->stream, k);
    return same ? MN_OK
                : mn_fail(MN_BAD_OPTION,
                          "%s: its classes, or their order, are not those of %s; train a judge on "
                          "the benchmark %s with the same order of classes",
                          judge->path, run->path, run->experiment->benchmark);
}

/* --- images of one class --- */

typedef struct images {
    int64_t count, room;
    uint8_t *pixels;          /* (count, image) */
    float *unit;              /* (count, image): pixels from 0 to 1 */
    float *features, *scores; /* (count, D), (count, classes): what the judge sees */
} images;

static void free_images(images *i)
{
    free(i->pixels);
    free(i->unit);
    free(i->features);
    free(i->scores);
    *i = (images){0};
}

static mn_status add_image(images *to, const uint8_t *pixels, size_t bytes)
{
    if (to->count == to->room) {
        const int64_t room = to->room > 0 ? 2 * to->room : 64;
        uint8_t *larger = realloc(to->pixels, (size_t)room * bytes);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for %lld images", (long long)room);
        to->pixels = larger;
        to->room = room;
    }
    memcpy(to->pixels + (size_t)to->count++ * bytes, pixels, bytes);
    return MN_OK;
}

static mn_shape image_of(const opened *run)
{
    return MN_SHAPE(run->dataset->channels, run->dataset->height, run->dataset->width);
}

/* What is done with an image of the class: `place` is its own in the data set's part. */
typedef mn_status on_image(void *context, const uint8_t *pixels, int64_t place);

/* A class's images of a part, in stored order. */
static mn_status each_image(const opened *run, mn_part part, int32_t label, on_image *take,
                            void *context)
{
    const int64_t task = mn_stream_task_of(run->stream, label);
    const size_t bytes = (size_t)mn_shape_count(image_of(run));
    const mn_transform plain = mn_transform_plain(&run->transform);
    mn_loader *loader;
    MN_TRY(mn_loader_new(run->stream, part, task, task, 100, &plain, &loader));
    mn_status status = mn_loader_shuffle(loader, NULL);
    for (int64_t i = 0; i < mn_loader_batches(loader) && status == MN_OK; i++) {
        const mn_batch *batch;
        status = mn_loader_batch(loader, i, &batch);
        for (int64_t row = 0; status == MN_OK && row < batch->count; row++)
            if (batch->labels[row] == label)
                status = take(context, batch->pixels + (size_t)row * bytes, batch->indices[row]);
    }
    mn_loader_free(loader);
    return status;
}

typedef struct collection {
    images *to;
    size_t bytes;         /* of an image */
    int64_t most;         /* images */
    const bool *left_out; /* by place; NULL: none */
} collection;

static mn_status collect_image(void *context, const uint8_t *pixels, int64_t place)
{
    const collection *c = context;
    if (c->to->count == c->most || (c->left_out != NULL && c->left_out[place]))
        return MN_OK;
    return add_image(c->to, pixels, c->bytes);
}

static mn_status collect_train(const opened *run, int32_t label, images *to)
{
    collection c = {to, (size_t)mn_shape_count(image_of(run)), INT64_MAX, NULL};
    return each_image(run, MN_PART_TRAIN, label, collect_image, &c);
}

static mn_status mark(void *context, const uint8_t *pixels, int64_t place)
{
    (void)pixels;
    bool *marks = context;
    marks[place] = true;
    return MN_OK;
}

/* Images that neither was trained on: test images, or what the run held out without what the judge,
 * which holds out others, was trained on. */
static mn_status collect_real(const opened *run, const opened *judge, int32_t label, images *to)
{
    collection c = {to, (size_t)mn_shape_count(image_of(run)), MOST_REAL, NULL};
    if (mn_experiment_settings(run->experiment)->validation == 0)
        return each_image(run, MN_PART_TEST, label, collect_image, &c);
    bool *trained = calloc((size_t)run->dataset->train.count, sizeof *trained);
    if (trained == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld marks",
                       (long long)run->dataset->train.count);
    c.left_out = trained;
    mn_status status = each_image(judge, MN_PART_TRAIN, label, mark, trained);
    if (status == MN_OK)
        status = each_image(run, MN_PART_VALIDATION, label, collect_image, &c);
    free(trained);
    return status;
}

/* One batch of `rows` images from `first` on; x: (rows, image), scratch. */
static mn_status see_batch(const opened *judge, images *seen, int64_t first, int64_t rows, float *x)
{
    mn_learner *learner = judge->learner;
    const mn_shape image = image_of(judge);
    const int64_t pixels = mn_shape_count(image), classes = mn_stream_classes(judge->stream);
    const mn_shape shape = MN_SHAPE(rows, image.size[0], image.size[1], image.size[2]);
    MN_TRY(mn_transform_apply(&learner->plain, image, rows, seen->pixels + first * pixels,
                              mn_key_of(0, "plain"), NULL, x));
    mn_learner_begin_step(learner);
    const mn_forwarded out =
        mn_network_forward(mn_learner_network(learner), mn_input(learner->tape, shape, x, false),
                           MN_EVAL | MN_NO_GRADIENT);
    const float *features = mn_host(out.features), *scores = mn_host(out.logits);
    if (features == NULL || scores == NULL)
        return mn_fail(mn_tape_status(learner->tape), "%s: %s", judge->path,
                       mn_tape_error(learner->tape));
    const int64_t width = mn_shape_count(mn_shape_of(out.features)) / rows;
    memcpy(seen->features + first * width, features, (size_t)(rows * width) * sizeof *features);
    memcpy(seen->scores + first * classes, scores, (size_t)(rows * classes) * sizeof *scores);
    return MN_OK;
}

static mn_status see(const opened *judge, int64_t width, images *seen)
{
    const int64_t classes = mn_stream_classes(judge->stream), most = 100;
    const int64_t pixels = mn_shape_count(image_of(judge));
    const size_t count = (size_t)(seen->count > 0 ? seen->count : 1);
    float *x = malloc((size_t)(most * pixels) * sizeof *x);
    seen->unit = malloc(count * (size_t)pixels * sizeof *seen->unit);
    seen->features = malloc(count * (size_t)width * sizeof *seen->features);
    seen->scores = malloc(count * (size_t)classes * sizeof *seen->scores);
    mn_status status =
        x != NULL && seen->unit != NULL && seen->features != NULL && seen->scores != NULL
            ? MN_OK
            : mn_fail(MN_NO_MEMORY, "out of memory for what a judge sees");
    for (int64_t i = 0; i < seen->count * pixels && status == MN_OK; i++)
        seen->unit[i] = (float)seen->pixels[i] / 255.0f;
    for (int64_t first = 0; first < seen->count && status == MN_OK; first += most)
        status = see_batch(judge, seen, first,
                           seen->count - first < most ? seen->count - first : most, x);
    free(x);
    return status;
}

/* --- measures --- */

static double distance(const float *a, const float *b, int64_t width)
{
    return sqrt(mn_kernel_squared_distance(width, a, b));
}

static double diversity_of(const images *i, int64_t width)
{
    double sum = 0;
    for (int64_t a = 0; a < i->count; a++)
        for (int64_t b = 0; b < a; b++)
            sum += distance(i->features + a * width, i->features + b * width, width);
    const double pairs = (double)(i->count * (i->count - 1)) / 2;
    return pairs > 0 ? sum / pairs : (double)NAN;
}

static int64_t agreed_of(const images *i, int32_t label, int64_t seen, int64_t classes)
{
    int64_t agreed = 0;
    for (int64_t row = 0; row < i->count; row++)
        agreed += mn_evaluation_best(i->scores + row * classes, 0, seen) == label;
    return agreed;
}

/* Mean over rows of `of` (count, width) of the distance to the nearest row of `to`. */
static double mean_nearest(int64_t count, const float *of, int64_t to_count, const float *to,
                           int64_t width)
{
    double sum = 0;
    for (int64_t a = 0; a < count; a++) {
        double least = DBL_MAX;
        for (int64_t b = 0; b < to_count; b++)
            least = fmin(least, mn_kernel_squared_distance(width, of + a * width, to + b * width));
        sum += sqrt(least);
    }
    return sum / (double)count; /* NaN of none */
}

/* --- all of it --- */

typedef struct judged {
    mn_judged_class class;
    images made;
} judged;

typedef struct judging {
    opened run, judge;
    int64_t width; /* of the judge's features */
    judged *classes;
    int64_t count, room;
} judging;

static mn_status add_class(judging *j, int64_t after_task, int32_t label)
{
    if (j->count == j->room) {
        const int64_t room = j->room > 0 ? 2 * j->room : 32;
        judged *larger = realloc(j->classes, (size_t)room * sizeof *larger);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for %lld classes", (long long)room);
        j->classes = larger;
        j->room = room;
    }
    judged *added = &j->classes[j->count++];
    *added = (judged){.class = {.after_task = after_task, .label = label}};
    snprintf(added->class.name, sizeof added->class.name, "%s",
             mn_stream_class_name(j->run.stream, label));
    return MN_OK;
}

static mn_status take_sample(void *context, const mn_sample *sample)
{
    judging *j = context;
    const size_t bytes = (size_t)mn_shape_count(image_of(&j->run));
    if (sample->bytes != bytes || sample->label < 0 ||
        sample->label >= mn_stream_classes(j->run.stream) || sample->after_task < 0 ||
        sample->after_task >= mn_stream_tasks(j->run.stream))
        return mn_fail(MN_CORRUPT, "%s: a sample of class %d is none of this run's", j->run.path,
                       (int)sample->label);
    const judged *last = j->count > 0 ? &j->classes[j->count - 1] : NULL;
    if (last == NULL || last->class.label != sample->label ||
        last->class.after_task != sample->after_task)
        MN_TRY(add_class(j, sample->after_task, sample->label));
    return add_image(&j->classes[j->count - 1].made, sample->image, bytes);
}

static int64_t seen_after(const judging *j, int64_t task)
{
    const mn_task_info newest = mn_stream_task(j->run.stream, task);
    return newest.first_class + newest.classes;
}

/* Classes that the run had seen by then and of which its generator made nothing. */
static mn_status add_missing(judging *j)
{
    const int64_t made = j->count;
    for (int64_t task = 0; task < mn_stream_tasks(j->run.stream); task++) {
        bool any = false;
        for (int64_t i = 0; i < made; i++)
            any = any || j->classes[i].class.after_task == task;
        for (int64_t label = 0; any && label < seen_after(j, task); label++) {
            bool found = false;
            for (int64_t i = 0; i < made; i++)
                found = found || (j->classes[i].class.after_task == task &&
                                  j->classes[i].class.label == label);
            if (!found)
                MN_TRY(add_class(j, task, (int32_t)label));
        }
    }
    return MN_OK;
}

static mn_judged_images measured(const judging *j, const images *i, const images *train,
                                 const mn_judged_class *class)
{
    const int64_t pixels = mn_shape_count(image_of(&j->run));
    return (mn_judged_images){
        .count = i->count,
        .agreed = agreed_of(i, class->label, seen_after(j, class->after_task),
                            mn_stream_classes(j->run.stream)),
        .diversity = diversity_of(i, j->width),
        .nearest = mean_nearest(i->count, i->features, train->count, train->features, j->width),
        .nearest_pixels = mean_nearest(i->count, i->unit, train->count, train->unit, pixels),
    };
}

/* Classes first to before last: one label's, after several tasks. */
static mn_status judge_label(judging *j, int64_t first, int64_t last)
{
    const int32_t label = j->classes[first].class.label;
    images train = {0}, real = {0};
    mn_status status = collect_train(&j->run, label, &train);
    if (status == MN_OK)
        status = collect_real(&j->run, &j->judge, label, &real);
    if (status == MN_OK && (train.count == 0 || real.count == 0))
        status = mn_fail(MN_UNSUPPORTED,
                         "%s: class %d has no images that neither it nor the judge was trained on; "
                         "give the judge the run's validation",
                         j->run.path, (int)label);
    if (status == MN_OK)
        status = see(&j->judge, j->width, &train);
    if (status == MN_OK)
        status = see(&j->judge, j->width, &real);
    for (judged *c = j->classes + first; c < j->classes + last && status == MN_OK; c++) {
        status = see(&j->judge, j->width, &c->made);
        if (status != MN_OK)
            break;
        c->class.made = measured(j, &c->made, &train, &c->class);
        c->class.real = measured(j, &real, &train, &c->class);
    }
    free_images(&train);
    free_images(&real);
    return status;
}

static int order(int64_t a, int64_t b, int64_t then_a, int64_t then_b)
{
    return a != b ? (a < b ? -1 : 1) : then_a < then_b ? -1 : then_a > then_b;
}

static int by_label(const void *a, const void *b)
{
    const mn_judged_class *one = &((const judged *)a)->class, *other = &((const judged *)b)->class;
    return order(one->label, other->label, one->after_task, other->after_task);
}

static int by_task(const void *a, const void *b)
{
    const mn_judged_class *one = &((const judged *)a)->class, *other = &((const judged *)b)->class;
    return order(one->after_task, other->after_task, one->label, other->label);
}

static mn_status judge_all(judging *j)
{
    MN_TRY(check_pair(&j->run, &j->judge));
    MN_TRY(mn_runfile_read_samples(j->run.file, take_sample, j));
    if (j->count == 0)
        return mn_fail(MN_NOT_FOUND, "%s: the run has kept no images of a generator", j->run.path);
    MN_TRY(add_missing(j));
    j->width = mn_network_features(mn_learner_network(j->judge.learner));
    if (j->width == 0)
        return mn_fail(MN_UNSUPPORTED, "%s: the network has no features to compare images by",
                       j->judge.path);
    qsort(j->classes, (size_t)j->count, sizeof *j->classes, by_label);
    for (int64_t first = 0, last; first < j->count; first = last) {
        for (last = first + 1;
             last < j->count && j->classes[last].class.label == j->classes[first].class.label;)
            last++;
        MN_TRY(judge_label(j, first, last));
    }
    qsort(j->classes, (size_t)j->count, sizeof *j->classes, by_task);
    return MN_OK;
}

static mn_status hand_out(const judging *j, mn_judged_class **classes, int64_t *count)
{
    *classes = malloc((size_t)j->count * sizeof **classes);
    if (*classes == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld classes", (long long)j->count);
    for (int64_t i = 0; i < j->count; i++)
        (*classes)[i] = j->classes[i].class;
    *count = j->count;
    return MN_OK;
}

mn_status mn_judge_samples(const char *path, const char *judge, mn_judged_class **classes,
                           int64_t *count)
{
    judging j = {.count = 0};
    *classes = NULL;
    *count = 0;
    mn_status status = open_run(path, &j.run);
    if (status == MN_OK)
        status = open_judge(judge, &j.judge);
    if (status == MN_OK)
        status = judge_all(&j);
    if (status == MN_OK)
        status = hand_out(&j, classes, count);
    for (int64_t i = 0; i < j.count; i++)
        free_images(&j.classes[i].made);
    free(j.classes);
    close_run(&j.judge);
    close_run(&j.run);
    return status;
}

void mn_judge_marks(const mn_judged_class *classes, int64_t count,
                    mn_judged_mark marks[MN_JUDGED_MARKS])
{
    double agreed = 0, made = 0, worst = 1, sum[3] = {0}, real[3] = {0};
    for (int64_t i = 0; i < count; i++) {
        const mn_judged_images *m = &classes[i].made, *r = &classes[i].real;
        agreed += (double)m->agreed;
        made += (double)m->count;
        worst = fmin(worst, m->count > 0 ? (double)m->agreed / (double)m->count : 0);
        if (m->count < 2 || r->count < 2)
            continue;
        const double of_made[] = {m->diversity, m->nearest, m->nearest_pixels};
        const double of_real[] = {r->diversity, r->nearest, r->nearest_pixels};
        for (int k = 0; k < 3; k++) {
            sum[k] += of_made[k];
            real[k] += of_real[k];
        }
    }
    const mn_judged_mark all[MN_JUDGED_MARKS] = {
        {"agreement", "share of images that the judge takes for their class", agreed / made, 0.75},
        {"worst class", "the same of the class that it knows least", worst, 0.5},
        {"diversity", "distance between two images of a class, beside real ones'", sum[0] / real[0],
         0.5},
        {"nearest", "distance to the nearest training image, beside real ones'", sum[1] / real[1],
         1},
        {"nearest, pixels", "the same in pixels", sum[2] / real[2], 1},
    };
    memcpy(marks, all, sizeof all);
}
