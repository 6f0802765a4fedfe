/* bench_ops.c -- the milliseconds of single ops, forward and backward, medians of the steps, a line
 * of JSON for each op and size:
 *
 *   bench_ops THREADS STEPS
 *
 * The shapes are those of transformers: images of a batch, rows of an image, width of a row.
 * ops_torch.py prints the same for PyTorch. */
#include "autograd/profile.h"
#include "autograd/sweep.h"
#include "bench.h"
#include "tensor/kernels.h"
#include <mneme/image_ops.h>
#include <mneme/ops.h>
#include <omp.h>
#include <string.h>

enum { INPUTS = 3, WARM_UP = 3, MOST_STEPS = 10000, HEADS = 3 };

typedef struct size {
    const char *name;
    int64_t batch, rows, width;
} size;

static const size sizes[] = {
    {"small", 8, 65, 192}, {"middle", 32, 65, 192}, {"large", 16, 197, 768}};

/* --- shapes of the inputs; a rank of -1: there is no such input --- */

static mn_shape none(const size *s)
{
    (void)s;
    return (mn_shape){.rank = -1};
}

static mn_shape rows(const size *s)
{
    return MN_SHAPE(s->batch, s->rows, s->width);
}

static mn_shape row(const size *s)
{
    return MN_SHAPE(s->width);
}

static mn_shape matrix(const size *s)
{
    return MN_SHAPE(s->batch * s->rows, s->width);
}

static mn_shape heads(const size *s)
{
    return MN_SHAPE(s->batch, s->rows, HEADS, s->width / HEADS);
}

static mn_shape queries(const size *s)
{
    return MN_SHAPE(s->batch * HEADS, s->rows, s->width / HEADS);
}

static mn_shape likeness(const size *s)
{
    return MN_SHAPE(s->batch * HEADS, s->rows, s->rows);
}

static mn_shape weight(const size *s)
{
    return MN_SHAPE(4 * s->width, s->width);
}

static mn_shape maps(const size *s)
{
    return MN_SHAPE(s->batch, s->width / 4, 14, 14);
}

static mn_shape images(const size *s)
{
    return MN_SHAPE(s->batch, 3, 64, s->width == 192 ? 32 : 224);
}

static mn_shape affine(const size *s)
{
    return MN_SHAPE(s->batch, 2, 3);
}

static mn_shape one_each(const size *s)
{
    return MN_SHAPE(s->batch);
}

/* --- ops --- */

static const bool *every_third(mn_var *x)
{
    static bool *keep;
    const int64_t count = mn_shape_count(mn_shape_of(x));
    keep = realloc(keep, (size_t)count * sizeof *keep);
    for (int64_t i = 0; keep != NULL && i < count; i++)
        keep[i] = i % 3 > 0;
    return keep;
}

#define OPS(X)                                                                                     \
    X(permute, heads, none, none, mn_permute(x[0], (int[]){0, 2, 1, 3}))                           \
    X(broadcast_add, rows, row, none, mn_broadcast_add(x[0], x[1]))                                \
    X(broadcast_mul, rows, row, none, mn_broadcast_mul(x[0], x[1]))                                \
    X(sum_axis, rows, none, none, mn_sum_axis(x[0], 1))                                            \
    X(mean_axis, rows, none, none, mn_mean_axis(x[0], 2))                                          \
    X(variance_axis, rows, none, none, mn_variance_axis(x[0], 2, true))                            \
    X(slice, rows, none, none, mn_slice(x[0], 1, 1, mn_shape_of(x[0]).size[1] - 1))                \
    X(concat, rows, rows, none, mn_concat(x, 2, 1))                                                \
    X(linear, matrix, weight, none, mn_linear(x[0], x[1], NULL))                                   \
    X(batched_matmul, queries, queries, none, mn_batched_matmul(x[0], x[1], false, true))          \
    X(softmax, likeness, none, none, mn_softmax(x[0]))                                             \
    X(log_softmax, likeness, none, none, mn_log_softmax(x[0]))                                     \
    X(layer_norm, rows, row, row, mn_layer_norm(x[0], x[1], x[2], 1e-6))                           \
    X(gelu, rows, none, none, mn_gelu(x[0]))                                                       \
    X(gelu_tanh, rows, none, none, mn_gelu_tanh(x[0]))                                             \
    X(row_norm, rows, none, none, mn_row_norm(x[0]))                                               \
    X(row_argmax, matrix, none, none, mn_row_argmax(x[0]))                                         \
    X(mask_elements, matrix, none, none, mn_mask_elements(x[0], every_third(x[0]), 0))             \
    X(dropout, rows, none, none, mn_dropout(x[0], 0.1, mn_key_of(1, "dropped")))                   \
    X(upsample_nearest, maps, none, none, mn_upsample_nearest(x[0], 28, 28))                       \
    X(warp, images, affine, none, mn_warp(x[0], x[1]))                                             \
    X(warp_zeros, images, affine, none, mn_warp_zeros(x[0], x[1]))                                 \
    X(brightness, images, one_each, none, mn_brightness(x[0], x[1]))                               \
    X(saturation, images, one_each, none, mn_saturation(x[0], x[1]))                               \
    X(contrast, images, one_each, none, mn_contrast(x[0], x[1]))                                   \
    X(shift_images, images, none, none, mn_shift_images(x[0], (int64_t[]){3, -2}, 1))              \
    X(cutout, images, none, none, mn_cutout(x[0], (int64_t[]){5, 7}, 1, 16))                       \
    X(normalise_images, images, none, none,                                                        \
      mn_normalise_images(x[0], (float[]){0.5F, 0.4F, 0.3F}, (float[]){0.2F, 0.3F, 0.4F}))

