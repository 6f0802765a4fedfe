/* inside.c -- whole runs of a strategy that a test has written. */
#include "tests/learner/inside.h"
#include "base/registry.h"
#include "tests/suite.h"
#include "tests/uses/uses.h"

#include <stdio.h>
#include <unistd.h>

int inside_asked;
char inside_path[600];
const test_setting inside_few[2] = {{"dataset.train_per_class", "20"}, {NULL, NULL}};

void inside_begin(const char *folder)
{
    test_register_uses();
    snprintf(inside_path, sizeof inside_path, "%s/run.mneme", test_folder(folder));
    inside_asked = 0;
}

void inside_end(const char *folder)
{
    test_remove(inside_path);
    (void)rmdir(test_folder(folder));
}

void inside_run(const mn_strategy *strategy, const char *strategies, const test_setting *settings)
{
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, strategy));
    test_run("split-synthetic", strategies, settings, inside_path);
}

void inside_refused(const mn_strategy *strategy, const char *strategies, mn_status status,
                    const char *why)
{
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, strategy));
    mn_experiment *experiment = test_experiment("split-synthetic", strategies, inside_few);
    test_remove(inside_path);
    ck_assert_fails(mn_experiment_run(experiment, inside_path, NULL), status, why);
    mn_experiment_free(experiment);
}

mn_status inside_plain_loss(mn_learner *learner, const mn_batch *now)
{
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

mn_status inside_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    return inside_plain_loss(learner, now);
}
