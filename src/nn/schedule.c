/* schedule.c -- learning-rate factors as pure functions of the position in a phase.
 *
 * With e the epoch, s the step of S, w the steps of warm-up, f the factor, l the least:
 *
 *   constant    1
 *   step        f^floor(e / every)
 *   multistep   f^(milestones that are <= e)
 *   cosine      l + (1 - l) (1 + cos(pi (s - w) / (S - w))) / 2     (Loshchilov and Hutter 2017)
 *
 * In the first w steps the schedule's own factor is multiplied by b + (1 - b) (s + 1) / w, b the
 * start: the first step is one notch above it, because a step at a rate of zero would be lost.
 * Steps and cosine are counted without state, so a resumed run asks the same question and gets the
 * same bits. */
#include <math.h>
#include <mneme/optimiser.h>

static double power(double factor, int64_t times)
{
    return times == 0 ? 1 : pow(factor, (double)times);
}

static int64_t milestones_passed(const mn_schedule *schedule, int64_t epoch)
{
    int64_t passed = 0;
    for (int i = 0; i < MN_SCHEDULE_MILESTONES && schedule->milestones[i] > 0; i++)
        passed += schedule->milestones[i] <= epoch;
    return passed;
}

static double cosine(double least, int64_t step, int64_t steps)
{
    const double pi = 3.14159265358979323846;
    if (step <= 0)
        return 1;
    if (step >= steps)
        return least;
    return least + (1 - least) * (1 + cos(pi * (double)step / (double)steps)) / 2;
}

double mn_schedule_factor(const mn_schedule *schedule, int64_t step, int64_t steps, int64_t epoch,
                          int64_t epochs)
{
    (void)epochs; /* cosine counts steps, so that short phases are smooth too */
    const int64_t warm_up = schedule->warm_up > 0 ? schedule->warm_up : 0;
    double factor = 1;
    switch (schedule->kind) {
    case MN_CONSTANT:
    case MN_PLATEAU: break;
    case MN_STEP:
        if (schedule->every > 0)
            factor = power(schedule->factor, epoch / schedule->every);
        break;
    case MN_MULTISTEP: factor = power(schedule->factor, milestones_passed(schedule, epoch)); break;
    case MN_COSINE: factor = cosine(schedule->least, step - warm_up, steps - warm_up); break;
    }
    const double start = schedule->start;
    return step < warm_up ? factor * (start + (1 - start) * ((double)(step + 1) / (double)warm_up))
                          : factor;
}
