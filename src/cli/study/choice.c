/* choice.c -- the best of a grid, by its runs on images held out of the training images.
 *
 * The choice is kept nowhere: it follows from the candidates' run files, which are.  A run file
 * says which images it was evaluated on; the manifest's reader gives candidates held-out images
 * alone. */
#include "cli/study/choice.h"
#include "cli/complain.h"
#include "cli/study/finding.h"

#include <math.h>
#include <string.h>

static mn_status value_of(const mn_manifest *manifest, const mn_arm *arm, const char *folder,
                          mn_finding *finding)
{
    const mn_choice *choice = &manifest->choice;
    const mn_expectation value = {choice->metric, choice->scope, -1, -HUGE_VAL, HUGE_VAL, 0};
    return mn_finding_of(manifest, arm, &value, folder, 0, finding);
}

static void say_open(const mn_arm *arm, const mn_arm *candidate, const mn_finding *f)
{
    const char *who = candidate->name;
    if (f->standing == MN_OTHER)
        mn_complain("%s of %s: nothing is chosen: %s was run with another %s; choose another --out",
                    arm->name, arm->benchmark, who, f->since);
    else if (f->standing == MN_NO_VALUE)
        mn_complain("%s of %s: nothing is chosen: %lld of %lld runs of %s have the metric; choose "
                    "by another",
                    arm->name, arm->benchmark, (long long)f->summary.n, (long long)f->wanted, who);
    else
        mn_complain("%s of %s: nothing is chosen: %lld of %lld runs of %s are finished; the same "
                    "command continues",
                    arm->name, arm->benchmark, (long long)f->finished, (long long)f->wanted, who);
}

static mn_status choose_for(mn_manifest *manifest, mn_arm *arm, const char *folder, bool complain)
{
    const int better = mn_metric_better(manifest->choice.metric);
    double highest = -HUGE_VAL;
    int best = -1;
    for (int i = arm->first; i < arm->first + arm->candidates; i++) {
        mn_finding f;
        MN_TRY(value_of(manifest, &manifest->arm[i], folder, &f));
        if (f.standing != MN_MET) {
            if (complain)
                say_open(arm, &manifest->arm[i], &f);
            return MN_OK;
        }
        if (better * f.summary.mean > highest) {
            highest = better * f.summary.mean;
            best = i;
        }
    }
    if (best >= 0)
        mn_manifest_settle(manifest, arm, best);
    return MN_OK;
}

mn_status mn_choose(mn_manifest *manifest, const char *folder, bool complain, bool *all)
{
    *all = true;
    for (int i = 0; i < manifest->count; i++) {
        mn_arm *arm = &manifest->arm[i];
        if (!arm->chosen || arm->candidates == 0)
            continue;
        if (arm->best < 0)
            MN_TRY(choose_for(manifest, arm, folder, complain));
        *all &= arm->best >= 0;
    }
    return MN_OK;
}
