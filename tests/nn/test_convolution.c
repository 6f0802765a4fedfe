/* Convolutions of drawn shapes in every layout, against the definition. */
#include "autograd/layout.h"
#include "tensor/cpu/primitive.h"
#include "tensor/image_kernels.h"
#include "tensor/kernels.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/image_ops.h>
#include <mneme/ops.h>
#include <mneme/random.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1 << 17 };

typedef struct drawn {
    int64_t batch, inputs, outputs, height, width, kernel_height, kernel_width;
    mn_conv_geometry g;
    dnnl_format_tag_t tag;
    bool bias;
} drawn;

static float x[MOST], w[MOST], b[MOST], dy[MOST];
static double y[MOST], dx[MOST], dw[MOST];

static int64_t between(mn_key key, uint64_t i, int64_t least, int64_t most)
{
    return least + (int64_t)(mn_random_uniform(key, i) * (double)(most - least + 1));
}

static drawn draw(mn_key key)
{
    static const dnnl_format_tag_t tags[] = {dnnl_nchw, dnnl_nhwc, dnnl_nChw16c, dnnl_nChw8c};
    static const int64_t widths[] = {1, 3, 4, 7, 16, 20, 32, 40};
    drawn d = {.batch = between(key, 0, 1, 4),
               .inputs = widths[between(key, 1, 0, 7)],
               .outputs = widths[between(key, 2, 0, 7)],
               .height = between(key, 3, 3, 9),
               .width = between(key, 4, 3, 9),
               .kernel_height = between(key, 5, 1, 3),
               .kernel_width = between(key, 6, 1, 3),
               .tag = tags[between(key, 7, 0, 3)],
               .bias = between(key, 8, 0, 1) == 1};
    d.g = (mn_conv_geometry){between(key, 9, 1, 2), between(key, 10, 0, 1), 1};
    if (d.inputs == d.outputs && between(key, 11, 0, 2) == 0)
        d.g.groups = d.inputs;
    if (between(key, 12, 0, 1) == 0)
        d.kernel_width = d.kernel_height;
    return d;
}

static int64_t size_out(int64_t size, int64_t kernel, mn_conv_geometry g)
{
    return (size + 2 * g.padding - kernel) / g.stride + 1;
}

/* y = x * w + b, dx and dw of <dy, y>, in double, by the definition. */
static void define(const drawn *d)
{
    const int64_t h = size_out(d->height, d->kernel_height, d->g);
    const int64_t v = size_out(d->width, d->kernel_width, d->g);
    const int64_t in_group = d->inputs / d->g.groups, out_group = d->outputs / d->g.groups;
    memset(dx, 0, sizeof dx);
    memset(dw, 0, sizeof dw);
    for (int64_t n = 0; n < d->batch; n++)
        for (int64_t o = 0; o < d->outputs; o++)
            for (int64_t i = 0; i < h; i++)
                for (int64_t j = 0; j < v; j++) {
                    const int64_t to = ((n * d->outputs + o) * h + i) * v + j;
                    y[to] = d->bias ? (double)b[o] : 0;
                    for (int64_t c = 0; c < in_group; c++)
                        for (int64_t k = 0; k < d->kernel_height; k++)
                            for (int64_t l = 0; l < d->kernel_width; l++) {
                                const int64_t row = i * d->g.stride + k - d->g.padding;
                                const int64_t column = j * d->g.stride + l - d->g.padding;
                                if (row < 0 || row >= d->height || column < 0 || column >= d->width)
                                    continue;
                                const int64_t channel = o / out_group * in_group + c;
                                const int64_t from =
                                    ((n * d->inputs + channel) * d->height + row) * d->width +
                                    column;
                                const int64_t at =
                                    ((o * in_group + c) * d->kernel_height + k) * d->kernel_width +
                                    l;
                                y[to] += (double)x[from] * (double)w[at];
                                dx[from] += (double)dy[to] * (double)w[at];
                                dw[at] += (double)dy[to] * (double)x[from];
                            }
                }
}

static void expect_near(const char *what, const drawn *d, const float *found,
                        const double *expected, int64_t count)
{
    double largest = 1e-3, error = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(expected[i]));
        error = fmax(error, fabs((double)found[i] - expected[i]));
    }
    ck_assert_msg(error <= 1e-5 * largest,
                  "%s is %g off, (%d,%d,%d,%d) to %d channels, kernel %d x %d, stride %d, padding "
                  "%d, %d groups, layout %d",
                  what, error / largest, (int)d->batch, (int)d->inputs, (int)d->height,
                  (int)d->width, (int)d->outputs, (int)d->kernel_height, (int)d->kernel_width,
                  (int)d->g.stride, (int)d->g.padding, (int)d->g.groups, (int)d->tag);
}