#define X(id, first, second, third, expression)                                                    \
    static mn_var *apply_##id(mn_var *const *x)                                                    \
    {                                                                                              \
        return expression;                                                                         \
    }
OPS(X)
#undef X

typedef struct case_of {
    const char *name;
    mn_shape (*shape[INPUTS])(const size *s);
    mn_var *(*apply)(mn_var *const *x);
} case_of;

static const case_of cases[] = {
#define X(id, first, second, third, expression) {#id, {first, second, third}, apply_##id},
    OPS(X)
#undef X
};

/* --- measuring --- */

/* A scalar whose gradient is given: what comes back to the op, as PyTorch's backward(upstream). */
static mn_status upstream_shape(mn_node *node, mn_shape *out)
{
    (void)node;
    *out = MN_SCALAR;
    return MN_OK;
}

static mn_status upstream_forward(mn_node *node)
{
    return mn_tensor_fill(mn_node_output(node), 0);
}

static mn_status upstream_backward(mn_node *node)
{
    bool add;
    float *to = mn_node_sink(node, 0, &add);
    mn_kernel_axpby(mn_tensor_count(mn_node_input(node, 0)), 1,
                    *(const float *const *)mn_node_attributes(node), 0, to);
    return MN_OK;
}

static const mn_op op_upstream = {"upstream", sizeof(const float *), upstream_shape,
                                  upstream_forward, upstream_backward};

typedef struct work {
    const case_of *of;
    mn_tensor *value[INPUTS], *gradient[INPUTS];
    int inputs;
    float *upstream;
    mn_tape *tape;
    mn_profile profile;
} work;

static float *numbers_of(int64_t count)
{
    float *numbers = malloc((size_t)count * sizeof *numbers);
    for (int64_t i = 0; numbers != NULL && i < count; i++)
        numbers[i] = (float)mn_random_normal(mn_key_of(1, "operand"), (uint64_t)i);
    return numbers;
}

static mn_status prepare(work *w, const size *s)
{
    for (; w->inputs < INPUTS; w->inputs++) {
        const mn_shape shape = w->of->shape[w->inputs](s);
        if (shape.rank < 0)
            break;
        MN_TRY(mn_tensor_new(MN_F32, shape, &w->value[w->inputs]));
        MN_TRY(mn_tensor_new(MN_F32, shape, &w->gradient[w->inputs]));
        float *numbers = numbers_of(mn_shape_count(shape));
        if (numbers == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for an operand");
        MN_TRY(mn_tensor_write(w->value[w->inputs], numbers, mn_tensor_bytes(w->value[w->inputs])));
        free(numbers);
    }
    return mn_tape_new(&w->tape);
}

static mn_status step(work *w)
{
    mn_var *x[INPUTS];
    mn_tape_reset(w->tape);
    for (int i = 0; i < w->inputs; i++)
        x[i] = mn_leaf(w->tape, w->value[i], w->gradient[i]);
    mn_var *y = w->of->apply(x);
    if (w->upstream == NULL && mn_tape_status(w->tape) == MN_OK)
        w->upstream = numbers_of(mn_shape_count(mn_shape_of(y)));
    return mn_backward(mn_apply(&op_upstream, &y, 1, &w->upstream));
}

/* What the op, or those that it is made of, took in the last step. */
static void read_profile(const work *w, double *forward, double *backward)
{
    *forward = *backward = 0;
    for (int i = 0; i < w->profile.count; i++)
        if (strcmp(w->profile.rows[i].op, op_upstream.name) != 0) {
            *forward += w->profile.rows[i].forward_seconds;
            *backward += w->profile.rows[i].backward_seconds;
        }
}

static void measure(work *w, const size *s, int64_t steps)
{
    static double forward[MOST_STEPS], backward[MOST_STEPS];
    mn_tape_profile(w->tape, &w->profile);
    for (int64_t n = -WARM_UP; n < steps; n++) {
        mn_profile_clear(&w->profile);
        mn_bench_demand(step(w));
        if (n >= 0)
            read_profile(w, &forward[n], &backward[n]);
    }
    qsort(forward, (size_t)steps, sizeof *forward, mn_bench_ascending);
    qsort(backward, (size_t)steps, sizeof *backward, mn_bench_ascending);
    printf("{\"op\": \"%s\", \"size\": \"%s\", \"forward_ms\": %.4f, \"backward_ms\": %.4f}\n",
           w->of->name, s->name, 1e3 * forward[steps / 2], 1e3 * backward[steps / 2]);
}

static void release(work *w)
{
    for (int i = 0; i < w->inputs; i++) {
        mn_tensor_free(w->value[i]);
        mn_tensor_free(w->gradient[i]);
    }
    free(w->upstream);
    mn_profile_free(&w->profile);
    mn_tape_free(w->tape);
}

static bool is_named(const char *op, char *const *names)
{
    for (char *const *name = names; *name != NULL; name++)
        if (strcmp(*name, op) == 0)
            return true;
    return names[0] == NULL;
}

int main(int argc, char **argv)
{
    const int64_t steps = argc >= 3 ? atoi(argv[2]) : 0;
    if (steps < 1 || steps > MOST_STEPS) {
        fprintf(stderr, "usage: bench_ops THREADS STEPS [OP...]\n");
        return 2;
    }
    omp_set_num_threads(atoi(argv[1]));
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && is_named(cases[c].name, argv + 3);
             i++) {
            work w = {.of = &cases[c]};
            mn_bench_demand(prepare(&w, &sizes[i]));
            measure(&w, &sizes[i], steps);
            release(&w);
        }
    return 0;
}
