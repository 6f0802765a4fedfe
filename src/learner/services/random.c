/* random.c -- services that bring random numbers onto a tape. */
#include "learner/services/random.h"
#include "learner/learner.h"

#include <mneme/memory.h>
#include <stdio.h>

static mn_key fixed_key(const mn_learner *learner, const char *kind, const char *name)
{
    char purpose[160];
    snprintf(purpose, sizeof purpose, "%s.%s/%s", kind, mn_learner_current_name(learner), name);
    return mn_key_of((uint64_t)learner->settings->seed, purpose);
}

mn_key mn_learner_key(const mn_learner *learner, const char *kind, const char *name)
{
    return mn_key_at(fixed_key(learner, kind, name), (uint64_t)learner->cursor.step);
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
