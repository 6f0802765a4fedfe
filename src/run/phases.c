/* phases.c -- the phases of a task, in order, and how long they are. */
#include "run/phases.h"
#include "experiment/checks.h"

#include <mneme/stream.h>

static const mn_phase train_phase[] = {{.name = "train"}, {.name = NULL}};
static const mn_phase no_phase[] = {{.name = NULL}};

/* The parts of a task, each of which takes all members in turn. */
enum { BEFORE, UP_TO_SELECTION, FILLING, BEHIND_SELECTION, PARTS };

static const mn_phase *usual_phases(const mn_learner *learner, int member)
{
    const mn_phase *phases = learner->member[member].strategy->phases;
    return phases != NULL ? phases : member == 0 ? train_phase : no_phase;
}

/* How many phases of the base come before the buffer is selected, or filled. */
static int64_t up_to_selection(const mn_phase *base)
{
    int64_t count = 0;
    while (base[count].name != NULL && !base[count].after_selection)
        count++;
    return count;
}

static const mn_phase *phases_of(const mn_learner *learner, int member, int part, int64_t *most)
{
    const mn_strategy *strategy = learner->member[member].strategy;
    const mn_phase *usual = usual_phases(learner, member), *phases = no_phase;
    *most = INT64_MAX;
    if (part == BEFORE)
        phases = strategy->phases_before;
    else if (part == FILLING)
        phases = strategy->phases_filling;
    else if (part == BEHIND_SELECTION)
        phases = usual + (member == 0 ? up_to_selection(usual) : 0);
    else if (member == 0) {
        *most = up_to_selection(usual);
        phases = usual;
    }
    return phases != NULL ? phases : no_phase;
}

const mn_phase *mn_phase_at(const mn_learner *learner, int64_t i, int *member)
{
    for (int part = 0; part < PARTS; part++)
        for (*member = 0; *member < learner->members; ++*member) {
            int64_t most;
            const mn_phase *phase = phases_of(learner, *member, part, &most);
            for (; phase->name != NULL && most > 0; phase++, most--)
                if (i-- == 0)
                    return phase;
        }
    return NULL;
}

int mn_phase_count(const mn_learner *learner)
{
    int count = 0, member;
    while (mn_phase_at(learner, count, &member) != NULL)
        count++;
    return count;
}

bool mn_phase_selects(const mn_learner *learner, int64_t phase)
{
    int member;
    const mn_phase *at;
    for (int64_t i = 0; i <= phase && (at = mn_phase_at(learner, i, &member)) != NULL; i++)
        if (at->after_selection)
            return i == phase;
    return false;
}

bool mn_phases_select(const mn_learner *learner)
{
    for (int i = 0; i < mn_phase_count(learner); i++)
        if (mn_phase_selects(learner, i))
            return true;
    return false;
}

/* The first task may have a number of its own. */
static int64_t epochs_of_task(const mn_learner *learner, int64_t task)
{
    const mn_run_settings *settings = learner->settings;
    return task == 0 && settings->first_epochs > 0 ? settings->first_epochs : settings->epochs;
}

int64_t mn_phase_length(mn_learner *learner, const mn_phase *phase)
{
    if (phase->steps != NULL)
        return phase->steps(learner);
    const int64_t asked = phase->epochs != NULL ? phase->epochs(learner) : MN_USUAL_EPOCHS;
    if (asked != MN_USUAL_EPOCHS)
        return asked;
    if (phase->visit != NULL)
        return 1;
    return learner->settings->steps > 0 ? MN_LENGTH_OF_RUN
                                        : epochs_of_task(learner, learner->cursor.task);
}

bool mn_phase_counts_steps(const mn_learner *learner, const mn_phase *phase)
{
    return phase->steps != NULL || learner->cursor.length == MN_LENGTH_OF_RUN;
}

/* Steps of a phase of a task; 0: only known on entry. */
static int64_t steps_of_phase(const mn_learner *learner, const mn_phase *phase, int64_t task)
{
    const mn_run_settings *settings = learner->settings;
    if (phase->epochs != NULL || phase->steps != NULL)
        return 0;
    if (phase->visit == NULL && settings->steps > 0)
        return settings->steps;
    const int64_t first = phase->source == MN_FROM_SEEN ? 0 : task;
    int64_t images = 0;
    const bool streams = phase->source <= MN_FROM_SEEN || phase->source == MN_FROM_BOTH;
    for (int64_t j = first; j <= task && streams; j++)
        images += mn_stream_task(learner->stream, j).train;
    return (phase->visit != NULL ? 1 : epochs_of_task(learner, task)) *
           ((images + settings->batch - 1) / settings->batch);
}

static int64_t steps_of_task(const mn_learner *learner, int64_t task)
{
    int member;
    const mn_phase *phase;
    int64_t steps = 0;
    for (int64_t i = 0; (phase = mn_phase_at(learner, i, &member)) != NULL; i++)
        steps += steps_of_phase(learner, phase, task);
    return steps;
}

mn_status mn_phases_check_schedule(const mn_learner *learner)
{
    int member;
    const mn_phase *phase;
    int64_t longest = 0;
    for (int64_t task = 0; task < mn_stream_tasks(learner->stream); task++)
        for (int64_t i = 0; (phase = mn_phase_at(learner, i, &member)) != NULL; i++) {
            const int64_t steps = phase->visit == NULL ? steps_of_phase(learner, phase, task) : 0;
            longest = steps > longest ? steps : longest;
        }
    return longest > 0 ? mn_experiment_check_warm_up(learner->experiment, longest) : MN_OK;
}

mn_status mn_phases_check_cursor(const mn_learner *learner)
{
    const mn_cursor *cursor = &learner->cursor;
    const int64_t tasks = mn_stream_tasks(learner->stream);
    const int phases = mn_phase_count(learner);
    const bool between = cursor->task >= 0 && cursor->task <= tasks &&
                         (cursor->stage == MN_STAGE_DONE) == (cursor->task == tasks);
    const bool inside =
        cursor->stage != MN_STAGE_PHASE || (cursor->phase >= 0 && cursor->phase < phases);
    return between && inside ? MN_OK
                             : mn_fail(MN_CORRUPT,
                                       "the cursor stands at task %lld of %lld, stage %lld, phase "
                                       "%lld of %d, where this run cannot be",
                                       (long long)cursor->task, (long long)tasks,
                                       (long long)cursor->stage, (long long)cursor->phase, phases);
}

int64_t mn_phases_total_steps(const mn_learner *learner)
{
    int64_t steps = 0;
    for (int64_t task = 0; task < mn_stream_tasks(learner->stream); task++)
        steps += steps_of_task(learner, task);
    const int64_t done = learner->cursor.step;
    return steps > done ? steps : done;
}
