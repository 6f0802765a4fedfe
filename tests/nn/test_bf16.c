/* Precision bf16: near f32 in every op that meets it, and refused where it makes no sense. */
#include "autograd/node.h"
#include "tensor/cpu/bfloat16.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/image_ops.h>
#include <mneme/losses.h>
#include <mneme/network.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16, PIXELS = 3 * 32 * 32 };

static float images[BATCH * PIXELS];
static int32_t labels[BATCH];

static bool impossible(void)
{
    return mn_kernels_precision(MN_BF16) != MN_OK;
}

static mn_tape *tape_in(mn_dtype precision)
{
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    ck_assert_ok(mn_tape_precision(tape, precision));
    return tape;
}

static void draw_batch(void)
{
    for (int i = 0; i < BATCH * PIXELS; i++)
        images[i] = (float)mn_random_normal(mn_key_of(3, "pixels"), (uint64_t)i);
    for (int i = 0; i < BATCH; i++)
        labels[i] = i % 10;
}

START_TEST(numbers_are_rounded_to_the_nearest_and_back)
{
    const float x[] = {1,
                       -2.5f,
                       1 + 1 / 256.f,
                       1 + 3 / 256.f,
                       3e38f,
                       INFINITY,
                       -INFINITY,
                       0,
                       1 + 1 / 300.f,
                       1e-30f,
                       -0.f,
                       7,
                       8,
                       9,
                       10,
                       11,
                       1 + 1 / 256.f,
                       NAN};
    const float y[] = {1, -2.5f, 1, 1 + 4 / 256.f, 2.9976e38f, INFINITY, -INFINITY, 0, 1, 1e-30f};
    enum { COUNT = sizeof x / sizeof *x };
    uint16_t narrow[COUNT];
    float back[COUNT];
    mn_bf16_narrow(COUNT, x, narrow);
    mn_bf16_widen(COUNT, narrow, back);
    for (size_t i = 0; i < sizeof y / sizeof *y; i++)
        ck_assert_msg(back[i] == y[i] || fabsf(back[i] / y[i] - 1) < 4e-3f, "%g became %g",
                      (double)x[i], (double)back[i]);
    ck_assert(back[2] == 1 && back[16] == 1 && back[3] == 1 + 4 / 256.f && back[8] == 1);
    ck_assert(isnan(back[COUNT - 1]));
    mn_bf16_accumulate(COUNT, narrow, narrow);
    mn_bf16_widen(COUNT, narrow, back);
    ck_assert(back[0] == 2 && back[1] == -5 && back[16] == 2);
}
END_TEST

/* The gradients of a step, in the order of the slab. */
static float *gradients_in(mn_dtype precision, const char *type, mn_network **network)
{
    const mn_network_spec spec = {type, NULL, MN_SHAPE(3, 32, 32), 10};
    mn_tape *tape = tape_in(precision);
    ck_assert_ok(mn_network_new(&spec, mn_key_of(4, "weights"), network));
    mn_var *x = mn_input(tape, MN_SHAPE(BATCH, 3, 32, 32), images, false);
    mn_var *logits = mn_network_forward(*network, x, MN_TRAIN).logits;
    ck_assert_ok(mn_backward(mn_cross_entropy(logits, labels)));
    const mn_tensor *slab = mn_network_gradients(*network);
    float *gradients = malloc(mn_tensor_bytes(slab));
    ck_assert_ptr_nonnull(gradients);
    ck_assert_ok(mn_tensor_read(slab, gradients, mn_tensor_bytes(slab)));
    mn_tape_free(tape);
    return gradients;
}

static double cosine(const float *a, const float *b, int64_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return aa == 0 && bb == 0 ? 1 : ab / sqrt(aa * bb);
}

/* ReLUs near zero fall to the other side, and the more of them the deeper the network: PyTorch's
 * bf16 has cosines of 0.89 to 0.99 for the first of these with its first weights, too. */
