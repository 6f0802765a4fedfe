/* bench_step.c -- the milliseconds of one step, as JSON:
 *
 *   bench_step WORK NETWORK CxHxW BATCH THREADS STEPS f32|bf16 [profile]
 *
 * WORK is sgd (forward, backward, SGD step), derpp (the three passes of DER++: stream, logits and
 * labels of remembered rows) or evaluate (forward alone, statistics fixed).  NETWORK is a built-in
 * network, mobilenet-v2-imagenet (its stem for images of ImageNet), or vit-tiny, the transformer of
 * tests/nn with patches of 4 pixels, 6 blocks of width 192 and 3 heads.  The first steps plan and
 * allocate; they do not count.  step_torch.py prints the same for PyTorch.  With `profile`, what
 * each op took and had to do comes first. */
#include "autograd/backward.h"
#include "autograd/profile.h"
#include "bench.h"
#include "nn/network.h"
#include "tensor/tensor.h"
#include <mneme/losses.h>
#include <mneme/optimiser.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP = 3, MOST_STEPS = 100000, CLASSES = 10, DRAWS = 3 };
static const double ALPHA = 0.2, BETA = 0.5, RATE = 0.01;

typedef struct work {
    mn_network *network;
    mn_optimiser *optimiser;
    mn_tape *tape;
    mn_profile profile;
    mn_shape shape;  /* of a batch */
    float *images;   /* DRAWS batches */
    float *logits;   /* (B, CLASSES): what a buffer remembers */
    int32_t *labels; /* (B) */
} work;

typedef mn_status step_of(work *w);

static mn_var *logits_of(work *w, int64_t draw, mn_mode mode)
{
    const int64_t floats = mn_shape_count(w->shape);
    mn_var *x = mn_input(w->tape, w->shape, w->images + draw * floats, false);
    return mn_network_forward(w->network, x, mode).logits;
}

static void begin(work *w)
{
    mn_tape_reset(w->tape);
    mn_network_forget_gradients(w->network);
}

static mn_status descend(work *w)
{
    const double since = mn_bench_now();
    MN_TRY(mn_network_complete_gradients(w->network));
    MN_TRY(mn_optimiser_step(w->optimiser, RATE));
    mn_profile_add(&w->profile, "optimiser", mn_bench_now() - since);
    return MN_OK;
}

static mn_status sgd(work *w)
{
    begin(w);
    MN_TRY(mn_backward(mn_cross_entropy(logits_of(w, 0, MN_TRAIN), w->labels)));
    return descend(w);
}

static mn_status derpp(work *w) /* each term's backward at once, as the strategy does it */
{
    begin(w);
    MN_TRY(mn_backward_done(mn_cross_entropy(logits_of(w, 0, MN_TRAIN), w->labels)));
    mn_var *old = mn_input(w->tape, MN_SHAPE(w->shape.size[0], CLASSES), w->logits, false);
    MN_TRY(mn_backward_done(mn_scale(mn_mse(logits_of(w, 1, MN_TRAIN), old), ALPHA)));
    mn_var *logits = logits_of(w, 2, MN_TRAIN);
    MN_TRY(mn_backward(mn_scale(mn_cross_entropy(logits, w->labels), BETA)));
    return descend(w);
}

static mn_status evaluate(work *w)
{
    mn_tape_reset(w->tape);
    mn_tape_record(w->tape, false);
    return mn_host(logits_of(w, 0, MN_EVAL | MN_NO_GRADIENT)) != NULL ? MN_OK
                                                                      : mn_tape_status(w->tape);
}

static mn_status new_network(const char *name, mn_shape image, mn_network **network)
{
    mn_network_spec spec = {name, NULL, image, CLASSES};
    if (strcmp(name, "vit-tiny") == 0) {
        spec.type = "vit";
        spec.options = "{\"patch\": 4, \"depth\": 6}";
    }
    if (strcmp(name, "mobilenet-v2-imagenet") == 0) {
        spec.type = "mobilenet-v2";
        spec.options = "{\"stem\": \"imagenet\"}";
    }
    return mn_network_new(&spec, mn_key_of(1, "weights"), network);
}

