/* bench_resnet.c -- one step of a network on 32x32 images:
 *
 *   bench_resnet NETWORK BATCH THREADS STEPS [train|rehearse|evaluate [f32|bf16 [profile]]]
 *
 * train: forward, backward and SGD step; rehearse: the same with three forwards, as DER++ has them;
 * evaluate: a forward without gradients.  Prints the milliseconds of the median and of the fastest
 * step; the first three, which plan and allocate, do not count.  resnet_torch.py prints the same
 * for PyTorch. */
#include "autograd/profile.h"
#include "tensor/tensor.h"
#include <mneme/network.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

typedef struct bench {
    mn_network *network;
    mn_optimiser *optimiser;
    mn_tape *tape;
    mn_profile profile;
    int64_t batch;
} bench;

static mn_var *logits_of(const bench *b, mn_mode mode)
{
    mn_var *x = mn_input(b->tape, MN_SHAPE(b->batch, 3, 32, 32), images, false);
    return mn_network_forward(b->network, x, mode).logits;
}

static mn_var *training_loss(const bench *b)
{
    return mn_cross_entropy(logits_of(b, MN_TRAIN), labels);
}

/* Three forwards, as in DER++: the stream's batch and two of the buffer. */
static mn_var *rehearsal_loss(const bench *b)
{
    mn_var *loss = training_loss(b);
    mn_var *kept = mn_zeros(b->tape, MN_SHAPE(b->batch, 10));
    loss = mn_axpby(1, loss, 0.3, mn_mse(logits_of(b, MN_TRAIN), kept));
    return mn_axpby(1, loss, 0.3, training_loss(b));
}

static mn_status train(bench *b, mn_var *(*loss)(const bench *))
{
    const double begun = now();
    mn_tape_reset(b->tape);
    MN_TRY(mn_network_zero_gradients(b->network));
    mn_profile_add(&b->profile, "zeroing", now() - begun);
    MN_TRY(mn_backward(loss(b)));
    const double swept = now();
    MN_TRY(mn_optimiser_step(b->optimiser, 0.01));
    mn_profile_add(&b->profile, "optimiser", now() - swept);
    return MN_OK;
}

static mn_status step(bench *b, const char *work)
{
    if (strcmp(work, "train") == 0)
        return train(b, training_loss);
    if (strcmp(work, "rehearse") == 0)
        return train(b, rehearsal_loss);
    mn_tape_reset(b->tape);
    mn_tape_record(b->tape, false);
    logits_of(b, MN_EVAL | MN_NO_GRADIENT);
    return mn_tape_status(b->tape);
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

static void open_bench(bench *b, const char *network, mn_dtype precision)
{
    const mn_network_spec spec = {network, NULL, MN_SHAPE(3, 32, 32), 10};
    for (int64_t i = 0; i < b->batch * PIXELS; i++)
        images[i] = (float)mn_random_normal(mn_key_of(1, "pixels"), (uint64_t)i);
    for (int64_t i = 0; i < b->batch; i++)
        labels[i] = (int32_t)(i % 10);
    if (mn_network_new(&spec, mn_key_of(1, "weights"), &b->network) != MN_OK ||
        mn_optimiser_new("sgd", NULL, b->network, &b->optimiser) != MN_OK ||
        mn_tape_new(&b->tape) != MN_OK || mn_tape_precision(b->tape, precision) != MN_OK)
        fail();
}

static void close_bench(bench *b)
{
    mn_profile_free(&b->profile);
    mn_tape_free(b->tape);
    mn_optimiser_free(b->optimiser);
    mn_network_free(b->network);
}

static void measure(bench *b, const char *work, int64_t steps)
{
    for (int64_t i = -WARM_UP; i < steps; i++) {
        if (i == 0)
            mn_profile_clear(&b->profile);
        const double before = now();
        if (step(b, work) != MN_OK)
            fail();
        if (i >= 0)
            seconds[i] = now() - before;
    }
    qsort(seconds, (size_t)steps, sizeof *seconds, ascending);
}

int main(int argc, char **argv)
{
    const char *work = argc > 5 ? argv[5] : "train";
    const mn_dtype precision = argc > 6 && strcmp(argv[6], "bf16") == 0 ? MN_BF16 : MN_F32;
    const bool profiled = argc == 8 && strcmp(argv[7], "profile") == 0;
    if (argc < 5 || argc > 8 || (argc == 8 && !profiled)) {
        fprintf(stderr, "usage: bench_resnet NETWORK BATCH THREADS STEPS "
                        "[train|rehearse|evaluate [f32|bf16 [profile]]]\n");
        return 2;
    }
    bench b = {.batch = atoi(argv[2])};
    const int64_t steps = atoi(argv[4]);
    if (b.batch < 1 || b.batch > MOST_BATCH || steps < 1 || steps > MOST_STEPS)
        return 2;
    omp_set_num_threads(atoi(argv[3]));
    open_bench(&b, argv[1], precision);
    if (profiled)
        mn_tape_profile(b.tape, &b.profile);
    measure(&b, work, steps);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("mneme %s %s %s batch %d: median %.1f ms, fastest %.1f ms, peak %ld MB\n",
           mn_dtype_text(precision), work, argv[1], (int)b.batch, 1e3 * seconds[steps / 2],
           1e3 * seconds[0], usage.ru_maxrss / 1024);
    if (profiled)
        print(&b.profile, steps);
    close_bench(&b);
    return 0;
}
