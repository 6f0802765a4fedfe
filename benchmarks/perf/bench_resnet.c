/* bench_resnet.c -- one training step of a network on 32x32 images:
 *
 *   bench_resnet NETWORK BATCH THREADS STEPS [profile]
 *
 * Prints the milliseconds of the median and of the fastest step; the first three, which plan and
 * allocate, do not count.  resnet_torch.py prints the same for PyTorch. */
#include "autograd/profile.h"
#include <mneme/network.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP = 3, MOST_STEPS = 1000, MOST_BATCH = 512, PIXELS = 3 * 32 * 32 };

static float images[MOST_BATCH * PIXELS];
static int32_t labels[MOST_BATCH];
static double seconds[MOST_STEPS];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fail(void)
{
    fprintf(stderr, "bench_resnet: %s\n", mn_error());
    exit(1);
}

static mn_status step(mn_network *network, mn_optimiser *optimiser, mn_tape *tape, int64_t batch,
                      mn_profile *profile)
{
    const double begun = now();
    mn_tape_reset(tape);
    MN_TRY(mn_network_zero_gradients(network));
    mn_var *x = mn_input(tape, MN_SHAPE(batch, 3, 32, 32), images, false);
    const double ready = now();
    mn_var *logits = mn_network_forward(network, x, MN_TRAIN).logits;
    MN_TRY(mn_backward(mn_cross_entropy(logits, labels)));
    const double swept = now();
    MN_TRY(mn_optimiser_step(optimiser, 0.01));
    mn_profile_add(profile, "input and zeroing", ready - begun);
    mn_profile_add(profile, "optimiser", now() - swept);
    return MN_OK;
}

static double seconds_of(const mn_profile_row *row)
{
    return row->forward_seconds + row->backward_seconds;
}

static void print(const mn_profile *profile, int64_t steps)
{
    double convolutions = 0;
    for (int i = 0; i < profile->count; i++)
        if (strcmp(profile->rows[i].op, "conv2d") == 0)
            convolutions += seconds_of(&profile->rows[i]);
    printf("convolutions %.1f ms, all else %.1f ms: %.1f %%\n", 1e3 * convolutions / (double)steps,
           1e3 * (profile->seconds - convolutions) / (double)steps,
           100 * (1 - convolutions / profile->seconds));
    for (int i = 0; i < profile->count; i++) {
        const mn_profile_row *row = &profile->rows[i];
        const char *name = row->parameter != NULL ? row->parameter : "";
        printf("%-22s %-30s %7.3f %7.3f ms\n", row->op, name,
               1e3 * row->forward_seconds / (double)steps,
               1e3 * row->backward_seconds / (double)steps);
    }
}

int main(int argc, char **argv)
{
    const bool profiled = argc == 6 && strcmp(argv[5], "profile") == 0;
    if (argc != 5 && !profiled) {
        fprintf(stderr, "usage: bench_resnet NETWORK BATCH THREADS STEPS [profile]\n");
        return 2;
    }
    const int64_t batch = atoi(argv[2]), steps = atoi(argv[4]);
    if (batch < 1 || batch > MOST_BATCH || steps < 1 || steps > MOST_STEPS)
        return 2;
    omp_set_num_threads(atoi(argv[3]));
    for (int64_t i = 0; i < batch * PIXELS; i++)
        images[i] = (float)mn_random_normal(mn_key_of(1, "pixels"), (uint64_t)i);
    for (int64_t i = 0; i < batch; i++)
        labels[i] = (int32_t)(i % 10);
    const mn_network_spec spec = {argv[1], NULL, MN_SHAPE(3, 32, 32), 10};
    mn_network *network;
    mn_optimiser *optimiser;
    mn_tape *tape;
    if (mn_network_new(&spec, mn_key_of(1, "weights"), &network) != MN_OK ||
        mn_optimiser_new("sgd", NULL, network, &optimiser) != MN_OK || mn_tape_new(&tape) != MN_OK)
        fail();
    mn_profile profile = {0};
    if (profiled)
        mn_tape_profile(tape, &profile);
    for (int64_t i = -WARM_UP; i < steps; i++) {
        if (i == 0)
            mn_profile_clear(&profile);
        const double before = now();
        if (step(network, optimiser, tape, batch, &profile) != MN_OK)
            fail();
        if (i >= 0)
            seconds[i] = now() - before;
    }
    qsort(seconds, (size_t)steps, sizeof *seconds, ascending);
    printf("mneme %s batch %d: median %.1f ms, fastest %.1f ms\n", argv[1], (int)batch,
           1e3 * seconds[steps / 2], 1e3 * seconds[0]);
    if (profiled)
        print(&profile, steps);
    mn_profile_free(&profile);
    mn_tape_free(tape);
    mn_optimiser_free(optimiser);
    mn_network_free(network);
    return 0;
}