static mn_status prepare(work *w, const char *network, mn_shape image, int64_t batch,
                         mn_dtype precision)
{
    MN_TRY(new_network(network, image, &w->network));
    MN_TRY(mn_optimiser_new("sgd", NULL, w->network, &w->optimiser));
    MN_TRY(mn_tape_new(&w->tape));
    MN_TRY(mn_tape_precision(w->tape, precision));
    w->shape = image;
    w->shape.rank++;
    for (int axis = 0; axis < image.rank; axis++)
        w->shape.size[axis + 1] = image.size[axis];
    w->shape.size[0] = batch;
    const int64_t floats = DRAWS * mn_shape_count(w->shape);
    w->images = malloc((size_t)floats * sizeof *w->images);
    w->logits = calloc((size_t)(batch * CLASSES), sizeof *w->logits);
    w->labels = malloc((size_t)batch * sizeof *w->labels);
    if (w->images == NULL || w->logits == NULL || w->labels == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld images", (long long)batch);
    for (int64_t i = 0; i < floats; i++)
        w->images[i] = (float)mn_random_normal(mn_key_of(1, "pixels"), (uint64_t)i);
    for (int64_t i = 0; i < batch; i++)
        w->labels[i] = (int32_t)(i % CLASSES);
    return MN_OK;
}

static void release(work *w)
{
    free(w->labels);
    free(w->logits);
    free(w->images);
    mn_profile_free(&w->profile);
    mn_tape_free(w->tape);
    mn_optimiser_free(w->optimiser);
    mn_network_free(w->network);
}

/* A line of JSON for each op and layer, and then the steps' line. */
static void print_profile(const mn_profile *profile, int64_t steps)
{
    const double each = 1 / (double)steps;
    for (int i = 0; i < profile->count; i++) {
        const mn_profile_row *row = &profile->rows[i];
        printf("{\"op\": \"%s\", \"parameter\": \"%s\", \"forward_ms\": %.4f, "
               "\"backward_ms\": %.4f, \"gflop\": %.5f, \"gbyte\": %.6f}\n",
               row->op, row->parameter != NULL ? row->parameter : "",
               1e3 * row->forward_seconds * each, 1e3 * row->backward_seconds * each,
               1e-9 * row->operations * each, 1e-9 * row->bytes * each);
    }
}

static void measure(work *w, step_of *step, int64_t steps, bool profiled)
{
    static double seconds[MOST_STEPS];
    if (profiled)
        mn_tape_profile(w->tape, &w->profile);
    for (int64_t i = -WARM_UP; i < steps; i++) {
        if (i == 0)
            mn_profile_clear(&w->profile);
        const double before = mn_bench_now();
        mn_bench_demand(step(w));
        if (i >= 0)
            seconds[i] = mn_bench_now() - before;
    }
    mn_tape_profile(w->tape, NULL);
    if (profiled)
        print_profile(&w->profile, steps);
    mn_bench_print_steps(seconds, steps);
}

static step_of *step_named(const char *name)
{
    if (strcmp(name, "sgd") == 0)
        return sgd;
    if (strcmp(name, "derpp") == 0)
        return derpp;
    return strcmp(name, "evaluate") == 0 ? evaluate : NULL;
}

int main(int argc, char **argv)
{
    const bool profiled = argc == 9 && strcmp(argv[8], "profile") == 0;
    const mn_dtype precision = argc > 7 && strcmp(argv[7], "bf16") == 0 ? MN_BF16 : MN_F32;
    step_of *step = argc > 1 ? step_named(argv[1]) : NULL;
    int channels, height, width;
    if ((argc != 8 && !profiled) || step == NULL ||
        sscanf(argv[3], "%dx%dx%d", &channels, &height, &width) != 3) {
        fprintf(stderr, "usage: bench_step sgd|derpp|evaluate NETWORK CxHxW BATCH THREADS STEPS"
                        " f32|bf16 [profile]\n");
        return 2;
    }
    const int64_t batch = atoi(argv[4]), steps = atoi(argv[6]);
    if (batch < 1 || steps < 1 || steps > MOST_STEPS)
        return 2;
    omp_set_num_threads(atoi(argv[5]));
    work w = {0};
    mn_bench_demand(prepare(&w, argv[2], MN_SHAPE(channels, height, width), batch, precision));
    measure(&w, step, steps, profiled);
    release(&w);
    return 0;
}
