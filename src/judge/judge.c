/* judge.c -- a run's samples beside real images, in the eyes of another run's network.
 *
 * Both runs are opened as `resume` would open them, so that the judge has its own transform and the
 * images compared are those of the judged run: its training images, and real ones it held back. */
#include "base/cores.h"
#include "base/team.h"
#include "judge/images.h"
#include "judge/marks.h"
#include "store/records.h"
#include "store/runfile.h"
#include "store/samples.h"

#include <mneme/judge.h>
#include <mneme/memory.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- two runs that fit --- */

static mn_status open_run(const char *path, mn_rebuilt_part last, mn_rebuilt *run)
{
    MN_TRY(mn_runfile_open(path, MN_READ, &run->file));
    return mn_rebuilt_open(run, last);
}

static mn_status open_judge(const char *path, mn_rebuilt *judge)
{
    MN_TRY(open_run(path, MN_REBUILT_DATA, judge));
    MN_TRY(mn_team_begin(mn_physical_cores()));
    bool done;
    MN_TRY(mn_runfile_is_done(judge->file, &done));
    if (!done)
        return mn_fail(MN_BAD_OPTION,
                       "%s: a judge has learned all classes, but this run is not "
                       "finished; 'mneme resume' it first",
                       path);
    MN_TRY(mn_rebuilt_open(judge, MN_REBUILT_LEARNER));
    mn_tape_record(judge->learner->tape, false);
    return MN_OK;
}

/* Labels must mean the same to both. */
static mn_status check_pair(const mn_rebuilt *run, const mn_rebuilt *judge)
{
    const int64_t classes = mn_stream_classes(run->stream);
    if (strcmp(mn_runfile_path(run->file), mn_runfile_path(judge->file)) == 0)
        return mn_fail(MN_BAD_OPTION,
                       "%s: a run cannot judge itself; train another, as in 'mneme "
                       "run %s joint --seed 1'",
                       mn_runfile_path(run->file), run->experiment->benchmark);
    if (!mn_stream_class_incremental(run->stream))
        return mn_fail(MN_UNSUPPORTED,
                       "%s: its tasks share their classes, so a label does not say what an image "
                       "should look like; only class-incremental runs are judged",
                       mn_runfile_path(run->file));
    uint32_t of_run, of_judge;
    MN_TRY(mn_dataset_digest(run->dataset, &of_run));
    MN_TRY(mn_dataset_digest(judge->dataset, &of_judge));
    if (of_run != of_judge)
        return mn_fail(MN_BAD_OPTION, "%s learned %s, but the images are of %s",
                       mn_runfile_path(judge->file), judge->dataset->name, run->dataset->name);
    bool same = mn_stream_classes(judge->stream) == classes;
    for (int64_t k = 0; same && k < classes; k++)
        same =
            mn_stream_original_class(judge->stream, k) == mn_stream_original_class(run->stream, k);
    return same ? MN_OK
                : mn_fail(MN_BAD_OPTION,
                          "%s: its classes, or their order, are not those of %s; train a judge on "
                          "the benchmark %s with the same order of classes",
                          mn_runfile_path(judge->file), mn_runfile_path(run->file),
                          run->experiment->benchmark);
}

/* --- classes --- */

typedef struct judged {
    mn_judged_class class;
    mn_judge_images made;
} judged;

typedef struct judging {
    mn_rebuilt run, judge;
    int64_t width; /* of the judge's features */
    judged *classes;
    int64_t count, room;
} judging;