START_TEST(gradients_of_whole_networks_point_where_those_of_f32_do)
{
    static const char *const types[] = {"resnet18-reduced", "convnet"};
    mn_network *network, *other;
    if (impossible())
        return;
    draw_batch();
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        float *exact = gradients_in(MN_F32, types[t], &network);
        float *found = gradients_in(MN_BF16, types[t], &other);
        bool differs = false;
        const float *slab = mn_tensor_floats(mn_network_gradients(other));
        for (int i = 0; i < mn_network_parameter_count(other); i++) {
            const mn_parameter *p = mn_network_parameter(other, i);
            const int64_t at = mn_tensor_floats(p->gradient) - slab;
            const int64_t count = mn_tensor_count(p->gradient);
            const double c = cosine(exact + at, found + at, count);
            ck_assert_msg(p->kind != MN_WEIGHT || c >= 0.85, "%s, %s: cosine %.5f", types[t],
                          p->name, c);
            differs |= memcmp(exact + at, found + at, (size_t)count * sizeof(float)) != 0;
        }
        ck_assert_msg(differs, "%s was not computed in bf16", types[t]);
        free(exact);
        free(found);
        mn_network_free(network);
        mn_network_free(other);
    }
}
END_TEST

/* A layer of ResNet-18: a convolution with its norm. */
typedef struct layer {
    int64_t inputs, outputs, pixels, kernel, stride;
} layer;

enum { X, WEIGHT, SCALE, SHIFT, INPUTS, MOST = 1 << 17 };

static void layer_gradients(const layer *l, mn_dtype precision, float *gradient[INPUTS])
{
    static float weight[MOST], upstream[MOST];
    mn_tape *tape = tape_in(precision);
    for (int i = 0; i < MOST; i++) {
        weight[i] = (float)mn_random_normal(mn_key_of(5, "weight"), (uint64_t)i) / 13;
        upstream[i] = (float)mn_random_normal(mn_key_of(5, "upstream"), (uint64_t)i);
    }
    mn_var *of[INPUTS] = {
        mn_input(tape, MN_SHAPE(2, l->inputs, l->pixels, l->pixels), images, true),
        mn_input(tape, MN_SHAPE(l->outputs, l->inputs, l->kernel, l->kernel), weight, true),
        mn_input(tape, MN_SHAPE(l->outputs), upstream, true),
        mn_input(tape, MN_SHAPE(l->outputs), weight, true)};
    mn_var *y = mn_conv2d(of[X], of[WEIGHT], NULL, l->stride, l->kernel / 2, 1);
    y = mn_batch_norm_2d(y, of[SCALE], of[SHIFT], NULL, NULL, MN_NORM_BATCH, 0.1, 1e-5);
    ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s", mn_tape_error(tape));
    mn_var *loss = mn_sum(mn_mul(y, mn_input(tape, mn_shape_of(y), upstream, false)));
    for (int i = 0; i < INPUTS; i++) {
        mn_var *g = mn_gradient_of(loss, of[i]);
        ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s", mn_tape_error(tape));
        memcpy(gradient[i], mn_host(g), sizeof(float) * (size_t)mn_shape_count(mn_shape_of(g)));
    }
    mn_tape_free(tape);
}

START_TEST(each_layers_gradients_are_those_of_f32)
{
    static const layer layers[] = {{3, 20, 32, 3, 1},  {20, 20, 32, 3, 1}, {20, 40, 32, 3, 2},
                                   {20, 40, 32, 1, 2}, {40, 40, 16, 3, 1}, {80, 160, 8, 3, 2},
                                   {64, 64, 16, 3, 1}, {64, 128, 16, 3, 2}};
    static float exact[INPUTS][MOST], found[INPUTS][MOST];
    if (impossible())
        return;
    draw_batch();
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const layer *l = &layers[i];
        const int64_t counts[INPUTS] = {2 * l->inputs * l->pixels * l->pixels,
                                        l->inputs * l->outputs * l->kernel * l->kernel, l->outputs,
                                        l->outputs};
        layer_gradients(l, MN_F32, (float *[]){exact[0], exact[1], exact[2], exact[3]});
        layer_gradients(l, MN_BF16, (float *[]){found[0], found[1], found[2], found[3]});
        for (int k = 0; k < INPUTS; k++) {
            const double c = cosine(exact[k], found[k], counts[k]);
            ck_assert_msg(c >= 0.999, "layer %zu, gradient %d: cosine %.5f", i, k, c);
        }
    }
}
END_TEST