static void fill(float *values, mn_key key)
{
    for (uint64_t i = 0; i < MOST; i++)
        values[i] = (float)(2 * mn_random_uniform(key, i) - 1);
}

static mn_var *in_tag(mn_var *plain, dnnl_format_tag_t tag)
{
    const mn_layout *layout;
    ck_assert_ok(mn_layout_with_tag(mn_shape_of(plain), MN_F32, tag, &layout));
    return mn_in_layout(plain, mn_layout_opaque(layout));
}

static void compare(const drawn *d, mn_tape *tape)
{
    const mn_shape of_w =
        MN_SHAPE(d->outputs, d->inputs / d->g.groups, d->kernel_height, d->kernel_width);
    mn_var *images = mn_input(tape, MN_SHAPE(d->batch, d->inputs, d->height, d->width), x, true);
    mn_var *weight = mn_input(tape, of_w, w, true);
    mn_var *bias = d->bias ? mn_input(tape, MN_SHAPE(d->outputs), b, false) : NULL;
    mn_var *out =
        mn_conv2d(in_tag(images, d->tag), weight, bias, d->g.stride, d->g.padding, d->g.groups);
    ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s", mn_tape_error(tape));
    mn_var *upstream = mn_input(tape, mn_shape_of(out), dy, false);
    mn_var *loss = mn_sum(mn_mul(out, upstream));
    mn_var *of_x = mn_gradient_of(loss, images), *of_weight = mn_gradient_of(loss, weight);
    ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s", mn_tape_error(tape));
    expect_near("the output", d, mn_host(out), y, mn_shape_count(mn_shape_of(out)));
    expect_near("the input's gradient", d, mn_host(of_x), dx, mn_shape_count(mn_shape_of(of_x)));
    expect_near("the weight's gradient", d, mn_host(of_weight), dw, mn_shape_count(of_w));
}

START_TEST(convolutions_are_what_their_definition_says)
{
    mn_tape *tape;
    const mn_key key = mn_key_of(5, "convolutions");
    ck_assert_ok(mn_tape_new(&tape));
    fill(x, mn_key_at(key, 1));
    fill(w, mn_key_at(key, 2));
    fill(b, mn_key_at(key, 3));
    fill(dy, mn_key_at(key, 4));
    for (uint64_t i = 0; i < 500; i++) {
        const drawn d = draw(mn_key_at(key, 100 + i));
        define(&d);
        mn_tape_reset(tape);
        compare(&d, tape);
    }
    mn_tape_free(tape);
}
END_TEST

static void note_winograd(const char *name, void *closure)
{
    *(bool *)closure |= strstr(name, "wino") != NULL;
}

START_TEST(winograd_convolutions_are_what_their_definition_says)
{
    static const drawn shapes[] = {
        {8, 40, 32, 9, 8, 3, 3, {1, 1, 1}, dnnl_nhwc, false},
        {8, 32, 40, 8, 7, 3, 3, {1, 1, 1}, dnnl_nChw16c, true},
        {32, 48, 48, 4, 4, 3, 3, {1, 1, 1}, dnnl_nchw, false},
        {10, 64, 33, 9, 9, 3, 3, {1, 0, 1}, dnnl_nChw16c, false},
    };
    mn_tape *tape;
    const mn_key key = mn_key_of(6, "convolutions");
    ck_assert_ok(mn_tape_new(&tape));
    fill(x, mn_key_at(key, 1));
    fill(w, mn_key_at(key, 2));
    fill(b, mn_key_at(key, 3));
    fill(dy, mn_key_at(key, 4));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        define(&shapes[i]);
        mn_tape_reset(tape);
        compare(&shapes[i], tape);
    }
    mn_tape_free(tape);
    bool used = false;
    mn_primitive_each(note_winograd, &used);
    const bool possible =
        DNNL_VERSION_MAJOR < 3 &&
        strncmp(mn_kernels_onednn_instruction_set(), "avx512_core", strlen("avx512_core")) == 0;
    ck_assert_msg(used || !possible, "Winograd's algorithm was not used");
}
END_TEST

MN_SUITE("convolution", convolutions_are_what_their_definition_says,
         winograd_convolutions_are_what_their_definition_says)
