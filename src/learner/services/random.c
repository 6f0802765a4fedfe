/* random.c -- services that draw random numbers, most of them onto a tape. */
#include "learner/services/random.h"
#include "autograd/memory.h"
#include "learner/learner.h"

#include <mneme/memory.h>
#include <stdio.h>

static mn_key fixed_key(const mn_learner *learner, const char *kind, const char *name)
{
    char purpose[160];
    snprintf(purpose, sizeof purpose, "%s.%s/%s", kind, mn_learner_current_name(learner), name);
    return mn_key_of((uint64_t)learner->settings->seed, purpose);
}

/* Who trains in a phase knows its updates apart, and names what each draws.  Whoever adds to
 * another's phase is called in each of them, and has numbers of its own for each: from the second
 * one on, so that most keys are as short as can be.  No step has so high a number. */
mn_key mn_learner_key(const mn_learner *learner, const char *kind, const char *name)
{
    const mn_key all = fixed_key(learner, kind, name);
    const bool again = learner->update > 0 && learner->current != learner->training;
    const mn_key key = again ? mn_key_at(all, UINT64_MAX - (uint64_t)learner->update) : all;
    return mn_key_at(key, (uint64_t)learner->cursor.step);
}

mn_key mn_learner_draw_key(mn_learner *learner, const char *kind, const char *name, int64_t task)
{
    const mn_key all = mn_learner_key(learner, kind, name);
    const mn_key key = task > 0 ? mn_key_at(all, (uint64_t)task) : all;
    for (int i = 0; i < learner->draws; i++)
        if (learner->draw[i].word[0] == key.word[0] && learner->draw[i].word[1] == key.word[1])
            mn_learner_remember_failure(
                learner, mn_fail(MN_OUT_OF_ORDER,
                                 "'%s' is drawn twice in one step, which gives the same rows; use "
                                 "the first batch again, or another name",
                                 name));
    if (learner->draws < MN_MOST_SPACES)
        learner->draw[learner->draws++] = key;
    return all;
}

mn_key mn_strategy_key(const mn_learner *learner, const char *name)
{
    return mn_learner_key(learner, "strategy", name);
}

typedef double random_number(mn_key key, uint64_t counter);

static mn_var *random_numbers(mn_learner *learner, mn_tape *tape, mn_key key, random_number *number,
                              mn_shape shape)
{
    const int64_t count = mn_shape_count(shape);
    float *numbers = mn_memory_take((size_t)count, sizeof *numbers);
    if (numbers == NULL) {
        mn_learner_remember_failure(learner,
                                    mn_fail(MN_NO_MEMORY, "out of memory for random numbers"));
        return mn_zeros(tape, shape);
    }
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)number(key, (uint64_t)i);
    mn_var *made = mn_input(tape, shape, numbers, false);
    mn_memory_give(numbers);
    return made;
}

mn_var *mn_noise(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape)
{
    return random_numbers(learner, tape, mn_learner_key(learner, "noise", name), mn_random_normal,
                          shape);
}

mn_var *mn_fixed_noise(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape)
{
    return random_numbers(learner, tape, fixed_key(learner, "fixed-noise", name), mn_random_normal,
                          shape);
}

mn_var *mn_uniform(mn_learner *learner, mn_tape *tape, const char *name, mn_shape shape)
{
    return random_numbers(learner, tape, mn_learner_key(learner, "uniform", name),
                          mn_random_uniform, shape);
}

const int64_t *mn_draw_int(mn_learner *learner, const char *name, int64_t bound, int64_t count)
{
    const mn_key key = mn_learner_key(learner, "draw-int", name);
    if (bound < 1 || count < 0) {
        mn_learner_remember_failure(
            learner,
            mn_fail(MN_BAD_VALUE, "'%s': %lld numbers below %lld; expected a bound of 1 or more",
                    name, (long long)count, (long long)bound));
        return NULL;
    }
    int64_t *numbers = mn_tape_take(learner->tape, (size_t)(count + 1) * sizeof *numbers);
    for (int64_t i = 0; i < count && numbers != NULL; i++)
        numbers[i] = mn_random_below(key, (uint64_t)i, bound);
    return numbers;
}