/* sum of squares of f(conv(x)), and its gradient by x */
static double through(mn_dtype precision, mn_var *(*f)(mn_var *), float *dx, size_t bytes)
{
    static float weight[24 * 20 * 9];
    mn_tape *tape = tape_in(precision);
    for (size_t i = 0; i < sizeof weight / sizeof *weight; i++)
        weight[i] = (float)mn_random_normal(mn_key_of(5, "weight"), i) / 13;
    mn_var *x = mn_input(tape, MN_SHAPE(4, 20, 8, 8), images, true);
    mn_var *w = mn_input(tape, MN_SHAPE(24, 20, 3, 3), weight, false);
    mn_var *loss = mn_mean(mn_square(f(mn_conv2d(x, w, NULL, 1, 1, 1))));
    mn_var *gradient = mn_gradient_of(loss, x);
    ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s", mn_tape_error(tape));
    memcpy(dx, mn_host(gradient), bytes);
    const double value = mn_item(loss);
    mn_tape_free(tape);
    return value;
}

static mn_var *alone(mn_var *x)
{
    return x;
}
static mn_var *twice(mn_var *x)
{
    return mn_add(mn_mul(x, x), mn_detach(x));
}
static mn_var *rectified(mn_var *x)
{
    return mn_add_relu(mn_relu(x), mn_scale(x, 0.5));
}
static mn_var *pooled(mn_var *x)
{
    return mn_add(mn_max_pool_2d(x, 2, 2, 0), mn_average_pool_2d(x, 2, 2, 0));
}
static mn_var *averaged(mn_var *x)
{
    return mn_global_average_pool(mn_instance_norm_2d(mn_exp(x), NULL, NULL, 1e-5));
}
static mn_var *flattened(mn_var *x)
{
    return mn_columns(mn_reshape(x, MN_SHAPE(4, 24 * 64)), 5, 700);
}

START_TEST(every_op_takes_what_a_convolution_made)
{
    enum { COUNT = 4 * 20 * 64 };
    static float exact[COUNT], found[COUNT];
    mn_var *(*const functions[])(mn_var *) = {alone, twice, rectified, pooled, averaged, flattened};
    if (impossible())
        return;
    draw_batch();
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const double a = through(MN_F32, functions[i], exact, sizeof exact);
        const double b = through(MN_BF16, functions[i], found, sizeof found);
        ck_assert_msg(fabs(a - b) < 1e-2 * fabs(a) + 1e-6, "function %zu: %g and %g", i, a, b);
        const double c = cosine(exact, found, COUNT);
        ck_assert_msg(i == 4 || c > 0.998, "function %zu: cosine %g", i, c);
    }
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    mn_tape *tape = tape_in(MN_F32);
    ck_assert_fails(mn_tape_precision(tape, MN_U8), MN_UNSUPPORTED, "use f32 or bf16");
    if (impossible())
        ck_assert_fails(mn_tape_precision(tape, MN_BF16), MN_UNSUPPORTED, "AVX512_BF16");
    mn_tape_free(tape);
}
END_TEST

MN_SUITE("bf16", numbers_are_rounded_to_the_nearest_and_back,
         each_layers_gradients_are_those_of_f32,
         gradients_of_whole_networks_point_where_those_of_f32_do,
         every_op_takes_what_a_convolution_made, what_cannot_be_is_refused)