static mn_status add_class(judging *j, int64_t after_task, int32_t label)
{
    if (j->count == j->room) {
        const int64_t room = j->room > 0 ? 2 * j->room : 32;
        judged *larger = mn_memory_resize(j->classes, (size_t)room, sizeof *larger);
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
    const size_t bytes = mn_judge_row_bytes(&j->run);
    if (sample->bytes != bytes || sample->label < 0 ||
        sample->label >= mn_stream_classes(j->run.stream) || sample->after_task < 0 ||
        sample->after_task >= mn_stream_tasks(j->run.stream))
        return mn_fail(MN_CORRUPT, "%s: a sample of class %d is none of this run's",
                       mn_runfile_path(j->run.file), (int)sample->label);
    const judged *last = j->count > 0 ? &j->classes[j->count - 1] : NULL;
    if (last == NULL || last->class.label != sample->label ||
        last->class.after_task != sample->after_task)
        MN_TRY(add_class(j, sample->after_task, sample->label));
    return mn_judge_add_image(&j->classes[j->count - 1].made, sample->image, bytes);
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

/* Classes first to before last: one label's, after several tasks. */
static mn_status judge_label(judging *j, int64_t first, int64_t last)
{
    const int32_t label = j->classes[first].class.label;
    mn_judge_view view = {.label = label,
                          .classes = mn_stream_classes(j->run.stream),
                          .width = j->width,
                          .pixels = mn_judge_pixels(&j->run)};
    mn_judge_images train = {0}, real = {0};
    mn_status status = mn_judge_collect_train(&j->run, label, &train);
    if (status == MN_OK)
        status = mn_judge_collect_real(&j->run, &j->judge, label, &real);
    if (status == MN_OK && (train.count == 0 || real.count == 0))
        status = mn_fail(MN_UNSUPPORTED,
                         "%s: class %d has no images that neither it nor the judge was trained on; "
                         "give the judge the run's validation",
                         mn_runfile_path(j->run.file), (int)label);
    if (status == MN_OK)
        status = mn_judge_look(&j->judge, j->width, &train);
    if (status == MN_OK)
        status = mn_judge_look(&j->judge, j->width, &real);
    for (judged *c = j->classes + first; c < j->classes + last && status == MN_OK; c++) {
        status = mn_judge_look(&j->judge, j->width, &c->made);
        if (status != MN_OK)
            break;
        view.seen = seen_after(j, c->class.after_task);
        c->class.made = mn_judge_measure(&view, &c->made, &train);
        c->class.real = mn_judge_measure(&view, &real, &train);
    }
    mn_judge_free_images(&train);
    mn_judge_free_images(&real);
    return status;
}

static int order(int64_t a, int64_t b, int64_t then_a, int64_t then_b)
{
    return a != b ? (a < b ? -1 : 1) : then_a < then_b ? -1 : then_a > then_b;
}

static int by_label(const void *a, const void *b)
{
    const mn_judged_class *x = &((const judged *)a)->class, *y = &((const judged *)b)->class;
    return order(x->label, y->label, x->after_task, y->after_task);
}

static int by_task(const void *a, const void *b)
{
    const mn_judged_class *x = &((const judged *)a)->class, *y = &((const judged *)b)->class;
    return order(x->after_task, y->after_task, x->label, y->label);
}

static mn_status judge_all(judging *j)
{
    MN_TRY(check_pair(&j->run, &j->judge));
    MN_TRY(mn_runfile_read_samples(j->run.file, take_sample, j));
    if (j->count == 0)
        return mn_fail(MN_NOT_FOUND, "%s: the run has kept no images of a generator",
                       mn_runfile_path(j->run.file));
    MN_TRY(add_missing(j));
    j->width = mn_network_features(mn_learner_network(j->judge.learner));
    if (j->width == 0)
        return mn_fail(MN_UNSUPPORTED, "%s: the network has no features to compare images by",
                       mn_runfile_path(j->judge.file));
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

static mn_status copy_classes(const judging *j, mn_judged_class **classes, int64_t *count)
{
    *classes = mn_memory_take((size_t)j->count, sizeof **classes);
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
    mn_status status = open_run(path, MN_REBUILT_DATA, &j.run);
    if (status == MN_OK)
        status = open_judge(judge, &j.judge);
    if (status == MN_OK)
        status = judge_all(&j);
    if (status == MN_OK)
        status = copy_classes(&j, classes, count);
    for (int64_t i = 0; i < j.count; i++)
        mn_judge_free_images(&j.classes[i].made);
    mn_memory_give(j.classes);
    (void)mn_rebuilt_close(&j.judge); /* read only */
    (void)mn_rebuilt_close(&j.run);
    return status;
}
