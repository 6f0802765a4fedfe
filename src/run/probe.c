/* probe.c -- how well a strategy's other classifiers tell unlabelled training images apart.
 *
 * The truth about unlabelled images is in the data set, and stays here: a strategy is asked for
 * scores of images whose labels and tasks are hidden, and only the run file is told how good they
 * are.  Earlier tasks' images are looked at again, which no method could do for itself. */
#include "run/probe.h"
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "learner/scoring.h"
#include "store/records.h"

#include <mneme/memory.h>
#include <mneme/stream.h>

static mn_status count_batch(mn_learner *learner, const mn_probe *probe, const mn_batch *batch,
                             const int32_t *unknown, mn_tally *tallies)
{
    const int64_t classes = mn_stream_classes(learner->stream);
    const mn_range seen = mn_classes(learner, MN_SEEN);
    const mn_batch question = mn_evaluation_batch(learner, batch, unknown);
    mn_learner_begin_step(learner);
    learner->current = 0;
    mn_var *scores = probe->scores(learner, learner->tape, &question);
    const float *host = NULL; /* (B, classes) */
    mn_status status = mn_learner_check(learner);
    if (status == MN_OK)
        status = mn_values(scores, &host);
    if (status != MN_OK)
        return mn_fail_in(status, "probe %s", probe->name);
    for (int64_t i = 0; i < batch->count; i++) {
        if (batch->labels[i] >= 0)
            continue;
        const int64_t label =
            mn_stream_true_label(learner->stream, MN_PART_POOL, batch->indices[i]);
        const mn_task_info task = mn_stream_task(learner->stream, batch->tasks[i]);
        mn_tally_add(&tallies[label], host + i * classes, label, task, seen.count);
    }
    return MN_OK;
}

static mn_status note(mn_learner *learner, mn_runfile *file, const mn_probe *probe,
                      const mn_tally *tallies)
{
    const mn_range seen = mn_classes(learner, MN_SEEN);
    for (int64_t label = 0; label < seen.count; label++) {
        const mn_tally *t = &tallies[label];
        if (t->total == 0)
            continue;
        const struct {
            const char *scope;
            int64_t right;
        } scopes[] = {{"class-il", t->seen}, {"task-il", t->within}};
        for (int i = 0; i < 2; i++) {
            const mn_probe_count count = {.classifier = probe->name,
                                          .scope = scopes[i].scope,
                                          .label = label,
                                          .after_task = learner->cursor.task,
                                          .correct = scopes[i].right,
                                          .total = t->total};
            MN_TRY(mn_runfile_add_probe(file, &count));
        }
    }
    return MN_OK;
}

static mn_status ask(mn_learner *learner, mn_runfile *file, mn_loader *loader,
                     const mn_probe *probe, const int32_t *unknown, mn_tally *tallies)
{
    for (int64_t c = 0; c < mn_stream_classes(learner->stream); c++)
        tallies[c] = (mn_tally){0, 0, 0};
    for (int64_t i = 0; i < mn_loader_batches(loader); i++) {
        const mn_batch *batch;
        MN_TRY(mn_loader_batch(loader, i, &batch));
        MN_TRY(count_batch(learner, probe, batch, unknown, tallies));
    }
    return note(learner, file, probe, tallies);
}

mn_status mn_probe_unlabelled(mn_learner *learner, mn_runfile *file)
{
    const mn_probe *probe = learner->member[0].strategy->probes;
    const int64_t task = learner->cursor.task, rows = learner->settings->eval_batch;
    if (probe == NULL || !mn_stream_class_incremental(learner->stream))
        return MN_OK;
    int32_t *unknown = mn_memory_take((size_t)rows, sizeof *unknown);
    mn_tally *tallies = mn_memory_take((size_t)mn_stream_classes(learner->stream), sizeof *tallies);
    mn_loader *loader = NULL;
    mn_status status = MN_NO_MEMORY;
    if (unknown != NULL && tallies != NULL)
        status =
            mn_loader_new(learner->stream, MN_PART_POOL, 0, task, rows, &learner->plain, &loader);
    else
        (void)mn_fail(status, "out of memory for a probe");
    for (int64_t i = 0; status == MN_OK && i < rows; i++)
        unknown[i] = -1;
    mn_tape_record(learner->tape, false);
    for (; status == MN_OK && probe->name != NULL; probe++)
        status = ask(learner, file, loader, probe, unknown, tallies);
    mn_tape_record(learner->tape, true);
    mn_learner_begin_step(learner);
    mn_loader_free(loader);
    mn_memory_give(tallies);
    mn_memory_give(unknown);
    return status;
}
